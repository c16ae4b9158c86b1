"""Headings that no style names: paragraphs set in bold as a whole, and numbered titles that were only typed.

A document whose author used no heading style has none for a reader of its file, and every passage of it would stand without a title. So what
stands as a heading on the page is one where it reads like one. Where the document has headings of its own, they are believed, and
only a question in bold over its answer is one more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from triplette.synth.ingest.elements import Element
from triplette.synth.ingest.headings import HEADING_LIMIT, PLAIN_LEVEL, Headings

WIDTH = 90  # characters that a line of a paragraph is taken to hold: elements do not say
QUESTION_MAX = 200  # characters of a question in bold
SOFT = 0.25  # how much deeper than the heading above it a question stands
BOLD_SHARE = 0.5  # of the text: where more is bold, bold says nothing


def with_headings(elements: Sequence[Element], known: Headings) -> list[Element]:
    """The elements, those that are set or typed as headings as such, all others set in bold as paragraphs."""
    body = [e for e in elements if e.role == "body" and e.kind != "close"]
    bold = [e for e in body if e.kind == "bold"]
    styled = any(e.kind == "heading" and e.level > 0 for e in body)
    believed = sum(len(e.text) for e in bold) <= BOLD_SHARE * sum(len(e.text) for e in body)
    sizes = sorted({e.level for e in bold}, reverse=True)
    made: list[Element] = []
    level = soft = 0.0  # of the heading in force, and of a question in bold below it
    answered = False  # the heading in force is a question, and text stands between
    asks = False
    following = _following(elements)
    for place, element in enumerate(elements):
        found = element
        after = following[place]
        if element.role == "body" and element.kind in ("bold", "paragraph", "item") and after is not None:
            if element.kind == "bold" and _asks(element.text) and after.kind != "heading":
                soft = level if answered else level + SOFT
                found = replace(element, kind="heading", level=soft)
            elif not styled:
                found = _typed(element, after, known, sizes if believed else [])
            elif element.kind == "bold" and element is body[0] and believed and not _titled(body) and known.typed_title(element.text):
                found = replace(element, kind="heading", level=0.0)
        if element.role == "body" and found.kind == "heading" and not (element.kind == "bold" and found.level == soft):
            if soft:
                made.append(Element("close", level=soft))  # a title of the author's own is no part of an answer
            level, soft = (found.level, 0.0) if found.level % 1 == 0 else (level, soft)
            asks, answered = _asks(found.text), False
        elif element.role == "body" and found.kind != "close":
            answered = asks
        made.append(replace(found, kind="paragraph", level=0.0) if found.kind == "bold" else found)
    return made


def _following(elements: Sequence[Element]) -> list[Element | None]:
    """For each element the next one of the body."""
    found: list[Element | None] = []
    after: Element | None = None
    for element in reversed(elements):
        found.append(after)
        if element.role == "body" and element.kind != "close":
            after = element
    return found[::-1]


def _typed(element: Element, after: Element, known: Headings, sizes: Sequence[float]) -> Element:
    """The element as a heading where its number, capitals or bold make it one."""
    text = element.text
    if len(text) > HEADING_LIMIT or element.article:
        return element
    bold = element.kind == "bold"
    level, title = known.heading(text, after.text, "", WIDTH) if bold or element.kind == "paragraph" else (0, "")
    if level:
        return replace(element, kind="heading", text=title, level=float(level))
    if bold and after.kind != "bold" and element.level in sizes and known.typed_title(text):
        return replace(element, kind="heading", level=PLAIN_LEVEL + sizes.index(element.level))
    return element


def _asks(text: str) -> bool:
    return text.rstrip().endswith("?") and len(text) <= QUESTION_MAX


def _titled(body: Sequence[Element]) -> bool:
    return any(e.kind == "heading" and e.level == 0 for e in body)
