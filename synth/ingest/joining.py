"""Wrapped lines as one paragraph, and the hyphens at their ends: a word that was cut, or a word that is written with one."""

from __future__ import annotations

import re
from collections.abc import Iterable

_COMPOUND = re.compile(r"(?<![^\W\d_])[^\W\d_]+-[^\W\d_]+")
_FIRST_LETTERS = re.compile(r"[a-zà-ÿœ]{1,64}")


def compounds(lines: Iterable[str]) -> frozenset[str]:
    """The words that some line writes with a hyphen, in small letters."""
    return frozenset(word.lower() for line in lines if "-" in line for word in _COMPOUND.findall(line))


def join_lines(lines: list[str], hyphenated: frozenset[str] = frozenset()) -> str:
    """Wrapped lines as one paragraph. A hyphen at a line's end goes, unless the document writes the word with it."""
    parts: list[str] = []
    last = ""  # the end of the text so far
    for raw in lines:
        line = raw.strip()
        if not line:
            continue
        if not last:
            parts.append(line)
        elif _cut_word(last, line):
            stem, following = _last_letters(last[:-1]), _FIRST_LETTERS.match(line)
            compound = f"{stem}-{following.group() if following else ''}".lower()
            if compound not in hyphenated or last.endswith("\u00ad"):
                parts[-1] = parts[-1][:-1]
            parts.append(line)
        else:
            parts += [" ", line]
        last = line
    return re.sub(r"[ \t]+", " ", "".join(parts))


def _cut_word(before: str, line: str) -> bool:
    """Whether a line ends in a word's first part and a hyphen, and the next begins with small letters."""
    return before[-1] in "-\u00ad" and before[-2:-1].isalpha() and bool(_FIRST_LETTERS.match(line))


def _last_letters(text: str) -> str:
    """The letters that a text ends with, 64 at most."""
    tail = text[-64:]
    return next((tail[i + 1 :] for i in range(len(tail) - 1, -1, -1) if not tail[i].isalpha()), tail)
