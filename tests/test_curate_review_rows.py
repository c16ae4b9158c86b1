"""What a reviewer is shown, what is refused before it is sent, and which rows are chosen."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from curated import Run, human, judged, small_run, verdict
from hypothesis import given, settings
from hypothesis import strategies as st

from triplette.curate.decisions import decide, read_decisions, read_verdicts
from triplette.curate.quota import quota_of
from triplette.curate.review import labels
from triplette.curate.review.choose import ALL, JUDGES, MARGIN, QUOTA, SCORE, choose
from triplette.curate.review.draw import draw
from triplette.curate.review.push import read_queue
from triplette.curate.review.rows import ReviewRow, check_rows, make_row, show_passage
from triplette.curate.review.sample import Candidate, by_subject, quota_sample, spread
from triplette.errors import InputError, MissingStage
from triplette.profile import load_profile
from triplette.rundir import RunDir
from triplette.settings.judge import JudgeSettings
from triplette.settings.review import ReviewSettings

CHESS = load_profile("chess-fr")


@pytest.fixture
def parts() -> Run:
    return small_run(12)


def rows_of(parts: Run, tmp_path: Path, **changes: object) -> tuple[ReviewRow, ...]:
    run = parts.write(tmp_path / "run")
    return read_queue(run, replace(ReviewSettings(), **changes), JudgeSettings(), 0.1, everything=True).rows  # type: ignore[arg-type]


def row_of(rows: tuple[ReviewRow, ...], triplet_id: str) -> ReviewRow:
    return next(row for row in rows if row.triplet_id == triplet_id)


def test_a_passage_says_where_it_stands_and_is_otherwise_untouched(parts: Run) -> None:
    chunk = replace(parts.chunks[0], text="a | b\n<b>*x*</b>", page_start=3, page_end=4)
    assert show_passage(chunk, "sans titre") == f"[{chunk.title} — {chunk.source}, p. 3-4]\n\na | b\n<b>*x*</b>"


def test_a_row_shows_the_question_the_positive_and_each_negative(parts: Run, tmp_path: Path) -> None:
    row = row_of(rows_of(parts, tmp_path), parts.triplets[0].id)
    assert list(row.fields()) == ["question", "positive", "negative_1", "negative_2", "negative_3"]
    assert row.negative_ids == tuple(negative.chunk_id for negative in parts.triplets[0].negatives)
    assert row.metadata["judge_score"] == pytest.approx(0.9)
    assert row.metadata["margin"] == pytest.approx(0.2)
    assert set(row.metadata) <= set(labels.METADATA)


def test_the_judge_suggests_with_its_confidence(parts: Run, tmp_path: Path) -> None:
    triplet = parts.triplets[0]
    parts.replace_verdict("judge", triplet.id, decision="reject", score=0.2, reason="clarity: points into its passage")
    parts.judge[0] = replace(parts.judge[0], scores=judged(triplet, clarity=0.2).scores)
    subject = f"{triplet.id}/{triplet.negatives[1].chunk_id}"
    parts.replace_verdict("negatives", subject, decision="positive", score=0.15)
    found = {s.question: s for s in row_of(rows_of(parts, tmp_path), triplet.id).suggestions}
    assert found[labels.VERDICT].values == ("invalid",)
    assert found[labels.VERDICT].scores == (0.8,)
    assert found[labels.ISSUES].values == ("negative_2_answers", "ambiguous")
    assert found[labels.ISSUES].scores == (0.85, 0.8)


def test_of_several_judges_the_one_who_objects_speaks(parts: Run, tmp_path: Path) -> None:
    triplet = parts.triplets[0]
    parts.judge.append(verdict(triplet.id, "triplet", "reject", judge="llm", judge_name="m", score=0.9, reason="relevance: no"))
    row = row_of(rows_of(parts, tmp_path), triplet.id)
    assert (row.suggestions[0].agent, row.suggestions[0].values, row.metadata["why"]) == ("m", ("invalid",), JUDGES)


def test_negatives_past_the_limit_are_not_shown_and_are_counted(parts: Run, tmp_path: Path) -> None:
    run = parts.write(tmp_path / "run")
    queue = read_queue(run, ReviewSettings(shown_negatives=2), JudgeSettings(), 0.1, everything=True)
    assert queue.negatives == 2
    assert queue.hidden_negatives == len(queue.rows)
    assert all(len(row.negatives) == 2 for row in queue.rows)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"question": "  "}, "the field question is empty"),
        ({"metadata": {"kind": "riddle", "persona": "arbitre", "difficulty": "easy"}}, "kind 'riddle' is not one of"),
        (
            {"metadata": {"kind": "factual", "persona": "arbitre", "difficulty": "easy", "margin": math.nan}},
            "margin nan is not a number",
        ),
        ({"negatives": ("a", "b", "c", "d")}, "4 negatives, the dataset has fields for 3"),
    ],
)
def test_a_row_that_no_desk_takes_is_refused_with_its_id(parts: Run, tmp_path: Path, change: dict[str, object], words: str) -> None:
    row = replace(rows_of(parts, tmp_path)[0], **change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=words) as caught:
        check_rows([row], 3, CHESS)
    assert caught.value.where == row.triplet_id


def test_two_rows_of_one_id_are_refused(parts: Run, tmp_path: Path) -> None:
    row = rows_of(parts, tmp_path)[0]
    with pytest.raises(InputError, match="two rows"):
        check_rows([row, row], 3, CHESS)


def test_an_unknown_suggestion_is_refused(parts: Run, tmp_path: Path) -> None:
    row = rows_of(parts, tmp_path)[0]
    with pytest.raises(InputError, match="not an answer to verdict"):
        check_rows([replace(row, suggestions=(replace(row.suggestions[0], values=("perhaps",)),))], 3, CHESS)


def test_what_is_shown_decides_the_fingerprint(parts: Run, tmp_path: Path) -> None:
    row = rows_of(parts, tmp_path)[0]
    assert row.fingerprint == replace(row).fingerprint
    assert row.fingerprint != replace(row, question="Autre ?").fingerprint
    assert row.fingerprint != replace(row, metadata={**row.metadata, "judge_score": 0.1}).fingerprint


def test_the_queue_needs_triplets(run: RunDir) -> None:
    with pytest.raises(MissingStage, match=r"chunks\.parquet"):
        read_queue(run, ReviewSettings(), JudgeSettings(), 0.1)


def test_nothing_to_review_says_what_to_run(parts: Run, tmp_path: Path) -> None:
    parts.judge.clear()
    run = parts.write(tmp_path / "run")
    with pytest.raises(InputError, match="nothing to review"):
        read_queue(run, ReviewSettings(active_share=0.0), JudgeSettings(), 0.1)


def test_the_quota_fills_every_kind_as_the_gate_counts(parts: Run, tmp_path: Path) -> None:
    run = parts.write(tmp_path / "run")
    decisions = read_decisions(run)
    chosen = quota_sample(run, decisions, quota=0.3, surplus=0.0, seed=0)
    kinds = {row.triplet.id: row.question.kind for row in decisions.accepted}
    state = quota_of(kinds, chosen, 0.3)
    assert state.missing == 0
    assert len(chosen) == state.required


def test_what_people_already_decided_is_taken_first(parts: Run, tmp_path: Path) -> None:
    parts.human = [human(triplet.id, "keep") for triplet in parts.triplets[:20]]
    run = parts.write(tmp_path / "run")
    chosen = quota_sample(run, read_decisions(run), quota=0.3, surplus=0.0, seed=0)
    reviewed = {triplet.id for triplet in parts.triplets[:20]}
    before = quota_sample(small_run(12).write(tmp_path / "other"), read_decisions(run), quota=0.3, surplus=0.0, seed=0)
    assert len(reviewed & set(chosen)) >= len(reviewed & set(before))
    assert len(reviewed & set(chosen)) >= 12


def test_a_row_on_which_people_are_unsure_fills_no_quota(parts: Run, tmp_path: Path) -> None:
    run = parts.write(tmp_path / "run")
    first = quota_sample(run, read_decisions(run), quota=0.2, surplus=0.0, seed=0)
    parts.human = [human(first[0], "unsure")]
    run = parts.write(tmp_path / "again")
    second = quota_sample(run, read_decisions(run), quota=0.2, surplus=0.0, seed=0)
    assert first[0] not in second
    assert len(second) >= len(first) - 1


@given(
    sizes=st.lists(st.tuples(st.sampled_from(["a.md", "b.md", "c.md"]), st.integers(0, 3), st.booleans()), max_size=60),
    count=st.integers(0, 70),
    seed=st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_the_sample_has_its_size_no_doubles_and_no_stratum_far_from_its_share(
    sizes: list[tuple[str, int, bool]], count: int, seed: int
) -> None:
    candidates = [Candidate(f"t{n}", "factual", (source, band), seen) for n, (source, band, seen) in enumerate(sizes)]
    chosen = spread(candidates, count, seed)
    assert len(chosen) == len(set(chosen)) == min(count, len(candidates))
    if chosen:
        strata = Counter(one.stratum for one in candidates)
        taken = Counter(next(one.stratum for one in candidates if one.triplet_id == name) for name in chosen)
        for stratum, size in strata.items():
            assert abs(taken[stratum] - len(chosen) * size / len(candidates)) < 1


def test_the_lot_depends_on_id_seed_and_purpose_alone() -> None:
    assert draw("t1", 0) == draw("t1", 0)
    assert len({draw("t1", 0), draw("t2", 0), draw("t1", 1), draw("t1", 0, "overlap")}) == 4
    assert 0 <= draw("t1", 0) < 1


def choose_of(parts: Run, quota: list[str], **changes: object) -> dict[str, str]:
    verdicts = read_verdicts(RunDir(Path("/nonexistent")))
    verdicts = replace(verdicts, judge=parts.judge, negatives=parts.negatives, dedup=parts.dedup, human=parts.human)
    decisions = decide(parts.triplets, parts.questions, parts.chunks, verdicts)
    made = replace(ReviewSettings(), **changes)  # type: ignore[arg-type]
    chosen = choose(decisions, quota, by_subject(parts.judge), made, JudgeSettings())
    return {item.decision.triplet.id: item.why for item in chosen}


def test_quota_comes_first_then_the_doubtful_rows(parts: Run) -> None:
    doubtful = parts.triplets[5]
    parts.replace_verdict("judge", doubtful.id, scores=judged(doubtful, clarity=0.5).scores)
    chosen = choose_of(parts, [parts.triplets[0].id], active_share=1 / len(parts.triplets))
    assert list(chosen.items()) == [(parts.triplets[0].id, QUOTA), (doubtful.id, SCORE)]


def test_rankers_that_disagree_and_small_margins_are_doubtful(parts: Run) -> None:
    parts.triplets[3] = replace(parts.triplets[3], positive_bm25_rank=1, positive_dense_rank=80)
    near = parts.triplets[7]
    parts.triplets[7] = replace(near, negatives=(replace(near.negatives[0], margin=0.001), *near.negatives[1:]))
    chosen = choose_of(parts, [], active_share=1.0, borderline=0.05)
    assert chosen[parts.triplets[3].id] == "rankers"
    assert chosen[parts.triplets[7].id] == MARGIN


def test_what_people_have_judged_is_no_longer_doubtful(parts: Run) -> None:
    doubtful = parts.triplets[5]
    parts.replace_verdict("judge", doubtful.id, scores=judged(doubtful, clarity=0.5).scores)
    parts.human = [human(doubtful.id, "keep")]
    assert doubtful.id not in choose_of(parts, [], active_share=1.0, borderline=0.01)


def test_all_shows_every_row_and_the_overlap_is_about_its_share(parts: Run, tmp_path: Path) -> None:
    rows = rows_of(parts, tmp_path, overlap_share=0.5)
    assert len(rows) == len(parts.triplets)
    assert 0.25 < sum(row.several for row in rows) / len(rows) < 0.75
    assert {row.metadata["why"] for row in rows} == {QUOTA, MARGIN, ALL}


def test_a_score_that_is_no_number_is_left_out_and_the_row_is_shown(parts: Run, tmp_path: Path) -> None:
    parts.replace_verdict("judge", parts.triplets[0].id, score=math.nan)
    row = row_of(rows_of(parts, tmp_path), parts.triplets[0].id)
    assert "judge_score" not in row.metadata


def test_make_row_of_an_unjudged_triplet_suggests_nothing(parts: Run) -> None:
    verdicts = read_verdicts(RunDir(Path("/nonexistent")))
    decisions = decide(parts.triplets, parts.questions, parts.chunks, verdicts)
    row = make_row(decisions.rows[0], decisions, (), {}, why=ALL, shown_negatives=5)
    assert row.suggestions == ()
    assert row.metadata["judge"] == "unjudged"
