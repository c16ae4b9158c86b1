"""Ranking metrics, and whether a difference between two rankers is more than chance.

Everything is per question: a metric is a float64 vector with one value a question, and a comparison pairs the two
vectors. Questions over the same passage succeed and fail together, so the resampled unit may be a group of questions
(the passage) rather than the question: wider intervals, but honest ones. Relevance is binary; a graded judgement counts
as relevant when it is above zero.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from triplette.arrays import Flags, Floats, Ints

K = TypeVar("K")
PRIMARY = "nDCG@10"  # declared before anything is measured; the verdict looks at nothing else
RECALL_AT = (1, 5, 10)
RESAMPLES = 10_000
ALPHA = 0.05
POWER = 0.8
BLOCK = 4_000_000  # cells of resampled indices held at once: 32 MB
EXACT_FLIPS = 13  # 2**13 sign patterns are fewer than RESAMPLES: enumerate them
Z_ALPHA_POWER = 1.959964 + 0.841621  # normal quantiles of 1 - ALPHA / 2 and of POWER


def hits(ranked: Ints, relevant: Sequence[Collection[int]]) -> Flags:
    """Whether each ranked id answers its question: bool (q, k).

    ``ranked`` is int64 (q, k), best first, padded with -1, ids distinct within a row; ``relevant`` holds the ids that
    answer each question. Raises ValueError when the lengths differ.
    """
    if len(ranked) != len(relevant):
        raise ValueError(f"{len(ranked)} rankings for {len(relevant)} questions")
    sizes = np.array([len(ids) for ids in relevant], dtype=np.int64)
    if not sizes.sum():
        return np.zeros(ranked.shape, dtype=np.bool_)
    owner = np.repeat(np.arange(len(relevant), dtype=np.int64), sizes)
    ids = np.fromiter((i for row in relevant for i in row), dtype=np.int64, count=int(sizes.sum()))
    # one integer a (question, id) pair, so that membership of all pairs is a single sorted search
    width = int(max(ids.max(), ranked.max(initial=0))) + 1
    wanted = owner * width + ids
    rows = np.arange(len(ranked), dtype=np.int64)[:, None]
    found = np.isin(rows * width + np.maximum(ranked, 0), wanted)
    return found & (ranked >= 0)


def score_rankings(
    ranked: Ints, relevant: Sequence[Collection[int]], *, at: int = 10, recall_at: Sequence[int] = RECALL_AT
) -> dict[str, Floats]:
    """nDCG@at, Recall@k, MRR@at and MAP@depth of each question, where depth is the width of ``ranked``.

    Each value is float64 (q,) in 0..1. A question with nothing relevant scores 0 everywhere.
    """
    found = hits(ranked, relevant)
    totals = np.array([len(set(ids)) for ids in relevant], dtype=np.int64)
    scores = {f"nDCG@{at}": ndcg(found, totals, at)}
    scores |= {f"Recall@{k}": recall(found, totals, k) for k in recall_at}
    scores |= {f"MRR@{at}": reciprocal_rank(found, at), f"MAP@{ranked.shape[1]}": average_precision(found, totals)}
    return scores


def ndcg(found: Flags, totals: Ints, k: int) -> Floats:
    """Normalised discounted cumulative gain at k with binary gains (Järvelin and Kekäläinen 2002), (q,)."""
    top = found[:, :k]
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate(([0.0], np.cumsum(discounts)))[np.minimum(totals, k)]
    gained: Floats = top @ discounts[: top.shape[1]]
    return np.divide(gained, ideal, out=np.zeros(len(found)), where=ideal > 0)


def recall(found: Flags, totals: Ints, k: int) -> Floats:
    """Share of the relevant passages that are in the first k, (q,)."""
    return np.divide(found[:, :k].sum(1), totals, out=np.zeros(len(found)), where=totals > 0)


def reciprocal_rank(found: Flags, k: int) -> Floats:
    """1 / rank of the first relevant passage, 0 when it is not in the first k, (q,)."""
    top = found[:, :k]
    first = top.argmax(1) + 1.0
    return np.where(top.any(1), 1.0 / first, 0.0)


def average_precision(found: Flags, totals: Ints) -> Floats:
    """Mean of the precision at each relevant passage's rank, over all relevant passages, (q,)."""
    precision = np.cumsum(found, 1) / np.arange(1, found.shape[1] + 1)
    return np.divide((precision * found).sum(1), totals, out=np.zeros(len(found)), where=totals > 0)


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference of means, after minus before.

    ``low``/``high`` bound it with 95 % confidence (percentile bootstrap), ``p_value`` is the two-sided sign-flip
    permutation test's, ``error`` the bootstrap's standard error. ``groups`` is the number of resampled units.
    """

    before: float
    after: float
    delta: float
    low: float
    high: float
    error: float
    p_value: float
    questions: int
    groups: int

    @property
    def shown(self) -> int:
        """1 for a gain, -1 for a loss, 0 when chance explains it. Both the interval and the test must say so:
        a bootstrap of few units is too narrow, and the permutation test knows how few they are."""
        if self.p_value > ALPHA or not (self.low > 0 or self.high < 0):
            return 0
        return 1 if self.delta > 0 else -1

    @property
    def detectable(self) -> float:
        """The smallest difference that a set of this size and spread shows in 80 of 100 tries."""
        return Z_ALPHA_POWER * self.error

    def needed(self, delta: float | None = None) -> int | None:
        """How many questions like these would show ``delta`` (default: the observed one) in 80 of 100 tries.

        None when the difference is zero, or the set so uniform that there is no spread to extrapolate.
        """
        wanted = abs(self.delta if delta is None else delta)
        if wanted < 1e-9 or self.error <= 0:
            return None
        return math.ceil(self.questions * (self.detectable / wanted) ** 2)


def compare(
    before: Floats, after: Floats, *, groups: Sequence[object] | None = None, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """The paired difference of two metric vectors (q,), with its interval and p-value.

    ``groups`` names the unit of each question (say, its passage); without it every question is its own. Raises
    ValueError for empty or unequal vectors.
    """
    pair = np.asarray(before, dtype=np.float64)[:, None], np.asarray(after, dtype=np.float64)[:, None]
    return compare_all(*pair, groups=groups, resamples=resamples, seed=seed)[0]


def compare_all(
    before: Floats, after: Floats, *, groups: Sequence[object] | None = None, resamples: int = RESAMPLES, seed: int = 0
) -> list[Difference]:
    """``compare`` of each column of two matrices (q, c), on the same resamples: one product of matrices for all columns."""
    if before.shape != after.shape or not len(before):
        raise ValueError(f"{len(before)} values before, {len(after)} after: pair the same questions")
    delta = after - before
    sums, counts = _by_group(delta, groups)
    means = bootstrap(sums, counts, resamples=resamples, seed=seed)
    low, high = np.quantile(means, [ALPHA / 2, 1 - ALPHA / 2], axis=0)
    p_values = permutation_p(sums, resamples=resamples, seed=seed)
    return [
        Difference(
            before=float(before[:, c].mean()),
            after=float(after[:, c].mean()),
            delta=float(delta[:, c].mean()),
            low=float(low[c]),
            high=float(high[c]),
            error=float(means[:, c].std()),
            p_value=float(p_values[c]),
            questions=len(delta),
            groups=len(sums),
        )
        for c in range(delta.shape[1])
    ]


def as_good(found: Mapping[K, Floats], slack: float = 0.0) -> list[K]:
    """The keys of ``found`` whose questions (q,) do no worse than the best key's by more than a standard error of the paired difference.

    The one-standard-error rule (Breiman et al. 1984): what a small sample cannot tell from its best may be chosen among on other
    grounds. The best is the highest mean, the first of equals; with one question nothing but a value at least as high is as good.
    ``slack`` is how much worse may be as good whatever the error: for a sample that is known to be off by so much.
    """
    best = max(found.values(), key=lambda values: values.mean())

    def near(values: Floats) -> bool:
        lost = best - values
        error = lost.std(ddof=1) / math.sqrt(len(lost)) if len(lost) > 1 else 0.0
        return bool(lost.mean() <= max(error, slack))

    return [key for key, values in found.items() if near(values)]


def intervals(values: Floats, *, groups: Sequence[object] | None = None, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """The 95 % percentile bootstrap interval of each column's mean: values (q, c) -> (c, 2)."""
    means = bootstrap(*_by_group(np.asarray(values, dtype=np.float64), groups), resamples=resamples, seed=seed)
    return np.quantile(means, [ALPHA / 2, 1 - ALPHA / 2], axis=0).T


