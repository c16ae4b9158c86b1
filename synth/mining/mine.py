"""Hard negatives: passages that look like the answer and are not, each with its provenance.

BM25 and an encoder propose, reciprocal rank fusion orders (``mine_rank``). A candidate falls out when it is a look-alike of the
positive or a positive of the same question (``mine_lookalikes``), when it outscores the positive, or when it is likelier to answer than a
limit tuned to the encoder allows (``mine_margin``). What stays is taken from the top, other articles of the positive's document first
(``mine_choose``). A question without a good negative still has its pair, and what fell out is written down; nothing is filled up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from triplette.arrays import Ints, Vectors
from triplette.engine import LOCAL, Engine
from triplette.errors import InputError
from triplette.hashing import code_version, hash_tree, hash_value
from triplette.languages import language
from triplette.look_alikes import look_alikes, other_positives
from triplette.ranking.dense import DenseIndex
from triplette.ranking.encoder import LSA, Encoder
from triplette.ranking.encoders import make_encoder
from triplette.ranking.lexical import lexical_ranker, passage_tokens
from triplette.ranking.shards import ShardedIndex
from triplette.records import Chunk, Question, Rejection, Triplet
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.mine import MineSettings
from triplette.step import Step
from triplette.synth.mining.choose import STEP, bar, judge, make_triplets, open_candidates
from triplette.synth.mining.margin import Likeness, Margin, Material, open_floor, tune
from triplette.synth.mining.rank import find_in_blocks
from triplette.synth.mining.vectors import encoded, vectors_on_disk
from triplette.tables import read_records, write_records

SHARDS, BLOCKS = (
    "shards-",
    "candidates-",
)  # folders beside the kept vectors: an index while it is searched, and blocks until all are found
LSA_NOTE = (
    "The dense ranker is the built-in LSA, fitted on this corpus: free and repeatable, but it knows no synonym that the corpus does not "
    "teach. For a model: --encoder intfloat/multilingual-e5-small (pip install 'triplette[models]')."
)


@dataclass(frozen=True, slots=True)
class MineResult:
    """What mining did.

    ``by_count`` maps a number of negatives to the triplets that have it; ``dropped`` a reason to the candidates that fell out for it;
    ``rejected`` a reason to the questions that no candidate stayed for, whose triplet is a pair. ``margin`` is
    how far under the positive (1.0) the tuned limit lies.
    """

    triplets: int
    negatives: int
    by_count: dict[str, int]
    same_source: int
    dropped: dict[str, int]
    rejected: dict[str, int]
    encoder: str
    margin: Margin
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    unchanged: bool = False

    def facts(self) -> dict[str, Any]:
        """The summary, in words."""
        spread = ", ".join(f"{value:.2f}" for value in self.margin.known) or "none"
        return {
            "triplets": self.triplets,
            "hard negatives": self.negatives,
            "  per question": _listed(self.by_count),
            "  from the positive's own document": f"{100 * self.same_source / max(self.negatives, 1):.0f} %",
            "candidates dropped": _listed(self.dropped),
            "questions kept as pairs, no good negative": sum(self.rejected.values()),
            "encoder": self.encoder,
            "answer likeness kept": f"{self.margin.floor:.2f} to {self.margin.limit:.2f}"
            + ("" if self.margin.tuned else " (not tuned)"),
            f"  of {self.margin.answers} known answers (5 to 95 %)": spread,
            "seconds": round(self.seconds, 2),
        }


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{key}: {count}" for key, count in counts.items()) or "none"


def mine_negatives(run: RunDir, settings: MineSettings, *, engine: Engine = LOCAL) -> MineResult:
    """Write triplets.parquet from chunks.parquet and questions.parquet.

    Raises MissingStage without them, InputError for a question over a chunk that is not there or an encoder that cannot be loaded,
    ContractMismatch for one that breaks its contract.
    """
    run.require("chunks.parquet", "questions.parquet")
    inputs = run.fingerprints(["chunks.parquet", "questions.parquet"])
    folder = Path(settings.encoder).expanduser()
    if settings.encoder != LSA and folder.is_dir():
        inputs["encoder"] = hash_tree(folder)
    step = Step(run, STEP, inputs, as_dict(settings))
    if done := step.done(MineResult):
        return done
    with run.locked():  # from before the work: a second command is told at once, not after minutes
        return _mine_and_write(run, settings, step, engine)


def _mine_and_write(run: RunDir, settings: MineSettings, step: Step, engine: Engine) -> MineResult:
    chunks = read_records(run.path("chunks.parquet"), Chunk)
    questions = read_records(run.path("questions.parquet"), Question)
    triplets, rejects, dropped, margin, name = mine(chunks, questions, settings, cache=run.path("cache/vectors"), engine=engine)
    result = MineResult(
        triplets=len(triplets),
        negatives=sum(len(triplet.negatives) for triplet in triplets),
        by_count={f"{count}": n for count, n in sorted(Counter(len(triplet.negatives) for triplet in triplets).items())},
        same_source=sum(negative.same_source for triplet in triplets for negative in triplet.negatives),
        dropped=dropped,
        rejected=dict(sorted(Counter(reject.reason for reject in rejects).items())),
        encoder=name,
        margin=margin,
        notes=(*_scale_note(len(chunks), settings), *_notes(settings, margin, triplets)),
    )
    write_records(run.path("triplets.parquet"), triplets, Triplet)
    run.write_rejects(STEP, rejects)
    counts = {"triplets": result.triplets, "negatives": result.negatives, "rejected": len(rejects)}
    return step.record(result, outputs=["triplets.parquet"], counts=counts)


def _scale_note(passages: int, settings: MineSettings) -> tuple[str, ...]:
    """That the search is not exact, where it is not."""
    if passages <= settings.flat_limit:
        return ()
    return (
        f"{passages} passages are more than flat_limit ({settings.flat_limit}): the dense search looked into compressed shards "
        f"({settings.probes} probes) and scored {settings.finalists} finalists a question exactly",
    )


def _notes(settings: MineSettings, margin: Margin, triplets: Sequence[Triplet]) -> tuple[str, ...]:
    notes: tuple[str, ...] = (LSA_NOTE,) if settings.encoder == LSA else ()
    if not settings.negatives:
        return (*notes, "Pairs only, as asked (--negatives 0): in training the other passages of a batch are the negatives.")
    if not margin.tuned and not settings.limit:
        notes += (
            f"{margin.answers} known answers could be made from this corpus, too few to tell false negatives by: the limit {margin.limit} "
            "is that of another corpus ([synth.mine] limit sets your own)",
        )
    if margin.floor == 0 and margin.random:
        notes += (
            "random passages reach the limit here (a small corpus, or one about a single thing), so none is left out as too easy",
        )
    bare = sum(not triplet.negatives for triplet in triplets)
    if bare:
        notes += (f"{bare} questions have no hard negative and are kept as pairs: the other passages of a batch serve them",)
    return notes


def mine(
    chunks: Sequence[Chunk],
    questions: Sequence[Question],
    settings: MineSettings,
    *,
    cache: Path | None = None,
    encoder: Encoder | None = None,
    engine: Engine = LOCAL,
) -> tuple[list[Triplet], list[Rejection], dict[str, int], Margin, str]:
    """Triplets in the questions' order, rejects, candidates dropped by reason, the margin, the encoder's name.

    ``encoder`` takes the place of the one that the settings name; ``cache`` keeps the vectors of that one, and no other call may write there.
    """
    number = {chunk.id: index for index, chunk in enumerate(chunks)}
    lost = next((question for question in questions if question.chunk_id not in number), None)
    if lost is not None:
        raise InputError(
            f"its chunk {lost.chunk_id} is not in chunks.parquet",
            where=f"question {lost.id}",
            cure="the chunks changed after the questions: run `synth write` (or `synth import`) again",
        )
    positives = np.array([number[question.chunk_id] for question in questions], dtype=np.int64)
    large = len(chunks) > settings.flat_limit
    kept = None if settings.encoder == LSA or large else cache  # a model's own cache is one file, rewritten whole
    encoder = encoder or make_encoder(settings.encoder, chunks, cache=kept, seed=settings.seed)
    with ExitStack() as stack:
        folder = cache or Path(stack.enter_context(TemporaryDirectory(prefix="triplette-")))
        for leftover in folder.glob(f"{SHARDS}*"):  # of a killed run: what writes to this one is locked out, so they are nobody's
            rmtree(leftover, ignore_errors=True)
        passages = vectors_on_disk(encoder, chunks, folder, _version(settings), engine=engine) if large else encoded(encoder, chunks)
        material = _material(chunks, questions, positives, encoder, passages)
        shards = Path(stack.enter_context(TemporaryDirectory(prefix=SHARDS, dir=folder))) if large else folder
        key = hash_value(
            [as_dict(settings), _version(settings), code_version("synth"), [c.id for c in chunks], [q.id for q in questions]]
        )[:16]
        kept_blocks = folder / f"{BLOCKS}{key}" if cache else None
        found = _mine(material, questions, settings, _index(passages, settings, shards), engine, kept_blocks)
        for finished in folder.glob(f"{BLOCKS}*"):  # this run's, and those of runs that were killed and never taken up again
            rmtree(finished, ignore_errors=True)
        return found


def _version(settings: MineSettings) -> str:
    """What tells two encoders of one name apart where their vectors are kept: a folder's content, the seed and the code that LSA is fitted with."""
    if settings.encoder == LSA:
        return f"{settings.seed}/{code_version('synth')}"
    folder = Path(settings.encoder).expanduser()
    return hash_tree(folder) if folder.is_dir() else ""


