"""Questions from what one may, must or must not do: whether one may, whether one is held to, and when a thing must be done."""

from __future__ import annotations

import re

from triplette.languages.fr.rules.candidate import (
    POSSESSIVE,
    PRONOUN,
    Candidate,
    asked,
    core,
    make,
    person,
    refers,
)
from triplette.languages.fr.rules.clauses import Clause, stands_alone
from triplette.languages.fr.rules.grammar import Phrase, gender_of
from triplette.languages.fr.rules.verbs import infinitive_of, singular
from triplette.languages.fr.rules.vocabulary import words_in_force

_WITH = frozenset("accompagner suivre précéder entourer munir doter assortir assister composer".split())


def _with_article(match: re.Match[str]) -> str:
    """ "utiliser d'appareil" -> "utiliser un appareil"; as it is when the noun's gender is not known."""
    article = {"m": "un", "f": "une"}.get(gender_of(match.group(2)), "")
    return f"{match.group(1)} {article} {match.group(2)}" if article else match.group()


def permission_questions(main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "Le joueur peut ..." -> "Un joueur peut-il ... ?", and in the first person where nothing else must change."""
    rest = core(main.rest)
    if main.infinitive not in ("pouvoir", "devoir") or main.clitic or len(rest.split()) < 3 or not stands_alone(rest):
        return []  # "se doit de répondre" is no permission: without its pronoun it asks "doit-il de répondre"
    who = main.subject
    if POSSESSIVE.search(who.text):
        return []
    known = words_in_force()
    any_one = re.fullmatch(r"(?:le|tout|chaque) ([\w-]+)", who.text)
    kind = "factual" if main.infinitive == "pouvoir" else "procedural"
    if any_one and any_one.group(1) in known.many:
        who = Phrase(f"un {any_one.group(1)}", who.head, "m", False)
    verb = main.verb
    if main.negated:  # "ne peut porter d'accusations": what is not forbidden takes its article again
        rest = re.sub(r"^([\w-]+(?:er|ir|re|oir)) d(?:e\s|')(?=\w+s\b)", r"\1 des ", rest)
        rest = re.sub(r"^([\w-]+(?:er|ir|re|oir)) d(?:e\s|')(\w+)", _with_article, rest)
    if main.negated and main.infinitive == "devoir":  # "ne doit pas" forbids, and what one asks is whether one may
        verb = "peuvent" if who.plural else "peut"
    found = _undergone(main, who, rest, kind, place, ends)
    found += make(asked("", who, verb, f"{rest}{ends}") if not refers(rest, who) else "", kind, "may", 0.46, place)
    if person(who) and who.text != "on" and who.pronoun and not re.match(r"(?:être|avoir|pouvoir)\b", rest):
        forms = {
            "doit": ("est", "tenu" if who.gender == "m" else "tenue"),
            "doivent": ("sont", "tenus" if who.gender == "m" else "tenues"),
        }
        if verb in forms and not main.negated:
            is_, held = forms[verb]
            found += make(asked("", who, is_, f"{held} de {rest}{ends}"), kind, "held-to", 0.5, place)
        if verb in ("peut", "peuvent"):
            found += make(asked("", who, "a" if verb == "peut" else "ont", f"le droit de {rest}{ends}"), kind, "entitled", 0.52, place)
    return found + _spoken(main, who, verb, rest, kind, place, ends)


def _undergone(main: Clause, who: Phrase, rest: str, kind: str, place: int, ends: str) -> list[Candidate]:
    """ "La feuille doit être signée avant ..." -> "Faut-il signer la feuille ... ?", and when."""
    found: list[Candidate] = []
    undergone = re.match(r"être\s([\w-]+)\b\s?(.*)$", rest)
    deed = infinitive_of(undergone.group(1)) if undergone else ""
    if deed in _WITH and re.match(r"d(?:e\s|'|u\s|es\s)", undergone.group(2) if undergone else ""):
        deed = ""  # "accompagné d'un adulte": who goes with it, not what it is done with
    joined = undergone is not None and re.search(r"\set\s(?:\w+ment\s|[\w-]+(?:és?|ées?)\b)", undergone.group(2))
    if undergone and deed and not joined and not person(who) and not re.search(r"\bpar\s", rest) and not POSSESSIVE.search(who.text):
        asks = "faut-il" if main.infinitive == "devoir" and not main.negated else "peut-on"
        found += make(f"{asks} {deed} {who.text} {undergone.group(2)}{ends}", kind, "must-one", 0.62, place)
        if (
            re.match(r"(?:à|au|aux|auprès|avant|après|dans|dès|en|sous|pendant|sur)\b", undergone.group(2))
            and main.infinitive == "devoir"
        ):
            opening = {"a": "quand", "p": "quand"}.get(undergone.group(2)[0], "")
            if opening and undergone.group(2).startswith(("avant", "après", "pendant")):
                found += make(f"quand faut-il {deed} {who.text}{ends}", "factual", "when", 0.72, place)
    return found


def _spoken(main: Clause, who: Phrase, verb: str, rest: str, kind: str, place: int, ends: str) -> list[Candidate]:
    """The same in the first person: "Puis-je ... ?", asked by one whom the rule is about."""
    found: list[Candidate] = []
    known = words_in_force()
    speaker = None if who.plural else known.speaker(re.sub(r"^(?:l'|un |une |le |la |tout |toute |chaque )", "", who.text))
    if speaker and not speaker.introduced and not PRONOUN.search(rest) and not re.match(r"(?:se|s'|être|avoir)", rest):
        mine = re.sub(r"\b(son|sa|ses)\b", lambda m: {"son": "mon", "sa": "ma", "ses": "mes"}[m.group()], rest)
        if not known.pattern(r"\b(?:leur|leurs|adverse|autre <anyone>)\b").search(mine):
            asks = {"peut": "puis-je", "doit": "dois-je"}.get(singular(verb), "")
            found += make(f"{asks} {mine}{ends}" if asks else "", kind, "may-i", 0.68, place, speaker.name)
            found += make(f"ai-je le droit de {mine}{ends}" if asks == "puis-je" else "", kind, "may-i", 0.66, place, speaker.name)
    elif (
        speaker
        and re.match(r"(?:l'|le |la )", who.text)
        and not PRONOUN.search(rest)
        and not re.match(r"(?:se|s'|être|avoir)", rest)
        and not POSSESSIVE.search(rest)
    ):
        asks = "puis-je" if main.infinitive == "pouvoir" else "dois-je"
        found += make(f"{speaker.introduced}, {asks} {rest}{ends}", kind, "may-i", 0.6, place, speaker.name)
    return found
