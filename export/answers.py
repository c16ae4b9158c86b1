"""A question's answers, whatever ranked them: both rankers' scores of every passage in, the best passages out.

A bundle and a run's model answer through the same code, so that two of them can stand beside each other and differ only in their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from triplette.arrays import Floats, Ints
from triplette.errors import SettingError
from triplette.ranking.fusion import ranks

PER = ("passage", "page", "section")
Place = tuple[str, int, str]


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


class Corpus(Protocol):
    """What is searched: ids and places (source, page, title) in one order, and a passage by its position there, its ranks still 0."""

    @property
    def ids(self) -> Sequence[str]: ...
    @property
    def places(self) -> Sequence[Place]: ...
    def passage(self, position: int) -> Passage: ...


class Reader(Protocol):
    """What answers questions: a bundle, or a model of a run. ``name`` tells it from another one, ``method`` says how it ranks."""

    @property
    def name(self) -> str: ...
    @property
    def method(self) -> str: ...
    def find(self, text: str, *, dense: bool = False) -> Found: ...


class Found:
    """What was found for one question. ``dense``: ranked by the encoder alone."""

    def __init__(self, corpus: Corpus, scores: Scores, *, dense: bool = False) -> None:
        self._corpus, self._scores = corpus, scores
        self._ranked = scores.dense if dense else scores.fused
        self._order = np.argsort(-self._ranked, kind="stable")

    def best(self, k: int, *, per: str = "passage") -> list[Passage]:
        """The ``k`` best passages, best first; ``per`` page or section, only the best of each. Raises SettingError for another ``per``."""
        if per not in PER:
            raise SettingError(f"answers cannot be counted per {per}", where="per", cure=f"use one of {', '.join(PER)}")
        answers: list[Passage] = []
        seen: set[object] = set()
        for position in self._order.tolist():
            if len(answers) == k:
                break
            key = _key(position, self._corpus.places[position], per)
            if key not in seen:
                seen.add(key)
                answers.append(self._answer(position, len(answers) + 1))
        return answers

    def rank_of(self, chunk_id: str) -> int:
        """The rank from 1 of a passage among all, 0 for one that is not in the corpus."""
        position = self._positions.get(chunk_id)
        return 0 if position is None else int(self._rank[position])

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {chunk_id: position for position, chunk_id in enumerate(self._corpus.ids)}

    @cached_property
    def _rank(self) -> Ints:
        return ranks(self._ranked[None])[0]

    @cached_property
    def _own_ranks(self) -> tuple[Ints, Ints]:
        return ranks(self._scores.bm25[None])[0], ranks(self._scores.dense[None])[0]

    def _answer(self, position: int, rank: int) -> Passage:
        bm25, dense = self._own_ranks
        lexical = float(self._scores.bm25[position])
        return replace(
            self._corpus.passage(position),
            rank=rank,
            score=round(float(self._ranked[position]), 6),
            bm25_rank=int(bm25[position]) if lexical > 0 else 0,
            bm25_score=round(lexical, 6),
            dense_rank=int(dense[position]),
            dense_score=float(self._scores.dense[position]),
        )


def place_of(place: Place) -> str:
    """A passage's title and place in words, as references name it."""
    source, page, title = place
    return f"{title or 'untitled'} ({source}{f', p. {page}' if page else ''})"


def _key(position: int, place: Place, per: str) -> object:
    source, page, title = place
    if per == "page" and page:
        return source, page
    return (source, title) if per == "section" and title else position
