"""Every triplet and every negative by the rules, in blocks of triplets on an engine.

A triplet's verdict needs its own chunks and, of the whole corpus, which passages hold which words. Those are counted first; then each block
takes the counts, its triplets and the chunks that they name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from triplette.console import progress
from triplette.curate.judge.case import Case
from triplette.curate.judge.llm import quarantine
from triplette.curate.judge.negatives import NegativeJudge, negative_verdict
from triplette.curate.judge.passages import Corpus
from triplette.curate.judge.rules import NAME, decide, judge_by_rules
from triplette.curate.judge.signals import read_signals
from triplette.domain import Domain
from triplette.engine import Engine
from triplette.kept import KeptBlocks, Tables
from triplette.records import Chunk, Triplet, Verdict
from triplette.settings.judge import JudgeSettings

TRIPLET_BLOCK = 1024  # triplets that are judged at once: half a second, two where their passages must be read again


def by_rules(case: Case, engine: Engine, kept: KeptBlocks) -> tuple[list[Verdict], list[Verdict]]:
    """The rules' verdicts on triplets and on negatives. A triplet whose positive is not in the corpus is quarantined."""
    corpus = Corpus(case.chunks.values(), Domain(case.profile), engine)
    starts = range(0, len(case.triplets), TRIPLET_BLOCK)
    parts = [case.triplets[start : start + TRIPLET_BLOCK] for start in starts]
    blocks = [(part, _named(part, case.chunks)) for part in parts]
    verdicts: list[Verdict] = []
    negatives: list[Verdict] = []
    with progress("judging by rules", len(case.triplets)) as bar:
        found = kept.run(engine, judge_block, blocks, Tables((Verdict, Verdict)), shared=(corpus, case.settings))
        for part, (of_triplets, of_negatives) in zip(parts, found, strict=True):
            verdicts += of_triplets
            negatives += of_negatives
            bar.advance(len(part))
    return verdicts, negatives


def judge_block(
    corpus: Corpus, settings: JudgeSettings, triplets: Sequence[Triplet], chunks: Mapping[str, Chunk]
) -> tuple[list[Verdict], list[Verdict]]:
    """The verdicts on some triplets and on their negatives; ``chunks`` are those that they name, by id."""
    on_negatives = NegativeJudge(chunks, corpus, settings)
    verdicts: list[Verdict] = []
    negatives: list[Verdict] = []
    for triplet in triplets:
        if triplet.positive_id not in chunks:
            verdicts.append(quarantine(triplet, f"orphan: no chunk has the id {triplet.positive_id}", NAME, judge="rules"))
            negatives += [
                negative_verdict(triplet, negative.chunk_id, "drop", "orphan: the positive is no chunk", 0.0)
                for negative in triplet.negatives
            ]
            continue
        scores = judge_by_rules(read_signals(triplet, chunks[triplet.positive_id], corpus))
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
        negatives += on_negatives.verdicts(triplet)
    return verdicts, negatives


def _named(triplets: Sequence[Triplet], chunks: Mapping[str, Chunk]) -> dict[str, Chunk]:
    """The chunks that some triplets name and that are there."""
    ids = [
        chunk_id for triplet in triplets for chunk_id in (triplet.positive_id, *(negative.chunk_id for negative in triplet.negatives))
    ]
    return {chunk_id: chunks[chunk_id] for chunk_id in ids if chunk_id in chunks}
