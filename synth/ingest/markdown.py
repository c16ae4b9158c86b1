"""Markdown to elements: markdown-it-py makes the page that a reader would see, and the page is read like any other.

So HTML inside Markdown, nested lists and escaped signs need no rules of their own here. Every block carries the lines of its source, which
become offsets in the text of the file. What the page does not show goes: front matter (its title is the document's), comments, imports
and component tags of MDX, template tags, ``{#ids}``.
"""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from triplette.synth.ingest.elements import Element, Reading, one_line, raised, worded
from triplette.synth.ingest.encoding import decode
from triplette.synth.ingest.furniture import Page
from triplette.synth.ingest.headings import BULLET
from triplette.synth.ingest.html import parse
from triplette.synth.ingest.html_walk import ARTICLE, CALLOUT, LINES, NUMBERED, walk
from triplette.synth.ingest.markdown_tables import drawn_tables
from triplette.synth.ingest.markdown_tags import is_program, untagged

NESTING_MAX = 60  # lists and quotes inside one another that are followed; deeper ones are flattened first
_DEEP_SIGNS = re.compile(
    r"^((?:[ \t]*(?:[-*+>]|\d{1,9}[.)])(?=[ \t>]|$)){20})(?:[ \t]*(?:[-*+>]|\d{1,9}[.)])(?=[ \t>]|$))++", re.MULTILINE
)
_DEEP_INDENT = re.compile(r"^([ ]{80}|\t{20})[ \t]++", re.MULTILINE)
_FRONT_LINE = re.compile(r"\s*[\w.-]+\s*[:=]|\s|-\s|#|\[|\]|\{|\}|$")
_TITLE_LINE = re.compile(r"^title[ \t]*[:=](.+)$", re.MULTILINE)
_NUMBER = re.compile(r"^(\d+(?:\.\d+)+\.?|[A-Z]\d+(?:\.\d+)*)$")  # in bold at a line's start: an article
_LETTERED = re.compile(r"^(?:\(?(?:[a-z]|[ivx]{1,4})\)|\(\d{1,2}\)|[a-z]\.)\s+\S")
_ATTRIBUTES = re.compile(r"\s*\{:?\s*[#.][^{}\n]*\}\s*$|^\{:[^{}\n]*\}$")
DROPPED = "triplette-dropped"  # in the parser's environment: the template tags and imports that are no text
BEGINNING = 8  # parts of a line that tell whether it begins an article or item
ATTRIBUTES_MAX = 400  # characters at a line's end that may be its attributes
_ALERT = re.compile(r"^\[!(?P<kind>\w+)\][+-]?[ \t]*")
_REFERENCE = re.compile(r"^ {0,3}\[([^\^\]\[][^\]\[]{0,200})\]:[ \t]*<?([^\s>]+)")
_WIKI = re.compile(
    r"!\[\[[^\[\]\n]{1,200}\.(?:png|jpe?g|gif|svg|webp|pdf)(?:\|[^\[\]\n]{0,99})?\]\]|!?\[\[(?:[^\[\]|\n]{1,200}\|)?([^\[\]|\n]{1,200})\]\]",
    re.IGNORECASE,
)
_SPAN = re.compile(r"\[([^\[\]\n]{1,200})\]\{[.#][^{}\n]{0,200}\}|==(\S[^=\n]{0,300})==|(?<=\w)~(\w{1,8})~")
_RAISED = re.compile(r"(?<=[\w)\]])\^([\w+-]{1,12})\^")
# docling's mark within a sentence that goes on over the page's end
_PAGE_BREAK = re.compile(r"(?<=[^\W\d_])\n\n<!-- page[ -]?break -->\n\n(?=[a-zà-ÿ])")
_ABBREVIATION = re.compile(r"^\*\[[^\]\n]{1,100}\]:[^\n]*$", re.MULTILINE)
_TABS = re.compile(r"^([ \t]*)===!?\+? (?=\")", re.MULTILINE)
_OPTION = re.compile(r"\A(?:[ \t]*:[\w-]+:[^\n]*\n)+")
_CONTENTS = re.compile(r"^(?:\[TOC\]|\[\[_?TOC_?\]\])[ \t]*$|^[*-] [^\n]*\n\{:\s?toc[^}\n]*\}[ \t]*$", re.MULTILINE | re.IGNORECASE)
_JSON_FRONT = re.compile(r"\A\ufeff?(?:;;;\n)?(\{.{0,20000}?\n?\})\n(?:;;;\n)?(?=\n|\Z|[^\s,\]}])", re.DOTALL)
_DIRECTIVE_TITLE = re.compile(
    r"^\s*(?:[\w-]*\{[^{}]*title\s*=\s*\"([^\"]*)\"[^{}]*\}|\{[^{}]*\}$|\{?\.?[\w-]*\}?(?:\[([^\]]*)\])?\s*([^{}]*))"
)
ADMONITIONS = frozenset("note tip warning caution danger important info hint attention error seealso admonition".split())


