"""Questions from plain statements: who, how many, how long, where, by whom, whether it is allowed, what something is."""

from __future__ import annotations

import re

from synth.rules.candidate import Candidate, asked, core, make, person, refers, usable, vague
from synth.rules.clauses import Clause, stands_alone
from synth.rules.grammar import Phrase, gender_of, hyphenated, invert, lower_first, phrase
from synth.rules.lexicon import NUMBERS
from synth.rules.verbs import PAIRS, infinitive_of, singular

_NUMBER = rf"(?:\d+(?:[.,]\d+)?|{'|'.join(NUMBERS.split()[1:])})"
_UNITS = r"minutes?|secondes?|heures?|jours?|semaines?|mois|ans|années?|points?|demi-points?|coups?|joueurs?|joueuses?|équipes?|membres?|licenciés?|parties|rondes?|matchs?|euros?|€|arbitres?|voix|cases?|pièces?|pions?|exemplaires?|échiquiers?|groupes?|places?|titres?|normes?|personnes?|candidats?|fois|tours?|phases?|divisions?|mètres?|cm"
_QUANTITY = re.compile(
    rf"^(?:(?:d'|de\s)?(?:au moins|au plus|au maximum|au minimum|exactement|environ|seulement|jusqu'à|plus de|moins de)\s)?{_NUMBER}\s"
    rf"((?:{_UNITS})(?:\s(?!à\b|au|de\b|d'|du|des|pour|par|dans|sur|en\b|si\b|et\b|ou\b|maximum|minimum|avant|après|pendant|qui|que|lors|chacun|le\b|la\b|les\b|sont|est)[\w'-]+)?)\b(.*)$"
)
_DEADLINE = re.compile(
    rf"\b(dans (?:un délai (?:maximum )?de|les|le délai de)|sous(?: un délai de)?|en moins de)\s(?:{_NUMBER})\s(?:premi\w+\s|derni\w+\s)?(?:minutes?|heures?|jours?|semaines?|mois|ans)\b"
)
_DURATION = re.compile(
    rf"\b(?:pendant|durant|pour(?: une durée de)?|depuis)\s(?:au moins\s|au plus\s|une durée de\s)?{_NUMBER}\s(?:minutes?|secondes?|heures?|jours?|semaines?|mois|ans|saisons?)\b"
)
_BEFORE = re.compile(rf"\b(?:au moins\s|au plus tard\s)?{_NUMBER}\s(minutes|heures|jours|semaines|mois)\s(avant|après)\s(.+)$")
_LATEST = re.compile(r"\b(?:au plus tard|avant le|jusqu'au|jusqu'à la)\b.*$")
_AGENT = re.compile(r"\spar\s(?:l'|le\s|la\s|les\s|un\s|une\s|son\s)\S+")
_PARTICIPLE = re.compile(
    r"^(?:(?:toujours|aussi|alors|généralement|automatiquement|ensuite|également|obligatoirement)\s)?([\w-]+(?:és?|ées?|is|ies?|ise?s?|us?|ues?|ts?|tes?))(\s|$)"
)
_MEASURES = frozenset(
    "durée délai nombre montant âge cadence prix amende quota distance hauteur taille score seuil valeur tarif plafond effectif côté date".split()
)
_NOBODY = Phrase("", "", "", False)
_DONE = frozenset(
    "faire établir calculer comptabiliser départager classer apparier attribuer déterminer désigner élire organiser répartir noter juger traiter "
    "sanctionner composer numéroter compter définir choisir accorder constituer financer disputer jouer valider former".split()
)
_POSSESSIVE = re.compile(r"\b(?:son|sa|ses|leur|leurs|lui)\b")
_PRONOUN = re.compile(r"\b(?:il|ils|elle|elles|lui|eux|soi|celui|celle)\b")


