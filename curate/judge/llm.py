"""The LLM judge: a rubric, evidence that a program checks, and answers that are believed only as far as they can be.

Two rounds of calls. First each question with its passage: four criteria, the reason before each score, and the span that answers. A span that
is not in the passage makes relevance 0. Then, for rows that passed, the negatives: does this passage answer too? They are asked apart from the
positive, so that no text of a negative stands beside the question when it is scored.

What cannot be read quarantines: a malformed answer the row, a missing or doubled number its negative. A passage may
speak to its judge: it stands between fences that it cannot foresee, and its evidence must be in it. What remains possible is a model that
is wrong, or obeys, within the form; for that there are several readings, the rules judge before it (``rules_first``) and people after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triplette.criteria import CRITERIA, NAMES
from triplette.curate.judge.case import Case
from triplette.curate.judge.evidence import find_evidence
from triplette.curate.judge.negatives import negative_verdict
from triplette.curate.judge.rules import decide
from triplette.errors import InputError
from triplette.languages import language, written_out
from triplette.llm.client import Answer, Request
from triplette.llm.prompts import fill, guard_line, read_prompt, with_parts
from triplette.profile import Profile, profile_in
from triplette.records import Chunk, Score, Triplet, Verdict

if TYPE_CHECKING:
    from pydantic import BaseModel

PROMPTS = Path(__file__).parent / "prompts"
SPOKEN = [language(code).prompting.answers for code in written_out()]  # yes, no and unsure in the prompts' languages
NO, UNSURE = ({words[place] for words in SPOKEN} for place in (1, 2))
JUDGEMENT_TOKENS = 330  # of output that a judgement takes, for quotes
NEGATIVE_TOKENS = 70
HIGHEST = 5  # scores are asked for as whole numbers from 1 to this: models hold a short scale better than a fraction
SHOWN = 120  # characters of a citation that a reason repeats


@lru_cache(maxsize=1)
def judgement_form() -> type[BaseModel]:
    """The form of a judgement. (Built late: pydantic takes 0.1 s.)"""
    from typing import Annotated, Literal

    from pydantic import BaseModel as Base
    from pydantic import BeforeValidator, ConfigDict, Field, create_model

    class Closed(Base):
        model_config = ConfigDict(extra="forbid", strict=True)

    text: Any = (str, Field(max_length=2000))
    criterion = create_model(
        "Criterion", __base__=Closed, reason=text, score=(Annotated[Literal[1, 2, 3, 4, 5], BeforeValidator(_no_bool)], ...)
    )
    parts: dict[str, Any] = {"answer": text, "evidence": text}
    parts.update({one.name: (criterion, ...) for one in CRITERIA})
    form: type[BaseModel] = create_model("Judgement", __base__=Closed, **parts)
    return form


def _no_bool(value: object) -> object:
    """JSON's ``true`` is not the number 1, although Python's is."""
    if isinstance(value, bool):
        raise ValueError("a whole number from 1 to 5, not true or false")
    return value


@lru_cache(maxsize=8)
def negatives_form(code: str) -> type[BaseModel]:
    """The form of an answer about negatives, in the words that the prompt of language ``code`` asks for."""
    from typing import Literal

    from pydantic import BaseModel as Base
    from pydantic import ConfigDict, Field, create_model

    class Closed(Base):
        model_config = ConfigDict(extra="forbid", strict=True)

    text: Any = (str, Field(max_length=2000))
    reading = create_model(
        "PassageReading",
        __base__=Closed,
        number=(int, ...),
        reason=text,
        evidence=text,
        answers=(Literal[language(code).prompting.answers], ...),
    )
    return create_model("Negatives", __base__=Closed, passages=(list[reading], ...))  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class Reading:
    """One request of the judge and what it is about: a triplet, the number of the reading (from 1), and the passages asked about."""

    triplet: Triplet
    number: int
    passages: tuple[str, ...]
    request: Request


def judgement_readings(case: Case, triplets: Sequence[Triplet]) -> list[Reading]:
    """The requests that judge each triplet as often as the settings' ``votes`` say, in the language of its passage."""
    readings, settings = [], case.settings
    for triplet in triplets:
        chunk = case.chunks[triplet.positive_id]
        own = profile_in(case.profile, chunk.language)
        system, user = rubric(settings.prompt, own)
        again = language(own.language).prompting.ask_again
        title = " ".join((chunk.title or chunk.source).split())
        guard = guard_line(f"{title}\n{chunk.text}\n{triplet.question}")
        for number in range(1, settings.votes + 1):
            values = {"title": title, "fence": guard, "passage": chunk.text, "question": triplet.question, "reading": str(number)}
            messages = ({"role": "system", "content": system}, {"role": "user", "content": fill(user, **values)})
            request = Request(messages, judgement_form(), triplet.id, JUDGEMENT_TOKENS, again)
            readings.append(Reading(triplet, number, (chunk.id,), request))
    return readings


