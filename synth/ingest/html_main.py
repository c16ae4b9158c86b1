"""Which elements of a page are its main text: our own rules and trafilatura's judgement, each where it is better.

On trafilatura's labelled pages its precision is far above that of rules on tags and names, and it loses more text (benchmarks/README.md).
So an element is kept when trafilatura keeps it, or when our rules keep it and it is a table, a long paragraph, or a heading over text
that is kept. A short page, or one of which trafilatura keeps next to nothing (a page of questions behind buttons, say), is judged by our
rules alone; one of which they keep next to nothing (its text lies in a script, say) by trafilatura alone. Thresholds were chosen on one
half of the labelled pages.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from triplette.synth.ingest.elements import Element, one_line, worded
from triplette.synth.ingest.furniture import SILENT

SHORT_PAGE = 400  # characters that our rules keep, under which they decide alone
LONG_PAGE = 20_000_000  # characters of source over which they do so too: trafilatura would hold it many times over
LITTLE = 0.1  # of what our rules keep: when trafilatura keeps less, it did not see the page
FAR_MORE = 3  # times what our rules keep: when trafilatura finds so much, they did not see the page
LONG = 300  # characters of a paragraph that stays anywhere in our main part, when it ends like a sentence
LONG_BETWEEN = 250  # and between two that trafilatura keeps
ANCHOR = 60  # characters of an element that says where the main text begins and ends
SHORT_WORDS = 3  # an element with fewer must be a line of trafilatura's own: "Home" is found in any text
SHARED = 0.5  # of a longer element's runs of three words that trafilatura's text must hold,
SHARED_SHORT, SHORT_LINE = 0.9, 12  # and of one under 12 words: a breadcrumb ends with the page's title
_SENTENCE_END = (".", "!", "?", ":", ";", "»", "”", '"', "…", ")")
FURNITURE = "furniture"
_WIDE_SPAN = re.compile(
    r"(<t[dh]\b[^<>]{0,400}?)\s(?:row|col)span\s*=\s*[\"']?\s*\d{2,}[\"']?", re.IGNORECASE
)  # trafilatura makes every place that a cell claims
DOCUMENT_LINKS = 3  # links to other pages; one that has no more was written as a document and has no furniture to be told from text,
DOCUMENT_SHARE = 0.03  # nor one of whose letters they have less,
DOCUMENT_SCRIPTS = 3  # unless it runs more scripts than a document does


def is_document(body: Any) -> bool:
    """Whether a page stands alone, as what LibreOffice, Word or pandoc write: hardly a letter of it links to another page."""
    if sum(1 for _ in body.getroottree().iter("script")) > DOCUMENT_SCRIPTS:
        return False
    links = [node for node in body.iter("a") if not (node.get("href") or "#").startswith("#")]
    linked = sum(len("".join("".join(node.itertext()).split())) for node in links)
    letters = sum(
        len("".join(((node.text or "") + (node.tail or "")).split()))
        for node in body.iter()
        if isinstance(node.tag, str) and node.tag not in SILENT
    )
    return len(links) <= DOCUMENT_LINKS or linked <= DOCUMENT_SHARE * letters


def judged(source: str, own: Sequence[Element], wide: Sequence[Element], *, alone: bool = False) -> list[Element]:
    """The elements of the main text, those that fell out with a role.

    ``own`` is what our rules keep of the page, ``wide`` all of it but menus, notices and what is hidden: both in the page's order. ``alone``:
    it is a document, of which trafilatura takes nothing away.
    """
    total = sum(len(worded(element).text) for element in own if element.role == "body")
    text = _by_trafilatura(source) if len(source) <= LONG_PAGE else ""
    if not text or (total < SHORT_PAGE and len(text) < max(SHORT_PAGE, FAR_MORE * total)):
        return list(own)
    said = _Said(text)
    body = [worded(element) for element in wide]
    found = [element.role == "body" and element.kind != "close" and said.holds(element) for element in body]
    both = sum(len(element.text) for element, kept in zip(body, found, strict=True) if kept)
    if both < LITTLE * len(text) and FAR_MORE * total < len(text):
        return [*(Element("paragraph", line) for line in map(one_line, text.split("\n")) if line), *filter(_no_text, wide)]
    if (alone and len(text) <= FAR_MORE * total) or both < LITTLE * total:
        return list(own)
    ours = {worded(element).text for element in own if element.role == "body"}
    anchors = [place for place, kept in enumerate(found) if kept and len(body[place].text) > ANCHOR]
    first, last = (anchors[0], anchors[-1]) if anchors else (0, -1)
    kept = [
        known or (element.text in ours and _stays(element, between=first <= place <= last))
        for place, (element, known) in enumerate(zip(body, found, strict=True))
    ]
    _keep_headings(body, kept, ours, first, last)
    return [
        element if stays or element.role != "body" or element.kind == "close" else _left(element)
        for element, stays in zip(wide, kept, strict=True)
    ]


def _no_text(element: Element) -> bool:
    return element.role != "body"


def _stays(element: Element, *, between: bool) -> bool:
    if element.kind in ("table", "code"):
        return True
    least = LONG_BETWEEN if between else LONG
    return element.kind == "paragraph" and len(element.text) >= least and element.text.endswith(_SENTENCE_END)


def _keep_headings(body: Sequence[Element], kept: list[bool], ours: set[str], first: int, last: int) -> None:
    """Keep the headings of ours that a kept text needs: a lone <h1> over all of it, one directly over text between ``first`` and
    ``last``, and one that asks, or has no level of its own (a <summary>), anywhere over a kept answer."""
    lone = sum(element.kind == "heading" and element.level <= 1 and element.text in ours for element in body) == 1
    following: Element | None = None
    below = False
    for place in range(len(body) - 1, -1, -1):
        element = body[place]
        if element.kind == "close" or element.role != "body":
            continue
        if element.kind in ("heading", "bold") and not kept[place] and element.text in ours:
            asks = element.text.endswith("?") or (element.kind == "heading" and element.level % 1 > 0)
            inside = first < place < last or following is body[first]
            over = following is not None and (asks or (inside and following.kind != "heading"))
            kept[place] = over if element.kind == "bold" else over or (lone and below and element.level <= 1)
        following = element if kept[place] else None
        below = below or kept[place]


def _left(element: Element) -> Element:
    text = worded(element).text if not element.rows else " ".join(cell for row in element.rows for cell in row)
    return replace(element, kind="paragraph", text=text, rows=(), role=FURNITURE)


class _Said:
    """trafilatura's text, asked whether it holds an element."""

    def __init__(self, text: str) -> None:
        self._lines = {_plain(line) for line in text.split("\n")}
        words = _plain(text).split()
        self._runs = {" ".join(words[place : place + 3]) for place in range(max(len(words) - 2, 1))}

    def holds(self, element: Element) -> bool:
        """By its line where it is short, else by its runs of three words."""
        plain = _plain(element.text[2:] if element.kind == "item" else element.text)
        words = plain.split()
        if not words:
            return False
        if len(words) < SHORT_WORDS or plain in self._lines:
            return plain in self._lines
        step = 1 if len(words) < 8 else 2
        runs = [" ".join(words[place : place + 3]) for place in range(0, len(words) - 2, step)]
        share = sum(run in self._runs for run in runs) / len(runs)
        return share == 1 if len(words) < 6 else share >= (SHARED_SHORT if len(words) < SHORT_LINE else SHARED)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def _by_trafilatura(source: str) -> str:
    """The page's main text as trafilatura sees it, "" when it sees none or fails."""
    import trafilatura

    for name in ("trafilatura", "htmldate", "justext"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what it finds malformed helps nobody
    try:
        found = trafilatura.extract(
            _WIDE_SPAN.sub(r"\1", source), include_comments=False, include_tables=True, include_formatting=False
        )
    except Exception:  # a page that it cannot take is judged by our rules
        return ""
    return found or ""
