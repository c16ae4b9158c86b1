"""Agreement measures against published values and another library, and the exact bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplette.curate.agreement import bootstrap, cohen_kappa, curve, krippendorff_alpha, labels_needed, lower_bound

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C: four observers, twelve units, missing data
KRIPPENDORFF_2011 = {
    "A": [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    "B": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    "C": [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    "D": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
}


def test_alpha_is_the_published_one_for_nominal_data_with_missing_ratings() -> None:
    units = [[label for label in unit if label is not None] for unit in zip(*KRIPPENDORFF_2011.values(), strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)


def test_alpha_is_the_published_one_for_two_observers_and_binary_data() -> None:
    # the same paper, section A: Meg and Owen on ten articles
    meg = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    owen = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert krippendorff_alpha(list(zip(meg, owen, strict=True))) == pytest.approx(0.095, abs=5e-4)


def test_alpha_is_one_for_full_agreement_and_not_defined_for_one_label() -> None:
    assert krippendorff_alpha([("a", "a"), ("b", "b")]) == 1
    assert math.isnan(krippendorff_alpha([("a", "a"), ("a", "a")]))
    assert math.isnan(krippendorff_alpha([("a",), ()]))


def test_kappa_of_a_known_table() -> None:
    # 20 both yes, 5 yes/no, 10 no/yes, 15 both no: observed 0.70, by chance 0.50
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=60))
@settings(max_examples=80, deadline=None)
def test_kappa_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    mine = cohen_kappa(pairs)
    if math.isnan(mine):
        assert len({label for pair in pairs for label in pair}) == 1
    else:
        one, other = zip(*pairs, strict=True)
        assert mine == pytest.approx(cohen_kappa_score(one, other, labels=list("abc")), abs=1e-9)


def test_the_bound_is_clopper_pearsons() -> None:
    # two-sided 95 % for 8 of 10 is [0.4439, 0.9748]; its lower end is the one-sided 97.5 % bound
    assert lower_bound(8, 10, 0.975) == pytest.approx(0.4439, abs=1e-4)
    # all good: the rule of three's exact form
    assert lower_bound(29, 29, 0.95) == pytest.approx(0.05 ** (1 / 29))
    assert lower_bound(0, 10, 0.95) == 0


def test_twenty_nine_flawless_labels_prove_ninety_percent_and_twenty_eight_do_not() -> None:
    assert labels_needed(0.9, 0.95) == 29
    assert lower_bound(29, 29, 0.95) >= 0.9 > lower_bound(28, 28, 0.95)


def test_no_number_of_labels_proves_more_than_the_rate() -> None:
    assert labels_needed(0.9, 0.95, 0.9) is None
    needed = labels_needed(0.9, 0.95, 0.95)
    assert needed is not None
    assert lower_bound(math.floor(0.95 * needed), needed, 0.95) >= 0.9


def test_the_bootstrap_interval_covers_the_estimate_and_repeats() -> None:
    rng = np.random.default_rng(3)
    pairs = [(a, a if rng.random() < 0.8 else 1 - a) for a in rng.integers(0, 2, 120).tolist()]
    first, second = (bootstrap(pairs, cohen_kappa, resamples=400, confidence=0.95, seed=1) for _ in range(2))
    assert first == second
    assert first.low < first.value < first.high
    assert 0.1 < first.high - first.low < 0.4


def test_the_curve_counts_every_row_at_or_above_the_threshold() -> None:
    points = curve([0.9, 0.5, 0.5, 0.1], [True, True, False, False], 0.95)
    assert [(p["threshold"], p["kept"], p["good"]) for p in points] == [(0.1, 4, 2), (0.5, 3, 2), (0.9, 1, 1)]
    assert points[1]["precision"] == pytest.approx(2 / 3)
    assert points[1]["recall"] == 1
    assert curve([], [], 0.95) == []
