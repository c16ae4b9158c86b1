"""Further rounds: a tuned model mines the hard negatives that the next fine-tune, from the base again, trains on (ANCE, Xiong et al. 2021).

What the base found hard the tuned model may know by now; what it still confuses is worth a row. Each round costs a whole fine-tune.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from triplette.arrays import Vectors
from triplette.console import say
from triplette.dataset import Dataset
from triplette.look_alikes import look_alikes
from triplette.settings.mine import MineSettings
from triplette.train.data import Passages, Questions, TrainingTexts
from triplette.train.finetune import FineTune
from triplette.train.loop import tune
from triplette.train.models import process_rank
from triplette.train.ranking import embed


def mine_again(task: FineTune, texts: TrainingTexts, val: Questions, place: Path, evaluations: int) -> Dataset:
    """The dataset with train's hard negatives as a model tuned on ``texts`` finds them. Its checkpoints lie in ``place``."""
    base, dataset, count = task.load(), task.dataset, task.preset.negatives
    tune(base, task, texts, val, place, evaluations=evaluations)
    passages = embed(base.model, Passages.of(list(dataset.corpus.values())).formatted(base.contract))
    queries = embed(base.model, [base.contract.format_query(row.question) for row in dataset.split("train")])
    found, kept = remined(dataset, queries, passages, count)
    if process_rank()[0] == 0:
        rows = dataset.split("train")
        total = sum(len(row.hard_ids[:count]) for row in rows)
        say(f"mined again with the tuned model: {kept} of {total} hard negatives are the same")
    return found


def remined(
    dataset: Dataset, queries: Vectors, passages: Vectors, count: int, share: float = MineSettings().positive_share
) -> tuple[Dataset, int]:
    """The dataset with at most ``count`` hard negatives a train row, and how many of them it had before.

    A row's are the passages nearest to its question (rows, d) among the corpus's (n, d) that neither answer it nor look like an answer,
    and stay under ``share`` of its positive's cosine, measured from the question's mean as mining does.
    """
    ids, rows = list(dataset.corpus), dataset.split("train")
    place = {chunk_id: number for number, chunk_id in enumerate(ids)}
    alike = look_alikes(list(dataset.corpus.values()), MineSettings().containment)
    mined: dict[int, tuple[str, ...]] = {}
    kept = 0
    for row, vector in zip(rows, queries, strict=True):
        scores = passages @ vector
        answers = [place[chunk_id] for chunk_id in row.positive_ids]
        mean = float(scores.mean())
        limit = mean + share * (float(scores[answers[0]]) - mean)
        barred = {*answers, *(other for number in answers for other in alike[number])}
        order = (n for n in np.argsort(-scores, kind="stable").tolist() if n not in barred and scores[n] < limit)
        mined[row.position] = tuple(ids[number] for number, _ in zip(order, range(count), strict=False))
        kept += len(set(mined[row.position]) & set(row.hard_ids[:count]))
    changed = tuple(replace(row, negative_ids=mined[row.position], drawn=0) if row.split == "train" else row for row in dataset.rows)
    return replace(dataset, rows=changed), kept
