"""The rules judge: four criteria in 0..1 from deterministic signals, offline and repeatable.

After NVIDIA's four for synthetic queries: independence, realism, clarity, relevance. A row is kept when every criterion
reaches its floor; the lowest one that does not gives the reason. The weights were chosen by reading rows
(docs/experiments.md); ``curate calibrate`` measures them against people.
"""

from __future__ import annotations

from curate.signals import Signals
from triplette.records import Score
from triplette.settings.judge import JudgeSettings

NAME = "rules-1"
CRITERIA = ("independence", "realism", "clarity", "relevance")


def judge_by_rules(signals: Signals) -> tuple[Score, ...]:
    """The four scores of one question, each with its reason in words."""
    return (_independence(signals), _realism(signals), _clarity(signals), _relevance(signals))


def decide(scores: tuple[Score, ...], settings: JudgeSettings) -> tuple[str, str, float]:
    """(decision, reason, overall score): the overall score is the lowest criterion's."""
    failing = [score for score in scores if not score.value >= getattr(settings, f"min_{score.criterion}")]
    lowest = min(scores, key=lambda score: score.value)
    if failing:
        worst = min(failing, key=lambda score: score.value)
        return "reject", f"{worst.criterion}: {worst.reason}", lowest.value
    return "keep", "every criterion reaches its floor", lowest.value


def _independence(s: Signals) -> Score:
    """1 while the longest copied run is under half of the question, then falling to 0 for a whole copy."""
    value = 1.0 if s.copied < 4 else max(0.0, min(1.0, 2.0 * (1.0 - s.copied_share)))
    return Score("independence", round(value, 4), f"longest copied run: {s.copied} of {s.length} words")


def _realism(s: Signals) -> Score:
    if not s.asks:
        return Score("realism", 0.0, "does not end with a question mark")
    if s.french < 0.5:
        return Score("realism", 0.0, f"not French (probability {s.french:.2f})")
    if s.example:
        return Score("realism", 0.1, f"about one worked example: {s.example!r}")
    if s.about_document:
        return Score("realism", 0.2, f"about the document, not the rule: {s.about_document!r}")
    if not 4 <= s.length <= 45:
        return Score("realism", 0.3, f"{s.length} words")
    return Score("realism", 1.0, "a question somebody would ask")


def _clarity(s: Signals) -> Score:
    if s.deixis:
        return Score("clarity", 0.1, f"points into its passage: {s.deixis!r}")
    if s.content < 2:
        return Score("clarity", 0.3, f"{s.content} content words: fits many passages")
    # a question whose every word is common fits many passages
    value = min(1.0, 0.2 + 1.2 * s.specificity)
    return Score("clarity", round(value, 4), f"rarest shared word has rarity {s.specificity:.2f}")


def _relevance(s: Signals) -> Score:
    """Round trip: the better of the two ranks of the positive over the whole corpus, with the overlap of content words."""
    best = min(rank for rank in (s.bm25_rank, s.dense_rank) if rank > 0) if max(s.bm25_rank, s.dense_rank) > 0 else 0
    trip = 0.0 if best == 0 else 1.0 if best == 1 else 0.9 if best <= 3 else 0.75 if best <= 10 else 0.5 if best <= 30 else 0.2
    value = 0.6 * trip + 0.4 * s.overlap
    return Score("relevance", round(value, 4), f"BM25 rank {s.bm25_rank}, dense rank {s.dense_rank}, overlap {s.overlap:.2f}")
