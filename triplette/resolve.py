"""Finding the chunk that somebody else's question is about.

Questions from elsewhere (an import, a gold file) point at a chunk id, or at a source with an article number, a page,
or the text that answers. All four end in chunk ids of this run; what cannot be found is said, never guessed.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from triplette.languages import language
from triplette.languages.text import normalise
from triplette.records import Chunk

TEXT_SHARE = 0.6  # of the given text's tokens that a chunk must hold to be taken for its source


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
            return [self._by_text(chunks, str(row["text"]))]
        raise Unresolved("beside source the row needs article, page or text")

    def _by_article(self, chunks: Iterable[Chunk], article: str, hint: str) -> list[Chunk]:
        found = [chunk for chunk in chunks if article in chunk.articles]
        if not found:
            raise Unresolved(f"no chunk of that document holds the article {article}")
        return sorted(found, key=lambda chunk: -self._share(hint, chunk))

    def _by_page(self, chunks: Iterable[Chunk], page: int, hint: str) -> list[Chunk]:
        found = [chunk for chunk in chunks if chunk.page_start <= page <= chunk.page_end]
        if not found:
            raise Unresolved(f"no chunk of that document lies on page {page}")
        best = max(found, key=lambda chunk: self._share(hint, chunk))
        return [best]

    def _by_text(self, chunks: Iterable[Chunk], text: str) -> Chunk:
        plain = normalise(text)
        best: tuple[float, Chunk] | None = None
        for chunk in chunks:
            if plain in self._plain_text(chunk):
                return chunk
            share = self._share(text, chunk)
            if best is None or share > best[0]:
                best = (share, chunk)
        if best is None or best[0] < TEXT_SHARE:
            raise Unresolved("no chunk of that document holds the text")
        return best[1]

    def _share(self, hint: str, chunk: Chunk) -> float:
        wanted = frozenset(language(chunk.language).tokens(hint))
        return len(wanted & self._chunk_tokens(chunk)) / max(len(wanted), 1)

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
