"""The front page of a run's site: what is there is linked, what is not is named with its command, and no text is obeyed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from training_data import rules_dataset

from triplette.dataset import dataset_hash
from triplette.rundir import RunDir
from triplette.site import EVALUATION, FRONT, MANIFEST, TRAINING_REPORT, document, write_front
from triplette.tables import write_text

VERDICT = {"word": "improved", "sentence": "improved: <b>nDCG@10</b> 0.50 -> 0.60"}


def evaluated(run: RunDir, signed: str) -> None:
    """An evaluation of the dataset with that hash."""
    sets = [{"name": "test", "questions": 40, "won": 12, "lost": 3}]
    write_text(run.path(EVALUATION), json.dumps({"verdict": VERDICT, "dataset_hash": signed, "sets": sets}))
    write_text(run.path(TRAINING_REPORT), "report")


def test_an_empty_run_names_the_command_behind_every_page(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "a run")
    text = write_front(run).read_text(encoding="utf-8")
    assert "There is no dataset yet" in text
    for command in ("curate report", "curate validate", "train evaluate", "train export"):
        assert f"{command} --run" in text
    assert "<a " not in text


def test_what_is_there_is_linked_with_its_verdict_and_the_questions_won_and_lost(tmp_path: Path) -> None:
    run = rules_dataset(tmp_path / "run", pieces=2)
    evaluated(run, dataset_hash(run))
    text = write_front(run).read_text(encoding="utf-8")
    assert f'<a href="{TRAINING_REPORT}">Training report</a>' in text
    assert "Improved: &lt;b&gt;nDCG@10&lt;/b&gt; 0.50" in text
    assert "test: 40 questions, 12 won, 3 lost." in text
    assert "rows to train on" in text
    assert "The gate before training is closed: the dataset was never validated" in text
    assert "another dataset" not in text


def test_results_of_another_dataset_and_damaged_ones_are_called_so(tmp_path: Path) -> None:
    run = rules_dataset(tmp_path / "run", pieces=2)
    evaluated(run, "0" * 64)
    write_text(run.path(MANIFEST), "{cut")
    text = write_front(run).read_text(encoding="utf-8")
    assert "Of another dataset than the one that is there now." in text
    assert "It cannot be read" in text
    assert run.path(FRONT).exists()


@pytest.mark.parametrize("front", ["", "../index.html"])
def test_a_page_forbids_scripts_and_the_network_and_escapes_its_title(front: str) -> None:
    text = document("<script>", "<p>body</p>", front=front)
    assert "default-src 'none'" in text
    assert "<title>&lt;script&gt;</title>" in text
    assert ("This run" in text) is bool(front)
    assert "prefers-color-scheme: dark" in text
