"""``curate calibrate``: how far the judge agrees with people, and where its threshold should be.

Labels come from the review (verdicts/human.parquet) or from a JSONL. What a person decided is the truth here; unsure is no label.
The threshold that is proposed is the lowest whose precision is proven at the wanted confidence. Looking for it over many
thresholds on the same labels makes the proof a little optimistic, so they are tried from the strictest down and the search ends
at the first that fails after one held (fixed-sequence testing, which nearly keeps the error rate of a single test).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from triplette.curate.agreement import Interval, bootstrap, cohen_kappa, curve, krippendorff_alpha, labels_needed, lower_bound
from triplette.curate.decisions import HUMAN, KEEP, REJECT, UNSURE, human_decisions
from triplette.errors import InputError
from triplette.jsonl import read_jsonl
from triplette.records import UNKNOWN, Question, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.settings.calibrate import CalibrateSettings
from triplette.tables import read_columns, read_records

FORM = 'each line is {"triplet_id": ..., "label": "keep" or "reject", "reviewer": ...}; reviewer may be left out'


@dataclass(frozen=True, slots=True)
class Labelled:
    """A triplet that people and the judge both spoke about. ``votes``: every reviewer's keep or reject; ``score`` 0..1."""

    id: str
    kind: str
    question: str
    human: str
    judge: str
    score: float
    votes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KindResult:
    """The judge on one kind: labels, good rows it refused, bad rows it kept, its agreement with people (0..1)."""

    kind: str
    labels: int
    wrongly_kept: int
    wrongly_refused: int
    agreement: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """The judge against people. ``threshold`` is None where no threshold is proven; ``needed`` then says about how many labels lack."""

    labels: int
    reviewers: int
    good: int
    kappa: Interval
    alpha_judge: Interval
    alpha_people: Interval
    precision: float
    recall: float
    wanted: float
    confidence: float
    threshold: float | None
    proven: float
    needed: int | None
    points: tuple[dict[str, Any], ...]
    kinds: tuple[KindResult, ...]

    def as_json(self) -> dict[str, Any]:
        """Everything, NaN as null."""
        return _without_nan(asdict(self))

    def tables(self) -> list[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]:
        """(title, head, rows) for the terminal."""
        percent = f"{100 * self.confidence:g} %"
        facts: list[tuple[Any, ...]] = [
            ("labelled rows that the judge scored", self.labels),
            ("  of them good", self.good),
            ("reviewers", self.reviewers),
            (f"Cohen's kappa, judge and people [{percent}]", str(self.kappa)),
            (f"Krippendorff's alpha, judge and people [{percent}]", str(self.alpha_judge)),
            (f"Krippendorff's alpha, people alone [{percent}]", str(self.alpha_people) if self.reviewers > 1 else "one reviewer only"),
            ("precision of the judge's keeps", f"{self.precision:.3f}"),
            ("recall of the good rows", f"{self.recall:.3f}"),
        ]
        head = ("threshold", "kept", "precision", "proven", "recall")
        points = [(p["threshold"], p["kept"], p["precision"], p["proven"], p["recall"]) for p in _thinned(self.points)]
        kinds = [(k.kind, k.labels, k.wrongly_kept, k.wrongly_refused, k.agreement, k.verdict) for k in self.kinds]
        return [
            ("The judge against people", ("", ""), facts),
            ("Keeping every row that scores at least the threshold", head, points),
            ("By kind", ("kind", "labels", "kept, bad", "refused, good", "agreement", ""), list(kinds)),
        ]

    def advice(self) -> list[str]:
        """What to do, in words."""
        goal = f"{100 * self.wanted:g} % precision with {100 * self.confidence:g} % confidence"
        lines = []
        if self.threshold is not None:
            lines.append(f"A threshold of {self.threshold:.3f} reaches {goal} (proven: {self.proven:.3f}).")
        elif self.needed is not None:
            lines.append(f"Not enough labels for {goal}: about {self.needed} more are needed, `curate review push` draws them.")
        else:
            lines.append(f"No threshold of this judge reaches {goal}: its best rows are not good often enough; improve the judge.")
        wrong = [kind.kind for kind in self.kinds if kind.verdict == "misjudged"]
        if wrong:
            lines.append(f"The judge does worse on {', '.join(wrong)} than on the rest: look at these first.")
        return lines


