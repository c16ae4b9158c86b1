"""The questions that reviewers answer: names and values for machines; the words for people are the profile's."""

from __future__ import annotations

from collections.abc import Iterable

from triplette.criteria import CRITERIA
from triplette.errors import InputError
from triplette.languages import language, written_out
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
SHORT = {"?": "unsure"} | {
    word: verdict for code in written_out() for word, verdict in zip(language(code).prompting.answers, VERDICTS, strict=True)
}


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


def read_verdict(word: str, where: str, review: Review) -> str:
    """The verdict that a person wrote, by its name, the profile's word or a short one. Raises InputError."""
    said = {name.lower(): value for value, name in words(VERDICTS, review).items()}
    verdict = {**SHORT, **dict(zip(VERDICTS, VERDICTS, strict=True)), **said}.get(word.strip().lower())
    if verdict is None:
        raise InputError(f"{word.strip()!r} is not a verdict", where=where, cure=f"write one of {', '.join(VERDICTS)}")
    return verdict


def read_hardness(text: str, where: str) -> int:
    """1 to 5 as a person or a program wrote it, 0 for nothing. Raises InputError."""
    text = text.strip()
    if not text:
        return 0
    if text.removesuffix(",0").removesuffix(".0") not in {str(value) for value in HARDNESS_VALUES}:
        raise InputError(f"hardness {text!r} is not 1 to 5", where=where, cure="write 1 to 5, or nothing")
    return int(text[0])


def read_issues(parts: Iterable[str], negatives: int, where: str, review: Review) -> tuple[str, ...]:
    """The issues that a person named, by name or by the profile's words, sorted. Raises InputError."""
    known = issues(negatives, review)
    names = {word.lower(): name for name, word in known.items()}
    found = set()
    for part in parts:
        issue = part.strip().lower()
        if not issue:
            continue
        name = issue if issue in known else names.get(issue)
        if name is None:
            raise InputError(f"{issue!r} is not an issue", where=where, cure=f"write any of {', '.join(known)}, with | between")
        found.add(name)
    return tuple(sorted(found))
