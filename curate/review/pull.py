"""``curate review pull`` and ``import``: people's answers become verdicts, and how well people agree is measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from curate.review.answers import Answer, Merged, read_answers, store
from curate.review.desk import Desk
from triplette.rundir import RunDir


@dataclass(frozen=True, slots=True)
class PullResult:
    """What came in. ``pairs`` are triplets that two or more people answered; ``agreed`` those on which all say the same."""

    merged: Merged
    skipped: dict[str, int]
    pairs: int
    agreed: int


def pull(run: RunDir, desk: Desk) -> PullResult:
    """Merge what a desk holds into the run. It can be killed at any moment and run again."""
    run.require("questions.parquet", "triplets.parquet")
    pulled = desk.pull()
    merged = store(run, pulled.answers, pulled.withdrawn)
    pairs, agreed = agreement(read_answers(run))
    return PullResult(merged, pulled.skipped, pairs, agreed)


def agreement(answers: Iterable[Answer]) -> tuple[int, int]:
    """(triplets that several people answered, those on which they all gave one verdict)."""
    verdicts: dict[str, list[str]] = defaultdict(list)
    for answer in answers:
        verdicts[answer.triplet_id].append(answer.verdict)
    several = [given for given in verdicts.values() if len(given) > 1]
    return len(several), sum(len(set(given)) == 1 for given in several)
