"""What can be told of a question without a model: deterministic signals about it, its passage and the corpus. They decide nothing.

``curate.rules`` makes the four criteria of them. Each signal is documented at its field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from triplette.curate.judge.passages import Corpus, copied_run, focus, share
from triplette.languages import Language, language
from triplette.languages.identify import share as language_share
from triplette.languages.patterns import found
from triplette.languages.text import normalise, plain
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
    into a yes/no question. ``spoken``: how much the question is in its passage's language, 0..1.
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
    spoken: float
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
    spoken = language(chunk.language)
    patterns = corpus.domain.patterns(chunk.language)
    text = plain(question)
    passage = corpus.read.of(chunk)
    asked = corpus.subject_words(question, chunk.language)
    weights = corpus.weights(asked)
    shared = asked & passage.held
    length = len(spoken.words(question))
    copied = copied_run(question, passage, spoken)
    return Signals(
        bm25_rank=triplet.positive_bm25_rank,
        dense_rank=triplet.positive_dense_rank,
        overlap=share(weights, passage.held),
        focus=focus(weights, passage),
        specificity=max((corpus.rarity(token) for token in asked), default=0.0),
        subject=len(asked),
        holders=corpus.holding(shared) - 1 if shared else corpus.size - 1,
        titled=share(weights, passage.title),
        bare=len(asked) <= 2
        and bool(passage.title)
        and not asked & passage.title
        and not found(patterns.defines, text)
        and max(weights.values(), default=0.0) < NAMED,
        copied=copied,
        copied_share=copied / length if length else 1.0,
        turned=bool(patterns.turned.search(text)) and not found(patterns.asks, text),
        spoken=language_share(question, chunk.language),
        length=length,
        asks=question.endswith("?"),
        leaning=spoken.points_outside(text, patterns),
        example=found(patterns.example, text) or names(question, chunk, corpus, spoken),
        about=found(patterns.about, text),
        cell=found(patterns.cell, text),
        grid=passage.grid,
        prose=share(weights, passage.prose),
        counts=bool(patterns.how_many.search(text)),
        numbers=passage.numbers,
        states=passage.states,
        told=passage.body - len(asked & passage.held - passage.title),
    )


def names(question: str, chunk: Chunk, corpus: Corpus, spoken: Language) -> str:
    """A word in capitals that few passages hold: the name of somebody in a worked example.

    An institution's is in many passages, and an acronym that the passage brings in stands in brackets there.
    """
    for name in _CAPITALS.findall(question):
        known = spoken.tokens(name)
        if (
            known
            and f"({name}" not in chunk.text
            and corpus.holding(known[:1]) < ACRONYM_HOLDERS
            and corpus.size > 10 * ACRONYM_HOLDERS
        ):
            return str(name)
    return ""
