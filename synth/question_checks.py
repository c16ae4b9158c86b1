"""What a written question must be before it is kept: in its passage's language, a question, on its own feet, in its own words, about its chunk.


Every threshold is a setting. Their defaults were read off the 5,631 questions that a 70B model wrote over federation rules with no such
checks; docs/experiments.md has the figures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from triplette.domain import domain_of
from triplette.languages import Language, language
from triplette.languages.identify import share
from triplette.languages.text import normalise, plain
from triplette.profile import Profile
from triplette.records import Chunk
from triplette.settings.write import WriteSettings

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

    def keep(self, question: str, spoken: Language) -> None:
        """Remember a question."""
        self.everywhere.add(_bare(question, spoken))
        self.in_chunk.append(spoken.shingles(question, 2))

    def has(self, question: str, spoken: Language) -> bool:
        """Whether it was asked already."""
        if _bare(question, spoken) in self.everywhere:
            return True
        own = spoken.shingles(question, 2)
        return any(len(own & other) >= NEAR_DUPLICATE * len(own | other) for other in self.in_chunk if own | other)


def _bare(question: str, spoken: Language) -> str:
    return " ".join(spoken.folded_words(question))


def tidy(question: str, spoken: Language) -> str:
    """The question with plain apostrophes and single spaces, and its question mark as its language sets it."""
    return re.sub(r"\s*\?$", spoken.question_mark, normalise(question))


def fault(question: str, chunk: Chunk, settings: WriteSettings, seen: Seen, profile: Profile) -> tuple[str, str]:
    """(reason, detail) of the first check that the question fails, or ("", "")."""
    spoken = language(chunk.language)
    length = len(spoken.words(question))
    told = f"{chunk.title} {chunk.text}"
    if not question.endswith("?"):
        return "not_a_question", "does not end with a question mark"
    if _NOT_PLAIN.search(question):
        return "not_plain", "holds a link, markup, or characters that are not text"
    if not settings.min_words <= length <= settings.max_words:
        return "length", f"{length} words, outside {settings.min_words} to {settings.max_words}"
    if (told_in := share(question, chunk.language)) < settings.min_language_share:
        return "other_language", f"{spoken.name} {told_in:.2f}, under {settings.min_language_share:g}"
    if outside := spoken.points_outside(plain(question), domain_of(profile).patterns(chunk.language)):
        return "not_standalone", f"points outside its passage: {outside!r}"
    if (about := spoken.overlap(question, told)) < settings.min_overlap:
        return "off_topic", f"shares {about:.2f} of its words with the passage, under {settings.min_overlap:g}"
    run = spoken.longest_copied_run(question, chunk.text)
    if run > settings.max_copied_words:
        return "copied", f"{run} words in a row are the passage's, over {settings.max_copied_words}"
    if seen.has(question, spoken):
        return "duplicate", "asked already"
    return "", ""
