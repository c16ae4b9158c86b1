"""Is the cited evidence in the passage?

A citation counts when it is found verbatim after normalising what typography alone changes: Unicode form (NFKC), case, white space, the
shapes of apostrophes, hyphens and dashes, quotation marks, spaces before French punctuation, Markdown's emphasis, and punctuation around the
citation. Words, their order, accents and numbers must agree.
"""

from __future__ import annotations

import re
import unicodedata

MIN_WORDS = 4  # of a citation: "le joueur" is found everywhere and proves nothing
_SAME = str.maketrans({**dict.fromkeys("’‘ʼ`´′", "'"), **dict.fromkeys("‐‑‒–—―−", "-"), "œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae"})
_DROPPED = frozenset('\u00ad\u200b\u2060\ufeff*_«»“”„″"')
_AROUND = " \t\n.,;:!?…\"'()[]-"


def find_evidence(citation: str, passage: str) -> str:
    """The span of ``passage`` that ``citation`` quotes, as the passage writes it; "" when it is not there or too short to prove anything."""
    wanted, _ = _normal(citation)
    wanted = wanted.strip(_AROUND)
    told, places = _normal(passage)
    if len(wanted.split()) < min(MIN_WORDS, len(told.split())) or not wanted:
        return ""
    for match in re.finditer(re.escape(wanted), told):
        before, after = told[match.start() - 1 : match.start()], told[match.end() : match.end() + 1]
        if not (before.isalnum() or after.isalnum()):  # whole words: "2 minutes" is not in "12 minutes"
            text = unicodedata.normalize("NFC", passage)
            return text[places[match.start()] : places[match.end() - 1] + 1]
    return ""


def _normal(text: str) -> tuple[str, list[int]]:
    """The normalised text, and for each of its characters the place in the NFC text that it comes from."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(unicodedata.normalize("NFC", text)):
        if character in _DROPPED:
            continue
        for part in unicodedata.normalize("NFKC", character).translate(_SAME).lower():
            letter = " " if part.isspace() else part
            if letter == " " and (not letters or letters[-1] == " "):
                continue
            if letter in ";:!?" and letters and letters[-1] == " ":
                letters.pop()
                places.pop()
            letters.append(letter)
            places.append(place)
    return "".join(letters), places
