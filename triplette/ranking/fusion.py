"""BM25 and an encoder as one ranking: what production uses, and so what is measured, decided on and shipped.

Two ways, both over the whole corpus. *Convex* (Bruch et al. 2023, An analysis of fusion functions for hybrid retrieval): each
ranker's scores of a question are brought to 0..1 between their least and their greatest, and mixed with one weight. *RRF* (Cormack et
al. 2009): sums of 1 / (k + rank), which needs no scale. The convex form keeps how far ahead a passage is, which ranks throw away; its
weight carries over between corpora well enough that a few dozen questions choose it.

Neighbours: the passages before and after in the same document may lend a share of their scores. A rule that runs over the
end of a passage is found through both halves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from triplette.arrays import Floats, Ints, Scores, Vectors
from triplette.contract import Fusion
from triplette.ranking.lexical import LexicalRanker
from triplette.ranking.metrics import PRIMARY, as_good, score_rankings
from triplette.ranking.topk import top_columns

BLOCK_BYTES = 64 << 20  # of one block of scores
DECIMALS = 6  # of the encoder's and the fused score: sums in another order differ later
CHOICES = (
    Fusion(),
    *(Fusion(lexical=weight) for weight in (0.1, 0.2, 0.4, 0.5, 0.6)),
    Fusion(method="rrf"),
)  # few, because val chooses: with many, chance would
FEWEST = 30  # questions under which nothing is chosen
LEAN = 0.05  # nDCG@10 by which questions written from their passages favour BM25, which finds their words again: docs/experiments.md


def unit_range(scores: Scores) -> Floats:
    """Each row (q, n) brought to 0..1 between its least and its greatest score; a row of equal scores becomes 0."""
    if not scores.size:
        return scores.astype(np.float64)
    low, high = scores.min(axis=1, keepdims=True), scores.max(axis=1, keepdims=True)
    room = (high - low).astype(np.float64)
    return np.divide(scores - low, room, out=np.zeros(scores.shape), where=room > 0)


def ranks(scores: Scores) -> Ints:
    """The rank from 1 of every column in its row (q, n); of equal scores the earlier column is first."""
    order = np.argsort(-scores, axis=1, kind="stable")
    found = np.empty(order.shape, dtype=np.int64)
    np.put_along_axis(found, order, np.broadcast_to(np.arange(1, order.shape[1] + 1), order.shape), 1)
    return found


def fuse(lexical: Scores, dense: Scores, fusion: Fusion, beside: Ints | None = None) -> Floats:
    """Fused scores (q, n) of BM25's (q, n) and the encoder's (q, n), rounded to 6 decimals.

    ``beside`` (n, 2) are each passage's neighbours (``neighbours``), -1 for none; needed where the fusion gives them a share.
    """
    dense = np.round(dense.astype(np.float64), DECIMALS)
    if fusion.method == "convex":
        mixed = fusion.lexical * unit_range(lexical) + (1 - fusion.lexical) * unit_range(dense)
    else:
        said = np.where(lexical > 0, 1 / (fusion.rrf_k + ranks(lexical)), 0)  # no shared term: BM25 says nothing of the passage
        mixed = said + 1 / (fusion.rrf_k + ranks(dense))
    if fusion.neighbours and beside is not None:
        padded = np.concatenate([mixed, np.zeros((len(mixed), 1))], axis=1)  # column -1: no neighbour
        mixed = mixed + fusion.neighbours * (padded[:, beside[:, 0]] + padded[:, beside[:, 1]])
    return np.round(mixed, DECIMALS)


def neighbours(sources: Sequence[str], starts: Sequence[int] | None = None) -> Ints:
    """The passages before and after each one in its document: int64 (n, 2), -1 where there is none.

    Passages of a document follow each other by ``starts`` (characters), ties in the order given.
    """
    found = np.full((len(sources), 2), -1, dtype=np.int64)
    places = starts if starts is not None else range(len(sources))
    order = sorted(range(len(sources)), key=lambda number: (sources[number], places[number], number))
    for before, after in pairwise(order):
        if sources[before] == sources[after]:
            found[before, 1], found[after, 0] = after, before
    return found


@dataclass(frozen=True, slots=True)
class Hybrid:
    """What is fused: the lexical ranker over the passages, their vectors (n, d), how, and each one's neighbours (n, 2) if they count."""

    bm25: LexicalRanker
    passages: Vectors
    fusion: Fusion
    beside: Ints | None = None

    def scores(self, asked_tokens: Sequence[Sequence[str]], asked: Vectors) -> Iterator[tuple[int, Floats]]:
        """(number of the first question, fused scores (questions of the block, n)) block by block."""
        size = max(1, BLOCK_BYTES // max(8 * self.bm25.size, 1))
        for start in range(0, len(asked_tokens), size):
            part = slice(start, start + size)
            lexical = np.concatenate([block.copy() for _, block in self.bm25.scores(asked_tokens[part], dtype=np.float64)])
            yield start, fuse(lexical, asked[part] @ self.passages.T, self.fusion, self.beside)

    def top(self, asked_tokens: Sequence[Sequence[str]], asked: Vectors, k: int) -> Ints:
        """The ``k`` best passages of each question, best first, padded with -1: int64 (q, k). Ties go to the earlier passage."""
        found = np.full((len(asked_tokens), k), -1, dtype=np.int64)
        for start, block in self.scores(asked_tokens, asked):
            found[start : start + len(block)] = top_columns(block, k)[0]
        return found


def choose_fusion(
    hybrid: Hybrid,
    asked_tokens: Sequence[Sequence[str]],
    asked: Vectors,
    relevant: Sequence[Sequence[int]],
    choices: Sequence[Fusion] = CHOICES,
    lean: float = 0.0,
) -> tuple[Fusion, dict[str, float]]:
    """The fusion for these questions, and the nDCG@10 that each of ``choices`` reached on them.

    Of the choices that these questions cannot tell from their best one (``as_good``, with ``lean`` as the slack) the nearest to the first, the
    default, is taken. Of two as near the one that reached more. Every choice keeps the share of the neighbours that ``hybrid`` has. With
    fewer than 30 questions the first is taken unmeasured.
    """
    share = hybrid.fusion.neighbours
    offered = [replace(choice, neighbours=share) for choice in choices]
    if len(asked_tokens) < FEWEST:
        return offered[0], {}
    found = {}
    for choice in offered:
        ranked = replace(hybrid, fusion=choice).top(asked_tokens, asked, 10)
        found[choice] = np.asarray(score_rankings(ranked, relevant)[PRIMARY], dtype=np.float64)
    reached = {choice: round(float(values.mean()), 6) for choice, values in found.items()}

    def order(choice: Fusion) -> tuple[bool, float, float]:
        return choice.method != offered[0].method, round(abs(choice.lexical - offered[0].lexical), 6), -reached[choice]

    return min(as_good(found, lean), key=order), {choice.named: value for choice, value in reached.items()}
