"""What a written question must be before it is kept: French, a question, on its own feet, in its own words, about its chunk.


Every threshold is a setting. Their defaults were read off the 5,631 questions that a 70B model wrote over federation rules with no such
checks; docs/experiments.md has the figures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from triplette.french import fold, folded_words, french_probability, longest_copied_run, normalise, overlap, shingles, words
from triplette.profile import Profile
from triplette.records import Chunk
from triplette.settings.write import WriteSettings

_NOUN = "(?:texte|passage|extrait|document|article|paragraphe|section|chapitre|annexe|alinea|tableau|grille|liste)[sx]?"
_LEANING = (
    rf"\b(?:ce|cet|cette|ces)\s+(?:present\w*\s+)?{_NOUN}\b",
    rf"\b(?:du|au|le|la|les|l')\s*present(?:e|s|es)?\s+(?:reglement|{_NOUN})\b",
    # "l'article 7.5", "les annexes du règlement" name their thing
    rf"\b(?:selon|d'apres|dans|suivant)\s+(?:le|la|l'|les)\s*{_NOUN}\b(?!\s+(?:[a-z]?\.?\d|d['eu]|des\b|offic))",
    # "le document" alone points at something; "le document d'identité" is a thing of its own
    r"\b(?:le|du|au)\s+(?:document|texte)\b(?!\s+(?:d['e]|du\b|des\b|offic|qui\b|que\b|a\s))",
    r"\b(?:le|du|au)\s+passage\s*(?:\?|,|dit|parle|indique|mentionne|precise)",
    r"\bl'extrait\b(?!\s+d)",
    r"\bci-(?:dessus|dessous|apres|avant|joint\w*)\b",
    r"\b(?:mentionn|cit|decrit|indiqu|evoqu)\w*\s+(?:ici|plus haut|plus bas)\b",
)
_LEANS = re.compile("|".join(_LEANING))
# links, markup, control characters (a terminal obeys them), invisible and direction-changing ones (a reader cannot see them)
_NOT_PLAIN = re.compile(
    r"https?://|www\.|[`{}<>|]|\*\*|^\s*[-*#]|=====|[\x00-\x1f\x7f-\x9f]|[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
NEAR_DUPLICATE = 0.6  # Jaccard of word bigrams within one chunk


@dataclass(slots=True)
class Seen:
    """The questions kept so far, for duplicates: over the run word for word, within the chunk nearly."""

    everywhere: set[str] = field(default_factory=set)
    in_chunk: list[frozenset[str]] = field(default_factory=list)

    def next_chunk(self) -> None:
        """Forget the near-duplicates of the chunk before."""
        self.in_chunk = []

    def keep(self, question: str) -> None:
        """Remember a question."""
        self.everywhere.add(_plain(question))
        self.in_chunk.append(shingles(question, 2))

    def has(self, question: str) -> bool:
        """Whether it was asked already."""
        if _plain(question) in self.everywhere:
            return True
        own = shingles(question, 2)
        return any(len(own & other) >= NEAR_DUPLICATE * len(own | other) for other in self.in_chunk if own | other)


def _plain(question: str) -> str:
    return " ".join(folded_words(question))


def tidy(question: str) -> str:
    """The question with plain apostrophes and single spaces, one before its question mark."""
    text = " ".join(normalise(question).split())
    return re.sub(r"\s*\?$", " ?", text)


def fault(question: str, chunk: Chunk, settings: WriteSettings, seen: Seen, profile: Profile) -> tuple[str, str]:
    """(reason, detail) of the first check that the question fails, or ("", "")."""
    length = len(words(question))
    told = f"{chunk.title} {chunk.text}"
    if not question.endswith("?"):
        return "not_a_question", "does not end with a question mark"
    if _NOT_PLAIN.search(question):
        return "not_plain", "holds a link, markup, or characters that are not text"
    if not settings.min_words <= length <= settings.max_words:
        return "length", f"{length} words, outside {settings.min_words} to {settings.max_words}"
    if (french := french_probability(question)) < settings.min_french:
        return "not_french", f"French {french:.2f}, under {settings.min_french:g}"
    if leaning := _LEANS.search(fold(normalise(question).lower())):
        return "not_standalone", f"leans on the text: {leaning.group()!r}"
    if said := next(
        (phrase for phrase in profile.this_document if _plain(phrase) and f" {_plain(phrase)} " in f" {_plain(question)} "), ""
    ):
        return "not_standalone", f"leans on the text: {said!r}"
    if (about := overlap(question, told)) < settings.min_overlap:
        return "off_topic", f"shares {about:.2f} of its words with the passage, under {settings.min_overlap:g}"
    run = longest_copied_run(question, chunk.text)
    if run > settings.max_copied_words:
        return "copied", f"{run} words in a row are the passage's, over {settings.max_copied_words}"
    if seen.has(question):
        return "duplicate", "asked already"
    return "", ""
