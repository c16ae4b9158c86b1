"""A question from the heading, for prose that no sentence pattern reads: only where the heading says enough by itself."""

from __future__ import annotations

import re

from synth.rules.candidate import Candidate, make
from synth.rules.clauses import has_verb, stands_alone
from synth.rules.context import small
from synth.rules.grammar import at, gender_of, lower_first, of
from synth.rules.lexicon import GENERIC
from synth.rules.sentences import sentences_of, simplify
from synth.rules.wording import pick
from triplette.french import stem, tokens
from triplette.records import Chunk

_NUMBER = re.compile(r"^(?:(?:article|art\.|chapitre|annexe|partie|titre|section)\s+)?[\w.-]*\d[\w.)-]*\s*(?:er\b)?\s*[-–:.]*\s*", re.IGNORECASE)
VERBS_MIN = 2  # sentences with a verb that the passage must have
SHARED_MIN = 0.5  # of the heading's content words that the passage must use
CONTENT_MIN = 2


def heading_question(chunk: Chunk) -> list[Candidate]:
    """One question that the section under a specific heading answers, or none."""
    name = heading_of(chunk)
    if not name or sum(has_verb(s.text) for s in sentences_of(chunk)) < VERBS_MIN:
        return []
    content = {t for t in tokens(name) if t not in {stem(g) for g in GENERIC}}
    held = set(tokens(chunk.text))
    if len(content) < CONTENT_MIN or len(content & held) < SHARED_MIN * len(content):
        return []
    forms = (
        f"quelles sont les règles sur {name}",
        f"que dit le règlement {at('propos')} {of(name)}".replace("à propos", "au sujet"),
        f"que prévoit le règlement pour {name}",
    )
    return make(forms[pick(chunk.id, len(forms))], "factual", "heading", 0.3, 0)


def heading_of(chunk: Chunk) -> str:
    """The innermost heading as a noun phrase with its article, or "" when it is none that can be said."""
    last = _NUMBER.sub("", chunk.title.split(" > ")[-1]).strip()
    last = small(simplify(re.sub(r"\s*\([^)]*\)|\s*[:–].*$", "", last))).strip(" .:–-")
    head = re.match(r"[\w-]+", last)
    if head is None or not 2 <= len(last.split()) <= 9 or re.search(r"[\d/&;=…\"«]", last) or not stands_alone(last) or has_verb(last):
        return ""
    if re.match(r"(?:l'|les?\s|la\s)", last, re.IGNORECASE):
        return lower_first(last)
    gender = gender_of(head.group())
    if not gender or head.group().lower().endswith(("er", "ir")):
        return ""
    plural = head.group()[-1] in "sx" and head.group().lower() not in ("cas", "prix", "retards", "temps", "procès", "accès", "recours")
    article = "les " if plural else "le " if gender == "m" else "la "
    text = lower_first(last)
    return f"l'{text}" if not plural and text[0] in "aeéèêiouhy" and not text.startswith(("haut", "hors")) else article + text
