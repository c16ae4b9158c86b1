"""Open questions about what completes a verb: what, to whom, where, why, how, when, what for.

The part of the sentence that answers is left out of the question, so less of the passage is copied than by asking whether the sentence is
true. Only verbs of closed lists are asked about: with others the object is part of the verb ("faire appel", "prendre soin").
"""

from __future__ import annotations

import re
from dataclasses import replace

from triplette.languages.fr.rules.candidate import POSSESSIVE, PRONOUN, Candidate, asked, core, make, person
from triplette.languages.fr.rules.clauses import Clause, stands_alone
from triplette.languages.fr.rules.figures import gives_figure
from triplette.languages.fr.rules.grammar import of, phrase
from triplette.languages.fr.rules.vocabulary import words_in_force

_HOLDS = frozenset(
    "contenir comprendre comporter inclure indiquer mentionner préciser prévoir fixer garantir contrôler mesurer concerner définir déterminer "
    "décrire fournir exiger requérir interdire encourager imposer nécessiter".split()
)
_DEEDS = frozenset(
    "vérifier fournir présenter remettre transmettre envoyer communiquer annoncer afficher contrôler noter inscrire signer déposer respecter "
    "préparer établir rédiger indiquer préciser mentionner fixer proposer publier gérer surveiller assurer valider désigner nommer élire définir "
    "déterminer organiser décerner infliger prononcer accorder attribuer conserver consigner déclarer signaler produire adresser verser payer "
    "examiner étudier approuver adopter élaborer superviser coordonner homologuer calculer apporter enregistrer remplir".split()
)
_THING = r"(?:l'|les?\s|la\s|une?\s|des\s|du\s|de la\s|de l'|tout\w*\s|chaque\s|aucune?\s)"
_AFTER_OBJECT = r"\s(?:<recipients>|à l'issue|à la fin|auprès|avant|après|pendant|lors|dès)\b"
_ONE_OF_THEM = re.compile(
    r"^une? [\w-]+ (?:tenue?|affichée?|déposée?|placée?|installée?|posée?|conservée?) "
)  # there is one: which, nobody asks
_INFINITIVE = re.compile(r"^([\w-]+(?:er|ir|re|oir))\s(.+)$")
_PURPOSE = re.compile(r",?\s(?:afin d[e']|afin qu[e']|dans le but d[e']|en vue d[e'])\s?")
_MANNER = re.compile(
    r"\s(?:en (?!ayant|étant|tenant|cas|respectant)\w+ant\b|au moyen d|à l'aide d|par (?:écrit|courriel|courrier|mail|lettre|voie|tirage|vote)\b)"
)
_MOMENT = re.compile(
    r"\s(?:(?:juste |immédiatement |au plus tard )?(?:avant|après) (?:l[ea]s?\s|l'|chaque |que )|dès l[ea]s?\s|dès l'"
    r"|à la fin d|au début d|à l'issue d|à l'ouverture d"
    r"|au moment d|à l'expiration d|au terme d)"
)
_TIMED = re.compile(  # what says when: no manner, and no place
    r"^(?:à la fin|au début|à l'issue|au moment|au terme|à l'expiration|en (?:fin|début) d|au (?:moins|plus|cours|bout)\b|avant|après|pendant|dès|lors"
    r"|dans (?:un délai|l[ea]s? (?:délai|mois|semaine|jour|année|\w+ (?:minutes|heures|jours|semaines|mois)\b))|à \d|à \w+ heures?\b)"
)
_TIMED_LEAD = re.compile(r"^(?:avant|après|dès|à la fin|au début|à l'issue|au moment|à l'expiration|au terme)\b")
_GIVEN = re.compile(
    r"^(remise?s?|transmise?s?|envoyée?s?|adressée?s?|notifiée?s?|communiquée?s?|confiée?s?|attribuée?s?|décernée?s?|accordée?s?|réservée?s?"
    r"|ouverte?s?|délivrée?s?|versée?s?|soumise?s?|présentée?s?)\s(?:(?:exclusivement|uniquement|automatiquement)\s)?(?:à|au|aux)\b\s?(.*)$"
)
_TASKED = re.compile(r"^(?:notamment )?(chargée?s?|responsables?)\s(?:de|d'|du|des)\b")
_BASED = re.compile(r"^(basée?s?|fondée?s?|calquée?s?|appuyée?s?|alignée?s?)\ssur\b")
_TOLD = re.compile(
    r"^(décrite?s?|précisée?s?|définie?s?|détaillée?s?|publiée?s?|mentionnée?s?|affichée?s?|consignée?s?|archivée?s?)\s(?:dans|sur|au|à la|à l')\b"
)
# "est une partie", "fait l'objet de", "est considéré": states, which have no manner and no moment
_NO_DEED = re.compile(
    r"^(?:l'objet|libres?|considérée?s?|accessibles?|tout|(?:avoir|être) l[ea]|à jour)\s|\bau plus (?:tôt|tard)$|\bau moins$|\bla charge\b"
)
_PARTICIPLE = re.compile(r"^(?:\w+ment\s|aussi\s)?[\w-]+(?:és?|ées?|is|ies?|ises?|us?|ues?|ts?|tes?)(?:\s|$)")
_NAMED = re.compile(r"^(?:aussi |parfois |également )?(?:appelée?s?|dénommée?s?)\s(?!à\s|au|par)")
_MADE_OF = re.compile(r"^(composée?s?|constituée?s?|accompagnée?s?|assortie?s?|munie?s?|formée?s?)\s(?:de|d'|du|des)\b")
_REACHED = re.compile(
    r"^(obtenue?s?|arrondie?s?|calculée?s?|départagée?s?|effectuée?s?|classée?s?|déterminée?s?|répartie?s?)\s(?:par|à|au|selon|en|dans)\b"
)
_SPAN = re.compile(r"\bune?\s(?:minute|heure|jour|semaine|mois|an|année|quart d'heure|demi-heure)$")  # "une heure | avant": the answer
_SUBJECT_MOST = 9


