"""The engines: blocks in their order whoever runs them, errors as they were raised, and the same bytes on Ray as here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_synth_mine import a_corpus, write_run

from triplette.engine import LOCAL, Engine
from triplette.errors import InputError, SettingError
from triplette.ranking.bm25 import Bm25Index
from triplette.ranking.dense import DenseIndex, checked
from triplette.ranking.encoder import unit_rows
from triplette.rundir import RunDir
from triplette.settings.mine import MineSettings
from triplette.settings.synth import ChunkSettings
from triplette.synth.chunk import chunk_corpus
from triplette.synth.mining import rank
from triplette.synth.mining.mine import mine_negatives
from triplette.synth.mining.rank import find_candidates, find_in_blocks

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


@pytest.mark.slow
def test_on_ray_the_same_bytes_are_read_and_mined_as_here(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    runs = {name: RunDir(tmp_path / name) for name in ("local", "ray")}
    try:
        for name, run in runs.items():
            chunk_corpus(run, CORPUS, ChunkSettings(), engine=Engine(name))
            mined = RunDir(run.root / "mined")
            write_run(mined, *a_corpus())
            mine_negatives(mined, MineSettings(flat_limit=17), engine=Engine(name))
        with pytest.raises(InputError, match="their vectors are not finite"):  # the work's own error, as it is raised here
            list(Engine("ray").run(checked, [(np.eye(2), "some vectors"), (np.full((1, 2), np.nan), "their vectors")]))
    finally:
        ray.shutdown()
    for file in ("chunks.parquet", "coverage.parquet", "mined/triplets.parquet", "mined/rejected.parquet"):
        assert runs["local"].path(file).read_bytes() == runs["ray"].path(file).read_bytes(), file
