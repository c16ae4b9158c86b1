"""RTF, read from its own control words: headings by style or outline level, lists with their labels, tables, notes after their paragraph.

Deleted and hidden text is not shown; headers and footers are set aside. Control words are those of the Rich Text Format specification 1.9.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from triplette.errors import InputError
from triplette.synth.ingest.docx_styles import style_level, style_lists_contents
from triplette.synth.ingest.elements import HEADING_MAX, Element, Reading, one_line
from triplette.synth.ingest.held_tables import cell_text, table_elements
from triplette.synth.ingest.metadata import sane_title
from triplette.synth.ingest.rtf_runs import Character, Group, decoded_groups
from triplette.synth.ingest.tables import Cell

_LABEL = re.compile(r"([•·▪◦–—-]|o|\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-zA-Z]|[ivxIVX]{1,5})[.)])\t\s*")  # typed before a tab
_SIGN = re.compile(r"[\W_o\ue000-\uf8ff]$")
_STEP = 30  # twips that cell edges of one column may be apart
EDGES_MAX = 100  # columns of a table; beyond, cells stand side by side


def read_rtf(path: Path) -> Reading:
    """The document's elements in reading order."""
    data = path.read_bytes()
    if data.lstrip()[:5] != b"{\\rtf":
        raise InputError("is not RTF", cure="give it the suffix of its real format")
    reader = _Reader()
    for group, word, value in decoded_groups(data.decode("latin-1")):
        reader.take(group, word, value)
    flow = reader.ended()
    return Reading((*flow.elements, *reader.running), sane_title(reader.title))


@dataclass(slots=True)
class _Row:
    edges: list[int]
    continues: list[bool]  # cells that a cell above goes on in
    cells: list[list[Element]]


@dataclass(slots=True)
class _Flow:
    """A stream of paragraphs: the body, a note, a text box, a running head."""

    kind: str
    number: int
    elements: list[Element] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)  # hidden or deleted text of the open paragraph
    label: list[str] = field(default_factory=list)
    later: list[Element] = field(default_factory=list)  # notes and boxes of the open paragraph
    bold: bool = True  # all of the open paragraph
    size: int = 0
    cell: list[Element] = field(default_factory=list)
    cells: list[list[Element]] = field(default_factory=list)
    rows: list[_Row] = field(default_factory=list)


def _unseen(flow: _Flow) -> list[Element]:
    """The hidden text of the open paragraph, which ends with it."""
    text = one_line("".join(flow.unseen))
    flow.unseen = []
    return [Element("paragraph", text, role="hidden")] if text else []


