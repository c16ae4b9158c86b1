"""Why each candidate falls out and which of the rest are taken, with candidates made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from triplette.records import Chunk, Question
from triplette.settings.mine import MineSettings
from triplette.synth.mining.choose import (
    ANSWERS,
    EASY,
    KEPT,
    LOOK_ALIKE,
    NOTHING,
    OUTSCORES,
    SAME_QUESTION,
    Judged,
    bar,
    judge,
    make_triplets,
    open_candidates,
)
from triplette.synth.mining.margin import Margin
from triplette.synth.mining.rank import Candidates

MARGIN = Margin(limit=0.6, floor=0.1, tuned=True, answers=50, known=(), random=())
NONE: list[frozenset[int]] = [frozenset()] * 8


class Told:
    """Answer likeness that was made up: the evidence is the BM25 score, the likeness the cosine with the positive."""

    def evidence(self, bm25: Any, dense: Any) -> Any:
        return np.minimum(bm25, dense)

    def of(self, evidence: Any, with_positive: Any) -> Any:
        return (evidence + with_positive) / 2


def candidates(ids: list[int], **changes: Any) -> Candidates:
    """One question's candidates; every field can be replaced."""
    row = np.array([ids])
    size = row.shape[1]
    content: dict[str, Any] = {
        "ids": row, "bm25_rank": np.arange(1, size + 1)[None], "dense_rank": np.arange(2, size + 2)[None],
        "bm25": np.full((1, size), 0.4), "dense": np.full((1, size), 0.5), "fused": np.linspace(0.9, 0.1, size)[None],
        "likeness": np.full((1, size), 0.4), "positive_bm25": np.array([7.123456]), "positive_dense": np.array([0.8123456]),
        "positive_bm25_rank": np.array([2]), "positive_dense_rank": np.array([3]),
    }  # fmt: skip
    return Candidates(**{**content, **{name: np.array([value]) for name, value in changes.items()}})


def a_chunk(number: int, source: str = "", title: str = "t", articles: tuple[str, ...] = ()) -> Chunk:
    return Chunk.make(
        text=f"text {number}", title=title, source=source or f"{number}.md", articles=articles, page_start=0, page_end=0,
        char_start=0, char_end=6, tokens=3, tokenizer="estimate",
    )  # fmt: skip


CHUNKS = [a_chunk(number) for number in range(8)]
QUESTION = Question.make(
    chunk_id=CHUNKS[0].id, text="Qui ?", kind="factual", persona="p", difficulty="easy", provider="t", model="m", prompt="1", cost=0.0
)


def made(
    found: Candidates, codes: list[int] | None = None, chunks: list[Chunk] | None = None, alike: Any = None, **settings: Any
) -> Any:
    """(triplets, rejects) of one question over ``CHUNKS[0]``."""
    count = found.ids.shape[1]
    judged = Judged(found, np.full((1, count), 0.345), np.array([codes or [KEPT] * count], dtype=np.int8))
    asked = replace(QUESTION, chunk_id=(chunks or CHUNKS)[0].id)
    return make_triplets(chunks or CHUNKS, [asked], judged, alike or NONE, MARGIN, replace(MineSettings(), **settings), "enc")


def test_what_was_not_proposed_looks_alike_or_answers_the_same_question_is_barred() -> None:
    ids = np.array([[3, 4, 5, -1], [3, 4, 5, -1]])
    alike = [frozenset({3}), frozenset(), frozenset({4}), *NONE[:5]]
    barred = bar(ids, np.array([0, 1]), alike, [frozenset({5}), frozenset({2})])
    assert barred.tolist() == [[LOOK_ALIKE, KEPT, SAME_QUESTION, NOTHING], [KEPT, LOOK_ALIKE, KEPT, NOTHING]]
    assert bar(ids[:1], np.array([1]), NONE, [frozenset()]).tolist() == [[KEPT, KEPT, KEPT, NOTHING]]
    assert bar(np.array([[0, -1]]), np.array([1]), NONE, [frozenset()]).tolist() == [[KEPT, NOTHING]], "the first passage is one too"
    both = bar(np.array([[2]]), np.array([0]), [frozenset({2}), *NONE[1:]], [frozenset({2})])
    assert both.tolist() == [[SAME_QUESTION]], "a positive of the same question is named as such"


def test_open_candidates_come_first_in_their_order() -> None:
    found = open_candidates(candidates([3, 4, 5, 6]), np.array([[LOOK_ALIKE, KEPT, SAME_QUESTION, KEPT]], dtype=np.int8))
    assert found.ids.tolist() == [[4, 6, -1, -1]]
    assert found.bm25_rank.tolist() == [[1, 2, 3, 4]]
    many = np.where(np.arange(3000) % 7 == 0, LOOK_ALIKE, KEPT).astype(np.int8)[None]
    opened = open_candidates(candidates(list(range(3000))), many).ids[0].tolist()
    assert opened == [n for n in range(3000) if n % 7] + [-1] * 429


