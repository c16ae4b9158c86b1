"""What became of every triplet: the verdict files put together into one final state, with the reason for it.

Nothing is edited. Synthesis wrote triplets, questions and chunks; judges, the duplicate finder, the expectations and people only
add verdicts. This module is the one place that reads them together; build, status, explain, review and report all ask it.
It fails closed: what nobody judged, checked or compared is not accepted, and says which command is missing.

A verdict's ``reason`` begins with a short code that counts can be kept by; details follow a colon (``copies: 9 words ...``).
The rules, in the order in which they are asked. The first that says no names the step and the reason:

1.  ``verdicts/human.parquet`` (subject_kind ``triplet``, decision keep/reject/unsure). The newest verdict of each reviewer
    (``judge_name``, by ``decided_at``) counts; the majority decides and a tie is unsure. reject and unsure are not accepted.
    keep beats the judge (rule 4), and only the judge: a duplicate or a broken row stays out.
2.  Integrity: the question and the positive must be in questions.parquet and chunks.parquet (``orphan``).
3.  ``verdicts/validate.parquet`` (written by ``curate validate --fix``): a quarantine stands for everyone, until a person rewrites the
    question (``evidence`` is the text it was about). Its subject_kind is ``triplet``, or ``question`` for a gold question.
4.  ``verdicts/judge.parquet`` (subject_kind ``triplet``, decision keep/reject/quarantine, scores independence, realism, clarity,
    relevance). Every judge that spoke must say keep, and every score must be a number in 0..1. No verdict: ``unjudged``.
5.  ``verdicts/negatives.parquet`` (subject_kind ``negative``, subject_id ``triplet/chunk``, chunk_id set). keep survives;
    positive makes the chunk a further positive; unsure and drop leave it out, and so does a missing verdict (``unchecked``).
    A person's verdict on the same negative (``human.parquet``, subject_kind ``negative``) goes before it. A passage with the text
    of a positive is no negative, whoever keeps it. A row without survivors is a pair and stays; only where none survives because
    nobody looked, it waits (``negatives unchecked``).
6.  ``verdicts/dedup.parquet`` (subject_kind ``triplet``, subject_id the triplet's; decision keep/reject, ``group`` the cluster,
    reason ``duplicate of ID``, ``ambiguous`` ...). No verdict: ``not compared``. A row with decision ``positive`` and a chunk_id
    (subject_id ``triplet`` or ``triplet/chunk``) adds that chunk to the survivor's positives. The duplicate finder should
    compare what passes rules 1 to 5: ``[d.triplet for d in read_decisions(run).rows if d.comparable]``.

A person's rewrite is a new Question (``parent`` is the id of the one it replaces) in ``verdicts/rewrites.parquet``. The last one
in the file for a question is the newest and may itself be rewritten. Judges saw the old text, so a rewritten
question is accepted only with a person's keep.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from triplette.profile import FILE as PROFILE
from triplette.records import UNKNOWN, Chunk, Negative, Question, Rejection, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.tables import read_records

SOURCES = ("chunks.parquet", "questions.parquet", "triplets.parquet")
UNCHECKED = "unchecked"
NOT_COMPARED = "not compared"  # the reason of a row that dedup has not seen
AUTOMATIC = ("verdicts/judge.parquet", "verdicts/negatives.parquet", "verdicts/dedup.parquet")
HUMAN = "verdicts/human.parquet"
REWRITES = "verdicts/rewrites.parquet"
QUARANTINE = "verdicts/validate.parquet"
VERDICT_FILES = (*AUTOMATIC, HUMAN, REWRITES, QUARANTINE)
DATASET_INPUTS = (*SOURCES, *VERDICT_FILES, PROFILE)  # what a dataset is built from, gold apart
KEEP, REJECT, UNSURE, POSITIVE = "keep", "reject", "unsure", "positive"


@dataclass(frozen=True, slots=True)
class Decision:
    """The final state of one triplet.

    ``question`` is the question as it stands now (a person's newest rewrite, else the written one). ``step`` (``curate.review``,
    ``curate.judge``, ``curate.negatives``, ``curate.dedup``, ``curate.validate``, ``curate.build``), ``reason`` (a short code) and
    ``detail`` say why it is not accepted; all three are "" when it is. ``positives`` are the chunks that answer, the
    triplet's own first; ``negatives`` are the survivors in mined order, hardest first; ``dropped`` maps every other negative's chunk to
    what became of it. ``score`` is the lowest score of the judges (0..1; 1.0 where only a person judged).
    ``human`` is the people's decision, "" where nobody looked. ``comparable``: passes rules 1 to 5.
    """

    triplet: Triplet
    question: Question
    accepted: bool
    step: str = ""
    reason: str = ""
    detail: str = ""
    positives: tuple[str, ...] = ()
    negatives: tuple[Negative, ...] = ()
    dropped: dict[str, str] = field(default_factory=dict)
    score: float = 0.0
    human: str = ""
    group: str = ""
    comparable: bool = False

    def rejections(self) -> list[Rejection]:
        """The rows for rejected.parquet: the triplet itself where it is not accepted, and each negative that was left out."""
        rows = []
        if not self.accepted:
            question = self.question.text
            rows.append(Rejection(self.step, self.triplet.id, "triplet", self.reason, self.detail, self.triplet.question_id, question))
        for chunk_id, why in self.dropped.items():
            subject = f"{self.triplet.id}/{chunk_id}"
            rows.append(Rejection("curate.negatives", subject, "negative", why.partition(":")[0], why, self.triplet.id))
        return rows


@dataclass(frozen=True)
class Decisions:
    """Every triplet's decision, in the triplets' order, with the chunks and questions they speak about (by id)."""

    rows: tuple[Decision, ...]
    chunks: dict[str, Chunk]
    questions: dict[str, Question]
    human: tuple[Verdict, ...] = ()
    quarantined: dict[str, str] = field(default_factory=dict)

    @property
    def accepted(self) -> list[Decision]:
        """The accepted ones."""
        return [row for row in self.rows if row.accepted]

    @property
    def rejected(self) -> list[Decision]:
        """The others, each with step and reason."""
        return [row for row in self.rows if not row.accepted]

    @cached_property
    def by_triplet(self) -> dict[str, Decision]:
        """Decisions by triplet id."""
        return {row.triplet.id: row for row in self.rows}

    def reasons(self) -> dict[tuple[str, str], int]:
        """(step, reason) -> rows that fell out, most frequent first."""
        counts = Counter((row.step, row.reason) for row in self.rejected)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True)
class Verdicts:
    """The verdict files, by subject. Built once by ``read_verdicts`` or from lists in a test."""

    judge: Sequence[Verdict] = ()
    negatives: Sequence[Verdict] = ()
    dedup: Sequence[Verdict] = ()
    human: Sequence[Verdict] = ()
    quarantine: Sequence[Verdict] = ()
    rewrites: Sequence[Question] = ()


def read_verdicts(run: RunDir) -> Verdicts:
    """Every verdict file of a run; one that is not there yet is empty. Raises InputError for one that cannot be read."""

    def verdicts(name: str) -> list[Verdict]:
        return read_records(run.path(name), Verdict) if run.has(name) else []

    judge, negatives, dedup = (verdicts(name) for name in AUTOMATIC)
    rewrites = read_records(run.path(REWRITES), Question) if run.has(REWRITES) else []
    return Verdicts(judge, negatives, dedup, verdicts(HUMAN), verdicts(QUARANTINE), rewrites)


def read_decisions(run: RunDir) -> Decisions:
    """The decisions of a run as they stand now. Raises MissingStage unless synthesis has ended; absent verdicts are not an error."""
    run.require(*SOURCES)
    chunks = read_records(run.path("chunks.parquet"), Chunk)
    questions = read_records(run.path("questions.parquet"), Question)
    triplets = read_records(run.path("triplets.parquet"), Triplet)
    return decide(triplets, questions, chunks, read_verdicts(run))


def decide(triplets: Iterable[Triplet], questions: Iterable[Question], chunks: Iterable[Chunk], verdicts: Verdicts) -> Decisions:
    """Apply the rules in this module's docstring to every triplet."""
    chunk_by_id = {chunk.id: chunk for chunk in chunks}
    question_by_id = {question.id: question for question in (*questions, *verdicts.rewrites)}
    rewrites = {question.parent: question for question in verdicts.rewrites}
    people = _majorities([v for v in verdicts.human if v.subject_kind == "triplet"])
    book = _Book(
        chunks=chunk_by_id,
        judge=_grouped(v for v in verdicts.judge if v.subject_kind == "triplet"),
        negatives=_last_by_subject(verdicts.negatives),
        people_on_negatives=_majorities([v for v in verdicts.human if v.subject_kind == "negative"]),
        dedup=_grouped(verdicts.dedup),
        quarantined={v.subject_id: v.reason for v in verdicts.quarantine if v.decision == "quarantine"},
        quarantined_text={v.subject_id: v.evidence for v in verdicts.quarantine},
    )
    rows = []
    for triplet in triplets:
        written = question_by_id.get(triplet.question_id)
        question = _newest(written or _lost(triplet), rewrites)
        start = Decision(triplet, question, accepted=False, human=people.get(triplet.id, ""))
        rows.append(_decide_one(start, book, known=written is not None))
    return Decisions(tuple(rows), chunk_by_id, question_by_id, tuple(verdicts.human), book.quarantined)


