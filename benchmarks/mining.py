"""Mining, side by side: rank-bm25's loop, bm25s and ours; sentence-transformers' mine_hard_negatives and ours.

    PYTHONPATH=. python benchmarks/mining.py PART [--size 1]        (bench.py runs the parts in turn)

Lexical: 10,000 queries over 10,000 documents, 80 tokens a document and 7 a query, drawn from a Zipfian vocabulary of 20,000; top 100.
rank-bm25 is timed on 50 of the queries and extrapolated: its time grows linearly with them. bm25s scores in its ``atire`` form; it gets the same
token lists. Dense: 10,000 x 100,000 clustered random unit vectors of 256 dimensions, 3 negatives out of 31 candidates; sentence-transformers is
fed the same vectors by an object in the model's place, and ours returns the same kind of answer with the same margin. ``ours-all`` is all of
``synth.mine.mine`` on those vectors: tokens, BM25, both rankers' candidates, look-alikes, tuned limit, triplets. Its passages have 40 invented words.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from clock import Clock

DOCUMENTS, QUERIES, TOP, LOOP_QUERIES = 10_000, 10_000, 100, 50
PASSAGES, ASKED, DIMENSION, NEGATIVES, CANDIDATES = 100_000, 10_000, 256, 3, 31
SHARE = 0.95


def corpus() -> tuple[list[list[str]], list[list[str]]]:
    """Token lists of the documents and the queries; a query takes its words from a document, as questions do."""
    random = np.random.default_rng(0)
    weights = 1 / np.arange(10, 20_010) ** 1.0
    weights /= weights.sum()
    draws = random.choice(20_000, size=(DOCUMENTS, 80), p=weights)
    documents = [[f"m{term}" for term in row] for row in draws.tolist()]
    queries = [[f"m{term}" for term in random.choice(draws[i % DOCUMENTS], size=7)] for i in range(QUERIES)]
    return documents, queries


class Given:
    """An encoder whose vectors are there: a text's first word is its number, and so is the first of each of a passage's sentences.

    A passage that was given another's sentence gets the mean of both vectors.
    """

    name = "given"

    def __init__(self, passages: Any, asked: Any) -> None:
        from triplette.contract import PromptContract

        self.passages, self.asked = passages, asked
        self.contract = PromptContract(
            name="given", query_prefix="", document_prefix="", no_title="", pooling="mean", normalize=True,
            dimensions=(DIMENSION,), max_tokens=512,
        )  # fmt: skip

    def encode_documents(self, texts: Sequence[str], titles: Sequence[str]) -> Any:
        from triplette.ranking.encoder import unit_rows

        numbers = [[int(word[1:]) for word in text.split() if word[0] == "P"] for text in texts]
        return unit_rows(self.passages[[found[0] for found in numbers]] + self.passages[[found[-1] for found in numbers]])

    def encode_queries(self, texts: Sequence[str]) -> Any:
        return self.asked[[int(text.split(maxsplit=1)[0][1:]) for text in texts]]


def records(positives: Any) -> tuple[list[Any], list[Any]]:
    """Chunks of four sentences of ten words, and questions of seven words of one sentence of their positive."""
    from triplette.records import Chunk, Question

    random = np.random.default_rng(0)
    weights = 1 / np.arange(10, 20_010) ** 1.0
    weights /= weights.sum()
    draws = random.choice(20_000, size=(PASSAGES, 4, 10), p=weights)
    chunks = []
    for number, rows in enumerate(draws.tolist()):
        text = " ".join(" ".join([f"P{number}", *(f"m{term}" for term in row)]) + "." for row in rows)
        chunks.append(
            Chunk.make(language="fr",
                text=text, title=f"T{number}", source=f"{number % 500}.md", articles=(), page_start=0, page_end=0,
                char_start=1000 * number, char_end=1000 * number + len(text), tokens=60, tokenizer="none",
            )
        )  # fmt: skip
    questions = []
    for number, positive in enumerate(positives.tolist()):
        words = " ".join(f"m{term}" for term in random.choice(draws[positive, 1], size=7))
        questions.append(
            Question.make(
                chunk_id=chunks[positive].id, text=f"q{number} {words} ?", kind="factual", persona="joueur", difficulty="easy",
                provider="none", model="none", prompt="1", cost=0.0,
            )
        )  # fmt: skip
    return chunks, questions


def ours_all() -> None:
    from triplette.settings.mine import MineSettings
    from triplette.synth.mining.mine import mine

    passages, asked, positives = vectors()
    chunks, questions = records(positives)
    with Clock() as clock:
        triplets, _, _, _, _ = mine(chunks, questions, MineSettings(), encoder=Given(passages, asked))
    clock.tell(negatives=sum(len(t.negatives) for t in triplets))


def vectors() -> tuple[Any, Any, Any]:
    """Passages, questions near their positive, and the positives' numbers."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(2000, DIMENSION)).astype(np.float32)
    passages = centres[random.integers(2000, size=PASSAGES)] + random.normal(size=(PASSAGES, DIMENSION)).astype(np.float32)
    positives = random.permutation(PASSAGES)[:ASKED]
    asked = passages[positives] + random.normal(size=(ASKED, DIMENSION)).astype(np.float32)
    passages /= np.linalg.norm(passages, axis=1, keepdims=True)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    return passages, asked, positives


