"""Blocks to chunks under the token limit.

Blocks of one section are packed until the target is reached; a block too long is cut between sentences, a table between rows
with its header and the line before it repeated. The limit holds for what the model will read: the contract's document prefix with the title,
the text and two special tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from triplette.contract import CONTRACTS, PromptContract
from triplette.errors import SettingError
from triplette.hashing import hash_value
from triplette.languages import Language, language
from triplette.languages.text import normalise
from triplette.records import Chunk
from triplette.settings.synth import ChunkSettings
from triplette.synth.ingest import Block, headings_of
from triplette.tokens import TokenCounter

SPECIAL_TOKENS = 2  # begin and end of sequence
TITLE_SHARE = 0.25  # of the limit that the prefix with the title may take
TITLE_MIN = 12  # tokens it may always take
ROOM_MIN = 1
CAPTION_MAX = 40  # tokens; a longer text before a table is a paragraph of its own
TOGETHER = 256  # blocks that are counted in one call
SLICE = 16  # letters for each token of room: a longer word is sliced before it is halved


def cut_blocks(
    blocks: Sequence[Block], source: str, settings: ChunkSettings, counter: TokenCounter, code: str = ""
) -> tuple[list[Chunk], list[str]]:
    """The chunks, in the language of ``code``, and the texts left out because they repeat under the same title."""
    measure = _Measure(counter, _contract(settings.contract), settings.target_tokens, language(code))
    measure.count_before(blocks)
    groups = _merge_small(_pack(blocks, settings, measure), settings, measure)
    chunks: list[Chunk] = []
    repeated: list[str] = []
    seen: set[str] = set()
    for group in groups:
        text = group.text()
        title = measure.title(group.headings)
        key = hash_value([title, text])
        if key in seen:
            repeated.append(text)
        if key in seen or not text.strip():
            continue
        seen.add(key)
        chunks.append(
            Chunk.make(
                text=text,
                title=title,
                source=source,
                articles=_articles(group, code),
                page_start=min(piece.page_start for piece in group.pieces),
                page_end=max(piece.page_end for piece in group.pieces),
                char_start=min(piece.char_start for piece in group.pieces),
                char_end=max(piece.char_end for piece in group.pieces),
                tokens=measure.cost(title, text),
                tokenizer=counter.name,
                language=language(code).code,
            )
        )
    return chunks, repeated


def _articles(group: _Group, code: str) -> tuple[str, ...]:
    """The numbers a reader would cite for the chunk: its innermost heading's, and those that begin in it."""
    own = headings_of(code).heading_number(group.headings[-1]) if group.headings else ""
    return tuple(dict.fromkeys([own] * bool(own) + [a for piece in group.pieces for a in piece.articles]))


def _contract(name: str) -> PromptContract:
    if name not in CONTRACTS:
        raise SettingError(f"unknown contract {name!r}", where="synth.chunk.contract", cure=f"use one of {', '.join(CONTRACTS)}")
    return CONTRACTS[name]


