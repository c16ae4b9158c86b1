"""One way to say what a step did and to know that it is done: whatever a result holds comes back as it was."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from triplette.rundir import RunDir
from triplette.step import Step
from triplette.tables import write_text

ROOT = Path(__file__).parent.parent
SOURCES = [path for name in ("synth", "curate", "train", "export", "triplette") for path in (ROOT / name).rglob("*.py")]


@dataclass(frozen=True, slots=True)
class Inner:
    low: float
    known: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Result:
    count: int
    inner: Inner
    notes: tuple[str, ...]
    tables: tuple[tuple[str, tuple[tuple[Any, ...], ...]], ...]
    by_name: dict[str, Inner]
    rows: list[list[Any]]
    limit: float | None
    folder: Path
    spent: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    unchanged: bool = False


def a_result() -> Result:
    inner = Inner(0.5, (0.1, 0.2))
    tables = (("test", (("BM25", 0.4, ""), ("tuned", 0.5, "+0.1"))),)
    return Result(3, inner, ("a", "b"), tables, {"x": inner}, [["q", 2]], None, Path("/a/b"), 0.75, {"k": [1, 2]})


def a_step(run: RunDir, **settings: Any) -> Step:
    return Step(run, "synth.mine", {"chunks.parquet": "1"}, settings)


@pytest.fixture
def recorded(run: RunDir) -> Result:
    write_text(run.path("triplets.parquet"), "x")
    return a_step(run, k=1).record(a_result(), outputs=["triplets.parquet"], counts={"n": 3}, forget=("spent",))


def test_a_step_that_is_done_gives_the_result_it_gave_then(run: RunDir, recorded: Result) -> None:
    again = a_step(run, k=1).done(Result, spent=0.0)
    assert again is not None
    assert again.unchanged
    assert not recorded.unchanged
    for name in ("count", "inner", "notes", "tables", "by_name", "rows", "limit", "folder", "extra", "seconds"):
        assert getattr(again, name) == getattr(recorded, name), name
    assert isinstance(again.tables[0][1], tuple)
    assert isinstance(again.folder, Path)


def test_what_is_true_only_today_is_given_anew(run: RunDir, recorded: Result) -> None:
    assert recorded.spent == 0.75
    again = a_step(run, k=1).done(Result, spent=0.0, folder=Path("/moved"))
    assert again is not None
    assert (again.spent, again.folder) == (0.0, Path("/moved"))
    assert "spent" not in run.entries()[0]["result"]


@pytest.mark.usefixtures("recorded")
def test_other_settings_or_a_changed_output_are_not_done(run: RunDir) -> None:
    assert a_step(run, k=2).done(Result, spent=0.0) is None
    write_text(run.path("triplets.parquet"), "changed by hand")
    assert a_step(run, k=1).done(Result, spent=0.0) is None


def test_a_step_cut_short_is_not_done(run: RunDir) -> None:
    write_text(run.path("triplets.parquet"), "x")
    step = a_step(run, k=1)
    step.record(a_result(), outputs=["triplets.parquet"], counts={}, settings={"k": 1, "answered": 2})
    assert step.done(Result) is None


def test_the_ledger_line_has_seconds_cost_tokens_and_what_else_is_given(run: RunDir) -> None:
    result = a_step(run).record(a_result(), outputs=[], counts={"n": 1}, cost=0.5, tokens={"input": 7}, verdict="improved")
    entry = run.entries()[0]
    assert (entry["cost"], entry["tokens"], entry["verdict"], entry["counts"]) == (0.5, {"input": 7}, "improved", {"n": 1})
    assert entry["seconds"] >= result.seconds >= 0.0


@pytest.mark.parametrize("name", ["run of today", "it's", "$(date)", "a;b"])
def test_a_printed_command_can_be_pasted_into_a_shell(tmp_path: Path, name: str) -> None:
    run = RunDir(tmp_path / name)
    assert shlex.split(run.command("curate build")) == ["curate", "build", "--run", str(tmp_path / name)]


def test_the_default_directory_is_not_said() -> None:
    assert RunDir(Path("run")).command("curate build") == "curate build"


def found_in_sources(what: Callable[[str], Any]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in SOURCES if what(path.read_text(encoding="utf-8"))]


def test_one_place_writes_the_run_into_a_command() -> None:
    assert found_in_sources(re.compile(r"--run \{").search) == ["triplette/rundir.py"]


def test_one_place_asks_the_ledger_whether_a_stage_is_done() -> None:
    assert found_in_sources(re.compile(r"\.current\(").search) == ["triplette/step.py"]
