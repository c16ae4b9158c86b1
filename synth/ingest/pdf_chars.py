"""A PDF page's characters as pdfium sees them, and the pieces of line that they make.

pdfium gives characters in the page's own order, with the spaces that it infers between words. A piece is a run of characters on one
baseline with no gap wider than a word space would be: a line of a column, or a cell of a row. Coordinates are points from the page's
lower left, after the page is turned so that most of its text stands upright.
"""

from __future__ import annotations

import bisect
import itertools
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from unicodedata import normalize

from triplette.synth.ingest.elements import raised
from triplette.synth.ingest.pdf_glyphs import Bounds, Glyph, page_glyphs, turned_box

GAP = 1.0  # ems between characters that begin another piece: no justified line has wider word spaces for long
BACK = 0.7  # ems that a character may begin before the one before it ends (kerning, an accent drawn apart)
RAISED = 0.35  # ems that an accent over a capital is drawn above its place over a small letter
RISE = 0.6  # ems that a superscript or subscript may stand off its line
LINE_END_GAP = 0.1  # ems between two words where pdfium ends a line and the page does not
LEVEL = 0.3  # ems that the letters of one word may: a formula's are drawn with more
SCRIPT = 0.85  # of the line's size: an exponent or an index is smaller
MARK_RISE = 0.15  # ems that an exponent or a note's mark stands over its line at least
UNIT = 2  # letters of a unit of measure: km² is a word, a longer word before a raised number has a note
NARROW = 0.16  # ems between two words that are set tight: less than a word space (a quarter em), more than any kerning
NARROWEST, FEW = 0.11, 8  # the same in a line of eight letters or more of which most touch
STOPS = ".,;:!?"  # that a word may end in
TOUCHING = 0.06  # ems after a letter that stands alone: pdfium takes the slant of a formula's letter for a word's end
SPACED = 0.08  # ems between most letters of a word that is set spaced: then a gap says nothing
ACCENTS = {
    "´": "\u0301", "`": "\u0300", "¨": "\u0308", "ˆ": "\u0302", "˜": "\u0303", "ˇ": "\u030c", "˘": "\u0306", "¸": "\u0327", "˚": "\u030a",
}  # fmt: skip
SIGNS = "∆∂∇"  # signs that formulas write as letters
INITIAL = 1.7  # times the type's size that an initial is at least which two lines stand beside
INITIAL_GAP = 1.2  # ems of the text between the initial and its word at most
INITIAL_REACH = 250  # characters of the two lines at most
TURNED_LINES, TURNED_LINE = 4, 16  # lines of so many letters and digits that a block of turned text has at least
LEVELS_APART = 3.0  # points between two of its lines at least
SHADOW = 0.9  # points between two drawings of one letter: less than the width of any that is written twice


class Char(NamedTuple):
    """A character from edge to edge of its advance, on its baseline ``y``, in its font's ``size``. A space has no place."""

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool


@dataclass(slots=True)
class Piece:
    """A run of characters on one baseline. ``order`` is its place in the page's own order; a ``table`` is one piece, in Markdown."""

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool
    order: int = 0
    table: bool = False

    @property
    def middle(self) -> float:
        """The horizontal middle."""
        return (self.x0 + self.x1) / 2


class PageChars(NamedTuple):
    """A page's upright characters in its own order, its size when upright, and the letters left out.

    ``sideways`` is a block of lines on it that stand at right angles to them, such as a wide table, when that is turned upright.
    """

    chars: list[Char]
    width: float
    height: float
    turned: int
    outside: int
    quarters: int  # turns that made the text upright
    sideways: PageChars | None = None


def page_chars(page: Any) -> PageChars:
    """The characters of a pypdfium2 page. A page whose text mostly runs up or down is turned first."""
    read, odd = page_glyphs(page)
    counts = Counter(quarter for *_, quarter in read if quarter is not None)
    order = [quarters for quarters, _ in counts.most_common()] or [0]
    shown = page.get_rotation() // 90 % 4  # the turn that a viewer makes
    parts = [_upright(read, quarters, page.get_bbox()) for quarters in order]
    if order[0] != shown and shown in order and _is_block(parts[0].chars):
        parts.insert(0, parts.pop(order.index(shown)))  # a wide table fills the page, its head or legend stands upright
    main, *others = parts
    block = next((other for other in others if _is_block(other.chars)), None)
    own = sum(char.text.isalpha() for char in block.chars) if block else 0
    return main._replace(turned=main.turned + odd - own, sideways=block)


