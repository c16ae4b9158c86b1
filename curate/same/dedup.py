"""``curate dedup``: one question once. What is compared, what makes a cluster, and what becomes of it.

Compared are the triplets that nothing else rejected (``Decision.comparable``). Pairs that ask the same (``curate.samequestion``) make
clusters; over different passages only a pair that agrees in every subject word does.

The rule. Passages that say the same count as one. A cluster over one passage: the best-judged row survives, the others are its
duplicates. Over several passages, at most ``max_positives``: the survivor gets the others' passages as further positives, because each was
judged to answer. Over more: the question fits too many passages to have an answer, and the whole cluster is rejected as ambiguous.
A row that a person kept survives before others, and is never rejected as ambiguous.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from triplette.curate.decisions import HUMAN, KEEP, POSITIVE, QUARANTINE, REWRITES, Decision, read_decisions
from triplette.curate.same.question import EXACT, VECTORS, Pair, ask_the_same, exact_pairs, read_question, vector_pairs, word_pairs
from triplette.domain import Domain, domain_of
from triplette.hashing import hash_value
from triplette.languages import language
from triplette.profile import FILE as PROFILE
from triplette.profile import run_profile
from triplette.records import Chunk, Score, Verdict
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.dedup import DedupSettings
from triplette.step import Step
from triplette.tables import write_records

if TYPE_CHECKING:
    from triplette.arrays import Vectors

NAME = "dedup-3"
STAGE = "curate.dedup"
OUTPUT = "verdicts/dedup.parquet"
NEEDED = ("chunks.parquet", "questions.parquet", "triplets.parquet", "verdicts/judge.parquet", "verdicts/negatives.parquet")
OPTIONAL = (HUMAN, REWRITES, QUARANTINE, PROFILE)
NONE = "none"
RANK = 192  # dimensions of the LSA over questions: as many pairs as with 384, in a third of the time
DUPLICATES, MERGED, AMBIGUOUS = "duplicates", "several positives", "ambiguous"
KEPT_CLUSTERS = 200  # of the largest that the ledger keeps


@dataclass(frozen=True, slots=True)
class DedupResult:
    """Counts: triplets compared, clusters of two or more by outcome, decisions, pairs by the finder that saw them first.

    ``largest``: [question, rows, passages, outcome, group] of the largest clusters.
    """

    triplets: int
    clusters: dict[str, int]
    decisions: dict[str, int]
    pairs: dict[str, int]
    largest: list[list[Any]]
    seconds: float = 0.0
    unchanged: bool = False

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain values."""
        return asdict(self)

    def rows(self) -> list[tuple[str, Any]]:
        """The counts for a table."""
        names = {"keep": "questions that stay", "positive": "passages added as further positives", "reject": "rows that fell out"}
        rows: list[tuple[str, Any]] = [("triplets compared", self.triplets)]
        rows += [(names.get(decision, decision), count) for decision, count in self.decisions.items()]
        rows += [("clusters", sum(self.clusters.values()))]
        rows += [(f"  {outcome}", count) for outcome, count in self.clusters.items()]
        return rows + [(f"pairs: {how}", count) for how, count in self.pairs.items()]

    def cluster_rows(self, count: int) -> list[list[Any]]:
        """The largest clusters for a table."""
        return [row[:4] for row in self.largest[:count]]


