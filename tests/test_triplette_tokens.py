"""Token counting: the estimate and the door to real tokenizers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplette.errors import InputError
from triplette.tokens import EstimatedTokens, token_counter


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("roi", 1),
        ("joueur", 1),
        ("arbitre", 2),
        ("2025", 4),
        ("l'arbitre", 4),
        ("a\nb", 3),
        ("règlementairement", 4),
        ("_", 1),
    ],
)
def test_the_estimate_counts_short_words_digits_signs_and_long_words(text: str, count: int) -> None:
    assert EstimatedTokens().count([text]) == [count]


def test_the_estimate_of_a_text_is_the_sum_of_its_parts() -> None:
    left, right, both = EstimatedTokens().count(["Le roi est mat.", "La tour prend.", "Le roi est mat. La tour prend."])
    assert both == left + right


@given(st.lists(st.text(st.characters(max_codepoint=0x3100), max_size=90), min_size=1, max_size=8))
def test_texts_counted_together_and_one_by_one_give_the_same(texts: list[str]) -> None:
    counter = EstimatedTokens()
    long = [text * 9 for text in texts]  # from a length on they are counted in another way
    pieces = [re.findall(r"[^\W\d_]+|\d|[^\w\s]|_|\n", text) for text in long]
    wanted = [sum(1 + max(-(-(len(piece) - 6) // 5), 0) for piece in found) for found in pieces]
    assert counter.count(long) == wanted
    assert [counter.count([text])[0] for text in long] == wanted


def test_the_setting_names_the_counter() -> None:
    assert token_counter("estimate").name == "estimate"


def test_a_tokenizer_that_cannot_be_loaded_is_an_error_with_a_cure(tmp_path: object) -> None:
    with pytest.raises(InputError) as caught:
        token_counter(str(tmp_path))
    assert caught.value.cure
