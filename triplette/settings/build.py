"""Settings of building the dataset: how it is split, what counts as touching, what the data card says."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """[curate.build]"""

    seed: int = setting(0, "Decides which components go to which split, and nothing else.", low=0)
    val_share: float = setting(0.1, "Share of the synthetic rows for validation where no gold is given.", low=0.0, high=0.4)
    test_share: float = setting(0.1, "Share of the synthetic rows for the test where no gold is given.", low=0.0, high=0.4)
    gold_val_share: float = setting(
        0.3,
        "Share of the gold rows for validation, the rest is the test. Validation only picks a checkpoint; the test carries the "
        "claim, and its interval shrinks with its size.",
        low=0.0,
        high=0.9,
    )
    gold_chunks: str = setting(
        "shared",
        "'shared': gold and train may be about the same passage, as long as no question nearly repeats another. The passages are the "
        "corpus that is searched at test time in any case, and on a small corpus every passage has a gold question, so that "
        "nothing would be left to train on. 'held-out': no passage with a gold question is in train as a positive.",
        choices=("shared", "held-out"),
    )
    near_duplicate: float = setting(
        0.8, "Jaccard similarity of two questions' words from which one nearly repeats the other.", low=0.5, high=1.0
    )
    same_passage_duplicate: float = setting(
        0.65, "The same, for two questions about one passage: there less wording in common is already a paraphrase.", low=0.4, high=1.0
    )
    full_share: float = setting(
        0.9,
        "train.parquet has as many negative columns as at least this share of its rows can fill; a shorter row repeats its own "
        "negatives, hardest first, so that no row and no checked negative is lost. Rows without any do not count.",
        low=0.5,
        high=1.0,
    )
    max_negatives: int = setting(7, "Negative columns at most.", low=1, high=50)
    name: str = setting("triplette-dataset", "The dataset's name on its card.")
    language: str = setting("", "ISO 639-1 code that the card gives. Empty: the languages of the rows, most frequent first.")
    licence: str = setting(
        "", "Licence of the dataset as a Hugging Face identifier, such as cc-by-sa-4.0. Empty: 'unknown' on the card."
    )
    source_licence: str = setting("", "Licence or terms of the documents that the passages come from, in words.")
    contact: str = setting("", "Who answers for the dataset: a name or an address, in words.")
    purpose: str = setting(
        "Fine-tuning and evaluating an embedding model that finds the passage answering a question.", "Intended purpose, in words."
    )
