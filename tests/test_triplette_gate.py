"""The gate fails closed: whatever is missing, changed or unreadable keeps training shut, and the cure is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from training_data import sign_result

from triplette.dataset import HASHED_FILES, dataset_hash
from triplette.errors import GateClosed, InputError
from triplette.gate import CRITICAL, RESULT, STAGE, quota_stamp, read_gate
from triplette.rundir import RunDir
from triplette.tables import write_text


def write_dataset(run: RunDir) -> None:
    for name in HASHED_FILES:
        write_text(run.path(name), name)


def write_result(run: RunDir, **changes: Any) -> None:
    result: dict[str, Any] = {
        "passed": True,
        "dataset_hash": dataset_hash(run),
        "suite_hash": "s",
        "review": {"quota": 0.1, "required": 5, "done": 5, "missing": 0},
        "expectations": passing(),
    }
    sign_result(run, {**result, **changes})


def passing() -> list[dict[str, Any]]:
    return [{"name": name, "severity": "critical", "success": True} for name in CRITICAL]


def failing(name: str, severity: str = "critical") -> list[dict[str, Any]]:
    others = [item for item in passing() if item["name"] != name]
    return [*others, {"name": name, "severity": severity, "success": False}]


def test_a_validated_and_reviewed_dataset_opens_the_gate(run: RunDir) -> None:
    write_dataset(run)
    write_result(run)
    gate = read_gate(run)
    assert gate.open
    gate.require()


def test_no_dataset_closes_it(run: RunDir) -> None:
    gate = read_gate(run)
    assert [blocker.reason for blocker in gate.blockers] == ["there is no dataset yet"]
    assert "curate build" in gate.blockers[0].cure
    with pytest.raises(GateClosed) as caught:
        gate.require()
    assert "--ungated" not in str(caught.value)


def test_an_unvalidated_dataset_closes_it(run: RunDir) -> None:
    write_dataset(run)
    with pytest.raises(GateClosed, match="never validated") as caught:
        read_gate(run).require()
    assert f"`curate validate --run {run.root}`" in str(caught.value)
    assert "--ungated" in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("name", HASHED_FILES)
def test_any_file_changed_after_validation_closes_it(run: RunDir, name: str) -> None:
    write_dataset(run)
    write_result(run)
    write_text(run.path(name), "edited")
    assert [blocker.reason for blocker in read_gate(run).blockers] == ["the dataset changed after it was validated"]


def test_a_failed_expectation_closes_it_and_is_named(run: RunDir) -> None:
    write_dataset(run)
    write_result(run, passed=False, expectations=failing("unique_ids"))
    assert "unique_ids" in read_gate(run).blockers[0].reason


def test_a_failed_warning_does_not_close_it(run: RunDir) -> None:
    write_dataset(run)
    write_result(run, expectations=failing("kind_balance", "warning"))
    assert read_gate(run).open


def test_a_result_that_did_not_pass_closes_it_even_with_no_expectation_named(run: RunDir) -> None:
    write_dataset(run)
    write_result(run, passed=False)
    assert not read_gate(run).open


def test_a_missing_review_closes_it_with_the_count(run: RunDir) -> None:
    write_dataset(run)
    write_result(
        run,
        passed=False,
        expectations=failing("review_quota"),
        review={"quota": 0.1, "required": 12, "done": 5, "missing": 7},
    )
    gate = read_gate(run)
    assert (gate.review_done, gate.review_required) == (5, 12)
    assert [blocker.reason for blocker in gate.blockers] == ["review quota: 5 of 12 rows reviewed, 7 missing"]


NO_NUMBERS = (
    '{"passed": true, "dataset_hash": "x", "expectations": [], "review": {"done": 1, "required": Infinity, "missing": 0, "quota": 0.1}}'
)
NO_NAME = (
    '{"passed": true, "dataset_hash": "x", "expectations": [{"name": [], "severity": "critical", "success": true}], '
    '"review": {"done": 1, "required": 1, "missing": 0, "quota": 0.1}}'
)


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"passed": true, "dataset_hash": "x", "expectations": [], "review": {}}', NO_NUMBERS, NO_NAME]
)
def test_an_unreadable_result_is_an_error_not_an_open_gate(run: RunDir, text: str) -> None:
    write_dataset(run)
    write_text(run.path(RESULT), text)
    with pytest.raises(InputError, match="not a validation result"):
        read_gate(run)


def test_a_result_written_by_hand_does_not_open_it(run: RunDir) -> None:
    write_dataset(run)
    write_result(run, passed=False, expectations=failing("row_unique"))
    forged = {**json.loads(run.path(RESULT).read_text()), "passed": True, "expectations": passing()}
    write_text(run.path(RESULT), json.dumps(forged))
    assert "is not what `curate validate` wrote" in read_gate(run).blockers[0].reason
    run.path("ledger.jsonl").unlink()
    assert "is not what `curate validate` wrote" in read_gate(run).blockers[0].reason


def test_a_result_of_another_dataset_does_not_open_it_although_it_names_this_one(run: RunDir) -> None:
    write_dataset(run)
    write_result(run)
    write_text(run.path(HASHED_FILES[0]), "edited")
    result = {**json.loads(run.path(RESULT).read_text()), "dataset_hash": dataset_hash(run)}
    write_text(run.path(RESULT), json.dumps(result))
    assert not read_gate(run).open


@pytest.mark.parametrize("name", [None, *CRITICAL])
def test_suites_that_leave_out_what_is_critical_do_not_open_it(run: RunDir, name: str | None) -> None:
    write_dataset(run)
    write_result(run, expectations=[item for item in passing() if name is not None and item["name"] != name])
    reason = read_gate(run).blockers[0].reason
    assert "did not ask as critical" in reason
    assert (name or CRITICAL[0]) in reason


@pytest.mark.parametrize(("left_out", "told"), [(1, ""), (5, ""), (6, " and 1 more"), (18, " and 13 more")])
def test_at_most_five_of_what_was_left_out_are_named_and_the_others_counted(run: RunDir, left_out: int, told: str) -> None:
    write_dataset(run)
    write_result(run, expectations=passing()[left_out:])
    (blocker,) = read_gate(run).blockers
    assert blocker.reason == f"the validation did not ask as critical for: {', '.join(CRITICAL[: min(left_out, 5)])}{told}"
    assert blocker.cure == f"put them back into your suites, then run `curate validate --run {run.root}`"


def test_a_result_that_names_this_dataset_but_was_made_of_other_files_does_not_open_it(run: RunDir) -> None:
    write_dataset(run)
    write_result(run)
    older = {**run.fingerprints(HASHED_FILES), HASHED_FILES[0]: "0" * 64}
    run.record(STAGE, inputs=older, outputs=[RESULT], settings={}, counts={}, seconds=0.0)
    assert [(b.reason, b.cure) for b in read_gate(run).blockers] == [
        ("the dataset changed after it was validated", f"run `curate validate --run {run.root}`")
    ]


def test_what_is_critical_turned_into_a_warning_does_not_open_it(run: RunDir) -> None:
    write_dataset(run)
    write_result(run, expectations=failing("component_in_one_split", "warning"))
    assert "component_in_one_split" in read_gate(run).blockers[0].reason


def test_every_critical_expectation_is_in_the_suites_that_come_along() -> None:
    from triplette.curate.suites import load_suites
    from triplette.settings.validate import ValidateSettings

    critical = {item.name for item in load_suites(ValidateSettings()) if item.severity == "critical"}
    assert set(CRITICAL) <= critical


def test_a_lowered_quota_is_said_in_words() -> None:
    assert quota_stamp(0.1) == quota_stamp(0.5) == ""
    told = "**Lowered review quota.** People had to review {}; the default is 10 %."
    assert quota_stamp(0.0) == told.format("none of the synthetic rows")
    assert quota_stamp(0.025) == told.format("2.5 % of the synthetic rows of every kind")


def test_every_reason_and_every_cure_stands_in_the_refusal_once(run: RunDir) -> None:
    write_dataset(run)
    expectations = [*failing("review_quota"), *(failing(name)[-1] for name in "abcdefg")]
    write_result(run, passed=False, expectations=expectations, review={"quota": 0.1, "required": 12, "done": 5, "missing": 7})
    write_text(run.path(HASHED_FILES[0]), "edited")
    where = f" --run {run.root}"
    with pytest.raises(GateClosed) as caught:
        read_gate(run).require()
    assert caught.value.message == (
        "the gate is closed:\n"
        "  - the dataset changed after it was validated\n"
        "  - validation failed: a, b, c, d, e\n"
        "  - review quota: 5 of 12 rows reviewed, 7 missing"
    )
    assert caught.value.cure == (
        f"run `curate validate{where}`; "
        f"see {run.root}/validation/result.json and fix what it names, or run `curate validate --fix{where}`; "
        f"`curate review push{where}`, review, `curate review pull{where}`, `curate build{where}`, then run `curate validate{where}`; "
        "or --ungated, which the model card will say"
    )


def test_two_blockers_with_one_cure_say_it_once(run: RunDir) -> None:
    write_dataset(run)
    gate = read_gate(run)
    assert [(b.reason, b.cure) for b in gate.blockers] == [
        ("the dataset was never validated", f"run `curate validate --run {run.root}`")
    ]
    twice = replace(gate, blockers=(*gate.blockers, replace(gate.blockers[0], reason="again")))
    with pytest.raises(GateClosed) as caught:
        twice.require()
    assert caught.value.cure.count("curate validate") == 1


def test_a_quota_that_failed_with_nothing_missing_still_closes_it(run: RunDir) -> None:
    write_dataset(run)
    write_result(run, passed=False, expectations=failing("review_quota"))
    assert [b.reason for b in read_gate(run).blockers] == ["review quota: 5 of 5 rows reviewed, 0 missing"]


def test_rows_missing_close_it_though_no_expectation_says_so(run: RunDir) -> None:
    write_dataset(run)
    write_result(run, review={"quota": 0.1, "required": 5, "done": 4, "missing": 1})
    assert not read_gate(run).open


def test_a_failure_without_a_name_points_at_the_report(run: RunDir) -> None:
    write_dataset(run)
    write_result(run, passed=False)
    assert read_gate(run).blockers[0].reason == "validation failed: see the report"


@pytest.mark.parametrize("fixed", [{}, {"rebuilt": False, "rows": 0}])
def test_fix_is_advised_only_until_it_ran(run: RunDir, fixed: dict[str, Any]) -> None:
    write_dataset(run)
    write_result(run, passed=False, fixed=fixed)
    cure = read_gate(run).blockers[0].cure
    assert ("--fix" in cure) is not bool(fixed)
    assert ("under `fixed`" in cure) is bool(fixed)


def test_an_unreadable_result_says_where_and_the_cure(run: RunDir) -> None:
    write_dataset(run)
    write_text(run.path("validation/result.json"), "no")
    with pytest.raises(InputError) as caught:
        read_gate(run)
    assert caught.value.where == str(run.path("validation/result.json"))
    assert caught.value.cure == f"run `curate validate --run {run.root}` again"
