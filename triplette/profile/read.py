"""A profile from its file: every field checked, what it extends filled in, and a wrong name answered with the nearest right one."""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import triplette
from triplette.errors import SettingError
from triplette.profile.shape import PATTERN, TABLES, WORDS, Kind, Persona, Profile
from triplette.records import UNKNOWN
from triplette.settings.base import build

T = TypeVar("T")
FALLBACK = "en"  # the neutral profile of a language that has none of its own
NAME = re.compile(r"[^\W_][\w-]*\Z")
LANGUAGE = re.compile(r"[a-z]{2,3}\Z")
CURE = "docs/profiles.md lists the fields"


def folder() -> Path:
    """Where the profiles that come with Triplette are (``profiles/`` in a clone)."""
    return Path(triplette.__file__).parent / "profiles"


def profile_names() -> tuple[str, ...]:
    """The names of the profiles that come with Triplette."""
    return tuple(sorted(path.stem for path in folder().glob("*.toml")))


def load_profile(name: str, beside: Path | None = None) -> Profile:
    """The profile called ``name``, or in the file ``name`` (relative to the folder ``beside``, else to the working folder).

    Raises SettingError for a name that there is not, an unknown field, a value of another type and a pattern that is none.
    """
    path = _path(name, beside)
    return read_profile(path)


def neutral_profile(language: str) -> Profile:
    """The profile without a domain, in ``language``; the English one, asked in that language, where there is none of its own."""
    profile = load_profile(language if (folder() / f"{language}.toml").is_file() else FALLBACK)
    return profile if profile.language == language else replace(profile, language=language, name=f"{profile.name}-{language}")


def profile_in(profile: Profile, language: str) -> Profile:
    """``profile``, or in a mixed corpus the neutral one of a passage's ``language``; "" is the profile's own."""
    return profile if language in ("", profile.language) else neutral_profile(language)


def known_as(term: Kind | Persona, rows: Sequence[Kind] | Sequence[Persona]) -> str:
    """What a run's profile calls a kind or persona of another profile: the row that shares a name with it, told or ``also``, else ``unknown``."""
    names = {term.name, *term.also}
    return next((row.name for row in rows if names & {row.name, *row.also}), UNKNOWN)


@lru_cache(maxsize=32)
def _parsed(path: Path, _changed: int) -> Profile:
    content = _content(path, ())
    profile = _build(Profile, content, f"{path}")
    profile = profile if profile.name else replace(profile, name=path.stem)
    check_profile(profile, f"{path}")
    return profile


def read_profile(path: Path) -> Profile:
    """The profile of a file."""
    return _parsed(path, path.stat().st_mtime_ns)


def _path(name: str, beside: Path | None) -> Path:
    own = folder() / f"{name}.toml"
    if NAME.match(name) and own.is_file():
        return own
    path = Path(name) if beside is None or Path(name).is_absolute() else beside / name
    if path.is_file():
        return path
    known = profile_names()
    raise SettingError(
        f"there is no profile {name!r}",
        where="profile",
        cure=f"use one of {', '.join(known)}{_nearest(name, known)}, or the path of a file (`synth init --profile NAME` writes one)",
    )


