"""``curate review pull`` and ``import``: people's answers become verdicts, and how well people agree is measured."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from curate.review.answers import ANSWERS, Answer, Merged, read_answers, store
from curate.review.desk import Desk
from triplette.hashing import canonical_json
from triplette.rundir import RunDir
from triplette.tables import write_text

MARKS = "review/marks.json"  # how far each desk was read


@dataclass(frozen=True, slots=True)
class PullResult:
    """What came in. ``pairs`` are triplets that two or more people answered; ``agreed`` those on which all say the same.

    ``unchanged``: nothing has happened on the desk since the last pull, and nothing was read.
    """

    merged: Merged
    skipped: dict[str, int]
    pairs: int
    agreed: int
    unchanged: bool


def pull(run: RunDir, desk: Desk) -> PullResult:
    """Merge what a desk holds into the run. It can be killed at any moment and run again."""
    run.require("questions.parquet", "triplets.parquet")
    pulled = desk.pull(_marks(run))
    merged = store(run, pulled.answers, pulled.withdrawn)
    if pulled.marks:  # after the answers: a kill in between makes the next pull read them again, which changes nothing
        write_text(run.path(MARKS), canonical_json({**_marks(run), **pulled.marks}))
    pairs, agreed = agreement(read_answers(run))
    return PullResult(merged, pulled.skipped, pairs, agreed, pulled.unchanged)


def _marks(run: RunDir) -> dict[str, str]:
    """The marks of earlier pulls; none when the answers they speak of are gone."""
    if not run.has(MARKS) or not run.has(ANSWERS):
        return {}
    try:
        return dict(json.loads(run.path(MARKS).read_text(encoding="utf-8")))
    except ValueError:
        return {}  # only a shortcut: without it everything is read again


def agreement(answers: Iterable[Answer]) -> tuple[int, int]:
    """(triplets that several people answered, those on which they all gave one verdict)."""
    verdicts: dict[str, list[str]] = defaultdict(list)
    for answer in answers:
        verdicts[answer.triplet_id].append(answer.verdict)
    several = [given for given in verdicts.values() if len(given) > 1]
    return len(several), sum(len(set(given)) == 1 for given in several)
