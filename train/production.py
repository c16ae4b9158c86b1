"""How production ranks with a model: BM25 and the encoder fused, the weights chosen on val and kept in the contract."""

from __future__ import annotations

from collections.abc import Sequence

from triplette.arrays import Vectors
from triplette.contract import Fusion
from triplette.languages import language
from triplette.ranking.fusion import Hybrid, choose_fusion, neighbours
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
    """The fusion that ranks val best with a model's vectors, and what each choice reached; ``share`` is the neighbours'."""
    hybrid = hybrid_of(val.passages, passages, Fusion(neighbours=share))
    return choose_fusion(hybrid, asked_tokens(val), queries, val.relevant)
