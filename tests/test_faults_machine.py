"""A machine that says no: no room, no rights, no home, links that lead nowhere. One line, its help, exit code 2, and the run as it was."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from curated import small_run
from killing import ended, start

from triplette.rundir import RunDir

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]


def state(run: RunDir) -> dict[str, bytes]:
    """Every file of a run directory but its lock."""
    return {
        path.relative_to(run.root).as_posix(): path.read_bytes()
        for path in run.root.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture
def judged_run(tmp_path: Path) -> RunDir:
    material = small_run(12)
    material.judge_everything()
    return material.write(tmp_path / "run")


@pytest.mark.parametrize(
    "words",
    [
        "synth write",
        "synth mine",
        "curate judge",
        "curate dedup",
        "curate build --no-gold",
        "curate review export HERE.csv",
        "curate report",
    ],
)
def test_a_file_that_finds_no_room_is_one_line_and_leaves_the_run_as_it_was(judged_run: RunDir, tmp_path: Path, words: str) -> None:
    before = state(judged_run)
    command = [*words.replace("HERE", str(tmp_path / "sheet")).split(), "--run", str(judged_run.root)]
    code = ended(start(command, tmp_path / "log.txt", limits={resource.RLIMIT_FSIZE: 1500}))
    said = (tmp_path / "log.txt").read_text()
    assert code == 2, said
    assert "internal error" not in said
    assert "Traceback" not in said
    assert {name: content for name, content in state(judged_run).items() if name in before} == before
    assert not [name for name in state(judged_run) if name.endswith(".tmp")]


@pytest.mark.parametrize("place", ["dangling", "dangling/run", "file", "file/run"])
def test_a_run_at_a_link_that_leads_nowhere_or_a_file_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    code = ended(start(["synth", "chunk", "--corpus", str(ROOT / "profiles"), "--run", str(tmp_path / place)], tmp_path / "log.txt"))
    said = (tmp_path / "log.txt").read_text()
    assert code == 2, said
    assert "help:" in said
    assert "internal error" not in said


@pytest.mark.parametrize("name", ["chunks.parquet", "triplets.parquet"])
def test_an_artefact_that_is_a_link_to_nowhere_is_as_if_it_were_not_there(judged_run: RunDir, tmp_path: Path, name: str) -> None:
    judged_run.path(name).unlink()
    judged_run.path(name).symlink_to(tmp_path / "nowhere")
    code = ended(start(["curate", "judge", "--run", str(judged_run.root)], tmp_path / "log.txt"))
    assert code == 2
    assert f"there is no {name}" in (tmp_path / "log.txt").read_text().replace("\n", " ")


@pytest.mark.parametrize("gone", ["HOME", "LANG", "PATH", "TERM"])
def test_a_variable_that_is_not_set_changes_nothing(judged_run: RunDir, gone: str) -> None:
    kept = {name: value for name, value in os.environ.items() if name != gone}
    done = subprocess.run(
        [sys.executable, "-m", "triplette.curate", "status", "--run", str(judged_run.root)],
        capture_output=True, text=True, check=False, env={**kept, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Funnel" in done.stdout
