"""Kills at seeded moments over every stage: what is left can be read, the next run ends it, and the artefacts are the same.

Twin runs of the same documents: one undisturbed, one in which every command is killed several times (SIGKILL and SIGTERM) before it may
end. A moment is the n-th event of the interpreter, the n-th write, or the n-th write at a place such as a checkpoint, or the n-th call of the
endpoint; no clock decides. ``KILL_ROUNDS=4`` makes four times as many.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import sqlite3
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from killing import LATE, Events, Moment, apart, counted, ended, loaded, start, wait_for
from scripted_llm import Call, Reply, Script, ScriptedServer, good_reader
from training_data import rules_dataset

from triplette.dataset import load_dataset
from triplette.rundir import RunDir
from triplette.tables import read_table

pytestmark = pytest.mark.slow
FR_RULES = Path(__file__).parents[1] / "fr_rules"
DOCUMENTS = ("03-roque.md", "07-pendule.md")
ROUNDS = int(os.environ.get("KILL_ROUNDS", "1"))
IN_FLIGHT = 4  # calls at a time
SEED = 20260401
HOW = (signal.SIGKILL, signal.SIGTERM, signal.SIGTERM, signal.SIGKILL)  # in turn


def fill(here: Path) -> None:
    """A person's answers in the review sheet: every third row is bad."""
    sheet = here / "sheet.csv"
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    for number, row in enumerate(rows[1:]):
        row["verdict"] = "non" if number % 3 == 2 else "oui"
        row["reviewer"] = "ada"
    with sheet.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    os.utime(sheet, (1_700_000_000, 1_700_000_000))  # an answer is as old as its file


@pytest.fixture(scope="module", autouse=True)
def libraries() -> Iterator[None]:
    with loaded(
        "great_expectations", "peft", "sentence_transformers.sentence_transformer.trainer", "litert_torch", "ai_edge_quantizer"
    ):
        yield


