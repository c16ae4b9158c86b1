"""The commands of the export stage: what they say when there is nothing to work on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m export``."""
    command, wide = [sys.executable, "-m", "triplette.export", *arguments], {**os.environ, "COLUMNS": "300"}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, env=wide)


@pytest.mark.parametrize("command", [["bundle"], ["ask"]])
def test_help_has_an_example_and_needs_no_heavy_library(command: list[str]) -> None:
    told = [sys.executable, "-X", "importtime", "-m", "triplette.export", *command, "--help"]
    done = subprocess.run(told, capture_output=True, text=True, cwd=ROOT, check=True)
    assert "Example: train " in done.stdout
    imported = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert not imported & {"torch", "transformers", "sentence_transformers", "ai_edge_litert", "litert_torch", "datasets"}


def test_exporting_without_a_model_names_the_command_that_makes_one(tmp_path: Path) -> None:
    done = run("bundle", "--run", str(tmp_path))
    assert done.returncode == 2
    assert "train merge" in done.stderr
    assert "Traceback" not in done.stderr


def test_verifying_and_asking_what_is_no_bundle_is_an_error(tmp_path: Path) -> None:
    done = run("bundle", "--verify", str(tmp_path))
    assert done.returncode == 2
    assert "not a bundle" in done.stderr
    asked = run("ask", "Qui ?", "--bundle", str(tmp_path))
    assert asked.returncode == 2
    assert "this is not a bundle" in asked.stderr
    assert "train export" in asked.stderr


def test_an_unknown_recipe_is_refused_with_the_choices(tmp_path: Path) -> None:
    done = run("bundle", "--run", str(tmp_path), "--recipe", "int3")
    assert done.returncode == 2
    assert "auto, e4_a8_f4_p4, int8, int8_weights, float32" in done.stderr


def test_checking_a_bundle_signs_nothing_and_says_so(tmp_path: Path) -> None:
    done = run("bundle", "--verify", str(tmp_path), "--sign", "key")
    assert done.returncode == 2
    assert "--verify only checks and signs nothing" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "there is no question"),
        ([" "], "there is no question"),
        (["Qui ?", "--serve"], "with --serve the question is asked on the page"),
        (["Qui ?", "--beside", "x"], "--beside shows its columns on a page"),
        (["--serve", "--bundle", "x"], "this is not a bundle"),
    ],
)
def test_asking_says_what_is_missing_or_too_much(arguments: list[str], said: str) -> None:
    done = run("ask", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "help: " in done.stderr
