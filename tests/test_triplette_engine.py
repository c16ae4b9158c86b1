"""The engines: blocks in their order whoever runs them, errors as they were raised, and the same bytes on Ray as here.

``Apart`` is Ray without Ray: everything that a block takes and gives goes through pickle, as to another process, and no block finds what
another left behind.
"""

from __future__ import annotations

import pickle
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from curated import make_triplet
from test_synth_mine import a_corpus, write_run
from typer.testing import CliRunner

from triplette.curate.judge.by_rules import TRIPLET_BLOCK, by_rules, judge_block
from triplette.curate.judge.case import Case
from triplette.curate.judge.judge import judge
from triplette.curate.judge.passages import Corpus, Passages
from triplette.domain import Domain
from triplette.engine import LOCAL, Engine, someone_there
from triplette.engine_options import engine_of
from triplette.errors import InputError, ServiceError, SettingError
from triplette.kept import KeptBlocks
from triplette.profile import run_profile
from triplette.ranking.bm25 import Bm25Index
from triplette.ranking.dense import DenseIndex, checked
from triplette.ranking.encoder import unit_rows
from triplette.records import Chunk, Question
from triplette.rundir import RunDir
from triplette.settings.judge import JudgeSettings
from triplette.settings.llm import LlmSettings
from triplette.settings.mine import MineSettings
from triplette.settings.synth import ChunkSettings
from triplette.settings.write import WriteSettings
from triplette.synth.chunk import chunk_corpus, load_chunks
from triplette.synth.cli import app as synth
from triplette.synth.generate import generate
from triplette.synth.mining import rank
from triplette.synth.mining.mine import mine_negatives
from triplette.synth.mining.rank import find_candidates, find_in_blocks
from triplette.synth.write import CHUNK_BLOCK, write_questions
from triplette.tables import read_records, write_records

CORPUS = Path(__file__).parents[1] / "fr_rules"


def halved(shared: int, number: int) -> int:
    if number == 13:
        raise InputError("thirteen", where="block 13", cure="another number")
    return shared * number // 2


def test_blocks_come_back_in_order_and_an_error_is_the_works_own() -> None:
    assert list(LOCAL.run(halved, [(4,), (2,)], shared=(10,))) == [20, 10]
    with pytest.raises(InputError, match="thirteen"):
        list(LOCAL.run(halved, [(13,)], shared=(10,)))


def test_an_unknown_engine_and_an_address_without_ray_are_named() -> None:
    with pytest.raises(SettingError, match="'dask' is no engine"):
        Engine("dask")
    with pytest.raises(SettingError, match="not the engine"):
        Engine("local", "ray://somewhere:10001")


def test_an_address_where_nobody_listens_is_told_at_once_and_one_where_somebody_does_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}", "auto", "local", ""):
            someone_there(address)
    for address in (f"ray://127.0.0.1:{port}", f"127.0.0.1:{port}", "127.0.0.1:99999", "no-such-host.invalid:6379"):
        with pytest.raises(ServiceError, match="no cluster there") as raised:
            someone_there(address)
        assert raised.value.where == address


@pytest.mark.parametrize("given", ["", "auto"])
def test_the_environments_address_is_tried_as_a_given_one_is(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", free)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False))  # it has no init that could be called
    with pytest.raises(ServiceError, match="no cluster there") as raised:
        list(Engine("ray", given).run(halved, [(4,)]))
    assert raised.value.where == free
    assert "RAY_ADDRESS" in raised.value.cure


def asked(count: int) -> tuple[Bm25Index, DenseIndex, tuple[Any, ...]]:
    random = np.random.default_rng(0)
    words = [[f"m{word}" for word in row] for row in random.integers(60, size=(300, 12)).tolist()]
    vectors = unit_rows(random.normal(size=(300, 8)))
    positives = random.integers(300, size=count)
    queries = unit_rows(vectors[positives] + 0.3 * random.normal(size=(count, 8)))
    return Bm25Index(words), DenseIndex(vectors), ([words[place][:5] for place in positives.tolist()], queries, positives)


def test_candidates_in_blocks_are_those_of_one_and_a_killed_search_goes_on_at_its_block(tmp_path: Path) -> None:
    bm25, dense, questions = asked(rank.QUESTION_BLOCK + 40)
    whole = find_candidates(bm25, dense, *questions, 5, 60)

    class Dying(Engine):
        def run(self, work: Any, blocks: Any, *, shared: Any = ()) -> Iterator[Any]:
            yield work(*shared, *blocks[0])
            raise KeyboardInterrupt

    class Counting(Engine):
        def run(self, work: Any, blocks: Any, *, shared: Any = ()) -> Iterator[Any]:
            assert [len(block[0]) for block in blocks] == [40]
            return LOCAL.run(work, blocks, shared=shared)

    with pytest.raises(KeyboardInterrupt):
        find_in_blocks(Dying(), bm25, dense, *questions, count=5, rrf_k=60, kept=tmp_path)
    found = find_in_blocks(Counting(), bm25, dense, *questions, count=5, rrf_k=60, kept=tmp_path)
    for name in ("ids", "bm25", "dense", "fused", "likeness", "positive_dense_rank"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))


class Apart(Engine):
    def run(self, work: Any, blocks: Any, *, shared: Any = ()) -> Iterator[Any]:
        sent = [pickle.dumps((work, (*shared, *block))) for block in blocks]
        for block in sent:
            there, given = pickle.loads(block)
            yield pickle.loads(pickle.dumps(there(*given)))


