"""``curate status``: where the rows are, where they fell out and why, and what still closes the gate.

Read off the files as they are now, not off what a stage once counted: a verdict that arrived a minute ago is in it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.curate.decisions import AUTOMATIC, DATASET_INPUTS, SOURCES, Decisions, read_decisions
from triplette.curate.quota import Quota, read_quota
from triplette.dataset import GOLD, DatasetRow
from triplette.gate import Blocker, read_gate
from triplette.rundir import SUPPLIERS, RunDir
from triplette.settings.load import load_section
from triplette.settings.validate import ValidateSettings
from triplette.tables import read_columns, read_table

BUILD = "curate.build"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel: rows that went in and came out, None where the step has not run."""

    name: str
    entered: int | None
    left: int | None

    @property
    def lost(self) -> int | None:
        """Rows that fell out here; None where that is not known, as when an earlier step ran again and gives fewer than this one made."""
        lost = None if self.entered is None or self.left is None else self.entered - self.left
        return None if lost is None or lost < 0 else lost


@dataclass(frozen=True, slots=True)
class Status:
    """The funnel, the reasons ((step, reason) -> rows), the review quota (None before a build) and what closes the gate."""

    steps: tuple[Step, ...]
    reasons: dict[tuple[str, str], int]
    splits: dict[str, int]
    review: Quota | None
    blockers: tuple[Blocker, ...]
    undecided: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "funnel": [{"stage": s.name, "in": s.entered, "out": s.left, "lost": s.lost} for s in self.steps],
            "reasons": [{"step": step, "reason": reason, "rows": n} for (step, reason), n in self.reasons.items()],
            "splits": self.splits,
            "review": self.review.as_json() if self.review else None,
            "gate": {"open": not self.blockers, "blockers": [{"reason": b.reason, "cure": b.cure} for b in self.blockers]},
            "undecided": list(self.undecided),
        }

    def funnel_rows(self) -> list[tuple[Any, ...]]:
        """(stage, in, out, fell out)."""
        return [(step.name, step.entered, step.left, step.lost) for step in self.steps]

    def reason_rows(self) -> list[tuple[Any, ...]]:
        """(step, reason, rows), in the order of the steps, most rows first."""
        return [(step, reason, n) for (step, reason), n in self.reasons.items()]

    def review_rows(self) -> list[tuple[Any, ...]]:
        """(kind, rows, required, reviewed, missing)."""
        if self.review is None:
            return []
        return [(kind, s.population, s.required, s.done, s.missing) for kind, s in self.review.strata.items()]

    def gate_lines(self) -> list[str]:
        """What closes the gate and the command that cures it, or that it is open."""
        lines = [f"gate: {blocker.reason}\n  help: {blocker.cure}" for blocker in self.blockers]
        if self.undecided:
            shown = ", ".join(self.undecided[:5]) + (" ..." if len(self.undecided) > 5 else "")
            lines.append(
                f"reviewers are undecided about {len(self.undecided)} triplets ({shown}): review them again, or leave them out"
            )
        return lines or ["the gate is open: `train run`"]


def read_status(run: RunDir, config: Path | None = None) -> Status:
    """The state of a run; a stage that has not run is not an error."""
    settings = load_section(ValidateSettings, "curate.validate", config)
    decisions = read_decisions(run) if all(run.has(name) for name in SOURCES) else None
    rejects = Counter((row.step, row.reason) for row in run.read_rejects() if row.subject_kind != "negative")
    built = run.has("dataset/rows.parquet")
    rows = read_columns(run.path("dataset/rows.parquet"), DatasetRow, ["split", "origin"]).to_pylist() if built else []
    reasons = {key: n for key, n in rejects.items() if key[0].startswith("synth.")}
    if decisions is not None:
        reasons.update({key: n for key, n in decisions.reasons().items() if _has_run(run, key[0])})
        # only a build knows what touches gold; everything else is decided anew above
        reasons.update({key: n for key, n in rejects.items() if key[0] == BUILD and key[1] != "orphan"})
    order = ("synth.", "curate.judge", "curate.negatives", "curate.review", "curate.dedup", "curate.validate", BUILD)
    ranked = sorted(
        reasons.items(), key=lambda item: (next(i for i, s in enumerate(order) if item[0][0].startswith(s)), -item[1], item[0])
    )
    return Status(
        steps=_steps(run, decisions, rejects, rows),
        reasons=dict(ranked),
        splits=dict(Counter(row["split"] for row in rows)),
        review=read_quota(run, settings.review_quota) if built else None,
        blockers=_blockers(run, decisions),
        undecided=tuple(d.triplet.id for d in decisions.rows if d.human == "unsure") if decisions else (),
    )


def _has_run(run: RunDir, step: str) -> bool:
    """Whether a step can have dropped rows: before the judge or the comparison ran, all of them wait, and none fell out."""
    waits_for = {"curate.judge": AUTOMATIC[0], "curate.dedup": AUTOMATIC[2]}
    return step not in waits_for or run.has(waits_for[step])


def _steps(run: RunDir, decisions: Decisions | None, rejects: Counter[tuple[str, str]], rows: list[dict[str, str]]) -> tuple[Step, ...]:
    def lost(step: str) -> int:
        return sum(n for (name, _), n in rejects.items() if name == step)

    def count(name: str) -> int | None:
        return len(read_table(run.path(name), ["id"])) if run.has(name) else None

    questions, triplets = count("questions.parquet"), count("triplets.parquet")
    written = None if questions is None else questions + lost("synth.write") + lost("synth.import")
    steps = [
        Step("chunks", None, count("chunks.parquet")),
        Step("questions written", written, questions),
        Step("negatives mined", questions, triplets),
    ]
    if decisions is None:
        return tuple(steps)
    judged = [d for d in decisions.rows if d.comparable]
    accepted = [d for d in judged if d.accepted]
    has_judge, has_dedup = run.has(AUTOMATIC[0]), run.has(AUTOMATIC[2])
    built = sum(row["origin"] != GOLD for row in rows)
    steps += [
        Step("judged and reviewed", triplets, len(judged) if has_judge else None),
        Step("deduplicated", len(judged) if has_judge else None, len(accepted) if has_dedup else None),
        Step("built into the dataset", len(accepted) if has_dedup else None, built if rows else None),
    ]
    return tuple(steps)


def _blockers(run: RunDir, decisions: Decisions | None) -> tuple[Blocker, ...]:
    """What closes the gate, the earliest cause first: a command that cannot work yet is no cure."""
    for name in (*SOURCES, *AUTOMATIC):
        if not run.has(name):
            return (Blocker(f"there is no {name}", f"run `{run.command(SUPPLIERS[name])}`"),)
    blockers: list[Blocker] = []
    missing = decisions.reasons() if decisions else {}
    for key, command in (
        (("curate.judge", "unjudged"), "curate judge"),
        (("curate.dedup", "not compared"), "curate dedup"),
    ):
        if missing.get(key):
            blockers.append(Blocker(f"{missing[key]} triplets are {key[1]}, so they are left out", f"run `{run.command(command)}`"))
    last = run.last(BUILD)
    if last is not None and run.has("dataset/rows.parquet"):
        now = run.fingerprints(DATASET_INPUTS)
        if now != {name: digest for name, digest in last["inputs"].items() if name != "gold"}:
            blockers.append(Blocker("rows or verdicts changed after the dataset was built", f"run `{run.command('curate build')}`"))
    return (*blockers, *read_gate(run).blockers)