def bootstrap(sums: Floats, counts: Floats, *, resamples: int = RESAMPLES, seed: int = 0, block: int = BLOCK) -> Floats:
    """Means of ``resamples`` samples of whole groups drawn with replacement (Efron 1979): (resamples, c).

    ``sums`` (g, c) are the groups' summed values, ``counts`` (g,) their numbers of questions. A sample is kept as how often it
    drew each group, so that all columns are one product; ``block`` cells are held at a time.
    """
    rng, size = np.random.default_rng(seed), len(sums)
    rows = max(1, block // size)
    means = np.empty((resamples, sums.shape[1]))
    for start in range(0, resamples, rows):
        stop = min(start + rows, resamples)
        drawn = rng.integers(0, size, size=(stop - start, size)) + size * np.arange(stop - start)[:, None]
        often = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape).astype(np.float64)
        means[start:stop] = (often @ sums) / (often @ counts)[:, None]
    return means


def permutation_p(sums: Floats, *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Two-sided p-values (c,) of the paired sign-flip permutation test on the groups' summed differences (g, c).

    Under the null the two rankers are exchangeable, so each group's difference may change its sign. Where at most 13 groups
    moved, all patterns are enumerated; else ``resamples`` are drawn and 1 is added to both counts, so p is never 0.
    """
    moved = np.abs(sums) > 1e-12
    observed = np.abs(sums.sum(0)) - 1e-9  # rounding must not make the observed pattern unlike itself
    rng = np.random.default_rng(seed)
    rows = max(1, BLOCK // len(sums))
    extreme = np.zeros(sums.shape[1])
    for start in range(0, resamples, rows):
        flips = 1.0 - 2.0 * rng.integers(0, 2, size=(min(rows, resamples - start), len(sums)), dtype=np.int8)
        extreme += (np.abs(flips @ sums) >= observed).sum(0)
    p_values = (extreme + 1) / (resamples + 1)
    for column in np.flatnonzero(moved.sum(0) <= EXACT_FLIPS):
        few = sums[moved[:, column], column]
        patterns = (np.arange(2 ** len(few))[:, None] >> np.arange(len(few))) & 1
        p_values[column] = np.mean(np.abs((1.0 - 2.0 * patterns) @ few) >= observed[column])
    return p_values


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for how many there are (Holm 1979): each stays under alpha only where the whole family's error does."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * p_values[place]))
        adjusted[place] = least
    return adjusted


def slices(labels: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Ints]]:
    """Row numbers by label of each facet: ``{"kind": [...]}`` -> ``{"kind": {"factual": array([0, 4])}}``."""
    found: dict[str, dict[str, Ints]] = {}
    for facet, values in labels.items():
        names = np.asarray(values, dtype=object)
        found[facet] = {name: np.flatnonzero(names == name) for name in sorted(set(values))}
    return found


def _by_group(values: Floats, groups: Sequence[object] | None) -> tuple[Floats, Floats]:
    """The groups' summed rows (g, c) and sizes (g,)."""
    if groups is None:
        return values, np.ones(len(values))
    if len(groups) != len(values):
        raise ValueError(f"{len(groups)} groups for {len(values)} questions")
    numbers: dict[object, int] = {}
    index = np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.int64)
    sums = np.zeros((len(numbers), values.shape[1]))
    np.add.at(sums, index, values)
    return sums, np.bincount(index).astype(np.float64)
