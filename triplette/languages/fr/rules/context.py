"""The setting that a question must name to stand alone: which competition, which service, which kind of case.

"Combien de points vaut un match gagné ?" has another answer in every competition. The setting comes from the heading path, and only where the
profile says how to name it in a sentence. A title is said as it is written: whoever issued it is not added.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from triplette.languages.fr.rules.grammar import lower_first, upper_first
from triplette.languages.fr.rules.vocabulary import words_in_force
from triplette.languages.fr.rules.wording import share
from triplette.languages.text import fold
from triplette.profile import Setting
from triplette.records import Chunk


class Context(NamedTuple):
    """How a question names its setting, the pattern of words that name it already, and the bare noun in whose place it can stand."""

    phrase: str = ""
    named: str = ""
    noun: str = ""


def context_of(chunk: Chunk) -> Context:
    """The setting of a chunk that every question names; empty when there is none to name."""
    return _first(chunk, "title", weak=False) or _first(chunk, "path", weak=False) or Context()


def weak_context_of(chunk: Chunk) -> Context:
    """The setting that a question with few words of its own takes besides."""
    return _first(chunk, "title", weak=True) or _first(chunk, "path", weak=True) or Context()


def stage_of(chunk: Chunk) -> Context:
    """The stage that an inner heading names."""
    return _first(chunk, "stage", weak=False) or Context()


def _first(chunk: Chunk, part: str, *, weak: bool) -> Context | None:
    settings = [s for s in words_in_force().profile.settings if s.part == part and s.weak == weak]
    if not settings:
        return None
    for heading in _headings(chunk, part):
        for setting in settings:
            if re.search(setting.pattern, heading, 0 if part == "path" else re.IGNORECASE):
                return _said(setting, heading)
    return None


def _headings(chunk: Chunk, part: str) -> list[str]:
    """What the patterns of a part are for: the outermost heading, the whole path folded, or the inner headings without their numbers."""
    if part == "path":
        return [fold(chunk.title).lower()]
    outermost, *inner = chunk.title.split(" > ")
    if part == "title":
        return [_OWN_NAME.sub("", small(outermost.strip()))]
    return [_STAGE_NUMBER.sub("", heading.strip()) for heading in inner]


_OWN_NAME = re.compile(r"(?:\s:)?\srèglement$", re.IGNORECASE)  # "Coupe de France : règlement" is about the cup
_STAGE_NUMBER = re.compile(r"^[\d.]+(?:[a-z]\))?\s*[-–.]?\s*")


def _said(setting: Setting, heading: str) -> Context:
    name = {"all": heading.lower(), "first": lower_first(heading)}.get(setting.case, heading)
    return Context(setting.phrase.replace("{}", name), setting.named or re.escape(heading[: setting.letters]), setting.noun)


def small(title: str) -> str:
    """A title in capitals written small, names apart: "COUPE DE FRANCE" -> "Coupe de France". Any other title is as it was."""
    letters = [c for c in title if c.isalpha()]
    if not letters or sum(c.isupper() for c in letters) < 0.7 * len(letters):
        return title
    return upper_first(" ".join("-".join(_small_word(part.lower()) for part in word.split("-")) for word in title.split()))


def _small_word(word: str) -> str:
    """A small word: a name with its capital, else with the accents that capitals left out."""
    known = words_in_force().names.get(fold(word))
    if known is None:
        return accented(word)
    return word.upper() if known.isupper() else word.capitalize()


def accented(word: str) -> str:
    """A small word with the accents that its capitals left out, where a list knows them."""
    return words_in_force().accented.get(word, word)


# "avant le début du championnat ?": the place where the setting's own name belongs
_BARE = (
    r"\b([Ll]e|[Dd]u|[Aa]u)\s(?i:{noun})(?=\s\?|,|\s(?:à|au|aux|en|est|pour|après|par|sur|dans|sous|impliquant|se)\b|\s\w+-"
    r"|\s(?:l'|la\s|les?\s(?!plus)))"
)


def placed(text: str, context: Context, seed: str) -> str:
    """The question with its setting before or after it, or in it, unless it names that already."""
    phrase, present, noun = context
    if not phrase or re.search(present, text, re.IGNORECASE):
        return text
    if noun:
        bare_noun = re.compile(_BARE.replace("{noun}", re.escape(noun)))
        named, found = bare_noun.subn(lambda m: f"{m.group(1)} {phrase.partition(' ')[2]}", text, count=1)
        if found:
            return named
    bare = text.rstrip(" ?")
    if len(bare.split()) <= 12 and share(seed + text) < 0.5 and " : " not in bare:
        return f"{bare} {phrase} ?"
    return f"{phrase[:1].upper()}{phrase[1:]}, {lower_first(bare)} ?"
