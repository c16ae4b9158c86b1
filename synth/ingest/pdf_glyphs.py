"""What pdfium says of each character of a PDF page: its sign, its place, its turn, whether its font is bold.

pdfium sorts the texts that it takes to stand on one line, each among all before it. A page of thousands of words at close heights (a plan,
labels drawn over each other) is such a line and would take the square of them, so it is read so many texts at a time.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Mapping
from typing import Any
from unicodedata import normalize

from triplette.synth.ingest.tex_symbols import NOT, TEX_CODES, TEX_CONTROLS, TEX_SYMBOLS

TEXTS_AT_ONCE = 4000  # texts of a page that pdfium is given at a time; hardly a page of prose has as many
TURNED = math.radians(4)  # off the upright: a stamp or a note in the margin, not the text
BOLD_WEIGHT = 600
_BOLD = re.compile(r"bold|black|heavy|demi", re.IGNORECASE)
SAME_HEIGHT = 0.05  # points
LOOSE = 1.15  # ems from the lowest to the highest point of most fonts
LEFTWARD = (range(0x590, 0x900), range(0xFB1D, 0xFF00))  # the letters of scripts that run from right to left
HYPHENS = (0xFFFE, 2)  # pdfium's signs for a hyphen that ends a line

Bounds = tuple[float, float, float, float]  # x0, y0, x1, y1
Glyph = tuple[str, float, float, float, float, float, float, bool, int | None]
SPACE: Glyph = (" ", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, False, None)
LINE_END: Glyph = ("\n", *SPACE[1:])


def turned_box(box: Bounds, quarters: int, width: float, height: float) -> Bounds:
    """A box (x0, y0, x1, y1) of a page of that size where it stands when the page is turned by so many quarters."""
    x0, y0, x1, y1 = box
    return (
        box,
        (y0, width - x1, y1, width - x0),
        (width - x1, height - y1, width - x0, height - y0),
        (height - y1, x0, height - y0, x1),
    )[quarters]


def page_glyphs(page: Any) -> tuple[list[Glyph], int]:
    """Each character in the page's own order as (text, left, bottom, right, top, x, y, bold, quarter turns), None turns for a space.

    And how many letters stand at odd angles, which are left out.
    """
    from pypdfium2 import raw

    held = raw.FPDFPage_CountObjects(page.raw)
    shown = (raw.FPDF_PAGEOBJ_TEXT, raw.FPDF_PAGEOBJ_FORM)
    objects = (raw.FPDFPage_GetObject(page.raw, at) for at in range(held if held > TEXTS_AT_ONCE else 0))
    texts = [item for item in objects if raw.FPDFPageObj_GetType(item) in shown]
    if len(texts) <= TEXTS_AT_ONCE:
        return _glyphs(page)
    found: list[Glyph] = []
    odd = 0
    for item in texts:
        raw.FPDFPageObj_SetIsActive(item, False)
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        some = texts[start : start + TEXTS_AT_ONCE]
        for item in some:
            raw.FPDFPageObj_SetIsActive(item, True)
        part, more = _glyphs(page)
        found += [*part, LINE_END]
        odd += more
        for item in some:
            raw.FPDFPageObj_SetIsActive(item, False)
    for item in texts:
        raw.FPDFPageObj_SetIsActive(item, True)
    return found, odd


def _glyphs(page: Any) -> tuple[list[Glyph], int]:
    """The characters of what is active on the page."""
    from pypdfium2 import raw

    textpage = page.get_textpage()
    handle, matrix = textpage.raw, raw.FS_MATRIX()
    x, y, box = ctypes.c_double(), ctypes.c_double(), raw.FS_RECTF()
    found: list[Glyph] = []
    odd = 0
    bold = False
    height = 0.0
    struck = False
    symbols: Mapping[str, str] | None = None  # how to read the font's letters, where they are none
    for index in range(textpage.count_chars()):
        code = raw.FPDFText_GetUnicode(handle, index)
        if code in HYPHENS:
            text = "-"
        elif code <= 32 or code == 0xA0:
            sign = TEX_CONTROLS.get(_font_name(raw, handle, index), {}).get(code, "") if code in TEX_CODES else ""
            if not sign:
                found.append(SPACE if code not in (10, 13) else LINE_END)
                continue
            text = sign
        else:
            text = chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
        if not text:
            continue
        raw.FPDFText_GetCharOrigin(handle, index, x, y)
        raw.FPDFText_GetLooseCharBox(handle, index, box)
        angle = raw.FPDFText_GetCharAngle(handle, index)
        quarter = round(angle / (math.pi / 2))  # pdfium counts clockwise
        if any(code in block for block in LEFTWARD):
            raw.FPDFText_GetMatrix(handle, index, matrix)  # its loose box is no larger than the letter
            box.left = min(box.left, x.value) if not quarter else box.left
            box.top = box.bottom + LOOSE * raw.FPDFText_GetFontSize(handle, index) * math.hypot(matrix.b, matrix.d)
        if abs(angle - quarter * math.pi / 2) > TURNED:
            odd += text.isalpha()
            continue
        first = not found or found[-1][-1] is None
        if first or abs(box.top - box.bottom - height) > SAME_HEIGHT:  # another font has letters of another height
            height = box.top - box.bottom
            heavy, symbols = _font(raw, handle, index)
            bold = heavy if first else bold  # a word is set in one
        if symbols is not None and text in symbols:
            symbols = _font(raw, handle, index)[1]  # a font of letters may be as high
            text = symbols.get(text, text) if symbols is not None else text
            if not text:
                continue
        if struck:
            text, struck = normalize("NFC", text + NOT), False
        if text == NOT:
            struck = True
            continue
        found.append((text, box.left, box.bottom, box.right, box.top, x.value, y.value, bold, -quarter % 4))
    textpage.close()
    return found, odd


_name = ctypes.create_string_buffer(128)
_flags = ctypes.c_int()


def _font(raw: Any, handle: Any, index: int) -> tuple[bool, Mapping[str, str] | None]:
    """Whether a character's font is bold, and what the letters of a font of symbols stand for."""
    name = _font_name(raw, handle, index)
    bold = raw.FPDFText_GetFontWeight(handle, index) >= BOLD_WEIGHT or bool(_BOLD.search(name))
    return bold, TEX_SYMBOLS.get(name)


def _font_name(raw: Any, handle: Any, index: int) -> str:
    """The name of a character's font, in capitals, without the mark of a subset and the size at its end."""
    raw.FPDFText_GetFontInfo(handle, index, _name, 128, _flags)
    return _name.value.decode("latin-1").rpartition("+")[2].rstrip("0123456789").upper()
