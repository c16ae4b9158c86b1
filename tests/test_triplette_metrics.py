"""Ranking metrics against hand-computed values and a reference loop; statistics against known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplette.ranking.metrics import bootstrap, compare, compare_all, hits, holm, intervals, permutation_p, score_rankings, slices

IDS = st.lists(st.integers(0, 30), min_size=12, max_size=12, unique=True)
SETS = st.sets(st.integers(0, 30), max_size=6)


def test_metrics_of_a_small_ranking_are_the_hand_computed_ones() -> None:
    scores = score_rankings(np.array([[7, 3, 9, 1]]), [{3, 1}])
    assert scores["nDCG@10"][0] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3)))
    assert scores["Recall@1"][0] == 0
    assert scores["Recall@5"][0] == 1
    assert scores["MRR@10"][0] == 0.5
    assert scores["MAP@4"][0] == pytest.approx((1 / 2 + 2 / 4) / 2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(IDS, SETS), min_size=1, max_size=6))
def test_metrics_equal_the_textbook_loops(rows: list[tuple[list[int], set[int]]]) -> None:
    ranked, relevant = np.array([ids for ids, _ in rows]), [wanted for _, wanted in rows]
    scores = score_rankings(ranked, relevant)
    for q, (ids, wanted) in enumerate(rows):
        gains = [1.0 if i in wanted else 0.0 for i in ids]
        ideal = sum(1 / math.log2(r + 2) for r in range(min(10, len(wanted))))
        dcg = sum(gain / math.log2(r + 2) for r, gain in enumerate(gains[:10]))
        assert scores["nDCG@10"][q] == pytest.approx(dcg / ideal if ideal else 0.0)
        first = next((r + 1 for r, gain in enumerate(gains[:10]) if gain), 0)
        assert scores["MRR@10"][q] == pytest.approx(1 / first if first else 0.0)
        precisions = [sum(gains[: r + 1]) / (r + 1) for r, gain in enumerate(gains) if gain]
        assert scores["MAP@12"][q] == pytest.approx(sum(precisions) / len(wanted) if wanted else 0.0)
        assert scores["Recall@5"][q] == pytest.approx(sum(gains[:5]) / len(wanted) if wanted else 0.0)


def test_padding_and_ids_of_other_questions_are_no_hits() -> None:
    found = hits(np.array([[5, -1], [4, 0]]), [{4}, {0, 5}])
    assert found.tolist() == [[False, False], [False, True]]


def test_rankings_and_questions_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="2 rankings for 1 questions"):
        hits(np.zeros((2, 3), dtype=np.int64), [{1}])


def test_a_clear_gain_is_shown_and_noise_is_not() -> None:
    rng = np.random.default_rng(3)
    before = rng.random(300)
    gain = compare(before, before + 0.05 + rng.normal(0, 0.1, 300))
    noise = compare(before, before + rng.normal(0, 0.1, 300))
    assert gain.shown == 1
    assert gain.low < gain.delta < gain.high
    assert noise.shown == 0
    assert compare(before, before - 0.05 + rng.normal(0, 0.1, 300)).shown == -1


def test_three_lucky_questions_do_not_show_a_gain_though_their_bootstrap_interval_is_above_zero() -> None:
    result = compare(np.zeros(3), np.array([0.2, 0.3, 0.4]))
    assert result.low > 0
    assert result.p_value == pytest.approx(2 / 8)
    assert result.shown == 0


def test_questions_that_move_together_are_one_piece_of_evidence() -> None:
    after = np.repeat(np.random.default_rng(0).normal(0.1, 0.3, 20), 10)
    alone = compare(np.zeros(200), after)
    grouped = compare(np.zeros(200), after, groups=[i // 10 for i in range(200)])
    assert grouped.groups == 20
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)
    assert grouped.p_value > alone.p_value


def test_bootstrap_error_is_the_standard_error_and_memory_blocks_do_not_change_it() -> None:
    values = np.random.default_rng(1).normal(size=(400, 1))
    means = bootstrap(values, np.ones(400))
    assert means.std() == pytest.approx(values.std() / 20, rel=0.03)
    assert bootstrap(values, np.ones(400), block=400 * 7) == pytest.approx(means)


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(200):
        ((low, high),) = intervals(rng.normal(0.3, 0.2, (60, 1)), resamples=500, seed=trial)
        covered += low <= 0.3 <= high
    assert 0.90 <= covered / 200 <= 0.98


def test_permutation_p_is_uniform_enough_under_the_null_and_exact_for_few() -> None:
    rng = np.random.default_rng(7)
    small = int((permutation_p(rng.normal(size=(40, 300)), resamples=400) <= 0.05).sum())
    assert 3 <= small <= 27
    assert permutation_p(np.ones((5, 1)))[0] == pytest.approx(2 / 32)
    assert permutation_p(np.zeros((20, 1)))[0] == 1.0


def test_the_number_of_questions_needed_would_indeed_show_the_difference() -> None:
    rng = np.random.default_rng(11)
    small = compare(np.zeros(60), rng.normal(0.02, 0.1, 60))
    needed = small.needed(0.02)
    assert needed is not None
    shown = sum(compare(np.zeros(needed), rng.normal(0.02, 0.1, needed), resamples=800, seed=t).shown == 1 for t in range(60))
    assert 0.6 <= shown / 60 <= 1.0
    assert compare(np.zeros(5), np.zeros(5)).needed() is None


def test_comparing_many_columns_at_once_is_comparing_each() -> None:
    rng = np.random.default_rng(2)
    before, after = rng.random((50, 3)), rng.random((50, 3))
    groups = [i // 3 for i in range(50)]
    together = compare_all(before, after, groups=groups, resamples=300)
    for column, found in enumerate(together):
        alone = compare(before[:, column], after[:, column], groups=groups, resamples=300)
        assert (found.low, found.high, found.p_value) == pytest.approx((alone.low, alone.high, alone.p_value))


def test_unequal_vectors_are_refused() -> None:
    with pytest.raises(ValueError, match="pair the same questions"):
        compare(np.zeros(3), np.zeros(4))


def test_slices_group_rows_by_label() -> None:
    found = slices({"kind": ["a", "b", "a"]})
    assert {name: rows.tolist() for name, rows in found["kind"].items()} == {"a": [0, 2], "b": [1]}


def test_holm_multiplies_the_smallest_p_by_all_and_never_falls() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []
