"""`make bench` goes on where it was stopped, names what cannot run, and leaves out no script without saying why."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
MACHINE = {"cores": 2, "processor": "a processor", "memory_gb": 8, "python": "3.11"}


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    sys.path.append(str(FOLDER))  # as a script it finds the others beside it
    import bench

    yield bench
    sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def parts(bench: Any) -> Any:
    import comparisons

    return comparisons


def comparison(parts: Any, tmp_path: Path) -> Any:
    """Two sides that count how often they ran, one that fails and one whose package there is not."""
    counting = (
        "import sys, pathlib; sys.path.insert(0, {folder!r}); from clock import Clock\n"
        "p = pathlib.Path({place!r}); p.write_text(p.read_text() + '.' if p.exists() else '.')\n"
        "with Clock() as clock: sum(range({work}))\n"
        "clock.tell({units}, found={found})"
    )

    def side(name: str, work: int, units: int, found: int) -> Any:
        code = counting.format(folder=str(FOLDER), place=str(tmp_path / name), work=work, units=units, found=found)
        return parts.Side(name, ("-c", code))

    return parts.Comparison(
        "pair",
        "sums",
        (
            side("ours", 200_000, 1, 7),
            side("theirs", 2_000_000, 1, 8),
            parts.Side("broken", ("-c", "raise SystemExit('no accelerator')")),
        ),
    )


def test_a_stopped_run_goes_on_and_one_side_that_fails_ends_nothing(bench: Any, parts: Any, tmp_path: Path) -> None:
    import tables

    one = comparison(parts, tmp_path)
    bench.measure(one, tmp_path, 1, False)
    bench.measure(one, tmp_path, 2, False)
    assert [len((tmp_path / name).read_text()) for name in ("ours", "theirs")] == [2, 2]
    told = json.loads((tmp_path / "results" / "pair.json").read_text())
    assert [sorted(turn) for turn in told["turns"]] == [["ours", "theirs"]] * 2
    lines = tables.table(one, told).splitlines()
    other_size = dataclasses.replace(one, what="sums of another size")
    assert tables.table(other_size, told).startswith("**Pair**: sums. 2 turns"), (
        "what was measured, not what this command would measure"
    )
    assert lines[2].startswith("| side | s | beside ours |")
    ours, theirs, broken = (line.split(" | ") for line in lines[4:7])
    assert (ours[2], ours[6].rstrip(" |")) == ("1", "found 7")
    ratio = theirs[2].replace("**", "").split(" (")[0]
    assert float(ratio) > 2  # ten times the work, on any machine
    assert broken[1] == "not run: no accelerator"


def test_a_ratio_is_of_one_turn_and_of_one_unit_of_work(parts: Any) -> None:
    import tables

    def figures(seconds: float, units: int) -> dict[str, Any]:
        return {"seconds": seconds, "cpu": seconds, "units": units, "peak_mb": 1, "load": 1.0, "found": {}}

    one = parts.Comparison("pair", "calls", (parts.Side("ours", ()), parts.Side("theirs", ())))
    turns = [{"ours": figures(10, 100), "theirs": figures(4, 10)}, {"ours": figures(20, 100), "theirs": figures(6, 10)}]
    text = tables.table(
        one, {"turns": [*turns, {"ours": figures(10, 100), "theirs": figures(5, 10)}], "failed": {}, "machine": MACHINE}
    )
    assert "| theirs | 5.00 | **4.00** (3.00 to 5.00) |" in text


def test_what_was_not_run_keeps_its_figures_and_a_page_without_a_place_is_refused(parts: Any) -> None:
    import tables

    page = "<!-- make bench: a -->\n\nold\n\n<!-- end --> and <!-- make bench: b -->\n\nkept\n\n<!-- end -->\n"
    text = tables.between(page, "a", "new")
    assert "new" in text
    assert "old" not in text
    assert "kept" in text
    with pytest.raises(SystemExit, match="no place for c"):
        tables.between(page, "c", "x")


def test_a_comparison_of_which_no_side_could_run_leaves_the_page_as_it_is(bench: Any, parts: Any, tmp_path: Path) -> None:
    import tables

    lacking = parts.Comparison("pair", "sums", (parts.Side("ours", ()),), lacking="wants a folder")
    bench.measure(lacking, tmp_path, 1, False)
    slow = parts.Comparison("slow", "sums", (parts.Side("ours", ("-c", "raise SystemExit('no')")),))
    bench.measure(slow, tmp_path, 1, False)
    stopped = comparison(parts, tmp_path)
    stopped = dataclasses.replace(stopped, name="stopped", sides=stopped.sides[:1])
    bench.measure(stopped, tmp_path, 1, False)
    stopped = dataclasses.replace(stopped, sides=comparison(parts, tmp_path).sides)
    marks = ("pair", "slow", "stopped", "versions", "alone")
    page = tmp_path / "README.md"
    page.write_text("".join(f"<!-- make bench: {name} -->\n\nfigures of {name}\n\n<!-- end -->\n" for name in marks))
    tables.write_readme(page, [lacking, slow, stopped], tmp_path / "results")
    assert "figures of pair" in page.read_text()
    assert "figures of slow" in page.read_text()
    assert "figures of stopped" in page.read_text()


def test_every_script_is_in_a_comparison_or_says_why_it_is_not(parts: Any, tmp_path: Path) -> None:
    chosen = parts.comparisons(1.0, tmp_path, None)
    used = {Path(word).name for one in chosen for side in one.sides for word in side.command if word.startswith("benchmarks/")}
    machinery = {"bench.py", "clock.py", "comparisons.py", "peers.py", "tables.py", "upper_layers.py"}
    assert {path.name for path in FOLDER.glob("*.py")} == used | set(parts.ALONE) | machinery
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [one.name for one in chosen if f"<!-- make bench: {one.name} -->" not in page] == []
    (reading,) = (one for one in chosen if one.name == "reading")
    assert "PDFS=FOLDER" in reading.lacking
