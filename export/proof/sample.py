"""What the proof is measured on: the run's own gold questions and passages, and texts that stress every length.

Ranking needs only as many passages as make it hard: all that answer a question, and others up to a cap, picked by the hash
of their ids so that two exports of one dataset measure the same. The probes are longer and shorter than any real text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from triplette.dataset import GOLD, Dataset, DatasetRow
from triplette.hashing import hash_text
from triplette.records import Chunk

PROBES = 4  # real questions and passages run at every length


@dataclass(frozen=True, slots=True)
class Sample:
    """Questions, the passages they are ranked against, and the positions of the passages that answer each question."""

    questions: tuple[str, ...]
    relevant: tuple[tuple[int, ...], ...]
    groups: tuple[str, ...]
    chunks: tuple[Chunk, ...]
    corpus_size: int

    @property
    def whole(self) -> bool:
        """Whether the passages are the whole corpus."""
        return len(self.chunks) == self.corpus_size


def take_sample(dataset: Dataset, *, questions: int, passages: int) -> Sample:
    """At most ``questions`` held-out questions (test, then val; gold first), ranked against about ``passages`` passages.

    Every passage that answers one is kept, even beyond the cap.
    """
    held_out = [row for split in ("test", "val") for row in dataset.split(split)]
    answerable = [row for row in held_out if any(identity in dataset.corpus for identity in row.positive_ids)]
    chosen = sorted(answerable, key=_order)[:questions]
    needed = {identity for row in chosen for identity in row.positive_ids if identity in dataset.corpus}
    others = sorted((identity for identity in dataset.corpus if identity not in needed), key=hash_text)
    kept = needed | set(others[: max(0, passages - len(needed))])
    chunks = tuple(chunk for identity, chunk in dataset.corpus.items() if identity in kept)
    position = {chunk.id: index for index, chunk in enumerate(chunks)}
    relevant = tuple(tuple(position[i] for i in row.positive_ids if i in position) for row in chosen)
    groups = tuple(chunks[answers[0]].id for answers in relevant)
    return Sample(tuple(row.question for row in chosen), relevant, groups, chunks, len(dataset.corpus))


def _order(row: DatasetRow) -> tuple[bool, bool, str]:
    return (row.origin != GOLD, row.split != "test", hash_text(row.question_id))


def probe_texts(sample: Sample) -> list[str]:
    """Texts for the probes: one word, questions, passages, and one text longer than any signature (passages joined)."""
    passages = sorted((chunk.text for chunk in sample.chunks), key=len)
    real = [*sample.questions[:PROBES], *_spread(passages, PROBES)]
    joined = "\n".join(passages) or "text "
    return ["yes", *real, joined * (1 + 20_000 // max(1, len(joined)))]


def _spread(items: Sequence[str], count: int) -> list[str]:
    """At most ``count`` items, evenly over the sequence, both ends included."""
    if len(items) <= count:
        return list(items)
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]
