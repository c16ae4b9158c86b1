"""The yardstick on a corpus of our own: pages and not passages are ranked, unjudged pages are wrong."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from triplette.errors import InputError
from triplette.records import Chunk


@pytest.fixture(scope="module")
def yardstick() -> ModuleType:
    spec = importlib.util.spec_from_file_location("yardstick", Path(__file__).parents[1] / "benchmarks" / "yardstick.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["yardstick"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _chunk(text: str, page: int) -> Chunk:
    return Chunk.make(
        text=text, title="", source="a.txt", page_start=page, page_end=page, char_start=0, char_end=1, tokens=1, tokenizer="estimate"
    )


def test_a_page_has_the_score_of_its_best_passage(yardstick: ModuleType) -> None:
    pages = yardstick.Pages([_chunk("un", 1), _chunk("deux", 2), _chunk("trois", 2), _chunk("quatre", 3)])
    scores = np.array([[0.5, 0.1, 0.9, 0.4], [0.5, 0.6, 0.1, 0.7]])
    assert pages.rank(scores)[:, :3].tolist() == [[1, 0, 2], [2, 1, 0]]
    gold = yardstick.Gold(("q1", "q2"), (frozenset({("a.txt", 2)}), frozenset({("a.txt", 1), ("a.txt", 9)})))
    measured = pages.measure(scores, gold)
    assert measured["Recall@1"].tolist() == [1.0, 0.0]
    assert measured["Recall@5"].tolist() == [1.0, 1.0]
    assert measured["nDCG@10"] == pytest.approx([1.0, 0.5 / (1 + 1 / np.log2(3))])  # the page that is not there is missed
    assert yardstick.unjudged(scores, pages, gold, 2) == ["q2\ta.txt\t3", "q2\ta.txt\t2"]


def test_a_line_without_answers_is_named(yardstick: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps({"question": "q", "answers": [{"source": "a", "pages": [2, 3]}]}) + "\n" + json.dumps({"question": "q"}))
    with pytest.raises(InputError, match=r"gold\.jsonl:2"):
        yardstick.read_gold(path)
    path.write_text(path.read_text().splitlines()[0])
    assert yardstick.read_gold(path).right == (frozenset({("a", 2)}),)
