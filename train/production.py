"""How production ranks with a model: BM25 and the encoder fused, the weights chosen on val and kept in the contract."""

from __future__ import annotations

from collections.abc import Sequence

from triplette.arrays import Vectors
from triplette.contract import Fusion
from triplette.dataset import GOLD
from triplette.languages import language
from triplette.ranking.fusion import FEWEST, LEAN, Hybrid, choose_fusion, neighbours
from triplette.ranking.lexical import LexicalRanker, lexical_ranker, passage_tokens
from triplette.train.data import Passages, Questions


def lexical_index(passages: Passages) -> LexicalRanker:
    """BM25 over titles and texts, as mining and the bundle rank them."""
    columns = zip(passages.languages, passages.titles, passages.texts, strict=True)
    return lexical_ranker([passage_tokens(*passage) for passage in columns])


def asked_tokens(questions: Questions) -> list[list[str]]:
    """The questions' ranking tokens, each in its own language."""
    return asked_in(questions.languages, questions.texts)


def asked_in(languages: Sequence[str], texts: Sequence[str]) -> list[list[str]]:
    """The ranking tokens of texts, each in the language of its code."""
    return [language(code).tokens(text) for code, text in zip(languages, texts, strict=True)]


def hybrid_of(passages: Passages, vectors: Vectors, fusion: Fusion, index: LexicalRanker | None = None) -> Hybrid:
    """BM25 over the passages and their vectors, fused. Passages of unknown place (BEIR, a sample) have no neighbours."""
    beside = neighbours(passages.sources) if passages.sources else None
    return Hybrid(index or lexical_index(passages), vectors, fusion, beside)


def fusion_for(val: Questions, queries: Vectors, passages: Vectors, share: float) -> tuple[Fusion, dict[str, float]]:
    """The fusion for val with a model's vectors, and what each choice reached; ``share`` is the neighbours'.

    Val's questions of people choose where there are enough of them. Else all of them do, and leave the default only for more than
    what questions written from their passages are known to favour BM25 by.
    """
    hybrid, asked, relevant = hybrid_of(val.passages, passages, Fusion(neighbours=share)), asked_tokens(val), val.relevant
    people = of_people(val)
    if len(people) < FEWEST:
        return choose_fusion(hybrid, asked, queries, relevant, lean=LEAN)
    return choose_fusion(hybrid, [asked[n] for n in people], queries[people], [relevant[n] for n in people])


def of_people(val: Questions) -> list[int]:
    """Places of the questions that people asked with no passage before them."""
    return [number for number, origin in enumerate(val.labels.get("origin", ())) if origin == GOLD]


def weighed_by(val: Questions) -> str:
    """Whose questions chose BM25's weight, in a sentence."""
    people = len(of_people(val))
    if len(val) < FEWEST:
        return f"BM25's weight: val has {len(val)} questions, and under {FEWEST} nothing is chosen: it stays at the default"
    if people >= FEWEST:
        return f"BM25's weight is chosen by val's {people} questions of people"
    return (
        f"BM25's weight: val has {people} questions of people, and from {FEWEST} on they choose it; questions written from their passages lean to "
        f"BM25, so the default is left only for more than {LEAN:g} of nDCG@10"
    )
