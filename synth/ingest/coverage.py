"""What of a document reached the chunks, measured against a witness: another library's plain reading of the same file.

Two figures a document. Words: the share of the witness's words (as a multiset) that some chunk holds; a lost column, page or text box
shows here. Order: the share of its whole sentences (a full stop at the end, five words or more) that the chunks hold word after word; two
columns read across each other show here. What was dropped on purpose (running heads, contents, repeated passages) counts on neither side
and is reported by kind. The witness errs too, so neither figure need be 1; a low one says that a person should look.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from triplette.arrays import Flags, UInt64s
from triplette.languages.documents import AFTER_HYPHEN
from triplette.records import Chunk, Coverage
from triplette.synth.ingest.document import Structured, cured

SHORTEST = 5  # words of a sentence: shorter ones are labels, and come back by chance
RUN = 3  # words in a row that the chunks must hold, all along a sentence
PARTS_MAX = 200  # dropped lines whose parts are looked for at the pages' edges
LOST_SHOWN = 12  # lost words that a record names
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits mixed: Knuth's multiplier for 64 bits
KEPT_ROLES = ("body", "heading")
UNTOLD_ROLES = (*KEPT_ROLES, "front matter")  # lines that were kept, and those that no witness tells
HYPHENS = "-\u2010\u2011"
_BROKEN = re.compile(rf"(?<=[^\W_])[-\u2010][ \t]*\n\s*(?=[^\W_])(?!(?:{'|'.join(sorted(AFTER_HYPHEN))})(?:\s|$))")
_INNER = re.compile(r"(?<=\w)[-\u2010\u2011](?=\w)")
WORD = re.compile(r"\d+|[^\W\d]+")  # a number is a word of its own: some readers glue a note's mark to the word before it
_END = re.compile(r"(?<=[.!?…])[ \t\n]+|\n[ \t]*\n\s*|\f")


class Sentences(NamedTuple):
    """The words of a text in order, and (first, last) of each whole sentence among them."""

    words: list[str]
    spans: list[tuple[int, int]]


def folded(text: str) -> str:
    """A text as it is compared: no case, no soft hyphens and ligatures, words whole that a line's end or a hyphen cuts."""
    plain = unicodedata.normalize("NFKC", cured(text))
    if any(hyphen in plain for hyphen in HYPHENS):
        plain = _INNER.sub("", _BROKEN.sub("", plain))
    return plain.lower()


def sentences(text: str) -> Sentences:
    """A folded text's words and whole sentences."""
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    for part in _END.split(text):
        found = WORD.findall(part)
        if len(found) >= SHORTEST and part.rstrip().rstrip("»\"')’”").rstrip()[-1:] in (".", "!", "?", "…"):
            spans.append((len(words), len(words) + len(found)))
        words += found
    return Sentences(words, spans)


def measure(
    structured: Structured, chunks: Sequence[Chunk], repeated: Sequence[str] = (), witness: str | None = None, name: str = ""
) -> Coverage:
    """A document's figures. Without a ``witness`` the reader's own text stands in, and the record's ``witness`` is ""."""
    dropped = [line.text for line in structured.lines if line.role not in UNTOLD_ROLES and line.text.strip()]
    text, explained, aside = _without_lines(structured.document.text if witness is None else witness, dropped)
    told = sentences(folded(text))
    held = _held_words(chunks)
    explained += Counter(word for line in repeated for word in WORD.findall(folded(line)))
    lost = Counter(told.words) - Counter(held) - explained
    missing = sum(lost.values())
    words = len(told.words) - sum((Counter(told.words) & explained).values()) if explained else len(told.words)
    apart = [word for line in (*repeated, *aside) for word in WORD.findall(folded(line))]
    present = _runs_present(told.words, [*held, *apart])
    whole = _whole(told.spans, present)
    return Coverage(
        source=structured.document.source,
        witness=name if witness is not None else "",
        words=words,
        words_held=max(words - missing, 0),
        sentences=len(told.spans),
        sentences_whole=sum(whole),
        dropped=tuple(f"{role} {count}" for role, count in structured.dropped.items()),
        lost=tuple(word for word, _ in lost.most_common(LOST_SHOWN)),
    )


