"""``curate validate``: the suites in ``expectations/`` on the run's files, and the file that the gate before training reads.

The dataset's hash is taken before and after: a dataset that changed meanwhile is not passed. ``fix`` first builds again, which
cures what was tampered with or is out of date; what still fails is quarantined by a verdict of its own
(verdicts/validate.parquet), the dataset is built without it and validated once more. Nothing is edited.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triplette.criteria import NAMES, floor_setting
from triplette.curate.decisions import QUARANTINE
from triplette.curate.quota import Quota, read_quota
from triplette.curate.suites import Expected, load_suites, parameters, suite_hash, terms
from triplette.curate.validation.cures import cures
from triplette.dataset import HASHED_FILES, dataset_hash, load_dataset
from triplette.errors import InputError
from triplette.gate import RESULT, STAGE, Blocker, read_gate
from triplette.jsonl import read_object
from triplette.profile import run_profile
from triplette.records import Verdict
from triplette.rundir import RunDir
from triplette.settings.base import as_dict, build
from triplette.settings.build import BuildSettings
from triplette.settings.validate import ValidateSettings
from triplette.site import write_front
from triplette.tables import read_records, write_records, write_text

if TYPE_CHECKING:
    from triplette.curate.validation.checkpoint import Outcome

DOCS = "validation/data_docs"
JUDGE_NAME = "expectations"
DOCUMENTS_SHOWN = 10  # that do not meet an expectation; result.json has them all
QUARANTINED_TABLES = ("questions", "triplets", "rows")


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found. ``expectations`` are as in result.json; ``fixed`` is what ``fix`` did; ``blockers`` what the gate still lacks."""

    passed: bool
    dataset_hash: str
    suite_hash: str
    review: Quota
    expectations: tuple[dict[str, Any], ...]
    seconds: float
    outcomes: tuple[Outcome, ...]
    fixed: dict[str, Any] = field(default_factory=dict)
    blockers: tuple[Blocker, ...] = ()

    def suite_rows(self) -> list[tuple[str, str, int, int]]:
        """(suite, met of all, critical ones that failed, others that failed)."""
        rows = []
        for suite in dict.fromkeys(item["suite"] for item in self.expectations):
            members = [item for item in self.expectations if item["suite"] == suite]
            failed = [item["severity"] == "critical" for item in members if not item["success"]]
            rows.append((suite, f"{len(members) - len(failed)} of {len(members)}", sum(failed), len(failed) - sum(failed)))
        return rows

    def poor_documents(self) -> list[tuple[str, str]]:
        """(expectation that was not met, the names of the documents that do not meet it)."""
        found = []
        for outcome in self.outcomes:
            if outcome.expected.table == "documents" and not outcome.success:
                ids = outcome.failing_ids
                more = f" and {len(ids) - DOCUMENTS_SHOWN} more" if len(ids) > DOCUMENTS_SHOWN else ""
                found.append((outcome.expected.name, ", ".join(ids[:DOCUMENTS_SHOWN]) + more))
        return found

    def as_json(self) -> dict[str, Any]:
        """The content of validation/result.json."""
        return {
            "passed": self.passed,
            "dataset_hash": self.dataset_hash,
            "suite_hash": self.suite_hash,
            "review": self.review.as_json(),
            "expectations": list(self.expectations),
            "fixed": self.fixed,
            "seconds": round(self.seconds, 3),
        }


def validate(run: RunDir, settings: ValidateSettings, *, fix: bool = False) -> Validation:
    """Validate a run and write validation/. Raises MissingStage before ``curate build``, InputError for what cannot be read."""
    run.require(*HASHED_FILES)
    _composition(run)  # before the work: the card is written from it at the end
    suites = load_suites(settings)
    if fix:
        return _fix(run, settings, suites)
    result = check(run, settings, suites, docs=run.path(DOCS))
    return _keep(run, settings, result)


