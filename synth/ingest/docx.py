"""Word documents: everything that Word shows, read from the file's own XML.

Tracked insertions are text and deletions are not; content controls, smart tags, fields and links are their shown content; a text box,
footnote or endnote follows the paragraph that it hangs on; automatic numbers are computed. Headers and footers are set aside as running
heads. Which element is what is defined in ECMA-376, part 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.synth.ingest.docx_numbering import Numbering
from triplette.synth.ingest.docx_runs import Runs
from triplette.synth.ingest.docx_styles import Styles
from triplette.synth.ingest.docx_xml import W, attribute, transitional, wrapped_children
from triplette.synth.ingest.elements import HEADING_MAX, Element, Reading, one_line
from triplette.synth.ingest.held_tables import cell_text, table_elements
from triplette.synth.ingest.metadata import core_title
from triplette.synth.ingest.tables import Cell
from triplette.synth.ingest.zipped import Archive, opened, parse_xml

DEPTH_MAX = 60  # tables inside tables and text boxes that are followed; what lies deeper is read as plain text
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_docx(path: Path) -> Reading:
    """The document's elements in reading order."""
    with opened(path) as archive:
        main = _main_part(archive)
        body = _xml(archive, main).find(f"{W}body")
        if body is None:
            raise InputError("is not a Word document: it has no body", cure="open and save it again in Word or LibreOffice")
        reader = _Reader(archive, main)
        reader.contents = _contents(body)
        elements = [*reader.blocks(body, 0), *reader.running()]
        return Reading(tuple(elements), core_title(archive), ())


def _xml(archive: Archive, name: str) -> Any:
    return parse_xml(transitional(archive.read(name)))


def _main_part(archive: Archive) -> str:
    """The part that holds the text: what the package's relations say, usually word/document.xml."""
    relations = archive.xml_if_any("_rels/.rels")
    if relations is not None:
        for relation in relations:
            if relation.get("Type", "").endswith("/officeDocument"):
                found = archive.beside("", relation.get("Target", ""))
                if found:
                    return found
    return "word/document.xml"