def lost_words(told: Sequence[str], chunks: Sequence[Chunk]) -> list[bool]:
    """For each of a text's words whether it is lost: in excess of what the chunks hold, and not in its place there."""
    held = _held_words(chunks)
    excess = Counter(told) - Counter(held)
    present = _runs_present(told, held)
    marks = [False] * len(told)
    for in_place in (False, True):  # first those that also stand in no run of words of the chunks
        for index, word in enumerate(told):
            near = present[max(index - RUN + 1, 0) : index + 1]
            if excess[word] > 0 and not marks[index] and bool(near.any()) == in_place:
                marks[index] = True
                excess[word] -= 1
    return marks


def _without_lines(text: str, dropped: Sequence[str]) -> tuple[str, Counter[str], list[str]]:
    """The text without the lines that were dropped on purpose, each as often as it was dropped; and those that it has not as lines, such as
    a button, a tag or hidden words in the midst of one: their words, and themselves."""
    counts = Counter(_key(line) for line in dropped)
    if not counts:
        return text, Counter(), []
    said = {_key(line): line for line in dropped}
    kept: list[str] = []
    for page in text.split("\f"):
        lines = []
        for line in page.split("\n"):
            key = _key(line)
            if key and counts[key] > 0:
                counts[key] -= 1
            else:
                lines.append(line)
        kept.append("\n".join(lines))
    left = counts + Counter()
    rest, gone = _without_parts("\f".join(kept), left)
    words = Counter(word for key, times in left.items() for word in WORD.findall(folded(said[key])) * times) - gone
    return rest, words, [said[key] for key in left]


def _without_parts(text: str, lines: Counter[str]) -> tuple[str, Counter[str]]:
    """The text without rows at the pages' edges that are parts of those lines, for readers break a running head into other lines; and their words."""
    gone: Counter[str] = Counter()
    if not lines or len(lines) >= PARTS_MAX:
        return text, gone
    pages: list[str] = []
    for page in text.split("\f"):
        rows = page.split("\n")
        solid = [i for i, row in enumerate(rows) if row.strip()]
        for index in (*solid[:6], *solid[-6:]):
            key = _key(rows[index])
            if len(key) > 1 and any(key in whole for whole in lines):
                gone.update(WORD.findall(folded(rows[index])))
                rows[index] = ""
        pages.append("\n".join(rows))
    return "\f".join(pages), gone


def _key(line: str) -> str:
    return "".join(WORD.findall(line.lower()))


def _held_words(chunks: Iterable[Chunk]) -> list[str]:
    """The words of the chunks in order: a title's parts where they begin, then the text."""
    words: list[str] = []
    above: tuple[str, ...] = ()
    for chunk in chunks:
        title = tuple(chunk.title.split(" > "))
        new = [part for depth, part in enumerate(title) if above[: depth + 1] != title[: depth + 1]]
        above = title
        words += WORD.findall(folded("\n".join([*new, chunk.text])))
    return words


def _runs_present(told: Sequence[str], held: Sequence[str]) -> Flags:
    """For each word of ``told`` whether the run of ``RUN`` words that begins there is one of ``held``."""
    if len(told) < RUN or len(held) < RUN:
        return np.zeros(len(told), bool)
    left, right = _runs(told), _runs(held)
    return np.append(np.isin(left, np.unique(right)), [False] * (RUN - 1))


def _runs(words: Sequence[str]) -> UInt64s:
    """A number for each run of ``RUN`` words: two different ones share one once in some 10^13 words."""
    codes = np.fromiter(map(hash, words), np.int64, len(words)).view(np.uint64)
    return (codes[:-2] * MIX + codes[1:-1]) * MIX + codes[2:]


def _whole(spans: Sequence[tuple[int, int]], present: Flags) -> list[bool]:
    total = np.concatenate([[0], np.cumsum(present)])
    return [int(total[last - RUN + 1] - total[first]) == last - RUN + 1 - first for first, last in spans]