@dataclass(frozen=True)
class _Book:
    """The verdicts by subject id, as the rules look them up."""

    chunks: Mapping[str, Chunk]
    judge: Mapping[str, list[Verdict]]
    negatives: Mapping[str, Verdict]
    people_on_negatives: Mapping[str, str]
    dedup: Mapping[str, list[Verdict]]
    quarantined: dict[str, str]
    quarantined_text: dict[str, str]


def _decide_one(row: Decision, book: _Book, *, known: bool) -> Decision:
    """Rules 1 to 6 for one triplet. Scores and survivors are filled in for rejected rows too: explain and report show them."""
    triplet = row.triplet
    judged = book.judge.get(triplet.id, [])
    compared = [v for v in book.dedup.get(triplet.id, []) if v.decision != POSITIVE]
    negatives, further, dropped = _survivors(triplet, book)
    further += [v.chunk_id for v in book.dedup.get(triplet.id, []) if v.decision == POSITIVE and v.chunk_id in book.chunks]
    positives = tuple(dict.fromkeys([triplet.positive_id, *further]))
    answers = {book.chunks[chunk].sha256 for chunk in positives if chunk in book.chunks}
    copies = {n.chunk_id for n in negatives if book.chunks[n.chunk_id].sha256 in answers}
    dropped.update({chunk: "copy: its text is a positive's" for chunk in copies if chunk not in positives})
    row = replace(
        row,
        positives=positives,
        negatives=tuple(n for n in negatives if n.chunk_id not in copies),
        dropped=dropped,
        score=min((v.score for v in judged), default=1.0 if row.human == KEEP else 0.0),
        group=next((v.group for v in compared if v.group), ""),
    )
    problem = _before_dedup(row, judged, book, known=known)
    if problem is not None:
        step, reason, detail = problem
        return replace(row, step=step, reason=reason, detail=detail)
    row = replace(row, comparable=True)
    if not compared:
        return replace(row, step="curate.dedup", reason=NOT_COMPARED, detail="run `curate dedup`")
    against = next((v for v in compared if v.decision != KEEP), None)
    if against is not None:
        return replace(row, step="curate.dedup", reason=_code(against.reason), detail=against.reason)
    return replace(row, accepted=True)


