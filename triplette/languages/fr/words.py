"""French words: how they are cut, which carry no meaning, where sentences end.

Elision is cut (l'arbitre -> arbitre), and so are inverted pronouns (doit-il -> doit).
"""

from __future__ import annotations

import re

_NUMBER = r"\d+(?:[.,:/]\d+)*(?:er|ère|e|ème)?%?"
WORD = re.compile(rf"{_NUMBER}|[a-zàâäçéèêëîïôöùûüÿñ]+(?:['-][a-zàâäçéèêëîïôöùûüÿñ0-9]+)*|[a-z]+\d+|\d+[a-z]+", re.IGNORECASE)
_ELISION = re.compile(r"^(?:l|d|j|m|t|s|n|c|qu|jusqu|lorsqu|puisqu|quoiqu)'(?=.)")
_INVERSION = re.compile(r"-(?:t-)?(?:il|ils|elle|elles|on|je|tu|nous|vous|ce|ci|là|y|en|le|la|les|lui|leur|moi|toi)$")
_KEEP_WHOLE = {"aujourd'hui", "quelqu'un", "rendez-vous", "demi-point"}
# A full stop ends a sentence unless a lower-case letter follows, or it closes a known abbreviation.
SENTENCE_END = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][»\"”)\]])|(?<=[.!?…]\s»))\s+(?=(?:[«\"“(\[]\s?)?[A-ZÀÂÇÉÈÊËÎÏÔÖÙÛÜŒ0-9*-])")
ABBREVIATION = re.compile(r"(?:\b(?:art|cf|ex|etc|p|pp|M|MM|Mme|n|no|chap|al|env|max|min|réf|vol|St|Dr)|\b[A-Z])\.$")

STOP_WORDS = frozenset(
    """
    a à ai aie aient ait as au aux avait avec avoir c ça car ce ceci cela celle celles celui ces cet cette ceux chaque ci comme
    comment d dans de des donc dont du elle elles en entre es est et étaient était étant été être eu eux fait faut il ils
    j je l la là le les leur leurs lorsque lui m ma mais me même mes moi mon n ne ni nos notre nous on ont ou où par pas pour
    pourquoi pourra peut peuvent plus puis qu quand que quel quelle quelles quels qui quoi s sa sans se sera ses si
    son sont sous sur t ta te tel telle tes toi ton tous tout toute toutes tu un une vos votre vous y combien doit doivent
    aussi ainsi alors afin soit soient cas
    """.split()
)
# of the letters left by elision only these are French alone
FUNCTION_WORDS = frozenset(word for word in STOP_WORDS if len(word) > 1 or word in "dlj")


def clip(word: str) -> str:
    """A word without its elided article and inverted pronoun."""
    return word if word in _KEEP_WHOLE else _INVERSION.sub("", _ELISION.sub("", word))
