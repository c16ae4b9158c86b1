"""What a page carries that nobody asks about: running heads and feet, page numbers, tables of contents.

A line is a running head when its shape (digits made "#") comes back in the same zone (the first or last lines of
a page) of at least ``REPEAT_SHARE`` of the pages, or of ``RUN_LENGTH`` pages in a row. Shapes and not texts, because
"page 4 sur 227" never repeats. In a document of one page nothing repeats, so nothing is dropped.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict

from triplette.synth.ingest.document import Line

ZONE = 6  # non-blank lines at each end of a page that can be running heads
REPEAT_SHARE = 0.5  # of the pages
RUN_LENGTH = 3  # pages in a row, for heads that change with the chapter
HEAD_LIMIT = 120  # characters: a longer line is prose
_LEADERS = re.compile(r"(?:\.\s?){4,}\s*\d*\s*$|…{2,}\s*\d*\s*$")
_ENTRY = re.compile(r"\S.*[^\d\s.,:]\s+\d{1,3}\s*$")
_CONTENTS = re.compile(r"^\W*(?:sommaire|table\s+des\s+mati[èe]res|contents)\b", re.IGNORECASE)
_PAGE_NUMBER = re.compile(r"^\W*(?:page\s*)?\d{1,4}(?:\s*(?:/|sur|of|-)\s*\d{1,4})?\W*$", re.IGNORECASE)
_DIVISION = re.compile(r"^\s*(Partie|Chapitre|Titre|Livre|Annexe|Section|Directives?)\b", re.IGNORECASE)
LIST_MIN = 3  # divisions of one kind with nothing between them: a list of chapters, not their beginnings
LIST_LINE = 80  # characters: a longer line is prose
CONTENTS_SHARE = 0.5  # of the lines after a contents heading that must end in a page number


def mark_boilerplate(pages: list[list[Line]]) -> dict[int, list[str]]:
    """Set the role of every dropped line; return, by page index, the divisions (Partie, Chapitre) its head names."""
    _mark_contents(pages)
    divisions = _mark_running(pages) if len(pages) > 1 else {}
    for page in pages:
        _mark_division_list(page)
    return divisions


def _shape(text: str) -> str:
    return re.sub(r"\d+", "#", re.sub(r"\s+", " ", text.strip().lower()))


def _zones(page: list[Line]) -> tuple[list[Line], list[Line]]:
    solid = [line for line in page if line.text.strip()]
    cut = min(ZONE, (len(solid) + 1) // 2)
    return solid[:cut], solid[len(solid) - cut :] if len(solid) > cut else []


def _mark_running(pages: list[list[Line]]) -> dict[int, list[str]]:
    zones = [_zones(page) for page in pages]
    divisions: dict[int, list[str]] = {}
    for side in (0, 1):
        seen: dict[str, list[int]] = defaultdict(list)
        for index, pair in enumerate(zones):
            for shape in {_shape(line.text) for line in pair[side] if len(line.text) <= HEAD_LIMIT}:
                seen[shape].append(index)
        repeated = {shape for shape, where in seen.items() if _repeats(where, len(pages))}
        for index, pair in enumerate(zones):
            _mark_zone(pair[side], repeated, from_top=side == 0)
            if side == 0:
                names = [line.text.strip() for line in pair[0] if line.role == "header" and _DIVISION.match(line.text)]
                if names:
                    divisions[index] = names
    return divisions


def _repeats(where: list[int], pages: int) -> bool:
    if len(where) >= max(2, REPEAT_SHARE * pages):
        return True
    run = longest = 1
    for before, after in itertools.pairwise(where):
        run = run + 1 if after == before + 1 else 1
        longest = max(longest, run)
    return longest >= RUN_LENGTH


def _mark_zone(lines: list[Line], repeated: set[str], *, from_top: bool) -> None:
    """Mark the zone's repeated lines, and divisions named above one of them."""
    role = "header" if from_top else "footer"
    ordered = lines if from_top else lines[::-1]
    last = -1
    for index, line in enumerate(ordered):
        shape = _shape(line.text)
        # a bullet or "Article #" alone repeats everywhere and is no running head
        if shape in repeated and _substantial(shape):
            line.role = role
            last = index
        elif _PAGE_NUMBER.match(line.text) and index <= last + 1 and index < 2:
            line.role = "page number"
            last = index
        elif index > last + 2:
            break
    for line in ordered[: max(last, 0)]:
        if line.role == "body" and _DIVISION.match(line.text):
            line.role = role


def _substantial(shape: str) -> bool:
    letters = sum(c.isalpha() for c in shape)
    return letters >= 4 or bool(re.fullmatch(r"\W*\w?#+-#+/#+\W*|\W*#+\s*/\s*#+\W*", shape))


def _mark_contents(pages: list[list[Line]]) -> None:
    """Lines with dot leaders, and the entries that follow a contents heading."""
    inside = 0  # lines still searched after a contents heading
    for page in pages:
        solid = [line for line in page if line.text.strip()]
        leaders = [line for line in solid if _LEADERS.search(line.text)]
        for line in leaders:
            line.role = "contents"
        heading = next((i for i, line in enumerate(solid) if _CONTENTS.match(line.text) and len(line.text) < 40), None)
        if heading is None and not inside:
            continue
        rest = solid[(heading + 1 if heading is not None else 0) :]
        entries = [line for line in rest if line.role == "contents" or _ENTRY.match(line.text)]
        inside = 0
        if rest and len(entries) >= max(3, CONTENTS_SHARE * len(rest)):
            for line in entries:
                line.role = "contents"
            if heading is not None:
                solid[heading].role = "contents"
            inside = 1


def _mark_division_list(page: list[Line]) -> None:
    """A divider page's list of chapters or annexes: short lines, no prose between, one kind of division at least thrice."""
    solid = [line for line in page if line.text.strip() and line.role == "body"]
    for short, group in itertools.groupby(
        solid, key=lambda line: len(line.text.strip()) < LIST_LINE and line.text.rstrip()[-1] not in ".;,"
    ):
        lines = list(group)
        kinds = Counter(match.group(1).lower() for line in lines if (match := _DIVISION.match(line.text)))
        if short and kinds and kinds.most_common(1)[0][1] >= LIST_MIN:
            for line in lines:
                line.role = "contents"


def shares(pages: list[list[Line]]) -> Counter[str]:
    """Characters (blanks apart) by role."""
    counts: Counter[str] = Counter()
    for page in pages:
        for line in page:
            counts[line.role] += len("".join(line.text.split()))
    return counts
