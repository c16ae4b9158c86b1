"""Questions from elsewhere, onto this run's chunks.

Each line of the JSONL has ``question`` and one of: ``chunk_id``; ``source`` with ``article``, ``page`` or ``text``. ``kind`` (or
``category``), ``persona`` and ``difficulty`` are read as the run's profile names them (``also`` there); what it does not know is kept as
``unknown``, and a note says so. ``--chunks`` brings the chunks
themselves (``id``, ``text``, and ``source``, ``section``/``title``, ``article``, ``page`` where known). All lines are read and checked
before anything is written; a line that points nowhere goes to rejected.parquet with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.contract import CONTRACTS
from triplette.errors import InputError
from triplette.hashing import hash_file
from triplette.jsonl import read_jsonl
from triplette.languages import language
from triplette.languages.identify import identify, other_language
from triplette.languages.text import fold
from triplette.profile import Kind, Persona, Profile, keep_profile, neutral_for, run_profile
from triplette.records import DIFFICULTIES, UNKNOWN, Chunk, Question, Rejection
from triplette.resolve import ChunkIndex, Unresolved
from triplette.rundir import RunDir
from triplette.step import Step
from triplette.tables import read_records, write_records
from triplette.tokens import EstimatedTokens

PROVIDER = "import"
FORM = 'each line is {"question": ..., "chunk_id": ...}'
CHUNK_FORM = 'each line is {"id": ..., "text": ...}'
NAMED = 8  # unknown terms that a note names
SHOWN = 60  # characters of a question that a note repeats


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Counts of an import: ``questions`` are there now, ``added`` were not before; ``rejected`` maps a reason to a number.

    ``notes`` say which terms the profile does not know, and how many questions lack a question mark.
    """

    lines: int
    questions: int
    added: int
    chunks: int
    rejected: dict[str, int]
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """The summary, in words."""
        return {
            "lines": self.lines,
            "questions": self.questions,
            "of them new": self.added,
            "chunks": self.chunks,
            **{f"rejected: {reason}": count for reason, count in self.rejected.items()},
            "seconds": round(self.seconds, 2),
        }


def import_questions(
    run: RunDir, path: Path, chunks_path: Path | None = None, profile: Profile | None = None, *, replace: bool = False
) -> ImportResult:
    """Add the questions of a JSONL file to questions.parquet; with ``replace`` they take the place of those that are there.

    With ``chunks_path`` chunks.parquet is written from that file: questions over other chunks would have nothing to stand on, so where
    there are any, ``replace`` must say so. The run's profile becomes ``profile``, else stays what it is; with new chunks and none given it
    is the neutral one of their language. Raises InputError.
    """
    rows = read_jsonl(path, FORM)
    for number, row in rows:
        if not isinstance(row.get("question"), str) or not row["question"].strip():
            raise InputError("has no question", where=f"{path}:{number}", cure=FORM)
    if chunks_path is not None:
        chunks, aliases = _chunks(chunks_path)
    else:
        run.require("chunks.parquet")
        chunks, aliases = read_records(run.path("chunks.parquet"), Chunk), {}
    if profile is None:
        profile = run_profile(run) if chunks_path is None else neutral_for(chunks)
    terms = _Terms(profile)
    step = Step(run, "synth.import", {one.name: hash_file(one) for one in (path, chunks_path) if one is not None}, {})
    index = ChunkIndex(chunks, aliases)
    before = _there(run, chunks, replace=replace)
    if not rows:
        raise InputError("no question", where=str(path), cure=FORM)
    questions, rejects = _placed(path, rows, index, terms)
    if not questions:
        raise InputError(
            f"none of the {len(rows)} questions points at a chunk of this run (first: {rejects[0].detail})",
            where=str(path),
            cure="give the chunks they were written over with --chunks",
        )
    added, notes = len(questions.keys() - before.keys()), (*terms.notes(), *_unmarked(questions.values()))
    questions = {**before, **questions}
    with run.locked():
        if chunks_path is not None:
            write_records(run.path("chunks.parquet"), chunks, Chunk)
        keep_profile(run, profile)
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
            notes=notes,
        )
        counts = {"questions": result.questions, "rejected": len(rejects), "chunks": result.chunks}
        return step.record(result, outputs=["chunks.parquet", "questions.parquet"], counts=counts)


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
    codes = _languages([row for _, row in rows])
    for (number, row), title, count, code in zip(rows, titles, counts, codes, strict=True):
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
            language=code,
        )
        chunks.setdefault(chunk.id, chunk)
        if aliases.setdefault(row["id"], chunk.id) != chunk.id:
            raise InputError(f"the id {row['id']!r} stands for two passages", where=f"{path}:{number}", cure="give each its own id")
    return list(chunks.values()), aliases