class _Measure:
    """Token counts under one contract and limit; titles are shortened once for each heading path."""

    def __init__(self, counter: TokenCounter, contract: PromptContract, limit: int, spoken: Language) -> None:
        self.spoken = spoken
        self._counter = counter
        self.additive = counter.additive
        self._last = ("", 0)
        self._known: dict[str, int] = {}
        self._contract = contract
        self.limit = limit
        self._titles: dict[tuple[str, ...], str] = {}
        self._prefixes: dict[str, int] = {}

    def count(self, text: str) -> int:
        """Tokens of a text alone."""
        known = self._known.get(text)
        if known is not None:
            return known
        if text != self._last[0]:
            self._last = (text, self._counter.count([text])[0])
        return self._last[1]

    def count_before(self, blocks: Sequence[Block]) -> None:
        """Count the blocks' texts together, some at a time: much faster than one by one."""
        for at in range(0, len(blocks), TOGETHER):
            texts = [block.text for block in blocks[at : at + TOGETHER]]
            self._known.update(zip(texts, self._counter.count(texts), strict=True))

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text alone."""
        return self._counter.count(texts)

    def cost(self, title: str, text: str) -> int:
        """Tokens the model will read for a text under ``title``."""
        return self.count(self._contract.format_document(text, title)) + SPECIAL_TOKENS

    def room(self, title: str) -> int:
        """Tokens that ``title`` and the prefix leave for text."""
        if title not in self._prefixes:
            self._prefixes[title] = self.cost(title, "")
        return self.limit - self._prefixes[title]

    def title(self, headings: tuple[str, ...]) -> str:
        """The heading path, its outermost parts dropped (then its words) until it takes at most its share of the limit."""
        if headings not in self._titles:
            self._titles[headings] = self._shortened(headings)
        return self._titles[headings]

    def _shortened(self, headings: Sequence[str]) -> str:
        allowed = max(int(TITLE_SHARE * self.limit), TITLE_MIN)
        parts = [normalise(heading) for heading in headings]
        while len(parts) > 1 and self.cost(" > ".join(parts), "") > allowed:
            parts.pop(0)
        words = " > ".join(parts).split()[:allowed]  # each is a token or more
        while words and self.cost(" ".join(words), "") > allowed:
            words.pop()
        return " ".join(words)


@dataclass(slots=True)
class _Group:
    """Pieces that will be one chunk, under the heading path they share."""

    headings: tuple[str, ...]
    pieces: list[Block]
    overlap: str = ""
    tokens: int = 0  # of its text, where the counter is additive

    def text(self) -> str:
        body = "\n".join(piece.text for piece in self.pieces)
        return f"{self.overlap}\n{body}" if self.overlap else body


def _pack(blocks: Iterable[Block], settings: ChunkSettings, measure: _Measure) -> list[_Group]:
    """Pieces in order, packed greedily within a section."""
    groups: list[_Group] = []
    before: Block | None = None
    for block in blocks:
        title = measure.title(block.headings)
        room = max(measure.room(title) - settings.overlap_tokens, ROOM_MIN)
        caption = _caption(before, block, room, measure)
        before = block
        for piece in _fit(block, room, measure, caption):
            last = groups[-1] if groups else None
            same = last is not None and last.headings == block.headings
            if last is not None and same and _join(last, piece, title, measure):
                continue
            if caption and measure.count(told := f"{caption}\n{piece.text}") <= room:
                group = _Group(block.headings, [replace(piece, text=told)])  # the caption is what an overlap would repeat
            else:
                overlap = _tail(last.pieces[-1], settings.overlap_tokens, measure) if last is not None and same else ""
                group = _Group(block.headings, [piece], overlap)
            if group.overlap and measure.cost(title, group.text()) > measure.limit:
                group.overlap = ""  # the glue between them was the token too much
            group.tokens = measure.count(group.text()) if measure.additive else 0
            groups.append(group)
    return groups


def _caption(before: Block | None, block: Block, room: int, measure: _Measure) -> str:
    """The short text right before a table in its section, without which rows say little: every passage that the table begins opens with it."""
    if before is None or block.kind != "table" or before.kind == "table" or before.headings != block.headings:
        return ""
    return before.text if measure.count(before.text) <= min(CAPTION_MAX, room // 4) else ""


def _join(group: _Group, piece: Block, title: str, measure: _Measure) -> bool:
    """Add the piece to the group where the limit allows it. Whole texts are counted again only where counts do not add up."""
    if measure.additive:
        tokens = group.tokens + 1 + measure.count(piece.text)
        fits = tokens <= measure.room(title)
    else:
        tokens = 0
        fits = measure.cost(title, _Group(group.headings, [*group.pieces, piece], group.overlap).text()) <= measure.limit
    if fits:
        group.pieces.append(piece)
        group.tokens = tokens
    return fits


def _tail(piece: Block, tokens: int, measure: _Measure) -> str:
    """The last sentences of a piece, at most ``tokens`` long ("" for a table)."""
    if not tokens or piece.kind == "table":
        return ""
    found = ""
    for sentence in reversed(measure.spoken.sentences(piece.text)):
        longer = f"{sentence} {found}".strip()
        if measure.count(longer) > tokens:
            break
        found = longer
    return found


def _fit(block: Block, room: int, measure: _Measure, caption: str = "") -> list[Block]:
    """The block, or its parts if it is over ``room`` tokens: table rows, else sentences, else words. Parts leave room for ``caption``."""
    if measure.count(block.text) <= room:
        return [block]
    if caption:
        room -= measure.count(caption) + 1
    if block.kind == "table":
        rows = block.text.split("\n")
        head = block.header.split("\n") if block.header and measure.count(block.header) <= room // 2 else []
        left = room - measure.count("\n".join(head)) - 2 * len(head)
        units = [part for row in rows[len(head) :] for part in _words(row, left, measure)]
        texts = ["\n".join([*head, part]) for part in _gather(units, left, measure, "\n")]
    else:
        units = [part for sentence in measure.spoken.sentences(block.text) for part in _words(sentence, room, measure)]
        texts = _gather(units, room, measure, " ")
    return [replace(block, text=text) for text in texts]


def _words(text: str, room: int, measure: _Measure) -> list[str]:
    """A unit over the limit, cut between words, and a word over the limit between letters."""
    if measure.count(text) <= room:
        return [text]
    parts = [part for word in text.split() for part in _letters(word, room, measure)]
    return _gather(parts, room, measure, " ")


def _letters(word: str, room: int, measure: _Measure) -> list[str]:
    """A word in halves until each is within ``room`` tokens (a single letter may need several)."""
    if len(word) > SLICE * max(room, 1):  # halving it would count it over and over
        step = SLICE * max(room, 1)
        return [part for at in range(0, len(word), step) for part in _letters(word[at : at + step], room, measure)]
    if len(word) == 1 or measure.count(word) <= room:
        return [word]
    middle = len(word) // 2
    return [*_letters(word[:middle], room, measure), *_letters(word[middle:], room, measure)]


def _gather(units: Sequence[str], room: int, measure: _Measure, glue: str) -> list[str]:
    """Units joined by ``glue`` while they stay within ``room`` tokens.

    Counted singly first, with one token for the glue: the sum is the safe side, and saves counting the growing text again.
    """
    texts: list[str] = []
    used = 0
    for unit, tokens in zip(units, measure.counts(list(units)), strict=True):
        if texts and used + tokens + 1 <= room:
            texts[-1] += glue + unit
            used += tokens + 1
        else:
            texts.append(unit)
            used = tokens
    return texts


def _merge_small(groups: list[_Group], settings: ChunkSettings, measure: _Measure) -> list[_Group]:
    """Join a group too short to ask about to a neighbour, under the headings they share.

    The headings that they do not share come into the text, so that no heading is lost.
    """
    merged: list[_Group] = []
    last_small = False
    for group in groups:
        small = (group.tokens or measure.count(group.text())) < settings.min_tokens
        last = merged[-1] if merged else None
        if last is not None and (small or last_small):
            shared = _shared(last.headings, group.headings)
            if shared or not (last.headings or group.headings):
                joined = _Group(shared, [*_with_headings(last, shared), *_with_headings(group, shared)], last.overlap)
                if measure.cost(measure.title(shared), joined.text()) <= measure.limit:
                    merged[-1] = joined
                    last_small = measure.count(joined.text()) < settings.min_tokens
                    continue
        merged.append(group)
        last_small = small
    return merged


def _shared(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    common = []
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        common.append(a)
    return tuple(common)


def _with_headings(group: _Group, shared: tuple[str, ...]) -> list[Block]:
    own = group.headings[len(shared) :]
    if not own:
        return group.pieces
    first = group.pieces[0]
    return [replace(first, text=" > ".join(own) + "\n" + first.text), *group.pieces[1:]]
