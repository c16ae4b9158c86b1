"""Questions from sentences that open with a condition: "Si ..., ..." asks what follows from it."""

from __future__ import annotations

import re

from triplette.languages.fr.rules.candidate import CONDITION_WORDS, Candidate, anchored, asked, core, make, person, usable, vague
from triplette.languages.fr.rules.clauses import Clause, Conditional, clause, stands_alone
from triplette.languages.fr.rules.figures import quantity_question
from triplette.languages.fr.rules.grammar import Phrase, gender_of, lower_first
from triplette.languages.fr.rules.verbs import singular
from triplette.languages.fr.rules.vocabulary import words_in_force

_OTHERS = re.compile(r"\b(?:il|ils|elle|elles|lui|leur|celui|celle|soi|eux)\b")
_POSSESSIVE = re.compile(r"\b(?:son|sa|ses|leur|leurs)\b")


def scenario_questions(sentence: Conditional, place: int, known: Phrase | None) -> list[Candidate]:
    """Every question of a conditional sentence; ``known`` is who an opening "il" means."""
    condition = _resolved(sentence, known)
    if condition is None or len(condition.split()) > CONDITION_WORDS:
        return []
    inner = clause(core_condition(condition)) if sentence.opening not in ("En cas de", "En cas d'", "En cas du", "En cas des") else None
    main = clause(sentence.main, inner.subject if inner else known)
    if inner and not anchored(inner.subject):
        return []
    joined = _joined(sentence.opening, re.split(r",\s(?:si|s'il|lorsque?|quand)\s", condition)[0])
    low = sentence.main.lower()
    found: list[Candidate] = []
    same = _who_does(inner, main)
    found += same_person(main, same, place) if same else _duty(main, sentence.main, joined, place)
    found += _outcome(main, low, joined, place, inner, sentence.opening)
    found += _first_person(inner, main, low, place)
    if main and not vague(main.subject) and stands_alone(main.subject.text):
        found += quantity_question(main, place, f" {joined}")
    if (
        main
        and main.infinitive == "pouvoir"
        and not main.negated
        and person(main.subject)
        and main.subject.text != "on"
        and len(main.subject.text.split()) <= 5
    ):
        verb = "peuvent" if main.subject.plural else "peut"
        found += make(f"que {verb} faire {main.subject.text} {joined}", "procedural", "power", 0.72, place)
    found += make(f"que se passe-t-il {joined}", "scenario", "what-if", 0.42, place)
    collection = words_in_force().profile.collection
    found += make(f"que prévoit {collection} {joined}" if collection else "", "scenario", "rule-if", 0.36, place)
    return found


def core_condition(condition: str) -> str:
    """The condition without a second one ("et que ...")."""
    return re.split(r",?\s(?:et (?:qu[e']|sauf)|ou qu[e']|mais qu[e'])|,\s(?:si|s'il|lorsque?|quand)\s", condition)[0]


def _who_does(inner: Clause | None, main: Clause | None) -> str:
    """ "un joueur qui commence un roque illégal" when the one of the condition is the one of the main clause, else ""."""
    if (
        inner is None
        or main is None
        or inner.lead
        or re.match(r"(?:nécessaire|possible|impossible|utile|évident|question) d", inner.rest)
    ):
        return ""
    if inner.subject.text != main.subject.text or " qui " in inner.subject.text:
        return ""
    if inner.subject.text == "on" or _OTHERS.search(f"{inner.rest} {inner.tail}"):
        return ""
    not_, after = ("ne " if inner.negated else ""), (" pas" if inner.negated else "")
    said = f"{inner.subject.text} qui {not_}{inner.clitic}{inner.verb}{after} {core_condition(inner.rest)} {inner.tail}".strip()
    return re.sub(r"\bne (?=[aeé])", "n'", said)


def same_person(main: Clause | None, who: str, place: int) -> list[Candidate]:
    """The duty of somebody in a certain situation."""
    if main is None or main.negated:
        return []
    if main.infinitive == "devoir" and not re.match(r"(?:être|avoir|rester)\b", main.rest):
        return make(f"que {main.verb} faire {who}", "procedural", "duty", 0.9, place)
    if main.infinitive == "pouvoir":
        return make(f"que {main.verb} faire {who}", "procedural", "power", 0.8, place)
    return make(f"que se passe-t-il pour {who}", "scenario", "what-if", 0.5, place) if person(main.subject) else []


_IMPERSONAL = re.compile(
    r"^il (?:est|n'est pas) (?:\w+ment )?(?:nécessaire|possible|impossible|utile|évident|prévu|constaté|établi|découvert)\b"
)


