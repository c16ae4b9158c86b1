"""Settings of judging: who judges, the floor under each criterion, and when a negative is taken to answer."""

from __future__ import annotations

from dataclasses import dataclass, make_dataclass

from triplette.criteria import CRITERIA, floor_setting
from triplette.settings.base import setting

_FLOORS = make_dataclass(
    "_FLOORS",
    [(floor_setting(c.name), float, setting(c.floor, f"Under this score {c.under}.", low=0.0, high=1.0)) for c in CRITERIA],
    frozen=True,
    slots=True,
)


@dataclass(frozen=True, slots=True)
class JudgeSettings(_FLOORS):  # type: ignore[misc,valid-type]
    """[curate.judge], with a floor ``min_NAME`` for each criterion."""

    judge: str = setting(
        "rules",
        "Who judges: 'rules' (built in, offline) or 'llm' (the model of [curate.llm], whose evidence is checked).",
        choices=("rules", "llm"),
    )
    same_passage: float = setting(
        0.8,
        "A negative that shares this much of the shorter passage's 3-word shingles with the positive answers too.",
        low=0.3,
        high=1.0,
    )
    like_passage: float = setting(
        0.5, "From this share on a negative is too like the positive to be sure, and is dropped.", low=0.1, high=1.0
    )
    near_positive: float = setting(
        0.97, "A negative whose dense score reaches this share of the positive's may answer as well, and is dropped.", low=0.5, high=2.0
    )
    holds_question: float = setting(
        0.85,
        "A negative of which two sentences hold this share of the question's words (weighted by rarity), and no fewer than the positive's, "
        "may answer and is dropped.",
        low=0.3,
        high=1.01,
    )
    rules_first: bool = setting(
        True, "With judge = 'llm': ask the model only about rows that the rules keep, and require both to keep. False: the model alone."
    )
    votes: int = setting(
        1,
        "Readings of each row by the LLM. With several, a row is kept only if all agree; those that do not wait for a person (review).",
        low=1,
        high=9,
    )
    temperature: float = setting(0.2, "Sampling temperature of the judging model, in place of [curate.llm]'s.", low=0.0, high=2.0)
    prompt: str = setting("judge-v1", "The version of the rubric: the name of a file of curate/judge/prompts.")
    negative_prompt: str = setting(
        "negatives-v1", "The version of the question about negatives: the name of a file of curate/judge/prompts."
    )

    def floor(self, criterion: str) -> float:
        """The score under which a row is rejected for this criterion."""
        return float(getattr(self, floor_setting(criterion)))
