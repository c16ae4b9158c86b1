"""A sentence-transformers model as an encoder, held to its PromptContract.

The contract is ``contract_of``'s, as in training and on the phone. It adds the prefixes and sets the truncation; the model's own prompts
are switched off so that none is added twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Vectors
from triplette.console import say
from triplette.hashing import hash_text, hash_tree, hash_value
from triplette.model_contract import contract_of
from triplette.ranking.encoder import unit_rows
from triplette.ranking.model import load_model
from triplette.tables import read_arrays, replacing

BATCH = 32  # texts a forward pass; the library sorts by length first, so that little is padding


class SentenceEncoder:
    """The model of a folder or hub id, on the device that torch prefers, in float32."""

    def __init__(self, name: str, *, cache: Path | None = None) -> None:
        folder = Path(name).expanduser()
        self.name = folder.name if folder.is_dir() else name
        self.contract = contract_of(name).contract
        self._model = load_model(name, self.contract).float().eval()
        self._cache = cache
        self._fingerprint = hash_value([self.contract.hash, _weights(folder, self._model)])

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Questions as (n, d) float32 rows of length 1."""
        return self._encode([self.contract.format_query(text) for text in texts])

    def encode_documents(self, texts: Sequence[str], titles: Sequence[str]) -> Vectors:
        """Passages with their titles as (n, d) float32 rows of length 1."""
        return self._encode([self.contract.format_document(text, title) for text, title in zip(texts, titles, strict=True)])

    def _encode(self, texts: list[str]) -> Vectors:
        if self._cache is None:
            return self._run(texts)
        store = self._cache / f"{self._fingerprint[:16]}.npz"
        known = _read_store(store)
        keys = [hash_text(text) for text in texts]
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if fresh:
            known.update(zip(fresh, self._run(list(fresh.values())), strict=True))
            _write_store(store, known)
        return np.stack([known[key] for key in keys]) if keys else self._run([])

    def _run(self, texts: list[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.contract.dimensions[0]), dtype=np.float32)
        vectors = self._model.encode(texts, batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True)
        return unit_rows(vectors)


def _weights(folder: Path, model: Any) -> str:
    """What tells two models of one contract apart: the folder's content, or the hub's revision."""
    if folder.is_dir():
        return hash_tree(folder, suffixes=(".safetensors", ".bin", ".json", ".txt", ".model"))
    return str(getattr(model[0].auto_model.config, "_commit_hash", "") or "")


def _read_store(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        store = read_arrays(path, ("keys", "vectors"))
        return dict(zip(store["keys"].tolist(), store["vectors"], strict=True))
    except (OSError, ValueError) as error:
        say(f"note: the kept vectors {path} are damaged ({error}); the texts are encoded again")
        return {}


def _write_store(path: Path, known: dict[str, Any]) -> None:
    keys = sorted(known)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, keys=np.array(keys), vectors=np.stack([known[key] for key in keys]))
