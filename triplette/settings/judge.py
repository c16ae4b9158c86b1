"""Settings of judging: who judges, the floor under each criterion, and when a negative is taken to answer."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """[curate.judge]"""

    judge: str = setting(
        "rules",
        "Who judges: 'rules' (built in, offline) or 'llm' (the model of [curate.llm], whose evidence is checked).",
        choices=("rules", "llm"),
    )
    min_independence: float = setting(0.4, "Under this the question parrots the passage.", low=0.0, high=1.0)
    min_realism: float = setting(0.5, "Under this no arbiter, organiser or player would ask it.", low=0.0, high=1.0)
    min_clarity: float = setting(0.5, "Under this the question cannot be understood without its passage.", low=0.0, high=1.0)
    min_relevance: float = setting(0.5, "Under this the passage is not taken to answer the question.", low=0.0, high=1.0)
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