def dedup(run: RunDir, settings: DedupSettings) -> DedupResult:
    """Write verdicts/dedup.parquet. Raises MissingStage before ``curate judge``."""
    run.require(*NEEDED)
    step = Step(run, STAGE, run.fingerprints([*NEEDED, *OPTIONAL]), as_dict(settings))
    if done := step.done(DedupResult):
        return done
    decisions = read_decisions(run)
    rows = [row for row in decisions.rows if row.comparable]
    pairs = same_questions(
        rows, decisions.chunks, settings, _vectors(run, rows, decisions.chunks, settings), domain_of(run_profile(run))
    )
    verdicts: list[Verdict] = []
    clusters: list[list[Any]] = []
    for members, inside in _clusters(len(rows), pairs):
        found, outcome, passages = _judge_cluster([rows[i] for i in members], rows, inside, decisions.chunks, settings)
        verdicts += found
        if len(members) > 1:
            names = {rows[i].triplet.id: rows[i].question.text for i in members}
            clusters.append([names[found[0].subject_id], len(members), passages, outcome, found[0].group])
    clusters.sort(key=lambda row: (-row[1], row[0]))
    verdicts.sort(key=lambda v: (v.subject_id, v.chunk_id, v.decision))
    result = DedupResult(
        triplets=len(rows),
        clusters=dict(sorted(Counter(row[3] for row in clusters).items())),
        decisions=dict(sorted(Counter(v.decision for v in verdicts).items())),
        pairs=dict(sorted(Counter(pair.how for pair in pairs).items())),
        largest=clusters[:KEPT_CLUSTERS],
    )
    with run.locked():
        write_records(run.path(OUTPUT), verdicts, Verdict)
        return step.record(result, outputs=[OUTPUT], counts=result.decisions)


def same_questions(
    rows: Sequence[Decision], chunks: Mapping[str, Chunk], settings: DedupSettings, vectors: Vectors | None, domain: Domain
) -> list[Pair]:
    """The pairs of rows that ask the same, each once, with the finder that saw it first; left < right, in order."""
    texts = [row.question.text for row in rows]
    codes = [chunks[row.triplet.positive_id].language for row in rows]
    asked = [read_question(text, language(code), domain.must_agree(code)) for text, code in zip(texts, codes, strict=True)]
    passages = _Passages(chunks, settings.same_passage)
    found: dict[tuple[int, int], Pair] = {}
    near = vector_pairs(vectors, settings) if vectors is not None else ()
    proposed = (*exact_pairs(texts), *word_pairs(texts, codes, settings), *near)
    for pair in proposed:
        if (pair.left, pair.right) in found:
            continue
        one, other = asked[pair.left], asked[pair.right]
        same = passages.alike(rows[pair.left].triplet.positive_id, rows[pair.right].triplet.positive_id)
        floor = settings.cosine_same_passage if same else settings.cosine
        if pair.how == EXACT or ((pair.how != VECTORS or pair.similarity >= floor) and ask_the_same(one, other, same_passage=same)):
            found[pair.left, pair.right] = pair
    return [found[key] for key in sorted(found)]


class _Passages:
    """Which passages say the same, by shared shingles; remembered."""

    def __init__(self, chunks: Mapping[str, Chunk], share: float) -> None:
        self._chunks, self._share = chunks, share
        self._shingles: dict[str, frozenset[str]] = {}

    def alike(self, one: str, other: str) -> bool:
        """Whether two passages are one passage, or say the same."""
        if one == other:
            return True
        first, second = self._of(one), self._of(other)
        return len(first & second) >= self._share * max(min(len(first), len(second)), 1)

    def groups(self, chunk_ids: Sequence[str]) -> list[list[str]]:
        """Distinct passages in order, those that say the same together."""
        found: list[list[str]] = []
        for chunk_id in dict.fromkeys(chunk_ids):
            group = next((group for group in found if self.alike(group[0], chunk_id)), None)
            if group is None:
                found.append([chunk_id])
            else:
                group.append(chunk_id)
        return found

    def _of(self, chunk_id: str) -> frozenset[str]:
        if chunk_id not in self._shingles:
            self._shingles[chunk_id] = language(self._chunks[chunk_id].language).shingles(self._chunks[chunk_id].text)
        return self._shingles[chunk_id]


def _vectors(run: RunDir, rows: Sequence[Decision], chunks: Mapping[str, Chunk], settings: DedupSettings) -> Vectors | None:
    """Unit vectors of the questions (n, d), or None without an encoder."""
    questions = [row.question.text for row in rows]
    if settings.encoder == NONE or len(questions) < 2:
        return None
    if settings.encoder == "lsa":
        from triplette.ranking.lsa import LsaEncoder

        codes = {chunks[row.triplet.positive_id].language for row in rows}
        encoder: Any = LsaEncoder(questions, [""] * len(questions), codes, rank=RANK, seed=settings.seed)
    else:
        from triplette.ranking.encoders import make_encoder

        encoder = make_encoder(settings.encoder, [], cache=run.path("vectors"))
    vectors: Vectors = encoder.encode_queries(questions)
    return vectors


