"""The signals and what the rules judge makes of them: each kind of bad question is caught and named, good ones are kept."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import GOOD, chunk, corpus, good_rows, triplet

from triplette.criteria import NAMES
from triplette.curate.judge.passages import Corpus, copied_run, focus, is_figures, read_passage, subject_words
from triplette.curate.judge.rules import decide, judge_by_rules
from triplette.curate.judge.signals import read_signals
from triplette.domain import Domain
from triplette.languages.fr import LANGUAGE as FRENCH
from triplette.languages.text import plain
from triplette.profile import load_profile
from triplette.records import Chunk
from triplette.settings.judge import JudgeSettings

SETTINGS = JudgeSettings()

CHESS = Domain(load_profile("chess-fr"))


def judged(question: str, positive: Chunk, chunks: dict[str, Chunk], **changes: float) -> tuple[str, str]:
    """(decision, reason) of the rules on one question."""
    others = [other for other in chunks.values() if other.id != positive.id][:2]
    _, made = triplet(question, positive, others, **changes)
    scores = judge_by_rules(read_signals(made, positive, Corpus(chunks.values())))
    assert tuple(score.criterion for score in scores) == NAMES
    assert all(0.0 <= score.value <= 1.0 for score in scores)
    decision, reason, _ = decide(scores, SETTINGS)
    return decision, reason


@pytest.mark.parametrize("name", GOOD)
def test_a_good_question_is_kept(name: str) -> None:
    chunks = corpus()
    assert judged(GOOD[name], chunks[name], chunks)[0] == "keep"


@pytest.mark.parametrize(
    ("question", "name", "reason"),
    [
        ("Quel délai ce tableau annonce-t-il pour un retard devant l'échiquier ?", "retard", "clarity: points out of the question"),
        ("Que dit le présent règlement d'un retard devant l'échiquier ?", "retard", "clarity: points out of the question"),
        ("Que prévoit la page 12 en cas de retard devant l'échiquier ?", "retard", "clarity: points out of the question"),
        ("Quel délai de retard vaut selon l'article 6.7 pour un joueur ?", "retard", "clarity: points out of the question"),
        ("Dans ce tournoi, quel retard un joueur peut-il avoir ?", "retard", "clarity: points out of the question"),
        ("Le délai de retard est de trente minutes pour un joueur.", "retard", "realism: does not end with a question mark"),
        ("What happens when a player arrives too late for the first round?", "retard", "realism: not in its passage's language"),
        ("Contre qui joue A1 à la ronde 2 ?", "grille", "realism: asks for a cell of a grid"),
        ("Quel document fixe le délai de retard de la compétition ?", "retard", "realism: about the document"),
        ("Quand le règlement sur le retard est-il entré en vigueur ?", "retard", "realism: about the document"),
        ("Quel est le montant de l'amende pour une pendule mal réglée par l'arbitre ?", "pendule", "relevance: asks for a number"),
        ("Peut-on jouer ?", "retard", "realism: 2 words"),
    ],
)
def test_a_bad_question_is_rejected_with_its_reason(question: str, name: str, reason: str) -> None:
    chunks = corpus()
    decision, said = judged(question, chunks[name], chunks)
    assert (decision, said[: len(reason)]) == ("reject", reason)


def test_a_sentence_of_the_passage_with_a_question_mark_is_a_copy() -> None:
    chunks = corpus()
    question = "L'arbitre corrige-t-il un réglage faux dès qu'il le constate, et décide s'il faut changer l'appareil ?"
    decision, reason = judged(question, chunks["pendule"], chunks)
    assert decision == "reject"
    assert reason.startswith("independence: longest copied run")


def test_a_short_question_may_use_the_terms_of_its_passage() -> None:
    chunks = corpus()
    assert judged("Quand la caution versée est-elle rendue ?", chunks["appel"], chunks)[0] == "keep"


def test_a_passage_that_states_nothing_answers_nothing() -> None:
    stub = corpus(retard={"text": "Liste des retards et des forfaits (12 lignes).", "title": ""})
    decision, reason = judged("Comment un retard ou un forfait est-il sanctionné par l'arbitre ?", stub["retard"], stub)
    assert decision == "reject"
    assert "states nothing" in reason


def test_a_positive_that_no_ranker_finds_is_not_relevant() -> None:
    chunks = corpus()
    lost = {"positive_bm25_rank": 900, "positive_dense_rank": 700}
    decision, reason = judged("Comment faut-il préparer une salle où cent personnes vont jouer ?", chunks["roque"], chunks, **lost)
    assert decision == "reject"
    assert reason.startswith("relevance: BM25 rank 900, dense rank 700")


def test_the_lowest_failing_criterion_gives_the_reason_and_nan_never_passes() -> None:
    chunks = corpus()
    made = good_rows(chunks)[0][1]
    scores = judge_by_rules(read_signals(made, chunks["retard"], Corpus(chunks.values())))
    broken = tuple(replace(score, value=float("nan")) if score.criterion == "realism" else score for score in scores)
    assert decide(broken, SETTINGS)[0] == "reject"


def test_a_demonstrative_points_out_only_when_its_noun_was_not_named() -> None:
    assert FRENCH.points_outside(plain("Cette règle vaut-elle en blitz ?")) == "cette regle"
    assert FRENCH.points_outside(plain("Un joueur quitte un tournoi : peut-il revenir dans ce tournoi ?")) == ""
    assert FRENCH.points_outside(plain("Combien de parties joue-t-on cette saison ?")) == ""
    late = plain("La notation des parties est-elle obligatoire pour tous dans ce tournoi ?")
    assert FRENCH.points_outside(late, CHESS.patterns("fr")) == "ce tournoi"


@pytest.mark.parametrize(
    "text", ["Le document d'identité est-il exigé ?", "Que vaut la règle des 50 coups ?", "Gagne-t-on 0,5 point ?"]
)
def test_ordinary_words_do_not_lean(text: str) -> None:
    assert FRENCH.points_outside(plain(text)) == ""


def test_a_row_of_figures_is_told_from_a_row_of_words() -> None:
    assert is_figures("| A1 - B1 | C2 - D2 | 3 |")
    assert not is_figures("| Arbitre en chef | 85 € par jour |")
    assert read_passage(corpus()["grille"]).grid > 0.9


ASKED = st.lists(st.sampled_from("le la roi dame échec l'arbitre mat".split()), max_size=9)
TOLD = st.lists(st.sampled_from("le la roi dame échec l'arbitre pat".split()), min_size=1, max_size=30)


@given(ASKED, TOLD)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_copied_run_is_the_one_that_comparing_every_pair_finds(asked: list[str], told: list[str]) -> None:
    passage = corpus(roque={"text": " ".join(told), "title": ""})["roque"]
    assert copied_run(" ".join(asked), read_passage(passage), FRENCH) == FRENCH.longest_copied_run(" ".join(asked), " ".join(told))


def test_sums_are_made_in_one_order_whatever_the_set_gives() -> None:
    index = Corpus(corpus().values())
    assert list(index.weights({"roi", "appel", "pendul", "retard"})) == ["appel", "pendul", "retard", "roi"]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(st.lists(st.sampled_from("roi tour fou dame cavalier".split()), max_size=4), max_size=8),
    st.sets(st.sampled_from("roi tour fou dame lune".split())),
)
def test_the_passages_that_hold_some_words_are_counted_as_by_looking_into_each(texts: list[list[str]], asked: set[str]) -> None:
    chunks = [replace(chunk("roque", text=" ".join(words), title=""), id=f"c{place}") for place, words in enumerate(texts)]
    index, tokens = Corpus(chunks), {token for word in asked for token in FRENCH.tokens(word)}
    known = {token for token in tokens if any(token in read_passage(one).held for one in chunks)}
    assert index.holding(tokens) == (sum(known <= read_passage(one).held for one in chunks) if known else 0)
    for token in tokens:
        holders = max(sum(token in read_passage(one).held for one in chunks), 1)
        assert index.rarity(token) == (math.log(len(chunks) / holders) / math.log(len(chunks)) if len(chunks) > 1 else 1.0)


def test_words_that_stand_together_count_more_than_words_apart() -> None:
    chunks = corpus()
    index = Corpus(chunks.values())
    weights = index.weights(subject_words("caution rendue appel accepté", FRENCH))
    assert focus(weights, index.read.of(chunks["appel"])) > focus(weights, index.read.of(chunks["pendule"]))