def read_markdown(path: Path) -> tuple[str, tuple[Element, ...], tuple[str, ...]]:
    """(the file's text, its elements with offsets in it, notes)."""
    text, notes = decode(path.read_bytes(), path.name)
    return text, markdown_elements(text), notes


def markdown_elements(text: str) -> tuple[Element, ...]:
    """The elements of a Markdown text, with offsets of their lines in it."""
    reading, first = front_matter(text)
    lines = text.split("\n")
    body = _bounded("\n".join([*[""] * first, *lines[first:]]))
    body = _PAGE_BREAK.sub("\n\u200b\n\u200b\n\u200b\n", _ABBREVIATION.sub("", body))  # as many lines, none of them blank or seen
    body = _CONTENTS.sub(lambda found: "\n" * found.group().count("\n"), _TABS.sub(r"\1!!! tab ", body))
    body = drawn_tables(body, _inline)
    body, references = _references(body)
    environment: dict[str, Any] = {**references, DROPPED: [row.removeprefix("*") for row in _ABBREVIATION.findall(text)]}
    root, _ = parse(f"<body>{_renderer().render(body, environment)}</body>")
    found = root.find("body")
    page = Page(found if found is not None else root)
    elements = walk(page.root, partial(_role_of, page), alt=True)
    head = [*reading.elements, *(Element("paragraph", one_line(tag), role="markup") for tag in environment[DROPPED] if one_line(tag))]
    starts = _line_starts(lines)
    title = one_line(reading.title)
    shown = [e for e in elements if e.kind == "heading"]
    if title and not (shown and shown[0].level <= 1 and _letters(shown[0].text) == _letters(title)):
        head.append(Element("heading", title, level=0, start=0, end=len("\n".join(lines[:first]))))
    return (*head, *(_placed(worded(element), starts, len(text)) for element in elements))


def _role_of(page: Page, node: Any) -> str:
    """In a text by its author only what is hidden is no text: an <aside> or <header> in it is meant to be read."""
    role = page.role_of(node, within_main=True)
    return role if role in ("hidden", "control") and node.tag not in ("div", "section") else ""


