"""Sentences to clauses: what leads, who, which verb, what follows and under which condition.

The main verb is the first known form that is not a noun in its place and not the verb of a relative clause. A sentence that this does
not explain to the end gives None: no question is better than a wrong one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from triplette.languages.fr.rules.grammar import OPEN_PRONOUN, Phrase, gender_of, phrase, points_away
from triplette.languages.fr.rules.verbs import FORMS
from triplette.languages.fr.rules.vocabulary import words_in_force

STRONG = frozenset(
    "est sont a ont doit doivent peut peuvent devra devront pourra pourront sera seront fait font perd reçoit dispose dispose".split()
)
_BEFORE_NOUN = frozenset(
    """le la les l' un une des du de d' au aux à son sa ses leur leurs ce cet cette ces chaque tout toute aucun aucune par pour en dans sur
    sous avec sans entre vers chez quel quelle mon ma mes notre nos et ou deux trois quatre cinq premier première seul seule même autre
    nouvelle nouveau ni comme lors contre plusieurs toute tous toutes""".split()
)
_RELATIVES = frozenset("qui que dont où lequel laquelle".split())
LEADING = re.compile(
    r"^(Si|S'(?=ils?\b)|Lorsque|Lorsqu'|Quand|Dès que|Dès qu'|En cas d[e'u]s?|Tant que|Tant qu'|Chaque fois que|Chaque fois qu'|Une fois que"
    r"|Aussitôt que|[ÀA] moins que|Au cas où|Dans le cas où|Dans l'hypothèse où)\s?(.+)$"
)
_ADVERBIAL = re.compile(
    r"^((?:Pendant|Durant|Avant|Après|Lors d[e'u]s?|Au cours d[e'u]s?|Au moment d[e'u]|Dans|Sur|À la fin d[e'u]|À l'issue d[e'u]s?|À partir d[e'u]"
    r"|Au début d[e'u]|En |Pour|Sous|Entre|Sans|Sauf|Hors|Hormis|Chez|Aux? |À |De |Du |Par |Avec |Contre |Depuis |Jusqu'|Conformément "
    r"|Selon |Faute |Outre |Une fois |Quel(?:le)?s? que soi)"
    r"[^,]*),\s(.+)$"
)
_MAIN_START = re.compile(
    r",\s(?:alors\s|et\s)?(?=(?:l'|d'autres|le\s|la\s|les\s|un\s|une\s|il\s|ils\s|elle\s|elles\s|on\s|son\s|sa\s|ses\s|leur|aucun|chaque|tout|tous|toutes|des\s|seule?s?\s|celui|c'est|[A-Z]))"
)
TAIL = re.compile(
    r"\s*,?\s((?:(?:uniquement|seulement|même|sauf|y compris)\s)?(?:si\s|s'ils?\s|lorsque\s|lorsqu'|quand\s|dès que\s|dès qu'|en cas d[e'u]|tant que\s|tant qu'"
    r"|à (?:la )?condition\s|sous réserve|à moins\s|avant que\s|avant qu'|au cas où|pourvu qu[e']|faute d[e']|sauf\s|à défaut))"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause: ``lead`` (an adverbial before it, first letter small), subject, verb with what stands around it, ``tail`` (a condition after it).

    ``rest`` is what follows the verb up to the tail. ``clitic`` is "se ", "s'", "y ", "en " or "".
    """

    lead: str
    subject: Phrase
    negated: bool
    clitic: str
    verb: str
    rest: str
    tail: str

    @property
    def infinitive(self) -> str:
        """The verb's infinitive."""
        return FORMS[self.verb].infinitive


@dataclass(frozen=True, slots=True)
class Conditional:
    """A sentence that opens with a condition: conjunction, condition, main clause as text."""

    opening: str
    condition: str
    main: str

    @property
    def joined(self) -> str:
        """Conjunction and condition, first letter small."""
        opening = self.opening[:1].lower() + self.opening[1:]
        return opening + ("" if opening.endswith("'") else " ") + self.condition


