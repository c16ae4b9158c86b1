"""PDF to pages of lines: text and its places from pdfium, tables where ruling lines make one, headings by their type.

The text is what a person reads on the page, in the order in which it is read: running heads first, then columns one after the other,
footnotes, running feet. What the type says (this line is a heading, that one a footnote) goes along as marks.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from triplette.errors import InputError
from triplette.synth.ingest.document import Mark, Pages, cured
from triplette.synth.ingest.heartbeat import beat
from triplette.synth.ingest.layout import LARGER, body_size, page_lines, running_heads
from triplette.synth.ingest.metadata import sane_title
from triplette.synth.ingest.ocr import LEADING, SIZE, languages, recognised
from triplette.synth.ingest.pdf_chars import Char, PageChars, Piece, page_chars, pieces
from triplette.synth.ingest.pdf_direction import in_reading_order
from triplette.synth.ingest.pdf_floats import SENTENCE_ENDS, TextLine
from triplette.synth.ingest.pdf_forms import Box, boxes, with_boxes
from triplette.synth.ingest.pdf_notes import NOTE_SIZE
from triplette.synth.ingest.pdf_rows import Bar, beside_labels
from triplette.synth.ingest.pdf_tables import Rule, rules, tables, turned_rules

PICTURE_LETTERS = 20  # letters under which a page that shows a picture is only that picture
NAMELESS_SHARE = 0.5  # of the signs on a page that are letters or digits at least: else its font does not say which letters it draws
NAMELESS_SIGNS = 100  # signs from which that can be told
LEADERS = frozenset(
    " .\u2026\u00b7\u2022_-\u2010\u2011\u2012\u2013\u2014*=|\t\r\n"
)  # rows of these lead to a page's number or are to be written on
PICTURE_SHARE = 0.3  # of the page that the picture covers at least
HEADING_LIMIT = 110  # characters of a heading's line
HEADING_LINES = 3  # more lines in one type are a paragraph set in it
BOLD_BODY = 0.5  # of the text: where more is bold, bold says nothing
BAR_SHARE = 0.1  # of the page's width: shorter level rules are underlines
_WORD = re.compile(r"[^\W\d_]{3,}")
_PATH = re.compile(r"[\\/_]")  # a file's name, not a title


class _Page(NamedTuple):
    """A page as read: its pieces, its size when upright, why it has none ("" if it has), the letters left out, and whether
    its text was recognised in its picture; ``bars`` are its level rules, ``sideways`` is the block on it that is read when it is turned."""

    pieces: list[Piece]
    width: float
    height: float
    unread: str
    turned: int
    recognised: bool = False
    bars: tuple[Bar, ...] = ()
    sideways: _Page | None = None


def read_pdf(path: Path, *, ocr: bool = True) -> Pages:
    """The PDF's pages as text; with ``ocr`` those that are pictures too, where tesseract is installed.

    Raises InputError when it is encrypted, damaged or only pictures that nothing is recognised in.
    """
    document = _open(path)
    try:
        pages = [_page_or_why(document, number, ocr=ocr and bool(languages())) for number in range(len(document))]
        title = document.get_metadata_dict().get("Title", "")
    finally:
        document.close()
    if not pages:
        raise InputError("has no page", cure="open and save it again in its program")
    words = sum(len(_WORD.findall(piece.text)) for page in pages for piece in page.pieces)
    reasons = {why: [number for number, page in enumerate(pages, 1) if page.unread == why] for why in (PICTURE, NAMELESS, DAMAGED)}
    said = [f"{_numbers(numbers)} {why}" for why, numbers in reasons.items() if numbers]
    if not words:
        if reasons[DAMAGED]:
            raise InputError(f"holds no text that can be read: {'; '.join(said)}", cure=DAMAGED_CURE)
        raise InputError(f"is a scan or holds no text: {'; '.join(said) or f'no word on {len(pages)} pages'}", cure=SCAN_CURE)
    text, marks = _text(pages)
    notes = [f"{why}, and not read: {DAMAGED_CURE if why.endswith(DAMAGED) else SCAN_CURE}" for why in said]
    pictured = [number for number, page in enumerate(pages, 1) if page.recognised]
    if pictured:
        notes.append(f"{_numbers(pictured)} a picture, read by tesseract ({languages()}): look for errors")
    turned = sum(page.turned for page in pages)
    if turned:
        notes.append(f"{turned} letters that do not stand upright are left out")
    return Pages(text, tuple(notes), stated_title(title, text), marks)


SCAN_CURE = "install tesseract (apt-get install tesseract-ocr tesseract-ocr-fra), or recognise its text first with ocrmypdf"


def _open(path: Path) -> Any:
    import pypdfium2

    logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # fonts and forms that it warns of help nobody
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "assword" in str(error) or "ecurity" in str(error):
            cure = "remove its password first, for instance with `qpdf --decrypt in.pdf out.pdf`"
            raise InputError("is encrypted", cure=cure) from None
        raise InputError(
            f"cannot be read: damaged, or not a PDF ({error})", cure="open and save it again, or repair it with `qpdf in.pdf out.pdf`"
        ) from None
    if document.get_formtype() in (1, 3):  # AcroForm, or XFA with one in the foreground
        document.init_forms()
    return document


def _page_or_why(document: Any, number: int, *, ocr: bool) -> _Page:
    """The page; a page that pdfium cannot load is named, and the others are read."""
    from pypdfium2 import PdfiumError

    try:
        return _page(document, number, ocr=ocr)
    except PdfiumError:
        beat()
        return _LOST_PAGE


def _page(document: Any, number: int, *, ocr: bool) -> _Page:
    from pypdfium2 import raw

    page = document[number]
    own: int | None = None  # characters of the page itself, before the values of its fields
    held: list[Box] = []
    if document.formenv is not None:
        held = boxes(document, page)
        before = len(page_chars(page).chars)
        if raw.FPDFPage_Flatten(page.raw, raw.FLAT_NORMALDISPLAY) == raw.FLATTEN_SUCCESS:
            page.close()
            page = document[number]  # the values of its fields are text of the page now, after all else
            own = before
    read = page_chars(page)
    if held and own is not None and not read.quarters:
        read = read._replace(chars=with_boxes(read.chars, own, held))
    read, mirrored = in_reading_order(read)
    drawn = rules(page)
    ruled = _rules_of(read, drawn)
    if mirrored:
        ruled = [rule._replace(x0=read.width - rule.x1, x1=read.width - rule.x0) for rule in ruled]
    bars = tuple(Bar(rule.x0, rule.x1, rule.y0) for rule in ruled if rule.x1 - rule.x0 >= BAR_SHARE * read.width)
    cut = _cut(read.chars, ruled)
    if own is not None:
        cut = beside_labels(cut, {(round(char.x0), round(char.y)) for char in read.chars[own:] if char.size})
    for order, piece in enumerate(cut):
        piece.order = order
    side = read.sideways and _Page(
        _cut(read.sideways.chars, _rules_of(read.sideways, drawn)), read.sideways.width, read.sideways.height, "", 0
    )
    letters = sum(char.text.isalpha() for char in read.chars)
    signs = sum(char.text not in LEADERS for char in read.chars)
    named = sum(char.text.isalnum() for char in read.chars)
    unread = ""
    if letters < PICTURE_LETTERS and _picture_share(page) >= PICTURE_SHARE:
        unread = PICTURE
    elif signs > NAMELESS_SIGNS and named < NAMELESS_SHARE * signs:
        unread, cut = NAMELESS, []
    beat()
    seen = recognised(page) if unread and ocr else []
    page.close()
    if seen:
        seen = [replace(piece, order=order) for order, piece in enumerate(seen)]
        return _Page(seen, read.width, max(read.height, seen[0].y + LEADING), "", read.turned, recognised=True)
    return _Page(cut, read.width, read.height, unread, read.turned, bars=bars, sideways=side)


def _rules_of(read: PageChars, drawn: list[Rule]) -> list[Rule]:
    """A page's rules where they stand beside its text when that is turned upright."""
    width, height = (read.height, read.width) if read.quarters % 2 else (read.width, read.height)
    return turned_rules(drawn, read.quarters, width, height)