def fact_questions(main: Clause, place: int) -> list[Candidate]:
    """Every question of a clause."""
    if not usable(main):
        return definition_question(main, place) if stands_alone(main.subject.text) else []
    ends = f" {main.lead}" if main.lead else ""
    found = definition_question(main, place)
    found += quantity_question(main, place, ends)
    found += measure_question(main, place)
    found += parts_question(main, place, ends)
    found += when_questions(main, place, ends)
    found += passive_questions(main, place, ends)
    found += who_questions(main, place, ends)
    found += permission_questions(main, place, ends)
    found += what_questions(main, place, ends)
    found += state_questions(main, place, ends)
    found += whether_question(main, place, ends)
    return found


def whether_question(main: Clause, place: int, ends: str) -> list[Candidate]:
    """Whether something is so: the plainest question, for a clause that no other pattern knows."""
    rest = core(main.rest)
    said = len(rest.split()) + max(len(main.subject.text.split()) - 3, 0)
    if (
        said < 3
        or not rest
        or not stands_alone(rest)
        or refers(rest, main.subject)
        or main.subject.text == "on"
        or main.infinitive in ("devoir", "pouvoir")
    ):
        return []
    if main.infinitive == "avoir" and re.match(r"(?:\w+ment )?à\s", rest):
        return []
    if main.negated and re.match(r"d(?:e\s|')", rest):
        return []
    if (
        main.infinitive in ("sembler", "paraître", "consister", "viser", "permettre")
        or len(main.subject.text.split()) < 2
        or whole_number(rest)
    ):
        return []
    if _POSSESSIVE.search(main.subject.text):
        return []
    counted = re.match(rf"{_NUMBER}\s(.+)$", main.subject.text)
    if counted and main.subject.plural and (gender := gender_of(counted.group(1).split()[0])) and not main.negated:
        which = "quels" if gender == "m" else "quelles"
        return make(f"{which} {counted.group(1)} {main.clitic}{main.verb} {rest}{ends}", "factual", "which", 0.6, place)
    text = asked("", main.subject, main.verb, f"{rest}{ends}", clitic=main.clitic)
    return make(text, "factual", "whether", 0.34, place)


def whole_number(rest: str) -> bool:
    """Whether the clause gives a figure: then "combien" is the question, and "whether" gives the answer away."""
    return re.search(rf"\b(?:\d+|{'|'.join(NUMBERS.split()[1:])})\b", rest) is not None


def definition_question(main: Clause, place: int) -> list[Candidate]:
    """ "Le zugzwang est une position où ..." -> "Qu'est-ce qu'un zugzwang ?"."""
    rest = main.rest
    if main.negated or main.tail or main.lead or len(rest.split()) < 6 or len(main.subject.text.split()) > 6 or main.subject.plural:
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
    match = _QUANTITY.match(rest)
    if match is None or match.group(1) in ("fois",) or _POSSESSIVE.search(main.subject.text):
        return []
    unit, after = match.group(1), match.group(2).strip()
    first, *others = unit.split()
    unit = " ".join([first if first[-1] in "sx€m" else first + "s", *(o if o[-1] in "sx" else o + "s" for o in others)])
    if inner.startswith("compté"):
        return make(
            f"combien de {unit} {'valent' if main.subject.plural else 'vaut'} {main.subject.text}{ends}",
            "factual",
            "worth",
            0.92,
            place,
        )
    if _PRONOUN.search(after) or not stands_alone(after) or re.match(r"(?:et|ou)\b|de\s\d", after):
        return []
    if inner.strip().endswith((" de", " à")):
        preposition = inner.strip().rsplit(" ", 1)[1]
        inner = inner.strip().rsplit(" ", 1)[0] + " "
        opening = f"{preposition} combien de {unit}"
    else:
        opening = f"combien de {unit}"
    if unit in ("€", "euros", "euro"):
        return []
    text = asked(opening, main.subject, verb, f"{inner}{after}{ends}")
    return make(text, "factual", "how-many", 0.92, place)


