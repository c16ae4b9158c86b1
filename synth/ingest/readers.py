"""Files to documents: text, Markdown, PDF, HTML and DOCX, through the libraries under llama-index's readers.

A file that cannot be read is an InputError with its cure; the caller reports it and goes on with the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.settings.base import FILE_NAME
from triplette.synth.ingest.document import Document
from triplette.synth.ingest.encoding import decode
from triplette.synth.ingest.markup import read_docx, read_html, table_markdown

MARKDOWN, TEXT, PDF, HTML, DOCX = (".md", ".markdown"), (".txt", ".text"), (".pdf",), (".html", ".htm"), (".docx",)
SUFFIXES = (*MARKDOWN, *TEXT, *PDF, *HTML, *DOCX)
SCANNED_MIN = 20  # letters a page under which a PDF is taken for a scan


def find_documents(corpus: Path) -> tuple[list[Path], list[str]]:
    """The readable files under ``corpus`` in name order, and notes on those left out.

    Hidden files, an office program's lock files (~$x.docx) and the folder's own settings are passed over in silence; a link to a file that is there already, a
    broken link and a file of another type are named. Raises InputError when the folder is absent or holds nothing to read.
    """
    if not corpus.exists():
        raise InputError("no such folder", where=str(corpus), cure="give --corpus a folder of documents")
    files = [corpus] if corpus.is_file() else sorted(p for p in corpus.rglob("*") if p.is_symlink() or not p.is_dir())
    known: list[Path] = []
    notes: list[str] = []
    real = {path.resolve() for path in files if not path.is_symlink()}
    for path in files:
        parts = path.relative_to(corpus).parts or (path.name,)
        if any(part.startswith((".", "~$")) for part in parts) or parts == (FILE_NAME,):
            continue
        if path.is_symlink() and path != corpus and (not path.is_file() or path.resolve() in real):
            reason = "a link to a document that is read anyway" if path.is_file() else "a broken link, or one to a folder"
            notes.append(f"{source_name(path, corpus)}: skipped, {reason}")
        elif path.is_file() and path.suffix.lower() in SUFFIXES:
            known.append(path)
        else:
            notes.append(f"{source_name(path, corpus)}: skipped, not a document type we read")
    if not known:
        raise InputError(
            f"no document to read ({len(notes)} files of other types)" if notes else "no document to read: the folder is empty",
            where=str(corpus),
            cure=f"put files of these types there: {', '.join(SUFFIXES)}",
        )
    return known, notes


def source_name(path: Path, corpus: Path) -> str:
    """A document's name in every record: its path under the corpus with "/", composed (NFC), undecodable bytes replaced."""
    name = path.name if path == corpus else path.relative_to(corpus).as_posix()
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def read_document(path: Path, corpus: Path) -> Document:
    """The document in canonical form. Raises InputError, with its cure, when it cannot be read."""
    source = source_name(path, corpus)
    readers: dict[tuple[str, ...], Callable[[Path], tuple[str, str, tuple[str, ...]]]] = {
        MARKDOWN: _read_markdown,
        TEXT: _read_text,
        PDF: _read_pdf,
        HTML: read_html,
        DOCX: read_docx,
    }
    reader = next(read for suffixes, read in readers.items() if path.suffix.lower() in suffixes)
    try:
        if not path.stat().st_size:
            raise InputError("is an empty file", cure="remove it, or put its text in")
        text, form, notes = reader(path)
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
    if not re.search(r"\w", text):
        raise InputError("holds no text", where=source, cure="remove it, or put its text in")
    return Document(source=source, text=text, form=form, notes=notes)


def _read_text(path: Path) -> tuple[str, str, tuple[str, ...]]:
    text, notes = decode(path.read_bytes(), path.name)
    return text, "pages", notes


def _read_markdown(path: Path) -> tuple[str, str, tuple[str, ...]]:
    text, notes = decode(path.read_bytes(), path.name)
    return text, "markdown", notes


def _read_pdf(path: Path) -> tuple[str, str, tuple[str, ...]]:
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
            parts.append((table.bbox[1], "\n" + table_markdown(rows) + "\n"))
    return "\n".join(text for _, text in sorted(parts, key=lambda part: part[0]))
