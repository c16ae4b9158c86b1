"""Gold questions: written by people, they measure and never train.

A gold file is JSONL. Each line has ``question`` and points at what answers it: ``chunk_id``, or ``source`` with ``article``,
``page`` or ``text``; a list ``also`` points at further passages in the same way. Every line is read before anything is built;
one that points nowhere is kept in rejected.parquet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.jsonl import read_jsonl
from triplette.languages import language
from triplette.profile import Profile
from triplette.records import DIFFICULTIES, UNKNOWN, Chunk, Question, Rejection
from triplette.resolve import ChunkIndex, Unresolved

FORM = 'each line is {"question": ..., "source": "file.md", "article": "7.5.1"}, or has chunk_id, page or text'


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """A gold question and the chunks that answer it, best first."""

    question: Question
    positives: tuple[str, ...]


def read_gold(path: Path, chunks: Sequence[Chunk], profile: Profile) -> tuple[list[GoldQuestion], list[Rejection]]:
    """The gold questions of a file on this run's chunks, and the lines that fell out.

    The same question twice becomes one with the positives of both. Raises InputError for a line without a question and when no line
    points at a chunk of the run.
    """
    rows = read_jsonl(path, FORM)
    for number, row in rows:
        if not isinstance(row.get("question"), str) or not row["question"].strip():
            raise InputError("has no question", where=f"{path}:{number}", cure=FORM)
    index = ChunkIndex(chunks)
    found: dict[str, GoldQuestion] = {}
    rejects: list[Rejection] = []
    for number, row in rows:
        where = f"{path.name}:{number}"
        try:
            positives = _positives(row, index)
        except (Unresolved, ValueError) as error:
            rejects.append(Rejection("curate.build", where, "question", "gold unmatched", str(error), text=row["question"]))
            continue
        gold = GoldQuestion(_question(row, positives[0], profile), positives)
        key = " ".join(language(index.by_id[positives[0]].language).folded_words(gold.question.text))
        if key in found:
            first = found[key]
            merged = tuple(dict.fromkeys([*first.positives, *positives]))
            found[key] = replace(first, positives=merged)
            detail = f"same as {first.question.id}, which took over its chunks"
            rejects.append(Rejection("curate.build", where, "question", "gold repeated", detail, positives[0], row["question"]))
        else:
            found[key] = gold
    if not found:
        first_reason = rejects[0].detail if rejects else "it is empty"
        raise InputError(f"no gold question points at a chunk of this run ({first_reason})", where=str(path), cure=FORM)
    return list(found.values()), rejects


def _positives(row: Mapping[str, Any], index: ChunkIndex) -> tuple[str, ...]:
    """The chunk ids that a line points at, then those of its ``also``, each once. Raises Unresolved."""
    also = row.get("also") or []
    if not isinstance(also, list) or not all(isinstance(pointer, dict) for pointer in also):
        raise Unresolved("also is not a list of pointers such as {source, article}")
    pointers = [row, *({**pointer, "question": row["question"]} for pointer in also)]
    return tuple(dict.fromkeys(chunk.id for pointer in pointers for chunk in index.resolve(pointer)))


def _question(row: Mapping[str, Any], chunk_id: str, profile: Profile) -> Question:
    return Question.make(
        chunk_id=chunk_id,
        text=" ".join(row["question"].split()),
        kind=_known(row.get("kind"), profile.kind_names),
        persona=_known(row.get("persona"), profile.persona_names),
        difficulty=_known(row.get("difficulty"), DIFFICULTIES),
        provider="document" if row.get("origin") == "document" else "human",
        model="gold",
        prompt=UNKNOWN,
        cost=0.0,
    )


def _known(value: Any, terms: Sequence[str]) -> str:
    return str(value) if value in terms else UNKNOWN
