"""A tree of HTML to elements, in one pass without recursion: what a reader of the page reads, in its order.

Blocks become paragraphs, items keep their list's sign or number, a question on a button, in a <summary> or a <dt> stands as a heading over
its answer, a table that only lays out its content is read cell by cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from triplette.synth.ingest.elements import HEADING_MAX, Element, one_line, shown
from triplette.synth.ingest.furniture import SILENT
from triplette.synth.ingest.html_signs import TYPED_ITEM, inline_sign, typed_items
from triplette.synth.ingest.html_tables import inline_text, is_layout, left_out, read_table
from triplette.synth.ingest.numerals import letters, roman

BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 "
    "h5 h6 header hgroup hr html legend li main menu nav ol optgroup p pre search section summary table tbody td tfoot th thead tr ul".split()
)
HEADINGS = {f"h{n}": n for n in range(1, 7)}
BREAK = "\x00"  # <br>: no character of a parsed page
SOFT = 0.25  # how much deeper than the heading above it a <summary>, button or <dt> stands
LINES = "data-triplette-lines"  # "3:7": the lines of the Markdown source that a node was made of
ARTICLE = "data-triplette-article"  # the number that a paragraph's bold opening is
NUMBERED = "data-triplette-number"  # an item's number as it was typed
CALLOUT = "data-triplette-callout"  # a box beside the text: its heading is no section's
_LIST_STYLE = re.compile(r"list-style(?:-type)?\s*:\s*([\w-]+)")
_LIST_KINDS = {"lower-alpha": "a", "lower-latin": "a", "upper-alpha": "A", "upper-latin": "A", "lower-roman": "i", "upper-roman": "I"}
QUESTION = re.compile(r"\?\s*$")


def walk(root: Any, role_of: Callable[[Any], str], *, alt: bool = False) -> list[Element]:
    """The elements of a tree. ``role_of`` says why a node is no text, or ""; with ``alt`` an image stands as its text."""
    return _Walk(role_of, alt).read(root)


class _Walk:
    def __init__(self, role_of: Callable[[Any], str], alt: bool) -> None:
        self.role_of = role_of
        self.alt = alt
        self.elements: list[Element] = []
        self.run: list[str] = []  # the inline text since the last block edge
        self.lists: list[list[Any]] = []  # [tag, next number, step, type], innermost last
        self.marker = ""  # of the item whose text has not begun
        self.level = 0.0  # of the heading that the text stands under
        self.heading = 0.0  # of the heading that is open; 0 when none is
        self.term = ""  # a <dt> that waits for its <dd>
        self.closers: dict[Any, tuple[float, float]] = {}  # node -> (level to close, level to go back to) when it ends
        self.lines = ""
        self.article = ""
        self.bold = False  # of all of the open paragraph
        self.pre: Any = None

    def read(self, root: Any) -> list[Element]:
        tree = etree.iterwalk(root, events=("start", "end"))
        for event, node in tree:
            if event == "start":
                if self.start(node, node is root):
                    tree.skip_subtree()
            else:
                self.end(node)
                if node is not root and node.tail:
                    self.run.append(node.tail)
        self.flush()
        self.say_term()
        return self.elements

    def start(self, node: Any, is_root: bool) -> bool:
        """Enter a node; True when what it holds is not to be walked."""
        tag = node.tag
        if tag in SILENT or not isinstance(tag, str):
            return not is_root
        role = "" if is_root else self.role_of(node)
        if role:
            self.drop(node, role)
            return True
        if node.get(LINES):
            if tag in BLOCKS or tag == "i":
                self.flush()
            self.lines = node.get(LINES)
        if tag in BLOCKS:
            self.flush()
            if tag in ("section", "div") and "footnotes" in (node.get("class") or "").split():
                self.leave_sections()
            if self.open_block(node, tag):
                return True
        elif self.open_inline(node, tag):
            return True
        if node.text:
            self.run.append(node.text)
        return False

    def open_block(self, node: Any, tag: str) -> bool:
        if tag in HEADINGS and not self.heading:
            box = next((above for above in node.iterancestors("div") if above.get(CALLOUT) is not None), None)
            if box is None or box in self.closers:
                self.heading = HEADINGS[tag]
            else:
                self.open_soft(node, until=box)
        elif tag in ("ul", "ol", "menu", "dir"):
            self.lists.append(_numbering(node))
        elif tag == "li":
            self.marker = self.next_marker(node)
        elif tag in ("p", "div"):
            self.article = node.get(ARTICLE) or "" if tag == "p" else self.article
            self.bold = _is_bold(node)
        elif tag == "pre" and self.pre is None:
            self.pre = node
        elif tag == "table":
            return self.table(node)
        elif tag == "summary" and not self.heading:
            self.open_soft(node, until=node.getparent())
        elif tag == "dt" and (node.getprevious() is None or node.getprevious().tag != "dt"):
            self.say_term()
        return False

    def open_inline(self, node: Any, tag: str) -> bool:
        if tag == "br":
            self.run.append(BREAK)
        elif tag == "button":
            return self.button(node)
        elif tag == "img":
            self.run.append((node.get("alt") or "") if self.alt else "")
        elif tag in ("rt", "rp"):
            return True
        elif tag in ("sup", "math"):
            sign = inline_sign(node)
            if not sign:
                self.drop(node, "control")  # the mark of a note
            self.run.append(sign)
            return True
        elif (
            tag == "a" and self.run and node.getprevious() is not None and node.getprevious().tag == "a" and not node.getprevious().tail
        ):
            self.run.append(" ")
        return False

    def end(self, node: Any) -> None:
        tag = node.tag
        if tag in BLOCKS:
            self.end_block(node, tag)
        elif tag in ("strong", "b") and not self.heading and self.pre is None and not self.term:
            self.ask(node)
        if node in self.closers:
            self.flush()
            self.say_term()
            level, back = self.closers.pop(node)
            self.elements.append(Element("close", level=level))
            self.level = back

    def end_block(self, node: Any, tag: str) -> None:
        if tag == "dt":
            self.end_term(node)
            return
        self.flush()
        if tag in HEADINGS and self.heading:
            self.heading = 0.0
        elif tag in ("ul", "ol", "menu", "dir") and self.lists:
            self.lists.pop()
        elif tag == "li":
            self.marker = ""
        elif tag == "pre" and self.pre is node:
            self.pre = None
        elif tag in ("p", "div"):
            self.bold = False
        elif tag == "summary":
            self.heading = 0.0
        elif tag == "dl":
            self.say_term()

    # Blocks

    def flush(self) -> None:
        """End the open run of text and make its elements."""
        if not self.run:
            return
        raw = "".join(self.run)
        self.run.clear()
        if self.pre is not None:
            self.code(raw)
            return
        for part in re.split(rf"{BREAK}\s*(?:{BREAK}\s*)+", raw) if BREAK in raw else (raw,):
            for line in typed_items(part, BREAK) if BREAK in part and not self.heading else (part.replace(BREAK, " "),):
                text = one_line(line)
                if text:
                    self.say(text, typed=BREAK in part and bool(TYPED_ITEM.match(line)))

    def say(self, text: str, *, typed: bool = False) -> None:
        """Make an element of a line of text; ``typed``: it begins with the sign of a list that was typed with line breaks."""
        start, end = _span(self.lines)
        if self.heading:
            long = len(text) > HEADING_MAX
            self.elements.append(Element("paragraph" if long else "heading", text, level=self.heading, start=start, end=end))
            if not long:
                self.level = self.heading
            return
        if self.term:
            text, self.term = f"{self.term} : {text}" if self.term[-1].isalnum() else f"{self.term} {text}", ""
        kind = "item" if self.marker or typed else "paragraph"
        if self.bold and len(text) <= HEADING_MAX and (kind == "paragraph" or (not typed and QUESTION.search(text))):
            kind, self.marker = "bold", "" if self.marker == "- " else self.marker
        self.elements.append(Element(kind, self.marker + text, article=self.article, start=start, end=end))
        self.marker = self.article = ""

    def code(self, raw: str) -> None:
        text = shown(raw.replace(BREAK, "\n")).strip("\n")
        if text.strip():
            start, end = _span(self.lines)
            self.elements.append(Element("code", text, start=start, end=end))

    def leave_sections(self) -> None:
        """Notes at the page's end stand under its title alone, not under its last section."""
        levels = [element.level for element in self.elements if element.kind == "heading" and element.role == "body" and element.level]
        if levels:
            lone = levels.count(min(levels)) == 1
            self.elements.append(Element("close", level=min(levels) + SOFT if lone else min(levels)))
            self.level = min(levels) if lone else 0.0

    def drop(self, node: Any, role: str) -> None:
        text = one_line("".join(node.itertext())) if node.tag == "sup" else inline_text(node, lambda _: "")
        if text:
            self.elements.append(Element("paragraph", text, role=role))

    def table(self, node: Any) -> bool:
        """Read a table of data; False when the table only lays out its content, and is walked like any other block."""
        if is_layout(node):
            return False
        caption, rows = read_table(node, self.role_of, alt=self.alt)
        self.elements += [Element("paragraph", text, role=role) for text, role in left_out(node, self.role_of) if text]
        start, end = _span(self.lines)
        if caption:
            self.say(caption)
        if rows:
            self.elements.append(Element("table", rows=rows, start=start, end=end))
        return True

    # Questions and terms

    def ask(self, node: Any) -> None:
        """A question in bold that opens a paragraph stands over what follows it there."""
        said = "".join(self.run)
        if "?" in said[-3:] and QUESTION.search(said) and said.strip() == "".join(node.itertext()).strip() and len(said) <= HEADING_MAX:
            before, self.bold = self.bold, True
            self.flush()
            self.bold = before

    def open_soft(self, node: Any, until: Any) -> None:
        """Begin a heading that has no level of its own, in force until ``until`` ends."""
        level = self.level + SOFT
        self.heading = level
        if until is not None:
            self.closers[until] = (level, self.level)

    def button(self, node: Any) -> bool:
        """A button's text is a heading where it asks or opens something; else the button is a control."""
        opens = any(node.get(name) is not None for name in ("aria-expanded", "aria-controls", "data-target", "data-bs-target"))
        text = _short_text(node)
        if len(text) > HEADING_MAX:
            return False  # a card that can be clicked as a whole
        asks = bool(QUESTION.search(text))
        if not (opens and len(text) > 1) and not asks:
            if text:
                self.elements.append(Element("paragraph", text, role="control"))
            return True
        if not self.heading:
            self.flush()
            self.open_soft(node, until=_panel(node))
            self.run.append(text)
            self.flush()
            self.heading = 0.0
            return True
        panel = _panel(node) if opens else None
        if panel is not None and panel not in self.closers:
            self.closers[panel] = (self.heading, self.level)  # what follows the panel is not under its title
        return False

    def end_term(self, node: Any) -> None:
        """A term waits for its definition; a question is a heading over its answer."""
        text = one_line("".join(self.run).replace(BREAK, " "))
        if not QUESTION.search(text):
            self.run.clear()
            previous = next(node.itersiblings(preceding=True), None)
            if self.term and text and previous is not None and previous.tag == "dt":
                text, self.term = f"{self.term}, {text}", ""  # two terms, one definition
            self.say_term()
            self.term = text
            return
        before = self.level
        holder = next(node.iterancestors("dl"), None)
        if holder in self.closers:
            before = self.closers[holder][1]
        self.level = before
        self.open_soft(node, until=holder)
        self.flush()
        self.heading = 0.0
        self.level = before + SOFT

    def say_term(self) -> None:
        """A term that no definition followed is a paragraph."""
        text, self.term = self.term, ""
        if text:
            self.say(text)

    # Lists

    def next_marker(self, node: Any) -> str:
        if not self.lists or self.lists[-1][0] != "ol":
            return "- "
        state = self.lists[-1]
        typed = node.get(NUMBERED) or node.get("value") or ""
        if re.fullmatch(r"-?\d{1,9}", typed):
            state[1] = int(typed)
        number, state[1] = state[1], state[1] + state[2]
        return f"{_numeral(number, state[3])}. "


