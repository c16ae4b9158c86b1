"""Every file of a run, damaged in every way, before the commands that read it.

What must come of it: one error that names what is wrong and its help, an exit code that is documented, nothing believed that is not so,
and no file changed or deleted. The commands run in this process, one after the other, over one run that is put back after each.
"""

from __future__ import annotations

import importlib
import io
import json
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_faults_kills import FR_RULES, fill

pytestmark = pytest.mark.slow
MADE = (
    "synth chunk --corpus HERE/docs",
    "synth write",
    "synth mine",
    "curate judge",
    "curate dedup",
    "curate review export HERE/sheet.csv",
    "curate review import HERE/sheet.csv",
    "curate build --no-gold",
    "curate validate",
)
FIT = "train fit --ungated --preset tiny --max-steps 1"
BUILD = "curate build --no-gold"
EXPLAIN = "curate explain roi"
SHEET = "curate review export HERE/x.csv"
READ_BY = {
    "chunks.parquet": ("synth show", "synth write", "synth mine", "curate judge", BUILD, "curate report"),
    "questions.parquet": ("synth show", "synth mine", "curate status", SHEET),
    "triplets.parquet": ("synth show", "curate judge", "curate dedup", BUILD, "curate status", EXPLAIN),
    "rejected.parquet": ("synth write", "curate status", "curate report", EXPLAIN),
    "coverage.parquet": ("curate validate",),
    "profile.toml": ("synth write", "curate judge", SHEET),
    "verdicts/judge.parquet": ("curate dedup", BUILD, "curate status", EXPLAIN),
    "verdicts/negatives.parquet": (BUILD, "curate status"),
    "verdicts/dedup.parquet": (BUILD, "curate status"),
    "verdicts/human.parquet": (BUILD, "curate status", EXPLAIN),
    "verdicts/answers.parquet": ("curate review import HERE/sheet.csv",),
    "dataset/train.parquet": (FIT,),
    "dataset/val.parquet": (FIT,),
    "dataset/test.parquet": (FIT,),
    "dataset/rows.parquet": (FIT, "curate status", EXPLAIN),
    "dataset/corpus.parquet": (FIT,),
    "dataset/composition.json": ("curate validate",),
    "validation/result.json": ("train fit --preset tiny", "curate status", "curate report"),
    "ledger.jsonl": ("curate status", "synth mine", "curate report", "train fit --preset tiny"),
    "evaluation/result.json": ("train export", "curate status"),
    "model/contract.json": ("train evaluate", "train merge", "train export"),
    "model/adapter/fit.json": ("train evaluate", "train merge"),
    "../sheet.csv": ("curate review import HERE/sheet.csv",),
    "../triplette.toml": ("synth mine --config HERE/triplette.toml", "curate judge --config HERE/triplette.toml"),
}
MODEL = {  # what stands in for the files of a fine-tune: they are read before any weight is
    "model/adapter/fit.json": {"base": "x", "origin": "x", "method": "full", "preset": {}},
    "model/contract.json": {},
    "evaluation/result.json": {"verdict": {"word": "improved", "sentence": "x"}, "dataset_hash": "x"},
}
Damage = Callable[[bytes], bytes]


def table(change: Callable[[pa.Table], pa.Table]) -> Damage:
    """A damage that leaves a readable Parquet file."""

    def damage(content: bytes) -> bytes:
        out = io.BytesIO()
        pq.write_table(change(pq.read_table(io.BytesIO(content))), out)
        return out.getvalue()

    return damage


def columns(values: Callable[[pa.Field, int], pa.Array]) -> Damage:
    """A damage that replaces every column."""
    return table(lambda read: pa.table({field.name: values(field, len(read)) for field in read.schema}))


