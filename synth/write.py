"""Questions over chunks: one door to the two writers, rules and LLM.

The rules writer is free and deterministic, and reads each chunk alone: blocks of chunks run on the engine, and what two of them ask alike is
found when they are put together. The LLM writer pays for each call, so it quotes first and caches every answer; its calls start in this process
on every engine. Either way questions.parquet replaces the one before, in the order of the chunks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from triplette.console import progress
from triplette.engine import LOCAL, Engine
from triplette.errors import BudgetReached, LanguageUnknown
from triplette.kept import KeptBlocks, Tables
from triplette.languages import NO_RULES, language, written_out
from triplette.llm.addresses import public_address
from triplette.profile import FILE as PROFILE
from triplette.profile import Profile, run_profile
from triplette.records import Chunk, Question, Rejection
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.llm import LlmSettings
from triplette.settings.write import WriteSettings
from triplette.step import Step
from triplette.synth.chunk import load_chunks
from triplette.synth.harvesting import apply_harvest, load_harvest, write_gold
from triplette.synth.ingest.harvest import FILE as HARVEST_FILE
from triplette.synth.ingest.harvest import Harvested
from triplette.synth.llm_writer import STEP, Written, write_from_paid, write_with_llm
from triplette.tables import write_records

RULES_NOTE = (
    "The questions come from the built-in rules: free and repeatable, but plainer than an LLM's. They let you try the whole "
    "chain and may help a model a little; `train` measures it. For an LLM: --llm openai:MODEL (key in OPENAI_API_KEY)."
)
CHUNK_BLOCK = 256  # chunks that the rules write over at once: half a second, so that a few thousand fill a machine


@dataclass(frozen=True, slots=True)
class WriteSummary:
    """What writing did: questions by kind, rejects by reason, tokens, US dollars."""

    writer: str
    questions: int
    kinds: dict[str, int]
    rejected: dict[str, int]
    tokens: dict[str, int]
    cost: float
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    unchanged: bool = False


def write_questions(
    run: RunDir, settings: WriteSettings, llm: LlmSettings, *, budget: float | None = None, engine: Engine = LOCAL
) -> WriteSummary:
    """Write questions.parquet from chunks.parquet, as the run's profile says. What the rules write is spread over ``engine``.

    Raises MissingStage without chunks, BudgetReached when ``budget`` (US dollars) is spent: every answer is kept, the questions of the
    chunks that were answered are in questions.parquet, and the same command goes on from there; LanguageUnknown where the built-in rules
    write the language of no chunk.
    """
    chunks = load_chunks(run)
    rules = settings.writer == "rules"
    used: dict[str, Any] = (
        {"writer": "rules", "harvest": settings.harvest}
        if rules
        else {**as_dict(settings), "llm": {**as_dict(llm), "base_url": public_address(llm.base_url)}}
    )
    if rules:
        _known_language(chunks)
    step = Step(run, STEP, run.fingerprints(["chunks.parquet", HARVEST_FILE, PROFILE]), used)
    profile = run_profile(run)
    harvested = load_harvest(run, chunks)
    if done := step.done(WriteSummary):
        return done
    with run.locked():  # from before the first call: two commands would pay for the same answers twice
        if rules:
            kept = KeptBlocks.of(step)
            summary = _store(step, _by_rules(chunks, profile, engine, kept), harvested, "rules")
            kept.forget()
            return summary
        try:
            written = write_with_llm(run, chunks, llm, settings, profile, budget=budget)
        except BudgetReached as reached:
            paid, answered = write_from_paid(run, chunks, llm, settings, profile)
            _store(step, paid, harvested, llm.model, {**used, "chunks_answered": answered})
            reached.message += f"; the questions of {answered} of {len(chunks)} chunks are written"
            raise
        return _store(step, written, harvested, llm.model)


def _known_language(chunks: list[Chunk]) -> None:
    """Raise LanguageUnknown where no chunk is in a language that the built-in rules write, with what that language lacks besides."""
    counts = Counter(chunk.language for chunk in chunks)
    if not counts or any(language(code).rules for code in counts):
        return
    first = language(counts.most_common(1)[0][0])
    written = ", ".join(language(code).name for code in written_out() if language(code).rules)
    also = "; ".join(lack for lack in first.lacks if lack != NO_RULES)
    raise LanguageUnknown(
        f"the built-in rules write {written}, and these passages are in {', '.join(language(code).name for code in counts)}"
        + (f". {first.name} also lacks: {also}" if also else ""),
        where="chunks.parquet",
        cure="write with a model, --llm openai:MODEL (key in OPENAI_API_KEY), or bring questions in with `synth import`; "
        "if the language was misread, --language fr",
    )


def _by_rules(chunks: list[Chunk], profile: Profile, engine: Engine, kept: KeptBlocks) -> Written:
    questions: list[Question] = []
    rejects: list[Rejection] = []
    blocks: list[tuple[str, list[Chunk]]] = []
    for code in dict.fromkeys(chunk.language for chunk in chunks):
        own, spoken = [chunk for chunk in chunks if chunk.language == code], language(code)
        if spoken.rules:
            blocks += [(spoken.rules, own[start : start + CHUNK_BLOCK]) for start in range(0, len(own), CHUNK_BLOCK)]
            continue
        detail = f"the built-in rules do not write {spoken.name}"
        rejects += [Rejection(STEP, chunk.id, "chunk", "other_language", detail, text=chunk.text) for chunk in own]
    with progress("writing by rules", sum(len(own) for _, own in blocks)) as bar:
        found = kept.run(engine, _block_by_rules, blocks, Tables((Question, Rejection)), shared=(profile,))
        for (_, own), (written, fallen) in zip(blocks, found, strict=True):
            questions += written
            rejects += fallen
            bar.advance(len(own))
    others = Counter(chunk.language for chunk in chunks if not language(chunk.language).rules)
    left = ", ".join(f"{count} passages in {language(code).name}" for code, count in others.most_common())
    note = (f"No question was written over {left}: the built-in rules do not write it. For them: --llm, or `synth import`.",)
    place = {chunk.id: number for number, chunk in enumerate(chunks)}
    questions.sort(key=lambda question: place[question.chunk_id])  # stable: several languages, one order
    questions, repeated = _asked_once(questions)
    return Written(questions, [*rejects, *repeated], notes=(RULES_NOTE, *(note if others else ())))


def _block_by_rules(profile: Profile, module: str, chunks: Sequence[Chunk]) -> tuple[list[Question], list[Rejection]]:
    """What a language's rules write over some chunks; named by its module, because a language does not travel."""
    written: tuple[list[Question], list[Rejection]] = import_module(module).write_questions(chunks, profile)
    return written


