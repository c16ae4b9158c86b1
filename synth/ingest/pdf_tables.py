"""Ruled tables of a PDF page: pdfplumber's grid over pdfium's lines, filled with pdfium's characters.

pdfplumber finds the cells between ruling lines; what it reads in them is left aside, for it glues words that are set tight, and takes
seconds a page. A frame round a page, a box round a paragraph and a table of one column are text.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from triplette.synth.ingest.joining import join_lines
from triplette.synth.ingest.layout import row_texts
from triplette.synth.ingest.pdf_chars import Char, Piece, pieces
from triplette.synth.ingest.pdf_glyphs import turned_box
from triplette.synth.ingest.tables import table_text

RULES = 3  # ruling lines in each direction that a table of two columns and two rows has
RULES_LIMIT = 1500  # a page with more is a drawing; the grid grows with their product
PATHS_LIMIT = 20_000  # segments read on a page
SHORT = 6.0  # points: a shorter stroke is a dash or a glyph's
SLANT = 1.0  # points off the level or the upright
CELL_LIMIT = 1200  # characters: a cell that holds more is a box round prose
FILLED = 0.34  # of the cells that hold text at least: an empty grid is a form's or a drawing's
NESTED = 5  # forms in forms


class Rule(NamedTuple):
    """A ruling line from (x0, y0) to (x1, y1), level or upright, y upwards."""

    x0: float
    y0: float
    x1: float
    y1: float


def turned_rules(lines: Sequence[Rule], quarters: int, width: float, height: float) -> list[Rule]:
    """The rules of a page of that size when it is turned by so many quarters."""
    return [Rule(*turned_box(line, quarters, width, height)) for line in lines]


_Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def rules(page: Any) -> list[Rule]:
    """The level and upright lines that a pypdfium2 page draws, edges of rectangles included; [] where there are too many to be a table."""
    from pypdfium2 import raw

    left, bottom, _, _ = page.get_bbox()
    found: list[Rule] = []
    count = raw.FPDFPage_CountObjects(page.raw)
    _walk(raw, (raw.FPDFPage_GetObject(page.raw, i) for i in range(count)), (1.0, 0.0, 0.0, 1.0, -left, -bottom), found, 0)
    return found if len(found) <= PATHS_LIMIT else []


def _walk(raw: Any, objects: Iterable[Any], matrix: _Matrix, found: list[Rule], depth: int) -> None:
    own = raw.FS_MATRIX()
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    for item in objects:
        if len(found) > PATHS_LIMIT:
            return
        kind = raw.FPDFPageObj_GetType(item)
        if kind not in (raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_FORM):
            continue
        raw.FPDFPageObj_GetMatrix(item, own)
        inner = _times((own.a, own.b, own.c, own.d, own.e, own.f), matrix)
        if kind == raw.FPDF_PAGEOBJ_FORM:
            if depth < NESTED:
                parts = (raw.FPDFFormObj_GetObject(item, i) for i in range(raw.FPDFFormObj_CountObjects(item)))
                _walk(raw, parts, inner, found, depth + 1)
        elif raw.FPDFPath_GetDrawMode(item, fill, stroke) and (fill.value or stroke.value):
            _segments(raw, item, inner, found)


def _times(a: _Matrix, b: _Matrix) -> _Matrix:
    """``a`` then ``b``, as PDF composes matrices."""
    return (
        a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4], a[4] * b[1] + a[5] * b[3] + b[5],
    )  # fmt: skip


def _segments(raw: Any, path: Any, m: _Matrix, found: list[Rule]) -> None:
    x, y = ctypes.c_float(), ctypes.c_float()
    before = start = (math.nan, math.nan)
    for index in range(raw.FPDFPath_CountSegments(path)):
        segment = raw.FPDFPath_GetPathSegment(path, index)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = (x.value * m[0] + y.value * m[2] + m[4], x.value * m[1] + y.value * m[3] + m[5])
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = point
        elif kind == raw.FPDF_SEGMENT_LINETO:
            _add(found, before, point)
        if raw.FPDFPathSegment_GetClose(segment):
            _add(found, point, start)
        before = point
        if len(found) > PATHS_LIMIT:
            return


def _add(found: list[Rule], a: tuple[float, float], b: tuple[float, float]) -> None:
    across, up = abs(a[0] - b[0]), abs(a[1] - b[1])
    if (up <= SLANT and across >= SHORT) or (across <= SLANT and up >= SHORT):
        found.append(Rule(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])))


def tables(lines: Sequence[Rule], chars: Sequence[Char]) -> tuple[list[Char], list[tuple[int, Piece]]]:
    """(the characters outside tables, [(the number of them before the table, the table)]) of an upright page."""
    if sum(r.x1 - r.x0 >= r.y1 - r.y0 for r in lines) < RULES or sum(r.x1 - r.x0 < r.y1 - r.y0 for r in lines) < RULES:
        return list(chars), []
    grids = _grids(lines)
    if not grids:
        return list(chars), []
    owner = _owners(grids, chars)
    inside: list[list[tuple[Char, _Cell]]] = [[] for _ in grids]
    for char, place in zip(chars, owner, strict=True):
        if place is not None:
            inside[place[0]].append((char, place[1]))
    filled = [_table(grid, held) for grid, held in zip(grids, inside, strict=True)]
    outside: list[Char] = []
    placed: dict[int, int] = {}
    for char, place in zip(chars, owner, strict=True):
        if place is not None and filled[place[0]] is not None:
            placed.setdefault(place[0], len(outside))
        else:
            outside.append(char)
    return outside, [(at, table) for number, at in sorted(placed.items(), key=lambda p: p[1]) if (table := filled[number]) is not None]


_Cell = tuple[float, float, float, float]  # x0, top, x1, bottom with y downwards, as pdfplumber has it


def _grids(lines: Sequence[Rule]) -> list[list[_Cell]]:
    from pdfplumber import table as plumber

    edges = [_edge(rule) for rule in lines]
    edges = plumber.merge_edges(edges, snap_x_tolerance=3, snap_y_tolerance=3, join_x_tolerance=3, join_y_tolerance=3)
    if len(edges) > RULES_LIMIT:
        return []
    crossings = plumber.edges_to_intersections(edges, 3, 3)
    cells = plumber.intersections_to_cells(crossings)
    return [list(group) for group in plumber.cells_to_tables(cells)]


def _edge(rule: Rule) -> dict[str, Any]:
    level = rule.x1 - rule.x0 >= rule.y1 - rule.y0
    y0, y1 = (rule.y0, rule.y0) if level else (rule.y0, rule.y1)
    x0, x1 = (rule.x0, rule.x1) if level else (rule.x0, rule.x0)
    return {
        "x0": x0, "x1": x1, "top": -y1, "bottom": -y0, "width": x1 - x0, "height": y1 - y0, "orientation": "h" if level else "v",
        "object_type": "line", "doctop": -y1,
    }  # fmt: skip


def _owners(grids: Sequence[Sequence[_Cell]], chars: Sequence[Char]) -> list[tuple[int, _Cell] | None]:
    """The grid and cell that each character stands in; a space stands where the character before it does."""
    rows: list[tuple[float, float, int, list[_Cell]]] = []
    for number, grid in enumerate(grids):
        by_row: dict[tuple[float, float], list[_Cell]] = {}
        for cell in grid:
            by_row.setdefault((cell[1], cell[3]), []).append(cell)
        rows += [(top, bottom, number, cells) for (top, bottom), cells in by_row.items()]
    owner: list[tuple[int, _Cell] | None] = []
    place: tuple[int, _Cell] | None = None
    for char in chars:
        if char.size:
            x, y = (char.x0 + char.x1) / 2, -(char.y + 0.3 * char.size)
            there = ((n, c) for top, bottom, n, row in rows if top <= y <= bottom for c in row if c[0] <= x <= c[2])
            place = next(there, None)
        owner.append(place)
    return owner


def _table(grid: Sequence[_Cell], inside: Sequence[tuple[Char, _Cell]]) -> Piece | None:
    """The grid as one piece, or None when it is a frame, a box of prose or a column of text."""
    held: dict[_Cell, list[Char]] = {}
    for char, cell in inside:
        held.setdefault(cell, []).append(char)
    texts = {cell: _cell_text(chars) for cell, chars in held.items()}
    tops = sorted({cell[1] for cell in grid})
    lefts = sorted({cell[0] for cell in grid})
    rows = [[""] * len(lefts) for _ in tops]
    for cell, text in texts.items():
        rows[tops.index(cell[1])][lefts.index(cell[0])] = text
    rows = [row for row in rows if any(row)]
    columns = [i for i in range(len(lefts)) if any(row[i] for row in rows)]
    rows = [[row[i] for i in columns] for row in rows]
    full = sum(bool(cell) for row in rows for cell in row)
    if len(rows) < 2 or len(columns) < 2 or full < FILLED * len(rows) * len(columns) or max(map(len, texts.values())) > CELL_LIMIT:
        return None
    chars = [char for char, _ in inside]
    first = max(chars, key=lambda c: c.y)
    return Piece(table_text(rows), min(c[0] for c in grid), max(c[2] for c in grid), first.y, first.size, bold=False, table=True)


def _cell_text(chars: Sequence[Char]) -> str:
    return join_lines(row_texts(pieces(chars)))
