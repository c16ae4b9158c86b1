"""Prompts as files, and passages as data inside them.

A prompt is a Markdown file with a ``# system`` and a ``# user`` part, one file a language. ``<<names>>`` in the system part are the profile's,
``{names}`` in the user part are filled for each request, each in one pass, so that what a value contains is never taken for a name.
A passage stands between two equal guard lines that occur nowhere in it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from triplette.errors import InputError
from triplette.hashing import hash_text


@lru_cache(maxsize=32)
def read_prompt(folder: Path, name: str, where: str, language: str = "en") -> tuple[str, str]:
    """(system, user template) of the prompt version ``name``: in ``language``, else in no language's name, else in English.

    Raises InputError naming the setting ``where`` if there is none.
    """
    paths = [folder / f"{name}{part}.md" for part in (f".{language}", "", ".en")]
    path = next((path for path in paths if path.is_file() and path.parent == folder), None)
    if path is None:
        told = {language, "", "en"}
        known = ", ".join(
            sorted({version for version, _, code in (f.stem.partition(".") for f in folder.glob("*.md")) if code in told})
        )
        raise InputError(
            f"there is no prompt {name!r} for passages in {language!r}",
            where=where,
            cure=f"write {name}.{language}.md beside the others (a mixed corpus needs one for each language), or use one of {known}",
        )
    _, _, body = path.read_text(encoding="utf-8").partition("# system\n")
    system, _, user = body.partition("\n# user\n")
    return system.strip(), user.strip()


def fill(template: str, **values: str) -> str:
    """The template with its ``{names}`` replaced in one pass. Raises KeyError for a name without a value."""
    parts = template.split("{")
    filled = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition("}")
        filled.append(values[name] + rest)
    return "".join(filled)


def with_parts(text: str, **parts: str) -> str:
    """A text with its ``<<names>>`` replaced in one pass: the parts that a profile gives. Raises KeyError for a name without a part."""
    return re.sub(r"<<(\w+)>>", lambda slot: parts[slot.group(1)], text)


def guard_line(text: str, digits: int = 12) -> str:
    """A line that does not occur in ``text``, and depends on it alone; ``digits`` of its hash make it hard to foresee."""
    salt = 0
    while True:
        line = f"=====PASSAGE-{hash_text(f'{salt}/{text}')[:digits]}====="
        if line not in text:
            return line
        salt += 1
