"""Who chooses BM25's weight: val's questions of people where there are enough, and else nothing short of a plain difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from triplette.contract import Fusion
from triplette.dataset import DOCUMENT, GOLD, SYNTHETIC
from triplette.ranking.fusion import FEWEST, LEAN
from triplette.train.data import Passages, Questions
from triplette.train.production import fusion_for, weighed_by

SIZE = 200
FOUND = 1 / np.log2(3)  # nDCG of an answer at the second place


def _val(origins: list[str], by_words: int, size: int = SIZE) -> tuple[Questions, np.ndarray, np.ndarray]:
    """Questions of one word, their passages' vectors, and theirs: the encoder puts the answers of the last ``by_words`` second."""
    words = tuple(f"mot{number}" for number in range(size))
    passages = Passages(tuple(f"c{number}" for number in range(size)), ("",) * size, words, ("fr",) * size)
    vectors = np.eye(size, dtype=np.float32)
    queries = vectors.copy()
    for number in range(size - by_words, size):
        queries[number, number], queries[number, (number + 7) % size] = 0.45, 1.0
    asked = Questions(
        name="val", ids=words, texts=words, relevant=tuple((number,) for number in range(size)), groups=passages.ids,
        labels={"origin": tuple(origins)}, passages=passages,
    )  # fmt: skip
    return asked, queries, vectors


@pytest.mark.parametrize(("origin", "weight"), [(GOLD, 0.4), (SYNTHETIC, 0.3), (DOCUMENT, 0.3)])
def test_only_questions_of_people_move_the_weight_by_a_little(origin: str, weight: float) -> None:
    asked, queries, passages = _val([origin] * SIZE, by_words=20)
    chosen, reached = fusion_for(asked, queries, passages, 0.1)
    lost = reached[Fusion(lexical=0.4, neighbours=0.1).named] - reached[Fusion(neighbours=0.1).named]
    assert 0 < lost < LEAN
    assert lost == pytest.approx(20 / SIZE * (1 - FOUND), abs=1e-6)
    assert chosen == Fusion(lexical=weight, neighbours=0.1)


def test_written_questions_move_it_where_the_encoder_is_plainly_worse() -> None:
    asked, queries, passages = _val([SYNTHETIC] * SIZE, by_words=40)
    chosen, reached = fusion_for(asked, queries, passages, 0.0)
    assert reached[Fusion(lexical=0.4).named] - reached[Fusion().named] > LEAN
    assert chosen == Fusion(lexical=0.4)


@pytest.mark.parametrize("people", [FEWEST - 1, FEWEST])
def test_enough_people_choose_for_all(people: int) -> None:
    """The encoder is wrong on a few of the people's questions, which all of val's hide."""
    origins = [SYNTHETIC] * (SIZE - people) + [GOLD] * people
    asked, queries, passages = _val(origins, by_words=9)
    chosen, reached = fusion_for(asked, queries, passages, 0.0)
    assert chosen == Fusion(lexical=0.4 if people == FEWEST else 0.3)
    share = 9 / (people if people == FEWEST else SIZE)
    assert reached[Fusion().named] == pytest.approx(1 - share * (1 - FOUND), abs=1e-6)
    assert (f"by val's {FEWEST} questions of people" in weighed_by(asked)) == (people == FEWEST)
    assert ("lean to BM25" in weighed_by(asked)) == (people < FEWEST)


def test_a_val_that_is_too_small_to_choose_is_said_to_choose_nothing() -> None:
    asked, queries, passages = _val([GOLD] * SIZE, by_words=SIZE)
    few = replace(
        asked,
        ids=asked.ids[:12],
        texts=asked.texts[:12],
        relevant=asked.relevant[:12],
        groups=asked.groups[:12],
        labels={"origin": (GOLD,) * 12},
    )
    assert fusion_for(few, queries[:12], passages, 0.0) == (Fusion(), {})
    assert "val has 12 questions" in weighed_by(few)
    assert "stays at the default" in weighed_by(few)
    assert "stays at the default" not in weighed_by(_val([SYNTHETIC] * FEWEST, by_words=0, size=FEWEST)[0])
