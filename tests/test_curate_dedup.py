"""One question once: what is found to repeat, what must differ, and what becomes of a cluster."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from curated import human, judged, make_question, make_triplet, verdict
from judged import corpus
from typer.testing import CliRunner

from triplette.curate.cli import app
from triplette.curate.decisions import Decisions, read_decisions
from triplette.curate.same.dedup import dedup
from triplette.curate.same.question import ask_the_same, asked_for, exact_pairs, read_question, vector_pairs, word_pairs
from triplette.domain import domain_of
from triplette.errors import MissingStage
from triplette.languages.fr import LANGUAGE as FRENCH
from triplette.languages.text import plain
from triplette.profile import load_profile
from triplette.records import Chunk, Question, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.settings.dedup import DedupSettings
from triplette.similar import question_keys, word_sets
from triplette.tables import read_records, write_records

SETTINGS = DedupSettings()
CHESS = domain_of(load_profile("chess-fr")).must_agree("fr")


def same(one: str, other: str, *, same_passage: bool = True) -> bool:
    """Whether two questions count as one."""
    return ask_the_same(read_question(one, FRENCH, CHESS), read_question(other, FRENCH, CHESS), same_passage=same_passage)


def judged_run(run: RunDir, rows: list[tuple[str, str, float]], people: dict[int, str] | None = None, **passages: Any) -> Decisions:
    """A run whose rows (question, passage, score) the judge kept, deduplicated; its decisions."""
    chunks = corpus(**passages)
    made: list[tuple[Question, Triplet]] = []
    for text, name, _ in rows:
        question = make_question(chunks[name], text, model=f"m{len(made)}")
        other = next(chunk for key, chunk in chunks.items() if key not in {n for _, n, _ in rows})
        made.append((question, make_triplet(question, [other.id])))
    write_records(run.path("chunks.parquet"), chunks.values(), Chunk)
    write_records(run.path("questions.parquet"), [question for question, _ in made], Question)
    write_records(run.path("triplets.parquet"), [triplet for _, triplet in made], Triplet)
    kept = [judged(triplet, score=score) for (_, triplet), (_, _, score) in zip(made, rows, strict=True)]
    write_records(run.path("verdicts/judge.parquet"), kept, Verdict)
    negatives = [verdict(f"{t.id}/{n.chunk_id}", "negative", "keep", chunk_id=n.chunk_id) for _, t in made for n in t.negatives]
    write_records(run.path("verdicts/negatives.parquet"), negatives, Verdict)
    if people:
        write_records(run.path("verdicts/human.parquet"), [human(made[i][1].id, said) for i, said in people.items()], Verdict)
    dedup(run, SETTINGS)
    return read_decisions(run)


A = "Au bout de combien de minutes un joueur absent est-il déclaré forfait ?"
A2 = "Au bout de combien de minutes un joueur absent est-il déclaré forfait?"
B = "Quelle main appuie sur la pendule après le coup ?"


def test_a_duplicate_is_caught_named_and_lost_nowhere(run: RunDir) -> None:
    decisions = judged_run(run, [(A, "retard", 0.8), (A2, "retard", 0.9), (B, "pendule", 0.9)])
    accepted = [row.question.text for row in decisions.accepted]
    (fallen,) = decisions.rejected
    assert sorted(accepted) == sorted([A2, B])  # the best-judged survives
    assert (fallen.step, fallen.reason, fallen.question.text) == ("curate.dedup", "duplicate", A)
    assert "the same words" in fallen.detail
    assert fallen.group


def test_every_compared_row_gets_exactly_one_verdict_of_its_own(run: RunDir) -> None:
    judged_run(run, [(A, "retard", 0.8), (A2, "retard", 0.9), (B, "pendule", 0.9)])
    found = read_records(run.path("verdicts/dedup.parquet"), Verdict)
    assert Counter(v.decision for v in found) == {"keep": 2, "reject": 1}
    assert len({v.subject_id for v in found}) == 3


def test_a_row_that_a_person_kept_survives_a_better_judged_one(run: RunDir) -> None:
    decisions = judged_run(run, [(A, "retard", 0.6), (A2, "retard", 0.9)], people={0: "keep"})
    assert [row.question.text for row in decisions.accepted] == [A]


def test_one_question_over_few_passages_gets_several_positives(run: RunDir) -> None:
    decisions = judged_run(run, [(A, "retard", 0.9), (A, "appel", 0.8)])
    (row,) = decisions.accepted
    names = {chunk.id: chunk.title for chunk in decisions.chunks.values()}
    assert [names[one] for one in row.positives] == ["Retards et forfaits", "Les appels"]


def test_one_question_over_many_passages_is_ambiguous_and_wholly_rejected(run: RunDir) -> None:
    decisions = judged_run(run, [(A, name, 0.9) for name in ("retard", "appel", "elo", "pendule")])
    assert not decisions.accepted
    assert {(row.reason, row.detail) for row in decisions.rejected} == {("ambiguous", "ambiguous: asked over 4 passages")}


def test_a_person_may_keep_what_would_be_ambiguous(run: RunDir) -> None:
    decisions = judged_run(run, [(A, name, 0.9) for name in ("retard", "appel", "elo", "pendule")], people={2: "keep"})
    (row,) = decisions.accepted
    assert row.human == "keep"
    assert len(row.positives) == 4


def test_passages_that_say_the_same_count_as_one(run: RunDir) -> None:
    text = corpus()["retard"].text
    copies = {name: {"text": f"{text} Édition {name}."} for name in ("appel", "elo", "pendule")}
    decisions = judged_run(run, [(A, name, 0.9) for name in ("retard", "appel", "elo", "pendule")], **copies)
    (row,) = decisions.accepted
    assert len(row.positives) == 4
    assert {other.reason for other in decisions.rejected} == {"duplicate"}


def test_what_the_judge_rejected_is_not_compared(run: RunDir) -> None:
    judged_run(run, [(A, "retard", 0.9), (A2, "retard", 0.8)])
    path = run.path("verdicts/judge.parquet")
    rows = read_records(path, Verdict)
    write_records(path, [replace(rows[0], decision="reject", reason="clarity: x"), rows[1]], Verdict)
    result = dedup(run, SETTINGS)
    assert (result.triplets, result.decisions) == (1, {"keep": 1})


def test_a_rewritten_question_is_compared_as_it_stands_now(run: RunDir) -> None:
    decisions = judged_run(run, [(A, "retard", 0.9), (B, "retard", 0.8)], people={1: "keep"})
    old = decisions.rows[1].question
    rewrite = Question.make(
        **{n: getattr(old, n) for n in Question.__slots__ if n not in ("id", "text", "parent")}, text=A, parent=old.id
    )
    write_records(run.path("verdicts/rewrites.parquet"), [rewrite], Question)
    assert dedup(run, SETTINGS).decisions == {"keep": 1, "reject": 1}


def test_the_same_run_again_does_nothing_and_the_bytes_repeat(run: RunDir) -> None:
    judged_run(run, [(A, "retard", 0.8), (A2, "retard", 0.9), (B, "pendule", 0.9)])
    before = run.path("verdicts/dedup.parquet").read_bytes()
    assert dedup(run, SETTINGS).unchanged
    run.path("ledger.jsonl").unlink()
    assert not dedup(run, SETTINGS).unchanged
    assert run.path("verdicts/dedup.parquet").read_bytes() == before


def test_dedup_before_judging_names_the_command(run: RunDir) -> None:
    write_records(run.path("chunks.parquet"), corpus().values(), Chunk)
    write_records(run.path("questions.parquet"), [], Question)
    write_records(run.path("triplets.parquet"), [], Triplet)
    with pytest.raises(MissingStage, match="curate judge"):
        dedup(run, SETTINGS)


def test_nothing_to_compare_is_no_error(run: RunDir) -> None:
    judged_run(run, [])
    assert read_records(run.path("verdicts/dedup.parquet"), Verdict) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Que vaut un retard de 2 minutes ?", "Que vaut un retard de 3 minutes ?"),
        ("Que vaut un retard de deux minutes ?", "Que vaut un retard de trois minutes ?"),
        ("Que se passe-t-il au 2e coup illégal en rapide ?", "Que se passe-t-il au 2e coup illégal en blitz ?"),
        ("Un joueur peut-il quitter la salle ?", "Un joueur ne peut-il pas quitter la salle ?"),
        ("Qui désigne l'arbitre du tournoi ?", "Quand désigne-t-on l'arbitre du tournoi ?"),
        ("Quel est le nombre minimum de joueurs ?", "Quel est le pourcentage minimum de joueurs ?"),
        ("Que fait l'arbitre avant la ronde ?", "Que fait l'arbitre après la ronde ?"),
        ("Qui nomme le président de la commission ?", "Qui nomme le trésorier de la commission ?"),
        ("Où sont élus les dirigeants ?", "Quand sont élus les dirigeants ?"),
        ("Quelle règle vaut en N1 ?", "Quelle règle vaut en N2 ?"),
    ],
)
def test_one_decisive_word_makes_another_question(one: str, other: str) -> None:
    assert not same(one, other, same_passage=True)
    assert not same(one, other, same_passage=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Qui signe le procès-verbal ?", "Qui doit signer le procès-verbal ?"),
        ("Quelle est la sanction pour un retard ?", "Que se passe-t-il pour un retard ?"),
        ("Combien de joueurs faut-il ?", "Quel est le nombre de joueurs qu'il faut ?"),
    ],
)
def test_other_ways_of_asking_the_same_agree_even_over_different_passages(one: str, other: str) -> None:
    assert same(one, other, same_passage=False)


def test_an_added_word_is_forgiven_over_one_passage_only() -> None:
    one, other = "Qui signe le procès-verbal du match ?", "Qui signe le procès-verbal du match départagé ?"
    assert same(one, other, same_passage=True)
    assert not same(one, other, same_passage=False)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Combien de temps l'arbitre attend-il ?", "how long"),
        ("Combien de joueurs faut-il ?", "how many"),
        ("À quelle date le tournoi commence-t-il ?", "when"),
        ("Qui apparie ?", "who"),
        ("Qu'est-ce qui se passe en cas de retard ?", "consequence"),
        ("Quelle est la sanction d'un retard ?", "consequence"),
        ("Quels titres la FIDE donne-t-elle ?", "which titr"),
        ("Peut-on roquer en échec ?", "whether"),
        ("Où, après la ronde, les feuilles sont-elles déposées ?", "where"),
    ],
)
def test_what_is_asked_for_is_read_off_the_question(question: str, kind: str) -> None:
    assert asked_for(plain(question), FRENCH, CHESS) == kind


def test_each_finder_proposes_its_own_pairs() -> None:
    texts = [A, A2, "Au bout de combien de minutes un joueur absent est-il alors déclaré forfait ?", B]
    assert [(p.left, p.right) for p in exact_pairs(texts)] == [(0, 1)]
    assert {(0, 1), (0, 2), (1, 2)} == {(p.left, p.right) for p in word_pairs(texts, ["fr"] * len(texts), SETTINGS)}
    vectors = np.array([[1, 0], [0.9, 0.436], [0, 1]], dtype=np.float32)
    assert [(p.left, p.right) for p in vector_pairs(vectors, SETTINGS)] == [(0, 1), (0, 1)]  # each sees the other


def test_word_pairs_are_all_pairs_of_that_jaccard_similarity_equal_ones_too() -> None:
    texts = [f"Que vaut la règle {word} du roque au tournoi pour le joueur {n % 7} ?" for n, word in enumerate("abcdefgh" * 6)]
    sets = word_sets(texts, ["fr"] * len(texts))
    wanted = {}
    for left, right in itertools.combinations(range(len(texts)), 2):
        one, other = sets.set_of(left), sets.set_of(right)
        if len(one & other) / len(one | other) >= SETTINGS.jaccard:
            wanted[left, right] = len(one & other) / len(one | other)
    assert {(p.left, p.right): pytest.approx(p.similarity) for p in word_pairs(texts, ["fr"] * len(texts), SETTINGS)} == wanted
    assert min(wanted.values()) < 1.0 == max(wanted.values())


def test_a_pair_that_differs_between_two_that_agree_does_not_part_them() -> None:
    """The three have the same content words; only the middle one is negated."""
    texts = ["Le joueur peut-il roquer ?", "Le joueur ne peut-il pas roquer ?", "Peut-il roquer, le joueur ?"]
    assert (0, 2) in {(p.left, p.right) for p in word_pairs(texts, ["fr"] * len(texts), SETTINGS)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Le bord du tranche-fil vient-il au nez ?", "Le bord du tranche fil vient-il au nez ?"),
        ("Où va le CŒUR du jeu ?", "Ou va le coeur du jeu"),
        ("L’arbitre note-t-il l'heure ?", "l arbitre note t il l heure ?"),
    ],
)
def test_what_the_expectations_call_one_question_is_merged(run: RunDir, one: str, other: str) -> None:
    decisions = judged_run(run, [(one, "retard", 0.8), (other, "pendule", 0.9)])
    texts = [row.question.text for row in decisions.accepted]
    assert len(texts) == 1
    assert question_keys([one])[0] == question_keys([other])[0]


def test_the_command_prints_tables_that_fit_80_columns_and_json(run: RunDir) -> None:
    judged_run(run, [(A, "retard", 0.8), (A2, "retard", 0.9), (B, "pendule", 0.9)])
    result = CliRunner().invoke(app, ["dedup", "--run", str(run.root)], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    assert "duplicates" in result.output
    assert max(map(len, result.output.splitlines())) <= 80
    content = json.loads(CliRunner().invoke(app, ["dedup", "--run", str(run.root), "--json"]).stdout)
    assert (content["triplets"], content["clusters"], content["unchanged"]) == (3, {"duplicates": 1}, True)
