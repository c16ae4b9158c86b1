"""The words in force: French's own and those of the profile that a corpus is written over with.

Every pattern asks for some of them (who can act, what is counted, which things a bare name names), so they are a context variable, set once
for a corpus by ``using``, and not a parameter of sixty functions. Outside of it they are French's alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, lru_cache

from triplette.languages.fr import stem
from triplette.languages.fr.rules import lexicon
from triplette.languages.text import fold
from triplette.profile import Persona, Profile

ANYONE = "personne"  # whom rules are about where no profile says
_SLOT = re.compile(r"<(persons|units|recipients|anyone)>")
RECIPIENTS = ("à la direction", "à la commission", "au président", "au directeur", "au comité")


class Vocabulary:
    """French's words with a profile's; patterns are built once."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        own = profile.words
        self.persons = lexicon.PERSONS | set(own.persons)
        self.generic_stems = frozenset(stem(word) for word in lexicon.GENERIC | set(own.generic))
        self.things = lexicon.KNOWN_THINGS | set(own.things)
        self.masculine = lexicon.MASCULINE | set(own.masculine)
        self.feminine = lexicon.FEMININE | set(own.feminine)
        self.feminine_folded = frozenset(fold(word) for word in self.feminine)
        self.sanctions = (*lexicon.SANCTIONS, *own.sanctions)
        self.sanctioned = frozenset(own.sanctioned) or self.persons
        self.anyone = own.anyone or ANYONE
        self.many = frozenset(own.many)
        self.accented = {fold(word): word for word in (*lexicon.ACCENTED, *own.accented)}
        self._patterns: dict[str, re.Pattern[str]] = {}
        self.names = {fold(word).lower(): word for text in (*own.names, *profile.terms) for word in text.split()}

    def pattern(self, template: str) -> re.Pattern[str]:
        """A template with its ``<persons>``, ``<units>``, ``<recipients>`` and ``<anyone>`` as alternatives, compiled once."""
        if template not in self._patterns:
            self._patterns[template] = re.compile(_SLOT.sub(lambda slot: self._alternatives[slot.group(1)], template))
        return self._patterns[template]

    @cached_property
    def _alternatives(self) -> dict[str, str]:
        own = self.profile.words
        return {
            "persons": "|".join(re.escape(word) for word in sorted(self.persons)),
            "units": "|".join((*lexicon.UNITS.split(), *own.units)),
            "recipients": "|".join(re.escape(text) for text in (*RECIPIENTS, *own.recipients)),
            "anyone": re.escape(self.anyone),
        }

    @cached_property
    def synonyms(self) -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
        """The domain's first: they say more than the language's."""
        own = tuple((pattern, tuple(forms)) for pattern, *forms in self.profile.words.synonyms)
        return tuple((re.compile(pattern), forms) for pattern, forms in (*own, *lexicon.SYNONYMS))

    @cached_property
    def refused(self) -> tuple[re.Pattern[str], ...]:
        """Wordings of the domain that nobody would say."""
        return tuple(re.compile(pattern) for pattern in self.profile.words.refused)

    @cached_property
    def asker(self) -> str:
        """The persona that says "I" without saying who it is, or ""."""
        return next((p.name for p in self.profile.personas if p.says_i and not p.introduced), "")

    def speaker(self, noun: str) -> Persona | None:
        """The persona that says "I" in the place of ``noun``."""
        return next((p for p in self.profile.personas if noun.lower() in p.says_i), None)


_IN_FORCE: ContextVar[Vocabulary | None] = ContextVar("vocabulary", default=None)


@lru_cache(maxsize=16)
def vocabulary_of(profile: Profile) -> Vocabulary:
    """The vocabulary of a profile, built once."""
    return Vocabulary(profile)


@lru_cache(maxsize=1)
def _plain() -> Vocabulary:
    return Vocabulary(Profile(language="fr"))


def words_in_force() -> Vocabulary:
    """The vocabulary that ``using`` set, else French's own."""
    return _IN_FORCE.get() or _plain()


@contextmanager
def using(profile: Profile) -> Iterator[Vocabulary]:
    """Write with a profile's words inside the block."""
    token = _IN_FORCE.set(vocabulary_of(profile))
    try:
        yield vocabulary_of(profile)
    finally:
        _IN_FORCE.reset(token)
