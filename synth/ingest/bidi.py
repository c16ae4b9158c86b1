"""Lines that run from right to left, from what they look like to what they say.

Programs draw Arabic and Hebrew in a PDF as it looks, from the left, numbers and Latin words among it turned round. This is the Unicode bidirectional
algorithm (UAX 9) backwards. Where two texts look the same, the more usual one is taken: a number beside a Latin word belongs to it ("Laser 4.7").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from unicodedata import bidirectional

FIRST = "\u0590"  # no letter before it is written from right to left
_CODES = {"R": "R", "AL": "R", "L": "L", "EN": "N", "AN": "N", "ES": "s", "CS": "s", "ET": "t", "NSM": "m"}
_NUMBER = re.compile(r"N(?:s?N)*")
_LATIN = re.compile(r"L(?:[^R]*[LN])?")
_TURNED = re.compile(r"R(?:[^L]*R)?m*")
_ANGLED_PAIRS = "()[]{}<>«»‹›"  # signs that are drawn turned round there
_ANGLED = str.maketrans(_ANGLED_PAIRS, ")(][}{><»«›‹")


class Run(NamedTuple):
    """Characters from ``first`` up to ``last`` that are read in one direction."""

    first: int
    last: int


def runs_left(character: str) -> bool:
    """Whether a character is a letter that is written from right to left."""
    return character >= FIRST and bidirectional(character[0]) in ("R", "AL")


def turned_runs(shown: Sequence[str], leftward: bool) -> tuple[bool, list[Run]]:
    """(whether a line runs from right to left, the runs of the other direction in it) of characters as they look, from the left.

    It runs as its page does, which is ``leftward`` or not, unless all its letters are of the other kind. A run within a run, such as a number among
    Hebrew words in an English line, is listed before it.
    """
    codes = "".join(_CODES.get(bidirectional(text[0]), "-") for text in shown)
    leftward = "R" in codes if ("R" in codes) != ("L" in codes) else leftward
    if leftward:
        return True, _forward(codes, 0)
    found: list[Run] = []
    for match in _TURNED.finditer(codes):
        found += _forward(match.group(), match.start())
        found.append(_bracketed(shown, Run(*match.span())))
    return False, found


def _bracketed(shown: Sequence[str], run: Run) -> Run:
    """The run with the bracket at its edge whose other half stands in it."""
    first, last = run
    inside = "".join(shown[first:last])
    for opening, closing in zip(_ANGLED_PAIRS[::2], _ANGLED_PAIRS[1::2], strict=True):
        extra = inside.count(closing) - inside.count(opening)
        if extra > 0 and first and shown[first - 1] == opening:
            return Run(first - 1, last)
        if extra < 0 and last < len(shown) and shown[last] == closing:
            return Run(first, last + 1)
    return run


def angled(text: str) -> str:
    """A bracket as it is written, for one that is drawn in a run from right to left."""
    return text.translate(_ANGLED)


def logical(text: str) -> str:
    """Lines in the order in which they are read, from what they look like from the left; they run as most letters of the text do."""
    leftward = sum(map(runs_left, text))
    if not leftward:
        return text
    mostly = leftward > sum(map(str.isalpha, text)) / 2
    return "\n".join(_logical(line, mostly) for line in text.split("\n"))


def _logical(line: str, leftward: bool) -> str:
    leftward, turned = turned_runs(line, leftward)
    characters = list(line)
    if leftward:
        characters = [angled(c) for c in characters]
    for first, last in turned:
        characters[first:last] = [angled(c) for c in reversed(characters[first:last])]
    return "".join(reversed(characters)) if leftward else "".join(characters)


def _forward(codes: str, offset: int) -> list[Run]:
    """The Latin words and the numbers, which run from left to right whatever stands around them."""
    found: list[Run] = []
    at = 0
    while match := _LATIN.search(codes, at):
        found += [Run(m.start() + offset, m.end() + offset) for m in _NUMBER.finditer(codes, at, match.start())]
        found.append(Run(match.start() + offset, match.end() + offset))
        at = match.end()
    return found + [Run(m.start() + offset, m.end() + offset) for m in _NUMBER.finditer(codes, at)]