def calibrate(run: RunDir, settings: CalibrateSettings, labels: Path | None = None) -> Calibration:
    """Compare the judge with people. Raises MissingStage without verdicts, InputError without a usable label."""
    run.require("triplets.parquet", "questions.parquet", "verdicts/judge.parquet")
    if labels is None:
        run.require(HUMAN)
    votes = _read_labels(labels) if labels else _votes(read_records(run.path(HUMAN), Verdict))
    rows = _joined(run, votes)
    if not rows:
        where = str(labels or run.path(HUMAN))
        raise InputError("no label is about a triplet that the judge scored", where=where, cure="review some rows, or give --labels")
    return compare(rows, settings, reviewers=len({who for by in votes.values() for who in by}))


def compare(rows: Sequence[Labelled], settings: CalibrateSettings, *, reviewers: int) -> Calibration:
    """The figures for labelled rows; ``reviewers`` is how many people gave the labels."""
    interval = partial(bootstrap, resamples=settings.resamples, confidence=settings.confidence, seed=settings.seed)
    kept = [row for row in rows if row.judge == KEEP]
    good = [row for row in rows if row.human == KEEP]
    both = sum(row.human == KEEP for row in kept)
    finite = [row for row in rows if not math.isnan(row.score)]
    points = curve([row.score for row in finite], [row.human == KEEP for row in finite], settings.confidence)
    chosen = _threshold(points, settings.precision)
    return Calibration(
        labels=len(rows),
        reviewers=reviewers,
        good=len(good),
        kappa=interval([(row.judge, row.human) for row in rows], cohen_kappa),
        alpha_judge=interval([(row.judge, row.human) for row in rows], krippendorff_alpha),
        alpha_people=interval([row.votes for row in rows], krippendorff_alpha),
        precision=both / len(kept) if kept else math.nan,
        recall=both / len(good) if good else math.nan,
        wanted=settings.precision,
        confidence=settings.confidence,
        threshold=chosen["threshold"] if chosen else None,
        proven=chosen["proven"] if chosen else max((p["proven"] for p in points), default=0.0),
        needed=None if chosen else _needed(points, settings),
        points=tuple(points),
        kinds=tuple(_kinds(rows, settings)),
    )


def _threshold(points: Sequence[dict[str, Any]], wanted: float) -> dict[str, Any] | None:
    """The lowest threshold of the unbroken run of proven ones. The strictest keep too few rows to prove anything: passed over."""
    chosen = None
    for point in reversed(points):
        if point["proven"] >= wanted:
            chosen = point
        elif chosen is not None:
            break
    return chosen


def _needed(points: Sequence[dict[str, Any]], settings: CalibrateSettings) -> int | None:
    """About how many more labels would prove the wanted precision, if the best threshold's rate holds; None when none would.

    A rate seen on fewer rows than a perfect score would need is too uncertain to give up on: perfection is assumed there.
    """
    fewest = labels_needed(settings.precision, settings.confidence) or 1
    total = max((point["kept"] for point in points), default=0)
    options = []
    for point in points:
        rate = point["precision"] if point["kept"] >= fewest else None
        needed = labels_needed(settings.precision, settings.confidence, rate)
        if needed is not None and (rate is not None or point["good"] == point["kept"]):
            # labels are drawn from all rows, of which only some reach the threshold
            share = point["kept"] / max(total, 1)
            options.append(math.ceil(max(needed - point["kept"], 1) / max(share, 1e-9)))
    return min(options, default=fewest if total < fewest else None)


