"""Vectors of texts, and rankings from them: whole, cut to a smaller dimension, or stored as int8.

Ranking is exact (a flat index over unit vectors), because an approximate index would add its own losses to the model's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from triplette.arrays import Ints, Vectors
from triplette.ranking.dense import DenseIndex
from triplette.ranking.encoder import unit_rows

BATCH = 64  # texts of a forward pass that only embeds


def embed(model: Any, texts: Sequence[str], *, batch: int = BATCH, beat: Callable[[], None] | None = None) -> Vectors:
    """The unit vectors (n, d) of texts that already carry their prefix; the model is left in the mode it was in.

    ``beat`` is called after every batch, so that who waits sees that something goes on.
    """
    if not texts:
        return np.zeros((0, int(model.get_embedding_dimension())), dtype=np.float32)
    training = model.training
    model.eval()
    order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))  # batches of like lengths: little is padding
    rows: Any = None
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        part = model.encode(
            [texts[place] for place in places], batch_size=batch, prompt="", show_progress_bar=False, convert_to_tensor=True
        )
        found = part.float().cpu().numpy()
        if rows is None:
            rows = np.zeros((len(texts), found.shape[1]), dtype=np.float32)
        rows[places] = found
        if beat is not None:
            beat()
    model.train(training)
    return unit_rows(rows)


def batches(*counts: int) -> int:
    """The batches in which lists of so many texts are embedded, and so how often ``embed`` calls ``beat``."""
    return sum(-(-count // BATCH) for count in counts)


def rank(queries: Vectors, passages: Vectors, depth: int) -> Ints:
    """The ``depth`` nearest passages of each query, best first, padded with -1: (q, depth)."""
    return DenseIndex(passages, kind="flat").top(queries, depth)[0]


def cut(vectors: Vectors, dimension: int) -> Vectors:
    """The first ``dimension`` components, scaled to length 1 again (Kusupati et al. 2022)."""
    return unit_rows(vectors[:, :dimension])


def int8(vectors: Vectors) -> Vectors:
    """Unit vectors as a phone stores them: each scaled so that its largest component is 127, rounded, and read back.

    One scale a vector cancels in a cosine, so ranking with these equals ranking the stored bytes.
    """
    peak = np.abs(vectors).max(axis=1, keepdims=True)
    stored = np.rint(vectors / np.where(peak > 0, peak, 1) * 127).astype(np.int8)
    return unit_rows(stored.astype(np.float32))


def views(dimensions: Sequence[int]) -> dict[str, Callable[[Vectors], Vectors]]:
    """How vectors are looked at, by name: ``768``, ``768 int8``, ``512`` ..."""
    found: dict[str, Callable[[Vectors], Vectors]] = {}
    for size in dimensions:
        found[str(size)] = partial(cut, dimension=size)
        found[f"{size} int8"] = partial(_cut_int8, dimension=size)
    return found


def _cut_int8(vectors: Vectors, dimension: int) -> Vectors:
    return int8(cut(vectors, dimension))


def fuse(rankings: Sequence[Ints], *, constant: int, depth: int) -> Ints:
    """Reciprocal rank fusion (Cormack et al. 2009) of rankings (q, k): the best ``depth``, ties to the lower id."""
    fused = np.full((len(rankings[0]), depth), -1, dtype=np.int64)
    for row in range(len(fused)):
        scores: dict[int, float] = {}
        for ranking in rankings:
            for position, passage in enumerate(ranking[row].tolist()):
                if passage >= 0:
                    scores[passage] = scores.get(passage, 0.0) + 1.0 / (constant + position + 1)
        best = sorted(scores, key=lambda passage: (-scores[passage], passage))[:depth]
        fused[row, : len(best)] = best
    return fused
