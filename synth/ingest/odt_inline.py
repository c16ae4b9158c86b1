"""The text of an OpenDocument paragraph: its runs, raised numbers, formulas; not what is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lxml import etree

from triplette.synth.ingest.elements import raised
from triplette.synth.ingest.html_signs import formula
from triplette.synth.ingest.zipped import Archive

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_UNSHOWN = frozenset(
    f"{TEXT}{name}"
    for name in "tracked-changes note-citation bookmark hidden-text hidden-paragraph variable-decls sequence-decls ruby-text".split()
) | {f"{OFFICE}annotation", f"{OFFICE}forms", f"{TEXT}table-of-content-source"}


class Inline:
    """Reads paragraphs of one document, whose styles say what is hidden and what is raised."""

    def __init__(self, archive: Archive, roots: Sequence[Any]) -> None:
        self._archive = archive
        self._hidden: set[str] = set()
        self._raised: set[str] = set()
        for root in roots:
            for style in root.iter(f"{STYLE}style"):
                for properties in style.iterchildren(f"{STYLE}text-properties"):
                    name = style.get(f"{STYLE}name") or ""
                    if properties.get(f"{TEXT}display") == "none":
                        self._hidden.add(name)
                    place = (properties.get(f"{STYLE}text-position") or "").split()[:1]
                    if place == ["super"] or (place and place[0].rstrip("%").isdecimal() and place[0] != "0%"):
                        self._raised.add(name)

    def read(self, paragraph: Any, later: list[Any]) -> str:
        """A paragraph's text without recursion; notes and frames go to ``later``."""
        if self._is_hidden(paragraph):
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
            elif tag in _UNSHOWN or not isinstance(tag, str) or self._is_hidden(node):
                parts.append(node.tail or "")
            elif tag in (f"{TEXT}s", f"{TEXT}tab", f"{TEXT}line-break"):
                parts.append(" " + (node.tail or ""))
            elif not len(node) and node.get(f"{TEXT}style-name") in self._raised:
                parts.append(raised(node.text or "") + (node.tail or ""))
            else:
                parts.append(node.text or "")
                opened_nodes.append(node)
                stack.append(iter(node))
        return "".join(parts)

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
