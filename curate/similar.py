"""Which questions nearly repeat each other: a set-similarity join over their words, without comparing every pair.

Two questions are near-duplicates when the Jaccard similarity of their word sets (Snowball stems, accents folded, function words
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

from triplette.french import STOP_WORDS, fold, normalise, stem

WINDOW = 256
ASKING = frozenset("qui quand où comment combien pourquoi".split())
_DROPPED = STOP_WORDS - ASKING
_SEPARATORS = r"[^\p{L}\p{N}.,:/]+"
_VERIFY_AT_ONCE = 200_000  # pairs: bounds the memory of one verification


@dataclass(frozen=True, slots=True)
class WordSets:
    """Word sets of n texts: ``indices[indptr[i]:indptr[i + 1]]`` are text i's words, rarest first, as positions in ``words``."""

    indptr: Any
    indices: Any
    words: tuple[str, ...]

    @property
    def sizes(self) -> Any:
        """int64 (n,): distinct words of each text, at least 1."""
        return np.diff(self.indptr)

    def set_of(self, row: int) -> frozenset[str]:
        """One text's words."""
        return frozenset(self.words[i] for i in self.indices[self.indptr[row] : self.indptr[row + 1]])


def split_words(texts: Sequence[str] | Any) -> tuple[Any, Any, list[str]]:
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


def word_sets(texts: Sequence[str] | Any) -> WordSets:
    """The word sets of texts. A text without a content word gets one word of its own: itself."""
    count = len(texts)
    row, code, vocabulary = split_words(texts)
    known: dict[str, int] = {}
    mapped = np.array([_canonical(word, known) for word in vocabulary] or [0], dtype=np.int64)
    code = mapped[code] if len(code) else code
    row, code = row[code >= 0], code[code >= 0]
    for bare in np.setdiff1d(np.arange(count), row):
        text = texts[int(bare)]
        whole = f"={normalise(str(getattr(text, 'as_py', lambda value=text: value)()))}"
        row = np.append(row, bare)
        code = np.append(code, known.setdefault(whole, len(known)))
    names = np.array(list(known) or [""])
    pairs = np.unique(row * len(names) + code)
    row, code = pairs // len(names), pairs % len(names)
    # rarest first; ties by spelling, so that the order depends on the texts alone
    order = np.lexsort((names, np.bincount(code, minlength=len(names))))
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    ranked = rank[code]
    arranged = np.lexsort((ranked, row))
    indptr = np.searchsorted(row, np.arange(count + 1))
    return WordSets(indptr, ranked[arranged], tuple(names[order].tolist()))


def near_duplicates(sets: WordSets, threshold: float, side: Any = None) -> tuple[Any, Any, Any]:
    """Pairs (left, right, similarity) with left < right and Jaccard >= threshold, in order.

    ``side`` (bool (n,)) asks only for pairs across: one row where it is true, one where it is not. Without it, equal sets
    are linked as a chain (each with the next), which is enough for components and keeps the output linear.
    """
    group, first = _equal_sets(sets)
    left, right = _chain(group, side)
    similarity = np.ones(len(left))
    distinct = np.sort(first)
    a, b = _candidates(sets, distinct, threshold)
    scores = _jaccard(sets, a, b)
    close = scores >= threshold - 1e-12
    a, b, scores = a[close], b[close], scores[close]
    if side is not None:
        a, b, scores = _spread(group, first, a, b, scores)
        across = side[a] != side[b]
        a, b, scores = a[across], b[across], scores[across]
    left, right = np.concatenate([left, np.minimum(a, b)]), np.concatenate([right, np.maximum(a, b)])
    similarity = np.concatenate([similarity, scores])
    order = np.lexsort((right, left))
    return left[order], right[order], similarity[order]


def jaccard_of(sets: WordSets, left: Any, right: Any) -> Any:
    """Jaccard similarity of given pairs of rows, float64."""
    return _jaccard(sets, np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64))


def _canonical(word: str, known: dict[str, int]) -> int:
    bare = word.strip(".,:/")
    if not bare or bare in _DROPPED or (len(bare) == 1 and bare.isalpha() and bare not in "abcdefgh"):
        return -1
    return known.setdefault(stem(bare) if bare not in ASKING else fold(bare), len(known))