def conditional(text: str) -> Conditional | None:
    """The parts of a sentence that opens with a condition, else None."""
    match = LEADING.match(text)
    if match is None:
        return None
    opening, rest = match.groups()
    if rest.startswith(",") or re.match(r"après que|avant que", rest):
        return None
    verbless = opening.startswith("En cas")
    for comma in _MAIN_START.finditer(rest):
        condition, main = rest[: comma.start()].strip(), rest[comma.end() :].strip()
        balanced = condition.count("(") == condition.count(")")
        if balanced and (verbless or has_verb(condition)) and has_verb(main) and not condition.endswith((" et", " ou")):
            return Conditional(opening, condition, main)
    return None


def has_verb(text: str) -> bool:
    """Whether a known finite form stands in a verb's place."""
    words = _words(text)
    return any(_is_verb(words, i) for i in range(len(words)))


def stands_alone(text: str) -> bool:
    """Nothing in ``text`` points outside it."""
    return not (
        points_away(text) or OPEN_PRONOUN.match(text) or text.count("(") != text.count(")") or text.count("«") != text.count("»")
    )


# "Le trésorier, avec l'accord du bureau, engage ...": what stands between subject and verb
_BETWEEN = re.compile(
    r"^((?:L'|Les?\s|La\s|Une?\s|Tout\w*\s|Chaque\s)[^,]{3,110}),\s((?:avec|en|dans|par|pour|sur|à|au|aux|lors|sous|après|avant|sauf|hormis|y compris|selon"
    r"|quel|conformément|sans|même|ou|et|assisté|composé|dès)\b[^,]{2,90}),\s(.+)$"
)


def clause(text: str, subject: Phrase | None = None) -> Clause | None:
    """The clause of a sentence without leading condition; a pronoun subject is read as ``subject``. None when unexplained."""
    lead = ""
    adverbial = _ADVERBIAL.match(text)
    if adverbial:
        lead, text = adverbial.groups()
        lead = lead[:1].lower() + lead[1:]
    between = _BETWEEN.match(text)
    if between and not has_verb(between.group(1)):
        aside = between.group(2)
        text = f"{between.group(1)} {between.group(3)}"
        if not lead and re.match(r"(?:en|dans|lors|après|avant|pour|aux?|à)\s", aside):
            lead = aside
    tail = ""
    match = TAIL.search(text)
    if match:
        tail, text = text[match.start(1) :].strip(), text[: match.start()].strip()
    parsed = _parse(text, subject)
    return replace(parsed, lead=lead, tail=parsed.tail or tail) if parsed else None


def _parse(text: str, pronoun: Phrase | None) -> Clause | None:
    words = _words(text)
    skip = 0
    for i, word in enumerate(words):
        bare = word.rstrip(",")
        if bare in _RELATIVES or bare.startswith("qu'"):
            skip += 1
        elif i and _is_verb(words, i):
            if skip:
                skip -= 1
                continue
            return _assembled(words, i, pronoun)
        elif (word.endswith((",", ":", ";")) and not skip) or i > 20:
            return None
    return None


def _assembled(words: list[str], at: int, pronoun: Phrase | None) -> Clause | None:
    before = at
    clitic, negated = "", False
    while before > 1 and words[before - 1] in ("se", "y", "en", "lui", "leur", "le", "la", "les", "ne", "n'y", "n'en"):
        before -= 1
        if words[before].startswith("n"):
            negated = True
            clitic = words[before].removeprefix("ne").removeprefix("n'") + (" " if len(words[before]) > 2 else "") + clitic
        else:
            clitic = f"{words[before]} {clitic}"
    verb = words[at]
    for prefix in ("n'", "s'", "l'", "y", "en"):
        if verb.startswith("n'"):
            negated, verb = True, verb[2:]
        elif verb.startswith(("s'", "l'")) and prefix != "n'":
            clitic, verb = verb[:2] + clitic, verb[2:]
    name = " ".join(words[:before])
    if name.lower() == "il" and (
        verb in ("faut", "convient", "appartient", "suffit", "s'agit")
        or _ADJECTIVE_DE.match(re.sub(r"^(?:pas|plus|jamais)\s", "", " ".join(words[at + 1 :])))
    ):
        return None  # nobody does it: "il est utile de ..."
    subject = _agreeing(_subject(name, pronoun), verb)
    if subject is None or verb not in FORMS:
        return None
    rest = " ".join(words[at + 1 :])
    if FORMS[verb].infinitive == "agir" and clitic.startswith("s'"):
        return None  # "il s'agit de"
    if negated:
        rest, cut = re.subn(r"^(pas|plus|jamais)\b\s?", "", rest)
        if re.match(r"(?:rien|personne|aucune?|que|guère)\b", rest) and cut:
            return None
        only, none = re.match(r"que?(?:\s|'|$)", rest), re.match(r"aucune?\s", name, re.IGNORECASE)
        if only:
            negated, rest = False, re.sub(r"^que?(?:\s|')?", "", rest)
        elif none:
            subject = phrase(f"un{name[5:]}") or subject
        elif not cut and (
            limit := re.search(r"\sque?(?:\s|')(?=(?:en|si|s'|après|avant|avec|sur|par|pour|lorsqu|dans|à|au|aux|sous|lors)\b)", rest)
        ):
            return Clause("", subject, False, clitic, verb, rest[: limit.start()], rest[limit.end() :])
        elif not cut and re.search(r"\bqu[e']", rest):
            return None  # "ne peut ... que"
        elif not cut and FORMS[verb].infinitive not in ("pouvoir", "savoir"):
            return None  # "ni", "personne", or a bare "ne"
    return Clause("", subject, negated, clitic, verb, rest, "")


