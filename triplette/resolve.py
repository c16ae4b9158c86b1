"""Finding the chunk that somebody else's question is about.

Questions from elsewhere (an import, a gold file) point at a chunk id, or at a source with an article number, a page,
or the text that answers. All four end in chunk ids of this run; what cannot be found is said, never guessed.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from triplette.languages import language
from triplette.languages.text import normalise
from triplette.records import Chunk

TEXT_SHARE = 0.6  # of the given text's tokens that a chunk must hold to be taken for its source
PART_SHARE = 0.8  # of a chunk's tokens that a longer text must hold for the chunk to be a part of it


class Unresolved(ValueError):
    """No chunk of the run is meant by this row; the message says why."""


class ChunkIndex:
    """Chunks by id, by source and article, by source and page, and by text. ``aliases`` maps foreign ids to ours."""

    def __init__(self, chunks: Sequence[Chunk], aliases: Mapping[str, str] | None = None) -> None:
        self.by_id = {chunk.id: chunk for chunk in chunks}
        self._aliases = dict(aliases or {})
        self._by_source: dict[str, list[Chunk]] = defaultdict(list)
        for chunk in chunks:
            self._by_source[chunk.source].append(chunk)
        self._tokens: dict[str, frozenset[str]] = {}
        self._plain: dict[str, str] = {}
        self._last: tuple[str, str, frozenset[str]] = ("", "", frozenset())

    def resolve(self, row: Mapping[str, Any]) -> list[Chunk]:
        """The chunks that a row's ``chunk_id``, or ``source`` with ``article``/``page``/``text``, points at, best first.

        Raises Unresolved when there is none.
        """
        if row.get("chunk_id"):
            key = str(row["chunk_id"])
            chunk = self.by_id.get(self._aliases.get(key, key))
            if chunk is None:
                raise Unresolved(f"no chunk has the id {key!r}")
            return [chunk]
        if not row.get("source"):
            raise Unresolved("the row has neither chunk_id nor source")
        chunks = self._by_source.get(unicodedata.normalize("NFC", str(row["source"])), [])
        if not chunks:
            raise Unresolved(f"no document of the corpus is called {row['source']!r}")
        if row.get("article"):
            return self._by_article(chunks, str(row["article"]), _hint(row))
        if row.get("page"):
            return self._by_page(chunks, int(row["page"]), _hint(row))
        if row.get("text"):
            return [self._by_text(chunks, str(row["text"]), _hint(row))]
        raise Unresolved("beside source the row needs article, page or text")

    def _by_article(self, chunks: Sequence[Chunk], article: str, hint: str) -> list[Chunk]:
        found = [chunk for chunk in chunks if article in chunk.articles]
        if not found:
            raise Unresolved(f"no chunk of that document holds the article {article}")
        shares = self._shares(found, hint)
        return sorted(found, key=lambda chunk: -shares[chunk.id])

    def _by_page(self, chunks: Sequence[Chunk], page: int, hint: str) -> list[Chunk]:
        found = [chunk for chunk in chunks if chunk.page_start <= page <= chunk.page_end]
        if not found:
            raise Unresolved(f"no chunk of that document lies on page {page}")
        shares = self._shares(found, hint)
        return [max(found, key=lambda chunk: shares[chunk.id])]

    def _by_text(self, chunks: Sequence[Chunk], text: str, hint: str) -> Chunk:
        """The chunk that holds the text; of a text longer than our chunks the part that has most of the question's words."""
        plain = normalise(text)
        for chunk in chunks:
            if plain in self._plain_text(chunk):
                return chunk
        held = self._shares(chunks, text)
        best = max(chunks, key=lambda chunk: held[chunk.id])
        if held[best.id] >= TEXT_SHARE:
            return best
        parts = [chunk for chunk in chunks if self._within(chunk, text) >= PART_SHARE]
        if not parts:
            raise Unresolved("no chunk of that document holds the text")
        asked = self._shares(parts, hint)
        return max(parts, key=lambda chunk: (asked[chunk.id], held[chunk.id]))

    def _shares(self, chunks: Sequence[Chunk], hint: str) -> dict[str, float]:
        """By chunk id, the share of the hint's tokens that the chunk holds."""
        wanted = {code: self._hint_tokens(code, hint) for code in {chunk.language for chunk in chunks}}
        return {
            chunk.id: len(wanted[chunk.language] & self._chunk_tokens(chunk)) / max(len(wanted[chunk.language]), 1) for chunk in chunks
        }

    def _within(self, chunk: Chunk, text: str) -> float:
        """The share of the chunk's tokens that the text holds."""
        own = self._chunk_tokens(chunk)
        return len(own & self._hint_tokens(chunk.language, text)) / max(len(own), 1)

    def _hint_tokens(self, code: str, hint: str) -> frozenset[str]:
        """A hint's tokens, cut once however many chunks are compared with it; rows about one passage follow each other."""
        if self._last[:2] != (code, hint):
            self._last = (code, hint, frozenset(language(code).tokens(hint)))
        return self._last[2]

    def _plain_text(self, chunk: Chunk) -> str:
        if chunk.id not in self._plain:
            self._plain[chunk.id] = normalise(chunk.text)
        return self._plain[chunk.id]

    def _chunk_tokens(self, chunk: Chunk) -> frozenset[str]:
        if chunk.id not in self._tokens:
            self._tokens[chunk.id] = frozenset(language(chunk.language).tokens(chunk.text))
        return self._tokens[chunk.id]


def _hint(row: Mapping[str, Any]) -> str:
    return f"{row.get('question', '')} {row.get('answer', '')}"
