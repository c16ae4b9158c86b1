"""TeX's fonts of symbols, whose glyphs have names that pdfium does not know: it gives the letter of the glyph's code instead."""

from __future__ import annotations

import string
from collections.abc import Mapping

_SIGNS_ONLY = dict.fromkeys(string.ascii_letters + "@", "")  # big brackets and arrows: better no letter than a wrong one
NOT = "\u0338"  # the stroke through the sign that follows it
# The letters that pdfium gives for glyphs of TeX's fonts of symbols whose names it does not know (Knuth's and the AMS's font tables)
TEX_SYMBOLS: Mapping[str, Mapping[str, str]] = {
    "CMSY": {"0": "′", "h": "⟨", "i": "⟩", "6": NOT, "7": ""},
    "CMEX": {**_SIGNS_ONLY, "P": "∑", "Q": "∏", "R": "∫", "S": "⋃", "T": "⋂", "X": "∑", "Y": "∏", "Z": "∫"},
    "CMMI": {"%": "ϱ", "`": "ℓ", "(": "↼", ")": "↽", "*": "⇀", "+": "⇁", "[": "♭", "\\": "♮", "]": "♯", "^": "⌣", "_": "⌢", "~": ""},
    "MSAM": {**_SIGNS_ONLY, "B": "▷", "C": "◁", "D": "⊵", "E": "⊴"},
    "MSBM": {"@": "∄"},
}
TEX_CONTROLS: Mapping[str, Mapping[int, str]] = {"CMMI": {0x0F: "ϵ"}, "CMMIB": {0x0F: "ϵ"}}  # the same where that code is no letter's
TEX_CODES = frozenset(code for codes in TEX_CONTROLS.values() for code in codes)
