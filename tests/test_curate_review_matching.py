"""Text search: two ways of folding agree, and words are found as French readers expect."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplette.curate.review.serve.matching import _OPENED, fold, match, strip_marks


def slow_fold(text: str) -> str:
    text = text.lower()
    for typographic, plain in _OPENED.items():
        text = text.replace(typographic, plain)
    return strip_marks(text)


@given(st.text(st.characters(max_codepoint=0x2100)))
def test_the_byte_table_and_the_decomposition_agree(text: str) -> None:
    assert fold(text) == slow_fold(text)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ÉCHEC", "echec"),
        ("Œuvre", "oeuvre"),
        ("l’arbitre", "l'arbitre"),
        ("à 5\u202f%", "a 5 %"),
        ("Ελλάδα", "ελλαδα"),
        ("e\u0301", "e"),
    ],
)
def test_what_french_typography_becomes(text: str, folded: str) -> None:
    assert fold(text) == folded


FIELDS = json.dumps({"question": "Où est l’échec ?", "positive": "Le roi roque.", "chat": [{"content": "Zugzwang"}], "none": None})


@pytest.mark.parametrize(
    ("terms", "field", "found"),
    [
        ([["echec", True]], None, True),
        ([["echec", True], ["roque", True]], None, True),
        ([["echec", True], ["roque", True]], "question", False),
        ([["echec", True], ["roque", False]], None, False),
        ([["l'echec ?", True]], "question", True),
        ([["zugzwang", True]], None, True),
        ([["roi", True]], "absent", False),
        ([], None, True),
    ],
)
def test_every_wanted_word_is_there_and_no_unwanted_one(terms: list[list[object]], field: str | None, found: bool) -> None:
    assert match(FIELDS, field, json.dumps(terms)) is found


def test_a_record_without_fields_matches_nothing() -> None:
    assert match(None, None, "[]") is False
