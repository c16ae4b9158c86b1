"""What a set of questions says about several systems: metrics, paired differences, slices, and the verdict.

The verdict was declared before anything was measured: nDCG@10 of tuned against base in the form that production uses (fused with BM25, or
alone), at its dimension and number format, on the first split. What lies below BM25 alone on the same questions is no improvement.
Everything else (other metrics, dimensions, slices, baselines) explains and does not decide; with so many comparisons some will look
significant by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from triplette.arrays import Floats, Ints
from triplette.ranking.metrics import PRIMARY, Difference, compare, compare_all, hits, intervals, score_rankings, slices
from triplette.settings.train import EvaluateSettings
from triplette.train.data import Questions

BASE, TUNED, BM25 = "base", "tuned", "BM25"
HYBRID_BASE, HYBRID = "BM25+base", "BM25+tuned"
IMPROVED, NOT_SHOWN, WORSE = "improved", "not shown", "worse"


@dataclass(frozen=True, slots=True)
class Value:
    """A system's mean of one metric on a set, with its 95 % interval."""

    system: str
    view: str
    metric: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Change:
    """A paired difference: ``after`` against ``before`` (system and view), on all questions or on a slice of them."""

    before: str
    after: str
    view: str
    metric: str
    facet: str
    label: str
    difference: Difference

    def as_json(self) -> dict[str, Any]:
        """Flat, with what the difference shows: 1, 0 or -1."""
        flat = asdict(self)
        found = flat.pop("difference")
        found["before_value"], found["after_value"] = found.pop("before"), found.pop("after")
        return {**flat, **found, "shown": self.difference.shown}


@dataclass(frozen=True, slots=True)
class Moved:
    """A question whose metric changed. Ranks count from 1; 0: not among those ranked."""

    question_id: str
    question: str
    answer: str
    before: float
    after: float
    rank_before: int
    rank_after: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The declared test's outcome, in a word and in a sentence. ``needed`` questions would show the observed difference."""

    word: str
    sentence: str
    metric: str
    view: str
    on: str
    difference: Difference
    needed: int | None
    detectable: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything measured on one set of questions.

    ``ranks``, ``per_question`` and ``moved`` are of production's form, ``production`` its systems before and after.
    """

    name: str
    questions: int
    passages: int
    values: tuple[Value, ...]
    changes: tuple[Change, ...]
    moved: tuple[Moved, ...]
    ranks: Mapping[str, tuple[int, ...]]
    per_question: Mapping[str, tuple[float, ...]]
    labels: Mapping[str, tuple[str, ...]]
    production: tuple[str, str] = (BASE, TUNED)

    def value(self, system: str, view: str, metric: str = PRIMARY) -> Value:
        """One value. Raises StopIteration when it was not measured."""
        return next(v for v in self.values if (v.system, v.view, v.metric) == (system, view, metric))


def measure_set(
    questions: Questions, rankings: Mapping[tuple[str, str], Ints], settings: EvaluateSettings, *, view: str, seed: int
) -> Measurement:
    """Metrics and differences of the rankings of ``(system, view)``, each (q, depth).

    ``view`` is production's. Baselines (BM25, LSA, fusions) have the view "" and are compared with tuned at production's. Where the base
    and the tuned model are there fused with BM25, that is the form of production, and everything is compared with it too.
    """
    groups = questions.groups if settings.group_by == "passage" else None
    scores = {key: score_rankings(ranked, questions.relevant) for key, ranked in rankings.items()}
    values, changes = _values(scores, groups, settings, seed), _changes(scores, groups, settings, view, seed)
    hybrid = (HYBRID_BASE, "") in rankings and (HYBRID, "") in rankings
    pair = ((HYBRID_BASE, ""), (HYBRID, "")) if hybrid else ((BASE, view), (TUNED, view))
    before, after = (scores[key][PRIMARY] for key in pair)
    changes += _slices(questions, before, after, settings, view, seed)
    ranks = {system: _first_hits(rankings[key], questions) for system, key in zip((BASE, TUNED), pair, strict=True)}
    return Measurement(
        name=questions.name,
        questions=len(questions),
        passages=len(questions.passages),
        values=tuple(values),
        changes=tuple(changes),
        moved=_moved(questions, before, after, ranks),
        ranks=ranks,
        per_question={BASE: tuple(before.tolist()), TUNED: tuple(after.tolist())},
        labels=questions.labels,
        production=(pair[0][0], pair[1][0]),
    )


Scores = Mapping[tuple[str, str], Mapping[str, Floats]]


def _values(scores: Scores, groups: Sequence[str] | None, settings: EvaluateSettings, seed: int) -> list[Value]:
    """Every mean with its interval, all on the same resamples."""
    keys = [(system, name, metric) for (system, name), metrics in scores.items() for metric in metrics]
    matrix = np.stack([scores[system, name][metric] for system, name, metric in keys], axis=1)
    bounds = intervals(matrix, groups=groups, resamples=settings.resamples, seed=seed)
    means = matrix.mean(0)
    return [Value(*key, float(means[i]), float(bounds[i, 0]), float(bounds[i, 1])) for i, key in enumerate(keys)]


def _changes(scores: Scores, groups: Sequence[str] | None, settings: EvaluateSettings, view: str, seed: int) -> list[Change]:
    """Tuned against base at every view, against each baseline at production's, and all at production's against the hybrid."""
    pairs = [
        ((system, name), (TUNED, name if system == BASE else view))
        for system, name in scores
        if system not in (TUNED, HYBRID, HYBRID_BASE)
    ]
    if (HYBRID, "") in scores:
        pairs += [((system, name), (HYBRID, "")) for system, name in scores if system != HYBRID and name in (view, "")]
    keys = [(one, other, metric) for one, other in pairs for metric in scores[one]]
    before = np.stack([scores[one][metric] for one, _, metric in keys], axis=1)
    after = np.stack([scores[other][metric] for _, other, metric in keys], axis=1)
    found = compare_all(before, after, groups=groups, resamples=settings.resamples, seed=seed)
    return [
        Change(one[0], other[0], other[1] or view, metric, "", "", difference)
        for (one, other, metric), difference in zip(keys, found, strict=True)
    ]


def _slices(questions: Questions, before: Floats, after: Floats, settings: EvaluateSettings, view: str, seed: int) -> list[Change]:
    found = []
    for facet, members in slices(questions.labels).items():
        if len(members) < 2:
            continue
        for label, rows in members.items():
            groups = [questions.groups[row] for row in rows] if settings.group_by == "passage" else None
            difference = compare(before[rows], after[rows], groups=groups, resamples=settings.resamples, seed=seed)
            found.append(Change(BASE, TUNED, view, PRIMARY, facet, label, difference))
    return found


def _first_hits(ranked: Ints, questions: Questions) -> tuple[int, ...]:
    """The rank of each question's best answer, 0 when it is not among those ranked."""
    found = hits(ranked, questions.relevant)
    return tuple(np.where(found.any(1), found.argmax(1) + 1, 0).tolist())


