"""The corpus as the phone carries it: one SQLite file with every passage, its place in the documents, and its vector in int8.

A vector is stored as ``round(v / scale)`` with ``scale = max|v| / 127``: a quarter of float32, and a cosine of 0.9999 to it. Vectors
have the largest dimension; a smaller one is their beginning, normalised again. The vectors come from the bundle's own model,
so that a question on the phone meets passages embedded by the same numbers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from triplette.errors import InputError
from triplette.records import Chunk

INDEX = "index.sqlite"
LEVELS = 127
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (
    position INTEGER PRIMARY KEY, chunk_id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, source TEXT NOT NULL,
    page_start INTEGER NOT NULL, page_end INTEGER NOT NULL, text TEXT NOT NULL, scale REAL NOT NULL, vector BLOB NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Index:
    """The vectors in memory: int8 (n, d) and their scales (n,), in the order of ``ids``."""

    ids: tuple[str, ...]
    values: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]

    def vectors(self, dimension: int) -> npt.NDArray[np.float32]:
        """The first ``dimension`` numbers of every vector, normalised: float32 (n, dimension)."""
        rows = self.values[:, :dimension].astype(np.float32) * self.scales[:, None]
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12).astype(np.float32)

    def scores(self, query: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The cosine of every passage with a query of length 1, at the query's dimension."""
        return self.vectors(len(query)) @ query


def quantise(vectors: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Vectors (n, d) as int8 and scales (n,)."""
    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-12).astype(np.float32) / LEVELS
    return np.round(vectors / scales[:, None]).astype(np.int8), scales


def write_index(path: Path, chunks: Sequence[Chunk], vectors: npt.NDArray[np.float32], meta: dict[str, str]) -> None:
    """Write the index of ``chunks`` with their vectors (n, d). ``meta`` says which model and contract made them."""
    values, scales = quantise(vectors)
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_SCHEMA)
        connection.executemany("INSERT INTO meta VALUES (?, ?)", sorted({**meta, "dimension": str(vectors.shape[1])}.items()))
        connection.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (n, c.id, c.title, c.source, c.page_start, c.page_end, c.text, float(scales[n]), values[n].tobytes())
                for n, c in enumerate(chunks)
            ),
        )
        connection.commit()
        connection.execute("VACUUM")


@contextmanager
def open_index(path: Path) -> Iterator[sqlite3.Connection]:
    """The index, read only. A bundle may come from anywhere: tables that are views (one that never ends, say) raise sqlite3.DatabaseError.

    The path goes in as a URI with its # ? % written out; as it stands each of them would open, and leave behind, another file.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        strange = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('view', 'trigger')").fetchone()
        if strange:
            raise sqlite3.DatabaseError(f"it has a view or trigger, {strange[0]!r}")
        yield connection


def read_index(path: Path) -> Index:
    """The index of a bundle. Raises InputError when it is absent or malformed."""
    if not path.exists():
        raise InputError("there is no index", where=str(path), cure="export the bundle again")
    try:
        with open_index(path) as connection:
            rows = connection.execute("SELECT chunk_id, scale, vector FROM chunks ORDER BY position").fetchall()
            width = int(connection.execute("SELECT value FROM meta WHERE key = 'dimension'").fetchone()[0])
        values = np.frombuffer(b"".join(row[2] for row in rows), np.int8).reshape(len(rows), width)
    except (sqlite3.Error, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"not a bundle's index ({error})", where=str(path), cure="export the bundle again") from error
    return Index(tuple(row[0] for row in rows), values, np.array([row[1] for row in rows], np.float32))


def read_meta(path: Path) -> dict[str, str]:
    """What the index says about the model and contract that made it."""
    with open_index(path) as connection:
        return dict(connection.execute("SELECT key, value FROM meta").fetchall())
