"""Questions over chunks: one door to the two writers, rules and LLM.

The rules writer is free and deterministic; the LLM writer pays for each call, so it quotes first and caches every answer. Either way
questions.parquet replaces the one before, in the order of the chunks.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synth.chunk import load_chunks
from synth.harvesting import apply_harvest, load_harvest, write_gold
from synth.ingest.harvest import FILE as HARVEST_FILE
from synth.ingest.harvest import Harvested
from synth.llm_writer import Written, write_from_paid, write_with_llm
from triplette.errors import BudgetReached
from triplette.records import Chunk, Question
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.llm import LlmSettings
from triplette.settings.write import WriteSettings
from triplette.tables import write_records

RULES_NOTE = (
    "The questions come from the built-in rules: free and repeatable, but plainer than an LLM's. They let you try the whole "
    "chain and may help a model a little; `train` measures it. For an LLM: --llm openai:MODEL (key in OPENAI_API_KEY)."
)


@dataclass(frozen=True, slots=True)
class WriteSummary:
    """What writing did: questions by kind, rejects by reason, tokens, US dollars."""

    writer: str
    questions: int
    kinds: dict[str, int]
    rejected: dict[str, int]
    tokens: dict[str, int]
    cost: float
    seconds: float
    unchanged: bool = False
    notes: tuple[str, ...] = field(default=())


def write_questions(run: RunDir, settings: WriteSettings, llm: LlmSettings, *, budget: float | None = None) -> WriteSummary:
    """Write questions.parquet from chunks.parquet.

    Raises MissingStage without chunks, BudgetReached when ``budget`` (US dollars) is spent: every answer is kept, the questions of the
    chunks that were answered are in questions.parquet, and the same command goes on from there.
    """
    started = time.perf_counter()
    chunks = load_chunks(run)
    rules = settings.writer == "rules"
    used: dict[str, Any] = {"writer": "rules", "harvest": settings.harvest} if rules else {**as_dict(settings), "llm": as_dict(llm)}
    inputs = run.fingerprints(["chunks.parquet", HARVEST_FILE])
    harvested = load_harvest(run, chunks)
    previous = run.current("synth.write", inputs, used)
    if previous:
        return WriteSummary(
            **{
                **previous["result"],
                "notes": tuple(previous["result"]["notes"]),
                "seconds": time.perf_counter() - started,
                "unchanged": True,
            }
        )
    with run.locked():  # from before the first call: two commands would pay for the same answers twice
        if rules:
            return _store(run, _by_rules(chunks), harvested, "rules", inputs, used, started)
        try:
            written = write_with_llm(run, chunks, llm, settings, budget=budget)
        except BudgetReached as reached:
            paid, answered = write_from_paid(run, chunks, llm, settings)
            _store(run, paid, harvested, llm.model, inputs, {**used, "chunks_answered": answered}, started)
            reached.message += f"; the questions of {answered} of {len(chunks)} chunks are written"
            raise
        return _store(run, written, harvested, llm.model, inputs, used, started)


def _by_rules(chunks: list[Chunk]) -> Written:
    from synth.rules import write_questions as write_by_rules

    questions, rejects = write_by_rules(chunks)
    return Written(questions, rejects, notes=(RULES_NOTE,))


def _store(
    run: RunDir,
    written: Written,
    harvested: Sequence[Harvested],
    writer: str,
    inputs: Mapping[str, str],
    used: Mapping[str, Any],
    started: float,
) -> WriteSummary:
    """Write the questions, with or without the documents' own, and the rejects, then the ledger line."""
    questions, fallen, notes = apply_harvest(harvested, used["harvest"], written.questions)
    rejects = [*written.rejects, *fallen]
    summary = WriteSummary(
        writer=writer,
        questions=len(questions),
        kinds=dict(sorted(Counter(question.kind for question in questions).items())),
        rejected=dict(sorted(Counter(reject.reason for reject in rejects).items())),
        tokens=written.tokens,
        cost=written.cost,
        seconds=time.perf_counter() - started,
        notes=(*written.notes, *notes),
    )
    write_records(run.path("questions.parquet"), questions, Question)
    gold = write_gold(run, harvested, used["harvest"])
    run.write_rejects("synth.write", rejects)
    run.write_rejects("synth.import", [])
    kept = {key: getattr(summary, key) for key in WriteSummary.__slots__ if key not in ("seconds", "unchanged")}
    run.record(
        "synth.write",
        inputs=inputs,
        outputs=["questions.parquet", *gold],
        settings=used,
        counts={"questions": len(questions), "rejected": len(rejects), "harvested": len(harvested)},
        seconds=summary.seconds,
        cost=written.cost,
        tokens=written.tokens,
        extra={"result": {**kept, "notes": list(summary.notes)}, "spent": round(written.spent, 6)},
    )
    return summary
