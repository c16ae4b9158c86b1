"""Answers that were paid for, on disk, keyed by what was asked.

One SQLite file in write-ahead mode: an answer is committed before anybody sees it, so killing the process (even with
``kill -9``) loses only calls in flight. We do not wait for the disk at each commit (``synchronous=NORMAL``): after a power
cut the last answers may be gone, but the file is whole. One file instead of one a call keeps 100,000 answers
copyable, and a commit costs about 0.05 ms where an fsync would cost 1 to 10.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from triplette.errors import InputError

FILE_NAME = "answers.sqlite"
UNREADABLE = "unreadable"  # the finish of an answer that could not be read; its content says why
DAMAGED = "its row in the file of paid answers is damaged"
SAMPLE = 1000  # newest answers that estimates of time and length are taken from
_COLUMNS = "content, finish, tokens_in, tokens_out, seconds, rate"


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer as it came: its text, why it ended, billed tokens, seconds that the call took (0: not a call of its own), share of the price."""

    content: str
    finish: str
    tokens_in: int
    tokens_out: int
    seconds: float
    rate: float = 1.0


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _stored(row: tuple[object, ...]) -> Stored:
    """A row as an answer. One of wrong types was paid for all the same: it is an unreadable answer, not one to be asked again."""
    content, finish, tokens_in, tokens_out, seconds, share = row
    read, written = (value if isinstance(value, int) and value >= 0 else 0 for value in (tokens_in, tokens_out))
    took = float(seconds) if isinstance(seconds, (int, float)) else 0.0
    rate = float(share) if isinstance(share, (int, float)) else 1.0
    if not isinstance(content, str) or not isinstance(finish, str):
        return Stored(DAMAGED, UNREADABLE, read, written, took, rate)
    return Stored(content, finish, read, written, took, rate)


class AnswerCache:
    """The paid answers of a folder. Opened at the first use; ``get`` never creates a file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._connection: sqlite3.Connection | None = None

    def get(self, key: str) -> Stored | None:
        """The answer stored under ``key``, or None."""
        if self._connection is None and not self.path.exists():
            return None
        with self._reporting():
            row = self._open().execute(f"SELECT {_COLUMNS} FROM answers WHERE key = ?", (key,)).fetchone()
        return _stored(row) if row else None

    def put(self, key: str, label: str, model: str, answer: Stored) -> None:
        """Store an answer, at once and for good. ``label`` says what it is about, such as a chunk's id."""
        values = (key, label, model, answer.content, answer.finish, answer.tokens_in, answer.tokens_out, answer.seconds, answer.rate)
        with self._reporting():
            connection = self._open()
            with connection:
                connection.execute(
                    f"INSERT OR REPLACE INTO answers (key, label, model, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values
                )

    def __len__(self) -> int:
        """The number of answers."""
        if self._connection is None and not self.path.exists():
            return 0
        with self._reporting():
            return int(self._open().execute("SELECT count(*) FROM answers").fetchone()[0])

    def typical(self, model: str) -> tuple[float | None, float] | None:
        """(median seconds, mean output tokens) of a call to ``model``, or None with fewer than 20 answers to go by.

        The seconds are None where every answer came in a batch.
        """
        if self._connection is None and not self.path.exists():
            return None
        newest = (
            "SELECT seconds, tokens_out FROM answers WHERE model = ? AND finish != ? AND typeof(tokens_out) = 'integer' "
            "AND typeof(seconds) IN ('real', 'integer') ORDER BY rowid DESC LIMIT ?"
        )
        with self._reporting():
            found = self._open().execute(newest, (model, UNREADABLE, SAMPLE)).fetchall()
        if len(found) < 20:
            return None
        waited = [row[0] for row in found if row[0] > 0]
        return median(waited) if waited else None, sum(row[1] for row in found) / len(found)

    def close(self) -> None:
        """Close the file, folding the write-ahead log into it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=30, check_same_thread=False)
            connection.text_factory = _text
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, label TEXT NOT NULL, model TEXT NOT NULL, "
                "content TEXT NOT NULL, finish TEXT NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, "
                "seconds REAL NOT NULL, rate REAL NOT NULL DEFAULT 1.0)"
            )
            if all(column[1] != "rate" for column in connection.execute("PRAGMA table_info(answers)")):  # of a time before batches
                connection.execute("ALTER TABLE answers ADD COLUMN rate REAL NOT NULL DEFAULT 1.0")
            self._connection = connection
        return self._connection

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise InputError(
                f"the file of paid answers cannot be used: {error}",
                where=str(self.path),
                cure="free disk space or restore the file; only if it is lost for good, delete it: its answers will be paid for again",
            ) from error
