"""Scoring a model on val while it trains: the ranking that decides, and two like losses whose gap shows overfitting."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from triplette.arrays import Floats, Vectors
from triplette.ranking.metrics import PRIMARY, score_rankings
from triplette.train.data import Questions
from triplette.train.finetune import FineTune
from triplette.train.models import Base
from triplette.train.ranking import embed, rank
from triplette.train.watch import Measured

BLOCK = 32  # questions that compete for a passage in the compared losses
AGAIN = 32  # passages that are embedded again to show that a state was restored


def training_probe(task: FineTune) -> list[tuple[str, str]]:
    """(question, passage id) of the train rows whose loss is compared with val's: distinct passages, drawn with the seed."""
    rows = task.dataset.split("train")
    random.Random(task.settings.seed).shuffle(rows)
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(row.positive_ids[0], row.question)
    return [(question, passage) for passage, question in first.items()][: task.settings.probe_rows]


class Scorer:
    """Measures a model on val: nDCG@10 at the full dimension, and the contrastive loss on like rows of val and train."""

    def __init__(self, base: Base, task: FineTune, val: Questions) -> None:
        self._model, self._val, self._scale = base.model, val, task.preset.scale
        self.beat: Callable[[], None] | None = None
        self._block = min(task.preset.batch, BLOCK)
        contract = self._contract = base.contract
        self._limit = contract.max_tokens
        self._queries, self._passages = val.formatted(contract), val.passages.formatted(contract)
        place = {chunk_id: position for position, chunk_id in enumerate(val.passages.ids)}
        known = [(question, place[passage]) for question, passage in training_probe(task) if passage in place]
        self._train_queries = [contract.format_query(question) for question, _ in known]
        self._train_answers = [position for _, position in known]
        self.seen: tuple[int, Vectors, Vectors] | None = None

    def vectors(self, step: int) -> tuple[Vectors, Vectors]:
        """Val's questions and passages as the model embeds them at ``step``; asked twice for one step, they are embedded once."""
        if self.seen is None or self.seen[0] != step:
            short, self._model.max_seq_length = self._model.max_seq_length, self._limit
            try:
                self.seen = (
                    step,
                    embed(self._model, self._queries, beat=self.beat),
                    embed(self._model, self._passages, beat=self.beat),
                )
            finally:
                self._model.max_seq_length = short
        return self.seen[1:]

    def over(self, asked: Questions, step: int) -> tuple[Vectors, Vectors]:
        """The questions (q, d) and passages (n, d) of ``asked`` as the model embeds them at ``step``; what val has of them is not embedded again."""
        queries, passages = self.vectors(step)
        short, self._model.max_seq_length = self._model.max_seq_length, self._limit
        try:
            return (
                self._and_new(asked.ids, asked.formatted(self._contract), dict(zip(self._val.ids, queries, strict=True))),
                self._and_new(
                    asked.passages.ids,
                    asked.passages.formatted(self._contract),
                    dict(zip(self._val.passages.ids, passages, strict=True)),
                ),
            )
        finally:
            self._model.max_seq_length = short

    def _and_new(self, ids: Sequence[str], texts: Sequence[str], known: Mapping[str, Vectors]) -> Vectors:
        new = [place for place, identity in enumerate(ids) if identity not in known]
        made = dict(zip(new, embed(self._model, [texts[place] for place in new], beat=self.beat), strict=True)) if new else {}
        return np.stack([made[place] if place in made else known[identity] for place, identity in enumerate(ids)])

    def restored(self, step: int) -> tuple[float, float]:
        """What the model scores (nDCG@10) after the state of ``step`` was put back, and the least cosine to what that step embedded.

        Where the step's vectors are still here, all questions and a spread of passages are embedded again and compared with them, one by
        one; a state that was not restored moves every vector. Otherwise everything is measured again, and there is nothing to compare.
        """
        seen, self.seen = self.seen, None
        if seen is None or seen[0] != step:
            return self(step).ndcg, 1.0
        chosen = np.unique(np.linspace(0, len(self._passages) - 1, AGAIN).astype(int)).tolist()
        short, self._model.max_seq_length = self._model.max_seq_length, self._limit
        try:
            queries = embed(self._model, self._queries, beat=self.beat)
            passages = embed(self._model, [self._passages[place] for place in chosen], beat=self.beat)
        finally:
            self._model.max_seq_length = short
        least = min(float((queries * seen[1]).sum(1).min()), float((passages * seen[2][chosen]).sum(1).min()))
        self.seen = seen
        return float(score_rankings(rank(queries, seen[2], 10), self._val.relevant)[PRIMARY].mean()), least

    def each(self, step: int) -> Floats:
        """nDCG@10 of each of val's questions (q,) at ``step``."""
        queries, passages = self.vectors(step)
        return np.asarray(score_rankings(rank(queries, passages, 10), self._val.relevant)[PRIMARY], dtype=np.float64)

    def __call__(self, step: int) -> Measured:
        """The measurement, at the contract's token limit: training may cut texts shorter, use does not."""
        short, self._model.max_seq_length = self._model.max_seq_length, self._limit
        try:
            return self._measure(step)
        finally:
            self._model.max_seq_length = short

    def _measure(self, step: int) -> Measured:
        queries, passages = self.vectors(step)
        ranked = rank(queries, passages, 10)
        ndcg = float(score_rankings(ranked, self._val.relevant)[PRIMARY].mean())
        first: dict[int, int] = {}
        for row, answers in enumerate(self._val.relevant):
            first.setdefault(answers[0], row)
        chosen = list(first.values())[: len(self._train_queries)]
        val_loss = self._loss(queries[chosen], passages[[self._val.relevant[row][0] for row in chosen]])
        train_loss = self._loss(embed(self._model, self._train_queries)[: len(chosen)], passages[self._train_answers[: len(chosen)]])
        return Measured(step, ndcg, train_loss, val_loss)

    def _loss(self, queries: Vectors, passages: Vectors) -> float:
        """Mean cross-entropy of each question's own passage within blocks of equal size, as in a training step."""
        blocks = [(queries[i : i + self._block], passages[i : i + self._block]) for i in range(0, len(queries), self._block)]
        full = [pair for pair in blocks if len(pair[0]) == self._block] or blocks[:1]
        losses = []
        for block_queries, block_passages in full:
            logits = self._scale * block_queries.astype(np.float64) @ block_passages.T
            logits -= logits.max(axis=1, keepdims=True)
            losses.append(float(np.mean(np.log(np.exp(logits).sum(1)) - np.diag(logits))))
        return float(np.mean(losses)) if losses else 0.0
