"""A teacher scores each question's candidates: without a key BM25 and the untrained base, fused as production fuses them.

The fused ranking is better than either ranker, so the base can learn from it where it errs: not that the marked passage is right and all
others wrong, but how near each comes (listwise distillation; CADET, arXiv 2505.19274, found that it lifts small embedders which plain
InfoNCE on synthetic questions lowers). It costs one pass of the base over the corpus and the questions, a few percent of a fit.

A reader of question and passage together (``readers``: a cross-encoder, or the judge that curated) may stand over it and has the last word on
what it has read.

BM25's part can also stay in the score that is trained (CLEAR, Gao et al. 2021): production fuses, so the encoder need not learn again what
words tell already.

The same ranking is a consistency filter (Dai et al. 2022, Promptagator): a question that its own passage is not among the first to
answer was written badly, or is answered elsewhere too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from triplette.arrays import Floats, Ints, Vectors
from triplette.contract import Fusion
from triplette.dataset import Dataset
from triplette.errors import SettingError
from triplette.look_alikes import look_alikes
from triplette.ranking.fusion import Hybrid, unit_range
from triplette.ranking.lexical import LexicalRanker
from triplette.ranking.topk import top_columns
from triplette.settings.mine import MineSettings
from triplette.settings.train import Preset
from triplette.train.data import Passages
from triplette.train.known import Taught
from triplette.train.production import asked_in, hybrid_of
from triplette.train.readers import Reader, Readings

BLOCK = 512  # questions whose cosines with the whole corpus are held at once


@dataclass(frozen=True, slots=True)
class FusedTeacher:
    """BM25 and the untrained base over the corpus, asked for the rows of a batch: ``tokens`` and ``queries`` (rows, d) are train's.

    What ``read`` holds stands over their scores.
    """

    hybrid: Hybrid
    tokens: Sequence[Sequence[str]]
    queries: Vectors
    read: Readings | None = None

    def scores(self, rows: Ints, passages: Ints) -> Vectors:
        """Scores in 0..1 of ``passages`` (p,) for each of ``rows`` (r,): float32 (r, p), the fused ones normalised over the whole corpus."""
        asked, said = [self.tokens[row] for row in rows.tolist()], []
        for start, block in self.hybrid.scores(asked, self.queries[rows]):
            over = block if self.read is None else self.read.over(rows[start : start + len(block)].tolist(), block)
            said.append(over[:, passages])
        return np.concatenate(said).astype(np.float32)

    def at(self, rows: Sequence[int]) -> FusedTeacher:
        """The teacher of these rows alone, numbered from 0 in the order given."""
        read = self.read.at(rows) if self.read else None
        return FusedTeacher(self.hybrid, [self.tokens[row] for row in rows], self.queries[list(rows)], read)


@dataclass(frozen=True, slots=True)
class LexicalPart:
    """What BM25 adds to a cosine so that the sum ranks as the fused score does: ``weight`` x its scores in 0..1 over the corpus."""

    ranker: LexicalRanker
    tokens: Sequence[Sequence[str]]
    weight: float

    def scores(self, rows: Ints, passages: Ints) -> Vectors:
        """``passages`` (p,) for each of ``rows`` (r,): float32 (r, p) in 0..``weight``."""
        asked = [self.tokens[row] for row in rows.tolist()]
        found = [unit_range(block)[:, passages] for _, block in self.ranker.scores(asked, dtype=np.float64)]
        return (self.weight * np.concatenate(found)).astype(np.float32)

    def at(self, rows: Sequence[int]) -> LexicalPart:
        """The part of these rows alone, numbered from 0 in the order given."""
        return LexicalPart(self.ranker, [self.tokens[row] for row in rows], self.weight)


def lexical_part(hybrid: Hybrid, tokens: Sequence[Sequence[str]], queries: Vectors, share: float) -> LexicalPart:
    """BM25's part at ``share`` of the fused score, 0 <= share < 1, on the scale of the encoder's cosines.

    Fusing brings a question's cosines to 0..1 between their least and greatest; training keeps them as they are, so BM25's scores are
    stretched instead: by the width that the untrained base's cosines of a question have on the mean.
    """
    blocks = (queries[start : start + BLOCK] @ hybrid.passages.T for start in range(0, len(queries), BLOCK))
    width = float(np.concatenate([np.ptp(block, axis=1) for block in blocks]).mean())
    return LexicalPart(hybrid.bm25, tokens, share / (1 - share) * width)


def teach(dataset: Dataset, queries: Vectors, passages: Vectors, preset: Preset, reader: Reader | None = None) -> Taught:
    """Candidates and scores of train's rows from the base's vectors of their questions (rows, d) and of the corpus (n, d), in order.

    A row's candidates are the ``soft_candidates`` passages with the highest fused score that do not answer it; those that look like an
    answer only where the others are too few. Without soft labels there are none, and the rows are only filtered. ``reader`` is given
    the numbers of the passages that each row is about, its answers and then the best others, and what it says stands over the fused score.
    Raises SettingError where the corpus has too few passages for that.
    """
    require_candidates(dataset, preset)
    rows, chunks = dataset.split("train"), list(dataset.corpus.values())
    width = preset.soft_candidates if preset.soft_labels and not preset.grouped else 0
    ids = tuple(dataset.corpus)
    place = {chunk_id: number for number, chunk_id in enumerate(ids)}
    answers = [[place[chunk_id] for chunk_id in row.positive_ids] for row in rows]
    hybrid = hybrid_of(Passages.of(chunks), passages, replace(Fusion(), neighbours=0.0))
    asked = asked_in([dataset.corpus[row.positive_ids[0]].language for row in rows], [row.question for row in rows])
    alike = look_alikes(chunks, MineSettings().containment) if reader or width else []
    read, opened = None, []
    if reader:
        for start, block in hybrid.scores(asked, queries):
            opened += [_open(fused, answers[row], alike, preset.soft_candidates) for row, fused in enumerate(block, start)]
        read = reader([[*own, *numbers] for own, numbers in zip(answers, opened, strict=True)])
    candidates, scores, positives, kept = [], [], [], []
    for start, block in hybrid.scores(asked, queries):
        numbered = range(start, start + len(block))
        for row, said in zip(numbered, block if read is None else read.over(numbered, block), strict=True):
            own, others = answers[row], []
            if width:
                others = _open(said, own, alike, width) if read is None else read.first(row, own, opened[row])[:width]
            candidates.append(tuple(ids[number] for number in others))
            scores.append(tuple(float(said[number]) for number in others))
            positives.append({ids[number]: float(said[number]) for number in own})
            before = int(np.count_nonzero(said > max(said[number] for number in own)))
            kept.append(not preset.consistent or before < preset.consistent)
    by_batch = FusedTeacher(hybrid, asked, queries, read) if preset.soft_labels and preset.grouped else None
    part = lexical_part(hybrid, asked, queries, preset.residual) if preset.residual else None
    return Taught(width, tuple(candidates), tuple(scores), tuple(positives), tuple(kept), by_batch, part, read.heard if read else 0)


def require_candidates(dataset: Dataset, preset: Preset) -> None:
    """Raise SettingError where a row of train has fewer passages that do not answer it than a teacher is to score. Nothing is embedded for it."""
    if not preset.soft_labels or preset.grouped:
        return
    room = len(dataset.corpus) - max((len(set(row.positive_ids)) for row in dataset.split("train")), default=0)
    if room < preset.soft_candidates:
        cure = (
            f"soft_candidates = {room} in the preset's section of triplette.toml" if room else "soft_labels = 0: there is one passage"
        )
        raise SettingError(f"{room} passages could be candidates of a question", where="soft_candidates", cure=cure)


def _open(fused: Floats, answers: Sequence[int], alike: Sequence[Collection[int]], count: int) -> list[int]:
    """The ``count`` best of a question's passages (n,) that do not answer it, those that look like an answer after all others."""
    same = {other for number in answers for other in alike[number]}
    best = top_columns(fused[None], min(len(fused), count + len(answers) + len(same)))[0][0].tolist()
    others = [number for number in best if number not in answers]
    return sorted(others, key=lambda number: number in same)[:count]  # stable: by score in each part
