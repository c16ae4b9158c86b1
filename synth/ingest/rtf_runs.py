"""The groups and control words of an RTF file, its text decoded: what of it is shown, and where it belongs.

A character is written as a byte of the font's code page or as \\u followed by signs for readers of before Unicode, which are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from triplette.synth.ingest.elements import raised

_TOKEN = re.compile(r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|([^\\{}\r\n]+)", re.DOTALL)
_BRACE = re.compile(r"\\[\\{}]|\\bin(\d{1,10}) ?|[{}]")
_CHARSETS = {0: 1252, 1: 0, 77: 10000, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256,
             186: 1257, 204: 1251, 222: 874, 238: 1250}  # fmt: skip
_SIGNS = {"bullet": "•", "endash": "–", "emdash": "—", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "tab": "\t",
          "emspace": " ", "enspace": " ", "qmspace": " "}  # fmt: skip
_PLACES = {"footnote": "footnote", "shptxt": "box", "header": "header", "headerl": "header", "headerr": "header", "headerf": "header", "footer": "footer",
           "footerl": "footer", "footerr": "footer", "footerf": "footer", "listtext": "label", "pntext": "label"}  # fmt: skip
_UNSHOWN = frozenset(
    "pict colortbl info object fldinst annotation atnid atnauthor atntime atndate atnref bkmkstart bkmkend nonesttables nonshppict shprslt "
    "themedata colorschememapping datastore latentstyles listtable listoverridetable revtbl rsidtbl xmlnstbl generator pgptbl filetbl "
    "ftnsep ftnsepc aftnsep aftnsepc ftncn aftncn xe tc sp background private ud".split()
)
# what is shown of the groups that old readers may pass over, and of the groups that are not shown as a whole
_KEPT = frozenset(("shpinst", "shptxt", "fldrslt", "result", "moMath", "moMathPara", "title", "footnote", "listtext", "pntext"))
_PARTS = frozenset(
    "par sect page nestcell line cell row trowd clvmrg clvmgf cellx".split()
)  # control words that the reader of paragraphs takes


@dataclass(frozen=True, slots=True)
class Character:
    """How a run is set; ``size`` in half points."""

    bold: bool = False
    size: int = 24
    up: bool = False
    hidden: bool = False
    page: int = 0  # code page of its font


@dataclass(slots=True)
class Group:
    """An open group: where its text belongs (``place``), and the properties in force. ``within`` are the notes, boxes and
    running heads that are open, each with a number of its own."""

    level: int = 0
    place: str = "body"
    within: tuple[int, ...] = ()
    look: Character = field(default_factory=Character)
    style: int = 0
    outline: int = -1
    in_table: bool = False
    contents: bool = False
    skipped: int = 1  # signs after \u that stand for it


def decoded_groups(source: str) -> Iterator[tuple[Group, str, int | str]]:
    """(group, "text", text), (group, "unseen", hidden text), (group, "end", 0) for a style's end, or (group, control word, number), in the file's order."""
    return _Runs(source).read()


class _Runs:
    def __init__(self, source: str) -> None:
        self.source = source
        self.stack: list[Group] = []
        self.group = Group()
        self.fonts: dict[int, int] = {}
        self.font = 0
        self.ansi = 1252
        self.bytes = bytearray()
        self.pass_over = 0
        self.flows = 0
        self.high = 0  # the first half of a character beyond the basic plane
        self.instruction: list[str] = []  # of the field that is open

    def read(self) -> Iterator[tuple[Group, str, int | str]]:
        place, star = 0, False
        while True:
            token = _TOKEN.search(self.source, place)
            if token is None:
                break
            place = token.end()
            word, number, code, symbol, brace, plain = token.groups()
            if code is not None and not self.pass_over:
                self.bytes.append(int(code, 16))
                continue
            yield from self.flushed()
            if brace == "{":
                self.stack.append(self.group)
                self.group = replace(self.group, level=len(self.stack))
                self.pass_over = 0
            elif brace == "}":
                self.pass_over = 0
                yield from self.closed()
            elif code is not None or plain is not None:
                yield from self.said(plain if plain is not None else " ")
            elif symbol is not None:
                star = symbol == "*"
                if not star:
                    yield from self.symbol(symbol)
                continue
            elif word == "bin":
                place += max(int(number or 0), 0)
            elif self.unshown(word, star):
                place = _closing(self.source, place)
            else:
                yield from self.word(word, int(number) if number else None)
            star = False
        yield from self.flushed()

    def unshown(self, word: str, star: bool) -> bool:
        """Whether the group that begins with a word says nothing, so that all of it is passed over."""
        if word == "info":
            return False
        if word == "fldinst":
            self.instruction.append("")
            return False
        return (word in _UNSHOWN and word != "object") or (star and word not in _KEPT and word != "fldinst" and word not in _PLACES)

    def closed(self) -> Iterator[tuple[Group, str, int | str]]:
        ended = self.group
        above = self.stack.pop() if self.stack else Group()
        if ended.place == "style" and above.place == "stylesheet":
            yield ended, "end", 0
        if ended.place == "instruction" and above.place != "instruction":
            above.contents = above.contents or "".join(self.instruction).split()[:1] in (["TOC"], ["INDEX"])
            self.instruction.clear()
        self.group = above

    def flushed(self) -> Iterator[tuple[Group, str, int | str]]:
        if self.bytes:
            page = self.group.look.page or self.ansi
            try:
                text = self.bytes.decode("mac_roman" if page == 10000 else f"cp{page}", "replace")
            except LookupError:
                text = self.bytes.decode("cp1252", "replace")
            self.bytes.clear()
            yield from self.said(text)

    def said(self, text: str) -> Iterator[tuple[Group, str, int | str]]:
        if self.pass_over:
            cut = min(self.pass_over, len(text))
            self.pass_over -= cut
            text = text[cut:]
        group = self.group
        if group.place == "instruction":
            self.instruction.append(text)
        elif text and group.place not in ("fonttbl", "stylesheet", "info"):
            unseen = group.look.hidden and group.place != "style"
            yield group, "unseen" if unseen else "text", raised(text) if group.look.up and not unseen else text

    def symbol(self, symbol: str) -> Iterator[tuple[Group, str, int | str]]:
        if symbol in "\\{}":
            yield from self.said(symbol)
        elif symbol in "~_":
            yield from self.said(" " if symbol == "~" else "-")
        elif symbol in "\r\n":
            yield self.group, "par", 0

    def word(self, word: str, number: int | None) -> Iterator[tuple[Group, str, int | str]]:
        group = self.group
        if word in ("fonttbl", "stylesheet", "info"):
            group.place = word
        elif group.place == "info":
            group.place = "title" if word == "title" else "info"
        elif group.place == "fonttbl":
            if word == "f":
                self.font = number or 0
            elif word == "fcharset":
                self.fonts[self.font] = _CHARSETS.get(number or 0, 0)
        elif word == "fldinst":
            group.place = "instruction"
        elif word == "object":
            group.place = "skip"
        elif word == "result" and group.place == "skip":
            group.place = "body"
        elif word in _PLACES and group.place in ("body", "box", "footnote", "header", "footer"):
            group.place = _PLACES[word]
            if group.place != "label":
                self.flows += 1
                group.within = (*group.within, self.flows)
                group.in_table, group.style, group.outline = False, 0, -1
        elif word == "u":
            yield from self.unicode(number or 0)
        elif word in _SIGNS:
            yield from self.said(_SIGNS[word])
        elif word == "ansicpg":
            self.ansi = number or 1252
        elif word in ("mac", "pc", "pca"):
            self.ansi = {"mac": 10000, "pc": 437, "pca": 850}[word]
        elif word in ("s", "outlinelevel") and group.place in ("stylesheet", "style"):
            group.place = "style"
            yield group, word, number or 0
        elif group.place != "instruction" and not self.property(group, word, number) and word in _PARTS:
            yield group, word, number or 0

    def unicode(self, number: int) -> Iterator[tuple[Group, str, int | str]]:
        code = number & 0xFFFF
        self.pass_over = 0
        if 0xD800 <= code < 0xDC00:
            self.high = code
        elif 0xDC00 <= code < 0xE000:
            yield from self.said(chr(0x10000 + ((self.high & 0x3FF) << 10) + (code & 0x3FF)) if self.high else "")
            self.high = 0
        else:
            yield from self.said(chr(code))
        self.pass_over = self.group.skipped

    def property(self, group: Group, word: str, number: int | None) -> bool:
        """Set a property of the group; False when the word is none."""
        on = number != 0
        if word == "plain":
            group.look = Character(page=group.look.page)
        elif word == "pard":
            group.style, group.outline, group.in_table = 0, -1, False
        elif word == "s":
            group.style = number or 0
        elif word == "outlinelevel":
            group.outline = number if number is not None else -1
        elif word == "intbl":
            group.in_table = True
        elif word == "uc":
            group.skipped = max(number or 0, 0)
        elif word == "b":
            group.look = replace(group.look, bold=on)
        elif word == "fs":
            group.look = replace(group.look, size=number or 24)
        elif word == "f":
            group.look = replace(group.look, page=self.fonts.get(number or 0, 0))
        elif word in ("super", "nosupersub", "up"):
            group.look = replace(group.look, up=word == "super" or (word == "up" and bool(number)))
        elif word in ("v", "deleted"):
            group.look = replace(group.look, hidden=on)
        else:
            return False
        return True


def _closing(source: str, place: int) -> int:
    """The place of the brace that closes the group that is open at ``place``."""
    depth = 1
    while True:
        found = _BRACE.search(source, place)
        if found is None:
            return len(source)
        place = found.end()
        if found.group(1):
            place += int(found.group(1))
        elif found.group() == "{":
            depth += 1
        elif found.group() == "}":
            depth -= 1
            if not depth:
                return found.start()