@dataclass(frozen=True)
class Stage:
    """A command (``HERE``: the folder around the run directory, ``ASKING``: the options of an endpoint), its kills, what it leaves.

    ``places``: parts of paths; its kills fall into the writes there, in this order. A command that goes on where it was killed has
    fewer events than a whole one, and by its places every kill comes all the same.
    """

    words: str
    kills: int
    leaves: tuple[str, ...]
    before: Callable[[Path], None] | None = None
    places: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether it calls an endpoint."""
        return "ASKING" in self.words


JUDGED = ("verdicts/judge.parquet", "verdicts/negatives.parquet", "rejected.parquet")
STAGES = {
    "chunk": Stage("synth chunk --corpus HERE/docs", 5, ("chunks.parquet", "coverage.parquet", "profile.toml")),
    "rules": Stage("synth write", 3, ("questions.parquet", "rejected.parquet")),
    "write": Stage("synth write ASKING", 6, ("questions.parquet", "rejected.parquet")),
    "mine": Stage("synth mine", 5, ("triplets.parquet", "rejected.parquet")),
    "judge": Stage("curate judge --judge llm ASKING", 7, JUDGED),
    "dedup": Stage("curate dedup", 3, ("verdicts/dedup.parquet", "rejected.parquet")),
    "sheet": Stage("curate review export HERE/sheet.csv --force", 2, ("../sheet.csv",)),
    "import": Stage("curate review import HERE/sheet.csv", 3, ("verdicts/answers.parquet", "verdicts/human.parquet"), fill),
    "again": Stage("curate dedup", 2, ("verdicts/dedup.parquet",)),
    "build": Stage("curate build --no-gold", 4, ("dataset", "rejected.parquet")),
    "validate": Stage("curate validate", 2, ("validation/result.json",)),
}
LEARN = "--preset tiny --model HERE/../base --ungated --max-steps 12 --batch 16 --learning-rate 0.004 --config HERE/triplette.toml"
CHECKPOINTS = tuple(f"checkpoint-{step}/" for step in (4, 8, 12))
MODEL_STAGES = {
    "fit": Stage(f"train fit {LEARN}", 4, ("model/adapter", "model/contract.json"), places=(*CHECKPOINTS, "model/adapter/")),
    "evaluate": Stage("train evaluate --config HERE/triplette.toml", 2, ("evaluation/result.json",)),
    "merge": Stage("train merge", 2, ("model/merged",)),
    "export": Stage(
        "export bundle --recipe float32 --length 64 --config HERE/triplette.toml",
        4,
        ("bundle",),
        places=(".tokenizer.model.", "/.bundle.", ".float/", ".manifest.json."),
    ),
}
PRICES = "".join(
    f"[{stage}.llm]\nprice_in = 1.0\nprice_out = 1.0\nconcurrency = {IN_FLIGHT}\nbackoff = 0.01\n" for stage in ("synth", "curate")
)
SETTINGS = """
[train]
evaluations = 3
[train.evaluate]
resamples = 200
baselines = false
[export]
passages = 20
questions = 10
latency_threads = []
"""
TOLD = {"at", "seconds", "README.md", "report.html"}  # they name a moment, or how long it took


@dataclass
class Twin:
    """A run directory with its documents and its endpoint, how often each stage was killed, and how many answers went lost on the wire."""

    root: Path
    server: ScriptedServer | None = None
    lost: int = 0
    killed: dict[str, int] = field(default_factory=dict)

    @property
    def run(self) -> RunDir:
        return RunDir(self.root / "run")

    @property
    def log(self) -> Path:
        return self.root / "log.txt"

    def said(self) -> str:
        """The end of what its commands said."""
        return self.log.read_text(errors="replace")[-3000:]

    def words(self, stage: Stage) -> list[str]:
        url = self.server.url if self.server else ""
        asking = f"--llm openai:a --base-url {url} --config HERE/triplette.toml"
        words = [word.replace("HERE/..", str(self.root.parent)) for word in stage.words.replace("ASKING", asking).split()]
        return [*(word.replace("HERE", str(self.root)) for word in words), "--run", str(self.run.root)]

    def stored(self) -> int:
        """Answers on disk, counted in a copy: reading would fold SQLite's log, which is the next command's to do."""
        if not self.run.has("llm/answers.sqlite"):
            return 0
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(shutil.copytree(self.run.path("llm"), Path(scratch) / "llm")) / "answers.sqlite"
            with closing(sqlite3.connect(copy)) as connection:
                if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'answers'").fetchone():
                    return 0  # killed before the table was made
                return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])

    def paid(self) -> int:
        """Answers that its endpoint sent whole."""
        return sum(self.server.paid.values()) if self.server else 0

    def calls(self) -> int:
        """Calls that its endpoint got."""
        return len(self.server.calls) if self.server else 0

    def files(self) -> set[str]:
        """Everything in the run directory, hidden files too; the suites' own pages bear the moment in their names."""
        paths = (path.relative_to(self.run.root) for path in self.run.root.rglob("*") if path.is_file())
        return {path.as_posix() for path in paths if "validations" not in path.parts}

    def content(self, name: str) -> Any:
        """An artefact, a file or a folder, without the moments that it names."""
        path = self.run.path(name)
        if path.is_dir():
            names = sorted(item.relative_to(path).as_posix() for item in path.rglob("*") if item.is_file())
            return {inner: self.content(f"{name}/{inner}") for inner in names if inner not in TOLD or name == "dataset"}
        if name == "bundle/manifest.json":
            manifest = json.loads(path.read_text())
            return {part: manifest[part] for part in ("contract", "proof", "lengths")} | {"files": manifest["files"].keys()}
        if name.endswith("result.json"):
            return {key: value for key, value in json.loads(path.read_text()).items() if key not in TOLD}
        return path.read_bytes()


