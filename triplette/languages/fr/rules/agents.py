"""Questions about who does something: "who", "by whom", and for what is done to a thing how and where."""

from __future__ import annotations

import re

from triplette.languages.fr import stem
from triplette.languages.fr.rules.candidate import POSSESSIVE, PRONOUN, Candidate, core, make, person
from triplette.languages.fr.rules.clauses import Clause, stands_alone
from triplette.languages.fr.rules.figures import NUMBER
from triplette.languages.fr.rules.grammar import Phrase, phrase
from triplette.languages.fr.rules.verbs import PAIRS, infinitive_of, singular
from triplette.languages.fr.rules.vocabulary import words_in_force

_AGENT = re.compile(r"\spar\s(?:l'|le\s|la\s|les\s|un\s|une\s|son\s)\S+")
PARTICIPLE = re.compile(
    r"^(?:(?:toujours|aussi|alors|généralement|automatiquement|ensuite|également|obligatoirement)\s)?([\w-]+(?:és?|ées?|is|ies?|ise?s?|us?|ues?|ts?|tes?))(\s|$)"
)
# participles that are adjectives here, or that a permission is asked with
_NO_DEED = frozenset(
    "soumis compris permis dus plus tous tenu tenue tenus tenues situé relatif jamais mis mise pris interdit interdite interdits interdites obligé "
    "autorisé autorisée autorisés considéré considérée fait chargé chargée chargés chargées".split()
)
_DONE = frozenset(
    "faire établir calculer comptabiliser départager classer apparier attribuer déterminer désigner élire organiser répartir noter juger traiter "
    "sanctionner composer numéroter compter définir choisir accorder constituer financer disputer jouer valider former".split()
)


_DEED = re.compile(r"[\w-]+(?:é|i|u)e?s?(?=\s|$)")


def deed_of(rest: str) -> str:
    """The stem of the participle that says what is done, after "être"; "" for a state ("obligatoire", "tous", "une partie")."""
    match = _DEED.match(rest)
    return stem(match.group()) if match and match.group() not in _NO_DEED else ""


