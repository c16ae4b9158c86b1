"""Questions from elsewhere, onto this run's chunks.

Each line of the JSONL has ``question`` and one of: ``chunk_id``; ``source`` with ``article``, ``page`` or ``text``. ``kind`` (or
``category``), ``persona`` and ``difficulty`` are kept where they are known terms. ``--chunks`` brings the chunks
themselves (``id``, ``text``, and ``source``, ``section``/``title``, ``article``, ``page`` where known). All lines are read and checked
before anything is written; a line that points nowhere goes to rejected.parquet with its reason.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.contract import CONTRACTS
from triplette.errors import InputError
from triplette.french import fold
from triplette.hashing import hash_file
from triplette.jsonl import read_jsonl
from triplette.records import DIFFICULTIES, KINDS, PERSONAS, UNKNOWN, Chunk, Question, Rejection
from triplette.resolve import ChunkIndex, Unresolved
from triplette.rundir import RunDir
from triplette.tables import read_records, write_records
from triplette.tokens import EstimatedTokens

PROVIDER = "import"
FORM = 'each line is {"question": ..., "chunk_id": ...}'
CHUNK_FORM = 'each line is {"id": ..., "text": ...}'
_KIND_WORDS = {
    "factuel": "factual", "procedure": "procedural", "procedural": "procedural", "scenario": "scenario", "definition": "definition",
    "comparaison": "comparison", "conceptual": "definition", "reasoning": "multi-condition", "comparative": "comparison",
}  # fmt: skip
_PERSONA_WORDS = {
    "arbitre_terrain": "arbitre", "arbitre_organisateur": "organisateur", "question_joueur": "joueur", "player": "joueur",
    "arbiter": "arbitre", "organiser": "organisateur", "organizer": "organisateur",
}  # fmt: skip
_DIFFICULTY_WORDS = {"facile": "easy", "moyen": "medium", "difficile": "hard"}


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Counts of an import: ``questions`` are there now, ``added`` were not before; ``rejected`` maps a reason to a number."""

    lines: int
    questions: int
    added: int
    chunks: int
    rejected: dict[str, int]
    seconds: float


def import_questions(run: RunDir, path: Path, chunks_path: Path | None = None, *, replace: bool = False) -> ImportResult:
    """Add the questions of a JSONL file to questions.parquet; with ``replace`` they take the place of those that are there.

    With ``chunks_path`` chunks.parquet is written from that file: questions over other chunks would have nothing to stand on, so where
    there are any, ``replace`` must say so. Raises InputError.
    """
    started = time.perf_counter()
    rows = read_jsonl(path, FORM)
    for number, row in rows:
        if not isinstance(row.get("question"), str) or not row["question"].strip():
            raise InputError("has no question", where=f"{path}:{number}", cure=FORM)
    if chunks_path is not None:
        chunks, aliases = _chunks(chunks_path)
    else:
        run.require("chunks.parquet")
        chunks, aliases = read_records(run.path("chunks.parquet"), Chunk), {}
    index = ChunkIndex(chunks, aliases)
    before = _there(run, chunks, replace=replace)
    questions: dict[str, Question] = {}
    rejects: list[Rejection] = []
    for number, row in rows:
        try:
            chunk = index.resolve(row)[0]
        except (Unresolved, ValueError) as error:
            where = f"{path.name}:{number}"
            rejects.append(Rejection("synth.import", where, "question", "unmatched", str(error), text=row["question"]))
            continue
        question = _question(row, chunk.id)
        if question.id in questions:
            where = f"{path.name}:{number}"
            rejects.append(Rejection("synth.import", where, "question", "repeated", question.id, chunk.id, question.text))
        questions.setdefault(question.id, question)
    if not questions:
        raise InputError(
            f"none of the {len(rows)} questions points at a chunk of this run (first: {rejects[0].detail})" if rows else "no question",
            where=str(path),
            cure="give the chunks they were written over with --chunks",
        )
    inputs = {path.name: hash_file(path)}
    added = len(questions.keys() - before.keys())
    questions = {**before, **questions}
    with run.locked():
        if chunks_path is not None:
            inputs[chunks_path.name] = hash_file(chunks_path)
            write_records(run.path("chunks.parquet"), chunks, Chunk)
        write_records(run.path("questions.parquet"), questions.values(), Question)
        run.write_rejects("synth.import", rejects)
        if replace or not before:
            run.write_rejects("synth.write", [])
        result = ImportResult(
            lines=len(rows),
            questions=len(questions),
            added=added,
            chunks=len(chunks),
            rejected=dict(Counter(reject.reason for reject in rejects)),
            seconds=time.perf_counter() - started,
        )
        run.record(
            "synth.import",
            inputs=inputs,
            outputs=["chunks.parquet", "questions.parquet"],
            settings={},
            counts={"questions": result.questions, "rejected": len(rejects), "chunks": result.chunks},
            seconds=result.seconds,
        )
    return result


