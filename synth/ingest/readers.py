"""Files to documents, each through the reader of its format.

A file that cannot be read is an InputError with its cure; the caller reports it and goes on with the rest. Readers of formats that say
their structure give elements, those of plain pages (text, PDF) lines from which it is inferred.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.synth.ingest.document import Document
from triplette.synth.ingest.elements import Reading, compose, titled
from triplette.synth.ingest.encoding import decode
from triplette.synth.ingest.tables import table_text

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
BY_DOCLING = (*PDF, *DOCX, *PPTX, *XLSX, *HTML)
SCANNED_MIN = 20  # letters a page under which a PDF is taken for a scan
Pages = tuple[str, str, tuple[str, ...]]  # text, "pages", notes


def read_document(path: Path, corpus: Path, name: str = "", reader: str = "own") -> Document:
    """The document in canonical form, called ``name`` or as it is called under ``corpus``. Raises InputError, with its cure.

    ``reader`` = "docling" reads PDF and office files through docling, where that is installed.
    """
    source = name or source_name(path, corpus)
    try:
        if not path.stat().st_size:
            raise InputError("is an empty file", cure="remove it, or put its text in")
        document = _by_docling(path, source) if reader == "docling" and path.suffix.lower() in BY_DOCLING else _read(path, source)
    except InputError as error:
        raise InputError(error.message, where=source, cure=error.cure) from error.__cause__
    except PermissionError as error:
        raise InputError("not allowed to read", where=source, cure="give yourself read permission") from error
    except Exception as error:  # the parsing libraries raise whatever they meet
        raise InputError(
            f"cannot be read as {path.suffix} ({type(error).__name__}{f': {error}' if str(error) else ''})",
            where=source,
            cure="open and save it again in its program, or convert it to text",
        ) from error
    if not re.search(r"\w", document.text):
        raise InputError("holds no text", where=source, cure="remove it, or put its text in")
    return document


def source_name(path: Path, corpus: Path) -> str:
    """A document's name in every record: its path under the corpus with "/", composed (NFC), undecodable bytes replaced."""
    name = path.name if path == corpus else path.relative_to(corpus).as_posix()
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _read(path: Path, source: str) -> Document:
    suffix = path.suffix.lower()
    if suffix in MARKDOWN:
        from triplette.synth.ingest.markdown import read_markdown

        text, found, notes = read_markdown(path)
        return Document(source, text, "elements", notes, found)
    if suffix in (*TEXT, *PDF, *RTF):
        text, form, notes = _plain_reader(suffix)(path)
        return Document(source, text, form, notes)
    reading = _structured_reader(suffix)(path)
    text, elements = compose(titled(reading))
    return Document(source, text, "elements", reading.notes, elements)


def _by_docling(path: Path, source: str) -> Document:
    from triplette.synth.ingest.docling import convert

    reading = convert(path)
    text, elements = compose(titled(reading))
    return Document(source, text, "elements", reading.notes, elements)


def _plain_reader(suffix: str) -> Callable[[Path], Pages]:
    if suffix in RTF:
        from triplette.synth.ingest.rtf import read_rtf

        return read_rtf
    return _read_text if suffix in TEXT else _read_pdf


def _structured_reader(suffix: str) -> Callable[[Path], Reading]:
    """The reader of a format that says its own structure; its library is loaded when the first such file comes."""
    from triplette.synth.ingest import docling, docx, epub, html, odt, sheets, slides

    readers = {
        HTML: html.read_html, DOCX: docx.read_docx, EPUB: epub.read_epub, ODT: odt.read_odt, PPTX: slides.read_pptx,
        XLSX: sheets.read_xlsx, DOCLING: docling.read_docling,
    }  # fmt: skip
    return next(read for suffixes, read in readers.items() if suffix in suffixes)


def _read_text(path: Path) -> Pages:
    text, notes = decode(path.read_bytes(), path.name)
    return text, "pages", notes


def _read_pdf(path: Path) -> Pages:
    import logging

    import pdfplumber

    logging.getLogger("pdfminer").setLevel(logging.ERROR)  # font warnings on every page help nobody
    try:
        with pdfplumber.open(path) as pdf:
            pages = []
            for page in pdf.pages:
                pages.append(_pdf_page(page))
                page.close()  # its characters are not needed again; a long file would fill the memory
    except Exception as error:
        if "Password" not in f"{type(error).__name__}{error!r}":
            raise
        raise InputError("is encrypted", cure="remove its password first, for instance with `qpdf --decrypt in.pdf out.pdf`") from None
    letters = sum(c.isalpha() for page in pages for c in page)
    if letters < SCANNED_MIN * max(len(pages), 1):
        raise InputError(
            f"is a scan: {letters} letters on {len(pages)} pages",
            cure="recognise its text first, for instance with `ocrmypdf -l fra in.pdf out.pdf`",
        )
    blank = sum(not any(c.isalpha() for c in page) for page in pages)
    return "\f".join(pages), "pages", (f"{blank} of {len(pages)} pages hold no text",) if blank else ()


def _pdf_page(page: Any) -> str:
    """A page's lines and tables from top to bottom; a table becomes Markdown rows."""
    tables = page.find_tables()
    boxes = [table.bbox for table in tables]

    def outside(item: dict[str, Any]) -> bool:
        x, y = (item["x0"] + item["x1"]) / 2, (item["top"] + item["bottom"]) / 2
        return not any(x0 <= x <= x1 and top <= y <= bottom for x0, top, x1, bottom in boxes)

    parts: list[tuple[float, str]] = []
    for line in page.filter(lambda item: item.get("object_type") != "char" or outside(item)).extract_text_lines():
        parts.append((line["top"], line["text"]))
    for table in tables:
        rows = [[(cell or "").replace("\n", " ").strip() for cell in row] for row in table.extract()]
        rows = [row for row in rows if any(row)]
        if rows:
            parts.append((table.bbox[1], "\n" + table_text(rows) + "\n"))
    return "\n".join(text for _, text in sorted(parts, key=lambda part: part[0]))