def check(run: RunDir, settings: ValidateSettings, suites: Sequence[Expected], *, docs: Path | None = None) -> Validation:
    """Run the suites; write nothing but the Data Docs (to ``docs``, if given)."""
    from triplette.curate.validation.checkpoint import run_checkpoint
    from triplette.curate.validation.docs_site import make_self_contained
    from triplette.curate.validation.frames import make_frames, read_tables

    started = time.perf_counter()
    signed = dataset_hash(run)
    quota = read_quota(run, settings.review_quota)
    frames = make_frames(read_tables(run), built_with(run), quota)
    if docs is not None:
        shutil.rmtree(docs, ignore_errors=True)
    profile = run_profile(run)
    wanted = {
        **parameters(settings),
        **terms(profile),
        "min_score": judge_floor(run) if settings.min_score is None else settings.min_score,
    }
    outcomes = run_checkpoint(frames, suites, wanted, docs)
    if docs is not None:
        make_self_contained(docs, _met(outcomes))
    if dataset_hash(run) != signed:
        raise InputError(
            "the dataset changed while it was validated", where=str(run.root), cure=f"run `{run.command('curate validate')}` again"
        )
    return Validation(
        passed=all(outcome.success or outcome.expected.severity != "critical" for outcome in outcomes),
        dataset_hash=signed,
        suite_hash=suite_hash(list(suites), settings, profile),
        review=quota,
        expectations=tuple(_entry(outcome, settings) for outcome in outcomes),
        seconds=time.perf_counter() - started,
        outcomes=tuple(outcomes),
    )


def _met(outcomes: Sequence[Outcome]) -> dict[str, tuple[int, int]]:
    """Page name in the Data Docs -> (expectations met, expectations)."""
    from triplette.curate.validation.checkpoint import page_name

    found: dict[str, tuple[int, int]] = {}
    for outcome in outcomes:
        name = page_name(outcome.expected)
        met, number = found.get(name, (0, 0))
        found[name] = (met + outcome.success, number + 1)
    return found


def built_with(run: RunDir) -> BuildSettings:
    """The settings that the dataset was built with, else the defaults: near-duplicates are measured with the same yardstick."""
    last = run.last("curate.build")
    if last is None:
        return BuildSettings()
    values = {key: value for key, value in last["settings"].items() if key not in ("gold", "drop_touching")}
    return build(BuildSettings, values, where="ledger")


def judge_floor(run: RunDir) -> float:
    """The lowest floor under a criterion that the judge was last run with; 0 where the ledger does not know."""
    last = run.last("curate.judge")
    settings = last["settings"] if last else {}
    return min((float(settings[name]) for name in map(floor_setting, NAMES) if name in settings), default=0.0)


def _entry(outcome: Outcome, settings: ValidateSettings) -> dict[str, Any]:
    expected = outcome.expected
    return {
        "suite": expected.suite,
        "name": expected.name,
        "column": expected.column,
        "severity": expected.severity,
        "success": outcome.success,
        "observed": outcome.observed,
        "shown": _shown(outcome),
        "failing": outcome.failing if expected.table != "facts" else 0,
        "failing_ids": list(outcome.failing_ids[: settings.kept_ids]),
        "about": expected.about,
        "cure": expected.cure,
    }


def _shown(outcome: Outcome) -> str:
    observed = outcome.observed
    if observed is None:
        return "-"
    return f"{observed:.3g}" if isinstance(observed, float) else str(observed)


def _keep(run: RunDir, settings: ValidateSettings, result: Validation) -> Validation:
    """Write result.json and the ledger line, then read the gate as training will."""
    with run.locked():
        write_text(run.path(RESULT), json.dumps(result.as_json(), indent=2, ensure_ascii=False, sort_keys=True, default=str) + "\n")
        failed = [item["name"] for item in result.expectations if not item["success"]]
        run.record(
            STAGE,
            inputs=run.fingerprints(HASHED_FILES),
            outputs=[RESULT],
            settings=as_dict(settings),
            counts={"expectations": len(result.expectations), "failed": len(failed), "quarantined": result.fixed.get("rows", 0)},
            seconds=result.seconds,
            extra={"failed": failed, "passed": result.passed},
        )
        _stamp_card(run)
    write_front(run)
    return replace(result, blockers=read_gate(run).blockers)


