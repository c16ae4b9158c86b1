"""The review quota: what counts as reviewed, by kind, and that a surplus in one kind fills no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from curated import Run, human, small_run

from triplette.curate.quota import Quota, Stratum, quota_of, read_quota, reviewed_triplets
from triplette.dataset import DatasetRow
from triplette.errors import MissingStage
from triplette.records import Question
from triplette.rundir import RunDir
from triplette.tables import write_records


def test_the_share_is_rounded_up_and_a_float_too_long_asks_for_no_row_more() -> None:
    kinds = {f"t{n}": "factual" for n in range(30)}
    assert quota_of(kinds, [], 0.1).required == 3  # 0.1 * 30 is a little over 3
    assert quota_of(dict(list(kinds.items())[:21]), [], 0.1).required == 3
    assert quota_of({"t": "factual"}, [], 0.1).required == 1
    assert quota_of(kinds, [], 0.0).required == 0


def test_kinds_are_told_apart_in_order_and_a_surplus_fills_no_other() -> None:
    kinds = {"a": "x", "b": "x", "c": "x", "d": "a", "e": "a"}
    quota = quota_of(kinds, ["a", "b", "c", "c", "elsewhere"], 0.5)
    assert list(quota.strata) == ["a", "x"]
    assert quota.strata == {"a": Stratum(2, 1, 0), "x": Stratum(3, 2, 3)}
    assert (quota.required, quota.done, quota.missing) == (3, 3, 1)
    assert quota.strata["x"].missing == 0


def test_what_validation_keeps_of_it() -> None:
    quota = Quota(0.1, {"a": Stratum(20, 2, 1), "b": Stratum(5, 1, 3)})
    assert quota.as_json() == {
        "quota": 0.1, "required": 3, "done": 4, "missing": 1,
        "strata": {
            "a": {"population": 20, "required": 2, "done": 1, "missing": 1},
            "b": {"population": 5, "required": 1, "done": 3, "missing": 0},
        },
    }  # fmt: skip


def test_keep_and_reject_are_reviews_unsure_and_negatives_are_not() -> None:
    verdicts = [human("t1", "keep"), human("t2", "reject"), human("t3", "unsure"), human("t4/c1", "keep", kind="negative")]
    assert reviewed_triplets(verdicts) == {"t1", "t2"}


def built(tmp_path: Path, parts: Run, *, gold: int = 0, out: tuple[int, ...] = ()) -> RunDir:
    """A run whose dataset has every triplet in train but those of ``out``, and ``gold`` rows of people in train and test."""
    run = parts.write(tmp_path / "run")
    questions = {question.id: question for question in parts.questions}

    def row(position: int, split: str, origin: str) -> DatasetRow:
        triplet = parts.triplets[position]
        question = questions[triplet.question_id]
        return DatasetRow(
            split=split, position=position, question_id=question.id, triplet_id=triplet.id, question=question.text,
            positive_ids=(triplet.positive_id,), negative_ids=(), kind=question.kind, persona="p", difficulty="easy", writer="w",
            source="s", origin=origin, component=f"k{position}", score=1.0, review="",
        )  # fmt: skip

    rows = [row(i, "train", "synthetic") for i in range(len(parts.triplets)) if i not in out]
    rows += [row(i, split, "gold") for i in range(gold) for split in ("train", "test")]
    rows += [row(i, "test", "synthetic") for i in out]
    write_records(run.path("dataset/rows.parquet"), rows, DatasetRow)
    return run


def test_the_population_is_the_synthetic_train_rows(tmp_path: Path) -> None:
    parts = small_run(6)
    run = built(tmp_path, parts, gold=2, out=(5,))
    quota = read_quota(run, 1.0)
    count = len(parts.triplets) - 1
    assert sum(stratum.population for stratum in quota.strata.values()) == count
    assert (quota.required, quota.done, quota.missing) == (count, 0, count)


def test_a_row_that_people_refused_counts_as_reviewed_though_no_dataset_holds_it(tmp_path: Path) -> None:
    parts = small_run(6)
    refused, kept, elsewhere = parts.triplets[5], parts.triplets[0], parts.triplets[4]
    parts.human = [human(refused.id, "reject"), human(kept.id, "keep"), human(elsewhere.id, "keep"), human("t-gone", "reject")]
    quota = read_quota(built(tmp_path, parts, out=(4, 5)), 1.0)
    count = len(parts.triplets) - 1
    assert sum(stratum.population for stratum in quota.strata.values()) == count, "those of train and the refused one"
    assert "unknown" not in quota.strata, "a refused row is of its question's kind"
    assert (quota.done, quota.missing) == (2, count - 2), "a row that is in no split, and one the run has lost, count for nothing"


def test_a_refused_row_whose_question_is_lost_is_of_an_unknown_kind(tmp_path: Path) -> None:
    parts = small_run(4)
    refused = parts.triplets[3]
    parts.human = [human(refused.id, "reject")]
    run = built(tmp_path, parts, out=(3,))
    write_records(run.path("questions.parquet"), [q for q in parts.questions if q.id != refused.question_id], Question)
    assert read_quota(run, 1.0).strata["unknown"] == Stratum(1, 1, 1)


def test_without_reviews_nothing_is_done_and_the_lost_files_do_not_matter(tmp_path: Path) -> None:
    parts = small_run(3)
    parts.human = [human(parts.triplets[0].id, "keep")]
    run = built(tmp_path, parts)
    run.path("triplets.parquet").unlink()
    assert read_quota(run, 1.0).done == 1
    parts.human = [human(parts.triplets[0].id, "reject")]
    run = built(tmp_path / "other", parts)
    run.path("triplets.parquet").unlink()
    with pytest.raises(MissingStage, match=r"triplets\.parquet"):
        read_quota(run, 1.0)


@pytest.mark.parametrize("name", ["dataset/rows.parquet"])
def test_before_a_build_there_is_no_quota(run: RunDir, name: str) -> None:
    with pytest.raises(MissingStage, match="curate build") as caught:
        read_quota(run, 0.1)
    assert name in str(caught.value)
