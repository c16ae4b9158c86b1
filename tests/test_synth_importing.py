"""Questions from elsewhere: all four ways to point at a chunk, and what points nowhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from curated import make_chunks

from triplette.errors import InputError, MissingStage
from triplette.jsonl import read_jsonl
from triplette.profile import load_profile
from triplette.records import Chunk, Question
from triplette.resolve import ChunkIndex, Unresolved
from triplette.rundir import RunDir
from triplette.settings.synth import ChunkSettings
from triplette.synth.chunk import chunk_corpus, load_chunks
from triplette.synth.importing import import_questions
from triplette.tables import read_records, write_records

SHARED = Path(__file__).parents[2] / "shared" / "data" / "ffe_llm"
CORPUS = {
    "roque.md": "# Le roque\n\n**3.1** Le roque déplace le roi et une tour en un seul coup, sur la rangée de départ.\n\n"
    "**3.2** Le droit au roque est perdu dès que le roi a bougé, même s'il revient sur sa case.",
    "pendule.txt": "La pendule est posée du côté que choisit l'arbitre avant la partie.\fLe drapeau tombé est constaté par l'arbitre en chef du tournoi.",
}


@pytest.fixture
def chunked(tmp_path: Path) -> RunDir:
    """A run whose chunks come from two small documents."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name, text in CORPUS.items():
        (corpus / name).write_text(text, encoding="utf-8")
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, corpus, ChunkSettings(min_tokens=0, target_tokens=40), load_profile("chess-fr"))
    return run


def jsonl(path: Path, *rows: Mapping[str, Any]) -> Path:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_id_article_page_and_text_all_find_the_chunk(chunked: RunDir, tmp_path: Path) -> None:
    chunks = load_chunks(chunked)
    path = jsonl(
        tmp_path / "q.jsonl",
        {"question": "Quand ?", "chunk_id": chunks[0].id},
        {
            "question": "Le droit au roque peut-il être perdu ?",
            "source": "roque.md",
            "article": "3.2",
            "kind": "factual",
            "persona": "joueur",
        },
        {"question": "Qui constate la chute ?", "source": "pendule.txt", "page": 2},
        {"question": "Où est la pendule ?", "source": "pendule.txt", "text": "La pendule est posée du côté que choisit l’arbitre"},
    )
    result = import_questions(chunked, path)
    assert (result.questions, result.rejected) == (4, {})
    by_id = {chunk.id: chunk for chunk in chunks}
    questions = read_records(chunked.path("questions.parquet"), Question)
    assert [by_id[q.chunk_id].source for q in questions] == [chunks[0].source, "roque.md", "pendule.txt", "pendule.txt"]
    assert "3.2" in by_id[questions[1].chunk_id].articles
    assert by_id[questions[2].chunk_id].page_end == 2
    assert (questions[1].kind, questions[1].persona, questions[0].kind) == ("factual", "joueur", "unknown")


def test_a_search_without_a_question_mark_is_kept_and_said_to_be_refused_later(chunked: RunDir, tmp_path: Path) -> None:
    asked = {"source": "roque.md", "article": "3.1"}
    marked = import_questions(chunked, jsonl(tmp_path / "q.jsonl", {**asked, "question": "droit au roque, conditions ?"}))
    assert marked.notes == ()
    bare = import_questions(
        chunked, jsonl(tmp_path / "k.jsonl", {**asked, "question": "roque interdit"}, {**asked, "question": "Qui roque ? "})
    )
    assert bare.questions == 3
    assert [note.split(":")[0] for note in bare.notes] == ["1 questions end without a question mark ('roque interdit')"]


def test_rows_that_point_nowhere_are_rejected_with_the_reason_and_the_rest_is_kept(chunked: RunDir, tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "q.jsonl",
        {"question": "Bonne ?", "source": "roque.md", "article": "3.1"},
        {"question": "Sans rien ?"},
        {"question": "Autre document ?", "source": "absent.md", "article": "1"},
        {"question": "Autre article ?", "source": "roque.md", "article": "9.9"},
        {"question": "Autre page ?", "source": "pendule.txt", "page": "neuf"},
        {"question": "Autre texte ?", "source": "pendule.txt", "text": "Rien de tel n'est écrit nulle part ici."},
        {"question": "Autre id ?", "chunk_id": "c0"},
        {"question": " Bonne  ? ", "source": "roque.md", "article": "3.1"},
    )
    result = import_questions(chunked, path)
    assert result.questions == 1
    assert result.rejected == {"unmatched": 6, "repeated": 1}
    rejects = [row for row in chunked.read_rejects() if row.step == "synth.import"]
    assert rejects[0].subject_id == "q.jsonl:2"
    assert "neither" in rejects[0].detail
    assert "9.9" in next(row.detail for row in rejects if "article" in row.text)


