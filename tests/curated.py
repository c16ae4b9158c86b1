"""A small run directory as synthesis and the judges leave it, for the tests of curation. Every part can be replaced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from triplette.criteria import NAMES
from triplette.profile import keep_profile, load_profile
from triplette.records import Chunk, Negative, Question, Score, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.tables import write_records

SUBJECTS = (
    "roque cavalier fou dame tour pion pendule arbitre ronde appariement mat pat nulle zeitnot drapeau feuille analyse "
    "tournoi licence classement forfait retard couleur coup position partie blitz rapide cadence prise promotion échec"
).split()
ASKED = (
    ("Quand le {} est-il permis au joueur pendant la partie ?", "factual", "joueur"),
    ("Comment l'arbitre vérifie-t-il le {} avant la ronde suivante ?", "procedural", "arbitre"),
    ("Que se passe-t-il si le {} n'est pas respecté par l'adversaire ?", "scenario", "arbitre"),
    ("Qui décide du {} dans un tournoi homologué ?", "definition", "organisateur"),
)


def make_chunks(count: int = 24) -> list[Chunk]:
    """Distinct French passages, one article each."""
    return [
        Chunk.make(
            language="fr",
            text=f"Article {n + 1}. Le {SUBJECTS[n % len(SUBJECTS)]} numéro {n} obéit à la règle {n} du règlement de la salle {n}.",
            title=f"Titre {n} > Article {n + 1}",
            source=f"document{n % 3}.md",
            articles=(str(n + 1),),
            page_start=n + 1,
            page_end=n + 1,
            char_start=100 * n,
            char_end=100 * n + 90,
            tokens=30,
            tokenizer="estimate",
        )
        for n in range(count)
    ]


def make_question(chunk: Chunk, text: str, kind: str = "factual", persona: str = "joueur", **more: Any) -> Question:
    """A question by the rule writer."""
    content = {"difficulty": "easy", "provider": "rules", "model": "french", "prompt": "1", "cost": 0.0, **more}
    return Question.make(chunk_id=chunk.id, text=text, kind=kind, persona=persona, **content)


def make_triplet(question: Question, negatives: Sequence[str]) -> Triplet:
    """A triplet with plausible provenance; ``negatives`` are chunk ids, hardest first."""
    found = tuple(
        Negative(
            chunk_id=chunk_id,
            ranker="both",
            bm25_rank=rank + 2,
            bm25_score=9.0 - rank,
            dense_rank=rank + 3,
            dense_score=0.5 - 0.1 * rank,
            fused_score=0.03 - 0.001 * rank,
            margin=0.2 + 0.1 * rank,
            same_source=False,
            why="within the margin",
        )
        for rank, chunk_id in enumerate(negatives)
    )
    return Triplet.make(
        question_id=question.id,
        question=question.text,
        positive_id=question.chunk_id,
        positive_bm25=12.0,
        positive_bm25_rank=1,
        positive_dense=0.7,
        positive_dense_rank=1,
        encoder="lsa",
        negatives=found,
    )


def judged(triplet: Triplet, decision: str = "keep", score: float = 0.9, reason: str = "", **criteria: float) -> Verdict:
    """A judge's verdict on a triplet."""
    scores = tuple(Score(name, criteria.get(name, score), "") for name in NAMES)
    return verdict(triplet.id, "triplet", decision, scores=scores, score=score, reason=reason)


def verdict(subject: str, kind: str, decision: str, judge: str = "rules", judge_name: str = "rules-1", **more: Any) -> Verdict:
    """Any verdict."""
    content = {"scores": (), "score": 1.0, "reason": "", "evidence": "", **more}
    return Verdict.make(subject_id=subject, subject_kind=kind, judge=judge, judge_name=judge_name, decision=decision, **content)


def human(subject: str, decision: str, who: str = "ada", kind: str = "triplet", at: str = "2026-01-01T00:00:00Z") -> Verdict:
    """A person's verdict."""
    return verdict(subject, kind, decision, judge="human", judge_name=who, decided_at=at)