def _before_dedup(row: Decision, judged: list[Verdict], book: _Book, *, known: bool) -> tuple[str, str, str] | None:
    """(step, reason, detail) of the first of rules 1 to 5 that says no, or None."""
    if row.human == REJECT:
        return "curate.review", "rejected by people", ""
    if row.human == UNSURE:
        return "curate.review", "people are unsure", "a tie, or a majority of unsure: review it again"
    if not known:
        return "curate.build", "orphan", f"no question has the id {row.triplet.question_id}"
    if row.triplet.positive_id not in book.chunks:
        return "curate.build", "orphan", f"no chunk has the id {row.triplet.positive_id}"
    if row.triplet.id in book.quarantined and book.quarantined_text[row.triplet.id] in ("", row.question.text):
        return "curate.validate", "quarantined", book.quarantined[row.triplet.id]
    if row.human != KEEP:
        if row.question.id != row.triplet.question_id:
            return "curate.review", "rewritten, not kept", "a person must keep the rewritten question"
        if not judged:
            return "curate.judge", "unjudged", "run `curate judge`"
        against = next((v for v in judged if v.decision != KEEP), None)
        if against is not None:
            return "curate.judge", _code(against.reason) or against.decision, f"{against.decision}: {against.reason}"
        if not all(_is_score(value) for v in judged for value in (v.score, *(s.value for s in v.scores))):
            return "curate.judge", "score is not a number in 0..1", f"{row.score}"
    unread = [chunk for chunk, why in row.dropped.items() if why.startswith(UNCHECKED)]
    if unread and not row.negatives:
        return "curate.negatives", "negatives unchecked", f"{', '.join(unread)}: run `curate judge`"
    return None


