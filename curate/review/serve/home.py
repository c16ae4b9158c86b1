"""Where an embedded server keeps its data, and the secrets that it generates once.

RUN/argilla/  argilla.db  credentials.json (0600)  server.json while it runs  server.log
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.rundir import RunDir
from triplette.tables import replacing

OWNER = "triplette"
_NAME = re.compile(r"[a-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Account:
    """A login of the embedded server. ``role`` is ``owner`` or ``annotator``."""

    username: str
    password: str
    api_key: str
    role: str


@dataclass(frozen=True, slots=True)
class Home:
    """The directory of a run's embedded server."""

    root: Path

    @classmethod
    def of(cls, run: RunDir) -> Home:
        """The embedded server's home in a run directory."""
        return cls(run.path("argilla"))

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "argilla.db"

    @property
    def log(self) -> Path:
        """What the server printed, newest run only."""
        return self.root / "server.log"

    def exists(self) -> bool:
        """Whether a server was ever started here."""
        return (self.root / "credentials.json").exists()

    def accounts(self) -> list[Account]:
        """Every generated account, the owner first. Raises InputError when the file cannot be read."""
        stored = self._read()["accounts"]
        return [Account(name, item["password"], item["api_key"], item["role"]) for name, item in stored.items()]

    def owner(self) -> Account:
        """The account that push and pull use."""
        return next(account for account in self.accounts() if account.role == "owner")

    def prepare(self, workspace: str, reviewers: Sequence[str] = ()) -> list[Account]:
        """Create the home, the secrets that are missing and an account for each reviewer; all accounts, the owner first."""
        for name in reviewers:
            if not _NAME.fullmatch(name) or name == OWNER:
                raise InputError(
                    "not a reviewer's name",
                    where=repr(name),
                    cure=f"use 1 to 40 of a-z, 0-9, - and _; not {OWNER!r}",
                )
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        held: dict[str, Any] = self._read() if self.exists() else {"secret_key": secrets.token_hex(32), "accounts": {}}
        held["workspace"] = workspace
        for name, role in ((OWNER, "owner"), *((name, "annotator") for name in reviewers)):
            if name not in held["accounts"]:
                held["accounts"][name] = {
                    "role": role,
                    "password": secrets.token_urlsafe(12),
                    "api_key": secrets.token_urlsafe(32),
                }
        write_private(self.root / "credentials.json", held)
        return self.accounts()

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Hold this home for one server; False in the block when another holds it. The system frees it with its process."""
        with (self.root / ".lock").open("w") as lock:
            deadline = time.monotonic() + 1.0  # ``running`` holds it for an instant
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() < deadline:
                        time.sleep(0.05)
                        continue
                    yield False
                    return
                break
            yield True

    def running(self) -> str:
        """The address of the server that runs here, or "". What a killed server noted does not count: nobody holds the lock."""
        try:
            note = json.loads((self.root / "server.json").read_text(encoding="utf-8"))
            with (self.root / ".lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return str(note.get("url", "")) if isinstance(note, dict) else ""
        except (OSError, ValueError, RecursionError):
            return ""
        return ""

    def note_running(self, url: str, pid: int) -> None:
        """Say where the server is, for push, pull and status."""
        write_private(self.root / "server.json", {"url": url, "pid": pid})

    def note_stopped(self) -> None:
        """The server is gone."""
        (self.root / "server.json").unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        path = self.root / "credentials.json"
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            held["secret_key"], held["accounts"][OWNER]["api_key"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(
                f"not the credentials of an embedded server ({error!r})",
                where=str(path),
                cure=f"restore it, or start afresh: move {self.root} away and run `curate review serve` again",
            ) from None
        return dict(held)


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that only its owner can read, aside and renamed; it is private before it has any content."""
    with replacing(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(content, stream, ensure_ascii=False, indent=2)
            stream.write("\n")