def _clusters(size: int, pairs: Sequence[Pair]) -> list[tuple[list[int], list[Pair]]]:
    """Connected components: (members in order, pairs inside), by first member."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not size:
        return []
    left, right = [pair.left for pair in pairs], [pair.right for pair in pairs]
    edges = coo_array((np.ones(len(pairs), dtype=np.int8), (left, right)), shape=(size, size))
    _, labels = connected_components(edges, directed=False)
    members: dict[int, list[int]] = defaultdict(list)
    inside: dict[int, list[Pair]] = defaultdict(list)
    for place, label in enumerate(labels.tolist()):
        members[label].append(place)
    for pair in pairs:
        inside[int(labels[pair.left])].append(pair)
    return sorted(((places, inside[label]) for label, places in members.items()), key=lambda item: item[0])


def _judge_cluster(
    members: Sequence[Decision], rows: Sequence[Decision], pairs: Sequence[Pair], chunks: Mapping[str, Chunk], settings: DedupSettings
) -> tuple[list[Verdict], str, int]:
    """(verdicts, outcome, distinct passages) of one cluster, by the rule in this module's docstring."""
    ordered = sorted(members, key=lambda row: (row.human != KEEP, -row.score, -len(row.negatives), row.triplet.id))
    best = ordered[0]
    if len(ordered) == 1:
        return [_verdict(best, KEEP, "unique", "", ())], "", 1
    group = "g" + hash_value(sorted(row.triplet.id for row in members))[:16]
    passages = _Passages(chunks, settings.same_passage).groups([row.triplet.positive_id for row in ordered])
    kept_by_people = [row for row in ordered if row.human == KEEP]
    likeness = _likeness(rows, pairs)
    if len(passages) > settings.max_positives and not kept_by_people:
        reason = f"ambiguous: asked over {len(passages)} passages"
        return [_verdict(row, "reject", reason, group, likeness.get(row.triplet.id, ())) for row in ordered], AMBIGUOUS, len(passages)
    found = [_verdict(best, KEEP, "the best-judged of its cluster", group, ())]
    for row in ordered[1:]:
        how = likeness.get(row.triplet.id, ())
        found.append(
            _verdict(row, "reject", f"duplicate of {best.triplet.id}: {how[0].reason if how else 'by way of others'}", group, how)
        )
    further = [chunk_id for row in ordered[1:] if (chunk_id := row.triplet.positive_id) != best.triplet.positive_id]
    for chunk_id in dict.fromkeys(further):
        reason = "the same question was written over this passage and judged to be answered by it"
        found.append(_verdict(best, POSITIVE, reason, group, (), chunk_id=chunk_id))
    return found, DUPLICATES if len(passages) == 1 else MERGED, len(passages)


def _likeness(rows: Sequence[Decision], pairs: Sequence[Pair]) -> dict[str, tuple[Score, ...]]:
    """The closest pair of each row, as a score that explains the cluster."""
    best: dict[str, Pair] = {}
    for pair in pairs:
        for place in (pair.left, pair.right):
            name = rows[place].triplet.id
            if name not in best or pair.similarity > best[name].similarity:
                best[name] = pair
    return {name: (Score("similarity", round(pair.similarity, 4), pair.how),) for name, pair in best.items()}


def _verdict(row: Decision, decision: str, reason: str, group: str, scores: tuple[Score, ...], *, chunk_id: str = "") -> Verdict:
    further = decision == POSITIVE
    return Verdict.make(
        subject_id=f"{row.triplet.id}/{chunk_id}" if further else row.triplet.id,
        subject_kind="negative" if further else "triplet",
        judge="rules",
        judge_name=NAME,
        scores=scores,
        score=1.0 if further else row.score,
        decision=decision,
        reason=reason,
        evidence="",
        chunk_id=chunk_id or row.triplet.positive_id,
        group=group,
    )
