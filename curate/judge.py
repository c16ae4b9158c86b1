"""``curate judge``: a verdict for every triplet and every negative. Verdicts are new records; triplets are never edited."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from curate.negatives import judge_negatives
from curate.rules import NAME, decide, judge_by_rules
from curate.signals import Corpus, read_signals
from triplette.console import progress
from triplette.records import Chunk, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.judge import JudgeSettings
from triplette.tables import read_records, write_records

OUTPUTS = ("verdicts/judge.parquet", "verdicts/negatives.parquet")


@dataclass(frozen=True, slots=True)
class JudgeResult:
    """Counts: triplets judged, by decision, rejects by criterion, negatives by decision."""

    triplets: int
    decisions: dict[str, int]
    reasons: dict[str, int]
    negatives: dict[str, int]
    seconds: float
    unchanged: bool = False


def judge(run: RunDir, settings: JudgeSettings) -> JudgeResult:
    """Write verdicts/judge.parquet and verdicts/negatives.parquet. Raises MissingStage before mining."""
    started = time.perf_counter()
    run.require("chunks.parquet", "triplets.parquet")
    inputs = run.fingerprints(["chunks.parquet", "triplets.parquet"])
    previous = run.current("curate.judge", inputs, as_dict(settings))
    if previous:
        return JudgeResult(**{**previous["result"], "seconds": time.perf_counter() - started, "unchanged": True})
    chunks = {chunk.id: chunk for chunk in read_records(run.path("chunks.parquet"), Chunk)}
    triplets = read_records(run.path("triplets.parquet"), Triplet)
    verdicts, negatives = _by_rules(triplets, chunks, settings)
    result = JudgeResult(
        triplets=len(triplets),
        decisions=dict(sorted(Counter(v.decision for v in verdicts).items())),
        reasons=dict(sorted(Counter(v.reason.split(":")[0] for v in verdicts if v.decision != "keep").items())),
        negatives=dict(sorted(Counter(v.decision for v in negatives).items())),
        seconds=time.perf_counter() - started,
    )
    with run.locked():
        write_records(run.path(OUTPUTS[0]), verdicts, Verdict)
        write_records(run.path(OUTPUTS[1]), negatives, Verdict)
        kept = {key: getattr(result, key) for key in JudgeResult.__slots__ if key not in ("seconds", "unchanged")}
        run.record(
            "curate.judge",
            inputs=inputs,
            outputs=OUTPUTS,
            settings=as_dict(settings),
            counts=result.decisions,
            seconds=result.seconds,
            extra={"result": kept},
        )
    return result


def _by_rules(triplets: list[Triplet], chunks: dict[str, Chunk], settings: JudgeSettings) -> tuple[list[Verdict], list[Verdict]]:
    corpus = Corpus(list(chunks.values()))
    shingled: dict[str, frozenset[str]] = {}
    verdicts: list[Verdict] = []
    negatives: list[Verdict] = []
    with progress("judging", len(triplets)) as bar:
        for triplet in triplets:
            scores = judge_by_rules(read_signals(triplet, chunks, corpus))
            decision, reason, score = decide(scores, settings)
            verdicts.append(
                Verdict.make(
                    subject_id=triplet.id,
                    subject_kind="triplet",
                    judge="rules",
                    judge_name=NAME,
                    scores=scores,
                    score=score,
                    decision=decision,
                    reason=reason,
                    evidence="",
                    chunk_id=triplet.positive_id,
                )
            )
            negatives += judge_negatives(triplet, chunks, shingled)
            bar.advance()
    return verdicts, negatives