def test_foreign_chunks_replace_the_runs_and_their_ids_are_understood(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    chunks = jsonl(
        tmp_path / "c.jsonl",
        {"id": "x1", "text": "Le roi est mat.", "source": "a.pdf", "section": "Mat", "article": "1", "page": 3},
        {"id": "x2", "text": "Le roi est mat.", "source": "a.pdf", "section": "Mat"},
    )
    result = import_questions(
        run, jsonl(tmp_path / "q.jsonl", {"question": "Mat ?", "chunk_id": "x1"}, {"question": "Pat ?", "chunk_id": "x2"}), chunks
    )
    (chunk,) = load_chunks(run)
    assert (chunk.title, chunk.page_start, chunk.articles) == ("Mat", 3, ("1",))
    assert result.questions == 2


def test_one_id_for_two_passages_is_an_error(tmp_path: Path) -> None:
    chunks = jsonl(tmp_path / "c.jsonl", {"id": "x", "text": "Un."}, {"id": "x", "text": "Deux."})
    with pytest.raises(InputError, match="two passages") as caught:
        import_questions(RunDir(tmp_path / "run"), jsonl(tmp_path / "q.jsonl", {"question": "A ?", "chunk_id": "x"}), chunks)
    assert caught.value.where.endswith("c.jsonl:2")


@pytest.mark.parametrize(
    ("line", "message"),
    [("{", "not JSON"), ("[1]", "not a JSON object"), ('{"question": 3}', "no question"), ('{"text": "x"}', "no question")],
)
def test_a_bad_line_is_named_before_anything_is_written(chunked: RunDir, tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "A ?", "source": "roque.md", "article": "3.1"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        import_questions(chunked, path)
    assert caught.value.where.endswith("q.jsonl:2")
    assert not chunked.path("questions.parquet").exists()


def test_questions_without_any_chunk_name_the_cure(tmp_path: Path, chunked: RunDir) -> None:
    path = jsonl(tmp_path / "q.jsonl", {"question": "A ?", "chunk_id": "nowhere"})
    with pytest.raises(MissingStage):
        import_questions(RunDir(tmp_path / "empty"), path)
    with pytest.raises(InputError, match="none of the 1") as caught:
        import_questions(chunked, path)
    assert "--chunks" in caught.value.cure


def test_line_separators_inside_a_string_are_no_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes('\ufeff{"question": "a\u2028b ?"}\r\n\n{"question": "c ?"}'.encode())
    assert [(number, row["question"]) for number, row in read_jsonl(path, "{}")] == [(1, "a\u2028b ?"), (3, "c ?")]


def test_an_article_in_several_chunks_gives_the_one_nearest_to_the_question_first(chunked: RunDir) -> None:
    index = ChunkIndex(load_chunks(chunked))
    with pytest.raises(Unresolved, match="page 7"):
        index.resolve({"source": "pendule.txt", "page": 7})
    found = index.resolve({"question": "roi et tour en un seul coup", "source": "roque.md", "article": "3.1"})
    assert "tour" in found[0].text


def test_a_text_longer_than_our_chunks_gives_the_part_that_the_question_is_about() -> None:
    texts = (
        "La pendule reste au milieu de la table pendant toute la partie.",
        "Le joueur note chaque coup sur sa feuille avant de jouer le suivant.",
        "L'arbitre ramasse les feuilles signées à la fin de la ronde.",
        "Le bar du club ferme à vingt heures précises chaque dimanche.",
    )
    chunks = [replace(make_chunks(1)[0], id=f"c{number}", source="a.txt", text=text) for number, text in enumerate(texts)]
    index = ChunkIndex(chunks)
    longer = "\n".join(texts[:3]) + " Rien d'autre n'est prévu."
    for question, wanted in (("Qui ramasse les feuilles ?", "c2"), ("Où reste la pendule ?", "c0"), ("Que note le joueur ?", "c1")):
        assert [chunk.id for chunk in index.resolve({"question": question, "source": "a.txt", "text": longer})] == [wanted]
    with pytest.raises(Unresolved, match="holds the text"):
        index.resolve({"question": "Quand ferme la piscine ?", "source": "a.txt", "text": "La piscine ouvre à midi et ferme le soir."})


@pytest.mark.skipif(not SHARED.exists(), reason="the imported questions are not here")
def test_five_thousand_questions_of_a_large_model_are_all_matched(tmp_path: Path) -> None:
    result = import_questions(RunDir(tmp_path), SHARED / "questions.jsonl", SHARED / "chunks.jsonl", load_profile("chess-fr"))
    assert result.lines == 5631
    assert "unmatched" not in result.rejected
    assert result.questions + result.rejected["repeated"] == 5631


def test_a_second_import_adds_and_replace_replaces(run: RunDir, tmp_path: Path) -> None:
    chunk = make_chunks(1)[0]
    write_records(run.path("chunks.parquet"), [chunk], Chunk)
    texts = []
    for name, text, over in (("a", "Un ?", False), ("b", "Deux ?", False), ("b", "Deux ?", False), ("c", "Trois ?", True)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text(json.dumps({"question": text, "chunk_id": chunk.id}))
        result = import_questions(run, path, replace=over)
        texts.append((result.questions, result.added))
    assert texts == [(1, 1), (2, 1), (2, 0), (1, 1)]
    assert [question.text for question in read_records(run.path("questions.parquet"), Question)] == ["Trois ?"]


def test_new_chunks_do_not_leave_questions_without_theirs(run: RunDir, tmp_path: Path) -> None:
    chunk = make_chunks(1)[0]
    write_records(run.path("chunks.parquet"), [chunk], Chunk)
    first, second, chunks = (tmp_path / name for name in ("a.jsonl", "b.jsonl", "chunks.jsonl"))
    first.write_text(json.dumps({"question": "Un ?", "chunk_id": chunk.id}))
    import_questions(run, first)
    chunks.write_text(json.dumps({"id": "x", "text": "Le roi avance d'une case."}))
    second.write_text(json.dumps({"question": "Deux ?", "chunk_id": "x"}))
    with pytest.raises(InputError, match="1 of the 1 questions of this run are over other chunks") as caught:
        import_questions(run, second, chunks)
    assert "--replace" in caught.value.cure
    assert read_records(run.path("chunks.parquet"), Chunk) == [chunk], "nothing was written"
    assert import_questions(run, second, chunks, replace=True).questions == 1


def test_a_file_without_a_line_says_what_a_line_is(chunked: RunDir, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no question") as caught:
        import_questions(chunked, jsonl(tmp_path / "q.jsonl"))
    assert "chunk_id" in caught.value.cure
