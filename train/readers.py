"""Teachers that read a question and a passage together: a cross-encoder, or the language model that judged the dataset.

Rankers see words and vectors apart; a reader sees both texts at once, and costs as much as it reads. So it reads little: a cross-encoder
each row's answers and the best candidates of the fused ranking (Hofstätter et al. 2020, Improving efficient neural ranking models with
cross-architecture knowledge distillation), the judge what it was asked while curating.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from triplette.arrays import Floats, Ints, Scores
from triplette.console import progress
from triplette.dataset import Dataset
from triplette.errors import InputError, SettingError
from triplette.records import Verdict
from triplette.rundir import RunDir
from triplette.settings.train import FUSED, JUDGE, Preset
from triplette.tables import read_records

VERDICTS = "verdicts/negatives.parquet"
DECIDED = ("keep", "unsure", "positive")  # the others say nothing of what the passage answers
READ_BATCH = 32  # pairs a forward pass


@dataclass(frozen=True, slots=True)
class Readings:
    """What a reader said of train's rows: the numbers of the passages that it read (k,) and a score in 0..1 for each (k,), row by row.

    ``alone``: a passage that it did not read scores 0; else it keeps the fused score.
    """

    passages: tuple[Ints, ...]
    scores: tuple[Floats, ...]
    alone: bool

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
    """Raises SettingError for a teacher that nothing in the recipe listens to."""
    if preset.teacher != FUSED and not preset.soft_labels and not preset.consistent:
        raise SettingError(
            "neither soft labels nor the consistency filter asks it", where="teacher", cure=f"soft_labels = 0.9, or teacher = '{FUSED}'"
        )


def reads(preset: Mapping[str, Any]) -> str:
    """Who reads over the rankers, as the end of a sentence; "" where nobody does."""
    teacher = preset.get("teacher", FUSED)
    if teacher == JUDGE:
        return ", and what the model that judged said of the negatives"
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
    """What the language model that judged the run said: of a row's first answer its score, of a negative how far it answers too.

    Raises MissingStage where nothing was judged, and InputError where no row of train was judged by a model.
    """
    run.require(VERDICTS)
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
            read[place[row.positive_ids[0]]] = row.score
        passages.append(np.array(list(read), dtype=np.int64))
        scores.append(np.array(list(read.values()), dtype=np.float64))
    if not any(len(row) for row in passages):
        raise InputError(
            "no question of train was judged by a language model",
            where=VERDICTS,
            cure="`curate judge --judge llm` and `curate build` again, or teacher = 'fused'",
        )
    return Readings(tuple(passages), tuple(scores), alone=False)


class CrossReader:
    """A cross-encoder of sentence-transformers' form with one score a pair, from a folder or the hub. Raises SettingError for what is none."""

    def __init__(self, name: str, device: str | None = None) -> None:
        from sentence_transformers import CrossEncoder

        try:
            self._model: Any = CrossEncoder(name, device=device)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise SettingError(
                f"no cross-encoder can be loaded ({type(error).__name__}: {str(error)[:200]})", where="teacher", cure=CURE
            ) from None
        heads, labels = self._model.config.architectures or ["a model without a name"], self._model.config.num_labels
        if not heads[0].endswith("ForSequenceClassification"):  # else the library puts a head of random weights on it
            raise SettingError(f"{name} is no cross-encoder but a {heads[0]}", where="teacher", cure=CURE)
        if labels != 1:
            raise SettingError(f"{name} has {labels} scores a pair, not one", where="teacher", cure=CURE)

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


CURE = f"the folder or hub id of a cross-encoder with one output, or '{FUSED}', or '{JUDGE}'"


def _unit(scores: Floats) -> Floats:
    width = float(np.ptp(scores)) if len(scores) else 0.0
    return (scores - scores.min()) / width if width > 0 else np.ones(len(scores))
