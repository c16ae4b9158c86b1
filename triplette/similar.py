"""Which questions nearly repeat each other: a set-similarity join over their words, without comparing every pair.

Two questions are near-duplicates when the Jaccard similarity of their word sets (stems of its language, accents folded, function words
dropped, question words kept) reaches a threshold. Candidates come from prefix and position filtering (Chaudhuri, Ganti, Kaushik 2006;
Xiao et al. 2008, PPJoin): with the words of a set sorted rarest first, similar sets share one of their first few. For sets as
short as questions this is exact where MinHash-LSH misses some, and as fast. The trade-off: where more than ``WINDOW`` questions
share one prefix word, each is compared with its nearest ``WINDOW`` in the order of their words only, so the work stays linear.

Everything is array work: 100,000 questions take about a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from triplette.arrays import Flags, Floats, Ints
from triplette.languages import Language, language
from triplette.languages.text import fold, normalise

WINDOW = 256
MOST_LOOKUPS = 100_000_000  # entries that a join across labels may look at before it falls back on the window
_AT_ONCE = 4_000_000  # of them at a time: bounds memory
_SEPARATORS = r"[^\p{L}\p{N}.,:/]+"
_VERIFY_AT_ONCE = 200_000  # pairs: bounds the memory of one verification

Pieces = tuple[Ints, Ints, list[str]]  # what split_words says of texts
Pairs = tuple[Ints, Ints, Floats]  # left row, right row, Jaccard similarity 0..1


@dataclass(frozen=True, slots=True)
class WordSets:
    """Word sets of n texts: ``indices[indptr[i]:indptr[i + 1]]`` are text i's words, rarest first, as positions in ``words``."""

    indptr: Ints
    indices: Ints
    words: tuple[str, ...]

    @property
    def sizes(self) -> Ints:
        """int64 (n,): distinct words of each text, at least 1."""
        return np.diff(self.indptr)

    def set_of(self, row: int) -> frozenset[str]:
        """One text's words."""
        return frozenset(self.words[i] for i in self.indices[self.indptr[row] : self.indptr[row + 1]])


def question_keys(texts: Sequence[str] | Any) -> Any:
    """Arrow array of strings (n,): texts without case, accents, ligatures and punctuation. Two questions are one where theirs are equal.

    This is the one key of "the same question": the duplicate finder merges by it and the expectations count by it.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    array = texts if isinstance(texts, pa.Array | pa.ChunkedArray) else pa.array(texts, pa.string())
    bare = pc.replace_substring_regex(pc.utf8_normalize(pc.utf8_lower(array), form="NFKD"), pattern=r"\p{Mn}", replacement="")
    for ligature, letters in (("œ", "oe"), ("æ", "ae")):  # no decomposition of Unicode's takes these apart
        bare = pc.replace_substring(bare, pattern=ligature, replacement=letters)
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(bare, pattern=r"[^\p{L}\p{N}]+", replacement=" "))


def split_words(texts: Sequence[str] | Any) -> Pieces:
    """(row int64 (t,), code int64 (t,), vocabulary): every word of every text, lower case, in order; elisions are cut."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = texts if isinstance(texts, pa.Array | pa.ChunkedArray) else pa.array(texts, pa.string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    lowered = pc.utf8_lower(pc.utf8_normalize(pc.fill_null(array, ""), form="NFKC"))
    pieces = pc.split_pattern_regex(lowered, pattern=_SEPARATORS)
    encoded = pieces.flatten().dictionary_encode()
    lengths = pc.list_value_length(pieces).to_numpy(zero_copy_only=False).astype(np.int64)
    row = np.repeat(np.arange(len(array), dtype=np.int64), lengths)
    return row, encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def word_sets(texts: Sequence[str] | Any, codes: Sequence[str], pieces: Pieces | None = None) -> WordSets:
    """The word sets of texts, each in the language of its code. A text without a content word gets one word of its own: itself.

    ``pieces`` is what ``split_words`` said of the texts, for who has it already.
    """
    count = len(texts)
    row, code, vocabulary = pieces or split_words(texts)
    known: dict[str, int] = {}
    spoken, number = np.unique(np.asarray(codes, dtype=str), return_inverse=True)
    speech, word = number[row], code
    code = np.empty_like(word)
    for index, name in enumerate(spoken.tolist()):
        mine = speech == index
        used = range(len(vocabulary)) if len(spoken) == 1 else _distinct(word[mine]).tolist()
        mapped = np.full(len(vocabulary), -1, dtype=np.int64)
        for place in used:
            mapped[place] = _canonical(vocabulary[place], language(name), known)
        code[mine] = mapped[word[mine]]
    row, code = row[code >= 0], code[code >= 0]
    for bare in np.setdiff1d(np.arange(count), row):
        text = texts[int(bare)]
        whole = f"={normalise(str(getattr(text, 'as_py', lambda value=text: value)()))}"
        row = np.append(row, bare)
        code = np.append(code, known.setdefault(whole, len(known)))
    names = np.array(list(known) or [""])
    pairs = _distinct(row * len(names) + code)
    frequency = np.bincount(pairs % len(names), minlength=len(names))
    # rarest first; ties by spelling, so that the order depends on the texts alone
    order = np.lexsort((names, frequency))
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    pairs = np.sort(pairs - pairs % len(names) + rank[pairs % len(names)])
    indptr = np.searchsorted(pairs, np.arange(count + 1) * len(names))
    return WordSets(indptr, pairs % len(names), tuple(names[order].tolist()))


