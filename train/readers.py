"""Teachers that read a question and a passage together: a cross-encoder, or the language model that judged the dataset.

Rankers see words and vectors apart; a reader sees both texts at once, and costs as much as it reads. So it reads little: a cross-encoder
each row's answers and the best candidates of the fused ranking (Hofstätter et al. 2020, Improving efficient neural ranking models with
cross-architecture knowledge distillation), the judge what it was asked while curating.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from triplette.arrays import Floats, Ints, Scores
from triplette.console import progress
from triplette.dataset import Dataset
from triplette.errors import InputError, MissingStage, SettingError, TripletteError
from triplette.model_folder import hub_file
from triplette.records import Verdict
from triplette.rundir import RunDir
from triplette.settings.train import FUSED, JUDGE, Preset
from triplette.tables import read_records
from triplette.train.quiet import quiet_libraries

VERDICTS, BY_MODEL = "verdicts/negatives.parquet", "curate judge --judge llm"
DECIDED = ("keep", "unsure", "positive")  # the others say nothing of what the passage answers
READ_BATCH = 32  # pairs a forward pass
DEFAULT_LABELS = 2  # of a classifier whose config.json names none
CURE = f"the folder or hub id of a cross-encoder with one output, or '{FUSED}', or '{JUDGE}'"


@dataclass(frozen=True, slots=True)
class Readings:
    """What a reader said of train's rows: the numbers of the passages that it read (k,) and a score in 0..1 for each (k,), row by row.

    ``alone``: a passage that it did not read scores 0; else it keeps the fused score.
    """

    passages: tuple[Ints, ...]
    scores: tuple[Floats, ...]
    alone: bool

    @property
    def heard(self) -> int:
        """Rows of which something was read."""
        return sum(len(own) > 0 for own in self.passages)

    def over(self, rows: Sequence[int], fused: Scores) -> Floats:
        """The scores (r, n) of ``rows`` where ``fused`` (r, n) are the rankers'."""
        said = np.zeros(fused.shape) if self.alone else fused.astype(np.float64)
        for line, row in enumerate(rows):
            said[line, self.passages[row]] = self.scores[row]
        return said

    def first(self, row: int, answers: Sequence[int], others: Sequence[int]) -> list[int]:
        """A row's candidates: what was read and does not answer, then ``others``."""
        own = [number for number in self.passages[row].tolist() if number not in answers]
        return [*own, *(number for number in others if number not in own)]

    def at(self, rows: Sequence[int]) -> Readings:
        """Those of these rows alone, numbered from 0 in the order given."""
        return Readings(tuple(self.passages[row] for row in rows), tuple(self.scores[row] for row in rows), self.alone)


def check_teacher(preset: Preset) -> None:
    """Raises SettingError for a teacher that nothing in the recipe listens to, or whose config.json is not a cross-encoder's with one score."""
    if preset.teacher == FUSED:
        return
    if not preset.soft_labels and not preset.consistent:
        raise SettingError(
            "neither soft labels nor the consistency filter asks it", where="teacher", cure=f"soft_labels = 0.9, or teacher = '{FUSED}'"
        )
    if preset.teacher == JUDGE:
        return
    name, config = preset.teacher, _config_of(preset.teacher)
    head = str((config.get("architectures") or ["model that names no architecture"])[0])
    if not head.endswith("ForSequenceClassification"):  # else the library puts a head of random weights on it
        raise SettingError(f"{name} is no cross-encoder but a {head}", where="teacher", cure=CURE)
    labels = len(config.get("id2label") or ()) or int(config.get("num_labels") or DEFAULT_LABELS)
    if labels != 1:
        raise SettingError(f"{name} has {labels} scores a pair, not one", where="teacher", cure=CURE)


def _config_of(name: str) -> dict[str, Any]:
    """The config.json of a folder or hub id."""
    folder = Path(name).expanduser()
    if not name or (not folder.is_dir() and name.startswith((".", "/", "~"))):
        raise SettingError(f"there is no folder {name!r}", where="teacher", cure=CURE)
    try:
        path = folder / "config.json" if folder.is_dir() else hub_file(name, "config.json")
        content = json.loads(path.read_text(encoding="utf-8")) if path else None
    except TripletteError as error:
        cure = error.cure if "gated" in error.message else f"check the network, or name {CURE}"
        raise SettingError(error.message, where="teacher", cure=cure) from None
    except (OSError, ValueError, RecursionError) as error:
        raise SettingError(f"no config.json can be read in {name} ({error})", where="teacher", cure=CURE) from None
    if not isinstance(content, dict):
        raise SettingError(f"the config.json of {name} is not a model's", where="teacher", cure=CURE)
    return content


def reads(preset: Mapping[str, Any], result: Mapping[str, Any] | None = None) -> str:
    """Who reads over the rankers, as the end of a sentence, and how much where a fit's ``result`` says; "" where nobody does."""
    teacher = preset.get("teacher", FUSED)
    heard = f" of {result['heard']} questions" if result and result.get("heard") else ""
    if teacher == JUDGE:
        return f", and what the language model that judged said of the negatives{heard}"
    return "" if teacher == FUSED else f", read over by the cross-encoder {teacher}"