def _kinds(rows: Sequence[Labelled], settings: CalibrateSettings) -> Iterable[KindResult]:
    """The judge by kind, worst first. Misjudged: its agreement is under the rest's, and by more than chance explains (one-sided)."""
    by_kind: dict[str, list[Labelled]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
    found = []
    for kind, members in by_kind.items():
        agreed = sum(row.human == row.judge for row in members)
        others = [row for row in rows if row.kind != kind]
        rest = sum(row.human == row.judge for row in others) / len(others) if others else math.nan
        if len(members) < settings.min_kind_labels:
            verdict = "too few labels"
        else:
            # the most that the agreement can be, from the bound on disagreement
            most = 1 - lower_bound(len(members) - agreed, len(members), settings.confidence)
            verdict = "misjudged" if most < rest else "as the rest"
        found.append(
            KindResult(
                kind=kind,
                labels=len(members),
                wrongly_kept=sum(row.judge == KEEP and row.human == REJECT for row in members),
                wrongly_refused=sum(row.judge != KEEP and row.human == KEEP for row in members),
                agreement=agreed / len(members),
                verdict=verdict,
            )
        )
    return sorted(found, key=lambda result: (result.agreement, result.kind))


def _votes(verdicts: Sequence[Verdict]) -> dict[str, dict[str, str]]:
    """Triplet -> reviewer -> newest keep or reject."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for verdict in sorted(verdicts, key=lambda v: v.decided_at):
        if verdict.subject_kind == "triplet":
            found[verdict.subject_id][verdict.judge_name] = verdict.decision
    return found


def _read_labels(path: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for number, row in read_jsonl(path, FORM):
        label, subject = row.get("label", row.get("decision")), row.get("triplet_id", row.get("id"))
        if label not in (KEEP, REJECT, UNSURE) or not isinstance(subject, str):
            raise InputError("needs triplet_id and a label", where=f"{path}:{number}", cure=FORM)
        found[subject][str(row.get("reviewer") or "reviewer")] = label
    return found


def _joined(run: RunDir, votes: dict[str, dict[str, str]]) -> list[Labelled]:
    """The labelled triplets that a judge scored, in the triplets' order; a tie between reviewers or an unsure majority is no label."""
    verdicts = [
        Verdict.make(
            subject_id=subject,
            subject_kind="triplet",
            judge="human",
            judge_name=who,
            score=1.0,
            decision=decision,
            reason="",
            evidence="",
        )
        for subject, by in votes.items()
        for who, decision in by.items()
    ]
    people = human_decisions(verdicts)
    judged: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in read_records(run.path("verdicts/judge.parquet"), Verdict):
        if verdict.subject_id in people and verdict.subject_kind == "triplet":
            judged[verdict.subject_id].append(verdict)
    table = read_columns(run.path("questions.parquet"), Question, ["id", "kind"]).to_pydict()
    kinds = dict(zip(table["id"], table["kind"], strict=True))
    rows = []
    for triplet in read_records(run.path("triplets.parquet"), Triplet):
        spoken = judged.get(triplet.id)
        if not spoken or people[triplet.id] not in (KEEP, REJECT):
            continue
        rows.append(
            Labelled(
                id=triplet.id,
                kind=kinds.get(triplet.question_id, UNKNOWN),
                question=triplet.question,
                human=people[triplet.id],
                judge=KEEP if all(v.decision == KEEP for v in spoken) else REJECT,
                score=min(v.score for v in spoken),
                votes=tuple(vote for vote in votes[triplet.id].values() if vote in (KEEP, REJECT)),
            )
        )
    return rows


def _thinned(points: Sequence[dict[str, Any]], most: int = 15) -> list[dict[str, Any]]:
    """At most ``most`` of the points, evenly spread: the table is for eyes, --json has them all."""
    if len(points) <= most:
        return list(points)
    return [points[round(i * (len(points) - 1) / (most - 1))] for i in range(most)]


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