def _stamp_card(run: RunDir) -> None:
    """Write the data card again: it says when the review quota was lowered."""
    from triplette.curate.dataset.card import write_card

    composition = _composition(run)
    if composition is not None:
        write_card(run, composition, built_with(run))


def _composition(run: RunDir) -> dict[str, Any] | None:
    """What the dataset is made of, as `curate build` wrote it; None where it wrote none. Raises InputError for another file in its place."""
    from triplette.curate.dataset.composition import PATH

    last, path = run.last("curate.build"), run.path(PATH)
    if last is None or not path.exists():
        return None
    what, cure = "what `curate build` wrote", f"run `{run.command('curate build')}`"
    if last["outputs"].get(PATH) != run.fingerprints([PATH])[PATH]:
        raise InputError(f"not {what}, by the ledger", where=str(path), cure=cure)
    return read_object(path, what, cure)


def _fix(run: RunDir, settings: ValidateSettings, suites: Sequence[Expected]) -> Validation:
    from triplette.curate.dataset.build import rebuild

    docs = run.path(DOCS)
    result = check(run, settings, suites, docs=docs)
    fixed: dict[str, Any] = {"rebuilt": False, "rows": 0}
    if _failed(result):
        fixed["rebuilt"] = not rebuild(run).unchanged
        result = check(run, settings, suites, docs=docs)
        reasons = failing_rows(result)
        fixed.update(rows=len(reasons), **{f"for {name}": n for name, n in _counted(reasons).items()})
        if reasons:
            _quarantine(run, reasons)
            rebuild(run)
            result = check(run, settings, suites, docs=docs)
    fixed.update({f"{name} still fails; what would fix it": cure for name, cure in cures(run, _failed(result)).items()})
    return _keep(run, settings, replace(result, fixed=fixed))


def failing_rows(result: Validation) -> dict[str, str]:
    """Row id (triplet, or gold question) -> the critical expectation that it fails first.

    Chunks are left out: the corpus is what is searched, so a broken passage is cured where it was cut, not by hiding it.
    """
    reasons: dict[str, str] = {}
    for outcome in result.outcomes:
        if not outcome.success and outcome.expected.severity == "critical" and outcome.expected.table in QUARANTINED_TABLES:
            for subject in outcome.failing_ids:
                reasons.setdefault(subject, outcome.expected.name)
    return reasons


def _quarantine(run: RunDir, reasons: dict[str, str]) -> None:
    """Add a quarantine verdict for each row to verdicts/validate.parquet."""
    path = run.path(QUARANTINE)
    known = read_records(path, Verdict) if path.exists() else []
    texts = {row.triplet_id or row.question_id: row.question for row in load_dataset(run).rows}
    new = [
        Verdict.make(
            subject_id=subject,
            subject_kind="question" if subject.startswith("q") else "triplet",
            judge="rules",
            judge_name=JUDGE_NAME,
            scores=(),
            score=0.0,
            decision="quarantine",
            reason=name,
            evidence=texts.get(subject, ""),
        )
        for subject, name in sorted(reasons.items())
    ]
    seen = {verdict.subject_id for verdict in new}
    with run.locked():
        write_records(path, [*(verdict for verdict in known if verdict.subject_id not in seen), *new], Verdict)


def _failed(result: Validation) -> list[str]:
    """Critical expectations that failed, the review quota apart: only people can fill it."""
    names = [item["name"] for item in result.expectations if not item["success"] and item["severity"] == "critical"]
    return [name for name in names if name != "review_quota"]


def _counted(reasons: dict[str, str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in reasons.values():
        counts[name] = counts.get(name, 0) + 1
    return counts
