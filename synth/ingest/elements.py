"""What a reader finds in a file that says its own structure: headings, paragraphs, items and tables, in reading order.

The document's canonical text and its blocks are both made from these elements, so nothing is written as markup only to be parsed
again, and text that looks like markup stays text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from triplette.synth.ingest.tables import table_text

HEADING_MAX = 200  # characters: a longer heading would not fit beside its passage, and is prose that was made large
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
# soft hyphen, zero-width space, word joiner, signs of formulas that are not seen, byte order mark, marks of direction: a reader sees none of them
_INVISIBLE = dict.fromkeys(
    (0xAD, 0x200B, 0x2060, 0x2062, 0x2063, 0x2064, 0xFEFF, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
)
_SHOWN: dict[int, str | None] = {**_LIGATURES, **_INVISIBLE, 0x2061: " "}  # U+2061 stands between "sin" and its argument
_SPECIAL = re.compile(f"[{''.join(map(chr, _SHOWN))}]")  # looked for first: translating every letter costs twenty times as much
_RAISED = str.maketrans("0123456789+-\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")


@dataclass(frozen=True, slots=True)
class Element:
    """A piece of a document.

    ``kind`` is ``heading``, ``paragraph``, ``bold`` (a paragraph set in bold as a whole; ``level`` is its size in points, 0 unknown), ``item``,
    ``code``, ``table``, or ``close``, which ends the headings of ``level`` and deeper where no other heading does (the end of a
    ``<details>``). Level 0 is the document's title, 1 to 6 its headings; a fraction stands for a heading without a level of its own.
    ``page`` counts from 1, 0 where the format has none. ``article`` is the number that a paragraph begins with where its form says so.
    ``role`` is ``body``, or why the element is no passage (``menu``, ``header``...). ``start`` and ``end`` are offsets in the canonical
    text; -1 before ``compose``, and for what is not in it.
    """

    kind: str
    text: str = ""
    level: float = 0.0
    rows: tuple[tuple[str, ...], ...] = ()
    page: int = 0
    article: str = ""
    role: str = "body"
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader returns: the elements, the title that the file's metadata give ("" for none), and notes for the user."""

    elements: tuple[Element, ...]
    title: str = ""
    notes: tuple[str, ...] = ()


def shown(text: str) -> str:
    """Text as it is seen: accents composed, ligatures as letters, invisible characters gone; line breaks stay."""
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text)
    return composed.translate(_SHOWN) if _SPECIAL.search(composed) else composed


def one_line(text: str) -> str:
    """``shown`` with every run of white space as one space."""
    return " ".join(shown(text).split())


def raised(text: str) -> str:
    """A superscript in a line of text: a number as raised digits (10³ is not 103), letters as they are (1er)."""
    bare = text.strip()
    return bare.translate(_RAISED) if re.fullmatch(r"[+\u2212-]?\d{1,3}", bare) else text


def compose(elements: Iterable[Element]) -> tuple[str, tuple[Element, ...]]:
    """The canonical text, a blank line between elements, and the elements with their offsets in it."""
    parts: list[str] = []
    placed: list[Element] = []
    offset = 0
    for element in map(worded, elements):
        if element.role != "body" or not element.text:
            placed.append(element)
            continue
        placed.append(replace(element, start=offset, end=offset + len(element.text)))
        parts.append(element.text)
        offset += len(element.text) + 2
    return "\n\n".join(parts), tuple(placed)


def worded(element: Element) -> Element:
    """The element with its text; a table's is made of its rows."""
    return replace(element, text=table_text(element.rows)) if element.rows and not element.text else element


def titled(reading: Reading) -> tuple[Element, ...]:
    """The elements, under the metadata's title where that says more than the first heading."""
    title = one_line(reading.title)
    body = [e for e in reading.elements if e.role == "body" and e.kind != "close"]
    place = next((i for i, e in enumerate(reading.elements) if e.role == "body" and e.kind == "heading"), -1)
    if not title or any(e.kind == "heading" and e.level == 0 for e in body):
        return reading.elements
    if place >= 0 and _letters(reading.elements[place].text) == _letters(title):  # a title page: its heading stands over the chapters
        return (*reading.elements[:place], replace(reading.elements[place], level=0.0), *reading.elements[place + 1 :])
    if place >= 0 and _same(reading.elements[place].text, title):
        return reading.elements
    return (Element("heading", title), *reading.elements)


def _same(left: str, right: str) -> bool:
    """Whether one title is the other, or begins it."""
    a, b = _letters(left), _letters(right)
    return bool(a and b) and (a.startswith(b) or b.startswith(a))


def _letters(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())
