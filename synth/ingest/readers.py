"""Files to documents: text, Markdown, PDF, HTML and DOCX, through the libraries under llama-index's readers.

A file that cannot be read is an InputError with its cure; the caller reports it and goes on with the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import partial
from pathlib import Path

from synth.ingest.document import Document, Reading, cured
from synth.ingest.encoding import decode
from synth.ingest.markup import read_docx, read_html
from synth.ingest.pdf import read_pdf
from triplette.errors import InputError

MARKDOWN, TEXT, PDF, HTML, DOCX = (".md", ".markdown"), (".txt", ".text"), (".pdf",), (".html", ".htm"), (".docx",)
SUFFIXES = (*MARKDOWN, *TEXT, *PDF, *HTML, *DOCX)


def find_documents(corpus: Path) -> tuple[list[Path], list[str]]:
    """The readable files under ``corpus`` in name order, and notes on those left out.

    Hidden files and an office program's lock files (~$x.docx) are passed over in silence; a link to a file that is there already, a
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
        if any(part.startswith((".", "~$")) for part in parts):
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


def read_document(path: Path, corpus: Path, *, ocr: bool = True) -> Document:
    """The document in canonical form; ``ocr`` reads a PDF's pictures where tesseract is installed. Raises InputError, with its cure, when it cannot be read."""
    source = source_name(path, corpus)
    readers: dict[tuple[str, ...], Callable[[Path], Reading | tuple[str, str, tuple[str, ...]]]] = {
        MARKDOWN: _read_markdown,
        TEXT: _read_text,
        PDF: partial(read_pdf, ocr=ocr),
        HTML: read_html,
        DOCX: read_docx,
    }
    reader = next(read for suffixes, read in readers.items() if path.suffix.lower() in suffixes)
    try:
        if not path.stat().st_size:
            raise InputError("is an empty file", cure="remove it, or put its text in")
        reading = Reading(*reader(path))
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
    text = cured(reading.text)
    if not re.search(r"\w", text):
        raise InputError("holds no text", where=source, cure="remove it, or put its text in")
    return Document(source, text, reading.form, reading.notes, reading.title, reading.marks)


def _read_text(path: Path) -> tuple[str, str, tuple[str, ...]]:
    text, notes = decode(path.read_bytes(), path.name)
    return text, "pages", notes


def _read_markdown(path: Path) -> tuple[str, str, tuple[str, ...]]:
    text, notes = decode(path.read_bytes(), path.name)
    return text, "markdown", notes
