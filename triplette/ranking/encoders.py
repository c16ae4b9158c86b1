"""The encoder of a name: ``lsa``, or any sentence-transformers model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from triplette.ranking.encoder import LSA, Encoder
from triplette.records import Chunk


def make_encoder(name: str, chunks: Sequence[Chunk], *, cache: Path | None = None, seed: int = 0) -> Encoder:
    """``lsa`` fitted on ``chunks``, else the sentence-transformers model of that folder or id.

    ``cache`` is a folder that keeps a model's vectors by content, so that a second run encodes only new texts. Raises
    InputError when the model cannot be loaded, ContractMismatch when it is not what its contract says.
    """
    if name == LSA:
        from triplette.ranking.lsa import LsaEncoder

        return LsaEncoder(
            [chunk.text for chunk in chunks], [chunk.title for chunk in chunks], {chunk.language for chunk in chunks}, seed=seed
        )
    from triplette.ranking.sentence_encoder import SentenceEncoder

    return SentenceEncoder(name, cache=cache)