def measure_question(main: Clause, place: int) -> list[Candidate]:
    """ "La durée du mandat est de quatre ans" -> "Quelle est la durée du mandat ?"."""
    head = main.subject.head.lower().rstrip("s")
    figured = re.search(rf"(?:\d|\b{_NUMBER}\b)", main.rest)
    must = main.infinitive == "devoir" and main.rest.startswith("être")
    valued = re.match(
        rf"(?:être\s)?(?:alors\s|toujours\s)?(?:(?:fixée?s?|égale?s?|limitée?s?) (?:à|au)|de|à|d')?\s?(?:\d|{_NUMBER}\b)", main.rest
    )
    if valued and not person(main.subject) and len(main.subject.text.split()) >= 3:
        head = "durée"
    if head not in _MEASURES or (main.infinitive != "être" and not must) or main.negated or not figured or not main.subject.gender:
        return []
    if len(main.subject.text.split()) < 3 or re.match(r"une?\s", main.subject.text):
        return []
    which = ("quel" if main.subject.gender == "m" else "quelle") + ("s" if main.subject.plural else "")
    return make(f"{which} {main.verb} {'être ' if must else ''}{main.subject.text}", "factual", "measure", 0.9, place)


_IN_PARTS = re.compile(rf"^(en|sur|à|contre|par|pendant|avec)\s(?:au moins\s|au plus\s)?{_NUMBER}\s({_UNITS})\b(.*)$")


