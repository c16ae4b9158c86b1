"""Questions from sentences without a clause's shape: "il est interdit de", "il faut", "on appelle", "seul", "pour ...", glossary entries."""

from __future__ import annotations

import re

from triplette.languages.fr.rules.candidate import POSSESSIVE, PRONOUN, Candidate, core, make, person
from triplette.languages.fr.rules.clauses import stands_alone
from triplette.languages.fr.rules.figures import NUMBER
from triplette.languages.fr.rules.grammar import Phrase, gender_of, lower_first, phrase
from triplette.languages.fr.rules.verbs import singular
from triplette.languages.fr.rules.vocabulary import words_in_force

_NOBODY = Phrase("", "", "", False)
_FORBIDDEN = re.compile(
    r"^[Ii]l est (?:strictement |formellement )?(interdit|permis|possible|autorisé|recommandé|conseillé|obligatoire)"
    r"(?: (?:à|au|aux) [^,]*?)? (d(?:e\s|'))(.+)$"
)
_MUST = re.compile(r"^[Ii]l (?:faut|convient de|est nécessaire de|suffit de)\s(.+?)\spour\s(\w+(?:er|ir|re|oir)\b.*)$")
_CALLED = re.compile(
    r"^On (?:appelle|parle de|nomme)\s(?:alors\s)?(.+?)(?:\s(?:le fait|lorsque|quand|un|une|la|l'|tout|toute|celui|celle|si)\b.*)$"
)
_GOAL = re.compile(r"^Pour\s((?!(?:le|la|les|l'|un|une|cela|chaque|tout|toute|ces?|cette)\b)\w+(?:er|ir|re|oir)\s[^,]{6,}),\s(.+)$")
_NEEDED = re.compile(rf"^[Ii]l faut (?:au moins\s|au minimum\s)?{NUMBER}\s(\w+(?:\s(?!pour)\w+)?)\spour\s(.+)$")
_FALLS_TO = re.compile(r"^[Ii]l (?:appartient|revient|incombe) (?:à|au|aux)\s?(?:l'|la\s|les\s)?[\w\s'-]+?\s(d(?:e\s|'))(.+)$")
_THERE_IS = re.compile(r"^Il y a\s(.+?)\s(?:lorsque|lorsqu'|quand|si|dès que|dès qu')\s?(.+)$")
_ONLY = re.compile(r"^(?:Seule?s?|Uniquement)\s(.+?)\s(peut|peuvent|doit|doivent|est|sont|a le droit|ont le droit)\s(.+)$")
_ONLY_THESE = re.compile(r"^Seule?s les (\w+)\b.*?\s(sont|peuvent|doivent|comptent|ont)\s(.+)$")
_NOBODY_MAY = r"^(?:Personne|Nul|Aucune? <anyone>)\s(ne peut|n'a le droit)\s(.+)$"
_THERE_ARE = re.compile(rf"^[Ii]l (?:y a|existe)\s{NUMBER}\s(\w+(?:\s(?!pour|dans|de|d'|à|en|sur|par|au|:)[\w-]+)?)\b(.*)$")
_INVERTED = re.compile(
    r"^(Peuvent|Peut|Sont|Est|Doivent)\s(.+?)(?:\s?:|,|(?<!\bà)(?<!\bde)(?<!pour)(?<!dans)(?<!sur)\s(?:les|le|la|tous les|toutes les|tout|toute)\s)(.*)$"
)


def inverted_questions(text: str, place: int) -> list[Candidate]:
    """ "Peuvent participer à la finale les équipes ..." -> "Qui peut participer à la finale ?"."""
    match = _INVERTED.match(text)
    if match is None or len(match.group(2).split()) < 3 or not stands_alone(match.group(2)) or PRONOUN.search(match.group(2)):
        return []
    verb = singular(match.group(1).lower())
    deed = match.group(2)
    if verb == "est":
        first, *others = deed.split()
        deed = " ".join([re.sub(r"(?<=[éiust])e?s$|(?<=é)e$", "", first), *others])
    return make(f"qui {verb} {deed}", "factual", "who", 0.84, place)


_TERM = re.compile(r"^([A-ZÉÀ][\w'’ -]{2,40}?)\s?:\s(?=[a-zà-ü«(A-Z]).{25,}$")


