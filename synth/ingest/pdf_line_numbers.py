"""Line numbers of a PDF page: figures in the margin that count its lines, as bills, transcripts and manuscripts have them."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Sequence
from dataclasses import replace

from triplette.synth.ingest.pdf_chars import Piece
from triplette.synth.ingest.pdf_rows import rows_of

LEAST = 8  # lines that are counted one by one, from which it is no list
LEAST_FIVES = 4  # numbers, where every fifth line has one
PROSE = 40  # characters of the usual line beside a number: a list or a table has shorter ones
GOING_ON = 0.25  # of the lines begin with a small letter: the items of a list begin with capitals
_NUMBER = re.compile(r"(\d{1,4})(?: (?=\S))?")


def line_numbers_apart(pieces: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """(text, line numbers), where the page's lines are counted; a number that stands close to its line is cut off it."""
    rows = [row for row in rows_of(pieces) if not any(piece.table for piece in row)]
    first = [(row, found) for row in rows if (found := _NUMBER.match(row[0].text))]
    if len(first) >= LEAST and _counts(first, len(rows)):
        return _cut(pieces, {row[0].order: found for row, found in first})
    for side in (0, -1):
        fives = [row[side] for row in rows if len(row) > 1 and row[side].text.isdecimal()]
        orders = {piece.order for piece in fives}
        others = [piece for piece in pieces if piece.order not in orders]
        if LEAST_FIVES <= len(fives) <= len(rows) / LEAST_FIVES and _outside(fives, others, side):
            numbers = [int(piece.text) for piece in fives]
            if not numbers[0] % 5 and all(b - a == 5 for a, b in itertools.pairwise(numbers)):
                return others, fives
    return pieces, []


def _counts(first: Sequence[tuple[list[Piece], re.Match[str]]], rows: int) -> bool:
    """Whether the numbers at the beginning of most rows rise by one, each beside a line of running text."""
    numbers = [int(found.group(1)) for _, found in first]
    beside = [" ".join(piece.text for piece in row)[found.end() :].strip() for row, found in first]
    if len(first) < 0.6 * rows or any(b - a != 1 for a, b in itertools.pairwise(numbers)):
        return False
    texts = [text for text in beside if text]
    going_on = sum(text[0].islower() for text in texts)
    return bool(texts) and statistics.median(map(len, texts)) >= PROSE and going_on >= GOING_ON * len(texts)


def _outside(numbers: Sequence[Piece], others: Sequence[Piece], side: int) -> bool:
    if side == 0:
        return max(piece.x1 for piece in numbers) < min(piece.x0 for piece in others)
    return min(piece.x0 for piece in numbers) > max(piece.x1 for piece in others)


def _cut(pieces: Sequence[Piece], found: dict[int, re.Match[str]]) -> tuple[list[Piece], list[Piece]]:
    text: list[Piece] = []
    numbers: list[Piece] = []
    for piece in pieces:
        number = found.get(piece.order)
        if number is None:
            text.append(piece)
            continue
        rest = piece.text[number.end() :]
        edge = piece.x0 + (piece.x1 - piece.x0) * number.end() / len(piece.text)
        numbers.append(replace(piece, text=number.group(1), x1=edge))
        if rest:
            text.append(replace(piece, text=rest, x0=edge))
    return text, numbers
