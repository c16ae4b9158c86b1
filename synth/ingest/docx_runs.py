"""The text of a Word paragraph: its runs, and what is nested in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from triplette.synth.ingest.docx_formula import formula_text
from triplette.synth.ingest.docx_styles import Styles
from triplette.synth.ingest.docx_xml import MC, UNSHOWN, M, W, alternative, attribute, is_on
from triplette.synth.ingest.elements import one_line, raised

# the font "Symbol" has Greek letters and signs where Latin ones are
_SYMBOL = dict(
    zip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "αβχδεφγηιϕκλμνοπθρστυϖωξψζΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", strict=True)
)
_SYMBOL |= dict(zip("\xa3\xb3\xb1\xb4\xb9\xa5\xb0\xae\xde\xb8\xbb\xb7", "≤≥±×≠∞°→⇒÷≈•", strict=True))
_TICKS = {  # of Wingdings and its like: the boxes of a form say what was chosen
    ("Wingdings", 0x6F): "☐", ("Wingdings", 0xA8): "☐", ("Wingdings", 0xFC): "✓", ("Wingdings", 0xFB): "✗", ("Wingdings", 0xFD): "☒",
    ("Wingdings", 0xFE): "☑", ("Wingdings", 0xE0): "→", ("Wingdings 2", 0x50): "✓", ("Wingdings 2", 0x52): "☑", ("Wingdings 2", 0x53): "☒",
    ("Wingdings 2", 0xA3): "☐",
}  # fmt: skip
_FORMULA_END = "\x1f"
_SPACES = frozenset(f"{W}{name}" for name in ("tab", "br", "cr", "ptab"))
PLAIN_SIZE = 11.0  # points of text whose size is not said
_BOX = f"{W}txbxContent"


@dataclass(slots=True)
class Paragraph:
    """A paragraph's shown text, its text boxes, and the notes it refers to as (``footnotes`` or ``endnotes``, id); its text that is set as hidden."""

    text: str = ""
    boxes: list[Any] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    hidden: bool = False  # it holds text, all of it deleted
    unseen: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Field:
    """A field that is open: its instruction, and whether its result has begun."""

    instruction: str = ""
    shown: bool = False
    choice: str = ""  # of a drop-down list or a check box


