"""Lexical rankers: token lists to scores, behind one seam as encoders are (``triplette.ranking.encoder``).

BM25 is the one there is (``triplette.ranking.bm25``). Another one (BM25L, a learned sparse ranker) implements this in a file of its own and is
named in ``lexical_ranker``: mining, evaluation and the phone bundle take theirs from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from triplette.arrays import Floats, Int32s, Ints, Scores
from triplette.languages import language

Tokens = Sequence[str]
K1 = 0.6  # BM25's: a passage of 256 tokens that says a word thrice is hardly better than one that says it once. rank-bm25's 1.5 ranks the
# federation's questions .009 (val) and .018 (test) of nDCG@10 lower once fused, and those of fr_rules alike; docs/experiments.md


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

    def postings(self) -> Iterator[tuple[str, Int32s, Floats]]:
        """(term, documents (p,), weights (p,)) of every term: a score is the sum of its query's weights, which the phone adds up."""
        ...


def lexical_ranker(documents: Iterable[Tokens]) -> LexicalRanker:
    """The ranker of this house over documents given as tokens; they are read once and need not be held."""
    from triplette.ranking.bm25 import Bm25Index

    return Bm25Index(documents, k1=K1)


def passage_tokens(code: str, title: str, text: str) -> list[str]:
    """A passage's ranking tokens in the language of ``code``: its title's and its text's."""
    return language(code).tokens(f"{title} {text}")
