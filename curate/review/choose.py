"""Which rows people see, and in what order: the quota first, then the rows that a machine is least sure of.

The quota is a stratified sample, so that it measures the dataset. The active rows are chosen for what an answer teaches:
judges that disagree, rankers that disagree, a score near its floor, a negative as near as the positive (uncertainty and
disagreement sampling, Settles 2009). Both are functions of content and seed alone: pushing again gives the same rows.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from triplette.curate.decisions import Decision, Decisions
from triplette.curate.review.draw import draw
from triplette.records import Verdict
from triplette.settings.judge import JudgeSettings
from triplette.settings.review import ReviewSettings

QUOTA, JUDGES, RANKERS, SCORE, MARGIN, ALL = "quota", "judges", "rankers", "score", "margin", "all"
FAR_RANKS = math.log(100)  # ranks 1 and 100 disagree as much as any


@dataclass(frozen=True, slots=True)
class Chosen:
    """A row for review: its decision, why it was chosen, and whether several people should see it."""

    decision: Decision
    why: str
    several: bool


def choose(
    decisions: Decisions,
    quota: Sequence[str],
    judged: Mapping[str, Sequence[Verdict]],
    settings: ReviewSettings,
    judge: JudgeSettings,
    *,
    everything: bool = False,
) -> list[Chosen]:
    """The queue: ``quota`` (triplet ids, in order), then the active rows, then with ``everything`` all others that can be shown."""
    shown = [
        row for row in decisions.rows if row.triplet.positive_id in decisions.chunks and row.triplet.question_id in decisions.questions
    ]
    by_id = {row.triplet.id: row for row in shown}
    reasons: dict[str, str] = {triplet_id: QUOTA for triplet_id in quota if triplet_id in by_id}
    doubts = _doubts([row for row in shown if row.triplet.id not in reasons], judged, settings, judge)
    wanted = math.ceil(settings.active_share * len(shown))
    reasons.update(doubts[:wanted])
    if everything:
        rest = (row.triplet.id for row in shown if row.triplet.id not in reasons)
        reasons.update((triplet_id, ALL) for triplet_id in sorted(rest, key=lambda one: draw(one, settings.seed)))
    return [Chosen(by_id[one], why, draw(one, settings.seed, "overlap") < settings.overlap_share) for one, why in reasons.items()]


def _doubts(
    rows: Iterable[Decision], judged: Mapping[str, Sequence[Verdict]], settings: ReviewSettings, judge: JudgeSettings
) -> list[tuple[str, str]]:
    """(triplet id, why) of the doubtful rows, most doubtful first. Rows that fell to duplicates or broken ids are not shown."""
    rows = [row for row in rows if not row.human and row.step in ("", "curate.judge", "curate.negatives")]
    margins = sorted(_margin(row) for row in rows if math.isfinite(_margin(row)))
    found = []
    for row in rows:
        verdicts = judged.get(row.triplet.id, ())
        signals = {
            JUDGES: _judges_disagree(verdicts),
            RANKERS: _rankers_disagree(row),
            SCORE: _near_floor(verdicts, judge, settings.borderline),
            MARGIN: _small_margin(row, margins, settings.borderline),
        }
        why = max(signals, key=lambda name: signals[name])
        if signals[why] > 0:
            found.append((sum(signals.values()), row.triplet.id, why))
    found.sort(key=lambda item: (-item[0], item[1]))
    return [(triplet_id, why) for _, triplet_id, why in found]


def _judges_disagree(verdicts: Sequence[Verdict]) -> float:
    """1 when judges decide differently, else the spread of their scores (0 for a single judge)."""
    if len({verdict.decision for verdict in verdicts}) > 1:
        return 1.0
    scores = [verdict.score for verdict in verdicts if math.isfinite(verdict.score)]
    return max(scores) - min(scores) if len(scores) > 1 else 0.0


def _rankers_disagree(row: Decision) -> float:
    """How far apart BM25 and the encoder rank the positive, 0..1 on a log scale; under a factor of ten it does not count."""
    first, second = row.triplet.positive_bm25_rank, row.triplet.positive_dense_rank
    if min(first, second) < 1:
        return 1.0 if max(first, second) >= 1 else 0.0
    apart = abs(math.log(first) - math.log(second))
    return min(1.0, apart / FAR_RANKS) if apart >= math.log(10) else 0.0


def _near_floor(verdicts: Sequence[Verdict], judge: JudgeSettings, width: float) -> float:
    """1 for a criterion exactly on its floor, falling to 0 at ``width`` from it."""
    nearest = 0.0
    for verdict in verdicts:
        for score in verdict.scores:
            floor = getattr(judge, f"min_{score.criterion}", None)
            if floor is not None and width > 0 and math.isfinite(score.value):
                nearest = max(nearest, 1 - abs(score.value - floor) / width)
    return nearest


def _margin(row: Decision) -> float:
    return min((negative.margin for negative in row.triplet.negatives if math.isfinite(negative.margin)), default=math.inf)


def _small_margin(row: Decision, margins: Sequence[float], width: float) -> float:
    """1 for the smallest margin of all, falling to 0 at the quantile ``width``: the scale is the encoder's own."""
    margin = _margin(row)
    if not margins or width <= 0 or not math.isfinite(margin):
        return 0.0
    return max(0.0, 1 - bisect_left(margins, margin) / len(margins) / width)
