"""Files to documents: text, Markdown, PDF, HTML and DOCX, through the libraries under llama-index's readers.

A file that cannot be read is an InputError with its cure; the caller reports it and goes on with the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from synth.ingest.document import Document
from triplette.errors import InputError

MARKDOWN, TEXT, PDF, HTML, DOCX = (".md", ".markdown"), (".txt", ".text"), (".pdf",), (".html", ".htm"), (".docx",)
SUFFIXES = (*MARKDOWN, *TEXT, *PDF, *HTML, *DOCX)
# UTF-8 read as Windows-1252: "é" became "Ã©". Three or more in a file are no accident.
_MOJIBAKE = re.compile(r"Ã[\x80-\xbf©¨ªª«®´¯»¼§¢€™‰ƒŠŒ‹¡¶¹]|â€[™œ“”\x9d¦]")
MOJIBAKE_MIN = 3
SCANNED_MIN = 20  # letters a page under which a PDF is taken for a scan


def find_documents(corpus: Path) -> tuple[list[Path], list[Path]]:
    """The readable files under ``corpus`` in name order, and those of other types. Raises InputError when absent or empty."""
    if not corpus.exists():
        raise InputError("no such folder", where=str(corpus), cure="give --corpus a folder of documents")
    files = [corpus] if corpus.is_file() else sorted(p for p in corpus.rglob("*") if p.is_file())
    files = [p for p in files if not any(part.startswith(".") for part in p.relative_to(corpus).parts)]
    known = [p for p in files if p.suffix.lower() in SUFFIXES]
    if not known:
        raise InputError(
            "no document to read" + (f" ({len(files)} files of other types)" if files else ": the folder is empty"),
            where=str(corpus),
            cure=f"put files of these types there: {', '.join(SUFFIXES)}",
        )
    return known, [p for p in files if p.suffix.lower() not in SUFFIXES]


def read_document(path: Path, corpus: Path) -> Document:
    """The document in canonical form. Raises InputError, with its cure, when it cannot be read."""
    source = path.name if corpus.is_file() else path.relative_to(corpus).as_posix()
    readers: dict[tuple[str, ...], Callable[[Path], tuple[str, str, tuple[str, ...]]]] = {
        MARKDOWN: _read_markdown,
        TEXT: _read_text,
        PDF: _read_pdf,
        HTML: _read_html,
        DOCX: _read_docx,
    }
    reader = next(read for suffixes, read in readers.items() if path.suffix.lower() in suffixes)
    try:
        text, form, notes = reader(path)
    except InputError:
        raise
    except PermissionError as error:
        raise InputError("not allowed to read", where=source, cure="give yourself read permission") from error
    except Exception as error:  # the parsing libraries raise whatever they meet
        raise InputError(
            f"cannot be read as {path.suffix} ({type(error).__name__}: {error})",
            where=source,
            cure="open and save it again in its program, or convert it to text",
        ) from error
    if not re.search(r"\w", text):
        raise InputError("holds no text", where=source, cure="remove it, or put its text in")
    return Document(source=source, text=text, form=form, notes=notes)


def decode(data: bytes, where: str) -> tuple[str, tuple[str, ...]]:
    """Bytes as text, with notes on what was detected. Raises InputError for binary data."""
    notes: tuple[str, ...] = ()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text, notes = data.decode("utf-16"), ("read as UTF-16",)
    elif b"\0" in data:
        raise InputError("is binary, not text", where=where, cure="give it the suffix of its real format, or remove it")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text, notes = _decode_legacy(data, where)
    if len(_MOJIBAKE.findall(text)) >= MOJIBAKE_MIN:
        try:
            text = text.encode("cp1252").decode("utf-8")
            notes += ("was UTF-8 saved as Windows-1252 (Ã© for é); repaired",)
        except UnicodeError:
            notes += ("holds wrongly decoded letters (Ã© for é) that could not be repaired; save it again as UTF-8",)
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _decode_legacy(data: bytes, where: str) -> tuple[str, tuple[str, ...]]:
    """French legacy text: Windows-1252 unless the detector has good reason for another code page."""
    from charset_normalizer import from_bytes

    candidates = ["cp1252"]
    best = from_bytes(data).best()
    if best is not None:
        candidates.append(best.encoding)
    for encoding in candidates:
        try:
            return data.decode(encoding), (f"is not UTF-8; read as {encoding}",)
        except UnicodeDecodeError:
            continue
    raise InputError("is in an unknown encoding", where=where, cure="save it again as UTF-8")


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
    with pdfplumber.open(path) as pdf:
        pages = [_pdf_page(page) for page in pdf.pages]
    letters = sum(c.isalpha() for page in pages for c in page)
    if letters < SCANNED_MIN * max(len(pages), 1):
        raise InputError(
            f"is a scan: {letters} letters on {len(pages)} pages",
            where=path.name,
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


def table_markdown(rows: list[list[str]]) -> str:
    """Rows of cells as a Markdown table whose first row is the header."""
    width = max(len(row) for row in rows)
    padded = [[cell.replace("|", "/") for cell in row] + [""] * (width - len(row)) for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in padded]
    lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)


def _read_html(path: Path) -> tuple[str, str, tuple[str, ...]]:
    from bs4 import BeautifulSoup

    data = path.read_bytes()
    soup = BeautifulSoup(data, "html.parser")
    notes = () if soup.original_encoding in (None, "utf-8", "ascii") else (f"read as {soup.original_encoding}",)
    for tag in soup(["script", "style", "noscript", "template", "nav", "head", "iframe"]):
        tag.decompose()
    lines: list[str] = []
    _walk_html(soup.body or soup, lines)
    return "\n\n".join(lines), "markdown", notes


_HTML_BLOCKS = ["h1", "h2", "h3", "h4", "h5", "h6", "p", "li", "table", "pre", "blockquote", "dt", "dd"]


def _walk_html(node: Any, lines: list[str]) -> None:
    """Blocks of a page as Markdown, in order; a loose text run is a paragraph."""
    loose: list[str] = []

    def flush() -> None:
        text = re.sub(r"\s+", " ", " ".join(loose)).strip()
        loose.clear()
        if text:
            lines.append(text)

    for child in node.children:
        name = getattr(child, "name", None)
        if name is None:
            if type(child).__name__ == "NavigableString":  # comments and doctypes are its subclasses
                loose.append(str(child))
        elif name == "table":
            flush()
            rows = [[_inline(cell) for cell in row.find_all(["td", "th"])] for row in child.find_all("tr")]
            rows = [row for row in rows if any(row)]
            if rows:
                lines.append(table_markdown(rows))
        elif name[0] == "h" and name[1:].isdigit():
            flush()
            lines.append("#" * int(name[1:]) + " " + _inline(child))
        elif child.find(_HTML_BLOCKS) is not None:
            flush()
            _walk_html(child, lines)
        elif name == "li":
            flush()
            lines.append("- " + _inline(child))
        elif name in _HTML_BLOCKS or name in ("div", "section", "article", "header", "footer", "main", "ul", "ol"):
            flush()
            if _inline(child):
                lines.append(_inline(child))
        else:
            loose.append(_inline(child))
    flush()


def _inline(node: Any) -> str:
    return re.sub(r"\s+", " ", node.get_text(" ")).strip()


def _read_docx(path: Path) -> tuple[str, str, tuple[str, ...]]:
    import docx
    from docx.table import Table

    document = docx.Document(str(path))
    lines: list[str] = []
    for item in document.iter_inner_content():
        if isinstance(item, Table):
            rows = [[cell.text.replace("\n", " ").strip() for cell in row.cells] for row in item.rows]
            rows = [row for row in rows if any(row)]
            if rows:
                lines.append(table_markdown(rows))
            continue
        text = item.text.strip()
        style = (item.style.name or "") if item.style is not None else ""
        level = re.search(r"(?:Heading|Titre) (\d)", style)
        if not text:
            continue
        if style in ("Title", "Titre"):
            lines.append(f"# {text}")
        elif level:
            lines.append("#" * min(int(level.group(1)), 6) + f" {text}")
        elif style.startswith(("List", "Liste")):
            lines.append(f"- {text}")
        else:
            lines.append(text)
    return "\n\n".join(lines), "markdown", ()
