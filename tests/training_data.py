"""A dataset in a run directory, for tests of training: written as curation writes it, small enough to train on in seconds."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from triplette.dataset import HASHED_FILES, DatasetRow, dataset_hash
from triplette.gate import CRITICAL, RESULT, STAGE
from triplette.records import Chunk
from triplette.rundir import RunDir
from triplette.tables import write_records, write_table, write_text

PIECES = "roi dame tour fou cavalier pion pendule tapis feuille drapeau arbitre table".split()
ACTIONS = "toucher adapter poser noter retirer compter annoncer refuser demander signer".split()
PLACES = "salle ronde estrade couloir bureau".split()


def row(split: str, position: int, question: str, positive: Chunk, negatives: Sequence[Chunk], **more: str) -> DatasetRow:
    """A dataset row of a question and its chunks."""
    labels = {"kind": "factual", "persona": "joueur", "difficulty": "easy", **more}
    return DatasetRow(
        split=split, position=position, question_id=f"q{split}{position}", triplet_id=f"t{split}{position}", question=question,
        positive_ids=(positive.id,), negative_ids=tuple(chunk.id for chunk in negatives), writer="rules", source=positive.source,
        origin="synthetic", component=positive.id, score=1.0, review="keep", **labels,
    )  # fmt: skip


def chunk(text: str, title: str, source: str, number: int = 0) -> Chunk:
    """A chunk of a text."""
    return Chunk.make(language="fr",
        text=text, title=title, source=source, articles=(), page_start=0, page_end=0, char_start=number, char_end=number + len(text),
        tokens=len(text.split()), tokenizer="estimate",
    )  # fmt: skip


def write_dataset(run: RunDir, chunks: Sequence[Chunk], rows: Sequence[DatasetRow], negatives: int = 1) -> None:
    """Write ``dataset/`` as ``curate build`` does."""
    corpus = {item.id: item for item in chunks}
    for split in ("train", "val", "test"):
        own = [item for item in rows if item.split == split]
        columns = {"anchor": [item.question for item in own], "positive": [corpus[item.positive_ids[0]].text for item in own]}
        if split == "train":
            for number in range(negatives):
                columns[f"negative_{number + 1}"] = [
                    corpus[item.negative_ids[number]].text if number < len(item.negative_ids) else "" for item in own
                ]
        write_table(run.path(f"dataset/{split}.parquet"), pa.table(columns))
    write_records(run.path("dataset/rows.parquet"), rows, DatasetRow)
    write_records(run.path("dataset/corpus.parquet"), chunks, Chunk)
    write_text(run.path("dataset/README.md"), "# test data\n")


def rules_dataset(root: Path, *, pieces: int = 12, questions: int = 2, seed: int = 0, shuffled: bool = False) -> RunDir:
    """50 made-up rules a piece (a piece, an action, a place: every combination) with ``questions`` questions each.

    The answer is the only rule about that combination; a random model finds some of them by shared words. ``shuffled``
    gives each train question the answer of another: there is nothing to learn from it.
    """
    rng, run = random.Random(seed), RunDir(root)
    chunks, facts = [], []
    for piece in PIECES[:pieces]:
        for action in ACTIONS:
            for place in PLACES:
                hours = rng.randrange(100, 999)
                text = (
                    f"Dans la {place}, nul ne peut {action} : {piece}. Sauf permission du directeur, cote {hours}, la faute est notée."
                )
                chunks.append(chunk(text, f"{place} > {piece}", f"{place}.md", len(chunks)))
                facts.append((piece, action, place))
    order = list(range(len(chunks)))
    rng.shuffle(order)
    held = len(order) // 6
    splits = {"test": order[:held], "val": order[held : 2 * held], "train": order[2 * held :]}
    rows = []
    for split, members in splits.items():
        answers = list(members)
        if shuffled and split == "train":
            rng.shuffle(answers)
        position = 0
        for index, answer in zip(members, answers, strict=True):
            piece, action, place = facts[index]
            forms = (
                f"Peut-on {action} ({piece}) quand on est ici : {place} ?",
                f"{place} : a-t-on le droit de {action} avec {piece} ?",
                f"Que dit la règle pour {piece}, {place}, {action} ?",
            )
            for form in forms[:questions]:
                near = [i for i in order if facts[i][:2] == (piece, action) and i not in (index, answer)]
                negatives = [chunks[i] for i in rng.sample(near, 1)]
                rows.append(row(split, position, form, chunks[answer], negatives, kind="factual" if position % 2 else "procedural"))
                position += 1
    write_dataset(run, chunks, rows)
    return run


def open_gate(run: RunDir) -> None:
    """Write the validation result that opens the gate."""
    result = {
        "passed": True,
        "dataset_hash": dataset_hash(run),
        "suite_hash": "s",
        "review": {"quota": 0.1, "required": 10, "done": 10, "missing": 0, "strata": {}},
        "expectations": [{"name": name, "severity": "critical", "success": True} for name in CRITICAL],
    }
    sign_result(run, result)


def sign_result(run: RunDir, result: dict[str, Any]) -> None:
    """Write a validation result and the ledger line that vouches for it."""
    write_text(run.path(RESULT), json.dumps(result))
    settings = {"review_quota": result["review"]["quota"]}
    run.record(STAGE, inputs=run.fingerprints(HASHED_FILES), outputs=[RESULT], settings=settings, counts={}, seconds=0.0)


def small_base(folder: Path) -> Path:
    """A random base model of one layer over two pieces' rules, in ``folder/model``: a step takes milliseconds."""
    from triplette.dataset import load_dataset
    from triplette.train.tiny import TinyShape, build_tiny

    dataset = load_dataset(rules_dataset(folder / "run", pieces=2))
    shape = TinyShape(hidden=48, layers=1, heads=2, kv_heads=1, head_dim=24, feed_forward=48, vocabulary=400)
    build_tiny(folder / "model", [item.text for item in dataset.corpus.values()], shape=shape)
    return folder / "model"
