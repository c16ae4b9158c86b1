"""People's answers, and the verdicts and rewritten questions that follow from them.

``verdicts/answers.parquet`` keeps the newest answer of each reviewer to each triplet, with the text as it was shown. What
curation reads, ``verdicts/human.parquet`` and ``verdicts/rewrites.parquet``, is derived from that file alone,
so that pulling twice, from two desks, or after a kill always gives the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from triplette.curate.decisions import HUMAN, KEEP, POSITIVE, REWRITES
from triplette.curate.review import labels
from triplette.french import normalise
from triplette.records import Question, Score, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.step import Step
from triplette.tables import read_records, write_records

ANSWERS = "verdicts/answers.parquet"
STAGE = "curate.review"


@dataclass(frozen=True, slots=True)
class Answer:
    """One reviewer's submitted answer to one triplet, as given.

    ``verdict`` is valid, invalid or unsure; ``hardness`` 1..5, 0 where not rated; ``issues`` names of ``labels.issues``;
    ``suggested`` the issues that the judge had ticked beforehand; ``negative_ids`` the chunks shown as negative 1, 2, ...;
    ``question_id`` and ``question`` what was shown; ``answered_at`` ISO 8601, UTC; ``desk`` where it was given.
    """

    triplet_id: str
    reviewer: str
    verdict: str
    hardness: int
    issues: tuple[str, ...]
    suggested: tuple[str, ...]
    rewrite: str
    question_id: str
    question: str
    negative_ids: tuple[str, ...]
    answered_at: str
    desk: str

    @property
    def key(self) -> tuple[str, str]:
        """Who answered what: a later answer of the same key takes its place."""
        return self.triplet_id, self.reviewer

    def same_as(self, other: Answer) -> bool:
        """Whether the reviewer said the same, whenever and wherever."""
        return self._said() == other._said()

    def _said(self) -> tuple[object, ...]:
        return (self.key, self.verdict, self.hardness, set(self.issues), normalise(self.rewrite))


@dataclass(frozen=True, slots=True)
class Merged:
    """What a pull changed: answers ``new``, ``changed``, ``unchanged`` and ``withdrawn``; ``stale``: their triplet has changed."""

    new: int
    changed: int
    unchanged: int
    withdrawn: int
    stale: int
    answers: int
    verdicts: int
    rewrites: int
    reviewers: dict[str, int]
    wrote: bool


def read_answers(run: RunDir) -> list[Answer]:
    """Every stored answer, by triplet and reviewer."""
    return read_records(run.path(ANSWERS), Answer) if run.has(ANSWERS) else []


def store(run: RunDir, pulled: Iterable[Answer], withdrawn: Iterable[tuple[str, str, str]] = ()) -> Merged:
    """Merge answers into the run and derive verdicts and rewrites; files are written only if something changed.

    ``withdrawn`` are (triplet, reviewer, desk) whose answer no longer stands: it was discarded after it had been submitted.
    """
    step = Step(run, STAGE, run.fingerprints(["triplets.parquet"]), {})
    with run.locked():
        held = {answer.key: answer for answer in read_answers(run)}
        new = changed = unchanged = 0
        for answer in pulled:
            before = held.get(answer.key)
            if before is None:
                new += 1
            elif before.same_as(answer) or before.answered_at > answer.answered_at:
                unchanged += 1
                continue
            else:
                changed += 1
            held[answer.key] = answer
        gone = [one for one in withdrawn if one[:2] in held and held[one[:2]].desk == one[2]]
        for one in gone:
            del held[one[:2]]
        answers = [held[key] for key in sorted(held)]
        triplets = {triplet.id: triplet for triplet in read_records(run.path("triplets.parquet"), Triplet)}
        questions = {question.id: question for question in read_records(run.path("questions.parquet"), Question)}
        verdicts = to_verdicts(answers)
        rewrites = to_rewrites(answers, triplets, questions)
        wrote = bool(new or changed or gone) or not run.has(HUMAN)
        if wrote:
            write_records(run.path(REWRITES), rewrites, Question)
            write_records(run.path(HUMAN), verdicts, Verdict)
            write_records(run.path(ANSWERS), answers, Answer)  # last: a kill before it makes the next pull write all three again
        merged = Merged(
            new=new,
            changed=changed,
            unchanged=unchanged,
            withdrawn=len(gone),
            stale=sum(answer.triplet_id not in triplets for answer in answers),
            answers=len(answers),
            verdicts=len(verdicts),
            rewrites=len(rewrites),
            reviewers=_by_reviewer(answers),
            wrote=wrote,
        )
        if wrote:
            counts = {"answers": len(answers), "new": new, "changed": changed, "stale": merged.stale}
            step.record(merged, outputs=[ANSWERS, HUMAN, REWRITES], counts=counts)
    return merged


def _by_reviewer(answers: Sequence[Answer]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for answer in answers:
        counts[answer.reviewer] += 1
    return dict(sorted(counts.items()))


def to_verdicts(answers: Iterable[Answer]) -> list[Verdict]:
    """A verdict on each triplet, and one on each negative that was marked as answering or whose mark was taken off."""
    verdicts = []
    for answer in answers:
        scores: tuple[Score, ...] = ()
        if answer.hardness:
            scores = (Score("hardness", (answer.hardness - 1) / 4, f"{answer.hardness} of 5"),)
        common = {"judge": "human", "judge_name": answer.reviewer, "evidence": "", "decided_at": answer.answered_at}
        decision = labels.DECISIONS[answer.verdict]
        verdicts.append(
            Verdict.make(
                subject_id=answer.triplet_id,
                subject_kind="triplet",
                scores=scores,
                score={"keep": 1.0, "unsure": 0.5}.get(decision, 0.0),
                decision=decision,
                reason=", ".join(sorted(answer.issues)),
                **common,
            )
        )
        for number, chunk_id in enumerate(answer.negative_ids, 1):
            name = labels.negative_answers(number)
            if name not in answer.issues and name not in answer.suggested:
                continue
            answers_too = name in answer.issues
            verdicts.append(
                Verdict.make(
                    subject_id=f"{answer.triplet_id}/{chunk_id}",
                    subject_kind="negative",
                    scores=(),
                    score=0.0 if answers_too else 1.0,
                    decision=POSITIVE if answers_too else KEEP,
                    reason="a reviewer says that it answers" if answers_too else "a reviewer took the judge's mark off",
                    chunk_id=chunk_id,
                    **common,
                )
            )
    return verdicts


def to_rewrites(answers: Iterable[Answer], triplets: Mapping[str, Triplet], questions: Mapping[str, Question]) -> list[Question]:
    """The rewritten questions: each one's parent is the wording before it, so that the newest is the last of its chain."""
    rewrites: list[Question] = []
    latest: dict[str, Question] = {}
    for answer in sorted(answers, key=lambda answer: (answer.answered_at, answer.key)):
        text = normalise(answer.rewrite)
        triplet = triplets.get(answer.triplet_id)
        if not text or triplet is None or answer.verdict == "invalid":
            continue
        before = latest.get(triplet.question_id) or questions.get(triplet.question_id)
        if before is None or text == normalise(before.text):
            continue
        rewritten = Question.make(
            chunk_id=before.chunk_id,
            text=text,
            kind=before.kind,
            persona=before.persona,
            difficulty=before.difficulty,
            provider="human",
            model=answer.reviewer,
            prompt="",
            cost=0.0,
            parent=before.id,
        )
        if any(question.id == rewritten.id for question in rewrites):
            continue  # back to a wording that this reviewer gave before: a chain must not close on itself
        rewrites.append(rewritten)
        latest[triplet.question_id] = rewritten
    return rewrites