def _survivors(triplet: Triplet, book: _Book) -> tuple[list[Negative], list[str], dict[str, str]]:
    """The negatives that stay, the chunk ids that turned out to answer too, and what became of the others."""
    kept: list[Negative] = []
    further: list[str] = []
    dropped: dict[str, str] = {}
    for negative in triplet.negatives:
        subject = f"{triplet.id}/{negative.chunk_id}"
        verdict = book.negatives.get(subject)
        person = book.people_on_negatives.get(subject, "")
        decision = person or (verdict.decision if verdict else UNCHECKED)
        said = "a person" if person else (verdict.reason if verdict else "run `curate judge`")
        if negative.chunk_id not in book.chunks:
            dropped[negative.chunk_id] = "orphan: no such chunk"
        elif negative.chunk_id == triplet.positive_id:
            dropped[negative.chunk_id] = "it is the positive"
        elif decision == KEEP:
            kept.append(negative)
        else:
            dropped[negative.chunk_id] = f"{decision}: {said}"
            if decision == POSITIVE:
                further.append(negative.chunk_id)
    return kept, further, dropped


def human_decisions(verdicts: Iterable[Verdict], kind: str = "triplet") -> dict[str, str]:
    """Subject id -> what people decided (rule 1): keep, reject, positive or unsure."""
    return _majorities([v for v in verdicts if v.subject_kind == kind])


def _majorities(verdicts: Iterable[Verdict]) -> dict[str, str]:
    votes: dict[str, dict[str, Verdict]] = defaultdict(dict)
    for verdict in verdicts:
        seen = votes[verdict.subject_id].get(verdict.judge_name)
        if seen is None or seen.decided_at <= verdict.decided_at:
            votes[verdict.subject_id][verdict.judge_name] = verdict
    found = {}
    for subject, by_reviewer in votes.items():
        ranked = Counter(v.decision for v in by_reviewer.values()).most_common(2)
        tie = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
        found[subject] = UNSURE if tie else ranked[0][0]
    return found


def _newest(question: Question, rewrites: Mapping[str, Question]) -> Question:
    seen = set()
    while question.id in rewrites and question.id not in seen:
        seen.add(question.id)
        question = rewrites[question.id]
    return question


def _lost(triplet: Triplet) -> Question:
    """A stand-in for a question that questions.parquet lacks, so that the row can still be named."""
    unknown = dict.fromkeys(("kind", "persona", "difficulty", "provider", "model", "prompt"), UNKNOWN)
    return Question(id=triplet.question_id, chunk_id=triplet.positive_id, text=triplet.question, cost=0.0, **unknown)


def _grouped(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Verdicts by their triplet's id, whether the subject is the triplet or one of its chunks."""
    found: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        found[verdict.subject_id.partition("/")[0]].append(verdict)
    return found


def _last_by_subject(verdicts: Iterable[Verdict]) -> dict[str, Verdict]:
    """One verdict a subject; of several, one that does not keep goes first, because we fail closed."""
    found: dict[str, Verdict] = {}
    for verdict in verdicts:
        if verdict.subject_id not in found or found[verdict.subject_id].decision == KEEP:
            found[verdict.subject_id] = verdict
    return found


def _code(reason: str) -> str:
    """A reason's short code: what stands before its first colon, or before the id it names."""
    head = reason.partition(":")[0].strip()
    return "duplicate" if head.startswith("duplicate of") else head


def _is_score(value: float) -> bool:
    return 0.0 <= value <= 1.0  # no comparison holds for NaN
