"""From candidates to triplets: why each candidate falls out, and which of those that stay are taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from triplette.arrays import Int8s, Ints, Scores
from triplette.records import Chunk, Negative, Question, Rejection, Triplet
from triplette.settings.mine import MineSettings
from triplette.synth.mining.margin import Likeness, Margin
from triplette.synth.mining.rank import Candidates

STEP = "synth.mine"
KEPT, NOTHING, LOOK_ALIKE, SAME_QUESTION, OUTSCORES, ANSWERS, EASY = range(7)
REASONS = {
    LOOK_ALIKE: "look-alike of the positive",
    SAME_QUESTION: "positive of the same question",
    OUTSCORES: "outscores the positive",
    ANSWERS: "likely answers too",
    EASY: "too easy",
}
Codes = Int8s


@dataclass(frozen=True, slots=True)
class Judged:
    """Candidates with their answer likeness (q, m) and the code (q, m) of why each fell out (``KEPT`` where it stayed)."""

    candidates: Candidates
    likeness: Scores
    codes: Codes

    def counts(self) -> dict[str, int]:
        """Candidates that fell out, by reason."""
        return {reason: int((self.codes == code).sum()) for code, reason in REASONS.items()}


def bar(ids: Ints, positives: Ints, alike: Sequence[frozenset[int]], same: Sequence[frozenset[int]]) -> Codes:
    """(q, m): whether a candidate is a look-alike of one of the question's positives, or such a positive, else ``KEPT``."""
    barred = np.where(ids < 0, NOTHING, KEPT).astype(np.int8)
    for row, positive in enumerate(positives.tolist()):
        others = alike[positive].union(*(alike[other] for other in same[row]))
        for numbers, code in ((others, LOOK_ALIKE), (same[row], SAME_QUESTION)):
            barred[row, np.isin(ids[row], list(numbers))] = code
    return barred


def open_candidates(candidates: Candidates, barred: Codes) -> Candidates:
    """The candidates whose ids are those that are not barred, in order, -1 after them; the other fields are left as they are."""
    order = np.argsort(barred != KEPT, kind="stable")
    return replace(candidates, ids=np.take_along_axis(np.where(barred == KEPT, candidates.ids, -1), order, 1))


def judge(candidates: Candidates, barred: Codes, likeness: Likeness, margin: Margin, positive_share: float) -> Judged:
    """Every candidate's answer likeness, and why it falls out, the first reason that holds in the order of the codes."""
    evidence = likeness.evidence(candidates.bm25, candidates.dense)
    values = np.round(likeness.of(evidence, candidates.likeness), 6)
    codes = np.select(
        [barred != KEPT, evidence >= positive_share, values >= margin.limit, values < margin.floor],
        [barred, OUTSCORES, ANSWERS, EASY],
        default=KEPT,
    )
    return Judged(candidates, values, codes.astype(np.int8))


def make_triplets(
    chunks: Sequence[Chunk],
    questions: Sequence[Question],
    judged: Judged,
    alike: Sequence[frozenset[int]],
    margin: Margin,
    settings: MineSettings,
    encoder: str,
) -> tuple[list[Triplet], list[Rejection]]:
    """A triplet for each question, in their order; where no candidate stayed, a pair, and what fell out of it."""
    number = {chunk.id: index for index, chunk in enumerate(chunks)}
    triplets, rejects = [], []
    for row, question in enumerate(questions):
        positive = number[question.chunk_id]
        taken = _take(chunks, positive, judged, row, alike, settings)
        negatives = [_negative(chunks, positive, judged, row, place, margin) for place in taken]
        triplet = _triplet(question, judged.candidates, row, encoder, negatives)
        triplets.append(triplet)
        if settings.negatives and not taken:
            rejects.append(_nothing_left(triplet, judged.codes[row]))
    return triplets, rejects


def _take(
    chunks: Sequence[Chunk], positive: int, judged: Judged, row: int, alike: Sequence[frozenset[int]], settings: MineSettings
) -> list[int]:
    """The places of the negatives: best fused score first, with the bonus; of look-alikes among themselves only the first."""
    ids = judged.candidates.ids[row]
    places = np.flatnonzero(judged.codes[row] == KEPT).tolist()

    def weight(place: int) -> float:
        bonus = settings.same_source_bonus if _other_article(chunks[positive], chunks[ids[place]]) else 0.0
        return float(judged.candidates.fused[row, place]) * (1 + bonus)

    taken: list[int] = []
    for place in sorted(places, key=lambda place: (-round(weight(place), 12), int(ids[place]))):
        if len(taken) == settings.negatives:
            break
        if not any(int(ids[earlier]) in alike[int(ids[place])] for earlier in taken):
            taken.append(place)
    return taken


def _other_article(positive: Chunk, other: Chunk) -> bool:
    """Same document, under another heading or article."""
    return positive.source == other.source and (positive.title, positive.articles) != (other.title, other.articles)


def _negative(chunks: Sequence[Chunk], positive: int, judged: Judged, row: int, place: int, margin: Margin) -> Negative:
    found, chunk = judged.candidates, chunks[judged.candidates.ids[row, place]]
    bm25_rank, dense_rank = int(found.bm25_rank[row, place]), int(found.dense_rank[row, place])
    place_in = "other article of the same document" if _other_article(chunks[positive], chunk) else "another document"
    if chunk.source == chunks[positive].source and not _other_article(chunks[positive], chunk):
        place_in = "same article, other passage"
    return Negative(
        chunk_id=chunk.id,
        ranker="both" if bm25_rank and dense_rank else "bm25" if bm25_rank else "dense",
        bm25_rank=bm25_rank,
        bm25_score=round(float(found.bm25[row, place]), 5),
        dense_rank=dense_rank,
        dense_score=round(float(found.dense[row, place]), 5),
        fused_score=round(float(found.fused[row, place]), 6),
        margin=round(float(found.positive_dense[row]) - float(found.dense[row, place]), 5),
        same_source=chunk.source == chunks[positive].source,
        why=f"answer likeness {judged.likeness[row, place]:.2f} under {margin.limit:.2f}; {place_in}",
    )


def _triplet(question: Question, found: Candidates, row: int, encoder: str, negatives: list[Negative]) -> Triplet:
    return Triplet.make(
        question_id=question.id,
        question=question.text,
        positive_id=question.chunk_id,
        positive_bm25=round(float(found.positive_bm25[row]), 5),
        positive_bm25_rank=int(found.positive_bm25_rank[row]),
        positive_dense=round(float(found.positive_dense[row]), 5),
        positive_dense_rank=int(found.positive_dense_rank[row]),
        encoder=encoder,
        negatives=negatives,
    )


def _nothing_left(triplet: Triplet, codes: Codes) -> Rejection:
    """Why a question has no negative: how many candidates fell out for each reason."""
    counts = [f"{int((codes == code).sum())} {reason}" for code, reason in REASONS.items() if (codes == code).any()]
    return Rejection(
        STEP,
        triplet.id,
        "negative",
        "no_good_negative",
        f"of its candidates: {', '.join(counts)}" if counts else "no passage was proposed",
        parent_id=triplet.question_id,
        text=triplet.question,
    )
