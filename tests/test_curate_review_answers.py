"""Answers become verdicts and rewritten questions, the same ones however often and in whatever order they arrive."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from curated import Run, small_run

from triplette.curate.decisions import read_decisions
from triplette.curate.review.answers import ANSWERS, Answer, read_answers, store, to_rewrites, to_verdicts
from triplette.curate.review.pull import agreement, agreement_json
from triplette.hashing import hash_file
from triplette.records import Question, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.tables import read_records

FILES = (ANSWERS, "verdicts/human.parquet", "verdicts/rewrites.parquet")


def answer(triplet: Triplet, reviewer: str = "anne", verdict: str = "valid", **more: object) -> Answer:
    content = {
        "triplet_id": triplet.id,
        "reviewer": reviewer,
        "verdict": verdict,
        "hardness": 0,
        "issues": (),
        "suggested": (),
        "rewrite": "",
        "question_id": triplet.question_id,
        "question": triplet.question,
        "negative_ids": tuple(negative.chunk_id for negative in triplet.negatives),
        "answered_at": "2026-01-01T10:00:00+00:00",
        "desk": "test",
        **more,
    }
    return Answer(**content)  # type: ignore[arg-type]


@pytest.fixture
def parts() -> Run:
    return small_run(6)


@pytest.fixture
def written(parts: Run, tmp_path: Path) -> RunDir:
    return parts.write(tmp_path / "run")


def test_each_word_of_a_reviewer_becomes_its_decision(parts: Run) -> None:
    given = [answer(triplet, verdict=word) for triplet, word in zip(parts.triplets, ("valid", "invalid", "unsure"), strict=False)]
    verdicts = to_verdicts(given)
    assert [(v.judge, v.judge_name, v.decision, v.score) for v in verdicts] == [
        ("human", "anne", "keep", 1.0),
        ("human", "anne", "reject", 0.0),
        ("human", "anne", "unsure", 0.5),
    ]
    assert {v.decided_at for v in verdicts} == {"2026-01-01T10:00:00+00:00"}


def test_hardness_and_issues_are_kept_in_the_verdict(parts: Run) -> None:
    verdict = to_verdicts([answer(parts.triplets[0], hardness=4, issues=("copied", "ambiguous"))])[0]
    assert [(s.criterion, s.value, s.reason) for s in verdict.scores] == [("hardness", 0.75, "4 of 5")]
    assert verdict.reason == "ambiguous, copied"


def test_a_marked_negative_gets_its_own_verdict_by_its_chunk(parts: Run) -> None:
    triplet = parts.triplets[0]
    verdicts = to_verdicts([answer(triplet, issues=("negative_2_answers",))])
    second = triplet.negatives[1].chunk_id
    about = [v for v in verdicts if v.subject_kind == "negative"]
    assert [(v.subject_id, v.chunk_id, v.decision) for v in about] == [(f"{triplet.id}/{second}", second, "positive")]


def test_taking_the_judges_mark_off_keeps_the_negative(parts: Run) -> None:
    triplet = parts.triplets[0]
    about = [v for v in to_verdicts([answer(triplet, suggested=("negative_1_answers",))]) if v.subject_kind == "negative"]
    assert [(v.chunk_id, v.decision) for v in about] == [(triplet.negatives[0].chunk_id, "keep")]


def test_a_rewrite_is_a_new_question_by_a_person_whose_parent_is_the_old_one(parts: Run) -> None:
    triplet = parts.triplets[0]
    by_id = {q.id: q for q in parts.questions}
    (rewritten,) = to_rewrites([answer(triplet, rewrite="  Quand  peut-on roquer ? ")], {triplet.id: triplet}, by_id)
    old = by_id[triplet.question_id]
    assert (rewritten.text, rewritten.parent, rewritten.provider, rewritten.model) == (
        "Quand peut-on roquer ?",
        old.id,
        "human",
        "anne",
    )
    assert (rewritten.kind, rewritten.chunk_id, rewritten.cost) == (old.kind, old.chunk_id, 0.0)
    assert rewritten.id != old.id


@pytest.mark.parametrize("changes", [{"rewrite": ""}, {"rewrite": "same"}, {"rewrite": "Autre ?", "verdict": "invalid"}])
def test_no_rewrite_without_new_words_or_for_an_invalid_row(parts: Run, changes: dict[str, str]) -> None:
    triplet = parts.triplets[0]
    if changes["rewrite"] == "same":
        changes = {"rewrite": f" {triplet.question} "}
    assert to_rewrites([answer(triplet, **changes)], {triplet.id: triplet}, {q.id: q for q in parts.questions}) == []


def test_two_rewrites_form_a_chain_whose_end_is_the_newest(parts: Run, written: RunDir) -> None:
    triplet = parts.triplets[0]
    store(
        written,
        [
            answer(triplet, "bruno", rewrite="Deuxième version ?", answered_at="2026-01-02T00:00:00+00:00"),
            answer(triplet, "anne", rewrite="Première version ?"),
        ],
    )
    chain = read_records(written.path("verdicts/rewrites.parquet"), Question)
    assert [q.text for q in chain] == ["Première version ?", "Deuxième version ?"]
    assert [q.parent for q in chain] == [triplet.question_id, chain[0].id]
    decision = read_decisions(written).by_triplet[triplet.id]
    assert (decision.question.text, decision.human, decision.accepted) == ("Deuxième version ?", "keep", True)


def test_a_reviewer_who_goes_back_to_an_older_wording_makes_no_circle(parts: Run) -> None:
    triplet = parts.triplets[0]
    given = [
        answer(triplet, "anne", rewrite="Version A ?", answered_at="2026-01-01"),
        answer(triplet, "bruno", rewrite="Version B ?", answered_at="2026-01-02"),
        answer(triplet, "anne", rewrite="Version A ?", answered_at="2026-01-03"),
    ]
    chain = to_rewrites(given, {triplet.id: triplet}, {q.id: q for q in parts.questions})
    assert len({q.id for q in chain}) == len(chain)
    assert all(q.parent != q.id for q in chain)


def test_storing_twice_changes_no_byte(parts: Run, written: RunDir) -> None:
    given = [answer(triplet, rewrite="Mieux ?" if n == 0 else "") for n, triplet in enumerate(parts.triplets[:5])]
    first = store(written, given)
    before = {name: hash_file(written.path(name)) for name in FILES}
    second = store(written, given)
    assert (first.new, first.wrote) == (5, True)
    assert (second.new, second.changed, second.unchanged, second.wrote) == (0, 0, 5, False)
    assert {name: hash_file(written.path(name)) for name in FILES} == before


def test_any_order_and_any_cut_ends_in_the_same_files(parts: Run, tmp_path: Path) -> None:
    given = [
        answer(
            triplet, reviewer, verdict, rewrite=f"Version de {reviewer} ?" if n % 3 == 0 else "", answered_at=f"2026-01-0{1 + n % 7}"
        )
        for n, triplet in enumerate(parts.triplets[:10])
        for reviewer, verdict in (("anne", "valid"), ("bruno", "invalid" if n % 4 == 1 else "valid"))
    ]
    hashes = set()
    for seed in range(4):
        run = parts.write(tmp_path / f"run{seed}")
        lot = random.Random(seed)
        shuffled = given[:]
        lot.shuffle(shuffled)
        cut = lot.randrange(len(shuffled))
        store(run, shuffled[:cut])
        store(run, shuffled)
        hashes.add(tuple(hash_file(run.path(name)) for name in FILES))
    assert len(hashes) == 1


def test_a_kill_before_the_answers_file_is_healed_by_the_next_pull(parts: Run, written: RunDir) -> None:
    given = [answer(triplet) for triplet in parts.triplets[:3]]
    store(written, given)
    expected = {name: hash_file(written.path(name)) for name in FILES}
    written.path(ANSWERS).unlink()
    assert store(written, given).new == 3
    assert {name: hash_file(written.path(name)) for name in FILES} == expected


def test_a_changed_mind_replaces_the_answer_and_an_older_one_does_not(parts: Run, written: RunDir) -> None:
    triplet = parts.triplets[0]
    store(written, [answer(triplet, verdict="valid")])
    assert store(written, [answer(triplet, verdict="invalid", answered_at="2026-02-01")]).changed == 1
    assert store(written, [answer(triplet, verdict="valid")]).unchanged == 1
    assert [a.verdict for a in read_answers(written)] == ["invalid"]
    assert [v.decision for v in read_records(written.path("verdicts/human.parquet"), Verdict)] == ["reject"]


def test_a_discarded_answer_is_withdrawn_only_by_the_desk_that_gave_it(parts: Run, written: RunDir) -> None:
    triplet = parts.triplets[0]
    store(written, [answer(triplet)])
    assert store(written, [], [(triplet.id, "anne", "another")]).withdrawn == 0
    assert store(written, [], [(triplet.id, "anne", "test")]).withdrawn == 1
    assert read_answers(written) == []


def test_an_answer_to_a_changed_triplet_is_shown_as_stale_and_counts_for_nothing(parts: Run, written: RunDir) -> None:
    triplet = parts.triplets[0]
    changed = Triplet.make(
        question_id=triplet.question_id,
        question=triplet.question,
        positive_id=triplet.positive_id,
        positive_bm25=1.0,
        positive_bm25_rank=1,
        positive_dense=0.5,
        positive_dense_rank=1,
        encoder="lsa",
        negatives=triplet.negatives[:1],
    )
    assert changed.id != triplet.id
    replaced = replace(parts, triplets=[changed, *parts.triplets[1:]])
    run = replaced.write(written.root)
    assert store(run, [answer(triplet)]).stale == 1
    assert all(row.human == "" for row in read_decisions(run).rows)


def test_agreement_counts_rows_that_several_people_saw_and_measures_beyond_chance(parts: Run) -> None:
    first, second, third = parts.triplets[:3]
    given = [answer(first), answer(first, "bruno"), answer(second), answer(second, "bruno", "invalid"), answer(third)]
    found = agreement(given, resamples=200)
    assert (found.pairs, found.agreed) == (2, 1)
    assert [(k.one, k.other, k.rows, k.kappa.value) for k in found.kappas] == [("anne", "bruno", 2, 0.0)]
    assert agreement([answer(third)]).kappas == ()


def test_perfect_agreement_is_one_and_undefined_agreement_is_null(parts: Run) -> None:
    words = ["valid", "invalid", "valid", "unsure"]
    given = [answer(t, who, word) for t, word in zip(parts.triplets, words, strict=False) for who in ("anne", "bruno")]
    shown = agreement_json(agreement(given, resamples=200))
    assert (shown["alpha"]["value"], shown["kappa"][0]["value"]) == (1.0, 1.0)
    same = [answer(t, who) for t in parts.triplets[:3] for who in ("anne", "bruno")]
    assert agreement_json(agreement(same, resamples=200))["alpha"]["value"] is None
