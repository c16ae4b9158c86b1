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
    negatives: int = setting(
        3,
        "Hard negatives that a question gets at most; fewer where too few are good, and a question without any is kept as a pair. "
        "0: pairs only.",
        low=0,
        high=32,
    )
    candidates: int = setting(50, "Passages that each ranker proposes for a question.", low=1, high=1000)
    rrf_k: int = setting(60, "The constant of reciprocal rank fusion (Cormack et al. 2009 found 60 good).", low=1, high=1000)
    positive_share: float = setting(
        0.95,
        "A negative stays under this share of its positive's relative score in one ranker at least (NV-Retriever's percentage, "
        "measured from the question's mean and not from 0).",
        low=0.0,
        high=1.0,
    )
    missed_answers: float = setting(
        0.2,
        "Share of the known answers in other passages that the tuned limit may let through. Lower: fewer false negatives, "
        "and easier ones. At 0.2, 6 % of hand-labelled candidates that stayed also answered, against 20 % of all; of 90 negatives read "
        "later 11 %, most of them in part.",
        low=0.0,
        high=1.0,
    )
    limit: float = setting(
        0.0, "Answer likeness that a negative must stay under; 0: tuned to the encoder and the corpus.", low=0.0, high=1.0
    )
    sample: int = setting(1000, "Known answers that the limit is tuned on at most: one more text to encode each.", low=0, high=100_000)
    containment: float = setting(
        0.3,
        "Share of the shorter passage's runs of three words that makes two passages look-alikes, never each other's negative. "
        "95 % of hand-labelled hard negatives share under 0.15 with their positive.",
        low=0.0,
        high=1.0,
    )
    same_source_bonus: float = setting(
        0.25,
        "Added share of the fused score for another article of the positive's own document: people confuse those first, and by "
        "hand-made labels they answer less often than other documents' articles.",
        low=0.0,
        high=10.0,
    )
    flat_limit: int = setting(
        200_000,
        "Chunks up to which the search compares a question with every one; above it looks into compressed shards on disk and scores "
        "the finalists exactly (docs/scale.md).",
        low=1,
        high=100_000_000,
    )
    shard: int = setting(250_000, "Chunks of one shard of such an index.", low=1000, high=100_000_000)
    code_bytes: int = setting(96, "Bytes that a chunk's vector takes in a shard, at most.", low=1, high=4096)
    finalists: int = setting(400, "Chunks that a question scores exactly after looking into the shards.", low=1, high=100_000)
    probes: int = setting(
        64, "Clusters, of 1,024, that a question looks into in each shard (docs/scale.md has what 16 to 256 find).", low=1, high=65_536
    )
    seed: int = setting(0, "Seed of the LSA's SVD, the calibration's sample and the shards' clusters.", low=0)
