"""English: what two questions must agree in to ask the same (``languages.patterns.Asking``)."""

from __future__ import annotations

import re

from triplette.languages.en.words import STOP_WORDS
from triplette.languages.patterns import Asking

_ALTERNATIVES = """
    first second third fourth last next previous following before after during beginning end minimum maximum least most more less
    female male mixed junior senior adult child local regional national international individual team small large major minor
    open closed inside outside left right front rear hot cold raw cooked day night winter summer increase decrease
"""
_NUMBERS = dict(
    zip(
        "one two three four five six seven eight nine ten eleven twelve twenty thirty hundred".split(),
        (*range(1, 13), 20, 30, 100),
        strict=True,
    )
)
_FORMS = (
    ("consequence", r"what happens|what (?:is|are) the (?:\w+ )?(?:consequences?|sanctions?|penalt(?:y|ies))|what risk"),
    ("how long", r"how long|how many (?:minutes|hours|days|weeks|months|seconds|years)|what is the (?:deadline|duration)"),
    ("share", r"what (?:percentage|share|proportion)"),
    ("how many", r"how (?:many|much)|what is the number|what number"),
    ("how often", r"how often"),
    ("when", r"\bwhen\b|at what (?:time|moment|date)|(?:what|which) date|from what date"),
    ("why", r"\bwhy\b|for what reasons?|what (?:is|are) the reasons?"),
    ("who", r"\bwho(?:m|se)?\b|which (?:body|person|committee|commission)"),
    ("how", r"\bhow\b|in what way|what is the (?:procedure|method|process)"),
    ("where", r"\bwhere\b"),
    (
        "which",
        r"(?:which|what) (?:(?:is|are|was|were) )?(?:the )?(?:(?:only|main|different|other) )?(?!to\b|a\b|an\b|do\b|does\b)(?P<noun>\w+)",
    ),
    ("what", r"\bwhat\b"),
    ("whether", ""),
)

ASKING = Asking(
    forms=tuple((name, re.compile(pattern)) for name, pattern in _FORMS),
    alternatives=frozenset(_ALTERNATIVES.split()),
    numbers=tuple(_NUMBERS.items()),
    negations=re.compile(r"\b(?:not|never|no|none|without|except|unless|forbidden|prohibited|refuse\w*|impossible|cannot)\b"),
    question_words=frozenset("who when where how why".split()),
    light=STOP_WORDS
    | frozenset(
        "kind type number rule rules case context different possible main person people someone concern level exist consequence sanction penalty way "
        "manner say know happen mean need get".split()
    ),
)
