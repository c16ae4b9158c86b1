"""The run directory: what is done once is not done twice, and what is missing is named with its command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from triplette.errors import InputError, MissingStage, TripletteError
from triplette.records import Rejection
from triplette.rundir import SUPPLIERS, RunDir
from triplette.tables import write_text


def record(run: RunDir, stage: str = "synth.chunk", **settings: object) -> None:
    write_text(run.path("chunks.parquet"), "x")
    run.record(stage, inputs={"a": "1"}, outputs=["chunks.parquet"], settings=settings, counts={}, seconds=0.1)


def test_a_missing_artefact_names_the_command_with_its_run(run: RunDir) -> None:
    with pytest.raises(MissingStage, match=r"there is no triplets\.parquet") as caught:
        run.require("triplets.parquet")
    assert f"run `synth mine --run {run.root}` first" in str(caught.value)


@pytest.mark.parametrize(
    ("said", "pasted"),
    [
        ("mine with `synth mine --negatives 0`", "mine with `synth mine --negatives 0 --run 'my run'`"),
        ("`curate judge`, then `curate build --gold g`", "`curate judge --run 'my run'`, then `curate build --gold g --run 'my run'`"),
        ("`curate judge --run other` or `synth init --profile fr`", "`curate judge --run other` or `synth init --profile fr`"),
        ("`train ask Q --bundle b`, `train contract`, `train`", "`train ask Q --bundle b`, `train contract`, `train`"),
        ("set `near_duplicate`, or curate more", "set `near_duplicate`, or curate more"),
    ],
)
def test_a_command_that_knew_of_no_run_is_given_this_one(said: str, pasted: str) -> None:
    assert RunDir(Path("my run")).in_commands(said) == pasted
    assert RunDir(Path("run")).in_commands(said) == said


def test_every_supplier_is_a_command_of_ours() -> None:
    assert {command.split()[0] for command in SUPPLIERS.values()} == {"synth", "curate", "train"}


def test_a_stage_is_current_while_nothing_changed(run: RunDir) -> None:
    record(run, target=256)
    assert run.current("synth.chunk", {"a": "1"}, {"target": 256}) is not None


@pytest.mark.parametrize(("inputs", "settings"), [({"a": "2"}, {"target": 256}), ({"a": "1"}, {"target": 128})])
def test_other_inputs_or_settings_run_again(run: RunDir, inputs: dict[str, str], settings: dict[str, int]) -> None:
    record(run, target=256)
    assert run.current("synth.chunk", inputs, settings) is None


def test_an_output_changed_by_hand_runs_again(run: RunDir) -> None:
    record(run, target=256)
    run.path("chunks.parquet").write_text("edited")
    assert run.current("synth.chunk", {"a": "1"}, {"target": 256}) is None


def test_a_deleted_output_runs_again(run: RunDir) -> None:
    record(run, target=256)
    run.path("chunks.parquet").unlink()
    assert run.current("synth.chunk", {"a": "1"}, {"target": 256}) is None


def test_a_last_line_cut_by_a_kill_is_ignored(run: RunDir) -> None:
    record(run)
    with run.path("ledger.jsonl").open("a") as stream:
        stream.write('{"stage": "synth.mi')
    assert [entry["stage"] for entry in run.entries()] == ["synth.chunk"]


def test_a_ledger_goes_on_after_a_line_cut_by_a_kill(run: RunDir) -> None:
    record(run)
    with run.path("ledger.jsonl").open("a") as stream:
        stream.write('{"stage": "synth.mi')
    record(run, "synth.write")
    assert [entry["stage"] for entry in run.entries()] == ["synth.chunk", "synth.write"]


def test_a_damaged_line_in_the_middle_is_an_error_with_its_number(run: RunDir) -> None:
    record(run)
    ledger = run.path("ledger.jsonl")
    ledger.write_text("rubbish\n" + ledger.read_text())
    with pytest.raises(InputError, match=r"ledger\.jsonl:1: not JSON"):
        run.entries()


def test_the_ledger_line_holds_what_an_auditor_asks_for(run: RunDir) -> None:
    record(run, seed=7)
    line = json.loads(run.path("ledger.jsonl").read_text())
    assert {"stage", "at", "inputs", "outputs", "settings", "code", "versions", "counts", "tokens", "cost", "seconds"} <= set(line)
    assert line["settings"] == {"seed": 7}
    assert line["outputs"].keys() == {"chunks.parquet"}


def test_rejects_of_one_step_are_replaced_and_those_of_others_kept(run: RunDir) -> None:
    run.write_rejects("a", [Rejection("a", "1", "question", "old", "")])
    run.write_rejects("b", [Rejection("b", "2", "question", "other", "")])
    run.write_rejects("a", [Rejection("a", "1", "question", "new", "")])
    assert [(row.step, row.reason) for row in run.read_rejects()] == [("a", "new"), ("b", "other")]


def test_a_second_writer_is_told_at_once(run: RunDir) -> None:
    with run.locked(), pytest.raises(TripletteError, match="another command is writing"), RunDir(run.root).locked():
        pass


def test_a_fingerprint_of_a_folder_changes_with_any_file_in_it(run: RunDir, tmp_path: Path) -> None:
    write_text(run.path("model/a.txt"), "1")
    before = run.fingerprints(["model"])
    write_text(run.path("model/b/c.txt"), "2")
    assert run.fingerprints(["model"]) != before
