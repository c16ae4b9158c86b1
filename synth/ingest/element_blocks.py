"""Elements to blocks: each paragraph, item and table under its heading path, with the number of the article that it begins.

A heading that stands over nothing becomes text, so that no word of it is lost. Titles that are numbered but share one level ("1.",
"1.1", "1.1.1", as converters leave them) nest by their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from triplette.synth.ingest.document import Block, Document, Line, Structured
from triplette.synth.ingest.elements import Element
from triplette.synth.ingest.headings import Headings
from triplette.synth.ingest.typed_headings import with_headings

PATH_MAX = 16  # headings over one another; a deeper one replaces the last
DEEPER = 1 / 64  # how much deeper a numbered title stands than the one whose number it continues


def element_structure(document: Document, known: Headings) -> Structured:
    """The blocks of a document that was read as elements, and all of its lines with their roles."""
    builder = _Builder(known)
    lines: list[Line] = []
    for element in _under_a_title(with_headings(document.elements, known), known):
        text = element.text
        if element.kind == "close":
            builder.leave(element.level)
        elif element.role != "body":
            lines.append(Line(text, element.start, element.page, element.role))
        elif text:
            heading = element.kind == "heading"
            lines.append(Line(text, element.start, element.page, "heading" if heading else "body"))
            (builder.heading if heading else builder.block)(element)
    builder.leave(-1)
    dropped: dict[str, int] = {}
    for line in lines:
        if line.role not in ("body", "heading"):
            dropped[line.role] = dropped.get(line.role, 0) + len("".join(line.text.split()))
    return Structured(document, builder.blocks, lines, dict(sorted(dropped.items())))


def _under_a_title(elements: Iterable[Element], known: Headings) -> list[Element]:
    """The elements with a title over them where the first heading stands alone above a numbered one of its own level, as docling writes it."""
    found = list(elements)
    body = [at for at, element in enumerate(found) if element.role == "body" and element.text][:2]
    if len(body) == 2 and all(found[at].kind == "heading" for at in body):
        first, second = (found[at] for at in body)
        if first.level == second.level and known.heading_number(second.text) and not known.heading_number(first.text):
            found[body[0]] = replace(first, level=0.0)
    return found


@dataclass(slots=True)
class _Heading:
    level: float
    given: float  # the level that it came with
    element: Element
    used: bool = False  # whether some block stands under it


@dataclass(slots=True)
class _Builder:
    known: Headings
    blocks: list[Block] = field(default_factory=list)
    path: list[_Heading] = field(default_factory=list)

    def heading(self, element: Element) -> None:
        """Go under a heading."""
        level = self._level(element)
        if len(self.path) >= PATH_MAX:
            level = min(level, self.path[-1].level)
        self.leave(level)
        self.path.append(_Heading(level, element.level, element))

    def _level(self, element: Element) -> float:
        number = self.known.heading_number(element.text)
        for above in reversed(self.path):
            if above.given == element.level:
                own = self.known.heading_number(above.element.text)
                if own and number.startswith(f"{own}."):
                    return above.level + DEEPER
        return element.level

    def leave(self, level: float) -> None:
        """Leave the headings of that level and deeper."""
        while self.path and self.path[-1].level >= level:
            last = self.path.pop()
            if not last.used:
                self._add(last.element, "paragraph", "")

    def block(self, element: Element) -> None:
        """Add a paragraph, item or table where we are."""
        article = element.article or (self.known.article_number(element.text) if element.kind == "paragraph" else "")
        self._add(element, element.kind, article)

    def _add(self, element: Element, kind: str, article: str) -> None:
        for above in self.path:
            above.used = True
        self.blocks.append(
            Block(
                kind=kind,
                text=element.text,
                headings=tuple(above.element.text for above in self.path),
                articles=(article,) if article else (),
                page_start=element.page,
                page_end=element.page,
                char_start=element.start,
                char_end=element.end,
                header="\n".join(element.text.split("\n", 2)[:2]) if kind == "table" else "",
            )
        )
