"""Encoders: texts to L2-normalised vectors, behind one seam that mining, judging and evaluation share.

``lsa`` is fitted on the corpus itself: no download, no torch, a second or two. Any sentence-transformers model can take its
place, always through a PromptContract, so that prefixes, pooling and truncation are the same wherever the model is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from triplette.arrays import AnyFloats, Vectors
from triplette.contract import PromptContract

LSA = "lsa"


class Encoder(Protocol):
    """Texts to vectors. ``name`` goes into triplets; ``contract`` says how texts are prepared."""

    name: str
    contract: PromptContract

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Questions as (n, d) float32 rows of length 1 (0 for a text the encoder knows nothing of)."""
        ...

    def encode_documents(self, texts: Sequence[str], titles: Sequence[str]) -> Vectors:
        """Passages with their titles ("" for none) as (n, d) float32 rows of length 1 (0 as above)."""
        ...


def unit_rows(matrix: AnyFloats) -> Vectors:
    """Rows scaled to length 1 as float32; rows of zeros stay zeros."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.ascontiguousarray(matrix / np.where(lengths > 0, lengths, 1), dtype=np.float32)
