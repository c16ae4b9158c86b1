"""Files to documents, each through the reader of its format.

A file that cannot be read is an InputError with its cure; the caller reports it and goes on with the rest. Readers of formats that say
their structure give elements, those of plain pages (text, PDF) lines from which it is inferred.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import partial
from pathlib import Path

from triplette.errors import InputError
from triplette.synth.ingest.document import Document, Pages, cured
from triplette.synth.ingest.elements import Reading, compose, titled
from triplette.synth.ingest.encoding import decode
from triplette.tables import no_collection

MARKDOWN, TEXT, PDF, HTML, DOCX = (
    (".md", ".markdown", ".mdx"),
    (".txt", ".text"),
    (".pdf",),
    (".html", ".htm", ".xhtml"),
    (".docx", ".docm"),
)
EPUB, ODT, RTF, PPTX, XLSX = (".epub",), (".odt", ".ott"), (".rtf",), (".pptx", ".pptm", ".ppsx"), (".xlsx", ".xlsm")
DOCLING = (".json",)  # of these only docling's
SUFFIXES = (*MARKDOWN, *TEXT, *PDF, *HTML, *DOCX, *EPUB, *ODT, *RTF, *PPTX, *XLSX, *DOCLING)
SAVED_AS = {
    ".doc": ".docx", ".dot": ".docx", ".wpd": ".docx", ".wps": ".docx", ".pages": ".docx", ".xls": ".xlsx", ".ods": ".xlsx", ".numbers": ".xlsx",
    ".ppt": ".pptx", ".pps": ".pptx", ".odp": ".pptx", ".key": ".pptx", ".djvu": ".pdf", ".ps": ".pdf", ".xps": ".pdf", ".mobi": ".epub",
    ".azw3": ".epub", ".mht": ".html", ".mhtml": ".html",
}  # fmt: skip  # documents that we do not read, and what their programs save them as
BY_DOCLING = (*PDF, *DOCX, *PPTX, *XLSX, *HTML)


def same_reader(one: Path, other: Path) -> bool:
    """Whether two files are read alike, so that one content is one document."""
    kinds = ((*MARKDOWN, *TEXT), PDF, HTML, DOCX, EPUB, ODT, RTF, PPTX, XLSX, DOCLING)
    return any(one.suffix.lower() in kind and other.suffix.lower() in kind for kind in kinds)


def read_document(path: Path, corpus: Path, name: str = "", reader: str = "own", *, ocr: bool = True) -> Document:
    """The document in canonical form, called ``name`` or as it is called under ``corpus``. Raises InputError, with its cure.

    ``reader`` = "docling" reads PDF and office files through docling, where that is installed; ``ocr`` reads a PDF's pages that are only
    pictures, where tesseract is.
    """
    source = name or source_name(path, corpus)
    try:
        if not path.stat().st_size:
            raise InputError("is an empty file", cure="remove it, or add its text")
        with no_collection():
            document = (
                _by_docling(path, source) if reader == "docling" and path.suffix.lower() in BY_DOCLING else _read(path, source, ocr)
            )
    except InputError as error:
        raise InputError(error.message, where=source, cure=error.cure) from error.__cause__
    except PermissionError as error:
        raise InputError("not allowed to read", where=source, cure="give yourself read permission") from error
    except Exception as error:  # the parsing libraries raise whatever they meet
        if not path.exists():
            raise InputError("is gone: it was there when the folder was listed", where=source, cure="run the command again") from error
        raise InputError(
            f"cannot be read as {path.suffix} ({type(error).__name__}{f': {error}' if str(error) else ''})",
            where=source,
            cure="open and save it again in its program, or convert it to text",
        ) from error
    if not re.search(r"\w", document.text):
        raise InputError("holds no text", where=source, cure="remove it, or add its text")
    return document


def source_name(path: Path, corpus: Path) -> str:
    """A document's name in every record: its path under the corpus with "/", composed (NFC), undecodable bytes replaced."""
    name = path.name if path == corpus else path.relative_to(corpus).as_posix()
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _read(path: Path, source: str, ocr: bool) -> Document:
    suffix = path.suffix.lower()
    if suffix in (*MARKDOWN, *TEXT, *HTML):
        _refuse_other_formats(path)
    if suffix in MARKDOWN:
        from triplette.synth.ingest.markdown import read_markdown

        text, found, notes = read_markdown(path)
        return Document(source, text, "elements", notes, found)
    if suffix in (*TEXT, *PDF):
        pages = _plain_reader(suffix, ocr)(path)
        return Document(source, pages.text, "pages", pages.notes, title=pages.title, marks=pages.marks)
    reading = _structured_reader(suffix)(path)
    text, elements = compose(titled(reading))
    return Document(source, text, "elements", reading.notes, elements)


def _refuse_other_formats(path: Path) -> None:
    """Raise InputError for a file of another format whose bytes would pass for text."""
    with path.open("rb") as stream:
        head = stream.read(8)
    for mark, name, suffix in (
        (b"%PDF-", "a PDF", ".pdf"),
        (b"PK\x03\x04", "a ZIP file", ".docx, .odt, .epub..."),
        (b"{\\rtf", "RTF", ".rtf"),
    ):
        if head.startswith(mark):
            raise InputError(f"is {name} and not {path.suffix}", cure=f"give it the suffix of its real format ({suffix})")


def _by_docling(path: Path, source: str) -> Document:
    from triplette.synth.ingest.docling import convert

    reading = convert(path)
    text, elements = compose(titled(reading))
    return Document(source, text, "elements", reading.notes, elements)


def _plain_reader(suffix: str, ocr: bool) -> Callable[[Path], Pages]:
    if suffix in TEXT:
        return _read_text
    from triplette.synth.ingest.pdf import read_pdf

    return partial(read_pdf, ocr=ocr)


def _structured_reader(suffix: str) -> Callable[[Path], Reading]:
    """The reader of a format that says its own structure; its library is loaded when the first such file comes."""
    from triplette.synth.ingest import docling, docx, epub, html, odt, rtf, sheets, slides

    readers = {
        HTML: html.read_html, DOCX: docx.read_docx, EPUB: epub.read_epub, ODT: odt.read_odt, PPTX: slides.read_pptx,
        XLSX: sheets.read_xlsx, RTF: rtf.read_rtf, DOCLING: docling.read_docling,
    }  # fmt: skip
    return next(read for suffixes, read in readers.items() if suffix in suffixes)


def _read_text(path: Path) -> Pages:
    text, notes = decode(path.read_bytes(), path.name)
    return Pages(cured(text), notes)
