"""What a build writes, that it repeats to the byte, refuses what leaks, and loses nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from curated import Run, gold_rows, human, make_question, small_run, verdict, write_gold

from triplette.curate.dataset.build import GoldTouchesTrain, build, negative_columns
from triplette.curate.dataset.exports import push_to_hub
from triplette.dataset import SPLITS, load_dataset
from triplette.errors import InputError, MissingStage, ServiceError
from triplette.hashing import hash_file
from triplette.rundir import RunDir
from triplette.settings.build import BuildSettings
from triplette.tables import read_table

SETTINGS = BuildSettings()


@pytest.fixture
def run() -> Run:
    return small_run()


def reasons(place: RunDir) -> dict[str, tuple[str, str]]:
    return {row.subject_id: (row.step, row.reason) for row in place.read_rejects()}


def test_gold_measures_and_synthetic_trains(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path / "run")
    result = build(place, SETTINGS, gold=write_gold(tmp_path / "gold.jsonl", gold_rows(run)))
    data = load_dataset(place)
    assert result.rows == {"train": 96, "val": 3, "test": 9}
    assert {row.origin for row in data.split("train")} == {"synthetic"}
    assert {row.origin for row in (*data.split("val"), *data.split("test"))} == {"gold"}
    assert result.composition["gold_about_trained_passages"] == 12


def test_questions_that_documents_ask_train_under_their_own_origin_and_are_no_gold_as_well(run: Run, tmp_path: Path) -> None:
    own = {question.id for question in run.questions[:8]}
    run.questions = [replace(q, provider="document") if q.id in own else q for q in run.questions]
    place = run.write(tmp_path / "run")
    gold = gold_rows(run)
    result = build(place, SETTINGS, gold=write_gold(tmp_path / "gold.jsonl", gold))
    data = load_dataset(place)
    rows = [row for split in SPLITS for row in data.split(split)]
    assert {row.question_id for row in rows if row.origin == "document"} == own
    assert result.composition["origins"] == {
        "synthetic": {"train": 88, "val": 0, "test": 0},
        "document": {"train": 8, "val": 0, "test": 0},
        "gold": {"train": 0, "val": 3, "test": 9},
    }
    asked = {**gold[0], "question": run.questions[0].text, "origin": "document"}
    with pytest.raises(GoldTouchesTrain):
        build(place, SETTINGS, gold=write_gold(tmp_path / "both.jsonl", [asked, *gold]))


def test_without_gold_whole_components_are_cut_off(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path)
    build(place, SETTINGS)
    data = load_dataset(place)
    by_split = {split: {row.component for row in data.split(split)} for split in SPLITS}
    passages = {split: {row.positive_ids[0] for row in data.split(split)} for split in SPLITS}
    assert all(by_split.values())
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        assert not by_split[one] & by_split[other]
        assert not passages[one] & passages[other]


def test_the_files_say_what_the_rows_say(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path)
    build(place, SETTINGS)
    data = load_dataset(place)
    for split in SPLITS:
        rows = data.split(split)
        table = read_table(place.path(f"dataset/{split}.parquet")).to_pylist()
        assert [row.position for row in rows] == list(range(len(table)))
        for row, columns in zip(rows, table, strict=True):
            assert columns["anchor"] == row.question
            assert columns["positive"] == data.corpus[row.positive_ids[0]].text
            negatives = [columns[name] for name in columns if name.startswith("negative")]
            assert negatives == ([data.corpus[i].text for i in row.negative_ids] if split == "train" else [])
    assert list(read_table(place.path("dataset/train.parquet")).column_names) == [
        "anchor", "positive", "negative_1", "negative_2", "negative_3",
    ]  # fmt: skip


def test_sentence_transformers_columns_load_with_no_glue(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets import load_dataset as load_hub_dataset

    place = run.write(tmp_path / "run")
    build(place, SETTINGS, gold=write_gold(tmp_path / "gold.jsonl", gold_rows(run)))
    folder, cache = str(place.path("dataset").resolve()), str(tmp_path / "cache")
    # by the data card's configurations, as from the hub
    train = load_hub_dataset(folder, split="train", cache_dir=cache)
    triplets = load_hub_dataset(folder, "triplets", split="train", cache_dir=cache)
    measured = load_hub_dataset(folder, "evaluation", cache_dir=cache)
    assert train.column_names == ["anchor", "positive", "negative_1", "negative_2", "negative_3"]
    assert triplets.column_names == ["anchor", "positive", "negative"]
    assert triplets["negative"][:] == train["negative_1"][:]
    assert {name: part.num_rows for name, part in measured.items()} == {"validation": 3, "test": 9}


def test_the_same_inputs_give_the_same_bytes(run: Run, tmp_path: Path) -> None:
    run.human = [human(run.triplets[0].id, "keep"), human(run.triplets[5].id, "reject")]
    gold = write_gold(tmp_path / "gold.jsonl", gold_rows(run))
    hashes = []
    for name in ("one", "two"):
        place = run.write(tmp_path / name / "run")
        build(place, SETTINGS, gold=gold)
        files = sorted(path for path in place.root.rglob("*") if path.is_file() and path.name not in ("ledger.jsonl", ".lock"))
        hashes.append({path.relative_to(place.root).as_posix(): hash_file(path) for path in files})
    assert hashes[0] == hashes[1]
    assert {"dataset/README.md", "dataset/beir/qrels/test.tsv", "dataset/composition.json", "rejected.parquet"} <= set(hashes[0])


def test_an_unchanged_build_says_so_and_a_new_verdict_ends_that(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path)
    first = build(place, SETTINGS)
    again = build(place, SETTINGS)
    assert (first.unchanged, again.unchanged, again.rows) == (False, True, first.rows)
    run.human = [human(run.triplets[0].id, "reject")]
    changed = build(run.write(tmp_path), SETTINGS)
    assert (changed.unchanged, sum(changed.rows.values())) == (False, 95)


def test_a_gold_question_in_train_is_refused_with_the_pair_and_the_cure(run: Run, tmp_path: Path) -> None:
    copied = run.triplets[3]
    place = run.write(tmp_path / "run")
    gold = write_gold(tmp_path / "gold.jsonl", [*gold_rows(run), {"question": copied.question.upper(), "chunk_id": copied.positive_id}])
    with pytest.raises(GoldTouchesTrain, match="touch in 1 pairs") as raised:
        build(place, SETTINGS, gold=gold)
    assert raised.value.exit_code == 1
    assert raised.value.pairs[0][:3] == (copied.question.upper(), copied.question, 1.0)
    assert "--drop-touching" in raised.value.cure
    assert not place.has("dataset/train.parquet")
    result = build(place, SETTINGS, gold=gold, drop_touching=True)
    assert result.rows["train"] == 95
    assert reasons(place)[copied.id] == ("curate.build", "touches gold")


def test_a_build_after_a_review_uses_the_same_gold_again_unless_told_not_to(run: Run, tmp_path: Path) -> None:
    copied = run.triplets[3]
    gold = write_gold(tmp_path / "gold.jsonl", [*gold_rows(run), {"question": copied.question, "chunk_id": copied.positive_id}])
    build(run.write(tmp_path / "run"), SETTINGS, gold=gold, drop_touching=True)
    run.human = [human(run.triplets[0].id, "reject")]
    again = build(run.write(tmp_path / "run"), SETTINGS)
    assert again.rows["train"] == 94
    assert sum(again.composition["origins"]["gold"].values()) == 13
    without = build(run.write(tmp_path / "run"), SETTINGS, no_gold=True)
    assert sum(without.composition["origins"]["gold"].values()) == 0
    build(run.write(tmp_path / "run"), SETTINGS, gold=gold, drop_touching=True)
    gold.unlink()
    with pytest.raises(InputError, match=r"gold\.jsonl: no such file"):
        build(run.write(tmp_path / "run"), SETTINGS)


def test_held_out_gold_takes_its_passages_out_of_train(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path / "run")
    gold = write_gold(tmp_path / "gold.jsonl", gold_rows(run, 5))
    settings = replace(SETTINGS, gold_chunks="held-out")
    with pytest.raises(GoldTouchesTrain, match="they share a passage, and gold_chunks is held-out"):
        build(place, settings, gold=gold)
    result = build(place, settings, gold=gold, drop_touching=True)
    assert result.rows["train"] == 96 - 5 * 4
    assert result.composition["gold_about_trained_passages"] == 0


def test_a_row_without_a_negative_is_a_row_and_its_random_passages_are_told_apart(run: Run, tmp_path: Path) -> None:
    bare = run.triplets[3]
    for negative in bare.negatives:
        run.replace_verdict(
            "negatives", f"{bare.id}/{negative.chunk_id}", decision="positive" if negative is bare.negatives[0] else "drop"
        )
    place = run.write(tmp_path)
    build(place, SETTINGS)
    dataset = load_dataset(place)
    (row,) = [row for row in dataset.rows if row.triplet_id == bare.id]
    answers = {dataset.corpus[chunk].sha256 for chunk in row.positive_ids}
    assert len(row.positive_ids) == 2
    assert row.hard_ids == ()
    assert not answers & {dataset.corpus[chunk].sha256 for chunk in row.negative_ids}
    if row.split == "train":
        assert row.drawn == len(row.negative_ids) == len(dataset.split("train")[0].negative_ids)
    table = read_table(place.path("dataset/train.parquet")).to_pydict()
    assert all(text for column in table.values() for text in column)


def test_pairs_alone_make_a_dataset(run: Run, tmp_path: Path) -> None:
    for triplet in run.triplets:
        for negative in triplet.negatives:
            run.replace_verdict("negatives", f"{triplet.id}/{negative.chunk_id}", decision="drop")
    place = run.write(tmp_path)
    result = build(place, SETTINGS)
    assert result.rows["train"] > 0
    assert read_table(place.path("dataset/train.parquet")).column_names == ["anchor", "positive"]


def test_every_row_that_fell_out_is_kept_with_its_step_and_reason(run: Run, tmp_path: Path) -> None:
    judged, doubled, refused, bare, lost = run.triplets[:5]
    run.replace_verdict("judge", judged.id, decision="reject", reason="copies: 9 words in a row")
    run.replace_verdict("dedup", doubled.id, decision="reject", reason=f"duplicate of {run.triplets[9].id}")
    run.human = [human(refused.id, "reject")]
    for negative in bare.negatives:
        run.replace_verdict("negatives", f"{bare.id}/{negative.chunk_id}", decision="drop", reason="too close")
    run.questions = [q for q in run.questions if q.id != lost.question_id]
    place = run.write(tmp_path)
    result = build(place, SETTINGS)
    found = reasons(place)
    assert found[judged.id] == ("curate.judge", "copies")
    assert found[doubled.id] == ("curate.dedup", "duplicate")
    assert found[refused.id] == ("curate.review", "rejected by people")
    assert bare.id not in found
    assert found[f"{bare.id}/{bare.negatives[0].chunk_id}"] == ("curate.negatives", "drop")
    assert found[lost.id] == ("curate.build", "orphan")
    # nothing is lost: what went in is in the dataset or among the rejects
    rejected = {row.subject_id for row in place.read_rejects() if row.subject_kind == "triplet"}
    kept = {row.triplet_id for row in load_dataset(place).rows}
    assert kept | rejected == {triplet.id for triplet in run.triplets}
    assert not kept & rejected
    assert result.rejected["curate.judge: copies"] == 1


def test_a_row_with_fewer_negatives_repeats_its_own_and_one_with_several_positives_keeps_them(run: Run, tmp_path: Path) -> None:
    first = run.triplets[0]
    answers, dropped = first.negatives[0].chunk_id, first.negatives[1].chunk_id
    run.replace_verdict("negatives", f"{first.id}/{answers}", decision="positive")
    run.replace_verdict("negatives", f"{first.id}/{dropped}", decision="unsure")
    place = run.write(tmp_path)
    build(place, replace(SETTINGS, val_share=0.0, test_share=0.0))
    row = next(row for row in load_dataset(place).rows if row.triplet_id == first.id)
    assert row.negative_ids == (first.negatives[2].chunk_id,) * 3
    assert row.positive_ids == (first.positive_id, answers)


@pytest.mark.parametrize(
    ("counts", "share", "columns"),
    [
        ([3] * 9 + [1], 0.9, 3),
        ([3] * 8 + [1] * 2, 0.9, 1),
        ([], 0.9, 0),
        ([0] * 5, 0.9, 0),
        ([2] * 5 + [0] * 5, 0.9, 2),
        ([9] * 4, 1.0, 7),
    ],
)
def test_the_number_of_negative_columns(counts: list[int], share: float, columns: int) -> None:
    assert negative_columns([("x",) * n for n in counts], replace(SETTINGS, full_share=share)) == columns


def test_a_rewritten_question_is_what_trains(run: Run, tmp_path: Path) -> None:
    first = run.triplets[0]
    rewritten = replace(make_question(run.chunks[0], "Le roque numéro 0 est-il permis ?", provider="human"), parent=first.question_id)
    run.rewrites, run.human = [rewritten], [human(first.id, "keep")]
    place = run.write(tmp_path)
    build(place, SETTINGS)
    row = next(row for row in load_dataset(place).rows if row.triplet_id == first.id)
    assert (row.question, row.question_id, row.review) == (rewritten.text, rewritten.id, "keep")


def test_gold_lines_that_point_nowhere_or_repeat_are_kept_as_rejected(run: Run, tmp_path: Path) -> None:
    rows = gold_rows(run, 3)
    extra = [
        {"question": "Où est-ce ?", "source": "elsewhere.md", "article": "1"},
        {**rows[0], "source": "document1.md", "article": "2"},
    ]
    place = run.write(tmp_path / "run")
    result = build(place, SETTINGS, gold=write_gold(tmp_path / "gold.jsonl", [*rows, *extra]))
    assert result.gold_lost == 1
    assert reasons(place)["gold.jsonl:4"] == ("curate.build", "gold unmatched")
    assert reasons(place)["gold.jsonl:5"] == ("curate.build", "gold repeated")
    merged = next(row for row in load_dataset(place).rows if row.question == rows[0]["question"])
    assert len(merged.positive_ids) == 2


def test_beir_holds_every_query_and_its_positives(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path / "run")
    build(place, SETTINGS, gold=write_gold(tmp_path / "gold.jsonl", gold_rows(run)))
    folder = place.path("dataset/beir")
    corpus = {json.loads(line)["_id"] for line in (folder / "corpus.jsonl").read_text().splitlines()}
    queries = {json.loads(line)["_id"] for line in (folder / "queries.jsonl").read_text().splitlines()}
    assert (len(corpus), len(queries)) == (24, 108)
    for split, rows in (("train", 96), ("val", 3), ("test", 9)):
        head, *lines = (folder / "qrels" / f"{split}.tsv").read_text().splitlines()
        assert head == "query-id\tcorpus-id\tscore"
        assert len(lines) == rows
        assert all(line.split("\t")[0] in queries and line.split("\t")[1] in corpus for line in lines)


def test_the_card_is_data_not_markup_and_has_a_readable_header(run: Run, tmp_path: Path) -> None:
    import yaml

    run.chunks = [replace(chunk, source="a|b<script>.md") for chunk in run.chunks]
    place = run.write(tmp_path)
    build(place, replace(SETTINGS, name='Règles "2026": essai', licence="cc-by-4.0", contact="Une personne"))
    text = place.path("dataset/README.md").read_text()
    header = yaml.safe_load(text.split("---")[1])
    assert header["pretty_name"] == 'Règles "2026": essai'
    assert header["license"] == "cc-by-4.0"
    assert [config["config_name"] for config in header["configs"]] == ["default", "triplets", "evaluation", "rows", "corpus"]
    assert "a\\|b&lt;script>.md" in text
    for section in ("Purpose", "Provenance", "Quality measures", "Human oversight", "Known limits and bias", "Versions and hashes"):
        assert section in text
    assert "There is no gold" in text


def test_nothing_accepted_says_where_the_rows_fell_out(run: Run, tmp_path: Path) -> None:
    run.judge = []
    place = run.write(tmp_path)
    with pytest.raises(InputError, match=r"no triplet is accepted \(curate.judge unjudged 96\)"):
        build(place, SETTINGS)


def test_missing_verdicts_and_a_corrupt_file_are_named_with_their_cure(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path)
    path = place.path("verdicts/judge.parquet")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="not a readable Parquet file") as raised:
        build(place, SETTINGS)
    assert raised.value.where == str(path)
    path.unlink()
    with pytest.raises(MissingStage, match="curate judge"):
        build(place, SETTINGS)


class _Hub:
    """A hub that notes what it is asked, or refuses."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refuses = refuses

    def create_repo(self, name: str, **options: Any) -> None:
        if self.refuses:
            raise PermissionError("403")
        self.calls.append((name, options))

    def upload_folder(self, **options: Any) -> None:
        self.calls.append((options["repo_id"], options))


