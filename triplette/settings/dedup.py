"""Settings of deduplication."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class DedupSettings:
    """[curate.dedup]"""

    jaccard: float = setting(0.8, "Jaccard similarity of word sets from which two questions are near-duplicates.", low=0.5, high=1.0)
    encoder: str = setting(
        "lsa",
        "Vectors for near-duplicates that share few words: 'lsa' (fitted on the questions), 'none', or the folder or id of a "
        "sentence-transformers model (models extra; tune the two thresholds to it).",
    )
    cosine: float = setting(0.9, "Cosine from which two questions over different passages are near-duplicates.", low=0.5, high=1.0)
    cosine_same_passage: float = setting(
        0.8, "The same for two questions over one passage, where a wrong merge loses a row and misleads nobody.", low=0.5, high=1.0
    )
    neighbours: int = setting(
        10, "Nearest questions looked at for each; more than this many near-duplicates still chain up.", low=1, high=100
    )
    same_passage: float = setting(
        0.8, "Share of the shorter passage's 3-word shingles in the longer from which two passages count as one.", low=0.3, high=1.0
    )
    max_positives: int = setting(
        3,
        "A question that more passages than this answer is ambiguous and is rejected; up to it, it has several positives.",
        low=1,
        high=10,
    )
    seed: int = setting(0, "Seed of the LSA and of the search for near vectors.", low=0)
