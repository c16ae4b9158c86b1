"""Other words than the passage's, and other ways to ask, chosen by a hash of the content so that the same chunk asks the same.

A question that repeats its passage teaches a model to match words. Synonyms agree in gender and number with what they replace, so the
sentence around them still fits.
"""

from __future__ import annotations

from triplette.hashing import hash_text
from triplette.languages.fr.rules.grammar import elide
from triplette.languages.fr.rules.vocabulary import words_in_force

MOST = 2  # words changed in a question: more, and it no longer finds its passage


def pick(seed: str, options: int) -> int:
    """A number below ``options``, fixed by the seed text."""
    return int(hash_text(seed)[:8], 16) % options


def share(seed: str) -> float:
    """A number in 0..1, fixed by the seed text."""
    return int(hash_text(seed)[:8], 16) / 0xFFFFFFFF


def reworded(text: str, seed: str) -> str:
    """The question with up to MOST of its words replaced."""
    changed = 0
    for pattern, forms in words_in_force().synonyms:
        if changed < MOST and pattern.search(text) and share(f"{seed}{pattern.pattern}") < 0.6:
            text = pattern.sub(forms[pick(f"{seed}{pattern.pattern}", len(forms))], text, count=1)
            changed += 1
    return elide(text)
