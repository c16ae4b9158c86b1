"""Blocks that came back before a command was killed are not made again by the next one, and what it writes is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from test_triplette_engine import CORPUS, Apart, a_case, twice

from triplette.curate.judge.judge import judge, quote
from triplette.errors import ServiceError
from triplette.records import Triplet
from triplette.rundir import RunDir
from triplette.settings.judge import JudgeSettings
from triplette.settings.llm import LlmSettings
from triplette.settings.synth import ChunkSettings
from triplette.settings.write import WriteSettings
from triplette.synth.chunk import chunk_corpus
from triplette.synth.write import write_questions
from triplette.tables import write_records


@dataclass(frozen=True, slots=True)
class Counted(Apart):
    """Ends as by Ctrl-C before its block number ``last``; ``made`` counts those that were asked for and came."""

    last: int = 10**9
    made: Any = None

    def run(self, work: Callable[..., Any], blocks: Sequence[tuple[Any, ...]], *, shared: Sequence[Any] = ()) -> Iterator[Any]:
        for result in Apart.run(self, work, blocks, shared=shared):
            if len(self.made) == self.last:
                raise KeyboardInterrupt
            self.made.append(work)
            yield result


def counted(last: int = 10**9) -> Counted:
    return Counted("ray", last=last, made=[])


Stage = Callable[[RunDir, Any], object]


def read(run: RunDir, engine: Any) -> object:
    return chunk_corpus(run, CORPUS, ChunkSettings(), engine=engine)


def write(run: RunDir, engine: Any) -> object:
    return write_questions(run, WriteSettings(), LlmSettings(), engine=engine)


def judged(run: RunDir, engine: Any) -> object:
    return judge(run, JudgeSettings(), engine=engine)


def nothing(run: RunDir) -> None:
    run.root.mkdir()


def chunks_of_two_blocks(run: RunDir) -> None:
    twice(run)


def triplets_of_two_blocks(run: RunDir) -> None:
    write_records(run.path("triplets.parquet"), a_case(run).triplets, Triplet)


# what must be there before, the stage, what it writes, and the blocks that are never kept: the words of the corpus are counted anew
STAGES: dict[str, tuple[Callable[[RunDir], None], Stage, tuple[str, ...], int]] = {
    "reading": (nothing, read, ("chunks.parquet", "coverage.parquet", "harvest.parquet"), 0),
    "writing": (chunks_of_two_blocks, write, ("questions.parquet", "rejected.parquet"), 0),
    "judging": (triplets_of_two_blocks, judged, ("verdicts/judge.parquet", "verdicts/negatives.parquet"), 1),
}


@pytest.mark.parametrize("name", STAGES)
def test_a_killed_command_goes_on_with_the_blocks_it_had_not_got(tmp_path: Path, name: str) -> None:
    prepare, stage, files, unkept = STAGES[name]
    whole, killed = RunDir(tmp_path / "whole"), RunDir(tmp_path / "killed")
    for run in (whole, killed):
        prepare(run)
    stage(whole, every := counted())
    with pytest.raises(KeyboardInterrupt):
        stage(killed, first := counted(last=len(every.made) - 1))
    assert len(first.made) == len(every.made) - 1 > 0
    stage(killed, second := counted())
    assert len(second.made) == unkept + 1
    for file in files:
        assert whole.path(file).read_bytes() == killed.path(file).read_bytes(), file
    assert not list(killed.path("cache").glob("blocks-*"))


def test_judging_goes_on_with_what_the_rules_judged_for_its_quote(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    triplets_of_two_blocks(run)
    settings, llm = JudgeSettings(judge="llm"), LlmSettings(model="openai:some-model", base_url="http://127.0.0.1:9/v1", attempts=1)
    quote(run, settings, llm, engine=(first := counted()))
    with pytest.raises(ServiceError):  # nobody is there to ask
        judge(run, settings, llm, engine=(second := counted()))
    assert (len(first.made), len(second.made)) == (3, 1)


def test_a_damaged_block_is_named_and_made_again_and_one_of_other_settings_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunDir(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        read(run, counted(last=5))
    damaged = sorted(run.path("cache").glob("blocks-*/*/*.json"))[2]
    damaged.write_text('{"chunks": false}')
    with pytest.raises(KeyboardInterrupt):
        chunk_corpus(run, CORPUS, ChunkSettings(target_tokens=128), engine=counted(last=1))
    result = chunk_corpus(run, CORPUS, ChunkSettings(), engine=(engine := counted()))
    assert len(engine.made) == result.documents - 4
    said = " ".join(capsys.readouterr().err.split())
    assert f"{damaged.stem} is damaged" in said


def test_a_document_that_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.pdf").write_bytes(b"%PDF-1.4 no pages here")
    for name in "bc":
        (corpus / f"{name}.md").write_text(f"# Titre {name}\n\nUne phrase assez longue pour un passage du document {name}.\n")
    run = RunDir(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        chunk_corpus(run, corpus, ChunkSettings(), engine=counted(last=2))
    chunk_corpus(run, corpus, ChunkSettings(), engine=(engine := counted()))
    assert len(engine.made) >= 2  # the broken one and the last; texts too short to tell their language are read twice


def test_here_nothing_is_kept(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, CORPUS, ChunkSettings())
    assert not run.path("cache").exists()
