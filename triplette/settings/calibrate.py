"""Settings of calibration: how sure is sure."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class CalibrateSettings:
    """[curate.calibrate]"""

    precision: float = setting(0.9, "Wanted share of good rows among those the judge keeps.", low=0.5, high=0.999)
    confidence: float = setting(0.95, "Confidence of every interval and of the threshold.", low=0.5, high=0.999)
    resamples: int = setting(2000, "Bootstrap resamples of the labelled rows.", low=100, high=100_000)
    seed: int = setting(0, "Seed of the bootstrap.", low=0)
    min_kind_labels: int = setting(10, "Labels of a kind under which nothing is said about it.", low=1)
