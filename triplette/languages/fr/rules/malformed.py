"""Wordings that nobody would say: shapes that reading samples showed to be wrong, each with its reason.

A last test on finished questions. It catches the shapes seen and not the next ones; where a pattern that makes questions can be mended, that
is better.
"""

from __future__ import annotations

import re

from triplette.languages.fr.rules.vocabulary import words_in_force

_MALFORMED = tuple(
    (re.compile(pattern), why)
    for pattern, why in (
        (r"\bet l'on\b|\bd'entre (?:eux|elles)\b", "goes on to another thought"),
        (
            r"-(?:t-)?(?:ils?|elles?|on)\s(?:au (?:plus|moins|maximum|minimum)(?! tard)|bien entendu|autant|d'ailleurs|seulement)\b",
            "asks for what it limits",
        ),
        (r"^Quel(?:le)?s? [\w\s-]+ (?:au plus|au moins|maximum|minimum)\b", "the figure was the answer"),
        (r"ayants\b|\bauxquel\w*|\bauquel participe|\bduquel\b|\bdesquel\w+", "a relative clause came loose"),
        (r"[Cc]ombien de (\w+)\s(?:.*\b)?(?:deux|trois|quatre|cinq|dix|vingt|\d+)\s\1", "the figure is in the question"),
        (
            r"\b(?:le cas|la situation|la question|doit-(?:il|elle) décider|peut-(?:il|elle) décider|l'élément|le nécessaire)(?: \?|,)",
            "says too little",
        ),
        (
            r"[a-zà-ÿ] (?:Tout\w*|Les?|La|Une?|Pour|En|Si|Dans|Il|Conformément)\s[a-zà-ÿ]|[Cc]ombien de [^?]* aller\b",
            "two sentences ran together",
        ),
        (
            r"\bqui (?:a|est|ont|sont) (?:si|lorsque|quand)\b|\bque (?:toutes|tous|chacune?) \w+ent\b|à l'instant \?$",
            "a piece is missing",
        ),
        (r"\b[Qq]ui \w+e [^?]*\bet \w+ent l[ea]s?\b", "does not agree"),
        (
            r"\b(?:peut|peuvent|peut-(?:il|elle)) très bien\b|\bpar défaut \?$|\bqui [^?]*\bses membres \?$|\bcondition qu\S+ \w+ \?$",
            "leans on what follows",
        ),
        (
            r"\bcomme suit\b|\bet tout\w* \w+|\b(?:si|quand) [^?,]*, on \w|\bqu'(?:il|elle)s? a \?$|\baller plus loin\b|\bdes autres(?: \?|,)",
            "two sentences ran together",
        ),
        (
            r"\bde (?:sauf|hormis)\b|\bcelui de \w+|\bune action faite\b|\bl[ea]s? concernant\b|\b(?:deux|plusieurs|trois|différentes) (?:façons|manières)\b"
            r"|\bles (?:formats|critères|conditions|cas|points|documents|modalités) \?$|^Qui (?:doit|devra) avoir (?:au moins|\d)",
            "a piece is missing",
        ),
        (
            r"\ble (?:jour|soir|lendemain) \?$|\b[Ff]aut-il (?!en |y |se |s'|l'|l[ea]s? |\w+ment |\w+(?:er|ir|re|oir)\b)"
            r"|\bou bien l'une?\b|\w y a (?:pas|lieu)\b"
            r"|\b[Qq]ui est (?!compris|admis|soumis|pris|mis|repris|promis|plus)\w+s (?:à|de|pour|dans|au|aux)\b|ée? disposant\b",
            "does not hold together",
        ),
        (
            r"-elles \w+és\b|-elle \w+é\b|-ils? \w+ées?\b|\bet (?:est|sont) \w+é|\bde l[ae]s? \w+er \?$|\bl'avoir fait\b|\bl'après\b",
            "does not agree",
        ),
        (
            r"\b[Qq]ui (?:peut|doit|est|a) [^?]*\bleurs?\b|\b[Qq]ui (?:peut|doit) être \w+ées?\b|\bqui suivent\b|\bet personne n'"
            r"|\bensemble à\b|\bsont-(?:ils|elles) l[ea] |\baprès que(?: \w+){1,3} \?$",
            "points outside",
        ),
        (r"\bou non\b|\bl'estime nécessaire\b|\bau plus une?\b", "says too little"),
        (r"\bleurs (?!propres?\b)\w+[^sxz\W]\b", "does not agree"),
        (r"\b(\w{5,}) \1\b", "a word is doubled"),
        (
            r"\bl[ea]s? concernant\b|\bquel(?:le)?s? autres?\b|\bpar (?:les|un) autres? \w+ \?$|\bau travers d\w+ \w+ dans\b",
            "points outside",
        ),
        (r"\b(?:deux|trois|quatre|les|des) \w+s différent\b|\bet (?:clairement|correctement) \w+ \?", "does not agree"),
        (
            r"\bl'(?:à|au|aux|en|de|du|dans|sur|par|pour|est|sont|et|ou)\b|\b(?:les?|la)?quel(?:le)?s? \?$|\btenue?s? sur\b|-elles? à ce que\b"
            r"|\bl[ae]quel\w* soit\b|\b(?:manière|façon|sorte) à ce qu[^?]{0,18} \?$"
            r"|(?:-(?:je|ils?|elles?)|\b(?:peut|doit|doivent|peuvent|droit de)) soit\b|\ben lieu \?$"
            r"|\bqui (?:confirme|précise|indique|vérifie|décide|détermine|demande) \?$",
            "a piece is missing",
        ),
        (r"\b[VvNn]ous\b|\b[vn]otre\b", "points outside"),
        (r"[^\W\d]/\s\w|[^\W\d]\s?/\s?\w+\s?/", "several forms in one"),
        (r"\b[Dd]ans quel délai [^?]*\bdélai\b|\b(\w{6,}ée?s?)\b[^?]*-(?:t-)?(?:il|elle)s? (?:pas )?\1\b", "asks for what it says"),
        (
            r"-(?:t-)?(?:ils?|elles?|on)\s(?:(?!\b(?:si|s'|qui|que|qu'|quand|lorsqu\w*|dont|où|quel\w*|et|ou|pour|lequel|laquelle|lesquel\w+|auquel)\b)[^?,])*"
            r"\s(?:sera|seront|est|sont|doit|doivent|peut|peuvent|pourra|devra|a été|ont été)\b",
            "two sentences ran together",
        ),
    )
)


def malformed(text: str) -> str:
    """Why nobody would say this question, or ""."""
    if any(pattern.search(text) for pattern in words_in_force().refused):
        return "refused by the profile"
    return next((why for pattern, why in _MALFORMED if pattern.search(text)), "")
