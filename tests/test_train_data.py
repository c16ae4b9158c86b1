"""Datasets and BEIR folders as training and evaluation read them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from training_data import chunk, row, rules_dataset, write_dataset

from triplette.contract import CONTRACTS
from triplette.dataset import DatasetRow, load_dataset
from triplette.errors import InputError, MissingStage
from triplette.rundir import RunDir
from triplette.tables import write_records
from triplette.train.data import check_dataset, questions_of, read_beir, training_texts

GEMMA = CONTRACTS["embeddinggemma"]


def small(run: RunDir) -> RunDir:
    chunks = [chunk(f"Texte {n}.", "Roque" if n else "", "a.md", n) for n in range(5)]
    rows = [
        row("train", 0, "Qui ?", chunks[0], [chunks[1], chunks[2]]),
        row("train", 1, "Quoi ?", chunks[3], []),
        row("val", 0, "Où ?", chunks[2], []),
        row("test", 0, "Quand ?", chunks[4], []),
    ]
    write_dataset(run, chunks, rows, negatives=2)
    return run


def test_training_texts_carry_the_prefixes_and_the_title_that_the_phone_uses(run: RunDir) -> None:
    columns = training_texts(load_dataset(small(run)), GEMMA, negatives=1).columns
    assert columns["anchor"][0] == "task: search result | query: Qui ?"
    assert columns["positive"][0] == "title: none | text: Texte 0."
    assert columns["negative_1"][0] == "title: Roque | text: Texte 1."


def test_missing_negatives_are_drawn_from_the_corpus_counted_and_never_an_answer(run: RunDir) -> None:
    dataset = load_dataset(small(run))
    texts = training_texts(dataset, GEMMA, negatives=3)
    assert set(texts.columns) == {"anchor", "positive", "negative_1", "negative_2"}
    assert texts.drawn == 2
    drawn = [texts.columns["negative_1"][1], texts.columns["negative_2"][1]]
    assert len(set(drawn)) == 2
    assert texts.columns["positive"][1] not in drawn
    assert training_texts(dataset, GEMMA, negatives=3).columns == texts.columns


def test_without_negatives_there_are_no_negative_columns(run: RunDir) -> None:
    assert set(training_texts(load_dataset(small(run)), GEMMA, negatives=0).columns) == {"anchor", "positive"}


def test_every_passage_of_the_corpus_is_ranked_and_several_answers_count(run: RunDir) -> None:
    small(run)
    dataset = load_dataset(run)
    rows = [replace(r, positive_ids=(*r.positive_ids, next(iter(dataset.corpus)))) if r.split == "test" else r for r in dataset.rows]
    questions = questions_of(replace(dataset, rows=tuple(rows)), "test")
    assert len(questions.passages) == 5
    assert questions.relevant == ((4, 0),)
    assert questions.groups == (rows[-1].positive_ids[0],)


def test_a_reduced_corpus_keeps_every_answer(tmp_path: Path) -> None:
    dataset = load_dataset(rules_dataset(tmp_path))
    questions = questions_of(dataset, "val", limit=20, passages=50, seed=3)
    assert (len(questions), len(questions.passages)) == (20, 50)
    rows = {r.question_id: r for r in dataset.split("val")}
    for question_id, relevant in zip(questions.ids, questions.relevant, strict=True):
        assert questions.passages.ids[relevant[0]] == rows[question_id].positive_ids[0]


def test_a_dataset_edited_in_one_file_only_is_refused(run: RunDir) -> None:
    dataset = load_dataset(small(run))
    check_dataset(run, dataset)
    rows = [replace(r, question="Autre ?") if r.split == "val" else r for r in dataset.rows]
    write_records(run.path("dataset/rows.parquet"), rows, DatasetRow)
    with pytest.raises(InputError, match=r"row 0 is not what rows\.parquet says"):
        check_dataset(run, load_dataset(run))


def test_no_dataset_names_the_command_that_builds_it(run: RunDir) -> None:
    with pytest.raises(MissingStage, match="curate build"):
        load_dataset(run)


def beir(folder: Path, qrels: str = "query-id\tcorpus-id\tscore\nq1\td2\t2\nq1\td1\t0\nq2\td1\t1\n") -> Path:
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": "d1", "title": "T", "text": "un"}, {"_id": "d2", "text": "deux"}]
    queries = [{"_id": "q1", "text": "a", "metadata": {"kind": "factual"}}, {"_id": "q2", "text": "b"}, {"_id": "q3", "text": "c"}]
    for name, lines in (("corpus", documents), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")
    return folder


def test_a_beir_folder_is_read_with_judgements_above_zero_only(tmp_path: Path) -> None:
    questions = read_beir(beir(tmp_path / "fiqa"))
    assert questions.name == "fiqa"
    assert questions.ids == ("q1", "q2")
    assert questions.relevant == ((1,), (0,))
    assert questions.labels["kind"] == ("factual", "unknown")
    assert questions.passages.formatted(GEMMA)[0] == "title: T | text: un"


def test_a_bad_judgement_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"test\.tsv:2: not query, document, grade"):
        read_beir(beir(tmp_path / "x", "query-id\tcorpus-id\tscore\nq1\tnowhere\t1\n"))


def test_a_folder_that_is_not_beir_is_refused_with_the_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"corpus\.jsonl"):
        read_beir(tmp_path)


def test_cloze_rows_ask_sentences_of_the_corpus_about_their_own_passage(run: RunDir) -> None:
    text = "Le joueur pose la pièce sur la table. L'arbitre note le coup sur la feuille. La partie reprend aussitôt après cela."
    chunks = [chunk(text, "Titre", "a.md", 1), chunk("Autre texte sans phrase", "", "b.md", 2)]
    rows = [
        row("train", 0, "Qui ?", chunks[1], [chunks[0]]),
        row("val", 0, "Où ?", chunks[0], []),
        row("test", 0, "Quoi ?", chunks[0], []),
    ]
    write_dataset(run, chunks, rows)
    texts = training_texts(load_dataset(run), GEMMA, negatives=1, cloze=2)
    assert (len(texts), texts.cloze, texts.drawn) == (3, 2, 0)
    for anchor, positive, negative in list(zip(*texts.columns.values(), strict=True))[1:]:
        sentence = anchor.removeprefix(GEMMA.query_prefix)
        assert sentence in text
        assert positive.startswith("title: Titre | text: ")
        assert set(positive.removeprefix("title: Titre | text: ").split()) <= set(text.split())
        assert negative == "title: none | text: Autre texte sans phrase"