def _asked_once(questions: Sequence[Question]) -> tuple[list[Question], list[Rejection]]:
    """The questions whose words none before them has, and the others as rejects."""
    first: dict[str, Question] = {}
    repeated = []
    detail = "an earlier passage has this question already: it does not say which is meant"
    for question in questions:
        if first.setdefault(question.text, question) is not question:
            repeated.append(Rejection(STEP, question.id, "question", "repeated", detail, question.chunk_id, question.text))
    return list(first.values()), repeated


def _store(
    step: Step, written: Written, harvested: Sequence[Harvested], writer: str, cut_short: Mapping[str, Any] | None = None
) -> WriteSummary:
    """Write the questions, with or without the documents' own, and the rejects, then the ledger line.

    ``cut_short`` are its settings where the budget ended the work.
    """
    questions, fallen, notes = apply_harvest(harvested, step.settings["harvest"], written.questions)
    rejects = [*written.rejects, *fallen]
    summary = WriteSummary(
        writer=writer,
        questions=len(questions),
        kinds=dict(sorted(Counter(question.kind for question in questions).items())),
        rejected=dict(sorted(Counter(reject.reason for reject in rejects).items())),
        tokens=written.tokens,
        cost=written.cost,
        notes=(*written.notes, *notes),
    )
    write_records(step.run.path("questions.parquet"), questions, Question)
    gold = write_gold(step.run, harvested, step.settings["harvest"])
    step.run.write_rejects("synth.write", rejects)
    step.run.write_rejects("synth.import", [])
    return step.record(
        summary,
        outputs=["questions.parquet", *gold],
        counts={"questions": len(questions), "rejected": len(rejects), "harvested": len(harvested)},
        settings=cut_short,
        cost=written.cost,
        tokens=written.tokens,
        spent=round(written.spent, 6),
    )
