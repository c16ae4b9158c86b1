"""The questions that reviewers answer: names and values for machines, words for people (French: so is the corpus)."""

from __future__ import annotations

from triplette.criteria import CRITERIA
from triplette.records import DIFFICULTIES, KINDS, PERSONAS

VERDICT, HARDNESS, ISSUES, REWRITE = "verdict", "hardness", "issues", "rewrite"

VERDICTS = {"valid": "Valide", "invalid": "Invalide", "unsure": "Je ne sais pas"}
DECISIONS = {"valid": "keep", "invalid": "reject", "unsure": "unsure"}  # a reviewer's word -> a verdict's
HARDNESS_VALUES = (1, 2, 3, 4, 5)
NOT_IN_PASSAGE, COPIED, AMBIGUOUS, OFF_TOPIC, BAD_FRENCH = "not_in_passage", "copied", "ambiguous", "off_topic", "bad_french"
PLAIN_ISSUES = {
    NOT_IN_PASSAGE: "La réponse n'est pas dans le passage",
    COPIED: "Formulation copiée du passage",
    AMBIGUOUS: "Question ambiguë",
    OFF_TOPIC: "Hors sujet",
    BAD_FRENCH: "Français incorrect",
}
CRITERION_ISSUES = {criterion.name: criterion.issue for criterion in CRITERIA if criterion.issue}
METADATA = {
    "kind": "Type de question",
    "persona": "Public",
    "difficulty": "Difficulté",
    "writer": "Rédacteur",
    "source": "Document",
    "split": "Partition",
    "why": "Pourquoi cette fiche",
    "judge": "Avis du juge",
    "judge_score": "Score du juge",
    "margin": "Marge du plus dur négatif",
}
NUMBERS = ("judge_score", "margin")
KNOWN_TERMS = {"kind": (*KINDS, "unknown"), "persona": (*PERSONAS, "unknown"), "difficulty": (*DIFFICULTIES, "unknown")}


def negative_field(number: int) -> str:
    """The field of the n-th negative, from 1."""
    return f"negative_{number}"


def negative_answers(number: int) -> str:
    """The issue "the n-th negative answers too", from 1."""
    return f"negative_{number}_answers"


def issues(negatives: int) -> dict[str, str]:
    """Every issue with its words, for rows of up to ``negatives`` negatives."""
    answering = {negative_answers(n): f"Le négatif {n} répond aussi" for n in range(1, negatives + 1)}
    return {**answering, **PLAIN_ISSUES}
