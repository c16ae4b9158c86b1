"""Label Studio's files as a desk: what was sent comes back as people's answers, and what cannot be understood is named with its task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from curated import small_run

from triplette.curate.review import labels
from triplette.curate.review.answers import read_answers
from triplette.curate.review.label_studio import LabelStudioDesk
from triplette.curate.review.pull import pull
from triplette.curate.review.push import push
from triplette.errors import InputError
from triplette.profile import load_profile
from triplette.rundir import RunDir
from triplette.settings.judge import JudgeSettings
from triplette.settings.review import ReviewSettings

REVIEW = load_profile("chess-fr").review
VALID, INVALID, UNSURE = (getattr(REVIEW, name) for name in labels.VERDICTS)


@pytest.fixture
def reviewed(tmp_path: Path) -> RunDir:
    parts = small_run(6)
    parts.add(0, 'Où "l\'échec" <œuvre> & $question ?')
    parts.judge_everything()
    return parts.write(tmp_path / "run")


def export(run: RunDir, path: Path) -> list[dict[str, Any]]:
    """The tasks that were written, every triplet one."""
    push(run, LabelStudioDesk(path, review=REVIEW), ReviewSettings(), JudgeSettings(), 0.1, everything=True)
    tasks: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return tasks


def annotation(verdict: str, *, by: object = 1, at: str = "2026-03-09T22:16:08.728378Z", **given: Any) -> dict[str, Any]:
    """One annotation in the form of Label Studio's JSON export."""
    result: list[dict[str, Any]] = [{"from_name": "verdict", "to_name": "question", "type": "choices", "value": {"choices": [verdict]}}]
    kinds = {"issues": ("choices", "choices"), "hardness": ("rating", "rating"), "rewrite": ("textarea", "text")}
    for name, value in given.items():
        kind, key = kinds[name]
        result.append({"from_name": name, "to_name": "question", "type": kind, "value": {key: value}})
    return {"id": 7, "completed_by": by, "result": result, "was_cancelled": False, "created_at": at, "updated_at": at}


def annotated(tasks: list[dict[str, Any]], given: list[list[dict[str, Any]]], path: Path) -> Path:
    """The export of a project in which the first tasks were annotated."""
    padded = [*given, *([[]] * (len(tasks) - len(given)))]
    path.write_text(json.dumps([{"id": n, **t, "annotations": a} for n, (t, a) in enumerate(zip(tasks, padded, strict=True), 1)]))
    return path


def test_answers_come_back_as_the_page_asked_them(reviewed: RunDir, tmp_path: Path) -> None:
    tasks = export(reviewed, tmp_path / "review.json")
    issues = labels.issues(3, REVIEW)
    given = [
        [annotation(VALID, hardness=4, rewrite=["Où l'arbitre décide-t-il ?"])],
        [annotation(INVALID, issues=[issues["ambiguous"], issues["negative_1_answers"]])],
        [annotation(UNSURE)],
    ]
    result = pull(reviewed, LabelStudioDesk(annotated(tasks, given, tmp_path / "out.json"), "anne", review=REVIEW))
    assert (result.merged.new, result.merged.stale, result.skipped["unanswered"]) == (3, 0, len(tasks) - 3)
    found = {answer.verdict: answer for answer in read_answers(reviewed)}
    assert {answer.reviewer for answer in found.values()} == {"anne"}
    assert (found["valid"].hardness, found["valid"].rewrite) == (4, "Où l'arbitre décide-t-il ?")
    assert found["invalid"].issues == ("ambiguous", "negative_1_answers")
    assert found["valid"].triplet_id == tasks[0]["data"]["triplet_id"]