class _Reader:
    def __init__(self, archive: Archive, main: str) -> None:
        self.archive = archive
        self.relations = _relations(archive, main)
        self.styles = Styles(self._part("styles"))
        self.numbering = Numbering(self._part("numbering"))
        self.notes = {kind: _notes(self._part(kind)) for kind in ("footnotes", "endnotes")}
        self.runs = Runs(self.styles)
        self.carried: list[str] = []  # texts of paragraphs whose marks were deleted: they open the next one
        self.contents: frozenset[Any] = frozenset()  # paragraphs of a table of contents that Word keeps in a control of its own

    def _part(self, kind: str) -> Any:
        name = next((target for types, target in self.relations.values() if types == kind), "")
        return _xml(self.archive, name) if name else None

    def blocks(self, container: Any, depth: int) -> Iterator[Element]:
        """The elements of a body, cell, text box or note."""
        if depth > DEPTH_MAX:
            text = one_line(" ".join(node.text or "" for node in container.iter(f"{W}t")))
            if text:
                yield Element("paragraph", text)
            return
        outside, self.carried = self.carried, []
        for node in wrapped_children(container):
            if node.tag == f"{W}p":
                yield from self.paragraph(node, depth)
            elif node.tag == f"{W}tbl":
                yield from self.alone()
                yield from self.table(node, depth)
            elif node.tag == f"{W}altChunk":
                yield from self.foreign(node)
        yield from self.alone()
        self.carried = outside

    def alone(self) -> Iterator[Element]:
        """The text of paragraphs whose marks were deleted where no paragraph follows that it could open."""
        text = one_line("".join(self.carried))
        self.carried.clear()
        if text:
            yield Element("paragraph", text)

    def paragraph(self, node: Any, depth: int) -> Iterator[Element]:
        """A paragraph, then what hangs on it: hidden text, text boxes and notes."""
        properties = node.find(f"{W}pPr")
        contents = self.runs.in_contents
        read = self.runs.read(node)
        text = one_line(read.text)
        if properties is not None and properties.find(f"{W}rPr/{W}del") is not None:
            self.carried += [text, " "] if text else []  # its mark is deleted: Word shows it joined to the next
            text = ""
        elif properties is not None and attribute(properties.find(f"{W}framePr"), "dropCap") in ("drop", "margin"):
            self.carried.append(text)  # a large initial in a frame of its own
            text = ""
        elif self.carried:
            text = one_line("".join([*self.carried, read.text]))
            self.carried.clear()
        number = self.numbering.number(self.styles.numbered(properties)) if text or not read.hidden else None
        if text:
            style = self.styles.of(properties)
            if contents or self.runs.in_contents or node in self.contents or self.styles.is_contents(style):
                yield Element("paragraph", text, role="contents")
            else:
                yield from self._parted(node, text, number, properties, style)
        unseen = one_line("".join(read.unseen))
        if unseen:
            yield Element("paragraph", unseen, role="hidden")
        for box in read.boxes:
            yield from self.blocks(box, depth + 1)
        for kind, key in read.notes:
            note = self.notes[kind].pop(key, None)
            if note is not None:
                yield from self.blocks(note, depth + 1)

    def _parted(self, node: Any, text: str, number: str | None, properties: Any, style: str) -> Iterator[Element]:
        """A paragraph; a question in bold at its beginning stands over the rest."""
        start, whole, size = self.runs.bold(node)
        if not whole and start.endswith("?") and len(start) <= HEADING_MAX and text.startswith(start):
            label = "" if number in (None, "•") else f"{number} "
            yield Element("bold", label + start, level=size)
            text, number = text[len(start) :].strip(), None
        yield self._placed(text, number, properties, style, size if whole and len(text) <= HEADING_MAX else 0.0)

    def _placed(self, text: str, number: str | None, properties: Any, style: str, bold: float) -> Element:
        level = self.styles.level(properties, style)
        label = "" if number in (None, "•") else f"{number} "
        if level is not None and len(text) <= HEADING_MAX:
            return Element("heading", label + text, level=level)
        if number == "•" or (number is None and self.styles.is_list(style)):
            return Element("item", f"- {text}")
        if bold:
            return Element("bold", label + text, level=bold)
        return Element("item" if label and number is not None and number.count(".") <= 1 else "paragraph", label + text)

    def table(self, node: Any, depth: int) -> Iterator[Element]:
        """A table with data as one element; one that only lays out its text cell by cell."""
        rows: list[list[Cell]] = []
        contents: list[list[list[Element]]] = []
        above: dict[int, tuple[int, int]] = {}  # column -> (row, place) of the cell that vertically merged cells continue
        for row in _rows(node):
            cells: list[Cell] = []
            held: list[list[Element]] = []
            column = _span(row.find(f"{W}trPr/{W}gridBefore"), least=0)
            cells += [Cell("")] * column
            held += [[] for _ in range(column)]
            for cell in wrapped_children(row):
                if cell.tag != f"{W}tc":
                    continue
                properties = cell.find(f"{W}tcPr")
                merge = properties.find(f"{W}vMerge") if properties is not None else None
                width = _span(properties.find(f"{W}gridSpan") if properties is not None else None, least=1)
                found = list(self.blocks(cell, depth + 1))
                if (
                    merge is not None
                    and attribute(merge, "val") != "restart"
                    and all(e.role != "body" for e in found)
                    and column in above
                ):
                    first, place = above[column]
                    start = rows[first][place]
                    rows[first][place] = Cell(start.text, rows=len(rows) - first + 1, columns=start.columns)
                else:
                    above.pop(column, None)
                    if merge is not None and attribute(merge, "val") == "restart":
                        above[column] = (len(rows), len(cells))
                    text = cell_text(found)
                    cells.append(Cell(text, columns=width))
                    held.append(found)
                column += width
            rows.append(cells)
            contents.append(held)
        yield from table_elements(rows, contents)

    def running(self) -> Iterator[Element]:
        """Headers and footers: shown on every page, and no passage."""
        for kind, target in sorted(set(self.relations.values())):
            if kind in ("header", "footer"):
                for element in self.blocks(_xml(self.archive, target), 0):
                    text = element.text or " ".join(cell for row in element.rows for cell in row)
                    if text:
                        yield Element("paragraph", text, role=kind)

    def foreign(self, node: Any) -> Iterator[Element]:
        """A page of HTML or text that Word shows in this place (``altChunk``)."""
        kind, target = self.relations.get(node.get(_RELATION, ""), ("", ""))
        if kind != "aFChunk" or not target.lower().endswith((".html", ".htm", ".xhtml", ".mht", ".txt")):
            return
        from triplette.synth.ingest.html import html_text, page_reading

        yield from page_reading(html_text(self.archive.read(target), target)[0]).elements


def _contents(body: Any) -> frozenset[Any]:
    controls = (
        gallery.getparent().getparent().getparent()
        for gallery in body.iter(f"{W}docPartGallery")
        if attribute(gallery, "val") == "Table of Contents"
    )
    return frozenset(node for control in controls if control is not None for node in control.iter(f"{W}p"))


def _relations(archive: Archive, part: str) -> dict[str, tuple[str, str]]:
    """Relation id -> (kind, part) of a part, those inside the archive."""
    folder, _, name = part.rpartition("/")
    root = archive.xml_if_any(f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels")
    found = {}
    for relation in root if root is not None else ():
        target = archive.beside(part, relation.get("Target", ""))
        if target and relation.get("TargetMode") != "External":
            found[relation.get("Id", "")] = (relation.get("Type", "").rpartition("/")[2], target)
    return found


def _notes(root: Any) -> dict[str, Any]:
    """Note id -> its content; separators are no notes."""
    if root is None:
        return {}
    return {attribute(note, "id"): note for note in root if attribute(note, "type") in ("", "normal")}


def _rows(table: Any) -> Iterator[Any]:
    for row in wrapped_children(table):
        if row.tag == f"{W}tr" and row.find(f"{W}trPr/{W}del") is None:
            yield row


def _span(node: Any, *, least: int) -> int:
    value = attribute(node, "val") if node is not None else ""
    return min(max(int(value), least), 63) if value.isdigit() else least  # Word has 63 columns at most
