"""An English folder from documents to a dataset: every card and file says English, and none a word of French."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from triplette.curate.cli import app as curate
from triplette.synth.cli import app as synth

CYCLING = Path(__file__).parent / "data" / "cycling"
FRENCH = re.compile(r"\b(?:le|la|les|des|est|dans|avec|quelle?|réponse|titre|négatif|lecteur|arbitre)\b", re.IGNORECASE)


def test_an_english_folder_becomes_a_dataset_that_says_english_and_no_word_of_french(tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    steps = [
        (synth, ["chunk", "--corpus", str(CYCLING)]),
        (synth, ["import", str(CYCLING / "questions.jsonl")]),
        (synth, ["mine"]),
        (curate, ["judge"]),
        (curate, ["dedup"]),
        (curate, ["build"]),
    ]
    said = ""
    for app, words in steps:
        result = CliRunner().invoke(app, [*words, "--run", run], standalone_mode=False)
        assert result.exception is None, (words, result.exception)
        said += result.output
    card = (tmp_path / "run" / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "language:\n- en\n" in card
    assert not FRENCH.findall(card)
    assert not FRENCH.findall(said.replace(run, ""))
