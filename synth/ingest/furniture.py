"""Which parts of a web page are not its text: menus, breadcrumbs, notices, footers, hidden parts, controls.

Told by tag, ARIA role and the words of class and id. A page's main part is its <main>, else its <article>, where that holds the bulk of
the text; a page without either is judged part by part.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from triplette.synth.ingest.html_notes import EPUB_TYPE, is_note_mark
from triplette.synth.ingest.html_sheets import HIDDEN_SHARE, UNSHOWN

SILENT = frozenset(
    "script style noscript template head iframe object embed applet svg canvas audio video map link meta base frame frameset".split()
)
CONTROLS = frozenset("input select textarea datalist option optgroup progress meter keygen".split())
_TAGS = {"nav": "menu", "aside": "aside", "footer": "footer", "dialog": "notice", "menu": "menu"}
_ROLES = {
    "navigation": "menu", "banner": "header", "contentinfo": "footer", "complementary": "aside", "search": "control", "dialog": "notice",
    "alertdialog": "notice", "menu": "menu", "menubar": "menu", "toolbar": "control", "tooltip": "control", "doc-backlink": "control",
    "doc-toc": "menu", "doc-pagelist": "menu", "doc-pagebreak": "control",
}  # fmt: skip
_NAMES = {
    "cookie": "notice", "cookies": "notice", "cookiebar": "notice", "cookiebanner": "notice", "consent": "notice", "gdpr": "notice",
    "rgpd": "notice", "cookiebot": "notice", "iubenda": "notice", "orejime": "notice", "klaro": "notice",
    "usercentrics": "notice",
    "termly": "notice", "cmp": "notice", "cmp2": "notice", "truste": "notice", "modal": "notice", "popup": "notice",
    "tarteaucitron": "notice", "onetrust": "notice", "didomi": "notice", "axeptio": "notice", "newsletter": "notice",
    "breadcrumb": "menu", "breadcrumbs": "menu", "ariane": "menu", "navbar": "menu", "navigation": "menu", "nav": "menu", "menu": "menu",
    "submenu": "menu", "topbar": "menu", "pagination": "menu", "pager": "menu", "skip": "menu", "skiplink": "menu", "skiplinks": "menu",
    "sidebar": "aside", "related": "aside", "share": "aside", "sharing": "aside", "social": "aside", "addtoany": "aside",
    "footer": "footer", "colophon": "footer", "copyright": "footer", "masthead": "header",
    "editsection": "control", "headerlink": "control", "permalink": "control", "backref": "control",
}  # fmt: skip
_NOTES = frozenset("note tip warning caution danger important admonition callout info alert hint pullquote footnote footnotes".split())
_LEADING = frozenset(("menu", "notice", "aside"))  # roles whose parts lead on, or want an answer
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_LEADS = frozenset(("a", "button", "label", "iframe"))
_HIDDEN_NAMES = frozenset(("sr-only", "visually-hidden", "screen-reader-text", "visuallyhidden", "element-invisible"))
_HIDDEN_CLASSES = frozenset(("d-none", "hidden", "is-hidden", "hide", "invisible", "u-hidden"))  # unless a wider screen shows it
_SHOWN_CLASS = re.compile(r"\b(?:d-(?:xs|sm|md|lg|xl|xxl|print)-\w+|(?:xs|sm|md|lg|xl|2xl):\w+|visible-\w+)")
STRUCK = frozenset(("del", "s", "strike"))  # text that its author crossed out
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
NAME_LIMIT = 400  # characters of class and id that are looked at
FURNITURE_SHARE = 0.5  # of a page's text: what holds more is no furniture, whatever it is called,
LINK_SHARE = 0.7  # unless so much of it is links
NOTICE_SHARE = 0.9  # a short page may have a long cookie notice
QUESTION_MAX = 300  # characters of a question over a hidden answer
MAIN_MIN = 20  # letters: an empty <main> is filled by a script, and the page's text lies elsewhere
MAIN_SHARE = {"main": 0.5, "article": 0.6}  # of the text of all of its kind: of ten teasers in <article>, none is the page


class Page:
    """A page's tree with what judging its parts needs: the text that each node holds, and which parts buttons open."""

    def __init__(self, root: Any, unseen: frozenset[Any] = frozenset()) -> None:
        self.root = root
        self.tabs = _labelled_panels(root)
        self.sizes, self.linked, self.told = _sizes(root)
        self.opened = _opened_by_buttons(root)
        self.unseen = unseen if sum(self.sizes.get(node, 0) for node in unseen) <= HIDDEN_SHARE * self.sizes[root] else frozenset()
        self.main = self._main_part()

    def role_of(self, node: Any, *, within_main: bool) -> str:
        """Why ``node`` is not text (``menu``, ``notice``, ``hidden``, ``control``, ...), or "" when it is.

        ``within_main`` says that the node lies in the page's main part, where a <header> holds the title and names of classes say less.
        """
        if node.tag in CONTROLS or node in self.tabs:
            return "control"
        if node.tag in STRUCK:
            return "hidden"
        if _hidden(node, self.opened, unseen=node in self.unseen):
            return "hidden"
        role = _tagged_role(node, within_main) or self._called_role(node, within_main)
        return role if role and (role == "control" or self._is_small(node, role)) else ""

    def _called_role(self, node: Any, within_main: bool) -> str:
        """What the words of class and id call a part, unless it tells something and leads nowhere: an inn's "menu", a recipe of "cookies"."""
        role = _named_role(node, within_main)
        return "" if role in _LEADING and node in self.told else role

    def _is_small(self, node: Any, role: str) -> bool:
        """Whether the part is no more than furniture can be: names lie, and a class such as "has-sidebar" may hold the whole page."""
        size = self.sizes.get(node, 0)
        share = NOTICE_SHARE if role == "notice" else FURNITURE_SHARE
        return size <= share * self.sizes[self.root] or self.linked.get(node, 0) >= LINK_SHARE * size

    def _main_part(self) -> Any:
        """The <main> or <article> that holds the page's text, else the root."""
        for tag, share in MAIN_SHARE.items():
            parts = [node for node in self.root.iter(tag) if next(node.iterancestors(tag), None) is None]
            if tag == "main":
                parts += [node for node in self.root.iter("div", "section", "td") if node.get("role") == "main"]
            sizes = [self.sizes.get(part, 0) for part in parts]
            if sizes and max(sizes) >= max(MAIN_MIN, share * sum(sizes)):
                return parts[sizes.index(max(sizes))]
        return self.root


