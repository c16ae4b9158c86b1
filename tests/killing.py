"""Commands that end in the middle: in a child of their own, by a signal at a chosen moment.

A moment is the n-th audit event of the interpreter (a file opened, renamed or removed, a module loaded, a socket connected), so it is the same on
a slow machine as on a fast one and falls where something is happening. ``writes`` counts only what changes the disk.

The children are forked from a server that has the heavy libraries loaded: a command takes its own time and not that of its imports.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

WRITING = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "shutil.rmtree", "sqlite3.connect"})
LOADED = [  # once, before the first fork: what the stages load where they use it
    *(f"triplette.{stage}.cli" for stage in ("synth", "curate", "train", "export")),
    "pandas", "pyarrow.parquet", "faiss", "sklearn.decomposition", "aiohttp",
]  # fmt: skip
LATE = 900.0  # seconds after which a command that does not end is a failure of its own; a busy machine is slow


@dataclass(slots=True)
class Moment:
    """When to send which signal to oneself: at the ``number``-th event, from 1; of those that write if ``writes``. 0: never.

    ``after`` is an event, such as ``fcntl.flock``, before which nothing counts. ``place`` is a part of a path: only writes there count.
    """

    number: int = 0
    writes: bool = False
    signal: int = signal.SIGKILL
    after: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Events:
    """What a command did undisturbed: its events of all kinds, and the paths of those that write, in their order."""

    all: int
    writes: list[str]

    def at(self, place: str) -> int:
        """How many events write where the path has this part."""
        return sum(place in path for path in self.writes)


class _Counting:
    """The audit hook: counts, and sends the signal when its moment has come."""

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self.all = self.seen = 0
        self.writes: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.moment.after:
            self.moment.after = "" if event == self.moment.after else self.moment.after
            return
        self.all += 1
        wrote = event in WRITING or (event == "open" and _to_write(arguments))
        path = str(arguments[0]) if wrote else ""
        if wrote:
            self.writes.append(path)
        if self.moment.writes and not (wrote and self.moment.place in path):
            return
        self.seen += 1
        if self.seen == self.moment.number:
            self.moment.number = 0
            os.kill(os.getpid(), self.moment.signal)


def _to_write(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0
    return bool(flags & (os.O_WRONLY | os.O_RDWR))


def _play(words: Sequence[str], log: str, moment: Moment, counts: str, limits: Mapping[int, int]) -> None:
    """The child: a command as its console script runs it."""
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.argv = list(words)
    sys.dont_write_bytecode = True
    for name, limit in limits.items():
        resource.setrlimit(name, (limit, limit))
    counting = _Counting(moment)
    main = import_module(f"triplette.{words[0]}.cli").main
    sys.addaudithook(counting)
    try:
        main()
    finally:
        found = json.dumps([counting.all, counting.writes])
        if counts:
            Path(counts).write_text(found)


_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(LOADED)


@contextmanager
def loaded(*names: str) -> Iterator[None]:
    """Have children forked with these libraries loaded too. Not always: some tests limit a child's addresses."""
    server: Any = forkserver._forkserver
    server._stop()  # as CPython's own tests do; the next child starts another
    _CONTEXT.set_forkserver_preload([*LOADED, *names])
    try:
        yield
    finally:
        server._stop()
        _CONTEXT.set_forkserver_preload(LOADED)


def start(
    words: Sequence[str], log: Path, moment: Moment | None = None, counts: Path | None = None, limits: Mapping[int, int] | None = None
) -> BaseProcess:
    """Start a command (``("synth", "chunk", ...)``) in a child; what it says goes to the end of ``log``. ``limits``: by resource."""
    told = (list(words), str(log), moment or Moment(), str(counts or ""), dict(limits or {}))
    child: BaseProcess = _CONTEXT.Process(target=_play, args=told, daemon=True)
    child.start()
    return child


def ended(child: BaseProcess) -> int:
    """The child's exit code, negative for a signal."""
    child.join(LATE)
    if child.exitcode is None:
        child.kill()
        raise AssertionError("a command did not end")
    return child.exitcode


def _state(child: BaseProcess) -> str:
    try:
        return Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + LATE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def stopped(child: BaseProcess) -> None:
    """Wait until the child lies stopped (SIGSTOP)."""
    wait_for(lambda: not child.is_alive() or _state(child) == "T")
    assert child.is_alive(), "a command ended before its moment"


@contextmanager
def halted(words: Sequence[str], log: Path) -> Iterator[BaseProcess]:
    """A command that lies stopped just after it has locked its run. It is killed at the end, if it is still there."""
    child = start(words, log, Moment(1, signal=signal.SIGSTOP, after="fcntl.flock"))
    try:
        stopped(child)
        yield child
    finally:
        child.kill()
        child.join(LATE)


def apart(work: Callable[..., None], *told: object) -> None:
    """Do something in a child that has the heavy libraries loaded, instead of loading them here."""
    child: BaseProcess = _CONTEXT.Process(target=work, args=told, daemon=True)
    child.start()
    assert ended(child) == 0


def counted(words: Sequence[str], log: Path, counts: Path) -> Events:
    """Run a command undisturbed: what it did."""
    code = ended(start(words, log, counts=counts))
    assert code in (0, 1), log.read_text()[-3000:]
    return Events(*json.loads(counts.read_text()))
