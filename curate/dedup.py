"""``curate dedup``: one question once. Exact after normalisation, then MinHash-LSH with the true Jaccard checked.

The rule. Questions that are the same (or near-duplicates) over one passage, or over passages that say the same: the best-judged
survives, the others are rejected as duplicates. The same question over different passages: if they are at most
``max_positives``, the survivor gets the others as further positives (each is what somebody wrote it over); else it fits
too many passages and the whole cluster is rejected as ambiguous.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triplette.french import fold, normalise, tokens, words
from triplette.hashing import hash_value
from triplette.records import Triplet, Verdict
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.dedup import DedupSettings
from triplette.tables import read_records, write_records

NAME = "dedup-1"
OUTPUT = "verdicts/dedup.parquet"


@dataclass(frozen=True, slots=True)
class DedupResult:
    """Counts: triplets looked at, clusters of two or more, decisions, the largest clusters (question, rows, decision)."""

    triplets: int
    clusters: int
    decisions: dict[str, int]
    largest: list[list[object]]
    seconds: float
    unchanged: bool = False


def dedup(run: RunDir, settings: DedupSettings) -> DedupResult:
    """Write verdicts/dedup.parquet over the triplets that the judge kept."""
    started = time.perf_counter()
    run.require("triplets.parquet", "verdicts/judge.parquet")
    inputs = run.fingerprints(["triplets.parquet", "verdicts/judge.parquet"])
    previous = run.current("curate.dedup", inputs, as_dict(settings))
    if previous:
        return DedupResult(**{**previous["result"], "seconds": time.perf_counter() - started, "unchanged": True})
    judged = {v.subject_id: v for v in read_records(run.path("verdicts/judge.parquet"), Verdict)}
    triplets = [t for t in read_records(run.path("triplets.parquet"), Triplet) if t.id in judged and judged[t.id].decision == "keep"]
    scores = {t.id: judged[t.id].score for t in triplets}
    groups = cluster([t.question for t in triplets], settings)
    verdicts: list[Verdict] = []
    sizes: list[list[object]] = []
    for members in groups:
        found = _judge_group([triplets[i] for i in members], scores, settings)
        verdicts += found
        if len(members) > 1:
            sizes.append([triplets[members[0]].question, len(members), found[0].reason.split(" of ")[0]])
    sizes.sort(key=lambda row: (-int(str(row[1])), str(row[0])))
    verdicts.sort(key=lambda v: (v.subject_id, v.chunk_id, v.decision))
    result = DedupResult(
        triplets=len(triplets),
        clusters=len(sizes),
        decisions=dict(sorted(Counter(v.decision for v in verdicts).items())),
        largest=sizes[:10],
        seconds=time.perf_counter() - started,
    )
    with run.locked():
        write_records(run.path(OUTPUT), verdicts, Verdict)
        kept = {key: getattr(result, key) for key in DedupResult.__slots__ if key not in ("seconds", "unchanged")}
        run.record(
            "curate.dedup",
            inputs=inputs,
            outputs=[OUTPUT],
            settings=as_dict(settings),
            counts=result.decisions,
            seconds=result.seconds,
            extra={"result": kept},
        )
    return result


def cluster(questions: Sequence[str], settings: DedupSettings) -> list[list[int]]:
    """Positions of the questions in clusters of equal or near-duplicate ones, each in order, by first member.

    Word sets are hashed (MinHash, Broder 1997; LSH by datasketch); a pair that LSH proposes counts only when its true Jaccard
    similarity reaches the setting, and the numbers in the two are the same ("2 minutes" is not "3 minutes").
    """
    from datasketch import MinHash, MinHashLSH
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    sets = [frozenset(tokens(question)) or frozenset(words(question)) for question in questions]
    lsh = MinHashLSH(threshold=settings.jaccard, num_perm=settings.permutations)
    hashes = MinHash.bulk([[t.encode() for t in sorted(found)] for found in sets], num_perm=settings.permutations, seed=1)
    exact: dict[str, int] = {}
    left: list[int] = []
    right: list[int] = []
    for position, (question, found, minhash) in enumerate(zip(questions, sets, hashes, strict=True)):
        twin = exact.setdefault(_plain(question), position)
        if twin != position:
            left.append(twin)
            right.append(position)
            continue
        for other in lsh.query(minhash):
            union = len(found | sets[other])
            if union and len(found & sets[other]) / union >= settings.jaccard and _numbers(found) == _numbers(sets[other]):
                left.append(other)
                right.append(position)
        lsh.insert(position, minhash)
    size = len(questions)
    edges = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    _, labels = connected_components(edges, directed=False)
    groups: dict[int, list[int]] = defaultdict(list)
    for position, label in enumerate(labels):
        groups[int(label)].append(position)
    return sorted(groups.values())


def _plain(question: str) -> str:
    return " ".join(fold(word) for word in words(normalise(question)))


def _numbers(found: frozenset[str]) -> frozenset[str]:
    return frozenset(token for token in found if token[0].isdigit())


def _judge_group(members: list[Triplet], scores: dict[str, float], settings: DedupSettings) -> list[Verdict]:
    ordered = sorted(members, key=lambda t: (-scores[t.id], t.id))
    best = ordered[0]
    group = "g" + hash_value(sorted(t.id for t in members))[:16] if len(members) > 1 else ""
    passages = list(dict.fromkeys(t.positive_id for t in ordered))
    if len(passages) > settings.max_positives:
        reason = f"ambiguous: written over {len(passages)} passages"
        return [_verdict(t, "reject", reason, group, scores[t.id]) for t in ordered]
    found = [_verdict(best, "keep", "the best-judged of its cluster" if group else "unique", group, scores[best.id])]
    found += [_verdict(t, "reject", f"duplicate of {best.id}", group, scores[t.id]) for t in ordered[1:]]
    for passage in passages[1:]:
        found.append(
            Verdict.make(
                subject_id=f"{best.id}/{passage}",
                subject_kind="negative",
                judge="rules",
                judge_name=NAME,
                scores=(),
                score=1.0,
                decision="positive",
                reason="the same question was written over this passage",
                evidence="",
                chunk_id=passage,
                group=group,
            )
        )
    return found


def _verdict(triplet: Triplet, decision: str, reason: str, group: str, score: float) -> Verdict:
    return Verdict.make(
        subject_id=triplet.id,
        subject_kind="triplet",
        judge="rules",
        judge_name=NAME,
        scores=(),
        score=score,
        decision=decision,
        reason=reason,
        evidence="",
        chunk_id=triplet.positive_id,
        group=group,
    )
