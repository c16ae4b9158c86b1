"""How far judges and people agree beyond chance: Cohen's kappa, Krippendorff's alpha, and intervals for both and for precision.

Cohen (1960) for two raters who both saw every item. Krippendorff (2011, "Computing Krippendorff's alpha-reliability", nominal data) for
any number of raters and missing ratings. Intervals of the two: percentile bootstrap over items, because items are what
was sampled. Precision: the exact binomial bound of Clopper and Pearson (1934), which holds for small samples too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval; NaN where it is not defined (everybody always says the same)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "not defined: one label only"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def cohen_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float:
    """Agreement of two raters beyond chance, -1..1; NaN when chance alone explains everything or there are no pairs."""
    if not pairs:
        return math.nan
    count = len(pairs)
    observed = sum(one == other for one, other in pairs) / count
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum(first[label] * second[label] for label in first) / count**2
    return math.nan if expected == 1 else (observed - expected) / (1 - expected)


def krippendorff_alpha(units: Sequence[Sequence[Hashable]]) -> float:
    """Reliability of any number of raters on nominal labels, at most 1; NaN when only one label occurs.

    Each unit is the labels it got, in any order, missing ones left out; a unit with fewer than two says nothing.
    """
    coincidences: Counter[tuple[Hashable, Hashable]] = Counter()
    totals: Counter[Hashable] = Counter()
    weighted: dict[tuple[Hashable, Hashable], float] = {}
    for unit in units:
        if len(unit) < 2:
            continue
        counts = Counter(unit)
        totals.update(counts)
        coincidences.clear()
        for one, n in counts.items():
            for other, m in counts.items():
                coincidences[one, other] = n * (m - (one == other))
        for pair, n in coincidences.items():
            weighted[pair] = weighted.get(pair, 0.0) + n / (len(unit) - 1)
    size = sum(totals.values())
    expected = size**2 - sum(n**2 for n in totals.values())
    if size < 2 or not expected:
        return math.nan
    disagreement = sum(value for (one, other), value in weighted.items() if one != other)
    return 1 - (size - 1) * disagreement / expected


def bootstrap(
    items: Sequence[T], statistic: Callable[[Sequence[T]], float], *, resamples: int, confidence: float, seed: int
) -> Interval:
    """A statistic with its percentile bootstrap interval over items; resamples where it is not defined are left out."""
    value = statistic(items)
    if math.isnan(value):
        return Interval(value, math.nan, math.nan)
    draws = np.random.default_rng(seed).integers(0, len(items), (resamples, len(items)))
    values = np.array([statistic([items[i] for i in draw]) for draw in draws])
    values = values[~np.isnan(values)]
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail]) if len(values) else (math.nan, math.nan)
    return Interval(value, float(low), float(high))


def lower_bound(good: int, total: int, confidence: float) -> float:
    """The one-sided Clopper-Pearson bound: with this confidence the true share of good ones is at least that (0..1)."""
    from scipy.stats import beta

    if good == 0 or total == 0:
        return 0.0
    return float(beta.ppf(1 - confidence, good, total - good + 1))


def labels_needed(precision: float, confidence: float, rate: float | None = None, limit: int = 100_000) -> int | None:
    """The fewest kept and labelled rows that could prove a precision, if a share ``rate`` of them is good (all, by default).

    None when no number up to ``limit`` can, because the rate does not exceed the precision.
    """
    if rate is None or rate >= 1:
        # all good: the bound is (1 - confidence) ** (1 / n)
        return math.ceil(math.log(1 - confidence) / math.log(precision))
    if rate <= precision:
        return None
    low, high = 1, limit
    if lower_bound(math.floor(rate * limit), limit, confidence) < precision:
        return None
    while low < high:
        middle = (low + high) // 2
        # floor makes the bound a saw: it may hold at n and not at n + 1; the search finds a place where it holds
        if lower_bound(math.floor(rate * middle), middle, confidence) >= precision:
            high = middle
        else:
            low = middle + 1
    return low


def curve(scores: Sequence[float], good: Sequence[bool], confidence: float) -> list[dict[str, Any]]:
    """Precision and recall of keeping every row that scores at least a threshold, for each distinct score, ascending."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    ranked, right = np.asarray(scores)[order], np.asarray(good, dtype=bool)[order]
    hits = np.cumsum(right)
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.empty(0, dtype=int)
    positives = max(int(hits[-1]) if len(hits) else 0, 1)
    points = [
        {
            "threshold": float(ranked[end]),
            "kept": int(end + 1),
            "good": int(hits[end]),
            "precision": float(hits[end] / (end + 1)),
            "recall": float(hits[end] / positives),
            "proven": lower_bound(int(hits[end]), int(end + 1), confidence),
        }
        for end in ends
    ]
    return points[::-1]
