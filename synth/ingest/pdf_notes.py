"""Footnotes of a PDF page: small print at the foot of a column, set apart, that begins with marks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from triplette.synth.ingest.pdf_chars import Piece
from triplette.synth.ingest.pdf_rows import JOIN, ROW, Bar, rows_of

NOTE_SIZE = 0.93  # of the text's size: a footnote is set smaller
NOTE_GAP = 1.35  # times the text's size between its last line and the first of its notes: more than its leading
BAR_ABOVE = 2.5  # times the type's size between footnotes and the rule above them at most
MARKS = 4.0  # times the type's size that the marks of footnotes take at most, where they stand in a column of their own
ROW_PIECES = 8  # of a row of small print that are looked at
INDENT = 2.0  # times the text's size that the first line of a footnote may be indented by
RUN_STEP = 2.0  # times the type's size between lines of one run of small print
_NOTE = re.compile(r"\(?(?:\d{1,3}(?!\d)|[*†‡§¹²³⁴⁵⁶⁷⁸⁹]{1,3}|[a-z](?=\s))\)?[.\s]?\s?\S")


def notes_apart(pieces: list[Piece], width: float, size: float, bars: Sequence[Bar]) -> tuple[list[Piece], list[Piece]]:
    """(text, footnotes): small print under which no text stands in its column, set apart from it, in which some line begins with a mark.

    What stands above the first mark, on a page with a note in a column before or under a rule, is the end of a note that began earlier.
    """
    small = NOTE_SIZE * size
    if not any(piece.size <= small for piece in pieces) or not any(piece.size > small for piece in pieces):
        return pieces, []
    bins = 48
    floor = [float("inf")] * bins  # the lowest text in each strip of the page
    for piece in pieces:
        if piece.size > small and len(piece.text) > 3:
            for strip in _strips(piece, width, bins):
                floor[strip] = min(floor[strip], piece.y)
    low = [p for p in pieces if p.size <= small and all(p.y < floor[strip] for strip in _strips(p, width, bins))]
    chosen: set[int] = set()
    runs = _runs(low)
    for run in sorted(runs, key=lambda run: run[0].x0):
        above = [floor[strip] for strip in _strips(run[0], width, bins) if floor[strip] < float("inf")]
        if not above:
            continue
        edge = min(piece.x0 for piece in run) + INDENT * size
        marked = [place for place, piece in enumerate(run) if piece.x0 <= edge and _NOTE.match(piece.text)]
        apart = min(above) - run[0].y > NOTE_GAP * size
        goes_on = any(p.order in chosen and p.x1 <= run[0].x0 for p in low) or _under_bar(run, bars)
        cell = any(other is not run and other[0].order not in chosen and _beside(other, run) for other in runs)
        if marked and not cell and (not marked[0] or (apart and goes_on)):
            chosen.update(piece.order for piece in run)
    return [p for p in pieces if p.order not in chosen], [p for p in pieces if p.order in chosen]


def note_columns(notes: Sequence[Piece]) -> list[list[Piece]]:
    """The footnotes of each column, from the left: those of columns beside each other may be drawn line by line across the page."""
    columns: list[list[Piece]] = []
    left = right = 0.0
    for piece in sorted(notes, key=lambda piece: piece.x0):
        if columns and (piece.x0 < right + JOIN * piece.size or right - left < MARKS * piece.size):
            columns[-1].append(piece)
            right = max(right, piece.x1)
        else:
            columns.append([piece])
            left, right = piece.x0, piece.x1
    return [sorted(column, key=lambda piece: piece.order) for column in columns]


def _under_bar(run: Sequence[Piece], bars: Sequence[Bar]) -> bool:
    """Whether a rule stands close above."""
    first = run[0]
    return any(0 < bar.y - first.y < BAR_ABOVE * first.size and bar.x0 < first.x1 and bar.x1 > first.x0 for bar in bars)


def _runs(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces in one column, each line close below the one before it, from top to bottom."""
    runs: list[list[Piece]] = []
    for row in rows_of(pieces):
        for piece in row:
            for run in reversed(runs):
                last = run[-1]
                step = last.y - piece.y
                left = min(p.x0 for p in run[-ROW_PIECES:] if abs(p.y - last.y) <= ROW * p.size)
                common = min(last.x1, piece.x1) - max(left, piece.x0)
                same_row = abs(step) <= ROW * piece.size and piece.x0 - last.x1 <= JOIN * piece.size
                if same_row or (0 < step <= RUN_STEP * piece.size and common > 0.3 * min(last.x1 - left, piece.x1 - piece.x0)):
                    run.append(piece)
                    break
            else:
                runs.append([piece])
    return runs


def _beside(left: Sequence[Piece], run: Sequence[Piece]) -> bool:
    """Whether the first line of ``run`` stands in a row with a line of ``left``, on its right: a cell of a table in small print."""
    return any(abs(p.y - run[0].y) <= ROW * p.size and p.x1 <= run[0].x0 for p in left)


def _strips(piece: Piece, width: float, bins: int) -> range:
    start = min(max(int(piece.x0 / width * bins), 0), bins - 1)
    return range(start, min(max(int(piece.x1 / width * bins), start), bins - 1) + 1)
