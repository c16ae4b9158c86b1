"""The corpus as the phone carries it: one SQLite file with every passage, its place in the documents, and its vector in int8.

A vector is stored as ``round(v / scale)`` with ``scale = max|v| / 127``: a quarter of float32, and a cosine of 0.9999 to it. Vectors
have the largest dimension; a smaller one is their beginning, normalised again. The vectors come from the bundle's own model,
so that a question on the phone meets passages embedded by the same numbers.

``refs`` are the cross-references between passages ("see article 3.1.2"), by position.

Beside them lies BM25, as posting lists: for each ranking token the passages that have it (int32, little-endian) and, after them, what it adds
to each one's score (float64). Adding these up in the question's order gives the very numbers of ``triplette.ranking.bm25``, whatever
reads them; FTS5's own bm25() knows other tokens, another idf and another k1.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from triplette.arrays import Float32s, Floats, Int8s, Vector, Vectors
from triplette.errors import InputError
from triplette.languages import language
from triplette.languages.identify import closest
from triplette.ranking.lexical import LexicalRanker, lexical_ranker, passage_tokens
from triplette.records import Chunk

INDEX = "index.sqlite"
LEVELS = 127
POSTING = 12  # bytes of one passage in a posting list: an int32 and a float64
_SCHEMA = """
CREATE TABLE terms (term TEXT PRIMARY KEY, postings BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (
    position INTEGER PRIMARY KEY, chunk_id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, source TEXT NOT NULL,
    page_start INTEGER NOT NULL, page_end INTEGER NOT NULL, text TEXT NOT NULL, scale REAL NOT NULL, vector BLOB NOT NULL
);
CREATE TABLE refs (position INTEGER NOT NULL, target INTEGER NOT NULL, PRIMARY KEY (position, target)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Index:
    """The vectors in memory: int8 (n, d) and their scales (n,), in the order of ``ids``; ``places`` are (source, page, title)."""

    ids: tuple[str, ...]
    places: tuple[tuple[str, int, str], ...]
    values: Int8s
    scales: Float32s

    def vectors(self, dimension: int) -> Vectors:
        """The first ``dimension`` numbers of every vector, normalised: float32 (n, dimension)."""
        rows = self.values[:, :dimension].astype(np.float32) * self.scales[:, None]
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12).astype(np.float32)

    def scores(self, query: Vector) -> Float32s:
        """The cosine of every passage with a query of length 1, at the query's dimension."""
        return self.vectors(len(query)) @ query


def quantise(vectors: Vectors) -> tuple[Int8s, Float32s]:
    """Vectors (n, d) as int8 and scales (n,)."""
    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-12).astype(np.float32) / LEVELS
    return np.round(vectors / scales[:, None]).astype(np.int8), scales


def write_index(path: Path, chunks: Sequence[Chunk], vectors: Vectors, meta: dict[str, str]) -> None:
    """Write the index of ``chunks`` with their vectors (n, d). ``meta`` says which model and contract made them."""
    values, scales = quantise(vectors)
    lexical = lexical_index(chunks)
    codes = languages_of(chunks)
    stop_words = {
        f"stop_words.{code}": " ".join(sorted(language(code).stop_words)) for code in codes
    }  # for readers without our languages
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_SCHEMA)
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            sorted({**meta, "dimension": str(vectors.shape[1]), "languages": ",".join(codes), **stop_words}.items()),
        )
        connection.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (n, c.id, c.title, c.source, c.page_start, c.page_end, c.text, float(scales[n]), values[n].tobytes())
                for n, c in enumerate(chunks)
            ),
        )
        rows = (
            (term, documents.astype("<i4").tobytes() + weights.astype("<f8").tobytes())
            for term, documents, weights in lexical.postings()
        )
        connection.executemany("INSERT INTO terms VALUES (?, ?)", rows)
        place = {chunk.id: number for number, chunk in enumerate(chunks)}
        named = ((number, place[other]) for number, chunk in enumerate(chunks) for other in chunk.refs if other in place)
        connection.executemany("INSERT INTO refs VALUES (?, ?)", named)
        connection.commit()
        connection.execute("VACUUM")


