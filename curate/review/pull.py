"""``curate review pull`` and ``import``: people's answers become verdicts, and how well people agree is measured."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from triplette.curate.agreement import Interval, bootstrap, cohen_kappa, krippendorff_alpha
from triplette.curate.review.answers import ANSWERS, Answer, Merged, read_answers, store
from triplette.curate.review.desk import Desk
from triplette.hashing import canonical_json
from triplette.rundir import RunDir
from triplette.tables import write_text

MARKS = "review/marks.json"  # how far each desk was read
CONFIDENCE = 0.95
RESAMPLES = 1000  # of the bootstrap: the interval's ends move by about 0.01


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa of two reviewers over the ``rows`` that both answered."""

    one: str
    other: str
    rows: int
    kappa: Interval


@dataclass(frozen=True, slots=True)
class Agreement:
    """``pairs`` are triplets that several people answered, ``agreed`` those on which all say the same, ``alpha`` is Krippendorff's."""

    pairs: int
    agreed: int
    alpha: Interval
    kappas: tuple[Kappa, ...]


@dataclass(frozen=True, slots=True)
class PullResult:
    """What came in. ``unchanged``: nothing has happened on the desk since the last pull, and nothing was read."""

    merged: Merged
    skipped: dict[str, int]
    agreement: Agreement
    unchanged: bool


def pull(run: RunDir, desk: Desk) -> PullResult:
    """Merge what a desk holds into the run. It can be killed at any moment and run again."""
    run.require("questions.parquet", "triplets.parquet")
    pulled = desk.pull(_marks(run))
    merged = store(run, pulled.answers, pulled.withdrawn)
    if pulled.marks:  # after the answers: a kill in between makes the next pull read them again, which changes nothing
        write_text(run.path(MARKS), canonical_json({**_marks(run), **pulled.marks}))
    return PullResult(merged, pulled.skipped, agreement(read_answers(run)), pulled.unchanged)


def _marks(run: RunDir) -> dict[str, str]:
    """The marks of earlier pulls; none when the answers they speak of are gone."""
    if not run.has(MARKS) or not run.has(ANSWERS):
        return {}
    try:
        return dict(json.loads(run.path(MARKS).read_text(encoding="utf-8")))
    except (ValueError, TypeError, RecursionError):
        return {}  # only a shortcut: without it everything is read again


def agreement(answers: Iterable[Answer], *, resamples: int = RESAMPLES, seed: int = 0) -> Agreement:
    """How far the reviewers' verdicts agree, over the triplets that several of them answered."""
    verdicts: dict[str, dict[str, str]] = defaultdict(dict)
    for answer in answers:
        verdicts[answer.triplet_id][answer.reviewer] = answer.verdict
    shared = [given for _, given in sorted(verdicts.items()) if len(given) > 1]
    options: dict[str, Any] = {"resamples": resamples, "confidence": CONFIDENCE, "seed": seed}
    kappas = []
    for one, other in combinations(sorted({name for given in shared for name in given}), 2):
        both = [(given[one], given[other]) for given in shared if one in given and other in given]
        if both:
            kappas.append(Kappa(one, other, len(both), bootstrap(both, cohen_kappa, **options)))
    units = [tuple(given.values()) for given in shared]
    alpha = bootstrap(units, krippendorff_alpha, **options)
    return Agreement(len(shared), sum(len(set(unit)) == 1 for unit in units), alpha, tuple(kappas))


def agreement_json(found: Agreement) -> dict[str, Any]:
    """Plain values for ``--json``; null where a figure is not defined."""

    def plain(interval: Interval) -> dict[str, float | None]:
        values = {"value": interval.value, "low": interval.low, "high": interval.high}
        return {name: None if math.isnan(value) else round(value, 4) for name, value in values.items()}

    kappas = [{"reviewers": [kappa.one, kappa.other], "rows": kappa.rows, **plain(kappa.kappa)} for kappa in found.kappas]
    return {"pairs": found.pairs, "agreed": found.agreed, "alpha": plain(found.alpha), "kappa": kappas}