def test_the_page_names_what_a_task_holds_and_offers_what_is_understood(reviewed: RunDir, tmp_path: Path) -> None:
    tasks = export(reviewed, tmp_path / "review.json")
    page = ElementTree.fromstring((tmp_path / "review.xml").read_text(encoding="utf-8"))
    shown = {str(text.get("value")).removeprefix("$") for text in page.iter("Text")}
    assert {"question", "positive", "negative_1"} <= shown
    assert all(task["data"][name].strip() for task in tasks for name in shown)
    offered = {control.get("name"): [choice.get("value") for choice in control] for control in page.iter("Choices")}
    assert [labels.read_verdict(str(word), "", REVIEW) for word in offered["verdict"]] == list(labels.VERDICTS)
    negatives = sum(name.startswith("negative_") for name in shown)
    assert set(labels.read_issues(map(str, offered["issues"]), negatives, "", REVIEW)) == set(labels.issues(negatives, REVIEW))
    ticked = [word for task in tasks for made in task["predictions"] for part in made["result"] for word in part["value"]["choices"]]
    assert ticked
    assert set(ticked) <= {word for words in offered.values() for word in words}


def test_several_people_are_told_apart_and_the_newest_answer_of_each_counts(reviewed: RunDir, tmp_path: Path) -> None:
    tasks = export(reviewed, tmp_path / "review.json")
    later = "2026-03-10T08:00:00Z"
    given = [
        [annotation(VALID, by=3, at=later), annotation(INVALID, by=3), annotation(INVALID, by={"id": 4, "email": "zoe@example.org"})]
    ]
    pull(reviewed, LabelStudioDesk(annotated(tasks, given, tmp_path / "out.json"), "anne", review=REVIEW))
    assert {(a.reviewer, a.verdict) for a in read_answers(reviewed)} == {("user 3", "valid"), ("zoe@example.org", "invalid")}


def test_a_task_that_is_skipped_later_withdraws_the_answer(reviewed: RunDir, tmp_path: Path) -> None:
    tasks = export(reviewed, tmp_path / "review.json")
    pull(reviewed, LabelStudioDesk(annotated(tasks, [[annotation(VALID)]], tmp_path / "out.json"), "anne", review=REVIEW))
    skipped = [[{**annotation(VALID), "was_cancelled": True}]]
    again = pull(reviewed, LabelStudioDesk(annotated(tasks, skipped, tmp_path / "out.json"), "anne", review=REVIEW))
    assert (again.merged.withdrawn, again.skipped["discarded"]) == (1, 1)
    assert read_answers(reviewed) == []


def test_nothing_that_is_there_is_overwritten(reviewed: RunDir, tmp_path: Path) -> None:
    export(reviewed, tmp_path / "review.json")
    with pytest.raises(InputError, match="already exists"):
        export(reviewed, tmp_path / "review.json")


@pytest.mark.parametrize(
    ("bend", "words"),
    [
        (lambda tasks: "{", "not JSON"),
        (lambda tasks: json.dumps(tasks), "is as it went to Label Studio"),
        (lambda tasks: json.dumps([{**tasks[0]["data"], "verdict": VALID}]), "not one of Label Studio's tasks"),
        (lambda tasks: json.dumps([{"data": {"question": "x"}, "annotations": []}]), "its data lacks triplet_id"),
        (lambda tasks: json.dumps([{**tasks[0], "annotations": [annotation("peut-être")]}]), "is not a verdict"),
        (lambda tasks: json.dumps([{**tasks[0], "annotations": [annotation(VALID, hardness=9)]}]), "is not 1 to 5"),
        (lambda tasks: json.dumps([{**tasks[0], "annotations": [{"completed_by": 1, "result": []}]}]), "gave 0 verdicts"),
        (lambda tasks: json.dumps([{**tasks[0], "annotations": [{"completed_by": 1, "result": ["x"]}]}]), "without a value"),
    ],
)
def test_what_cannot_be_understood_is_named_and_nothing_is_stored(reviewed: RunDir, tmp_path: Path, bend: Any, words: str) -> None:
    path = tmp_path / "out.json"
    path.write_text(bend(export(reviewed, tmp_path / "review.json")), encoding="utf-8")
    with pytest.raises(InputError, match=words) as caught:
        pull(reviewed, LabelStudioDesk(path, "anne", review=REVIEW))
    assert caught.value.where.startswith(str(path))
    assert read_answers(reviewed) == []
