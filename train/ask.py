"""A run's own model as a reader of questions: the merged one, or the base that it came from, over the run's corpus.

A bundle answers as the phone does; this answers as ``train evaluate`` measured, in float32, so that base and tuned can be asked side by side
before anything is exported. The vectors of passages that the fit kept are used where the model still gives them.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from triplette.arrays import Vectors
from triplette.console import progress
from triplette.contract import Fusion, PromptContract
from triplette.dataset import load_dataset
from triplette.errors import SettingError
from triplette.export.answers import Found, Passage, Place, Scores, place_of
from triplette.export.index import asked_tokens, languages_of
from triplette.ranking.fusion import DECIMALS, fuse, neighbours
from triplette.rundir import RunDir
from triplette.train.data import Passages
from triplette.train.evaluate import load_system
from triplette.train.fit import ADAPTER, CONTRACT
from triplette.train.kept import FILE as KEPT
from triplette.train.kept import embed_passages, kept_passages
from triplette.train.measure import BASE as BEFORE
from triplette.train.measure import TUNED
from triplette.train.merge import MERGED, load_merged
from triplette.train.models import read_fit
from triplette.train.production import lexical_index
from triplette.train.ranking import batches, cut, embed


class RunReader:
    """The run's merged model, or its base with ``tuned=False``, and its corpus with a vector (d,) for each passage.

    Raises MissingStage before ``train merge``, SettingError for a dimension that the contract does not have, and what loading raises.
    """

    def __init__(self, run: RunDir, *, tuned: bool = True, dimension: int | None = None, device: str | None = None) -> None:
        run.require(MERGED, CONTRACT, ADAPTER)
        self.contract, facts = PromptContract.load(run.path(CONTRACT)), read_fit(run.path(ADAPTER))
        self.dimension = dimension or self.contract.dimensions[0]
        if self.dimension not in self.contract.dimensions:
            known = ", ".join(map(str, self.contract.dimensions))
            raise SettingError(f"the contract has no dimension {self.dimension}", where="--dimension", cure=f"use one of {known}")
        own = Fusion(**facts["base_fusion"]) if facts.get("base_fusion") else None
        self.fusion = self.contract.fusion if tuned else own
        self.name = "tuned" if tuned else "base"
        self._chunks = list(load_dataset(run).corpus.values())
        self._passages = Passages.of(self._chunks)
        self._bm25 = lexical_index(self._passages)
        self._languages = languages_of(self._chunks)
        self._beside = neighbours(self._passages.sources)
        self.places: list[Place] = [(chunk.source, chunk.page_start, chunk.title) for chunk in self._chunks]
        self._positions = {chunk.id: position for position, chunk in enumerate(self._chunks)}
        self._model = (
            load_merged(run.path(MERGED), self.contract, device)
            if tuned
            else load_system(run, facts, self.contract, tuned=False, device=device)
        )
        kept = kept_passages(run.path(KEPT), TUNED if tuned else BEFORE)
        texts = self._passages.formatted(self.contract)
        with progress(f"passages by the {self.name} model", batches(len(texts))) as bar:
            vectors = embed_passages(partial(embed, self._model, beat=bar.advance), self.ids, texts, kept)
        self._vectors: Vectors = cut(vectors, self.dimension)

    @property
    def method(self) -> str:
        """How passages are ranked."""
        said = f"{self.contract.base_model or 'a model'}, {self.dimension} dimensions, float32"
        return f"{said}; {self.fusion.named if self.fusion else 'encoder alone'}"

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the passages, in the corpus's order."""
        return self._passages.ids

    def find(self, text: str, *, dense: bool = False) -> Found:
        """Every passage's rank for a question; ``dense``: by the encoder alone."""
        asked = [asked_tokens(text, self._languages)]
        bm25 = np.concatenate([block.copy() for _, block in self._bm25.scores(asked, dtype=np.float64)])
        query = cut(embed(self._model, [self.contract.format_query(text)]), self.dimension)
        cosines = (query @ self._vectors.T).astype(np.float64).round(DECIMALS)
        fused = cosines if self.fusion is None else fuse(bm25, cosines, self.fusion, self._beside)
        return Found(self, Scores(bm25[0], cosines[0], fused[0]), dense=dense)

    def ask(self, text: str, k: int = 5, *, per: str = "passage", dense: bool = False) -> list[Passage]:
        """The ``k`` best passages for a question, best first, as a bundle's ``ask`` gives them."""
        return self.find(text, dense=dense).best(k, per=per)

    def passage(self, position: int) -> Passage:
        """The passage at a position of the corpus, its ranks and scores 0."""
        chunk = self._chunks[position]
        refs = (self.places[self._positions[other]] for other in chunk.refs if other in self._positions)
        return Passage(
            0, 0.0, 0, 0.0, 0, 0.0, chunk.id, chunk.title, chunk.source, chunk.page_start, chunk.page_end, chunk.text,
            tuple(map(place_of, refs)),
        )  # fmt: skip
