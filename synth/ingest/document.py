"""What a reader makes of a file, and what the structure step makes of that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from triplette.synth.ingest.elements import Element, shown

_SOFT_BREAK = re.compile(r"(?<!\u00ad)\u00ad+[ \t]*\n[ \t]*([^\s\u00ad]+)[ \t]?")


def cured(text: str) -> str:
    """``shown`` over lines: a word cut at a soft hyphen is whole again."""
    return shown(_SOFT_BREAK.sub(r"\1\n", text) if "\u00ad" in text else text)


class Mark(NamedTuple):
    """What a reader saw of a line besides its text.

    ``role`` is ``heading`` (bold or larger than the text; ``lines`` it takes), ``note`` (a footnote: it stands after the paragraph that
    goes on over the page's end), ``header`` or ``footer`` (a running head by its place). ``size`` is in points.
    """

    role: str
    size: float = 0.0
    lines: int = 1


class Pages(NamedTuple):
    """A file's text with form feeds between its pages, as a reader hands it over. ``marks`` are keyed by a line's offset in the text."""

    text: str
    notes: tuple[str, ...] = ()
    title: str = ""
    marks: Mapping[int, Mark] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Document:
    """A file's text in canonical form.

    ``source`` is the path relative to the corpus folder, with "/". ``form`` is ``pages``, where a form feed ends a page and the structure
    is inferred; ``elements``, where the reader found the structure; or ``markdown``, which is parsed when its structure is asked for.
    ``notes`` tell the user what was repaired (an encoding, say). Of ``pages``, ``title`` is the one that the file itself states, "" where
    it states none, and ``marks`` are what the reader saw of lines, by their offset.
    """

    source: str
    text: str
    form: str
    notes: tuple[str, ...] = ()
    elements: tuple[Element, ...] = ()
    title: str = ""
    marks: Mapping[int, Mark] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(slots=True)
class Line:
    """A line of the canonical text with its offsets; ``role`` is ``body`` or why it is dropped."""

    text: str
    start: int
    page: int
    role: str = "body"

    @property
    def end(self) -> int:
        """Offset just after the line."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list or table under its heading path.

    ``articles`` are the numbers that begin in the block. ``header`` is a table's header (with its rule), which every part
    of a split table repeats.
    """

    kind: str
    text: str
    headings: tuple[str, ...]
    articles: tuple[str, ...]
    page_start: int
    page_end: int
    char_start: int
    char_end: int
    header: str = ""


@dataclass(slots=True)
class Structured:
    """A document's blocks, and the lines that were left out, by reason (``header``, ``contents``...)."""

    document: Document
    blocks: list[Block]
    lines: list[Line]
    dropped: dict[str, int] = field(default_factory=dict)

    def body_text(self) -> str:
        """The source's text without what was dropped: what coverage is measured against."""
        return "\n".join(line.text for line in self.lines if line.role in ("body", "heading"))
