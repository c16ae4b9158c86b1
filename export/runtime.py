"""A bundle on a laptop, as the phone reads it: tokenizer.model, LiteRT, SQLite. No torch.

``Bundle(path).ask(text, k)`` is what ``train ask`` prints; an answer here is the answer of the phone up to the rounding of its kernels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from triplette.contract import PromptContract
from triplette.errors import InputError, SettingError
from triplette.export.index import INDEX, open_index, read_index
from triplette.export.litert import SPEC, LiteRtModel, Spec, Vector
from triplette.export.tokenizers.pieces import Pieces

CONTRACT, TOKENIZER = "contract.json", "tokenizer.model"


@dataclass(frozen=True, slots=True)
class Passage:
    """An answer: rank from 1, cosine, and the chunk with its place in the document (pages count from 1, 0: none)."""

    rank: int
    score: float
    chunk_id: str
    title: str
    source: str
    page_start: int
    page_end: int
    text: str


class Embedder:
    """Texts to vectors through the contract: prefix, tokens, truncation, model, dimension."""

    def __init__(self, folder: Path, *, threads: int = 1, kernels: str = "xnnpack", dimension: int | None = None) -> None:
        self.contract = PromptContract.load(folder / CONTRACT)
        self.spec = Spec.load(folder / SPEC)
        self.dimension = dimension or self.spec.dimensions[0]
        if self.dimension not in self.contract.dimensions or self.dimension not in self.spec.dimensions:
            raise SettingError(
                f"the bundle gives no vectors of {self.dimension} numbers",
                where=str(folder),
                cure=f"use one of {', '.join(map(str, self.spec.dimensions))}",
            )
        self.pieces = Pieces(folder / TOKENIZER, self.spec.tokenizer)
        self.model = LiteRtModel(folder, self.spec, threads=threads, kernels=kernels)

    @property
    def limit(self) -> int:
        """The most tokens of a text that are read; the rest is cut."""
        return min(self.contract.max_tokens, self.spec.lengths[-1])

    def query_ids(self, text: str) -> list[int]:
        """The token ids of a question."""
        return self.pieces.encode(self.contract.format_query(text), self.limit)

    def document_ids(self, text: str, title: str = "") -> list[int]:
        """The token ids of a passage."""
        return self.pieces.encode(self.contract.format_document(text, title), self.limit)

    def embed_query(self, text: str) -> Vector:
        """A question as float32 (dimension,), length 1."""
        return self.model.embed(self.query_ids(text), self.dimension)

    def embed_document(self, text: str, title: str = "") -> Vector:
        """A passage as float32 (dimension,), length 1."""
        return self.model.embed(self.document_ids(text, title), self.dimension)


class Bundle:
    """An exported bundle: its embedder and its index of the corpus."""

    def __init__(self, path: Path, *, threads: int = 2, dimension: int | None = None) -> None:
        if not (path / SPEC).exists():
            raise InputError("this is not a bundle", where=str(path), cure="run `train export` first, or give another --bundle")
        self.path = path
        self.embedder = Embedder(path, threads=threads, dimension=dimension)
        self._index = read_index(path / INDEX)

    def ask(self, text: str, k: int = 5) -> list[Passage]:
        """The ``k`` passages nearest to a question, best first."""
        scores = self._index.scores(self.embedder.embed_query(text))
        order = np.lexsort((np.arange(len(scores)), -scores))[:k]
        return [self.passage(int(position), rank, float(scores[position])) for rank, position in enumerate(order, 1)]

    def passage(self, position: int, rank: int = 0, score: float = 0.0) -> Passage:
        """The passage at a position of the index."""
        query = "SELECT chunk_id, title, source, page_start, page_end, text FROM chunks WHERE position = ?"
        with open_index(self.path / INDEX) as connection:
            row = connection.execute(query, (position,)).fetchone()
        return Passage(rank, round(score, 6), *row)
