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

from triplette.arrays import Int32s, Ints, UInts
from triplette.languages import language
from triplette.records import Chunk, Question

COMMON = 200  # passages that share a run of words above which it is taken for boilerplate
BLOCK = 2048  # passages compared with all others at once
RUN = 3  # words
PART = 4_000_000  # runs sorted at once: 0.3 GB
MIXER = 1_000_003  # a prime, so that the words of a run spread over the parts


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
    matrix, sizes = shared_runs(chunks)
    if not matrix.nnz:
        return
    turned = matrix.T.tocsr()
    for start in range(0, len(chunks), BLOCK):
        shared = (matrix[start : start + BLOCK] @ turned).tocoo()
        one, other = shared.row + start, shared.col
        enough = (one < other) & (shared.data >= containment * np.minimum(sizes[one], sizes[other]))
        yield from zip(one[enough].tolist(), other[enough].tolist(), strict=True)


def shared_runs(chunks: Sequence[Chunk], size: int = PART) -> tuple[Any, Ints]:
    """Chunks x runs of words that more than one chunk has (1 where it has the run), and how many runs each chunk has, boilerplate apart.

    Words and runs are numbers and not texts, and runs are compared ``size`` of them at a time: all runs of a million passages at once
    would be sorted in 18 GB.
    """
    from scipy.sparse import csr_array

    flat, ends, words = _numbered(chunks)
    parts = max(1, -(-len(flat) // size), -(-(words**RUN) // 2**62))  # many distinct words: enough parts for a run to be one int64
    part = _parted(flat, ends, parts)
    sizes, runs = np.zeros(len(chunks), dtype=np.int64), 0
    pairs: list[tuple[Int32s, Int32s]] = []
    for number in range(parts):
        at = np.flatnonzero(part == number)  # a pass over a byte a word for each part
        row, run = _distinct(flat, ends, at, words, parts)
        shared_by = np.bincount(run)[run]
        sizes += np.bincount(row[shared_by <= COMMON], minlength=len(chunks))
        pairing = (shared_by > 1) & (shared_by <= COMMON)
        found, named = np.unique(run[pairing], return_inverse=True)
        pairs.append((row[pairing].astype(np.int32), (named + runs).astype(np.int32)))
        runs += len(found)
    del flat, part
    rows, columns = (np.concatenate(both) for both in zip(*pairs, strict=True))
    del pairs
    return csr_array((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=(len(chunks), max(runs, 1))), sizes


def _numbered(chunks: Sequence[Chunk]) -> tuple[Int32s, Ints, int]:
    """All words of the chunks as numbers from 1, where each chunk's end, and one more than the largest. A text shorter than a run is filled up with 0."""
    numbers: dict[str, int] = defaultdict(lambda: len(numbers) + 1)
    ends = np.zeros(len(chunks), dtype=np.int64)

    def every() -> Iterator[int]:
        end = 0
        for place, chunk in enumerate(chunks):
            text = [numbers[word] for word in language(chunk.language).folded_words(chunk.text)]
            text += [0] * (RUN - len(text)) if text else []
            end += len(text)
            ends[place] = end
            yield from text

    return np.fromiter(every(), dtype=np.int32), ends, len(numbers) + 1


def _parted(flat: Int32s, ends: Ints, parts: int) -> UInts:
    """The part (0 to ``parts`` - 1) of the run that begins at each word; ``parts`` where none does, because its chunk ends before."""
    part = np.full(len(flat), parts, dtype=np.min_scalar_type(parts))
    for start in range(0, len(flat) - RUN + 1, PART):
        stop = min(start + PART, len(flat) - RUN + 1)
        mixed = np.zeros(stop - start, dtype=np.int64)
        for step in range(RUN):
            mixed = (mixed * MIXER + flat[start + step : stop + step]) % parts
        part[start:stop] = mixed
    for step in range(1, RUN):
        part[ends[ends > 0] - step] = parts
    return part


def _distinct(flat: Int32s, ends: Ints, at: Ints, words: int, parts: int) -> tuple[Ints, Ints]:
    """(chunk, run) of the runs that begin ``at`` these words, all of one part, each once; runs are numbered from 0.

    Within a part the last word's remainder follows from the words before it, so the number without it still tells runs apart.
    """
    key = np.zeros(len(at), dtype=np.int64)
    for step in range(RUN - 1):
        key = key * words + flat[at + step]
    key = key * (words // parts + 1) + flat[at + RUN - 1] // parts
    order = np.argsort(key, kind="stable")  # the chunks stay in their order within a run
    key, row = key[order], np.searchsorted(ends, at[order], side="right")
    new = np.diff(key, prepend=-1) != 0
    first = new | (np.diff(row, prepend=-1) != 0)
    return row[first], (np.cumsum(new) - 1)[first]


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