def _resolved(sentence: Conditional, known: Phrase | None) -> str | None:
    """The condition with an opening pronoun replaced by what it means; None when it points elsewhere."""
    condition = sentence.condition
    pronoun = re.match(r"^(ils?|elles?)\s", condition)
    if pronoun and not _IMPERSONAL.match(condition):
        if known is None or known.pronoun != pronoun.group(1):
            return None
        condition = f"{known.text} {condition[pronoun.end() :]}"
    condition = re.split(r",\s(?:quel(?:le)?s? que soi|par exemple|notamment|même|sauf|y compris)", condition)[0]
    opens_with_possessive = re.match(r"^(?:son|sa|ses|leurs?)\s", condition)
    return None if opens_with_possessive or not stands_alone(condition) else condition


def _joined(opening: str, condition: str) -> str:
    opening = lower_first(opening)
    if opening == "s'":
        opening = "si"
    return f"{opening}{condition}" if opening.endswith("'") else f"{opening} {condition}"


def _duty(main: Clause | None, text: str, joined: str, place: int) -> list[Candidate]:
    if re.match(r"(?:on|il faut|il convient de|il est nécessaire)\s", text):
        return make(f"que faut-il faire {joined}", "procedural", "duty-one", 0.8, place)
    if (
        main is None
        or main.negated
        or not person(main.subject)
        or len(main.subject.text.split()) > 6
        or not stands_alone(main.subject.text)
    ):
        return []
    if main.infinitive in (
        "être",
        "avoir",
        "pouvoir",
        "perdre",
        "gagner",
        "recevoir",
        "marquer",
        "obtenir",
        "conserver",
        "garder",
        "rester",
    ):
        return []
    if re.match(r"(?:être|avoir|rester|savoir)\b", main.rest):
        return []
    plural = main.subject.plural
    if main.infinitive == "devoir":
        return make(f"que {'doivent' if plural else 'doit'} faire {main.subject.text} {joined}", "procedural", "duty", 0.9, place)
    return make(f"que {'font' if plural else 'fait'} {main.subject.text} {joined}", "procedural", "act", 0.66, place) + make(
        f"comment {main.subject.text} {'doivent-ils' if plural else 'doit-il'} réagir {joined}" if main.subject.gender == "m" else "",
        "procedural", "react", 0.7, place,
    )  # fmt: skip


def _outcome(main: Clause | None, low: str, joined: str, place: int, inner: Clause | None, opening: str) -> list[Candidate]:
    found: list[Candidate] = []
    known = words_in_force()
    punished = any(word in low for word in known.sanctions) and not re.search(r"\bsans (?:pénalité|sanction|amende|être)\b", low)
    if punished and inner and inner.subject.head in known.sanctioned and not inner.lead:
        who = inner.subject.text
        if re.match(r"(?:un|une|le|la|l'|tout|toute)\b", who) and not _OTHERS.search(inner.rest + inner.tail) and " qui " not in who:
            who = re.sub(r"^(?:le|tout)\s", "un ", re.sub(r"^(?:la|toute)\s", "une ", who))
            not_, after = ("ne " if inner.negated else ""), (" pas" if inner.negated else "")
            said = f"{not_}{inner.clitic}{inner.verb}{after} {inner.rest} {inner.tail}".replace("ne a ", "n'a ").replace(
                "ne est ", "n'est "
            )
            found += make(f"que risque {who} qui {said}", "factual", "risk", 0.85, place)
    if punished and (inner is None or person(inner.subject)) and "aggrav" not in low:
        found += make(f"quelle sanction est prévue {joined}", "factual", "sanction", 0.6, place)
    elif _gives_outcome(low):
        found += make(f"{known.profile.scenes.outcome_question} {joined}", "factual", "result", 0.66, place)
    if (
        (
            main
            and main.infinitive == "être"
            and not person(main.subject)
            and not vague(main.subject)
            and not _SEVERAL.match(main.rest)  # of several things done to it, it becomes none
            and re.match(r"\w+(?:é|i|u|is|it)e?s?\b", main.rest)
        )
        and len(main.subject.text.split()) <= 5
        and stands_alone(main.subject.text)
        and not _POSSESSIVE.search(main.subject.text)
    ):
        verb = "deviennent" if main.subject.plural else "devient"
        found += make(f"que {verb} {main.subject.text} {joined}", "scenario", "becomes", 0.62, place)
    return found


_SEVERAL = re.compile(r"\w+(?:é|i|u|is|it)e?s?\b[^,]*,\s\w+(?:é|i|u|is|it)e?s?\b")