def negative_readings(case: Case, asked: Sequence[tuple[Triplet, Sequence[str]]]) -> list[Reading]:
    """The requests about negatives: (triplet, chunk ids). Each further reading sees the passages in another order."""
    readings, settings = [], case.settings
    for triplet, chunk_ids in asked:
        own = profile_in(case.profile, case.chunks[triplet.positive_id].language)
        system, user = _prompt(settings.negative_prompt, "[curate.judge] negative_prompt", own)
        again = language(own.language).prompting.ask_again
        for number in range(1, settings.votes + 1):
            turn = (number - 1) % max(len(chunk_ids), 1)
            order = (*chunk_ids[turn:], *chunk_ids[:turn])
            passages = "\n\n".join(_numbered(place, case.chunks[chunk_id], own.language) for place, chunk_id in enumerate(order, 1))
            values = {
                "fence": guard_line(triplet.question),
                "question": triplet.question,
                "passages": passages,
                "count": str(len(order)),
                "reading": str(number),
            }
            messages = ({"role": "system", "content": system}, {"role": "user", "content": fill(user, **values)})
            request = Request(messages, negatives_form(own.language), triplet.id, NEGATIVE_TOKENS * len(order) + 20, again)
            readings.append(Reading(triplet, number, order, request))
    return readings


def rubric(name: str, profile: Profile) -> tuple[str, str]:
    """The prompt that judges a question: (system, user template). Raises InputError where it explains not every criterion, or is not there."""
    where = "[curate.judge] prompt"
    written = read_prompt(PROMPTS, name, where, profile.language)[0]
    further = [criterion for criterion in CRITERIA if criterion.scale and criterion.name not in written]
    scales = "".join(f"\n{criterion.name}, {criterion.scale}" for criterion in further)
    places = "".join(f', "{criterion.name}": {{"reason": "…", "score": 1}}' for criterion in further)
    system, user = _prompt(name, where, profile, scales=scales, places=places)
    if missing := [criterion for criterion in NAMES if criterion not in system]:
        said = f"{name!r} does not explain {', '.join(missing)} in {language(profile.language).name}"
        raise InputError(
            said,
            where=where,
            cure="say in it what each score means, or where <<scales>> and <<places>> go: every criterion is asked for",
        )
    return system, user


def _prompt(name: str, where: str, profile: Profile, **further: str) -> tuple[str, str]:
    """A prompt in the profile's language, the domain's and ``further`` parts in their places."""
    system, user = read_prompt(PROMPTS, name, where, profile.language)
    parts = profile.prompts
    said = {name: getattr(parts, name) for name in ("askers", "practice", "example", "unnamed", "other_cases")}
    return with_parts(system, language=language(profile.language).name, **said, **further), user


def _numbered(number: int, chunk: Chunk, code: str) -> str:
    title = " ".join((chunk.title or chunk.source).split())
    guard = guard_line(f"{title}\n{chunk.text}")
    head = language(code).prompting.passage.format(number=number, title=title)
    return f"{head}\n{guard}\n{chunk.text}\n{guard}"


def quarantine(triplet: Triplet, reason: str, judge_name: str, *, judge: str = "llm") -> Verdict:
    """A verdict that holds a row back until somebody has looked."""
    return _verdict(triplet, (), 0.0, "quarantine", reason, "", judge_name, judge)


