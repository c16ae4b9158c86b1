"""OpenDocument texts (ODT), read from their own XML: headings by outline level, lists with their signs, tables, notes after their paragraph.

Tracked deletions stand in a part of their own and are not text. Numbers of headings are counted from the outline style. Element names are
those of OpenDocument 1.3, part 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.synth.ingest.elements import HEADING_MAX, Element, Reading, one_line
from triplette.synth.ingest.held_tables import cell_text, table_elements
from triplette.synth.ingest.metadata import sane_title
from triplette.synth.ingest.numerals import letters, roman
from triplette.synth.ingest.odt_inline import DRAW, OFFICE, STYLE, TEXT, Inline
from triplette.synth.ingest.tables import Cell
from triplette.synth.ingest.zipped import Archive, opened

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
DEPTH_MAX = 60  # lists, tables and frames inside one another that are followed
REPEATED_MAX = 1_000  # rows or columns that one element may stand for
_ID = "{http://www.w3.org/XML/1998/namespace}id"
_CONTENTS = frozenset(
    f"{TEXT}{name}" for name in "table-of-content illustration-index table-index object-index user-index alphabetical-index".split()
)
_SECTIONS = frozenset(
    (
        *(f"{TEXT}{name}" for name in "section index-body list-header numbered-paragraph".split()),
        *(f"{DRAW}{name}" for name in "frame text-box g".split()),
    )
)


def read_odt(path: Path) -> Reading:
    """The text's elements in reading order."""
    with opened(path) as archive:
        if b"encryption-data" in (archive.read("META-INF/manifest.xml") if archive.has("META-INF/manifest.xml") else b""):
            raise InputError("is encrypted", cure="save it again without a password")
        body = archive.xml("content.xml").find(f"{OFFICE}body/{OFFICE}text")
        if body is None:
            raise InputError("is not an OpenDocument text", cure="open and save it again in LibreOffice")
        reader = _Reader(archive)
        elements = [*reader.blocks(body, 0, ""), *reader.running()]
        return Reading(tuple(elements), _title(archive))


def _title(archive: Archive) -> str:
    root = archive.xml_if_any("meta.xml")
    node = next(root.iter("{http://purl.org/dc/elements/1.1/}title"), None) if root is not None else None
    return sane_title(node.text or "") if node is not None else ""


