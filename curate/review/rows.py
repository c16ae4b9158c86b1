"""What a reviewer is shown of a triplet, whatever the desk: Argilla or a spreadsheet.

Passages are shown as plain text, exactly as training will see them: nothing in a document is rendered.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from triplette.console import visible
from triplette.curate.decisions import Decision, Decisions
from triplette.curate.review import labels
from triplette.errors import InputError
from triplette.hashing import ID_LENGTH, hash_value
from triplette.profile import Profile
from triplette.records import DIFFICULTIES, UNKNOWN, Chunk, Verdict


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A judge's answer to one of the questions. ``scores``: its confidence, 0..1, one for each value."""

    question: str
    values: tuple[str, ...]
    scores: tuple[float, ...]
    agent: str


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One triplet as people see it.

    ``negatives`` are the shown ones, hardest first, ``negative_ids`` their chunks. ``metadata`` is what the queue is
    filtered and sorted by: words, and floats for ``labels.NUMBERS``. ``several``: more than one person should see it.
    """

    triplet_id: str
    question_id: str
    question: str
    positive: str
    negatives: tuple[str, ...]
    negative_ids: tuple[str, ...]
    metadata: dict[str, str | float]
    suggestions: tuple[Suggestion, ...]
    several: bool = False

    @property
    def fingerprint(self) -> str:
        """A hash of all that is shown: a row whose fingerprint is the pushed one's need not be sent again."""
        return hash_value(asdict(self))[:ID_LENGTH]

    def fields(self) -> dict[str, str]:
        """The texts by field name, with what would be unseen or turn a line around written out."""
        numbered = {labels.negative_field(n): text for n, text in enumerate(self.negatives, 1)}
        return {name: visible(text) for name, text in {"question": self.question, "positive": self.positive, **numbered}.items()}


def show_passage(chunk: Chunk, untitled: str) -> str:
    """A passage with where it stands: title, document, page."""
    pages = ""
    if chunk.page_start:
        last = f"-{chunk.page_end}" if chunk.page_end > chunk.page_start else ""
        pages = f", p. {chunk.page_start}{last}"
    return f"[{chunk.title or untitled} — {chunk.source}{pages}]\n\n{chunk.text}"


def make_row(
    decision: Decision,
    decisions: Decisions,
    judged: Sequence[Verdict],
    checked: Mapping[str, Verdict],
    *,
    why: str,
    split: str = "",
    shown_negatives: int,
    untitled: str = "untitled",
    several: bool = False,
) -> ReviewRow:
    """The row of one decision. ``judged`` are the judges' verdicts on the triplet, ``checked`` those on its negatives by subject."""
    triplet, question = decision.triplet, decision.question
    positive = decisions.chunks[triplet.positive_id]
    shown = [negative for negative in triplet.negatives if negative.chunk_id in decisions.chunks][:shown_negatives]
    margins = [negative.margin for negative in shown if math.isfinite(negative.margin)]
    verdict = spokesman(judged)
    metadata: dict[str, str | float] = {
        "kind": question.kind,
        "persona": question.persona,
        "difficulty": question.difficulty,
        "writer": f"{question.provider}:{question.model}" if question.model else question.provider,
        "source": positive.source,
        "split": split or "none",
        "why": why,
        "judge": verdict.decision if verdict else "unjudged",
    }
    if math.isfinite(decision.score):  # a judge's score that is no number is a reason to reject, not to hide the row
        metadata["judge_score"] = float(decision.score)
    if margins:
        metadata["margin"] = float(min(margins))
    return ReviewRow(
        triplet_id=triplet.id,
        question_id=question.id,
        question=question.text,
        positive=show_passage(positive, untitled),
        negatives=tuple(show_passage(decisions.chunks[negative.chunk_id], untitled) for negative in shown),
        negative_ids=tuple(negative.chunk_id for negative in shown),
        metadata={key: value or UNKNOWN if isinstance(value, str) else value for key, value in metadata.items()},
        suggestions=_suggestions(verdict, triplet.id, [negative.chunk_id for negative in shown], checked),
        several=several,
    )


def spokesman(judged: Sequence[Verdict]) -> Verdict | None:
    """Of several judges' verdicts, the one that decides: who does not keep goes first, then the lowest score."""
    return min(judged, key=lambda verdict: (verdict.decision == "keep", verdict.score), default=None)


def _suggestions(
    verdict: Verdict | None, triplet_id: str, negative_ids: Sequence[str], checked: Mapping[str, Verdict]
) -> tuple[Suggestion, ...]:
    found = []
    if verdict is not None:
        value = {"keep": "valid", "reject": "invalid"}.get(verdict.decision, "unsure")
        sure = {"valid": verdict.score, "invalid": 1 - verdict.score, "unsure": 1 - abs(2 * verdict.score - 1)}[value]
        found.append(Suggestion(labels.VERDICT, (value,), (_confidence(sure),), verdict.judge_name))
    issues: dict[str, float] = {}
    agents = []
    for number, chunk_id in enumerate(negative_ids, 1):
        about = checked.get(f"{triplet_id}/{chunk_id}")
        if about is not None and about.decision == "positive":
            issues[labels.negative_answers(number)] = _confidence(1 - about.score)
            agents.append(about.judge_name)
    if verdict is not None and verdict.decision != "keep":
        worst = verdict.reason.split(":", 1)[0].strip()
        for score in verdict.scores:
            if score.criterion == worst and worst in labels.CRITERION_ISSUES:
                name = labels.BAD_LANGUAGE if _WRONG_LANGUAGE.match(score.reason) else labels.CRITERION_ISSUES[worst]
                issues[name] = _confidence(1 - score.value)
                agents.append(verdict.judge_name)
    if issues:
        found.append(Suggestion(labels.ISSUES, tuple(issues), tuple(issues.values()), agents[0]))
    return tuple(found)


_WRONG_LANGUAGE = re.compile(r"not \w+ \(probability")  # how the rules judge says it


def _confidence(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 4) if math.isfinite(value) else 0.0


def check_rows(rows: Iterable[ReviewRow], negatives: int, profile: Profile) -> None:
    """Raise InputError, naming the triplet, for a row that a desk would refuse; nothing is sent before all rows pass."""
    allowed = {labels.VERDICT: set(labels.VERDICTS), labels.ISSUES: set(labels.issues(negatives, profile.review))}
    terms = {"kind": profile.kind_names, "persona": profile.persona_names, "difficulty": DIFFICULTIES}
    seen: set[str] = set()
    for row in rows:
        problems = [f"two rows have the id {row.triplet_id}"] if row.triplet_id in seen else []
        seen.add(row.triplet_id)
        problems += [f"the field {name} is empty" for name, text in row.fields().items() if not text.strip()]
        if len(row.negatives) > negatives:
            problems.append(f"{len(row.negatives)} negatives, the dataset has fields for {negatives}")
        for name, known in terms.items():
            if row.metadata.get(name) not in (*known, UNKNOWN):
                problems.append(f"{name} {row.metadata.get(name)!r} is not one of {', '.join((*known, UNKNOWN))}")
        for name in labels.NUMBERS:
            value = row.metadata.get(name, 0.0)
            if not isinstance(value, float) or not math.isfinite(value):
                problems.append(f"{name} {value!r} is not a number")
        for suggestion in row.suggestions:
            strange = [value for value in suggestion.values if value not in allowed.get(suggestion.question, ())]
            problems += [f"{value!r} is not an answer to {suggestion.question}" for value in strange]
        if problems:
            raise InputError(
                problems[0],
                where=row.triplet_id,
                cure="this row comes from the run's records: run the stage that wrote them again, then push",
            )