def passive_questions(main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "Le capitaine est désigné par le club" -> "Par qui est désigné le capitaine ?"."""
    rest = main.rest
    if main.infinitive != "être" or main.negated or not PARTICIPLE.match(rest) or POSSESSIVE.search(main.subject.text):
        return []
    participle = PARTICIPLE.match(rest)
    word = participle.group(1) if participle else ""
    if word.endswith("ment") or word in _NO_DEED:
        return []
    after = rest[participle.end() :].strip() if participle else ""
    agent = _AGENT.search(f" {after}")
    found: list[Candidate] = []
    by = phrase(agent.group()[5:]) if agent else None
    somebody = by is not None and person(by)
    deed = infinitive_of(word)
    if agent and (" et " in after[: agent.start()] or "," in after[: agent.start()] or agent.start() > 60):
        by = None
    if re.fullmatch(r"(?:une?|des) [\w-]+(?: \w+[sx])?", main.subject.text):
        by = None  # "un budget", "des aides exceptionnelles": which, the passage alone knows
    if by and person(by) and deed and len(main.subject.text.split()) >= 2:
        found += make(f"qui {PAIRS[deed][0]} {main.subject.text}{ends}", "factual", "by-whom", 0.86, place)
    if by and person(by) and len(main.subject.text.split()) >= 2:
        found += make(f"par qui {main.verb} {word} {main.subject.text}{ends}", "factual", "by-whom", 0.86, place)
    place_ = re.match(r"(?:à|au|aux|dans|sur|chez|auprès)\s", after)
    stated = re.match(r"(?:pour|chaque|dans le cadre|au cours|lors|en (?:début|fin)|l[ea]s?|tous|sauf|avant|après|et)\b|l'", after)
    counted = re.match(rf"(?:{NUMBER}|des|un|une|certains?)\s", main.subject.text)
    manner = (infinitive_of(word) in _DONE and len(after.split()) >= 2 and not agent and not stated and not counted) or re.match(
        r"(?:selon|suivant|en fonction|conformément|à l'aide|au moyen|par (?!l'|le |la |les )|d'après|en additionnant|en divisant|en multipliant|grâce)",
        after,
    )
    if manner and not somebody and len(main.subject.text.split()) >= 2:
        found += make(f"comment {main.verb} {word} {main.subject.text}{ends}", "procedural", "how", 0.78, place)
    if place_ and word.rstrip("es") in (
        "envoy",
        "transmis",
        "adress",
        "vers",
        "affich",
        "inscri",
        "inscrit",
        "plac",
        "rang",
        "déposé",
        "dépos",
        "not",
        "post",
    ):
        opening = "à qui" if words_in_force().pattern(r"(?:<recipients>)").match(after) else "où"
        found += make(f"{opening} {main.verb} {word} {main.subject.text}{ends}", "factual", "where", 0.8, place)
    return found


# a verb with nothing but its time: "répond dans les quinze jours", "arrive une heure avant l'appel" (who does so, another passage says too)
_WHEN_ONLY = re.compile(
    rf"^(?:{NUMBER}|une?)\s(?:minutes?|heures?|jours?|semaines?|mois|ans?)\s(?:avant|après)\b|^(?:au plus tard|avant|après|dès|chaque|tous les|toutes les)\s"
    r"|^(?:dans|sous)\s(?:un délai|l[ea]s?\s(?:mois|semaine|jour|année|délai|\w+\s(?:minutes|heures|jours|semaines|mois)))"
)


def _anybody(subject: Phrase) -> bool:
    """Whoever the rules are about ("chaque employé", "le lecteur"): who does what they tell in the present is no question."""
    bare = re.fullmatch(r"(?:(l'|le |la |une? )|(?:chaque |tout(?:e)? ))([\w-]+)", subject.text)
    if bare is None:
        return False
    speaker = words_in_force().speaker(bare.group(2))
    return not bare.group(1) or (speaker is not None and not speaker.introduced)


def who_questions(main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "L'arbitre en chef désigne ses adjoints" -> "Qui désigne ... ?", for deeds that say enough."""
    rest = core(main.rest)
    if main.negated or not person(main.subject) or main.subject.text == "on" or " qui " in main.subject.text:
        return []
    if main.infinitive in (
        "avoir",
        "falloir",
        "comprendre",
        "comporter",
        "compter",
        "constituer",
        "représenter",
        "devenir",
        "débuter",
        "connaître",
        "commencer",
        "réussir",
        "posséder",
        "rester",
    ) or main.clitic.strip() in ("lui", "leur", "en", "y"):
        return []
    if POSSESSIVE.search(rest + ends) or PRONOUN.search(rest + ends) or len(rest.split()) < 3 or not stands_alone(rest):
        return []
    if main.infinitive == "être":
        charged = re.match(r"(chargée?s?|responsables?|habilitée?s?|compétente?s?|seule?s?|tenue?s?)\s((?:de|d'|à|pour)\b.*)$", rest)
        if charged is None:
            return []
        word = {"c": "chargé", "r": "responsable", "h": "habilité", "t": "tenu"}.get(charged.group(1)[0], "")
        word = "compétent" if charged.group(1).startswith("comp") else word
        return make(f"qui est {word} {charged.group(2)}{ends}" if word else "", "factual", "who", 0.84, place)
    if re.match(r"être\b", rest):
        return []
    if main.infinitive not in ("pouvoir", "devoir") and (_anybody(main.subject) or _WHEN_ONLY.match(rest)):
        return []
    if main.infinitive in ("payer", "verser", "régler") and re.match(rf"{NUMBER}\s", rest):
        return []  # how much is the question
    if re.search(r"\bentre \d", rest) or re.match(r"(?:adress|envo|transm|remet)\w* (?:à|au|aux)\b", f"{main.verb} {rest}"):
        return []
    anyone = words_in_force().anyone
    generic = main.subject.head in (anyone, f"{anyone}s", "personne") and len(main.subject.text.split()) <= 2
    return make(f"qui {main.clitic}{singular(main.verb)} {rest}{ends}", "factual", "who", 0.3 if generic else 0.74, place)
