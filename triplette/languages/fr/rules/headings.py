"""A question from the heading, for prose that no sentence pattern reads: only where the heading says enough by itself."""

from __future__ import annotations

import re

from triplette.languages.fr import stem, tokens
from triplette.languages.fr.rules.candidate import Candidate, make
from triplette.languages.fr.rules.clauses import has_verb, stands_alone
from triplette.languages.fr.rules.context import accented, small
from triplette.languages.fr.rules.grammar import Phrase, gender_of, lower_first, of, phrase
from triplette.languages.fr.rules.lexicon import H_ASPIRATED, VAGUE
from triplette.languages.fr.rules.sentences import sentences_of, simplify
from triplette.languages.fr.rules.vocabulary import words_in_force
from triplette.languages.fr.rules.wording import pick
from triplette.languages.text import fold
from triplette.records import Chunk

_NUMBER = re.compile(
    r"^(?:(?:titre|chapitre|section|livre|annexe)\s+[IVX]+(?:er)?\b\s*[-–:.]*\s*"
    r"|(?:(?:article|art\.|chapitre|annexe|partie|titre|section)\s+)?[\w.-]*\d[\w.)-]*\s*(?:er\b)?\s*[-–:.]*\s*)",
    re.IGNORECASE,
)
_EMPTY = (
    "général générale commun préambule introduction organisation annexe divers spécifique particulier courant principal livre".split()
)
_EMPTY_STEMS = frozenset(stem(word) for word in (*VAGUE, *_EMPTY))
_NO_SUBJECT = frozenset(
    fold(word) for word in (*VAGUE, *_EMPTY, *"fonction fonctionnement composition rôle missions attributions durée".split())
)
VERBS_MIN = 2  # sentences with a verb that the passage must have
_ASKING = frozenset("comment quand pourquoi qui que quoi ce cette qu quel quelle où".split())
_NO_HEAD = frozenset(
    "avant après pendant durant lors selon sans sous sur dans chez entre vers depuis hors".split()
)  # "Pendant la partie"
SHARED_MIN = 0.8  # of the heading's content words that the passage must use
CONTENT_MIN = 2


def heading_question(chunk: Chunk) -> list[Candidate]:
    """One question that the section under a specific heading answers, or none."""
    name = heading_of(chunk.title.split(" > ")[-1])
    if not name or sum(has_verb(s.text) for s in sentences_of(chunk)) < VERBS_MIN:
        return []
    content = {t for t in tokens(name) if t not in words_in_force().generic_stems}
    held = set(tokens(chunk.text))
    if len(content) < CONTENT_MIN or len(content & held) < SHARED_MIN * len(content):
        return []
    if name.startswith("les règles "):
        return make(f"quelles sont {name}", "factual", "heading", 0.3, 0)
    collection = words_in_force().profile.collection
    named = (f"que dit {collection} au sujet {of(name)}", f"que prévoit {collection} pour {name}")
    forms = (f"quelles sont les règles sur {name}", *(named if collection else ()))
    return make(forms[pick(chunk.id, len(forms))], "factual", "heading", 0.3, 0)


# the first word of a heading has a capital, and often lacks its accent; abbreviations and names of two words stay
_ARTICLED = re.compile(r"^(à propos (?:du|des|de la|de l'|de)\s?)(\w[a-zà-ÿ]+)")


# "Mise en place et démarrage": the second noun takes its article too
_BARE_SECOND = re.compile(r"\set\s(?!(?:l'|les?\s|la\s|d[eu]s?\s|d'))([^\W\d_]{3,})")


def _with_article(match: re.Match[str]) -> str:
    noun = match.group(1)
    if noun.lower() in ("leur", "leurs", "son", "ses"):
        return f" et de {noun}"
    noun = noun if noun.isupper() else accented(noun.lower())
    gender = gender_of(noun)
    if not gender:
        return match.group()
    plural = noun[-1] in "sx"
    vowel = noun[0].lower() in "aâeéèêiîoôuh" and not noun.lower().startswith(H_ASPIRATED)
    article = "les " if plural else "l'" if vowel else "le " if gender == "m" else "la "
    return f" et {of(article + noun)}"


def topic_of(chunk: Chunk) -> str:
    """What the passage is about, as an opening of a question ("à propos du roque"), or ""."""
    for part in reversed(chunk.title.split(" > ")):
        name = heading_of(part)
        if name and _telling(name):
            governed = re.search(r"\b(?:pour|entre|avec|sur|contre)\s", name)  # "pour les femmes et les hommes" is not "et des hommes"
            second = name if governed else _BARE_SECOND.sub(_with_article, name)
            joined = second if governed else re.sub(r"\set\s(l'|la\s|les?\s)", lambda m: f" et {of(m.group(1))}", second)
            return _ARTICLED.sub(lambda m: m.group(1) + accented(m.group(2).lower()), f"à propos {of(joined)}")
    return ""


def subject_of(chunk: Chunk) -> Phrase | None:
    """What a pronoun that opens the passage means: the heading ("La commission médicale" ... "Elle a pour mission ..."), or the one above it."""
    for part in reversed(chunk.title.split(" > ")[-2:]):
        named = phrase(heading_of(part))
        if named is not None and len(named.text.split()) <= 6 and fold(named.head.lower()) not in _NO_SUBJECT:
            return named
    return None


def _telling(name: str) -> bool:
    return any(token not in _EMPTY_STEMS and token not in words_in_force().generic_stems for token in tokens(name))


def heading_of(title: str) -> str:
    """A heading as a noun phrase with its article, or "" when it is none that can be said."""
    last = _NUMBER.sub("", title).strip()
    last = small(simplify(re.sub(r"\s*\([^)]*\)|\s*[:–].*$", "", last))).strip(" .:–-")
    head = re.match(r"[\w-]+", last)
    if (
        head is None
        or head.group().lower() in _ASKING | _NO_HEAD
        or not 1 <= len(last.split()) <= 9
        or re.search(r"[\d/&;=…\"«,]|\s-\s", last)
        or not stands_alone(last)
        or has_verb(last)
    ):
        return ""
    if re.match(r"(?:l'|les?\s|la\s)", last, re.IGNORECASE):
        return last[:1].lower() + re.sub(r"^[ESA]+(?=\s)", lambda m: m.group().lower(), last[1:])
    gender = gender_of(head.group())
    if not gender or head.group().lower().endswith(("er", "ir")):
        return ""
    plural = head.group()[-1] in "sx" and head.group().lower() not in ("cas", "prix", "retards", "temps", "procès", "accès", "recours")
    article = "les " if plural else "le " if gender == "m" else "la "
    text = lower_first(last)
    return f"l'{text}" if not plural and text[0] in "aeéèêiouhy" and not text.startswith(H_ASPIRATED) else article + text
