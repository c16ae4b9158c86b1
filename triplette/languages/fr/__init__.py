"""French: words and stems, sentences, the patterns of questions, and the words that documents are built with."""

from __future__ import annotations

from triplette.languages.fr.asking import ASKING
from triplette.languages.fr.documents import DOCUMENTS
from triplette.languages.fr.patterns import PATTERNS
from triplette.languages.fr.prompting import PROMPTING
from triplette.languages.fr.words import ABBREVIATION, FUNCTION_WORDS, SENTENCE_END, STOP_WORDS, WORD, clip
from triplette.languages.language import Language

LANGUAGE = Language(
    code="fr",
    name="French",
    stop_words=STOP_WORDS,
    function_words=FUNCTION_WORDS,
    word=WORD,
    clip=clip,
    stemmer="french",
    sentence_end=SENTENCE_END,
    abbreviation=ABBREVIATION,
    question_mark=" ?",
    patterns=PATTERNS,
    asking=ASKING,
    documents=DOCUMENTS,
    prompting=PROMPTING,
    rules="triplette.languages.fr.rules",
)

words, tokens, sentences = LANGUAGE.words, LANGUAGE.tokens, LANGUAGE.sentences


def stem(word: str) -> str:
    """The French stem of a word: what ``LANGUAGE.stem`` says, with the stemmer loaded on first use."""
    return LANGUAGE.stem(word)
