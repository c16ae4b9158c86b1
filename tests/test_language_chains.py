"""Folders in languages without a built-in writer, from documents to a dataset: all that is said and written names the language that it is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from scripted_llm import Call, ScriptedServer, orders, passage, questions
from typer.testing import CliRunner

from triplette.criteria import NAMES
from triplette.curate.cli import app as curate
from triplette.profile import run_profile
from triplette.records import Question
from triplette.rundir import RunDir
from triplette.synth.chunk import load_chunks
from triplette.synth.cli import app as synth
from triplette.tables import read_records

DATA = Path(__file__).parent / "data"
FRENCH = re.compile(r"\b(?:est|dans|avec|quelle?|réponse|titre|négatif|lecteur|arbitre|des)\b|\bla (?:question|règle)", re.I)


@pytest.mark.parametrize(
    ("folder", "questions", "code", "name"),
    [("cycling", "questions.jsonl", "en", "English"), ("huerto", "preguntas.jsonl", "es", "Spanish")],
)
def test_a_folder_becomes_a_dataset_that_says_its_language_and_no_word_of_french(
    folder: str, questions: str, code: str, name: str, tmp_path: Path
) -> None:
    run = str(tmp_path / "run")
    steps = [
        (synth, ["chunk", "--corpus", str(DATA / folder)]),
        (synth, ["import", str(DATA / folder / questions)]),
        (synth, ["mine"]),
        (curate, ["judge"]),
        (curate, ["dedup"]),
        (curate, ["build"]),
        (curate, ["review", "export", str(tmp_path / "sheet.csv"), "--all"]),
    ]
    said = ""
    for app, words in steps:
        result = CliRunner().invoke(app, [*words, "--run", run], standalone_mode=False)
        assert result.exception is None, (words, result.exception)
        said += result.output
    assert f"{name} 100 %" in said
    assert f"note: {name} lacks: the built-in question writer" in " ".join(said.split())
    card = (tmp_path / "run" / "dataset" / "README.md").read_text(encoding="utf-8")
    assert f"language:\n- {code}\n" in card
    for text in (card, said.replace(run, ""), (tmp_path / "sheet.csv").read_text(encoding="utf-8-sig")):
        assert not FRENCH.findall(text)


def bilingual(call: Call) -> str:
    """Writes a question on two words of the passage, and judges everything well, in the language of its instructions."""
    french = "français" in str(call.body["messages"][0]["content"])
    if orders(call):
        words = list(dict.fromkeys(re.findall(r"[a-zàâçéèêëîïôûù]{6,}", passage(call))))
        form = (
            "Que faut-il savoir sur {} avant de parler de {} ?"
            if french
            else "What must a person know about {} before they speak of {}?"
        )
        return questions(*(form.format(words[2 * n % len(words)], words[(2 * n + 1) % len(words)]) for n, _, _ in orders(call)))
    if "Passage 1, tit" in call.user:
        rows = [
            {"number": n, "reason": "-", "evidence": "", "answers": "non" if french else "no"}
            for n in range(1, call.user.count("\nPassage ") + 2)
        ]
        return json.dumps({"passages": rows})
    part = {"reason": "-", "score": 5}
    evidence = " ".join(re.findall(r"(=====PASSAGE-\w+=====)\n(.*?)\n\1", call.user, re.DOTALL)[0][1].split()[:10])
    return json.dumps({"answer": "-", "evidence": evidence, **dict.fromkeys(NAMES, part)})


def test_in_a_mixed_corpus_each_passage_is_asked_about_and_judged_in_its_language_by_the_runs_personas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "scripted")
    corpus, run = tmp_path / "corpus", RunDir(tmp_path / "run")
    corpus.mkdir()
    for folder, name in (("cycling", "rides.md"), ("bibliotheque", "reglement.md")):
        (corpus / name).write_text((DATA / folder / name).read_text(encoding="utf-8"), encoding="utf-8")
    with ScriptedServer(bilingual) as server:
        model = ["--llm", "openai:scripted", "--base-url", server.url]
        steps = [
            (synth, ["chunk", "--corpus", str(corpus)]),
            (synth, ["write", *model]),
            (synth, ["mine"]),
            (curate, ["judge", "--judge", "llm", *model]),
            (curate, ["review", "export", str(tmp_path / "sheet.csv"), "--all"]),
        ]
        for app, words in steps:
            result = CliRunner().invoke(app, [*words, "--run", str(run.root)], standalone_mode=False)
            assert result.exception is None, (words, result.exception)
    spoken = {chunk.id: chunk.language for chunk in load_chunks(run)}
    asked = read_records(run.path("questions.parquet"), Question)
    assert {spoken[question.chunk_id] for question in asked} == {"fr", "en"}
    assert {question.persona for question in asked} == set(run_profile(run).persona_names)
    for call in server.calls:
        told = str(call.body["messages"][0]["content"])
        english = "rides" in call.user.lower() or "What must" in call.user
        assert ("in English" in told) == english, told[:80]
        assert ("français" in told) != english
