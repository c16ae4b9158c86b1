"""The similarity join against comparing every pair, and the language test."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplette.languages.identify import shares
from triplette.similar import near_duplicates, near_duplicates_across, split_words, word_sets

WORDS = "roque cavalier pendule arbitre ronde appariement drapeau feuille forfait retard 7.5 2".split()
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), min_size=0, max_size=8).map(" ".join), min_size=1, max_size=25)


def brute(texts: list[str], threshold: float) -> set[tuple[int, int]]:
    sets = word_sets(texts, ["fr"] * len(texts))
    found = set()
    for left, right in itertools.combinations(range(len(texts)), 2):
        one, other = sets.set_of(left), sets.set_of(right)
        if len(one & other) / len(one | other) >= threshold - 1e-12:
            found.add((left, right))
    return found


@given(TEXTS, st.sampled_from([0.5, 0.65, 0.8, 1.0]))
@settings(max_examples=60, deadline=None)
def test_across_two_sides_every_pair_is_found_and_no_other(texts: list[str], threshold: float) -> None:
    side = np.arange(len(texts)) % 3 == 0
    left, right, scores = near_duplicates_across(word_sets(texts, ["fr"] * len(texts)), threshold, side)
    wanted = {(i, j) for i, j in brute(texts, threshold) if side[i] != side[j]}
    found = set(zip(left.tolist(), right.tolist(), strict=True))
    assert found <= wanted
    # of several rows with the same words each is paired with one of the other side, so every row is named
    assert {row for pair in found for row in pair} == {row for pair in wanted for row in pair}
    if len({(word_sets(texts, ["fr"] * len(texts)).set_of(i), bool(side[i])) for i in range(len(texts))}) == len(texts):
        assert found == wanted
    assert all(score >= threshold - 1e-9 for score in scores)


@given(TEXTS, st.sampled_from([0.5, 0.8]))
@settings(max_examples=60, deadline=None)
def test_a_join_too_large_falls_back_on_the_window(texts: list[str], threshold: float) -> None:
    side = np.arange(len(texts)) % 3
    whole = near_duplicates_across(word_sets(texts, ["fr"] * len(texts)), threshold, side)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("triplette.similar.MOST_LOOKUPS", 0)
        narrow = near_duplicates_across(word_sets(texts, ["fr"] * len(texts)), threshold, side)
    # fewer rows than the window: nothing may be missed
    assert [part.tolist() for part in whole] == [part.tolist() for part in narrow]


@given(TEXTS, st.sampled_from([0.5, 0.8]))
@settings(max_examples=60, deadline=None)
def test_the_links_connect_what_the_pairs_connect(texts: list[str], threshold: float) -> None:
    left, right, _ = near_duplicates(word_sets(texts, ["fr"] * len(texts)), threshold)
    assert _groups(len(texts), zip(left.tolist(), right.tolist(), strict=True)) == _groups(len(texts), brute(texts, threshold))


def _groups(count: int, pairs: object) -> set[frozenset[int]]:
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, j in pairs:  # type: ignore[attr-defined]
        parent[root(i)] = root(j)
    groups: dict[int, set[int]] = {}
    for i in range(count):
        groups.setdefault(root(i), set()).add(i)
    return {frozenset(group) for group in groups.values()}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Combien de temps dure une partie rapide ?", "Une partie rapide, combien de temps dure-t-elle ?", True),
        ("Le roque est-il permis ?", "LE ROQUE EST-IL PERMIS", True),
        ("L'arbitre arrête-t-il la pendule ?", "L’arbitre arrête-t-il la pendule?", True),
        ("Qui peut demander le report ?", "Quand peut-on demander le report ?", False),
        ("Que dit l'article 7.5.1 ?", "Que dit l'article 7.5.2 ?", False),
    ],
)
def test_what_counts_as_the_same_words(one: str, other: str, same: bool) -> None:
    sets = word_sets([one, other], ["fr", "fr"])
    assert (sets.set_of(0) == sets.set_of(1)) is same


def test_a_text_without_a_content_word_is_its_own_word() -> None:
    sets = word_sets(pa.array(["est-ce que ?", "l'a-t-il ?", ""]), ["fr"] * 3)
    assert sets.sizes.tolist() == [1, 1, 1]
    assert len({sets.set_of(i) for i in range(3)}) == 3


def test_many_questions_of_one_pattern_stay_linear_and_true_twins_are_still_found() -> None:
    texts = [f"Quelle pénalité l'arbitre inflige-t-il pour la faute {n} en salle {n} ?" for n in range(3000)]
    texts.append(texts[1500].upper())
    left, right, scores = near_duplicates(word_sets(texts, ["fr"] * len(texts)), 0.8)
    assert list(zip(left.tolist(), right.tolist(), scores.tolist(), strict=True)) == [(1500, 3000, 1.0)]


@pytest.mark.parametrize(
    ("text", "french"),
    [
        ("Quand l'arbitre doit-il arrêter la pendule ?", True),
        ("Combien de points vaut une victoire ?", True),
        ("Zeitnot ou blitz : quelle cadence ?", True),
        ("When must the arbiter stop the clock?", False),
        ("What is the penalty for an illegal move in blitz?", False),
        ("¿Cuándo debe el árbitro parar el reloj?", False),
        ("Wann muss der Schiedsrichter die Uhr anhalten?", False),
    ],
)
def test_french_is_told_from_its_neighbours(text: str, french: bool) -> None:
    assert bool(shares([text], ["fr"], split_words([text]))[0] >= 0.5) is french


def test_no_text_is_not_french_and_an_empty_list_is_fine() -> None:
    bare, none = pa.array(["", None]), pa.array([], pa.string())
    assert (shares(bare, ["fr", "fr"], split_words(bare)) < 0.5).all()
    assert shares(none, [], split_words(none)).tolist() == []
