"""Questions from plain statements: where, how, whether, why, and what something is."""

from __future__ import annotations

import re
from dataclasses import replace

from triplette.languages.fr.rules.agents import PARTICIPLE, passive_questions, who_questions
from triplette.languages.fr.rules.candidate import (
    POSSESSIVE,
    PRONOUN,
    Candidate,
    asked,
    core,
    loose,
    make,
    person,
    refers,
    usable,
    vague,
)
from triplette.languages.fr.rules.clauses import Clause, has_verb, stands_alone
from triplette.languages.fr.rules.complements import complement_questions
from triplette.languages.fr.rules.figures import (
    NUMBER,
    gives_figure,
    measure_question,
    parts_question,
    quantity_question,
    when_questions,
)
from triplette.languages.fr.rules.permissions import permission_questions
from triplette.languages.fr.rules.vocabulary import words_in_force


def fact_questions(main: Clause, place: int) -> list[Candidate]:
    """Every question of a clause."""
    if re.match(r"(?:\w+\s)?alors\b", main.rest):
        return []  # "sont alors déposés": in a case that the sentence before tells
    if loose(main):
        return [
            replace(c, loose=True, weight=c.weight - 0.1) for c in _of_usable(main, place) if c.kind != "definition"
        ] + definition_question(main, place)
    if not usable(main):
        return definition_question(main, place) if stands_alone(main.subject.text) else []
    return _of_usable(main, place)


def _of_usable(main: Clause, place: int) -> list[Candidate]:
    ends = f" {main.lead}" if main.lead else ""
    found = definition_question(main, place)
    found += quantity_question(main, place, ends)
    found += measure_question(main, place)
    found += parts_question(main, place, ends)
    found += when_questions(main, place, ends)
    found += passive_questions(main, place, ends)
    found += who_questions(main, place, ends)
    found += permission_questions(main, place, ends + _condition(main))
    found += what_questions(main, place, ends)
    found += state_questions(main, place, ends)
    found += complement_questions(main, place, ends)
    found += whether_question(main, place, ends + _condition(main))
    return found


_WHEN = re.compile(r"^(?:dès qu|tant qu|lorsqu|quand\b|s'ils?\b|si\b(?! (?:nécessaire|possible|besoin)\b))")
_CONDITION_WORDS = 12


def _condition(main: Clause) -> str:
    """The condition after a clause, for a question that is true under it only: "doit quitter la place dès que la charge est terminée"."""
    said = core(main.tail)
    short = len(said.split()) <= _CONDITION_WORDS and said == main.tail.strip()
    fits = (
        _WHEN.match(said)
        and short
        and has_verb(said)
        and stands_alone(said)
        and not PRONOUN.search(said)
        and not POSSESSIVE.search(said)
    )
    return f" {said}" if fits else ""


# what was, how good something is: no rule, and nobody asks for it
_TOLD_STORY = re.compile(
    r"^(?:été|très|à présent|historiquement|plus que|peu|tout à fait|bien|clairement|mieux|censée?s?"
    r"|(?:plus|moins) \w+$|aujourd'hui|actuellement|(?:un|une) (?:exemple|des)|celles?|ceux|recommande)\b"
)


def whether_question(main: Clause, place: int, ends: str) -> list[Candidate]:
    """Whether something is so: the plainest question, for a clause that no other pattern knows."""
    rest = re.sub(r"^lieu et\b.*", "lieu", core(main.rest))
    said = len(rest.split()) + max(len(main.subject.text.split()) - 3, 0)
    if (
        said < 3
        or not rest
        or not stands_alone(rest)
        or refers(rest, main.subject)
        or main.subject.text == "on"
        or main.clitic.strip() in ("lui", "leur", "y", "en")
        or main.infinitive in ("devoir", "pouvoir")
    ):
        return []
    if main.infinitive == "avoir" and re.match(r"(?:\w+ment )?à\s", rest):
        return []
    if main.negated and re.match(r"d(?:e\s|')", rest):
        return []
    if (
        main.infinitive in ("sembler", "paraître", "consister", "viser", "permettre")
        or (len(main.subject.text.split()) < 2 and not main.subject.head[:2].isupper())
        or gives_figure(rest)
    ):
        return []
    if POSSESSIVE.search(main.subject.text):
        return []
    if _TOLD_STORY.match(rest) or (
        main.infinitive == "avoir" and PARTICIPLE.match(rest) and not re.match(r"(?:droit|lieu|intérêt)\b", rest)
    ):
        return []
    if re.match(rf"{NUMBER}\s", main.subject.text) or (person(main.subject) and main.infinitive == "avoir" and "droit" not in rest):
        return []
    if person(main.subject) and main.infinitive not in _NO_DUTY and main.clitic.strip() in ("", "se", "s'"):
        return _normed(main, rest, place, ends)
    if main.negated and main.infinitive in _LIMITED:
        may = asked("", main.subject, "peuvent" if main.subject.plural else "peut", f"{main.infinitive} {rest}{ends}")
        return make(may, "factual", "may", 0.46, place)
    if main.infinitive in _HOLDING and _LISTED.match(main.rest[len(rest) :]):
        return []  # the first of a list says nothing of the others; what it holds is asked
    text = asked("", main.subject, main.verb, f"{rest}{ends}", clitic=main.clitic)
    return make(text, "factual", "whether", 0.34, place)


