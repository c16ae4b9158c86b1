"""The command line: exit codes, what is said, and machine-readable output."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from curated import gold_rows, human, small_run, write_gold

from triplette.console import run_app
from triplette.curate.cli import app, main


def curate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["curate", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        run_app(app, "curate")
    out, err = capsys.readouterr()
    return int(stopped.value.code or 0), out, err


def test_the_whole_path_from_verdicts_to_an_open_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, where = small_run(8), tmp_path / "run"
    run.human = [human(triplet.id, "keep") for triplet in run.triplets[:8]]
    run.write(where)
    gold = write_gold(tmp_path / "gold.jsonl", gold_rows(run))

    def call(*arguments: object) -> tuple[int, str, str]:
        return curate(monkeypatch, capsys, *arguments, "--run", where)

    code, out, err = call("build", "--gold", gold)
    assert code == 0
    assert "review_quota" in out
    assert "Next: curate validate --run" in err
    code, out, err = call("validate")
    assert (code, "Not met" in out) == (0, True)  # synthetic_to_gold is a warning: 32 rows to 8
    assert "Data Docs" in err
    code, out, err = call("status")
    assert (code, f"the gate is open: `train run --run {where}`" in " ".join(err.split())) == (0, True)
    code, out, err = call("explain", run.triplets[0].id)
    assert (code, "dataset: train row 0" in out) == (0, True)
    code, out, err = call("calibrate")
    assert code == 0
    assert "about 21 more are needed" in " ".join(err.split())
    code, out, err = call("report", "-o", tmp_path / "r.html")
    assert (code, (tmp_path / "r.html").is_file()) == (0, True)
    for command in (["build"], ["validate"], ["status"], ["explain", run.triplets[0].id], ["calibrate"]):
        code, out, _ = call(*command, "--json")
        assert code == 0
        assert isinstance(json.loads(out), dict)


def test_the_cure_of_an_error_is_a_command_on_the_run_that_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small_run(4).write(tmp_path / "my run")
    code, _, err = curate(monkeypatch, capsys, "review", "import", tmp_path / "none.csv", "--run", tmp_path / "my run")
    assert code == 2
    assert f"`curate review export --run '{tmp_path / 'my run'}'` writes one" in " ".join(err.split())


def test_exit_codes_tell_a_failed_expectation_from_one_that_could_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, where = small_run(12), tmp_path / "run"
    bad = run.add(0, "What is the penalty for an illegal move during the game?")
    run.judge_everything()
    place = run.write(where)

    def call(*arguments: object) -> tuple[int, str, str]:
        return curate(monkeypatch, capsys, *arguments, "--run", where)

    assert call("validate")[0] == 2
    assert call("build")[0] == 0
    code, out, err = call("validate", "--quota", 0)
    assert (code, "question_language" in out) == (1, True)
    code, out, err = call("validate", "--quota", 0, "--fix")
    assert (code, "for question_language" in out) == (0, True)
    assert bad.id in {row.subject_id for row in place.read_rejects()}
    path = place.path("dataset/val.parquet")
    path.write_bytes(path.read_bytes()[:40])
    code, out, err = call("validate", "--quota", 0)
    assert (code, "val.parquet: not a readable Parquet file" in err.replace("\n", "")) == (2, True)


def test_gold_in_train_ends_with_code_one_the_pairs_and_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, where = small_run(8), tmp_path / "run"
    run.write(where)
    copied = run.triplets[0]
    gold = write_gold(tmp_path / "gold.jsonl", [*gold_rows(run), {"question": copied.question, "chunk_id": copied.positive_id}])
    code, _, err = curate(monkeypatch, capsys, "build", "--run", where, "--gold", gold)
    assert code == 1
    assert "gold and train touch in 1 pairs" in err
    assert "--drop-touching" in err


def test_pushing_without_a_token_stops_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    small_run(8).write(tmp_path / "run")
    code, _, err = curate(monkeypatch, capsys, "build", "--run", tmp_path / "run", "--push-to-hub", "me/data")
    assert (code, "set HF_TOKEN" in err) == (2, True)
    assert not (tmp_path / "run" / "dataset").exists()


def test_main_is_the_entry_point(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["curate", "--help"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    for command in ("judge", "dedup", "build", "validate", "calibrate", "explain", "status", "report", "review"):
        assert f"  {command} " in shown
