"""Footnotes of a page: the mark in the text is no word of it, and the note follows the paragraph that it belongs to.

Programs put notes at the page's end, where they would stand under its last heading. Told by what they write: ``role="doc-noteref"`` and
``epub:type="noteref"``, or a link to ``#fn1``, ``#_ftn1`` (Word), ``#sdfootnote1sym`` (LibreOffice).
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

MARK_MAX = 8  # characters of a note's mark: "[12]", "iii", "*"
NOTES_MAX = 20_000  # of a page that are put in their places
_PLACED = "data-triplette-note"
_TARGET = re.compile(r"#(?:_?ftn|_edn|sdfootnote|sdendnote|fn[-:_]?\w|user-content-fn|footnote|endnote)", re.IGNORECASE)
EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"
_BACK = re.compile(r"(?:ref[-:_]?\w*|anc)$")
_NOTES = frozenset("li div p aside dd".split())
_OPEN = frozenset("li dd blockquote div section article aside body".split())  # a note is the last thing inside them
_AFTER = frozenset("p dt pre figure h1 h2 h3 h4 h5 h6".split())  # and follows these


def is_note_mark(node: Any) -> bool:
    """Whether a link is the mark of a note, or at the note the way back."""
    target = node.get("href") or ""
    if node.tag != "a" or "#" not in target:
        return False
    if _kind(node) in ("noteref", "backlink"):
        return True
    return bool(_TARGET.match(target)) and len("".join(node.itertext()).strip()) <= MARK_MAX


def _kind(node: Any) -> str:
    said = f"{node.get('role') or ''} {node.get(EPUB_TYPE) or node.get('epub:type') or ''}"
    return next((kind for kind in ("noteref", "backlink") if kind in said), "")


def place_notes(body: Any) -> None:
    """Move each note after the paragraph, item or table with its mark."""
    marks: dict[str, Any] = {}
    notes: list[tuple[Any, Any]] = []
    for node in body.iter():
        if not isinstance(node.tag, str):
            continue
        target = (node.get("href") or "") if node.tag == "a" else ""
        if target.startswith("#") and is_note_mark(node) and not _BACK.search(target):
            marks.setdefault(target[1:], node)
        for name in (node.get("id"), node.get("name")):
            if name in marks and marks[name] is not node:  # a note comes after its mark
                notes.append((marks.pop(name), node))
    for mark, target in notes[:NOTES_MAX]:
        note = _note(target)
        if note is not None and not any(above is note for above in mark.iterancestors()):
            _move(note, mark)


def _note(target: Any) -> Any:
    """The block that is the note: the target, what holds it, or a frame round that alone."""
    block = next((node for node in (target, *target.iterancestors()) if node.tag in _NOTES), None)
    while block is not None and block.tag in ("p", "div"):
        above = block.getparent()
        if above is None or above.tag not in _NOTES or _solid(above) != _solid(block):
            break
        block = above
    return block


def _solid(node: Any) -> str:
    return "".join("".join(node.itertext()).split())


def _move(note: Any, mark: Any) -> None:
    place = next((above for above in mark.iterancestors() if above.tag == "table"), None)
    if place is None:
        place = next((above for above in mark.iterancestors() if above.tag in _OPEN or above.tag in _AFTER), None)
    if place is None or place.getparent() is None:
        return
    moved = etree.Element("div")
    moved.text, note.text = note.text, None
    moved.extend(list(note))
    if place.tag in _OPEN:
        place.append(moved)
        return
    while (following := place.getnext()) is not None and following.get(_PLACED) and not (place.tail or "").strip():
        place = following  # after the notes of marks before it
    moved.set(_PLACED, "1")
    moved.tail, place.tail = place.tail, None
    place.addnext(moved)
