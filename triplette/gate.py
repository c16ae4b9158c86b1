"""The gate before training: open only for a dataset that was validated, as it is now, and reviewed by people.

``curate validate`` writes validation/result.json; this page reads it and nothing else, so that training trusts one file
whose dataset hash must still be the dataset's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from triplette.dataset import HASHED_FILES, dataset_hash
from triplette.errors import GateClosed, InputError
from triplette.rundir import RunDir

RESULT = "validation/result.json"


@dataclass(frozen=True, slots=True)
class Blocker:
    """One reason why the gate is closed, and the command that removes it."""

    reason: str
    cure: str


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate's state. ``review_done``/``review_required`` count reviewed rows; ``blockers`` is empty when it is open."""

    dataset_hash: str
    blockers: tuple[Blocker, ...]
    review_done: int = 0
    review_required: int = 0

    @property
    def open(self) -> bool:
        """Whether training may start."""
        return not self.blockers

    def require(self) -> None:
        """Raise GateClosed with every reason and its cure, unless the gate is open."""
        if self.blockers:
            reasons = "\n  - ".join(blocker.reason for blocker in self.blockers)
            cures = "; ".join(dict.fromkeys(blocker.cure for blocker in self.blockers))
            # without a dataset there is nothing that --ungated could train on
            way_round = "; or --ungated, which the model card will say" if self.dataset_hash else ""
            raise GateClosed(f"the gate is closed:\n  - {reasons}", cure=f"{cures}{way_round}")


def read_gate(run: RunDir) -> Gate:
    """The state of a run's gate. It fails closed: what cannot be read blocks."""
    validate = f"run `{run.command('curate validate')}`"
    if not all(run.has(name) for name in HASHED_FILES):
        return Gate("", (Blocker("there is no dataset yet", f"run `{run.command('curate build')}`"),))
    present = dataset_hash(run)
    if not run.has(RESULT):
        return Gate(present, (Blocker("the dataset was never validated", validate),))
    result = _read(run)
    blockers = []
    if result["dataset_hash"] != present:
        blockers.append(Blocker("the dataset changed after it was validated", validate))
    failed = [item["name"] for item in result["expectations"] if not item["success"] and item["severity"] == "critical"]
    quota = {"review_quota"}
    other = [name for name in failed if name not in quota]
    if other or not (result["passed"] or failed):
        names = ", ".join(other[:5]) or "see the report"
        blockers.append(
            Blocker(
                f"validation failed: {names}",
                f"see {run.path(RESULT)}, cure it or `{run.command('curate validate --fix')}`",
            )
        )
    done, required = int(result["review"]["done"]), int(result["review"]["required"])
    short = int(result["review"]["missing"])
    if short or quota & set(failed):
        push, pull, build = (f"`{run.command(words)}`" for words in ("curate review push", "curate review pull", "curate build"))
        blockers.append(
            Blocker(
                f"review quota: {done} of {required} rows reviewed, {short} missing",
                f"{push}, review, {pull}, {build}, then {validate}",
            )
        )
    return Gate(present, tuple(blockers), done, required)


def _read(run: RunDir) -> dict[str, Any]:
    path = run.path(RESULT)
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        for key in ("dataset_hash", "passed", "expectations", "review"):
            result[key]
        for key in ("done", "required", "missing"):
            int(result["review"][key])
        return dict(result)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"not a validation result ({error!r})", where=str(path), cure=f"run `{run.command('curate validate')}` again"
        ) from None
