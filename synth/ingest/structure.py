"""Lines to blocks: paragraphs, lists and tables under their heading path, with article numbers and pages.

Markdown says its headings. In plain pages they are inferred from numbering ("2.3. Le transfert", "ARTICLE 6 :") and form
(short, no final stop, capitals), and a wrapped line is joined to the one before it unless it opens something new.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from triplette.languages.identify import sure_language
from triplette.synth.ingest.boilerplate import mark_boilerplate, shares
from triplette.synth.ingest.document import Block, Document, Line, Mark, Structured
from triplette.synth.ingest.document_title import SAME_SIZE, document_title
from triplette.synth.ingest.element_blocks import element_structure
from triplette.synth.ingest.headings import (
    ARTICLE_LEVEL,
    BULLET,
    FINAL,
    PLAIN_LEVEL,
    WRAP_SHARE,
    Headings,
    headings_of,
    is_capitals,
    letters,
    tidy,
)
from triplette.synth.ingest.joining import compounds, join_lines
from triplette.synth.ingest.markdown import markdown_elements
from triplette.synth.ingest.page_notes import note_paragraphs, notes_apart

TITLE_LEVEL = -100  # the document's title stands over everything
_WIDE_GAP = re.compile(r" {3,}")
_RULE = re.compile(r"\|?[ \t]*:?-{3,}")
_BARE_NUMBER = re.compile(r"^\s*\d{1,2}(?:\.\d{1,2}){0,4}\.?\s*$")
_UNDERLINE = re.compile(r"={4,}|-{4,}|~{4,}")
UNDERLINE_OFF = 3  # signs that a row under a title may be longer or shorter than it
TAIL = 60  # characters: what ends a line is told from its last ones
_LETTERED = re.compile(r"^\s*(?:[a-z]|\d{1,2}|[ivx]{1,4})[).]\s+\S", re.IGNORECASE)


def is_table_row(text: str) -> bool:
    """Whether a line's bars, tabs or wide gaps set it as a row of a table: a bar at both ends, or two gaps."""
    bare = text.strip()
    if len(bare) > 1 and bare[0] == bare[-1] == "|":
        return True
    return text.lstrip().count("\t") >= 2 or ("   " in bare and len(_WIDE_GAP.findall(bare)) >= 2)


def structure(document: Document, code: str = "") -> Structured:
    """The document's blocks, with what was dropped counted by reason in characters. ``code`` is its language, read off it where it is ""."""
    code = code or sure_language(document.text)
    known = headings_of(code)
    if document.form == "markdown":
        document = replace(document, form="elements", elements=markdown_elements(document.text))
    if document.form == "elements":
        return element_structure(document, known)
    pages = _lines(document)
    for line in (line for page in pages for line in page if line.start in document.marks):
        mark = document.marks[line.start]
        if mark.role in ("header", "footer", "line number"):
            line.role = mark.role
    divisions = mark_boilerplate(pages, code)
    kept = [line for page in pages for line in page]
    found = Structured(document, _page_blocks(document, pages, divisions, known), kept)
    found.dropped = {role: n for role, n in sorted(shares([found.lines]).items()) if role not in ("body", "heading")}
    return found


def _lines(document: Document) -> list[list[Line]]:
    pages: list[list[Line]] = []
    offset = 0
    for number, page in enumerate(document.text.split("\f"), 1):
        lines = []
        for raw in page.split("\n"):
            lines.append(Line(raw, offset, number))
            offset += len(raw) + 1
        pages.append(lines)
    return pages


