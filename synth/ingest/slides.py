"""PowerPoint presentations through python-pptx: each slide's title as a heading over its text, tables and notes; its number is the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from triplette.synth.ingest.docx_formula import formula_text
from triplette.synth.ingest.docx_xml import MC, M, alternative
from triplette.synth.ingest.elements import HEADING_MAX, Element, Reading, one_line, raised, worded
from triplette.synth.ingest.metadata import core_title
from triplette.synth.ingest.numerals import letters, roman
from triplette.synth.ingest.tables import Cell, filled, grid
from triplette.synth.ingest.zipped import opened, parse_xml

C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_FORM_END = re.compile(r".*?(ParenBoth|ParenR|Plain|Period)$")
_RUNNING = frozenset(("FOOTER", "SLIDE_NUMBER", "DATE", "HEADER"))


def read_pptx(path: Path) -> Reading:
    """The slides in their order."""
    import pptx

    with opened(path) as archive:  # sizes are checked before the library unpacks anything
        title = core_title(archive)
    elements: list[Element] = []
    for number, slide in enumerate(pptx.Presentation(str(path)).slides, 1):
        found = _slide(slide, number)
        elements += found if slide.element.get("show") != "0" else _unseen(found)
    return Reading(tuple(elements), title)


def _unseen(found: Iterator[Element]) -> Iterator[Element]:
    """What a hidden slide says, which is no text of the presentation."""
    return (replace(element, kind="paragraph", role="hidden") for element in map(worded, found) if element.text)


def _slide(slide: Any, page: int) -> Iterator[Element]:
    _shown_alternatives(slide.element)
    shape = slide.shapes.title
    title = _words(shape.text_frame.paragraphs) if shape is not None and shape.has_text_frame else ""
    if title:
        yield Element("heading" if len(title) <= HEADING_MAX else "paragraph", title, level=1, page=page)
    else:
        yield Element("close", level=1)
    for item in _shapes(slide.shapes):
        if shape is None or item.shape_id != shape.shape_id:
            yield from _shape(item, page)
    yield from _diagrams(slide, page)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        for paragraph in slide.notes_slide.notes_text_frame.paragraphs:
            if _text(paragraph):
                yield Element("paragraph", _text(paragraph), page=page)


def _shown_alternatives(slide: Any) -> None:
    """Put what PowerPoint shows of each AlternateContent, a shape with a formula say, in its place: the library does not look inside."""
    for node in list(slide.iter(f"{MC}AlternateContent")):
        shown = list(alternative(node))
        above = node.getparent()
        if above is not None:
            place = above.index(node)
            above[place : place + 1] = shown


def _diagrams(slide: Any, page: int) -> Iterator[Element]:
    """The texts of a slide's diagrams (SmartArt), which lie in parts of their own."""
    for relation in slide.part.rels.values():
        if relation.reltype.endswith("/diagramData") and not relation.is_external:
            for paragraph in parse_xml(relation.target_part.blob).iter(f"{A}p"):
                text = _paragraph_text(paragraph)
                if text:
                    yield Element("item", f"- {text}", page=page)


def _text(paragraph: Any) -> str:
    return _paragraph_text(paragraph._p)


def _words(paragraphs: Any) -> str:
    return " ".join(text for text in map(_text, paragraphs) if text)


def _paragraph_text(node: Any) -> str:
    """A paragraph's runs, fields and formulas on one line, numbers raised where they stand so."""
    parts: list[str] = []
    for child in node:
        if child.tag in (f"{A}r", f"{A}fld"):
            text = "".join(t.text or "" for t in child.iterchildren(f"{A}t"))
            properties = child.find(f"{A}rPr")
            up = properties is not None and (properties.get("baseline") or "0").lstrip("+0").isdecimal()
            parts.append(raised(text) if up else text)
        elif child.tag == f"{A}br":
            parts.append(" ")
        else:
            parts += [f" {formula_text(found)} " for found in child.iter(f"{M}oMath")]
    return one_line("".join(parts))