def _upright(read: Sequence[Glyph], quarters: int, bounds: Bounds) -> PageChars:
    """The characters that stand upright when the page is turned by so many quarters."""
    left, bottom, right, top = bounds
    width, height = right - left, top - bottom
    chars: list[Char] = []
    turned = outside = 0
    for text, x0, y0, x1, y1, x, y, bold, quarter in read:
        if quarter is None:
            chars.append(SPACE if text == " " else _LINE_END)
            continue
        if quarter != quarters:
            turned += text.isalpha()
            continue
        if not (left - 2 <= (x0 + x1) / 2 <= right + 2 and bottom - 2 <= (y0 + y1) / 2 <= top + 2):
            outside += text.isalpha()
            continue
        a0, b0, a1, b1 = turned_box((x0 - left, y0 - bottom, x1 - left, y1 - bottom), quarters, width, height)
        base = (y - bottom, width - (x - left), height - (y - bottom), x - left)[quarters]
        chars.append(Char(text, a0, a1, base, b1 - b0, bold))
    if quarters % 2:
        width, height = height, width
    return PageChars(initials_level(drawn_once(chars)), width, height, turned, outside, quarters)


def _is_block(chars: Iterable[Char]) -> bool:
    """Whether turned characters are lines of text or rows of a table: no line in the margin, no labels of a drawing's axes."""
    lines = Counter(round(char.y / LEVELS_APART) for char in chars if char.size and char.text.isalnum())
    full = [signs for signs in lines.values() if signs >= TURNED_LINE]
    return len(full) >= TURNED_LINES and sum(full) >= 0.5 * lines.total()


def drawn_once(chars: list[Char]) -> list[Char]:
    """The characters without those drawn twice in one place, which a program does to make them bold or to give them a shadow."""
    places: dict[tuple[str, int, int], list[Char]] = defaultdict(list)
    kept: list[Char] = []
    gone = False
    last: Char | None = None
    for char in chars:
        if not char.size:
            if not gone:
                kept.append(char)
            continue
        across, up = round(char.x0 / SHADOW), round(char.y / SHADOW)
        near = (
            other for i in (across - 1, across, across + 1) for j in (up - 1, up, up + 1) for other in places.get((char.text, i, j), ())
        )
        if char != last:  # the letters of a ligature have one place: they go or stay together
            gone = any(abs(other.x0 - char.x0) <= SHADOW and abs(other.y - char.y) <= SHADOW for other in near)
        last = char
        if not gone:
            places[char.text, across, up].append(char)
            kept.append(char)
    return kept


def initials_level(chars: list[Char]) -> list[Char]:
    """The characters with every large initial that lines stand beside as the first letter of the first of them."""
    found: list[Char] = []
    last = -1  # the place of the last character that is no space
    for at, char in enumerate(chars):
        if char.size:
            if last >= 0 and _is_initial(found[last], char) and _beside(found[last], char, chars[at : at + INITIAL_REACH]):
                large = found[last]
                width = (large.x1 - large.x0) * char.size / large.size
                found[last:] = [large._replace(x0=char.x0 - width, x1=char.x0, y=char.y, size=char.size)]
            last = len(found)
        found.append(char)
    return found


def _is_initial(large: Char, first: Char) -> bool:
    """Whether a letter reaches down beside the line that ``first`` begins."""
    if large.size < INITIAL * first.size or not large.text.isupper() or not first.text.isalpha():
        return False
    return abs(first.x0 - large.x1) <= INITIAL_GAP * first.size and first.y - large.y > LEVEL * first.size


def _beside(large: Char, first: Char, rest: Sequence[Char]) -> bool:
    """Whether a second line begins beside an initial, under the ``first`` letter of the one above."""
    return any(
        abs(char.x0 - first.x0) < first.size and first.y - char.y > 0.8 * first.size and char.y > large.y - LEVEL * first.size
        for char in rest
        if char.size
    )


SPACE = Char(" ", 0.0, 0.0, 0.0, 0.0, False)
_LINE_END = Char("\n", 0.0, 0.0, 0.0, 0.0, False)  # pdfium ends a line also before a superscript: no space stands there


