"""Blocks to chunks under the token limit, with the coverage that proves nothing was lost on the way.

Blocks of one section are packed until the target is reached; a block too long is cut between sentences, a table between rows
with its header repeated. The limit holds for what the model will read: the contract's document prefix with the title,
the text and two special tokens.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from triplette.console import progress
from triplette.contract import CONTRACTS, PromptContract
from triplette.errors import InputError, SettingError
from triplette.french import normalise, sentences
from triplette.hashing import hash_value
from triplette.profile import Profile, corpus_profile, keep_profile, neutral_for
from triplette.records import Chunk, Rejection
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.synth import ChunkSettings
from triplette.step import Step
from triplette.synth.ingest import Block, Structured, find_documents, heading_number, read_document, structure
from triplette.tables import read_records, write_records
from triplette.tokens import TokenCounter, token_counter

SPECIAL_TOKENS = 2  # begin and end of sequence
TITLE_SHARE = 0.25  # of the limit that the prefix with the title may take
TITLE_MIN = 12  # tokens it may always take
ROOM_MIN = 1


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What chunking did. ``coverage`` is the share of the body's characters that reached a chunk, 0..1.

    ``dropped`` counts characters left out as boilerplate, by reason; ``failed`` holds one error a document.
    """

    documents: int
    chunks: int
    characters: int
    coverage: float
    dropped: dict[str, int]
    longest: int
    notes: tuple[str, ...]
    failed: tuple[str, ...]
    seconds: float = 0.0
    unchanged: bool = False


def chunk_corpus(run: RunDir, corpus: Path, settings: ChunkSettings, profile: Profile | None = None) -> ChunkResult:
    """Read every document under ``corpus`` and write chunks.parquet, and profile.toml: ``profile``, else the corpus's own, else a neutral one.

    A document that cannot be read is named in ``failed`` and in rejected.parquet, and the rest goes on. Raises InputError when
    nothing at all can be read.
    """
    if settings.overlap_tokens >= settings.target_tokens // 2:
        raise SettingError("overlap_tokens is half of target_tokens or more", cure="keep it under a quarter")
    folder = find_documents(
        corpus,
        include=settings.include,
        exclude=settings.exclude,
        follow_links=settings.follow_links,
        gitignore=settings.gitignore,
    )
    files = folder.files
    step = Step(run, "synth.chunk", folder.inputs(), as_dict(settings))
    profile = profile or corpus_profile(corpus)
    if done := step.done(ChunkResult):
        _keep_profile(run, profile, None)
        return done
    counter = token_counter(settings.tokenizer)
    tally = _Tally(notes=folder.notes)
    chunks: list[Chunk] = []
    with progress("reading documents", len(files)) as bar:
        for path in files:
            chunks += _chunk_file(path, corpus, folder.names[path], settings, counter, tally)
            bar.advance()
    if not chunks:
        raise InputError("no document could be read:\n  " + "\n  ".join(tally.failed), where=str(corpus), cure="see each line")
    result = ChunkResult(
        documents=len(files) - len(tally.failed),
        chunks=len(chunks),
        characters=tally.body,
        coverage=tally.reached / tally.body if tally.body else 0.0,
        dropped=dict(sorted(tally.dropped.items())),
        longest=max(chunk.tokens for chunk in chunks),
        notes=tuple(tally.notes),
        failed=tuple(tally.failed),
    )
    with run.locked():
        write_records(run.path("chunks.parquet"), chunks, Chunk)
        _keep_profile(run, profile, chunks)
        run.write_rejects("synth.chunk", tally.rejects)
        counts = {"documents": result.documents, "chunks": result.chunks, "failed": len(result.failed)}
        return step.record(result, outputs=["chunks.parquet"], counts=counts)


def _keep_profile(run: RunDir, profile: Profile | None, chunks: Sequence[Chunk] | None) -> None:
    """Keep the run's profile: the one given, else the neutral one of the chunks' language."""
    keep_profile(run, profile or neutral_for([chunk.text for chunk in (load_chunks(run) if chunks is None else chunks)]))


def load_chunks(run: RunDir) -> list[Chunk]:
    """The run's chunks. Raises MissingStage when there are none yet."""
    run.require("chunks.parquet")
    return read_records(run.path("chunks.parquet"), Chunk)


@dataclass(slots=True)
class _Tally:
    body: int = 0
    reached: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    rejects: list[Rejection] = field(default_factory=list)


def _chunk_file(path: Path, corpus: Path, name: str, settings: ChunkSettings, counter: TokenCounter, tally: _Tally) -> list[Chunk]:
    try:
        document = read_document(path, corpus, name, settings.reader)
    except InputError as error:
        tally.failed.append(" ".join(str(error).split()))
        tally.rejects.append(Rejection("synth.chunk", name, "document", "unreadable", error.message, text=error.cure))
        return []
    structured = structure(document)
    chunks, repeated = cut_blocks(structured.blocks, document.source, settings, counter)
    reached, body = coverage(structured, chunks, repeated)
    tally.reached += reached
    tally.body += body
    tally.dropped.update(structured.dropped)
    if repeated:
        tally.dropped["repeated"] += sum(len("".join(text.split())) for text in repeated)
    tally.notes += [f"{document.source}: {note}" for note in document.notes]
    return chunks


def chunk_blocks(blocks: Sequence[Block], source: str, settings: ChunkSettings, counter: TokenCounter) -> list[Chunk]:
    """Chunks of one document, in order; a text that repeats under the same title is kept once."""
    return cut_blocks(blocks, source, settings, counter)[0]


