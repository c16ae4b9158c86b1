"""The judge against people: threshold, labels that lack, kinds that are misjudged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from curated import human, small_run

from triplette.curate.tell.calibrate import Labelled, calibrate, compare
from triplette.errors import InputError, MissingStage
from triplette.settings.calibrate import CalibrateSettings

SETTINGS = CalibrateSettings(resamples=200)


def labelled(number: int, human: str, judge: str = "keep", score: float = 0.9, kind: str = "factual") -> Labelled:
    return Labelled(f"t{number}", kind, "Une question ?", human, judge, score, (human,))


def test_the_proposed_threshold_is_the_lowest_whose_precision_is_proven() -> None:
    rows = [labelled(n, "keep", score=0.9) for n in range(40)]
    rows += [labelled(100 + n, "keep" if n % 2 else "reject", score=0.4) for n in range(40)]
    result = compare(rows, SETTINGS, reviewers=1)
    assert result.threshold == 0.9
    assert result.proven >= 0.9
    assert "0.900 reaches 90 % precision with 95 % confidence" in result.advice()[0]


def test_too_few_labels_say_about_how_many_more() -> None:
    rows = [labelled(n, "keep") for n in range(10)]
    result = compare(rows, SETTINGS, reviewers=1)
    assert (result.threshold, result.needed) == (None, 19)
    assert result.advice()[0].startswith("Not enough labels")
    assert "about 19 more" in result.advice()[0]


def test_a_judge_that_cannot_reach_the_precision_is_told_so_instead_of_asking_for_labels() -> None:
    rows = [labelled(n, "keep" if n % 2 else "reject", score=0.9) for n in range(400)]
    result = compare(rows, SETTINGS, reviewers=1)
    assert (result.threshold, result.needed) == (None, None)
    assert "improve the judge" in result.advice()[0]


def test_a_kind_that_the_judge_gets_wrong_is_named() -> None:
    rows = [labelled(n, "keep") for n in range(60)]
    rows += [labelled(100 + n, "reject", kind="scenario") for n in range(20)]
    rows += [labelled(200, "reject", kind="comparison")]
    result = compare(rows, SETTINGS, reviewers=1)
    verdicts = {kind.kind: (kind.verdict, kind.wrongly_kept) for kind in result.kinds}
    assert verdicts["scenario"] == ("misjudged", 20)
    assert verdicts["comparison"] == ("too few labels", 1)
    assert verdicts["factual"] == ("as the rest", 0)
    assert "scenario" in result.advice()[-1]


def test_labels_come_from_the_review(tmp_path: Path) -> None:
    run = small_run(10)
    refused = run.triplets[0]
    run.replace_verdict("judge", refused.id, decision="reject", reason="unrealistic", score=0.2)
    run.human = [human(triplet.id, "reject" if triplet is refused else "keep") for triplet in run.triplets]
    run.human += [human(run.triplets[1].id, "unsure", who="bob"), human(run.triplets[2].id, "keep", who="bob")]
    result = calibrate(run.write(tmp_path), SETTINGS)
    # the second triplet is a tie between its two reviewers, so nobody knows what it is
    assert (result.labels, result.good, result.reviewers) == (39, 38, 2)
    assert result.kappa.value == 1
    assert (result.precision, result.recall) == (1, 1)
    assert json.loads(json.dumps(result.as_json(), allow_nan=False))["labels"] == 39
    assert all(rows for _, _, rows in result.tables())


def test_labels_come_from_a_file(tmp_path: Path) -> None:
    run = small_run(10)
    place = run.write(tmp_path / "run")
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps({"triplet_id": t.id, "label": "keep"}) + "\n" for t in run.triplets), encoding="utf-8")
    result = calibrate(place, SETTINGS, path)
    assert (result.labels, result.threshold) == (40, 0.9)
    assert str(result.kappa) == "not defined: one label only"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"triplet_id": "t1", "label": "good"}', "needs triplet_id and a label"),
        ('{"label": "keep"}', "needs triplet_id"),
        ("{", "not JSON"),
    ],
)
def test_a_bad_label_is_named_by_its_line(tmp_path: Path, line: str, problem: str) -> None:
    place = small_run(4).write(tmp_path / "run")
    path = tmp_path / "labels.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=problem) as raised:
        calibrate(place, SETTINGS, path)
    assert raised.value.where.endswith("labels.jsonl:1")


def test_without_labels_the_cure_is_named(tmp_path: Path) -> None:
    run = small_run(4)
    with pytest.raises(MissingStage, match="curate review pull"):
        calibrate(run.write(tmp_path), SETTINGS)
    run.human = [human("t-elsewhere", "keep")]
    with pytest.raises(InputError, match="no label is about a triplet that the judge scored"):
        calibrate(run.write(tmp_path), SETTINGS)
