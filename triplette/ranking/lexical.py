"""Lexical rankers: token lists to scores, behind one seam as encoders are (``triplette.ranking.encoder``).

BM25 is the one there is (``triplette.ranking.bm25``). Another one (BM25L, a learned sparse ranker) implements this and is put in its place where
mining and evaluation make theirs: ``synth/mining/mine.py`` and ``train/evaluate.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from triplette.arrays import Ints, Scores

Tokens = Sequence[str]


class LexicalRanker(Protocol):
    """Scores of n documents for tokenised queries; higher is better, and 0 says that no token is shared."""

    size: int

    def scores(self, queries: Sequence[Tokens], *, dtype: Any = ...) -> Iterator[tuple[int, Scores]]:
        """Block by block: (number of the first query, scores (queries of the block, n)). The block may be reused."""
        ...

    def top(self, queries: Sequence[Tokens], k: int) -> tuple[Ints, Scores]:
        """Ids (q, k) and scores (q, k) of the best documents, best first; -1 and 0 where fewer share a token. Ties: the first."""
        ...

    def rank_of(self, queries: Sequence[Tokens], targets: Sequence[Sequence[int]]) -> Ints:
        """The rank (from 1, over all n documents) of each query's best target document (q,); 0 for a query without targets."""
        ...

    def score_pairs(self, queries: Sequence[Tokens], documents: Sequence[Tokens]) -> Scores:
        """The score of query i against document i (q,), for documents that need not be among the n."""
        ...