def test_pushing_needs_a_token_a_whole_name_and_a_built_dataset(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = run.write(tmp_path)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="is not owner/name"):
        push_to_hub(place, "dataset")
    with pytest.raises(MissingStage, match="curate build"):
        push_to_hub(place, "me/dataset")
    build(place, SETTINGS)
    with pytest.raises(InputError, match="set HF_TOKEN"):
        push_to_hub(place, "me/dataset", api=_Hub())
    monkeypatch.setenv("HF_TOKEN", "a-token")
    with pytest.raises(ServiceError, match="the hub refuses: 403"):
        push_to_hub(place, "me/dataset", api=_Hub(refuses=True))
    hub = _Hub()
    assert push_to_hub(place, "me/dataset", api=hub) == "https://huggingface.co/datasets/me/dataset"
    assert hub.calls[0] == ("me/dataset", {"repo_type": "dataset", "private": True, "exist_ok": True})
    assert hub.calls[1][1]["folder_path"] == str(place.path("dataset"))


def test_one_triplet_of_a_question_that_has_two_keeps_them_in_one_split(run: Run, tmp_path: Path) -> None:
    question = run.questions[0]
    twin = replace(run.triplets[0], id="t-twin", positive_id=run.chunks[9].id)
    run.triplets.append(twin)
    run.judge_everything()
    place = run.write(tmp_path)
    build(place, SETTINGS)
    rows = [row for row in load_dataset(place).rows if row.question_id == question.id]
    assert len(rows) == 2
    assert len({(row.component, row.split) for row in rows}) == 1


