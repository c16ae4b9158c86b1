"""Settings of validation: the thresholds that the expectation suites name as parameters, and how much a result keeps."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class ValidateSettings:
    """[curate.validate]"""

    suites: str = setting(
        "", "Folder of your own suites (chunks, questions, triplets, dataset .json); empty: those that come with Triplette."
    )
    review_quota: float = setting(
        0.1,
        "Share of the synthetic train rows that people must have reviewed, of every kind of question. 0 asks for none.",
        low=0.0,
        high=1.0,
    )
    min_score: float | None = setting(
        None,
        "The judge's score that a row must reach, unless a person kept it. Not set: the lowest floor that the judge was run with.",
        low=0.0,
        high=1.0,
    )
    max_synthetic_to_gold: float = setting(
        3.0,
        "Synthetic rows to one gold row at most. A warning and not a refusal: gold measures here and does not train, so more synthetic "
        "rows do not spoil it, they only say that the measurement is small beside what it measures.",
        low=0.0,
    )
    min_kind_entropy: float = setting(
        0.5, "Balance of kinds in train: entropy over that of equal shares, of the kinds that occur.", low=0.0, high=1.0
    )
    min_persona_entropy: float = setting(0.5, "The same for personas.", low=0.0, high=1.0)
    min_language_share: float = setting(
        0.5, "How much a question must be in its passage's language, 0..1, against six neighbouring ones.", low=0.0, high=1.0
    )
    min_length: int = setting(10, "Characters that a question has at least.", low=1)
    max_length: int = setting(400, "Characters that a question has at most.", low=10)
    max_tokens: int = setting(2048, "Tokens that a passage has at most: EmbeddingGemma's window.", low=32)
    min_document_words: float = setting(
        0.97, "Share of a document's words, as a second reader finds them, that its passages hold.", low=0.0, high=1.0
    )
    min_document_sentences: float = setting(0.9, "Share of a document's sentences that its passages hold whole.", low=0.0, high=1.0)
    min_train_rows: int = setting(32, "Train rows at least: less than a batch or two teaches nothing.", low=1)
    kept_ids: int = setting(1000, "Failing ids that result.json keeps for each expectation; their number is always kept.", low=1)