def _there(run: RunDir, chunks: Sequence[Chunk], *, replace: bool) -> dict[str, Question]:
    """The questions that the run has, by id. Raises InputError when they stand on other chunks than ``chunks``."""
    if replace or not run.has("questions.parquet"):
        return {}
    before = {question.id: question for question in read_records(run.path("questions.parquet"), Question)}
    known = {chunk.id for chunk in chunks}
    lost = sum(question.chunk_id not in known for question in before.values())
    if lost:
        raise InputError(
            f"{lost} of the {len(before)} questions of this run are over other chunks",
            where=str(run.path("questions.parquet")),
            cure="--replace puts the new questions in their place, or import into another --run",
        )
    return before


def _chunks(path: Path) -> tuple[list[Chunk], dict[str, str]]:
    """Foreign chunks as ours, and their ids -> our ids."""
    rows = read_jsonl(path, CHUNK_FORM)
    for number, row in rows:
        if not all(isinstance(row.get(key), str) and row[key].strip() for key in ("id", "text")):
            raise InputError("needs id and text", where=f"{path}:{number}", cure=CHUNK_FORM)
    contract, counter = CONTRACTS["embeddinggemma"], EstimatedTokens()
    titles = [_title(row) for _, row in rows]
    counts = counter.count([contract.format_document(row["text"], t) for (_, row), t in zip(rows, titles, strict=True)])
    chunks: dict[str, Chunk] = {}
    aliases: dict[str, str] = {}
    for (number, row), title, count in zip(rows, titles, counts, strict=True):
        page = int(row["page"]) if str(row.get("page") or "").isdigit() else 0
        chunk = Chunk.make(
            text=row["text"],
            title=title,
            source=str(row.get("source") or path.name),
            articles=(str(row["article"]),) if row.get("article") else (),
            page_start=page,
            page_end=page,
            char_start=0,
            char_end=len(row["text"]),
            tokens=count,
            tokenizer=counter.name,
        )
        chunks.setdefault(chunk.id, chunk)
        if aliases.setdefault(row["id"], chunk.id) != chunk.id:
            raise InputError(f"the id {row['id']!r} stands for two passages", where=f"{path}:{number}", cure="give each its own id")
    return list(chunks.values()), aliases


def _title(row: Mapping[str, Any]) -> str:
    return " > ".join(str(row[key]).strip() for key in ("title", "section") if row.get(key))


def _question(row: Mapping[str, Any], chunk_id: str) -> Question:
    kind = fold(str(row.get("kind") or row.get("category") or "")).lower()
    persona = fold(str(row.get("persona") or row.get("category") or "")).lower()
    difficulty = fold(str(row.get("difficulty") or "")).lower()
    return Question.make(
        chunk_id=chunk_id,
        text=" ".join(row["question"].split()),
        kind=_known(_KIND_WORDS.get(kind, kind), KINDS),
        persona=_known(_PERSONA_WORDS.get(persona, persona), PERSONAS),
        difficulty=_known(_DIFFICULTY_WORDS.get(difficulty, difficulty), DIFFICULTIES),
        provider=PROVIDER,
        model=str(row.get("model") or UNKNOWN),
        prompt=str(row.get("prompt") or UNKNOWN),
        cost=0.0,
    )


def _known(value: str, terms: Sequence[str]) -> str:
    return value if value in terms else UNKNOWN
