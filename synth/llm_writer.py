"""Questions by a language model: a plan for each chunk, one call a chunk, and checks that each question must pass.

A question that fails a check is kept as a Rejection with its reason, and so are a chunk that the model declined and an answer
that stayed malformed; nothing is repaired silently. Kind, persona and difficulty come from the plan, never from the model's answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triplette.languages import language
from triplette.llm.client import Answer, LlmClient, Quote, Request
from triplette.llm.client import quote as quote_requests
from triplette.llm.run import run_many
from triplette.profile import Profile, known_as, profile_in
from triplette.records import Chunk, Question, Rejection
from triplette.rundir import RunDir
from triplette.settings.llm import LlmSettings
from triplette.settings.write import WriteSettings
from triplette.synth.question_checks import Seen, fault, tidy
from triplette.synth.writing_plan import Order, messages, plan

if TYPE_CHECKING:
    from pydantic import BaseModel

STEP = "synth.write"
PROVIDER = "llm"
TOKENS_A_QUESTION = 45  # of output that a question with its JSON takes, for quotes
RAW_KEPT = 2000  # characters of a malformed answer that its rejection keeps


@dataclass(slots=True)
class Written:
    """What the model wrote. ``cost`` is what all these answers cost, ``spent`` what this command paid of it (US dollars)."""

    questions: list[Question] = field(default_factory=list)
    rejects: list[Rejection] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)
    cost: float = 0.0
    spent: float = 0.0
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def answer_form() -> type[BaseModel]:
    """The form of an answer: numbered questions, and the reason for those left out. (Built late: pydantic takes 0.1 s.)"""
    from pydantic import BaseModel, ConfigDict, create_model

    class Closed(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)

    item = create_model("NumberedQuestion", __base__=Closed, number=(int, ...), question=(str, ...))
    return create_model("Questions", __base__=Closed, questions=(list[item], ...), reason=(str, ...))  # type: ignore[valid-type]


def answers_folder(run: RunDir) -> Path:
    """Where a run keeps the answers it paid for."""
    return run.path("llm")


def requests_of(chunks: Sequence[Chunk], settings: WriteSettings, profile: Profile) -> list[Request]:
    """One request a chunk, in order. Depends on each chunk alone, not on its place."""
    expected = settings.questions_per_chunk * TOKENS_A_QUESTION + 20
    return [
        Request(
            messages(chunk, plan(chunk.id, settings.questions_per_chunk, settings.seed, own), own, settings.prompt),
            answer_form(),
            label=chunk.id,
            expected_tokens=expected,
            again=language(own.language).prompting.ask_again,
        )
        for chunk in chunks
        for own in (profile_in(profile, chunk.language),)
    ]


def quote(run: RunDir, chunks: Sequence[Chunk], llm: LlmSettings, settings: WriteSettings, profile: Profile) -> Quote:
    """Calls, tokens, cost and time of writing over ``chunks``, what is paid already apart. Spends nothing."""
    return quote_requests(llm, answers_folder(run), requests_of(chunks, settings, profile))


def write_with_llm(
    run: RunDir, chunks: Sequence[Chunk], llm: LlmSettings, settings: WriteSettings, profile: Profile, *, budget: float | None = None
) -> Written:
    """Questions over ``chunks`` in their order, with everything that was not kept.

    Raises BudgetReached and ServiceError as ``run_many`` does; the answers that were paid for are kept for the next run.
    """
    client = LlmClient(llm, answers_folder(run), budget)
    answers = run_many(client, requests_of(chunks, settings, profile), title=f"writing over {len(chunks)} chunks", stage=STEP)
    written = sort_answers(chunks, answers, client.model, settings, profile)
    written.spent = client.spending.spent
    paid = sum(not answer.cached for answer in answers)
    written.tokens = _tokens(answers)
    written.notes = _notes(client, paid, len(answers), written.cost)
    return written


def write_from_paid(
    run: RunDir, chunks: Sequence[Chunk], llm: LlmSettings, settings: WriteSettings, profile: Profile
) -> tuple[Written, int]:
    """What the answers paid so far give, with no call made; and the number of chunks that have one."""
    client = LlmClient(llm, answers_folder(run))
    requests = requests_of(chunks, settings, profile)
    paid = [(chunk, answer) for chunk, request in zip(chunks, requests, strict=True) if (answer := client.paid(request))]
    client.cache.close()
    written = sort_answers([chunk for chunk, _ in paid], [answer for _, answer in paid], client.model, settings, profile)
    written.tokens = _tokens([answer for _, answer in paid])
    return written, len(paid)


def _tokens(answers: Sequence[Answer]) -> dict[str, int]:
    return {"input": sum(answer.tokens.input for answer in answers), "output": sum(answer.tokens.output for answer in answers)}


def sort_answers(chunks: Sequence[Chunk], answers: Sequence[Answer], model: str, settings: WriteSettings, profile: Profile) -> Written:
    """Answers, one a chunk, into questions and rejections."""
    written = Written()
    seen = Seen()
    for chunk, answer in zip(chunks, answers, strict=True):
        seen.next_chunk()
        written.cost += answer.cost
        if answer.value is None:
            reason = "refused" if answer.refused else "malformed_answer"
            written.rejects.append(_reject(chunk, reason, answer.error, answer.raw[:RAW_KEPT]))
            continue
        content: Any = answer.value
        own = profile_in(profile, chunk.language)
        orders = plan(chunk.id, settings.questions_per_chunk, settings.seed, own)
        kinds = {kind.name: known_as(kind, profile.kinds) for kind in own.kinds}
        personas = {persona.name: known_as(persona, profile.personas) for persona in own.personas}
        kept, rejects = _kept(chunk, content, orders, settings, own, seen)
        written.rejects += rejects
        written.questions += [
            Question.make(
                chunk_id=chunk.id,
                text=text,
                kind=kinds[order.kind],
                persona=personas[order.persona],
                difficulty=order.difficulty,
                provider=PROVIDER,
                model=model,
                prompt=settings.prompt,
                cost=round(answer.cost / len(kept), 9),
            )
            for order, text in kept
        ]
    return written


def _kept(
    chunk: Chunk, content: Any, orders: Sequence[Order], settings: WriteSettings, profile: Profile, seen: Seen
) -> tuple[list[tuple[Order, str]], list[Rejection]]:
    """The questions of one answer that pass every check, with their orders; and what was rejected."""
    kept: list[tuple[Order, str]] = []
    rejects: list[Rejection] = []
    spoken = language(chunk.language)
    open_orders = {order.number: order for order in orders}
    for item in content.questions:
        order = open_orders.pop(item.number, None)
        text = tidy(item.question, spoken)
        reason, detail = ("not_ordered", f"number {item.number} was not asked for") if order is None else ("", "")
        if not reason:
            reason, detail = fault(text if "\n" not in item.question.strip() else item.question, chunk, settings, seen, profile)
        if reason or order is None:
            rejects.append(_reject(chunk, reason, detail, text, order))
            continue
        seen.keep(text, spoken)
        kept.append((order, text))
    why = " ".join(content.reason.split()) or "no reason given"
    if not content.questions:
        rejects.append(_reject(chunk, "model_declined", why, ""))
    else:
        rejects += [_reject(chunk, "model_omitted", why, "", order) for order in open_orders.values()]
    return kept, rejects


def _reject(chunk: Chunk, reason: str, detail: str, text: str, order: Order | None = None) -> Rejection:
    payload = {"kind": order.kind, "persona": order.persona, "difficulty": order.difficulty} if order else {}
    return Rejection(
        STEP,
        chunk.id,
        "question" if text and reason not in ("refused", "malformed_answer") else "chunk",
        reason,
        detail,
        parent_id=chunk.id,
        text=text,
        payload=json.dumps(payload, sort_keys=True) if payload else "",
    )


def _notes(client: LlmClient, paid: int, total: int, cost: float) -> tuple[str, ...]:
    spending = client.spending
    if not client.price.known:
        said = (
            f"{client.model}: its price is not known, so no cost is counted (--prices FILE, or price_in and price_out in [synth.llm])"
        )
    else:
        said = f"{client.model}: {spending.spent:.4f} USD spent now; the answers used cost {cost:.4f} USD in all"
    notes = [said, f"{total - paid} of {total} answers were paid for before"] if paid < total else [said]
    if spending.uncertain:
        notes.append(f"up to {spending.uncertain:.4f} USD more may be billed for calls that never came back")
    return (*notes, *client.notes())
