"""What a page carries that nobody asks about: running heads and feet, page numbers, tables of contents.

A line is a running head when its shape (digits made "#") comes back in the same zone (the first or last lines of a page) of at least
``REPEAT_SHARE`` of the pages, or of ``RUN_LENGTH`` pages in a row or on every second page; and when its numbers stay or count the pages:
"page 4 sur 227" never repeats, and the price on each of ten order forms is no page number. A shape that makes up most of the text is
what the document says, not its furniture. In a document of one page nothing repeats, so nothing is dropped.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from functools import lru_cache
from typing import NamedTuple

from triplette.languages import document_words
from triplette.synth.ingest.document import Line

ZONE = 6  # non-blank lines at each end of a page that can be running heads
REPEAT_SHARE = 0.5  # of the pages
RUN_LENGTH = 3  # pages in a row, for heads that change with the chapter
HEAD_USUAL, STOPS = 60, (".", "!", "?")  # characters that a running head seldom passes; what ends a sentence
HEAD_LIMIT = 120  # characters: a longer line is prose
FILL_SHARE = 0.75  # of a page's letters: lines of repeated shapes that are more, on most pages, are its text
STEP_SHARE = 0.7  # of the pages on which a number must go up with the page, and of the entries of a table of contents
COUNTERS_MAX = 2  # lines of a page that count the pages
_AMID = re.compile(r"([^\W\d_]\W{0,3})\b\d+\b\s+[^\W\d_]")  # a number with words before and after it
_LEADERS = re.compile(r"(?:\.\s?){4}$|…{2}$")
_LEADERS_TAIL = 12  # characters: four dots with blanks between
_LAST_NUMBER = re.compile(r"\d{1,3}$")
LIST_MIN = 3  # divisions of one kind with nothing between them: a list of chapters, not their beginnings
LIST_LINE = 80  # characters: a longer line is prose
CONTENTS_SHARE = 0.5  # of the lines after a contents heading that must end in a page number


class _Names(NamedTuple):
    """How a language's pages name their contents, numbers, divisions; ``titles``: a name with a number ("Annexe 1", "Fiche de prêt n° 2", "Loan form 1")."""

    contents: re.Pattern[str]
    page_number: re.Pattern[str]
    division: re.Pattern[str]
    titles: re.Pattern[str]
    page_word: re.Pattern[str]


@lru_cache(maxsize=64)
def _names(code: str) -> _Names:
    words = document_words(code)

    def small(pattern: str) -> re.Pattern[str]:
        return re.compile(pattern, re.IGNORECASE)

    return _Names(
        contents=small(rf"^\W*(?:{words.contents})\b"),
        page_number=small(rf"^\W*(?:(?:{words.page})\s*)?\d{{1,4}}(?:\s*(?:/|{words.of}|-)\s*\d{{1,4}})?[^\w.,;]*$"),
        division=small(rf"^\s*({'|'.join(word for word, _ in words.divisions)})\b"),
        titles=small(
            rf"\s*(?!(?:{words.leaf})\b)[^\W\d_]{{3,}}(?:\s+(?!(?:{words.leaf}|{words.page})\b)[^\W\d_]+){{1,5}}\s+n[°º]\s*\d{{1,3}}\s*[.:–-]?\s*$"
            rf"|\s*(?!(?:{words.leaf})\b)[^\W\d_]{{3,}}\s+(?:n[°ºo]\s*)?\d{{1,3}}\s*[.:–-]?\s*$"
            rf"|\s*(?!(?:{words.page})\b)(?:{words.sheet}) (?:n[°ºo]\s*)?\d{{1,3}}\s*[.:–-]?\s*$"
        ),
        page_word=small(rf"\b(?:{words.leaf}|{words.page})\W*$"),
    )


def mark_boilerplate(pages: list[list[Line]], code: str = "") -> dict[int, list[str]]:
    """Set the role of every dropped line; return, by page index, the divisions (Partie, Chapitre) its head names.

    Where the reader has seen running heads by their place on the page already, the shape of other lines says nothing more. ``code`` is
    the document's language.
    """
    names = _names(code)
    _mark_contents(pages, names.contents)
    placed = any(line.role in ("header", "footer") for page in pages for line in page)
    divisions = _mark_running(pages, code, placed=placed) if len(pages) > 1 else {}
    for page in pages:
        _mark_division_list(page, names.division)
    return divisions


def _shape(text: str) -> str:
    return re.sub(r"\d+", "#", re.sub(r"\s+", " ", text[:HEAD_LIMIT].strip().lower()))


def _leads(text: str) -> bool:
    """Whether a line ends in dot leaders, with or without a page number: looked at from its end, for a line may be all dots."""
    bare = text.rstrip()
    return bool(_LEADERS.search(bare[-4 * _LEADERS_TAIL :].rstrip("0123456789").rstrip()[-_LEADERS_TAIL:]))


