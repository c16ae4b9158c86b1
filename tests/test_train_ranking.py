"""Vectors cut, stored as int8 and fused; memory for a mini-batch."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from triplette.train.memory import activation_bytes, largest_that_fits
from triplette.train.ranking import cut, fuse, int8, rank, views


def unit(rows: int, size: int, seed: int = 0) -> np.ndarray:
    matrix = np.random.default_rng(seed).normal(size=(rows, size)).astype(np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def test_cut_vectors_are_unit_vectors_of_the_first_components() -> None:
    vectors = unit(5, 64)
    assert np.linalg.norm(cut(vectors, 16), axis=1) == pytest.approx(np.ones(5))
    assert cut(vectors, 16)[0] / cut(vectors, 16)[0, 0] == pytest.approx(vectors[0, :16] / vectors[0, 0], rel=1e-4)


def test_int8_keeps_at_most_127_steps_a_side_and_nearly_the_cosines() -> None:
    vectors = unit(40, 128)
    stored = int8(vectors)
    steps = stored / np.abs(stored).max(axis=1, keepdims=True) * 127
    assert np.abs(steps - np.rint(steps)).max() < 1e-3
    assert np.abs(vectors @ vectors.T - stored @ stored.T).max() < 0.01
    assert not np.array_equal(vectors, stored)


def test_views_name_every_dimension_in_both_formats() -> None:
    found = views((8, 4))
    assert list(found) == ["8", "8 int8", "4", "4 int8"]
    assert found["4 int8"](unit(3, 8)).shape == (3, 4)


def test_rank_orders_by_cosine_and_pads() -> None:
    passages = np.eye(3, dtype=np.float32)
    assert rank(np.array([[0.0, 1.0, 0.0]], dtype=np.float32), passages, 5)[0, :1].tolist() == [1]
    assert rank(passages[:1], passages, 5)[0, 3:].tolist() == [-1, -1]


def test_fusion_prefers_what_both_rankers_found() -> None:
    first, second = np.array([[1, 2, 3]]), np.array([[4, 2, -1]])
    assert fuse([first, second], constant=60, depth=4)[0].tolist() == [2, 1, 4, 3]


def test_the_largest_size_that_fits_is_taken_and_nothing_smaller_is_tried() -> None:
    tried: list[int] = []

    def attempt(size: int) -> bool:
        tried.append(size)
        return size <= 16

    assert largest_that_fits((64, 32, 16, 8), attempt) == 16
    assert tried == [64, 32, 16]
    with pytest.raises(MemoryError):
        largest_that_fits((2, 1), lambda _: False)


def test_activations_grow_with_the_square_of_the_length() -> None:
    config = SimpleNamespace(hidden_size=8, num_hidden_layers=2, num_attention_heads=4)
    short, long = activation_bytes(config, 1, 1000), activation_bytes(config, 1, 2000)
    assert 3.9 < long / short < 4.0
