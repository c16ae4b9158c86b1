"""Which pairs of questions ask the same: equal ones, near-duplicates by their words, and nearest vectors, checked for what must agree.

Similar is not the same: "2 minutes" and "3 minutes", "indoor" and "outdoor", "may" and "may not" differ in one word of ten. A pair that any
of the three finders proposes counts only if what is asked for (who, when, how many, whether ...), numbers, negations and key terms agree,
and if no side has a subject word of its own that the other replaces by another. Questions over different passages must agree
more than those over one passage: merging these loses a row, merging those tells the model that a passage answers what it does not.

The words are joined exactly, by the same join that keeps near-duplicates of one split out of another (``triplette.similar``). No pair is looked
at that a finder did not propose, so the work grows with the number of near-duplicates and not with its square.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from triplette.languages import Language
from triplette.languages.patterns import Asking
from triplette.languages.text import fold, normalise, plain
from triplette.settings.dedup import DedupSettings
from triplette.similar import every_near_duplicate, question_keys, word_sets

if TYPE_CHECKING:
    from triplette.arrays import Vectors

EXACT, WORDS, VECTORS = "the same words", "nearly the same words", "near vectors"
_CODE = re.compile(r"\b[a-z]{1,3}\d+[a-z]?\b|\d+(?:[.,:/]\d+)*")


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a question must agree with another: what it asks for, numbers, negations, key terms, and its subject's stems."""

    asks: str
    numbers: frozenset[str]
    negations: frozenset[str]
    keys: frozenset[str]
    subject: frozenset[str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two questions (places in the list, left < right), how alike they are (0..1) and which finder says so."""

    left: int
    right: int
    similarity: float
    how: str


@lru_cache(maxsize=64)
def _known(spoken: Language, asking: Asking) -> tuple[dict[str, int], frozenset[str], frozenset[str]]:
    """Number words, and the stems of alternatives and of light words."""
    alternatives, light = (frozenset(map(spoken.stem, words)) for words in (asking.alternatives, asking.light))
    return dict(asking.numbers), alternatives, light


def read_question(question: str, spoken: Language, asking: Asking) -> Asked:
    """The parts of one question in its language; ``asking`` is what questions of its domain must agree in (``domain.Domain.must_agree``)."""
    number_words, alternatives, light = _known(spoken, asking)
    found = spoken.words(normalise(question))
    text = plain(question)
    stem = spoken.stem
    stems = frozenset(stem(word) for word in found)
    numbers = set(_CODE.findall(text)) | {str(number_words[word]) for word in map(fold, found) if word in number_words}
    return Asked(
        asks=asked_for(text, spoken, asking),
        numbers=frozenset(numbers),
        negations=frozenset(stem(word) for word in asking.negations.findall(text)),
        keys=stems & alternatives,
        subject=frozenset(stem(word) for word in found if word not in asking.light and len(word) > 1) - light,
    )


def asked_for(text: str, spoken: Language, asking: Asking) -> str:
    """What a plain question asks for: ``who``, ``when``, ``how many`` ..., or ``which`` with the stem of the noun that follows."""
    for name, pattern in asking.forms:
        match = pattern.search(text)
        if match:
            return f"{name} {spoken.stem(match.group('noun'))}" if name == "which" else name
    return ""


def ask_the_same(one: Asked, other: Asked, *, same_passage: bool) -> bool:
    """Whether what must agree agrees.

    What is asked for, numbers, negations and key terms; over one passage at most one side has subject words of its own, over different
    passages the subject words are the same.
    """
    if (one.asks, one.numbers, one.negations, one.keys) != (other.asks, other.numbers, other.negations, other.keys):
        return False
    if same_passage:
        return one.subject <= other.subject or other.subject <= one.subject
    return one.subject == other.subject


def exact_pairs(questions: Sequence[str]) -> Iterator[Pair]:
    """Each question that repeats an earlier one but for case, accents and punctuation, with the first of them."""
    first: dict[str, int] = {}
    for place, key in enumerate(question_keys(questions).to_pylist()):
        twin = first.setdefault(key, place)
        if twin != place:
            yield Pair(twin, place, 1.0, EXACT)


def word_pairs(questions: Sequence[str], codes: Sequence[str], settings: DedupSettings) -> Iterator[Pair]:
    """Every pair whose words have a Jaccard similarity of at least the setting."""
    if not questions:
        return
    for left, right, similarity in zip(*every_near_duplicate(word_sets(questions, codes), settings.jaccard), strict=True):
        yield Pair(int(left), int(right), float(similarity), WORDS)


def vector_pairs(vectors: Vectors, settings: DedupSettings) -> Iterator[Pair]:
    """Pairs of nearest neighbours whose cosine reaches the lower of the two settings. ``vectors``: (n, d) float32, length 1."""
    from triplette.ranking.dense import DenseIndex

    if not len(vectors):
        return
    floor = min(settings.cosine, settings.cosine_same_passage)
    ids, scores = DenseIndex(vectors, seed=settings.seed).top(vectors, settings.neighbours + 1)
    for place in range(len(vectors)):
        for other, score in zip(ids[place].tolist(), scores[place].tolist(), strict=True):
            if other >= 0 and other != place and score >= floor:
                yield Pair(min(place, other), max(place, other), min(score, 1.0), VECTORS)
