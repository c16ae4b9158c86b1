"""Is a question French? Function words decide, and langid only where they do not.

langid takes 20 microseconds a question and is unsure about the short ones; function words cost next to nothing once the text is split.

The share is 1.0 where a question has more French function words than those of its neighbours together; else it is
langid's probability. Fully vectorised but for the few undecided ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from triplette.french import STOP_WORDS, french_probability
from triplette.similar import split_words

_ENGLISH = (
    "the of is are was were what how when which who whom does do did can could must should to in for by with and at from where why if"
)
_GERMAN = "der die das ist sind wie wann welche wer kann muss soll und mit von zu im bei ein eine nicht wenn"
_SPANISH = "el los las es son cuál cuándo qué quién cómo puede debe y con del al una uno por para cuántos"
_ITALIAN = "il lo gli è sono quale quando chi come può deve con del della di che una uno per quanti"
OTHER_WORDS = frozenset(f"{_ENGLISH} {_GERMAN} {_SPANISH} {_ITALIAN}".split())
# short words that French shares with a neighbour say nothing either way
FRENCH_WORDS = frozenset(word for word in STOP_WORDS | frozenset(["d", "qu"]) if len(word) > 1 or word in "dlj") - OTHER_WORDS
_NEUTRAL = STOP_WORDS & OTHER_WORDS


def french_share(texts: Any, pieces: tuple[Any, Any, list[str]] | None = None) -> Any:
    """float64 (n,): how French each text is, 0..1. ``texts`` is a sequence or an Arrow array of strings.

    ``pieces`` is what ``split_words`` said of the texts, for who has it already.
    """
    row, code, vocabulary = pieces or split_words(texts)
    count = len(texts)
    bare = [word.strip(".,:/") for word in vocabulary]
    french = np.array([word in FRENCH_WORDS for word in bare] or [False])
    other = np.array([word in OTHER_WORDS and word not in _NEUTRAL for word in bare] or [False])
    ours = np.bincount(row, french[code], minlength=count) if len(code) else np.zeros(count)
    theirs = np.bincount(row, other[code], minlength=count) if len(code) else np.zeros(count)
    share = np.where(ours > theirs, 1.0, 0.0)
    for undecided in np.flatnonzero(ours <= theirs):
        text = texts[int(undecided)]
        plain = text.as_py() if hasattr(text, "as_py") else text
        share[undecided] = french_probability(plain or "")
    return share
