"""Lines to blocks: paragraphs, lists and tables under their heading path, with article numbers and pages.

Markdown says its headings. In plain pages they are inferred from numbering ("2.3. Le transfert", "ARTICLE 6 :") and form
(short, no final stop, capitals), and a wrapped line is joined to the one before it unless it opens something new.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace

from triplette.synth.ingest.boilerplate import mark_boilerplate, shares
from triplette.synth.ingest.document import Block, Document, Line, Structured
from triplette.synth.ingest.element_blocks import element_structure
from triplette.synth.ingest.headings import (
    BULLET,
    FINAL,
    PLAIN_LEVEL,
    WRAP_SHARE,
    article_number,
    document_title,
    heading,
    leaves_section,
    letters,
    plain_title,
    tidy,
    wrapped_title,
)
from triplette.synth.ingest.markdown import markdown_elements

TITLE_LEVEL = -100  # the document's title stands over everything
_TABLE_ROW = re.compile(r"^\s*\|.*\|\s*$|^\s*\S.*\t.*\t|^\s*\S.*?(?: {3,}\S.*?){2,}$")
_RULE = re.compile(r"^\s*\|?\s*:?-{3,}.*$")
_BARE_NUMBER = re.compile(r"^\s*\d{1,2}(?:\.\d{1,2}){0,4}\.?\s*$")
# a line break after these words stands before a cited article, not before a new one
_CITES = re.compile(
    r"(?:\b(?:articles?|art\.|règles?|paragraphes?|points?|annexes?|alinéas?|et|ou|à|de|du|des|aux?|les?|la|chapitres?)|[,(–-])\s*$",
    re.IGNORECASE,
)
_LETTERED = re.compile(r"^\s*(?:[a-z]|\d{1,2}|[ivx]{1,4})[).]\s+\S", re.IGNORECASE)


def structure(document: Document) -> Structured:
    """The document's blocks, with what was dropped counted by reason in characters."""
    if document.form == "markdown":
        document = replace(document, form="elements", elements=markdown_elements(document.text))
    if document.form == "elements":
        return element_structure(document)
    pages = _lines(document)
    divisions = mark_boilerplate(pages)
    kept = [line for page in pages for line in page]
    found = Structured(document, _page_blocks(pages, divisions), kept)
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

    blocks: list[Block] = field(default_factory=list)
    path: list[tuple[int, str, Line]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    articles: list[str] = field(default_factory=list)
    kind: str = "paragraph"
    hyphens: frozenset[str] = frozenset()
    used: set[int] = field(default_factory=set)  # starts of headings that stand over some block

    def heading(self, level: int, text: str, line: Line) -> None:
        """Close what is open and go under a heading; a heading that stood over nothing becomes text first."""
        self.close()
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
        while self.path and leaves_section(self.path[-1][1], number):
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
        if not lines:
            return
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

    def finish(self) -> list[Block]:
        """Every block, the last headings included."""
        self.close()
        while self.path:
            self._pop()
        return self.blocks


def _table_header(lines: list[Line]) -> str:
    if len(lines) > 1 and _RULE.match(lines[1].text):
        return "\n".join(line.text.strip() for line in lines[:2])
    return lines[0].text.strip()


def join_lines(lines: list[str], hyphenated: frozenset[str] = frozenset()) -> str:
    """Wrapped lines as one paragraph. A hyphen at a line's end goes, unless the document writes the word with it."""
    text = ""
    for raw in lines:
        line = raw.strip()
        cut = re.search(r"([^\W\d_]+)[-\u00ad]$", text)
        following = re.match(r"([a-zà-ÿœ]+)", line)
        if cut and following:
            compound = f"{cut.group(1)}-{following.group(1)}".lower()
            text = text + line if compound in hyphenated and not text.endswith("\u00ad") else text[:-1] + line
        else:
            text = f"{text} {line}" if text else line
    return re.sub(r"[ \t]+", " ", text)


def _page_blocks(pages: list[list[Line]], divisions: dict[int, list[str]]) -> list[Block]:
    body = [line for page in pages for line in page if line.role == "body"]
    width = _usual_width(body)
    builder = _Builder(hyphens=_hyphenated(body))
    current: list[str] = []
    title = _document_title(pages)
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
        position = 0
        while position < len(lines):
            position += _place(builder, lines[position:], width, [letters(name) for name in [title, *current]])
    return builder.finish()


def _document_title(pages: list[list[Line]]) -> str:
    running = [line.text for line in pages[0] if line.role == "header"]
    return document_title([line.text for line in pages[0]], running)


def _usual_width(lines: list[Line]) -> int:
    lengths = sorted(len(line.text.strip()) for line in lines if line.text.strip())
    return lengths[int(0.9 * (len(lengths) - 1))] if lengths else 80


def _hyphenated(lines: list[Line]) -> frozenset[str]:
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(word.lower() for word in re.findall(r"[^\W\d_]+-[^\W\d_]+", line.text))
    return frozenset(counts)


def _place(builder: _Builder, lines: list[Line], width: int, divisions: list[str]) -> int:
    """Give the first line its place (heading, new block or continuation); return how many lines that took."""
    line, text = lines[0], lines[0].text
    if not text.strip():
        if not (builder.lines and BULLET.fullmatch(builder.lines[-1].text)):
            builder.close()
        return 1
    opened = builder.lines
    if _TABLE_ROW.match(text):
        if builder.kind == "table" and opened:
            opened.append(line)
        else:
            builder.open("table", line)
        return 1
    before = opened[-1].text if opened else ""
    two_lines = _number_above_title(lines, before, width)
    if two_lines:
        return _place_heading(builder, lines, *two_lines, divisions, width)
    level, title = heading(text, _text_after(lines, 0), before, width)
    if level:
        return _place_heading(builder, lines, level, title, 1, divisions, width)
    number = "" if _CITES.search(before) and not FINAL.search(before) else article_number(text)
    if number:
        builder.article(number, line)
    elif BULLET.match(text) or _LETTERED.match(text):
        builder.open("item", line)
    elif not opened or builder.kind == "table" or _ended(before, width):
        title = plain_title(text, _text_after(lines, 0), before, width)
        if title:
            builder.heading(PLAIN_LEVEL, title, line)
        else:
            builder.open("paragraph", line)
    else:
        opened.append(line)
    return 1


def _number_above_title(lines: list[Line], before: str, width: int) -> tuple[int, str, int] | None:
    """(level, title, lines taken) when a bare number stands on the line above its title, as PDF extractors leave it."""
    if not _BARE_NUMBER.match(lines[0].text) or len(lines) < 3 or (before and not FINAL.search(before)):
        return None
    level, title = heading(f"{lines[0].text.strip()} {lines[1].text.strip()}", _text_after(lines, 1), "", width)
    return (level, title, 2) if level else None


def _text_after(lines: list[Line], position: int) -> str:
    return next((x.text for x in lines[position + 1 :] if x.text.strip()), "")


def _place_heading(builder: _Builder, lines: list[Line], level: int, title: str, taken: int, divisions: list[str], width: int) -> int:
    """Open a heading with the lines that complete it: a title on the next line, or a wrapped end."""
    longer = wrapped_title(level, title, lines[taken].text, width) if len(lines) > taken else ""
    if longer:
        title, taken = longer, taken + 1
    own = letters(title)
    if any(name.startswith(own) or own.startswith(name) for name in divisions if name):
        builder.close()  # the page's running head, or the document's title, already names this
        for line in lines[:taken]:
            line.role = "heading"
        return taken
    builder.heading(level, title, lines[0])
    for line in lines[1:taken]:
        line.role = "heading"
    return taken


def _ended(text: str, width: int) -> bool:
    text = text.rstrip()
    if BULLET.fullmatch(text):
        return False
    return bool(FINAL.search(text)) and len(text) < WRAP_SHARE * width
