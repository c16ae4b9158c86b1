"""Lines of a PDF page, and the figures among them that stand in the midst of a sentence: they follow it.

A figure that the text runs round is drawn between two of its lines; one at the top or foot of a column or page parts the sentence that goes
on there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

SENTENCE_ENDS = (".", "!", "?", ":", ";")
INSET_ABOVE = 3  # times the type's size that a figure beside a paragraph begins above the line that it interrupts at most
INSET = 40  # lines of a figure, its labels and its legend
NEXT_LINE = 1.6  # times the type's size from a line to the next one of its paragraph at most
FLOAT_GAP = 1.7  # times the type's size of white under a figure at the top of a column at least
_CAPTION = re.compile(r"[^\W\d_]{2,12}\.?\s\d{1,3}(?:\.\d{1,2})?\s?[.:–-]")  # "Figure 8.", "Tableau 2 :"
_MARKS = " ⁰¹²³⁴⁵⁶⁷⁸⁹*†‡§)]»”\"'"  # that may stand behind a sentence's end
FIGURE = 5  # times the type's size that a figure without letters of its own takes at least
FULL = 0.8  # of a column's width that a line of a text which goes on takes
PROSE = 3  # words of a line that goes on under a figure at least: a formula's parts stand up and down the page


@dataclass(slots=True)
class TextLine:
    """A line of the page. ``kind`` is head, body, note, foot or number (of a line); ``apart`` says that white space stands before it."""

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool
    kind: str = "body"
    apart: bool = False
    table: bool = False


def insets_after(lines: list[TextLine]) -> list[TextLine]:
    """The lines with what stands beside a paragraph after its sentence: a figure that the text runs round is drawn in the midst of it."""
    found: list[TextLine] = []
    held: list[TextLine] = []
    for at, line in enumerate(lines):
        found.append(line)
        if held and (line.text[-1:] in SENTENCE_ENDS or at + 1 == len(lines) or not _below(line, lines[at + 1])):
            found += held
            held = []
        if held or line.table or line.text[-1:] in SENTENCE_ENDS or at + 1 == len(lines) or _below(line, lines[at + 1]):
            continue
        after = next((n for n in range(at + 1, min(at + INSET, len(lines))) if not _beside(line, lines[n])), len(lines))
        goes_on = at + 1 < after < len(lines) and _below(line, lines[after]) and lines[after].text[:1].islower()
        if goes_on and max(x.y for x in lines[at + 1 : after]) < line.y + INSET_ABOVE * line.size:  # a column begins far above
            held = lines[at + 1 : after]
            lines[at + 1 : after] = []
    return found + held


def _below(line: TextLine, following: TextLine) -> bool:
    """Whether a line goes on in the next one: below it, from the same edge, in the same type."""
    level = abs(line.x0 - following.x0) < line.size and abs(line.size - following.size) < 0.1 * line.size
    return level and 0 < line.y - following.y <= NEXT_LINE * line.size


def _beside(line: TextLine, other: TextLine) -> bool:
    return other.x0 >= line.x1 - line.size or other.x1 <= line.x0 + line.size


def floats_after(lines: list[TextLine], before: TextLine | None = None) -> list[TextLine]:
    """The lines with every figure at the top or foot of a column, or at the top of the page after the line ``before``, behind the sentence that
    goes on under it, or in the next column."""
    found = list(lines)
    at = -1 if before is not None else 0
    while at + 1 < len(found):
        line = found[at] if at >= 0 else before
        assert line is not None
        first = _goes_on_under(found, at + 1, line, top=at < 0)
        if first:
            last = next((n for n in range(first, len(found)) if _ends(found, n)), len(found) - 1)
            found[at + 1].apart = True
            found[at + 1 : last + 1] = [*found[first : last + 1], *found[at + 1 : first]]
            at += last + 1 - first
        at += 1
    return found


def _goes_on_under(lines: list[TextLine], start: int, line: TextLine, *, top: bool) -> int:
    """The place where the sentence of a line goes on under a figure that begins at ``start``; 0 where there is none.

    The figure has a legend and white under it, and stands higher than the line did (``top``: on another page), or below it with white between
    the two.
    """
    following = lines[start]
    foot = not top and line.y - following.y > FLOAT_GAP * line.size
    if (
        not _unfinished(line)
        or not (top or foot or following.y > line.y + line.size)
        or _goes_on(line, following)
        or (foot and not (_fills(lines, start - 1, line) and _drawn_under(line, lines, start)))
    ):
        return 0
    lowest, captioned = following.y, False
    for place in range(start + 1, min(start + INSET, len(lines))):
        captioned = captioned or bool(_CAPTION.match(lines[place - 1].text))
        lowest = min(lowest, lines[place - 1].y)
        other = lines[place]
        column = foot and other.y > lines[place - 1].y + other.size  # the next one begins
        lowest, foot = (other.y, False) if column else (lowest, foot)
        if captioned and not foot and (column or lowest - other.y > FLOAT_GAP * other.size) and _goes_on(line, other):
            return place
    return 0


def _drawn_under(line: TextLine, lines: list[TextLine], start: int) -> bool:
    """Whether what begins under a line is a figure: labels and a legend, or a legend under a picture without letters, and no text of its column."""
    for place in range(start, min(start + INSET, len(lines))):
        under = lines[place]
        if _CAPTION.match(under.text):
            return place > start or line.y - under.y > FIGURE * line.size
        if under.y > line.y or (len(under.text.split()) >= PROSE and _fills(lines, place)):
            return False
    return False


def foot_figure(lines: list[TextLine]) -> int:
    """The place where a figure begins that ends the page and stands under a sentence that its text goes on with on the next; else the end.

    Under the line that it parts there is white, and its legend is the last of the page.
    """
    end = len(lines)
    legend = next((n for n in range(end - 1, max(end - INSET, 0), -1) if _CAPTION.match(lines[n].text)), 0)
    if not legend or any(not 0 < a.y - b.y <= NEXT_LINE * a.size for a, b in pairwise(lines[legend:])):
        return end
    for place in range(legend, max(legend - INSET, 0), -1):
        line, following = lines[place - 1], lines[place]
        if line.y - following.y > FLOAT_GAP * line.size and _unfinished(line) and _fills(lines, place - 1):
            return place if _drawn_under(line, lines, place) else end
        if len(line.text.split()) >= PROSE and _fills(lines, place - 1):
            return end
    return end


def _unfinished(line: TextLine) -> bool:
    """Whether a line is one of a text whose sentence it does not end."""
    ends = line.text.rstrip(_MARKS)[-1:] in SENTENCE_ENDS
    return len(line.text.split()) >= PROSE and not line.table and not line.bold and not ends


def _fills(lines: list[TextLine], place: int, line: TextLine | None = None) -> bool:
    """Whether a line is about as wide as those near it that begin at its edge: text that goes on, and no item of a list."""
    line = line or lines[place]
    near = lines[max(place - INSET, 0) : place + INSET]
    return line.x1 - line.x0 >= FULL * max((other.x1 - line.x0 for other in near if abs(other.x0 - line.x0) < line.size), default=0.0)


def _goes_on(line: TextLine, following: TextLine) -> bool:
    """Whether a line begins as the rest of a sentence does, in the type of the line before."""
    return _set_alike(line, following) and following.text[:1].islower() and not following.table


def _set_alike(line: TextLine, other: TextLine) -> bool:
    return abs(line.size - other.size) < 0.1 * line.size and not other.bold


def _ends(lines: list[TextLine], place: int) -> bool:
    return lines[place].text[-1:] in SENTENCE_ENDS or place + 1 == len(lines) or not _below(lines[place], lines[place + 1])
