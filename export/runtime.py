"""A bundle on a laptop, as the phone reads it: tokenizer.model, LiteRT, SQLite. No torch.

``Bundle(path).ask(text, k)`` is what ``train ask`` prints; an answer here is the answer of the phone up to the rounding of its kernels.
Passages are ranked as the contract says: BM25 and the encoder fused, or the encoder alone where it names no fusion.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from triplette.arrays import Vector
from triplette.contract import PromptContract
from triplette.errors import InputError, SettingError
from triplette.export.answers import Found, Passage, Place, Scores, place_of
from triplette.export.index import INDEX, asked_tokens, lexical_scores, open_index, read_index, read_meta, read_refs
from triplette.export.litert import SPEC, LiteRtModel, Spec
from triplette.export.tokenizers.forms import open_tokenizer
from triplette.ranking.fusion import DECIMALS, fuse, neighbours

CONTRACT, TOKENIZER = "contract.json", "tokenizer.model"


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

    @property
    def name(self) -> str:
        """The folder's name, with its parent's: every run calls its bundle ``bundle``."""
        return "/".join(self.path.resolve().parts[-2:])

    @property
    def method(self) -> str:
        """How passages are ranked."""
        said = f"{self.embedder.contract.base_model or 'a model'}, {self.embedder.dimension} dimensions, int8 vectors"
        return f"{said}; {self.fusion.named if self.fusion else 'encoder alone'}"

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the passages, in the index's order."""
        return self._index.ids

    @property
    def places(self) -> tuple[Place, ...]:
        """Each passage's source, page and title, in that order."""
        return self._index.places

    def ask(self, text: str, k: int = 5, *, per: str = "passage", dense: bool = False) -> list[Passage]:
        """The ``k`` best passages for a question, best first; ``per`` page or section, only the best of each.

        ``dense`` ranks by the encoder alone, whatever the contract says. Raises SettingError for another ``per``.
        """
        return self.find(text, dense=dense).best(k, per=per)

    def find(self, text: str, *, dense: bool = False) -> Found:
        """Every passage's rank for a question."""
        return Found(self, self.scores(text), dense=dense)

    def scores(self, text: str) -> Scores:
        """Every passage's scores for a question, in the index's order."""
        bm25 = lexical_scores(self.path / INDEX, asked_tokens(text, self._languages), len(self._index.ids))
        dense = self._index.scores(self.embedder.embed_query(text)).astype(np.float64)
        dense = dense.round(DECIMALS)
        fused = dense if self.fusion is None else fuse(bm25[None], dense[None], self.fusion, self._beside)[0]
        return Scores(bm25, dense, fused)

    def passage(self, position: int) -> Passage:
        """The passage at a position of the index, its ranks and scores 0."""
        query = "SELECT chunk_id, title, source, page_start, page_end, text FROM chunks WHERE position = ?"
        with open_index(self.path / INDEX) as connection:
            chunk_id, title, source, first, last, text = connection.execute(query, (position,)).fetchone()
        refs = (self.places[other] for other in read_refs(self.path / INDEX, position) if other < len(self.places))
        return Passage(0, 0.0, 0, 0.0, 0, 0.0, chunk_id, title, source, first, last, text, tuple(map(place_of, refs)))
