"""A second opinion on a file's text: read plainly, by another library than the one that the document was read with.

What a reader leaves out it cannot miss itself. A witness knows nothing of columns, headings or furniture; it only says which words a file
holds and in which order, and coverage asks whether the chunks hold them too.
"""

from __future__ import annotations

import codecs
import importlib
import importlib.util
import io
import logging
import re
from pathlib import Path
from typing import Any

from triplette.synth.ingest.bidi import logical, runs_left
from triplette.synth.ingest.heartbeat import CHECKING, beat

PDF, TEXT = (".pdf",), (".txt", ".text")
WIDE = 0.2  # of the bytes that are zero in UTF-16 of a Latin script
SAMPLE = 200_000  # bytes from which a legacy encoding is told
MANY_BOXES = 400  # on a page: their order is compared in pairs of pairs, and text has some dozens
MANY_LINES = 1000  # on a page: each is compared with all that stand over it
UNMAPPED_SHARE = 0.2  # of a text's words: with more letters that pdfminer cannot name it is no witness
_UNMAPPED = re.compile(r"\(cid:\d+\)")
_TURNED = re.compile(r"(?:(?<=\n)|^)(?:\S{0,2}\n+){4,}")  # what stands turned comes out a letter a line
LEGACY = [
    "cp1252",
    "mac_roman",
    "cp850",
    "iso8859_15",
    "utf_16",
    "utf_32",
]  # of Western Europe: freely guessing, it takes "à" for Slavic letters
_MARKUP = "triplette.synth.ingest.witness_markup"  # the witness of every other format


def witness(path: Path) -> str | None:
    """The file's text as another library reads it, form feeds between pages; None where there is no second reader for its type.

    Whatever that library raises goes through: the caller says that the document could not be checked.
    """
    suffix = path.suffix.lower()
    if suffix in PDF:
        return _pdf(path)
    if suffix in TEXT:
        return _text(path)
    if importlib.util.find_spec(_MARKUP) is None:
        return None
    found: str | None = importlib.import_module(_MARKUP).markup_witness(path)
    return found


def witness_name(path: Path) -> str:
    """The library that bears witness on a file of this type."""
    suffix = path.suffix.lower()
    return "pdfminer.six" if suffix in PDF else "charset-normalizer" if suffix in TEXT else "markup"


def _pdf(path: Path) -> str | None:
    from pdfminer.pdfinterp import PDFPageInterpreter, PDFResourceManager
    from pdfminer.pdfpage import PDFPage

    logging.getLogger("pdfminer").setLevel(logging.ERROR)  # font warnings on every page help nobody
    told = io.StringIO()
    fonts = PDFResourceManager()
    with path.open("rb") as file, _converter(fonts, told) as device:
        interpreter = PDFPageInterpreter(fonts, device)
        for page in PDFPage.get_pages(file):
            interpreter.process_page(page)
            beat(CHECKING)
    text = told.getvalue()
    unmapped = len(_UNMAPPED.findall(text))
    if unmapped > UNMAPPED_SHARE * len(text.split()):
        return None  # it cannot tell this file's letters
    return logical(_TURNED.sub("\n", _UNMAPPED.sub("", text)))


def _converter(fonts: Any, told: io.StringIO) -> Any:
    """pdfminer's converter to text, which orders a page's boxes by comparing each with each: not where there are many of them."""
    from pdfminer.converter import TextConverter
    from pdfminer.layout import IndexAssigner, LAParams

    class Converter(TextConverter):
        def end_page(self, page: Any) -> None:
            held, parameters = self.cur_item, LAParams()
            letters = _as_shown(_letters(held))
            lines = [line for line in held.group_objects(parameters, letters) if not line.is_empty()] if letters else []
            crowded = len(lines) > MANY_LINES
            boxes = lines if crowded else list(held.group_textlines(parameters, lines))
            if len(boxes) > MANY_BOXES:
                for box in boxes:
                    box.analyze(parameters)  # ends a line that stands alone too
                boxes.sort(key=lambda box: (-box.y0, box.x0))
            elif boxes:
                assign = IndexAssigner()
                for group in held.group_textboxes(parameters, boxes):
                    group.analyze(parameters)
                    assign.run(group)
                boxes.sort(key=lambda box: box.index)
            held._objs = boxes
            self.receive_layout(held)

    return Converter(fonts, told)


def _letters(held: Any) -> list[Any]:
    """The letters of a page and of the forms drawn on it, in which some programs draw all of a page."""
    from pdfminer.layout import LTChar, LTFigure

    found: list[Any] = []
    open_items = [iter(held)]
    while open_items:
        item = next(open_items[-1], None)
        if item is None:
            open_items.pop()
        elif isinstance(item, LTChar):
            found.append(item)
        elif isinstance(item, LTFigure):
            open_items.append(iter(item))
    return found


def _as_shown(letters: list[Any]) -> list[Any]:
    """pdfminer's letters by line from left to right where they are Arabic or Hebrew: words and numbers are drawn apart there."""
    leftward = [letter for letter in letters if runs_left(letter.get_text())]
    if len(leftward) <= len(letters) / 2:
        return letters
    for letter in leftward:
        letter._text = letter.get_text()[::-1]  # a ligature
    return sorted(letters, key=lambda letter: (-round(letter.y0), letter.x0))


def _text(path: Path) -> str:
    """The text by charset-normalizer's guess, which looks at nothing that the reader's own guess looks at."""
    from charset_normalizer import from_bytes

    data = path.read_bytes()
    wide = data[:SAMPLE].count(0) > WIDE * len(data[:SAMPLE])
    if wide and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        found = from_bytes(data[:SAMPLE], cp_isolation=["utf_16_le", "utf_16_be", "utf_32"]).best()
        return data.decode(found.encoding if found else "utf_16_le", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        best = from_bytes(data[:SAMPLE], cp_isolation=LEGACY).best()
        return data.decode(best.encoding if best else "cp1252", "replace")
