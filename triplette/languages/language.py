"""A language: how its words are cut, stemmed and counted, where its sentences end, and what its questions look like.

Everything that the stages ask of a language is a field or a method here; ``triplette/languages/<code>/`` fills it in. What a language does not
have is None or empty, and ``lacks`` says so in words.

Ranking tokens: NFKC, lower case, ligatures opened, elision cut, stop words dropped, stems, accents folded. Numbers such as 7.5.1 stay whole,
because people search by them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from typing import Any

from triplette.languages.documents import DocumentWords
from triplette.languages.patterns import Asking, Patterns, found
from triplette.languages.prompting import ENGLISH_PROMPTS, Prompting
from triplette.languages.text import fold, normalise

NUMBER = r"\d+(?:[.,:/]\d+)*%?"
# letters of any script with the marks that Indic and Arabic scripts write on them, which are no \w
_MARK = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0981-\u0983\u09bc-\u09cd\u0a01-\u0a03\u0a3c-\u0a4d"
_MARK += "\u0abc-\u0acd\u0b3c-\u0b4d\u0bbe-\u0bcd\u0c3e-\u0c4d\u0cbc-\u0ccd\u0d3e-\u0d4d\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
_LETTERS = rf"[^\W\d_](?:[^\W\d_]|[{_MARK}])*"
ANY_WORD = re.compile(rf"{NUMBER}(?!\w)|{_LETTERS}(?:['-](?:[^\W_]|[{_MARK}])+)*\d*|\d+[^\W\d_]+|{NUMBER}")
# A full stop ends a sentence unless a lower-case letter follows, or it closes a known abbreviation or stands alone after a number.
ANY_SENTENCE_END = re.compile(
    r"(?:(?<=[.!?…])|(?<=[.!?…][»\"”’)\]])|(?<=[.!?…]\s»))\s+(?=[¿¡«\"“„'(\[]*\s?[^\Wa-zà-öø-ÿ_])|(?<=[。！？।])\s*(?=\S)"
)
ANTECEDENT_WORDS = 7  # words before a demonstrative that are enough to have said what it points at
BARE_NUMBER = re.compile(r"(?:[A-Z]\.?)?\d+(?:\.\d+)*\.?")
ANY_ABBREVIATION = re.compile(r"\b[A-Z]\.$")
_UNPARTED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # Thai, Lao, Burmese, Khmer, kana, Han


def _whole(word: str) -> str:
    return word


@dataclass(frozen=True, eq=False)
class Language:
    """One language. ``code`` is ISO 639-1 and ``name`` English.

    ``word`` finds lower-case words in normalised text, ``clip`` takes off a word with an apostrophe or a hyphen what is no part of it
    (elision, inverted pronouns, a possessive); apostrophes left over part words. ``stemmer`` is Snowball's name for it, or "".
    ``function_words`` tell the language from its neighbours; ``stop_words`` carry no meaning for ranking and are dropped.
    ``question_mark`` is how a question ends, with the space before it where the language has one. ``patterns`` and ``asking`` tell questions
    apart, ``documents`` are the words that documents are built with; None where nobody wrote them. ``prompting`` are words of
    prompts, English's where a language has no prompts of its own. ``rules`` is the module of the built-in
    question writer, with ``write_questions(chunks, profile) -> (questions, rejections)``, which reads each chunk alone, or "".
    """

    code: str
    name: str
    stop_words: frozenset[str] = frozenset()
    function_words: frozenset[str] = frozenset()
    word: re.Pattern[str] = ANY_WORD
    clip: Callable[[str], str] = _whole
    stemmer: str = ""
    sentence_end: re.Pattern[str] = ANY_SENTENCE_END
    abbreviation: re.Pattern[str] = ANY_ABBREVIATION
    question_mark: str = "?"
    patterns: Patterns | None = None
    asking: Asking | None = None
    documents: DocumentWords | None = None
    prompting: Prompting = ENGLISH_PROMPTS
    rules: str = ""
    lacks: tuple[str, ...] = field(default=())

    def words(self, text: str) -> list[str]:
        """Lower-case words and numbers in order, elision cut; stop words are kept."""
        found: list[str] = []
        for word in self.word.findall(normalise(text).lower()):
            if "'" not in word and "-" not in word:  # nearly all
                if word.isascii() or not _UNPARTED.match(word):
                    found.append(word)
                else:  # no spaces between words: pairs of characters stand for them
                    found.extend(word[i : i + 2] for i in range(max(len(word) - 1, 1)))
                continue
            found.extend(part for part in self.clip(word).split("'") if part)
        return found

    def folded_words(self, text: str) -> list[str]:
        """``words`` without their accents."""
        return fold(" ".join(self.words(text))).split()

    def __getstate__(self) -> dict[str, Any]:
        """For another process: the fields, not what was built of them (stems are found through a cache that cannot be sent)."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def tokens(self, text: str) -> list[str]:
        """Ranking tokens: stop words dropped, stems, accents folded; compound words give the whole and the parts."""
        found = []
        stop_words, stem = self.stop_words, self.stem
        for word in self.words(text):
            if word in stop_words:
                continue
            found.append(stem(word))
            if "-" in word:
                found.extend(stem(part) for part in word.split("-") if part and part not in stop_words)
        return found

    @cached_property
    def stem(self) -> Callable[[str], str]:
        """word -> its Snowball stem without accents (the folded word where there is no stemmer); numbers are kept as they are."""
        stem_of: Callable[[str], str] = _whole

        if self.stemmer:
            import snowballstemmer

            stem_of = snowballstemmer.stemmer(self.stemmer).stemWord

        @lru_cache(maxsize=200_000)
        def stem(word: str) -> str:
            return word if word[0].isdigit() else fold(stem_of(word))

        return stem

    def sentences(self, text: str) -> list[str]:
        """Sentences of ``text``; abbreviations do not end one, nor does the number that opens an article ("4.3.")."""
        found: list[str] = []
        for part in self.sentence_end.split(text):
            if found and (self.abbreviation.search(found[-1]) or BARE_NUMBER.fullmatch(found[-1])):
                found[-1] = f"{found[-1]} {part}"
            elif part.strip():
                found.append(part.strip())
        return found

    def shingles(self, text: str, size: int = 3) -> frozenset[str]:
        """The set of runs of ``size`` folded words: what near-duplicate tests compare."""
        bare = self.folded_words(text)
        if len(bare) < size:
            return frozenset([" ".join(bare)] if bare else [])
        return frozenset(" ".join(bare[i : i + size]) for i in range(len(bare) - size + 1))

    def longest_copied_run(self, question: str, passage: str) -> int:
        """Words of the longest run of ``question`` found word for word in ``passage`` (accents apart).

        Runs are carried along from word to word by their place in the passage, so the work is the number of equal word pairs and not the
        product of the lengths; a passage's places are kept for its next question.
        """
        places = _places(self, passage)
        best = 0
        runs: dict[int, int] = {}
        for word in self.words(question):
            runs = {place: runs.get(place - 1, 0) + 1 for place in places.get(fold(word), ())}
            best = max(best, *runs.values()) if runs else best
        return best

    def points_outside(self, text: str, patterns: Patterns | None = None) -> str:
        """What in a plain question points outside itself, at its passage or document; "" where nothing does or nobody wrote the patterns.

        A demonstrative does so too whose noun was not named before it, where little else was said. ``patterns`` take the place of the
        language's own: its with a profile's.
        """
        patterns = patterns or self.patterns
        return found(patterns.leaning, text) or self._dangling(patterns, text) if patterns else ""

    def _dangling(self, patterns: Patterns, text: str) -> str:
        for match in patterns.pointing.finditer(text):
            before = self.words(text[: match.start()])
            named = self.stem(match.group(1)) in {self.stem(word) for word in before}
            if not named and (len(before) < ANTECEDENT_WORDS or match.group(1) in patterns.events):
                return match.group().strip()
        return ""

    def overlap(self, question: str, passage: str) -> float:
        """Share of the question's distinct ranking tokens that the passage has, 0..1 (0 for an empty question)."""
        asked: set[str] = set(self.tokens(question))
        return len(asked & set(self.tokens(passage))) / len(asked) if asked else 0.0


@lru_cache(maxsize=4096)
def _places(language: Language, passage: str) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for place, word in enumerate(language.words(passage)):
        found.setdefault(fold(word), []).append(place)
    return {word: tuple(numbers) for word, numbers in found.items()}