def _index(passages: Vectors, settings: MineSettings, folder: Path) -> DenseIndex | ShardedIndex:
    """The exact index, or above the limit that of compressed shards in ``folder``."""
    if len(passages) <= settings.flat_limit:
        return DenseIndex(passages, kind="flat")
    return ShardedIndex(
        passages,
        folder,
        probes=settings.probes,
        finalists=settings.finalists,
        shard=settings.shard,
        code_bytes=settings.code_bytes,
        seed=settings.seed,
    )


def _mine(
    material: Material,
    questions: Sequence[Question],
    settings: MineSettings,
    dense: DenseIndex | ShardedIndex,
    engine: Engine,
    kept: Path | None,
) -> tuple[list[Triplet], list[Rejection], dict[str, int], Margin, str]:
    """As ``mine``, once everything is encoded and indexed."""
    chunks, positives = material.chunks, material.positives
    candidates = find_in_blocks(
        engine,
        material.bm25,
        dense,
        material.asked_tokens,
        material.asked,
        positives,
        count=min(settings.candidates, max(len(chunks), 1)),
        rrf_k=settings.rrf_k,
        kept=kept,
    )
    alike = look_alikes(chunks, settings.containment)
    same = other_positives(questions, positives.tolist(), chunks)
    barred = bar(candidates.ids, positives, alike, same)
    likeness = Likeness(material, candidates.positive_bm25, candidates.positive_dense)
    margin = tune(
        material,
        open_candidates(candidates, barred),
        likeness,
        alike,
        missed=settings.missed_answers,
        sample=settings.sample if settings.negatives else 0,  # pairs need no limit, and its sample costs encoding
        seed=settings.seed,
    )
    if settings.limit:
        floor = open_floor(margin.floor, settings.limit)
        margin = Margin(settings.limit, floor, False, margin.answers, margin.known, margin.random)
    judged = judge(candidates, barred, likeness, margin, settings.positive_share)
    triplets, rejects = make_triplets(chunks, questions, judged, alike, margin, settings, material.encoder.name)
    return triplets, rejects, judged.counts(), margin, material.encoder.name


def _material(chunks: Sequence[Chunk], questions: Sequence[Question], positives: Ints, encoder: Encoder, passages: Vectors) -> Material:
    spoken = [language(chunks[positive].language) for positive in positives.tolist()]  # a question speaks its passage's language
    return Material(
        chunks=chunks,
        passages=passages,
        asked_tokens=[speech.tokens(question.text) for speech, question in zip(spoken, questions, strict=True)],
        asked=encoder.encode_queries([question.text for question in questions]),
        positives=positives,
        bm25=lexical_ranker(passage_tokens(chunk.language, chunk.title, chunk.text) for chunk in chunks),
        encoder=encoder,
    )