_LIMITED = frozenset("dépasser excéder".split())
_HOLDING = frozenset("contenir comprendre comporter inclure couvrir".split())
_LISTED = re.compile(r",\s(?:l'|les?\s|la\s|une?\s|des\s|son\s|sa\s|ses\s|leurs?\s).*\s(?:et|ou)\s")


# what happens to somebody, or what somebody is: not done, so neither owed nor allowed
_NO_DUTY = frozenset(
    "être avoir recevoir obtenir perdre gagner garder conserver bénéficier rester demeurer constituer devenir relever représenter disposer comprendre "
    "compter comporter marquer souhaiter savoir appartenir correspondre posséder détenir faire réserver".split()
)


def _normed(main: Clause, rest: str, place: int, ends: str) -> list[Candidate]:
    """A rule told in the present: "L'arbitre choisit le côté" asks whether he must, "Un joueur ne sort pas" whether he may."""
    plural = main.subject.plural
    reflexive = ("s'" if main.infinitive[0] in "aeiouéèêh" else "se ") if main.clitic else ""
    if main.negated:
        if re.match(r"d(?:e\s|')", rest):
            return []
        may = asked("", main.subject, "ont" if plural else "a", f"le droit de {reflexive}{main.infinitive} {rest}{ends}")
        return make(may, "factual", "entitled", 0.5, place)
    must = asked("", main.subject, "doivent" if plural else "doit", f"{reflexive}{main.infinitive} {rest}{ends}")
    return make(must, "procedural", "held-to", 0.4, place)


def definition_question(main: Clause, place: int) -> list[Candidate]:
    """ "Le zugzwang est une position où ..." -> "Qu'est-ce qu'un zugzwang ?"."""
    rest = main.rest
    if (
        vague(main.subject)
        or main.negated
        or main.tail
        or main.lead
        or len(rest.split()) < 6
        or len(main.subject.text.split()) > 6
        or main.subject.plural
    ):
        return []
    if main.verb == "est" and re.match(
        r"(?:un|une|le fait|l'action|la capacité|le moment|l'endroit|l'espace|celui|celle|la partie|le document)\s", rest
    ):
        if re.search(r"\b(?:qui|ne)\b", main.subject.text):
            return []
        return make(f"qu'est-ce que {main.subject.text}", "definition", "definition", 0.86, place) + make(
            f"comment définit-on {main.subject.text}", "definition", "definition", 0.8, place
        )
    if main.verb in ("désigne", "signifie", "consiste") and not person(main.subject):
        opening = "en quoi consiste" if main.verb == "consiste" else "que désigne" if main.verb == "désigne" else "que signifie"
        return make(f"{opening} {main.subject.text}", "definition", "definition", 0.84, place)
    return []


def what_questions(main: Clause, place: int, ends: str) -> list[Candidate]:
    """What brings something about, what something consists of, what one may not do."""
    rest = core(main.rest)
    found: list[Candidate] = []
    if (
        not person(main.subject)
        and not main.negated
        and not main.clitic
        and main.verb in ("entraîne", "entraînent", "provoque", "interrompt")
        and not vague(main.subject)
    ):
        verb = "entraînent" if main.subject.plural else "entraîne"
        found += make(f"qu'{verb} {main.subject.text}{ends}", "factual", "consequence", 0.76, place)
    if (
        main.verb in ("comprend", "comporte", "contient", "comprennent", "comportent", "contiennent")
        and not re.match(NUMBER, rest)
        and not main.negated
    ):
        found += make(f"que {main.verb} {main.subject.text}{ends}", "factual", "contains", 0.66, place)
    if main.verb in ("compose", "composent") and main.clitic:
        found += make(f"de quoi se {main.verb} {main.subject.text}{ends}", "factual", "contains", 0.7, place)
    if main.verb in ("met", "mettent") and stands_alone(rest) and rest.startswith("fin à") and not person(main.subject):
        found += make(f"qu'est-ce qui met {rest}{ends}", "factual", "ends", 0.7, place)
    if main.verb in ("sert", "servent") and re.match(r"(?:à|de)\s", rest) and not person(main.subject):
        found += make(
            f"à quoi {main.verb} {main.subject.text}{ends}" if rest.startswith("à") else "", "definition", "purpose", 0.8, place
        )
    if main.verb in ("dépend", "dépendent") and not main.negated:
        found += make(f"de quoi {main.verb} {main.subject.text}{ends}", "factual", "depends", 0.76, place)
    return found