def _cut(chars: list[Char], ruled: list[Rule]) -> list[Piece]:
    """The pieces of upright characters, in their order: each ruled table is one."""
    found, placed = tables(ruled, chars)
    cut: list[Piece] = []
    start = 0
    for at, table in placed:
        cut += [*pieces(found[start:at]), table]
        start = at
    cut += pieces(found[start:])
    for order, piece in enumerate(cut):
        piece.order = order
    return cut


PICTURE, NAMELESS, DAMAGED = "only a picture", "set in a font that does not name its letters", "damaged"
DAMAGED_CURE = "open it and save it again, or repair it with `qpdf in.pdf out.pdf`"
_LOST_PAGE = _Page([], 612.0, 792.0, DAMAGED, 0)


def _picture_share(page: Any) -> float:
    """The share of the page that its largest picture covers."""
    from pypdfium2 import raw

    width, height = page.get_size()
    shares = [0.0]
    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = item.get_bounds()
        shares.append((right - left) * (top - bottom) / max(width * height, 1))
    return max(shares)


def _numbers(pages: Sequence[int]) -> str:
    """ "page 3 is", "pages 3, 5-7 are"."""
    spans: list[list[int]] = []
    for page in pages:
        if spans and page == spans[-1][1] + 1:
            spans[-1][1] = page
        else:
            spans.append([page, page])
    said = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)
    return f"page {said} is" if len(pages) == 1 else f"pages {said} are"


