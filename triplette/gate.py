"""The gate before training: open only for a dataset that was validated, as it is now, and reviewed by people.

``curate validate`` writes validation/result.json and a ledger line with its fingerprint. This page believes the file only while it is the one
that the line names, written for the dataset as it is now, by suites that asked for everything in ``CRITICAL``. It guards against mistakes and
hand-made results, not against somebody who also forges the ledger.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from triplette.dataset import HASHED_FILES, dataset_hash
from triplette.errors import GateClosed, InputError
from triplette.rundir import RunDir
from triplette.settings.validate import ValidateSettings

RESULT = "validation/result.json"
STAGE = "curate.validate"
DEFAULT_QUOTA = ValidateSettings().review_quota
# what no suites of one's own may leave out: identity, leaks between the splits, the judge, and people
CRITICAL = (
    "chunk_id_unique",
    "chunk_hash",
    "row_id_present",
    "row_unique",
    "row_split",
    "row_texts",
    "row_ids_known",
    "positive_not_among_negatives",
    "component_in_one_split",
    "no_near_duplicate_across_splits",
    "gold_never_trains",
    "eval_is_gold",
    "train_rows",
    "test_rows",
    "review_quota",
    "triplet_known",
    "judged",
    "judge_threshold",
)


@dataclass(frozen=True, slots=True)
class Blocker:
    """One reason why the gate is closed, and the command that removes it."""

    reason: str
    cure: str


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate's state. ``review_done``/``review_required`` count reviewed rows; ``blockers`` is empty when it is open.

    ``review_quota`` is the share (0..1) that the validation asked for.
    """

    dataset_hash: str
    blockers: tuple[Blocker, ...]
    review_done: int = 0
    review_required: int = 0
    review_quota: float = DEFAULT_QUOTA

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
    last = run.last(STAGE)
    if last is None or last["outputs"].get(RESULT) != run.fingerprints([RESULT]).get(RESULT):
        blockers.append(Blocker(f"{RESULT} is not what `curate validate` wrote in this run, by its ledger", validate))
    elif last["inputs"] != run.fingerprints(HASHED_FILES) and result["dataset_hash"] == present:
        blockers.append(Blocker("the dataset changed after it was validated", validate))
    asked = {item["name"] for item in result["expectations"] if item["severity"] == "critical"}
    left_out = [name for name in CRITICAL if name not in asked]
    if left_out:
        names = ", ".join(left_out[:5]) + (f" and {len(left_out) - 5} more" if len(left_out) > 5 else "")
        blockers.append(
            Blocker(f"the validation did not ask as critical for: {names}", f"put them back into your suites, then {validate}")
        )
    if result["dataset_hash"] != present:
        blockers.append(Blocker("the dataset changed after it was validated", validate))
    failed = [item["name"] for item in result["expectations"] if not item["success"] and item["severity"] == "critical"]
    quota = {"review_quota"}
    other = [name for name in failed if name not in quota]
    if other or not (result["passed"] or failed):
        names = ", ".join(other[:5]) or "see the report"
        advice = f"see {run.path(RESULT)} and fix what it names, or run `{run.command('curate validate --fix')}`"
        if result.get("fixed"):  # --fix ran already: to run it again would change nothing
            advice = f"do what {run.path(RESULT)} says under `fixed`, then {validate}"
        blockers.append(Blocker(f"validation failed: {names}", advice))
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
    return Gate(present, tuple(blockers), done, required, float(result["review"]["quota"]))


def quota_stamp(quota: float) -> str:
    """What a card says when fewer rows had to be reviewed than by default; "" when not."""
    if quota >= DEFAULT_QUOTA:
        return ""
    asked = "none of the synthetic rows" if quota == 0 else f"{100 * quota:g} % of the synthetic rows of every kind"
    return f"**Lowered review quota.** People had to review {asked}; the default is {100 * DEFAULT_QUOTA:g} %."


def _read(run: RunDir) -> dict[str, Any]:
    path = run.path(RESULT)
    try:
        result = json.loads(path.read_bytes())
        for key in ("dataset_hash", "passed", "expectations", "review"):
            result[key]
        for key in ("done", "required", "missing"):
            int(result["review"][key])
        float(result["review"]["quota"])
        for item in result["expectations"]:
            for key in ("name", "severity", "success"):
                hash(item[key])
        return dict(result)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise InputError(
            f"not a validation result ({error!r})", where=str(path), cure=f"run `{run.command('curate validate')}` again"
        ) from None
