"""EPUB books: the chapters in the order of the spine, each a page of HTML; the book's navigation is no text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.synth.ingest.elements import Element, Reading
from triplette.synth.ingest.html import html_text, page_reading
from triplette.synth.ingest.metadata import sane_title
from triplette.synth.ingest.zipped import Archive, opened

_PAGES = frozenset(("application/xhtml+xml", "text/html", "application/xml"))
_SHEET = re.compile(r"<link\b[^<>]{0,300}?\bhref=[\"']([^\"'<>]{1,300}\.css)[\"']", re.IGNORECASE)
HEAD = 20_000  # characters of a chapter that may name style sheets
CONTAINER = "META-INF/container.xml"


def read_epub(path: Path) -> Reading:
    """The book's chapters as one reading."""
    with opened(path) as archive:
        if archive.has("META-INF/encryption.xml") and b"EncryptedKey" in archive.read("META-INF/encryption.xml"):
            raise InputError("is protected (DRM)", cure="use a copy without protection")
        package = _package(archive)
        root = archive.xml(package)
        pages = {item.get("id"): item for item in root.iter("{*}item")}
        elements: list[Element] = []
        notes: list[str] = []
        for reference in root.iter("{*}itemref"):
            item = pages.get(reference.get("idref"))
            if item is None or item.get("media-type") not in _PAGES or "nav" in (item.get("properties") or "").split():
                continue
            name = archive.beside(package, item.get("href") or "")
            if name:
                text = html_text(archive.read(name), name)[0]
                reading = page_reading(text, whole=True, sheets=_sheets(archive, name, text))
                elements += reading.elements
                notes += [f"{name}: {note}" for note in reading.notes]
        return Reading(tuple(elements), _title(root), tuple(notes))


def _sheets(archive: Archive, page: str, text: str) -> list[str]:
    """The style sheets that a chapter names."""
    found = (archive.beside(page, match.group(1)) for match in _SHEET.finditer(text[:HEAD]))
    return [archive.read(name).decode("utf-8", "replace") for name in found if name]


def _package(archive: Archive) -> str:
    root = archive.xml_if_any(CONTAINER)
    for file in root.iter("{*}rootfile") if root is not None else ():
        name = archive.beside("", file.get("full-path") or "")
        if name:
            return name
    raise InputError("is not an EPUB book: it has no package", cure="open and save it again in its program")


def _title(root: Any) -> str:
    node = next(root.iter("{http://purl.org/dc/elements/1.1/}title"), None)
    return sane_title(node.text or "") if node is not None else ""