class Runs:
    """Reads paragraphs in their order: a field may begin in one and end in another."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self._fields: list[_Field] = []
        self._hidden_style = False  # of the paragraph that is read

    @property
    def in_contents(self) -> bool:
        """Whether a table of contents is open."""
        return any(f.shown and f.instruction.split()[:1] in (["TOC"], ["INDEX"]) for f in self._fields)

    def read(self, paragraph: Any) -> Paragraph:
        """What Word shows of a paragraph."""
        found = Paragraph()
        self._hidden_style = self._styles.hides(self._styles.of(paragraph.find(f"{W}pPr")))
        parts: list[str] = []
        lost = False
        for node in self._shown(paragraph, found):
            tag = node.tag
            if tag == f"{W}fldChar":
                parts.append(self._field(node))
            elif tag == f"{W}instrText":
                if self._fields and not self._fields[-1].shown:
                    self._fields[-1].instruction += node.text or ""
            elif tag in (f"{W}del", f"{W}moveFrom"):
                lost = True
            elif tag == f"{W}r":
                parts.append(raised("".join(t.text or "" for t in node.iter(f"{W}t"))))
            elif all(f.shown for f in self._fields):
                parts.append(self._text(node, found))
        found.text = re.sub(rf"{_FORMULA_END}(?=[\w(\[=<>+-])", " ", "".join(parts)).replace(_FORMULA_END, "")
        found.hidden = lost and not found.text.strip()
        return found

    def bold(self, paragraph: Any) -> tuple[str, bool, float]:
        """What a paragraph begins with in bold, whether that is all of its text, and the size of it in points (``PLAIN_SIZE`` where it says none)."""
        base = self._styles.bold(self._styles.of(paragraph.find(f"{W}pPr")))
        parts: list[str] = []
        size = 0.0
        for run in paragraph.iter(f"{W}r"):
            text = "".join(t.text or "" for t in run.iterchildren(f"{W}t"))
            if not text.strip() or self._is_hidden(run):
                parts.append(" ")
                continue
            properties = run.find(f"{W}rPr")
            own = properties.find(f"{W}b") if properties is not None else None
            style = self._styles.bold(attribute(properties.find(f"{W}rStyle"), "val")) if properties is not None else None
            if not (is_on(own) if own is not None else style if style is not None else base):
                return one_line("".join(parts)), False, size
            value = attribute(properties.find(f"{W}sz"), "val") if properties is not None else ""
            size = max(size, int(value) / 2 if value.isdigit() and len(value) < 5 else PLAIN_SIZE)
            parts.append(text)
        return one_line("".join(parts)), bool(size), size

    def _shown(self, paragraph: Any, found: Paragraph) -> Iterator[Any]:
        """The nodes that say something, in order: not those of deletions, hidden runs, or text boxes, which are kept for later."""
        stack = [iter(paragraph)]
        while stack:
            node = next(stack[-1], None)
            if node is None:
                stack.pop()
                continue
            tag = node.tag
            if tag == _BOX:
                found.boxes.append(node)
            elif tag in (f"{W}instrText", f"{W}del", f"{W}moveFrom"):
                yield node
            elif tag in UNSHOWN:
                continue
            elif tag == f"{W}r" and self._is_hidden(node):
                if all(f.shown for f in self._fields):
                    found.unseen += [t.text or "" for t in node.iterchildren(f"{W}t")]
            elif tag == f"{MC}AlternateContent":
                stack.append(iter(alternative(node)))
            elif tag in (f"{M}oMath", f"{W}fldChar", f"{W}t", f"{W}sym") or not len(node) or self._is_sign(node):
                yield node
            else:
                stack.append(iter(node))

    def _is_sign(self, node: Any) -> bool:
        return node.tag == f"{W}r" and _is_raised(node) and all(f.shown for f in self._fields)

    def _is_hidden(self, run: Any) -> bool:
        properties = run.find(f"{W}rPr")
        if properties is None:
            return self._hidden_style
        own = properties.find(f"{W}vanish")
        if own is not None:
            return is_on(own)
        style = properties.find(f"{W}rStyle")
        return self._hidden_style or (style is not None and self._styles.hides(attribute(style, "val")))

    def _field(self, node: Any) -> str:
        kind = attribute(node, "fldCharType")
        if kind == "begin":
            chosen = node.find(f"{W}ffData/{W}ddList")
            box = node.find(f"{W}ffData/{W}checkBox")
            self._fields.append(_Field(choice=_choice(chosen) if chosen is not None else _box(box) if box is not None else ""))
        elif kind == "separate" and self._fields:
            self._fields[-1].shown = True
        elif kind == "end" and self._fields:
            ended = self._fields.pop()
            return ended.choice if all(f.shown for f in self._fields) else ""
        return ""

    def _text(self, node: Any, found: Paragraph) -> str:
        tag = node.tag
        if tag == f"{W}t":
            return node.text or ""
        if tag in _SPACES:
            return " "
        if tag == f"{W}noBreakHyphen":
            return "-"
        if tag == f"{W}sym":
            return _symbol(node)
        if tag == f"{M}oMath":
            return f" {formula_text(node)}{_FORMULA_END}"
        if tag == f"{W}footnoteReference":
            found.notes.append(("footnotes", attribute(node, "id")))
        elif tag == f"{W}endnoteReference":
            found.notes.append(("endnotes", attribute(node, "id")))
        return ""


def _is_raised(run: Any) -> bool:
    """Whether a run is a superscript that holds nothing but text."""
    place = run.find(f"{W}rPr/{W}vertAlign")
    return place is not None and attribute(place, "val") == "superscript" and all(child.tag in (f"{W}rPr", f"{W}t") for child in run)


def _symbol(node: Any) -> str:
    code = attribute(node, "char")
    try:
        value = int(code, 16)
    except ValueError:
        return ""
    if 0xF000 <= value <= 0xF0FF:
        sign = chr(value - 0xF000)
        tick = _TICKS.get((attribute(node, "font"), value - 0xF000))
        return tick or (
            _SYMBOL.get(sign, sign if sign.isdigit() or sign in "()[]+-=<>/.,%" else "") if attribute(node, "font") == "Symbol" else ""
        )
    return chr(value) if 0x20 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else ""


def _choice(chosen: Any) -> str:
    """The chosen entry of a drop-down list of the old kind, which is not among the text."""
    entries = [attribute(entry, "val") for entry in chosen.iter(f"{W}listEntry")]
    result = chosen.find(f"{W}result")
    place = attribute(result, "val") if result is not None else "0"
    return entries[int(place)] if place.isdigit() and int(place) < len(entries) else ""


def _box(box: Any) -> str:
    """A check box of the old kind, whose sign is not among the text: what was chosen, else what it began with."""
    state = box.find(f"{W}checked")
    state = state if state is not None else box.find(f"{W}default")
    return "☒" if state is not None and is_on(state) else "☐"