def _is_bold(node: Any) -> bool:
    """Whether nothing of a paragraph stands outside of <strong> or <b>."""
    if (node.text or "").strip() or not len(node):
        return False
    return all((child.tag in ("strong", "b") and _outside(child)) or child.tag == "br" for child in node)


def _outside(child: Any) -> bool:
    return not (child.tail or "").strip(" \t\r\n\u00a0:")


def _span(lines: str) -> tuple[int, int]:
    """The source lines of an element, from ``LINES``: made offsets by the reader that set them."""
    start, _, end = lines.partition(":")
    return (int(start), int(end)) if start.isdigit() and end.isdigit() else (-1, -1)


def _numbering(node: Any) -> list[Any]:
    if node.tag != "ol":
        return ["ul", 0, 0, ""]
    reverse = node.get("reversed") is not None
    start = node.get("start") or ""
    first = int(start) if re.fullmatch(r"-?\d{1,7}", start) else (sum(1 for _ in node.iterchildren("li")) if reverse else 1)
    styled = _LIST_STYLE.search((node.get("style") or "")[:400])
    kind = _LIST_KINDS.get(styled.group(1).lower(), "1") if styled else node.get("type") or "1"
    return ["ol", first, -1 if reverse else 1, kind]


def _numeral(number: int, kind: str) -> str:
    if kind in ("a", "A"):
        text = letters(number)
        return text if kind == "a" else text.upper()
    if kind in ("i", "I"):
        return roman(number) if kind == "i" else roman(number).upper()
    return str(number)


def _panel(button: Any) -> Any:
    """The node at whose end a button's panel ends: the sibling after the widest node that holds the button alone."""
    node, text = button, _short_text(button)
    while node.getparent() is not None and node.getnext() is None and not (node.tail or "").strip():
        above = node.getparent()
        if above.tag in ("body", "main", "article") or _short_text(above) != text:
            return above
        node = above
    following = node.getnext()
    return following if following is not None else node.getparent()


def _short_text(node: Any) -> str:
    """The node's text on one line, or its beginning where it is longer than a heading."""
    parts: list[str] = []
    length = 0
    for piece in node.itertext():
        parts.append(piece)
        length += len(piece)
        if length > 4 * HEADING_MAX:  # blanks of the source included
            break
    return one_line("".join(parts))
