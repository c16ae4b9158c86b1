"""A bundle on a laptop, as the phone reads it: tokenizer.model, LiteRT, SQLite. No torch.

``Bundle(path).ask(text, k)`` is what ``train ask`` prints; an answer here is the answer of the phone up to the rounding of its kernels.
Passages are ranked as the contract says: BM25 and the encoder fused, or the encoder alone where it names no fusion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from triplette.arrays import Floats, Vector
from triplette.contract import PromptContract
from triplette.errors import InputError, SettingError
from triplette.export.index import INDEX, asked_tokens, lexical_scores, open_index, read_index, read_meta, read_refs
from triplette.export.litert import SPEC, LiteRtModel, Spec
from triplette.export.tokenizers.forms import open_tokenizer
from triplette.ranking.fusion import DECIMALS, fuse, neighbours, ranks

PER = ("passage", "page", "section")
CONTRACT, TOKENIZER = "contract.json", "tokenizer.model"


@dataclass(frozen=True, slots=True)
class Passage:
    """An answer: rank from 1, the score it was ranked by, and the chunk with its place in the document (pages count from 1, 0: none).

    Both rankers' own ranks over the whole corpus and scores stand beside it; a passage without a word of the question has the BM25
    rank 0. ``refs`` are the titles and places of the passages that it refers to. Where the encoder ranks alone, ``score`` is its cosine.
    """

    rank: int
    score: float
    bm25_rank: int
    bm25_score: float
    dense_rank: int
    dense_score: float
    chunk_id: str
    title: str
    source: str
    page_start: int
    page_end: int
    text: str
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """A question's scores of every passage, float64 (n,): BM25's, the encoder's cosines, and both fused (the cosines without a fusion)."""

    bm25: Floats
    dense: Floats
    fused: Floats


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
        self.pieces = open_tokenizer(folder / TOKENIZER, self.spec.tokenizer)
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
        self._languages = read_meta(path / INDEX).get("languages", "").split(",")
        self.fusion = self.embedder.contract.fusion
        self._beside = neighbours([source for source, _, _ in self._index.places])

    def ask(self, text: str, k: int = 5, *, per: str = "passage", dense: bool = False) -> list[Passage]:
        """The ``k`` best passages for a question, best first; ``per`` page or section, only the best of each.

        ``dense`` ranks by the encoder alone, whatever the contract says. Raises SettingError for another ``per``.
        """
        if per not in PER:
            raise SettingError(f"no answers per {per}", where="per", cure=f"use one of {', '.join(PER)}")
        found = self.scores(text)
        ranked = found.dense if dense or self.fusion is None else found.fused
        order = np.lexsort((np.arange(len(ranked)), -ranked))
        places = (ranks(found.bm25[None])[0], ranks(found.dense[None])[0])
        answers: list[Passage] = []
        seen: set[object] = set()
        for position in order.tolist():
            if len(answers) == k:
                break
            key = self._key(position, per)
            if key not in seen:
                seen.add(key)
                bm25 = float(found.bm25[position])
                said = (
                    int(places[0][position]) if bm25 > 0 else 0,
                    round(bm25, 6),
                    int(places[1][position]),
                    float(found.dense[position]),
                )
                answers.append(self.passage(position, len(answers) + 1, float(ranked[position]), said))
        return answers

    def scores(self, text: str) -> Scores:
        """Every passage's scores for a question, in the index's order."""
        bm25 = lexical_scores(self.path / INDEX, asked_tokens(text, self._languages), len(self._index.ids))
        dense = self._index.scores(self.embedder.embed_query(text)).astype(np.float64)
        dense = dense.round(DECIMALS)
        fused = dense if self.fusion is None else fuse(bm25[None], dense[None], self.fusion, self._beside)[0]
        return Scores(bm25, dense, fused)

    def _key(self, position: int, per: str) -> object:
        source, page, title = self._index.places[position]
        if per == "page" and page:
            return source, page
        return (source, title) if per == "section" and title else position

    def passage(
        self, position: int, rank: int = 0, score: float = 0.0, said: tuple[int, float, int, float] = (0, 0.0, 0, 0.0)
    ) -> Passage:
        """The passage at a position of the index; ``said`` are BM25's rank and score and the encoder's."""
        query = "SELECT chunk_id, title, source, page_start, page_end, text FROM chunks WHERE position = ?"
        with open_index(self.path / INDEX) as connection:
            row = connection.execute(query, (position,)).fetchone()
        refs = tuple(self._place(other) for other in read_refs(self.path / INDEX, position) if other < len(self._index.places))
        return replace(Passage(rank, round(score, 6), *said, *row), refs=refs)

    def _place(self, position: int) -> str:
        source, page, title = self._index.places[position]
        return f"{title or 'untitled'} ({source}{f', p. {page}' if page else ''})"