def _content(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """The file's values over those of the profile that it extends."""
    try:
        own = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingError(f"not TOML: {error}", where=str(path), cure="`synth init --profile NAME` writes one to edit") from None
    base = own.pop("extends", None)
    if base is None:
        return own
    if not isinstance(base, str):
        raise SettingError(f"{base!r} is not a profile's name", where=f"{path}: extends", cure="give one name or path")
    above = _path(base, path.parent)
    if above in (path, *seen):
        raise SettingError(f"extends itself by way of {above.name}", where=str(path), cure="let it extend fr or en")
    content = _content(above, (*seen, path))
    content.pop("name", None)
    return _over(content, own)


def _over(base: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` over ``base``: tables field by field, lists and texts whole."""
    merged = dict(base)
    for key, value in own.items():
        below = merged.get(key)
        merged[key] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _build(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """An instance of a profile's dataclass from plain values, its tables built first."""
    known: dict[str, dataclasses.Field[Any]] = {f.name: f for f in dataclasses.fields(typing.cast("Any", cls))}
    hints = typing.get_type_hints(cls)
    for name in values:
        if name not in known:
            raise SettingError(f"unknown field {name!r}{_nearest(name, known)}", where=where, cure=CURE)
    plain: dict[str, Any] = {}
    nested: dict[str, Any] = {}
    for name, value in values.items():
        place, hint, form = f"{where}: {name}", hints[name], known[name].metadata.get("form", "")
        inner = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else None
        if dataclasses.is_dataclass(hint):
            nested[name] = _build(typing.cast("Any", hint), _table(value, place), place)
        elif dataclasses.is_dataclass(inner):
            rows = enumerate(_list(value, place), 1)
            nested[name] = tuple(_build(typing.cast("Any", inner), _table(row, f"{place} {n}"), f"{place} {n}") for n, row in rows)
        elif form == TABLES:
            nested[name] = tuple(_pair(row, place) for row in _list(value, place))
        else:
            plain[name] = value.split() if form == WORDS and isinstance(value, str) else value
            if form == PATTERN:
                _compiled(plain[name], place)
    return replace(typing.cast("Any", build(cls, plain, where=where)), **nested)


def _table(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise SettingError(f"{value!r} is not a table", where=place, cure=CURE)
    return value


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise SettingError(f"{value!r} is not a list", where=place, cure=CURE)
    return value


def _pair(row: Any, place: str) -> tuple[str, ...]:
    if not isinstance(row, list) or len(row) < 2 or not all(isinstance(part, str) for part in row):
        raise SettingError(
            f"{row!r} is not a pattern and what says the same", where=place, cure='such as ["\\\\bthe pool\\\\b", "the basin"]'
        )
    _compiled(row[0], place)
    return tuple(row)


def _compiled(value: Any, place: str) -> None:
    for text in [value] if isinstance(value, str) else value if isinstance(value, list) else []:
        try:
            re.compile(str(text))
        except re.error as error:
            raise SettingError(f"{text!r} is not a pattern: {error}", where=place, cure="escape what is meant literally") from None


# what terminals obey and pages hide: controls but tab and line end, and marks that turn the direction of writing
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def _plain_text(value: Any, where: str) -> None:
    """Raise SettingError for a text anywhere in ``value`` that holds what nobody sees."""
    if isinstance(value, str) and (found := _UNSEEN.search(value)):
        raise SettingError(f"holds the control character U+{ord(found.group()):04X}", where=where, cure="leave it out")
    if isinstance(value, tuple):
        for row in value:
            _plain_text(row, where)
    elif dataclasses.is_dataclass(value):
        for part in dataclasses.fields(value):
            _plain_text(getattr(value, part.name), f"{where}: {part.name}")


def check_profile(profile: Profile, where: str) -> None:
    """What the fields must be together, and that their texts are what they look like. Raises SettingError."""
    _plain_text(profile, where)
    if not LANGUAGE.match(profile.language):
        raise SettingError(
            f"{profile.language!r} is not a language", where=f"{where}: language", cure="give its code, such as fr or en"
        )
    for what, rows, sentence in (("personas", profile.personas, "who"), ("kinds", profile.kinds, "asks")):
        names = [row.name for row in rows]
        if not names:
            raise SettingError(f"has no {what}", where=where, cure=f"add [[{what}]], or extend fr or en")
        for row in rows:
            if not NAME.match(row.name) or row.name == UNKNOWN:
                raise SettingError(
                    f"{row.name!r} is not a name", where=f"{where}: {what}", cure="use one word of letters, digits and hyphens"
                )
            if not getattr(row, sentence).strip():
                raise SettingError(f"{row.name} lacks its sentence", where=f"{where}: {what}", cure=f"fill in `{sentence}`")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SettingError(f"has {', '.join(twice)} twice", where=f"{where}: {what}", cure="give each its own name")
        if not any(row.weight > 0 for row in rows):
            raise SettingError("all have the weight 0", where=f"{where}: {what}", cure="give one a weight")
    for name in (profile.scenes.asker, profile.scenes.official_persona):
        if name and name not in profile.persona_names:
            raise SettingError(
                f"{name!r} is not a persona", where=f"{where}: scenes", cure=f"use one of {', '.join(profile.persona_names)}"
            )


def _nearest(name: str, known: typing.Iterable[str]) -> str:
    """ " (did you mean ...?)", or "" when nothing is near."""
    found = difflib.get_close_matches(name, list(known), 1, 0.6)
    return f" (did you mean {found[0]!r}?)" if found else ""
