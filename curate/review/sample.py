"""The quota's sample: for each kind what the gate requires, spread over documents and judge scores.

Rows that people have already kept or rejected are taken first, and within a stratum a row's place is a lot drawn from its id:
when the dataset changes a little, the sample changes as little, and reviewers do not start again.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from triplette.curate.decisions import UNSURE, Decision, Decisions
from triplette.curate.quota import quota_of, reviewed_triplets
from triplette.curate.review.draw import draw
from triplette.dataset import GOLD, DatasetRow
from triplette.records import Verdict
from triplette.rundir import RunDir
from triplette.tables import read_columns

BANDS = (0.6, 0.75, 0.9)  # judge scores are cut here into four strata


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row of the quota's population: its kind, its stratum within the kind, and whether people have decided it."""

    triplet_id: str
    kind: str
    stratum: tuple[str, int]
    reviewed: bool


def quota_sample(run: RunDir, decisions: Decisions, *, quota: float, surplus: float, seed: int) -> list[str]:
    """Triplet ids that fill the gate's quota, in the order of the lot.

    ``surplus`` is a share on top, for rows that people will discard or be unsure about. The population is the built dataset's
    synthetic training rows, before the first build every accepted triplet. Rows on which people are unsure fill nothing.
    """
    population = _population(run, decisions)
    reviewed = reviewed_triplets(decisions.human)
    required = quota_of({row.triplet.id: row.question.kind for row in population}, reviewed, quota)
    by_kind: dict[str, list[Candidate]] = defaultdict(list)
    for row in population:
        if row.human != UNSURE:
            stratum = (decisions.chunks[row.triplet.positive_id].source, sum(row.score >= band for band in BANDS))
            by_kind[row.question.kind].append(Candidate(row.triplet.id, row.question.kind, stratum, row.triplet.id in reviewed))
    chosen: list[str] = []
    for kind, stratum_of_kind in required.strata.items():
        wanted = stratum_of_kind.required
        chosen += spread(by_kind[kind], math.ceil(wanted * (1 + surplus) - 1e-9), seed)
    return sorted(chosen, key=lambda triplet_id: draw(triplet_id, seed))


def _population(run: RunDir, decisions: Decisions) -> list[Decision]:
    if not run.has("dataset/rows.parquet"):
        return [row for row in decisions.rows if row.accepted]
    table = read_columns(run.path("dataset/rows.parquet"), DatasetRow, ["split", "origin", "triplet_id"]).to_pydict()
    rows = zip(table["split"], table["origin"], table["triplet_id"], strict=True)
    train = {triplet_id for split, origin, triplet_id in rows if split == "train" and origin != GOLD}
    # what people rejected is no longer in the dataset, and counts as looked at
    return [row for row in decisions.rows if row.triplet.id in train or row.human == "reject"]


def spread(candidates: Sequence[Candidate], count: int, seed: int) -> list[str]:
    """``count`` of the candidates (all, if there are fewer), shared among strata in proportion to their size."""
    strata: dict[tuple[str, int], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        strata[candidate.stratum].append(candidate)
    count = min(count, len(candidates))
    if count == 0:
        return []
    shares = _largest_remainders({stratum: len(members) for stratum, members in strata.items()}, count)
    chosen: list[str] = []
    for stratum, members in strata.items():
        members.sort(key=lambda one: (not one.reviewed, draw(one.triplet_id, seed)))
        chosen += [one.triplet_id for one in members[: shares[stratum]]]
    return chosen


def _largest_remainders(sizes: Mapping[tuple[str, int], int], count: int) -> Counter[tuple[str, int]]:
    """``count`` seats in proportion to ``sizes`` (Hamilton's method); ties go to the larger stratum, then by name."""
    total = sum(sizes.values())
    exact = {stratum: count * size / total for stratum, size in sizes.items()}
    seats = Counter({stratum: math.floor(share) for stratum, share in exact.items()})
    by_remainder = sorted(exact, key=lambda stratum: (seats[stratum] - exact[stratum], -sizes[stratum], stratum))
    for stratum in by_remainder[: count - sum(seats.values())]:
        seats[stratum] += 1
    return seats


def by_subject(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Verdicts on triplets by triplet id."""
    found: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.subject_kind == "triplet":
            found[verdict.subject_id].append(verdict)
    return dict(found)
