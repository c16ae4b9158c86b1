"""``synth generate``: chunk, write, mine, each with its own ledger line, so that a killed run goes on where it was."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from triplette.engine import LOCAL, Engine
from triplette.profile import Profile
from triplette.rundir import RunDir
from triplette.settings.llm import LlmSettings
from triplette.settings.mine import MineSettings
from triplette.settings.synth import ChunkSettings
from triplette.settings.write import WriteSettings
from triplette.synth.chunk import ChunkResult, chunk_corpus, percent
from triplette.synth.mining.mine import MineResult, mine_negatives
from triplette.synth.write import WriteSummary, write_questions


@dataclass(frozen=True, slots=True)
class GenerateResult:
    """The three stages' results, the rejects by step and reason, and the seconds in all.

    A question without a hard negative is no reject: it is kept, as a pair, and ``mined`` counts it.
    """

    chunked: ChunkResult
    written: WriteSummary
    mined: MineResult
    rejected: dict[tuple[str, str], int]
    seconds: float

    def rows(self) -> list[tuple[str, str]]:
        """The summary table."""
        kinds = [(f"  {kind}", f"{n}") for kind, n in self.written.kinds.items()]
        return [
            ("documents", f"{self.chunked.documents}"),
            ("chunks", f"{self.chunked.chunks}{_again(self.chunked.unchanged)}"),
            ("  languages", self.chunked.spoken()),
            ("  with so much of the words", percent(self.chunked.coverage)),
            (f"questions (by {self.written.writer})", f"{self.written.questions}{_again(self.written.unchanged)}"),
            *kinds,
            ("triplets", f"{self.mined.triplets}{_again(self.mined.unchanged)}"),
            ("hard negatives", f"{self.mined.negatives}"),
            ("rejected rows", f"{sum(self.rejected.values())}"),
            ("cost, US dollars", f"{self.written.cost:.4f}"),
            ("seconds", f"{self.seconds:.1f}"),
        ]

    def reject_rows(self) -> list[tuple[str, str, int]]:
        """(step, reason, rows), most frequent first."""
        return [(step, reason, n) for (step, reason), n in sorted(self.rejected.items(), key=lambda item: -item[1])]

    def notes(self) -> list[str]:
        """What the user should know beside the figures."""
        return [*(f"note: {note}" for note in (*self.chunked.notes, *self.chunked.lacks())), *self.written.notes, *self.mined.notes]

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "chunk": asdict(self.chunked),
            "write": asdict(self.written),
            "mine": asdict(self.mined),
            "rejected": [{"step": step, "reason": reason, "rows": n} for step, reason, n in self.reject_rows()],
            "seconds": self.seconds,
        }


def generate(
    run: RunDir,
    corpus: Path,
    chunk: ChunkSettings,
    write: WriteSettings,
    llm: LlmSettings,
    mine: MineSettings,
    *,
    profile: Profile | None = None,
    budget: float | None = None,
    engine: Engine = LOCAL,
) -> GenerateResult:
    """Run the three stages in order, on ``engine`` what they compute; each does nothing when nothing changed.

    ``profile``: else the corpus's own, else a neutral one.
    """
    started = time.perf_counter()
    chunked = chunk_corpus(run, corpus, chunk, profile, engine=engine)
    written = write_questions(run, write, llm, budget=budget, engine=engine)
    mined = mine_negatives(run, mine, engine=engine)
    steps = ("synth.chunk", "synth.write", "synth.mine")
    rejected = Counter((row.step, row.reason) for row in run.read_rejects() if row.step in steps and row.subject_kind != "negative")
    return GenerateResult(chunked, written, mined, dict(rejected), time.perf_counter() - started)


def _again(unchanged: bool) -> str:
    return " (unchanged)" if unchanged else ""
