"""Tables of a page: which hold data and which only lay out text, and the rows of those with data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from triplette.synth.ingest.elements import one_line
from triplette.synth.ingest.furniture import SILENT
from triplette.synth.ingest.html_signs import inline_sign
from triplette.synth.ingest.tables import Cell, filled, grid

EDGES = frozenset("address article br blockquote dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre section table td th tr ul".split())
ROWSPAN_MAX, COLSPAN_MAX = 65_534, 1_000  # as HTML limits them


def rows_of(table: Any) -> Iterator[Any]:
    """The table's own rows, not those of tables inside it."""
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from child.iterchildren("tr")


def cells_of(row: Any) -> list[Any]:
    """The row's cells."""
    return list(row.iterchildren("td", "th"))


def is_layout(table: Any) -> bool:
    """Whether a table only lays out its content: one row or one column, a table inside it, or headings over text in its cells."""
    if table.get("role") in ("presentation", "none"):
        return True
    if next(table.iterdescendants("table"), None) is not None:
        return True
    rows = [cells for cells in map(cells_of, rows_of(table)) if cells]
    if len(rows) < 2 or max(len(cells) for cells in rows) < 2:
        return True
    return any(
        title.getnext() is not None and title.getparent().tag != "caption" for title in table.iterdescendants("h1", "h2", "h3", "h4")
    )


def read_table(table: Any, role_of: Callable[[Any], str], *, alt: bool) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """(caption, rows) of a table with data."""
    caption = next(table.iterchildren("caption"), None)
    rows = []
    for row in rows_of(table):
        if role_of(row) != "hidden":
            rows.append([_cell(cell, role_of, alt) for cell in cells_of(row) if role_of(cell) != "hidden"])
    title = inline_text(caption, role_of, alt=alt) if caption is not None else ""
    return title, filled(grid(rows))


def _cell(node: Any, role_of: Callable[[Any], str], alt: bool) -> Cell:
    return Cell(
        inline_text(node, role_of, alt=alt),
        rows=_number(node.get("rowspan"), ROWSPAN_MAX, least=0),
        columns=_number(node.get("colspan"), COLSPAN_MAX, least=1),
    )


def _number(value: str | None, most: int, *, least: int) -> int:
    value = (value or "").strip()
    return min(max(int(value), least), most) if value.isdecimal() and len(value) < 10 else 1


def inline_text(node: Any, role_of: Callable[[Any], str], *, alt: bool = False) -> str:
    """All the text of a node on one line, a space at every break and block edge but none at inline tags."""
    parts: list[str] = []
    walk = etree.iterwalk(node, events=("start", "end"))
    for event, item in walk:
        tag = item.tag
        if event == "end":
            parts.append(" " if tag in EDGES else "")
            if item is not node and item.tail:
                parts.append(item.tail)
        elif tag in SILENT or not isinstance(tag, str) or (item is not node and role_of(item)):
            walk.skip_subtree()
        elif tag in ("sup", "math") and item is not node:
            parts.append(inline_sign(item))
            walk.skip_subtree()
        else:
            parts.append(" " if tag in EDGES else "")
            parts.append((item.get("alt") or "") if alt and tag == "img" else item.text or "")
    return one_line("".join(parts))


def left_out(table: Any, role_of: Callable[[Any], str]) -> Iterator[tuple[str, str]]:
    """(text, role) of what the cells of a table hold and does not become text."""
    walk = etree.iterwalk(table, events=("start",))
    for _, item in walk:
        if not isinstance(item.tag, str) or item.tag in SILENT:
            walk.skip_subtree()
            continue
        role = role_of(item) if item is not table else ""
        mark = "control" if item.tag == "sup" and not inline_sign(item) else ""
        if role or mark:
            yield inline_text(item, lambda _: ""), role or mark
            walk.skip_subtree()
