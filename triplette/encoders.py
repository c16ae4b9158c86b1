"""Encoders: texts to L2-normalised vectors, behind one seam that mining, judging and evaluation share.

``lsa`` is fitted on the corpus itself: no download, no torch, a second or two. Any sentence-transformers model can take its
place, always through a PromptContract, so that prefixes, pooling and truncation are the same wherever the model is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from triplette.contract import PromptContract
from triplette.records import Chunk

Vectors = npt.NDArray[np.float32]
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


def make_encoder(name: str, chunks: Sequence[Chunk], *, cache: Path | None = None, seed: int = 0) -> Encoder:
    """``lsa`` fitted on ``chunks``, else the sentence-transformers model of that folder or id.

    ``cache`` is a folder that keeps a model's vectors by content, so that a second run encodes only new texts. Raises
    InputError when the model cannot be loaded, ContractMismatch when it is not what its contract says.
    """
    if name == LSA:
        from triplette.lsa import LsaEncoder

        return LsaEncoder([chunk.text for chunk in chunks], [chunk.title for chunk in chunks], seed=seed)
    from triplette.sentence_encoder import SentenceEncoder

    return SentenceEncoder(name, cache=cache)


def unit_rows(matrix: npt.NDArray[np.floating]) -> Vectors:
    """Rows scaled to length 1 as float32; rows of zeros stay zeros."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.ascontiguousarray(matrix / np.where(lengths > 0, lengths, 1), dtype=np.float32)
