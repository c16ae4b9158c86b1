"""``triplette.toml`` and flags to settings: every name is known or refused, with the nearest one that is."""

from __future__ import annotations

import dataclasses
import tomllib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from triplette.errors import SettingError
from triplette.settings.base import FILE_NAME, build, checked, likeness, refuse_unknown
from triplette.settings.catalogue import SECTIONS
from triplette.settings.llm import LlmSettings
from triplette.settings.train import PRESETS, Preset, TrainSettings, preset_of

S = TypeVar("S")
TOP_LEVEL = ("profile",)  # keys that stand in no section


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
    parents = {name.rsplit(".", depth)[0] for name in SECTIONS for depth in range(name.count(".") + 1)}

    def look(table: Mapping[str, Any], place: str) -> None:
        fields = {f.name for f in dataclasses.fields(SECTIONS[place])} if place in SECTIONS else set()
        for key, value in table.items():
            name = f"{place}.{key}" if place else key
            if not place and key in TOP_LEVEL:
                continue
            if not isinstance(value, dict) and name in parents:
                raise SettingError(f"[{name}] is not a table", where=where, cure="`synth init` shows the form")
            if not isinstance(value, dict) and (key in fields or place in SECTIONS):
                continue  # the section's own class checks its keys
            if not isinstance(value, dict):
                raise SettingError(f"{key!r} is in no section that takes settings", where=where, cure=_nearest_key(key, SECTIONS))
            if "." in key:  # ["synth.mine"] is one name with a point in it, and nobody reads it
                raise SettingError(f'[{place and place + "."}"{key}"] is in quotes', where=where, cure=f"write [{name}] without quotes")
            if name not in parents:
                raise SettingError(f"there is no section [{name}]", where=where, cure=_nearest(name, sorted(parents)))
            look(value, name)

    look(content, "")


def _nearest(name: str, known: Sequence[str]) -> str:
    """The section that ``name`` was probably meant to be, and where all of them are listed."""
    best = max(known, key=lambda other: (other.rsplit(".", 1)[-1] == name.rsplit(".", 1)[-1]) + likeness(name, other))
    return f"did you mean [{best}]? `synth init` writes every section"


def _nearest_key(key: str, sections: Mapping[str, type[Any]]) -> str:
    """The sections that have this key, or one much like it; the name without a section where that is nearest."""
    near = max(TOP_LEVEL, key=lambda name: likeness(key.lower(), name))
    having = [(section, f.name) for section, cls in sections.items() for f in dataclasses.fields(cls)]
    section, name = max(having, key=lambda pair: likeness(key, pair[1]))
    if likeness(key.lower(), near) > likeness(key, name):
        return f"did you mean {near}? It stands above every [section]"
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
    made = build(cls, values, where=f"{config or FILE_NAME}[{section}]")
    given = {key: value for key, value in overrides.items() if value is not None}
    refuse_unknown(given, sorted(names), section)
    for key, value in given.items():
        field, hint = _field_of(cls, key)
        checked(field, hint, value, f"--{key.replace('_', '-')}", flag=True)
    return dataclasses.replace(typing.cast("Any", made), **build_values(cls, given))


def _field_of(cls: type[Any], name: str) -> tuple[dataclasses.Field[Any], Any]:
    return next(f for f in dataclasses.fields(cls) if f.name == name), typing.get_type_hints(cls)[name]


def build_values(cls: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` as the fields of ``cls`` hold them: lists as tuples, whole numbers as floats where the field is one."""
    return {name: checked(*_field_of(cls, name), value, name) for name, value in values.items()}


def load_llm(
    section: str, config: Path | None, llm: str | None, base_url: str | None, prices: Path | None = None, batch: bool | None = None
) -> LlmSettings:
    """[synth.llm] or [curate.llm] with the flags over it. A price list that the file names is looked for beside that file."""
    settings = load_section(
        LlmSettings, section, config, model=llm, base_url=base_url, prices=str(prices) if prices else None, batch=batch
    )
    if prices is None and settings.prices:
        settings = dataclasses.replace(settings, prices=str((config or Path(FILE_NAME)).parent / settings.prices))
    return settings


def refuse_without_model(**flags: object) -> None:
    """Raise SettingError for a flag that speaks of a language model where the built-in rules write or judge."""
    given = [name for name, value in flags.items() if value]
    if given:
        raise SettingError(
            "the built-in rules ask no language model",
            where=f"--{given[0].replace('_', '-')}",
            cure="name one, --llm openai:MODEL, or leave it out",
        )


def load_training(config: Path | None, preset: str | None, seed: int | None, **overrides: Any) -> tuple[TrainSettings, Preset]:
    """The stage's settings and the chosen preset, the keywords' values over the file's: each goes to the one
    of the two that has it. Raises SettingError."""
    of_preset = {f.name for f in dataclasses.fields(Preset)}
    own = {f.name for f in dataclasses.fields(TrainSettings)} & set(overrides) - of_preset
    settings = load_section(TrainSettings, "train", config, preset=preset, seed=seed, **{name: overrides.pop(name) for name in own})
    chosen = load_section(PRESETS[settings.preset], f"train.presets.{settings.preset}", config, **overrides)
    return settings, preset_of(chosen)