def test_the_first_reason_that_holds_is_the_one_that_is_told() -> None:
    found = candidates([1, 2, 3, 4, 5], bm25=[0.9, 0.9, 0.5, 0.05, 0.4], dense=[1.0] * 5, likeness=[0.9, 0.9, 0.9, 0.05, 0.4])
    barred = np.array([[LOOK_ALIKE, KEPT, KEPT, KEPT, KEPT]], dtype=np.int8)
    judged = judge(found, barred, Told(), MARGIN, 0.9)  # type: ignore[arg-type]
    assert judged.codes.tolist() == [[LOOK_ALIKE, OUTSCORES, ANSWERS, EASY, KEPT]]
    assert judged.likeness[0].tolist() == pytest.approx([0.9, 0.9, 0.7, 0.05, 0.4])
    assert judged.counts() == {
        "look-alike of the positive": 1, "positive of the same question": 0, "outscores the positive": 1, "likely answers too": 1, "too easy": 1,
    }  # fmt: skip


def test_the_limit_falls_out_the_floor_stays_and_both_are_met_at_six_digits() -> None:
    near = [0.6, 0.1, 0.5999996, 0.5999994]
    judged = judge(candidates([1, 2, 3, 4], bm25=near, dense=[1.0] * 4, likeness=near), np.zeros((1, 4), np.int8), Told(), MARGIN, 0.9)  # type: ignore[arg-type]
    assert judged.codes.tolist() == [[ANSWERS, KEPT, ANSWERS, KEPT]]


def test_the_best_fused_scores_are_taken_at_most_as_many_as_wanted() -> None:
    triplets, rejects = made(candidates([1, 2, 3, 4, 5], fused=[0.1, 0.5, 0.3, 0.4, 0.2]), negatives=3)
    assert [n.chunk_id for n in triplets[0].negatives] == [CHUNKS[2].id, CHUNKS[4].id, CHUNKS[3].id]
    assert rejects == []


def test_equal_scores_go_to_the_passage_that_comes_first() -> None:
    triplets, _ = made(candidates([5, 2, 4], fused=[0.3, 0.3 - 4e-13, 0.3]), negatives=2)
    assert [n.chunk_id for n in triplets[0].negatives] == [CHUNKS[2].id, CHUNKS[4].id]


def test_of_look_alikes_among_themselves_only_the_first_is_taken() -> None:
    alike = [frozenset(), frozenset({2}), frozenset({1}), *NONE[:5]]
    triplets, _ = made(candidates([1, 2, 3]), alike=alike, negatives=3)
    assert [n.chunk_id for n in triplets[0].negatives] == [CHUNKS[1].id, CHUNKS[3].id]


def test_another_article_of_the_same_document_has_a_bonus_and_says_so() -> None:
    chunks = [
        a_chunk(0, "a.md", "one", ("1",)), a_chunk(1, "b.md", "one", ("1",)), a_chunk(2, "a.md", "one", ("2",)),
        a_chunk(3, "a.md", "one", ("1",)), a_chunk(4, "a.md", "two", ("1",)),
    ]  # fmt: skip
    found = candidates([1, 2, 3, 4], fused=[0.5, 0.47, 0.46, 0.3])
    triplets, _ = made(found, chunks=chunks, negatives=4, same_source_bonus=0.1)
    told = [(n.chunk_id, n.same_source, n.why) for n in triplets[0].negatives]
    assert told == [
        (chunks[2].id, True, "answer likeness 0.34 under 0.60; other article of the same document"),
        (chunks[1].id, False, "answer likeness 0.34 under 0.60; another document"),
        (chunks[3].id, True, "answer likeness 0.34 under 0.60; same article, other passage"),
        (chunks[4].id, True, "answer likeness 0.34 under 0.60; other article of the same document"),
    ]
    plain, _ = made(found, chunks=chunks, negatives=4, same_source_bonus=0.0)
    assert [n.chunk_id for n in plain[0].negatives] == [chunk.id for chunk in chunks[1:]]


def test_a_negative_and_its_triplet_carry_ranks_and_scores_rounded() -> None:
    found = candidates(
        [1, 2, 3], bm25_rank=[4, 0, 2], dense_rank=[5, 6, 0], bm25=[1.2345678, 0.0, 2.0], dense=[0.1234567, 0.2, 0.3], fused=[0.12345678, 0.1, 0.05]
    )  # fmt: skip
    triplet = made(found, negatives=3)[0][0]
    first, second, third = triplet.negatives
    assert [n.ranker for n in (first, second, third)] == ["both", "dense", "bm25"]
    assert (first.bm25_rank, first.dense_rank, first.bm25_score, first.dense_score, first.fused_score) == (
        4,
        5,
        1.23457,
        0.12346,
        0.123457,
    )
    assert first.margin == 0.68889
    assert (triplet.question_id, triplet.question, triplet.positive_id, triplet.encoder) == (QUESTION.id, "Qui ?", CHUNKS[0].id, "enc")
    assert (triplet.positive_bm25, triplet.positive_bm25_rank, triplet.positive_dense, triplet.positive_dense_rank) == (
        7.12346,
        2,
        0.81235,
        3,
    )


def test_a_question_that_no_candidate_stays_for_keeps_its_pair_and_says_the_counts() -> None:
    triplets, (reject,) = made(candidates([1, 2, 3, -1]), codes=[ANSWERS, ANSWERS, EASY, NOTHING])
    assert [triplet.negatives for triplet in triplets] == [()]
    assert (reject.step, reject.subject_id, reject.subject_kind, reject.reason) == (
        "synth.mine",
        triplets[0].id,
        "negative",
        "no_good_negative",
    )
    assert reject.detail == "of its candidates: 2 likely answers too, 1 too easy"
    assert (reject.parent_id, reject.text) == (QUESTION.id, "Qui ?")
    assert made(candidates([-1]), codes=[NOTHING])[1][0].detail == "no passage was proposed"
