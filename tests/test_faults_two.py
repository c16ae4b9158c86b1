"""Two commands at once on one run directory: the second is told so, asks for nothing and changes nothing, and the first ends as if alone.

The first is stopped (SIGSTOP) while it holds the run, the second runs to its end, then the first goes on: no clock decides.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from curated import small_run
from judged import corpus, good_rows, mined
from killing import apart, ended, halted, loaded, start, stopped, wait_for
from scripted_llm import Call, Reply, ScriptedServer, good_reader
from test_faults_kills import make_base
from training_data import rules_dataset

from triplette.rundir import RunDir

pytestmark = pytest.mark.slow
BUSY = "another command is writing to"


def refused(words: list[str], log: Path) -> None:
    """Run a second command: one line, its help, exit code 2."""
    assert ended(start(words, log)) == 2
    said = " ".join(log.read_text().split())
    assert BUSY in said
    assert "help: wait for it to end, or use another --run" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("words", ["synth write --llm", "curate judge --judge llm --llm"])
def test_the_second_of_two_that_pay_makes_no_call(run: RunDir, tmp_path: Path, words: str) -> None:
    chunks = corpus()
    mined(run, chunks, good_rows(chunks))
    settings = "price_in = 1.0\nprice_out = 1.0\nconcurrency = 1\n"
    (tmp_path / "triplette.toml").write_text(f"[synth.llm]\n{settings}[curate.llm]\n{settings}")
    first: list[int] = []

    def script(call: Call) -> Reply:
        if call.number == 0:
            os.kill(first[0], signal.SIGSTOP)
        return good_reader(call)

    with ScriptedServer(script) as server:
        command = [*words.split(), "openai:a", "--base-url", server.url, "--run", str(run.root)]
        command += ["--config", str(tmp_path / "triplette.toml")]
        with halted(command, tmp_path / "first.txt") as child:
            first.append(child.pid or 0)
            os.kill(child.pid or 0, signal.SIGCONT)
            wait_for(lambda: bool(server.calls))
            stopped(child)  # again, by its first call: now it is in the middle of paying
            refused(command, tmp_path / "second.txt")
            assert len(server.calls) == 1
            os.kill(child.pid or 0, signal.SIGCONT)
            assert ended(child) == 0, (tmp_path / "first.txt").read_text()
        assert max(server.paid.values()) == 1
        paid = sum(server.paid.values())
        assert ended(start(command, tmp_path / "third.txt")) == 0
        assert sum(server.paid.values()) == paid


@pytest.mark.parametrize("words", ["synth write", "synth mine", "curate judge", "curate dedup", "curate build --no-gold"])
def test_the_second_of_two_is_told_and_the_first_ends(tmp_path: Path, words: str) -> None:
    material = small_run(12)
    if words != "curate judge":
        material.judge_everything()
    run = material.write(tmp_path / "run")
    command = [*words.split(), "--run", str(run.root)]
    with halted(command, tmp_path / "first.txt") as child:
        refused(command, tmp_path / "second.txt")
        assert not run.entries(), "the second has done nothing"
        os.kill(child.pid or 0, signal.SIGCONT)
        assert ended(child) in (0, 1), (tmp_path / "first.txt").read_text()
    assert [entry["stage"] for entry in run.entries()] == [".".join(words.split()[:2])]


def test_while_a_model_is_trained_no_other_training_and_no_build_begins(tmp_path: Path) -> None:
    material = small_run(12)
    material.judge_everything()
    run = material.write(tmp_path / "run")
    rules_dataset(run.root, pieces=2)
    before = {path.name: path.read_bytes() for path in run.path("dataset").iterdir()}
    with loaded("peft", "sentence_transformers.sentence_transformer.trainer"):
        apart(make_base, tmp_path / "base", [chunk.text for chunk in material.chunks])
        options = "--preset tiny --max-steps 2 --batch 16 --ungated --no-export"
        train = [*f"train run {options} --model {tmp_path / 'base'} --run {run.root}".split()]
        with halted(train, tmp_path / "first.txt"):
            refused(train, tmp_path / "second.txt")
            refused(["curate", "build", "--no-gold", "--run", str(run.root)], tmp_path / "third.txt")
    assert not run.entries()
    assert {path.name: path.read_bytes() for path in run.path("dataset").iterdir()} == before
