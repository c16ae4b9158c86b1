"""Small French grammar for questions: elision, contraction, gender, inversion, anaphora.

No parser is used. Only forms that closed word lists decide are produced; where gender or structure is in doubt the functions answer
None or "", and the caller takes a form that does not need it, or writes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from triplette.languages.fr.rules.lexicon import FEMININE_ENDINGS, H_ASPIRATED, MASCULINE_ENDINGS
from triplette.languages.fr.rules.verbs import FORMS, INFINITIVES
from triplette.languages.fr.rules.vocabulary import words_in_force
from triplette.languages.text import fold

_VOWEL = "aàâäeéèêëiîïoôöuùûüyœæh"
_ELIDED = re.compile(
    rf"(?<![\w-])(le|la|de|que|se|ne|je|me|te|jusque|lorsque|puisque|quoique)\s+(?=([{_VOWEL}][\w'-]*))", re.IGNORECASE
)
_NO_ELISION = re.compile(r"^(?:onz|oui\b|yaourt|yach|huit|uhlan|y\b$)", re.IGNORECASE)
_LETTER = re.compile(r"^[a-h]$")  # a letter that names something, or the verb "a"
_SI_IL = re.compile(r"\b([Ss])i\s+(ils?)\b")
_POINTS_BACK = (
    r"l[ea]s?\smêmes?(?!\s[\w-]+\s(?:que|qu'))|l'autre(?!\s(?:personne|<anyone>)\b)"
    r"|l[ea]s?\s(?:premi[eè]re?s?|seconde?s?|deuxièmes?|tiens?|siens?|siennes?)(?=\s(?:est|sont|sur|à|pour|et|de)\b|$)"
)
_POINTS_AWAY = (
    r"\b(?:ce(?:t|tte|s)?\s(?!qui\b|que\b|qu'|dont\b|soit\b|n'est\b|sont\b)\w+"
    r"|(?:celui|celle|ceux|celles)(?!\s(?:d[eu]s?\b|d'|qui\b|que\b|qu'|dont\b|où\b))|cela|ceci|ladite|ledit|lesdit\w*|susdit\w*|dudit"
    r"|ci-(?:dessus|dessous|après|contre|avant)|suivante?s?|précédente?s?|précité\w*|susvisé\w*|susmentionné\w*|mentionnée?s?"
    r"|visée?s?|présente?s?\s(?:[Cc]ode|[Rr]èglement|article|règlement|chapitre|document|annexe|code|statuts|convention|contrat|section|règles|paragraphe)"
    r"|dernière?s?\s(?:cas|point|alinéa)|(?:même|autre)s?\sarticles?|(?:une?|de)\stel(?:le)?s?|tel(?:le)?s?\sque|voir|cf|exemples?|alinéas?|également|aussi(?!\s\w+\sque)"
    r"|deux\sderniers|deux\spremiers|ces\sderniers"
    r"|à\sla\splace(?!\sd)|les\sautres(?!\s\w)|(?:cas|sens)\scontraire|inverse|(?:les|ces|tous\sles)\s(?:(?:deux|trois|quatre|autres)\s)?cas|[Tt]outefois|[Cc]ependant|[Nn]éanmoins|[Aa]lors(?!\squ)|[Aa]insi(?!\squ)|[Dd]onc|[Dd]e\splus|[Ee]n\soutre|[Pp]ar\sailleurs"
    rf"|{_POINTS_BACK})\b"
)


def points_away(text: str) -> bool:
    """Whether something in ``text`` points outside it."""
    return words_in_force().pattern(_POINTS_AWAY).search(text) is not None


OPEN_PRONOUN = re.compile(r"^(?:ils?|elles?|y|en|lui|leur|c'est|ceci|cela)\b|^s'ils?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase: its text (first letter lower unless a name), gender ("m", "f" or "" in doubt) and number."""

    text: str
    head: str
    gender: str
    plural: bool

    @property
    def pronoun(self) -> str:
        """The subject pronoun that takes it up, or "" when its gender is in doubt."""
        if not self.gender:
            return ""
        return ("il" if self.gender == "m" else "elle") + ("s" if self.plural else "")


def elide(text: str) -> str:
    """Elisions that composition left open: "de l'arbitre que il" -> "qu'il", "si il" -> "s'il", "de une" -> "d'une"."""

    def cut(match: re.Match[str]) -> str:
        word, following = match.group(1), match.group(2).lower()
        if _LETTER.match(following) and word.lower() in ("de", "le", "la"):
            return match.group()
        if _NO_ELISION.match(following) or any(following.startswith(h) for h in H_ASPIRATED):
            return match.group()
        return word[:-1] + "'"

    return _ELIDED.sub(cut, _SI_IL.sub(r"\1'\2", text))


