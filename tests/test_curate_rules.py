"""What the rules judge makes of signals made by hand: every limit from both sides, with the score and the reason in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from triplette.curate.judge.rules import NAME, RULES, best_rank, decide, judge_by_rules
from triplette.curate.judge.signals import Signals
from triplette.records import Score
from triplette.settings.judge import JudgeSettings

PERFECT = Signals(
    bm25_rank=1, dense_rank=1, overlap=1.0, focus=1.0, specificity=1.0, subject=4, holders=0, titled=0.0, bare=False, copied=0,
    copied_share=0.0, turned=False, spoken=1.0, length=12, asks=True, leaning="", example="", about="", cell="", grid=0.0, prose=1.0,
    counts=False, numbers=False, states=True, told=20,
)  # fmt: skip


def said(criterion: str, **changes: Any) -> tuple[float, str]:
    """(score, reason) of one rule on a perfect question with ``changes``."""
    score = RULES[criterion](replace(PERFECT, **changes))
    assert score.criterion == criterion
    return score.value, score.reason


def test_a_perfect_question_has_full_marks_and_says_why() -> None:
    assert judge_by_rules(PERFECT) == (
        Score("independence", 1.0, "longest copied run: 0 of 12 words"),
        Score("realism", 1.0, "a question somebody would ask"),
        Score("clarity", 1.0, "its rarest word has rarity 1.00"),
        Score("relevance", 1.0, "BM25 rank 1, dense rank 1, overlap 1.00, in two sentences 1.00"),
    )
    assert NAME == "rules-2", "the name stands in every verdict; it changes with the rules and not otherwise"


@pytest.mark.parametrize(
    ("copied", "share", "turned", "score"),
    [
        (3, 1.0, False, 1.0), (3, 1.0, True, 1.0), (4, 1.0, False, 0.9286), (4, 0.5, False, 0.9643), (11, 1.0, False, 0.4286),
        (12, 1.0, False, 0.3571), (17, 1.0, False, 0.0), (19, 1.0, False, 0.0), (4, 1.0, True, 0.0), (4, 0.75, True, 0.5),
        (5, 0.4, True, 1.0), (5, 0.5, True, 1.0), (5, 0.55, True, 0.9),
    ],
)  # fmt: skip
def test_independence_falls_with_the_copied_run_and_in_a_statement_turned_round_with_its_share(
    copied: int, share: float, turned: bool, score: float
) -> None:
    found = said("independence", copied=copied, copied_share=share, turned=turned)
    assert found == (score, f"longest copied run: {copied} of 12 words")


@pytest.mark.parametrize(
    ("changes", "score", "reason"),
    [
        ({"asks": False}, 0.0, "does not end with a question mark"),
        ({"spoken": 0.49}, 0.0, "not in its passage's language (0.49)"),
        ({"spoken": 0.5}, 1.0, "a question"),
        ({"example": "dupont"}, 0.1, "about one worked example: 'dupont'"),
        ({"grid": 0.4, "cell": "a1", "prose": 0.74}, 0.1, "asks for a cell of a grid: 'a1'"),
        ({"grid": 0.39, "cell": "a1", "prose": 0.74}, 1.0, "a question"),
        ({"grid": 0.4, "cell": "", "prose": 0.74}, 1.0, "a question"),
        ({"grid": 0.4, "cell": "a1", "prose": 0.75}, 1.0, "a question"),
        ({"about": "quel document"}, 0.2, "about the document, not the rule: 'quel document'"),
        ({"length": 3}, 0.3, "3 words"),
        ({"length": 4}, 1.0, "a question"),
        ({"length": 45}, 1.0, "a question"),
        ({"length": 46}, 0.3, "46 words"),
    ],
)
def test_realism_names_the_first_thing_that_nobody_would_ask(changes: dict[str, Any], score: float, reason: str) -> None:
    found = said("realism", **changes)
    assert (found[0], found[1][: len(reason)]) == (score, reason)


@pytest.mark.parametrize(
    ("changes", "score", "reason"),
    [
        ({"leaning": "ce tableau"}, 0.1, "points out of the question: 'ce tableau'"),
        ({"subject": 1}, 0.3, "1 subject words: fits many passages"),
        ({"subject": 1, "titled": 0.98}, 0.3, "1 subject words: fits many passages"),
        ({"subject": 1, "titled": 0.99}, 1.0, "its rarest word has rarity 1.00"),
        ({"subject": 2}, 1.0, "its rarest word has rarity 1.00"),
        ({"bare": True}, 0.4, "leaves out its subject, which only the heading names"),
        ({"holders": 10, "bm25_rank": 4, "dense_rank": 0}, 0.3, "fits many passages: 10 more hold its words, best rank 4"),
        ({"holders": 9, "bm25_rank": 4, "dense_rank": 0}, 1.0, "its rarest word"),
        ({"holders": 10, "bm25_rank": 3, "dense_rank": 9}, 1.0, "its rarest word"),
        ({"holders": 10, "bm25_rank": 4, "dense_rank": 4, "titled": 0.98}, 0.3, "fits many passages"),
        ({"holders": 10, "bm25_rank": 4, "dense_rank": 4, "titled": 0.99}, 1.0, "its rarest word"),
        ({"specificity": 0.0}, 0.2, "its rarest word has rarity 0.00"),
        ({"specificity": 0.3333}, 0.6, "its rarest word has rarity 0.33"),
        ({"specificity": 0.5}, 0.8, "its rarest word has rarity 0.50"),
        ({"specificity": 0.65}, 0.98, "its rarest word has rarity 0.65"),
        ({"specificity": 0.12345}, 0.3481, "its rarest word has rarity 0.12"),
    ],
)
def test_clarity_names_what_the_question_leaves_open(changes: dict[str, Any], score: float, reason: str) -> None:
    found = said("clarity", **changes)
    assert found[0] == pytest.approx(score, abs=4e-5)
    assert found[0] == round(found[0], 4)
    assert found[1][: len(reason)] == reason


@pytest.mark.parametrize(
    ("rank", "score"),
    [(0, 0.0), (1, 0.5), (2, 0.45), (3, 0.45), (4, 0.35), (10, 0.35), (11, 0.2), (30, 0.2), (31, 0.05), (900, 0.05)],
)
def test_half_of_relevance_is_the_round_trip(rank: int, score: float) -> None:
    assert said("relevance", bm25_rank=rank, dense_rank=0, overlap=0.0, focus=0.0)[0] == score
    assert said("relevance", bm25_rank=0, dense_rank=rank, overlap=0.0, focus=0.0)[0] == score


@pytest.mark.parametrize(("overlap", "focus", "score"), [(1.0, 0.0, 0.75), (0.0, 1.0, 0.75), (0.4, 0.2, 0.65), (0.33333, 0.0, 0.5833)])
def test_the_other_half_is_what_the_passage_holds_of_the_question(overlap: float, focus: float, score: float) -> None:
    found = said("relevance", overlap=overlap, focus=focus)
    assert found == (score, f"BM25 rank 1, dense rank 1, overlap {overlap:.2f}, in two sentences {focus:.2f}")


NOTHING = "the passage states nothing that could answer"
FIGURE = {"states": False, "counts": True, "numbers": True}
HEADED = {"states": False, "titled": 0.1, "told": 5}


@pytest.mark.parametrize(
    ("changes", "score", "reason"),
    [
        ({"told": 1}, 0.2, f"{NOTHING} (1 more words)"),
        ({"told": 2}, 1.0, "BM25 rank 1"),
        ({"states": False}, 0.2, f"{NOTHING} (20 more words)"),
        ({"told": 1, "bm25_rank": 0, "dense_rank": 0, "overlap": 0.22222, "focus": 0.0}, 0.0556, NOTHING),
        (FIGURE, 1.0, "BM25 rank 1"),
        ({**FIGURE, "told": 2}, 1.0, "BM25 rank 1"),
        ({**FIGURE, "bm25_rank": 3, "dense_rank": 3}, 0.95, "BM25 rank 3"),
        ({**FIGURE, "bm25_rank": 4, "dense_rank": 4}, 0.2, NOTHING),
        ({**FIGURE, "bm25_rank": 0, "dense_rank": 0}, 0.2, NOTHING),
        ({**FIGURE, "counts": False}, 0.2, NOTHING),
        ({**FIGURE, "numbers": False}, 0.2, NOTHING),
        (HEADED, 1.0, "BM25 rank 1"),
        ({**HEADED, "told": 4}, 0.2, NOTHING),
        ({**HEADED, "titled": 0.0}, 0.2, NOTHING),
        ({**HEADED, "bm25_rank": 3, "dense_rank": 3}, 0.95, "BM25 rank 3"),
        ({**HEADED, "bm25_rank": 4, "dense_rank": 4}, 0.2, NOTHING),
        ({**HEADED, "bm25_rank": 0, "dense_rank": 0}, 0.2, NOTHING),
        ({"counts": True}, 0.2, "asks for a number, and the passage has none"),
        ({"counts": True, "numbers": True}, 1.0, "BM25 rank 1"),
        ({"counts": True, "bm25_rank": 0, "dense_rank": 0, "overlap": 0.22222, "focus": 0.0}, 0.0556, "asks for a number"),
    ],
)
def test_a_passage_that_cannot_hold_the_answer_has_0_2_at_most(changes: dict[str, Any], score: float, reason: str) -> None:
    found = said("relevance", **changes)
    assert (found[0], found[1][: len(reason)]) == (score, reason)


@pytest.mark.parametrize(("bm25", "dense", "best"), [(0, 0, 0), (3, 0, 3), (0, 5, 5), (4, 2, 2), (2, 4, 2), (1, 0, 1)])
def test_the_better_rank_counts_and_0_is_no_rank(bm25: int, dense: int, best: int) -> None:
    assert best_rank(replace(PERFECT, bm25_rank=bm25, dense_rank=dense)) == best


def test_the_floor_itself_passes_and_the_lowest_that_does_not_gives_the_reason() -> None:
    settings = JudgeSettings(min_independence=0.4, min_realism=0.5, min_clarity=0.5, min_relevance=0.5)

    def decided(*values: float) -> tuple[str, str, float]:
        names = ("independence", "realism", "clarity", "relevance")
        return decide(tuple(Score(name, value, f"why {name}") for name, value in zip(names, values, strict=True)), settings)

    assert decided(0.4, 0.5, 0.5, 0.5) == ("keep", "every criterion reaches its floor", 0.4)
    assert decided(0.39, 1.0, 1.0, 1.0) == ("reject", "independence: why independence", 0.39)
    assert decided(0.42, 0.49, 0.45, 1.0) == ("reject", "clarity: why clarity", 0.42)
    assert decided(1.0, 0.3, 0.45, 0.2) == ("reject", "relevance: why relevance", 0.2)
