"""Fusion: the two rankers on one scale, ties and neighbours as written, and the choice on val."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from triplette.contract import CONTRACTS, Fusion, PromptContract
from triplette.errors import ContractMismatch
from triplette.ranking.bm25 import Bm25Index
from triplette.ranking.fusion import CHOICES, FEWEST, Hybrid, choose_fusion, fuse, neighbours, unit_range

LEXICAL = np.array([[4.0, 0.0, 2.0, 0.0]])
DENSE = np.array([[0.5, 0.9, 0.7, 0.5]], dtype=np.float32)


def test_convex_mixes_scores_brought_to_one_range() -> None:
    assert fuse(LEXICAL, DENSE, Fusion(lexical=0.3))[0].tolist() == [0.3, 0.7, 0.5, 0.0]
    assert fuse(LEXICAL, DENSE, Fusion(lexical=1.0))[0].tolist() == [1.0, 0.0, 0.5, 0.0]
    assert fuse(LEXICAL, DENSE, Fusion(lexical=0.0))[0].tolist() == [0.0, 1.0, 0.5, 0.0]


def test_a_question_that_bm25_knows_nothing_of_is_ranked_by_the_encoder() -> None:
    silent = np.zeros_like(LEXICAL)
    for fusion in (Fusion(), Fusion(method="rrf")):
        assert np.argsort(-fuse(silent, DENSE, fusion)[0], kind="stable").tolist() == [1, 2, 0, 3]


def test_rrf_adds_inverse_ranks_and_leaves_out_what_bm25_did_not_match() -> None:
    scores = fuse(LEXICAL, DENSE, Fusion(method="rrf", rrf_k=60))[0]
    assert scores == pytest.approx([1 / 61 + 1 / 63, 1 / 61, 1 / 62 + 1 / 62, 1 / 64], abs=1e-6)


def test_neighbours_lend_their_share_within_a_document_only() -> None:
    beside = neighbours(["a", "a", "a", "b"], [0, 50, 20, 0])  # the third passage lies between the first two
    assert beside.tolist() == [[-1, 2], [2, -1], [0, 1], [-1, -1]]
    scores = fuse(LEXICAL, DENSE, Fusion(lexical=0.3, neighbours=0.2), beside)[0]
    assert scores == pytest.approx([0.3 + 0.2 * 0.5, 0.7 + 0.2 * 0.5, 0.5 + 0.2 * (0.3 + 0.7), 0.0])


def test_equal_scores_become_zero_and_not_nan() -> None:
    assert unit_range(np.full((2, 3), 7.0)).tolist() == [[0.0] * 3] * 2
    assert unit_range(np.zeros((0, 3))).shape == (0, 3)


def test_blocks_do_not_change_a_ranking(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    words = [f"w{n}" for n in range(40)]
    passages = [list(random.choice(words, 12)) for _ in range(60)]
    asked = [list(random.choice(words, 4)) for _ in range(25)]
    vectors, queries = (random.normal(size=(n, 8)).astype(np.float32) for n in (60, 25))
    hybrid = Hybrid(Bm25Index(passages), vectors, Fusion(neighbours=0.1), neighbours(["d"] * 60))
    whole = hybrid.top(asked, queries, 5)
    monkeypatch.setattr("triplette.ranking.fusion.BLOCK_BYTES", 8 * 60 * 3)  # three questions at a time
    assert np.array_equal(hybrid.top(asked, queries, 5), whole)
    assert sorted(hybrid.top(asked[:1], queries[:1], 100)[0].tolist())[-60:] == list(range(60))


def _one_sided(by_words: bool) -> tuple[Hybrid, list[list[str]], np.ndarray, list[list[int]]]:
    """Questions whose answer one ranker puts first and the other does not."""
    size = FEWEST
    random = np.random.default_rng(1)
    passages = [[f"w{n}"] for n in range(size)]
    right, wrong = np.eye(size, dtype=np.float32), random.normal(size=(size, size)).astype(np.float32)
    asked = [[f"w{n}" if by_words else f"w{(n + 7) % size}"] for n in range(size)]
    hybrid = Hybrid(Bm25Index(passages), right, Fusion(neighbours=0.05))
    return hybrid, asked, wrong if by_words else right, [[n] for n in range(size)]


@pytest.mark.parametrize("by_words", [True, False])
def test_val_chooses_the_weight_of_the_ranker_that_is_right(by_words: bool) -> None:
    hybrid, asked, queries, relevant = _one_sided(by_words)
    chosen, reached = choose_fusion(hybrid, asked, queries, relevant)
    assert len(reached) == len(CHOICES)
    assert chosen.neighbours == 0.05
    assert reached[chosen.named] >= max(reached.values()) - 0.02
    assert (chosen.lexical > Fusion().lexical) == by_words


@pytest.mark.parametrize(("words_only", "vectors_only", "weight"), [(2, 1, 0.3), (6, 0, 0.4), (0, 6, 0.3)])
def test_the_weight_nearest_the_default_is_kept_of_those_that_val_cannot_tell_apart(
    words_only: int, vectors_only: int, weight: float
) -> None:
    """Above 0.36 BM25 wins where the rankers disagree, below it the encoder does; they agree on every other question."""
    queries = np.eye(FEWEST, dtype=np.float32)
    asked = [[f"w{n}"] for n in range(FEWEST)]
    for number in range(words_only + vectors_only):
        other = (number + 7) % FEWEST
        queries[number, other] = 0.45
        if number < words_only:
            queries[number, number], queries[number, other] = 0.45, 1.0
        else:
            asked[number] = [f"w{other}"]
    hybrid = Hybrid(Bm25Index([[f"w{n}"] for n in range(FEWEST)]), np.eye(FEWEST, dtype=np.float32), Fusion())
    chosen, reached = choose_fusion(hybrid, asked, queries, [[n] for n in range(FEWEST)])
    assert chosen == Fusion(lexical=weight)
    assert (reached[Fusion(lexical=0.4).named] > reached[Fusion().named]) == (words_only > vectors_only)


def test_few_questions_choose_nothing() -> None:
    hybrid, asked, queries, relevant = _one_sided(True)
    few = slice(FEWEST - 1)
    assert choose_fusion(hybrid, asked[few], queries[few], relevant[few]) == (Fusion(neighbours=0.05), {})


def test_the_contract_keeps_the_fusion_and_vectors_do_not_depend_on_it(tmp_path: Path) -> None:
    plain = CONTRACTS["e5"]
    fused = replace(plain, fusion=Fusion(lexical=0.4, neighbours=0.2))
    fused.save(tmp_path / "contract.json")
    assert PromptContract.load(tmp_path / "contract.json") == fused
    assert fused.hash != plain.hash
    assert fused.encoding_hash == plain.encoding_hash == plain.hash


@pytest.mark.parametrize("wrong", [{"method": "sum"}, {"lexical": 1.5}, {"rrf_k": 0}, {"neighbours": -0.1}])
def test_a_fusion_that_does_not_exist_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ContractMismatch, match="no such fusion"):
        Fusion(**wrong)  # type: ignore[arg-type]