def of(phrase: str) -> str:
    """ "de" before a noun phrase, contracted: "du joueur", "des pièces", "de l'arbitre", "d'un coup"."""
    return _joined("de", {"le ": "du ", "les ": "des ", "des ": "de "}, phrase)


def at(phrase: str) -> str:
    """ "à" before a noun phrase, contracted: "au joueur", "aux pièces", "à l'arbitre"."""
    return _joined("à", {"le ": "au ", "les ": "aux "}, phrase)


def _joined(preposition: str, contracted: dict[str, str], phrase: str) -> str:
    for article, form in contracted.items():
        if phrase.lower().startswith(article):
            return form + phrase[len(article) :]
    return elide(f"{preposition} {phrase}")


def invert(verb: str, phrase: Phrase) -> str:
    """ "doit" + le joueur -> "doit-il"; "a" + la partie -> "a-t-elle"; "" when the gender is in doubt."""
    return hyphenated(verb, phrase.pronoun) if phrase.pronoun else ""


def hyphenated(verb: str, pronoun: str) -> str:
    """Verb and pronoun, with the -t- between vowels: "doit-on", "a-t-il", "joue-t-elle"."""
    link = "-t-" if verb[-1] in "aec" and pronoun[0] in "ieo" else "-"
    return f"{verb}{link}{pronoun}"


def gender_of(noun: str, determiner: str = "") -> str:
    """ "m", "f" or "": by the determiner, else a word list, else endings that decide."""
    if determiner in ("le", "un", "du", "au", "aucun", "tout", "cet", "certains"):
        return "m"
    if determiner in ("la", "une", "aucune", "toute", "certaines"):
        return "f"
    word = noun.lower()
    known = words_in_force()
    if fold(word) in known.feminine_folded and word not in known.masculine:
        return "f"
    for form in (word, re.sub(r"(?<=eau)x$|s$", "", word), re.sub(r"aux$", "al", word)):
        if form in known.masculine:
            return "m"
        if form in known.feminine:
            return "f"
    singular = re.sub(r"s$", "", word)
    if singular.endswith(FEMININE_ENDINGS):
        return "f"
    return "m" if singular.endswith(MASCULINE_ENDINGS) else ""


_DETERMINED = re.compile(
    r"^(l'|(?:le|la|les|un|une|des|chaque|tout|toute|tous les|toutes les|aucun|aucune|deux|trois|quatre|certains|certaines)\s)"
    r"((?:premi(?:er|ère)s?|deuxième|troisième|seule?s?|nouve(?:l|lle|au)|même|simple|grande?s?|petite?s?|principa(?:l|le|ux|les))\s)?"
    r"([\w-]+)",
    re.IGNORECASE,
)
_PLURAL_DETERMINERS = ("les", "des", "tous les", "toutes les", "deux", "trois", "quatre", "certains", "certaines")


def phrase(text: str) -> Phrase | None:
    """A noun phrase that opens with a determiner, as a Phrase; None for anything else."""
    text = text.strip()
    match = _DETERMINED.match(text)
    if match is None or points_away(text):
        return None
    determiner = match.group(1).strip().lower()
    head = match.group(3)
    if " ".join(text.split()[:2]).lower() in ("l'un", "l'une", "l'autre", "les autres", "l'on"):
        return None
    first = determiner.split()[0]
    gender = gender_of(head, first if first not in ("tous", "toutes") else "")
    other = re.search(r"\sou\s(.+)$", text)
    if other and not (gender and (second := phrase(other.group(1))) and second.gender == gender):
        gender = ""  # "la ligue ou le comité": no pronoun takes up both
    also = re.search(r"\set\s((?:les?|la|l'|une?|des)\s?\S.*)$", text)
    if also and gender != "m":
        joined = phrase(also.group(1))
        other_gender = joined.gender if joined else ""
        gender = "m" if other_gender == "m" else "f" if gender == other_gender == "f" else ""  # one masculine makes both so
    return Phrase(lower_first(text), head, gender, determiner in _PLURAL_DETERMINERS)


def lower_first(text: str) -> str:
    """The first letter made small, unless the first word is a name or an abbreviation."""
    first = re.match(r"(?:[^\W\d_]+')?[^\W\d_]+", text)
    word = first.group() if first else ""
    if len(word) > 1 and word[1:2].isupper() and word[1] != "'":
        return text
    return text[:1].lower() + text[1:]


