"""The questions that reviewers answer: names and values for machines; the words for people are the profile's."""

from __future__ import annotations

from triplette.criteria import CRITERIA
from triplette.profile.shape import Review

VERDICT, HARDNESS, ISSUES, REWRITE = "verdict", "hardness", "issues", "rewrite"

VERDICTS = ("valid", "invalid", "unsure")
DECISIONS = {"valid": "keep", "invalid": "reject", "unsure": "unsure"}  # a reviewer's word -> a verdict's
HARDNESS_VALUES = (1, 2, 3, 4, 5)
NOT_IN_PASSAGE, COPIED, AMBIGUOUS, OFF_TOPIC, BAD_LANGUAGE = "not_in_passage", "copied", "ambiguous", "off_topic", "bad_language"
PLAIN_ISSUES = (NOT_IN_PASSAGE, COPIED, AMBIGUOUS, OFF_TOPIC, BAD_LANGUAGE)
CRITERION_ISSUES = {criterion.name: criterion.issue for criterion in CRITERIA if criterion.issue}
METADATA = ("kind", "persona", "difficulty", "writer", "source", "split", "why", "judge", "judge_score", "margin")
NUMBERS = ("judge_score", "margin")


def negative_field(number: int) -> str:
    """The field of the n-th negative, from 1."""
    return f"negative_{number}"


def negative_answers(number: int) -> str:
    """The issue "the n-th negative answers too", from 1."""
    return f"negative_{number}_answers"


def words(names: tuple[str, ...], review: Review) -> dict[str, str]:
    """Each of some names with the profile's words for it."""
    return {name: str(getattr(review, name)) for name in names}


def issues(negatives: int, review: Review) -> dict[str, str]:
    """Every issue with its words, for rows of up to ``negatives`` negatives."""
    answering = {negative_answers(n): review.answers_too.replace("{}", str(n)) for n in range(1, negatives + 1)}
    return {**answering, **words(PLAIN_ISSUES, review)}
