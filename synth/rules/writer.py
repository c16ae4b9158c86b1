"""Chunks to questions by rules: what `synth write` runs without an LLM.

Each chunk is read alone, so editing one document leaves the questions of the others as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from synth.rules.patterns import Candidate, candidates
from synth.rules.sentences import sentences_of
from triplette.hashing import hash_text
from triplette.records import Chunk, Question, Rejection

PROMPT = "rules-1"
PER_CHUNK = 3
WORDS = (5, 32)  # of a question


def write_questions(chunks: Sequence[Chunk]) -> tuple[list[Question], list[Rejection]]:
    """French questions over the chunks, in their order, and one rejection for each chunk that gave none."""
    questions: list[Question] = []
    rejects: list[Rejection] = []
    asked: set[str] = set()
    for chunk in chunks:
        chosen = [c for c in choose(chunk.id, candidates_of(chunk)) if c.text not in asked]
        asked.update(c.text for c in chosen)
        questions += [_question(chunk, candidate) for candidate in chosen]
        if not chosen:
            rejects.append(Rejection("synth.write", chunk.id, "chunk", "no_question", "no sentence fits a pattern"))
    return questions, rejects


def candidates_of(chunk: Chunk) -> list[Candidate]:
    """Every acceptable candidate of a chunk."""
    found = [c for sentence in sentences_of(chunk) for c in candidates(sentence)]
    return [c for c in found if WORDS[0] <= len(c.text.split()) <= WORDS[1]]


def choose(chunk_id: str, found: Iterable[Candidate]) -> list[Candidate]:
    """At most PER_CHUNK: the best pattern of each sentence, then the best sentences, ties broken by content."""
    ranked = sorted(found, key=lambda c: (-c.weight, hash_text(chunk_id + c.text)))
    places: Counter[int] = Counter()
    chosen = []
    for candidate in ranked:
        if not places[candidate.place] and len(chosen) < PER_CHUNK:
            places[candidate.place] += 1
            chosen.append(candidate)
    return sorted(chosen, key=lambda c: (c.place, c.text))


def _question(chunk: Chunk, candidate: Candidate) -> Question:
    return Question.make(
        chunk_id=chunk.id,
        text=candidate.text,
        kind=candidate.kind,
        persona=candidate.persona,
        difficulty="medium" if candidate.kind in ("scenario", "procedural") else "easy",
        provider="rules",
        model="rules",
        prompt=PROMPT,
        cost=0.0,
    )