def cut_blocks(blocks: Sequence[Block], source: str, settings: ChunkSettings, counter: TokenCounter) -> tuple[list[Chunk], list[str]]:
    """The chunks, and the texts left out because they repeat under the same title."""
    measure = _Measure(counter, _contract(settings.contract), settings.target_tokens)
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
                articles=_articles(group),
                page_start=min(piece.page_start for piece in group.pieces),
                page_end=max(piece.page_end for piece in group.pieces),
                char_start=min(piece.char_start for piece in group.pieces),
                char_end=max(piece.char_end for piece in group.pieces),
                tokens=measure.cost(title, text),
                tokenizer=counter.name,
            )
        )
    return chunks, repeated


def _articles(group: _Group) -> tuple[str, ...]:
    """The numbers a reader would cite for the chunk: its innermost heading's, and those that begin in it."""
    own = heading_number(group.headings[-1]) if group.headings else ""
    return tuple(dict.fromkeys([own] * bool(own) + [a for piece in group.pieces for a in piece.articles]))


def _contract(name: str) -> PromptContract:
    if name not in CONTRACTS:
        raise SettingError(f"unknown contract {name!r}", where="synth.chunk.contract", cure=f"use one of {', '.join(CONTRACTS)}")
    return CONTRACTS[name]


class _Measure:
    """Token counts under one contract and limit; titles are shortened once for each heading path."""

    def __init__(self, counter: TokenCounter, contract: PromptContract, limit: int) -> None:
        self._counter = counter
        self._contract = contract
        self.limit = limit
        self._titles: dict[tuple[str, ...], str] = {}
        self._prefixes: dict[str, int] = {}

    def count(self, text: str) -> int:
        """Tokens of a text alone."""
        return self._counter.count([text])[0]

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
        words = " > ".join(parts).split()
        while words and self.cost(" ".join(words), "") > allowed:
            words.pop()
        return " ".join(words)


@dataclass(slots=True)
class _Group:
    """Pieces that will be one chunk, under the heading path they share."""

    headings: tuple[str, ...]
    pieces: list[Block]
    overlap: str = ""

    def text(self) -> str:
        body = "\n".join(piece.text for piece in self.pieces)
        return f"{self.overlap}\n{body}" if self.overlap else body


def _pack(blocks: Iterable[Block], settings: ChunkSettings, measure: _Measure) -> list[_Group]:
    """Pieces in order, packed greedily within a section."""
    groups: list[_Group] = []
    for block in blocks:
        title = measure.title(block.headings)
        for piece in _fit(block, max(measure.room(title) - settings.overlap_tokens, ROOM_MIN), measure):
            last = groups[-1] if groups else None
            same = last is not None and last.headings == block.headings
            if last is not None and same:
                joined = _Group(last.headings, [*last.pieces, piece], last.overlap)
                if measure.cost(title, joined.text()) <= measure.limit:
                    last.pieces.append(piece)
                    continue
            overlap = _tail(last.pieces[-1], settings.overlap_tokens, measure) if last is not None and same else ""
            group = _Group(block.headings, [piece], overlap)
            if overlap and measure.cost(title, group.text()) > measure.limit:
                group.overlap = ""  # the glue between them was the token too much
            groups.append(group)
    return groups


def _tail(piece: Block, tokens: int, measure: _Measure) -> str:
    """The last sentences of a piece, at most ``tokens`` long ("" for a table)."""
    if not tokens or piece.kind == "table":
        return ""
    found = ""
    for sentence in reversed(sentences(piece.text)):
        longer = f"{sentence} {found}".strip()
        if measure.count(longer) > tokens:
            break
        found = longer
    return found


def _fit(block: Block, room: int, measure: _Measure) -> list[Block]:
    """The block, or its parts if it is over ``room`` tokens: table rows, else sentences, else words."""
    if measure.count(block.text) <= room:
        return [block]
    if block.kind == "table":
        rows = block.text.split("\n")
        head = block.header.split("\n") if block.header and measure.count(block.header) <= room // 2 else []
        left = room - measure.count("\n".join(head)) - 2 * len(head)
        units = [part for row in rows[len(head) :] for part in _words(row, left, measure)]
        texts = ["\n".join([*head, part]) for part in _gather(units, left, measure, "\n")]
    else:
        units = [part for sentence in sentences(block.text) for part in _words(sentence, room, measure)]
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
        small = measure.count(group.text()) < settings.min_tokens
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


def coverage(structured: Structured, chunks: Sequence[Chunk], repeated: Sequence[str] = ()) -> tuple[int, int]:
    """(characters of the body that reached a chunk, characters of the body), counted by words, not by bookkeeping.

    The words of the source, boilerplate and ``repeated`` passages apart, are compared as a multiset with those of the chunks'
    texts and of their distinct headings; hyphens are ignored on both sides. So a paragraph lost by any step shows.
    """
    body = _counted(structured.body_text())
    for text in repeated:
        body -= _counted(text)
    found = Counter[str]()
    for chunk in chunks:
        found.update(_counted(chunk.text))
    for heading in {h for block in structured.blocks for h in block.headings}:
        found.update(_counted(heading))
    reached = sum(min(n, found[word]) * len(word) for word, n in body.items())
    return reached, sum(n * len(word) for word, n in body.items())


_JOIN = re.compile(r"(\w)[-\u00ad][ \t]*\n[ \t]*(?=[a-zà-ÿœ])")


def _counted(text: str) -> Counter[str]:
    joined = _JOIN.sub(r"\1", text)
    return Counter(re.findall(r"\w+", re.sub(r"(?<=\w)[-\u00ad](?=\w)", "", joined)))
