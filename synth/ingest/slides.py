"""PowerPoint presentations through python-pptx: each slide's title as a heading over its text, tables and notes; its number is the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from triplette.synth.ingest.elements import HEADING_MAX, Element, Reading, one_line
from triplette.synth.ingest.metadata import core_title
from triplette.synth.ingest.tables import Cell, filled, grid
from triplette.synth.ingest.zipped import opened

_RUNNING = frozenset(("FOOTER", "SLIDE_NUMBER", "DATE", "HEADER"))


def read_pptx(path: Path) -> Reading:
    """The slides in their order."""
    import pptx

    with opened(path) as archive:  # sizes are checked before the library unpacks anything
        title = core_title(archive)
    elements: list[Element] = []
    for number, slide in enumerate(pptx.Presentation(str(path)).slides, 1):
        if slide.element.get("show") == "0":
            continue
        elements += _slide(slide, number)
    return Reading(tuple(elements), title)


def _slide(slide: Any, page: int) -> Iterator[Element]:
    shape = slide.shapes.title
    title = one_line(shape.text_frame.text) if shape is not None and shape.has_text_frame else ""
    if title:
        yield Element("heading" if len(title) <= HEADING_MAX else "paragraph", title, level=1, page=page)
    else:
        yield Element("close", level=1)
    for item in _shapes(slide.shapes):
        if shape is None or item.shape_id != shape.shape_id:
            yield from _shape(item, page)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        for paragraph in slide.notes_slide.notes_text_frame.text.split("\n"):
            if one_line(paragraph):
                yield Element("paragraph", one_line(paragraph), page=page)


def _shapes(shapes: Any) -> Iterator[Any]:
    """Shapes, those in groups among them, from top to bottom as rows of a slide are read."""
    stack = [iter(shapes)]
    while stack:
        shape = next(stack[-1], None)
        if shape is None:
            stack.pop()
        elif hasattr(shape, "shapes"):
            stack.append(iter(shape.shapes))
        else:
            yield shape


def _shape(shape: Any, page: int) -> Iterator[Element]:
    kind = shape.placeholder_format.type if shape.is_placeholder else None
    role = "footer" if kind is not None and kind.name in _RUNNING else "body"
    if getattr(shape, "has_table", False) and shape.has_table:
        rows = [[_cell(cell) for cell in row.cells if not cell.is_spanned] for row in shape.table.rows]
        resolved = filled(grid(rows, repeat_columns=False))
        if resolved:
            yield Element("table", rows=resolved, page=page)
    elif shape.has_text_frame:
        paragraphs = [(paragraph.level, one_line(paragraph.text)) for paragraph in shape.text_frame.paragraphs]
        listed = sum(bool(text) for _, text in paragraphs) > 1 and role == "body"
        for _, text in paragraphs:
            if text:
                yield Element("item" if listed else "paragraph", f"- {text}" if listed else text, page=page, role=role)


def _cell(cell: Any) -> Cell:
    if cell.is_merge_origin:
        return Cell(one_line(cell.text_frame.text), rows=cell.span_height, columns=cell.span_width)
    return Cell(one_line(cell.text_frame.text))
