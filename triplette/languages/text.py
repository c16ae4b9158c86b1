"""What is done to text in any language: typography made plain, accents folded, letters told from marks."""

from __future__ import annotations

import unicodedata

_PLAIN = {"œ": "oe", "Œ": "Oe", "æ": "ae", "Æ": "Ae", "’": "'", "‘": "'", "ʼ": "'", "‐": "-", "‑": "-", "\u00ad": ""}


def normalise(text: str) -> str:
    """NFKC, typographic apostrophes and hyphens made plain, soft hyphens removed, ligatures opened, spaces joined."""
    text = unicodedata.normalize("NFKC", text)
    if not text.isascii():
        for character, plainer in _PLAIN.items():  # faster than one translation: most texts have none or one of them
            if character in text:
                text = text.replace(character, plainer)
    return " ".join(text.split())


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


_FOLDED = _without_accents(bytes(range(256)).decode("latin-1")).encode("latin-1")  # a byte for each: Latin-1 has no combining mark


def fold(text: str) -> str:
    """``text`` without its accents: "échec" -> "echec"."""
    if text.isascii():
        return text
    try:  # as bytes at once, twenty times faster than letter by letter
        return text.encode("latin-1").translate(_FOLDED).decode("latin-1")
    except UnicodeEncodeError:
        return _without_accents(text)


def plain(text: str) -> str:
    """``text`` as the patterns want it: normalised, lower case, without accents."""
    return fold(normalise(text).lower())