def term_question(text: str, title: str, place: int) -> list[Candidate]:
    """A glossary's entry: "Ajourner : suspendre ..." -> "Que signifie « ajourner » ?", with the domain where the profile names it."""
    match = _TERM.match(text) if re.search(r"glossaire|lexique|définition", title, re.IGNORECASE) else None
    if match is None or len(match.group(1).split()) > 5:
        return []
    domain = words_in_force().profile.field
    return make(f"que signifie « {lower_first(match.group(1))} » {domain}", "definition", "term", 0.9, place)


def impersonal_questions(text: str, place: int) -> list[Candidate]:
    """Questions of sentences with "il est interdit de", "il faut", "on appelle", "pour ..."."""
    found: list[Candidate] = []
    match = _FORBIDDEN.match(text)
    if match:
        deed = core(match.group(3))
        if len(deed.split()) >= 2 and stands_alone(deed) and not PRONOUN.search(deed):
            needed = match.group(1) in ("obligatoire", "recommandé", "conseillé")
            found += make(f"faut-il {deed}" if needed else f"a-t-on le droit de {deed}", "factual", "allowed", 0.74, place) + make(
                "" if needed else f"peut-on {deed}", "factual", "allowed", 0.72, place
            )
            mine = re.sub(r"\b(son|sa|ses)\b", lambda m: {"son": "mon", "sa": "ma", "ses": "mes"}[m.group()], deed)
            found += make(
                "" if needed or re.match(r"s(?:e\s|')", deed) or not words_in_force().asker else f"ai-je le droit de {mine}",
                "factual",
                "allowed",
                0.76,
                place,
                words_in_force().asker,
            )
    found += inverted_questions(text, place)
    match = _ONLY_THESE.match(text)
    if match and (gender := gender_of(match.group(1))):
        deed = core(match.group(3))
        if len(deed.split()) >= 2 and stands_alone(deed) and not PRONOUN.search(deed):
            which = "quels" if gender == "m" else "quelles"
            found += make(f"{which} {match.group(1)} {match.group(2)} {deed}", "factual", "which", 0.82, place)
    match = words_in_force().pattern(_NOBODY_MAY).match(text)
    if match and stands_alone(core(match.group(2))) and not PRONOUN.search(core(match.group(2))):
        asks = "a-t-on le droit" if match.group(1).startswith("n'a") else "peut-on"
        found += make(f"{asks} {core(match.group(2))}", "factual", "allowed", 0.8, place)
    match = _ONLY.match(text)
    if match:
        deed = core(match.group(3))
        if len(deed.split()) >= 2 and stands_alone(deed) and not PRONOUN.search(deed) and person(phrase(match.group(1)) or _NOBODY):
            verb, *more = match.group(2).split()
            if verb in ("est", "sont"):
                deed = re.sub(r"^([\w-]+?(?:[éi]|[iu]t|is))e?s?(?=\s)", r"\1", deed)
            found += make(f"qui {singular(verb)} {' '.join([*more, deed])}", "factual", "who", 0.8, place)
    match = _THERE_ARE.match(text)
    if match and stands_alone(match.group(2)) and re.match(r"\s?(?:$|(?:en|dans|par|pour|au|aux|sur)\s)", match.group(2)):
        found += make(f"combien de {match.group(1)} y a-t-il {core(match.group(2))}", "factual", "how-many", 0.8, place)
    match = _NEEDED.match(text)
    if match and stands_alone(match.group(2)):
        found += make(f"combien de {match.group(1)} faut-il pour {core(match.group(2))}", "factual", "how-many", 0.9, place)
    match = _MUST.match(text)
    if match and not found and stands_alone(match.group(2)) and not PRONOUN.search(match.group(2)):
        found += make(f"que faut-il faire pour {core(match.group(2))}", "procedural", "goal", 0.78, place)
    return found + _named_questions(text, place)


def _named_questions(text: str, place: int) -> list[Candidate]:
    """Goals, duties that fall to somebody, and what something is called."""
    found: list[Candidate] = []
    match = _GOAL.match(text)
    if match and (match.group(1).startswith("être considéré") or len(match.group(1).split()) < 3):
        match = None
    if match and stands_alone(match.group(1)) and not PRONOUN.search(match.group(1)) and not POSSESSIVE.search(match.group(1)):
        deed = match.group(1)
        if re.match(r"\w+\s(?:l'|les?\s|la\s|une?\s|des?\s|du\s)", deed):
            found += make(f"comment {deed}", "procedural", "goal", 0.7, place)
        found += make(f"que faut-il faire pour {deed}", "procedural", "goal", 0.72, place)
    match = _FALLS_TO.match(text)
    if match and len(match.group(2).split()) >= 3 and stands_alone(match.group(2)) and not PRONOUN.search(match.group(2)):
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
