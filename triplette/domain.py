"""What the writer's checks and the judge know of the domain: each language's patterns, and with those of the profile's language the profile's own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from triplette.languages import language
from triplette.languages.patterns import Asking, Patterns
from triplette.languages.text import plain
from triplette.profile.shape import Profile


class Domain:
    """Patterns for plain text (small letters, no accents), each the language's own and the profile's. Built once a profile and language."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile
        self._patterns: dict[str, Patterns] = {}
        self._asking: dict[str, frozenset[str]] = {}
        self._must_agree: dict[str, Asking] = {}

    def patterns(self, code: str) -> Patterns:
        """A language's patterns; with the profile's where it is the profile's language."""
        if code not in self._patterns:
            base = language(code).patterns or Patterns()
            ours = self.profile is not None and language(code).code == language(self.profile.language).code
            self._patterns[code] = _with_profile(base, self.profile) if ours and self.profile is not None else base
        return self._patterns[code]

    def asking(self, code: str) -> frozenset[str]:
        """Tokens that nearly every question of the domain has."""
        if code not in self._asking:
            words = self.profile.judge.asking if self.profile is not None else ()
            self._asking[code] = frozenset(language(code).tokens(" ".join(words)))
        return self._asking[code]

    def must_agree(self, code: str) -> Asking:
        """What two questions must agree in to ask the same: a language's words; with the profile's where it is the profile's language."""
        if code not in self._must_agree:
            spoken = language(code)
            base = spoken.asking or Asking(light=spoken.stop_words)
            if self.profile is not None and spoken.code == language(self.profile.language).code:
                own = self.profile.judge
                base = replace(base, alternatives=base.alternatives | set(own.alternatives), light=base.light | set(own.light))
            self._must_agree[code] = base
        return self._must_agree[code]


def _with_profile(base: Patterns, profile: Profile) -> Patterns:
    judge = profile.judge
    return replace(
        base,
        leaning=_joined(base.leaning, (rf"\b{re.escape(plain(phrase))}\b" for phrase in profile.this_document)),
        example=_joined(base.example, judge.example),
        cell=_joined(base.cell, judge.cell),
        about=_joined(base.about, judge.about),
        how_many=_joined(base.how_many, (rf"{base.what_is}(?:{noun})\b" for noun in judge.counted if base.what_is)),
        events=base.events | set(judge.events),
    )


@lru_cache(maxsize=1)
def no_domain() -> Domain:
    """The languages' patterns alone."""
    return Domain()


@lru_cache(maxsize=8)
def domain_of(profile: Profile) -> Domain:
    """The patterns with a profile's, made once."""
    return Domain(profile)


def _joined(base: re.Pattern[str], more: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join((base.pattern, *more)))
