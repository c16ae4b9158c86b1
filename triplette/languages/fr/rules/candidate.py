"""A question that a pattern proposes, and the small tools that all patterns use."""

from __future__ import annotations

import re
from dataclasses import dataclass

from triplette.languages.fr.rules.clauses import STRONG, Clause, stands_alone
from triplette.languages.fr.rules.grammar import Phrase, ask, hyphenated, invert
from triplette.languages.fr.rules.lexicon import VAGUE
from triplette.languages.fr.rules.verbs import FORMS
from triplette.languages.fr.rules.vocabulary import words_in_force
from triplette.languages.text import fold

CONDITION_WORDS = 26  # a longer condition makes a question nobody says
SUBJECT_WORDS = 12
POSSESSIVE = re.compile(r"\b(?:son|sa|ses|leur|leurs|lui)\b")
PRONOUN = re.compile(r"\b(?:il|ils|elle|elles|lui|eux|soi|celui|celle)\b")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question with its kind, the pattern that made it and how good that pattern is (0..1). ``place`` is the sentence's, in the chunk.

    ``voice`` is the persona that asks it in the first person, else "".
    ``answer``: the thing asked for, where the passage's topic may say it already.
    ``loose``: its subject ("la liste") is only known from what the passage is about, so it is asked with that before it, or not at all.
    """

    text: str
    kind: str
    pattern: str
    weight: float
    place: int
    voice: str = ""
    loose: bool = False
    answer: str = ""


# where a clause goes on to another thought
_CUT = re.compile(
    r"\s*[;:—–.]\s|\s\(|,?\s(?:puis|mais|car|donc|tandis qu\w*|alors qu\w*|y compris|notamment|par exemple|c'est-à-dire|ainsi qu\w*|quelle? que soi)\b"
    r"|,\ssoit\b|,?\smême (?=(?:si|s'|quand|lorsqu|en|pour|par|avec|sans|dans|pendant)\b)"
    r"|,\s|\s(?:et|ou)\s(?=(?:il|elle|ils|elles|on|l'on|ne|n'|l'autre|c'est|cela)\b)"
)


def core(text: str) -> str:
    """The words of ``text`` that belong to its verb: up to where another thought begins."""
    match = _CUT.search(f" {text}")
    kept = f" {text}"[: match.start()].strip() if match else text.strip()
    words = kept.split()
    for i, word in enumerate(words[:-2]):
        # "... sont recalculées et les classements sont restaurés": another clause with its own subject
        if (
            i
            and word in ("et", "ou")
            and re.match(r"(?:l'|les?$|la$|une?$)", words[i + 1])
            and any(w in STRONG for w in words[i + 2 : i + 9])
        ):
            return " ".join(words[:i])
    for i, word in enumerate(words[:-1]):
        # "L'arbitre compare les feuilles et décide": the second verb is another question
        if (
            i
            and word == "et"
            and (words[i + 1] in FORMS and words[i + 1] not in ("a", "règle", "demande", "offre", "date", "note", "compte"))
        ):
            return " ".join(words[:i])
    return kept


def whole(text: str) -> bool:
    """Nothing was cut from ``text``."""
    return core(text) == text.strip()


def asked(opening: str, subject: Phrase, verb: str, rest: str, *, negated: bool = False, clitic: str = "") -> str:
    """ "Quand" + la partie + est + perdue -> "Quand la partie est-elle perdue"; "" when the gender is in doubt."""
    not_ = (" ne " if verb[0] not in "aeiouéèêhy" else " n'") if negated else " "
    after = " pas" if negated else ""
    if subject.text == "on":
        turned = hyphenated(verb, "on")
        front = f"{opening} {not_.strip()} {clitic}{turned}" if negated else f"{opening} {clitic}{turned}"
        return f"{front.replace(chr(39) + ' ', chr(39))}{after} {rest}"
    turned = invert(verb, subject)
    if not turned:
        # in doubt about the gender: the spoken form needs none
        return f"{opening} est-ce que {subject.text}{not_}{clitic}{verb}{after} {rest}".replace("n' ", "n'")
    return f"{opening} {subject.text}{not_}{clitic}{turned}{after} {rest}".replace("n' ", "n'")


def person(subject: Phrase) -> bool:
    """Somebody, or a body that acts."""
    return subject.head.lower() in words_in_force().persons or subject.text == "on"


def vague(subject: Phrase) -> bool:
    """A subject that says nothing by itself ("la situation", "le cas")."""
    alone = not re.search(r"\s(?:d[eu]s?|à|au|aux)\s|\sd'|\squi\s", subject.text)
    return alone and fold(subject.head.lower()) in {fold(word) for word in VAGUE}


def anchored(subject: Phrase) -> bool:
    """Whether a reader knows what is meant: "le choix" alone means something said before, "la pendule" does not."""
    if subject.head.lower() in ("moins", "plus", "premier", "second", "dernier", "dernière", "même", "autre", "seul", "seule", "tout"):
        return False
    if re.search(r"\s(?:avant|après|dessus|dessous|là)$", subject.text):
        return False
    bare = re.fullmatch(r"(?:l'|les?\s|la\s)([\w-]+)", subject.text)
    if bare is None or subject.head[:1].isupper():
        return True
    return subject.head.lower() in words_in_force().persons or subject.head.lower() in words_in_force().things


def loose(clause: Clause) -> bool:
    """A clause that would be usable if its bare subject ("la liste") were known; the topic of the passage may say it."""
    bare = re.fullmatch(r"(?:l'|les?\s|la\s)[\w-]{4,}", clause.subject.text)
    return (
        bare is not None
        and not anchored(clause.subject)
        and not vague(clause.subject)
        and (not clause.lead or stands_alone(clause.lead))
    )


def usable(clause: Clause) -> bool:
    """Subject and lead stand alone, and the subject is not too long to be said. (Whether the rest does, each use of it asks.)"""
    texts = (clause.subject.text, clause.lead)
    if not anchored(clause.subject) or re.search(r"\s(?:mais|puis)\s", clause.subject.text):
        return False
    return len(clause.subject.text.split()) <= SUBJECT_WORDS and all(stands_alone(t) for t in texts if t) and not vague(clause.subject)


_AT_WHOSE = re.compile(
    r"\b(?:à (?:ses|leurs) (?:frais|dépens|risques)|(?:à|sous) (?:sa|leur) (?:charge|responsabilité|demande))\b"
)  # nobody's but somebody's
_PRONOUNS = re.compile(r"\b(?:ils?|elles?|lui|eux|soi|leur|celui|celle)\b")


def refers(text: str, subject: Phrase) -> bool:
    """Whether a pronoun or possessive in ``text`` may mean somebody else than the subject (which the question names)."""
    if not person(subject) and _AT_WHOSE.search(text):
        return True
    return any(found != subject.pronoun for found in _PRONOUNS.findall(text))


def make(text: str, kind: str, pattern: str, weight: float, place: int, voice: str = "") -> list[Candidate]:
    """The candidate of a text in a list, or no candidate of an empty one."""
    return [Candidate(ask(text), kind, pattern, weight, place, voice)] if text.strip() else []
