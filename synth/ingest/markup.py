"""HTML and DOCX to Markdown: headings, lists and tables say what they are, so nothing has to be inferred.

What is not the document's text goes: scripts, navigation, and in DOCX the headers and footers, which live outside the body. Numbers
that Word computes for automatic lists are not in the file and are lost; numbers that were typed stay.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from triplette.synth.ingest.encoding import decode

_NOT_TEXT = ["script", "style", "noscript", "template", "nav", "head", "iframe", "svg", "button", "form"]
_BLOCKS = ["h1", "h2", "h3", "h4", "h5", "h6", "p", "li", "ul", "ol", "table", "pre", "blockquote", "dt", "dd", "dl", "div", "section",
           "article", "header", "footer", "main", "aside", "figure", "figcaption", "address", "hr"]  # fmt: skip
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)


def read_html(path: Path) -> tuple[str, str, tuple[str, ...]]:
    """(Markdown, "markdown", notes). A declared charset is believed where it can be; else the bytes decide."""
    from bs4 import BeautifulSoup

    data = path.read_bytes()
    text, notes = _html_text(data, path.name)
    soup = BeautifulSoup(text, "html.parser")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for tag in soup(_NOT_TEXT):
        tag.decompose()
    body = soup.body or soup
    lines: list[str] = []
    if title and body.find("h1") is None:
        lines.append(f"# {' '.join(title.split())}")
    _walk(body, lines, "")
    return "\n\n".join(lines), "markdown", notes


def _html_text(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    declared = _CHARSET.search(data[:4096])
    encoding = declared.group(1).decode("ascii").lower() if declared else ""
    if encoding and encoding not in ("utf-8", "utf8") and b"\0" not in data[:4096]:
        try:
            return data.decode("cp1252" if encoding in ("iso-8859-1", "latin-1", "latin1") else encoding), (
                f"read as {encoding}, as it declares",
            )
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(data, name)


def _walk(node: Any, lines: list[str], marker: str) -> None:
    """Blocks of a page as Markdown, in order; a loose run of text is a paragraph, with the ``marker`` of its list once."""
    loose: list[str] = []

    def flush() -> None:
        nonlocal marker
        text = _joined("".join(loose))
        loose.clear()
        if text:
            lines.append(marker + text)
            marker = ""

    for child in node.children:
        name = getattr(child, "name", None)
        if name is None:
            if type(child).__name__ == "NavigableString":  # comments and doctypes are its subclasses
                loose.append(str(child))
        elif name == "br":
            loose.append(" ")
        elif name not in _BLOCKS and child.find(_BLOCKS) is None:
            loose.append(_raw(child))
        else:
            flush()
            _block(child, name, lines, marker)
            marker = ""
    flush()


def _block(node: Any, name: str, lines: list[str], marker: str) -> None:
    if name == "table":
        rows = [[_joined(_raw(cell)) for cell in row.find_all(["td", "th"], recursive=False)] for row in node.find_all("tr")]
        rows = [row for row in rows if any(row)]
        if rows:
            lines.append(table_markdown(rows))
    elif name[0] == "h" and name[1:].isdigit():
        title = _joined(_raw(node))
        if title:
            lines.append(f"{'#' * int(name[1:])} {title}")
    else:
        _walk(node, lines, "- " if name == "li" else marker)


def _raw(node: Any) -> str:
    """The text of a node, a space at every break and block edge but none at inline tags: "l'<b>arbitre</b>" is one word."""
    parts = []
    for child in node.descendants:
        name = getattr(child, "name", None)
        if name is None and type(child).__name__ == "NavigableString":
            parts.append(str(child))
        elif name == "br" or name in _BLOCKS or name in ("td", "th", "tr"):
            parts.append(" ")
    return "".join(parts)


def _joined(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def read_docx(path: Path) -> tuple[str, str, tuple[str, ...]]:
    """(Markdown, "markdown", notes) of a Word document's body, in reading order."""
    import docx
    from docx.table import Table

    document = docx.Document(str(path))
    lines: list[str] = []
    under = 0  # a title stands over every heading of level 1
    for item in document.iter_inner_content():
        line = _docx_table(item) if isinstance(item, Table) else _docx_paragraph(item, under)
        under = 1 if line.startswith("# ") and _is_title(item) else under
        if line:
            lines.append(line)
    return "\n\n".join(lines), "markdown", ()


def _is_title(item: Any) -> bool:
    return item.style is not None and item.style.name in ("Title", "Titre")


def _docx_table(table: Any) -> str:
    rows = []
    for row in table.rows:
        cells: list[str] = []
        before = None
        for cell in row.cells:
            # a merged cell is given once for every column that it spans
            cells.append("" if cell._tc is before else _joined(cell.text))
            before = cell._tc
        if any(cells):
            rows.append(cells)
    return table_markdown(rows) if rows else ""


def _docx_paragraph(paragraph: Any, under: int) -> str:
    text = _joined(paragraph.text)
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    level = re.search(r"(?:Heading|Titre) (\d)", style)
    if not text or style.lower().startswith(("toc ", "tm ")):  # the lines of a table of contents
        return ""
    if _is_title(paragraph):
        return f"# {text}"
    if level:
        return f"{'#' * min(int(level.group(1)) + under, 6)} {text}"
    return f"- {text}" if style.startswith(("List", "Liste")) else text


def table_markdown(rows: list[list[str]]) -> str:
    """Rows of cells as a Markdown table whose first row is the header."""
    width = max(len(row) for row in rows)
    padded = [[cell.replace("|", "/") for cell in row] + [""] * (width - len(row)) for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in padded]
    lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)
