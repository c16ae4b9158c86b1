"""BM25 as rank-bm25 defines it, at the speed of a sparse matrix.

``rank_bm25.BM25Okapi`` owns the statistics: document frequencies, the idf with its floor for terms in more than half of the documents,
k1, b, the mean length. Its own loop asks every document for every query term in Python; here each term's share of each
document's score is laid out once (terms x documents), and a block of queries adds its terms' rows. A test holds the two
equal. The price is 12 bytes for every distinct (term, document) pair, and one dense block of queries x documents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from triplette.arrays import Float32s, Floats, Int32s, Ints, Scores
from triplette.ranking.topk import best_ranks, top_columns

DOCUMENT_BLOCK = 16_384  # documents counted at once
BLOCK_BYTES = 4 << 20  # of one dense score block: small enough to stay in a processor's cache (32 MiB took twice as long)


class Bm25Index:
    """BM25Okapi scores of n documents, given as token lists.

    ``k1``, ``b`` and ``epsilon`` are rank-bm25's (Trotman et al. 2014, its defaults); ``block_bytes`` bounds the
    memory of one dense block of scores. Documents may be empty and so may the list itself: such an index scores 0 everywhere.
    """

    def __init__(
        self,
        token_lists: Iterable[Sequence[str]],
        *,
        k1: float = 1.5,
        b: float = 0.75,
        epsilon: float = 0.25,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self._k1, self._b, self._block_bytes = k1, b, block_bytes
        self._vocabulary: dict[str, int] = {}
        self._mean_length = 1.0
        numbers, occurrences, distinct, lengths = self._count(token_lists)
        self.size = len(lengths)
        if not self._vocabulary:
            self._idf = np.zeros(0)
            self._starts, self._columns, self._weights = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0)
            return
        self._idf = self._idf_of(np.bincount(numbers, minlength=len(self._vocabulary)), epsilon)
        self._mean_length = float(lengths.sum()) / self.size
        self._starts, self._columns, self._weights = self._lay_out(numbers, occurrences, distinct, lengths)

    def _count(self, token_lists: Iterable[Sequence[str]]) -> tuple[Int32s, Int32s, Ints, Ints]:
        """(terms, their counts) of every document, one after the other, how many distinct ones each has, and its length.

        A block of documents at a time: rank-bm25 keeps a dictionary for each, which at a million passages takes gigabytes. The
        vocabulary's order is its own, that of first occurrence.
        """
        vocabulary: dict[str, int] = defaultdict(lambda: len(vocabulary))
        parts: list[tuple[Int32s, Int32s, Ints, Ints]] = []
        documents = iter(token_lists)
        while block := list(islice(documents, DOCUMENT_BLOCK)):
            lengths = np.array([len(tokens) for tokens in block], dtype=np.int64)
            terms = np.fromiter((vocabulary[term] for tokens in block for term in tokens), dtype=np.int64, count=int(lengths.sum()))
            many = max(len(vocabulary), 1)
            key, counts = np.unique(np.repeat(np.arange(len(block)), lengths) * many + terms, return_counts=True)
            row, term = np.divmod(key, many)
            parts.append((term.astype(np.int32), counts.astype(np.int32), np.bincount(row, minlength=len(block)), lengths))
        self._vocabulary = dict(vocabulary)
        if not parts:
            return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64)
        numbers, occurrences, distinct, every = zip(*parts, strict=True)
        return np.concatenate(numbers), np.concatenate(occurrences), np.concatenate(distinct), np.concatenate(every)

    def _idf_of(self, frequencies: Ints, epsilon: float) -> Floats:
        """Each term's idf, by rank-bm25's own method, from the number of documents that have it."""
        from rank_bm25 import BM25Okapi

        statistics: Any = BM25Okapi.__new__(BM25Okapi)  # without its pass over the documents: this one was ours
        statistics.corpus_size, statistics.epsilon, statistics.idf = self.size, epsilon, {}
        statistics._calc_idf(dict(zip(self._vocabulary, frequencies.tolist(), strict=True)))
        return np.fromiter(statistics.idf.values(), dtype=np.float64, count=len(self._vocabulary))

    def _lay_out(self, terms: Int32s, counts: Int32s, distinct: Ints, lengths: Ints) -> tuple[Ints, Int32s, Floats]:
        """Row starts, document numbers and weights of the terms x documents matrix."""
        from scipy.sparse import csr_array

        weights = self._weigh(terms, counts.astype(np.float64), np.repeat(lengths.astype(np.float64), distinct))
        starts = np.concatenate([[0], np.cumsum(distinct)])
        by_term = csr_array((weights, terms, starts), shape=(self.size, len(self._vocabulary))).T.tocsr()
        return by_term.indptr.astype(np.int64), by_term.indices.astype(np.int32, copy=False), by_term.data

    def _weigh(self, terms: Int32s, counts: Floats, lengths: Floats | float) -> Floats:
        """What each (term, document) pair adds to a score: the operations of BM25Okapi.get_scores, in their order."""
        damped = counts + self._k1 * (1 - self._b + self._b * lengths / self._mean_length)
        return self._idf[terms] * (counts * (self._k1 + 1) / damped)

    def scores(self, queries: Sequence[Sequence[str]], *, dtype: Any = np.float32) -> Iterator[tuple[int, Scores]]:
        """(number of the first query, scores (queries of the block, n)) block by block.

        A term counts as often as a query repeats it; unknown terms count nothing. The block is reused: copy what you keep.
        """
        for start, block in self._blocks(queries):
            yield start, block if block.dtype == np.dtype(dtype) else block.astype(dtype)

    def _blocks(self, queries: Sequence[Sequence[str]]) -> Iterator[tuple[int, Floats]]:
        size = max(1, self._block_bytes // max(8 * self.size, 1))
        memory = np.zeros((min(size, max(len(queries), 1)), self.size))
        for start in range(0, len(queries), size):
            part = queries[start : start + size]
            yield start, self._add_up(part, memory[: len(part)])

    def _add_up(self, queries: Sequence[Sequence[str]], block: Floats) -> Floats:
        """Each query's terms' rows, summed in the query's order, into ``block``."""
        from scipy.sparse import csr_array

        rows, ends = [], []
        for query in queries:
            rows += [row for row in map(self._vocabulary.get, query) if row is not None]
            ends.append(len(rows))
        if not rows or not self.size:
            block[:] = 0
            return block
        spans = [slice(self._starts[row], self._starts[row + 1]) for row in rows]
        filled = np.concatenate([[0], np.cumsum([span.stop - span.start for span in spans])])
        columns = np.concatenate([self._columns[span] for span in spans])
        weights = np.concatenate([self._weights[span] for span in spans])
        # a row lists a document once for every term that hits it: writing it out dense adds them up
        sums = csr_array((weights, columns, filled[np.concatenate([[0], ends])]), shape=block.shape)
        return sums.toarray(out=block)

    def postings(self) -> Iterator[tuple[str, Int32s, Floats]]:
        """(term, numbers of the documents that have it, what it adds to the score of each), for keeping the index elsewhere.

        A query's scores are these weights added up in the order of its terms, a term as often as the query repeats it.
        """
        for term, row in self._vocabulary.items():
            span = slice(self._starts[row], self._starts[row + 1])
            yield term, self._columns[span], self._weights[span]

    def top(self, queries: Sequence[Sequence[str]], k: int) -> tuple[Ints, Float32s]:
        """The k best documents of each query that share a term with it and score above 0: ids (q, k) padded with -1, scores (q, k).

        Ties go to the document that comes first.
        """
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.zeros((len(queries), k), dtype=np.float32)
        for start, block in self._blocks(queries):
            stop = start + len(block)
            ids[start:stop], scores[start:stop] = top_columns(block, k, positive_only=True)
        return ids, scores

    def rank_of(self, queries: Sequence[Sequence[str]], targets: Sequence[Sequence[int]]) -> Ints:
        """The rank (from 1, over all n documents) of each query's best target document; 0 for a query without targets."""
        ranks = np.zeros(len(queries), dtype=np.int64)
        for start, block in self._blocks(queries):
            ranks[start : start + len(block)] = best_ranks(block, targets[start : start + len(block)])[0]
        return ranks

    def score_pairs(self, queries: Sequence[Sequence[str]], documents: Sequence[Sequence[str]]) -> Floats:
        """The score of query i against document i (q,), for documents that need not be in the index.

        They are weighed by the index's own statistics, so that an indexed document scores what ``scores`` says.
        """
        found = np.zeros(len(queries))
        for index, (query, document) in enumerate(zip(queries, documents, strict=True)):
            hits = [
                (row, count) for term in query if (row := self._vocabulary.get(term)) is not None and (count := document.count(term))
            ]
            if hits:
                terms, counts = np.array(hits).T
                found[index] = self._weigh(terms, counts.astype(np.float64), float(len(document))).sum()
        return found