def _page_led_to(lines: list[Line], place: int) -> int | None:
    """The page that a line's dot leaders lead to, at its end or alone on the next line; None where they lead to nothing, or to a sum."""
    bare = lines[place].text.rstrip()
    found = _LAST_NUMBER.search(bare[-4:])
    if found is None and not bare[-1:].isdigit() and place + 1 < len(lines):
        found = re.fullmatch(r"\d{1,3}", lines[place + 1].text.strip())
    return int(found.group()) if found else None


def _entry(text: str) -> bool:
    """Whether a line is words, a blank and a page number, as in a table of contents."""
    bare = text.rstrip()
    number = _LAST_NUMBER.search(bare[-4:])
    words = bare[: len(bare) - len(number.group())] if number else ""
    if not words[:1].strip() or not words[-1:].isspace():
        return False
    words = words.rstrip()
    return len(words) > 1 and not (words[-1].isdigit() or words[-1] in ".,:")


def _zones(page: list[Line]) -> tuple[list[Line], list[Line]]:
    solid = [line for line in page if line.text.strip()]
    cut = min(ZONE, (len(solid) + 1) // 2)
    return solid[:cut], solid[len(solid) - cut :] if len(solid) > cut else []


def _mark_running(pages: list[list[Line]], code: str, *, placed: bool) -> dict[int, list[str]]:
    names = _names(code)
    zones = [_zones(page) for page in pages]
    seen = [_seen(zones, side, len(pages)) for side in (0, 1)]
    running = [{shape for shape, where in shapes.items() if counts_pages(where, code)} for shapes in seen]
    if placed or _is_form(zones, seen, running):
        running = [set(), set()]
    elif _fills(zones, running):  # pages that are one another's copies: their sentences are text
        running = [{shape for shape in own if not shape.endswith(STOPS) and len(shape) <= HEAD_USUAL} for own in running]
    divisions: dict[int, list[str]] = {}
    for side, repeated in enumerate(running):
        if _fills(zones, [repeated if side == place else set() for place in (0, 1)]):
            repeated = set()
        for index, pair in enumerate(zones):
            _mark_zone(pair[side], repeated, names, from_top=side == 0)
            if side == 0:
                named = [line.text.strip() for line in pair[0] if line.role == "header" and names.division.match(line.text)]
                if named:
                    divisions[index] = named
    return divisions


def _seen(zones: list[tuple[list[Line], list[Line]]], side: int, pages: int) -> dict[str, list[tuple[int, str]]]:
    """The shapes that come back on one side of the pages: where, and the line as it stands there."""
    seen: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for index, pair in enumerate(zones):
        shapes = {
            _shape(line.text): line.text for line in pair[side] if len(line.text) <= HEAD_LIMIT and not line.text.startswith("| ")
        }  # the head of a table that goes on over the page's end is none of the page
        for shape, text in shapes.items():
            seen[shape].append((index, text))
    return {shape: where for shape, where in seen.items() if _repeats([i for i, _ in where], pages)}


def _is_form(zones: list[tuple[list[Line], list[Line]]], seen: list[dict[str, list[tuple[int, str]]]], running: list[set[str]]) -> bool:
    """Whether the pages are sheets of one form: the same lines with other numbers are most of each.

    A page counts itself once, at its top or foot or at both; where more lines seem to, they are filled in.
    """
    if not _fills(zones, [set(shapes) for shapes in seen]):
        return False
    counting = sum(len({text for _, text in shapes[shape]}) > 1 for shapes, own in zip(seen, running, strict=True) for shape in own)
    return counting > COUNTERS_MAX or not _fills(zones, running)


def counts_pages(where: list[tuple[int, str]], code: str = "") -> bool:
    """Whether the numbers in a repeated line are the same on most of its pages, or go up with the page."""
    values = [[int(n[:9]) for n in re.findall(r"\d+", text[:HEAD_LIMIT])] for _, text in where]
    if not values[0]:
        return True
    names = _names(code)
    # a page each, they are titles; a single number amid words is what is said there ("Relevé du 3 mars"), unless they name the page
    first = where[0][1]
    named = bool(names.division.match(first) or names.titles.match(first) or (len(values[0]) == 1 and _amid_words(first, names)))
    for place in range(min(map(len, values))):
        column = [row[place] for row in values]
        same = Counter(column).most_common(1)[0][1]
        step = Counter(value - index for value, (index, _) in zip(column, where, strict=True)).most_common(1)[0][1]
        if max(same, 0 if named else step) < STEP_SHARE * len(where) and not _by_chapter(column):
            return False
    return True


def _amid_words(text: str, names: _Names) -> bool:
    found = _AMID.search(text[:HEAD_LIMIT])
    return found is not None and not names.page_word.search(text[: found.end(1)])


def _by_chapter(column: list[int]) -> bool:
    """Whether a number never goes down and mostly stays: a chapter's, in a head that changes with the chapter."""
    steps = [after - before for before, after in itertools.pairwise(column)]
    return all(step >= 0 for step in steps) and sum(step == 0 for step in steps) >= 0.5 * len(steps)


def _fills(zones: list[tuple[list[Line], list[Line]]], repeated: list[set[str]]) -> bool:
    """Whether the repeated lines, of the top and of the foot, are most of the text of most pages that have any."""
    full = counted = 0
    for pair in zones:
        letters = [sum(c.isalpha() for c in line.text) for zone in pair for line in zone]
        own = [
            sum(c.isalpha() for c in line.text)
            for zone, shapes in zip(pair, repeated, strict=True)
            for line in zone
            if _shape(line.text) in shapes
        ]
        if sum(letters):
            counted += 1
            full += sum(own) > FILL_SHARE * sum(letters)
    return full > 0.5 * counted


def _repeats(where: list[int], pages: int) -> bool:
    if len(where) >= max(2, REPEAT_SHARE * pages):
        return True
    return any(_longest_run(where, step) >= RUN_LENGTH for step in (1, 2))  # 2: left pages have other heads than right ones


def _longest_run(where: list[int], step: int) -> int:
    run = longest = 1
    for before, after in itertools.pairwise(where):
        run = run + 1 if after == before + step else 1
        longest = max(longest, run)
    return longest


def _mark_zone(lines: list[Line], repeated: set[str], names: _Names, *, from_top: bool) -> None:
    """Mark the zone's repeated lines, and divisions named above one of them."""
    role = "header" if from_top else "footer"
    ordered = lines if from_top else lines[::-1]
    last = -1
    for index, line in enumerate(ordered):
        if line.role in ("header", "footer"):  # by its place
            last = index
            continue
        shape = _shape(line.text) if len(line.text) <= HEAD_LIMIT else ""
        # a bullet or "Article #" alone repeats everywhere and is no running head
        if shape in repeated and _substantial(shape):
            line.role = role
            last = index
        elif len(line.text) <= HEAD_LIMIT and names.page_number.match(line.text) and index <= last + 1 and index < 2:
            line.role = "page number"
            last = index
        elif index > last + 2:
            break
    for line in ordered[: max(last, 0)]:
        if line.role == "body" and names.division.match(line.text):
            line.role = role


def _substantial(shape: str) -> bool:
    letters = sum(c.isalpha() for c in shape)
    return letters >= 4 or bool(re.fullmatch(r"\W*\w?#+-#+/#+\W*|\W*#+\s*/\s*#+\W*", shape))


def _mark_contents(pages: list[list[Line]], contents: re.Pattern[str]) -> None:
    """Lines whose dot leaders lead to a page, and the entries that follow a contents heading.

    A form's dotted blank leads nowhere, and a list of prices goes up and down.
    """
    inside = 0  # lines still searched after a contents heading
    for page in pages:
        solid = [line for line in page if line.text.strip()]
        leaders = [(line, _page_led_to(solid, place)) for place, line in enumerate(solid) if _leads(line.text)]
        numbers = [number for _, number in leaders if number is not None]
        rises = sum(after >= before for before, after in itertools.pairwise(numbers)) >= STEP_SHARE * (len(numbers) - 1)
        heading = next((i for i, line in enumerate(solid) if len(line.text) < 40 and contents.match(line.text)), None)
        if heading is not None or inside or (len(numbers) >= LIST_MIN and rises):
            for line, number in leaders:
                line.role = "body" if number is None else "contents"
        if heading is None and not inside:
            continue
        rest = solid[(heading + 1 if heading is not None else 0) :]
        entries = [line for line in rest if line.role == "contents" or _entry(line.text)]
        inside = 0
        if rest and len(entries) >= max(3, CONTENTS_SHARE * len(rest)):
            for line in entries:
                line.role = "contents"
            if heading is not None:
                solid[heading].role = "contents"
            inside = 1


def _mark_division_list(page: list[Line], division: re.Pattern[str]) -> None:
    """A divider page's list of chapters or annexes: short lines, no prose between, one kind of division at least thrice."""
    solid = [line for line in page if line.text.strip() and line.role == "body"]
    for short, group in itertools.groupby(
        solid, key=lambda line: len(line.text.strip()) < LIST_LINE and line.text.rstrip()[-1] not in ".;,"
    ):
        lines = list(group)
        kinds = Counter(match.group(1).lower() for line in lines if (match := division.match(line.text)))
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
