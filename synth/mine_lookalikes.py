"""Passages that must never be each other's negative: the same text twice, or nearly.

A rule book repeats itself: the same article in the regulations of five competitions, an annex that quotes the rules, chunks that
overlap. What answers a question there answers it here. Passages are compared by their runs of three words (Broder 1997) with one
sparse product, block by block; a run that very many passages share says nothing about a pair and is left out,
which keeps the work linear in the number of passages.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from triplette.french import fold, shingles, words
from triplette.records import Chunk, Question

COMMON = 200  # passages that share a run of words above which it is taken for boilerplate
BLOCK = 2048  # passages compared with all others at once


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
    matrix = _runs(chunks)
    if matrix is None:
        return
    sizes = np.diff(matrix.indptr)
    turned = matrix.T.tocsr()
    for start in range(0, len(chunks), BLOCK):
        shared = (matrix[start : start + BLOCK] @ turned).tocoo()
        one, other = shared.row + start, shared.col
        enough = (one < other) & (shared.data >= containment * np.minimum(sizes[one], sizes[other]))
        yield from zip(one[enough].tolist(), other[enough].tolist(), strict=True)


def _runs(chunks: Sequence[Chunk]) -> Any:
    """Chunks x runs of three words, 1 where the chunk has the run; None when no two chunks share one."""
    from scipy.sparse import csr_array

    sets = [shingles(chunk.text) for chunk in chunks]
    frequency = Counter(run for runs in sets for run in runs)
    number = {run: column for column, run in enumerate(run for run, count in frequency.items() if count <= COMMON)}
    if not number:
        return None
    columns = [sorted(number[run] for run in runs if run in number) for runs in sets]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in columns])])
    flat = np.fromiter((column for row in columns for column in row), dtype=np.int32, count=int(starts[-1]))
    return csr_array((np.ones(len(flat), dtype=np.int32), flat, starts), shape=(len(chunks), len(number)))


def other_positives(questions: Sequence[Question], positives: Sequence[int]) -> list[frozenset[int]]:
    """For each question the chunks over which the same question (case, accents and punctuation apart) was written too."""
    keys = [" ".join(fold(word) for word in words(question.text)) for question in questions]
    answers: dict[str, set[int]] = defaultdict(set)
    for key, positive in zip(keys, positives, strict=True):
        answers[key].add(positive)
    return [frozenset(answers[key] - {positive}) for key, positive in zip(keys, positives, strict=True)]