def complement_questions(main: Clause, place: int, ends: str) -> list[Candidate]:
    """Every open question about what completes the verb of a clause whose subject stands alone."""
    if (
        main.negated
        or POSSESSIVE.search(main.subject.text)
        or len(main.subject.text.split()) > _SUBJECT_MOST
        or main.clitic.strip() in ("en", "y", "lui", "leur", "le", "la", "les")
    ):
        return []
    if main.subject.text == "on" or (" qui " in main.subject.text and main.infinitive == "être"):
        return []
    found = _objects(main, place, ends) + _aims(main, place, ends)
    if main.infinitive == "être":
        found += _states(main, place, ends)
    return found + _governed(main, place, ends) + _plain_verbs(main, place, ends)


def _objects(main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "L'organisateur doit fournir le matériel" -> "Que doit fournir l'organisateur ?"; to whom something goes."""
    rest = core(main.rest)
    modal = _INFINITIVE.match(rest) if main.infinitive in ("devoir", "pouvoir") else None
    deed, rest = (modal.group(1), modal.group(2)) if modal else (main.infinitive, rest)
    verbs = _DEEDS if person(main.subject) else _HOLDS
    found: list[Candidate] = []
    if _ONE_OF_THEM.match(main.subject.text) and not person(main.subject):
        return []
    if deed not in verbs or main.clitic or gives_figure(rest) or not re.match(_THING, rest) or not stands_alone(rest):
        return []
    after = words_in_force().pattern(_AFTER_OBJECT).search(rest)
    kept = rest[after.start() :] if after else ""
    if PRONOUN.search(kept) or POSSESSIVE.search(kept) or len(kept.split()) > 10:
        kept = ""
    said = f"que {main.verb} {deed} {main.subject.text}{kept}{ends}" if modal else f"que {main.verb} {main.subject.text}{kept}{ends}"
    thing = rest[: after.start()] if after else rest
    found += [replace(c, answer=thing) for c in make(said, "factual", "object", 0.64, place)]
    given = words_in_force().pattern(r"\s(?:<recipients>|auprès d)").search(rest)
    if (
        given
        and deed in ("remettre", "transmettre", "envoyer", "communiquer", "signaler", "adresser", "présenter", "déposer")
        and not POSSESSIVE.search(rest[: given.start()])
    ):
        verb = f"{deed} " if modal else ""
        found += make(
            asked("à qui", main.subject, main.verb, f"{verb}{rest[: given.start()]}{ends}"), "factual", "to-whom", 0.78, place
        )
    return found


def _aims(main: Clause, place: int, ends: str) -> list[Candidate]:
    """What for, how and when: the adverbial that closes the clause, or opens it, is the answer."""
    found: list[Candidate] = []
    rest = main.rest.strip()
    for pattern, opening, name, kind, weight in (
        (_PURPOSE, "dans quel but", "purpose", "factual", 0.78),
        (_MANNER, "comment", "manner", "procedural", 0.72),
        (_MOMENT, "à quel moment", "moment", "factual", 0.7),
    ):
        match = pattern.search(f" {rest}")
        before = rest[: max(match.start() - 1, 0)].strip(" ,") if match else ""
        if (
            _NO_DEED.search(before)
            or (main.infinitive == "être" and not _PARTICIPLE.match(before))
            or gives_figure(before)
            or " et " in before
            or before.startswith("accordé")
            or _SPAN.search(before)
            or re.search(r"\b(?:qui|que(?! possible)|dont|où)\b|\bqu'", before)  # the time may be that of the relative clause
        ):
            continue
        if match and len(before.split()) >= 2 and core(before) == before and stands_alone(before) and not PRONOUN.search(before):
            found += make(asked(opening, main.subject, main.verb, f"{before}{ends}", clitic=main.clitic), kind, name, weight, place)
            break
    whole = core(rest)
    acts = not _NO_DEED.search(whole) and (main.infinitive != "être" or _PARTICIPLE.match(whole)) and not gives_figure(whole)
    if (
        acts
        and main.lead
        and _TIMED_LEAD.match(main.lead)
        and len(whole.split()) >= 2
        and stands_alone(whole)
        and not PRONOUN.search(whole)
    ):
        found += make(asked("à quel moment", main.subject, main.verb, whole, clitic=main.clitic), "factual", "moment", 0.66, place)
    return found


def _states(main: Clause, place: int, ends: str) -> list[Candidate]:
    """What follows "est": to whom it is given, what it rests on, where it is told, how it is called, which one it is."""
    rest, subject, found = core(main.rest), main.subject, list[Candidate]()
    if len(subject.text.split()) < 2 or not stands_alone(rest):
        return []
    if task := _TASKED.match(rest):
        found += make(asked("de quoi", subject, main.verb, f"{task.group(1)}{ends}"), "factual", "tasked", 0.78, place)
    if (deemed := re.match(r"(considérée?s?) comme\b", rest)) and len(subject.text.split()) >= 3:
        found += make(f"comment {main.verb} {deemed.group(1)} {subject.text}{ends}", "factual", "how", 0.7, place)
    if given := _GIVEN.match(rest):
        to = phrase(re.sub(r"^\w+\s\w*\s?(?:au)\s", "le ", given.group(2)) or "") or None
        receives = re.search(r"\s(?:à l'|au |aux |à la |à un |à une |à chaque |à tout )(\S+)", rest)
        someone = receives is not None and person(phrase(f"le {receives.group(1)}") or subject) if receives else bool(to and person(to))
        if someone:
            found += make(f"à qui {main.verb} {given.group(1)} {subject.text}{ends}", "factual", "to-whom", 0.8, place)
        elif given.group(1).startswith("soumis"):
            found += make(f"à quoi {main.verb} {given.group(1)} {subject.text}{ends}", "factual", "to-what", 0.66, place)
    if _BASED.match(rest):
        verb = "reposent" if subject.plural else "repose"
        found += make(f"sur quoi {verb} {subject.text}{ends}", "factual", "based", 0.8, place)
    if (told := _TOLD.match(rest)) and not re.search(r"\b(?:articles?|annexe)\b", rest):
        found += make(f"où {main.verb} {told.group(1)} {subject.text}{ends}", "factual", "where", 0.74, place)
    if _NAMED.match(rest):
        found += make(f"comment appelle-t-on {subject.text}{ends}", "definition", "called", 0.84, place)
    if made := _MADE_OF.match(rest):
        found += _made_of(made, rest, main, place, ends)
    if (reached := _REACHED.match(rest)) and not _TIMED.match(rest[reached.end(1) :].strip()):
        found += make(f"comment {main.verb} {reached.group(1)} {subject.text}{ends}", "procedural", "how", 0.74, place)
    if (
        re.match(r"(?:l'|les?\s|la\s)", rest)
        and not re.match(r"(?:l[ea]s? |l')(?:même|seule?|premi|derni|cause|raison|objet|exemple|conséquence)", rest)
        and subject.gender
        and len(subject.text.split()) >= 4
        and re.match(r"(?:l'|les?\s|la\s)", subject.text)
    ):
        which = ("quel" if subject.gender == "m" else "quelle") + ("s" if subject.plural else "")
        found += make("" if person(subject) else f"{which} {main.verb} {subject.text}{ends}", "factual", "which-one", 0.78, place)
    return found


def _made_of(made: re.Match[str], rest: str, main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "Le jury est composé de ..." -> "De quoi le jury est-il composé ?"; somebody is accompanied by somebody, so "par qui"."""
    opening = "de quoi"
    if made.group(1).startswith("accompagn") and person(main.subject):
        companion = phrase(re.sub(r"^d[e']s?\s?", "", rest[made.end(1) :].strip()))
        if companion is None or not person(companion):
            return []
        opening = "par qui"
    return make(asked(opening, main.subject, main.verb, f"{made.group(1)}{ends}"), "factual", "made-of", 0.7, place)


# verb -> (what the preposition must be, how the question opens)
_GOVERNED = {
    "disposer": (r"d(?:e\s|'|u\s|es\s)", "de quoi"), "bénéficier": (r"d(?:e\s|'|u\s|es\s)", "de quoi"), "résulter": (r"d(?:e\s|'|u\s|es\s)", "de quoi"),
    "correspondre": (r"(?:à|au|aux)\b", "à quoi"), "conduire": (r"(?:à|au|aux)\b", "à quoi"), "équivaloir": (r"(?:à|au|aux)\b", "à quoi"),
    "porter": (r"sur\b", "sur quoi"), "reposer": (r"sur\b", "sur quoi"), "participer": (r"(?:à|au|aux)\b", "à quoi"),
    "veiller": (r"(?:à|au|aux)\b", "à quoi"),
}  # fmt: skip
_RECEIVED = frozenset("recevoir obtenir percevoir perdre gagner marquer".split())


def _governed(main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "La ligue dispose d'un budget" -> "De quoi dispose la ligue ?"."""
    rest, found = core(main.rest), list[Candidate]()
    preposition, opening = _GOVERNED.get(main.infinitive, ("", ""))
    plain = (
        not main.clitic and stands_alone(rest) and not gives_figure(rest) and len(main.subject.text.split()) + len(ends.split()) >= 3
    )
    if preposition and plain and re.match(preposition, rest):
        found += make(f"{opening} {main.verb} {main.subject.text}{ends}", "factual", "object", 0.66, place)
    if main.infinitive in _RECEIVED and plain and len(main.subject.text.split()) >= 3 and re.match(_THING, rest):
        found += make(f"que {main.verb} {main.subject.text}{ends}", "factual", "object", 0.64, place)
    duty = re.match(r"(?:l'obligation|le devoir|pour obligation) d(?:e\s|')(\w+(?:er|ir|re|oir)\b.*)$", rest)
    if main.infinitive == "avoir" and duty and person(main.subject) and main.subject.gender and not PRONOUN.search(rest):
        held = ("tenu" if main.subject.gender == "m" else "tenue") + ("s" if main.subject.plural else "")
        is_ = "sont" if main.subject.plural else "est"
        found += make(asked("", main.subject, is_, f"{held} de {duty.group(1)}{ends}"), "procedural", "held-to", 0.6, place)
    return found


def _plain_verbs(main: Clause, place: int, ends: str) -> list[Candidate]:
    """Verbs whose open question has other words than the sentence: "permet de" asks what it is for."""
    rest, subject = core(main.rest), main.subject
    plural = subject.plural
    if person(subject) or len(subject.text.split()) < 2:
        return []
    if main.infinitive in ("entraîner", "provoquer", "causer") and not main.clitic and len(subject.text.split()) >= 3:
        return make(f"quelle est la conséquence {of(subject.text)}{ends}", "factual", "consequence", 0.8, place)
    if main.infinitive == "permettre" and not main.clitic and re.match(r"d(?:e\s|')\w+", rest):
        return make(f"à quoi {'servent' if plural else 'sert'} {subject.text}{ends}", "factual", "use", 0.76, place)
    if main.infinitive == "avoir" and (goal := re.match(r"pour (objet|but|mission|objectif|fonction|vocation)\s", rest)):
        is_ = {"objet": "l'objet", "objectif": "l'objectif", "but": "le but"}.get(goal.group(1), f"la {goal.group(1)}")
        return make(f"quel{'' if is_[:2] != 'la' else 'le'} est {is_} {of(subject.text)}{ends}", "factual", "aim", 0.84, place)
    if main.infinitive == "viser" and rest.startswith("à "):
        return make(f"quel est le but {of(subject.text)}{ends}", "factual", "aim", 0.8, place)
    if main.infinitive == "appliquer" and main.clitic.strip() == "s'" and re.match(r"(?:à|au|aux)\b", rest):
        return make(f"à quoi s'{main.verb} {subject.text}{ends}", "factual", "to-what", 0.7, place)
    if main.infinitive in ("commencer", "débuter", "expirer") and re.match(r"(?:à|au|le|dès|après|avant|lors|en)\b", rest):
        return make(f"quand {main.verb} {subject.text}{ends}", "factual", "when", 0.8, place)
    return []
