"""What docling makes of a document: its JSON (DoclingDocument), from a file or from docling itself where it is installed.

The tree of ``body`` is walked in its order; ``furniture`` and page headers and footers are set aside. The form is that of docling-core 2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.synth.ingest.elements import HEADING_MAX, Element, Reading, one_line, shown
from triplette.synth.ingest.metadata import sane_title
from triplette.synth.ingest.tables import filled

SCHEMA = "DoclingDocument"
HEAD = 4_096  # bytes in which the file names its schema
_RUNNING = {"page_header": "header", "page_footer": "footer", "document_index": "contents"}
GRID_MAX = 1_000_000  # cells of one table


def is_docling(path: Path) -> bool:
    """Whether a JSON file is docling's."""
    with path.open("rb") as stream:
        return SCHEMA.encode() in stream.read(HEAD)


def read_docling(path: Path) -> Reading:
    """The elements of a file that docling exported as JSON."""
    try:
        content = json.loads(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"is not JSON ({error})", cure="export it from docling again") from None
    if not isinstance(content, dict) or content.get("schema_name") != SCHEMA:
        raise InputError("is JSON, but not a document of docling", cure="export it with docling's save_as_json, or leave it out")
    return docling_reading(content)


def convert(path: Path) -> Reading:
    """A document of any format that docling reads, through docling itself (``--reader docling``)."""
    try:
        from docling.document_converter import DocumentConverter
    except ImportError:
        raise InputError("docling is not installed", cure="pip install docling, or leave --reader out") from None
    return docling_reading(DocumentConverter().convert(str(path)).document.export_to_dict())


def docling_reading(content: dict[str, Any]) -> Reading:
    """The elements of a DoclingDocument given as plain values."""
    elements = tuple(_elements(content))
    return Reading(elements, sane_title(str(content.get("name") or "")) if not any(e.kind == "heading" for e in elements) else "")


def _elements(content: dict[str, Any]) -> Iterator[Element]:
    """The items of the body in their order, without recursion; a reference that comes twice is followed once."""
    seen: set[str] = set()
    stack = [iter(_children(content.get("body")))]
    numbers: dict[str, int] = {}
    while stack:
        reference = next(stack[-1], None)
        if reference is None:
            stack.pop()
            continue
        item = None if reference in seen else _item(content, reference)
        seen.add(reference)
        if item is None:
            continue
        yield from _element(content, item, numbers, seen)
        stack.append(iter(_children(item)))


def _children(item: Any) -> list[str]:
    children = item.get("children") if isinstance(item, dict) else None
    return [str(child.get("$ref") or child.get("cref")) for child in children or [] if isinstance(child, dict)]


def _item(content: dict[str, Any], reference: str) -> dict[str, Any] | None:
    """The item that "#/texts/3" names."""
    parts = reference.split("/")
    if len(parts) != 3 or not parts[2].isdecimal():
        return None
    group = content.get(parts[1])
    found = group[int(parts[2])] if isinstance(group, list) and int(parts[2]) < len(group) else None
    return found if isinstance(found, dict) else None


def _element(content: dict[str, Any], item: dict[str, Any], numbers: dict[str, int], seen: set[str]) -> Iterator[Element]:
    label, page = str(item.get("label") or ""), _page(item)
    role = "header" if item.get("content_layer") == "furniture" else _RUNNING.get(label, "body")
    if isinstance(item.get("data"), dict) and label in ("table", "document_index"):
        rows = _rows(item["data"])
        if rows and role == "body":
            yield Element("table", rows=rows, page=page)
        elif rows:
            yield Element("paragraph", " ".join(cell for row in rows for cell in row), page=page, role=role)
        return
    raw = str(item.get("text") or "")
    text = shown(raw).strip("\n") if label == "code" else one_line(raw)
    if not text:
        return
    if role != "body":
        yield Element("paragraph", text, page=page, role=role)
    elif label in ("title", "section_header") and len(text) <= HEADING_MAX:
        level = item.get("level")
        yield Element("heading", text, level=0 if label == "title" else float(level) if isinstance(level, int) else 1.0, page=page)
    elif label == "list_item":
        yield Element("item", f"{_marker(item, numbers)} {text}", page=page)
    else:
        yield Element("code" if label == "code" else "paragraph", text, page=page)


def _marker(item: dict[str, Any], numbers: dict[str, int]) -> str:
    marker = str(item.get("marker") or "").strip()
    if not item.get("enumerated"):
        return "-"
    parent = str((item.get("parent") or {}).get("$ref") or "")
    numbers[parent] = numbers.get(parent, 0) + 1
    return marker if marker and marker not in "-•*·" else f"{numbers[parent]}."


def _page(item: dict[str, Any]) -> int:
    places = item.get("prov")
    page = places[0].get("page_no") if isinstance(places, list) and places and isinstance(places[0], dict) else 0
    return page if isinstance(page, int) else 0


def _rows(data: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """A table's cells in their places; those that span are repeated, as docling's own grid has them."""
    rows, columns = data.get("num_rows"), data.get("num_cols")
    if not isinstance(rows, int) or not isinstance(columns, int) or not 0 < rows * columns <= GRID_MAX:
        return ()
    table = [[""] * columns for _ in range(rows)]
    places = 4 * rows * columns  # that cells may claim together
    for cell in data.get("table_cells") or []:
        spans = [cell.get(f"{edge}_{kind}_offset_idx") for kind in ("row", "col") for edge in ("start", "end")]
        if all(isinstance(value, int) for value in spans) and places > 0:
            places -= max(spans[1] - spans[0], 1) * max(spans[3] - spans[2], 1)
            for row in range(max(spans[0], 0), min(spans[1], rows)):
                for column in range(max(spans[2], 0), min(spans[3], columns)):
                    table[row][column] = one_line(str(cell.get("text") or ""))
    return filled(table)