def _letters(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


def _line_starts(lines: Sequence[str]) -> list[tuple[int, int]]:
    """(start, end) offset of every line."""
    found = []
    offset = 0
    for line in lines:
        found.append((offset, offset + len(line)))
        offset += len(line) + 1
    return found


def _placed(element: Element, starts: Sequence[tuple[int, int]], length: int) -> Element:
    """The element with offsets instead of lines (``start`` to before ``end``)."""
    if element.role != "body" or element.kind == "close":
        return element
    first = min(max(element.start, 0), len(starts) - 1)
    last = min(max(element.end - 1, first), len(starts) - 1)
    return replace(element, start=starts[first][0], end=min(starts[last][1], length))


def front_matter(text: str) -> tuple[Reading, int]:
    """What a YAML ("---") or TOML ("+++") head says, and how many lines it takes; 0 when there is none."""
    lines = text.split("\n", 1)
    mark = lines[0].lstrip("\ufeff").strip()
    if mark not in ("---", "+++") or len(lines) < 2:
        return _json_front(text)
    ends = ("---", "...") if mark == "---" else ("+++",)
    rows = lines[1].split("\n")
    last = next((i for i, row in enumerate(rows) if row.strip() in ends), -1)
    if last < 0 or (mark == "---" and not all(_FRONT_LINE.match(row) for row in rows[:last])):
        return Reading(()), 0
    head = "\n".join(rows[:last])
    dropped = Element("paragraph", head, role="front matter")
    return Reading((dropped,) if head.strip() else (), _front_title(head, toml=mark == "+++")), last + 2


def _json_front(text: str) -> tuple[Reading, int]:
    """A head in JSON, alone or between lines of ";;;", as some site makers write it."""
    found = _JSON_FRONT.match(text)
    try:
        values = json.loads(found.group(1)) if found else None
    except (ValueError, RecursionError):
        values = None
    if found is None or not isinstance(values, dict):
        return Reading(()), 0
    title = values.get("title")
    return Reading(
        (Element("paragraph", found.group(1), role="front matter"),), title if isinstance(title, str) else ""
    ), found.group().count("\n")


def _front_title(head: str, *, toml: bool) -> str:
    """The ``title`` of front matter; a head that does not parse is searched for its line."""
    import yaml

    try:
        values = tomllib.loads(head) if toml else yaml.load(head, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        title = values.get("title") if isinstance(values, dict) else None
    except (tomllib.TOMLDecodeError, yaml.YAMLError, ValueError, RecursionError):
        found = _TITLE_LINE.search(head)
        title = found.group(1).strip().strip("\"'") if found else None
    return title if isinstance(title, str) else ""


def _references(text: str) -> tuple[str, dict[str, Any]]:
    """The text without the link references that directly follow a footnote, and these: the parser would read them as its text."""
    from markdown_it.common.utils import normalizeReference

    rows = text.split("\n")
    found: dict[str, Any] = {}
    after_note = False
    for place, row in enumerate(rows):
        reference = _REFERENCE.match(row) if after_note else None
        if reference:
            found.setdefault(normalizeReference(reference.group(1)), {"title": "", "href": reference.group(2)})
            rows[place] = ""
        else:
            after_note = row.startswith("[^") and "]:" in row
    return "\n".join(rows), {"references": found} if found else {}


def _bounded(text: str) -> str:
    """The text with lists and quotes inside one another cut to a depth that can be followed; the parser drops what is deeper."""
    return _DEEP_INDENT.sub(r"\1", _DEEP_SIGNS.sub(r"\1", text))


_MADE: list[Any] = []


def _renderer() -> Any:
    """markdown-it with tables, footnotes, definition lists, task lists, formulas and admonitions; made once."""
    if not _MADE:
        from markdown_it import MarkdownIt
        from mdit_py_plugins.admon import admon_plugin
        from mdit_py_plugins.container import container_plugin
        from mdit_py_plugins.deflist import deflist_plugin
        from mdit_py_plugins.dollarmath import dollarmath_plugin
        from mdit_py_plugins.footnote import footnote_plugin
        from mdit_py_plugins.tasklists import tasklists_plugin

        md = MarkdownIt("commonmark", {"html": True, "maxNesting": 2 * NESTING_MAX}).enable(["table", "strikethrough"])
        md.use(footnote_plugin).use(deflist_plugin).use(tasklists_plugin).use(admon_plugin)
        md.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
        md.use(container_plugin, "directive", marker=":", validate=lambda params, *_: True)
        md.core.ruler.push("triplette", _prepare)
        rules: Any = md.renderer
        rules.rules.update(_RULES)
        _MADE.append(md)
    return _MADE[0]


# The tokens, before they are rendered


def _prepare(state: Any) -> None:
    """Give every block its lines, split paragraphs where an article or item begins, take out what no reader sees."""
    tokens: list[Any] = []
    inside: list[str] = []
    dropped = state.env.setdefault(DROPPED, [])
    for token in state.tokens:
        if token.map:  # of a directive's content: lines of the file
            token.map = [place + state.env.get("triplette-shift", 0) for place in token.map]
        if token.map and token.nesting >= 0 and token.type != "inline":
            token.attrSet(LINES, f"{token.map[0]}:{token.map[1]}")
        if token.type == "paragraph_open":
            token.hidden = False  # of a tight list: its paragraph has lines of its own
        elif token.type == "paragraph_close":
            token.hidden = False
        elif token.type == "list_item_open" and token.info.isdigit():
            token.attrSet(NUMBERED, token.info)
        if token.nesting:
            inside.append(token.type) if token.nesting > 0 else inside and inside.pop()
        if token.type == "inline" and token.map and tokens and tokens[-1].type == "paragraph_open":
            tokens += _paragraph(tokens.pop(), token, dropped)  # the text of a note written in mid-line has no lines of its own
        else:
            if token.type == "inline":
                _tidied(token, dropped)
            tokens.append(token)
    state.tokens = _typed_numbers(tokens)


def _typed_numbers(tokens: list[Any]) -> list[Any]:
    """Numbers as they were typed where they rise; a list of "1." throughout is counted."""
    stack: list[list[Any]] = []
    for token in tokens:
        if token.type == "ordered_list_open":
            stack.append([])
        elif token.type == "ordered_list_close":
            items = stack.pop()
            typed = [int(item.info) for item in items]
            if any(b <= a for a, b in itertools.pairwise(typed)):
                for item in items[1:]:
                    item.attrs.pop(NUMBERED, None)
        elif token.type == "list_item_open" and token.info.isdigit() and stack:
            stack[-1].append(token)
    return tokens


def _paragraph(opening: Any, inline: Any, dropped: list[str]) -> list[Any]:
    """A paragraph's opening and text, as several where a line begins an article or item, or none where it is no text."""
    content = inline.content.strip()
    if is_program(content):
        dropped.append(content)
        inline.children, inline.content = [], ""
        return [opening, inline]
    _tidied(inline, dropped)
    parts: list[list[Any]] = [[]]
    firsts = [0]
    row = 0
    children = inline.children or []
    for place, child in enumerate(children):
        if child.type in ("softbreak", "hardbreak"):
            row += 1
            if _begins(children[place + 1 : place + 1 + BEGINNING]):
                parts.append([])
                firsts.append(row)
                continue
        parts[-1].append(child)
    first, last = inline.map
    made: list[Any] = []
    for number, (part, start) in enumerate(zip(parts, firsts, strict=True)):
        end = firsts[number + 1] if number + 1 < len(firsts) else last - first
        head, text = opening.copy(), inline.copy(children=part)
        head.attrs = {**opening.attrs, LINES: f"{first + start}:{first + end}"}
        article = _bold_number(part)
        if article:
            head.attrs[ARTICLE] = article
        if made:
            made.append(_closing(opening))
        made += [head, text]
    return made


def _closing(opening: Any) -> Any:
    return opening.copy(type="paragraph_close", nesting=-1, attrs={})


def _begins(rest: Sequence[Any]) -> bool:
    """Whether the line that follows opens an article or an item of its own."""
    if _bold_number(rest):
        return True
    text = rest[0].content if rest and rest[0].type == "text" else ""
    return bool(text) and bool((BULLET.match(text) and text[0] not in "*–-_o") or _LETTERED.match(text))


def _bold_number(tokens: Sequence[Any]) -> str:
    """The article number that stands in bold at the start, or ""."""
    kinds = [token.type for token in tokens[:4]]
    while kinds[:1] == ["text"] and not tokens[0].content.strip():
        tokens, kinds = tokens[1:], kinds[1:]
    if kinds[:3] != ["strong_open", "text", "strong_close"]:
        return ""
    found = _NUMBER.match(tokens[1].content.strip())
    return found.group(1).rstrip(".") if found else ""


def _tidied(inline: Any, dropped: list[str]) -> None:
    """Take attributes, template tags and signs of admonitions out of a line's text; the tags go to ``dropped``."""
    children = inline.children or []
    for before, child, after in zip([None, *children], children, [*children[1:], None], strict=False):
        if child.markup == "*" and before and after and before.content[-1:].isdigit() and after.content[:1].isdigit():
            child.type, child.tag, child.nesting, child.content = "text", "", 0, "*"  # 3*4*5 is no emphasis
        if child.type == "text" and child.content:
            text = _WIKI.sub(r"\1", untagged(child.content, dropped))
            child.content = _RAISED.sub(lambda found: raised(found.group(1)), _SPAN.sub(r"\1\2\3", text))
    texts = [child for child in children if child.type == "text"]
    if inline.content.startswith("| ") and all(row.startswith("| ") for row in inline.content.split("\n")):  # a line block
        for before, child in zip([None, *children], children, strict=False):
            if child.type == "text" and (before is None or before.type == "softbreak"):
                child.content = child.content.removeprefix("| ")
    if texts:
        if texts[-1] is children[-1] and texts[-1].content.rstrip().endswith("}"):
            body, tail = texts[-1].content[:-ATTRIBUTES_MAX], texts[-1].content[-ATTRIBUTES_MAX:]
            dropped += (found.group() for found in _ATTRIBUTES.finditer(tail))
            texts[-1].content = body + _ATTRIBUTES.sub("", tail)
        if texts[0] is children[0]:
            texts[0].content = _ALERT.sub("", texts[0].content)


# The rendering


def _code(tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
    token = tokens[place]
    directive = re.match(r"\{([\w-]+)\}\s*(.*)", token.info.strip())
    depth = env.get("triplette-depth", 0)
    if directive and directive.group(1) in ADMONITIONS and depth < 4:
        content = _OPTION.sub(lambda found: "\n" * found.group().count("\n"), token.content)
        shift = token.map[0] + 1 if token.map else 0
        inner = _renderer().render(content, {"triplette-depth": depth + 1, "triplette-shift": shift, DROPPED: env[DROPPED]})
        title = f"<p>{escape(directive.group(2))}</p>" if directive.group(2) else ""
        return f"<div {_lines(token)}>{title}{inner}</div>"
    return f"<pre {_lines(token)}>{escape(token.content)}</pre>\n"


def _inline(text: str) -> str:
    return str(_renderer().renderInline(text))


def _lines(token: Any) -> str:
    return f'{LINES}="{token.attrGet(LINES) or ""}"'


def _html_block(tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
    return f"<i {_lines(tokens[place])}></i>{tokens[place].content}"


def _formula(tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
    token = tokens[place]
    text = escape(" ".join(token.content.split()))
    return f"<p {_lines(token)}>{text}</p>\n" if token.block else text


def _nothing(tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
    return ""


def _directive(tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
    token = tokens[place]
    if token.nesting < 0:
        return "</div>\n"
    found = _DIRECTIVE_TITLE.match(token.info.strip().lstrip(":"))
    title = next((part for part in found.groups() if part), "") if found else ""
    callout = any(word in ADMONITIONS or word == "callout" for word in re.findall(r"[a-z]+", token.info.lower()))
    mark = f' {CALLOUT}=""' if callout else ""
    return f"<div {_lines(token)}{mark}>" + (f"<p>{escape(title)}</p>" if title else "")


_RULES = {
    "fence": _code, "code_block": _code, "html_block": _html_block, "math_inline": _formula, "math_inline_double": _formula,
    "math_block": _formula, "math_block_label": _formula, "footnote_ref": _nothing, "footnote_anchor": _nothing,
    "container_directive_open": _directive, "container_directive_close": _directive,
}  # fmt: skip
