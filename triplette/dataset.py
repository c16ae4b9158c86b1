"""The dataset that curation hands to training: its files, its rows, and the hash that the gate signs.

``dataset/`` is self-contained, so that it can be copied to a Kaggle notebook:

    train.parquet  anchor, positive, negative_1..n   what sentence-transformers reads, texts without prompts
    val.parquet    anchor, positive                  test.parquet likewise
    rows.parquet   one DatasetRow for every row of the three, in the same order, with ids and provenance
    corpus.parquet every Chunk of the run: evaluation ranks against all of it
"""

from __future__ import annotations

from dataclasses import dataclass

from triplette.errors import InputError
from triplette.hashing import hash_value
from triplette.records import TERMS, Chunk
from triplette.rundir import RunDir
from triplette.tables import read_records

SPLITS = ("train", "val", "test")
SYNTHETIC = "synthetic"
DOCUMENT = "document"  # asked by a person in a document of the corpus: such rows train as written ones do
GOLD = "gold"
HASHED_FILES = (
    "dataset/train.parquet",
    "dataset/val.parquet",
    "dataset/test.parquet",
    "dataset/rows.parquet",
    "dataset/corpus.parquet",
)


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """Where a row of the dataset comes from.

    ``position`` is its row number in its split's Parquet file. ``positive_ids`` are all the chunks that answer, the one
    in the file first; ``negative_ids`` are the file's negatives, in order, of which the last ``drawn`` are random
    passages. ``origin`` is ``synthetic``, ``document`` or ``gold``; ``triplet_id`` is "" for gold.
    ``component`` names the connected component that must not cross splits. ``source`` is the positive's document. ``score`` is the judge's, 0..1 (1 for gold).
    ``review`` is the human decision (``keep``), or "" where nobody looked. ``language`` is the first passage's.
    """

    split: str
    position: int
    question_id: str
    triplet_id: str
    question: str
    positive_ids: tuple[str, ...]
    negative_ids: tuple[str, ...]
    kind: str
    persona: str
    difficulty: str
    writer: str
    source: str
    origin: str
    component: str
    score: float
    review: str
    language: str = ""
    drawn: int = 0

    @property
    def hard_ids(self) -> tuple[str, ...]:
        """The negatives that were mined and checked."""
        return self.negative_ids[: len(self.negative_ids) - self.drawn]


TERMS[DatasetRow] = {"split": SPLITS, "origin": (SYNTHETIC, DOCUMENT, GOLD)}


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset in memory: its rows, and its corpus by chunk id (in the corpus file's order)."""

    rows: tuple[DatasetRow, ...]
    corpus: dict[str, Chunk]
    hash: str

    def split(self, name: str) -> list[DatasetRow]:
        """The rows of one split, in order."""
        return [row for row in self.rows if row.split == name]


def dataset_hash(run: RunDir) -> str:
    """SHA-256 over the dataset's files; it is what ``curate validate`` passes and ``train`` checks."""
    return hash_value(run.fingerprints(HASHED_FILES))


def load_dataset(run: RunDir) -> Dataset:
    """The run's dataset. Raises MissingStage naming ``curate build`` when it is not there."""
    run.require(*HASHED_FILES)
    rows = read_records(run.path("dataset/rows.parquet"), DatasetRow)
    path = run.path("dataset/corpus.parquet")
    chunks = read_records(path, Chunk)
    corpus = {chunk.id: chunk for chunk in chunks}
    if len(corpus) < len(chunks):
        raise InputError("it holds a passage twice", where=str(path), cure=f"run `{run.command('curate build')}` again")
    return Dataset(tuple(rows), corpus, dataset_hash(run))
