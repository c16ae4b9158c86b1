"""The patterns of reading_growth.py for books, texts, presentations and workbooks, and for a folder of small files."""

from __future__ import annotations

import html
import zipfile
from collections.abc import Callable
from pathlib import Path

Pattern = Callable[[int], str]
Writer = Callable[[Path, int], None]
OASIS = "urn:oasis:names:tc:opendocument:xmlns:"

ODT: dict[str, Pattern] = {  # the elements under office:text
    "paragraphs": lambda n: "<text:p>Le canot est rangé sous les saules du lac.</text:p>" * (n // 60),
    "spans": lambda n: f"<text:p>{'<text:span>a </text:span>' * (n // 25)}</text:p>",
    "table": lambda n: f"<table:table>{_odt_row('a', 'b') * (n // 110)}</table:table>",
    "nested lists": lambda n: (
        "<text:list><text:list-item><text:p>mot</text:p>" * min(n // 80, 60)
        + "<text:p>mot</text:p>" * (n // 20)
        + "</text:list-item></text:list>" * min(n // 80, 60)
    ),
    "headings": lambda n: '<text:h text:outline-level="2">Titre</text:h><text:p>mot</text:p>' * (n // 65),
    "notes": lambda n: "<text:p>mot<text:note><text:note-body><text:p>note</text:p></text:note-body></text:note></text:p>" * (n // 95),
    "spaces": lambda n: f"<text:p>x{'<text:s/>' * (n // 9)}x</text:p>",
}
RTF: dict[str, Pattern] = {
    "paragraphs": lambda n: r"Le canot est sous les saules.\par " * (n // 34),
    "table": lambda n: r"\trowd\cellx1000\cellx2000\intbl a\cell b\cell\row " * (n // 50),
    "nested groups": lambda n: "{" * (n // 2) + "x" + "}" * (n // 2),
    "runs": lambda n: r"{\b a }" * (n // 7),
    "open groups": lambda n: "{a " * (n // 3),
    "fields": lambda n: r"{\field{\*\fldinst PAGE}{\fldrslt 3}}" * (n // 37),
    "skipped groups": lambda n: r"{\*\unknown abc}mot\par " * (n // 24),
    "headings": lambda n: r"{\pard\outlinelevel1 Titre\par}\pard mot\par " * (n // 44),
    "notes": lambda n: r"mot{\footnote note}\par " * (n // 24),
}
BOOK: dict[str, Callable[[int], list[str]]] = {  # the body of each chapter
    "chapters": lambda n: ["<h1>Titre</h1><p>Le canot est sous les saules.</p>"] * (n // 50),
    "one chapter": lambda n: ["<p>Le canot est rangé sous les saules du lac.</p>" * (n // 50)],
    "notes": lambda n: ["".join(f"<p>mot<a epub:type='noteref' href='#n{k}'>{k}</a></p>" for k in range(n // 90))
        + "".join(f"<aside epub:type='footnote' id='n{k}'>note</aside>" for k in range(n // 90))],
    "table": lambda n: [f"<table>{'<tr><td>a</td><td>b</td></tr>' * (n // 29)}</table>"],
}  # fmt: skip
SLIDES: dict[str, Callable[[int], tuple[int, int, int]]] = {  # slides, text boxes on each, paragraphs in each box
    "slides": lambda n: (n // 500, 1, 1),
    "boxes on a slide": lambda n: (1, n // 100, 1),
    "paragraphs in a box": lambda n: (1, 1, n // 20),
}
SHEETS: dict[str, Callable[[int], tuple[int, int, int]]] = {  # sheets, rows, columns
    "rows": lambda n: (1, n // 10, 2),
    "columns": lambda n: (1, n // 1000, 200),
    "sheets": lambda n: (n // 500, 3, 3),
}


def _odt_row(*cells: str) -> str:
    inner = "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in cells)
    return f"<table:table-row>{inner}</table:table-row>"


def write_odt(path: Path, body: str) -> None:
    """An OpenDocument text of these elements."""
    names = "".join(f' xmlns:{n}="{OASIS}{n}:1.0"' for n in ("office", "text", "table"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr(
            "content.xml",
            f"<office:document-content{names}><office:body><office:text><text:p>Le lac.</text:p>{body}</office:text>"
            "</office:body></office:document-content>",
        )


def write_rtf(path: Path, body: str) -> None:
    """An RTF file of these commands."""
    path.write_text(rf"{{\rtf1\ansi Le lac.\par {body}}}", encoding="ascii")


def write_book(path: Path, chapters: list[str]) -> None:
    """An EPUB of these chapters."""
    items = "".join(f"<item id='c{k}' href='c{k}.xhtml' media-type='application/xhtml+xml'/>" for k in range(len(chapters)))
    spine = "".join(f"<itemref idref='c{k}'/>" for k in range(len(chapters)))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/container.xml", "<container><rootfiles><rootfile full-path='a.opf'/></rootfiles></container>")
        archive.writestr("a.opf", f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>")
        for k, chapter in enumerate(chapters):
            archive.writestr(f"c{k}.xhtml", f"<html xmlns:epub='http://www.idpf.org/2007/ops'><body>{chapter}</body></html>")


def write_slides(path: Path, slides: int, boxes: int, paragraphs: int) -> None:
    """A presentation through python-pptx; the boxes of a slide are copies of the first, for the library looks for a free number among all."""
    from copy import deepcopy

    import pptx
    from pptx.util import Inches

    shown = pptx.Presentation()
    for number in range(max(slides, 1)):
        slide = shown.slides.add_slide(shown.slide_layouts[5])
        slide.shapes.title.text = f"Le lac {number}"
        box = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(3), Inches(1))
        box.text_frame.text = "\n".join(f"Le canot {k} est là." for k in range(paragraphs))
        for k in range(1, boxes):
            copy = deepcopy(box._element)
            copy.nvSpPr.cNvPr.set("id", str(1000 + k))
            slide.shapes._spTree.append(copy)
    shown.save(str(path))


def write_sheets(path: Path, sheets: int, rows: int, columns: int) -> None:
    """A workbook through openpyxl."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    for number in range(max(sheets, 1)):
        sheet = book.create_sheet(f"Lac {number}")
        for row in range(max(rows, 2)):
            sheet.append([f"canot {row} {column}" for column in range(columns)])
    book.save(path)


def office(plain: dict[str, Pattern]) -> dict[str, dict[str, Writer]]:
    """Suffix -> pattern -> what writes a file of about so many characters. ``plain`` are the patterns of plain text, put into one chapter of a book."""
    return {
        ".odt": {name: (lambda path, n, make=make: write_odt(path, make(n))) for name, make in ODT.items()},  # type: ignore[misc]
        ".rtf": {name: (lambda path, n, make=make: write_rtf(path, make(n))) for name, make in RTF.items()},  # type: ignore[misc]
        ".epub": {
            **{
                name: (lambda path, n, make=make: write_book(path, [f"<p>{html.escape(make(n))}</p>"]))  # type: ignore[misc]
                for name, make in plain.items()
            },
            **{name: (lambda path, n, make=make: write_book(path, make(n))) for name, make in BOOK.items()},  # type: ignore[misc]
        },
        ".pptx": {name: (lambda path, n, make=make: write_slides(path, *make(n))) for name, make in SLIDES.items()},  # type: ignore[misc]
        ".xlsx": {name: (lambda path, n, make=make: write_sheets(path, *make(n))) for name, make in SHEETS.items()},  # type: ignore[misc]
    }


def write_folder(folder: Path, count: int) -> Path:
    """So many small Markdown files in one folder."""
    folder.mkdir()
    for k in range(count):
        (folder / f"{k}.md").write_text(f"# Note {k}\n\nLe canot {k} reste au port {k % 97} et le gardien le note.\n", encoding="utf-8")
    return folder