class _Reader:
    def __init__(self, archive: Archive) -> None:
        content, styles = archive.xml("content.xml"), archive.xml_if_any("styles.xml")
        self.roots = [root for root in (content, styles) if root is not None]
        self.names: dict[str, str] = {}  # automatic style -> the style it is made from
        self.lists: dict[str, dict[int, Any]] = {}
        self.outline: dict[int, Any] = {}
        for root in self.roots:
            for style in root.iter(f"{STYLE}style"):
                self.names[style.get(f"{STYLE}name") or ""] = style.get(f"{STYLE}parent-style-name") or ""
            for style in root.iter(f"{TEXT}list-style"):
                self.lists[style.get(f"{STYLE}name") or ""] = _levels(style)
            for style in root.iter(f"{TEXT}outline-style"):
                self.outline = _levels(style)
        self.counts: dict[int, int] = {}
        self.inline = Inline(archive, self.roots)
        self.ended: dict[tuple[str, int], int] = {}  # (list or style, level) -> the next number of a list that goes on there

    def blocks(self, container: Any, depth: int, marker: str) -> Iterator[Element]:
        """The elements of a body, section, cell or note; ``marker`` stands before the first of them."""
        if depth > DEPTH_MAX:
            text = one_line("".join(container.itertext()))
            if text:
                yield Element("paragraph", text)
            return
        for node in container:
            tag = node.tag
            if tag in (f"{TEXT}p", f"{TEXT}h"):
                for element in self.paragraph(node, depth, marker):
                    marker = ""
                    yield element
            elif tag == f"{TEXT}list":
                yield from self.list(node, depth, 1, "")
            elif tag == f"{TABLE}table":
                yield from self.table(node, depth)
            elif tag in _CONTENTS:
                text = one_line(" ".join(node.itertext()))
                yield Element("paragraph", text, role="contents")
            elif tag in _SECTIONS and node.get(f"{TEXT}display") == "none":
                yield from self.unseen([" ".join(node.itertext())])
            elif tag in _SECTIONS:
                yield from self.blocks(node, depth + 1, marker)

    def paragraph(self, node: Any, depth: int, marker: str) -> Iterator[Element]:
        """A paragraph or heading, then its notes and frames."""
        later: list[Any] = []
        unseen: list[str] = []
        text = one_line(self.inline.read(node, later, unseen))
        if text:
            level = self._level(node)
            if level is not None and len(text) <= HEADING_MAX:
                yield Element("heading", self._number(node, level) + text, level=level)
            else:
                yield from self._parted(node, text, marker)
        yield from self.unseen(unseen)
        for part in later:
            yield from self.blocks(part, depth + 1, "")

    def unseen(self, texts: Sequence[str]) -> Iterator[Element]:
        """Hidden text, which is no passage."""
        text = one_line(" ".join(texts))
        if text:
            yield Element("paragraph", text, role="hidden")

    def _parted(self, node: Any, text: str, marker: str) -> Iterator[Element]:
        """A paragraph that is no heading by its style; a question in bold at its beginning stands over the rest."""
        start, whole, size = self.inline.bold(node)
        if whole and marker != "- " and len(text) <= HEADING_MAX:
            yield Element("bold", marker + text, level=size)
        elif not whole and start.endswith("?") and len(start) <= HEADING_MAX and text.startswith(start):
            yield Element("bold", marker + start, level=size)
            yield Element("paragraph", text[len(start) :].strip())
        else:
            yield Element("item" if marker else "paragraph", marker + text)

    def _level(self, node: Any) -> int | None:
        if node.tag == f"{TEXT}h":
            return _number(node.get(f"{TEXT}outline-level"), 1, 10)
        style = node.get(f"{TEXT}style-name") or ""
        return 0 if "Title" in (style, self.names.get(style)) else None

    def _number(self, node: Any, level: int) -> str:
        """A heading's number as the outline style counts it."""
        form = self.outline.get(level)
        if form is None or not form.get(f"{STYLE}num-format") or node.get(f"{TEXT}is-list-header") == "true":
            return ""
        self.counts[level] = self.counts.get(level, _number(form.get(f"{TEXT}start-value"), 1, 10**6) - 1) + 1
        for deeper in [place for place in self.counts if place > level]:
            del self.counts[deeper]
        shown = _number(form.get(f"{TEXT}display-levels"), 1, 10)
        parts = [
            _numeral(self.counts.get(place, 1), self.outline[place])
            for place in range(level - shown + 1, level + 1)
            if place in self.outline
        ]
        return f"{form.get(f'{STYLE}num-prefix') or ''}{'.'.join(p for p in parts if p)}{form.get(f'{STYLE}num-suffix') or ''} "

    def list(self, node: Any, depth: int, level: int, style: str) -> Iterator[Element]:
        """The items of a list with their signs or numbers."""
        style = node.get(f"{TEXT}style-name") or style
        form = self.lists.get(style, {}).get(level)
        count = _number(form.get(f"{TEXT}start-value"), 1, 10**6) if form is not None else 1
        goes_on = node.get(f"{TEXT}continue-list") or (style if node.get(f"{TEXT}continue-numbering") == "true" else "")
        count = self.ended.get((goes_on, level), count) if level == 1 else count  # a list inside an item begins anew
        for item in node:
            if item.tag not in (f"{TEXT}list-item", f"{TEXT}list-header"):
                continue
            count = _number(item.get(f"{TEXT}start-value"), count, 10**6)
            marker = "- "
            if form is not None and form.tag == f"{TEXT}list-level-style-number" and form.get(f"{STYLE}num-format"):
                marker = f"{form.get(f'{STYLE}num-prefix') or ''}{_numeral(count, form)}{form.get(f'{STYLE}num-suffix') or ''} "
            if item.tag == f"{TEXT}list-header":
                marker = ""
            else:
                count += 1
            for child in item:
                if child.tag == f"{TEXT}list":
                    if depth < DEPTH_MAX:
                        yield from self.list(child, depth + 1, level + 1, style)
                    else:
                        yield Element("item", f"- {one_line(' '.join(child.itertext()))}")
                else:
                    for element in self.blocks([child], depth + 1, marker):
                        yield element
                        marker = ""
            for name in (style, node.get(_ID) or ""):
                self.ended[name, level] = count

    def table(self, node: Any, depth: int) -> Iterator[Element]:
        """A table with data as one element; one that only lays out its text cell by cell."""
        rows: list[list[Cell]] = []
        held: list[list[list[Element]]] = []
        for row in node.iter(f"{TABLE}table-row"):
            if next(row.iterancestors(f"{TABLE}table")) is not node:
                continue
            cells, contents = [], []
            for cell in row:
                if cell.tag != f"{TABLE}table-cell":
                    continue
                found = list(self.blocks(cell, depth + 1, ""))
                text = cell_text(found)
                spans = (_number(cell.get(f"{TABLE}number-{kind}-spanned"), 1, 10_000) for kind in ("rows", "columns"))
                place = Cell(text, *spans)
                times = _number(cell.get(f"{TABLE}number-columns-repeated"), 1, REPEATED_MAX) if text else 1
                cells += [place] * times
                contents.append(found)
            rows.append(cells)
            held.append(contents)
        yield from table_elements(rows, held)

    def running(self) -> Iterator[Element]:
        """Headers and footers of the page styles."""
        seen: set[str] = set()
        for root in self.roots[1:]:
            for kind in ("header", "footer"):
                for node in root.iter(f"{STYLE}{kind}"):
                    text = one_line(" ".join(node.itertext()))
                    if text and text not in seen:
                        seen.add(text)
                        yield Element("paragraph", text, role=kind)


def _levels(style: Any) -> dict[int, Any]:
    return {_number(level.get(f"{TEXT}level"), 0, 10): level for level in style if level.get(f"{TEXT}level")}


def _number(value: str | None, default: int, most: int) -> int:
    return min(int(value), most) if value and value.isdecimal() and len(value) < 10 else default


def _numeral(count: int, form: Any) -> str:
    kind = form.get(f"{STYLE}num-format") or ""
    if kind in ("a", "A"):
        return letters(count).upper() if kind == "A" else letters(count)
    if kind in ("i", "I"):
        return roman(count).upper() if kind == "I" else roman(count)
    return str(count) if kind else ""
