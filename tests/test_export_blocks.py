"""Scales of 4-bit blocks: a grid of 4 bits comes back as it was, no block is worse off than by its largest number, and the file holds them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from triplette.export.convert.blocks import HIGH, LOW, best_scales, pack
from triplette.export.proof.audit import unpack_int4


def error(blocks: np.ndarray, scales: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    return np.square(numbers * scales.astype(np.float32)[:, None] - blocks).sum(1)


def test_a_block_of_q4_0_whose_largest_number_is_negative_comes_back_exactly() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.integers(LOW, HIGH + 1, (400, 32)).astype(np.float32)
    numbers[:, 0] = LOW
    blocks = numbers * rng.uniform(0.001, 0.1, (400, 1)).astype(np.float16).astype(np.float32)
    scales, found = best_scales(blocks)
    assert (found == numbers).all()
    assert error(blocks, scales, found).max() == 0


def test_one_whose_largest_number_is_positive_loses_that_number_s_last_level_at_most() -> None:
    rng = np.random.default_rng(1)
    numbers = rng.integers(-7, 8, (400, 32)).astype(np.float32)
    numbers[:, 0] = 8  # what a negative scale makes of -8
    scales, found = best_scales(numbers)
    assert error(numbers, scales, found).max() <= 1.0
    assert (found[:, 1:] == numbers[:, 1:]).mean() > 0.99


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([32, 64, 128]), spread=st.sampled_from([1e-6, 0.02, 3.0]))
def test_no_block_is_further_off_than_with_the_scale_of_its_largest_number(seed: int, size: int, spread: float) -> None:
    blocks = (spread * np.random.default_rng(seed).standard_t(4, (20, size))).astype(np.float32)
    plain = np.maximum((np.abs(blocks).max(1) / HIGH).astype(np.float16), np.float16(6e-8))
    numbers = np.clip(np.rint(blocks / plain.astype(np.float32)[:, None]), LOW, HIGH)
    assert (error(blocks, *best_scales(blocks)) <= error(blocks, plain, numbers) * (1 + 1e-5) + 1e-30).all()


def test_zeros_stay_zeros_and_numbers_are_packed_low_half_first() -> None:
    scales, numbers = best_scales(np.zeros((2, 32), np.float32))
    assert (scales > 0).all()
    assert not numbers.any()
    every = np.arange(LOW, HIGH + 1, dtype=np.int8)
    assert (unpack_int4(pack(every)) == every).all()
