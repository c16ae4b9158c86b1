"""docs/python.md runs as it stands, and names the whole public surface; docs/where.md names files that are there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import triplette

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
WHERE = (ROOT / "docs/where.md").read_text(encoding="utf-8")
DOCUMENTS = (
    "03-roque.md",
    "08-chute-du-drapeau.md",
    "10-irregularites.md",
    "11-coups-illegaux.md",
    "26-systeme-suisse-bases.md",
    "30-classement-elo.md",
)


SHORT = """
profile = "chess-fr"

[train.presets.tiny]
batch = 16
max_steps = 12
evaluations = 1

[export]
lengths = [256]
latency_threads = []
"""


def copied(folder: Path, *patterns: str) -> None:
    """The documents of the page, some of them, and the questions that people wrote."""
    (folder / "fr_rules").mkdir()
    for path in (path for pattern in (*patterns, "triplette.toml") for path in (ROOT / "fr_rules").glob(pattern)):
        shutil.copy(path, folder / "fr_rules")
    (folder / "gold").mkdir()
    shutil.copy(ROOT / "gold/fr_rules.jsonl", folder / "gold")


def run_blocks(folder: Path, blocks: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", "\n".join(blocks)],
        cwd=folder, capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip


def test_the_notebook_makes_a_dataset_from_documents(tmp_path: Path) -> None:
    copied(tmp_path, *DOCUMENTS)
    done = run_blocks(tmp_path, BLOCKS[:1])
    assert done.returncode == 0, done.stderr
    assert "review quota" in done.stdout
    for name in ("triplets.parquet", "verdicts/judge.parquet", "dataset/train.parquet", "validation/result.json"):
        assert (tmp_path / "run" / name).exists()


@pytest.mark.slow
def test_the_whole_page_runs_to_the_answer_of_a_bundle(tmp_path: Path) -> None:
    """A few steps over a few documents; what the verdict on them is does not matter here."""
    copied(tmp_path, *DOCUMENTS)
    (tmp_path / "triplette.toml").write_text(SHORT)
    done = run_blocks(tmp_path, BLOCKS)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^(?:improved|not shown|worse) ", done.stdout, re.MULTILINE)
    answers = re.findall(r"^([123]) (.*)$", done.stdout, re.MULTILINE)
    assert [rank for rank, _ in answers] == ["1", "2", "3"]
    assert "roque" in answers[0][1].lower()


def test_the_page_names_the_public_surface_and_nothing_else() -> None:
    table = PAGE[PAGE.index("## The names") :]
    named = set(re.findall(r"`(\w+)\(", table))
    assert named == set(triplette.__all__)
    assert all(callable(getattr(triplette, name)) for name in triplette.__all__)
    assert set(re.findall(r"triplette\.(\w+)\(", "".join(BLOCKS))) <= named


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'train_all'"):
        triplette.train_all  # noqa: B018


def test_importing_is_light() -> None:
    code = "import sys, triplette; print(sorted({'numpy', 'pyarrow', 'torch', 'typer', 'triplette.api'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/.-]+/[\w.-]+\.\w+)`", WHERE))))
def test_a_file_that_the_page_of_places_names_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


def test_each_of_the_twelve_questions_has_at_most_two_files_and_a_test() -> None:
    rows = [line.split("|")[1:-1] for line in WHERE.splitlines() if line.startswith("| ") and "---" not in line]
    twelve = [row for row in rows if len(row) == 4 and "Test" not in row[3]]
    assert len(twelve) == 12
    for _, change, beside, test in twelve:
        assert change.strip()
        assert len(re.findall(r"`([\w/.-]+/[\w.-]+\.\w+)`", change + beside)) <= 2
        assert re.fullmatch(r" `tests/test_\w+\.py` ", test)
