"""What a page's own style sheets hide: parts that only they take off the page.

Rules of one compound selector ("p.draft", "#banner") are believed, the last one for a selector first; what holds for some screens, for paper or
inside another part is not. Sheets that are files of their own are read where they come along (a book's).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

SHEETS_MAX = 2_000_000  # characters of style sheets that are looked at
HIDDEN_SHARE = 0.5  # of a page's text: a sheet that hides more waits for a script that shows it
UNSHOWN = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|(?:left|top|text-indent)\s*:\s*-\d{4})",
    re.IGNORECASE,
)
_SHOWN = re.compile(r"(?:^|;)\s*(?:display|visibility)\s*:\s*(?!none|hidden)\w", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_SIMPLE = re.compile(r"(?P<tag>[a-zA-Z][\w-]*)?(?P<names>(?:[.#][\w-]+)+)|(?P<only>[a-zA-Z][\w-]*)")


def hidden_nodes(root: Any, sheets: Sequence[str] = ()) -> frozenset[Any]:
    """The nodes that the page's <style> elements, and ``sheets`` beside it, do not show."""
    texts = [*sheets, *("".join(node.itertext()) for node in root.iter("style") if _for_screens(node.get("media")))]
    source = "\n".join(texts)[:SHEETS_MAX]
    if not UNSHOWN.search(source.replace("{", ";")):
        return frozenset()
    tags, named = _hiding(source)
    found = []
    for node in root.iter() if tags or named else ():
        if isinstance(node.tag, str) and (node.tag in tags or _matches(node, named)):
            found.append(node)
    return frozenset(found)


def _for_screens(media: str | None) -> bool:
    return (media or "all").strip().lower() in ("all", "screen", "")


def _hiding(source: str) -> tuple[frozenset[str], dict[str, list[tuple[str, frozenset[str]]]]]:
    """Tags that are hidden as a whole, and compound selectors that hide, by their last name, as (tag or "", all of their names)."""
    hides: dict[str, bool] = {}
    for selectors, declarations in _rules(_COMMENT.sub(" ", source)):
        hidden, visible = UNSHOWN.search(declarations), _SHOWN.search(declarations)
        if hidden or visible:
            for selector in selectors.split(","):
                hides[selector.strip()] = bool(hidden)
    tags: set[str] = set()
    named: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for selector, hidden_too in hides.items():
        match = _SIMPLE.fullmatch(selector) if hidden_too else None
        if match and match["only"]:
            tags.add(match["only"].lower())
        elif match:
            names = re.findall(r"[.#][\w-]+", match["names"])
            named.setdefault(names[-1], []).append(((match["tag"] or "").lower(), frozenset(names)))
    return frozenset(tags - {"html", "body"}), named


def _rules(source: str) -> Iterator[tuple[str, str]]:
    """(selectors, declarations) of the rules that hold everywhere: those inside @media and the like are skipped."""
    place = 0
    while (opening := source.find("{", place)) >= 0:
        head = source[place:opening].rsplit(";", 1)[-1].strip()
        if head.startswith("@"):
            place = _block_end(source, opening)
            continue
        closing = source.find("}", opening)
        closing = len(source) if closing < 0 else closing
        yield head, source[opening + 1 : closing]
        place = closing + 1


def _block_end(source: str, opening: int) -> int:
    depth = 0
    for brace in re.compile(r"[{}]").finditer(source, opening):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return brace.end()
    return len(source)


def _matches(node: Any, named: dict[str, list[tuple[str, frozenset[str]]]]) -> bool:
    own = {f".{name}" for name in (node.get("class") or "").split()}
    if node.get("id"):
        own.add(f"#{node.get('id')}")
    return any((not tag or tag == node.tag) and names <= own for name in own if name in named for tag, names in named[name])
