"""Each rule of decisions.py, and that what nobody judged stays out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from curated import Run, human, judged, make_question, small_run, verdict

from triplette.curate.decisions import VERDICT_FILES, Decision, Verdicts, decide, human_decisions, read_decisions
from triplette.records import Rejection, Score, Verdict
from triplette.tables import write_records


def outcome(run: Run, triplet_id: str) -> Decision:
    verdicts = Verdicts(run.judge, run.negatives, run.dedup, run.human, run.quarantine, run.rewrites)
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
    assert (row.accepted, row.step, row.reason, row.comparable) == (False, step, reason, lacking == "dedup")
    command = "run `curate dedup`" if lacking == "dedup" else "run `curate judge`"
    assert row.detail.endswith(command)
    assert lacking == "negatives" or row.detail == command


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
    run.judge[-1] = judged(first, "keep", 0.7)
    assert (outcome(run, first.id).accepted, outcome(run, first.id).score) == (True, 0.7)


@pytest.mark.parametrize(("votes", "score"), [(["keep"], 1.0), (["reject"], 0.0), ([], 0.0)])
def test_a_row_that_no_judge_saw_scores_1_when_people_keep_it_else_0(run: Run, votes: list[str], score: float) -> None:
    first = run.triplets[0]
    run.judge, run.human = [], [human(first.id, vote) for vote in votes]
    assert outcome(run, first.id).score == score
    run.judge = [judged(first, score=0.7)]
    assert outcome(run, first.id).score == 0.7


def test_a_judges_verdict_on_something_else_than_the_row_does_not_judge_it(run: Run) -> None:
    first = run.triplets[0]
    run.replace_verdict("judge", first.id, subject_kind="negative")
    assert outcome(run, first.id).reason == "unjudged"


@pytest.mark.parametrize("score", [float("nan"), -0.1, 1.1])
def test_a_score_that_is_no_number_in_range_is_not_accepted(run: Run, score: float) -> None:
    first = run.triplets[0]
    run.replace_verdict("judge", first.id, score=score)
    row = outcome(run, first.id)
    assert (row.accepted, row.step, row.reason) == (False, "curate.judge", "score is not a number in 0..1")
    assert row.detail == str(score)
    run.replace_verdict("judge", first.id, score=0.5, scores=(Score("clarity", score, ""),))
    assert outcome(run, first.id).reason == "score is not a number in 0..1", "nor where one criterion has it"


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_both_ends_of_the_range_are_scores(run: Run, score: float) -> None:
    first = run.triplets[0]
    run.replace_verdict("judge", first.id, score=score, scores=(Score("clarity", score, ""),))
    assert outcome(run, first.id).accepted


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
    assert (row.accepted, row.step, row.reason, row.comparable) == (False, "curate.dedup", "duplicate", True)
    assert row.detail == f"duplicate of {run.triplets[1].id}"


def test_a_row_is_of_the_first_group_that_the_duplicate_finder_names(run: Run) -> None:
    first = run.triplets[0]
    assert outcome(run, first.id).group == first.id
    run.replace_verdict("dedup", first.id, group="")
    assert outcome(run, first.id).group == ""
    run.dedup += [verdict(first.id, "triplet", "keep", group="g2"), verdict(first.id, "triplet", "keep", group="g3")]
    assert outcome(run, first.id).group == "g2"


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
    if expected == "unsure":
        assert (row.step, row.reason) == ("curate.review", "people are unsure")
        assert row.detail == "a tie, or a majority of unsure: review it again"


def test_a_reviewer_who_changed_their_mind_counts_once(run: Run) -> None:
    first = run.triplets[0]
    run.human = [human(first.id, "keep", at="2026-02-02T00:00:00Z"), human(first.id, "reject", at="2026-01-01T00:00:00Z")]
    assert outcome(run, first.id).human == "keep"
    run.human = [human(first.id, "keep"), human(first.id, "reject")]
    assert outcome(run, first.id).human == "reject", "at one instant the later in the file"


def test_people_on_rows_and_people_on_negatives_are_told_apart(run: Run) -> None:
    first = run.triplets[0]
    subject = f"{first.id}/{first.negatives[0].chunk_id}"
    run.human = [human(first.id, "reject", kind="negative"), human(subject, "drop", kind="triplet")]
    row = outcome(run, first.id)
    assert (row.accepted, row.human, row.dropped) == (True, "", {})
    assert human_decisions(run.human) == {subject: "drop"}
    assert human_decisions(run.human, "negative") == {first.id: "reject"}


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
    row = outcome(run, first.id)
    assert row.positives == (first.positive_id, first.negatives[0].chunk_id)
    assert row.dropped == {first.negatives[0].chunk_id: "positive: a person"}


@pytest.mark.parametrize("decisions", [("keep", "drop"), ("drop", "keep"), ("drop", "unsure")])
def test_of_several_verdicts_on_a_negative_one_that_does_not_keep_goes_first(run: Run, decisions: tuple[str, str]) -> None:
    first = run.triplets[0]
    chunk = first.negatives[0].chunk_id
    others = [v for v in run.negatives if v.subject_id != f"{first.id}/{chunk}"]
    both = [verdict(f"{first.id}/{chunk}", "negative", said, chunk_id=chunk, reason=said) for said in decisions]
    run.negatives = [*both, *others]
    assert outcome(run, first.id).dropped == {chunk: "drop: drop"}


def test_the_positive_a_lost_passage_and_a_copy_of_the_positive_are_no_negatives(run: Run) -> None:
    first = run.triplets[0]
    itself, lost, copy = first.negatives
    found = replace(first, negatives=(replace(itself, chunk_id=first.positive_id), lost, copy))
    run.triplets[0] = found
    answer = run.chunks[0]
    run.chunks = [
        replace(chunk, sha256=answer.sha256) if chunk.id == copy.chunk_id else chunk
        for chunk in run.chunks
        if chunk.id != lost.chunk_id
    ]
    row = outcome(run, found.id)
    assert row.dropped == {
        first.positive_id: "it is the positive", lost.chunk_id: "orphan: no such chunk", copy.chunk_id: "copy: its text is a positive's",
    }  # fmt: skip
    assert (row.accepted, row.negatives, row.positives) == (True, (), (first.positive_id,))
    assert [(r.step, r.subject_id, r.subject_kind, r.reason, r.detail, r.parent_id) for r in row.rejections()] == [
        ("curate.negatives", f"{found.id}/{chunk}", "negative", code, why, found.id)
        for chunk, code, why in (
            (first.positive_id, "it is the positive", "it is the positive"),
            (lost.chunk_id, "orphan", "orphan: no such chunk"),
            (copy.chunk_id, "copy", "copy: its text is a positive's"),
        )
    ]


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
    assert [n.chunk_id for n in row.negatives] == [n.chunk_id for n in first.negatives[1:]]
    assert row.dropped == {}, "it is a positive now, and nothing was left out"


def test_a_further_positive_may_be_named_with_its_row_and_only_if_the_run_has_it(run: Run) -> None:
    first = run.triplets[0]
    answers = run.chunks[5].id
    run.dedup.append(verdict(f"{first.id}/{answers}", "triplet", "positive", chunk_id=answers))
    run.dedup.append(verdict(first.id, "triplet", "positive", chunk_id="c-lost"))
    run.replace_verdict("dedup", first.id, chunk_id=run.chunks[4].id)
    assert outcome(run, first.id).positives == (first.positive_id, answers), "a keep that names a passage adds none"


def test_an_orphan_chunk_or_question_is_named(run: Run) -> None:
    first, second = run.triplets[0], run.triplets[4]
    lost = first.positive_id
    run.chunks = [chunk for chunk in run.chunks if chunk.id != lost]
    run.questions = [question for question in run.questions if question.id != second.question_id]
    row = outcome(run, first.id)
    assert (row.accepted, row.step, row.reason) == (False, "curate.build", "orphan")
    assert row.detail == f"no chunk has the id {lost}"
    row = outcome(run, second.id)
    assert (row.step, row.reason, row.detail) == ("curate.build", "orphan", f"no question has the id {second.question_id}")
    assert (row.question.id, row.question.text, row.question.chunk_id) == (second.question_id, second.question, second.positive_id)
    assert (row.question.kind, row.question.persona, row.question.model, row.question.cost) == ("unknown", "unknown", "unknown", 0.0)


def quarantined(subject: str, decision: str = "quarantine", evidence: str = "") -> Verdict:
    """What ``curate validate --fix`` writes."""
    return verdict(subject, "triplet", decision, reason="row_unique", evidence=evidence)


def test_a_quarantine_holds_against_everyone_until_the_question_is_rewritten(run: Run) -> None:
    first = run.triplets[0]
    run.human = [human(first.id, "keep")]
    refused = (False, "curate.validate", "quarantined", "row_unique")
    for text in ("", first.question):
        run.quarantine = [quarantined(first.id, evidence=text)]
        row = outcome(run, first.id)
        assert (row.accepted, row.step, row.reason, row.detail) == refused
        assert outcome(run, run.triplets[1].id).accepted
    run.quarantine = [quarantined(first.id, evidence="what was asked before")]
    assert outcome(run, first.id).accepted
    run.quarantine = [quarantined(first.id, decision="keep")]
    assert outcome(run, first.id).accepted


def test_the_newest_rewrite_is_the_question_but_only_with_a_persons_keep(run: Run) -> None:
    first = run.triplets[0]
    original = next(q for q in run.questions if q.id == first.question_id)
    one = replace(make_question(run.chunks[0], "Une première fois ?", provider="human"), parent=original.id)
    two = replace(make_question(run.chunks[0], "Une seconde fois ?", provider="human"), parent=one.id)
    run.rewrites = [one, two]
    row = outcome(run, first.id)
    assert (row.accepted, row.reason, row.question.text) == (False, "rewritten, not kept", "Une seconde fois ?")
    assert (row.step, row.detail) == ("curate.review", "a person must keep the rewritten question")
    run.human = [human(first.id, "keep")]
    assert outcome(run, first.id).accepted


def test_absent_verdict_files_are_empty_not_an_error(run: Run, tmp_path: object) -> None:
    place = run.write(tmp_path)  # type: ignore[arg-type]
    for name in ("judge", "negatives", "dedup"):
        place.path(f"verdicts/{name}.parquet").unlink()
    decisions = read_decisions(place)
    assert decisions.accepted == []
    assert decisions.reasons() == {("curate.judge", "unjudged"): 24}
    first = run.triplets[0]
    assert decisions.rejected[0].rejections() == [
        Rejection("curate.judge", first.id, "triplet", "unjudged", "run `curate judge`", first.question_id, first.question),
        *(Rejection("curate.negatives", f"{first.id}/{n.chunk_id}", "negative", "unchecked", "unchecked: run `curate judge`", first.id)
          for n in first.negatives),
    ]  # fmt: skip


def test_every_verdict_file_of_a_run_is_read_under_its_name(run: Run, tmp_path: Path) -> None:
    kept, refused, rewritten, broken, copied, negative = run.triplets[:6]
    run.human = [human(refused.id, "reject")]
    original = next(q for q in run.questions if q.id == rewritten.question_id)
    run.rewrites = [replace(make_question(run.chunks[0], "Une autre fois ?", provider="human"), parent=original.id)]
    run.replace_verdict("dedup", copied.id, decision="reject", reason=f"duplicate of {kept.id}")
    dropped = negative.negatives[0].chunk_id
    run.replace_verdict("negatives", f"{negative.id}/{dropped}", decision="drop", reason="too close")
    place = run.write(tmp_path)
    write_records(place.path("verdicts/validate.parquet"), [quarantined(broken.id)], Verdict)
    decisions = read_decisions(place)
    assert {row.triplet.id: row.reason for row in decisions.rejected} == {
        refused.id: "rejected by people", rewritten.id: "rewritten, not kept", broken.id: "quarantined", copied.id: "duplicate",
    }  # fmt: skip
    assert kept.id in {row.triplet.id for row in decisions.accepted}
    assert len(decisions.accepted) + len(decisions.rejected) == len(decisions.rows) == 24
    assert decisions.by_triplet[negative.id].dropped == {dropped: "drop: too close"}
    assert decisions.by_triplet[kept.id].rejections() == []
    assert (decisions.human, decisions.quarantined) == (tuple(run.human), {broken.id: "row_unique"})
    judges = {f"verdicts/{name}.parquet" for name in ("judge", "negatives", "dedup")}
    people = {"verdicts/human.parquet", "verdicts/rewrites.parquet"}
    assert set(VERDICT_FILES) == {*judges, *people, "verdicts/validate.parquet"}


def test_reasons_are_counted_the_most_frequent_first_and_then_by_name(run: Run) -> None:
    for position, reason in enumerate(["b", "a", "c: of one", "c: of another"]):
        run.replace_verdict("judge", run.triplets[position].id, decision="reject", reason=reason)
    run.replace_verdict("judge", run.triplets[4].id, decision="reject", reason="")
    verdicts = Verdicts(run.judge, run.negatives, run.dedup)
    counted = decide(run.triplets, run.questions, run.chunks, verdicts).reasons()
    assert list(counted.items()) == [
        (("curate.judge", "c"), 2), (("curate.judge", "a"), 1), (("curate.judge", "b"), 1), (("curate.judge", "reject"), 1),
    ]  # fmt: skip