def pieces(chars: Iterable[Char]) -> list[Piece]:
    """Runs of characters on one baseline without a wide gap, in the page's own order."""
    found: list[Piece] = []
    run: list[Char] = []
    last: Char | None = None
    base: Char | None = None  # the last character that is no superscript or subscript
    ended = False
    for char in accented(chars):
        if char is SPACE:
            if run and run[-1] is not SPACE:
                run.append(char)
            continue
        if char is _LINE_END:
            ended = True
            continue
        if last is not None and base is not None and not _continues(last, char) and not _scripted(base, last, char):
            _flush(run, found)
            run = []
            base = None
        elif ended and last is not None and run and run[-1] is not SPACE and char.x0 - last.x1 > LINE_END_GAP * char.size:
            run.append(SPACE)
        ended = False
        run.append(char)
        last = char
        if base is None or char.size > SCRIPT * base.size:
            base = char
    _flush(run, found)
    return found


def _continues(last: Char, char: Char) -> bool:
    size = max(last.size, char.size)
    gap = char.x0 - last.x1
    off = abs(char.y - last.y)
    return off <= RISE * size and -BACK * size <= gap <= (GAP if off <= LEVEL * size else LEVEL) * size


def _scripted(base: Char, last: Char, char: Char) -> bool:
    """Whether an index stands under an exponent, or the line goes on after the two: neither is level with the character before it."""
    if char.size <= SCRIPT * base.size:
        return abs(char.y - base.y) <= RISE * base.size and -LEVEL * base.size <= char.x0 - base.x1 <= LEVEL * base.size
    gap = char.x0 - max(last.x1, base.x1)
    return last.size <= SCRIPT * base.size and abs(char.y - base.y) <= LEVEL * base.size and -BACK * base.size <= gap <= GAP * base.size


def accented(chars: Iterable[Char]) -> list[Char]:
    """The characters with every accent that is drawn over a letter of its own joined to it: TeX's older fonts have no "é".

    pdfium gives the accent before its letter, after it, or at the line's end; where both stand decides. The spaces that it puts in the
    accent's place go, where the letters around them touch.
    """
    found = list(chars)
    places = [at for at, char in enumerate(found) if char.text in ACCENTS]
    if not places:
        return found
    lines: dict[int, list[tuple[float, int]]] = defaultdict(list)  # the letters of each baseline by where they begin
    for at, char in enumerate(found):
        if _bears(char):
            lines[round(char.y)].append((char.x0, at))
    for line in lines.values():
        line.sort()
    gone: set[int] = set()
    for at in places:
        letter = _under(found, lines, found[at])
        if letter is not None:
            found[letter] = _with_accent(found[letter], found[at])
            gone.add(at)
    for at in sorted(gone):
        before, after, spaces = at - 1, at + 1, []
        while before >= 0 and (found[before] is SPACE or before in gone):
            spaces.append(before)
            before -= 1
        while after < len(found) and (found[after] is SPACE or after in gone):
            spaces.append(after)
            after += 1
        if before >= 0 and after < len(found):
            left, right = found[before], found[after]
            level = left.size and right.size and abs(left.y - right.y) < LEVEL * left.size
            if level and -BACK * left.size < right.x0 - left.x1 < LINE_END_GAP * left.size:
                gone.update(spaces)
    return [char for at, char in enumerate(found) if at not in gone]


def _under(chars: Sequence[Char], lines: dict[int, list[tuple[float, int]]], accent: Char) -> int | None:
    """The place of the letter that an accent is drawn over."""
    middle = (accent.x0 + accent.x1) / 2
    level = round(accent.y)
    for height in (level, *range(level - 1, level - 2 - round(RAISED * accent.size), -1), level + 1):
        line = lines.get(height, [])
        for _, at in reversed(line[max(bisect.bisect(line, (middle, len(chars))) - 2, 0) : bisect.bisect(line, (middle, len(chars)))]):
            if _over(accent, chars[at]):
                return at
    return None


def _with_accent(letter: Char, accent: Char) -> Char:
    """The letter with the accent, as one character where Unicode has it."""
    bare = "i" if letter.text == "ı" else letter.text
    return letter._replace(text=normalize("NFC", bare + ACCENTS[accent.text]))


def _bears(char: Char) -> bool:
    """Whether a character can bear an accent: a letter, or a formula's sign. Some accents count as letters themselves."""
    return (char.text.isalpha() and char.text not in ACCENTS) or char.text in SIGNS