def moments(events: Events, stage: Stage, kills: int, rng: random.Random) -> Iterator[Moment]:
    """Seeded moments: at the stage's places, or in turn among the later writes, all events, all writes, all events."""
    for number in range(kills):
        place = stage.places[number * len(stage.places) // kills] if stage.places else ""
        writes = bool(place) or number % 2 == 0
        last = max(2, events.at(place) if writes else events.all) - 1
        yield Moment(rng.randint(last // 2 if number % 4 == 0 and not place else 1, last), writes, HOW[number % 4], place=place)


def killing_at(number: int, victim: Future[int], how: int) -> Script:
    """A script that sends the signal at the ``number``-th call of all, before it answers."""

    def script(call: Call) -> Reply | str:
        if call.number == number:
            os.kill(victim.result(LATE), how)
        return good_reader(call)

    return script


def kill_and_check(here: Twin, stage: Stage, moment: Moment, at_call: int) -> bool:
    """One kill; whether the command was still there to be killed. ``at_call``: at that call of the endpoint, from 1, instead."""
    victim: Future[int] = Future()
    if at_call and here.server:
        here.server.script = killing_at(here.calls() + at_call - 1, victim, moment.signal)
    child = start(here.words(stage), here.log, None if at_call else moment)
    victim.set_result(child.pid or 0)
    code = ended(child)
    if here.server:
        server, server.script = here.server, good_reader
        wait_for(lambda: not server.in_flight)
    if code in (0, 1):
        return False
    assert code == (-signal.SIGKILL if moment.signal == signal.SIGKILL else 143), (stage.words, code, here.said())
    lost = here.paid() - here.lost - here.stored()
    assert 0 <= lost <= (IN_FLIGHT if moment.signal == signal.SIGKILL else 0), f"{stage.words}: {lost} answers lost at {moment}"
    here.lost += lost
    readable(here.run)
    return True


def readable(run: RunDir) -> None:
    """Whatever stands in the run directory under its name is whole."""
    run.entries()
    readers: dict[str, Callable[[Path], object]] = {
        ".parquet": read_table,
        ".json": lambda path: json.loads(path.read_text()),
        ".toml": lambda path: tomllib.loads(path.read_text()),
    }
    for path in run.root.rglob("*"):
        parts = path.relative_to(run.root).parts
        if path.suffix in readers and not any(part.startswith(".") or part == "checkpoints" for part in parts):
            readers[path.suffix](path)


def disturb(whole: Twin, killed: Twin, name: str, stage: Stage, rng: random.Random) -> None:
    """One stage of both: counted to its end, then killed and run to its end; the artefacts must be the same."""
    for here in (whole, killed):
        if stage.before:
            stage.before(here.root)
    first, stored = whole.calls(), killed.stored()
    events = counted(whole.words(stage), whole.log, whole.root / "counts")
    calls, planned = whole.calls() - first, stage.kills * ROUNDS
    killed.killed[name] = 0
    for number, moment in enumerate(moments(events, stage, planned, rng)):
        share = (calls - killed.stored() + stored) // (planned - number + 1)  # of the calls that are left
        at_call = rng.randint(1, 2 * share) if share and number % 4 < 3 else 0
        killed.killed[name] += kill_and_check(killed, stage, moment, at_call)
    assert ended(start(killed.words(stage), killed.log)) in (0, 1), killed.said()
    for artefact in stage.leaves:
        assert killed.content(artefact) == whole.content(artefact), (name, artefact)
    assert killed.files() == whole.files(), f"{name} leaves what no undisturbed run leaves"


def told(killed: Twin, stages: dict[str, Stage]) -> str:
    """Of each stage, how many of the planned moments came, and were held."""
    return f"{sum(killed.killed.values())}, all held: " + ", ".join(
        f"{name} {hit} of {stages[name].kills * ROUNDS}" for name, hit in killed.killed.items()
    )


def test_42_kills_from_documents_to_dataset_leave_equal_artefacts_and_pay_nothing_twice(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    rng = random.Random(SEED)
    with ScriptedServer(good_reader) as first, ScriptedServer(good_reader) as second:
        whole, killed = twins = Twin(tmp_path / "whole", first), Twin(tmp_path / "killed", second)
        for here in twins:
            (here.root / "docs").mkdir(parents=True)
            for name in DOCUMENTS:
                shutil.copy(FR_RULES / name, here.root / "docs")
            (here.root / "triplette.toml").write_text(PRICES)
        for name, stage in STAGES.items():
            disturb(whole, killed, name, stage, rng)
        assert sum(killed.killed.values()) >= 38 * ROUNDS, killed.killed
        assert whole.paid() == len(first.paid)
        assert whole.paid() > 50
        assert killed.paid() - len(second.paid) == killed.lost, "only what was on the wire is paid again"
        assert set(second.paid) == set(first.paid)
    record_property("kills", f"{told(killed, STAGES)}; answers lost on the wire and asked for again: {killed.lost}")


def make_base(folder: Path, texts: list[str]) -> None:
    """A tiny random model."""
    from triplette.train.tiny import TinyShape, build_tiny

    build_tiny(folder, texts, shape=TinyShape(hidden=96, layers=2, heads=3, kv_heads=1, head_dim=32, feed_forward=96, vocabulary=600))


def test_12_kills_from_fit_to_export_leave_the_same_model_and_bundle(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    rng = random.Random(SEED)
    whole, killed = twins = Twin(tmp_path / "whole"), Twin(tmp_path / "killed")
    for here in twins:
        dataset = load_dataset(rules_dataset(here.run.root, pieces=2))
        (here.root / "triplette.toml").write_text(SETTINGS)
    apart(make_base, tmp_path / "base", [chunk.text for chunk in dataset.corpus.values()])
    for name, stage in MODEL_STAGES.items():
        disturb(whole, killed, name, stage, rng)
    assert killed.killed == {name: stage.kills * ROUNDS for name, stage in MODEL_STAGES.items()}, "every kill comes"
    histories = [here.run.last("train.fit")["result"] for here in twins]  # type: ignore[index]
    assert histories[1]["resumed_from"] == 12, "killed last after its last checkpoint was whole"
    assert [history["steps"] for history in histories] == [12, 12], "nor is a step made twice"
    assert histories[1]["history"] == histories[0]["history"]
    record_property("kills", told(killed, MODEL_STAGES))
