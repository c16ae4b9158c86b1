"""Text from right to left on a PDF page: its characters put in the order of reading by their places.

A page that is mostly Arabic or Hebrew is taken in a mirror, so that its lines begin at the left, its first column and the first cell of a table's
rows too: whatever lays out pages from left to right then reads it right. On another page only the words from right to left are turned. The order of
the characters in the file does not count: programs draw such lines as they look, and pdfium turns some of their words and not others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from unicodedata import bidirectional

from triplette.synth.ingest.bidi import angled, runs_left, turned_runs
from triplette.synth.ingest.pdf_chars import GAP, LEVEL, NARROW, SPACE, Char, PageChars

SHARE = 0.5  # of a page's letters: with more of them from right to left, the page runs so

LAM = "\u0644"  # the first letter of most Arabic ligatures; pdfium lists some of them from behind


def in_reading_order(read: PageChars) -> tuple[PageChars, bool]:
    """The page with its lines from right to left in the order of reading, and whether it is in a mirror now."""
    leftward = sum(runs_left(char.text) for char in read.chars)
    if not leftward:
        return read, False
    mirrored = leftward > SHARE * sum(char.text.isalpha() for char in read.chars)
    found: list[Char] = []
    for line in _baselines(read.chars):
        if not line[0].size or not (mirrored or any(runs_left(char.text) for char in line)):
            found += line
            continue
        parts = list(_between_gaps(_as_shown(line)))
        for piece in reversed(parts) if mirrored else parts:
            turned = _paired(_turned(piece, mirrored))
            off = read.width - turned[0].x0 - max(char.x1 for char in turned) if mirrored else 0.0
            found += _spaced([char._replace(x0=char.x0 + off, x1=char.x1 + off) for char in turned])
            found.append(SPACE)
    return read._replace(chars=found), mirrored


def _baselines(chars: Sequence[Char]) -> Iterator[list[Char]]:
    """The characters by baseline, with the spaces in it; what ends a line by itself."""
    line: list[Char] = []
    last: Char | None = None
    for char in chars:
        placed = bool(char.size)
        ends = not placed and char is not SPACE
        if line and (ends or (placed and last and abs(char.y - last.y) > LEVEL * max(char.size, last.size))):
            yield line
            line = []
        if ends or (not placed and not line):
            yield [char]
            continue
        line.append(char)
        last = char if placed else last
    if line:
        yield line


def _as_shown(line: Sequence[Char]) -> list[Char]:
    """A line's characters from left to right without its spaces, the marks over letters joined to them."""
    letters: list[Char] = []
    marks: list[Char] = []  # those that come before their letter
    for char in line:
        if not char.size:
            continue
        middle = (char.x0 + char.x1) / 2
        if bidirectional(char.text[0]) != "NSM":
            over = [mark for mark in marks if char.x0 <= (mark.x0 + mark.x1) / 2 <= char.x1]
            letters.append(char._replace(text=char.text + "".join(mark.text for mark in over)))
            marks = []
        elif letters and letters[-1].x0 <= middle <= letters[-1].x1:
            letters[-1] = letters[-1]._replace(text=letters[-1].text + char.text)
        else:
            marks.append(char)
    order = range(len(letters))  # the letters of a ligature have one place, and are listed as they are read

    def place(at: int) -> tuple[float, bool, int]:
        letter = letters[at]
        return letter.x0, letter.text[0] == LAM, -at if runs_left(letter.text) else at

    return [letters[at] for at in sorted(order, key=place)]


def _between_gaps(shown: Sequence[Char]) -> Iterator[list[Char]]:
    piece: list[Char] = []
    for char in shown:
        if piece and char.x0 - piece[-1].x1 > GAP * max(char.size, piece[-1].size):
            yield piece
            piece = []
        piece.append(char)
    if piece:
        yield piece


def _turned(piece: list[Char], leftward: bool) -> list[Char]:
    """A piece of a line in the order of reading, laid out from left to right where it stands."""
    leftward, runs = turned_runs([char.text for char in piece], leftward)
    if leftward:
        piece = [char._replace(text=angled(char.text)) for char in piece]
    for first, last in runs:
        piece[first:last] = [char._replace(text=angled(char.text)) for char in _reflected(piece[first:last])]
    return _reflected(piece) if leftward else piece


def _paired(chars: list[Char]) -> list[Char]:
    """The characters with their brackets as pairs: pdfium gives some as they look and some as they are meant, also within a line."""
    for opening, closing in ("()", "[]"):
        places = [at for at, char in enumerate(chars) if char.text in (opening, closing)]
        if len(places) % 2 == 0:
            for number, at in enumerate(places):
                chars[at] = chars[at]._replace(text=closing if number % 2 else opening)
    return chars


def _reflected(chars: Sequence[Char]) -> list[Char]:
    edges = min(char.x0 for char in chars) + max(char.x1 for char in chars)
    return [char._replace(x0=edges - char.x1, x1=edges - char.x0) for char in reversed(chars)]


def _spaced(chars: Sequence[Char]) -> list[Char]:
    """The characters with a space wherever white stands between two."""
    found = list(chars[:1])
    for before, char in itertools.pairwise(chars):
        if char.x0 - before.x1 > NARROW * max(char.size, before.size):
            found.append(SPACE)
        found.append(char)
    return found
