"""What a question and its passage are judged by: the one table of the judge's criteria, after NVIDIA's four for synthetic queries.

A new criterion is one entry here and its test. Its ``scale`` goes into every rubric (``curate/judge/prompts``) that does not explain it
itself, in the rubric's own language. Settings (``min_NAME``), the LLM's form, the
floors, the report, the expectations' parameter, the data card and the review's hints all read this table. The rules judge scores those
for which it has a rule (``curate.judge.rules.RULES``); a criterion that only a reader can judge has none.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion, scored 0..1.

    ``floor`` is the default of its setting and ``under`` what a score below it means; ``told`` is its phrase on the data card; ``issue``
    the review's question that a low score points to, "" for none. ``needs_evidence``: 0 when the cited evidence is not in the passage.
    ``scale`` asks the judge, in English: the question, then what each score from 5 to 1 means.
    """

    name: str
    floor: float
    under: str
    told: str
    issue: str = ""
    needs_evidence: bool = False
    scale: str = ""


CRITERIA = (
    Criterion("independence", 0.4, "the question parrots the passage", "independence (does not parrot the passage)", "copied"),
    Criterion("realism", 0.5, "nobody who searches this collection would ask it", "realism", "off_topic"),
    Criterion("clarity", 0.5, "the question cannot be understood without its passage", "clarity", "ambiguous"),
    Criterion("relevance", 0.5, "the passage is not taken to answer the question", "relevance", "not_in_passage", needs_evidence=True),
)
NAMES = tuple(criterion.name for criterion in CRITERIA)


def floor_setting(name: str) -> str:
    """The name of the setting that is the floor under a criterion."""
    return f"min_{name}"