def _text(pages: Sequence[_Page]) -> tuple[str, Mapping[int, Mark]]:
    """The pages' lines with a form feed between pages, and what their type and place say of them."""
    size = body_size(piece for page in pages for piece in page.pieces if not page.recognised) or SIZE
    for piece in (piece for page in pages if page.recognised for piece in page.pieces):
        piece.size = size  # recognised lines say nothing of their type
    bold = sum(len(p.text) for page in pages for p in page.pieces if p.bold) > BOLD_BODY * sum(
        len(p.text) for x in pages for p in x.pieces
    )
    running = running_heads([(page.pieces, page.height) for page in pages], size)
    parts: list[str] = []
    marks: dict[int, Mark] = {}
    offset = 0
    last: TextLine | None = None
    for number, page in enumerate(pages):
        if number:
            parts.append("\f")
            offset += 1
        lines = page_lines(page.pieces, page.width, page.height, size, running[number], page.bars, last)
        last = next((line for line in reversed(lines) if line.kind == "body"), None)
        at = max((place for place, line in enumerate(lines, 1) if line.kind == "body"), default=0)
        lines[at:at] = _beside(page, size)
        places = {round(p.y, 1) for p in page.pieces if p.order in running[number]}
        roles = _roles(lines, size, bold, places)
        for index, line in enumerate(lines):
            text = cured(line.text)
            before = "" if not index else "\n\n" if _parted(lines[index - 1], line) else "\n"
            offset += len(before)
            if roles[index] is not None:
                marks[offset] = roles[index]  # type: ignore[assignment]
            parts += [before, text]
            offset += len(text)
    return "".join(parts), marks


def _beside(page: _Page, size: float) -> list[TextLine]:
    """The lines of the page's turned block, which stand behind its text."""
    side = page.sideways
    lines = page_lines(side.pieces, side.width, side.height, size) if side else []
    for line in lines:
        line.kind, line.apart = "body", line.apart or line is lines[0]
    return lines


def _parted(before: TextLine, line: TextLine) -> bool:
    """Whether a blank line stands between: not where the page's parts meet, for a paragraph may go on over the page's end."""
    return line.table or before.table or (line.apart and line.kind == before.kind)


def _roles(lines: Sequence[TextLine], size: float, bold: bool, running: set[float]) -> list[Mark | None]:
    roles: list[Mark | None] = [None] * len(lines)
    index = 0
    while index < len(lines):
        line = lines[index]
        taken = 1
        if line.kind in ("head", "foot") and (round(line.y, 1) in running or _aside(line, size)):
            roles[index] = Mark("header" if line.kind == "head" else "footer", line.size)
        elif line.kind == "number":
            roles[index] = Mark("line number", line.size)
        elif line.kind == "note":
            roles[index] = Mark("note", line.size)
        elif _display(line, size, bold):
            while index + taken < len(lines) and _goes_on(lines[index + taken - 1], lines[index + taken]):
                taken += 1
            if taken <= HEADING_LINES:
                roles[index] = Mark("heading", round(line.size, 1), taken)
        index += taken
    return roles


def _aside(line: TextLine, size: float) -> bool:
    """Whether a line in the page's margin is small print and no sentence: a running head although it does not come back."""
    return line.size <= NOTE_SIZE * size and len(line.text) <= HEADING_LIMIT and line.text[-1:] not in SENTENCE_ENDS


def _display(line: TextLine, size: float, bold: bool) -> bool:
    """Whether the line is set as a heading is."""
    larger = line.size >= LARGER * size
    heavier = line.bold and not bold and line.size >= 0.95 * size
    return (larger or heavier) and not line.table and len(line.text) <= HEADING_LIMIT and bool(_WORD.search(line.text))


def _goes_on(before: TextLine, line: TextLine) -> bool:
    """Whether a heading goes on in the next line: the same type, close below."""
    same = abs(before.size - line.size) < 0.3 and before.bold == line.bold and line.kind == before.kind and not line.table
    return same and not line.apart and 0 < before.y - line.y <= 1.6 * before.size


def stated_title(title: str, text: str) -> str:
    """The metadata's title where a person gave it: several words, half of them on the first pages."""
    title = sane_title(title)
    words = [word.lower() for word in _WORD.findall(title)]
    if len(words) < 2 or _PATH.search(title):
        return ""
    first = set(_WORD.findall("\f".join(text.split("\f", 2)[:2]).lower()))
    return title if sum(word in first for word in words) >= 0.5 * len(words) else ""
