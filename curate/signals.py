"""What can be told of a question without a model: deterministic signals, each documented where it is computed.

The four criteria after NVIDIA's for synthetic queries (independence, realism, clarity, relevance) are made of these in
``curate.rules``. Signals are facts about a pair of texts and the corpus; they decide nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triplette.french import french_probability, longest_copied_run, normalise, tokens, words
from triplette.records import Chunk, Triplet

# Words that point at something only the reader of the passage can see.
_DEIXIS = re.compile(
    r"\b(?:ce|cet|cette|ces|le|la|les|du|au)\s+(?:présent|présente|présents|présentes)\s+\w+"
    r"|\b(?:ce|cet|cette|ces)\s+(?:tableau|article|texte|document|passage|paragraphe|extrait|schéma|figure|liste|section|page|"
    r"annexe|règlement|chapitre|exemple|tournoi|compétition|championnat|cas|situation|partie|grille|formule|alinéa)s?\b"
    r"|\b(?:ci-dessus|ci-dessous|ci-après|ci-contre|susmentionné\w*|précité\w*|suivant(?:e|s|es)?\s*\?)"
    r"|\b(?:à|de|en|sur)\s+la\s+page\s+\d+|\bpage\s+\d+\b|\bselon (?:le|ce|l[ea]s?) (?:texte|document|passage|extrait)\b",
    re.IGNORECASE,
)
# Questions about one worked example: fictitious players, lettered or numbered players, pairing numbers, cells of a grid.
_EXAMPLE = re.compile(
    r"\b(?:joueurs?|joueuses?|équipes?|participants?|[ée]chiquiers?)\s+(?:n°\s*)?(?:[A-Z]\d*|\d{1,2})\b(?!\s*(?:ans|minutes|points))"
    r"|\bdans l['’](?:exemple|illustration)|\bligne\s+\d+|\bcolonne\s+(?:\d+|[A-Z]\b|['\"«])|\bcase\s+\d+|\bcellule\b",
)
_CAPITALS = re.compile(r"\b[A-ZÉÈÀ]{3,}\b")
# Questions about the document instead of the rule that it states.
_DOCUMENT = re.compile(
    r"\b(?:quels?|quelles?)\s+(?:est\s+l[ea']\s*)?"
    r"(?:article|règlement|document|code|texte|annexe|section|chapitre|page|dispositif|titre du)s?\b"
    r".*\b(?:cité|cités|citée|mentionné\w*|référence|détaille|décrit|traite|évoqué\w*|concerne|contient)\b"
    r"|\bquel(?:le)? est (?:le titre|l'objet|le sujet|le contenu|le numéro|la référence|la date de mise à jour)\b"
    r"|\bqui a approuvé\b|\bde quoi (?:parle|traite)\b",
    re.IGNORECASE,
)
_FORMS_OF_ASKING = frozenset(tokens("quel type nombre fonction manière différence règle condition procédure but objectif rôle"))


@dataclass(frozen=True, slots=True)
class Signals:
    """Facts about a question and its passage.

    Ranks count from 1 over the whole corpus. ``overlap`` and ``specificity`` are 0..1: the idf-weighted share of the
    question's content tokens that the passage holds, and how rare the question's rarest shared token is
    (1: in one chunk only). ``copied`` is the longest copied run in words, ``copied_share`` its share of the question.
    ``deixis``, ``example`` and ``about_document`` quote what was found, or are "".
    """

    bm25_rank: int
    dense_rank: int
    overlap: float
    specificity: float
    content: int
    copied: int
    copied_share: float
    french: float
    length: int
    asks: bool
    deixis: str
    example: str
    about_document: str


class Corpus:
    """Document frequencies and token sets of the chunks, computed once."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self.tokens = {chunk.id: frozenset(tokens(f"{chunk.title} {chunk.text}")) for chunk in chunks}
        self.size = len(chunks)
        self._frequency: dict[str, int] = {}
        for found in self.tokens.values():
            for token in found:
                self._frequency[token] = self._frequency.get(token, 0) + 1

    def rarity(self, token: str) -> float:
        """idf scaled to 0..1: 0 for a token in every chunk, 1 for one in a single chunk (or none)."""
        frequency = max(self._frequency.get(token, 0), 1)
        return math.log(self.size / frequency) / math.log(self.size) if self.size > 1 else 1.0


def read_signals(triplet: Triplet, chunks: Mapping[str, Chunk], corpus: Corpus) -> Signals:
    """The signals of one triplet's question and positive."""
    chunk = chunks[triplet.positive_id]
    question = normalise(triplet.question)
    asked = {token for token in tokens(question) if token not in _FORMS_OF_ASKING}
    held = corpus.tokens[chunk.id]
    weights = {token: corpus.rarity(token) for token in asked}
    total = sum(weights.values())
    length = len(words(question))
    copied = longest_copied_run(question, f"{chunk.title} {chunk.text}")
    return Signals(
        bm25_rank=triplet.positive_bm25_rank,
        dense_rank=triplet.positive_dense_rank,
        overlap=sum(weight for token, weight in weights.items() if token in held) / total if total else 0.0,
        specificity=max((weight for token, weight in weights.items() if token in held), default=0.0),
        content=len(asked),
        copied=copied,
        copied_share=copied / length if length else 1.0,
        french=french_probability(question),
        length=length,
        asks=question.endswith("?"),
        deixis=_found(_DEIXIS, question),
        example=_found(_EXAMPLE, question) or _names(question, corpus),
        about_document=_found(_DOCUMENT, question),
    )


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match.group().strip() if match else ""


def _names(question: str, corpus: Corpus) -> str:
    """A capitalised surname of a worked example: capitals, and rare in the corpus (an acronym such as FIDE is not)."""
    rare = [name for name in _CAPITALS.findall(question) if corpus.rarity(tokens(name)[0] if tokens(name) else name) > 0.75]
    return " ".join(rare) if len(rare) >= 2 else ""
