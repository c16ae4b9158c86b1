"""Nearest passages among millions: compressed shards on disk, and exact scores for those that come out of them.

Each shard is a FAISS index of ``shard`` passages (an inverted file with product quantisation, Jégou et al. 2011): an eighth of a byte a dimension
or two instead of four. The centres and codebooks are learned once, on a seeded sample, so that the scores of two shards compare. A question
looks into the ``probes`` clusters nearest to it of every shard, the best ``finalists`` by those rough scores are scored again with the vectors
themselves, which lie on disk too, and only that score is given away. Memory holds one block of questions, the finalists' vectors and whatever
pages the machine has room to keep; the price is that a neighbour whose rough score is too low is missed (docs/scale.md has how many).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Float32s, Floats, Ints, Vectors
from triplette.errors import InputError
from triplette.ranking.dense import DECIMALS, TIE_SLACK, checked, cosines
from triplette.ranking.topk import top_columns
from triplette.tables import replacing

CENTRES = 1024  # clusters: with 250,000 passages a shard, 64 probes read a sixteenth of it
CODES = 256  # centroids of a sub-vector: one byte
CLUSTER_POINTS, CODE_POINTS = 40, 64  # of the sample, a centre or centroid: FAISS warns under 39
ADDED = 65_536  # passages given to an index at once
QUERY_BLOCK = 4096
CODE_ROUNDS = 10  # of k-means for the codebooks: FAISS' own 25 took two and a half times as long
SAMPLE = 20_000  # passages that the rank of a positive far down is estimated on


class ShardedIndex:
    """An inner-product index of ``vectors`` (n, d), which may be a memory-mapped file, with its shards in ``folder``.

    ``probes``: clusters a question looks into; ``finalists``: passages scored exactly a question; ``shard``: passages a file;
    ``code_bytes``: bytes a vector is compressed to, at most. Raises InputError for vectors that are not finite or not a matrix.
    """

    kind = "shards"

    def __init__(
        self, vectors: Vectors, folder: Path, *, probes: int, finalists: int, shard: int, code_bytes: int, seed: int = 0
    ) -> None:
        if vectors.ndim != 2 or not len(vectors):
            raise InputError(f"the passages' vectors have the shape {vectors.shape}, not (n, d)", cure="encode the passages first")
        self._vectors, self._folder = vectors, folder
        self.size, self.dimension = vectors.shape
        self._probes, self._finalists, self._shard = probes, finalists, shard
        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(seed)
        self._sample = np.sort(random.permutation(self.size)[:SAMPLE])
        trained, _quantizer = self._train(code_bytes, seed, random)  # the index does not own its quantizer: both must live
        self._build(trained)

    def _train(self, code_bytes: int, seed: int, random: np.random.Generator) -> tuple[Any, Any]:
        """An empty index with centres and codebooks, learned on a seeded sample, and its quantizer."""
        import faiss

        centres = max(1, min(CENTRES, self.size // CLUSTER_POINTS))
        parts = max(part for part in range(1, min(code_bytes, self.dimension) + 1) if self.dimension % part == 0)
        bits = min(8, max(1, int(np.log2(max(self.size // CLUSTER_POINTS, 2)))))
        quantizer = faiss.IndexFlatIP(self.dimension)
        index = faiss.IndexIVFPQ(quantizer, self.dimension, centres, parts, bits, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = index.pq.cp.seed = seed + 1  # FAISS takes 0 for "any"
        index.cp.spherical = True
        index.pq.cp.niter = CODE_ROUNDS
        index.cp.min_points_per_centroid = index.pq.cp.min_points_per_centroid = 1  # fewer are all that there are
        points = max(centres * CLUSTER_POINTS, CODES * CODE_POINTS)
        rows = np.sort(random.permutation(self.size)[:points])
        index.train(checked(self._vectors[rows], "the passages' vectors"))
        return index, quantizer

    def _build(self, empty: Any) -> None:
        """Write the shards, one in memory at a time."""
        import faiss

        self._files = []
        for number, start in enumerate(range(0, self.size, self._shard)):
            index = faiss.clone_index(empty)
            stop = min(start + self._shard, self.size)
            for at in range(start, stop, ADDED):
                index.add(checked(self._vectors[at : min(at + ADDED, stop)], "the passages' vectors"))
            path = self._folder / f"shard-{number:05d}.faiss"
            with replacing(path) as temporary:
                faiss.write_index(index, str(temporary))
            self._files.append((start, path))

    @property
    def vectors(self) -> Vectors:
        """The passages' vectors (n, d)."""
        return self._vectors

    def __getstate__(self) -> dict[str, Any]:
        """For another process: a memory-mapped file goes as its path, and is mapped there again."""
        mapped = self._vectors.filename if isinstance(self._vectors, np.memmap) else None
        return {**self.__dict__, "_vectors": None if mapped else self._vectors, "mapped": mapped}

    def __setstate__(self, state: dict[str, Any]) -> None:
        mapped = state.pop("mapped")
        self.__dict__.update(state)
        if mapped:
            self._vectors = np.load(mapped, mmap_mode="r")

    def top(self, queries: Vectors, k: int) -> tuple[Ints, Float32s]:
        """The k nearest of the finalists of each query (q, d): ids (q, k) padded with -1, exact scores (q, k), rounded to 6 decimals.

        Best first; equal scores go to the passage that comes first.
        """
        queries = checked(queries, "the questions' vectors", self.dimension)
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.zeros((len(queries), k), dtype=np.float32)
        fetched = min(max(self._finalists, k + TIE_SLACK), self.size)
        for start in range(0, len(queries), QUERY_BLOCK):
            block = queries[start : start + QUERY_BLOCK]
            found = self._finalists_of(block, fetched)
            exact = np.where(found < 0, -np.inf, np.round(cosines(block, self._vectors, found), DECIMALS))
            order = np.lexsort((found, -exact), axis=1)[:, :k]
            best, width = np.take_along_axis(found, order, 1), order.shape[1]
            ids[start : start + len(block), :width] = best
            scores[start : start + len(block), :width] = np.where(best < 0, 0, np.take_along_axis(exact, order, 1))
        return ids, scores

    def _finalists_of(self, queries: Vectors, count: int) -> Ints:
        """(q, count) ids of the best by rough score over all shards, in no order that matters, -1 where there are fewer."""
        import faiss

        ids = np.full((len(queries), count), -1, dtype=np.int64)
        rough = np.full((len(queries), count), -np.inf, dtype=np.float32)
        for start, path in self._files:
            index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
            index.nprobe = min(self._probes, index.nlist)
            found_scores, found = index.search(queries, min(count, index.ntotal))
            both = np.concatenate([rough, np.where(found < 0, -np.inf, found_scores)], axis=1)
            named = np.concatenate([ids, np.where(found < 0, -1, found + start)], axis=1)
            keep, rough = top_columns(both, count)
            ids = np.take_along_axis(named, keep, 1)
            rough = np.where(ids < 0, -np.inf, rough).astype(np.float32)
        return ids

    def place_of(self, queries: Vectors, targets: Ints, found: Ints) -> tuple[Ints, Floats]:
        """The rank (from 1) of each query's target (q,) and its exact score (q,), given what ``top`` ``found`` (q, k).

        Exact in ``found``; further down it is estimated on a sample of the passages, because counting those above it would compare every
        question with every passage.
        """
        queries = checked(queries, "the questions' vectors", self.dimension)
        scores = cosines(queries, self._vectors, targets[:, None])[:, 0]
        hits = found == targets[:, None]
        ranks = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, 0)
        sample = np.ascontiguousarray(self._vectors[self._sample])
        for start in range(0, len(queries), QUERY_BLOCK):
            rows = np.flatnonzero(ranks[start : start + QUERY_BLOCK] == 0) + start
            above = (np.round(queries[rows] @ sample.T, DECIMALS) > scores[rows, None].astype(np.float32)).mean(axis=1)
            ranks[rows] = np.maximum(np.round(1 + above * self.size).astype(np.int64), found.shape[1] + 1)
        return ranks, scores
