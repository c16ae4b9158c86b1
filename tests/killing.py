"""Commands that end in the middle: in a child of their own, by a signal at a chosen moment.

A moment is the n-th audit event of the interpreter (a file opened, renamed or removed, a module loaded, a socket connected), so it is the same on
a slow machine as on a fast one and falls where something is happening. ``writes`` counts only what changes the disk.

The children are forked from a server that has the heavy libraries loaded: a command takes its own time and not that of its imports.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

WRITING = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "shutil.rmtree", "sqlite3.connect"})
LOADED = [
    "triplette.synth.cli",
    "triplette.curate.cli",
    "triplette.train.cli",
    "triplette.export.cli",
    "sklearn.decomposition",
    "pandas",
    "pyarrow.parquet",
]
LATE = 120.0  # seconds after which a command that does not end is a failure of its own


@dataclass(slots=True)
class Moment:
    """When to send which signal to oneself: at the ``number``-th event, from 1; of those that write if ``writes``. 0: never."""

    number: int = 0
    writes: bool = False
    signal: int = signal.SIGKILL


class _Counting:
    """The audit hook: counts, and sends the signal when its moment has come."""

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self.all = self.writes = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        self.all += 1
        wrote = event in WRITING or (event == "open" and _to_write(arguments))
        self.writes += wrote
        seen = self.writes if self.moment.writes else self.all
        if seen == self.moment.number and (wrote or not self.moment.writes):
            self.moment.number = 0
            os.kill(os.getpid(), self.moment.signal)


def _to_write(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0
    return bool(flags & (os.O_WRONLY | os.O_RDWR))


def _play(words: Sequence[str], log: str, moment: Moment, counts: str, memory: int) -> None:
    """The child: a command as its console script runs it."""
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.argv = list(words)
    sys.dont_write_bytecode = True
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    counting = _Counting(moment)
    main = import_module(f"triplette.{words[0]}.cli").main
    sys.addaudithook(counting)
    try:
        main()
    finally:
        every, writes = counting.all, counting.writes
        if counts:
            Path(counts).write_text(f"{every} {writes}")


_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(LOADED)


def start(words: Sequence[str], log: Path, moment: Moment | None = None, counts: Path | None = None, memory: int = 0) -> BaseProcess:
    """Start a command (``("synth", "chunk", ...)``) in a child; what it says goes to the end of ``log``. ``memory``: its limit in bytes."""
    told = (list(words), str(log), moment or Moment(), str(counts or ""), memory)
    child: BaseProcess = _CONTEXT.Process(target=_play, args=told)
    child.start()
    return child


def ended(child: BaseProcess) -> int:
    """The child's exit code, negative for a signal."""
    child.join(LATE)
    if child.exitcode is None:
        child.kill()
        raise AssertionError("a command did not end")
    return child.exitcode


def counted(words: Sequence[str], log: Path, counts: Path) -> tuple[int, int]:
    """Run a command undisturbed: how many events it has, and how many of them write."""
    code = ended(start(words, log, counts=counts))
    assert code in (0, 1), log.read_text()[-3000:]
    every, writes = counts.read_text().split()
    return int(every), int(writes)


def is_locked(run: Path) -> bool:
    """Whether a command holds the run directory."""
    if not (run / ".lock").exists():
        return False
    with (run / ".lock").open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
