"""Which pairs of questions ask the same: equal ones, near-duplicates by their words, and nearest vectors, checked for what must agree.

Similar is not the same: "2 minutes" and "3 minutes", "rapide" and "blitz", "peut" and "ne peut pas" differ in one word of ten. A pair that any
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

from triplette.french import STOP_WORDS, fold, normalise, plain, stem, words
from triplette.settings.dedup import DedupSettings
from triplette.similar import every_near_duplicate, question_keys, word_sets

if TYPE_CHECKING:
    from triplette.ranking.encoder import Vectors

EXACT, WORDS, VECTORS = "the same words", "nearly the same words", "near vectors"
# Alternatives: a word of one group on one side only makes another question.
_KEY_TERMS = """
    rapide blitz lent lente standard classique fischer ligne hybride
    blanc noir
    premier première deuxième second seconde troisième quatrième dernier dernière suivant précédent prochain
    avant après pendant debut fin
    minimum maximum minimal maximal moins plus
    féminin masculin mixte jeune vétéran scolaire
    départemental régional national international ligue fédération
    individuel équipe
    roi dame tour fou cavalier pion
    gagner perdre nul nulle
    président vice-président trésorier secrétaire arbitre capitaine joueur organisateur directeur délégué
    petit grand
    mineur majeur
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
# What is asked for, first match first; different ways of asking for one thing have one name.
_CONSEQUENCE = (
    r"que se passe|qu'arrive|qu'est-ce qu(?:i|'il) (?:se passe|arrive|peut arriver)|que risque|c'est quoi la sanction"
    r"|quel\w* (?:est|sont|serai\w+) (?:la|les|l')\s*(?:\w+ )?(?:consequence|sanction|penalite)|quelles? (?:consequence|sanction|penalite)"
)
_HOW_LONG = (
    r"combien de (?:temps|jours|minutes|mois|semaines|heures|secondes)"
    r"|quel\w* (?:est|sont) (?:le|la|les) (?:\w+ )?(?:delai|duree)|quel(?:le)? (?:delai|duree)"
)
_WHEN = r"\bquand\b|a quel moment|quel\w* (?:est|sont) (?:la|les) dates?|a quelle (?:date|heure)|a partir de quelle date|quelle date"
_WHO = (
    r"(?<!qu'est-ce )(?<!ce )(?:^|[ ,])(?:a |par |de |avec |pour |chez |aupres de )?qui (?!se passe)"
    r"|quel(?:le)? (?:instance|organe|commission|personne)"
)
_WHICH = (
    r"quel(?:le)?s? (?:(?:est|sont|etait|serait) )?(?:(?:le|la|les|l')\s*)?"
    r"(?:(?:seule?s?|principale?s?|differente?s?|autres?) )?(?P<noun>\w+)"
)
_WHAT = r"qu'est-ce qu|c'est quoi|que signifie|que veut dire|\bque (?:doit|doivent|dois|faut|fait|peut|peuvent)"
_ASKED_FOR = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("consequence", _CONSEQUENCE),
        ("how long", _HOW_LONG),
        ("share", r"pourcentage|quelle part\b|quelle proportion"),
        ("how many", r"combien|quel\w* (?:est|sont|etait) le nombre|quel nombre"),
        ("when", _WHEN),
        ("why", r"pourquoi|pour quelles? raisons?|quelles? (?:est|sont) (?:la|les) raisons?"),
        ("who", _WHO),
        ("how", r"comment|de quelle (?:maniere|facon)|quel\w* (?:est|sont) la (?:procedure|methode|demarche)"),
        ("where", r"(?:^|[ ,]|d'|jusqu')ou (?:est|se|puis|peut|doit|trouve|sont|les?|la|l'|faut|dois|s'|a lieu)"),
        ("which", _WHICH),
        ("what", _WHAT),
        ("whether", ""),
    )
)
_LIGHT = STOP_WORDS | set(
    "quel quelle quels quelles doit-on peut-on faire fait passe-t-il passe arrive signifie faut nombre type règle règles cas lors cadre contexte "
    "différent différents différente différentes possible principal principale jeu échecs échec partie personne selon concernant niveau "
    "possibilité existe conséquence sanction pénalité façon manière dire savoir dois puis pouvez".split()
)


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
        asks=asked_for(text),
        numbers=frozenset(numbers),
        negations=frozenset(stem(word) for word in _NEGATIONS.findall(text)),
        keys=stems & _keys(),
        subject=frozenset(stem(word) for word in found if word not in _LIGHT and len(word) > 1) - _light(),
    )


def asked_for(text: str) -> str:
    """What a plain question asks for: ``who``, ``when``, ``how many`` ..., or ``which`` with the stem of the noun that follows."""
    for name, pattern in _ASKED_FOR:
        match = pattern.search(text)
        if match:
            return f"{name} {stem(match.group('noun'))}" if name == "which" else name
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


def word_pairs(questions: Sequence[str], settings: DedupSettings) -> Iterator[Pair]:
    """Every pair whose words have a Jaccard similarity of at least the setting."""
    if not questions:
        return
    for left, right, similarity in zip(*every_near_duplicate(word_sets(questions), settings.jaccard), strict=True):
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
