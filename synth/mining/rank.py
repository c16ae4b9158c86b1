"""Candidates: what BM25 and an encoder take for the answer, fused, with both scores of each.

Reciprocal rank fusion (Cormack et al. 2009) needs no scale that the two rankers share. A passage that only one of them
proposed still gets its score in the other, because the filter after this looks at both. Everything runs in blocks of questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from triplette.arrays import Ints, Scores, Vectors
from triplette.console import progress, say
from triplette.engine import Engine
from triplette.ranking.dense import DenseIndex, cosines
from triplette.ranking.lexical import LexicalRanker
from triplette.ranking.shards import ShardedIndex
from triplette.ranking.topk import best_ranks
from triplette.tables import read_arrays, replacing

QUESTION_BLOCK = 2048  # questions at once, on every engine: a matrix product cut elsewhere differs in the last digit


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates of q questions, best fused rank first, (q, m) each; ``ids`` is -1 past the last one.

    Ranks count from 1, 0 where a ranker did not propose the passage; scores are the ranker's own for every candidate. ``positive_*`` (q,)
    are the positive's scores and its ranks over the whole corpus; with shards the dense
    rank is estimated past the candidates. ``likeness`` is the cosine with the positive.
    """

    ids: Ints
    bm25_rank: Ints
    dense_rank: Ints
    bm25: Scores
    dense: Scores
    fused: Scores
    likeness: Scores
    positive_bm25: Scores
    positive_dense: Scores
    positive_bm25_rank: Ints
    positive_dense_rank: Ints


def find_in_blocks(
    engine: Engine,
    bm25: LexicalRanker,
    dense: DenseIndex | ShardedIndex,
    asked_tokens: Sequence[Sequence[str]],
    asked: Vectors,
    positives: Ints,
    *,
    count: int,
    rrf_k: int,
    kept: Path | None = None,
) -> Candidates:
    """``find_candidates``, a block of questions at a time on ``engine``.

    Where there are several blocks, each is kept in the folder ``kept``, so that a killed run goes on at the one that it was at.
    """
    size = QUESTION_BLOCK
    starts = range(0, max(len(positives), 1), size)
    files = [kept / f"candidates-{start:09d}.npz" for start in starts] if kept and len(starts) > 1 else []
    parts = {place: found for place, path in enumerate(files) if path.exists() and (found := _load(path))}
    missing = [place for place in range(len(starts)) if place not in parts]
    blocks = [
        (asked_tokens[start : start + size], asked[start : start + size], positives[start : start + size], count, rrf_k)
        for start in (starts[place] for place in missing)
    ]
    with progress("finding candidates", len(starts)) as bar:
        bar.advance(len(parts))
        for place, found in zip(missing, engine.run(find_candidates, blocks, shared=(bm25, dense)), strict=True):
            parts[place] = found
            if files:
                _save(files[place], found)
            bar.advance()
    joined = {
        named.name: np.concatenate([getattr(parts[place], named.name) for place in range(len(starts))]) for named in fields(Candidates)
    }
    return Candidates(**joined)


def _save(path: Path, found: Candidates) -> None:
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **{named.name: getattr(found, named.name) for named in fields(Candidates)})


def _load(path: Path) -> Candidates | None:
    """A kept block; None where the file is damaged, and its candidates are found again."""
    try:
        return Candidates(**read_arrays(path))
    except (OSError, ValueError, TypeError) as error:
        say(f"note: the kept block {path} is damaged ({error}); its candidates are found again")
        return None


def find_candidates(
    bm25: LexicalRanker,
    dense: DenseIndex | ShardedIndex,
    asked_tokens: Sequence[Sequence[str]],
    asked: Vectors,
    positives: Ints,
    count: int,
    rrf_k: int,
) -> Candidates:
    """The ``count`` best passages of either ranker for each question, the positive left out."""
    lexical, _ = bm25.top(asked_tokens, count)
    semantic, _ = dense.top(asked, count)
    ids, bm25_rank, dense_rank = _join(lexical, semantic, positives)
    fused = np.where(bm25_rank > 0, 1 / (rrf_k + bm25_rank), 0) + np.where(dense_rank > 0, 1 / (rrf_k + dense_rank), 0)
    order = np.lexsort((ids, -np.round(fused, 12), ids < 0), axis=1)
    ids, bm25_rank, dense_rank, fused = (np.take_along_axis(a, order, 1) for a in (ids, bm25_rank, dense_rank, fused))
    lexical_scores, positive_bm25, positive_bm25_rank = _bm25_scores(bm25, asked_tokens, ids, positives)
    positive_dense_rank, positive_dense = dense.place_of(asked, positives, semantic)
    return Candidates(
        ids=ids,
        bm25_rank=bm25_rank,
        dense_rank=dense_rank,
        bm25=lexical_scores,
        dense=cosines(asked, dense.vectors, ids),
        fused=fused,
        likeness=cosines(dense.vectors, dense.vectors, ids, rows=positives),
        positive_bm25=positive_bm25,
        positive_dense=positive_dense,
        positive_bm25_rank=positive_bm25_rank,
        positive_dense_rank=positive_dense_rank,
    )


def _join(lexical: Ints, semantic: Ints, positives: Ints) -> tuple[Ints, Ints, Ints]:
    """Each row's distinct proposals with their ranks in both lists; the positive becomes -1."""
    count = lexical.shape[1]
    ids = np.concatenate([lexical, semantic], axis=1)
    places = np.broadcast_to(np.arange(1, count + 1), lexical.shape)
    bm25_rank = np.concatenate([places, np.zeros_like(places)], axis=1)
    dense_rank = np.concatenate([np.zeros_like(places), places], axis=1)
    # equal ids stand beside each other once sorted: the lexical one first, as the sort is stable
    order = np.argsort(ids, axis=1, kind="stable")
    ids, bm25_rank, dense_rank = (np.take_along_axis(a, order, 1) for a in (ids, bm25_rank, dense_rank))
    again = np.zeros(ids.shape, dtype=bool)
    again[:, 1:] = ids[:, 1:] == ids[:, :-1]
    first = np.zeros(ids.shape, dtype=bool)
    first[:, :-1] = again[:, 1:]
    dense_rank[first] = dense_rank[again]
    gone = again | (ids < 0) | (ids == positives[:, None])
    return np.where(gone, -1, ids), np.where(gone, 0, bm25_rank), np.where(gone, 0, dense_rank)


def _bm25_scores(bm25: LexicalRanker, asked: Sequence[Sequence[str]], ids: Ints, positives: Ints) -> tuple[Scores, Scores, Ints]:
    """BM25 of every candidate (q, m), of the positive (q,), and the positive's rank (q,)."""
    scores = np.zeros(ids.shape)
    best = np.zeros(len(positives))
    ranks = np.zeros(len(positives), dtype=np.int64)
    for start, block in bm25.scores(asked, dtype=np.float64):
        rows = slice(start, start + len(block))
        ranks[rows], best[rows] = best_ranks(block, positives[rows, None].tolist())
        scores[rows] = np.take_along_axis(block, np.maximum(ids[rows], 0), 1)
    return np.where(ids < 0, 0, scores), best, ranks
