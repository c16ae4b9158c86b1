"""``synth mine``: questions and chunks to triplets, each negative with its provenance.

BM25 and an encoder propose, rank fusion orders, and three tests decide: a look-alike of the positive is never a negative, nor is
a passage over which the same question was written; a candidate whose answer likeness passes the tuned limit may answer
(``synth.mine_margin``); one under the floor is no harder than a random passage. What is left over is kept, hardest first, and never
filled up: a question with no good negative is rejected with its reason.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from synth.mine_lookalikes import look_alikes, other_positives
from synth.mine_margin import Likeness, Margin, Material, tune
from synth.mine_rank import Candidates, find_candidates
from triplette.bm25 import Bm25Index
from triplette.dense import DenseIndex
from triplette.encoders import make_encoder
from triplette.french import tokens
from triplette.records import Chunk, Negative, Question, Rejection, Triplet
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.mine import MineSettings
from triplette.tables import read_records, write_records

STAGE = "synth.mine"
BLOCK = 2048  # questions ranked and filtered at once
REASONS = ("look-alike of the positive", "answers the same question", "may answer too", "no harder than a random passage")


@dataclass(frozen=True, slots=True)
class MineResult:
    """What mining did. ``short_of`` counts questions with fewer negatives than asked for; ``dropped`` candidates by reason.

    ``limit`` and ``floor`` are the tuned answer likeness between which a negative lies; ``tuned_on`` the known answers behind it.
    """

    triplets: int
    negatives: int
    no_good_negative: int
    short_of: int
    dropped: dict[str, int]
    rankers: dict[str, int]
    encoder: str
    limit: float
    floor: float
    tuned_on: int
    seconds: float
    unchanged: bool = False


def mine_negatives(run: RunDir, settings: MineSettings) -> MineResult:
    """Write triplets.parquet. Raises MissingStage before questions, InputError for a question whose chunk is absent."""
    started = time.perf_counter()
    run.require("chunks.parquet", "questions.parquet")
    inputs = run.fingerprints(["chunks.parquet", "questions.parquet"])
    previous = run.current(STAGE, inputs, as_dict(settings))
    if previous:
        return MineResult(**{**previous["result"], "seconds": time.perf_counter() - started, "unchanged": True})
    chunks = read_records(run.path("chunks.parquet"), Chunk)
    questions = read_records(run.path("questions.parquet"), Question)
    numbers = {chunk.id: number for number, chunk in enumerate(chunks)}
    rejects = [
        Rejection(STAGE, q.id, "question", "orphan", f"no chunk has the id {q.chunk_id}", q.chunk_id, q.text)
        for q in questions
        if q.chunk_id not in numbers
    ]
    questions = [q for q in questions if q.chunk_id in numbers]
    material = _material(run, chunks, questions, numbers, settings)
    triplets, lost, margin, dropped = _mine(material, questions, settings)
    result = MineResult(
        triplets=len(triplets),
        negatives=sum(len(t.negatives) for t in triplets),
        no_good_negative=len(lost),
        short_of=sum(len(t.negatives) < settings.negatives for t in triplets),
        dropped=dropped,
        rankers=dict(sorted(Counter(n.ranker for t in triplets for n in t.negatives).items())),
        encoder=material.encoder.name,
        limit=margin.limit,
        floor=margin.floor,
        tuned_on=margin.answers if margin.tuned else 0,
        seconds=time.perf_counter() - started,
    )
    with run.locked():
        write_records(run.path("triplets.parquet"), triplets, Triplet)
        run.write_rejects(STAGE, [*rejects, *lost])
        kept = {key: getattr(result, key) for key in MineResult.__slots__ if key not in ("seconds", "unchanged")}
        run.record(
            STAGE,
            inputs=inputs,
            outputs=["triplets.parquet"],
            settings=as_dict(settings),
            counts={"triplets": result.triplets, "negatives": result.negatives, "rejected": len(rejects) + len(lost)},
            seconds=result.seconds,
            extra={"result": kept, "margin": asdict(margin)},
        )
    return result


def _material(run: RunDir, chunks: list[Chunk], questions: list[Question], numbers: dict[str, int], settings: MineSettings) -> Material:
    encoder = make_encoder(settings.encoder, chunks, cache=run.path(".cache/vectors"), seed=settings.seed)
    found = [tokens(f"{chunk.title} {chunk.text}") for chunk in chunks]
    return Material(
        chunks=chunks,
        tokens=found,
        passages=encoder.encode_documents([chunk.text for chunk in chunks], [chunk.title for chunk in chunks]),
        asked_tokens=[tokens(question.text) for question in questions],
        asked=encoder.encode_queries([question.text for question in questions]),
        positives=np.array([numbers[question.chunk_id] for question in questions], dtype=np.int64),
        bm25=Bm25Index(found),
        encoder=encoder,
    )


def _mine(
    material: Material, questions: list[Question], settings: MineSettings
) -> tuple[list[Triplet], list[Rejection], Margin, dict[str, int]]:
    """Triplets in the questions' order, questions without a good negative, the tuned margin, dropped candidates by reason."""
    dense = DenseIndex(material.passages, seed=settings.seed)
    parts = [
        find_candidates(
            material.bm25,
            dense,
            material.passages,
            material.asked_tokens[start : start + BLOCK],
            material.asked[start : start + BLOCK],
            material.positives[start : start + BLOCK],
            count=settings.candidates,
            rrf_k=settings.rrf_k,
        )
        for start in range(0, len(questions), BLOCK)
    ]
    candidates = _join_parts(parts)
    likeness = Likeness(material, candidates.positive_bm25, candidates.positive_dense)
    alike = look_alikes(material.chunks, settings.containment)
    margin = tune(material, candidates, likeness, alike, missed=settings.missed_answers, sample=settings.sample, seed=settings.seed)
    others = other_positives(questions, material.positives.tolist())
    answer = likeness.of(likeness.evidence(candidates.bm25, candidates.dense), candidates.likeness)
    sources = np.unique([chunk.source for chunk in material.chunks], return_inverse=True)[1]
    same = (sources[np.maximum(candidates.ids, 0)] == sources[material.positives][:, None]) & (candidates.ids >= 0)
    order = np.lexsort(
        (candidates.ids, -np.round(candidates.fused + settings.same_source_bonus * same, 12), candidates.ids < 0), axis=1
    )
    dropped: Counter[str] = Counter()
    triplets, lost = [], []
    for row, question in enumerate(questions):
        negatives: list[Negative] = []
        positive = int(material.positives[row])
        refused: Counter[str] = Counter()
        for place in order[row].tolist():
            number = int(candidates.ids[row, place])
            if number < 0 or len(negatives) == settings.negatives:
                break
            reason = _refusal(number, float(answer[row, place]), alike[positive], others[row], margin)
            if reason:
                refused[reason] += 1
                continue
            negatives.append(_negative(material, candidates, row, place, bool(same[row, place]), float(answer[row, place])))
        dropped.update(refused)
        if negatives:
            triplets.append(_triplet(material, candidates, row, question, negatives))
        else:
            detail = ", ".join(f"{reason} {n}" for reason, n in sorted(refused.items())) or "no ranker proposed a passage"
            lost.append(Rejection(STAGE, question.id, "question", "no_good_negative", detail, question.chunk_id, question.text))
    return triplets, lost, margin, {reason: dropped[reason] for reason in REASONS if dropped[reason]}


