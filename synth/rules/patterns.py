"""Sentence patterns to candidate questions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from synth.rules.grammar import ANAPHORA, Phrase, ask, elide, lower_first, phrase
from synth.rules.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question with its kind and persona, the pattern that made it and how good that pattern is (0..1)."""

    text: str
    kind: str
    persona: str
    pattern: str
    weight: float
    place: int


_LEADING = re.compile(r"^(Si|S'|Lorsque|Lorsqu'|Quand|Dès que|Dès qu'|En cas d[e'u](?:s| la| l')?)\s?(.+)$")
_MAIN_START = re.compile(
    r",\s(?=(?:alors\s)?(?:l'|le\s|la\s|les\s|un\s|une\s|il\s|ils\s|elle\s|elles\s|on\s|son\s|sa\s|ses\s|leur|aucun|chaque|tout|celui|[A-Z]))"
)
_FINITE = r"(?:est|sont|a|ont|doit|doivent|peut|peuvent|perd|perdent|gagne|gagnent|reçoit|sera|seront|devra|devront|pourra|pourront|fait|s'applique|s'appliquent|décide|marque|reste|joue|dispose|conserve|prend|accorde|déclare|entraîne|n'est|ne)"
_VERB = re.compile(rf"\b{_FINITE}\b")
_MODAL = re.compile(r"^(.+?)\s(doit|doivent|devra|devront)\s(?!pas\b|être\b|avoir\b|\w+ment\sêtre)(\w+(?:er|ir|re|oir)\b.*)$")
_DEFINITION = re.compile(r"^(.+?)\s(?:est|désigne|signifie)\s(?:un|une|le fait|l'action|la capacité|le moment|celui|celle)\s.{15,}$")
_OPEN = re.compile(r"^(?:ils?|elles?|on|y|en|lui|leur)\b|^s'ils?\b", re.IGNORECASE)


def candidates(sentence: Sentence) -> Iterator[Candidate]:
    """Every question that a pattern makes of the sentence."""
    text = sentence.text.rstrip(" .;:")
    split = split_condition(text)
    if split:
        opening, condition, main = split
        yield from _scenario(opening, condition, main, sentence.place)
        return
    yield from _definition(text, sentence.place)


def split_condition(text: str) -> tuple[str, str, str] | None:
    """(conjunction, condition, main clause) of a sentence that opens with a condition that stands alone, else None."""
    match = _LEADING.match(text)
    if match is None:
        return None
    opening, rest = match.groups()
    for comma in _MAIN_START.finditer(rest):
        condition, main = rest[: comma.start()].strip(), rest[comma.end() :].strip()
        verbless = opening.startswith("En cas")
        if (verbless or (_VERB.search(condition) or len(condition.split()) >= 4)) and _VERB.search(main):
            if stands_alone(condition):
                return opening, condition, main
            return None
    return None


def stands_alone(text: str) -> bool:
    """Nothing in ``text`` points outside it."""
    return not (ANAPHORA.search(text) or _OPEN.match(text) or text.count("(") != text.count(")"))


def _joined(opening: str, condition: str) -> str:
    opening = lower_first(opening)
    return f"{opening}{condition}" if opening.endswith("'") else f"{opening} {condition}"


def _scenario(opening: str, condition: str, main: str, place: int) -> Iterator[Candidate]:
    joined = _joined(opening, condition)
    modal = _MODAL.match(main)
    subject: Phrase | None = phrase(modal.group(1)) if modal else None
    if subject and len(subject.text.split()) <= 6:
        persona = "arbitre" if "arbitre" in subject.text else "joueur"
        yield Candidate(
            ask(f"que {'doivent' if subject.plural else 'doit'} faire {subject.text} {joined}"),
            "procedural",
            persona,
            "duty",
            0.9,
            place,
        )
    yield Candidate(ask(f"que se passe-t-il {joined}"), "scenario", "arbitre", "scenario", 0.7, place)


def _definition(text: str, place: int) -> Iterator[Candidate]:
    match = _DEFINITION.match(text)
    if match is None:
        return
    subject = phrase(match.group(1))
    if subject and len(subject.text.split()) <= 6 and not re.search(r"\b(?:qui|que|dont|ne)\b", subject.text):
        yield Candidate(ask(elide(f"qu'est-ce que {subject.text}")), "definition", "joueur", "definition", 0.8, place)
