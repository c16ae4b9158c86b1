"""Which profile a run has: the settings', the corpus's own, else a neutral one; another profile makes its questions again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from triplette.errors import SettingError
from triplette.profile import keep_profile, load_profile, run_profile
from triplette.records import Question
from triplette.rundir import RunDir
from triplette.settings.llm import LlmSettings
from triplette.settings.synth import ChunkSettings
from triplette.settings.write import WriteSettings
from triplette.synth.chunk import chunk_corpus, load_chunks
from triplette.synth.cli import app
from triplette.synth.write import write_questions
from triplette.tables import read_records

ROOT = Path(__file__).parents[1]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two files of the sample corpus with its settings file."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name in ("triplette.toml", "03-roque.md", "07-pendule.md"):
        shutil.copy(ROOT / "fr_rules" / name, folder / name)
    return folder


def chunked(corpus: Path, run: Path, *options: str) -> str:
    """What ``synth chunk`` says."""
    result = CliRunner().invoke(app, ["chunk", "--corpus", str(corpus), "--run", str(run), *options], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.output


def test_the_settings_beside_the_corpus_are_found_told_and_no_document(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = " ".join(chunked(corpus, tmp_path / "run").split())
    assert "settings: " in said
    assert "Profile chess-fr" in said
    run = RunDir(tmp_path / "run")
    assert run_profile(run) == load_profile("chess-fr")
    assert {chunk.source for chunk in load_chunks(run)} == {"03-roque.md", "07-pendule.md"}
    assert "triplette.toml: skipped" not in said


def test_the_given_settings_win_over_those_beside_the_corpus(corpus: Path, tmp_path: Path) -> None:
    config = tmp_path / "mine.toml"
    config.write_text('profile = "fr"\n', encoding="utf-8")
    assert "Profile fr" in chunked(corpus, tmp_path / "run", "--config", str(config))
    assert run_profile(RunDir(tmp_path / "run")).name == "fr"
    config.write_text('profile = "ches-fr"\n', encoding="utf-8")
    with pytest.raises(SettingError, match="no profile 'ches-fr'") as caught:
        chunk_from(config, corpus, tmp_path / "other")
    assert "did you mean 'chess-fr'" in str(caught.value)


def chunk_from(config: Path, corpus: Path, run: Path) -> None:
    """``synth chunk`` with its error raised."""
    arguments = ["chunk", "--corpus", str(corpus), "--run", str(run), "--config", str(config)]
    result = CliRunner().invoke(app, arguments, standalone_mode=False)
    assert result.exception is not None
    raise result.exception


def test_another_profile_makes_the_questions_again_and_the_same_one_does_not(corpus: Path, tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, corpus, ChunkSettings())
    assert not write_questions(run, WriteSettings(), LlmSettings()).unchanged
    assert write_questions(run, WriteSettings(), LlmSettings()).unchanged
    chess = {question.persona for question in read_records(run.path("questions.parquet"), Question)}
    keep_profile(run, load_profile("fr"))
    assert not write_questions(run, WriteSettings(), LlmSettings()).unchanged
    neutral = {question.persona for question in read_records(run.path("questions.parquet"), Question)}
    assert chess <= {"arbitre", "organisateur", "joueur"}
    assert neutral <= {"lecteur", "professionnel", "débutant"}


def test_a_corpus_chunked_before_keeps_no_profile_of_another_name(corpus: Path, tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, corpus, ChunkSettings(), load_profile("fr"))
    assert run_profile(run).name == "fr"
    assert chunk_corpus(run, corpus, ChunkSettings()).unchanged
    assert run_profile(run).name == "chess-fr"
