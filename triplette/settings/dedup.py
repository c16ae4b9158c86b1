"""Settings of deduplication."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class DedupSettings:
    """[curate.dedup]"""

    jaccard: float = setting(0.8, "Jaccard similarity of word sets from which two questions are near-duplicates.", low=0.5, high=1.0)
    permutations: int = setting(128, "MinHash permutations: the standard error of the estimate is 1/sqrt of it.", low=32, high=512)
    max_positives: int = setting(
        3,
        "A question that more passages than this answer is ambiguous and is rejected; up to it, it has several positives.",
        low=1,
        high=10,
    )
