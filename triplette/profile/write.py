"""A profile as TOML text, each field under its documentation: what ``synth init --profile`` writes, and what a run keeps."""

from __future__ import annotations

import dataclasses
import json
import textwrap
import typing
from typing import Any

from triplette.profile.shape import WORDS, Profile

WIDTH = 96


def as_toml(profile: Profile, *, documented: bool = False) -> str:
    """The profile, whole. ``documented``: with what each field means, the first time it occurs, for people to edit."""
    seen: set[str] | None = set() if documented else None
    lines = _plain(profile, seen)
    for name, value in _parts(profile):
        doc = _note(next(f for f in dataclasses.fields(profile) if f.name == name).metadata["doc"]) if documented else []
        if isinstance(value, tuple):
            lines += ["", *doc] if documented else []
            for row in value:
                lines += ["", f"[[{name}]]", *_plain(row, seen)]
        else:
            lines += ["", *doc, f"[{name}]", *_plain(value, seen)]
    return "\n".join(lines) + "\n"


def _parts(profile: Profile) -> list[tuple[str, Any]]:
    """The tables and lists of tables, in order."""
    return [(f.name, getattr(profile, f.name)) for f in dataclasses.fields(profile) if _nested(profile, f.name)]


def _nested(record: Any, name: str) -> bool:
    hint = typing.get_type_hints(type(record))[name]
    inner = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else hint
    return dataclasses.is_dataclass(inner)


def _plain(record: Any, seen: set[str] | None) -> list[str]:
    """The plain fields of one table. Rows of a list leave out what they do not say; the documentation comes once."""
    lines: list[str] = []
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        key = f"{type(record).__name__}.{field.name}"
        if _nested(record, field.name) or (seen is None and value == field.default):
            continue
        if seen is not None and key not in seen:
            seen.add(key)
            lines += _note(field.metadata["doc"])
        elif seen is not None and value == field.default:
            continue
        lines.append(f"{field.name} = {_value(value, field.metadata.get('form', ''))}")
    return lines


def _note(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ")


def _value(value: Any, form: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, tuple):
        if form == WORDS and value and not any(set(word) & set(' "\\\n') for word in value):
            return '"""\n' + "\n".join(textwrap.wrap(" ".join(value), WIDTH, break_on_hyphens=False, break_long_words=False)) + '\n"""'
        return "[" + ", ".join(_value(item, "") for item in value) + "]"
    text = str(value)
    # DEL and the C1 controls may not stand in TOML as they are
    return "".join(f"\\u{ord(c):04x}" if "\x7f" <= c <= "\x9f" else c for c in json.dumps(text, ensure_ascii=False))
