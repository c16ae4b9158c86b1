"""``curate judge``: a verdict for every triplet and every negative. Verdicts are new records; triplets are never edited.

The rules judge speaks of every row, in blocks on the engine. With ``judge = "llm"`` the model is asked too: only about rows that the rules
keep (``rules_first``), so that it saves money and an obedient model cannot let in what the rules reject; or alone. Its calls start in this
process on every engine. Nothing is written before the last answer is there, but every paid answer is kept, so a run that stops at its budget
or is interrupted goes on where it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from triplette.curate.decisions import KEEP, POSITIVE
from triplette.curate.judge.by_rules import by_rules
from triplette.curate.judge.case import Case
from triplette.curate.judge.llm import (
    Reading,
    judgement_readings,
    negative_readings,
    read_judgement,
    read_negatives,
)
from triplette.engine import LOCAL, Engine
from triplette.kept import KeptBlocks
from triplette.llm.addresses import model_name
from triplette.llm.client import Answer, LlmClient, Quote
from triplette.llm.client import quote as quote_requests
from triplette.llm.run import run_many
from triplette.profile import FILE as PROFILE
from triplette.records import Triplet, Verdict
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.judge import JudgeSettings
from triplette.settings.llm import LlmSettings
from triplette.step import Step
from triplette.tables import write_records

STAGE = "curate.judge"
INPUTS = ("chunks.parquet", "triplets.parquet")
OUTPUTS = ("verdicts/judge.parquet", "verdicts/negatives.parquet")
SHAPING = ("model", "response_format", "max_tokens")  # settings of the model that shape what it answers


@dataclass(frozen=True, slots=True)
class JudgeResult:
    """Counts of triplets and negatives by decision, and of triplets not kept by reason.

    ``asked``: triplets that the LLM was asked about; ``disagreements``: triplets whose readings disagree. ``cost``: US dollars that all
    the answers cost; ``spent``: what this command paid of it; ``said``: what the endpoint turned out not to take.
    """

    judge: str
    triplets: int
    decisions: dict[str, int]
    reasons: dict[str, int]
    negatives: dict[str, int]
    asked: int = 0
    disagreements: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    cost: float = 0.0
    spent: float = 0.0
    said: tuple[str, ...] = ()
    seconds: float = 0.0
    unchanged: bool = False

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain values."""
        return asdict(self)

    def rows(self) -> list[tuple[str, Any]]:
        """The counts for a table."""
        rows: list[tuple[str, Any]] = [("triplets", self.triplets)]
        rows += [(f"  {decision}", count) for decision, count in self.decisions.items()]
        rows += [("negatives", sum(self.negatives.values()))]
        rows += [(f"  {decision}", count) for decision, count in self.negatives.items()]
        if self.judge == "llm":
            rows += [("asked the LLM about", self.asked), ("readings that disagree", self.disagreements)]
            rows += [("US dollars", self.cost)] if self.cost else []
        return rows

    def notes(self) -> list[str]:
        """What the user should know."""
        if self.judge == "rules":
            return [
                "Judged by the built-in rules: they see form, words and ranks, not sense. For a reader: --judge llm --llm openai:MODEL",
                "(key in OPENAI_API_KEY); `curate calibrate` measures either against people.",
            ]
        if not self.asked:
            return []
        known = self.cost > 0 or not self.tokens.get("input")
        money = (
            f"{self.spent:.4f} USD spent now."
            if known
            else "The price of this model is not known (--prices FILE, or price_in and price_out of [curate.llm])."
        )
        return [*self.said, f"{money} Rows on which readings disagree wait for a person: `curate review push`"]


@dataclass(frozen=True)
class _Judged:
    """The verdicts of one judge, and what they cost."""

    triplets: list[Verdict]
    negatives: list[Verdict]
    asked: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    cost: float = 0.0
    spent: float = 0.0
    said: tuple[str, ...] = ()


