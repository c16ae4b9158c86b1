"""The notebook runs as it stands, from documents to an answer of its bundle."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
CELLS: list[dict[str, Any]] = json.loads((ROOT / "notebooks/triplette.ipynb").read_text(encoding="utf-8"))["cells"]
SHORTER = {
    "max_steps = {STEPS}": "max_steps = {STEPS}\ncloze = 1",  # spans of the corpus beside each question
    "lengths = [64, 256]": "lengths = [256]",
    "latency_runs = 5": "latency_threads = []",
}
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]


@pytest.mark.slow
def test_the_notebook_goes_from_documents_to_an_answer(tmp_path: Path) -> None:
    """On a random model and two steps: the chain is the same as with the real base, and much shorter."""
    work = tmp_path / "work"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TRIPLETTE_CLONE": str(ROOT), "TRIPLETTE_WORK": str(work)}
    # as trained, for a few questions cannot show that 8 bits rank as well
    environment |= {"TRIPLETTE_PRESET": "tiny", "TRIPLETTE_STEPS": "2", "TRIPLETTE_RECIPE": "float32"}
    program = "\n".join(CODE)
    for wanted, shorter in SHORTER.items():
        assert wanted in program
        program = program.replace(wanted, shorter)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "review quota" in done.stdout  # nobody reviewed: the notebook says what closes the gate
    assert (work / "review.csv").exists()
    answers = done.stdout[done.stdout.index("\nPeut-on roquer en étant en échec ?") :]
    assert len(re.findall(r"^   [12] .+ \| .+", answers, re.MULTILINE)) == 4


def test_every_command_of_the_notebook_is_known() -> None:
    reference = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    lines = re.findall(r'command\(f?"([^"]+)"\)', "\n".join(CODE))
    assert len(lines) == 3
    for line in lines:
        words = [word for word in line.split() if not word.startswith("{")]
        name = " ".join(words[: next((n for n, word in enumerate(words) if word.startswith("--") or "." in word), len(words))])
        section = reference.partition(f"# {name}\n")[2].partition("\n##")[0]
        assert section, f"no command {name!r}"
        assert [word for word in words if word.startswith("--") and word not in section] == []
