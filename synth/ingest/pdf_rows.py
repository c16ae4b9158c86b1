"""Pieces of a PDF page by row, and the rules between rows."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

from triplette.synth.ingest.pdf_chars import Piece

ROW = 0.4  # ems: pieces whose baselines differ by less stand on one row
JOIN = 1.2  # ems between pieces of one row that are one line although they were not drawn one after the other
VALUE_ROW = 0.8  # ems between the baselines of a form's label and of the value beside it at most


class Bar(NamedTuple):
    """A level rule from ``x0`` to ``x1`` at the height ``y``, in points from the page's lower left."""

    x0: float
    x1: float
    y: float


def rows_of(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Pieces by row from top to bottom, each row from left to right."""
    found: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: (-p.y, p.x0)):
        if found and found[-1][0].y - piece.y <= ROW * min(piece.size, found[-1][0].size):
            found[-1].append(piece)
        else:
            found.append([piece])
    for row in found:
        row.sort(key=lambda p: p.x0)
    return found


def beside_labels(pieces: Sequence[Piece], values: Collection[tuple[int, int]]) -> list[Piece]:
    """The pieces of a filled form in order, each value after its label: what stands before it on its row, else the last piece above.

    ``values`` are the places (x, y in whole points) of the values' characters, which are drawn after everything else.
    """
    labels = [piece for piece in pieces if piece.table or (round(piece.x0), round(piece.y)) not in values]
    filled = [piece for piece in pieces if not piece.table and (round(piece.x0), round(piece.y)) in values]
    if not labels or not filled:
        return list(pieces)
    rows = sorted(((label.y, at) for at, label in enumerate(labels)), key=itemgetter(0))
    heights = [y for y, _ in rows]
    after: dict[int, list[Piece]] = defaultdict(list)
    for value in filled:
        near = VALUE_ROW * value.size
        level = rows[bisect.bisect_left(heights, value.y - near) : bisect.bisect_right(heights, value.y + near)]
        before = [at for _, at in level if labels[at].x0 <= value.x0]
        above = bisect.bisect_right(heights, value.y + near)
        at = max(before, key=lambda at: labels[at].x0) if before else rows[above][1] if above < len(rows) else len(labels) - 1
        after[at].append(value)
    return [piece for at, label in enumerate(labels) for piece in (label, *sorted(after.get(at, ()), key=lambda p: (-p.y, p.x0)))]
