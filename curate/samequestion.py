"""Which pairs of questions ask the same: exact, MinHash-LSH, and nearest vectors, each pair checked for what must agree.

Similar is not the same: "2 minutes" and "3 minutes", "rapide" and "blitz", "peut" and "ne peut pas" differ in one word of ten. A pair that any
of the three finders proposes counts only if numbers, negations and key terms agree, and if no side has a subject word of its own that
the other replaces by another. Questions over different passages must agree more than those over one passage: merging these loses a row,
merging those tells the model that a passage answers what it does not.

No pair is looked at that a finder did not propose, so the work grows with the number of near-duplicates and not with its square.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from curate.patterns import plain
from triplette.french import STOP_WORDS, fold, normalise, stem, tokens, words
from triplette.settings.dedup import DedupSettings

if TYPE_CHECKING:
    from triplette.encoders import Vectors

EXACT, WORDS, VECTORS = "the same words", "nearly the same words", "near vectors"
# Alternatives: a word of one group on one side only makes another question.
_KEY_TERMS = """
    rapide blitz lent lente standard classique fischer ligne hybride
    blanc noir
    premier premiere deuxieme second seconde troisieme quatrieme dernier derniere suivant precedent prochain
    avant apres pendant debut fin
    minimum maximum minimal maximal moins plus
    feminin masculin mixte jeune veteran scolaire
    departemental regional national international ligue federation
    individuel equipe
    roi dame tour fou cavalier pion
    gagner perdre nul nulle
    president vice-president tresorier secretaire arbitre capitaine joueur organisateur directeur delegue
    petit grand
    mineur majeur
    qui quand ou comment combien pourquoi
"""
_NUMBER_WORDS = dict(
    zip(
        "un deux trois quatre cinq six sept huit neuf dix onze douze vingt trente cent".split(),
        (*range(1, 13), 20, 30, 100),
        strict=True,
    )
)
_NEGATIONS = re.compile(r"\b(?:pas|jamais|aucun|aucune|sans|sauf|hors|excepte|non|ni|interdit\w*|interdire|refuse\w*|impossible)\b")
_CODE = re.compile(r"\b[a-z]{1,3}\d+[a-z]?\b|\d+(?:[.,:/]\d+)*")
_LIGHT = STOP_WORDS | set(
    "quel quelle quels quelles doit-on peut-on faire fait passe-t-il passe arrive signifie faut nombre type règle règles cas lors cadre contexte "
    "différent différents différente différentes possible principal principale jeu échecs échec partie personne selon concernant niveau "
    "possibilité existe façon manière dire savoir dois puis pouvez".split()
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a question must agree with another: its plain words in order, numbers, negations, key terms, and its subject's stems."""

    plain: str
    numbers: frozenset[str]
    negations: frozenset[str]
    keys: frozenset[str]
    subject: frozenset[str]
    tokens: frozenset[str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two questions (places in the list, left < right), how alike they are (0..1) and which finder says so."""

    left: int
    right: int
    similarity: float
    how: str


@lru_cache(maxsize=1)
def _keys() -> frozenset[str]:
    return frozenset(stem(word) for word in _KEY_TERMS.split())


@lru_cache(maxsize=1)
def _light() -> frozenset[str]:
    return frozenset(stem(word) for word in _LIGHT)


def read_question(question: str) -> Asked:
    """The parts of one question."""
    found = words(normalise(question))
    text = plain(question)
    stems = frozenset(stem(word) for word in found)
    numbers = set(_CODE.findall(text)) | {
        str(_NUMBER_WORDS[word]) for word in map(fold, found) if word in _NUMBER_WORDS and word != "un"
    }
    return Asked(
        plain=" ".join(fold(word) for word in found),
        numbers=frozenset(numbers),
        negations=frozenset(stem(word) for word in _NEGATIONS.findall(text)),
        keys=stems & _keys(),
        subject=frozenset(stem(word) for word in found if word not in _LIGHT and len(word) > 1) - _light(),
        tokens=frozenset(tokens(question)) or stems,
    )


def ask_the_same(one: Asked, other: Asked, *, same_passage: bool) -> bool:
    """Whether what must agree agrees.

    Over one passage: numbers and negations, and at most one side has subject words of its own. Over different passages: key terms too, and
    the subject words are the same.
    """
    if one.numbers != other.numbers or one.negations != other.negations:
        return False
    if same_passage:
        return one.subject <= other.subject or other.subject <= one.subject
    return one.keys == other.keys and one.subject == other.subject


def exact_pairs(asked: Sequence[Asked]) -> Iterator[Pair]:
    """Each question that repeats an earlier one word for word, with the first of them."""
    first: dict[str, int] = {}
    for place, question in enumerate(asked):
        twin = first.setdefault(question.plain, place)
        if twin != place:
            yield Pair(twin, place, 1.0, EXACT)


def word_pairs(asked: Sequence[Asked], settings: DedupSettings) -> Iterator[Pair]:
    """Pairs that MinHash-LSH (Broder 1997; datasketch) proposes and whose true Jaccard similarity reaches the setting."""
    from datasketch import MinHash, MinHashLSH

    if not asked:
        return
    lsh = MinHashLSH(threshold=settings.jaccard, num_perm=settings.permutations)
    sets = [[token.encode() for token in sorted(question.tokens)] for question in asked]
    hashes = MinHash.bulk(sets, num_perm=settings.permutations, seed=settings.seed + 1)
    for place, minhash in enumerate(hashes):
        for earlier in sorted(lsh.query(minhash)):
            union = len(asked[place].tokens | asked[earlier].tokens)
            jaccard = len(asked[place].tokens & asked[earlier].tokens) / union if union else 0.0
            if jaccard >= settings.jaccard:
                yield Pair(earlier, place, jaccard, WORDS)
        lsh.insert(place, minhash)


def vector_pairs(vectors: Vectors, settings: DedupSettings) -> Iterator[Pair]:
    """Pairs of nearest neighbours whose cosine reaches the lower of the two settings. ``vectors``: (n, d) float32, length 1."""
    from triplette.dense import DenseIndex

    if not len(vectors):
        return
    floor = min(settings.cosine, settings.cosine_same_passage)
    ids, scores = DenseIndex(vectors, seed=settings.seed).top(vectors, settings.neighbours + 1)
    for place in range(len(vectors)):
        for other, score in zip(ids[place].tolist(), scores[place].tolist(), strict=True):
            if other >= 0 and other != place and score >= floor:
                yield Pair(min(place, other), max(place, other), min(score, 1.0), VECTORS)