def leaves(content: bytes) -> bytes:
    """JSON whose every value is of another type."""

    def other(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: other(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [other(inner) for inner in value]
        return {"a": 1} if isinstance(value, str) else "banana"

    try:
        return "".join(json.dumps(other(json.loads(line))) + "\n" for line in _values(content)).encode()
    except ValueError:
        return b'{"a": "banana"}'


def _values(content: bytes) -> list[bytes]:
    """The file as one value, or a value a line."""
    try:
        json.loads(content)
    except ValueError:
        return content.splitlines()
    return [content]


UNREADABLE: dict[str, Damage] = {
    "empty": lambda _: b"",
    "noise": lambda _: random.Random(1).randbytes(3000),
    "half": lambda content: content[: len(content) // 2],
    "deep": lambda _: b"[" * 200_000,
    "list": lambda _: b"[]",
    "object": lambda _: b"{}",
    "number": lambda _: b"3",
    "nul": lambda _: bytes(100),
}
TABLES: dict[str, Damage] = {
    "no rows": table(lambda read: read.slice(0, 0)),
    "missing values": columns(lambda field, rows: pa.nulls(rows, field.type)),
    "whole numbers": columns(lambda _, rows: pa.array([1] * rows, pa.int64())),
    "words": columns(lambda _, rows: pa.array(["banana"] * rows)),
    "another table": lambda _: _parquet(pa.table({"x": [1]})),
    "every row twice": table(lambda read: pa.concat_tables([read, read])),
}
MAY_PASS = {
    ("parquet", "no rows"),
    ("parquet", "every row twice"),
    ("jsonl", "empty"),
    ("jsonl", "half"),
    ("toml", "empty"),
}  # may be so


def _parquet(content: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(content, out)
    return out.getvalue()


def damages(name: str) -> dict[str, Damage]:
    """The ways in which a file is damaged."""
    return {**UNREADABLE, **(TABLES if name.endswith(".parquet") else {"other types": leaves})}


def ran(words: str, here: Path) -> tuple[int, str]:
    """A command as its console script runs it: the exit code, and what it said."""
    log = here.parent / "said.txt"
    kept = sys.argv, sys.stdout, sys.stderr
    sys.argv = [*words.replace("HERE", str(here)).split(), "--run", str(here / "run")]
    with log.open("w", encoding="utf-8") as sys.stdout:
        sys.stderr = sys.stdout
        try:
            importlib.import_module(f"triplette.{sys.argv[0]}.cli").main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            sys.argv, sys.stdout, sys.stderr = kept
    return code, log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from its documents to its validation, and what stands in for a model."""
    here = tmp_path_factory.mktemp("whole") / "here"
    (here / "docs").mkdir(parents=True)
    shutil.copy(FR_RULES / "07-pendule.md", here / "docs")
    for words in MADE:
        if "import" in words:
            fill(here)
        code, said = ran(words, here)
        assert code in (0, 1), said
    shutil.rmtree(here / "run/validation/data_docs")
    for name, content in MODEL.items():
        (here / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (here / "run" / name).write_text(json.dumps(content))
    (here / "triplette.toml").write_text("[synth.mine]\nnegatives = 2\n[curate.judge]\n")
    return here


def contents(here: Path) -> dict[Path, bytes]:
    """Every file but those that a reading command may write: the lock."""
    return {path: path.read_bytes() for path in here.rglob("*") if path.is_file() and path.name != ".lock"}


def put_back(here: Path, before: dict[Path, bytes]) -> None:
    """The folder as it was."""
    after = contents(here)
    for path in after.keys() - before.keys():
        path.unlink()
    for path, content in before.items():
        if after.get(path) != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def wrong(name: str, kind: str, code: int, said: str, changed: list[str]) -> str:
    """What is wrong with how a command took a damaged file; "" for nothing."""
    if code not in range(7) or "internal error" in said or "Traceback" in said:
        return "it broke"
    if code in (2, 3, 4, 5) and "help:" not in said:
        return "no help"
    may_pass = (name.rsplit(".", 1)[1], kind) in MAY_PASS
    if code == 2 and changed and not may_pass:
        return f"it changed {changed}"
    if name.startswith("verdicts/") and "delete" in said:
        return "it advises to delete what was decided"
    if code == 0 and not may_pass and Path(name).name not in said:
        return "it believed it"
    return ""


@pytest.mark.parametrize("name", READ_BY)
def test_a_damaged_file_is_named_and_not_believed(whole: Path, name: str, record_property: Callable[[str, object], None]) -> None:
    before, tried, found = contents(whole), 0, []
    path = (whole / "run" / name).resolve()
    for kind, damage in damages(name).items():
        damaged = {**before, path: damage(before[path])}
        for words in READ_BY[name]:
            put_back(whole, damaged)
            code, said = ran(words, whole)
            after = contents(whole)
            changed = [item.name for item in damaged.keys() | after.keys() if after.get(item) != damaged.get(item)]
            tried += 1
            if said_wrong := wrong(name, kind, code, said, changed):
                found.append(f"{kind}, {words}: {said_wrong} (exit code {code}): {' '.join(said.split())[-300:]}")
    put_back(whole, before)
    record_property("tried", f"{name}: {tried} damages, held: {tried - len(found)}")
    assert not found, "\n".join(found)
