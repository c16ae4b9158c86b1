"""Does the file rank as the PyTorch model does? nDCG@10 with question and passages both embedded by the file, paired by question.

Asked of the encoder alone at every dimension, and of what production does with it: fused with BM25 as the contract says. The posting
lists in the bundle's SQLite must give BM25's own numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Ints, Vectors
from triplette.contract import Fusion
from triplette.export.index import asked_tokens, languages_of, lexical_index, lexical_scores
from triplette.export.proof.checks import Check
from triplette.export.proof.reference import cut
from triplette.export.proof.sample import Sample
from triplette.ranking.fusion import Hybrid, neighbours
from triplette.ranking.metrics import compare, score_rankings
from triplette.records import Chunk

TOP = 10
LEXICAL_ERROR = 1e-9  # of a BM25 score read back: the same float64 numbers added in the same order


def top(questions: Vectors, passages: Vectors, k: int = TOP) -> Ints:
    """Positions of the ``k`` nearest passages, best first, int64 (q, k), padded with -1; ties go to the earlier passage."""
    order = np.argsort(-(questions @ passages.T), axis=1, kind="stable")[:, :k]
    padded = np.full((len(questions), k), -1, np.int64)
    padded[:, : order.shape[1]] = order
    return padded


def check_ranking(
    sample: Sample, theirs: tuple[Vectors, Vectors], mine: tuple[Vectors, Vectors], dimensions: Sequence[int], drop: float
) -> Check:
    """The ranking check over every dimension; ``theirs`` and ``mine`` are question and passage vectors of PyTorch and of the file.

    It holds when nDCG@10 is at no dimension significantly below PyTorch's (paired bootstrap and permutation, 5 %), and at the largest
    not more than ``drop`` below it whatever chance says. Without questions it fails: nothing was shown.
    """
    if not sample.questions:
        return Check("ranking", False, "the dataset has no held-out question with an answer in the corpus")
    figures: dict[str, Any] = {"questions": len(sample.questions), "passages": len(sample.chunks), "corpus": sample.corpus_size}
    worst, passed = "", True
    for dimension in dimensions:
        row = _compare(sample, theirs, mine, dimension)
        figures[str(dimension)] = row
        holds = not row["significantly_below"] and (dimension != max(dimensions) or row["delta"] >= -drop)
        if not worst or (passed and not holds):
            worst = (
                f"nDCG@10 at {dimension}: {row['file']:.4f} by the file, {row['pytorch']:.4f} by PyTorch "
                f"({row['delta']:+.4f}, 95 % {row['low']:+.4f} to {row['high']:+.4f}; allowed -{drop}), "
                f"top-10 overlap {row['overlap']:.3f}"
            )
        passed &= holds
    return Check("ranking", passed, worst, figures)


def check_hybrid(sample: Sample, theirs: tuple[Vectors, Vectors], mine: tuple[Vectors, Vectors], fusion: Fusion, drop: float) -> Check:
    """The production form: BM25 fused with the file's vectors against BM25 fused with PyTorch's, on the sample's passages.

    Holds when nDCG@10 is neither significantly below PyTorch's nor more than ``drop`` below it.
    """
    if not sample.questions:
        return Check("hybrid", False, "the dataset has no held-out question with an answer in the corpus")
    index, asked = lexical_index(sample.chunks), [asked_tokens(text, languages_of(sample.chunks)) for text in sample.questions]
    beside = neighbours([chunk.source for chunk in sample.chunks]) if sample.whole else None
    ranked = [Hybrid(index, passages, fusion, beside).top(asked, questions, TOP) for questions, passages in (theirs, mine)]
    row = _figures(sample, *ranked)
    detail = (
        f"{fusion.named}: nDCG@10 {row['file']:.4f} by the file, {row['pytorch']:.4f} by PyTorch "
        f"({row['delta']:+.4f}, 95 % {row['low']:+.4f} to {row['high']:+.4f}; allowed -{drop}), top-10 overlap {row['overlap']:.3f}"
    )
    return Check("hybrid", not row["significantly_below"] and row["delta"] >= -drop, detail, row)


def check_lexical(path: Path, chunks: Sequence[Chunk], questions: Sequence[str]) -> Check:
    """The posting lists of the index at ``path`` against BM25 over ``chunks``: every passage's score for every question."""
    asked = [asked_tokens(text, languages_of(chunks)) for text in questions]
    worst, index = 0.0, lexical_index(chunks)
    for start, block in index.scores(asked, dtype=np.float64):
        for offset, expected in enumerate(block):
            found = lexical_scores(path, asked[start + offset], len(chunks))
            worst = max(worst, float(np.abs(found - expected).max(initial=0.0)))
    detail = f"the index's posting lists give BM25's scores of {len(chunks)} passages for {len(asked)} questions, within {worst:.1e}"
    return Check("lexical", worst <= LEXICAL_ERROR, detail, {"questions": len(asked), "passages": len(chunks), "worst": worst})


def _compare(sample: Sample, theirs: tuple[Vectors, Vectors], mine: tuple[Vectors, Vectors], dimension: int) -> dict[str, Any]:
    by_pytorch = top(cut(theirs[0], dimension), cut(theirs[1], dimension))
    by_file = top(cut(mine[0], dimension), cut(mine[1], dimension))
    return _figures(sample, by_pytorch, by_file)


def _figures(sample: Sample, by_pytorch: Ints, by_file: Ints) -> dict[str, Any]:
    before = score_rankings(by_pytorch, sample.relevant)["nDCG@10"]
    after = score_rankings(by_file, sample.relevant)["nDCG@10"]
    difference = compare(before, after, groups=sample.groups)
    shared = [len(set(a) & set(b) - {-1}) / len(set(a) - {-1}) for a, b in zip(by_pytorch.tolist(), by_file.tolist(), strict=True)]
    return {
        "pytorch": difference.before,
        "file": difference.after,
        "delta": difference.delta,
        "low": difference.low,
        "high": difference.high,
        "p": difference.p_value,
        "significantly_below": difference.shown < 0,
        "overlap": float(np.mean(shared)),
    }