def _shapes(shapes: Any) -> Iterator[Any]:
    """Shapes, those in groups among them, in the slide's own order, which is also that of a screen reader."""
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
    elif getattr(shape, "has_chart", False) and shape.has_chart:
        yield from _chart(shape.chart, page)
    elif shape.has_text_frame:
        paragraphs = [(paragraph._p, text) for paragraph in shape.text_frame.paragraphs if (text := _text(paragraph))]
        listed = len(paragraphs) > 1 and role == "body"
        signs = _signs([node for node, _ in paragraphs]) if listed else [""] * len(paragraphs)
        for sign, (_, text) in zip(signs, paragraphs, strict=True):
            yield Element("item" if sign else "paragraph", sign + text, page=page, role=role)


def _signs(paragraphs: Sequence[Any]) -> list[str]:
    """What stands before each paragraph of a shape: its number as PowerPoint counts it, "" where its sign is turned off, else "- "."""
    counts: dict[int, tuple[str, int]] = {}  # level -> the form that is counted there, and its last number
    found: list[str] = []
    for node in paragraphs:
        properties = node.find(f"{A}pPr")
        level = properties.get("lvl", "0") if properties is not None else "0"
        depth = int(level) if level.isdecimal() else 0
        counts = {place: count for place, count in counts.items() if place <= depth}
        numbered = properties.find(f"{A}buAutoNum") if properties is not None else None
        if numbered is None:
            counts.pop(depth, None)
            found.append("" if properties is not None and properties.find(f"{A}buNone") is not None else "- ")
            continue
        form, start = numbered.get("type") or "arabicPeriod", numbered.get("startAt") or "1"
        before, last = counts.get(depth, ("", 0))
        number = last + 1 if before == form else int(start) if start.isdecimal() and len(start) < 6 else 1
        counts[depth] = (form, number)
        found.append(_numbered(number, form))
    return found


def _numbered(number: int, form: str) -> str:
    """A number with its signs: ``alphaLcParenR`` writes "a) "."""
    shown = letters(number) if form.startswith("alpha") else roman(number) if form.startswith("roman") else str(number)
    shown = shown.upper() if form.startswith(("alphaUc", "romanUc")) else shown
    return {"ParenBoth": f"({shown}) ", "ParenR": f"{shown}) ", "Plain": f"{shown} "}.get(_FORM_END.sub(r"\1", form), f"{shown}. ")


def _chart(chart: Any, page: int) -> Iterator[Element]:
    """A chart's title, and its values as a table: read from the chart's own XML, for the library knows only the flat kinds."""
    root = chart.part._element
    title = root.find(f"{C}chart/{C}title")
    said = [text for node in title.iter(f"{A}p") if (text := _paragraph_text(node))] if title is not None else []
    if said:
        yield Element("paragraph", " ".join(said), page=page)
    series = list(root.iter(f"{C}ser"))
    if not series:
        return
    rows = [["", *(" ".join(_points(item, "tx")) for item in series)]]
    values = [_points(item, "val") or _points(item, "yVal") for item in series]
    names = _points(series[0], "cat") or _points(series[0], "xVal")
    for place in range(max(len(names), *map(len, values))):
        rows.append([column[place] if place < len(column) else "" for column in (names, *values)])
    resolved = filled(rows)
    if len(resolved) > 1:
        yield Element("table", rows=resolved, page=page)


def _points(series: Any, part: str) -> list[str]:
    node = series.find(f"{C}{part}")
    return [one_line(value.text or "") for value in node.iter(f"{C}v")] if node is not None else []


def _cell(cell: Any) -> Cell:
    if cell.is_merge_origin:
        return Cell(_words(cell.text_frame.paragraphs), rows=cell.span_height, columns=cell.span_width)
    return Cell(_words(cell.text_frame.paragraphs))