def _languages(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The code of each foreign chunk's language: its own ``language`` where it says one, else its source document's."""
    texts: dict[str, list[str]] = {}
    for row in rows:
        texts.setdefault(str(row.get("source") or ""), []).append(row["text"])
    found = dict(zip(texts, identify(["\n".join(parts) for parts in texts.values()]), strict=True))
    return [
        language(str(row["language"])).code if row.get("language") else other_language(row["text"], found[str(row.get("source") or "")])
        for row in rows
    ]


def _title(row: Mapping[str, Any]) -> str:
    return " > ".join(str(row[key]).strip() for key in ("title", "section") if row.get(key))


def _unmarked(questions: Iterable[Question]) -> tuple[str, ...]:
    """A note on the questions that the rules judge will take for none."""
    bare = [question.text for question in questions if not question.text.rstrip().endswith("?")]
    if not bare:
        return ()
    return (
        f"{len(bare)} questions end without a question mark ({bare[0][:SHOWN]!r}): the rules judge and the suites refuse them. "
        "Put one behind keywords and titles too, as people's searches are written here",
    )


class _Terms:
    """The profile's names of kinds and personas, and the words of other files that were not among them."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._kinds, self._personas = _names(profile.kinds), _names(profile.personas)
        self._difficulties = {_key(word): name for name in DIFFICULTIES for word in (*getattr(profile.difficulties, name), name)}
        self.unknown: dict[str, Counter[str]] = {"kind": Counter(), "persona": Counter()}

    def read(self, row: Mapping[str, Any]) -> tuple[str, str]:
        """(kind, persona) of a line; a ``category`` is whichever of the two the profile knows."""
        category = str(row.get("category") or "").strip()
        kind, persona = (str(row.get(name) or category).strip() for name in ("kind", "persona"))
        found = self._kinds.get(_key(kind), UNKNOWN), self._personas.get(_key(persona), UNKNOWN)
        for field, own, term in (("kind", kind, found[0]), ("persona", persona, found[1])):
            told = bool(row.get(field)) or found == (UNKNOWN, UNKNOWN)  # a category that is a kind is no unknown persona
            self.unknown[field][own] += term == UNKNOWN and bool(own) and told
        return found

    def difficulty(self, row: Mapping[str, Any]) -> str:
        """One of ``DIFFICULTIES``, or ``unknown``."""
        return self._difficulties.get(_key(str(row.get("difficulty") or "")), UNKNOWN)

    def notes(self) -> tuple[str, ...]:
        """One note for kinds and one for personas that the profile does not know."""
        notes = []
        for field, counts in self.unknown.items():
            listed = [f"{word!r} ({n})" for word, n in counts.most_common(NAMED) if n]
            more = f" and {len(+counts) - NAMED} more" if len(+counts) > NAMED else ""
            if listed:
                notes.append(
                    f"the profile {self.profile.name} has no {field} {', '.join(listed)}{more}: kept as {UNKNOWN!r}. "
                    f"To keep them, name them in a profile of your own (also = [...] of a {field})"
                )
        return tuple(notes)


def _names(rows: Sequence[Kind] | Sequence[Persona]) -> dict[str, str]:
    """Every way to write a term -> the term."""
    return {_key(word): row.name for row in rows for word in (*row.also, row.name)}


def _key(word: str) -> str:
    return fold(word).lower().strip()


def _placed(
    path: Path, rows: Sequence[tuple[int, dict[str, Any]]], index: ChunkIndex, terms: _Terms
) -> tuple[dict[str, Question], list[Rejection]]:
    """The questions by id, each over the chunk that its row points at, and what has no chunk or says the same again."""
    questions: dict[str, Question] = {}
    rejects: list[Rejection] = []
    for number, row in rows:
        where = f"{path.name}:{number}"
        try:
            chunk = index.resolve(row)[0]
        except (Unresolved, ValueError) as error:
            rejects.append(Rejection("synth.import", where, "question", "unmatched", str(error), text=row["question"]))
            continue
        question = _question(row, chunk.id, terms)
        if question.id in questions:
            rejects.append(Rejection("synth.import", where, "question", "repeated", question.id, chunk.id, question.text))
        questions.setdefault(question.id, question)
    return questions, rejects


def _question(row: Mapping[str, Any], chunk_id: str, terms: _Terms) -> Question:
    kind, persona = terms.read(row)
    return Question.make(
        chunk_id=chunk_id,
        text=" ".join(row["question"].split()),
        kind=kind,
        persona=persona,
        difficulty=terms.difficulty(row),
        provider=PROVIDER,
        model=str(row.get("model") or UNKNOWN),
        prompt=str(row.get("prompt") or UNKNOWN),
        cost=0.0,
    )
