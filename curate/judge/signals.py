"""What can be told of a question without a model: deterministic signals about it, its passage and the corpus. They decide nothing.

``curate.rules`` makes the four criteria of them. Each signal is documented at its field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from triplette.curate.judge.domain import Domain, no_domain
from triplette.curate.judge.passages import Corpus, copied_run, focus, share
from triplette.curate.judge.patterns import (
    ANTECEDENT_WORDS,
    ASKS,
    DEFINES,
    POINTING,
    TURNED,
    found,
)
from triplette.french import french_probability, normalise, plain, stem, tokens, words
from triplette.records import Chunk, Triplet

_CAPITALS = re.compile(r"\b[A-ZÉÈÀ]{4,}\b")
ACRONYM_HOLDERS = 6  # passages: a word in capitals that fewer hold is a name of an example, not an institution's
NAMED = 0.85  # rarity of a word that says by itself what the question is about
GRID = 0.4  # of a passage's characters in rows of figures: a grid


@dataclass(frozen=True, slots=True)
class Signals:
    """Facts about a question and its passage.

    Round trip: ``bm25_rank`` and ``dense_rank`` of the positive over the whole corpus, from 1 (0: not ranked).
    ``overlap``: rarity-weighted share of the question's subject words that the passage holds, 0..1; ``focus``: that two
    sentences of it hold together. ``specificity``: rarity of its rarest word, 0..1 (1: in one passage at most).
    ``subject``: how many subject words; ``holders``: other passages that hold every subject word which the
    positive holds; ``titled``: the share in its headings;
    ``bare``: two subject words at most, none of them in the headings, so that the question leaves out what it is about.
    ``copied``: the longest copied run in words; ``copied_share``: its share of the question. ``turned``: a statement turned
    into a yes/no question. ``french``: probability, 0..1.
    ``length`` in words; ``asks``: ends in a question mark. ``leaning``, ``example``, ``about``: what was found, or "":
    pointing at the passage, at one worked example, at the document instead of its rule. ``cell``: asks for a cell, and
    ``grid`` is the share of the passage in rows of figures, ``prose`` of the subject words outside them. ``counts``: asks for a number; ``numbers``: the
    passage has one. ``states``: the passage states something; ``told``: its distinct words beyond the question's.
    """

    bm25_rank: int
    dense_rank: int
    overlap: float
    focus: float
    specificity: float
    subject: int
    holders: int
    titled: float
    bare: bool
    copied: int
    copied_share: float
    turned: bool
    french: float
    length: int
    asks: bool
    leaning: str
    example: str
    about: str
    cell: str
    grid: float
    prose: float
    counts: bool
    numbers: bool
    states: bool
    told: int


def read_signals(triplet: Triplet, chunk: Chunk, corpus: Corpus) -> Signals:
    """The signals of one triplet's question and positive."""
    question = normalise(triplet.question)
    text = plain(question)
    passage = corpus.passages[chunk.id]
    asked = corpus.subject_words(question)
    domain = corpus.domain
    weights = corpus.weights(asked)
    shared = asked & passage.held
    length = len(words(question))
    copied = copied_run(question, passage)
    return Signals(
        bm25_rank=triplet.positive_bm25_rank,
        dense_rank=triplet.positive_dense_rank,
        overlap=share(weights, passage.held),
        focus=focus(weights, passage),
        specificity=max((corpus.rarity(token) for token in asked), default=0.0),
        subject=len(asked),
        holders=len(corpus.holders(shared)) - 1 if shared else corpus.size - 1,
        titled=share(weights, passage.title),
        bare=len(asked) <= 2
        and bool(passage.title)
        and not asked & passage.title
        and not found(DEFINES, text)
        and max(weights.values(), default=0.0) < NAMED,
        copied=copied,
        copied_share=copied / length if length else 1.0,
        turned=bool(TURNED.search(text)) and not found(ASKS, text),
        french=french_probability(question),
        length=length,
        asks=question.endswith("?"),
        leaning=found(domain.leaning, text) or points(text, domain),
        example=found(domain.example, text) or names(question, chunk, corpus),
        about=found(domain.about, text),
        cell=found(domain.cell, text),
        grid=passage.grid,
        prose=share(weights, passage.prose),
        counts=bool(domain.how_many.search(text)),
        numbers=passage.numbers,
        states=passage.states,
        told=passage.body - len(asked & passage.held - passage.title),
    )


def points(text: str, domain: Domain | None = None) -> str:
    """A demonstrative that points out of the question: its noun was not named before it, and little else was said."""
    events = (domain or no_domain()).events
    for match in POINTING.finditer(text):
        before = text[: match.start()]
        noun = stem(match.group(1))
        named = noun in {stem(word) for word in words(before)}
        if not named and (len(words(before)) < ANTECEDENT_WORDS or match.group(1) in events):
            return match.group().strip()
    return ""


def names(question: str, chunk: Chunk, corpus: Corpus) -> str:
    """A word in capitals that few passages hold: the name of somebody in a worked example.

    An institution's is in many passages, and an acronym that the passage brings in stands in brackets there.
    """
    for name in _CAPITALS.findall(question):
        known = tokens(name)
        if (
            known
            and f"({name}" not in chunk.text
            and len(corpus.holders(known[:1])) < ACRONYM_HOLDERS
            and corpus.size > 10 * ACRONYM_HOLDERS
        ):
            return str(name)
    return ""