def near_duplicates(sets: WordSets, threshold: float) -> Pairs:
    """Pairs (left, right, similarity) with left < right and Jaccard >= threshold, in order.

    Equal sets are linked as a chain (each with the next), which is enough for components and keeps the output linear.
    """
    group, first = _grouped(sets, np.zeros(len(sets.indptr) - 1, dtype=np.int64))
    order = np.argsort(group, kind="stable")
    same = group[order][1:] == group[order][:-1]
    a, b = _candidates(sets, first, threshold)
    return _in_order(sets, threshold, a, b, (order[:-1][same], order[1:][same]))


def every_near_duplicate(sets: WordSets, threshold: float) -> Pairs:
    """The same with equal sets paired one by one, for who looks at each pair again: a chain would break at the first that is refused.

    Where more than ``WINDOW`` rows share a prefix word, each is compared with the nearest ``WINDOW``, so the output stays linear.
    """
    a, b = _candidates(sets, np.arange(len(sets.indptr) - 1), threshold)
    return _in_order(sets, threshold, a, b, (a[:0], a[:0]))


def near_duplicates_across(sets: WordSets, threshold: float, labels: Ints | Flags) -> Pairs:
    """The same, of rows with different labels only (``labels``: an int or bool for every row).

    Where several rows of one label have the same words, each is paired with the first such row of the other label: every row that has
    a near-duplicate elsewhere is named, but not with all of them.
    """
    sides = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    group, first = _grouped(sets, sides)
    a, b = _candidates_across(sets, first, threshold, sides)
    close = _jaccard(sets, a, b) >= threshold - 1e-12
    a, b = a[close], b[close]
    members = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[members], np.arange(len(first) + 1))
    larger = np.flatnonzero(np.diff(bounds) > 1)
    extra: list[tuple[Ints, Ints]] = []
    for one, other in ((a, b), (b, a)):
        for at in np.flatnonzero(np.isin(group[one], larger)):
            rest = members[bounds[group[one[at]]] + 1 : bounds[group[one[at]] + 1]]
            extra.append((rest, np.full(len(rest), other[at])))
    linked = [np.concatenate([a, *(pair[0] for pair in extra)]), np.concatenate([b, *(pair[1] for pair in extra)])]
    return _in_order(sets, threshold, linked[0], linked[1], (a[:0], a[:0]))


def _in_order(sets: WordSets, threshold: float, a: Ints, b: Ints, equal: tuple[Ints, Ints]) -> Pairs:
    """Those of the pairs that are close, and those that are equal, sorted."""
    scores = _jaccard(sets, a, b)
    close = scores >= threshold - 1e-12
    one, other = np.concatenate([equal[0], a[close]]), np.concatenate([equal[1], b[close]])
    scores = np.concatenate([np.ones(len(equal[0])), scores[close]])
    left, right = np.minimum(one, other), np.maximum(one, other)
    order = np.lexsort((right, left))
    return left[order], right[order], scores[order]


def jaccard_of(sets: WordSets, left: Ints | Sequence[int], right: Ints | Sequence[int]) -> Floats:
    """Jaccard similarity of given pairs of rows, float64."""
    return _jaccard(sets, np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64))


def _canonical(word: str, spoken: Language, known: dict[str, int]) -> int:
    bare = word.strip(".,:/")
    asking = spoken.asking is not None and bare in spoken.asking.question_words
    if not bare or (bare in spoken.stop_words and not asking) or (len(bare) == 1 and bare.isalpha() and bare not in "abcdefgh"):
        return -1
    return known.setdefault(fold(bare) if asking else spoken.stem(bare), len(known))


