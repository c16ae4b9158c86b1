"""``curate review push`` and ``export``: from the run's records to rows in front of people."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from triplette.console import progress
from triplette.curate.decisions import decide, read_verdicts
from triplette.curate.review.choose import choose
from triplette.curate.review.desk import Desk, Pushed
from triplette.curate.review.rows import ReviewRow, check_rows, make_row
from triplette.curate.review.sample import by_subject, quota_sample
from triplette.dataset import DatasetRow
from triplette.errors import InputError
from triplette.profile import run_profile
from triplette.records import Chunk, Question, Triplet
from triplette.rundir import RunDir
from triplette.settings.judge import JudgeSettings
from triplette.settings.review import ReviewSettings
from triplette.tables import read_records


@dataclass(frozen=True, slots=True)
class Queue:
    """The rows for review, in order. ``negatives`` fields are needed; ``hidden_negatives`` are past what a reviewer is shown."""

    rows: tuple[ReviewRow, ...]
    negatives: int
    known: frozenset[str]
    hidden_negatives: int

    @property
    def why(self) -> dict[str, int]:
        """Rows by the reason for which they were chosen."""
        return dict(Counter(str(row.metadata["why"]) for row in self.rows))

    @property
    def several(self) -> int:
        """Rows that more than one person should see."""
        return sum(row.several for row in self.rows)


@dataclass(frozen=True, slots=True)
class PushResult:
    """What was pushed where, and how fast."""

    queue: Queue
    pushed: Pushed
    seconds: float


def read_queue(run: RunDir, settings: ReviewSettings, judge: JudgeSettings, quota: float, *, everything: bool = False) -> Queue:
    """The run's review queue, every row checked. Raises MissingStage before mining, InputError for a row no desk would take."""
    run.require("chunks.parquet", "questions.parquet", "triplets.parquet")
    verdicts = read_verdicts(run)
    triplets = read_records(run.path("triplets.parquet"), Triplet)
    questions = read_records(run.path("questions.parquet"), Question)
    decisions = decide(triplets, questions, read_records(run.path("chunks.parquet"), Chunk), verdicts)
    judged = by_subject(verdicts.judge)
    sample = quota_sample(run, decisions, quota=quota, surplus=settings.quota_surplus, seed=settings.seed)
    chosen = choose(decisions, sample, judged, settings, judge, everything=everything)
    if not chosen:
        raise InputError(
            "there is nothing to review",
            where=str(run.root),
            cure=f"run `{run.command('curate judge')}`, then `{run.command('curate dedup')}`, or give --all",
        )
    checked = {verdict.subject_id: verdict for verdict in verdicts.negatives}
    splits, profile = _splits(run), run_profile(run)
    rows = [
        make_row(
            item.decision,
            decisions,
            judged.get(item.decision.triplet.id, ()),
            checked,
            why=item.why,
            split=splits.get(item.decision.triplet.id, ""),
            shown_negatives=settings.shown_negatives,
            untitled=profile.review.untitled,
            several=item.several,
        )
        for item in chosen
    ]
    most = max(len(triplet.negatives) for triplet in triplets)
    # at least one field, so that a dataset without any negatives still has the form
    negatives = max(1, min(settings.shown_negatives, most))
    check_rows(rows, negatives, profile)
    hidden = sum(max(0, len(item.decision.triplet.negatives) - settings.shown_negatives) for item in chosen)
    return Queue(tuple(rows), negatives, frozenset(triplet.id for triplet in triplets), hidden)


def push(
    run: RunDir,
    desk: Desk,
    settings: ReviewSettings,
    judge: JudgeSettings,
    quota: float,
    *,
    everything: bool = False,
    prune: bool = False,
) -> PushResult:
    """Put the queue on a desk. It can be killed at any moment and run again: nothing is doubled, nothing is left out."""
    queue = read_queue(run, settings, judge, quota, everything=everything)
    started = time.perf_counter()
    with progress("sending rows", len(queue.rows)) as bar:
        pushed = desk.push(queue.rows, negatives=queue.negatives, known=queue.known, prune=prune, advance=bar.advance)
    return PushResult(queue, pushed, time.perf_counter() - started)


def _splits(run: RunDir) -> dict[str, str]:
    """Triplet id -> split of the dataset as it was last built; nothing before the first build."""
    if not run.has("dataset/rows.parquet"):
        return {}
    return {row.triplet_id: row.split for row in read_records(run.path("dataset/rows.parquet"), DatasetRow) if row.triplet_id}
