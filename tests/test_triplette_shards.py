"""The sharded index: nearly all of the exact neighbours with exact scores, repeatable, padded, and a rank for what it does not find."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_triplette_dense import clustered

from triplette.errors import InputError
from triplette.ranking.dense import DenseIndex
from triplette.ranking.encoder import unit_rows
from triplette.ranking.shards import ShardedIndex

SIZE, NEAREST = 2600, 10
OPTIONS = {"probes": 24, "finalists": 80, "shard": 1000, "code_bytes": 8}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray, ShardedIndex, DenseIndex]:
    vectors = clustered(SIZE)
    near = np.random.default_rng(5).normal(size=(60, vectors.shape[1]))
    queries = unit_rows(vectors[::44][:60] + 0.1 * near)
    path = tmp_path_factory.mktemp("vectors") / "vectors.npy"
    np.save(path, vectors)
    index = ShardedIndex(np.load(path, mmap_mode="r"), path.parent / "shards", **OPTIONS)
    return vectors, queries, index, DenseIndex(vectors)


def test_shards_find_nearly_all_of_the_nearest_and_give_their_exact_scores(made: tuple[np.ndarray, ...]) -> None:
    vectors, queries, index, exact = made
    assert len(list(index._folder.glob("*.faiss"))) == 3
    ids, scores = index.top(queries, NEAREST)
    wanted, _ = exact.top(queries, NEAREST)
    assert np.mean([len(set(a) & set(b)) / NEAREST for a, b in zip(wanted.tolist(), ids.tolist(), strict=True)]) > 0.95
    assert (np.diff(scores, axis=1) <= 0).all()
    np.testing.assert_allclose(scores, np.einsum("qd,qkd->qk", queries, vectors[ids]), atol=2e-6)
    assert {number // 1000 for number in ids.ravel().tolist()} == {0, 1, 2}, "every shard is looked into"
    again = ShardedIndex(vectors, index._folder.parent / "again", **OPTIONS)
    assert (again.top(queries, NEAREST)[0] == ids).all()


def test_fewer_probes_and_finalists_miss_some(made: tuple[np.ndarray, ...]) -> None:
    vectors, queries, index, exact = made
    poor = ShardedIndex(vectors, index._folder.parent / "poor", **{**OPTIONS, "probes": 1, "finalists": 18, "code_bytes": 2})
    assert (poor.top(queries, NEAREST)[0] != exact.top(queries, NEAREST)[0]).any()


def test_a_targets_rank_is_exact_among_what_was_found_and_estimated_below(made: tuple[np.ndarray, ...]) -> None:
    _, queries, index, exact = made
    found, _ = index.top(queries, NEAREST)
    targets = np.where(np.arange(60) % 2, found[:, 3], (found[:, 0] + 1300) % SIZE)
    ranks, scores = index.place_of(queries, targets, found)
    true, true_scores = exact.place_of(queries, targets, found)
    np.testing.assert_allclose(scores, true_scores, atol=2e-6)
    assert (ranks[1::2] == 4).all()
    far = true[::2] > NEAREST
    assert far.any()
    assert (ranks[::2][far] == true[::2][far]).all(), "a sample of all passages counts every one"


def test_more_neighbours_than_finalists_or_passages_are_padded(tmp_path: Path) -> None:
    vectors = clustered(120)
    ids, scores = ShardedIndex(vectors, tmp_path, probes=8, finalists=5, shard=50, code_bytes=4).top(vectors[:3], 150)
    assert (ids[:, 120:] == -1).all()
    assert (scores[:, 120:] == 0).all()
    assert ids[:, 0].tolist() == [0, 1, 2]


def test_vectors_that_are_not_finite_or_no_matrix_are_refused(tmp_path: Path) -> None:
    bad = clustered(100)
    bad[7] = np.nan
    options = {"probes": 8, "finalists": 5, "shard": 50, "code_bytes": 4}
    with pytest.raises(InputError, match="not finite in 1 rows"):
        ShardedIndex(bad, tmp_path, **options)
    with pytest.raises(InputError, match=r"not \(n, d\)"):
        ShardedIndex(np.zeros((0, 4), dtype=np.float32), tmp_path, **options)
