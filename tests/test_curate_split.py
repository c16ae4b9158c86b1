"""Components, what touches, and that no split ever gets a part of a component."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplette.curate.dataset.split import Node as AnyNode
from triplette.curate.dataset.split import assign, components, leaks, touching
from triplette.settings.build import BuildSettings

Node = partial(AnyNode, language="fr")
DEFAULTS = BuildSettings()
HELD_OUT = BuildSettings(gold_chunks="held-out")


def test_a_shared_passage_connects_and_so_does_a_near_duplicate_question() -> None:
    nodes = [
        Node("a", "Quand le roque est-il interdit au roi ?", ("p1",)),
        Node("b", "Comment l'arbitre note-t-il un forfait ?", ("p1", "p2")),
        Node("c", "Qui signe la feuille de partie ?", ("p2",)),
        Node("d", "La feuille de partie, qui la signe ?", ("p3",)),
        Node("e", "Combien de joueurs une équipe compte-t-elle ?", ("p4",)),
    ]
    names = components(nodes, DEFAULTS)
    assert names[0] == names[1] == names[2] == names[3] != names[4]
    # the name is its members' and not their order's
    assert components(nodes[::-1], DEFAULTS)[0] == names[4]


@pytest.mark.parametrize(("settings_", "connected"), [(DEFAULTS, False), (HELD_OUT, True)])
def test_a_passage_connects_gold_with_synthetic_only_when_it_is_held_out(settings_: BuildSettings, connected: bool) -> None:
    nodes = [
        Node("a", "Quand le roque est-il interdit ?", ("p",)),
        Node("g", "Le roi menacé peut-il bouger deux fois ?", ("p",), gold=True),
    ]
    names = components(nodes, settings_)
    assert (names[0] == names[1]) is connected
    assert [touch.why for touch in touching(nodes, settings_)] == (
        ["they share a passage, and gold_chunks is held-out"] if connected else []
    )


def test_about_one_passage_a_paraphrase_touches_that_elsewhere_would_not() -> None:
    asked = "Quelle pénalité l'arbitre inflige-t-il pour un coup illégal ?"
    again = "Quelle pénalité inflige un arbitre quand un coup illégal est joué ?"
    same = [Node("a", asked, ("p",)), Node("g", again, ("p",), gold=True)]
    elsewhere = [same[0], Node("g", again, ("other",), gold=True)]
    assert [touch.why for touch in touching(same, DEFAULTS)] == ["one paraphrases the other about the same passage"]
    assert touching(elsewhere, DEFAULTS) == []


def test_every_touching_pair_is_told_once_the_most_similar_first() -> None:
    nodes = [
        Node("a", "Qui signe la feuille de partie ?", ("p",)),
        Node("b", "Qui signe la feuille de partie du tournoi ?", ("p",)),
        Node("g", "La feuille de partie, qui la signe ?", ("p",), gold=True),
    ]
    assert [(t.gold, t.train, t.similarity) for t in touching(nodes, DEFAULTS)] == [(2, 0, 1.0), (2, 1, 0.8)]
    assert touching(nodes[:2], DEFAULTS) == []


def test_without_rows_or_without_gold_nothing_touches_and_nothing_is_connected() -> None:
    alone = [Node("a", "Qui signe la feuille ?", ("p",)), Node("b", "La feuille, qui la signe ?", ("q",))]
    assert touching([], DEFAULTS) == []
    assert touching(alone, DEFAULTS) == []
    assert touching([Node(n.id, n.question, n.passages, gold=True) for n in alone], DEFAULTS) == []
    assert components([], DEFAULTS) == []


@pytest.mark.parametrize("gold", [False, True])
def test_where_all_rows_are_of_one_origin_no_question_is_read(gold: bool) -> None:
    unreadable = object()  # reading it as a text fails
    assert touching([Node("a", unreadable, ("p",), gold=gold), Node("b", unreadable, ("p",), gold=gold)], DEFAULTS) == []


def test_a_touch_says_why_and_how_similar_to_four_digits() -> None:
    nodes = [Node("a", "tour roi dame", ("p",)), Node("g", "tour roi dame pion cavalier fou", ("q",), gold=True)]
    (touch,) = touching([nodes[1], Node("b", "tour roi dame cavalier fou blitz", ("p",))], BuildSettings(near_duplicate=0.7))
    assert (touch.gold, touch.train, touch.similarity) == (0, 1, 0.7143)
    assert touch.why == "the questions nearly repeat each other"
    assert touching(nodes, BuildSettings(near_duplicate=0.7)) == []


@pytest.mark.parametrize(("limit", "is_one"), [(0.5, True), (0.51, False)])
def test_about_one_passage_the_limit_itself_is_a_paraphrase(limit: float, is_one: bool) -> None:
    nodes = [Node("a", "tour roi dame", ("p",)), Node("g", "tour roi fou", ("p",), gold=True)]  # 2 of 4 words in common
    at = BuildSettings(same_passage_duplicate=limit)
    assert bool(touching(nodes, at)) is is_one
    assert (len(set(components(nodes, at))) == 1) is is_one


def test_rows_of_one_origin_that_share_a_passage_do_not_touch_but_are_connected() -> None:
    nodes = [
        Node("a", "Qui signe la feuille ?", ("p",)), Node("b", "La feuille, qui la signe ?", ("p",)),
        Node("g", "Quand le roque est-il interdit ?", ("p",), gold=True), Node("h", "Le roque est interdit quand ?", ("p",), gold=True),
        Node("i", "Combien de joueurs une équipe compte-t-elle ?", ("p",), gold=True),
    ]  # fmt: skip
    assert touching(nodes, DEFAULTS) == []
    names = components(nodes, DEFAULTS)
    assert names[0] == names[1] != names[2] == names[3] == names[4]


def test_a_component_is_named_by_its_members_and_the_same_name_in_every_version() -> None:
    # the seeded order of the splits follows from the names: another name would move the rows of every dataset
    assert components([Node("a", "Quand ?", ("p",)), Node("b", "Qui ?", ("p",))], DEFAULTS) == [
        "k5b4270eb99be1115",
        "k5b4270eb99be1115",
    ]


@pytest.mark.parametrize(
    ("names", "share", "in_test"),
    [
        ("aaab", 0.1, "b"),  # a share too small for any still gets the smallest component
        ("abbb", 0.1, "a"),
        ("bbaaa", 0.2, "b"),
        ("aaaab", 0.2, "b"),  # one that fits exactly
        ("aaabb", 0.0, ""),  # no share, no component
        ("aaa", 0.3, ""),  # the only one stays where it is trained on
        ("aaa", 1.0, "a"),
        ("ab", 1.0, "ab"),
    ],
)
def test_a_share_gets_what_fits_and_at_least_the_smallest_component(names: str, share: float, in_test: str) -> None:
    for seed in range(4):
        splits = assign(list(names), [("test", share)], "train", seed)
        assert {name for name, split in zip(names, splits, strict=True) if split == "test"} == set(in_test)


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=200),
    st.floats(0, 0.4),
    st.floats(0, 0.4),
    st.integers(0, 5),
)
@settings(max_examples=80, deadline=None)
def test_no_component_is_cut_and_no_split_is_over_its_share(labels: list[int], test: float, val: float, seed: int) -> None:
    names = [f"k{label}" for label in labels]
    splits = assign(names, [("test", test), ("val", val)], "train", seed)
    of = defaultdict(set)
    for name, split in zip(names, splits, strict=True):
        of[name].add(split)
    assert all(len(found) == 1 for found in of.values())
    for split, share in (("test", test), ("val", val)):
        members = [name for name, chosen in zip(names, splits, strict=True) if chosen == split]
        assert len(members) <= share * len(names) or len(set(members)) == 1
    assert splits == assign(names, [("test", test), ("val", val)], "train", seed)


def test_the_shares_are_met_when_components_are_small_and_the_seed_changes_who_is_in() -> None:
    names = [f"k{n // 3}" for n in range(300)]
    first, second = (assign(names, [("test", 0.2), ("val", 0.1)], "train", seed) for seed in (0, 1))
    assert (first.count("test"), first.count("val")) == (60, 30)
    assert first != second


def test_leaks_are_found_between_any_two_splits() -> None:
    questions = ["Qui signe la feuille ?", "La feuille, qui la signe ?", "Quand joue-t-on ?", "Qui signe la feuille ?"]
    assert leaks(["train", "val", "train", "test"], questions, ["fr"] * 4, 0.8) == [(0, 1, 1.0), (0, 3, 1.0), (1, 3, 1.0)]
    assert leaks(["train"] * 4, questions, ["fr"] * 4, 0.8) == []
