"""Planted faults are caught by name, with the row; --fix quarantines them; the gate reads what is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from curated import Run, gold_rows, human, make_question, small_run, write_gold

from triplette.curate.dataset.build import GoldTouchesTrain, build
from triplette.curate.decisions import read_decisions
from triplette.curate.suites import TABLES, load_suites, suite_hash
from triplette.curate.validation.validate import Validation, check, validate
from triplette.dataset import DatasetRow, load_dataset
from triplette.errors import InputError, MissingStage
from triplette.gate import read_gate
from triplette.profile import load_profile
from triplette.records import Coverage, Rejection, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.settings.build import BuildSettings
from triplette.settings.validate import ValidateSettings
from triplette.tables import read_records, read_table, write_records, write_table

SETTINGS = ValidateSettings(review_quota=0.0, min_score=0.4)


@pytest.fixture
def run() -> Run:
    return small_run(12)


def built(run: Run, tmp_path: Path, *, gold: bool = False) -> RunDir:
    place = run.write(tmp_path / "run")
    build(place, BuildSettings(), gold=write_gold(tmp_path / "gold.jsonl", gold_rows(run)) if gold else None)
    return place


def looked_at(place: RunDir) -> Validation:
    """The checks alone, without Data Docs and files: what most tests ask for, and three times as fast."""
    return check(place, SETTINGS, load_suites(SETTINGS))


def fails(place: RunDir, name: str) -> list[str]:
    """The ids that fail one expectation; only its own table is looked at, which is most of the time saved."""
    suites = load_suites(SETTINGS)
    table = next(item.table for item in suites if item.name == name)
    return failed(check(place, SETTINGS, [item for item in suites if item.table == table]))[name]


def failed(result: Validation) -> dict[str, list[str]]:
    return {item["name"]: item["failing_ids"] for item in result.expectations if not item["success"] and item["severity"] == "critical"}


def change_rows(place: RunDir, change: Callable[[DatasetRow], DatasetRow]) -> None:
    path = place.path("dataset/rows.parquet")
    write_records(path, [change(row) for row in read_records(path, DatasetRow)], DatasetRow)


def test_a_sound_dataset_passes_and_opens_the_gate(run: Run, tmp_path: Path) -> None:
    place = built(run, tmp_path, gold=True)
    result = validate(place, SETTINGS)
    assert failed(result) == {}
    assert result.passed
    assert read_gate(place).open
    content = json.loads(place.path("validation/result.json").read_text())
    assert content["passed"] is True
    assert content["dataset_hash"] == load_dataset(place).hash
    assert content["suite_hash"] == suite_hash(load_suites(SETTINGS), SETTINGS, load_profile("chess-fr"))
    assert {item["suite"] for item in content["expectations"]} == {"chunks", "questions", "triplets", "dataset"}


def test_every_expectation_can_be_computed(run: Run, tmp_path: Path) -> None:
    result = looked_at(built(run, tmp_path))
    assert [outcome.error for outcome in result.outcomes if outcome.error] == []
    assert len(result.outcomes) == len(load_suites(SETTINGS))


def test_the_review_quota_closes_the_gate_until_every_kind_is_reviewed(run: Run, tmp_path: Path) -> None:
    place = built(run, tmp_path, gold=True)
    settings = ValidateSettings()
    result = validate(place, settings)
    assert list(failed(result)) == ["review_quota"]
    assert result.review.strata["factual"].required == 2
    assert [blocker.reason for blocker in read_gate(place).blockers] == ["review quota: 0 of 8 rows reviewed, 8 missing"]
    kinds = {question.id: question.kind for question in run.questions}
    factual = [t for t in run.triplets if kinds[t.question_id] == "factual"]
    run.human = [human(t.id, "keep") for t in factual[:8]]
    build(run.write(tmp_path / "run"), BuildSettings(), gold=tmp_path / "gold.jsonl")
    # eight of one kind are not two of each
    assert validate(place, settings).review.missing == 6
    others = [
        t for kind in ("procedural", "scenario", "definition") for t in [x for x in run.triplets if kinds[x.question_id] == kind][:2]
    ]
    run.human += [human(t.id, "keep") for t in others]
    build(run.write(tmp_path / "run"), BuildSettings(), gold=tmp_path / "gold.jsonl")
    assert validate(place, settings).passed
    assert read_gate(place).open


def test_documents_that_were_read_badly_or_not_at_all_are_named(run: Run, tmp_path: Path) -> None:
    place = built(run, tmp_path, gold=True)
    shares = {"document0.md": (100, 100, 10, 10), "document1.md": (100, 41, 10, 9), "document2.md": (100, 99, 10, 3)}
    rows = [Coverage(name, "another", *counts, (), ()) for name, counts in shares.items()]
    write_records(place.path("coverage.parquet"), rows, Coverage)
    place.write_rejects("synth.chunk", [Rejection("synth.chunk", "plan.pdf", "document", "unreadable", "is encrypted")])
    result = validate(place, SETTINGS)
    assert result.poor_documents() == [
        ("document_read", "plan.pdf"), ("document_words", "document1.md"), ("document_sentences", "document2.md")
    ]  # fmt: skip
    assert result.passed  # they warn: a person decides
    write_records(place.path("coverage.parquet"), rows[:1], Coverage)
    place.write_rejects("synth.chunk", [])
    assert validate(place, SETTINGS).poor_documents() == [("document_checked", "document1.md, document2.md")]


def test_a_rejected_row_counts_as_reviewed(run: Run, tmp_path: Path) -> None:
    kinds = {question.id: question.kind for question in run.questions}
    chosen = [[t for t in run.triplets if kinds[t.question_id] == kind][:2] for kind in sorted(set(kinds.values()))]
    run.human = [human(t.id, "reject") for two in chosen for t in two]
    result = validate(built(run, tmp_path, gold=True), ValidateSettings())
    assert (result.review.done, result.review.missing) == (8, 0)
    assert result.review.strata["factual"].population == 12


def test_planted_paraphrase_across_splits(run: Run, tmp_path: Path) -> None:
    place = built(run, tmp_path)
    data = load_dataset(place)
    tested, trained = data.split("test")[0], data.split("train")[0]
    twisted = " ".join(reversed(tested.question.rstrip(" ?").split())) + " ?"
    change_rows(place, lambda row: replace(row, question=twisted) if row.triplet_id == trained.triplet_id else row)
    found = failed(looked_at(place))
    assert found["no_near_duplicate_across_splits"] == [trained.triplet_id]
    assert found["row_texts"] == [trained.triplet_id]


def test_planted_component_in_two_splits(run: Run, tmp_path: Path) -> None:
    place = built(run, tmp_path)
    train, test = (load_dataset(place).split(split)[0] for split in ("train", "test"))
    change_rows(place, lambda row: replace(row, component=test.component) if row.triplet_id == train.triplet_id else row)
    found = failed(looked_at(place))
    assert train.triplet_id in found["component_in_one_split"]
    assert test.triplet_id in found["component_in_one_split"]


def test_planted_negative_that_is_the_positive(run: Run, tmp_path: Path) -> None:
    # decided: the negative is left out before the build
    first = run.triplets[0]
    planted = replace(first, negatives=(replace(first.negatives[0], chunk_id=first.positive_id), *first.negatives[1:]))
    run.triplets[0] = planted
    run.judge_everything()
    place = built(run, tmp_path, gold=True)
    assert read_decisions(place).by_triplet[first.id].dropped == {first.positive_id: "it is the positive"}
    assert failed(looked_at(place)) == {}
    # and validated: a dataset that has it all the same is caught
    change_rows(place, lambda r: replace(r, negative_ids=(r.positive_ids[0], *r.negative_ids[1:])) if r.triplet_id == first.id else r)
    assert fails(place, "positive_not_among_negatives") == [first.id]


def test_planted_copy_of_the_positive_among_the_negatives_is_known_by_its_text(run: Run, tmp_path: Path) -> None:
    first, original = run.triplets[0], run.chunks[0]
    content = {name: getattr(original, name) for name in type(original).__slots__ if name not in ("id", "sha256")}
    copy = type(original).make(**{**content, "source": "copy.md"})
    run.chunks.append(copy)
    run.triplets[0] = replace(first, negatives=(replace(first.negatives[0], chunk_id=copy.id), *first.negatives[1:]))
    run.judge_everything()
    place = built(run, tmp_path, gold=True)
    assert read_decisions(place).by_triplet[first.id].dropped == {copy.id: "copy: its text is a positive's"}
    assert failed(looked_at(place)) == {}
    change_rows(place, lambda r: replace(r, negative_ids=(copy.id, *r.negative_ids[1:])) if r.triplet_id == first.id else r)
    assert fails(place, "positive_not_among_negatives") == [first.id]


def test_planted_english_row(run: Run, tmp_path: Path) -> None:
    english = run.add(0, "What is the penalty for an illegal move during the game?")
    run.judge_everything()
    place = built(run, tmp_path, gold=True)
    assert fails(place, "question_language") == [english.id]


def test_planted_orphan_chunk_is_rejected_by_name_and_caught_in_a_dataset(run: Run, tmp_path: Path) -> None:
    first, second = run.triplets[0], run.triplets[5]
    run.triplets[0] = replace(first, positive_id="c-nowhere")
    run.triplets[5] = replace(second, negatives=(replace(second.negatives[0], chunk_id="c-nowhere"), *second.negatives[1:]))
    run.judge_everything()
    place = built(run, tmp_path, gold=True)
    rejected = {row.subject_id: row for row in place.read_rejects()}
    assert (rejected[first.id].reason, rejected[first.id].detail) == ("orphan", "no chunk has the id c-nowhere")
    assert rejected[f"{second.id}/c-nowhere"].detail == "orphan: no such chunk"
    assert failed(looked_at(place)) == {"triplet_chunks_known": [second.id]}
    change_rows(place, lambda row: replace(row, positive_ids=("c-nowhere",)) if row.triplet_id == second.id else row)
    found = failed(looked_at(place))
    assert found["row_ids_known"] == [second.id]


def test_planted_gold_question_in_train(run: Run, tmp_path: Path) -> None:
    copied = run.triplets[7]
    gold = [*gold_rows(run), {"question": copied.question, "chunk_id": copied.positive_id}]
    place = run.write(tmp_path / "run")
    with pytest.raises(GoldTouchesTrain, match=re.escape(copied.question)):
        build(place, BuildSettings(), gold=write_gold(tmp_path / "gold.jsonl", gold))
    place = built(run, tmp_path, gold=True)
    moved = load_dataset(place).split("test")[0]
    change_rows(place, lambda row: replace(row, split="train") if row.question_id == moved.question_id else row)
    assert fails(place, "gold_never_trains") == [moved.question_id]


@pytest.mark.parametrize("criterion", ["", "relevance"])
def test_planted_nan_score(run: Run, tmp_path: Path, criterion: str) -> None:
    first = run.triplets[0]
    verdict = run.judge[0]
    scores = tuple(replace(s, value=float("nan")) if s.criterion == criterion else s for s in verdict.scores)
    change = {"scores": scores} if criterion else {"score": float("nan")}
    # a verdict with NaN is not accepted
    run.replace_verdict("judge", first.id, **change)
    place = built(run, tmp_path, gold=True)
    assert {row.subject_id: row.reason for row in place.read_rejects()}[first.id] == "score is not a number in 0..1"
    # one that turns NaN after the build is caught by validation
    run.replace_verdict("judge", first.id, scores=verdict.scores, score=0.9)
    place = built(run, tmp_path, gold=True)
    run.replace_verdict("judge", first.id, **change)
    write_records(place.path("verdicts/judge.parquet"), run.judge, Verdict)
    assert fails(place, "judge_scores_are_numbers") == [first.id]


def test_planted_nan_in_a_ranker_and_in_the_dataset(run: Run, tmp_path: Path) -> None:
    first, second = run.triplets[0], run.triplets[1]
    run.triplets[0] = replace(first, negatives=(*first.negatives[:2], replace(first.negatives[2], dense_score=float("nan"))))
    place = built(run, tmp_path, gold=True)
    change_rows(place, lambda row: replace(row, score=float("nan")) if row.triplet_id == second.id else row)
    found = failed(looked_at(place))
    assert found["ranker_scores_are_numbers"] == [first.id]
    assert found["row_score_is_a_number"] == [second.id]


@pytest.mark.parametrize("name", ["dataset/rows.parquet", "dataset/train.parquet", "triplets.parquet", "verdicts/dedup.parquet"])
@pytest.mark.parametrize("damage", ["cut", "scribbled"])
def test_planted_corrupt_parquet_could_not_run_and_is_named(run: Run, tmp_path: Path, name: str, damage: str) -> None:
    place = built(run, tmp_path)
    path = place.path(name)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"PAR1" + b"\x00" * 60 + b"PAR1")
    with pytest.raises(InputError) as raised:
        validate(place, SETTINGS)
    assert raised.value.where == str(path)
    assert raised.value.exit_code == 2
    assert not place.has("validation/result.json")


def test_a_column_of_another_type_could_not_run_and_is_named(run: Run, tmp_path: Path) -> None:
    place = built(run, tmp_path)
    path = place.path("dataset/rows.parquet")
    table = read_table(path)
    at = table.column_names.index("score")
    write_table(path, table.set_column(at, "score", pa.array(["0.9"] * len(table))))
    with pytest.raises(InputError, match="column score is string, not double"):
        validate(place, SETTINGS)


@pytest.mark.parametrize(
    ("expectation", "change"),
    [
        ("judge_threshold", {"score": 0.2}),
        ("judge_scores_in_range", {"score": 1.5}),
        ("judged", {"subject_kind": "question"}),
    ],
)
def test_what_the_judge_said_after_the_build_is_looked_at(
    run: Run, tmp_path: Path, expectation: str, change: dict[str, object]
) -> None:
    place = built(run, tmp_path, gold=True)
    run.replace_verdict("judge", run.triplets[0].id, **change)
    write_records(place.path("verdicts/judge.parquet"), run.judge, Verdict)
    assert fails(place, expectation) == [run.triplets[0].id]


def test_the_threshold_is_the_lowest_floor_that_the_judge_was_run_with(run: Run, tmp_path: Path) -> None:
    low = run.triplets[0]
    run.replace_verdict("judge", low.id, score=0.45)
    place = built(run, tmp_path, gold=True)
    settings = replace(SETTINGS, min_score=None)
    for floor, expected in ((0.4, []), (0.46, [low.id])):
        floors = {"min_independence": floor, "min_realism": 0.5, "min_clarity": 0.5, "min_relevance": 0.5, "min_other": 0.1}
        place.record("curate.judge", inputs={}, outputs=[], settings=floors, counts={}, seconds=1.0)
        assert failed(check(place, settings, load_suites(settings))).get("judge_threshold", []) == expected


@pytest.mark.parametrize(
    ("text", "expectation"),
    [
        ("Quand le roque numéro 0 est-il permis à la dame", "question_mark"),
        ("Quoi ?", "question_length"),
        ("Quand ? " * 80, "question_length"),
    ],
)
def test_the_form_of_a_question_is_checked(run: Run, tmp_path: Path, text: str, expectation: str) -> None:
    bad = run.add(0, text)
    run.judge_everything()
    assert fails(built(run, tmp_path, gold=True), expectation) == [bad.id]


def test_two_rows_with_one_question_are_both_named(run: Run, tmp_path: Path) -> None:
    twin = run.add(3, run.triplets[0].question.lower().replace("?", ""))
    run.judge_everything()
    assert fails(built(run, tmp_path, gold=True), "question_unique") == [run.triplets[0].id, twin.id]


def test_a_text_that_was_changed_in_train_or_in_the_corpus_is_caught(run: Run, tmp_path: Path) -> None:
    place = built(run, tmp_path)
    path = place.path("dataset/train.parquet")
    table = read_table(path)
    texts = table["negative_2"].to_pylist()
    texts[4] = "Un autre passage."
    write_table(path, table.set_column(table.column_names.index("negative_2"), "negative_2", pa.array(texts)))
    changed = load_dataset(place).split("train")[4]
    assert failed(looked_at(place)) == {"row_texts": [changed.triplet_id]}


def test_synthetic_rows_in_val_where_there_is_gold(run: Run, tmp_path: Path) -> None:
    place = built(run, tmp_path, gold=True)
    moved = load_dataset(place).split("train")[-1]
    change_rows(place, lambda row: replace(row, split="val") if row.triplet_id == moved.triplet_id else row)
    assert fails(place, "eval_is_gold") == [moved.triplet_id]


def test_fix_quarantines_the_failing_rows_builds_again_and_passes(run: Run, tmp_path: Path) -> None:
    english = run.add(0, "What is the penalty for an illegal move during the game?")
    unmarked = run.add(1, "Le cavalier numéro 1 peut-il sauter par-dessus une autre pièce")
    run.judge_everything()
    place = built(run, tmp_path, gold=True)
    result = validate(place, SETTINGS, fix=True)
    assert result.passed
    assert result.fixed["rows"] == 2
    assert (result.fixed["for question_language"], result.fixed["for question_mark"]) == (1, 1)
    rejected = {row.subject_id: (row.step, row.reason, row.detail) for row in place.read_rejects()}
    assert rejected[english.id] == ("curate.validate", "quarantined", "question_language")
    assert rejected[unmarked.id] == ("curate.validate", "quarantined", "question_mark")
    assert english.id not in {row.triplet_id for row in load_dataset(place).rows}
    assert read_gate(place).open
    # decided once, decided for good: nothing is left to fix
    assert validate(place, SETTINGS, fix=True).fixed["rows"] == 0


def test_a_quarantine_ends_when_a_person_rewrites_the_question(run: Run, tmp_path: Path) -> None:
    english = run.add(0, "What is the penalty for an illegal move during the game?")
    run.judge_everything()
    place = built(run, tmp_path, gold=True)
    validate(place, SETTINGS, fix=True)
    run.human = [human(english.id, "keep")]
    assert read_decisions(run.write(place.root)).by_triplet[english.id].reason == "quarantined"
    rewritten = make_question(run.chunks[0], "Quelle est la pénalité pour un coup illégal du roque numéro 0 ?", provider="human")
    run.rewrites = [replace(rewritten, parent=english.question_id)]
    assert read_decisions(run.write(place.root)).by_triplet[english.id].accepted


def test_fix_cures_a_tampered_dataset_by_building_again_and_quarantines_nothing(run: Run, tmp_path: Path) -> None:
    place = built(run, tmp_path, gold=True)
    signed = load_dataset(place).hash
    change_rows(place, lambda row: replace(row, positive_ids=("c-nowhere",)) if row.position == 3 else row)
    result = validate(place, SETTINGS, fix=True)
    assert (result.passed, result.fixed["rebuilt"], result.fixed["rows"]) == (True, True, 0)
    assert load_dataset(place).hash == signed


@pytest.mark.parametrize(
    ("stage", "settings", "said"),
    [
        ("synth.write", {"writer": "rules"}, "synth write --llm"),
        ("synth.write", {"writer": "llm"}, "questions_per_chunk"),
        ("synth.import", {}, "synth import"),
    ],
)
def test_fix_says_what_would_cure_what_it_cannot(run: Run, tmp_path: Path, stage: str, settings: dict[str, str], said: str) -> None:
    place = built(run, tmp_path, gold=True)
    place.record(stage, inputs={}, outputs=[], settings=settings, counts={}, seconds=0.0)
    result = validate(place, replace(SETTINGS, min_train_rows=5000), fix=True)
    assert not result.passed
    told = {name: text for name, text in result.fixed.items() if "what would fix it" in name}
    assert list(told) == ["train_rows still fails; what would fix it"]
    assert said in told["train_rows still fails; what would fix it"]
    cure = result.blockers[0].cure
    assert "under `fixed`" in cure
    assert "--fix" not in cure, "it has just run"


def test_fix_quarantines_a_gold_question_too(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path / "run")
    gold = [*gold_rows(run), {"question": "Is castling allowed for the player in check?", "chunk_id": run.chunks[0].id}]
    build(place, BuildSettings(), gold=write_gold(tmp_path / "gold.jsonl", gold))
    result = validate(place, SETTINGS, fix=True)
    assert (result.passed, result.fixed["rows"]) == (True, 1)
    assert [row.reason for row in place.read_rejects() if row.text.startswith("Is castling")] == ["gold quarantined"]


def test_validation_before_a_build_names_the_command(run: Run, tmp_path: Path) -> None:
    with pytest.raises(MissingStage, match="curate build"):
        validate(run.write(tmp_path), SETTINGS)


def test_a_dataset_that_changed_after_validation_closes_the_gate(run: Run, tmp_path: Path) -> None:
    place = built(run, tmp_path, gold=True)
    validate(place, SETTINGS)
    change_rows(place, lambda row: replace(row, score=0.5))
    assert [blocker.reason for blocker in read_gate(place).blockers] == ["the dataset changed after it was validated"]


def test_the_data_docs_load_nothing_from_the_network_and_link_to_pages_that_exist(run: Run, tmp_path: Path) -> None:
    place = built(run, tmp_path)
    validate(place, SETTINGS)
    site = place.path("validation/data_docs")
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 1 + 2 * len(TABLES)  # the front page, and each table's expectations and results
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"<script\b", text)
        assert not re.search(r"<(?:img|link)\b[^>]*(?:src|href)\s*=\s*[\"']?(?:https?:)?//", text)
        assert not re.search(r"url\(\s*[\"']?(?:https?:)?//", text)
    links = re.findall(r'href="([^"]+)"', (site / "index.html").read_text())
    assert len(links) == len(pages)  # every other page, and the run's front page
    assert all((site / link).is_file() for link in links)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda c: c["tables"]["chunks"][0].update(severty="critical"), "unknown fields severty"),
        (lambda c: c["tables"]["chunks"][0].update(severity="fatal"), "unknown severity 'fatal'"),
        (lambda c: c["tables"]["chunks"][0].pop("cure"), "lacks cure"),
        (lambda c: c["tables"].update(rules=[]), "unknown table 'rules'"),
        (lambda c: c["tables"]["chunks"].append(c["tables"]["chunks"][0]), "two expectations are called chunk_id_present"),
    ],
)
def test_a_suite_with_an_error_is_refused(tmp_path: Path, change: Callable[[dict], object], problem: str) -> None:
    source = Path(__file__).parents[1] / "expectations"
    for path in source.glob("*.json"):
        (tmp_path / path.name).write_text(path.read_text(), encoding="utf-8")
    content = json.loads((tmp_path / "chunks.json").read_text())
    change(content)
    (tmp_path / "chunks.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=problem):
        load_suites(replace(SETTINGS, suites=str(tmp_path)))


def test_an_unknown_triplet_in_the_dataset_is_named(run: Run, tmp_path: Path) -> None:
    place = built(run, tmp_path, gold=True)
    gone = run.triplets[4]
    write_records(place.path("triplets.parquet"), [t for t in run.triplets if t.id != gone.id], Triplet)
    assert fails(place, "triplet_known") == [gone.id]
    write_records(place.path("triplets.parquet"), [], Triplet)
    assert len(fails(place, "triplet_known")) == 48
