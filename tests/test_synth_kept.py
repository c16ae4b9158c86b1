"""What mining keeps between commands saves time and decides nothing: damaged or left over, it is said, replaced and cleared away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_synth_mine import a_corpus, write_run
from test_triplette_engine import asked

from triplette.ranking.lsa import LsaEncoder
from triplette.rundir import RunDir
from triplette.settings.mine import MineSettings
from triplette.synth.mining import rank
from triplette.synth.mining.mine import mine_negatives
from triplette.synth.mining.rank import find_candidates, find_in_blocks
from triplette.synth.mining.vectors import vectors_on_disk

CHUNKS, _ = a_corpus()


class Counting(LsaEncoder):
    """Counts what it encodes, and can be killed at a block."""

    def __init__(self, dies_at: int = -1) -> None:
        super().__init__([chunk.text for chunk in CHUNKS], [chunk.title for chunk in CHUNKS], ["fr"])
        self.blocks, self.dies_at = 0, dies_at

    def encode_documents(self, texts: Any, titles: Any) -> Any:
        if self.blocks == self.dies_at:
            raise KeyboardInterrupt
        self.blocks += 1
        return super().encode_documents(texts, titles)


def kept_vectors(folder: Path) -> tuple[np.ndarray[Any, Any], Path, Path]:
    """Vectors of four blocks, their file and their mark."""
    vectors = np.array(vectors_on_disk(Counting(), CHUNKS, folder, "1", block=5))
    return vectors, next(folder.glob("*.npy")), next(folder.glob("*.json"))


@pytest.mark.parametrize(
    "mark",
    ["", "{", "[]", "{}", '{"encoded": -5}', '{"encoded": 19}', '{"encoded": "all"}', '{"encoded": true}', "\ufeff{}", "[" * 99_999],
)
def test_with_a_damaged_mark_the_passages_are_encoded_again_and_it_is_said(
    tmp_path: Path, mark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    vectors, _, place = kept_vectors(tmp_path)
    place.write_text(mark, encoding="utf-8")
    encoder = Counting()
    np.testing.assert_array_equal(vectors_on_disk(encoder, CHUNKS, tmp_path, "1", block=5), vectors)
    assert encoder.blocks == 4
    assert "are damaged" in " ".join(capsys.readouterr().err.split())
    assert json.loads(place.read_text()) == {"encoded": len(CHUNKS)}


@pytest.mark.parametrize("damage", ["cut short", "of another shape", "of another type", "no array"])
def test_damaged_vectors_are_encoded_again(tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    vectors, file, _ = kept_vectors(tmp_path)
    if damage == "cut short":
        file.write_bytes(file.read_bytes()[:-100])
    elif damage == "no array":
        file.write_bytes(b"nothing")
    else:
        np.save(file, vectors[:-1] if damage == "of another shape" else vectors.astype(np.float64))
    encoder = Counting()
    np.testing.assert_array_equal(vectors_on_disk(encoder, CHUNKS, tmp_path, "1", block=5), vectors)
    assert encoder.blocks == 4
    assert "are damaged" in " ".join(capsys.readouterr().err.split())


def test_a_kill_while_damaged_vectors_are_replaced_leaves_no_old_mark_beside_an_empty_file(tmp_path: Path) -> None:
    vectors, file, _ = kept_vectors(tmp_path)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(KeyboardInterrupt):
        vectors_on_disk(Counting(dies_at=1), CHUNKS, tmp_path, "1", block=5)
    np.testing.assert_array_equal(vectors_on_disk(Counting(), CHUNKS, tmp_path, "1", block=5), vectors)


def test_a_damaged_block_of_candidates_is_found_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from triplette.engine import LOCAL

    bm25, dense, questions = asked(rank.QUESTION_BLOCK + 40)
    whole = find_candidates(bm25, dense, *questions, 5, 60)
    find_in_blocks(LOCAL, bm25, dense, *questions, count=5, rrf_k=60, kept=tmp_path)
    first, second = sorted(tmp_path.iterdir())
    first.write_bytes(first.read_bytes()[:-2000])
    second.write_bytes(b"")
    found = find_in_blocks(LOCAL, bm25, dense, *questions, count=5, rrf_k=60, kept=tmp_path)
    np.testing.assert_array_equal(found.ids, whole.ids)
    assert " ".join(capsys.readouterr().err.split()).count("is damaged") == 2


def test_what_killed_runs_left_is_cleared_away_and_the_vectors_stay(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write_run(run, *a_corpus())
    kept = run.path("cache/vectors")
    for name in ("shards-abc123", "candidates-0123456789abcdef"):
        (kept / name).mkdir(parents=True)
        (kept / name / "shard-00000.faiss").write_bytes(b"of a run that was killed")
    mine_negatives(run, MineSettings(flat_limit=17))
    assert sorted(path.suffix for path in kept.iterdir()) == [".json", ".npy"]