class _Reader:
    def __init__(self) -> None:
        self.flows = [_Flow("body", 0)]
        self.styles: dict[int, tuple[str, int]] = {}  # number -> (name, outline level or -1)
        self.naming: tuple[int, int] = (0, -1)  # of the style that is defined
        self.name: list[str] = []
        self.title = ""
        self.running: list[Element] = []
        self.edges: list[int] = []
        self.continues: list[bool] = []
        self.merging = False

    def take(self, group: Group, word: str, value: int | str) -> None:
        """One event: text, the end of a group, or a control word that is no character's property."""
        while len(self.flows) > 1 and self.flows[-1].number not in group.within:
            self.leave()
        if group.within and group.within[-1] != self.flows[-1].number:
            self.flows.append(_Flow(group.place, group.within[-1]))
        if word == "text":
            self.text(group, str(value))
        elif word == "unseen":
            self.flows[-1].unseen += [str(value)] if group.place not in ("skip", "title", "label") else []
        elif group.place == "style":
            self.style(word, value)
        elif word in ("par", "sect", "page", "nestcell", "line") and group.place != "label":
            self.flows[-1].parts.append(" ") if word == "line" else self.paragraph(group)
        elif word in ("cell", "row"):
            self.cell(group) if word == "cell" else self.row()
        elif word == "trowd":
            self.edges, self.continues, self.merging = [], [], False
        elif word in ("clvmrg", "clvmgf"):
            self.merging = word == "clvmrg"
        elif word == "cellx":
            self.edges.append(int(value) // _STEP)
            self.continues.append(self.merging)
            self.merging = False

    def text(self, group: Group, text: str) -> None:
        flow = self.flows[-1]
        if group.place == "title":
            self.title += text
        elif group.place == "style":
            self.name.append(text)
        elif group.place == "label":
            flow.label.append(text)
        elif group.place != "skip":
            look: Character = group.look
            flow.parts.append(text)
            if text.strip():
                flow.bold = flow.bold and look.bold
                flow.size = max(flow.size, look.size)

    def style(self, word: str, value: int | str) -> None:
        """Words inside the style sheet."""
        if word == "s":
            self.naming = (int(value), -1)
        elif word == "outlinelevel":
            self.naming = (self.naming[0], int(value))
        elif word == "end":
            self.styles[self.naming[0]] = ("".join(self.name).strip().rstrip(";"), self.naming[1])
            self.naming, self.name = (0, -1), []

    def paragraph(self, group: Group) -> None:
        """End the open paragraph."""
        flow = self.flows[-1]
        found = [*self.made(flow, group), *_unseen(flow), *flow.later]
        if group.in_table and flow.kind == "body":
            flow.cell += found
        else:
            if found:
                self.table(flow)
            flow.elements += found
        flow.parts, flow.label, flow.later, flow.bold, flow.size = [], [], [], True, 0

    def made(self, flow: _Flow, group: Group) -> Iterator[Element]:
        raw = "".join(flow.parts)
        label = one_line("".join(flow.label))
        typed = _LABEL.match(raw.lstrip(" ")) if not label else None
        if typed:
            label, raw = typed.group(1), raw.lstrip(" ")[typed.end() :]
        text = one_line(raw)
        if not text:
            return
        sign = "- " if label and _SIGN.match(label) else f"{label} " if label else ""
        name, outline = self.styles.get(group.style, ("", -1))
        level = style_level(name)
        if group.outline >= 0 or (level is None and outline >= 0):
            level = (group.outline if group.outline >= 0 else outline) + 1
        if style_lists_contents(name) or group.contents:
            yield Element("paragraph", text, role="contents")
        elif level is not None and level < 10 and len(text) <= HEADING_MAX:
            yield Element("heading", ("" if sign == "- " else sign) + text, level=level)
        elif flow.bold and not sign:
            yield Element("bold", text, level=flow.size / 2)
        else:
            yield Element("item" if sign else "paragraph", sign + text)

    def cell(self, group: Group) -> None:
        """End a table's cell."""
        flow = self.flows[-1]
        found = [*self.made(flow, group), *_unseen(flow), *flow.later]
        flow.cells.append(flow.cell + found)
        flow.cell, flow.parts, flow.label, flow.later, flow.bold, flow.size = [], [], [], [], True, 0

    def row(self) -> None:
        flow = self.flows[-1]
        if flow.cells:
            flow.rows.append(_Row(self.edges[:], self.continues[:], flow.cells))
            flow.cells = []

    def table(self, flow: _Flow) -> None:
        """Make the elements of the rows that are open."""
        rows, flow.rows = flow.rows, []
        if rows:
            flow.elements += table_elements(_grid(rows), [row.cells for row in rows])

    def leave(self) -> None:
        """End a note, box or running head: it follows the paragraph that it stands in."""
        flow = self.finished(self.flows.pop())
        if flow.kind in ("header", "footer"):
            said = {element.text for element in self.running}
            self.running += [
                Element("paragraph", e.text, role=flow.kind)
                for e in flow.elements
                if e.text and e.text not in said and e.role == "body"
            ]
        else:
            self.flows[-1].later += flow.elements

    def finished(self, flow: _Flow) -> _Flow:
        """The flow with what was still open in it."""
        self.flows.append(flow)
        end = Group()
        if flow.cells or flow.cell:
            self.cell(end)
            self.row()
        self.paragraph(end)
        self.table(flow)
        return self.flows.pop()

    def ended(self) -> _Flow:
        """The body, all flows closed."""
        while len(self.flows) > 1:
            self.leave()
        return self.finished(self.flows[0])


def _grid(rows: Sequence[_Row]) -> list[list[Cell]]:
    """The cells with the columns and rows that they span, by their edges."""
    edges = sorted({edge for row in rows for edge in row.edges})
    column = {edge: place for place, edge in enumerate(edges, 1)} if len(edges) <= EDGES_MAX else {}
    made: list[list[Cell]] = []
    above: dict[int, tuple[int, int]] = {}  # last column -> (row, place) of the cell that goes on below
    for number, row in enumerate(rows):
        cells: list[Cell] = []
        before = 0
        for place, held in enumerate(row.cells):
            edge = column.get(row.edges[place], 0) if place < len(row.edges) else 0
            width = max(edge - before, 1) if edge else 1
            before = edge or before + 1
            if place < len(row.continues) and row.continues[place] and before in above and not cell_text(held):
                first, start = above[before]
                old = made[first][start]
                made[first][start] = Cell(old.text, rows=number - first + 1, columns=old.columns)
            else:
                above[before] = (number, len(cells))
                cells.append(Cell(cell_text(held), columns=width))
        made.append(cells)
    return made
