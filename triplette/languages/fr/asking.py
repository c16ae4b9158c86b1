"""French: what two questions must agree in to ask the same (``languages.patterns.Asking``)."""

from __future__ import annotations

import re

from triplette.languages.fr.words import STOP_WORDS
from triplette.languages.patterns import Asking

# Alternatives: a word of one group on one side only makes another question.
_KEY_TERMS = """
    rapide lent
    premier première deuxième second seconde troisième quatrième dernier dernière suivant précédent prochain
    avant après pendant debut fin
    minimum maximum minimal maximal moins plus
    féminin masculin mixte jeune vétéran
    départemental régional national international
    individuel équipe
    gagner perdre
    président vice-président trésorier secrétaire organisateur directeur délégué
    petit grand
    mineur majeur
"""
# "un" is the article too, and says nothing
_NUMBER_WORDS = dict(
    zip("deux trois quatre cinq six sept huit neuf dix onze douze vingt trente cent".split(), (*range(2, 13), 20, 30, 100), strict=True)
)
_NEGATIONS = re.compile(r"\b(?:pas|jamais|aucun|aucune|sans|sauf|hors|excepte|non|ni|interdit\w*|interdire|refuse\w*|impossible)\b")
# What is asked for, first match first; different ways of asking for one thing have one name.
_CONSEQUENCE = (
    r"que se passe|qu'arrive|qu'est-ce qu(?:i|'il) (?:se passe|arrive|peut arriver)|que risque|c'est quoi la sanction"
    r"|quel\w* (?:est|sont|serai\w+) (?:la|les|l')\s*(?:\w+ )?(?:consequence|sanction|penalite)|quelles? (?:consequence|sanction|penalite)"
)
_HOW_LONG = (
    r"combien de (?:temps|jours|minutes|mois|semaines|heures|secondes)"
    r"|quel\w* (?:est|sont) (?:le|la|les) (?:\w+ )?(?:delai|duree)|quel(?:le)? (?:delai|duree)"
)
_WHEN = r"\bquand\b|a quel moment|quel\w* (?:est|sont) (?:la|les) dates?|a quelle (?:date|heure)|a partir de quelle date|quelle date"
_WHO = (
    r"(?<!qu'est-ce )(?<!ce )(?:^|[ ,])(?:a |par |de |avec |pour |chez |aupres de )?qui (?!se passe)"
    r"|quel(?:le)? (?:instance|organe|commission|personne)"
)
_WHICH = (
    r"quel(?:le)?s? (?:(?:est|sont|etait|serait) )?(?:(?:le|la|les|l')\s*)?"
    r"(?:(?:seule?s?|principale?s?|differente?s?|autres?) )?(?P<noun>\w+)"
)
_WHAT = r"qu'est-ce qu|c'est quoi|que signifie|que veut dire|\bque (?:doit|doivent|dois|faut|fait|peut|peuvent)"
_ASKED_FOR = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("consequence", _CONSEQUENCE),
        ("how long", _HOW_LONG),
        ("share", r"pourcentage|quelle part\b|quelle proportion"),
        ("how many", r"combien|quel\w* (?:est|sont|etait) le nombre|quel nombre"),
        ("when", _WHEN),
        ("why", r"pourquoi|pour quelles? raisons?|quelles? (?:est|sont) (?:la|les) raisons?"),
        ("who", _WHO),
        ("how", r"comment|de quelle (?:maniere|facon)|quel\w* (?:est|sont) la (?:procedure|methode|demarche)"),
        ("where", r"(?:^|[ ,]|d'|jusqu')ou (?:est|se|puis|peut|doit|trouve|sont|les?|la|l'|faut|dois|s'|a lieu)|^ou,"),
        ("which", _WHICH),
        ("what", _WHAT),
        ("whether", ""),
    )
)
LIGHT = STOP_WORDS | frozenset(
    "quel quelle quels quelles doit-on peut-on faire fait passe-t-il passe arrive signifie faut nombre type règle règles cas lors cadre contexte "
    "différent différents différente différentes possible principal principale personne selon concernant niveau "
    "possibilité existe conséquence sanction pénalité façon manière dire savoir dois puis pouvez".split()
)

ASKING = Asking(
    forms=_ASKED_FOR,
    alternatives=frozenset(_KEY_TERMS.split()),
    numbers=tuple(_NUMBER_WORDS.items()),
    negations=_NEGATIONS,
    question_words=frozenset("qui quand où comment combien pourquoi".split()),
    light=LIGHT,
)
