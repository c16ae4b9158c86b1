"""What a Word paragraph is by its style: heading, title, list item, line of the table of contents; and its numbering."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from triplette.synth.ingest.docx_xml import W, attribute, is_on

_HEADING = re.compile(r"^(?:heading|titre|überschrift|título|titolo|kop|nagłówek|заголовок) ?([1-9])$", re.IGNORECASE)
_TITLE = frozenset(("title", "titre", "titel", "título", "titolo"))
_LIST = re.compile(r"^(?:list|liste|puce|aufzählung|lista)", re.IGNORECASE)
_CONTENTS = re.compile(r"^(?:toc|tm|toc heading|table of figures|table des illustrations|index) ?\d?$", re.IGNORECASE)
CHAIN_MAX = 20  # styles that are based on one another


def style_level(name: str) -> int | None:
    """The level that a paragraph style's name gives: 0 for the document's title, 1 to 9 for a heading, None for text."""
    name = name.strip().lower()
    heading = _HEADING.match(name)
    return 0 if name in _TITLE else int(heading.group(1)) if heading else None


def style_lists_contents(name: str) -> bool:
    """Whether a style is that of lines of a table of contents, figures or an index."""
    return bool(_CONTENTS.match(name.strip()))


@dataclass(frozen=True, slots=True)
class _Style:
    name: str
    based_on: str
    level: int | None  # outline level from 0
    numbering: tuple[str, str]  # (numId, ilvl), "" where it says nothing
    hidden: bool
    bold: bool | None


class Styles:
    """The styles of styles.xml by id; without that part every paragraph is plain."""

    def __init__(self, root: Any) -> None:
        self._styles: dict[str, _Style] = {}
        self._default = ""
        for node in root.iter(f"{W}style") if root is not None else ():
            key = attribute(node, "styleId")
            name = node.find(f"{W}name")
            based = node.find(f"{W}basedOn")
            properties = node.find(f"{W}pPr")
            self._styles[key] = _Style(
                attribute(name, "val") if name is not None else key,
                attribute(based, "val") if based is not None else "",
                _outline(properties),
                _numbering(properties),
                is_on(node.find(f"{W}rPr/{W}vanish")),
                None if node.find(f"{W}rPr/{W}b") is None else is_on(node.find(f"{W}rPr/{W}b")),
            )
            if attribute(node, "type") == "paragraph" and attribute(node, "default") in ("1", "true"):
                self._default = key

    def of(self, properties: Any) -> str:
        """The style id of a paragraph's properties."""
        node = properties.find(f"{W}pStyle") if properties is not None else None
        return attribute(node, "val") if node is not None else self._default

    def _chain(self, key: str) -> list[_Style]:
        found: list[_Style] = []
        while key in self._styles and len(found) < CHAIN_MAX:
            found.append(self._styles[key])
            key = found[-1].based_on
        return found

    def level(self, properties: Any, key: str) -> int | None:
        """0 for the document's title, 1 to 9 for a heading, None for text."""
        own = _outline(properties)
        if own is not None:
            return own + 1 if own < 9 else None
        for style in self._chain(key):
            named = style_level(style.name)
            if named is not None:
                return named
            if style.level is not None:
                return style.level + 1 if style.level < 9 else None
        return None

    def numbered(self, properties: Any) -> tuple[str, str, str]:
        """(numId, ilvl, style id) of the paragraph's numbering, its own or its style's; numId "" for none."""
        key = self.of(properties)
        number, level = _numbering(properties)
        owner = ""
        for style_key, style in self._named_chain(key):
            if number:
                break
            number, own_level = style.numbering
            level = level or own_level
            owner = style_key if number else ""
        return number, level, owner

    def _named_chain(self, key: str) -> list[tuple[str, _Style]]:
        found: list[tuple[str, _Style]] = []
        while key in self._styles and len(found) < CHAIN_MAX:
            found.append((key, self._styles[key]))
            key = self._styles[key].based_on
        return found

    def is_contents(self, key: str) -> bool:
        """A line of a table of contents, figures or an index."""
        return any(style_lists_contents(style.name) for style in self._chain(key)[:1])

    def is_list(self, key: str) -> bool:
        """An item of a list by its style's name alone."""
        return any(_LIST.match(style.name) and "paragraph" not in style.name.lower() for style in self._chain(key)[:1])

    def hides(self, key: str) -> bool:
        """Whether text in that character style is hidden."""
        return any(style.hidden for style in self._chain(key))

    def bold(self, key: str) -> bool | None:
        """Whether text in that style is bold; None where it says nothing."""
        return next((style.bold for style in self._chain(key) if style.bold is not None), None)


def _outline(properties: Any) -> int | None:
    node = properties.find(f"{W}outlineLvl") if properties is not None else None
    value = attribute(node, "val") if node is not None else ""
    return int(value) if value.isdigit() else None


def _numbering(properties: Any) -> tuple[str, str]:
    node = properties.find(f"{W}numPr") if properties is not None else None
    if node is None:
        return "", ""
    number, level = node.find(f"{W}numId"), node.find(f"{W}ilvl")
    return (attribute(number, "val") if number is not None else ""), (attribute(level, "val") if level is not None else "")
