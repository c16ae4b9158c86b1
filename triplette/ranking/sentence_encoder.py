"""A sentence-transformers model as an encoder, held to its PromptContract.

The contract adds the prefixes and sets the truncation; the model's own prompts are switched off so that none is added twice. A folder's
``contract.json`` is the law: a model that pools, normalises or measures differently is refused. Without one, a known
family's contract is taken by name (EmbeddingGemma, E5), else a plain one is read off the model's modules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from triplette.contract import CONTRACTS, PromptContract
from triplette.errors import ContractMismatch, InputError
from triplette.hashing import hash_file, hash_text, hash_tree, hash_value
from triplette.ranking.encoder import Vectors, unit_rows
from triplette.tables import replacing

BATCH = 32  # texts a forward pass; the library sorts by length first, so that little is padding
FAMILIES = ("embeddinggemma", "e5")  # contracts told by the model's name


class SentenceEncoder:
    """The model of a folder or hub id, on the device that torch prefers, in float32."""

    def __init__(self, name: str, *, cache: Path | None = None) -> None:
        self._model = _load(name)
        folder = Path(name).expanduser()
        self.name = folder.name if folder.is_dir() else name
        self.contract = _contract(name, folder, self._model)
        # truncation and prefixes are the contract's; the model's own prompts would be added on top
        self._model.max_seq_length = self.contract.max_tokens
        self._model.prompts = {}
        self._model.default_prompt_name = None
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


def _load(name: str) -> Any:
    folder = Path(name).expanduser()
    if name.startswith((".", "/", "~")) and not folder.is_dir():
        raise InputError("no such model folder", where=name, cure="give a sentence-transformers folder or id, or 'lsa'")
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise InputError(
            f"the encoder {name!r} needs the models extra", cure="pip install 'triplette[models]', or use the built-in 'lsa'"
        ) from error
    import httpx

    try:
        return SentenceTransformer(str(folder) if folder.is_dir() else name).float().eval()
    except (OSError, ValueError, KeyError, httpx.HTTPError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(
            f"cannot load the encoder {name!r}: {reason}",
            cure="check its name; for a gated model accept its licence on its page and log in; offline, give its folder, or use 'lsa'",
        ) from error


def _contract(name: str, folder: Path, model: Any) -> PromptContract:
    """The contract of a model: its folder's, its family's, or its own. Raises ContractMismatch when it breaks it."""
    own = _observed(name, model)
    if (folder / "contract.json").is_file():
        contract = PromptContract.load(folder / "contract.json")
        _check_tokenizer(contract, folder)
    else:
        family = next((CONTRACTS[key] for key in FAMILIES if key in name.lower()), None)
        contract = own if family is None else replace(family, base_model=name)
        if family is not None and family.name == "e5":  # one family, three widths
            contract = replace(contract, dimensions=own.dimensions)
    differing = [
        f"{what}: the contract says {said!r}, the model {found!r}"
        for what, said, found in (
            ("pooling", contract.pooling, own.pooling),
            ("normalize", contract.normalize, own.normalize),
            ("dimensions", contract.dimensions[0], own.dimensions[0]),
        )
        if said != found
    ]
    if contract.max_tokens > own.max_tokens:
        differing.append(f"max_tokens: the contract says {contract.max_tokens}, the model reads {own.max_tokens}")
    if differing:
        raise ContractMismatch("; ".join(differing), where=name, cure="use the model that the contract was written for")
    return contract


def _observed(name: str, model: Any) -> PromptContract:
    """What the model's modules do: pooling, normalisation, width, longest input."""
    modules = {type(module).__name__: module for module in model}
    if "Pooling" not in modules:
        raise ContractMismatch("the model has no pooling module", where=name, cure="use a sentence-transformers embedding model")
    pooling = modules["Pooling"].pooling_mode
    return replace(
        CONTRACTS["plain"],
        pooling=pooling if isinstance(pooling, str) else "+".join(pooling),
        normalize="Normalize" in modules,
        dimensions=(int(model.get_embedding_dimension()),),
        max_tokens=int(model.max_seq_length or CONTRACTS["plain"].max_tokens),
        base_model=name,
    )


def _check_tokenizer(contract: PromptContract, folder: Path) -> None:
    file = folder / "tokenizer.json"
    if contract.tokenizer_sha256 and file.is_file() and hash_file(file) != contract.tokenizer_sha256:
        raise ContractMismatch(
            "tokenizer.json is not the tokenizer that the contract was bound to",
            where=str(folder),
            cure="copy the model's own tokenizer back",
        )


def _weights(folder: Path, model: Any) -> str:
    """What tells two models of one contract apart: the folder's content, or the hub's revision."""
    if folder.is_dir():
        return hash_tree(folder, suffixes=(".safetensors", ".bin", ".json", ".txt", ".model"))
    return str(getattr(model[0].auto_model.config, "_commit_hash", "") or "")


def _read_store(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    with np.load(path) as store:
        return dict(zip(store["keys"].tolist(), store["vectors"], strict=True))


def _write_store(path: Path, known: dict[str, Any]) -> None:
    keys = sorted(known)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, keys=np.array(keys), vectors=np.stack([known[key] for key in keys]))