@dataclass
class Run:
    """The parts of a run before they are written."""

    chunks: list[Chunk]
    questions: list[Question]
    triplets: list[Triplet]
    judge: list[Verdict] = field(default_factory=list)
    negatives: list[Verdict] = field(default_factory=list)
    dedup: list[Verdict] = field(default_factory=list)
    human: list[Verdict] = field(default_factory=list)
    quarantine: list[Verdict] = field(default_factory=list)
    rewrites: list[Question] = field(default_factory=list)

    def replace_verdict(self, name: str, subject: str, **changes: Any) -> None:
        """Replace fields of one subject's verdict in ``judge``, ``negatives`` or ``dedup``."""
        rows: list[Verdict] = getattr(self, name)
        index = next(i for i, row in enumerate(rows) if row.subject_id == subject)
        rows[index] = replace(rows[index], **changes)

    def judge_everything(self) -> None:
        """A keep for every triplet and negative that has none yet."""
        seen = {row.subject_id for rows in (self.judge, self.negatives) for row in rows}
        compared = {row.subject_id for row in self.dedup}
        for triplet in self.triplets:
            if triplet.id not in seen:
                self.judge.append(judged(triplet))
            if triplet.id not in compared:
                self.dedup.append(verdict(triplet.id, "triplet", "keep", judge_name="dedup", group=triplet.id))
            for negative in triplet.negatives:
                subject = f"{triplet.id}/{negative.chunk_id}"
                if subject not in seen:
                    self.negatives.append(verdict(subject, "negative", "keep", chunk_id=negative.chunk_id, score=0.1))

    def add(self, chunk: int, text: str, *, negatives: Sequence[int] = (), **more: Any) -> Triplet:
        """One more question with its triplet; ``chunk`` and ``negatives`` are positions in ``chunks``."""
        question = make_question(self.chunks[chunk], text, **more)
        wanted = negatives or [(chunk + step) % len(self.chunks) for step in (1, 2, 3)]
        triplet = make_triplet(question, [self.chunks[n].id for n in wanted])
        self.questions.append(question)
        self.triplets.append(triplet)
        return triplet

    def write(self, root: Path) -> RunDir:
        """Write every file of the run."""
        run = RunDir(root)
        keep_profile(run, load_profile("chess-fr"))
        write_records(run.path("chunks.parquet"), self.chunks, Chunk)
        write_records(run.path("questions.parquet"), self.questions, Question)
        write_records(run.path("triplets.parquet"), self.triplets, Triplet)
        for name in ("judge", "negatives", "dedup"):
            write_records(run.path(f"verdicts/{name}.parquet"), getattr(self, name), Verdict)
        if self.human:
            write_records(run.path("verdicts/human.parquet"), self.human, Verdict)
        if self.rewrites:
            write_records(run.path("verdicts/rewrites.parquet"), self.rewrites, Question)
        return run


def small_run(chunks: int = 24) -> Run:
    """Four questions over each chunk, three negatives each, all judged keep."""
    run = Run(make_chunks(chunks), [], [])
    for number in range(chunks):
        for text, kind, persona in ASKED:
            run.add(number, text.format(f"{SUBJECTS[number % len(SUBJECTS)]} numéro {number}"), kind=kind, persona=persona)
    run.judge_everything()
    return run


def write_gold(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """A gold file."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def gold_rows(run: Run, count: int = 12) -> list[dict[str, Any]]:
    """Gold questions that share no wording with ``small_run``'s."""
    return [
        {
            "question": f"Selon quel principe applique-t-on la disposition {chunk.articles[0]} en salle {n} ?",
            "source": chunk.source,
            "article": chunk.articles[0],
            "kind": "factual" if n % 2 else "procedural",
            "persona": "arbitre",
            "difficulty": "medium",
        }
        for n, chunk in enumerate(run.chunks[:count])
    ]
