"""English: words and stems, sentences, and the patterns of questions. The built-in question writer does not write it."""

from __future__ import annotations

from triplette.languages import NO_RULES
from triplette.languages.en.asking import ASKING
from triplette.languages.en.documents import DOCUMENTS
from triplette.languages.en.patterns import PATTERNS
from triplette.languages.en.words import ABBREVIATION, STOP_WORDS, clip
from triplette.languages.language import Language

LANGUAGE = Language(
    code="en",
    name="English",
    stop_words=STOP_WORDS,
    function_words=frozenset(word for word in STOP_WORDS if len(word) > 1),
    clip=clip,
    stemmer="english",
    abbreviation=ABBREVIATION,
    patterns=PATTERNS,
    asking=ASKING,
    documents=DOCUMENTS,
    lacks=(NO_RULES,),
)
