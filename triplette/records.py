"""The records that stages exchange: frozen, and named by a hash of what they say.

A decision is a new record (Verdict, Rejection) that carries the id of what it judges; nothing is edited.
What may differ between two honest runs of the same content (cost, seconds) is not part of an id.
Build records with ``make``: it computes the id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from triplette.hashing import hash_text, record_id

UNKNOWN = "unknown"
DIFFICULTIES = ("easy", "medium", "hard")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document, at most the token limit long.

    ``title`` is the heading path joined by " > "; ``articles`` are the numbers of the articles that begin in
    it or that it continues; ``page_start``/``page_end`` count from 1 (0: the format has no pages);
    ``char_start``/``char_end`` are offsets in the document's extracted text; ``tokens`` is the count
    under the target tokenizer named by ``tokenizer``. ``language`` is the text's (ISO 639-1, "" where nobody said): it is read off
    the text or set for the run, so it is no part of the id. ``refs`` are the ids of the passages that the text refers to.
    """

    id: str
    text: str
    title: str
    source: str
    articles: tuple[str, ...]
    page_start: int
    page_end: int
    char_start: int
    char_end: int
    tokens: int
    tokenizer: str
    sha256: str
    language: str = ""
    refs: tuple[str, ...] = ()

    @classmethod
    def make(cls, **content: Any) -> Self:
        """A chunk with its id from source, title and text, and the text's sha256."""
        content["articles"] = tuple(content.get("articles", ()))
        named = {key: content[key] for key in ("text", "title", "source")}
        return cls(id=record_id("c", named), sha256=hash_text(content["text"]), **content)


@dataclass(frozen=True, slots=True)
class Question:
    """A question written over a chunk. ``kind`` and ``persona`` are names of the run's profile; they and ``difficulty`` may be ``unknown``.

    ``provider``, ``model`` and ``prompt`` (version) name the writer: ``rules`` / ``llm`` / ``import`` / ``human``;
    ``cost`` is in US dollars. ``parent`` is the id of the question that this one rewrites, or "".
    """

    id: str
    chunk_id: str
    text: str
    kind: str
    persona: str
    difficulty: str
    provider: str
    model: str
    prompt: str
    cost: float
    parent: str = ""

    @classmethod
    def make(cls, **content: Any) -> Self:
        """A question with its id from chunk, text and writer (not from its cost)."""
        named = {key: content[key] for key in ("chunk_id", "text", "provider", "model", "prompt")}
        return cls(id=record_id("q", named), **content)


@dataclass(frozen=True, slots=True)
class Negative:
    """A hard negative with its provenance.

    Ranks count from 1 within each ranker's candidates, 0 when that ranker did not return it; scores are the
    ranker's own (BM25: non-negative, unbounded; dense: cosine). ``margin`` is the positive's dense score
    minus this one's. ``ranker`` is who found it: ``bm25``, ``dense`` or ``both``; ``why`` says why it was kept.
    """

    chunk_id: str
    ranker: str
    bm25_rank: int
    bm25_score: float
    dense_rank: int
    dense_score: float
    fused_score: float
    margin: float
    same_source: bool
    why: str


@dataclass(frozen=True, slots=True)
class Triplet:
    """A question, the chunk that answers and 0..k hard negatives, each with its provenance.

    ``positive_bm25`` / ``positive_dense`` are the positive's scores; ranks count from 1 over the whole corpus.
    ``encoder`` is the dense ranker's name. The texts are in chunks.parquet; ``question`` repeats the question's.
    """

    id: str
    question_id: str
    question: str
    positive_id: str
    positive_bm25: float
    positive_bm25_rank: int
    positive_dense: float
    positive_dense_rank: int
    encoder: str
    negatives: tuple[Negative, ...]

    @classmethod
    def make(cls, **content: Any) -> Self:
        """A triplet with its id from question, positive and the negatives' chunk ids."""
        content["negatives"] = tuple(content["negatives"])
        named = {
            "question_id": content["question_id"],
            "positive_id": content["positive_id"],
            "negatives": [negative.chunk_id for negative in content["negatives"]],
        }
        return cls(id=record_id("t", named), **content)


@dataclass(frozen=True, slots=True)
class Score:
    """One criterion's score in 0..1, with the signal behind it in words."""

    criterion: str
    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision about a record. It never changes the record.

    ``subject_id`` is a question's, triplet's or ``triplet/chunk`` pair's id; ``subject_kind`` is ``question``,
    ``triplet`` or ``negative``. ``judge`` is ``rules``, ``llm`` or ``human``; ``judge_name`` which (rule set, model, user).
    ``decision`` is ``keep``, ``reject``, ``quarantine``, ``unsure``, ``positive`` (a negative that answers) or ``drop``.
    ``evidence`` is a verbatim span of the chunk; ``group`` ties verdicts of one cluster; ``decided_at``
    (ISO 8601, UTC) is set by people only, so that the bytes of automatic verdicts repeat.
    """

    id: str
    subject_id: str
    subject_kind: str
    judge: str
    judge_name: str
    scores: tuple[Score, ...]
    score: float
    decision: str
    reason: str
    evidence: str
    chunk_id: str = ""
    group: str = ""
    decided_at: str = ""

    @classmethod
    def make(cls, **content: Any) -> Self:
        """A verdict with its id from everything it says."""
        content["scores"] = tuple(content.get("scores", ()))
        named = {key: value for key, value in content.items() if key != "scores"}
        named["scores"] = [{name: getattr(score, name) for name in Score.__slots__} for score in content["scores"]]
        return cls(id=record_id("v", named), **content)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that fell out: at which step, for which reason (a short code) and in detail, with its content kept."""

    step: str
    subject_id: str
    subject_kind: str
    reason: str
    detail: str
    parent_id: str = ""
    text: str = ""
    payload: str = field(default="")


# the words that a column may hold; a verdict with another one would be a decision that nobody takes, a reject a row that nobody counts
TERMS: dict[type[Any], dict[str, tuple[str, ...]]] = {
    Verdict: {
        "subject_kind": ("question", "triplet", "negative"),
        "judge": ("rules", "llm", "human"),
        "decision": ("keep", "reject", "quarantine", "unsure", "positive", "drop"),
    },
    Rejection: {"subject_kind": ("document", "chunk", "question", "candidate", "triplet", "negative")},
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a document reached the chunks, against a second reader of the file (``witness``; "" when there was none).

    ``words_held`` of its ``words`` are in some chunk, ``sentences_whole`` of its whole ``sentences`` word after word. ``dropped`` counts
    the characters left out on purpose ("header 1204"); ``lost`` names words that no chunk holds, the most frequent first.
    """

    source: str
    witness: str
    words: int
    words_held: int
    sentences: int
    sentences_whole: int
    dropped: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def word_share(self) -> float:
        """The share of the words that a chunk holds, 0..1; 1 for a text without words."""
        return self.words_held / self.words if self.words else 1.0

    @property
    def sentence_share(self) -> float:
        """The share of the sentences that the chunks hold whole, 0..1; 1 where there is none."""
        return self.sentences_whole / self.sentences if self.sentences else 1.0
