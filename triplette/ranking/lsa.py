"""Latent semantic analysis (Deerwester et al. 1990) as an encoder that needs nothing but the corpus.

TF-IDF of word stems and of character n-grams (which forgive inflection and typing errors), each half of the weight, reduced by a
truncated SVD fitted on the corpus. It knows no synonym that the corpus does not teach, and vectors of different corpora cannot be
compared; in exchange it is deterministic, quick and free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from triplette.arrays import Vectors
from triplette.contract import PromptContract
from triplette.errors import InputError
from triplette.languages import UNKNOWN, language
from triplette.languages.identify import closest
from triplette.languages.text import plain
from triplette.ranking.encoder import LSA, unit_rows

RANK = 384  # dimensions at most: on French federation rules, MRR 0.65 against 0.63 with 256 and 0.69 unreduced
CHARACTERS = (3, 4)  # n-gram lengths within words; up to 5 doubled the time and ranked no better
ITERATIONS = 4  # power iterations of the randomised SVD (Halko et al. 2011)
RARE = 2  # chunks that a character n-gram must occur in, for corpora large enough to lose the others
SAMPLE = 100_000  # passages that it is fitted on at most
BLOCK = 8192  # texts encoded at once: a passage has some 600 n-grams
SMALL = 50  # chunks under which every n-gram is kept


class LsaEncoder:
    """TF-IDF + truncated SVD, fitted on ``texts`` with their ``titles``, on a seeded sample of them past ``sample``. Raises InputError when they hold no word.

    ``languages`` are the codes of the texts' languages; where there are several, each text is split in the one that it looks like.
    """

    name = LSA

    def __init__(
        self,
        texts: Sequence[str],
        titles: Sequence[str],
        languages: Iterable[str],
        *,
        rank: int = RANK,
        seed: int = 0,
        sample: int = SAMPLE,
    ) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.contract = PromptContract(
            name=LSA, query_prefix="", document_prefix="{title}\n", no_title="", pooling="mean", normalize=True,
            dimensions=(rank,), max_tokens=1_000_000,
        )  # fmt: skip
        self._words = TfidfVectorizer(analyzer=_tokens_in(languages), sublinear_tf=True, dtype=np.float32)
        self._characters = TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=CHARACTERS,
            sublinear_tf=True,
            min_df=RARE if len(texts) >= SMALL else 1,
            preprocessor=plain,
            dtype=np.float32,
        )
        if len(texts) > sample:
            rows = np.sort(np.random.default_rng(seed).permutation(len(texts))[:sample]).tolist()
            texts, titles = [texts[row] for row in rows], [titles[row] for row in rows]
        documents = self._documents(texts, titles)
        try:
            features = self._join(self._words.fit_transform(documents), self._characters.fit_transform(documents))
        except ValueError as error:  # scikit-learn's "empty vocabulary"
            raise InputError(f"the corpus holds no word to learn from ({error})", cure="give documents with text") from error
        self._axes = _axes(features, rank, seed)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Questions as (n, d) float32 rows of length 1; all zeros where no word or n-gram is known."""
        return self._encode([self.contract.format_query(text) for text in texts])

    def encode_documents(self, texts: Sequence[str], titles: Sequence[str]) -> Vectors:
        """Passages as (n, d) float32 rows of length 1; they need not be the ones it was fitted on."""
        return self._encode(self._documents(texts, titles))

    def _documents(self, texts: Sequence[str], titles: Sequence[str]) -> list[str]:
        return [self.contract.format_document(text, title) for text, title in zip(texts, titles, strict=True)]

    def _encode(self, texts: list[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self._axes.shape[1]), dtype=np.float32)
        vectors = np.empty((len(texts), self._axes.shape[1]), dtype=np.float32)
        for start in range(0, len(texts), BLOCK):
            part = texts[start : start + BLOCK]
            features = self._join(self._words.transform(part), self._characters.transform(part))
            vectors[start : start + len(part)] = unit_rows(features @ self._axes)
        return vectors

    def _join(self, by_words: Any, by_characters: Any) -> Any:
        from scipy.sparse import hstack

        half = np.float32(0.5**0.5)  # of the squared length
        return hstack([by_words * half, by_characters * half]).tocsr()


def _tokens_in(languages: Iterable[str]) -> Callable[[str], list[str]]:
    codes = sorted(set(languages)) or [UNKNOWN]
    if len(codes) == 1:
        return language(codes[0]).tokens
    return lambda text: language(closest(text, codes)).tokens(text)


def _axes(features: Any, rank: int, seed: int) -> Vectors:
    """The right singular vectors (features, d), signs fixed, d at most one less than the chunks."""
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits  # comes with scikit-learn, which uses it for the same purpose

    if min(features.shape) == 1:  # one chunk or one feature: its own direction is all there is
        return unit_rows(features.toarray().sum(axis=0)[None, :]).T.copy()
    count = min(rank, features.shape[0] - 1, features.shape[1] - 1)
    # One thread: two are no quicker on a quiet machine, and on a busy one they wait for each other (1.5 s became 12 to 31 s).
    with threadpool_limits(1, user_api="blas"):
        _, _, axes = randomized_svd(features, count, n_iter=ITERATIONS, random_state=seed)
    return np.ascontiguousarray(axes.T, dtype=np.float32)
