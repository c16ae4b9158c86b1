"""What patterns of a language must tell: the names of the fields, and what each finds.

Patterns read folded text (lower case, no accents, plain apostrophes: ``text.plain``), so that one spelling serves for all. A language without
them is judged by what needs no words: length, copied runs, ranks, rarity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True)
class Patterns:
    """How questions and passages give themselves away.

    ``leaning``: the question points outside itself, at its passage or document. ``pointing``: a demonstrative and its noun (group
    1), which points out of the question unless the noun was named before it; ``events``: the nouns that must be named however
    late they come. ``example``: about one worked example. ``cell``: asks for a cell of a grid. ``about``: asks about the document
    and not its rule. ``how_many``: asks for a number; ``what_is``: how a question begins that asks for a counted noun, which
    follows; ``number``: a passage has one. ``states``: a finite verb; ``pointer``: the passage only refers elsewhere. ``turned``:
    a yes/no question; ``asks``: it asks something of its own all the same. ``defines``: asks what a term means. ``asking_words``:
    words that a question has for asking and not for its subject. ``orders``: text that gives orders to its judge.
    """

    leaning: re.Pattern[str] = NOTHING
    pointing: re.Pattern[str] = NOTHING
    events: frozenset[str] = frozenset()
    example: re.Pattern[str] = NOTHING
    cell: re.Pattern[str] = NOTHING
    about: re.Pattern[str] = NOTHING
    how_many: re.Pattern[str] = NOTHING
    what_is: str = ""
    number: re.Pattern[str] = re.compile(r"\d|½")
    states: re.Pattern[str] = re.compile(r"")
    pointer: re.Pattern[str] = NOTHING
    turned: re.Pattern[str] = NOTHING
    asks: re.Pattern[str] = NOTHING
    defines: re.Pattern[str] = NOTHING
    asking_words: str = ""
    orders: re.Pattern[str] = NOTHING


@dataclass(frozen=True)
class Asking:
    """What two questions must agree in to ask the same.

    ``forms``: what is asked for, (name, pattern over plain text), first match first; a ``which`` form has a group ``noun``. ``alternatives``: words
    of which one on one side only makes another question. ``numbers``: folded number words and their values. ``negations``: pattern.
    ``question_words``: stop words that tell two questions apart, kept where they are compared. ``light``: words that say nothing of a subject.
    """

    forms: tuple[tuple[str, re.Pattern[str]], ...] = ()
    alternatives: frozenset[str] = frozenset()
    numbers: tuple[tuple[str, int], ...] = ()
    negations: re.Pattern[str] = NOTHING
    question_words: frozenset[str] = frozenset()
    light: frozenset[str] = frozenset()


def found(pattern: re.Pattern[str], text: str) -> str:
    """What a pattern finds in a plain text, or ""."""
    match = pattern.search(text)
    return match.group().strip() if match else ""
