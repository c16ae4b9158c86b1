"""What the rules judge knows of the domain: the language's patterns with those of the run's profile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache

from triplette.curate.judge import patterns
from triplette.french import plain, tokens
from triplette.profile import Profile


class Domain:
    """Patterns for plain text (small letters, no accents), each the language's own and the profile's. Built once a profile."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile or Profile(language="fr")

    @cached_property
    def leaning(self) -> re.Pattern[str]:
        """Points at the passage: the language's forms, and the phrases that mean this very document."""
        return _joined(patterns.LEANING, (rf"\b{re.escape(plain(phrase))}\b" for phrase in self.profile.this_document))

    @cached_property
    def example(self) -> re.Pattern[str]:
        """One worked example."""
        return _joined(patterns.EXAMPLE, self.profile.judge.example)

    @cached_property
    def cell(self) -> re.Pattern[str]:
        """What only a grid is asked for."""
        return _joined(patterns.CELL, self.profile.judge.cell)

    @cached_property
    def about(self) -> re.Pattern[str]:
        """The document instead of the rule that it states."""
        return _joined(patterns.ABOUT, self.profile.judge.about)

    @cached_property
    def how_many(self) -> re.Pattern[str]:
        """Asks for a number."""
        return _joined(patterns.HOW_MANY, (rf"{patterns.WHAT_IS}(?:{noun})\b" for noun in self.profile.judge.counted))

    @cached_property
    def events(self) -> frozenset[str]:
        """Nouns that a demonstrative points at from outside, however much was said before."""
        return patterns.EVENTS | set(self.profile.judge.events)

    @cached_property
    def asking(self) -> frozenset[str]:
        """Tokens that nearly every question of the domain has."""
        return frozenset(tokens(" ".join(self.profile.judge.asking)))


@lru_cache(maxsize=1)
def no_domain() -> Domain:
    """The language's patterns alone."""
    return Domain()


def _joined(base: re.Pattern[str], more: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join((base.pattern, *more)))