def test_a_gold_question_that_validation_quarantined_stays_out(run: Run, tmp_path: Path) -> None:
    from triplette.records import Verdict
    from triplette.tables import write_records

    place = run.write(tmp_path / "run")
    gold = write_gold(tmp_path / "gold.jsonl", gold_rows(run))
    build(place, SETTINGS, gold=gold)
    bad = load_dataset(place).split("test")[0]
    write_records(
        place.path("verdicts/validate.parquet"),
        [verdict(bad.question_id, "question", "quarantine", judge_name="expectations", reason="question_mark")],
        Verdict,
    )
    result = build(place, SETTINGS, gold=gold)
    assert (result.rows["val"] + result.rows["test"], reasons(place)[bad.question_id]) == (11, ("curate.build", "gold quarantined"))


def test_a_triplet_that_a_person_rescued_is_compared_before_it_can_be_left_out(run: Run, tmp_path: Path) -> None:
    rescued = run.triplets[0].id
    run.replace_verdict("judge", rescued, decision="reject", reason="copies: 9 words")
    run.dedup = [verdict for verdict in run.dedup if verdict.subject_id != rescued]
    run.human = [human(rescued, "keep")]
    place = run.write(tmp_path / "run")
    with pytest.raises(MissingStage, match=rescued) as caught:
        build(place, BuildSettings())
    assert "curate dedup" in caught.value.cure
    assert not place.has("dataset/rows.parquet")
