"""BM25 is rank-bm25's, score for score, and its rankings are exact and deterministic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from triplette.ranking.bm25 import Bm25Index
from triplette.ranking.lexical import K1, LexicalRanker, lexical_ranker
from triplette.ranking.topk import best_ranks, top_columns

WORDS = st.sampled_from(["roi", "tour", "pion", "dame", "pat", "mat", "coup", "cavalier"])
DOCUMENTS = st.lists(st.lists(WORDS, max_size=12), min_size=1, max_size=25)


def all_scores(index: LexicalRanker, queries: list[list[str]]) -> np.ndarray:
    return np.concatenate([block.copy() for _, block in index.scores(queries, dtype=np.float64)])


@settings(max_examples=60, deadline=None)
@given(documents=DOCUMENTS, queries=st.lists(st.lists(st.one_of(WORDS, st.just("inconnu")), max_size=8), min_size=1, max_size=6))
def test_scores_equal_rank_bm25(documents: list[list[str]], queries: list[list[str]]) -> None:
    if not any(documents):
        return  # rank-bm25 divides by zero there; see the next test
    reference = BM25Okapi(documents)
    expected = np.stack([reference.get_scores(query) for query in queries])
    np.testing.assert_allclose(all_scores(Bm25Index(documents), queries), expected, rtol=1e-12, atol=1e-12)


def test_the_ranker_that_is_used_damps_repetition_sooner_than_rank_bm25() -> None:
    documents = [
        ["roi", "roi", "roi", "pat"],
        ["roi", "tour", "mat", "pion"],
        ["tour"] * 4,
        ["mat", "dame", "fou", "cavalier"],
        ["coup"] * 4,
    ]
    found = all_scores(lexical_ranker(documents), [["roi"]])
    np.testing.assert_allclose(found[0], BM25Okapi(documents, k1=K1).get_scores(["roi"]), rtol=1e-12)
    assert 1 < found[0, 0] / found[0, 1] < np.divide(*BM25Okapi(documents).get_scores(["roi"])[:2])


def test_repeated_unknown_and_absent_terms_score_as_in_rank_bm25() -> None:
    documents = [["roi", "roi", "tour"], [], ["pion"], ["roi", "pat"], ["mat"], ["dame", "tour", "tour"]]
    queries = [["roi", "roi", "tour"], ["inconnu"], [], ["tour", "inconnu", "tour"]]
    reference = BM25Okapi(documents)
    scores = all_scores(Bm25Index(documents), queries)
    np.testing.assert_allclose(scores, [reference.get_scores(query) for query in queries], rtol=1e-12)
    assert scores[0, 0] > scores[0, 3] > 0, "a repeated term counts twice and a richer document wins"
    assert not scores[1].any()
    assert not scores[2].any()


@pytest.mark.parametrize("documents", [[], [[]], [[], []]])
def test_documents_without_a_word_score_zero_everywhere(documents: list[list[str]]) -> None:
    index = Bm25Index(documents)
    ids, scores = index.top([["roi"], []], 3)
    assert ids.tolist() == [[-1, -1, -1]] * 2
    assert not scores.any()


def test_top_leaves_out_documents_that_share_no_term_and_pads() -> None:
    index = Bm25Index([["roi"], ["tour"], ["pion"], ["roi", "pat"], ["mat"]])
    ids, scores = index.top([["roi"]], 4)
    assert ids.tolist() == [[0, 3, -1, -1]]
    assert scores[0, 0] > scores[0, 1] > 0
    assert not scores[0, 2:].any()


def test_ties_go_to_the_document_that_comes_first() -> None:
    index = Bm25Index([["mat"], ["roi"], ["pat"], ["roi"], ["dame"], ["roi"], ["tour"]])
    ids, _ = index.top([["roi"]], 2)
    assert ids.tolist() == [[1, 3]]
    assert index.rank_of([["roi"]] * 3, [[1], [3], [5]]).tolist() == [1, 2, 3]


def test_rank_of_takes_the_best_target_and_counts_every_document() -> None:
    index = Bm25Index([["roi"], ["roi", "tour"], ["pion"], ["mat"], ["pat"]])
    queries = [["tour"], ["tour"], ["roi", "tour"], ["tour"]]
    assert index.rank_of(queries, [[0, 1], [2], [0], []]).tolist() == [1, 3, 2, 0]


def test_blocks_do_not_change_the_answer() -> None:
    rng = np.random.default_rng(3)
    vocabulary = [f"m{i}" for i in range(40)]
    documents = [list(rng.choice(vocabulary, size=rng.integers(1, 15))) for _ in range(50)]
    queries = [list(rng.choice(vocabulary, size=5)) for _ in range(33)]
    index = Bm25Index(documents, block_bytes=8 * 50 * 4)  # four queries a block
    whole = Bm25Index(documents).top(queries, 7)
    parts = index.top(queries, 7)
    assert (whole[0] == parts[0]).all()
    assert (whole[1] == parts[1]).all()
    assert [start for start, _ in index.scores(queries)][:3] == [0, 4, 8]


def test_a_document_outside_the_index_is_weighed_like_one_inside() -> None:
    documents = [["roi", "roi", "tour"], ["pion"], ["roi", "pat"], ["mat"], ["dame"]]
    index = Bm25Index(documents)
    query = ["roi", "tour", "roi"]
    inside = all_scores(index, [query])[0]
    np.testing.assert_allclose(index.score_pairs([query] * 5, documents), inside, rtol=1e-12)


BLOCKS = st.integers(1, 4).flatmap(
    lambda rows: st.integers(1, 200).flatmap(
        lambda columns: st.lists(st.lists(st.integers(-2, 5), min_size=columns, max_size=columns), min_size=rows, max_size=rows)
    )
)


@settings(max_examples=60, deadline=None)
@given(block=BLOCKS, k=st.integers(1, 12), positive_only=st.booleans())
def test_top_columns_are_those_of_a_full_sort_with_ties_by_column(block: list[list[int]], k: int, positive_only: bool) -> None:
    matrix = np.array(block, dtype=np.float64)
    ids, scores = top_columns(matrix, k, positive_only=positive_only)
    for row, found, values in zip(matrix, ids, scores, strict=True):
        order = sorted(range(len(row)), key=lambda column: (-row[column], column))
        expected = [column for column in order if row[column] > 0 or not positive_only][:k]
        assert [i for i in found if i >= 0] == expected
        assert values[: len(expected)].tolist() == [row[column] for column in expected]
        every = [best_ranks(row[None, :], [[column]])[0][0] for column in order]
        assert every == list(range(1, len(row) + 1))