def judge(
    run: RunDir, settings: JudgeSettings, llm: LlmSettings | None = None, *, budget: float | None = None, engine: Engine = LOCAL
) -> JudgeResult:
    """Write verdicts/judge.parquet and verdicts/negatives.parquet. What the rules judge is spread over ``engine``.

    Raises MissingStage before mining; with an LLM, BudgetReached, ServiceError and SettingError as ``run_many`` does.
    """
    step = _step(run, settings, llm)
    if done := step.done(JudgeResult, said=(), spent=0.0):
        return done
    with run.locked():  # from before the first call: two commands would pay for the same answers twice
        case = Case.of(run, settings)
        kept = KeptBlocks.of(step)
        judged = _Judged(*by_rules(case, engine, kept))
        if settings.judge == "llm":
            judged = _by_llm(run, case, judged, _model(settings, llm), budget)
        result = _result(case, judged)
        write_records(run.path(OUTPUTS[0]), judged.triplets, Verdict)
        write_records(run.path(OUTPUTS[1]), judged.negatives, Verdict)
        kept.forget()
        return step.record(
            result, outputs=OUTPUTS, counts=result.decisions, forget=("spent", "said"), cost=result.spent, tokens=result.tokens
        )


def quote(run: RunDir, settings: JudgeSettings, llm: LlmSettings | None, *, engine: Engine = LOCAL) -> Quote | None:
    """What judging would take, at most: as if every row it asks about were kept. None for the rules. Spends nothing.

    What the rules judged elsewhere is kept for ``judge``.
    """
    step = _step(run, settings, llm)
    if settings.judge != "llm":
        return None
    case = Case.of(run, settings)
    rules = _Judged(*by_rules(case, engine, KeptBlocks.of(step)))
    asked = _asked(case, rules)
    readings = judgement_readings(case, asked)
    readings += negative_readings(case, _open_negatives(asked, rules))
    return quote_requests(_model(settings, llm), run.path("llm"), [reading.request for reading in readings])


def _step(run: RunDir, settings: JudgeSettings, llm: LlmSettings | None) -> Step:
    run.require(*INPUTS)
    return Step(run, STAGE, run.fingerprints((*INPUTS, PROFILE)), _shaping(settings, llm))


def _by_llm(run: RunDir, case: Case, rules: _Judged, llm: LlmSettings, budget: float | None) -> _Judged:
    """The rules' verdicts with the LLM's: two rounds of calls, the second only for rows that the first kept."""
    asked = _asked(case, rules)
    readings = judgement_readings(case, asked)
    answers, spent, said = _ask(run, llm, readings, budget, "judging")
    model = model_name(llm)
    spoken = [read_judgement(case, reading, answer, model) for reading, answer in zip(readings, answers, strict=True)]
    left = {verdict.subject_id for verdict in spoken} - {verdict.subject_id for verdict in spoken if verdict.decision != KEEP}
    kept = [triplet for triplet in asked if triplet.id in left]
    more = negative_readings(case, _open_negatives(kept, rules))
    # a batch's budget is that of the whole job: its journal knows what was spent
    remaining = budget if budget is None or llm.batch else max(budget - spent, 0.0)
    replies, spent_on_negatives, said_more = _ask(run, llm, more, remaining, "judging negatives")
    by_negative = _negatives_said(case, more, replies, model)
    base = rules.triplets if case.settings.rules_first else [verdict for verdict in rules.triplets if verdict.decision == "quarantine"]
    every = [*answers, *replies]
    return _Judged(
        triplets=sorted([*base, *spoken], key=lambda verdict: (verdict.subject_id, verdict.judge, verdict.judge_name)),
        negatives=[by_negative.get(verdict.subject_id, verdict) for verdict in rules.negatives],
        asked=len(asked),
        tokens={"input": sum(a.tokens.input for a in every), "output": sum(a.tokens.output for a in every)},
        cost=sum(answer.cost for answer in every),
        spent=spent + spent_on_negatives,
        said=tuple(dict.fromkeys((*said, *said_more))),
    )


