"""The human review quota: how many rows people must have looked at, kind by kind, before anything is trained.

Population: the synthetic rows of train, and the triplets that people rejected (they were looked at, and would otherwise count
against the reviewer's diligence). Every kind needs its own share, rounded up, so that a rare kind is not left to chance. Reviewed means
that at least one person said keep or reject; unsure does not count.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from triplette.curate.decisions import HUMAN, KEEP, REJECT, human_decisions
from triplette.dataset import GOLD, DatasetRow
from triplette.records import UNKNOWN, Question, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.tables import read_columns, read_records


@dataclass(frozen=True, slots=True)
class Stratum:
    """One kind: rows, rows that must be reviewed, rows that were, rows still to review."""

    population: int
    required: int
    done: int

    @property
    def missing(self) -> int:
        """Rows still to review."""
        return max(0, self.required - self.done)


@dataclass(frozen=True, slots=True)
class Quota:
    """The quota (a share, 0..1) and its state by kind, kinds in alphabetical order."""

    quota: float
    strata: dict[str, Stratum]

    @property
    def required(self) -> int:
        """Rows that must be reviewed, in all."""
        return sum(stratum.required for stratum in self.strata.values())

    @property
    def done(self) -> int:
        """Rows that were reviewed, in all (more than the required ones of a kind are counted too)."""
        return sum(stratum.done for stratum in self.strata.values())

    @property
    def missing(self) -> int:
        """Rows still to review, summed over the kinds: a surplus in one kind does not fill another."""
        return sum(stratum.missing for stratum in self.strata.values())

    def as_json(self) -> dict[str, Any]:
        """The ``review`` entry of validation/result.json."""
        strata = {
            kind: {"population": s.population, "required": s.required, "done": s.done, "missing": s.missing}
            for kind, s in self.strata.items()
        }
        return {"quota": self.quota, "required": self.required, "done": self.done, "missing": self.missing, "strata": strata}


def quota_of(kinds: Mapping[str, str], reviewed: Iterable[str], quota: float) -> Quota:
    """The state of the quota. ``kinds`` maps the population's triplet ids to their kinds; ``reviewed`` are triplet ids."""
    population = Counter(kinds.values())
    done = Counter(kinds[triplet] for triplet in set(reviewed) if triplet in kinds)
    # 0.1 * 30 is 3.0000000000000004: without the tolerance ceil would ask for a row too many
    strata = {kind: Stratum(n, math.ceil(quota * n - 1e-9), done[kind]) for kind, n in sorted(population.items())}
    return Quota(quota, strata)


def reviewed_triplets(verdicts: Iterable[Verdict]) -> set[str]:
    """Triplets that at least one person kept or rejected."""
    return {v.subject_id for v in verdicts if v.subject_kind == "triplet" and v.decision in (KEEP, REJECT)}


def read_quota(run: RunDir, quota: float) -> Quota:
    """The state of a run's quota. Raises MissingStage before ``curate build``."""
    run.require("dataset/rows.parquet")
    rows = read_columns(run.path("dataset/rows.parquet"), DatasetRow, ["split", "origin", "triplet_id", "kind"]).to_pydict()
    columns = (rows["split"], rows["origin"], rows["triplet_id"], rows["kind"])
    kinds = {triplet: kind for split, origin, triplet, kind in zip(*columns, strict=True) if split == "train" and origin != GOLD}
    if not run.has(HUMAN):
        return quota_of(kinds, (), quota)
    verdicts = read_records(run.path(HUMAN), Verdict)
    refused = {subject for subject, decision in human_decisions(verdicts).items() if decision == REJECT}
    kinds.update(_kinds_of(run, refused))
    return quota_of(kinds, reviewed_triplets(verdicts), quota)


def _kinds_of(run: RunDir, triplets: set[str]) -> dict[str, str]:
    """The kinds of those of the triplets that the run still has."""
    if not triplets:
        return {}
    run.require("triplets.parquet", "questions.parquet")
    table = read_columns(run.path("triplets.parquet"), Triplet, ["id", "question_id"]).to_pydict()
    questions: dict[str, list[str]] = defaultdict(list)
    for triplet, question in zip(table["id"], table["question_id"], strict=True):
        if triplet in triplets:
            questions[question].append(triplet)
    table = read_columns(run.path("questions.parquet"), Question, ["id", "kind"]).to_pydict()
    kinds = dict(zip(table["id"], table["kind"], strict=True))
    return {triplet: kinds.get(question, UNKNOWN) for question, members in questions.items() for triplet in members}
