"""The rules judge: four criteria in 0..1 from deterministic signals, offline and repeatable.

The criteria are those of ``triplette.criteria``; each has a rule here that reads the signals. A row is kept when every criterion
reaches its floor; the lowest one that does not gives the reason. The weights were chosen by reading rows
(docs/experiments.md); ``curate calibrate`` measures them against people.
"""

from __future__ import annotations

from collections.abc import Callable

from triplette.criteria import NAMES
from triplette.curate.judge.signals import GRID, Signals
from triplette.records import Score
from triplette.settings.judge import JudgeSettings

NAME = "rules-2"
WORDS = (4, 45)  # of a question that somebody types or says
FREE_RUN = 4  # words: a term and its article; shorter runs are not copies
LONG_RUN = 14  # words over the free ones: a run that makes a whole copy score 0
WHOLE = 0.99  # of the question's words in the headings: the passage is about just that
PROSE = 0.75  # of the subject words outside a passage's rows of figures: the answer stands in its sentences
LIST_WORDS = 5  # of a passage beyond the question's: a list that says something
FEW_HOLDERS = 10  # other passages with all of the question's words from which a low rank means "fits many"


def judge_by_rules(signals: Signals) -> tuple[Score, ...]:
    """The scores of one question by every criterion that has a rule, each with its reason in words."""
    return tuple(RULES[name](signals) for name in NAMES if name in RULES)


def decide(scores: tuple[Score, ...], settings: JudgeSettings) -> tuple[str, str, float]:
    """(decision, reason, overall score): the overall score is the lowest criterion's."""
    failing = [score for score in scores if not score.value >= settings.floor(score.criterion)]
    lowest = min(scores, key=lambda score: score.value)
    if failing:
        worst = min(failing, key=lambda score: score.value)
        return "reject", f"{worst.criterion}: {worst.reason}", lowest.value
    return "keep", "every criterion reaches its floor", lowest.value


def best_rank(s: Signals) -> int:
    """The better of the two ranks of the positive, 0 when neither ranker has it."""
    return min((rank for rank in (s.bm25_rank, s.dense_rank) if rank > 0), default=0)


def _independence(s: Signals) -> Score:
    """1 while the longest copied run is under four words; from there it falls with the run's length and its share of the question.

    A short question can hardly be asked without the passage's terms: eleven words copied whole still pass, twelve do not. A
    statement turned round ("Les pièces sont-elles en bois ?") asks nothing of its own: there the share alone counts.
    """
    if s.copied < FREE_RUN:
        value = 1.0
    elif s.turned:
        value = min(1.0, 2.0 * (1.0 - s.copied_share))
    else:
        value = 1.0 - (s.copied - FREE_RUN + 1) / LONG_RUN * s.copied_share
    return Score("independence", round(max(0.0, value), 4), f"longest copied run: {s.copied} of {s.length} words")


def _realism(s: Signals) -> Score:
    """0 for what is no French question; low for questions about an example, a grid's cell or the document itself; else 1."""
    if not s.asks:
        return Score("realism", 0.0, "does not end with a question mark")
    if s.french < 0.5:
        return Score("realism", 0.0, f"not French (probability {s.french:.2f})")
    if s.example:
        return Score("realism", 0.1, f"about one worked example: {s.example!r}")
    if s.grid >= GRID and s.cell and s.prose < PROSE:
        return Score("realism", 0.1, f"asks for a cell of a grid: {s.cell!r}")
    if s.about:
        return Score("realism", 0.2, f"about the document, not the rule: {s.about!r}")
    if not WORDS[0] <= s.length <= WORDS[1]:
        return Score("realism", 0.3, f"{s.length} words")
    return Score("realism", 1.0, "a question somebody would ask")


def _clarity(s: Signals) -> Score:
    """Low for what points out of the question; falls with the better rank where many passages hold all of its words."""
    if s.leaning:
        return Score("clarity", 0.1, f"points out of the question: {s.leaning!r}")
    if s.subject < 2 and s.titled < WHOLE:
        return Score("clarity", 0.3, f"{s.subject} subject words: fits many passages")
    if s.bare:
        return Score("clarity", 0.4, "leaves out its subject, which only the heading names")
    best = best_rank(s)
    if s.holders >= FEW_HOLDERS and best > 3 and s.titled < WHOLE:
        return Score("clarity", 0.3, f"fits many passages: {s.holders} more hold its words, best rank {best}")
    value = min(1.0, 0.2 + 1.2 * s.specificity)
    return Score("clarity", round(value, 4), f"its rarest word has rarity {s.specificity:.2f}")


def _relevance(s: Signals) -> Score:
    """Round trip: the better of the two ranks of the positive, with the shares of the question's words that it holds.

    Capped where the passage cannot hold the answer: it states nothing, or has no number although one is asked for.
    """
    best = best_rank(s)
    trip = 0.0 if best == 0 else 1.0 if best == 1 else 0.9 if best <= 3 else 0.7 if best <= 10 else 0.4 if best <= 30 else 0.1
    value = 0.5 * trip + 0.25 * s.overlap + 0.25 * s.focus
    why = f"BM25 rank {s.bm25_rank}, dense rank {s.dense_rank}, overlap {s.overlap:.2f}, in two sentences {s.focus:.2f}"
    names_figure = s.counts and s.numbers and 0 < best <= 3  # a list of figures needs no verb to answer "how many"
    heads_list = s.titled > 0 and s.told >= LIST_WORDS and 0 < best <= 3  # nor does a list under a heading that names the subject
    if s.told < 2 or not (s.states or names_figure or heads_list):
        return Score("relevance", round(min(value, 0.2), 4), f"the passage states nothing that could answer ({s.told} more words)")
    if s.counts and not s.numbers:
        return Score("relevance", round(min(value, 0.2), 4), "asks for a number, and the passage has none")
    return Score("relevance", round(value, 4), why)


RULES: dict[str, Callable[[Signals], Score]] = {
    "independence": _independence,
    "realism": _realism,
    "clarity": _clarity,
    "relevance": _relevance,
}
