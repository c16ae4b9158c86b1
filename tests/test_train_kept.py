"""Vectors that the fit kept are taken where the model gives the same ones, and never otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from triplette.arrays import Vectors
from triplette.ranking.encoder import unit_rows
from triplette.train.kept import AGAIN, FILE, embed_passages, keep_passages, kept_passages

IDS = [f"c{n}" for n in range(100)]
TEXTS = [f"text {n}" for n in range(100)]
TRUTH = unit_rows(np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32))


class Model:
    """Embeds the texts above and remembers how many it was given."""

    def __init__(self, turned: int | None = None) -> None:
        self.vectors, self.embedded = TRUTH.copy(), 0
        if turned is not None:
            self.vectors[turned] = -self.vectors[turned]

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.embedded += len(texts)
        return self.vectors[[TEXTS.index(text) for text in texts]]


def test_kept_vectors_save_embedding_all_but_a_spread_and_those_that_were_not_kept(tmp_path: Path) -> None:
    keep_passages(tmp_path / FILE, IDS[:80], {"base": TRUTH[:80]})
    model = Model()
    found = embed_passages(model, IDS, TEXTS, kept_passages(tmp_path / FILE, "base"))
    assert (found == TRUTH).all()
    assert model.embedded == AGAIN + 20


@pytest.mark.parametrize("turned", [0, 79])
def test_another_model_s_vectors_are_not_taken(tmp_path: Path, turned: int) -> None:
    keep_passages(tmp_path / FILE, IDS[:80], {"base": TRUTH[:80]})
    model = Model(turned)
    found = embed_passages(model, IDS, TEXTS, kept_passages(tmp_path / FILE, "base"))
    assert (found == model.vectors).all()
    assert model.embedded == AGAIN + 20 + 100


def test_other_sizes_numbers_that_are_none_and_absent_files_mean_embedding_all(tmp_path: Path) -> None:
    bad = TRUTH.copy()
    bad[0] = np.nan
    for kept in (
        {},
        dict(zip(IDS, TRUTH[:, :4], strict=True)),
        dict(zip(IDS, bad, strict=True)),
        kept_passages(tmp_path / "none", "base"),
    ):
        assert (embed_passages(Model(), IDS, TEXTS, kept) == TRUTH).all()
    keep_passages(tmp_path / FILE, IDS, {"base": TRUTH})
    assert kept_passages(tmp_path / FILE, "tuned") == {}
    for damaged in (b"", b"cut", (tmp_path / FILE).read_bytes()[:-30]):
        (tmp_path / FILE).write_bytes(damaged)
        assert kept_passages(tmp_path / FILE, "base") == {}