def _refusal(number: int, answer: float, alike: frozenset[int], others: frozenset[int], margin: Margin) -> str:
    """Why a candidate cannot be a negative, or ""."""
    if number in alike:
        return REASONS[0]
    if number in others:
        return REASONS[1]
    if not answer < margin.limit:
        return REASONS[2]
    return REASONS[3] if answer < margin.floor else ""


def _negative(material: Material, found: Candidates, row: int, place: int, same: bool, answer: float) -> Negative:
    bm25_rank, dense_rank = int(found.bm25_rank[row, place]), int(found.dense_rank[row, place])
    where = "another passage of the same document" if same else "a passage of another document"
    return Negative(
        chunk_id=material.chunks[int(found.ids[row, place])].id,
        ranker="both" if bm25_rank and dense_rank else "bm25" if bm25_rank else "dense",
        bm25_rank=bm25_rank,
        bm25_score=round(float(found.bm25[row, place]), 6),
        dense_rank=dense_rank,
        dense_score=round(float(found.dense[row, place]), 6),
        fused_score=round(float(found.fused[row, place]), 6),
        margin=round(float(found.positive_dense[row] - found.dense[row, place]), 6),
        same_source=same,
        why=f"{where}; answer likeness {answer:.2f}, under the limit",
    )


def _triplet(material: Material, found: Candidates, row: int, question: Question, negatives: list[Negative]) -> Triplet:
    return Triplet.make(
        question_id=question.id,
        question=question.text,
        positive_id=question.chunk_id,
        positive_bm25=round(float(found.positive_bm25[row]), 6),
        positive_bm25_rank=int(found.positive_bm25_rank[row]),
        positive_dense=round(float(found.positive_dense[row]), 6),
        positive_dense_rank=int(found.positive_dense_rank[row]),
        encoder=material.encoder.name,
        negatives=negatives,
    )


def _join_parts(parts: list[Candidates]) -> Candidates:
    """Blocks of candidates as one, padded to the widest."""
    if not parts:
        empty: Any = np.zeros((0, 0))
        return Candidates(
            *(empty.astype(np.int64) for _ in range(3)), *(empty for _ in range(4)), *(empty[:, 0:0].reshape(0) for _ in range(4))
        )
    width = max(part.ids.shape[1] for part in parts)
    joined: dict[str, Any] = {}
    for name in Candidates.__slots__:
        arrays = [getattr(part, name) for part in parts]
        if arrays[0].ndim == 2:
            fill = -1 if name == "ids" else 0
            arrays = [np.pad(a, ((0, 0), (0, width - a.shape[1])), constant_values=fill) for a in arrays]
        joined[name] = np.concatenate(arrays)
    return Candidates(**joined)