def _asked(case: Case, rules: _Judged) -> list[Triplet]:
    """The triplets that the LLM is asked about."""
    kept = {verdict.subject_id for verdict in rules.triplets if verdict.decision == KEEP or not case.settings.rules_first}
    return [triplet for triplet in case.triplets if triplet.id in kept and triplet.positive_id in case.chunks]


def _open_negatives(triplets: Sequence[Triplet], rules: _Judged) -> list[tuple[Triplet, list[str]]]:
    """The negatives that a reader must decide: all but copies of the positive and orphans."""
    closed = {verdict.subject_id for verdict in rules.negatives if verdict.decision in (POSITIVE, "drop")}
    found = []
    for triplet in triplets:
        ids = [negative.chunk_id for negative in triplet.negatives if f"{triplet.id}/{negative.chunk_id}" not in closed]
        if ids:
            found.append((triplet, ids))
    return found


def _ask(
    run: RunDir, llm: LlmSettings, readings: Sequence[Reading], budget: float | None, title: str
) -> tuple[list[Answer], float, tuple[str, ...]]:
    """The answers in order, the US dollars that this took now, and what the endpoint turned out not to take."""
    if not readings:
        return [], 0.0, ()
    client = LlmClient(llm, run.path("llm"), budget)
    answers = run_many(client, [reading.request for reading in readings], title=title, stage=STAGE)
    return answers, client.spending.spent, client.notes()


def _negatives_said(case: Case, readings: Sequence[Reading], answers: Sequence[Answer], model: str) -> dict[str, Verdict]:
    """The LLM's verdict by negative."""
    groups: dict[str, list[tuple[Reading, Answer]]] = {}
    for reading, answer in zip(readings, answers, strict=True):
        groups.setdefault(reading.triplet.id, []).append((reading, answer))
    found = {}
    for pairs in groups.values():
        for verdict in read_negatives(case, [reading for reading, _ in pairs], [answer for _, answer in pairs], model):
            found[verdict.subject_id] = verdict
    return found


def _result(case: Case, judged: _Judged) -> JudgeResult:
    by_triplet: dict[str, list[Verdict]] = {}
    for verdict in judged.triplets:
        by_triplet.setdefault(verdict.subject_id, []).append(verdict)
    against = {
        subject: next((verdict for verdict in verdicts if verdict.decision != KEEP), None) for subject, verdicts in by_triplet.items()
    }
    by_model = [{v.decision for v in verdicts if v.judge == "llm"} for verdicts in by_triplet.values()]
    return JudgeResult(
        judge=case.settings.judge,
        triplets=len(case.triplets),
        decisions=dict(sorted(Counter(v.decision if v else KEEP for v in against.values()).items())),
        reasons=dict(Counter(v.reason.split(":")[0] for v in against.values() if v).most_common()),
        negatives=dict(sorted(Counter(v.decision for v in judged.negatives).items())),
        asked=judged.asked,
        disagreements=sum(len(decisions) > 1 for decisions in by_model),
        tokens=judged.tokens,
        cost=round(judged.cost, 6),
        spent=round(judged.spent, 6),
        said=judged.said,
    )


def _model(settings: JudgeSettings, llm: LlmSettings | None) -> LlmSettings:
    """The model's settings as a judge needs them."""
    return replace(llm or LlmSettings(), temperature=settings.temperature)


def _shaping(settings: JudgeSettings, llm: LlmSettings | None) -> dict[str, Any]:
    """The settings that the verdicts depend on: what the ledger compares."""
    content = as_dict(settings)
    if settings.judge == "llm":
        model_name(llm or LlmSettings())  # a missing model is told before any work
        content["llm"] = {name: value for name, value in as_dict(llm or LlmSettings()).items() if name in SHAPING}
    return content
