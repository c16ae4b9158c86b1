"""The passages' vectors of a large corpus, on disk: encoded in blocks, and a killed run goes on at the block that it was at.

Up to the limit of the exact search all vectors are in memory and a model's own cache keeps them. Above it they are one memory-mapped file, of
which a search touches what it needs. The file's name says what is in it (encoder, contract, texts); how far it is stands beside it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Vectors
from triplette.console import progress, say
from triplette.engine import LOCAL, Engine
from triplette.hashing import hash_value
from triplette.ranking.encoder import Encoder
from triplette.records import Chunk
from triplette.tables import write_text

Mapped = np.memmap[Any, np.dtype[np.float32]]
BLOCK = 16_384  # passages encoded and written at once


def encoded(encoder: Encoder, chunks: Sequence[Chunk]) -> Vectors:
    """The vectors of ``chunks`` (n, d)."""
    return encoder.encode_documents([chunk.text for chunk in chunks], [chunk.title for chunk in chunks])


def vectors_on_disk(
    encoder: Encoder, chunks: Sequence[Chunk], folder: Path, version: str, *, block: int = BLOCK, engine: Engine = LOCAL
) -> Vectors:
    """The vectors of ``chunks`` (n, d) as a memory-mapped file of ``folder``; ``version`` tells one encoder of a name from another."""
    name = hash_value([encoder.name, encoder.contract.hash, version, [chunk.id for chunk in chunks]])[:16]
    path, mark = folder / f"{name}.npy", folder / f"{name}.json"
    folder.mkdir(parents=True, exist_ok=True)
    done, store = _begun(path, mark, len(chunks))
    with progress("encoding", len(chunks)) as bar:
        bar.advance(done)
        starts = range(done, len(chunks), block)
        blocks = [(chunks[start : start + block],) for start in starts]
        for start, vectors in zip(starts, engine.run(encoded, blocks, shared=(encoder,)), strict=True):
            if store is None:
                mark.unlink(
                    missing_ok=True
                )  # first: a kill before the first block is written must leave no old one beside an empty file
                store = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(len(chunks), vectors.shape[1]))
            store[start : start + len(vectors)] = vectors
            store.flush()
            write_text(mark, json.dumps({"encoded": start + len(vectors)}))
            bar.advance(len(vectors))
    del store  # mapped again for reading only: nothing may change what was encoded
    mapped: Vectors = np.load(path, mmap_mode="r")
    return mapped


def _begun(path: Path, mark: Path, size: int) -> tuple[int, Mapped | None]:
    """How many of ``size`` passages are encoded, and their file, open for writing; 0 and None where there is nothing, or nothing that can be told."""
    if not (mark.exists() and path.exists()):
        return 0, None
    try:
        done = json.loads(mark.read_text(encoding="utf-8"))["encoded"]
        store = np.load(path, mmap_mode="r")  # for writing, numpy would fill up with zeros what a file lacks
        if type(done) is int and 0 < done <= size and store.dtype == np.float32 and store.ndim == 2 and len(store) == size:
            return done, np.load(path, mmap_mode="r+")
        why = f"it says {done!r} of {size} passages, of vectors {store.shape} in {store.dtype}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = f"{type(error).__name__}: {error}"
    say(f"note: the kept vectors {path} or their mark {mark.name} are damaged ({why}); the passages are encoded again")
    return 0, None
