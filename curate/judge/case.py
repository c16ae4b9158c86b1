"""What is judged, and by what: read once from the run and handed through whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triplette.profile import Profile, run_profile
from triplette.records import Chunk, Triplet
from triplette.rundir import RunDir
from triplette.settings.judge import JudgeSettings
from triplette.tables import read_records


@dataclass(frozen=True)
class Case:
    """The triplets, the passages by id, and the settings and the profile that they are judged by."""

    triplets: Sequence[Triplet]
    chunks: Mapping[str, Chunk]
    settings: JudgeSettings
    profile: Profile

    @classmethod
    def of(cls, run: RunDir, settings: JudgeSettings) -> Case:
        """The case of a run. Raises MissingStage before mining."""
        run.require("chunks.parquet", "triplets.parquet")
        chunks = {chunk.id: chunk for chunk in read_records(run.path("chunks.parquet"), Chunk)}
        return cls(read_records(run.path("triplets.parquet"), Triplet), chunks, settings, run_profile(run))