def _gives_outcome(low: str) -> bool:
    """Whether the main clause says how something ends."""
    scenes = words_in_force().profile.scenes
    return bool(scenes.outcome) and re.search(scenes.outcome, low) is not None


def _tells_of(subject: Phrase) -> bool:
    """Whether the profile's scenes are about the one who does what the condition says."""
    scenes = words_in_force().profile.scenes
    one, many = re.escape(scenes.subject), re.escape(scenes.subjects)
    return bool(scenes.subject) and re.match(rf"(?:(?:une?|le|la) {one}|(?:l')?une? des (?:deux )?{many})$", subject.text) is not None


def _first_person(inner: Clause | None, main: Clause | None, low: str, place: int) -> list[Candidate]:
    """The scene told by who stands in it: "Mon adversaire ... : que puis-je faire ?"."""
    if (
        inner is None
        or inner.lead
        or "y" in inner.clitic.split()
        or not _tells_of(inner.subject)
        or _OTHERS.search(f"{inner.rest} {inner.tail}")
    ):
        return []
    not_, after = ("ne " if inner.negated else ""), (" pas" if inner.negated else "")
    said = f"{not_}{inner.clitic}{singular(inner.verb)}{after} {inner.rest} {inner.tail}".replace("ne a ", "n'a ").replace(
        "ne est ", "n'est "
    )
    scenes = words_in_force().profile.scenes
    collection = words_in_force().profile.collection
    decides = bool(scenes.official) and re.search(rf"\b{re.escape(re.sub(_ARTICLE, '', scenes.official))}", low) is not None
    if scenes.others and re.search(scenes.others, said):
        text = f"{_one(scenes.subject)} {said} : que doit faire {scenes.official}" if decides else ""
        return make(text, "scenario", "scene", 0.7, place, scenes.official_persona)
    if decides or (scenes.official and re.match(r"on\s", low)):
        role = next((p.introduced for p in words_in_force().profile.personas if p.name == scenes.official_persona), "")
        own = f"{_one(scenes.subject)} {said} : que dois-je faire {role}"
        seen = f"{scenes.rival} {said} : que doit faire {scenes.official}"
        return make(own, "scenario", "scene", 0.78, place, scenes.official_persona) + make(
            seen, "scenario", "scene", 0.74, place, scenes.asker
        )
    asks = f"que dit {collection}" if collection else "que se passe-t-il"
    return make(f"{scenes.rival} {said} : {asks}", "scenario", "scene", 0.72, place, scenes.asker)


_ARTICLE = re.compile(r"^(?:l'|les?\s|la\s)")


def _one(noun: str) -> str:
    return f"{'une' if gender_of(noun) == 'f' else 'un'} {noun}"


def conditional_clause(main: Clause, place: int) -> list[Candidate]:
    """Questions of a clause with its condition behind it: "... si ..." asks in which case, or what then."""
    found: list[Candidate] = []
    tail = main.tail
    rest = core(main.rest)
    if not tail or not usable(main) or not stands_alone(rest) or rest != main.rest.strip(" ,"):
        return found
    content = f"{main.subject.text} {rest}"
    if re.match(r"même\b|y compris", tail):
        return found
    if re.match(r"sauf\b|à moins\b", tail):
        if not main.negated and main.infinitive in ("devoir", "être", "pouvoir"):
            said = asked("", main.subject, main.verb, f"toujours {rest}", clitic=main.clitic)
            found += make(said, "multi-condition", "always", 0.7, place)
        return found
    opening = {"à c": "à quelle condition", "sou": "à quelle condition", "jus": "jusqu'à quand", "ava": "", "fau": ""}.get(
        tail[:3], "dans quel cas"
    )
    of_something = main.clitic.strip() in ("en", "y", "lui", "leur")  # of what, the sentence before says
    if opening and len(content.split()) >= 3 and not _POSSESSIVE.search(main.subject.text) and not of_something:
        found += make(
            asked(opening, main.subject, main.verb, rest, negated=main.negated, clitic=main.clitic),
            "multi-condition",
            "in-which-case",
            0.72,
            place,
        )
    if (
        (
            re.match(r"(?:si|lorsqu|quand|dès qu|en cas)", tail)
            and person(main.subject)
            and not _OTHERS.search(tail)
            and stands_alone(tail)
        )
        and main.infinitive == "devoir"
        and not re.match(r"(?:être|avoir)\b", rest)
        and not main.negated
    ):
        verb = "doivent" if main.subject.plural else "doit"
        found += make(f"que {verb} faire {main.subject.text} {core(tail)}", "procedural", "duty", 0.8, place)
    return found