def _over(accent: Char, letter: Char) -> bool:
    middle = (accent.x0 + accent.x1) / 2
    rise = accent.y - letter.y
    raised = RAISED if letter.text.isupper() or letter.text in SIGNS else LEVEL
    return letter.x0 <= middle <= letter.x1 and -LEVEL * letter.size <= rise <= raised * letter.size


def _flush(run: Sequence[Char], found: list[Piece]) -> None:
    solid = [char for char in run if char is not SPACE]
    if not solid:
        return
    sizes = Counter(round(char.size, 1) for char in solid)
    size = sizes.most_common(1)[0][0]
    lines = [char.y for char in solid if abs(char.size - size) < 0.2]
    text = _text(run, size)
    if text:
        bold = sum(char.bold for char in solid) > 0.6 * len(solid)
        found.append(Piece(text, solid[0].x0, max(c.x1 for c in solid), statistics.median(lines), size, bold, len(found)))


def _text(run: Sequence[Char], size: float) -> str:
    """The run's words: pdfium's spaces, and one where two words are set so tight that it saw none."""
    gaps = [b.x0 - a.x1 for a, b in itertools.pairwise(run) if a is not SPACE and b is not SPACE]
    usual = statistics.median(gaps) if len(gaps) > 3 else 0.0
    spaced = usual > SPACED * size
    least = (NARROW if usual > TOUCHING / 2 * size or len(gaps) < FEW else NARROWEST) * size
    parts: list[str] = []
    before: Char | None = None
    slanted = _slanted(run)
    level = statistics.median([char.y for char in run if char.size and abs(char.size - size) < 0.2] or [0.0])
    for at, char in enumerate(run):
        if at in slanted:
            continue
        if before is not None and not spaced and _parts_words(before, char, least):
            parts.append(" ")
        if before is not None and char.text.isdecimal() and _raised(char, size, level):
            word = re.search(r"[^\W\d_]*$", "".join(parts[-UNIT - 1 :]))
            parts.append(" " if word and len(word.group()) > UNIT else "")  # a note's mark; 40 m² and 10³ are words
            parts.append(raised(char.text))
        else:
            parts.append(char.text)
        before = char
    text = " ".join("".join(parts).split())
    return _closed(text, run, size) if re.match(r"(?:\S ){4,}\S$", text) else text


def _raised(char: Char, size: float, level: float) -> bool:
    """Whether a character is smaller than its line and stands over it: an exponent, or a note's mark."""
    return 0 < char.size <= SCRIPT * size and char.y - level > MARK_RISE * size


def _slanted(run: Sequence[Char]) -> set[int]:
    """The places of spaces that part a word's first letter from its second, as pdfium does where a formula spells a word."""
    return {
        at
        for at in range(1, len(run) - 1)
        if run[at] is SPACE
        and run[at + 1].text.islower()
        and run[at - 1].text.isalpha()
        and (at == 1 or not run[at - 2].text.isalnum())
        and -LEVEL * run[at - 1].size < run[at + 1].x0 - run[at - 1].x1 < TOUCHING * run[at - 1].size
        and abs(run[at + 1].y - run[at - 1].y) < 0.05 * run[at - 1].size
    }


def _parts_words(before: Char, char: Char, least: float) -> bool:
    """Whether two words that are set tight meet here: a gap of ``least`` points in one size on one baseline, and not after a capital, which is kerned.

    The first may end in a point or comma, and then the second begins with a letter, for numbers are written with both.
    """
    if not before.size or not char.size or not char.text.isalnum():
        return False
    if not before.text.isalnum() and not (before.text in STOPS and char.text.isalpha()):
        return False
    level = (
        char.size > 0.9 * before.size and char.y < before.y + 0.05 * char.size
    )  # "S" and its index are one word, a mark and its note two
    kerned = before.text.isupper() and char.text.islower()
    return level and not kerned and char.x0 - before.x1 > least


def _closed(text: str, run: Sequence[Char], size: float) -> str:
    """A title whose letters are set apart ("T I T R E  I") as words: a gap is a word's end when it is much wider than most."""
    solid = [char for char in run if char is not SPACE]
    gaps = [b.x0 - a.x1 for a, b in itertools.pairwise(solid)]
    usual = statistics.median(gaps)
    if sum(char.text.isalpha() for char in solid) < 0.8 * len(solid) or usual <= 0:
        return text
    return solid[0].text + "".join((" " if gap > 1.6 * usual else "") + char.text for gap, char in zip(gaps, solid[1:], strict=True))
