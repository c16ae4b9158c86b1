"""Questions over chunks: one door to the two writers, rules and LLM.

The rules writer is free and deterministic; the LLM writer pays for each call, so it quotes first and caches every answer. Either way
questions.parquet replaces the one before, in the order of the chunks.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from triplette.settings.llm import LlmSettings

from synth.chunk import load_chunks
from triplette.records import Chunk, Question, Rejection
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
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

    Raises MissingStage without chunks, BudgetReached when ``budget`` (US dollars) is spent: what was answered is kept in the cache.
    """
    started = time.perf_counter()
    chunks = load_chunks(run)
    rules = settings.writer == "rules"
    used: dict[str, Any] = {"writer": settings.writer} if rules else {"writer": settings.writer, **as_dict(llm)}
    inputs = run.fingerprints(["chunks.parquet"])
    previous = run.current("synth.write", inputs, used)
    if previous:
        result = {**previous["result"], "notes": tuple(previous["result"]["notes"])}
        return WriteSummary(**{**result, "seconds": time.perf_counter() - started, "unchanged": True})
    questions, rejects, tokens, cost = _by_rules(chunks) if rules else _by_llm(run, chunks, llm, budget)
    summary = WriteSummary(
        writer="rules" if rules else llm.model,
        questions=len(questions),
        kinds=dict(sorted(Counter(question.kind for question in questions).items())),
        rejected=dict(sorted(Counter(reject.reason for reject in rejects).items())),
        tokens=tokens,
        cost=cost,
        seconds=time.perf_counter() - started,
        notes=(RULES_NOTE,) if rules else (),
    )
    with run.locked():
        write_records(run.path("questions.parquet"), questions, Question)
        run.write_rejects("synth.write", rejects)
        run.write_rejects("synth.import", [])
        kept = {key: getattr(summary, key) for key in WriteSummary.__slots__ if key not in ("seconds", "unchanged")}
        run.record(
            "synth.write",
            inputs=inputs,
            outputs=["questions.parquet"],
            settings=used,
            counts={"questions": len(questions), "rejected": len(rejects)},
            seconds=summary.seconds,
            cost=cost,
            tokens=tokens,
            extra={"result": {**kept, "notes": list(summary.notes)}},
        )
    return summary


def _by_rules(chunks: list[Chunk]) -> tuple[list[Question], list[Rejection], dict[str, int], float]:
    from synth.rules import write_questions as write_by_rules

    questions, rejects = write_by_rules(chunks)
    return questions, rejects, {}, 0.0


def _by_llm(
    run: RunDir, chunks: list[Chunk], llm: LlmSettings, budget: float | None
) -> tuple[list[Question], list[Rejection], dict[str, int], float]:
    from synth.llm_writer import write_with_llm

    result = write_with_llm(run, chunks, llm, budget=budget)
    return result.questions, result.rejects, result.tokens, result.cost