def _equal_sets(sets: WordSets) -> tuple[Any, Any]:
    """(group of each row, first row of each group): rows with the same words are one group."""
    count = len(sets.indptr) - 1
    seen: dict[bytes, int] = {}
    group = np.empty(count, dtype=np.int64)
    first: list[int] = []
    raw = np.ascontiguousarray(sets.indices)
    for row in range(count):
        key = raw[sets.indptr[row] : sets.indptr[row + 1]].tobytes()
        number = seen.setdefault(key, len(seen))
        if number == len(first):
            first.append(row)
        group[row] = number
    return group, np.array(first, dtype=np.int64)


def _chain(group: Any, side: Any) -> tuple[Any, Any]:
    """Links between rows of one group: each with the next; with ``side``, each row of one side with the first of the other."""
    order = np.argsort(group, kind="stable")
    same = group[order][1:] == group[order][:-1]
    if side is None:
        return order[:-1][same], order[1:][same]
    pairs: list[tuple[int, int]] = []
    for members in np.split(order, np.flatnonzero(~same) + 1):
        inside, outside = members[side[members]], members[~side[members]]
        if len(inside) and len(outside):
            pairs += [(int(min(i, outside[0])), int(max(i, outside[0]))) for i in inside]
            pairs += [(int(min(inside[0], o)), int(max(inside[0], o))) for o in outside[1:]]
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def _spread(group: Any, first: Any, a: Any, b: Any, scores: Any) -> tuple[Any, Any, Any]:
    """Pairs between first rows, spread to every row that has the same words."""
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(len(first) + 1))
    lefts: list[Any] = [np.empty(0, dtype=np.int64)]
    rights: list[Any] = [np.empty(0, dtype=np.int64)]
    values: list[Any] = [np.empty(0)]
    for one, other, score in zip(a, b, scores, strict=True):
        mine = order[bounds[group[one]] : bounds[group[one] + 1]]
        theirs = order[bounds[group[other]] : bounds[group[other] + 1]]
        lefts.append(np.repeat(mine, len(theirs)))
        rights.append(np.tile(theirs, len(mine)))
        values.append(np.full(len(mine) * len(theirs), score))
    return np.concatenate(lefts), np.concatenate(rights), np.concatenate(values)


def _candidates(sets: WordSets, rows: Any, threshold: float) -> tuple[Any, Any]:
    """Pairs of ``rows`` that share a prefix word and whose sizes and positions leave the threshold possible."""
    sizes = sets.sizes[rows]
    needed = np.ceil(threshold * sizes - 1e-9).astype(np.int64)
    prefix = sizes - np.maximum(needed, 1) + 1
    owner = np.repeat(np.arange(len(rows)), prefix)
    position = np.arange(len(owner)) - np.repeat(np.cumsum(prefix) - prefix, prefix)
    token = sets.indices[sets.indptr[rows][owner] + position]
    following = np.minimum(sets.indptr[rows][owner] + position + 1, len(sets.indices) - 1)
    order = np.lexsort((owner, sets.indices[following], position, token))
    owner, position, token = owner[order], position[order], token[order]
    size = sizes[owner]
    found: list[Any] = [np.empty(0, dtype=np.int64)]
    for distance in range(1, WINDOW + 1):
        same = np.flatnonzero(token[distance:] == token[:-distance])
        if not len(same):
            break
        x, y = same, same + distance
        short, long = np.minimum(size[x], size[y]), np.maximum(size[x], size[y])
        # the overlap that the threshold asks for, and the most that these positions still allow
        asked = np.ceil(threshold / (1 + threshold) * (size[x] + size[y]) - 1e-9)
        allowed = 1 + np.minimum(position[x], position[y]) + np.minimum(size[x] - position[x], size[y] - position[y]) - 1
        fits = (short >= threshold * long - 1e-9) & (allowed >= asked)
        a, b = owner[x[fits]], owner[y[fits]]
        found.append(np.unique(np.minimum(a, b) * len(rows) + np.maximum(a, b)))
    codes = np.unique(np.concatenate(found))
    codes = codes[codes // max(len(rows), 1) != codes % max(len(rows), 1)]
    return rows[codes // max(len(rows), 1)], rows[codes % max(len(rows), 1)]


def _jaccard(sets: WordSets, a: Any, b: Any) -> Any:
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
