"""``curate review status``: what waits, what came in, and what the gate still needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from triplette.curate.quota import Quota, read_quota
from triplette.curate.review.answers import read_answers
from triplette.curate.review.argilla_desk import ArgillaDesk
from triplette.records import Triplet
from triplette.rundir import RunDir
from triplette.tables import read_records


@dataclass(frozen=True, slots=True)
class Status:
    """``server`` is None where no desk was asked. ``answers`` are those in the run, ``stale`` of them about changed triplets."""

    server: dict[str, Any] | None
    server_stale: int
    answers: int
    stale: int
    reviewers: dict[str, int]
    quota: Quota | None

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "server": self.server,
            "server_stale": self.server_stale,
            "answers": self.answers,
            "stale": self.stale,
            "reviewers": self.reviewers,
            "quota": self.quota.as_json() if self.quota else None,
        }


def read_status(run: RunDir, desk: ArgillaDesk | None, quota: float) -> Status:
    """The state of review. Raises MissingStage before mining; before ``curate build`` there is no quota yet."""
    run.require("triplets.parquet")
    known = {triplet.id for triplet in read_records(run.path("triplets.parquet"), Triplet)}
    answers = read_answers(run)
    reviewers: dict[str, int] = {}
    for answer in answers:
        reviewers[answer.reviewer] = reviewers.get(answer.reviewer, 0) + 1
    server = desk.progress() if desk is not None else None
    there = server.pop("ids") if server is not None else []
    return Status(
        server=server,
        server_stale=sum(triplet_id not in known for triplet_id in there),
        answers=len(answers),
        stale=sum(answer.triplet_id not in known for answer in answers),
        reviewers=dict(sorted(reviewers.items())),
        quota=read_quota(run, quota) if run.has("dataset/rows.parquet") else None,
    )
