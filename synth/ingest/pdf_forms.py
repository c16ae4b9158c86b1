"""The boxes of a PDF form that are ticked or not: their state is text, and how a viewer draws it (a glyph, strokes, nothing) is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from triplette.synth.ingest.pdf_chars import SPACE, Char

TICKED, EMPTY = "☒", "☐"
BASELINE = 0.2  # of a box's height: where its label's line stands
HIDDEN = 2  # the flag of an annotation that nobody sees
LARGEST = 40.0  # points: a larger field is a button


class Box(NamedTuple):
    """A check box or radio button in points from the page's lower left, and whether it is ticked."""

    x0: float
    y0: float
    x1: float
    y1: float
    ticked: bool


def boxes(document: Any, page: Any) -> list[Box]:
    """The boxes of a pypdfium2 page of a document whose forms are open."""
    from pypdfium2 import raw

    left, bottom, _, _ = page.get_bbox()
    found: list[Box] = []
    place = raw.FS_RECTF()
    for number in range(raw.FPDFPage_GetAnnotCount(page.raw)):
        note = raw.FPDFPage_GetAnnot(page.raw, number)
        if raw.FPDFAnnot_GetSubtype(note) == raw.FPDF_ANNOT_WIDGET and not raw.FPDFAnnot_GetFlags(note) & HIDDEN:
            kind = raw.FPDFAnnot_GetFormFieldType(document.formenv, note)
            if kind in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON) and raw.FPDFAnnot_GetRect(note, place):
                ticked = bool(raw.FPDFAnnot_IsChecked(document.formenv, note))
                box = Box(place.left - left, place.bottom - bottom, place.right - left, place.top - bottom, ticked)
                if 0 < box.y1 - box.y0 <= LARGEST:
                    found.append(box)
        raw.FPDFPage_CloseAnnot(note)
    return found


def with_boxes(chars: Sequence[Char], own: int, held: Sequence[Box]) -> list[Char]:
    """A page's characters, of which the first ``own`` are not its fields', with a sign for each box in place of what is drawn in it."""
    kept = [char for at, char in enumerate(chars) if at < own or not char.size or not any(_inside(char, box) for box in held)]
    for box in held:
        size = box.y1 - box.y0
        kept.append(Char(TICKED if box.ticked else EMPTY, box.x0, box.x1, box.y0 + BASELINE * size, size, False))
        kept.append(SPACE)
    return kept


def _inside(char: Char, box: Box) -> bool:
    return box.x0 <= (char.x0 + char.x1) / 2 <= box.x1 and box.y0 - 1 <= char.y <= box.y1
