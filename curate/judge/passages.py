"""The corpus as the rules judge sees it: each passage's words by sentence, how rare words are, which passages are grids or stubs.

What all questions need, which passages hold a word, is counted once a run, in blocks of chunks, and is arrays: a block of triplets
elsewhere gets them as they are. A passage itself is some 25 kB of sets, so only the last ``KEPT`` stay read; more are read again when a
triplet names them (a second for 2,000).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from triplette.arrays import Int32s, Ints
from triplette.console import progress
from triplette.domain import Domain, no_domain
from triplette.engine import LOCAL, Engine
from triplette.languages import Language, language
from triplette.languages.patterns import Patterns
from triplette.languages.text import fold, plain
from triplette.records import Chunk

KEPT = 20_000  # passages that stay read: half a gigabyte of short ones
CHUNK_BLOCK = 1024  # chunks whose words are counted at once: half a second
WINDOW = 2  # sentences (or table rows) in a row that an answer may be spread over
LETTERS = re.compile(r"[^\W\d_]{4,}")
MARKUP = re.compile(r"<!--.*?-->|[#*_>`]+")


@dataclass(frozen=True, slots=True)
class Passage:
    """What one chunk holds.

    ``held`` are the distinct ranking tokens of title and text, ``prose`` those of the text outside table rows of figures;
    ``windows`` those of each run of two sentences (table rows), with the title's. ``grid`` is the share of its characters in
    table rows whose cells are mostly figures or codes; ``body`` counts the distinct tokens of the text without its headings.
    ``numbers``: a number stands in the body; ``states``: a sentence of it has a finite verb, or it is a table of words.
    ``words``: title and text in order, accents folded; ``places``: where each word stands in them.
    """

    id: str
    held: frozenset[str]
    prose: frozenset[str]
    title: frozenset[str]
    windows: tuple[frozenset[str], ...]
    grid: float
    body: int
    numbers: bool
    states: bool
    words: tuple[str, ...]
    places: Mapping[str, tuple[int, ...]]


class Passages:
    """Chunks read as passages, the last ``room`` of them kept. Sent to another process it arrives empty: reading is quicker than sending."""

    def __init__(self, room: int = KEPT) -> None:
        self._room = room
        self._read: dict[str, Passage] = {}
        self._shingles: dict[str, frozenset[str]] = {}

    def __reduce__(self) -> tuple[type[Passages], tuple[int]]:
        return Passages, (self._room,)

    def of(self, chunk: Chunk) -> Passage:
        """A chunk, read."""
        found = self._read.get(chunk.id)
        if found is None:
            self._make_room(self._read)
            found = self._read[chunk.id] = read_passage(chunk)
        return found

    def shingles(self, chunk: Chunk) -> frozenset[str]:
        """A chunk's shingles."""
        found = self._shingles.get(chunk.id)
        if found is None:
            self._make_room(self._shingles)
            found = self._shingles[chunk.id] = language(chunk.language).shingles(chunk.text)
        return found

    def _make_room(self, kept: dict[str, Any]) -> None:
        while len(kept) >= self._room:
            del kept[next(iter(kept))]


@dataclass(frozen=True, slots=True)
class Held:
    """What a block of n chunks holds: its distinct tokens, and passage by passage the places in them (m,), ``lengths`` (n,) of each."""

    tokens: tuple[str, ...]
    places: Int32s
    lengths: Int32s


def held_by(read: Passages | None, chunks: Sequence[Chunk]) -> Held:
    """The distinct tokens of each chunk; those that are to stay read are read whole."""
    number: dict[str, int] = {}
    places: list[int] = []
    lengths: list[int] = []
    for chunk in chunks:
        held = read.of(chunk).held if read else _Parts(chunk).held
        places += [number.setdefault(token, len(number)) for token in held]
        lengths.append(len(held))
    return Held(tuple(number), np.array(places, dtype=np.int32), np.array(lengths, dtype=np.int32))


class Corpus:
    """The chunks read as passages, which of them hold each token, and the domain that they are of. Counted in blocks on ``engine``."""

    def __init__(self, chunks: Iterable[Chunk], domain: Domain | None = None, engine: Engine = LOCAL, *, room: int = KEPT) -> None:
        self.domain = domain or no_domain()
        self.read = Passages(room)
        every = list(chunks)
        self.size = len(every)
        self._number: dict[str, int] = {}
        self._rarity: dict[str, float] = {}
        blocks = [(every[start : start + CHUNK_BLOCK],) for start in range(0, self.size, CHUNK_BLOCK)]
        tokens, lengths = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int32)]
        with progress("counting words", self.size) as bar:
            fit = self.size <= room and not engine.spread  # else whoever reads them now is not who judges by them
            for held in engine.run(held_by, blocks, shared=(self.read if fit else None,)):
                ours = [self._number.setdefault(token, len(self._number)) for token in held.tokens]
                tokens.append(np.array(ours, dtype=np.int32)[held.places])
                lengths.append(held.lengths)
                bar.advance(len(held.lengths))
        flat = np.concatenate(tokens)
        passages = np.repeat(np.arange(self.size, dtype=np.int32), np.concatenate(lengths))
        self._passages: Int32s = passages[np.argsort(flat, kind="stable")]  # token after token, in order within each
        self._ends: Ints = np.cumsum(np.bincount(flat, minlength=len(self._number)))

    def subject_words(self, question: str, code: str) -> frozenset[str]:
        """The question's ranking tokens that say what it is about, in its language and this domain."""
        return subject_words(question, language(code)) - self.domain.asking(code)

    def rarity(self, token: str) -> float:
        """idf scaled to 0..1: 0 for a token in every passage, 1 for one in a single passage (or none)."""
        found = self._rarity.get(token)
        if found is None:
            frequency = max(len(self._holders(token)), 1)
            found = self._rarity[token] = math.log(self.size / frequency) / math.log(self.size) if self.size > 1 else 1.0
        return found

    def weights(self, asked: Iterable[str]) -> dict[str, float]:
        """Tokens with their rarity; a token in every passage keeps a little, so that sums are not 0."""
        # sorted: a set's order changes from run to run, and with it the last digit of a sum
        return {token: max(self.rarity(token), 0.02) for token in sorted(asked)}

    def holding(self, asked: Iterable[str]) -> int:
        """How many passages hold every one of ``asked`` that some passage holds; 0 where none is known."""
        first, *others = sorted((self._holders(token) for token in asked if token in self._number), key=len) or [self._passages[:0]]
        for other in others:
            if not len(first):
                break
            first = first[other.take(other.searchsorted(first), mode="clip") == first]
        return len(first)

    def _holders(self, token: str) -> Int32s:
        """The passages that hold a token, by their place, ascending."""
        number = self._number.get(token)
        if number is None:
            return self._passages[:0]
        return self._passages[self._ends[number - 1] if number else 0 : self._ends[number]]


