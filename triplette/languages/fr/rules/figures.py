"""Questions whose answer is a figure: how many, how much, how long, by when.

The figure must be what the verb governs ("accorde deux minutes"), for a number elsewhere in the sentence is seldom what one asks for.
"""

from __future__ import annotations

import re

from triplette.languages.fr.rules.candidate import POSSESSIVE, PRONOUN, Candidate, asked, core, make, person
from triplette.languages.fr.rules.clauses import Clause, stands_alone
from triplette.languages.fr.rules.lexicon import NUMBERS
from triplette.languages.fr.rules.vocabulary import words_in_force

NUMBER = rf"(?:\d+(?:[.,]\d+)?|(?:{'|'.join(NUMBERS.split()[1:])})(?![\w-])|(?:vingt|trente|quarante|cinquante|soixante|quatre-vingts?)-[\w-]+)"
_TIMES = r"(?:minutes?|secondes?|heures?|jours?(?:\s(?:francs|ouvrables|ouvrés|calendaires))?|semaines?|mois|ans|saisons?)"
# words that end the thing counted: "deux minutes supplémentaires | à l'adversaire"
_BOUNDARY = r"(?:à|au|aux|de|d'|du|des|pour|par|dans|sur|en|si|et|ou|maximum|minimum|avant|après|pendant|qui|que|lors|chacun|le|la|les|sont|est)"
_QUANTITY = (
    rf"^(?:(?:d'|de\s)?(?:au moins|au plus|au maximum|au minimum|exactement|environ|seulement|jusqu'à|plus de|moins de)\s)?{NUMBER}\s"
    rf"((?:<units>)(?:\s(?!{_BOUNDARY}(?![\w])|\w+ant\b)[\w'-]+)?)\b(.*)$"
)
_DEADLINE = re.compile(
    rf"\b(dans (?:un délai (?:maximum )?de|les|le délai de)|sous(?: un délai de)?|en moins de)\s(?:{NUMBER})\s"
    rf"(?:premi\w+\s|derni\w+\s)?{_TIMES}\b"
)
_DURATION = re.compile(
    rf"\b(?:pendant|durant|pour(?: une durée de)?|depuis)\s(?:au moins\s|au plus\s|une durée de\s)?{NUMBER}\s{_TIMES}\b"
    r"(?:\s(?:consécuti(?:f|ve)s?|pleine?s|entière?s|minimum|maximum|environ|au (?:moins|plus|maximum|minimum))\b)*"
)
_BEFORE = re.compile(
    rf"\b(?:au moins\s|au plus tard\s)?{NUMBER}\s(minutes|heures|jours|semaines|mois)\s(avant|après)\s(?!pour\b|dans\b|et\b|ou\b)(.+)$"
)
_LATEST = re.compile(r"\b(?:au plus tard|avant le|jusqu'au|jusqu'à la)\b.*$")
_LASTING = frozenset("être avoir rester demeurer correspondre valoir durer".split())
_DATE = re.compile(r"(?:avant|au plus tard) le \d")
_MEASURES = frozenset(
    "durée délai nombre montant âge cadence prix amende quota distance hauteur taille score seuil valeur tarif plafond effectif côté date".split()
)


def gives_figure(rest: str) -> bool:
    """Whether the clause gives a figure: then "combien" is the question, and "whether" gives the answer away."""
    return re.search(rf"\b(?:\d+|{'|'.join(NUMBERS.split()[1:])})\b", rest) is not None


