"""Runs of words that passages share, counted a part at a time, are those that comparing sets of them finds."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from test_synth_mine import a_chunk

from triplette.look_alikes import COMMON, RUN, shared_runs


@pytest.mark.parametrize("size", [4_000_000, 60, 1])
@pytest.mark.parametrize("boilerplate", [False, True])
def test_runs_shared_by_passages_are_those_of_sets_however_many_parts_there_are(size: int, boilerplate: bool) -> None:
    random = np.random.default_rng(0)
    foot = "le règlement complet lie tous" if boilerplate else ""
    texts = [" ".join([*(f"mot{chr(97 + word)}" for word in random.integers(5, size=random.integers(0, 9))), foot]) for _ in range(210)]
    chunks = [a_chunk(text, "d.md", number) for number, text in enumerate(texts)]
    words = [text.replace("è", "e").split() for text in texts]
    sets = [{tuple(text[at : at + RUN]) for at in range(max(len(text) - RUN + 1, min(len(text), 1)))} for text in words]
    owners = Counter(run for runs in sets for run in runs)
    assert any(count > COMMON for count in owners.values()) == boilerplate
    telling = [{run for run in runs if owners[run] <= COMMON} for runs in sets]

    matrix, sizes = shared_runs(chunks, size)
    assert sizes.tolist() == [len(runs) for runs in telling]
    shared = (matrix @ matrix.T).toarray()
    for one in range(len(texts)):
        for other in range(one):
            assert shared[one, other] == len(telling[one] & telling[other])


def test_no_passages_and_passages_without_words_share_nothing() -> None:
    for chunks in ([], [a_chunk("", "d.md", 0), a_chunk("...", "d.md", 1)]):
        matrix, sizes = shared_runs(chunks)
        assert (matrix.nnz, sizes.tolist()) == (0, [0] * len(chunks))
