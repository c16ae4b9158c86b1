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
    seed: int = setting(0, "Seed of the LSA's SVD, the calibration's sample and an IVF index's clusters.", low=0)
