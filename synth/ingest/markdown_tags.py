"""What of a Markdown text is a program's and no reader sees: imports and components of MDX, tags of site makers (Hugo, Jekyll)."""

from __future__ import annotations

import re

# statements of MDX, over several lines too: imports, then exports to the paragraph's end
_IMPORTS = re.compile(
    r"(?:import\s+(?:[\w*{][\w\s*{},$]{0,2000}?\sfrom\s+)?[\"'][^\"'\n]+[\"'];?\s*)*"
    r"(?:export\s+(?:default\s+(?:function|class|async|[({\[]|\w+;?\s*$|\w+\()|(?:const|let|var)\s+[\w{\[]|(?:async\s+)?function\b|class\s|\{|\*).*)?",
    re.DOTALL,
)
_COMPONENTS = re.compile(r"^(?:<[/]?[A-Z][\w.]*(?:\s[^<>]*)?>\s*)+$")
_TEMPLATE = re.compile(r"\{\{[<%].{0,500}?[%>]\}\}|\{%.{0,500}?%\}|\{/\*.{0,2000}?\*/\}", re.DOTALL)
_SHOWN_VALUE = re.compile(
    r"\b(caption|title|content|text)\s*=\s*(?:\"([^\"<>{}]{1,400})\"|'([^'<>{}]{1,400})')"
)  # of a tag: what its page shows


def is_program(paragraph: str) -> bool:
    """Whether a paragraph is nothing but statements or components of MDX."""
    return bool(_IMPORTS.fullmatch(paragraph) or _COMPONENTS.match(paragraph))


def untagged(text: str, dropped: list[str]) -> str:
    """The text with what the page shows of each template tag; the rest of the tags goes to ``dropped``."""

    def shown(tag: re.Match[str]) -> str:
        dropped.append(_SHOWN_VALUE.sub(r"\1=", tag.group()))
        return " ".join(found.group(2) or found.group(3) for found in _SHOWN_VALUE.finditer(tag.group()))

    return _TEMPLATE.sub(shown, text)
