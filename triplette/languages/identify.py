"""Which language a text is in, and how much a question is in a given one.

Function words decide, and langid (Lui and Baldwin 2012) only where they do not: it takes 20 microseconds a question and is unsure about short
ones, while function words cost next to nothing once the text is split.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from functools import lru_cache
from typing import Any

import numpy as np

from triplette.arrays import Floats, Ints
from triplette.languages import NAMED, language, written_out

# Frequent words of languages that are often neighbours; a language with a folder brings its own besides.
_MARKERS = {
    "fr": "le la les des du est sont une et dans pour que qui quel quelle quand avec sur pas ce cette aux comment combien peut doit",
    "en": "the of is are was were what how when which who whom does do did can could must should to in for by with and at from where why if",
    "de": "der die das ist sind wie wann welche wer kann muss soll und mit von zu im bei ein eine nicht wenn",
    "es": "el los las es son cuál cuándo qué quién cómo puede debe y con del al una uno por para cuántos",
    "it": "il lo gli è sono quale quando chi come può deve con del della di che una uno per quanti",
}
NEIGHBOURS = ("fr", "en", "es", "de", "it", "pt", "nl")  # langid decides among these and the language asked about
READ = 4000  # characters of a document that are looked at
ENOUGH = 200  # letters from which langid is trusted on a document
PLAINLY, TIMES = 8, 4  # function words of another language in a passage, and how many for one of its document's


@lru_cache(maxsize=64)
def _function_words(code: str) -> tuple[frozenset[str], frozenset[str]]:
    """(words that speak for a language, words that speak against it); what it shares with a neighbour says nothing either way."""
    own = language(code).function_words or frozenset(_MARKERS.get(code, "").split())
    others = frozenset(word for other, words in _MARKERS.items() if other != code for word in words.split())
    everything = language(code).stop_words | own
    return own - others, others - everything


@lru_cache(maxsize=16)
def _identifier(codes: tuple[str, ...]) -> Any:
    from py3langid import langid

    if not codes:
        return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    identifier = copy(_identifier(()))  # its model takes half a second to unpack; choosing languages replaces tables and changes none
    identifier.set_languages(list(codes))
    return identifier


@lru_cache(maxsize=1)
def known_to_langid() -> frozenset[str]:
    """Codes of the languages that langid tells apart."""
    return frozenset(_identifier(()).labels)


def probability(text: str, code: str) -> float:
    """langid's probability that a text is in a language, 0..1, against six neighbours; 1 for a language that it does not know."""
    base = language(code).code
    if base not in NEIGHBOURS and base not in known_to_langid():
        return 1.0
    codes = NEIGHBOURS if base in NEIGHBOURS else (*NEIGHBOURS, base)
    return float(dict(_identifier(codes).rank(text)).get(base, 0.0))


def share(text: str, code: str) -> float:
    """How much a text is in a language, 0..1: 1.0 where it has more of its function words than of its neighbours', else langid's probability."""
    own, others = _function_words(language(code).code)
    found = language(code).words(text)
    ours, theirs = sum(word in own for word in found), sum(word in others for word in found)
    return 1.0 if ours > theirs else probability(text, code)


def shares(texts: Any, codes: Sequence[str], pieces: tuple[Ints, Ints, list[str]]) -> Floats:
    """float64 (n,): ``share`` of each text in its own language. ``texts`` is a sequence or an Arrow array of strings.

    ``pieces`` is what ``similar.split_words`` says of the texts; vectorised but for the few undecided ones.
    """
    row, word, vocabulary = pieces
    bare = [text.strip(".,:/") for text in vocabulary]
    names = np.array(codes, dtype=object)
    found = np.zeros(len(texts))
    for code in sorted(set(codes)):
        own, others = _function_words(language(code).code)
        balance = np.array([(text in own) - (text in others) for text in bare] or [0])
        score = np.bincount(row, balance[word], minlength=len(texts)) if len(word) else np.zeros(len(texts))
        mine = names == code
        found[mine] = score[mine] > 0
        for undecided in np.flatnonzero(mine & (score <= 0)):
            text = texts[int(undecided)]
            plain = text.as_py() if hasattr(text, "as_py") else text
            found[undecided] = probability(plain or "", code)
    return found


def closest(text: str, codes: Sequence[str]) -> str:
    """The one of ``codes`` (a corpus's languages) whose function words a text has most of; langid decides where two have as many."""
    if len(codes) < 2:
        return codes[0] if codes else ""
    counts = []
    for code in codes:
        own, others = _function_words(language(code).code)
        found = language(code).words(text)
        counts.append(sum(word in own for word in found) - sum(word in others for word in found))
    best = max(counts)
    return codes[counts.index(best)] if counts.count(best) == 1 else max(codes, key=lambda code: probability(text, code))


def sure_language(text: str) -> str:
    """The code of a document's language, by langid over its first letters; "" for one too short to be sure of."""
    sample = text[:READ]
    return best_language(sample) if sum(character.isalpha() for character in sample) >= ENOUGH else ""


def identify(texts: Sequence[str]) -> list[str]:
    """The code of each document's language.

    A document too short to be sure of speaks the language of the most (by letters) of the others; where all are short, they are read as one.
    "" for documents without letters.
    """
    found = [sure_language(text) for text in texts]
    weights: Counter[str] = Counter()
    for code, text in zip(found, texts, strict=True):
        if code:
            weights[code] += sum(character.isalpha() for character in text[:READ])
    samples = " ".join(text[:READ] for text in texts)[:READ]
    weights = weights or Counter([best_language(samples)] if any(character.isalpha() for character in samples) else [""])
    most = weights.most_common(1)[0][0]
    return [code or most for code in found]


def best_language(text: str) -> str:
    """langid's first among the languages that have a name here: over all of its own a list of names is easily Occitan."""
    return str(_identifier(tuple(sorted(known_to_langid() & NAMED))).classify(text)[0])


def likely_language(text: str) -> str:
    """``best_language`` of a short text, for less: langid is asked only where no language's function words are ahead."""
    first = _counted(text).most_common(2)
    ahead = bool(first) and (len(first) < 2 or first[0][1] > first[1][1])
    return first[0][0] if ahead else best_language(text)


def other_language(text: str, code: str) -> str:
    """The language of a passage of a document in ``code``: ``code``, unless its function words are plainly another's and langid agrees."""
    counts = _counted(text)
    best, count = counts.most_common(1)[0] if counts else ("", 0)
    if best in ("", code) or count < PLAINLY or count < TIMES * counts[code]:
        return code
    return best if best_language(text) == best else code


def _counted(text: str) -> Counter[str]:
    """How many function words of each language a text has, those that are one language's alone."""
    counts = Counter(_owner_of(word) for word in text.lower().split())
    counts.pop("", None)
    return counts


@lru_cache(maxsize=100_000)
def _owner_of(word: str) -> str:
    """The one language that a word is a function word of, or ""."""
    owners = [
        code for code in (*_MARKERS, *(code for code in written_out() if code not in _MARKERS)) if word in _function_words(code)[0]
    ]
    return owners[0] if len(owners) == 1 else ""