def quantity_question(main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "L'arbitre accorde deux minutes à ..." -> "Combien de minutes l'arbitre accorde-t-il à ... ?"."""
    if main.negated or main.clitic:
        return []
    verb, rest, inner = main.verb, core(main.rest), ""
    modal = re.match(r"([\w-]+(?:er|ir|re|oir))\s(.+)$", rest) if main.infinitive in ("devoir", "pouvoir") else None
    if modal:
        inner, rest = f"{modal.group(1)} ", modal.group(2)
    participle = re.match(
        r"(comptée?s?|créditée?s? de|composée?s? de|constituée?s? de|formée?s? de|limitée?s? à|fixée?s? à|portée?s? à|sanctionnée?s? de|puni\w* de)\s(.+)$",
        rest,
    )
    if main.infinitive == "être" and not participle:
        return []
    if participle:
        inner, rest = f"{participle.group(1)} ", participle.group(2)
    match = words_in_force().pattern(_QUANTITY).match(rest)
    if match is None or match.group(1) in ("fois",) or POSSESSIVE.search(main.subject.text):
        return []
    unit, after = match.group(1), match.group(2).strip()
    belongs = re.match(r"(?:de\s|d')[\w-]+(?=\s|$)", after)
    if belongs and not re.match(r"d(?:e |')\d", after):
        unit, after = f"{unit} {belongs.group()}", after[belongs.end() :].strip()
    first, *others = unit.split()
    plain = belongs is not None
    unit = " ".join([first if first[-1] in "sx€m" else first + "s", *(o if plain or o[-1] in "sx" else o + "s" for o in others)])
    if inner.startswith("compté"):
        return make(
            f"combien de {unit} {'valent' if main.subject.plural else 'vaut'} {main.subject.text}{ends}",
            "factual",
            "worth",
            0.92,
            place,
        )
    if _BEFORE.match(rest):
        return []  # "deux semaines avant la séance" is a moment (``when_questions``)
    if PRONOUN.search(after) or not stands_alone(after) or re.match(r"(?:et|ou)\b|de\s\d", after):
        return []
    if inner.strip().endswith((" de", " à")):
        preposition = inner.strip().rsplit(" ", 1)[1]
        inner = inner.strip().rsplit(" ", 1)[0] + " "
        opening = f"{preposition} combien de {unit}"
    elif re.match(r"(?:disposer|bénéficier)\b", inner or main.infinitive):
        opening = f"de combien de {unit}"
    else:
        opening = f"combien de {unit}"
    if unit in ("€", "euros", "euro"):
        return []
    if unit.split()[0] in ("an", "ans"):  # an age, where one has it
        if not (inner.strip() == "avoir" or main.infinitive == "avoir"):
            return []
        opening = "quel âge"
    text = asked(opening, main.subject, verb, f"{inner}{after}{ends}")
    return make(text, "factual", "how-many", 0.92, place)


def measure_question(main: Clause, place: int) -> list[Candidate]:
    """ "La durée du mandat est de quatre ans" -> "Quelle est la durée du mandat ?"."""
    head = main.subject.head.lower().rstrip("s")
    figured = re.search(rf"(?:\d|\b{NUMBER}\b)", main.rest)
    must = main.infinitive == "devoir" and main.rest.startswith("être")
    valued = re.match(
        rf"(?:être\s)?(?:alors\s|toujours\s)?(?:(?:fixée?s?|égale?s?|limitée?s?) (?:à|au)|de|à|d')?\s?(?:\d|{NUMBER}\b)", main.rest
    )
    if valued and not person(main.subject) and len(main.subject.text.split()) >= 3:
        head = "durée"
    if head not in _MEASURES or (main.infinitive != "être" and not must) or main.negated or not figured or not main.subject.gender:
        return []
    if len(main.subject.text.split()) < 3 or re.match(r"une?\s", main.subject.text):
        return []
    which = ("quel" if main.subject.gender == "m" else "quelle") + ("s" if main.subject.plural else "")
    return make(f"{which} {main.verb} {'être ' if must else ''}{main.subject.text}", "factual", "measure", 0.9, place)


_IN_PARTS = rf"^(en|sur|à|contre|par|pendant|avec)\s(?:au moins\s|au plus\s)?{NUMBER}\s(<units>)\b(.*)$"


def parts_question(main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "Le championnat se déroule en trois phases" -> "En combien de phases se déroule le championnat ?"."""
    match = words_in_force().pattern(_IN_PARTS).match(core(main.rest))
    if match is None or main.negated or match.group(2) in ("€", "euros", "ans", "cm") or POSSESSIVE.search(main.subject.text):
        return []
    after = match.group(3).strip()
    if after and (not stands_alone(after) or PRONOUN.search(after) or not re.match(r"(?:par|pour|dans|lors|avec|chaque)\b", after)):
        return []
    opening = f"{match.group(1)} combien de {match.group(2)}"
    if match.group(1) == "à" and match.group(2).startswith("heure"):
        opening = "à quelle heure"  # of the day
    text = asked(opening, main.subject, main.verb, f"{after}{ends}", clitic=main.clitic)
    return make(text, "factual", "how-many", 0.86, place)


_COUNTED_FROM = (
    r"(?:(?:francs|ouvrables|ouvrés|calendaires|maximum|au plus|pleins)\b\s?)*"
    r"(?:qui (?:suivent|précèdent)|suivant|précédant|à compter|à partir|après|avant|de l|de la|du|des)\b"
)


_DATED = re.compile(  # "a lieu | le premier lundi du mois"
    r"(?:le|entre|du|avant|après|au (?:plus|mois|cours|début|moins|moment)|à (?:\d|\w+ heures?|la fin|l'issue)|en (?:fin|début|cours|\w+bre|janvier"
    r"|février|mars|avril|mai|juin|juillet|août|été|automne|hiver|\d{4})|lors|pendant|durant|chaque|tou(?:s|tes) les|une fois|\d"
    rf"|dans (?:un délai|la (?:semaine|journée)|l[ea]s? (?:mois|année|{NUMBER}))|{NUMBER}\s{_TIMES})\b"
)
_PLACED = re.compile(  # and "sur rendez-vous", "à huis clos" say how, "devant un jury" before whom
    r"(?:à (?!huis|bulletin|main|distance|l'(?:unanimité|amiable)|la (?:majorité|demande|suite))|au |aux |dans |sur (?:l[ea]s? |l'|une? |place)"
    r"|chez |derrière |sous (?!réserve|huit)|hors |près |autour |face )"
)
_OPEN = re.compile(r"\b(?:pendant|durant|pour|dans|en|de|à|par|sur|sous)$")


def when_questions(main: Clause, place: int, ends: str) -> list[Candidate]:
    """Deadlines, durations and dates."""
    rest = main.rest
    found: list[Candidate] = []
    held = re.match(r"lieu\s(.+)$", rest)
    if main.infinitive == "avoir" and held and not main.negated:
        opening = "quand" if _DATED.match(held.group(1)) else "où" if _PLACED.match(held.group(1)) else ""
        found += make(f"{opening} {main.verb} lieu {main.subject.text}{ends}" if opening else "", "factual", "when", 0.84, place)
    for pattern, opening, name in ((_DEADLINE, "dans quel délai", "deadline"), (_DURATION, "pendant combien de temps", "duration")):
        match = pattern.search(rest)
        if match and "depuis" not in match.group():
            after = re.sub(rf"^{_COUNTED_FROM}.*$", "", rest[match.end() :].strip())
            before = rest[: match.start()].strip()
            if core(before) != before:
                continue  # the time belongs to a second deed: "doit transmettre ... et doit rédiger sous sept jours"
            kept = core(f"{before} {after}".strip())
            kept = (
                re.sub(r"\s+(?:suivant|à compter|à partir|de|d')\s*.*$", "", kept) if kept.endswith(("suivant", "de", "d'")) else kept
            )
            if len(kept.split()) >= 1 and not POSSESSIVE.search(main.subject.text) and stands_alone(kept):
                text = asked(opening, main.subject, main.verb, f"{kept}{ends}", negated=main.negated, clitic=main.clitic)
                found += make(text, "factual", name, 0.92, place)
    match = _BEFORE.search(core(rest))
    if match and stands_alone(match.group(3)):
        kept = core(rest)[: match.start()].strip(" ,")
        whole = not match.start() and main.infinitive not in (
            "être",
            "avoir",
            "durer",
            "compter",
        )  # "ouvre | deux semaines avant la séance"
        kept = (
            "" if _OPEN.search(kept) or re.match(r"l'objet\s", kept) else kept
        )  # "fait l'objet", "reste fermé pendant | trente minutes après"
        verb, said = main.verb, bool(kept) or whole
        if match.group().startswith("au ") and main.infinitive not in ("devoir", "pouvoir") and not main.clitic:
            verb, kept = "doivent" if main.subject.plural else "doit", f"{main.infinitive} {kept}".strip()  # a limit to keep to
        text = asked(f"combien de {match.group(1)} {match.group(2)} {match.group(3)}", main.subject, verb, kept)
        found += make(text if said else "", "factual", "how-long-before", 0.88, place)
    latest = _LATEST.search(rest)
    if (
        latest
        and not match  # "au moins quinze jours avant le début": no last day
        and not found
        and not rest[: latest.start()].rstrip().endswith(",")
        and re.search(r"\d|veille|jour|heure|début|fin|lendemain", latest.group())
    ):
        kept = core(rest[: latest.start()].strip(" ,"))
        if len(kept.split()) >= 2 and stands_alone(kept):
            opening = "avant quelle date" if _DATE.match(latest.group()) and main.infinitive not in _LASTING else "jusqu'à quand"
            text = asked(opening, main.subject, main.verb, f"{kept}{ends}", clitic=main.clitic)
            found += make(text if not main.negated else "", "factual", "latest", 0.8, place)
    return found
