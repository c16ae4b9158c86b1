"""The title of a plain document (text, PDF): the line of its first page that is set largest, else the one that reads like a title."""

from __future__ import annotations

import re
from collections.abc import Mapping

from triplette.synth.ingest.document import Line, Mark
from triplette.synth.ingest.headings import TITLE_ZONE, Headings, is_capitals, tidy
from triplette.synth.ingest.joining import join_lines

SAME_SIZE = 0.3  # points between sizes of type that are one
_NUMBER = re.compile(r"\d+")


def document_title(pages: list[list[Line]], marks: Mapping[int, Mark], known: Headings) -> str:
    """The title by its type, where the first page has lines in a type larger than all others; else by its form."""
    running = [line.text for line in pages[0] if line.role == "header"]
    first = [line for line in pages[0] if line.text.strip() and line.role == "body"][:TITLE_ZONE]
    set_as_headings = [line for page in pages for line in page if _is_heading(line, marks)]
    largest = max((mark.size for mark in marks.values() if mark.role == "heading"), default=0.0)
    begins = len(pages[0])  # where the text begins: at its first section
    for at, line in enumerate(first):
        if not _is_heading(line, marks):
            continue
        mark = marks[line.start]
        text = tidy(join_lines([x.text for x in first[at : at + mark.lines]]))
        alike = [other.text for other in set_as_headings if other is not line and abs(marks[other.start].size - mark.size) < SAME_SIZE]
        if _one_of(alike, text, known):
            begins = min(begins, pages[0].index(line))
        elif mark.size >= largest - SAME_SIZE and known.typed_title(text) and not known.is_opening(text):
            return text
    return known.document_title([line.text for line in pages[0][:begins]], running)


def _is_heading(line: Line, marks: Mapping[int, Mark]) -> bool:
    mark = marks.get(line.start)
    return mark is not None and mark.role == "heading"


def _one_of(others: list[str], text: str, known: Headings) -> bool:
    """Whether a heading is numbered, and one of the others like it: the first section, and no title over them."""
    level = 0 if is_capitals(text) else known.marked(text)[0]
    shape = _NUMBER.sub("#", text)
    if not level and shape == text:
        return False
    return any(_NUMBER.sub("#", other) == shape or (level and known.marked(other)[0] == level) for other in others)
