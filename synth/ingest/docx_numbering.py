"""The automatic numbers of Word's lists and headings, counted as Word counts them (ECMA-376 part 1, 17.9)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from triplette.synth.ingest.docx_xml import W, attribute, is_on
from triplette.synth.ingest.numerals import letters, roman

BULLET = "•"
LEVELS = 9
_PLACE = re.compile(r"%([1-9])")


@dataclass(slots=True)
class _Level:
    start: int = 1
    form: str = "decimal"
    text: str = ""
    legal: bool = False  # every number of it in digits
    restart: int | None = None  # the level (from 1) after which it begins anew; 0: never
    style: str = ""


@dataclass(slots=True)
class _List:
    levels: dict[int, _Level] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """The lists of numbering.xml with their counters; paragraphs must be asked for in their order."""

    def __init__(self, root: Any) -> None:
        self._abstract: dict[str, _List] = {}
        self._numbers: dict[str, tuple[str, dict[int, _Level], dict[int, int]]] = {}
        self._begun: set[str] = set()
        if root is None:
            return
        links: dict[str, str] = {}  # style of lists -> abstract list
        wanted: dict[str, str] = {}  # abstract list -> style of lists that it takes its levels from
        for node in root.iter(f"{W}abstractNum"):
            key = attribute(node, "abstractNumId")
            self._abstract[key] = _List({_index(level): _level(level) for level in node.iter(f"{W}lvl")})
            link, source = node.find(f"{W}styleLink"), node.find(f"{W}numStyleLink")
            if link is not None:
                links[attribute(link, "val")] = key
            if source is not None:
                wanted[key] = attribute(source, "val")
        for key, style in wanted.items():
            if style in links:
                self._abstract[key] = self._abstract[links[style]]
        for node in root.iter(f"{W}num"):
            abstract = node.find(f"{W}abstractNumId")
            own, starts = {}, {}
            for override in node.iter(f"{W}lvlOverride"):
                index, level, start = _index(override), override.find(f"{W}lvl"), override.find(f"{W}startOverride")
                if level is not None:
                    own[index] = _level(level)
                if start is not None:
                    starts[index] = _int(start, 1)
            self._numbers[attribute(node, "numId")] = (attribute(abstract, "val") if abstract is not None else "", own, starts)

    def number(self, numbered: tuple[str, str, str]) -> str | None:
        """The number that stands before a paragraph ("1.2.3", "a)"), ``BULLET`` for a sign, None for nothing."""
        key, indent, style = numbered
        if key in ("", "0") or key not in self._numbers:
            return None
        abstract, own, starts = self._numbers[key]
        if abstract not in self._abstract:
            return None
        listed = self._abstract[abstract]
        index = (
            int(indent) if indent.isdigit() else next((i for i, level in listed.levels.items() if style and level.style == style), 0)
        )
        index = min(index, LEVELS - 1)
        levels = {**listed.levels, **own}
        level = levels.get(index)
        if level is None:
            return None
        if key not in self._begun:
            self._begun.add(key)
            for place in starts:
                listed.counts.pop(place, None)
        self._count(listed, levels, starts, index)
        if level.form == "bullet":
            return BULLET if level.text.strip() else None  # pandoc gives the second paragraph of an item a blank for a sign
        if level.form == "none" and not _PLACE.search(level.text):
            return level.text.strip() or None
        return self._shown(listed, levels, starts, level) or None

    def _count(self, listed: _List, levels: dict[int, _Level], starts: dict[int, int], index: int) -> None:
        first = starts.get(index, levels[index].start)
        listed.counts[index] = listed.counts[index] + 1 if index in listed.counts else first
        for deeper in [place for place in listed.counts if place > index]:
            restart = levels[deeper].restart if deeper in levels else None
            if restart is None or (restart > 0 and index < restart):
                del listed.counts[deeper]

    def _shown(self, listed: _List, levels: dict[int, _Level], starts: dict[int, int], level: _Level) -> str:
        def place(match: re.Match[str]) -> str:
            index = int(match.group(1)) - 1
            named = levels.get(index)
            if named is None:
                return ""
            count = listed.counts.setdefault(index, starts.get(index, named.start))
            return _numeral(count, "decimal" if level.legal else named.form)

        return " ".join(_PLACE.sub(place, level.text).split())


def _level(node: Any) -> _Level:
    found = _Level()
    for child in node:
        name = child.tag.removeprefix(W)
        if name == "start":
            found.start = _int(child, 1)
        elif name == "numFmt":
            found.form = attribute(child, "val")
        elif name == "lvlText":
            found.text = attribute(child, "val")
        elif name == "isLgl":
            found.legal = is_on(child)
        elif name == "lvlRestart":
            found.restart = _int(child, 0)
        elif name == "pStyle":
            found.style = attribute(child, "val")
    return found


def _index(node: Any) -> int:
    value = attribute(node, "ilvl")
    return int(value) if value.isdigit() else 0


def _int(node: Any, default: int) -> int:
    value = attribute(node, "val")
    return int(value) if value.isdigit() and len(value) < 10 else default


def _numeral(count: int, form: str) -> str:
    if form in ("upperLetter", "lowerLetter"):  # after z Word doubles: aa, bb
        text = letters(count, doubled=True)
        return text.upper() if form == "upperLetter" else text
    if form in ("upperRoman", "lowerRoman"):
        return roman(count).upper() if form == "upperRoman" else roman(count)
    if form == "decimalZero":
        return f"{count:02d}"
    if form in ("none", "bullet"):
        return ""
    return str(count)
