"""Tables of office documents, whose cells hold elements: data as rows of text, layout as the elements themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from triplette.synth.ingest.elements import Element
from triplette.synth.ingest.tables import Cell, filled, grid

Held = Sequence[Sequence[Sequence[Element]]]  # row, cell, element


def cell_text(found: Sequence[Element]) -> str:
    """What a cell says on one line."""
    return " ".join(element.text for element in found if element.role == "body" and element.kind not in ("table", "close"))


def table_elements(rows: Sequence[Sequence[Cell]], held: Held) -> Iterator[Element]:
    """A table with data as one element; one that only lays out its content as that content, cell by cell."""
    if is_layout(held):
        yield from (element for row in held for found in row for element in found)
        return
    resolved = filled(grid(rows, repeat_columns=False))
    if resolved:
        yield Element("table", rows=resolved)
    yield from (element for row in held for found in row for element in found if element.role != "body")


def is_layout(held: Held) -> bool:
    """One row, one column, a table inside it, or a heading over text in one cell."""
    if len(held) < 2 or max(len(row) for row in held) < 2:
        return True
    for row in held:
        for found in row:
            kinds = [element.kind for element in found if element.role == "body"]
            if "table" in kinds or (len(kinds) > 1 and "heading" in kinds):
                return True
    return False
