"""French as a first-class language: normalisation, tokens for ranking, sentences, language test.

Ranking tokens: NFKC, lower case, ligatures opened, elision cut (l'arbitre -> arbitre), inverted pronouns cut
(doit-il -> doit), stop words dropped, accents folded, Snowball French stems. Article and paragraph numbers (7.5.1) stay
whole, because arbiters search by them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

_PLAIN = {"œ": "oe", "Œ": "Oe", "æ": "ae", "Æ": "Ae", "’": "'", "‘": "'", "ʼ": "'", "‐": "-", "‑": "-", "\u00ad": ""}
_NUMBER = r"\d+(?:[.,:/]\d+)*(?:er|ère|e|ème)?%?"
_WORD = re.compile(rf"{_NUMBER}|[a-zàâäçéèêëîïôöùûüÿñ]+(?:['-][a-zàâäçéèêëîïôöùûüÿñ0-9]+)*|[a-z]+\d+|\d+[a-z]+", re.IGNORECASE)
_ELISION = re.compile(r"^(?:l|d|j|m|t|s|n|c|qu|jusqu|lorsqu|puisqu|quoiqu)'(?=.)")
_INVERSION = re.compile(r"-(?:t-)?(?:il|ils|elle|elles|on|je|tu|nous|vous|ce|ci|là|y|en|le|la|les|lui|leur|moi|toi)$")
_KEEP_WHOLE = {"aujourd'hui", "quelqu'un", "rendez-vous", "demi-point"}
# A full stop ends a sentence unless a lower-case letter or a digit follows, or it closes a known abbreviation.
_SENTENCE_END = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][»\"”)\]])|(?<=[.!?…]\s»))\s+(?=(?:[«\"“(\[]\s?)?[A-ZÀÂÇÉÈÊËÎÏÔÖÙÛÜŒ0-9*-])")
_BARE_NUMBER = re.compile(r"(?:[A-Z]\.?)?\d+(?:\.\d+)*\.?")
_ABBREVIATION = re.compile(r"(?:\b(?:art|cf|ex|etc|p|pp|M|MM|Mme|n|no|chap|al|env|max|min|réf|vol|St|Dr)|\b[A-Z])\.$")

STOP_WORDS = frozenset(
    """
    a à ai aie aient ait as au aux avait avec avoir c ça car ce ceci cela celle celles celui ces cet cette ceux chaque ci comme
    comment d dans de des donc dont du elle elles en entre es est et étaient était étant été être eu eux fait faut il ils
    j je l la là le les leur leurs lorsque lui m ma mais me même mes moi mon n ne ni nos notre nous on ont ou où par pas pour
    pourquoi pourra peut peuvent plus puis qu quand que quel quelle quelles quels qui quoi s sa sans se sera ses si
    son sont sous sur t ta te tel telle tes toi ton tous tout toute toutes tu un une vos votre vous y combien doit doivent
    aussi ainsi alors afin soit soient cas
    """.split()
)


def normalise(text: str) -> str:
    """NFKC, typographic apostrophes and hyphens made plain, soft hyphens removed, spaces joined."""
    text = unicodedata.normalize("NFKC", text)
    if not text.isascii():
        for character, plain in _PLAIN.items():  # faster than one translation: most texts have none or one of them
            if character in text:
                text = text.replace(character, plain)
    return " ".join(text.split())


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


_FOLDED = _without_accents(bytes(range(256)).decode("latin-1")).encode("latin-1")  # a byte for each: Latin-1 has no combining mark


def fold(text: str) -> str:
    """``text`` without its accents: "échec" -> "echec"."""
    if text.isascii():
        return text
    try:  # as bytes at once, twenty times faster than letter by letter
        return text.encode("latin-1").translate(_FOLDED).decode("latin-1")
    except UnicodeEncodeError:
        return _without_accents(text)


def words(text: str) -> list[str]:
    """Lower-case words and numbers in order, elision and inverted pronouns cut; stop words are kept."""
    found: list[str] = []
    for word in _WORD.findall(normalise(text).lower()):
        if "'" not in word and "-" not in word:  # nearly all
            found.append(word)
            continue
        if word not in _KEEP_WHOLE:
            word = _INVERSION.sub("", _ELISION.sub("", word))
        found.extend(part for part in word.split("'") if part)
    return found


def tokens(text: str) -> list[str]:
    """Ranking tokens: stop words dropped, accents folded, stems; compound words give the whole and the parts."""
    found = []
    for word in words(text):
        if word in STOP_WORDS:
            continue
        found.append(stem(word))
        if "-" in word:
            found.extend(stem(part) for part in word.split("-") if part and part not in STOP_WORDS)
    return found


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The Snowball French stem, without accents; numbers are kept as they are."""
    return word if word[0].isdigit() else fold(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("french")


def sentences(text: str) -> list[str]:
    """Sentences of ``text``; abbreviations (art., M., cf.) do not end one, nor does the number that opens an article ("4.3.")."""
    found: list[str] = []
    for part in _SENTENCE_END.split(text):
        if found and (_ABBREVIATION.search(found[-1]) or _BARE_NUMBER.fullmatch(found[-1])):
            found[-1] = f"{found[-1]} {part}"
        elif part.strip():
            found.append(part.strip())
    return found


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid import langid

    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    identifier.set_languages(["fr", "en", "es", "de", "it", "pt", "nl"])
    return identifier


def french_probability(text: str) -> float:
    """How French a text is, 0..1, against six neighbouring languages (langid, Lui and Baldwin 2012)."""
    return float(dict(_identifier().rank(text)).get("fr", 0.0))


def folded_words(text: str) -> list[str]:
    """``words`` without their accents."""
    return fold(" ".join(words(text))).split()


def shingles(text: str, size: int = 3) -> frozenset[str]:
    """The set of runs of ``size`` folded words: what near-duplicate tests compare."""
    plain = folded_words(text)
    if len(plain) < size:
        return frozenset([" ".join(plain)] if plain else [])
    return frozenset(" ".join(plain[i : i + size]) for i in range(len(plain) - size + 1))


def longest_copied_run(question: str, passage: str) -> int:
    """Words of the longest run of ``question`` found word for word in ``passage`` (accents apart).

    Runs are carried along from word to word by their place in the passage, so the work is the number of equal word pairs and not the
    product of the lengths; a passage's places are kept for its next question.
    """
    places = _places(passage)
    best = 0
    runs: dict[int, int] = {}
    for word in words(question):
        runs = {place: runs.get(place - 1, 0) + 1 for place in places.get(fold(word), ())}
        best = max(best, *runs.values()) if runs else best
    return best


@lru_cache(maxsize=4096)
def _places(passage: str) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for place, word in enumerate(words(passage)):
        found.setdefault(fold(word), []).append(place)
    return {word: tuple(numbers) for word, numbers in found.items()}


def overlap(question: str, passage: str) -> float:
    """Share of the question's distinct ranking tokens that the passage has, 0..1 (0 for an empty question)."""
    asked: set[str] = set(tokens(question))
    return len(asked & set(tokens(passage))) / len(asked) if asked else 0.0


def vocabulary(texts: Iterable[str]) -> dict[str, int]:
    """Number of texts each ranking token occurs in."""
    counts: dict[str, int] = {}
    for text in texts:
        for token in set(tokens(text)):
            counts[token] = counts.get(token, 0) + 1
    return counts


def plain(text: str) -> str:
    """``text`` as the patterns want it: normalised, lower case, without accents."""
    return fold(normalise(text).lower())