def _tagged_role(node: Any, within_main: bool) -> str:
    """What a part is by its tag, its ARIA role and the marks of the programs that write pages."""
    tag = node.tag
    role = node.get("role")
    if tag == "a" and is_note_mark(node):
        return "control"
    if "pagebreak" in (node.get("epub:type") or node.get(EPUB_TYPE) or ""):
        return "control"  # a number of the printed book's page, in the midst of a line
    if tag == "div" and node.get("title") in ("header", "footer"):
        return str(node.get("title"))  # LibreOffice's running heads
    if role in _ROLES and not (role == "banner" and within_main):
        return _ROLES[role]
    names = _names(node)
    if {"sp", "message", "container"} <= names:  # Sourcepoint's notice
        return "notice"
    if _noted(node, names):
        return ""
    if tag in _TAGS and not (tag == "footer" and "footnotes" in names):
        return _TAGS[tag]
    if tag == "header" and not within_main and next(node.iterancestors("article", "section", "main"), None) is None:
        return "header"
    return ""


def _named_role(node: Any, within_main: bool) -> str:
    """What the words of class and id call a part."""
    names = _names(node)
    if node.tag in ("main", "article", "body", "html", "h1", "table", "form") or not names or _noted(node, names):
        return ""
    return next((_NAMES[name] for name in sorted(names) if name in _NAMES and not (within_main and _NAMES[name] == "header")), "")


def _noted(node: Any, names: frozenset[str]) -> bool:
    """Whether an <aside> is a note on the text beside it."""
    return node.tag == "aside" and (not names.isdisjoint(_NOTES) or node.get("role") == "note")


def _hidden(node: Any, opened: frozenset[str], *, unseen: bool) -> bool:
    get = node.get
    hidden = get("hidden")
    unseen = unseen or (hidden is not None and hidden != "until-found") or (get("aria-hidden") == "true" and node.tag != "figcaption")
    style = get("style")
    unseen = unseen or (style is not None and UNSHOWN.search(style[:NAME_LIMIT]) is not None)
    names = (get("class") or "")[:NAME_LIMIT].lower()
    parts = names.split()
    if not _HIDDEN_NAMES.isdisjoint(parts):
        return True
    unseen = unseen or (not _HIDDEN_CLASSES.isdisjoint(parts) and not _SHOWN_CLASS.search(names))
    return unseen and not (get("id") in opened or get("role") == "tabpanel" or _is_answer(node))


