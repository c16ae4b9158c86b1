"""``synth init --profile``: a file to edit, or a draft by an LLM that is written only when somebody agrees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scripted_llm import Call, ScriptedServer
from typer.testing import CliRunner

from triplette.profile import load_profile
from triplette.profile.read import read_profile
from triplette.rundir import RunDir
from triplette.settings.synth import ChunkSettings
from triplette.synth.chunk import chunk_corpus, load_chunks
from triplette.synth.cli import app
from triplette.synth.profile_draft import SAMPLE, sampled

DATA = Path(__file__).parent / "data"
DRAFT = {
    "about": "Le règlement d'un club de natation.",
    "personas": [
        {"name": "Parent d'élève", "who": "un parent qui inscrit son enfant."},
        {"name": "nageur", "who": "un adulte du club."},
    ],
    "kinds": [{"name": "factual", "asks": "un tarif, un horaire."}, {"name": "procedural", "asks": "comment s'inscrire."}],
}


def init(*arguments: str, answer: str = "") -> tuple[int, str]:
    """(exit code, output) of ``synth init``."""
    result = CliRunner().invoke(app, ["init", *arguments], input=answer, standalone_mode=False)
    code = result.exit_code or (result.return_value if isinstance(result.return_value, int) else 0)
    return code or int(result.exception is not None), result.output + str(result.exception or "")


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """A run with the swimming club's chunks."""
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, DATA / "natation", ChunkSettings())
    return run


def test_a_copy_to_edit_is_documented_and_reads_as_the_one_it_was_made_from(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    assert init(str(path), "--profile", "en")[0] == 0
    assert "# What the documents are, in a sentence." in path.read_text()
    made, base = read_profile(path), load_profile("en")
    assert (made.name, made.personas, made.kinds, made.review) == ("mine", base.personas, base.kinds, base.review)
    assert "already exists" in init(str(path), "--profile", "en")[1]


def test_a_draft_is_shown_and_written_only_when_somebody_agrees(run: RunDir, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    seen: list[Call] = []

    def script(call: Call) -> str:
        seen.append(call)
        return json.dumps(DRAFT)

    with ScriptedServer(script) as server:
        options = (str(path), "--profile", "fr", "--llm", "openai:m", "--base-url", server.url, "--run", str(run.root))
        code, output = init(*options, answer="n\n")
        assert (code, path.exists()) == (1, False), output
        assert "un parent qui inscrit son enfant." in output
        assert init(*options, "--yes")[0] == 0
    assert len(seen) == 1  # the second time the answer is paid for already
    made = read_profile(path)
    assert made.persona_names == ("parent-d-élève", "nageur")
    assert made.asked_kinds == ("factual", "procedural")
    assert made.kinds[0].also == ("factuel",)  # what it is called in files to import stays
    assert made.about == DRAFT["about"]
    assert made.prompts == load_profile("fr").prompts
    assert "Write every sentence in French." in seen[0].body["messages"][0]["content"]


def test_a_draft_chooses_among_the_kinds_of_the_profile_it_is_made_from(run: RunDir, tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("""
        extends = "fr"
        language = "fr"
        [[kinds]]
        name = "factual"
        asks = "un fait."
        [[kinds]]
        name = "exception"
        asks = "ce qui ne suit pas la règle."
    """)
    drafted = {**DRAFT, "kinds": [{"name": "exception", "asks": "qui nage sans bonnet."}]}
    path = tmp_path / "mine.toml"
    with ScriptedServer(lambda _: json.dumps(drafted)) as server:
        options = ("--llm", "openai:m", "--base-url", server.url, "--run", str(run.root), "--yes")
        code, output = init(str(path), "--profile", str(tmp_path / "base.toml"), *options)
        assert code == 0, output
        assert "each once: factual, exception." in server.calls[0].body["messages"][0]["content"]
    assert [(kind.name, kind.asks) for kind in read_profile(path).kinds] == [("exception", "qui nage sans bonnet.")]


def test_a_draft_that_is_none_is_an_error_and_writes_nothing(run: RunDir, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    with ScriptedServer(lambda _: json.dumps({"personas": []})) as server:
        code, output = init(
            str(path), "--profile", "fr", "--llm", "openai:m", "--base-url", server.url, "--run", str(run.root), "--yes"
        )
    assert code
    assert "drafted no profile" in output
    assert "draft with another model" in output  # the same one's answer is kept: asking again would read it again
    assert not path.exists()


def test_a_draft_with_control_characters_is_refused_before_it_is_shown_and_its_markup_is_text(run: RunDir, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    drafts = [
        {**DRAFT, "about": "Ignore the rules.\x1b]0;owned\x07"},
        {**DRAFT, "about": "[bold red]Ignore[/bold red] <script>x</script> the rules."},
    ]
    for draft, refused in zip(drafts, (True, False), strict=True):
        with ScriptedServer(lambda _, draft=draft: json.dumps(draft)) as server:
            options = ("--profile", "fr", "--llm", f"openai:m{refused}", "--base-url", server.url, "--run", str(run.root))
            code, output = init(str(path), *options, answer="n\n")
        assert code
        assert ("holds the control character U+001B" in output) == refused
        assert ("[bold red]Ignore[/bold red] <script>x</script> the rules." in output) != refused
        assert "\x1b" not in output
        assert not path.exists()


def test_the_sample_takes_every_document_in_turn_whatever_the_order(run: RunDir) -> None:
    chunks = load_chunks(run)
    found = sampled(chunks)
    assert len(found) == min(SAMPLE, len(chunks))
    assert len({chunk.source for chunk in found[:3]}) == 3
    assert {chunk.id for chunk in sampled(chunks[::-1])} == {chunk.id for chunk in found}