def _grouped(sets: WordSets, labels: Ints) -> tuple[Ints, Ints]:
    """(group of each row, first row of each group): rows with the same words and label are one group."""
    count = len(sets.indptr) - 1
    seen: dict[tuple[bytes, int], int] = {}
    group = np.empty(count, dtype=np.int64)
    first: list[int] = []
    raw, width = np.ascontiguousarray(sets.indices).tobytes(), sets.indices.itemsize
    bounds = (sets.indptr * width).tolist()
    for row, label in enumerate(labels.tolist()):
        number = seen.setdefault((raw[bounds[row] : bounds[row + 1]], label), len(seen))
        if number == len(first):
            first.append(row)
        group[row] = number
    return group, np.array(first, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Prefixes:
    """The prefix words of rows, sorted by word: arrays of equal length. ``owner`` counts in the rows that were asked for."""

    token: Ints
    owner: Ints
    position: Ints
    size: Ints

    def fits(self, x: Ints, y: Ints, threshold: float) -> Flags:
        """Which pairs of entries leave the threshold possible, by their sizes and the places of their common word."""
        size_x, size_y = self.size[x], self.size[y]
        at_x, at_y = self.position[x], self.position[y]
        asked = np.ceil(threshold / (1 + threshold) * (size_x + size_y) - 1e-9)
        # at most all words before the common one, itself, and all after it
        allowed = np.minimum(at_x, at_y) + np.minimum(size_x - at_x, size_y - at_y)
        return (np.minimum(size_x, size_y) >= threshold * np.maximum(size_x, size_y) - 1e-9) & (allowed >= asked)


def _prefixes(sets: WordSets, rows: Ints, threshold: float) -> _Prefixes:
    """Each row's rarest words: as many as a near-duplicate must share one of."""
    sizes = sets.sizes[rows]
    needed = np.maximum(np.ceil(threshold * sizes - 1e-9).astype(np.int64), 1)
    prefix = sizes - needed + 1
    owner = np.repeat(np.arange(len(rows)), prefix)
    position = np.arange(len(owner)) - np.repeat(np.cumsum(prefix) - prefix, prefix)
    at = sets.indptr[rows][owner] + position
    following = sets.indices[np.minimum(at + 1, len(sets.indices) - 1)]
    order = np.lexsort((owner, following, position, sets.indices[at]))
    owner = owner[order]
    return _Prefixes(sets.indices[at][order], owner, position[order], sizes[owner])


def _candidates(sets: WordSets, rows: Ints, threshold: float) -> tuple[Ints, Ints]:
    """Pairs of ``rows`` that share a prefix word, at most WINDOW apart in the order of their words."""
    entries = _prefixes(sets, rows, threshold)
    found: list[Ints] = []
    for distance in range(1, WINDOW + 1):
        x = np.flatnonzero(entries.token[distance:] == entries.token[:-distance])
        if not len(x):
            break
        fits = entries.fits(x, x + distance, threshold)
        found.append(_codes(entries.owner[x[fits]], entries.owner[x[fits] + distance], len(rows)))
    return _decoded(found, rows)


def _candidates_across(sets: WordSets, rows: Ints, threshold: float, labels: Ints) -> tuple[Ints, Ints]:
    """Pairs of ``rows`` with different labels that share a prefix word.

    The rows of the most frequent label are only looked up, never compared among themselves.
    """
    if not len(rows) or (labels[rows] == labels[rows][0]).all():
        return rows[:0], rows[:0]
    entries = _prefixes(sets, rows, threshold)
    label = labels[rows][entries.owner]
    common = np.bincount(label).argmax()
    asking = np.flatnonzero(label != common)
    start = np.searchsorted(entries.token, entries.token[asking])
    number = np.searchsorted(entries.token, entries.token[asking], side="right") - start
    if number.sum() > MOST_LOOKUPS:  # one pattern with thousands of rows on both sides: stay linear
        a, b = _candidates(sets, rows, threshold)
        across = labels[a] != labels[b]
        return a[across], b[across]
    found = []
    block = np.searchsorted(np.cumsum(number), np.arange(_AT_ONCE, number.sum() + _AT_ONCE, _AT_ONCE), side="right")
    for low, high in zip([0, *block[:-1].tolist()], block.tolist(), strict=True):
        counts = number[low:high]
        x = np.repeat(asking[low:high], counts)
        y = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(start[low:high], counts)
        differ = label[x] != label[y]
        x, y = x[differ], y[differ]
        fits = entries.fits(x, y, threshold)
        found.append(_codes(entries.owner[x[fits]], entries.owner[y[fits]], len(rows)))
    return _decoded(found, rows)


def _codes(a: Ints, b: Ints, count: int) -> Ints:
    """Each pair once, as one number."""
    return _distinct(np.minimum(a, b) * count + np.maximum(a, b))


def _distinct(codes: Ints) -> Ints:
    """Sorted distinct numbers. numpy.unique hashes integers first, which took ten times as long on these."""
    codes = np.sort(codes)
    return codes[np.append(codes[:1] == codes[:1], codes[1:] != codes[:-1])]


def _decoded(found: list[Ints], rows: Ints) -> tuple[Ints, Ints]:
    codes = _distinct(np.concatenate([np.empty(0, dtype=np.int64), *found]))
    count = max(len(rows), 1)
    codes = codes[codes // count != codes % count]
    return rows[codes // count], rows[codes % count]


def _jaccard(sets: WordSets, a: Ints, b: Ints) -> Floats:
    from scipy.sparse import csr_matrix

    count = len(sets.indptr) - 1
    ones = np.ones(len(sets.indices), dtype=np.float32)
    matrix = csr_matrix((ones, sets.indices, sets.indptr), shape=(count, max(len(sets.words), 1)))
    sizes = sets.sizes
    scores = np.empty(len(a))
    for start in range(0, len(a), _VERIFY_AT_ONCE):
        part = slice(start, start + _VERIFY_AT_ONCE)
        shared = np.asarray(matrix[a[part]].multiply(matrix[b[part]]).sum(axis=1)).ravel()
        scores[part] = shared / (sizes[a[part]] + sizes[b[part]] - shared)
    return scores
