"""Tables of a PDF page that no ruling line shows: rows of short cells, one under the other in the same columns."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

from triplette.synth.ingest.pdf_chars import Piece
from triplette.synth.ingest.tables import table_text

COLUMNS = 3  # cells of its first row at least: two columns may be a form's labels and values
ROWS = 3  # of the table at least
CELL = 30  # characters of the usual cell at most: columns of text have longer lines
LONGEST = 40  # characters of any cell: a line of the column beside the table has more
STEP = 3.0  # times the type's size from row to row at most
DRAWN = 0.9  # of its cells that are drawn after the one before them: authors side by side are drawn one after the other
FULL = 0.6  # of the rows that have a cell in every column at least


def unruled(rows: Sequence[list[Piece]]) -> list[list[Piece]]:
    """The rows of a column of the page, with every table among them as one piece. A table of contents stays in lines."""
    found: list[list[Piece]] = []
    at = 0
    while at < len(rows):
        cells = _cells(rows, at)
        taken = rows[at : at + max(len(cells), 1)]
        if _is_table(cells):
            found.append([_piece(taken, cells)])
        else:
            found += taken
        at += len(taken)
    return found


def _cells(rows: Sequence[Sequence[Piece]], start: int) -> list[list[Piece | None]]:
    """The rows from ``start`` that stand in the columns of its first one, a place a column."""
    first = rows[start]
    if len(first) < COLUMNS or not all(map(_short, first)):
        return []
    edges = [(piece.x0, piece.x1) for piece in first]
    found: list[list[Piece | None]] = [list(first)]
    for before, row in itertools.pairwise(rows[start:]):
        if len(row) < 2 or before[0].y - row[0].y > STEP * row[0].size or any(not _short(piece) for piece in row):
            break
        places = [[n for n, (x0, x1) in enumerate(edges) if piece.x0 < x1 and piece.x1 > x0] for piece in row]
        if any(len(place) != 1 for place in places) or len({place[0] for place in places}) < len(row):
            break
        line: list[Piece | None] = [None] * len(edges)
        for piece, (column,) in zip(row, places, strict=True):
            line[column] = piece
            edges[column] = (min(edges[column][0], piece.x0), max(edges[column][1], piece.x1))
        found.append(line)
    return found


def _short(piece: Piece) -> bool:
    return not piece.table and len(piece.text) <= LONGEST


def _is_table(cells: Sequence[Sequence[Piece | None]]) -> bool:
    if len(cells) < ROWS or sum(None not in row for row in cells) < FULL * len(cells):
        return False
    orders = [cell.order for row in cells for cell in row if cell is not None]
    if sum(a < b for a, b in itertools.pairwise(orders)) < DRAWN * (len(orders) - 1):
        return False
    pages = [int(cell.text) for row in cells if (cell := row[-1]) is not None and cell.text.isdecimal()]
    contents = len(pages) >= len(cells) - 1 and pages == sorted(pages)
    return not contents and statistics.median(len(cell.text) for row in cells for cell in row if cell is not None) <= CELL


def _piece(rows: Sequence[Sequence[Piece]], cells: Sequence[Sequence[Piece | None]]) -> Piece:
    held = [piece for row in rows for piece in row]
    text = table_text([[cell.text if cell else "" for cell in row] for row in cells])
    left, right = min(piece.x0 for piece in held), max(piece.x1 for piece in held)
    first = rows[0][0]
    return Piece(text, left, right, first.y, first.size, bold=False, order=min(piece.order for piece in held), table=True)
