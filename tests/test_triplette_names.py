"""A user's own train.py, export.py and synth.py stay theirs: this package claims one import name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STAGES = ("synth", "curate", "train", "export")
TAKEN = "raise SystemExit('the file of the user was run')\n"


@pytest.fixture
def occupied(tmp_path: Path) -> Path:
    """A folder in which every stage's name is a user's own script."""
    for name in (*STAGES, "expectations", "profiles"):
        (tmp_path / f"{name}.py").write_text(TAKEN)
    return tmp_path


def run_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run python in ``folder`` with the clone on the path, as an editable install puts it there: after the folder itself."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )


@pytest.mark.parametrize("stage", STAGES)
def test_each_command_runs_beside_a_script_of_its_name(stage: str, occupied: Path) -> None:
    done = run_in(occupied, "-m", f"triplette.{stage}", "--help")
    assert (done.returncode, "Usage" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("stage", ["synth", "curate", "train"])
def test_each_console_script_runs_beside_a_script_of_its_name(stage: str, occupied: Path) -> None:
    script = shutil.which(stage, path=str(Path(sys.executable).parent))
    assert script is not None, "the package is not installed"
    done = run_in(occupied, script, "--help")
    assert (done.returncode, "Usage" in done.stdout) == (0, True), done.stderr


def test_a_notebook_imports_every_stage_beside_scripts_of_their_names(occupied: Path) -> None:
    lines = [
        "import " + ", ".join(f"triplette.{stage}.cli" for stage in STAGES),
        "import sys",
        "print(sorted(set(sys.modules) & set(%r)))",
    ]
    done = run_in(occupied, "-c", "\n".join(lines) % (STAGES,))
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_no_module_is_imported_by_the_name_of_a_top_level_folder() -> None:
    pattern = r"^\s*(from|import) (synth|curate|train|export|expectations|profiles)\b"
    found = subprocess.run(["git", "grep", "-nE", pattern, "--", "*.py"], cwd=ROOT, capture_output=True, text=True)
    assert found.stdout == ""
