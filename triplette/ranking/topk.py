"""The best k of each row of a score block, exactly and the same on every run.

Scores are ordered from high to low and ties by column, so a ranking is a function of the scores alone. A row is not sorted:
its columns are dealt into groups, the k-th best group maximum is a score that at least k columns reach, and only the few columns
that reach it are sorted. That costs two passes over the block and stays exact when scores tie.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triplette.arrays import Float32s, Ints, Scores

GROUPS_PER_K = 8  # more groups: a tighter bound and fewer columns to sort, but a longer row of maxima


def top_columns(block: Scores, k: int, *, positive_only: bool = False) -> tuple[Ints, Float32s]:
    """The k best columns of each row of ``block`` (rows, columns), best first, ties by column.

    Returns ids (rows, k), padded with -1, and their scores (rows, k), padded with 0. ``positive_only`` leaves out
    columns that score 0 or less.
    """
    rows, columns = block.shape
    ids = np.full((rows, k), -1, dtype=np.int64)
    scores = np.zeros((rows, k), dtype=np.float32)
    if rows == 0 or columns == 0 or k == 0:
        return ids, scores
    reached = block >= _bounds(block, k)[:, None]
    if positive_only:
        reached &= block > 0
    # numpy's nonzero of a flat array is an order of magnitude faster than that of a matrix
    flat = np.flatnonzero(reached)
    where_row, where_column = np.divmod(flat, columns)
    values = np.ravel(block)[flat]
    order = np.lexsort((where_column, -values, where_row))
    where_row, where_column, values = where_row[order], where_column[order], values[order]
    starts = np.searchsorted(where_row, np.arange(rows))
    place = np.arange(len(where_row)) - starts[where_row]
    kept = place < k
    ids[where_row[kept], place[kept]] = where_column[kept]
    scores[where_row[kept], place[kept]] = values[kept]
    return ids, scores


def _bounds(block: Scores, k: int) -> Scores:
    """For each row a score that at least k columns reach (minus infinity where there are no k columns)."""
    rows, columns = block.shape
    depth = columns // (GROUPS_PER_K * k)
    if depth < 2:
        if columns <= k:
            return np.full(rows, -np.inf, dtype=block.dtype)
        return np.partition(block, columns - k, axis=1)[:, columns - k]
    width = columns // depth
    # groups run across the row, not along it, so that the maxima are taken over contiguous memory
    maxima = block[:, : depth * width].reshape(rows, depth, width).max(axis=1)
    return np.partition(maxima, width - k, axis=1)[:, width - k]


def best_ranks(block: Scores, targets: Sequence[Sequence[int]]) -> tuple[Ints, Scores]:
    """The rank from 1 of each row's best target column, and its score; rank 0 for a row without targets.

    The rank is 1 + the columns that score more + the columns that tie and come earlier, as ``top_columns`` orders them.
    """
    best = np.zeros(len(targets), dtype=np.int64)
    scores = np.zeros(len(targets), dtype=block.dtype)
    rows = [index for index, wanted in enumerate(targets) if len(wanted)]
    if not rows:
        return best, scores
    columns = np.array([_best_target(block[row], targets[row]) for row in rows], dtype=np.int64)
    chosen = block if len(rows) == len(targets) else block[rows]
    score = chosen[np.arange(len(rows)), columns]
    above = (chosen > score[:, None]).sum(axis=1)
    tied = chosen == score[:, None]
    earlier = tied.sum(axis=1)
    for index in np.flatnonzero(earlier > 1):  # ties are rare: only then look at which side they are on
        earlier[index] = tied[index, : columns[index] + 1].sum()
    best[rows] = above + earlier
    scores[rows] = score
    return best, scores


def _best_target(row: Scores, wanted: Sequence[int]) -> int:
    """The target that ranks first: highest score, then lowest column."""
    return wanted[0] if len(wanted) == 1 else min(wanted, key=lambda column: (-float(row[column]), column))
