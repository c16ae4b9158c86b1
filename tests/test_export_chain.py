"""From a dataset to a verified bundle in one command, then an answer from it: `train run --preset tiny` over the sample corpus."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from training_data import row, write_dataset

from export.bundle import BUNDLE
from export.verify import verify_bundle
from synth.chunk import chunk_corpus, load_chunks
from synth.write import write_questions
from triplette.dataset import load_dataset
from triplette.records import Question
from triplette.rundir import RunDir
from triplette.settings.llm import LlmSettings
from triplette.settings.synth import ChunkSettings
from triplette.settings.write import WriteSettings
from triplette.tables import read_records

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
LIMIT = 360  # seconds that the whole command may take on two idle cores


def train(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``train``."""
    command = [sys.executable, "-m", "train.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, env={**os.environ, "COLUMNS": "300"})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """The sample corpus with the built-in rules' questions, split by passage, one random negative each."""
    run = RunDir(tmp_path_factory.mktemp("chain") / "run")
    chunk_corpus(run, ROOT / "fr_rules", ChunkSettings())
    write_questions(run, WriteSettings(), LlmSettings(), budget=None)
    chunks = load_chunks(run)
    rng = random.Random(0)
    order = [chunk.id for chunk in chunks]
    rng.shuffle(order)
    place = {identity: index / len(order) for index, identity in enumerate(order)}
    by_id, counts, rows = {chunk.id: chunk for chunk in chunks}, {"train": 0, "val": 0, "test": 0}, []
    for question in read_records(run.path("questions.parquet"), Question):
        share = place[question.chunk_id]
        split = "test" if share < 0.15 else "val" if share < 0.25 else "train"
        negative = next(by_id[i] for i in rng.sample(order, 2) if i != question.chunk_id)
        rows.append(row(split, counts[split], question.text, by_id[question.chunk_id], [negative]))
        counts[split] += 1
    write_dataset(run, chunks, sorted(rows, key=lambda r: ("train", "val", "test").index(r.split)))
    return run


def test_one_command_makes_a_verified_bundle_that_answers(run: RunDir) -> None:
    started, used = time.monotonic(), os.times()
    # a random model of this size does not reliably beat BM25's questions: the verdict is not what this test is about
    done = train("run", "--preset", "tiny", "--ungated", "--export-anyway", "--run", str(run.root))
    assert done.returncode == 0, done.stdout + done.stderr
    seconds, processor = time.monotonic() - started, os.times().children_user - used.children_user
    # on a busy machine the wall clock says little; two cores would have given at least this much processor time in the limit
    assert min(seconds, processor) < LIMIT

    bundle = run.path(BUNDLE)
    assert verify_bundle(bundle).passed
    assert train("export", "--verify", str(bundle)).returncode == 0
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["lineage"]["dataset"] == load_dataset(run).hash
    assert {"train.fit", "train.merge"} <= set(manifest["lineage"]["stages"])
    assert "UNGATED" in (bundle / "README.md").read_text()

    questions = load_dataset(run).split("train")[:30]
    found = 0
    for item in questions[:3]:
        answered = train("ask", item.question, "--bundle", str(bundle), "-n", "3", "--json")
        assert answered.returncode == 0, answered.stderr
        found += item.positive_ids[0] in {passage["chunk_id"] for passage in json.loads(answered.stdout)}
    assert found >= 2

    from export.runtime import Bundle

    reader = Bundle(bundle)
    hits = [item.positive_ids[0] in {p.chunk_id for p in reader.ask(item.question, 3)} for item in questions]
    assert sum(hits) >= 0.6 * len(hits)  # what it was trained on it must find; measured 0.94

    again = train("run", "--preset", "tiny", "--ungated", "--export-anyway", "--run", str(run.root))
    assert again.returncode == 0, again.stderr
    assert "unchanged" in again.stdout
