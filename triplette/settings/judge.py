"""Settings of judging: who judges, and the floor under each criterion."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """[curate.judge]"""

    judge: str = setting(
        "rules",
        "Who judges: 'rules' (built in, offline) or 'llm' (the endpoint of [synth.llm], with evidence that is checked).",
        choices=("rules", "llm"),
    )
    min_independence: float = setting(0.4, "Under this the question parrots the passage.", low=0.0, high=1.0)
    min_realism: float = setting(0.5, "Under this no arbiter, organiser or player would ask it.", low=0.0, high=1.0)
    min_clarity: float = setting(0.5, "Under this the question cannot be understood without its passage.", low=0.0, high=1.0)
    min_relevance: float = setting(0.5, "Under this the passage is not taken to answer the question.", low=0.0, high=1.0)