def _agreeing(subject: Phrase | None, verb: str) -> Phrase | None:
    """The subject as the verb's number shows it: two singulars joined are a plural; None when they disagree."""
    if subject is None or verb not in FORMS or FORMS[verb].plural == subject.plural:
        return subject
    parts = re.split(r"\s(?:et|ni)\s|,\s", subject.text)
    if subject.plural or len(parts) < 2:
        return None
    genders = {part.gender if (part := phrase(text)) else "" for text in parts}
    gender = "m" if "m" in genders else "f" if genders == {"f"} else ""
    return replace(subject, plural=True, gender=gender)


_ADJECTIVE_DE = re.compile(
    r"^(?:\w+ment\s)?(?:\w+\s(?:de|d'|que|qu')|(?:interdit|permis|possible|autorisé|obligatoire|nécessaire|demandé)\b)"
)


def _subject(name: str, pronoun: Phrase | None) -> Phrase | None:
    low = name.lower()
    if low in ("chacun", "tout le monde"):
        return phrase(f"chaque {words_in_force().anyone}")
    if low == "on":
        return Phrase("on", "on", "m", False)
    if low in ("il", "elle", "ils", "elles"):
        fits = pronoun is not None and pronoun.pronoun == low
        return pronoun if fits else None
    if low.startswith("celui qui "):
        return _anyone(name[5:])
    return phrase(name)


def _anyone(described: str) -> Phrase | None:
    """ "celui qui ..." as "une personne qui ..."."""
    noun = words_in_force().anyone
    return phrase(f"{'une' if gender_of(noun) == 'f' else 'un'} {noun}{described}")


def _words(text: str) -> list[str]:
    return text.split()


def _someone(word: str) -> bool:
    word = word.lower().removeprefix("l'")
    return word in words_in_force().persons or word in ("il", "elle", "ils", "elles", "on", "qui", "ne")


def _is_verb(words: list[str], at: int) -> bool:
    """Whether the word is a finite form where a verb can stand: after no determiner, and before no stronger verb."""
    word = words[at].rstrip(",;:")
    for prefix in ("n'", "s'", "l'"):
        if word.startswith(prefix) and word[2:] in FORMS:
            return prefix != "l'" or (at > 0 and words[at - 1] == "ne")
    if word not in FORMS or (word == "limite" and at and words[at - 1].lower().endswith(("heure", "date", "délai"))):
        return False
    before = words[at - 1].lower() if at else ""
    if before in ("ne", "se", "qui", "on", "il", "elle", "ils", "elles"):
        return True
    if before in ("le", "la", "les", "lui", "leur") and at > 1 and _someone(words[at - 2]):
        return True  # "l'arbitre le sanctionne": a pronoun, and no article
    if not before or before in _BEFORE_NOUN or before.endswith((",", "'")):
        return word in STRONG and bool(before) and before not in _BEFORE_NOUN
    following = words[at + 1] if at + 1 < len(words) else ""
    return word in STRONG or not (following in STRONG or following in ("ne", "se") or following.startswith(("n'", "s'")))