def twice(run: RunDir) -> list[Chunk]:
    """The sample's chunks, and each once more in another document."""
    chunk_corpus(run, CORPUS, ChunkSettings())
    chunks = load_chunks(run)
    chunks += [replace(chunk, id=f"{chunk.id}x", source=f"copy/{chunk.source}") for chunk in chunks]
    write_records(run.path("chunks.parquet"), chunks, Chunk)
    return chunks


def test_the_rules_write_in_blocks_what_they_write_here_and_a_question_of_two_blocks_is_kept_once(tmp_path: Path) -> None:
    here, apart = RunDir(tmp_path / "here"), RunDir(tmp_path / "apart")
    assert len(twice(here)) > CHUNK_BLOCK
    twice(apart)
    assert write_questions(here, WriteSettings(), LlmSettings()).rejected["repeated"] > 0
    write_questions(apart, WriteSettings(), LlmSettings(), engine=Apart())
    for file in ("questions.parquet", "rejected.parquet"):
        assert here.path(file).read_bytes() == apart.path(file).read_bytes(), file
    questions = read_records(here.path("questions.parquet"), Question)
    assert max(Counter(question.text for question in questions).values()) == 1


def a_case(run: RunDir) -> Case:
    """The sample's questions, each with the passages after its own as negatives, over and over to more than a block; one of them an orphan."""
    chunk_corpus(run, CORPUS, ChunkSettings())
    write_questions(run, WriteSettings(harvest="off"), LlmSettings())
    ids = [chunk.id for chunk in load_chunks(run)]
    questions = read_records(run.path("questions.parquet"), Question)
    places = [ids.index(question.chunk_id) for question in questions]
    made = [make_triplet(question, (ids * 2)[place + 1 : place + 4]) for question, place in zip(questions, places, strict=True)]
    made[3] = replace(made[3], positive_id="gone")
    triplets = (made * (TRIPLET_BLOCK // len(made) + 2))[: TRIPLET_BLOCK + 100]
    return Case(triplets, {chunk.id: chunk for chunk in load_chunks(run)}, JudgeSettings(), run_profile(run))


def test_the_rules_judge_in_blocks_what_they_judge_at_once_however_few_passages_stay_read(tmp_path: Path) -> None:
    case = a_case(RunDir(tmp_path))
    forgetful = Corpus(case.chunks.values(), Domain(case.profile), room=3)
    at_once = judge_block(forgetful, case.settings, case.triplets, case.chunks)
    kept = KeptBlocks(tmp_path / "cache", "blocks-curate-judge-key")
    assert by_rules(case, LOCAL, kept) == by_rules(case, Apart("ray"), kept) == by_rules(case, Apart("ray"), kept) == at_once
    assert {verdict.decision for verdict in at_once[0]} == {"keep", "reject", "quarantine"}


def test_passages_that_are_sent_arrive_empty_and_no_more_than_there_is_room_for_stay_read(tmp_path: Path) -> None:
    chunk_corpus(RunDir(tmp_path), CORPUS, ChunkSettings())
    chunks = load_chunks(RunDir(tmp_path))[:5]
    read = Passages(2)
    first = [read.of(chunk) for chunk in chunks]
    assert read.of(chunks[4]) is first[4]
    assert read.of(chunks[0]) == first[0]
    assert read.of(chunks[0]) is not first[0]
    assert read.shingles(chunks[0]) is read.shingles(chunks[0])
    assert len(pickle.dumps(read)) < 200
    assert pickle.loads(pickle.dumps(read)).of(chunks[1]) == first[1]


def test_a_models_calls_are_not_spread_and_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine_of("ray", "", calls="the judge's calls")
    assert "the judge's calls start in this process" in " ".join(capsys.readouterr().err.split())
    engine_of("ray", "")
    engine_of("local", "", calls="the judge's calls")
    assert not capsys.readouterr().err
    asked = ["write", "--run", str(tmp_path), "--llm", "openai:some-model", "--engine", "ray"]
    result = CliRunner().invoke(synth, asked)
    assert isinstance(result.exception, SettingError)
    assert "nothing to spread" in str(result.exception)


@pytest.mark.slow
def test_on_ray_the_same_bytes_are_read_written_mined_and_judged_as_here(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    runs = {name: RunDir(tmp_path / name) for name in ("local", "ray")}
    try:
        for name, run in runs.items():
            settings = (ChunkSettings(), WriteSettings(), LlmSettings(), MineSettings())
            generate(run, CORPUS, *settings, engine=Engine(name))
            judge(run, JudgeSettings(), engine=Engine(name))
            mined = RunDir(run.root / "mined")
            write_run(mined, *a_corpus())
            mine_negatives(mined, MineSettings(flat_limit=17), engine=Engine(name))
        with pytest.raises(InputError, match="their vectors are not finite"):  # the work's own error, as it is raised here
            list(Engine("ray").run(checked, [(np.eye(2), "some vectors"), (np.full((1, 2), np.nan), "their vectors")]))
    finally:
        ray.shutdown()
    tables = ("chunks", "coverage", "questions", "triplets", "rejected", "verdicts/judge", "verdicts/negatives")
    for file in (f"{name}.parquet" for name in (*tables, "mined/triplets", "mined/rejected")):
        assert runs["local"].path(file).read_bytes() == runs["ray"].path(file).read_bytes(), file
