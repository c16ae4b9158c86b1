"""Batches of passages, each once and with all of its questions, among them passages that were mined as hard negatives of one another.

A passage costs ten times what a question costs, and an LLM writes several questions over one: encoded once a step for all of them, an epoch
costs as many passages as there are, not as many as there are rows. A hard negative that has questions of its own need not be a column: it
stands in the batch for its own sake, as in topic-aware sampling (TAS-B, Hofstätter et al. 2021), with what was mined in the place of clusters.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from triplette.arrays import Ints

MOST = 4  # questions a passage of the batch, on the whole: more are drawn anew at each epoch, so that a step's memory has a bound


@dataclass(frozen=True, slots=True)
class Groups:
    """``rows`` are the training rows of each passage by its number, ``near`` the passages near to it that have rows, nearest first."""

    rows: dict[int, list[int]]
    near: dict[int, tuple[int, ...]] = field(repr=False)

    @classmethod
    def of(cls, positives: Ints, negatives: Sequence[Sequence[int]]) -> Groups:
        """From each row's passage (rows,) and its hard negatives, by number. Two passages are the nearer the more questions confuse them."""
        rows: dict[int, list[int]] = {}
        for row, passage in enumerate(positives.tolist()):
            rows.setdefault(passage, []).append(row)
        met: dict[int, Counter[int]] = {passage: Counter() for passage in rows}
        for passage, others in zip(positives.tolist(), negatives, strict=True):
            for other in others:
                if other in rows and other != passage:
                    met[passage][other] += 1
                    met[other][passage] += 1
        return cls(rows, {passage: tuple(other for other, _ in counts.most_common()) for passage, counts in met.items()})

    def batches(self, size: int, share: float, seed: str) -> Iterator[list[int]]:
        """The rows of each batch of ``size`` passages, of which up to ``share`` lie near one another; a last smaller batch is left out.

        Each passage once an epoch; ``seed`` is of the epoch.
        """
        rng = random.Random(seed)
        order = list(self.rows)
        rng.shuffle(order)
        left, walk = set(order), iter(order)
        while len(left) >= size:
            taken = self._around(next(passage for passage in walk if passage in left), left, max(1, round(share * size)))
            left.difference_update(taken)
            while len(taken) < size:
                taken.append(next(passage for passage in walk if passage in left))
                left.remove(taken[-1])
            rows = [row for passage in taken for row in self.rows[passage]]
            yield rows if len(rows) <= MOST * size else self._drawn(taken, MOST * size, rng)

    def _around(self, start: int, left: AbstractSet[int], wanted: int) -> list[int]:
        """``start`` and up to ``wanted`` passages in all that are near it, or near these, breadth first."""
        taken, waiting = {start: None}, deque([start])
        while waiting and len(taken) < wanted:
            for other in self.near[waiting.popleft()]:
                if other in left and other not in taken:
                    taken[other] = None
                    waiting.append(other)
                    if len(taken) == wanted:
                        break
        return list(taken)

    def _drawn(self, passages: Sequence[int], most: int, rng: random.Random) -> list[int]:
        """``most`` rows of the passages, one at least of each."""
        first = [rng.choice(self.rows[passage]) for passage in passages]
        drawn = set(first)
        others = [row for passage in passages for row in self.rows[passage] if row not in drawn]
        return first + rng.sample(others, most - len(first))


def grouped_sampler(groups: Groups, share: float) -> Any:
    """What sentence-transformers' trainer takes as ``batch_sampler``: batches of ``groups``, another order at each epoch."""
    from sentence_transformers.base.sampler import DefaultBatchSampler

    class GroupedBatchSampler(DefaultBatchSampler):
        def __len__(self) -> int:
            return len(groups.rows) // self.batch_size

        def __iter__(self) -> Iterator[list[int]]:
            yield from groups.batches(self.batch_size, share, f"{self.seed}/{self.epoch}")

    return GroupedBatchSampler


def distinct_sampler(tell: Callable[[str], None]) -> Any:
    """sentence-transformers' NO_DUPLICATES: no text twice in a batch. ``tell`` is told once how many rows came again within a pass.

    A pass can end early, because the rows that are left share texts with one another; it is then filled up from a new shuffle.
    """
    from sentence_transformers.base.sampler import NoDuplicatesBatchSampler

    class DistinctBatchSampler(NoDuplicatesBatchSampler):
        told = False

        def __iter__(self) -> Iterator[list[int]]:
            drawn, again = set[int](), 0
            for batch in super().__iter__():
                again += len(drawn.intersection(batch))
                drawn.update(batch)
                yield batch
            if again and not self.told:
                self.told = True
                rows = len(self.dataset)
                tell(
                    f"{again} of {rows} rows are trained again and {rows - len(drawn)} not in a pass: a batch holds no text twice, "
                    "and the last rows share texts"
                )

    return DistinctBatchSampler