def _is_answer(node: Any) -> bool:
    """Whether a hidden part follows what opens it: a button, or a question."""
    before = node.getprevious()
    if before is None or node.get("aria-hidden") == "true":
        return False
    inner = before[0] if len(before) else before
    if "button" in (before.tag, inner.tag, before.get("role"), inner.get("role")) or before.get("aria-expanded") is not None:
        return True
    return _solid("".join(before.itertext())) <= QUESTION_MAX and "".join(before.itertext()).rstrip().endswith("?")


def _labelled_panels(root: Any) -> frozenset[Any]:
    """The tabs of a page, whose labels now stand over their panels: as a <summary> does, a heading in force until the panel ends."""
    tabs = [node for node in root.iter("button", "a", "li", "div", "span") if node.get("role") == "tab"]
    panels = {node.get("id"): node for node in root.iter() if node.get("role") == "tabpanel"} if tabs else {}
    placed = []
    for tab in tabs:
        panel = panels.pop(tab.get("aria-controls") or (tab.get("href") or "").lstrip("#"), None)
        label = " ".join("".join(tab.itertext()).split())
        if panel is not None and label and tab not in panel.iter():
            heading = etree.Element("summary")
            heading.text, heading.tail, panel.text = label, panel.text, None
            panel.insert(0, heading)
            placed.append(tab)
    return frozenset(placed)


def _names(node: Any) -> frozenset[str]:
    """The words of class and id: "site-navBar" -> site, nav, bar, and navbar where it is written as one."""
    found: set[str] = set()
    for value in (node.get("class"), node.get("id")):
        if value:
            for part in value[:NAME_LIMIT].split():
                for piece in re.split(r"[-_:]+", part):
                    found.add(piece.lower())
                    found.update(word.lower() for word in _WORD.findall(piece))
    return frozenset(found)


def _opened_by_buttons(root: Any) -> frozenset[str]:
    """Ids of the parts that buttons open and close (an accordion's panels)."""
    found: set[str] = set()
    for node in root.iter("button", "a", "summary", "div", "h2", "h3", "h4"):
        if node.tag in ("button", "a") or node.get("aria-expanded") is not None:
            for name in ("aria-controls", "data-target", "data-bs-target"):
                found.update((node.get(name) or "").lstrip("#").split())
    return frozenset(found)


def _sizes(root: Any) -> tuple[dict[Any, int], dict[Any, int], frozenset[Any]]:
    """Characters that are not blank under each node, and those of them in links; scripts, controls, menus and footers hold none.

    And the nodes that tell something and lead nowhere: with a heading and a paragraph in them, and no link, button or control.
    """
    sizes: dict[Any, int] = {}
    linked: dict[Any, int] = {}
    told: set[Any] = set()
    stack: list[list[int]] = [[0, 0, 0, 0, 0]]
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, node in walk:
        tag = node.tag
        if event == "start":
            skipped = tag in SILENT or tag in CONTROLS
            stack.append([0 if skipped else _solid(node.text), 0, int(tag in _HEADINGS), int(tag == "p"), int(_leads(node))])
            if skipped:
                walk.skip_subtree()
            continue
        size, in_links, headings, paragraphs, leads = stack.pop()
        if tag == "a":
            in_links = size
        sizes[node], linked[node] = size, in_links
        if headings and paragraphs and not leads:
            told.add(node)
        held = tag not in ("nav", "footer")
        above = stack[-1]
        above[0] += (size if held else 0) + (_solid(node.tail) if node is not root else 0)
        above[1] += in_links if held else 0
        for place, count in enumerate((headings, paragraphs, leads), 2):
            above[place] += count
    return sizes, linked, frozenset(told)


def _leads(node: Any) -> bool:
    """Whether the node itself leads on or wants an answer: a link, a button, a control."""
    return node.tag in CONTROLS or node.tag in _LEADS or node.get("role") == "button" or node.get("onclick") is not None


def _solid(text: str | None) -> int:
    return len("".join(text.split())) if text else 0
