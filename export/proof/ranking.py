"""Does the file rank as the PyTorch model does? nDCG@10 with question and passages both embedded by the file, paired by question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from triplette.export.proof.checks import Check
from triplette.export.proof.reference import Vectors, cut
from triplette.export.proof.sample import Sample
from triplette.ranking.metrics import compare, score_rankings

TOP = 10


def top(questions: Vectors, passages: Vectors, k: int = TOP) -> npt.NDArray[np.int64]:
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


def _compare(sample: Sample, theirs: tuple[Vectors, Vectors], mine: tuple[Vectors, Vectors], dimension: int) -> dict[str, Any]:
    by_pytorch = top(cut(theirs[0], dimension), cut(theirs[1], dimension))
    by_file = top(cut(mine[0], dimension), cut(mine[1], dimension))
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