@dataclass(slots=True)
class _Builder:
    """The blocks so far, the open one, and the heading path."""

    known: Headings
    blocks: list[Block] = field(default_factory=list)
    path: list[tuple[float, str, Line]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    articles: list[str] = field(default_factory=list)
    kind: str = "paragraph"
    hyphens: frozenset[str] = frozenset()
    used: set[int] = field(default_factory=set)  # starts of headings that stand over some block
    notes: list[list[Line]] = field(default_factory=list)  # footnotes that wait for the open paragraph's end
    leads: bool = False  # whether the last block ends with a colon: a formula or a list goes on with its sentence

    def heading(self, level: float, text: str, line: Line) -> None:
        """Close what is open and go under a heading; a heading that stood over nothing becomes text first."""
        self.close()
        self.say_notes()
        while self.path and self.path[-1][0] >= level:
            self._pop()
        line.role = "heading"
        self.path.append((level, text, line))

    def _pop(self) -> None:
        _, _, line = self.path.pop()
        if line.start not in self.used:
            self.lines = [line]
            self.close()

    def article(self, number: str, line: Line) -> None:
        """Begin the paragraph of a numbered article, leaving the sections that it cannot stand in."""
        self.close()
        while self.path and self.known.leaves_section(self.path[-1][1], number):
            self._pop()
        self.open("paragraph", line, number)

    def open(self, kind: str, line: Line, article: str = "") -> None:
        """Close what is open and begin a block."""
        self.close()
        self.kind, self.lines = kind, [line]
        self.articles = [article] if article else []

    def close(self) -> None:
        """Turn the open lines into a block."""
        lines = [line for line in self.lines if line.text.strip()]
        kind, articles, self.lines, self.articles, self.kind = self.kind, self.articles, [], [], "paragraph"
        if lines:
            self._add(kind, lines, articles)
            self.leads = lines[-1].text.rstrip().endswith(":")
        if not self.leads:
            self.say_notes()

    def say_notes(self) -> None:
        """Place the footnotes that wait."""
        notes, self.notes = self.notes, []
        for note in notes:
            self._add("paragraph", note, [])

    def _add(self, kind: str, lines: list[Line], articles: list[str]) -> None:
        table = kind == "table"
        text = "\n".join(line.text.strip() for line in lines) if table else join_lines([x.text for x in lines], self.hyphens)
        self.used.update(line.start for _, _, line in self.path)
        self.blocks.append(
            Block(
                kind=kind,
                text=text,
                headings=tuple(name for _, name, _ in self.path),
                articles=tuple(articles),
                page_start=lines[0].page,
                page_end=lines[-1].page,
                char_start=lines[0].start,
                char_end=lines[-1].end,
                header=_table_header(lines) if table else "",
            )
        )

    def footnotes(self, notes: list[list[Line]]) -> None:
        """Place a page's footnotes: after the open paragraph, which may go on over the page's end."""
        self.notes += notes
        if not any(line.text.strip() for line in self.lines):
            self.close()

    def finish(self) -> list[Block]:
        """Every block, the last headings included."""
        self.close()
        self.say_notes()
        while self.path:
            self._pop()
        return self.blocks


def _table_header(lines: list[Line]) -> str:
    if len(lines) > 1 and _RULE.match(lines[1].text.strip()):
        return "\n".join(line.text.strip() for line in lines[:2])
    return lines[0].text.strip()


def _page_blocks(document: Document, pages: list[list[Line]], divisions: dict[int, list[str]], known: Headings) -> list[Block]:
    body = [line for page in pages for line in page if line.role == "body"]
    builder = _Builder(known, hyphens=compounds([line.text for line in body]))
    placing = _Placing(builder, _usual_width(body), document.marks, _heading_levels(body, document.marks, known))
    current: list[str] = []
    shown = document_title(pages, document.marks, known)
    stated = letters(document.title)
    title = shown if not stated or letters(shown).startswith(stated) else document.title  # the page's goes on where the metadata's ends
    if title:
        builder.heading(TITLE_LEVEL, title, Line(title, -1, 1, "header"))
        builder.used.add(-1)  # it is a line of the first page already
    for index, page in enumerate(pages):
        if divisions.get(index, current) != current:
            current = divisions[index]
            for level, name in enumerate(current):
                head = Line(name, page[0].start if page else 0, index + 1, "header")
                builder.heading(level - len(current), tidy(name), head)
                builder.used.add(head.start)  # a running head is never text
        lines = [line for line in page if line.role == "body"]
        placing.named = [letters(name) for name in [title, *current]]
        follows = next(
            (x.text for x in (pages[index + 1] if index + 1 < len(pages) else ()) if x.role == "body" and x.text.strip()), ""
        )
        text, notes = notes_apart(lines, document.marks)
        placing.page(text, follows)
        builder.footnotes(note_paragraphs(notes))
    return builder.finish()


def _heading_levels(lines: list[Line], marks: Mapping[int, Mark], known: Headings) -> dict[float, float]:
    """The level of an unnumbered heading by its size: above every numbered title in smaller type, else below all, larger over smaller."""
    sizes: dict[float, int] = {}
    numbered: dict[float, int] = {}
    for line in lines:
        mark = marks.get(line.start)
        if mark is not None and mark.role == "heading":
            sizes[mark.size] = 1
            level, _ = known.marked(line.text)
            if level and not is_capitals(line.text):
                numbered[mark.size] = min(level, numbered.get(mark.size, level))
    levels: dict[float, float] = {}
    for rank, size in enumerate(sorted(sizes, reverse=True)):
        below = [level for other, level in numbered.items() if other < size - SAME_SIZE]
        levels[size] = (min(below) - 1 if below else PLAIN_LEVEL) + rank / 1000
    return levels


def _usual_width(lines: list[Line]) -> int:
    lengths = sorted(len(line.text.strip()) for line in lines if line.text.strip())
    return lengths[int(0.9 * (len(lengths) - 1))] if lengths else 80


@dataclass(slots=True)
class _Placing:
    """Gives the lines of a page their places: heading, new block or continuation.

    ``named`` are the letters of what already names the page: the document's title and the divisions of its running head; ``follows`` is the
    first line of the next one, for a heading set as one may stand at a page's foot.
    """

    builder: _Builder
    width: int
    marks: Mapping[int, Mark]
    levels: dict[float, float]
    named: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    follows: str = ""

    def page(self, lines: list[Line], follows: str = "") -> None:
        """Place every line; no line is looked at more than a few times, however long the page."""
        self.lines, self.follows = lines, follows
        self.after = [""] * (len(lines) + 1)
        for index in range(len(lines) - 1, 0, -1):
            self.after[index - 1] = lines[index].text if lines[index].text.strip() else self.after[index]
        position = 0
        while position < len(lines):
            position += self._place(position)

    def _place(self, at: int) -> int:
        """Place the line at a position; return how many lines that took."""
        line, builder = self.lines[at], self.builder
        known = builder.known
        text = line.text
        if not text.strip():
            if not (builder.lines and BULLET.fullmatch(builder.lines[-1].text)):
                builder.close()
            return 1
        if _UNDERLINE.fullmatch(text.strip()):
            builder.close()
            line.role = "rule"  # it parts sections and says nothing
            return 1
        opened = builder.lines
        if is_table_row(text) or self._heads_a_table(at):
            if builder.kind == "table" and opened:
                opened.append(line)
            else:
                builder.open("table", line)
            return 1
        before = opened[-1].text if opened else ""
        typed = self._typed(at) or (None if opened else self._underlined(at))
        if typed:
            return self._open_heading(at, *typed)
        title = self._number_above_title(at, before) or self._inferred(at, before)
        if title:
            return self._open_heading(at, *self._completed(at, *title))
        number = "" if known.cites(before[-TAIL:]) and not FINAL.search(before[-TAIL:]) else known.article_number(text)
        if number:
            builder.article(number, line)
        elif BULLET.match(text) or _LETTERED.match(text):
            builder.open("item", line)
        elif not opened or builder.kind == "table" or _ended(before, self.width):
            plain = known.plain_title(text, self.after[at], before, self.width)
            if plain:
                builder.heading(PLAIN_LEVEL, plain, line)
            else:
                builder.open("paragraph", line)
        else:
            opened.append(line)
        return 1

    def _heads_a_table(self, at: int) -> bool:
        """Whether a line of words between tabs stands over a row of a table, its first cell empty."""
        cells = self.lines[at].text.rstrip()
        return "\t" in cells.strip() and cells.count("\t") >= 2 and self.after[at].strip().count("\t") >= 2

    def _inferred(self, at: int, before: str) -> tuple[float, str, int] | None:
        level, title = self.builder.known.heading(self.lines[at].text, self.after[at], before, self.width)
        return (level, title, 1) if level else None

    def _typed(self, at: int) -> tuple[float, str, int] | None:
        """(level, title, lines) of a line that is set as a heading and reads like one."""
        mark = self.marks.get(self.lines[at].start)
        if mark is None or mark.role != "heading":
            return None
        after = self.after[at + mark.lines - 1] or self.follows
        if not after:
            return None
        text = join_lines([line.text for line in self.lines[at : at + mark.lines]], self.builder.hyphens)
        if not self.builder.known.typed_title(text):
            return None
        level, title = self.builder.known.marked(text, self.after[at] or after)
        if level and not is_capitals(text):
            return level, title, mark.lines
        return ARTICLE_LEVEL if self.builder.known.is_opening(text) else self.levels[mark.size], tidy(text), mark.lines

    def _underlined(self, at: int) -> tuple[float, str, int] | None:
        """(level, title, lines) of a line over a row of "=" or "-" as long as it, as people mark titles in plain text."""
        text = self.lines[at].text.strip()
        row = self.lines[at + 1].text.strip() if at + 1 < len(self.lines) else ""
        if not _UNDERLINE.fullmatch(row) or abs(len(row) - len(text)) > UNDERLINE_OFF or not self.after[at + 1]:
            return None
        level, title = self.builder.known.marked(text, self.after[at + 1])
        return (level, title, 2) if level else (PLAIN_LEVEL - (row[0] == "="), tidy(text), 2)

    def _number_above_title(self, at: int, before: str) -> tuple[float, str, int] | None:
        """(level, title, lines taken) when a bare number stands on the line above its title, as PDF extractors leave it."""
        line = self.lines[at]
        if not _BARE_NUMBER.match(line.text) or at + 2 >= len(self.lines) or (before and not FINAL.search(before[-TAIL:])):
            return None
        level, title = self.builder.known.heading(
            f"{line.text.strip()} {self.lines[at + 1].text.strip()}", self.after[at + 1], "", self.width
        )
        return (level, title, 2) if level else None

    def _completed(self, at: int, level: float, title: str, taken: int) -> tuple[float, str, int]:
        """The title with the line that completes it: its name on the next line, or a wrapped end."""
        longer = (
            self.builder.known.wrapped_title(level, title, self.lines[at + taken].text, self.width)
            if at + taken < len(self.lines)
            else ""
        )
        return (level, longer, taken + 1) if longer else (level, title, taken)

    def _open_heading(self, at: int, level: float, title: str, taken: int) -> int:
        """Open a heading of some lines."""
        builder = self.builder
        own = letters(title)
        lines = self.lines[at : at + taken]
        if any(name.startswith(own) or own.startswith(name) for name in self.named if name):
            builder.close()  # the page's running head, or the document's title, already names this
            lines[0].role = "heading"
        else:
            builder.heading(level, title, lines[0])
        for line in lines[1:]:
            line.role = "heading"
        return taken


def _ended(text: str, width: int) -> bool:
    text = text.rstrip()
    if len(text) >= WRAP_SHARE * width or BULLET.fullmatch(text):
        return False
    return bool(FINAL.search(text[-TAIL:]))
