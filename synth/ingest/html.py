"""HTML pages: bytes to elements, with the page's furniture apart.

lxml builds the tree. It cuts a tree that is nested deeper than it will follow, so such a page is read again with its depth cut first
(``_flattened``): its text survives, its structure down there does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lxml import etree

from triplette.synth.ingest.elements import Element, Reading, one_line
from triplette.synth.ingest.encoding import decode
from triplette.synth.ingest.furniture import SILENT, Page
from triplette.synth.ingest.html_main import is_document, judged
from triplette.synth.ingest.html_notes import place_notes
from triplette.synth.ingest.html_sheets import hidden_nodes
from triplette.synth.ingest.html_signs import plain_formulas
from triplette.synth.ingest.html_tables import inline_text
from triplette.synth.ingest.html_walk import walk

_CHARSET = re.compile(rb"<meta[^>]{1,300}?charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{1,200}?encoding\s*=\s*[\"']([\w-]+)", re.IGNORECASE)
DEPTH_MAX = 400  # tags inside tags that a flattened page keeps; lxml follows 2,048, and no page that people wrote comes near
STRAY_SHARE = 0.01  # of the bytes that are zero in a page that is still text
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)(?:[^>\"']|\"[^\"]*\"|'[^']*')*+>")
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_INLINE = frozenset("a abbr b bdi bdo cite code em font i kbd label mark q s samp small span strong sub sup time tt u var".split())


def read_html(path: Path) -> Reading:
    """The page's main text. A declared charset is believed where it can be; else the bytes decide."""
    text, notes = html_text(path.read_bytes(), path.name)
    reading = page_reading(text)
    return Reading(reading.elements, reading.title, (*notes, *reading.notes))


def html_text(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """The page as text, and notes on how it was decoded."""
    if 0 < data.count(b"\0") < STRAY_SHARE * len(data):
        data = data.replace(b"\0", b"")  # a browser drops them too; UTF-16 has far more
    declared = _CHARSET.search(data[:4096]) or _XML_ENCODING.search(data[:300])
    encoding = declared.group(1).decode("ascii").lower() if declared else ""
    if encoding and encoding not in ("utf-8", "utf8") and b"\0" not in data[:4096]:
        try:
            if not data.isascii():  # a text with accents that is UTF-8 throughout is no other
                return data.decode("utf-8").replace("\r\n", "\n"), (f"declares {encoding}, but is UTF-8",)
        except UnicodeDecodeError:
            pass
        try:
            return data.decode("cp1252" if encoding in ("iso-8859-1", "latin-1", "latin1") else encoding), (
                f"read as {encoding}, as it declares",
            )
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(data, name)


def parse(text: str) -> tuple[Any, bool]:
    """The tree of a page, comments and processing instructions gone, and whether its depth had to be cut."""
    text = plain_formulas(text)
    root, cut = _tree(text)
    if cut:
        root = _tree(_flattened(text))[0]
    for frame in list(root.iter("iframe")):
        if frame.get("srcdoc"):
            _unframed(frame)
    return root, cut


def _unframed(frame: Any) -> None:
    """Put the page that a frame carries in itself (``srcdoc``) in the frame's place."""
    inner = _tree(frame.get("srcdoc"))[0].find("body")
    if inner is not None:
        inner.tag, inner.tail = "div", frame.tail
        frame.getparent().replace(frame, inner)


def _tree(text: str) -> tuple[Any, bool]:
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True, no_network=True)
    root = etree.fromstring(text.encode("utf-8", "replace") or b" ", parser)
    deep = any("depth" in entry.message.lower() for entry in parser.error_log)
    return (root if root is not None else etree.Element("html")), deep


def _flattened(text: str) -> str:
    """The page with every tag that is nested deeper than ``DEPTH_MAX`` replaced: by a break, or by nothing inside a line."""
    parts: list[str] = []
    opened: list[str] = []
    over: list[str] = []  # tags that were left out and are not closed yet
    place = 0
    for match in _TAG.finditer(text):
        closing, name = match.group(1), match.group(2).lower()
        keep = True
        if name in _VOID:
            pass
        elif not closing:
            keep = len(opened) < DEPTH_MAX
            (opened if keep else over).append(name)
        elif over:
            keep = False
            over.pop()
        elif opened:
            opened.pop()
        parts.append(text[place : match.end() if keep else match.start()])
        parts.append("" if keep or name in _INLINE else "<br><br>")
        place = match.end()
    parts.append(text[place:])
    return "".join(parts)


def page_reading(text: str, *, whole: bool = False, sheets: Sequence[str] = ()) -> Reading:
    """The elements of a page's main part, what was left out of it with its role, and its title.

    ``whole``: the page is all text, as a book's chapter is; only menus, controls and what is hidden are left out. ``sheets`` are the texts
    of its style sheets that are files of their own.
    """
    root, cut = parse(text)
    found = root.find("body") if root.tag == "html" else root
    body = root if found is None else found
    place_notes(body)
    page = Page(body, hidden_nodes(root, sheets))
    notes = (f"tags nested deeper than {DEPTH_MAX} were read as plain text",) if cut else ()
    if whole:
        return Reading(tuple(walk(body, partial(_book_role, page))), _title(root), notes)
    own = walk(page.main, partial(page.role_of, within_main=page.main is not body))
    elements = own if cut else judged(text, own, walk(body, partial(_wide_role, page)), alone=is_document(body))
    title = _title(root)
    if not any(e.kind == "heading" and e.level <= 1 and e.role == "body" for e in elements):
        title = _headline(body, page.main) or title
    outside = _outside(page) if elements == own else []
    return Reading((*elements, *outside), title, notes)


def _wide_role(page: Page, node: Any) -> str:
    """What is no text whoever judges the page."""
    role = page.role_of(node, within_main=True)
    return role if role in ("hidden", "control", "notice") else ""


def _book_role(page: Page, node: Any) -> str:
    role = page.role_of(node, within_main=True)
    return role if role in ("hidden", "control") or node.tag == "nav" else ""


def _title(root: Any) -> str:
    """The page's title: the one it gives for sharing, which lacks the site's name, else its <title>."""
    for node in root.iter("meta"):
        if node.get("property") == "og:title" and node.get("content"):
            return one_line(node.get("content"))
    node = next(root.iter("title"), None)
    return one_line("".join(node.itertext())) if node is not None else ""


def _headline(body: Any, main: Any) -> str:
    """The text of a single <h1> that stands outside the main part, in a page's header."""
    found = list(body.iter("h1"))
    if len(found) != 1 or main in found[0].iterancestors():
        return ""
    return one_line("".join(found[0].itertext()))


def _outside(page: Page) -> list[Element]:
    """What of the page lies outside its main part, by role."""
    found: list[Element] = []
    inner = page.main
    while inner is not page.root:
        above = inner.getparent()
        found += [element for child in above if child is not inner for element in _left_out(child, page)]
        inner = above
    return found


def _left_out(node: Any, page: Page) -> list[Element]:
    role = page.role_of(node, within_main=False) if isinstance(node.tag, str) and node.tag not in SILENT else "hidden"
    if role:
        text = inline_text(node, _all_text) if node.tag not in SILENT else ""
        return [Element("paragraph", text, role=role)] if text else []
    found = walk(node, partial(page.role_of, within_main=False))
    return [
        replace(element, kind="paragraph", text=element.text or " ".join(cell for row in element.rows for cell in row),
                rows=(), role="aside" if element.role == "body" else element.role)
        for element in found if element.kind != "close"
    ]  # fmt: skip


def _all_text(_: Any) -> str:
    return ""