class _Parts:
    """A chunk taken apart: its lines, its table rows, its prose, and the tokens of its headings, of each sentence or row, and of all."""

    def __init__(self, chunk: Chunk) -> None:
        self.spoken = language(chunk.language)
        tokens = self.spoken.tokens
        self.lines = [line for line in MARKUP.sub(" ", chunk.text).splitlines() if line.strip()]
        self.rows = [line for line in self.lines if line.count("|") >= 2]
        headings = {plain(part).strip() for part in chunk.title.split(">")}
        self.prose = " ".join(line for line in self.lines if line.count("|") < 2 and plain(line).strip() not in headings)
        self.units = [frozenset(tokens(part)) for part in (*self.spoken.sentences(self.prose), *self.rows)]
        self.title = frozenset(tokens(chunk.title))
        self.held = self.title.union(*self.units) | frozenset(tokens(chunk.text))


def read_passage(chunk: Chunk) -> Passage:
    """One chunk's words and form, in its language."""
    parts = _Parts(chunk)
    spoken, rows, title, units = parts.spoken, parts.rows, parts.title, parts.units
    tokens, patterns = spoken.tokens, spoken.patterns or Patterns()
    windows = tuple(title.union(*units[i : i + WINDOW]) for i in range(max(len(units) - WINDOW + 1, 1 if units else 0)))
    length = sum(map(len, parts.lines)) or 1
    told = plain(parts.prose)
    worded = [row for row in rows if not is_figures(row)]
    in_order = tuple(fold(word) for word in spoken.words(f"{chunk.title} {chunk.text}"))
    places: dict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(in_order):
        places[word].append(place)
    return Passage(
        id=chunk.id,
        held=parts.held,
        prose=frozenset(tokens(parts.prose)).union(*(tokens(row) for row in worded)),
        title=title,
        windows=windows or (title,),
        grid=sum(len(row) for row in rows if is_figures(row)) / length,
        body=len(frozenset().union(*units) - title),
        numbers=bool(patterns.number.search(told)) or any(patterns.number.search(row) for row in rows),
        states=bool(worded) or (bool(patterns.states.search(told)) and not (patterns.pointer.search(told) and len(told) < 120)),
        words=in_order,
        places={word: tuple(found) for word, found in places.items()},
    )


def copied_run(question: str, passage: Passage, spoken: Language) -> int:
    """Words of the longest run of ``question`` that the passage has word for word: ``Language.longest_copied_run`` on its index."""
    asked = [fold(word) for word in spoken.words(question)]
    best = 0
    for start in range(len(asked)):
        if len(asked) - start <= best:
            break
        for place in passage.places.get(asked[start], ()):
            length = 1
            while start + length < len(asked) and passage.words[place + length : place + length + 1] == (asked[start + length],):
                length += 1
            best = max(best, length)
    return best


def is_figures(row: str) -> bool:
    """Whether a table row's cells are mostly figures, codes or empty: half of them at most hold a word of four letters."""
    cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
    filled = [cell for cell in cells if cell and not set(cell) <= set("-: ")]
    return sum(bool(LETTERS.search(cell)) for cell in filled) <= len(filled) / 2


def share(weights: Mapping[str, float], held: frozenset[str]) -> float:
    """The weighted share of the tokens that a passage (or part of it) holds, 0..1."""
    total = sum(weights.values())
    return sum(weight for token, weight in weights.items() if token in held) / total if total else 0.0


def focus(weights: Mapping[str, float], passage: Passage) -> float:
    """The best share that one window of the passage holds, 0..1: words that stand together more likely answer."""
    return max(share(weights, window) for window in passage.windows)


@lru_cache(maxsize=64)
def asking_words(spoken: Language) -> frozenset[str]:
    """Tokens that a question has for asking and not for its subject."""
    return frozenset(spoken.tokens(spoken.patterns.asking_words)) if spoken.patterns else frozenset()


def subject_words(question: str, spoken: Language) -> frozenset[str]:
    """The question's ranking tokens that say what it is about."""
    return frozenset(spoken.tokens(question)) - asking_words(spoken)
