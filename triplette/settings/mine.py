"""Settings of hard-negative mining."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class MineSettings:
    """[synth.mine]"""

    encoder: str = setting(
        "lsa",
        "The dense ranker: 'lsa' (built in, fitted on the corpus) or the folder or id of a sentence-transformers model (models extra).",
    )
    negatives: int = setting(3, "Hard negatives that a question gets at most; fewer where too few are good.", low=1, high=32)
    candidates: int = setting(50, "Passages that each ranker proposes for a question.", low=1, high=1000)
    rrf_k: int = setting(60, "The constant of reciprocal rank fusion (Cormack et al. 2009 found 60 good).", low=1, high=1000)
    missed_answers: float = setting(
        0.05,
        "Share of passages known to answer that may pass for negatives: the margin is tuned to it from the encoder's own scores.",
        low=0.0,
        high=0.5,
    )
    sample: int = setting(500, "Questions from which the margin is tuned.", low=30, high=100_000)
    containment: float = setting(
        0.5,
        "Share of the shorter passage's three-word runs from which two passages say the same and are never negatives.",
        low=0.1,
        high=1.0,
    )
    same_source_bonus: float = setting(
        0.002,
        "Added to the fused score of a passage of the positive's document: its other articles are the confusions that matter. A lead of "
        "0.002 is worth about 7 ranks at rank 30 and less than one at rank 1.",
        low=0.0,
        high=0.05,
    )
    seed: int = setting(0, "Seed of the LSA's SVD, the calibration's sample and an IVF index's clusters.", low=0)
