"""Settings: frozen dataclasses whose fields carry their documentation, read from ``triplette.toml``.

A field is declared with ``setting(default, doc)``; ``template`` turns the declarations into the commented file that
``synth init`` writes, so the file cannot go stale. Unknown names and values out of range are refused
with the line's section and the cure.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    refuse_unknown(values, list(known), where)
    made = {name: checked(known[name], hints[name], value, where) for name, value in values.items()}
    return cls(**made)


def refuse_unknown(names: Iterable[str], known: Sequence[str], where: str) -> None:
    """Raise SettingError for the first of ``names`` that is not ``known``, with the nearest one that is."""
    unknown = sorted(set(names) - set(known))
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, 1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise SettingError(
            f"unknown setting {', '.join(unknown)}{meant}", where=where, cure=f"the settings here are {', '.join(known)}"
        )


def checked(field: dataclasses.Field[Any], hint: Any, value: Any, where: str, *, flag: bool = False) -> Any:
    """``value`` as the field holds it. Raises SettingError; ``where`` is the section, or with ``flag`` the whole name of a flag."""
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


def likeness(one: str, other: str) -> float:
    """How much two names look alike, 0..1."""
    return difflib.SequenceMatcher(None, one, other).ratio()


def _cure(field: dataclasses.Field[Any]) -> str:
    return f"{field.metadata.get('doc', field.name)} (default {field.default!r})"


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
        "",
        "# Who asks, which kinds of question, which words: a profile's name or file. Not set: a neutral one, in the",
        "# documents' language. docs/profiles.md.",
        '# profile = "fr"',
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
