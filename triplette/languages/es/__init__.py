"""Spanish: words and stems, sentences, and the patterns of questions. The built-in question writer does not write it."""

from __future__ import annotations

from triplette.languages import NO_RULES
from triplette.languages.es.asking import ASKING
from triplette.languages.es.documents import DOCUMENTS
from triplette.languages.es.patterns import PATTERNS
from triplette.languages.es.words import ABBREVIATION, STOP_WORDS
from triplette.languages.language import Language

LANGUAGE = Language(
    code="es",
    name="Spanish",
    stop_words=STOP_WORDS,
    function_words=frozenset(word for word in STOP_WORDS if len(word) > 1),
    stemmer="spanish",
    abbreviation=ABBREVIATION,
    patterns=PATTERNS,
    asking=ASKING,
    documents=DOCUMENTS,
    lacks=(NO_RULES,),
)
