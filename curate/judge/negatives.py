"""Does a negative answer the question too? Deterministic tests, used where there is no LLM to ask.

A negative that answers teaches the model the contrary of what it should learn. Without a reader we can only see likeness, to the positive
passage and to the question, and we would rather lose a good negative than keep a false one:

* It says what the positive says (most shingles of the shorter passage are in the longer): it answers too, ``positive``.
* Half of it does, or both rankers put it before the positive, or the encoder finds it as near as the positive, or two
  sentences of it hold (nearly) all the question's words and no fewer than the positive's: ``unsure``, which drops it.
* It is not in the corpus, or is the positive itself: ``drop``.

The shares that these tests drop, and how many of the kept ones answered when read, are in docs/experiments.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from triplette.curate.judge.passages import Corpus, focus, share
from triplette.records import Chunk, Negative, Score, Triplet, Verdict
from triplette.settings.judge import JudgeSettings

NAME = "rules-2"


@dataclass(slots=True)
class NegativeJudge:
    """Judges the negatives of triplets over one corpus. ``chunks`` are those that the triplets name."""

    chunks: Mapping[str, Chunk]
    corpus: Corpus
    settings: JudgeSettings

    def verdicts(self, triplet: Triplet) -> list[Verdict]:
        """One verdict for each negative of a triplet whose positive is in the corpus."""
        positive = self.chunks[triplet.positive_id]
        weights = self.corpus.weights(self.corpus.subject_words(triplet.question, positive.language))
        own = focus(weights, self.corpus.read.of(positive))
        return [self._verdict(triplet, negative, weights, own) for negative in triplet.negatives]

    def _verdict(self, triplet: Triplet, negative: Negative, weights: Mapping[str, float], own: float) -> Verdict:
        if negative.chunk_id == triplet.positive_id or negative.chunk_id not in self.chunks:
            reason = "it is the positive" if negative.chunk_id == triplet.positive_id else "orphan: no such chunk"
            return negative_verdict(triplet, negative.chunk_id, "drop", reason, 0.0)
        passage = self.corpus.read.of(self.chunks[negative.chunk_id])
        alike = self._containment(triplet.positive_id, negative.chunk_id)
        together = focus(weights, passage)
        near = negative.dense_score / triplet.positive_dense if triplet.positive_dense > 0 else 0.0
        decision, reason = self._decide(triplet, negative, alike, together, own, near)
        scores = (
            Score("containment", round(alike, 4), "share of the shorter passage's shingles in the longer"),
            Score("focus", round(together, 4), f"share of the question's words in two of its sentences; the positive's: {own:.2f}"),
            Score("overlap", round(share(weights, passage.held), 4), "share of the question's words that it holds"),
        )
        doubt = max(alike, min(together, 1.0) if together >= own else 0.0, min(near, 1.0) if near > 0 else 0.0)
        return negative_verdict(triplet, negative.chunk_id, decision, reason, round(1.0 - doubt, 4), scores)

    def _decide(self, triplet: Triplet, negative: Negative, alike: float, together: float, own: float, near: float) -> tuple[str, str]:
        settings = self.settings
        if alike >= settings.same_passage:
            return "positive", f"says what the positive says: {alike:.0%} of the shorter passage is in the longer"
        if alike >= settings.like_passage:
            return "unsure", f"half a copy of the positive: {alike:.0%}"
        if _before(negative.bm25_rank, triplet.positive_bm25_rank) and _before(negative.dense_rank, triplet.positive_dense_rank):
            return "unsure", "both rankers put it before the positive"
        if near >= settings.near_positive:
            return "unsure", f"as near to the question as the positive: {near:.2f} of its score"
        if together >= settings.holds_question and together >= own:
            return "unsure", f"two sentences hold {together:.0%} of the question's words, the positive's {own:.0%}"
        return "keep", "neither like the positive nor nearer to the question"

    def _containment(self, first: str, second: str) -> float:
        one, other = (self.corpus.read.shingles(self.chunks[chunk_id]) for chunk_id in (first, second))
        return len(one & other) / max(min(len(one), len(other)), 1)


def negative_verdict(
    triplet: Triplet,
    chunk_id: str,
    decision: str,
    reason: str,
    score: float,
    scores: tuple[Score, ...] = (),
    *,
    judge: str = "rules",
    name: str = NAME,
    evidence: str = "",
) -> Verdict:
    """A verdict on one negative. ``score``: how sure it is that the passage does not answer, 0..1."""
    return Verdict.make(
        subject_id=f"{triplet.id}/{chunk_id}",
        subject_kind="negative",
        judge=judge,
        judge_name=name,
        scores=scores,
        score=score,
        decision=decision,
        reason=reason,
        evidence=evidence,
        chunk_id=chunk_id,
    )


def _before(rank: int, positive: int) -> bool:
    return 0 < rank < positive
