"""Passages that must never be each other's negative: the same text twice, or nearly.

A rule book repeats itself: the same article in the regulations of five competitions, an annex that quotes the rules, chunks that
overlap. What answers a question there answers it here. Passages are compared by their runs of three words (Broder 1997) with one
sparse product, block by block; a run that very many passages share says nothing about a pair and is left out,
which keeps the work linear in the number of passages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from triplette.arrays import Ints
from triplette.languages import language
from triplette.records import Chunk, Question

COMMON = 200  # passages that share a run of words above which it is taken for boilerplate
BLOCK = 2048  # passages compared with all others at once
RUN = 3  # words


def look_alikes(chunks: Sequence[Chunk], containment: float) -> list[frozenset[int]]:
    """For each chunk the numbers of its look-alikes: overlapping spans of one source, or shared runs of words.

    Two passages look alike when ``containment`` (0..1) of the shorter one's runs of three words are in the longer one. The relation is
    symmetric, and a chunk is not its own look-alike.
    """
    found: list[set[int]] = [set() for _ in chunks]
    for one, other in (*_overlapping(chunks), *_similar(chunks, containment)):
        found[one].add(other)
        found[other].add(one)
    return [frozenset(others) for others in found]


def _overlapping(chunks: Sequence[Chunk]) -> Iterator[tuple[int, int]]:
    """Pairs of one source whose character spans overlap."""
    sources: dict[str, list[int]] = defaultdict(list)
    for number, chunk in enumerate(chunks):
        sources[chunk.source].append(number)
    for numbers in sources.values():
        if sum(chunks[number].char_start == 0 for number in numbers) > 1:
            continue  # imported chunks: every one starts at 0, so the spans say nothing about the document
        numbers.sort(key=lambda number: (chunks[number].char_start, number))
        for place, number in enumerate(numbers):
            for later in numbers[place + 1 :]:
                if chunks[later].char_start >= chunks[number].char_end:
                    break
                yield number, later


def _similar(chunks: Sequence[Chunk], containment: float) -> Iterator[tuple[int, int]]:
    """Pairs that share enough runs of words."""
    matrix, sizes = _runs(chunks)
    if not matrix.nnz:
        return
    turned = matrix.T.tocsr()
    for start in range(0, len(chunks), BLOCK):
        shared = (matrix[start : start + BLOCK] @ turned).tocoo()
        one, other = shared.row + start, shared.col
        enough = (one < other) & (shared.data >= containment * np.minimum(sizes[one], sizes[other]))
        yield from zip(one[enough].tolist(), other[enough].tolist(), strict=True)


def _runs(chunks: Sequence[Chunk]) -> tuple[Any, Ints]:
    """Chunks x runs of words that more than one chunk has (1 where it has the run), and how many runs each chunk has, boilerplate apart.

    Words and runs are numbers and not texts: at 100,000 passages this takes a quarter of the time of sets of strings.
    """
    from scipy.sparse import csr_array

    numbers: dict[str, int] = defaultdict(lambda: len(numbers) + 1)  # 0: no word
    texts = [[numbers[word] for word in language(chunk.language).folded_words(chunk.text)] for chunk in chunks]
    padded = [[*text, *[0] * (RUN - len(text))] if text else text for text in texts]  # a shorter text is one run
    lengths = np.array([len(text) for text in padded], dtype=np.int64)
    flat = np.fromiter((word for text in padded for word in text), dtype=np.int64, count=int(lengths.sum()))
    run, row = flat, np.repeat(np.arange(len(chunks)), lengths)
    for step in range(1, RUN if len(flat) else 1):  # a run is the number of its first words and its last word
        run = np.unique(run[:-1] * (len(numbers) + 1) + flat[step:], return_inverse=True)[1]
    inside = row[: len(run)] == row[len(row) - len(run) :]  # begins and ends in one chunk
    many = int(run.max(initial=0)) + 1
    key = np.sort(row[: len(run)][inside] * many + run[inside])  # sorting beats numpy's own unique, which hashes
    row, run = np.divmod(key[np.diff(key, prepend=-1) > 0], many)
    shared_by = np.bincount(run, minlength=many)[run]
    telling, pairing = shared_by <= COMMON, (shared_by > 1) & (shared_by <= COMMON)
    ones = np.ones(int(pairing.sum()), dtype=np.int32)
    matrix = csr_array((ones, (row[pairing], run[pairing])), shape=(len(chunks), many))
    return matrix, np.bincount(row[telling], minlength=len(chunks))


def other_positives(questions: Sequence[Question], positives: Sequence[int], chunks: Sequence[Chunk]) -> list[frozenset[int]]:
    """For each question the chunks over which the same question (case, accents and punctuation apart) was written too."""
    keys = [
        " ".join(language(chunks[positive].language).folded_words(question.text))
        for question, positive in zip(questions, positives, strict=True)
    ]
    answers: dict[str, set[int]] = defaultdict(set)
    for key, positive in zip(keys, positives, strict=True):
        answers[key].add(positive)
    return [frozenset(answers[key] - {positive}) for key, positive in zip(keys, positives, strict=True)]
