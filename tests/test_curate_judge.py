"""``curate judge`` by rules, end to end on a run directory, and what its command prints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from judged import corpus, good_rows, mined, triplet
from typer.testing import CliRunner

from triplette.curate.cli import app
from triplette.curate.decisions import read_decisions
from triplette.curate.judge.judge import judge
from triplette.errors import MissingStage, SettingError
from triplette.records import Verdict
from triplette.rundir import RunDir
from triplette.settings.base import build
from triplette.settings.judge import JudgeSettings
from triplette.tables import read_records

SETTINGS = JudgeSettings()


@pytest.fixture
def judged(run: RunDir) -> RunDir:
    """A mined run with four good questions and a bad one."""
    chunks = corpus()
    bad = triplet("Que dit cet article ?", chunks["elo"], [chunks["roque"], chunks["appel"]])
    return mined(run, chunks, [*good_rows(chunks), bad])


def test_every_triplet_and_every_negative_gets_a_verdict(judged: RunDir) -> None:
    result = judge(judged, SETTINGS)
    verdicts = read_records(judged.path("verdicts/judge.parquet"), Verdict)
    negatives = read_records(judged.path("verdicts/negatives.parquet"), Verdict)
    assert (result.triplets, len(verdicts), len(negatives)) == (5, 5, 10)
    assert result.decisions == {"keep": 4, "reject": 1}
    assert result.reasons == {"clarity": 1}
    assert sum(result.negatives.values()) == 10


def test_the_decisions_name_the_step_and_the_reason(judged: RunDir) -> None:
    judge(judged, SETTINGS)
    (row,) = [row for row in read_decisions(judged).rows if row.step == "curate.judge"]
    assert row.reason == "clarity"
    assert "cet article" in row.detail


def test_the_same_run_again_does_nothing_and_gives_the_same_bytes(judged: RunDir) -> None:
    first = judge(judged, SETTINGS)
    before = judged.path("verdicts/judge.parquet").read_bytes()
    again = judge(judged, SETTINGS)
    assert again.unchanged
    assert replace(again, seconds=0.0, unchanged=False) == replace(first, seconds=0.0)
    judged.path("ledger.jsonl").unlink()
    judge(judged, SETTINGS)
    assert judged.path("verdicts/judge.parquet").read_bytes() == before


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_the_order_of_sets(judged: RunDir) -> None:
    written = []
    for seed in ("1", "2"):
        judged.path("ledger.jsonl").unlink(missing_ok=True)
        for command in ("judge", "dedup"):
            subprocess.run(
                [sys.executable, "-m", "triplette.curate.cli", command, "--run", str(judged.root), "--json"],
                env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
                check=True,
                capture_output=True,
            )
        written.append([judged.path(f"verdicts/{name}.parquet").read_bytes() for name in ("judge", "negatives", "dedup")])
    assert written[0] == written[1]


def test_another_setting_judges_anew(judged: RunDir) -> None:
    judge(judged, SETTINGS)
    assert judge(judged, JudgeSettings(min_relevance=1.0)).decisions == {"reject": 5}


def test_an_orphan_positive_is_quarantined_and_lost_nowhere(run: RunDir) -> None:
    chunks = corpus()
    question, made = good_rows(chunks)[0]
    mined(run, chunks, [(question, replace(made, positive_id="c-gone"))])
    result = judge(run, SETTINGS)
    (verdict,) = read_records(run.path("verdicts/judge.parquet"), Verdict)
    assert result.decisions == {"quarantine": 1}
    assert verdict.reason == "orphan: no chunk has the id c-gone"
    assert {v.decision for v in read_records(run.path("verdicts/negatives.parquet"), Verdict)} == {"drop"}


def test_judging_before_mining_names_the_command(run: RunDir) -> None:
    with pytest.raises(MissingStage, match=r"synth (chunk|mine)"):
        judge(run, SETTINGS)


@pytest.mark.parametrize("values", [{"judge": "dice"}, {"votes": 0}, {"min_clarity": 2}, {"min_clarity": float("nan")}, {"unknown": 1}])
def test_a_wrong_setting_is_refused_with_its_cure(values: dict[str, object]) -> None:
    with pytest.raises(SettingError) as caught:
        build(JudgeSettings, values, where="triplette.toml[curate.judge]")
    assert caught.value.cure


def test_the_llm_without_a_model_is_told_before_any_work(judged: RunDir) -> None:
    with pytest.raises(SettingError, match="no model is named"):
        judge(judged, JudgeSettings(judge="llm"))
    assert not judged.has("verdicts/judge.parquet")


def test_the_command_prints_a_table_that_fits_80_columns(judged: RunDir) -> None:
    result = CliRunner().invoke(app, ["judge", "--run", str(judged.root)], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    assert "clarity" in result.output
    assert "curate dedup" in result.output
    assert max(map(len, result.output.splitlines())) <= 80


def test_the_command_prints_json_for_machines(judged: RunDir) -> None:
    result = CliRunner().invoke(app, ["judge", "--run", str(judged.root), "--json"])
    content = json.loads(result.stdout)
    assert (content["triplets"], content["judge"], content["unchanged"]) == (5, "rules", False)


def test_ctrl_c_leaves_no_half_written_verdict(tmp_path: Path) -> None:
    chunks = corpus()
    rows = [triplet(f"Que risque un joueur en retard numéro {n} ?", chunks["retard"], [chunks["roque"]]) for n in range(40_000)]
    run = mined(RunDir(tmp_path / "run"), chunks, rows)
    command = [sys.executable, "-m", "triplette.curate.cli", "judge", "--run", str(run.root)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    while not run.path(".lock").exists() and process.poll() is None:  # it is at work, and hears signals
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "interrupted" in said
    assert [path.name for path in run.path("verdicts").glob("*")] == [] if run.has("verdicts") else True
