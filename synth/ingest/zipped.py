"""Documents that are ZIP files of XML (DOCX, ODT, EPUB, PPTX, XLSX), opened so that a bomb cannot fill the memory.

Sizes are checked as they are declared and again as they are read; entities are never expanded, and nothing is fetched.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lxml import etree

from triplette.errors import InputError

UNPACKED_MAX = 1 << 30  # bytes of all parts together: a gibibyte of XML is no document
RATIO_MAX = 1_000  # a part that is a thousandth of its text is no text; deflate cannot pack tighter than 1,032 to 1
RATIO_FREE = 1 << 24  # bytes that any part may have
PARTS_MAX = 100_000
KINDS = (  # a part, or what the part "mimetype" says; what the file is; its suffix
    ("word/document.xml", "a Word document", ".docx"), ("xl/workbook.xml", "an Excel workbook", ".xlsx"),
    ("ppt/presentation.xml", "a PowerPoint presentation", ".pptx"), ("META-INF/container.xml", "an EPUB book", ".epub"),
    ("application/vnd.oasis.opendocument.text", "an OpenDocument text", ".odt"),
)  # fmt: skip


class Archive:
    """The parts of an opened document, by their path inside it."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self.names = frozenset(file.namelist())

    def has(self, name: str) -> bool:
        """Whether there is such a part."""
        return name in self.names

    def read(self, name: str) -> bytes:
        """A part's bytes. Raises InputError when there is none, or more than it says."""
        if name not in self.names:
            kind, suffix = self._kind()
            if kind:
                raise InputError(f"is {kind}, whatever its suffix says", cure=f"give it the suffix of its real format ({suffix})")
            raise InputError(f"has no {name} inside", cure="open and save it again in its program")
        size = self._file.getinfo(name).file_size
        with self._file.open(name) as stream:
            data = stream.read(size + 1)
        if len(data) > size:
            raise InputError(
                f"its part {name} is larger than the archive says", cure="do not use this file: it was made to exhaust memory"
            )
        return data

    def _kind(self) -> tuple[str, str]:
        """What the archive is, and its suffix, as its parts say; "" for none of ours."""
        small = "mimetype" in self.names and self._file.getinfo("mimetype").file_size < 1_000
        said = self._file.read("mimetype").decode("ascii", "replace").strip() if small else ""
        return next(((kind, suffix) for mark, kind, suffix in KINDS if mark == said or mark in self.names), ("", ""))

    def xml(self, name: str) -> Any:
        """A part's root element."""
        return parse_xml(self.read(name))

    def xml_if_any(self, name: str) -> Any:
        """A part's root element; None when there is no such part or it is no XML."""
        try:
            return self.xml(name) if name in self.names else None
        except etree.XMLSyntaxError:
            return None

    def beside(self, part: str, target: str) -> str:
        """The name of the part that a relative ``target`` of ``part`` means, or "" when it is none of this archive."""
        path = unquote(target.split("#", 1)[0])
        name = path.lstrip("/") if path.startswith("/") else posixpath.normpath(posixpath.join(posixpath.dirname(part), path))
        return name if name in self.names else ""


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The archive of a file. Raises InputError when it is none, is encrypted, or unpacks beyond ``UNPACKED_MAX``."""
    try:
        file = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        with path.open("rb") as stream:
            locked = stream.read(8) == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # an OLE file: an encrypted document, or an old format
        if locked:
            raise InputError(
                "is encrypted, or in the format of before 2007", cure="open it and save it without a password in the present format"
            ) from None
        raise InputError(f"cannot be read as {path.suffix} ({error})", cure="open and save it again in its program") from None
    with file:
        parts = file.infolist()
        if any(part.flag_bits & 1 for part in parts):
            raise InputError("is encrypted", cure="save it again without a password")
        unpacked = sum(part.file_size for part in parts)
        dense = any(part.file_size > max(RATIO_FREE, RATIO_MAX * part.compress_size) for part in parts)
        if unpacked > UNPACKED_MAX or len(parts) > PARTS_MAX or dense:
            raise InputError(
                f"unpacks to {unpacked / 1e6:,.0f} MB in {len(parts)} parts: it was made to exhaust memory, or holds no text",
                cure="take its pictures and media out, or leave it out of the corpus",
            )
        yield Archive(file)


def parse_xml(data: bytes) -> Any:
    """The root of an XML part: no entity expanded, no DTD loaded, nothing fetched."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True, remove_pis=True
    )
    return etree.fromstring(data, parser)
