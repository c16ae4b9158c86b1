"""Each rule of decisions.py, and that what nobody judged stays out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from curated import Run, human, judged, make_question, small_run, verdict

from triplette.curate.decisions import Decision, Verdicts, decide, read_decisions


def outcome(run: Run, triplet_id: str) -> Decision:
    verdicts = Verdicts(run.judge, run.negatives, run.dedup, run.human, (), run.rewrites)
    return decide(run.triplets, run.questions, run.chunks, verdicts).by_triplet[triplet_id]


@pytest.fixture
def run() -> Run:
    return small_run(6)


def test_a_row_that_every_judge_keeps_is_accepted_with_its_negatives_in_order(run: Run) -> None:
    first = run.triplets[0]
    row = outcome(run, first.id)
    assert (row.accepted, row.step, row.reason, row.score) == (True, "", "", 0.9)
    assert [n.chunk_id for n in row.negatives] == [n.chunk_id for n in first.negatives]
    assert row.positives == (first.positive_id,)


@pytest.mark.parametrize(
    ("lacking", "step", "reason"),
    [
        ("judge", "curate.judge", "unjudged"),
        ("negatives", "curate.negatives", "negatives unchecked"),
        ("dedup", "curate.dedup", "not compared"),
    ],
)
def test_a_missing_verdict_fails_closed_and_names_the_command(run: Run, lacking: str, step: str, reason: str) -> None:
    setattr(run, lacking, [])
    row = outcome(run, run.triplets[0].id)
    assert (row.accepted, row.step, row.reason) == (False, step, reason)
    assert "curate " in row.detail


@pytest.mark.parametrize("decision", ["reject", "quarantine", "unsure"])
def test_a_judge_that_does_not_keep_rejects_with_its_reason(run: Run, decision: str) -> None:
    first = run.triplets[0]
    run.replace_verdict("judge", first.id, decision=decision, reason="copies: 9 words in a row")
    row = outcome(run, first.id)
    assert (row.accepted, row.step, row.reason) == (False, "curate.judge", "copies")
    assert row.detail == f"{decision}: copies: 9 words in a row"


def test_two_judges_must_both_keep(run: Run) -> None:
    first = run.triplets[0]
    run.judge.append(judged(first, "reject", 0.2, "unrealistic"))
    row = outcome(run, first.id)
    assert (row.accepted, row.reason, row.score) == (False, "unrealistic", 0.2)


@pytest.mark.parametrize("score", [float("nan"), -0.1, 1.1])
def test_a_score_that_is_no_number_in_range_is_not_accepted(run: Run, score: float) -> None:
    first = run.triplets[0]
    run.replace_verdict("judge", first.id, score=score)
    row = outcome(run, first.id)
    assert (row.accepted, row.step, row.reason) == (False, "curate.judge", "score is not a number in 0..1")


def test_a_person_beats_the_judge_both_ways(run: Run) -> None:
    kept, refused = run.triplets[0], run.triplets[1]
    run.replace_verdict("judge", kept.id, decision="reject", reason="unrealistic")
    run.human = [human(kept.id, "keep"), human(refused.id, "reject")]
    assert outcome(run, kept.id).accepted
    row = outcome(run, refused.id)
    assert (row.accepted, row.step, row.reason) == (False, "curate.review", "rejected by people")


def test_a_person_does_not_bring_a_duplicate_back(run: Run) -> None:
    first = run.triplets[0]
    run.replace_verdict("dedup", first.id, decision="reject", reason=f"duplicate of {run.triplets[1].id}")
    run.human = [human(first.id, "keep")]
    row = outcome(run, first.id)
    assert (row.accepted, row.step, row.reason) == (False, "curate.dedup", "duplicate")


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        (["keep", "keep", "reject"], "keep"),
        (["keep", "reject"], "unsure"),
        (["reject", "reject", "unsure"], "reject"),
        (["keep", "reject", "unsure"], "unsure"),
    ],
)
def test_the_majority_of_reviewers_decides_and_a_tie_is_unsure(run: Run, votes: list[str], expected: str) -> None:
    first = run.triplets[0]
    run.human = [human(first.id, vote, who=f"reviewer{n}") for n, vote in enumerate(votes)]
    row = outcome(run, first.id)
    assert row.human == expected
    assert row.accepted is (expected == "keep")


def test_a_reviewer_who_changed_their_mind_counts_once(run: Run) -> None:
    first = run.triplets[0]
    run.human = [human(first.id, "keep", at="2026-02-02T00:00:00Z"), human(first.id, "reject", at="2026-01-01T00:00:00Z")]
    assert outcome(run, first.id).human == "keep"


def test_a_negative_that_answers_becomes_a_positive_and_an_unsure_one_is_dropped(run: Run) -> None:
    first = run.triplets[0]
    answers, doubtful, kept = (n.chunk_id for n in first.negatives)
    run.replace_verdict("negatives", f"{first.id}/{answers}", decision="positive")
    run.replace_verdict("negatives", f"{first.id}/{doubtful}", decision="unsure", reason="near-duplicate of the positive")
    row = outcome(run, first.id)
    assert row.positives == (first.positive_id, answers)
    assert [n.chunk_id for n in row.negatives] == [kept]
    assert row.dropped[doubtful] == "unsure: near-duplicate of the positive"


def test_a_persons_verdict_on_a_negative_goes_first(run: Run) -> None:
    first = run.triplets[0]
    subject = f"{first.id}/{first.negatives[0].chunk_id}"
    run.human = [human(subject, "positive", kind="negative")]
    assert outcome(run, first.id).positives == (first.positive_id, first.negatives[0].chunk_id)


def test_a_row_whose_every_negative_fell_is_a_pair_and_says_what_became_of_them(run: Run) -> None:
    first = run.triplets[0]
    for negative in first.negatives:
        run.replace_verdict("negatives", f"{first.id}/{negative.chunk_id}", decision="drop", reason="too close")
    row = outcome(run, first.id)
    assert (row.accepted, row.negatives) == (True, ())
    assert list(row.dropped.values()) == ["drop: too close"] * 3


def test_the_duplicate_finder_adds_positives_and_they_leave_the_negatives(run: Run) -> None:
    first = run.triplets[0]
    shared = first.negatives[0].chunk_id
    run.dedup.append(verdict(first.id, "triplet", "positive", chunk_id=shared))
    row = outcome(run, first.id)
    assert row.accepted
    assert row.positives == (first.positive_id, shared)
    assert shared not in [n.chunk_id for n in row.negatives]


def test_an_orphan_chunk_or_question_is_named(run: Run) -> None:
    first, second = run.triplets[0], run.triplets[4]
    lost = first.positive_id
    run.chunks = [chunk for chunk in run.chunks if chunk.id != lost]
    run.questions = [question for question in run.questions if question.id != second.question_id]
    row = outcome(run, first.id)
    assert (row.accepted, row.step, row.reason) == (False, "curate.build", "orphan")
    assert lost in row.detail
    assert second.question_id in outcome(run, second.id).detail


def test_the_newest_rewrite_is_the_question_but_only_with_a_persons_keep(run: Run) -> None:
    first = run.triplets[0]
    original = next(q for q in run.questions if q.id == first.question_id)
    one = replace(make_question(run.chunks[0], "Une première fois ?", provider="human"), parent=original.id)
    two = replace(make_question(run.chunks[0], "Une seconde fois ?", provider="human"), parent=one.id)
    run.rewrites = [one, two]
    row = outcome(run, first.id)
    assert (row.accepted, row.reason, row.question.text) == (False, "rewritten, not kept", "Une seconde fois ?")
    run.human = [human(first.id, "keep")]
    assert outcome(run, first.id).accepted


def test_absent_verdict_files_are_empty_not_an_error(run: Run, tmp_path: object) -> None:
    place = run.write(tmp_path)  # type: ignore[arg-type]
    for name in ("judge", "negatives", "dedup"):
        place.path(f"verdicts/{name}.parquet").unlink()
    decisions = read_decisions(place)
    assert decisions.accepted == []
    assert decisions.reasons() == {("curate.judge", "unjudged"): 24}
    assert decisions.rejected[0].rejections()[0].text == run.triplets[0].question