_STATES = re.compile(
    r"^(?:aussi |donc |alors |toujours |pas )?(obligatoires?|facultati(?:f|ve)s?|permise?s?|interdite?s?|autorisée?s?|possibles?|valables?|valides?|légale?s?"
    r"|illégale?s?|nulle|perdue|gagnée|gratuite?s?|définiti(?:f|ve)s?|irrévocables?|recevables?|éligibles?|nécessaires?|suffisante?s?|immédiate?s?"
    r"|admise?s?|tolérée?s?|exigée?s?|payante?s?|renouvelables?|cumulables?|homologuée?s?|prise?s? en compte|comptabilisée?s?)\b(.*)$"
)
_MANNERS = frozenset(
    "déplacer jouer calculer noter écrire dérouler exécuter effectuer fonctionner avancer procéder faire départager répartir terminer organiser "
    "prononcer numéroter lire perdre obtenir".split()
)
_WHERES = frozenset("trouver placer situer tenir poser installer".split())


def state_questions(main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "Le signe de prise est facultatif" -> "Le signe de prise est-il obligatoire ?"; how and where something happens; why."""
    found: list[Candidate] = []
    rest = core(main.rest)
    state = _STATES.match(rest)
    if (
        main.infinitive == "être"
        and state
        and not (main.tail and len(rest.split()) < 2)
        and stands_alone(rest)
        and not PRONOUN.search(rest)
    ):
        text = asked("", main.subject, main.verb, f"{rest}{ends}")
        found += make(text, "factual", "state", 0.7, place)
    if (
        main.infinitive in _MANNERS
        and (main.clitic.strip() in ("se", "s'") or main.infinitive in ("fonctionner", "avancer", "procéder"))
        and not main.negated
        and len(rest.split()) >= 3
        and not person(main.subject)
        and len(main.subject.text.split()) <= 7
    ):
        found += make(f"comment {main.clitic}{main.verb} {main.subject.text}{ends}", "procedural", "how", 0.8, place)
    somewhere = re.match(r"(?:à|au|aux|sur|dans|devant|derrière|près|entre|hors|en)\b", rest)
    if somewhere and main.infinitive in _WHERES and main.clitic.strip() in ("se", "s'") and not main.negated:
        found += make(f"où {main.clitic}{main.verb} {main.subject.text}{ends}", "factual", "where", 0.8, place)
    why = re.search(r",?\s(?:car\s|parce que\s|parce qu'|puisque\s|puisqu').+$", main.rest)
    if why and len(main.rest[: why.start()].split()) >= 2 and stands_alone(main.rest[: why.start()]) and main.subject.text != "on":
        kept = core(main.rest[: why.start()])
        found += make(
            asked("pourquoi", main.subject, main.verb, kept, negated=main.negated, clitic=main.clitic), "factual", "why", 0.8, place
        )
    right = re.match(r"(?:le )?droit (d(?:e\s|')\w+(?:er|ir|re|oir)\b.*)$", rest)
    if main.infinitive == "avoir" and right and person(main.subject) and not PRONOUN.search(rest):
        found += make(asked("", main.subject, main.verb, f"le droit {right.group(1)}{ends}"), "factual", "right", 0.72, place)
        bare = re.fullmatch(r"(?:l'|(?:une?|le|la|toute?|chaque) )([\w-]+)", main.subject.text)
        speaker = words_in_force().speaker(bare.group(1)) if bare else None
        if speaker and not speaker.introduced and not re.search(r"\b(?:se|s')", rest):
            mine = re.sub(r"\b(son|sa|ses)\b", lambda m: {"son": "mon", "sa": "ma", "ses": "mes"}[m.group()], right.group(1))
            found += make(f"ai-je le droit {mine}{ends}", "factual", "right", 0.78, place, speaker.name)
    return found
