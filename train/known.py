"""What is known of training rows besides their texts: which passages each column holds, which ones answer, what a teacher scored.

In-batch negatives are other rows' passages. Some of them answer the question as well: its further positives, the same rule in a sister
regulation. The loss would push those away, so it is told which they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from triplette.arrays import Flags, Ints, Vectors


class BatchScores(Protocol):
    """Who scores any passage for any training row, when a batch asks."""

    def scores(self, rows: Ints, passages: Ints) -> Vectors:
        """Scores of ``passages`` (p,) for each of ``rows`` (r,): (r, p)."""
        ...

    def at(self, rows: Sequence[int]) -> BatchScores:
        """The scores of these rows alone, numbered from 0 in the order given."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """``passages`` (rows, columns) are passages' numbers, the positive's first; ``answers`` those that are right for each row.

    ``teacher`` (rows, columns) are a teacher's scores of these columns, NaN in a row that has none; None: there is no teacher.
    ``asked`` scores any passage for these rows in 0..1, for batches that are distilled whole; None: there is no such teacher.
    ``lexical`` is what BM25 adds to a cosine in the fused score; None: the encoder is trained by itself.
    """

    passages: Ints
    answers: tuple[frozenset[int], ...]
    teacher: Vectors | None = None
    asked: BatchScores | None = None
    lexical: BatchScores | None = None

    def distinct(self, rows: Sequence[int]) -> tuple[Ints, Ints, Ints]:
        """The batch's passages, each once in the order of first sight (p,); the row of the batch that brings each (p,); each row's own (r,)."""
        held, first, own = np.unique(self.passages[np.asarray(rows), 0], return_index=True, return_inverse=True)
        order = np.argsort(first)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return held[order], first[order], place[own]

    def answering(self, rows: Sequence[int], held: Ints) -> Flags:
        """Which passages of ``held`` (p,) answer each row: (r, p)."""
        return np.stack([np.isin(held, np.fromiter(self.answers[row], np.int64, len(self.answers[row]))) for row in rows])

    def barred(self, rows: Sequence[int], world: Sequence[int], offset: int, *, candidates: bool) -> Flags:
        """Which columns of a batch are no negative of a row: (rows, columns x world), False at the row's own positive.

        ``world`` are the rows of the whole batch, ``rows`` those from ``offset`` on; ``candidates``: a row's own ones are left out too.
        """
        held = self.passages[np.asarray(world)].T.ravel()  # column by column, as the texts are embedded
        found = self.answering(rows, held)
        place = np.arange(len(rows))
        if candidates:
            for column in range(1, self.passages.shape[1]):
                found[place, column * len(world) + offset + place] = True
        found[place, offset + place] = False
        return found

    def teaching(self, rows: Sequence[int]) -> tuple[Vectors, Vectors]:
        """The teacher's scores (rows, columns), 0 where there are none, and whether each row has any, as 0. and 1.: (rows,)."""
        given: Vectors = (
            self.teacher[np.asarray(rows)] if self.teacher is not None else np.full((len(rows), self.passages.shape[1]), np.nan)
        )
        has = np.asarray(~np.isnan(given).any(axis=1))
        return np.where(has[:, None], given, 0).astype(np.float32), has.astype(np.float32)

    def masked_share(self, batch: int) -> float:
        """The share of rows that meet a false negative in a batch of ``batch`` in the order given."""
        met = 0
        for start in range(0, len(self.answers), batch):
            rows = range(start, min(start + batch, len(self.answers)))
            met += int(self.barred(rows, rows, 0, candidates=False).any(axis=1).sum())
        return met / max(1, len(self.answers))


@dataclass(frozen=True, slots=True)
class Taught:
    """A teacher's opinion of train's rows: for each the ids of ``width`` candidates that do not answer it by what is known, and scores.

    ``positives`` holds the score of each of a row's answers by passage id; ``kept`` is False for a row that failed the consistency filter.
    ``asked`` scores any passage for any of these rows, for batches that are distilled whole; ``lexical`` is BM25's part of the fused score.
    ``heard`` rows were read by a teacher that reads.
    """

    width: int
    candidates: tuple[tuple[str, ...], ...]
    scores: tuple[tuple[float, ...], ...]
    positives: tuple[dict[str, float], ...]
    kept: tuple[bool, ...]
    asked: BatchScores | None = None
    lexical: BatchScores | None = None
    heard: int = 0

    def of(self, row: int, positive: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """The candidates of a row, and the scores of ``positive`` and of these."""
        return self.candidates[row], (self.positives[row][positive], *self.scores[row])
