"""Tables: cells with spans to rows, and rows to the text of a passage.

A cell that spans rows or columns is repeated in each of its places, so that every row can be read alone; one that spans a whole row is
said once. Spans come from the file, so their cost is bounded: a table of ten cells may claim a million places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PLACES_FREE = 2_000  # places that any table may have
PLACES_A_CELL = 12  # and so many more for each cell; beyond, spans count as 1
REPEATED_SHARE = 3  # times the table's own text that repetition may add
REPEATED_FREE = 20_000  # characters that it may add to any table


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text on one line, and how many rows and columns it spans (rows = 0: to the table's end)."""

    text: str
    rows: int = 1
    columns: int = 1


def grid(rows: Sequence[Sequence[Cell]], *, repeat_columns: bool = True) -> list[list[str]]:
    """The rows as texts, one a place, spans resolved; a row's places without text are "".

    ``repeat_columns`` = False gives a cell that spans columns once, in the first of them.
    """
    cells = sum(len(row) for row in rows)
    if _places(rows) > PLACES_FREE + PLACES_A_CELL * cells:
        return [[cell.text for cell in row] for row in rows]
    budget = REPEATED_FREE + REPEATED_SHARE * sum(len(cell.text) for row in rows for cell in row)
    hanging: dict[int, tuple[str, int]] = {}  # column -> text of a cell from above, and the rows it still covers
    lines: list[list[str]] = []
    for number, row in enumerate(rows):
        line: list[str] = []
        below: dict[int, tuple[str, int]] = {}
        for cell in [*row, None]:
            while len(line) in hanging:
                text, left = hanging.pop(len(line))
                budget -= len(text)
                if left > 1:
                    below[len(line)] = (text, left - 1)
                line.append(text if budget > 0 else "")
            if cell is None:
                break
            down = (cell.rows or len(rows)) - 1
            whole = len(row) == 1 and not line and not hanging and not below
            for place in range(max(cell.columns, 1)):
                again = cell.text if repeat_columns and not whole and budget > 0 else ""
                text = cell.text if place == 0 else again
                budget -= len(text) if place else 0
                if len(line) in hanging:  # overlapping spans: the cell from above gives way
                    del hanging[len(line)]
                if down and number + 1 < len(rows):
                    below[len(line)] = (text, down)
                line.append(text)
        for column, (text, left) in sorted(hanging.items()):  # beyond this row's last cell
            line += [""] * (column - len(line))
            budget -= len(text)
            line.append(text if budget > 0 else "")
            if left > 1:
                below[column] = (text, left - 1)
        hanging = below
        lines.append(line)
    return lines


def _places(rows: Sequence[Sequence[Cell]]) -> int:
    """Places of the resolved grid, never fewer than it has: every span clamped to the table."""
    total = len(rows)
    width = max((sum(max(cell.columns, 1) for cell in row) for row in rows), default=0)
    spanned = sum(max(cell.columns, 1) * min(cell.rows or total, total - number) for number, row in enumerate(rows) for cell in row)
    return max(width * total, spanned)


def filled(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """The rows that hold text, all as wide as the widest, without the columns that hold none.

    A table that is nearly empty (a sheet with a cell here and there) keeps only its filled cells, side by side.
    """
    kept = [row for row in rows if any(row)]
    width = max((len(row) for row in kept), default=0)
    used = sorted({column for row in kept for column, cell in enumerate(row) if cell})
    if len(used) * len(kept) > PLACES_FREE + PLACES_A_CELL * sum(bool(cell) for row in kept for cell in row) or width == 0:
        return tuple(tuple(cell for cell in row if cell) for row in kept)
    return tuple(tuple(row[column] if len(row) > column else "" for column in used) for row in kept)


def table_text(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table whose first row is the header; a bar inside a cell is written as "/"."""
    lines = ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines)
