"""Does a negative answer the question too? Deterministic tests, used where there is no LLM to ask.

A negative that answers teaches the model the contrary of what it should learn. Without a reader we can only
see likeness: to the positive passage (near-duplicates answer alike) and to the question (a passage that both rankers put before
the positive probably answers). The first becomes a further positive; the second is unsure, and dropped.
"""

from __future__ import annotations

from collections.abc import Mapping

from triplette.french import shingles
from triplette.records import Chunk, Negative, Score, Triplet, Verdict

NAME = "rules-1"
SAME_PASSAGE = 0.8  # of the shorter passage's 3-word shingles that the longer one holds: one text, twice


def judge_negatives(triplet: Triplet, chunks: Mapping[str, Chunk], shingled: dict[str, frozenset[str]]) -> list[Verdict]:
    """One verdict for each negative: ``keep``, ``positive`` (it answers too) or ``unsure``.

    ``shingled`` is a cache of shingles by chunk id that the caller keeps over the triplets.
    """
    positive = _shingles(triplet.positive_id, chunks, shingled)
    verdicts = []
    for negative in triplet.negatives:
        other = _shingles(negative.chunk_id, chunks, shingled)
        contained = len(positive & other) / max(min(len(positive), len(other)), 1)
        decision, reason = _decide(triplet, negative, contained)
        verdicts.append(
            Verdict.make(
                subject_id=f"{triplet.id}/{negative.chunk_id}",
                subject_kind="negative",
                judge="rules",
                judge_name=NAME,
                scores=(Score("containment", round(contained, 4), "share of the shorter passage's shingles in the longer"),),
                score=round(1.0 - contained, 4),
                decision=decision,
                reason=reason,
                evidence="",
                chunk_id=negative.chunk_id,
            )
        )
    return verdicts


def _shingles(chunk_id: str, chunks: Mapping[str, Chunk], cache: dict[str, frozenset[str]]) -> frozenset[str]:
    if chunk_id not in cache:
        cache[chunk_id] = shingles(chunks[chunk_id].text)
    return cache[chunk_id]


def _decide(triplet: Triplet, negative: Negative, contained: float) -> tuple[str, str]:
    if contained >= SAME_PASSAGE:
        return "positive", f"says what the positive says ({contained:.0%} of the shorter passage)"
    before = 0 < negative.bm25_rank < triplet.positive_bm25_rank and 0 < negative.dense_rank < triplet.positive_dense_rank
    if before:
        return "unsure", "both rankers put it before the positive"
    return "keep", "neither a copy of the positive nor before it in both rankings"