class Reader(Protocol):
    """Who reads, for each of train's rows, the passages of these numbers with its question."""

    def __call__(self, numbers: Sequence[Sequence[int]]) -> Readings:
        """What was read and said."""
        ...


def reader_of(run: RunDir, dataset: Dataset, preset: Preset, device: str | None = None) -> Reader | None:
    """The reader that the preset's teacher is; None: the rankers teach. Raises MissingStage, InputError or SettingError."""
    if preset.teacher == FUSED:
        return None
    if preset.teacher == JUDGE:
        said = judged(run, dataset)
        return lambda numbers: said  # it was asked while curating
    return partial(CrossReader(preset.teacher, device).read, dataset)


def judged(run: RunDir, dataset: Dataset) -> Readings:
    """What the language model that judged the run said of a row's negatives, how far each answers too; its first answer, which passed, has 1.

    The judge's score of a row is the least of its criteria and no grade of the answer: how the question is worded lowers it too. Raises
    MissingStage where nothing was judged, and InputError where no row of train was judged by a model.
    """
    if not run.has(VERDICTS):
        raise MissingStage(f"there is no {VERDICTS} in the run directory {run.root}", cure=f"run `{run.command(BY_MODEL)}` first")
    verdicts = read_records(run.path(VERDICTS), Verdict)
    said = {one.subject_id: 1.0 - one.score for one in verdicts if one.judge == "llm" and one.decision in DECIDED}
    place = {chunk_id: number for number, chunk_id in enumerate(dataset.corpus)}
    of_triplet: dict[str, dict[int, float]] = {}
    for subject, grade in said.items():
        triplet_id, chunk_id = subject.rsplit("/", 1)
        if chunk_id in place:
            of_triplet.setdefault(triplet_id, {})[place[chunk_id]] = grade
    passages, scores = [], []
    for row in dataset.split("train"):
        read = dict(of_triplet.get(row.triplet_id, {})) if row.triplet_id else {}
        if read:
            read[place[row.positive_ids[0]]] = 1.0
        passages.append(np.array(list(read), dtype=np.int64))
        scores.append(np.array(list(read.values()), dtype=np.float64))
    if not any(len(row) for row in passages):
        raise InputError(
            "no question of train was judged by a language model",
            where=VERDICTS,
            cure=f"`{BY_MODEL}` and `curate build` again, or teacher = '{FUSED}'",
        )
    return Readings(tuple(passages), tuple(scores), alone=False)


class CrossReader:
    """A cross-encoder of sentence-transformers' form with one score a pair, from a folder or the hub. Raises SettingError for what does not load."""

    def __init__(self, name: str, device: str | None = None) -> None:
        quiet_libraries()
        from sentence_transformers import CrossEncoder

        folder = Path(name).expanduser()
        try:
            self._model: Any = CrossEncoder(str(folder) if folder.is_dir() else name, device=device)
        except Exception as error:  # a folder's files may be of any kind
            raise SettingError(
                f"{name} cannot be loaded ({type(error).__name__}: {' '.join(str(error).split())[:200]})", where="teacher", cure=CURE
            ) from error

    def read(self, dataset: Dataset, numbers: Sequence[Sequence[int]]) -> Readings:
        """Each row's passages ``numbers`` read with its question; a row's scores are brought to 0..1 between its least and its greatest."""
        texts = [f"{chunk.title}\n{chunk.text}" if chunk.title else chunk.text for chunk in dataset.corpus.values()]
        pairs = [(row.question, texts[number]) for row, own in zip(dataset.split("train"), numbers, strict=True) for number in own]
        said = self._predict(pairs)
        ends = np.cumsum([len(own) for own in numbers])[:-1]
        return Readings(
            tuple(np.array(own, dtype=np.int64) for own in numbers), tuple(_unit(part) for part in np.split(said, ends)), alone=True
        )

    def _predict(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        import torch

        # like lengths together: a pass is as wide as its longest pair
        order = sorted(range(len(pairs)), key=lambda number: len(pairs[number][0]) + len(pairs[number][1]))
        said = np.zeros(len(pairs))
        with progress("cross-encoder reads", len(pairs)) as bar:
            for start in range(0, len(order), READ_BATCH):
                part = order[start : start + READ_BATCH]
                said[part] = self._model.predict(
                    [pairs[number] for number in part],
                    batch_size=READ_BATCH,
                    activation_fn=torch.nn.Identity(),
                    show_progress_bar=False,
                )
                bar.advance(len(part))
        if not np.isfinite(said).all():
            raise SettingError("the cross-encoder's scores are no numbers", where="teacher", cure=CURE)
        return said


def _unit(scores: Floats) -> Floats:
    width = float(np.ptp(scores)) if len(scores) else 0.0
    return (scores - scores.min()) / width if width > 0 else np.ones(len(scores))