def read_judgement(case: Case, reading: Reading, answer: Answer, model: str) -> Verdict:
    """The verdict of one reading. A malformed answer quarantines; a citation that is not in the passage makes relevance 0."""
    name = f"{model}#{reading.number}" if case.settings.votes > 1 else model
    if answer.value is None:
        said = "the judge refused" if answer.refused else "unparsable answer"
        return quarantine(reading.triplet, f"{said}: {answer.error[:300]}", name)
    content: Any = answer.value
    evidence = find_evidence(content.evidence, case.chunks[reading.triplet.positive_id].text)
    scores = []
    for criterion in CRITERIA:
        part = getattr(content, criterion.name)
        value, reason = (part.score - 1) / (HIGHEST - 1), " ".join(part.reason.split())
        if criterion.needs_evidence and not evidence:
            cited = " ".join(content.evidence.split())[:SHOWN]
            value, reason = 0.0, f"the cited evidence is not in the passage: {cited!r}" if cited else "no evidence was cited"
        scores.append(Score(criterion.name, value, reason))
    decision, reason, score = decide(tuple(scores), case.settings)
    return _verdict(reading.triplet, tuple(scores), score, decision, reason, evidence, name, "llm")


def read_negatives(case: Case, readings: Sequence[Reading], answers: Sequence[Answer], model: str) -> list[Verdict]:
    """One verdict for each negative of one triplet, from all the readings of it.

    All readings must say no for it to stay, and all must say yes with evidence for it to become a positive; all else is unsure.
    """
    said: dict[str, list[tuple[str, str, str]]] = {chunk_id: [] for chunk_id in readings[0].passages}
    for reading, answer in zip(readings, answers, strict=True):
        for chunk_id, opinion in _opinions(reading, answer, case.chunks).items():
            said[chunk_id].append(opinion)
    verdicts = []
    for chunk_id, opinions in said.items():
        decisions = {decision for decision, _, _ in opinions}
        decision, reason, evidence = opinions[0]
        if len(decisions) > 1:
            decision, reason, evidence = "unsure", "the readings disagree: " + ", ".join(d for d, _, _ in opinions), ""
        sure = {"keep": 1.0, "positive": 0.0}.get(decision, 0.5)
        verdicts.append(
            negative_verdict(readings[0].triplet, chunk_id, decision, reason, sure, judge="llm", name=model, evidence=evidence)
        )
    return verdicts


def _opinions(reading: Reading, answer: Answer, chunks: Mapping[str, Chunk]) -> dict[str, tuple[str, str, str]]:
    """Chunk id -> (decision, reason, evidence) of one answer."""
    if answer.value is None:
        said = "the judge refused" if answer.refused else "unparsable answer"
        return dict.fromkeys(reading.passages, ("quarantine", f"{said}: {answer.error[:300]}", ""))
    content: Any = answer.value
    numbers = [item.number for item in content.passages]
    strange = sorted(set(numbers) - set(range(1, len(reading.passages) + 1)))
    if strange:
        reason = f"unparsable answer: it speaks of passage {strange[0]}, and there are {len(reading.passages)}"
        return dict.fromkeys(reading.passages, ("quarantine", reason, ""))
    opinions = {}
    for place, chunk_id in enumerate(reading.passages, 1):
        items = [item for item in content.passages if item.number == place]
        if len(items) != 1:
            opinions[chunk_id] = ("unsure", f"the judge spoke of it {len(items)} times", "")
            continue
        opinions[chunk_id] = _opinion(items[0], chunks[chunk_id])
    return opinions


def _opinion(item: Any, chunk: Chunk) -> tuple[str, str, str]:
    why = " ".join(item.reason.split())
    if item.answers in NO:
        return "keep", f"does not answer: {why}", ""
    if item.answers in UNSURE:
        return "unsure", f"the judge hesitates: {why}", ""
    evidence = find_evidence(item.evidence, chunk.text)
    if not evidence:
        return "unsure", f"said to answer, but its evidence is not in the passage: {' '.join(item.evidence.split())[:SHOWN]!r}", ""
    return "positive", f"answers too: {why}", evidence


def _verdict(
    triplet: Triplet, scores: tuple[Score, ...], score: float, decision: str, reason: str, evidence: str, name: str, judge: str
) -> Verdict:
    return Verdict.make(
        subject_id=triplet.id,
        subject_kind="triplet",
        judge=judge,
        judge_name=name,
        scores=scores,
        score=score,
        decision=decision,
        reason=reason,
        evidence=evidence,
        chunk_id=triplet.positive_id,
    )