def lexical_index(chunks: Sequence[Chunk]) -> LexicalRanker:
    """BM25 over the chunks' titles and texts, as mining and evaluation rank them."""
    return lexical_ranker([passage_tokens(chunk.language, chunk.title, chunk.text) for chunk in chunks])


def languages_of(chunks: Sequence[Chunk]) -> tuple[str, ...]:
    """The codes of a corpus's languages, the most frequent first."""
    return tuple(code for code, _ in Counter(chunk.language for chunk in chunks).most_common())


def asked_tokens(text: str, languages: Sequence[str]) -> list[str]:
    """A question's ranking tokens, in the one of the corpus's ``languages`` that it is closest to."""
    return language(closest(text, languages)).tokens(text)


def lexical_scores(path: Path, asked: Iterable[str], size: int) -> Floats:
    """BM25 of every passage for a question's ranking tokens, from the index's posting lists: float64 (size,).

    Raises InputError for an index without them, or with one that names passages which are not there.
    """
    scores = np.zeros(size)
    try:
        with open_index(path) as connection:
            for term in asked:
                row = connection.execute("SELECT postings FROM terms WHERE term = ?", (term,)).fetchone()
                if row is not None:
                    count = len(row[0]) // POSTING
                    documents = np.frombuffer(row[0], "<i4", count)
                    if len(row[0]) != count * POSTING or (documents < 0).any():
                        raise ValueError(f"the postings of {term!r} are cut or misplaced")
                    scores[documents] += np.frombuffer(row[0], "<f8", count, 4 * count)
    except (sqlite3.Error, TypeError, ValueError, IndexError) as error:
        raise InputError(f"no posting lists that can be read ({error})", where=str(path), cure="export the bundle again") from error
    return scores


@contextmanager
def open_index(path: Path) -> Iterator[sqlite3.Connection]:
    """The index, read only. A bundle may come from anywhere: tables that are views or computed (without end, say) raise sqlite3.DatabaseError.

    The path goes in as a URI with its # ? % written out; as it stands each of them would open, and leave behind, another file.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        if strange := _strange(connection):
            raise sqlite3.DatabaseError(f"it has {strange}")
        yield connection


def _strange(connection: sqlite3.Connection) -> str:
    """What makes up its rows instead of holding them, or "": a few bytes of file could then be any amount of work or memory."""
    made = "SELECT type || ' ' || quote(name) FROM sqlite_master WHERE type IN ('view', 'trigger') OR (type = 'table' AND rootpage = 0)"
    found = connection.execute(made).fetchone()
    if found:
        return f"a {found[0]}"
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        computed = connection.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden > 1", (name,)).fetchone()
        if computed:
            return f"a computed column, {computed[0]!r}"
    return ""


def read_index(path: Path) -> Index:
    """The index of a bundle. Raises InputError when it is absent or malformed."""
    if not path.exists():
        raise InputError("there is no index", where=str(path), cure="export the bundle again")
    try:
        with open_index(path) as connection:
            query = "SELECT chunk_id, scale, vector, source, page_start, title FROM chunks ORDER BY position"
            rows = connection.execute(query).fetchall()
            width = int(connection.execute("SELECT value FROM meta WHERE key = 'dimension'").fetchone()[0])
        values = np.frombuffer(b"".join(row[2] for row in rows), np.int8).reshape(len(rows), width)
    except (sqlite3.Error, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"not a bundle's index ({error})", where=str(path), cure="export the bundle again") from error
    places = tuple((row[3], row[4], row[5]) for row in rows)
    return Index(tuple(row[0] for row in rows), places, values, np.array([row[1] for row in rows], np.float32))


def read_refs(path: Path, position: int) -> list[int]:
    """The positions of the passages that one refers to; none in an index that was written before they were kept."""
    with open_index(path) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'refs'").fetchone() is None:
            return []
        rows = connection.execute("SELECT target FROM refs WHERE position = ? ORDER BY target", (position,)).fetchall()
    return [int(row[0]) for row in rows]


def read_meta(path: Path) -> dict[str, str]:
    """What the index says about the model and contract that made it."""
    with open_index(path) as connection:
        return dict(connection.execute("SELECT key, value FROM meta").fetchall())