def rank_bm25() -> None:
    from rank_bm25 import BM25Okapi

    documents, queries = corpus()
    with Clock() as indexing:
        index = BM25Okapi(documents)
    with Clock() as asking:
        for query in queries[:LOOP_QUERIES]:
            np.argpartition(-index.get_scores(query), TOP)[:TOP]
    times = len(queries) / LOOP_QUERIES
    indexing.seconds += asking.seconds * times
    indexing.cpu += asking.cpu * times
    indexing.tell()


def with_bm25s(threads: int) -> None:
    import bm25s

    documents, queries = corpus()
    with Clock() as clock:
        index = bm25s.BM25(method="atire", k1=1.5, b=0.75)
        index.index(documents, show_progress=False)
        index.retrieve(queries, k=TOP, show_progress=False, n_threads=threads)
    clock.tell()


def ours_lexical() -> None:
    from rank_bm25 import BM25Okapi

    from triplette.ranking.bm25 import Bm25Index

    documents, queries = corpus()
    with Clock() as clock:
        index = Bm25Index(documents)
        index.top(queries, TOP)
    reference = BM25Okapi(documents)
    _, block = next(index.scores(queries[:LOOP_QUERIES], dtype=np.float64))
    differs = max(float(np.abs(block[i] - reference.get_scores(queries[i])).max()) for i in range(min(len(block), LOOP_QUERIES)))
    clock.tell(largest_difference_from_rank_bm25=differs)


def nothing_but_data() -> None:
    with Clock() as clock:
        vectors()
    clock.tell()


def with_sentence_transformers(use_faiss: bool) -> None:
    import torch
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives

    passages, asked, positives = vectors()

    class Precomputed:
        """What ``mine_hard_negatives`` asks of a model, answered from memory."""

        device = torch.device("cpu")

        def encode_document(self, texts: list[str], **_: Any) -> Any:
            return passages[[int(text[1:]) for text in texts]]

        def encode_query(self, texts: list[str], **_: Any) -> Any:
            return asked[[int(text[1:]) for text in texts]]

        def get_embedding_dimension(self) -> int:
            return DIMENSION

        def similarity(self, left: Any, right: Any) -> Any:
            return torch.as_tensor(left) @ torch.as_tensor(right).T

        def similarity_pairwise(self, left: Any, right: Any) -> Any:
            return (torch.as_tensor(left) * torch.as_tensor(right)).sum(1)

    rows = Dataset.from_dict({"q": [f"q{i}" for i in range(ASKED)], "p": [f"p{i}" for i in positives]})
    names = [f"p{i}" for i in range(PASSAGES)]
    options = {"num_negatives": NEGATIVES, "relative_margin": 1 - SHARE, "output_format": "triplet", "verbose": False}
    with Clock() as clock:
        found = mine_hard_negatives(rows, Precomputed(), corpus=names, use_faiss=use_faiss, **options)
    clock.tell(negatives=len(found))


def ours_dense() -> None:
    from triplette.ranking.dense import DenseIndex

    passages, asked, positives = vectors()
    with Clock() as clock:
        index = DenseIndex(passages)
        ids, scores = index.top(asked, CANDIDATES + 1)
        own = (asked * passages[positives]).sum(axis=1)
        good = (ids >= 0) & (ids != positives[:, None]) & (scores < SHARE * own[:, None])
        good &= good.cumsum(axis=1) <= NEGATIVES
    clock.tell(negatives=int(good.sum()))


RUN = {
    "rank-bm25": rank_bm25,
    "bm25s": lambda: with_bm25s(0),
    "bm25s-2-threads": lambda: with_bm25s(2),
    "ours-lexical": ours_lexical,
    "data": nothing_but_data,
    "st": lambda: with_sentence_transformers(False),
    "st-faiss": lambda: with_sentence_transformers(True),
    "ours-dense": ours_dense,
    "ours-all": ours_all,
}


def main() -> None:
    """Measure one part at a size."""
    global DOCUMENTS, QUERIES, PASSAGES, ASKED
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=RUN)
    parser.add_argument("--size", type=float, default=1.0, help="multiplies documents, queries, passages and questions")
    options = parser.parse_args()
    DOCUMENTS, QUERIES, PASSAGES, ASKED = (round(options.size * count) for count in (DOCUMENTS, QUERIES, PASSAGES, ASKED))
    RUN[options.part]()


if __name__ == "__main__":
    main()
