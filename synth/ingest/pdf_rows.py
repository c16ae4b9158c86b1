"""Pieces of a PDF page by row, and the rules between rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from triplette.synth.ingest.pdf_chars import Piece

ROW = 0.4  # ems: pieces whose baselines differ by less stand on one row
JOIN = 1.2  # ems between pieces of one row that are one line although they were not drawn one after the other


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
