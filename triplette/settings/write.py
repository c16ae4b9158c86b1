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
    harvest: str = setting(
        "gold",
        "What becomes of the questions that people wrote in the documents (a FAQ's): 'gold' writes them as a gold file for curate build "
        "and keeps the writer from asking the same, 'train' puts them among the written ones, 'off' leaves them.",
        choices=("gold", "train", "off"),
    )
    questions_per_chunk: int = setting(3, "Questions asked of the LLM for each chunk, each of another kind.", low=1, high=6)
    seed: int = setting(0, "Seed of the plan that gives each chunk its kinds, personas and difficulties.", low=0, high=2**31 - 1)
    prompt: str = setting("questions-v1", "The prompt's version: a file of synth/prompts without its .md.")
    min_words: int = setting(4, "An LLM's question with fewer words is rejected.", low=1, high=50)
    max_words: int = setting(40, "An LLM's question with more words is rejected.", low=5, high=200)
    max_copied_words: int = setting(
        7,
        "An LLM's question that has more words in a row from its passage is rejected: it would teach only word matching.",
        low=2,
        high=100,
    )
    min_overlap: float = setting(
        0.15,
        "An LLM's question that shares less of its significant words with passage and title is rejected as off topic. 0 to 1.",
        low=0.0,
        high=1.0,
    )
    min_french: float = setting(0.8, "An LLM's question less French than this (langid, 0 to 1) is rejected.", low=0.0, high=1.0)
