"""Questions from a line that opens a list: its items are the answer."""

from __future__ import annotations

import re

from triplette.languages.fr.rules.candidate import Candidate, asked, make, person, usable
from triplette.languages.fr.rules.clauses import LEADING, Clause, clause, stands_alone
from triplette.languages.fr.rules.facts import fact_questions
from triplette.languages.fr.rules.grammar import of, phrase
from triplette.languages.fr.rules.sentences import Sentence

ITEMS_MIN = 2
_WHICH = {("m", False): "quel", ("f", False): "quelle", ("m", True): "quels", ("f", True): "quelles"}
_EMPTY = re.compile(
    r"\s*(?:,?\s(?:l[ea]s? )?(?:suivante?s?|ci-après|ci-dessous|comme suit|notamment|à savoir|c'est-à-dire|soit))+\s*:?$"
)


def list_questions(sentence: Sentence) -> list[Candidate]:
    """Every question that a list answers."""
    if len(sentence.items) < ITEMS_MIN:
        return []
    text = _EMPTY.sub("", sentence.text.rstrip(" :")).strip(" :,")
    place = sentence.place
    cased = re.match(r"^(En cas d[e'u]s?\s?[^,:]+)$", text)
    if cased and stands_alone(text):
        return make(f"que se passe-t-il {text[:1].lower()}{text[1:]}", "procedural", "list-case", 0.7, place)
    if not stands_alone(text) or LEADING.match(text):
        return []
    conditions = re.match(r"^(.+?)\s(?:si|lorsque|à condition de|aux conditions|quand|dans les cas)$", text)
    if conditions:
        main = clause(conditions.group(1))
        if main and usable(main) and len(main.rest.split()) >= 1:
            said = asked("dans quels cas", main.subject, main.verb, main.rest, negated=main.negated, clitic=main.clitic)
            return make(said, "multi-condition", "list-cases", 0.92, place)
        return []
    named = phrase(text)
    main = clause(text)
    if main is not None and usable(main) and len(main.rest.split()) >= 3:
        found = fact_questions(main, place)
        if found:
            return found
    if main is None and named and re.search(r"(?:ront|ra|ait|aient)\b", named.text):
        return []
    if main is None and named and named.plural and named.gender and len(text.split()) >= 3:
        return make(f"{_WHICH[named.gender, True]} sont {named.text}", "factual", "list-of", 0.84, place)
    if main is None or not usable(main) or main.negated:
        return []
    return _of_clause(main, place)


def _of_clause(main: Clause, place: int) -> list[Candidate]:
    subject, rest = main.subject, main.rest.strip()
    specific = len(subject.text.split()) >= 3
    ends = f" {main.lead}" if main.lead else ""
    if main.infinitive == "être" and not rest and subject.gender:
        return make(f"{_WHICH[subject.gender, subject.plural]} {main.verb} {subject.text}{ends}", "factual", "list-of", 0.88, place)
    if main.infinitive == "être" and re.match(r"composée?s? (?:de|d'|des)?$", rest):
        return make(f"de qui {main.verb} {rest.split()[0]} {subject.text}{ends}", "factual", "list-of", 0.88, place)
    if main.infinitive in ("comprendre", "comporter", "contenir", "mentionner", "indiquer", "préciser") and not rest:
        return make(f"que {main.verb} {subject.text}{ends}", "factual", "list-of", 0.8 if specific else 0.6, place)
    if main.infinitive == "devoir" and not rest and person(subject):
        return make(f"que {main.verb} faire {subject.text}{ends}", "procedural", "list-duty", 0.7 if specific or ends else 0.4, place)
    if main.infinitive == "pouvoir" and not rest and person(subject):
        return make(f"que {main.verb} faire {subject.text}{ends}", "procedural", "list-power", 0.7 if specific or ends else 0.4, place)
    if (
        main.infinitive in ("avoir",)
        and re.match(r"(?:notamment )?pour (?:mission|objet|but|rôle|tâche)s?(?: principale)?s?$", rest)
        and subject.gender
    ):
        what = re.search(r"(mission|objet|but|rôle|tâche)", rest).group(1)  # type: ignore[union-attr]
        which = "quelles sont les missions" if what in ("mission", "tâche") else f"quel est {'l’' if what == 'objet' else 'le '}{what}"
        return make(f"{which} {of(subject.text)}{ends}".replace("’", "'"), "factual", "list-mission", 0.88, place)
    participle = re.match(
        r"(comptée?s?|attribuée?s?|sanctionnée?s?|punie?s?|départagée?s?|classée?s?|calculée?s?|établie?s?|organisée?s?|jouée?s?)$",
        rest,
    )
    if main.infinitive == "être" and participle:
        return make(f"comment {main.verb} {rest} {subject.text}{ends}", "procedural", "list-how", 0.86, place)
    return []
