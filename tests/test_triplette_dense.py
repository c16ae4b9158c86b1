"""The dense index: exact when flat, checked input, ties by position, close to exact when inverted."""

from __future__ import annotations

import numpy as np
import pytest

from triplette.arrays import Vectors
from triplette.errors import InputError
from triplette.ranking.dense import DenseIndex
from triplette.ranking.encoder import unit_rows


def clustered(n: int, d: int = 16, seed: int = 0) -> Vectors:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(20, d))
    return unit_rows(centres[rng.integers(20, size=n)] + 0.6 * rng.normal(size=(n, d)))


def test_a_flat_index_finds_what_a_full_product_finds() -> None:
    vectors, queries = clustered(300), clustered(20, seed=1)
    ids, scores = DenseIndex(vectors).top(queries, 10)
    exact = np.round(queries @ vectors.T, 6)
    for row, found, values in zip(exact, ids, scores, strict=True):
        assert found.tolist() == sorted(range(300), key=lambda i: (-row[i], i))[:10]
        np.testing.assert_allclose(values, row[found], atol=2e-6)


def test_equal_vectors_rank_by_position_even_at_the_end_of_the_list() -> None:
    vectors = np.repeat(np.eye(4, dtype=np.float32), 5, axis=0)
    ids, scores = DenseIndex(vectors).top(np.eye(4, dtype=np.float32)[1:2], 3)
    assert ids.tolist() == [[5, 6, 7]]
    assert scores.tolist() == [[1.0, 1.0, 1.0]]


def test_fewer_vectors_than_k_are_padded() -> None:
    index = DenseIndex(np.eye(2, dtype=np.float32))
    ids, scores = index.top(np.eye(2, dtype=np.float32), 4)
    assert ids.tolist() == [[0, 1, -1, -1], [1, 0, -1, -1]]
    assert scores[:, 2:].tolist() == [[0, 0], [0, 0]]


def test_an_empty_index_finds_nothing() -> None:
    ids, _ = DenseIndex(np.zeros((0, 3), dtype=np.float32)).top(np.ones((2, 3), dtype=np.float32), 2)
    assert ids.tolist() == [[-1, -1], [-1, -1]]


def test_rank_of_counts_over_the_whole_corpus() -> None:
    vectors, queries = clustered(200), clustered(9, seed=2)
    index = DenseIndex(vectors)
    exact = np.round(queries @ vectors.T, 6)
    targets = [[i, i + 50] for i in range(8)] + [[]]
    ranks, scores = index.best_of(queries, targets)
    for row, wanted, rank, score in zip(exact[:8], targets, ranks, scores, strict=False):
        assert rank == min(sorted(range(200), key=lambda i: (-row[i], i)).index(t) for t in wanted) + 1
        assert score == max(row[t] for t in wanted)
    assert ranks[8] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_refused_by_row(bad: float) -> None:
    vectors = clustered(10)
    vectors[7, 3] = bad
    with pytest.raises(InputError, match=r"not finite in 1 rows \(first: row 7\)"):
        DenseIndex(vectors)
    with pytest.raises(InputError, match="the questions' vectors are not finite"):
        DenseIndex(clustered(10)).top(vectors, 2)


def test_vectors_of_another_width_are_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(10, 8\), not \(n, 16\)"):
        DenseIndex(clustered(10)).top(clustered(10, d=8), 2)


def test_above_the_limit_the_index_is_an_inverted_file_that_finds_nearly_all_and_repeats() -> None:
    vectors, queries = clustered(4000), clustered(100, seed=3)
    exact, _ = DenseIndex(vectors).top(queries, 10)
    index = DenseIndex(vectors, flat_limit=1000, probes=16)
    found, _ = index.top(queries, 10)
    again, _ = DenseIndex(vectors, flat_limit=1000, probes=16).top(queries, 10)
    assert index.kind == "ivf"
    assert (found == again).all()
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact.tolist(), found.tolist(), strict=True)])
    assert recall > 0.95
    one, _ = DenseIndex(vectors, flat_limit=1000, probes=1).top(queries, 10)
    assert (one != exact).any(), "with a single probe it must miss some, or it is not inverted"
