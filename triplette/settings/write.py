"""Settings of question writing, whichever writer does it."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class WriteSettings:
    """[synth.write]"""

    writer: str = setting(
        "rules",
        "Who writes the questions: 'rules' (built in, French, no network) or 'llm' (any OpenAI-compatible endpoint; see [synth.llm]).",
        choices=("rules", "llm"),
    )
