"""Wrapped lines as one paragraph, and the hyphens at their ends: a word that was cut, one that is written with it, or one that it cuts short."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from triplette.languages.documents import AFTER_HYPHEN

_COMPOUND = re.compile(r"(?<![^\W\d_])[^\W\d_]+-[^\W\d_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
HYPHENS = "-\u2010\u00ad"
_WRITTEN = ("-", "\u2010")  # hyphens that a word may be written with
ALIKE = 4  # letters of a compound's second part from which it tells another with it: "-term", "-numbered"
_FIRST_LETTERS = re.compile(r"[a-zà-ÿœ]{1,64}")


def compounds(lines: Sequence[str]) -> frozenset[str]:
    """The words that some line writes with a hyphen, in small letters, and those that a line's end cuts and that are built like them:
    "odd-" over "numbered" where "even-numbered" is written, and "oddnumbered" nowhere."""
    found = {word.lower() for line in lines if "-" in line for word in _COMPOUND.findall(line)}
    ends = {word.rpartition("-")[2] for word in found}
    cut = [_cut_parts(before.strip(), line.strip()) for before, line in itertools.pairwise(lines) if before.rstrip()[-1:] in _WRITTEN]
    alike = {(stem.lower(), rest) for stem, rest in cut if len(rest) >= ALIKE and rest in ends}
    if alike:
        whole = {word.lower() for line in lines for word in _LETTERS.findall(line)}
        found |= {f"{stem}-{rest}" for stem, rest in alike if stem + rest not in whole}
    return frozenset(found)


def _cut_parts(before: str, line: str) -> tuple[str, str]:
    """The two parts of the word that a line's end cuts, ("", "") where it cuts none."""
    return _parts(before, line) if len(before) > 1 and line and _cut_word(before, line) else ("", "")


def _parts(before: str, line: str) -> tuple[str, str]:
    following = _FIRST_LETTERS.match(line)
    return _last_letters(before[:-1]), following.group() if following else ""


def join_lines(lines: list[str], hyphenated: frozenset[str] = frozenset()) -> str:
    """Wrapped lines as one paragraph. A hyphen at a line's end goes, unless the document writes the word with it, a capital or a figure
    follows ("Baden-Württemberg"), or it stands for the end of the next word ("Strom- und Wasserverbrauch")."""
    parts: list[str] = []
    last = ""  # the end of the text so far
    for raw in lines:
        line = raw.strip()
        if not line:
            continue
        if not last:
            parts.append(line)
        elif _cut_word(last, line):
            stem, rest = _parts(last, line)
            if f"{stem}-{rest}".lower() not in hyphenated or last.endswith("\u00ad"):
                parts[-1] = parts[-1][:-1]
            parts.append(line)
        elif _compound(last, line):
            parts += [parts.pop().removesuffix("\u00ad"), line]
        else:
            parts += [" ", line]
        last = line
    return re.sub(r"[ \t]+", " ", "".join(parts))


def _cut_word(before: str, line: str) -> bool:
    """Whether a line ends in a word's first part and a hyphen, and the next begins with small letters that go on in it."""
    following = _FIRST_LETTERS.match(line)
    if before[-1] not in HYPHENS or not before[-2:-1].isalpha() or following is None:
        return False
    alone = line[following.end() : following.end() + 1] in ("", " ")  # "bitwise-" before "and," is one name
    return before[-1] == "\u00ad" or not alone or following.group() not in AFTER_HYPHEN


def _compound(before: str, line: str) -> bool:
    """Whether a line ends in the first part of a word that is written with a hyphen, for the second begins with a capital or a figure."""
    return before[-1] in HYPHENS and before[-2:-1].isalnum() and (line[0].isupper() or line[0].isdecimal())


def _last_letters(text: str) -> str:
    """The letters that a text ends with, 64 at most."""
    tail = text[-64:]
    return next((tail[i + 1 :] for i in range(len(tail) - 1, -1, -1) if not tail[i].isalpha()), tail)
