"""Settings: frozen dataclasses whose fields carry their documentation, read from ``triplette.toml``.

A field is declared with ``setting(default, doc)``; ``template`` turns the declarations into the commented file that
``synth init`` writes, so the file cannot go stale. Unknown names and values out of range are refused
with the line's section and the cure.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from triplette.errors import SettingError

S = TypeVar("S")
FILE_NAME = "triplette.toml"


def setting(
    default: Any,
    doc: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[Any, ...] | None = None,
) -> Any:
    """A dataclass field with its documentation, inclusive range and choices."""
    return dataclasses.field(default=default, metadata={"doc": doc, "low": low, "high": high, "choices": choices})


def build(cls: type[S], values: Mapping[str, Any], *, where: str) -> S:
    """An instance of settings class ``cls`` from plain values. Raises SettingError naming field, value and cure."""
    hints = typing.get_type_hints(cls)
    known = {f.name: f for f in dataclasses.fields(typing.cast("Any", cls))}
    unknown = sorted(set(values) - set(known))
    if unknown:
        near = max(known, key=lambda name: _likeness(unknown[0], name))
        cure = f"did you mean {near}? The settings here are {', '.join(known)}"
        raise SettingError(f"unknown setting {', '.join(unknown)}", where=where, cure=cure)
    checked = {name: _checked(known[name], hints[name], value, where) for name, value in values.items()}
    return cls(**checked)


def _checked(field: dataclasses.Field[Any], hint: Any, value: Any, where: str, *, flag: bool = False) -> Any:
    kind = hint
    if isinstance(hint, types.UnionType):
        kind = next(arg for arg in typing.get_args(hint) if arg is not type(None))
    place = where if flag else f"{where}.{field.name}"
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, (list, tuple)):
            raise SettingError(f"{value!r} is not a list", where=place, cure=_cure(field))
        inner = typing.get_args(kind)[0]
        return tuple(_scalar(field, inner, item, place) for item in value)
    return _scalar(field, kind, value, place)


def _scalar(field: dataclasses.Field[Any], kind: Any, value: Any, place: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise SettingError(f"{value!r} is not of type {kind.__name__}", where=place, cure=_cure(field))
    low, high, choices = (field.metadata.get(key) for key in ("low", "high", "choices"))
    if choices is not None and value not in choices:
        raise SettingError(f"{value!r} is not one of {', '.join(map(str, choices))}", where=place, cure=_cure(field))
    # written so that NaN fails
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        raise SettingError(f"{value} is outside {low} to {high}", where=place, cure=_cure(field))
    return value


def _cure(field: dataclasses.Field[Any]) -> str:
    return f"{field.metadata.get('doc', field.name)} (default {field.default!r})"


def read_file(path: Path | None) -> dict[str, Any]:
    """The sections of ``path``, else of ./triplette.toml if it exists, else nothing. Raises SettingError, also for unknown sections."""
    chosen = path or Path(FILE_NAME)
    if not chosen.exists():
        if path is not None:
            raise SettingError("no such file", where=str(path), cure="`synth init` writes one")
        return {}
    try:
        content = tomllib.loads(chosen.read_text(encoding="utf-8-sig"))
    except IsADirectoryError:
        raise SettingError("this is a folder, not a settings file", where=str(chosen), cure="give a file: --config FILE") from None
    except OSError as error:
        raise SettingError(f"cannot be read ({error.strerror})", where=str(chosen), cure="give a file that can be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingError(f"not TOML: {error}", where=str(chosen), cure="`synth init` shows the form") from None
    _refuse_unknown(content, str(chosen))
    return content


def _refuse_unknown(content: Mapping[str, Any], where: str) -> None:
    """Raise SettingError for a section or key that no settings class has: a misspelt name must not be a setting without effect."""
    from triplette.settings.catalogue import SECTIONS  # it imports every settings class, and each of them imports this page

    parents = {name.rsplit(".", depth)[0] for name in SECTIONS for depth in range(name.count(".") + 1)}

    def look(table: Mapping[str, Any], place: str) -> None:
        fields = {f.name for f in dataclasses.fields(SECTIONS[place])} if place in SECTIONS else set()
        for key, value in table.items():
            name = f"{place}.{key}" if place else key
            if key in fields or (not isinstance(value, dict) and place in SECTIONS):
                continue  # the section's own class checks its keys
            if not isinstance(value, dict):
                raise SettingError(f"{key!r} stands in no section that takes settings", where=where, cure=_nearest_key(key, SECTIONS))
            if name not in parents:
                raise SettingError(f"there is no section [{name}]", where=where, cure=_nearest(name, sorted(parents)))
            look(value, name)

    look(content, "")


def _nearest(name: str, known: Sequence[str]) -> str:
    """The section that ``name`` was probably meant to be, and where all of them are listed."""
    best = max(known, key=lambda other: (other.rsplit(".", 1)[-1] == name.rsplit(".", 1)[-1]) + _likeness(name, other))
    return f"did you mean [{best}]? `synth init` writes every section"


def _likeness(one: str, other: str) -> float:
    import difflib

    return difflib.SequenceMatcher(None, one, other).ratio()


def _nearest_key(key: str, sections: Mapping[str, type[Any]]) -> str:
    """The sections that have this key, or one much like it."""
    having = [(section, f.name) for section, cls in sections.items() for f in dataclasses.fields(cls)]
    section, name = max(having, key=lambda pair: _likeness(key, pair[1]))
    return f"did you mean {name} in [{section}]? A key stands under the [section] that it belongs to; `synth init` writes them all"


def load_section(cls: type[S], section: str, config: Path | None = None, **overrides: Any) -> S:
    """Settings of ``section`` (``synth.chunk`` is ``[synth.chunk]``), overridden by the non-None keyword values."""
    content: Any = read_file(config)
    for part in section.split("."):
        content = content.get(part, {}) if isinstance(content, dict) else {}
    if not isinstance(content, dict):
        raise SettingError(f"[{section}] is not a table", where=str(config or FILE_NAME), cure="`synth init` shows the form")
    names = {f.name for f in dataclasses.fields(typing.cast("Any", cls))}
    # a sub-table such as [train.evaluate] inside [train] belongs to another settings class, and read_file knows it
    values = {key: value for key, value in content.items() if not (isinstance(value, dict) and key not in names)}
    checked = build(cls, values, where=f"{config or FILE_NAME}[{section}]")
    given = {key: value for key, value in overrides.items() if value is not None}
    for key, value in given.items():
        field, hint = _field_of(cls, key)
        _checked(field, hint, value, f"--{key.replace('_', '-')}", flag=True)
    return dataclasses.replace(typing.cast("Any", checked), **build_values(cls, given))


def _field_of(cls: type[Any], name: str) -> tuple[dataclasses.Field[Any], Any]:
    return next(f for f in dataclasses.fields(cls) if f.name == name), typing.get_type_hints(cls)[name]


def build_values(cls: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` as the fields of ``cls`` hold them: lists as tuples, whole numbers as floats where the field is one."""
    return {name: _checked(*_field_of(cls, name), value, name) for name, value in values.items()}


def as_dict(settings: Any) -> dict[str, Any]:
    """Settings as plain values, tuples as lists: what the ledger keeps."""
    plain: Callable[[Any], Any] = lambda value: list(value) if isinstance(value, tuple) else value  # noqa: E731
    return {key: plain(value) for key, value in dataclasses.asdict(settings).items()}


def template(sections: Mapping[str, type[Any]]) -> str:
    """A commented TOML file of every section with its defaults."""
    import textwrap

    lines = [
        "# Settings of Triplette. Every value here is the default; delete what you do not change.",
        "# Keys and tokens never go here: they come from the environment.",
    ]
    for name, cls in sections.items():
        lines += ["", f"[{name}]"]
        for field in dataclasses.fields(cls):
            lines += textwrap.wrap(field.metadata["doc"], 96, initial_indent="# ", subsequent_indent="# ")
            text = _toml(field.default)
            lines.append(f"# {field.name} =" if text is None else f"{field.name} = {text}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) or "" for item in value) + "]"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
