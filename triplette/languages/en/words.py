"""English words: possessives and contractions opened, which carry no meaning, which abbreviations end no sentence."""

from __future__ import annotations

import re

_SUFFIX = re.compile(r"'(?:s|re|ve|ll|d|m)$")
_NEGATED = {"can't": "can'not", "won't": "will'not", "shan't": "shall'not"}
ABBREVIATION = re.compile(
    r"(?:\b(?:art|cf|e\.g|i\.e|ex|etc|p|pp|Mr|Mrs|Ms|Dr|Prof|No|nos|ch|sec|para|fig|vol|approx|max|min|St|Ltd|Inc|vs)|\b[A-Z])\.$"
)
STOP_WORDS = frozenset(
    """
    a about after all also am an and any are as at be because been before being between both but by can could did do does doing during each
    for from had has have having he her hers him his how i if in into is it its itself me more most must my of on once only or other our ours out
    over own s same shall she should so some such t than that the their theirs them then there these they this those through to too under until up
    was we were what when where which while who whom whose why will with would you your yours
    """.split()
)


def clip(word: str) -> str:
    """A word without its possessive or shortened verb; "don't" is do and not, for a negation tells questions apart."""
    if word in _NEGATED:
        return _NEGATED[word]
    return f"{word[:-3]}'not" if word.endswith("n't") else _SUFFIX.sub("", word)
