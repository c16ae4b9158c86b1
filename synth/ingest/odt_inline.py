"""The text of an OpenDocument paragraph: its runs, raised numbers, formulas; not what is hidden. And what of it is set in bold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from triplette.synth.ingest.elements import one_line, raised
from triplette.synth.ingest.html_signs import formula
from triplette.synth.ingest.zipped import Archive

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
PLAIN_SIZE = 12.0  # points of text whose size is not said
PARENTS_MAX = 20  # styles made from styles that are followed
_LINK = "{http://www.w3.org/1999/xlink}href"
_SPACES = frozenset((f"{TEXT}s", f"{TEXT}tab", f"{TEXT}line-break"))
_UNSHOWN = frozenset(
    f"{TEXT}{name}"
    for name in "tracked-changes note-citation bookmark hidden-text hidden-paragraph variable-decls sequence-decls ruby-text".split()
) | {f"{OFFICE}annotation", f"{OFFICE}forms", f"{TEXT}table-of-content-source"}


@dataclass(frozen=True, slots=True)
class _Look:
    """How a style sets its text; None, and 0 points, where it leaves that to what it is made from."""

    bold: bool | None = None
    size: float = 0.0
    parent: str = ""


class Inline:
    """Reads paragraphs of one document, whose styles say what is hidden and what is raised."""

    def __init__(self, archive: Archive, roots: Sequence[Any]) -> None:
        self._archive = archive
        self._hidden: set[str] = set()
        self._raised: set[str] = set()
        self._looks: dict[str, _Look] = {}
        for root in roots:
            for style in root.iter(f"{STYLE}style"):
                self._looks[style.get(f"{STYLE}name") or ""] = _look(style)
                for properties in style.iterchildren(f"{STYLE}text-properties"):
                    name = style.get(f"{STYLE}name") or ""
                    if properties.get(f"{TEXT}display") == "none":
                        self._hidden.add(name)
                    place = (properties.get(f"{STYLE}text-position") or "").split()[:1]
                    if place == ["super"] or (place and place[0].rstrip("%").isdecimal() and place[0] != "0%"):
                        self._raised.add(name)

    def read(self, paragraph: Any, later: list[Any], unseen: list[str]) -> str:
        """A paragraph's text without recursion; notes and frames go to ``later``, hidden text to ``unseen``."""
        if self._is_hidden(paragraph):
            unseen.append("".join(paragraph.itertext()))
            return ""
        parts = [paragraph.text or ""]
        stack = [iter(paragraph)]
        opened_nodes: list[Any] = []
        while stack:
            node = next(stack[-1], None)
            if node is None:
                stack.pop()
                if opened_nodes:
                    parts.append(opened_nodes.pop().tail or "")
                continue
            tag = node.tag
            if tag == f"{TEXT}note":
                later += [child for child in node if child.tag == f"{TEXT}note-body"]
                parts.append(node.tail or "")
            elif tag in (f"{DRAW}frame", f"{DRAW}custom-shape"):
                said = self._formula(node)
                if not said:
                    later.append(node)
                parts.append(said + (node.tail or ""))
            elif tag in _UNSHOWN or not isinstance(tag, str):
                parts.append(node.tail or "")
            elif self._is_hidden(node):
                unseen.append("".join(node.itertext()))
                parts.append(node.tail or "")
            elif tag in _SPACES:
                parts.append(" " + (node.tail or ""))
            elif not len(node) and node.get(f"{TEXT}style-name") in self._raised:
                parts.append(raised(node.text or "") + (node.tail or ""))
            else:
                parts.append(node.text or "")
                opened_nodes.append(node)
                stack.append(iter(node))
        return "".join(parts)

    def bold(self, paragraph: Any) -> tuple[str, bool, float]:
        """What a paragraph begins with in bold, whether that is all of its text, and its size in points."""
        parts: list[str] = []
        largest = 0.0
        for text, heavy, size in self._runs(paragraph):
            if text.strip() and not heavy:
                return one_line("".join(parts)), False, largest
            if text.strip():
                largest = max(largest, size)
            parts.append(text)
        return one_line("".join(parts)), bool(largest), largest

    def _runs(self, paragraph: Any) -> Iterator[tuple[str, bool, float]]:
        """The pieces of a paragraph's text with their weight and size, without recursion; not those of notes and frames."""
        look = self._set(paragraph, (False, PLAIN_SIZE))
        yield paragraph.text or "", *look
        stack = [(iter(paragraph), look)]
        opened_nodes: list[Any] = []
        while stack:
            node = next(stack[-1][0], None)
            if node is None:
                stack.pop()
                if opened_nodes:
                    yield opened_nodes.pop().tail or "", *stack[-1][1]
            elif (
                not isinstance(node.tag, str)
                or node.tag in _UNSHOWN
                or node.tag == f"{TEXT}note"
                or node.tag.startswith(DRAW)
                or self._is_hidden(node)
            ):
                yield node.tail or "", *stack[-1][1]
            else:
                look = self._set(node, stack[-1][1])
                space = " " if node.tag in _SPACES else ""
                yield space or node.text or "", *look
                opened_nodes.append(node)
                stack.append((iter(node), look))

    def _set(self, node: Any, around: tuple[bool, float]) -> tuple[bool, float]:
        """The weight and size that a node's style gives it, where ``around`` is that of the text around it."""
        bold: bool | None = None
        size = 0.0
        name = node.get(f"{TEXT}style-name") or ""
        for _ in range(PARENTS_MAX):
            found = self._looks.get(name)
            if found is None:
                break
            bold = found.bold if bold is None else bold
            size, name = size or found.size, found.parent
        return (around[0] if bold is None else bold), size or around[1]

    def _is_hidden(self, node: Any) -> bool:
        return node.get(f"{TEXT}style-name") in self._hidden

    def _formula(self, frame: Any) -> str:
        """The formula that a frame holds, as text; "" when it holds something else."""
        held = frame.find(f"{DRAW}object")
        if held is None:
            return ""
        part = self._archive.beside("content.xml", f"{(held.get(_LINK) or '').rstrip('/')}/content.xml")
        root = held[0] if len(held) else self._archive.xml_if_any(part) if part else None
        if root is None or etree.QName(root).localname != "math":
            return ""
        for node in root.iter(etree.Element):
            node.tag = etree.QName(node).localname
        return formula(root)


def _look(style: Any) -> _Look:
    properties = style.find(f"{STYLE}text-properties")
    weight = properties.get(f"{FO}font-weight") if properties is not None else None
    size = (properties.get(f"{FO}font-size") or "").removesuffix("pt") if properties is not None else ""
    try:
        points = min(float(size), 1000.0) if size else 0.0
    except ValueError:
        points = 0.0  # a share of the parent's
    bold = None if weight is None else weight == "bold" or (weight.isdecimal() and len(weight) < 5 and int(weight) >= 600)
    return _Look(bold, points, style.get(f"{STYLE}parent-style-name") or "")
