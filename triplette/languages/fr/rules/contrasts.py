"""Comparisons, where the passage itself sets two things against each other.

Only a contrast that the words show is asked about: "tandis que", "contrairement à", "prévaut sur", the points of two outcomes, and
two sentences in a row with parallel subjects. A comparison that a reader would have to build is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from triplette.languages.fr import stem, words
from triplette.languages.fr.rules.agents import deed_of
from triplette.languages.fr.rules.candidate import POSSESSIVE, PRONOUN, Candidate, make, person, vague
from triplette.languages.fr.rules.clauses import Clause, clause, stands_alone
from triplette.languages.fr.rules.grammar import lower_first, of, phrase
from triplette.languages.fr.rules.sentences import Sentence
from triplette.languages.fr.rules.vocabulary import words_in_force
from triplette.languages.fr.rules.wording import pick

_WHILE = re.compile(r"^(.{20,160}?),?\s(?:tandis qu|alors qu)(?:e\s|')(.{15,})$")
_UNLIKE = re.compile(r"(?:^|,\s|\s)[Cc]ontrairement (à l'|aux? |à la |à une? )([^,.;:]{4,60})")
_PREVAILS = re.compile(r"^(?:sur|devant)\s(.+)$")
# no thing of its own: counts, every one, two at once, one of a list
_UNFIT = re.compile(r"\b(?:qui|que|dont|où|autres?|et|nombre|critère|date|suite|notion|soumis\w*)\b|^(?:tou|chaque)|\d|[/\"«“]")
_LONGEST = 8  # words of each of the two things


def contrast_questions(sentences: Sequence[Sentence]) -> list[Candidate]:
    """The comparisons that a chunk's sentences make."""
    found: list[Candidate] = []
    before: Clause | None = None
    for sentence in sentences:
        text = sentence.text.rstrip(" .;:!?")
        parsed = clause(text)
        found += _points(text, sentence.place) + _while(text, sentence.place) + _unlike(text, parsed, sentence.place)
        found += _prevails(parsed, sentence.place)
        if before and parsed:
            found += _parallel(before, parsed, sentence.place)
        before = parsed
    return found


def _points(text: str, place: int) -> list[Candidate]:
    """ "Une partie gagnée est comptée 1 point, une partie nulle 0" asks for the difference."""
    profile = words_in_force().profile
    unit = profile.scenes.unit
    if (
        not unit
        or not re.search(rf"\b{re.escape(unit.removesuffix('s'))}s?\b", text)
        or len(re.findall(r"\d|\b(?:un|deux|trois|demi|zéro)\b", text)) < 2
    ):
        return []
    found = sorted((match.start(), score.name) for score in profile.scores for match in re.finditer(score.pattern, text, re.IGNORECASE))
    seen = list(dict.fromkeys(name for _, name in found))
    if len(seen) < 2:
        return []
    return make(f"quelle différence de {unit} y a-t-il entre {seen[0]} et {seen[1]}", "comparison", "points-apart", 0.8, place)


def _two(first: str, second: str, place: int, weight: float) -> list[Candidate]:
    """The question about the difference of two noun phrases, when both can be said."""
    first, second = lower_first(first.strip()), lower_first(second.strip())
    one, other = phrase(first), phrase(second)
    if one is None or other is None or vague(one) or vague(other) or first == second:
        return []
    if any(
        len(t.split()) > _LONGEST or not stands_alone(t) or PRONOUN.search(t) or POSSESSIVE.search(t) or _UNFIT.search(t)
        for t in (first, second)
    ):
        return []
    forms = (f"quelle différence y a-t-il entre {first} et {second}", f"qu'est-ce qui distingue {first} {of(second)}")
    return make(forms[pick(first + second, 2)], "comparison", "difference", weight, place)


def _while(text: str, place: int) -> list[Candidate]:
    match = _WHILE.match(text)
    first, second = (clause(match.group(1)), clause(match.group(2)[:1].upper() + match.group(2)[1:])) if match else (None, None)
    if first is None or second is None:
        return []
    alike = first.subject.head.lower() == second.subject.head.lower() or (person(first.subject) and person(second.subject))
    if not alike:
        return []
    return _two(first.subject.text, second.subject.text, place, 0.82)


def _unlike(text: str, main: Clause | None, place: int) -> list[Candidate]:
    match = _UNLIKE.search(text)
    if match is None or main is None:
        return []
    article = {"au ": "le ", "aux ": "les "}.get(match.group(1), match.group(1)[2:])
    return _two(main.subject.text, article + match.group(2), place, 0.84)


def _prevails(main: Clause | None, place: int) -> list[Candidate]:
    if main is None or main.negated or main.verb not in ("prévaut", "prévalent", "prime", "priment"):
        return []
    over = _PREVAILS.match(main.rest)
    other = phrase(over.group(1)) if over else None
    if other is None or len(other.text.split()) > _LONGEST or not stands_alone(other.text) or not stands_alone(main.subject.text):
        return []
    return make(f"qu'est-ce qui l'emporte entre {main.subject.text} et {other.text}", "comparison", "prevails", 0.9, place)


def _parallel(first: Clause, second: Clause, place: int) -> list[Candidate]:
    """Two sentences in a row about two of a kind: "Les joueurs mutés ... . Les joueurs étrangers ..."."""
    one, other = first.subject, second.subject
    if one.head.lower() != other.head.lower() or one.text == other.text or first.infinitive != second.infinitive:
        return []
    deeds = [deed_of(told.rest) for told in (first, second)] if first.infinitive == "être" else [""]
    if all(deeds) and len(set(deeds)) > 1:
        return []  # "est servi", "est refroidi": two deeds, and no difference between two things
    own = {stem(w) for w in words(one.text)} ^ {stem(w) for w in words(other.text)}
    bare = min(len(one.text.split()), len(other.text.split())) < 3
    if bare or len(own) < 2 or bool(first.lead) != bool(second.lead):
        return []
    return _two(one.text, other.text, place, 0.62)
