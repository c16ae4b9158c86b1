"""Folders in languages without a built-in writer, from documents to a dataset: all that is said and written names the language that it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from triplette.curate.cli import app as curate
from triplette.synth.cli import app as synth

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