def parts_question(main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "Le championnat se déroule en trois phases" -> "En combien de phases se déroule le championnat ?"."""
    match = _IN_PARTS.match(core(main.rest))
    if match is None or main.negated or match.group(2) in ("€", "euros", "ans", "cm") or _POSSESSIVE.search(main.subject.text):
        return []
    after = match.group(3).strip()
    if after and (not stands_alone(after) or _PRONOUN.search(after) or not re.match(r"(?:par|pour|dans|lors|avec|chaque)\b", after)):
        return []
    text = asked(f"{match.group(1)} combien de {match.group(2)}", main.subject, main.verb, f"{after}{ends}", clitic=main.clitic)
    return make(text, "factual", "how-many", 0.86, place)


_COUNTED_FROM = (
    r"(?:(?:francs|ouvrables|ouvrés|calendaires|maximum|au plus|pleins)\b\s?)*"
    r"(?:qui (?:suivent|précèdent)|suivant|précédant|à compter|à partir|après|avant|de l|de la|du|des)\b"
)


def when_questions(main: Clause, place: int, ends: str) -> list[Candidate]:
    """Deadlines, durations and dates."""
    rest = main.rest
    found: list[Candidate] = []
    held = re.match(r"lieu\s(.+)$", rest)
    if main.infinitive == "avoir" and held and not main.negated:
        dated = re.match(
            r"(?:le|entre|du|avant|après|au (?:plus tard|mois|cours|début)|en \w+|lors|pendant|à la fin|chaque|au moins|\d)\b",
            held.group(1),
        )
        found += make(f"{'quand' if dated else 'où'} {main.verb} lieu {main.subject.text}{ends}", "factual", "when", 0.84, place)
    for pattern, opening, name in ((_DEADLINE, "dans quel délai", "deadline"), (_DURATION, "pendant combien de temps", "duration")):
        match = pattern.search(rest)
        if match and "depuis" not in match.group():
            after = re.sub(rf"^{_COUNTED_FROM}.*$", "", rest[match.end() :].strip())
            kept = core(f"{rest[: match.start()].strip()} {after}".strip())
            kept = (
                re.sub(r"\s+(?:suivant|à compter|à partir|de|d')\s*.*$", "", kept) if kept.endswith(("suivant", "de", "d'")) else kept
            )
            if len(kept.split()) >= 1 and not _POSSESSIVE.search(main.subject.text) and stands_alone(kept):
                text = asked(opening, main.subject, main.verb, f"{kept}{ends}", negated=main.negated, clitic=main.clitic)
                found += make(text, "factual", name, 0.92, place)
    match = _BEFORE.search(core(rest))
    if match and stands_alone(match.group(3)):
        kept = core(rest)[: match.start()].strip(" ,")
        text = asked(f"combien de {match.group(1)} {match.group(2)} {match.group(3)}", main.subject, main.verb, kept)
        found += make(text if kept else "", "factual", "how-long-before", 0.88, place)
    latest = _LATEST.search(rest)
    if latest and not found and re.search(r"\d|veille|jour|heure|début|fin|lendemain", latest.group()):
        kept = core(rest[: latest.start()].strip(" ,"))
        if len(kept.split()) >= 2 and stands_alone(kept):
            text = asked("jusqu'à quand", main.subject, main.verb, f"{kept}{ends}", clitic=main.clitic)
            found += make(text if not main.negated else "", "factual", "latest", 0.8, place)
    return found


def passive_questions(main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "Le capitaine est désigné par le club" -> "Par qui est désigné le capitaine ?"."""
    rest = main.rest
    if main.infinitive != "être" or main.negated or not _PARTICIPLE.match(rest) or _POSSESSIVE.search(main.subject.text):
        return []
    participle = _PARTICIPLE.match(rest)
    word = participle.group(1) if participle else ""
    if word in ("soumis", "compris", "permis", "dus", "plus", "tous", "tenu", "tenue", "tenus", "tenues", "situé", "relatif", "jamais", "mis", "mise", "pris", "interdit",
                "interdite", "interdits", "interdites", "obligé", "autorisé", "autorisée", "autorisés", "considéré", "considérée", "fait"):  # fmt: skip
        return []
    after = rest[participle.end() :].strip() if participle else ""
    agent = _AGENT.search(f" {after}")
    found: list[Candidate] = []
    by = phrase(agent.group()[5:]) if agent else None
    deed = infinitive_of(word)
    if agent and (" et " in after[: agent.start()] or "," in after[: agent.start()] or agent.start() > 60):
        by = None
    if by and person(by) and deed and len(main.subject.text.split()) >= 2:
        found += make(f"qui {PAIRS[deed][0]} {main.subject.text}{ends}", "factual", "by-whom", 0.86, place)
    if by and person(by) and len(main.subject.text.split()) >= 2:
        found += make(f"par qui {main.verb} {word} {main.subject.text}{ends}", "factual", "by-whom", 0.86, place)
    place_ = re.match(r"(?:à|au|aux|dans|sur|chez|auprès)\s", after)
    manner = (infinitive_of(word) in _DONE and len(after.split()) >= 2 and not agent) or re.match(
        r"(?:selon|suivant|en fonction|conformément|à l'aide|au moyen|par (?!l'|le |la |les )|d'après|en additionnant|en divisant|en multipliant|grâce)",
        after,
    )
    if manner and len(main.subject.text.split()) >= 2:
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
        opening = (
            "à qui"
            if re.match(r"(?:à l'arbitre|au (?:directeur|président|secrétaire|capitaine)|à la (?:direction|commission))", after)
            else "où"
        )
        found += make(f"{opening} {main.verb} {word} {main.subject.text}{ends}", "factual", "where", 0.8, place)
    return found


def who_questions(main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "L'arbitre en chef désigne ses adjoints" -> "Qui désigne ... ?", for deeds that say enough."""
    rest = core(main.rest)
    if main.negated or not person(main.subject) or main.subject.text == "on" or " qui " in main.subject.text:
        return []
    if main.infinitive in ("avoir", "falloir", "comprendre", "comporter", "compter", "constituer", "représenter", "devenir") or main.clitic.strip() in ("lui", "leur", "en", "y"):
        return []
    if _POSSESSIVE.search(rest) or _PRONOUN.search(rest) or len(rest.split()) < 3 or not stands_alone(rest):
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
    generic = main.subject.head in ("joueur", "joueurs", "personne") and len(main.subject.text.split()) <= 2
    return make(f"qui {main.clitic}{singular(main.verb)} {rest}{ends}", "factual", "who", 0.3 if generic else 0.74, place)


def permission_questions(main: Clause, place: int, ends: str) -> list[Candidate]:
    """ "Le joueur peut ..." -> "Un joueur peut-il ... ?", and in the first person where nothing else must change."""
    rest = core(main.rest)
    if main.infinitive not in ("pouvoir", "devoir") or len(rest.split()) < 3 or not stands_alone(rest):
        return []
    found: list[Candidate] = []
    who = main.subject
    if _POSSESSIVE.search(who.text):
        return []
    player = re.fullmatch(r"(?:un|le|tout|chaque) (?:joueur|capitaine)|les joueurs|les capitaines", who.text) is not None
    kind = "factual" if main.infinitive == "pouvoir" else "procedural"
    if player and not who.plural:
        who = Phrase(re.sub(r"^(?:le|tout|chaque) ", "un ", who.text), who.head, "m", False)
    verb = main.verb
    if main.negated and main.infinitive == "devoir":  # "ne doit pas" forbids, and what one asks is whether one may
        verb = "peuvent" if who.plural else "peut"
    undergone = re.match(r"être\s([\w-]+)\b\s?(.*)$", rest)
    deed = infinitive_of(undergone.group(1)) if undergone else ""
    if undergone and deed and not person(who) and not re.search(r"\bpar\s", rest) and not _POSSESSIVE.search(who.text):
        asks = "faut-il" if main.infinitive == "devoir" and not main.negated else "peut-on"
        found += make(f"{asks} {deed} {who.text} {undergone.group(2)}{ends}", kind, "must-one", 0.62, place)
        if (
            re.match(r"(?:à|au|aux|auprès|avant|après|dans|dès|en|sous|pendant|sur)\b", undergone.group(2))
            and main.infinitive == "devoir"
        ):
            opening = {"a": "quand", "p": "quand"}.get(undergone.group(2)[0], "")
            if opening and undergone.group(2).startswith(("avant", "après", "pendant")):
                found += make(f"quand faut-il {deed} {who.text}{ends}", "factual", "when", 0.72, place)
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
    if who.text.endswith("joueur") and not who.plural and not _PRONOUN.search(rest) and not re.match(r"(?:se|s'|être|avoir)", rest):
        mine = re.sub(r"\b(son|sa|ses)\b", lambda m: {"son": "mon", "sa": "ma", "ses": "mes"}[m.group()], rest)
        if not re.search(r"\b(?:leur|leurs|adverse|autre joueur)\b", mine):
            asks = {"peut": "puis-je", "doit": "dois-je"}.get(singular(verb), "")
            found += make(f"{asks} {mine}{ends}" if asks else "", kind, "may-i", 0.68, place, "joueur")
            found += make(f"ai-je le droit de {mine}{ends}" if asks == "puis-je" else "", kind, "may-i", 0.66, place, "joueur")
    elif (
        who.text == "l'arbitre"
        and not _PRONOUN.search(rest)
        and not re.match(r"(?:se|s'|être|avoir)", rest)
        and not _POSSESSIVE.search(rest)
    ):
        asks = "puis-je" if main.infinitive == "pouvoir" else "dois-je"
        found += make(f"en tant qu'arbitre, {asks} {rest}{ends}", kind, "may-i", 0.6, place, "arbitre")
    return found


def what_questions(main: Clause, place: int, ends: str) -> list[Candidate]:
    """What brings something about, what something consists of, what one may not do."""
    rest = core(main.rest)
    found: list[Candidate] = []
    if (
        not person(main.subject)
        and not main.negated
        and main.verb in ("entraîne", "entraînent", "provoque", "interrompt")
        and not vague(main.subject)
    ):
        verb = "entraînent" if main.subject.plural else "entraîne"
        found += make(f"qu'{verb} {main.subject.text}{ends}", "factual", "consequence", 0.76, place)
    if main.verb in ("comprend", "comporte", "comprennent", "comportent") and not re.match(_NUMBER, rest) and not main.negated:
        found += make(f"que {main.verb} {main.subject.text}{ends}", "factual", "contains", 0.66, place)
    if main.verb in ("compose", "composent") and main.clitic:
        found += make(f"de quoi se {main.verb} {main.subject.text}{ends}", "factual", "contains", 0.7, place)
    if main.verb in ("met", "mettent") and stands_alone(rest) and rest.startswith("fin à") and not person(main.subject):
        found += make(f"qu'est-ce qui met {rest}{ends}", "factual", "ends", 0.7, place)
    if main.verb in ("sert", "servent") and re.match(r"(?:à|de)\s", rest) and not person(main.subject):
        found += make(
            f"à quoi {main.verb} {main.subject.text}{ends}" if rest.startswith("à") else "", "definition", "purpose", 0.8, place
        )
    if main.verb in ("dépend", "dépendent"):
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
    if main.infinitive == "être" and state and stands_alone(rest) and not _PRONOUN.search(rest):
        text = asked("", main.subject, main.verb, f"{rest}{ends}")
        found += make(text, "factual", "state", 0.7, place)
    if main.infinitive in _MANNERS and (
        main.clitic.strip() in ("se", "s'") or main.infinitive in ("fonctionner", "avancer", "procéder")
    ):
        if not main.negated and len(rest.split()) >= 3 and not person(main.subject) and len(main.subject.text.split()) <= 7:
            found += make(f"comment {main.clitic}{main.verb} {main.subject.text}{ends}", "procedural", "how", 0.8, place)
    if main.infinitive in _WHERES and main.clitic.strip() in ("se", "s'") and not main.negated:
        if re.match(r"(?:à|au|aux|sur|dans|devant|derrière|près|entre|hors|en)\b", rest):
            found += make(f"où {main.clitic}{main.verb} {main.subject.text}{ends}", "factual", "where", 0.8, place)
    why = re.search(r",?\s(?:car|parce que?'?|puisqu[e'])\s?.+$", main.rest)
    if why and len(main.rest[: why.start()].split()) >= 2 and stands_alone(main.rest[: why.start()]) and main.subject.text != "on":
        kept = core(main.rest[: why.start()])
        found += make(
            asked("pourquoi", main.subject, main.verb, kept, negated=main.negated, clitic=main.clitic), "factual", "why", 0.8, place
        )
    right = re.match(r"(?:le )?droit (d(?:e\s|')\w+(?:er|ir|re|oir)\b.*)$", rest)
    if main.infinitive == "avoir" and right and person(main.subject) and not _PRONOUN.search(rest):
        found += make(asked("", main.subject, main.verb, f"le droit {right.group(1)}{ends}"), "factual", "right", 0.72, place)
        if re.fullmatch(r"(?:un|le|tout|chaque) joueur", main.subject.text) and not re.search(r"\b(?:se|s')", rest):
            mine = re.sub(r"\b(son|sa|ses)\b", lambda m: {"son": "mon", "sa": "ma", "ses": "mes"}[m.group()], right.group(1))
            found += make(f"ai-je le droit {mine}{ends}", "factual", "right", 0.78, place, "joueur")
    return found


_FORBIDDEN = re.compile(
    r"^[Ii]l est (?:strictement |formellement |également |donc )?(interdit|permis|possible|autorisé|recommandé|conseillé|obligatoire)(?: (?:à|au|aux) [^,]*?)? (d(?:e\s|'))(.+)$"
)
_MUST = re.compile(r"^[Ii]l (?:faut|convient de|est nécessaire de|suffit de)\s(.+?)\spour\s(\w+(?:er|ir|re|oir)\b.*)$")
_CALLED = re.compile(
    r"^On (?:appelle|parle de|nomme)\s(?:alors\s)?(.+?)(?:\s(?:le fait|lorsque|quand|un|une|la|l'|tout|toute|celui|celle|si)\b.*)$"
)
_GOAL = re.compile(r"^Pour\s((?!(?:le|la|les|l'|un|une|cela|chaque|tout|toute|ces?|cette)\b)\w+(?:er|ir|re|oir)\s[^,]{6,}),\s(.+)$")
_NEEDED = re.compile(rf"^[Ii]l faut (?:au moins\s|au minimum\s)?{_NUMBER}\s(\w+(?:\s(?!pour)\w+)?)\spour\s(.+)$")
_FALLS_TO = re.compile(r"^[Ii]l (?:appartient|revient|incombe) (?:à|au|aux)\s?(?:l'|la\s|les\s)?[\w\s'-]+?\s(d(?:e\s|'))(.+)$")
_THERE_IS = re.compile(r"^Il y a\s(.+?)\s(?:lorsque|lorsqu'|quand|si|dès que|dès qu')\s?(.+)$")


_ONLY = re.compile(r"^(?:Seule?s?|Uniquement)\s(.+?)\s(peut|peuvent|doit|doivent|est|sont|a le droit|ont le droit)\s(.+)$")
_ONLY_THESE = re.compile(r"^Seule?s les (\w+)\b.*?\s(sont|peuvent|doivent|comptent|ont)\s(.+)$")
_NOBODY_MAY = re.compile(r"^(?:Personne|Nul|Aucun joueur)\s(ne peut|n'a le droit)\s(.+)$")
_THERE_ARE = re.compile(rf"^[Ii]l (?:y a|existe)\s{_NUMBER}\s(\w+(?:\s(?!pour|dans|de|d'|à|en|sur|par|au|:)[\w-]+)?)\b(.*)$")


_INVERTED = re.compile(r"^(Peuvent|Peut|Sont|Est|Doivent)\s(.+?)\s?(?::|,|\b(?:les|le|la|tous les|toutes les|tout|toute|l')\b)(.*)$")


def inverted_questions(text: str, place: int) -> list[Candidate]:
    """ "Peuvent participer à la finale les équipes ..." -> "Qui peut participer à la finale ?"."""
    match = _INVERTED.match(text)
    if match is None or len(match.group(2).split()) < 3 or not stands_alone(match.group(2)) or _PRONOUN.search(match.group(2)):
        return []
    verb = singular(match.group(1).lower())
    deed = match.group(2)
    if verb == "est":
        first, *others = deed.split()
        deed = " ".join([re.sub(r"(?<=[éiust])e?s$|(?<=é)e$", "", first), *others])
    return make(f"qui {verb} {deed}", "factual", "who", 0.84, place)


_TERM = re.compile(r"^([A-ZÉÀ][\w'’ -]{2,40}?)\s?:\s(?=[a-zà-ü«(A-Z]).{25,}$")


def term_question(text: str, title: str, place: int) -> list[Candidate]:
    """A glossary's entry: "Ajourner : suspendre ..." -> "Que signifie « ajourner » aux échecs ?"."""
    match = _TERM.match(text) if re.search(r"glossaire|lexique|définition", title, re.IGNORECASE) else None
    if match is None or len(match.group(1).split()) > 5:
        return []
    return make(f"que signifie « {lower_first(match.group(1))} » aux échecs", "definition", "term", 0.9, place)


def impersonal_questions(text: str, place: int) -> list[Candidate]:
    """Questions of sentences with "il est interdit de", "il faut", "on appelle", "pour ..."."""
    found: list[Candidate] = []
    match = _FORBIDDEN.match(text)
    if match:
        deed = core(match.group(3))
        if len(deed.split()) >= 2 and stands_alone(deed) and not _PRONOUN.search(deed):
            found += make(f"a-t-on le droit de {deed}", "factual", "allowed", 0.74, place) + make(
                f"peut-on {deed}", "factual", "allowed", 0.72, place
            )
            mine = re.sub(r"\b(son|sa|ses)\b", lambda m: {"son": "mon", "sa": "ma", "ses": "mes"}[m.group()], deed)
            found += make(
                "" if re.match(r"s(?:e\s|')", deed) else f"ai-je le droit de {mine}", "factual", "allowed", 0.76, place, "joueur"
            )
    found += inverted_questions(text, place)
    match = _ONLY_THESE.match(text)
    if match and (gender := gender_of(match.group(1))):
        deed = core(match.group(3))
        if len(deed.split()) >= 2 and stands_alone(deed) and not _PRONOUN.search(deed):
            which = "quels" if gender == "m" else "quelles"
            found += make(f"{which} {match.group(1)} {match.group(2)} {deed}", "factual", "which", 0.82, place)
    match = _NOBODY_MAY.match(text)
    if match and stands_alone(core(match.group(2))) and not _PRONOUN.search(core(match.group(2))):
        asks = "a-t-on le droit" if match.group(1).startswith("n'a") else "peut-on"
        found += make(f"{asks} {core(match.group(2))}", "factual", "allowed", 0.8, place)
    match = _ONLY.match(text)
    if match:
        deed = core(match.group(3))
        if len(deed.split()) >= 2 and stands_alone(deed) and not _PRONOUN.search(deed) and person(phrase(match.group(1)) or _NOBODY):
            found += make(f"qui {'peut' if match.group(2).startswith('peu') else singular(match.group(2).split()[0])} {' '.join([*match.group(2).split()[1:], deed])}",
                          "factual", "who", 0.8, place)  # fmt: skip
    match = _THERE_ARE.match(text)
    if match and stands_alone(match.group(2)) and re.match(r"\s?(?:$|(?:en|dans|par|pour|au|aux|sur)\s)", match.group(2)):
        found += make(f"combien de {match.group(1)} y a-t-il {core(match.group(2))}", "factual", "how-many", 0.8, place)
    match = _NEEDED.match(text)
    if match and stands_alone(match.group(2)):
        found += make(f"combien de {match.group(1)} faut-il pour {core(match.group(2))}", "factual", "how-many", 0.9, place)
    match = _MUST.match(text)
    if match and not found and stands_alone(match.group(2)) and not _PRONOUN.search(match.group(2)):
        found += make(f"que faut-il faire pour {core(match.group(2))}", "procedural", "goal", 0.78, place)
    match = _GOAL.match(text)
    if match and (match.group(1).startswith("être considéré") or len(match.group(1).split()) < 3):
        match = None
    if match and stands_alone(match.group(1)) and not _PRONOUN.search(match.group(1)):
        deed = match.group(1)
        if re.match(r"\w+\s(?:l'|les?\s|la\s|une?\s|des?\s|du\s)", deed):
            found += make(f"comment {deed}", "procedural", "goal", 0.7, place)
        found += make(f"que faut-il faire pour {deed}", "procedural", "goal", 0.72, place)
    match = _FALLS_TO.match(text)
    if match and len(match.group(2).split()) >= 3 and stands_alone(match.group(2)) and not _PRONOUN.search(match.group(2)):
        found += make(f"qui doit {core(match.group(2))}", "factual", "who", 0.76, place)
    match = _THERE_IS.match(text)
    if match and len(match.group(1).split()) <= 6 and stands_alone(match.group(1)):
        found += make(f"quand y a-t-il {match.group(1)}", "definition", "there-is", 0.86, place)
    match = _CALLED.match(text)
    if match and len(match.group(1).split()) <= 5 and stands_alone(match.group(1)):
        name = match.group(1).strip(' «»"')
        found += make(
            f"qu'appelle-t-on {name}" if not re.match(r"(?:le|la|les|l')", name) else f"qu'est-ce que {name}",
            "definition",
            "called",
            0.86,
            place,
        )
    return found


def lower_subject(subject: Phrase) -> str:
    """The subject's text as it stands inside a question."""
    return lower_first(subject.text)


__all__ = ["fact_questions", "hyphenated", "impersonal_questions", "invert", "phrase", "quantity_question"]
