"""A plain page's footnotes, and what stands behind the text as they do, apart from its text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from triplette.synth.ingest.document import Line, Mark

_NOTE_MARK = re.compile(r"\(?(?:\d{1,3}|[*†‡§]{1,3})\)?[.\s]?\s?\S")


def _is_note(line: Line, marks: Mapping[int, Mark]) -> bool:
    mark = marks.get(line.start)
    return mark is not None and mark.role == "note"


def notes_apart(lines: list[Line], marks: Mapping[int, Mark]) -> tuple[list[Line], list[Line]]:
    """(text, notes) of a page's lines; a blank line between two notes is theirs."""
    text: list[Line] = []
    notes: list[Line] = []
    blank: list[Line] = []
    for line in lines:
        if not line.text.strip():
            blank.append(line)
        elif _is_note(line, marks):
            (notes if notes else text).extend(blank)
            notes.append(line)
            blank = []
        else:
            text += [*blank, line]
            blank = []
    return text + blank, notes


def note_paragraphs(lines: list[Line]) -> list[list[Line]]:
    """Footnotes one by one: each begins with its mark, or after a blank line."""
    found: list[list[Line]] = []
    apart = True
    for line in lines:
        if not line.text.strip():
            apart = True
        elif apart or _NOTE_MARK.match(line.text):
            found.append([line])
            apart = False
        else:
            found[-1].append(line)
    return found