def _moved(questions: Questions, before: Floats, after: Floats, ranks: Mapping[str, Sequence[int]]) -> tuple[Moved, ...]:
    """Questions whose metric changed, largest change first, then in the set's order."""
    rows = [
        Moved(
            questions.ids[row], questions.texts[row], questions.passages.titles[questions.relevant[row][0]],
            float(before[row]), float(after[row]), ranks[BASE][row], ranks[TUNED][row],
        )
        for row in np.flatnonzero(np.abs(after - before) > 1e-12).tolist()
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda moved: -abs(moved.after - moved.before)))


def judge(measurement: Measurement, view: str, *, given_back: bool = False) -> Verdict:
    """The verdict on a measurement at production's view; ``given_back``: what was tuned is the base, for no step beat it on val."""
    told = {(c.before, c.after): c.difference for c in measurement.changes if (c.view, c.metric, c.facet) == (view, PRIMARY, "")}
    found, lexical = told[measurement.production], told.get((BM25, measurement.production[1]))
    word = {1: IMPROVED, 0: NOT_SHOWN, -1: WORSE}[found.shown]
    below = word == IMPROVED and lexical is not None and lexical.delta < 0
    word = NOT_SHOWN if below else word
    needed = found.needed()
    sentence = (
        f"{word}: {PRIMARY} {found.before:.3f} -> {found.after:.3f} ({found.delta:+.3f}, 95 % interval {found.low:+.3f} to "
        f"{found.high:+.3f}, p = {found.p_value:.4f}) on {found.questions} questions of {measurement.name} over {found.groups} "
        f"{'passages' if found.groups < found.questions else 'units'}, at {view} dimensions"
    )
    if measurement.production[1] == HYBRID:
        sentence += ", fused with BM25"
    if below and lexical is not None:
        sentence += f"; but BM25 alone has {lexical.before:.3f} on the same questions, so this is no improvement"
    elif measurement.per_question[BASE] == measurement.per_question[TUNED]:
        sentence += "; the two rank every question alike"
        sentence += ": no step was better than the base on val, so the base was given back" if given_back else ""
    elif word == NOT_SHOWN:
        sentence += f"; this set shows differences from about {found.detectable:.3f} up"
        sentence += f", so about {needed} questions like these would show the observed one" if needed else ", and none was observed"
    return Verdict(word, sentence, PRIMARY, view, measurement.name, found, needed, found.detectable)