def upper_first(text: str) -> str:
    """The first letter made a capital."""
    return text[:1].upper() + text[1:]


def ask(text: str) -> str:
    """A finished question: elided, spaces tidy, capital first, " ?" last."""
    text = re.sub(r"\bde de\b", "de", re.sub(r"\s+", " ", elide(text))).strip(" ,;:.?!")
    text = re.sub(r"\s+([,.)])", r"\1", text)
    return f"{upper_first(text)} ?"


_IMPERSONAL_IL = re.compile(
    r"\b(?:il|qu'il|s'il|t-il|-il)\s(?:y|n'y|faut|ne faut|reste|lui reste|s'agit|est (?:im)?possible|existe|manque|convient|appartient|suffit|n'est pas)\b"
)
_BEFORE = {
    "il": r"\b(?:un|le|du|au|son|chaque|tout|aucun|quel|mon|en)\s|l'",
    "elle": r"\b(?:une|la|sa|toute|chaque|aucune|quelle|ma)\s|l'",
    "ils": r"\b(?:les|des|deux|trois|ses|leurs|aux|plusieurs|quels)\s",
    "elles": r"\b(?:les|des|deux|trois|ses|leurs|aux|plusieurs|quelles)\s",
}
_PRONOUN_ALONE = re.compile(r"(?<![-\w])(?:qu'|s'|lorsqu'|puisqu'|dès qu')?(ils|il|elles|elle)\b")
_OBJECT = r"\b(?:<persons>|on|il|elle|qui|ils|elles|t-il|t-elle|t-on|ne)\s(?:la|le|les|l')\s?(\w+)"
_OBJECT_OF_DEED = re.compile(
    r"\b(?:de|à|pour|sans|il|elle|on|je|peut|doit)\s(?:l'|(?:la|le|les|lui|leur)\s)(\w+)|\b(?:d'|(?:à|pour|sans|peut|doit)\s)y\s(\w+)"
)
_INFINITIVE_ENDING = re.compile(r"(?:is|ifi|ip|at|ct|nt|gn|rm|qu|gu)er$")  # and no noun's ("le papier", "l'échiquier", "le dernier")
# "Le règlement du tournoi peut-il l'anticiper", "... de l'utiliser": nothing before it in the question, or only the one who acts
_OBJECT_ALONE = re.compile(
    r"^(?:(?!\b(?:qui|que|si|quand)\b|\bs'|\blorsqu)[^?,])*-(?:il|elle|on)s?\s"
    r"(?:[\w' ]+\s(?:pertinent|possible|nécessaire|utile|important)\sde\s)?(?:l'|(?:la|le|les|lui|leur)\s)(\w+)\b"
)
_DETERMINER = re.compile(
    r"\b(?:l'|d'un|d'une|(?:le|la|les|un|une|des|du|aux?|son|sa|ses|leurs?|mon|ma|mes|chaque|toute?s?|deux)\s)", re.IGNORECASE
)


def dangling(text: str) -> bool:
    """Whether a pronoun of a question has nothing before it in the question that it can mean."""
    plain = _IMPERSONAL_IL.sub("", text)
    for match in _PRONOUN_ALONE.finditer(plain):
        if not re.search(_BEFORE[match.group(1)], plain[: match.start()], re.IGNORECASE):
            return True
    pointed = re.search(r"\b(?:sur|pour|avec|contre|chez|à|de|par)\s(?:lui|elle|eux|elles)\b(?!-)", text)
    if pointed and not any(
        word.removeprefix("l'").removeprefix("d'") in words_in_force().persons for word in text[: pointed.start()].lower().split()
    ):
        return True
    for match in _OBJECT_OF_DEED.finditer(text):
        # the subject is one; what the deed is done to, or where, must be another
        deed, before = match.group(1) or match.group(2), text[: match.start()]
        if deed != "faire":  # "avant de le faire": the deed itself
            before = before.replace("le droit", "droit")
        if deed in INFINITIVES and len(_DETERMINER.findall(before)) < 2:
            return True
    alone = _OBJECT_ALONE.match(text)
    if alone and (alone.group(1) in INFINITIVES or _INFINITIVE_ENDING.search(alone.group(1))):
        return True
    found = words_in_force().pattern(_OBJECT).search(text)
    return bool(
        found
        and found.group(1) in FORMS
        and not re.search(r"\b(?:la|le|les|une?|des)\s\w+.*\b(?:et|ou|puis|mais|sans)\b", text[: found.start()])
    )
