"""Blocks of a stage that runs on other machines, kept as they come back: a command that was killed goes on with those it had not got.

They lie in the run directory until the stage's tables are written. Where the work runs in this process nothing is kept: a small run is over
before it would pay. Mining keeps its own, on either engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any, Protocol, TypeVar

from triplette.console import say
from triplette.engine import Engine
from triplette.errors import InputError
from triplette.hashing import code_version, hash_value
from triplette.step import Step
from triplette.tables import read_records, write_records

T = TypeVar("T")
A_FOLDER = 1000  # blocks: a folder of all blocks of a large run would be slow to list


class Codec(Protocol[T]):
    """How a block's result becomes files beginning with ``stem`` and comes back; ``load`` gives None where there is none."""

    def save(self, stem: Path, result: T) -> None:
        """Write the result, the file that ``load`` looks for last."""

    def load(self, stem: Path) -> T | None:
        """The result. Raises OSError, ValueError, TypeError, KeyError or InputError where it is damaged."""


@dataclass(frozen=True, slots=True)
class Tables:
    """A result of several lists of records, one Parquet file each."""

    kinds: tuple[type[Any], ...]

    def save(self, stem: Path, result: Sequence[Sequence[Any]]) -> None:
        """Write the last list first, so that the first one's file says that all are there."""
        for number, (kind, records) in reversed(list(enumerate(zip(self.kinds, result, strict=True)))):
            write_records(self._file(stem, number), records, kind)

    def load(self, stem: Path) -> tuple[list[Any], ...] | None:
        """The lists, or None."""
        if not self._file(stem, 0).exists():
            return None
        return tuple(read_records(self._file(stem, number), kind) for number, kind in enumerate(self.kinds))

    def _file(self, stem: Path, number: int) -> Path:
        return stem.with_name(f"{stem.name}-{number}.parquet")


@dataclass(frozen=True, slots=True)
class KeptBlocks:
    """Where a step's blocks lie. The folder's name says on what inputs, settings and code they were made."""

    parent: Path
    name: str

    @classmethod
    def of(cls, step: Step) -> KeptBlocks:
        """Those of a step."""
        stage = step.stage.replace(".", "-")
        key = hash_value([dict(step.inputs), dict(step.settings), code_version(step.stage.split(".")[0])])[:16]
        return cls(step.run.path("cache"), f"blocks-{stage}-{key}")

    def run(
        self, engine: Engine, work: Callable[..., T], blocks: Sequence[tuple[Any, ...]], codec: Codec[T], *, shared: Sequence[Any] = ()
    ) -> Iterator[T]:
        """As ``Engine.run``; on an engine that spreads, blocks that an earlier command got are read and those that come are kept."""
        if not engine.spread:
            yield from engine.run(work, blocks, shared=shared)
            return
        stems = [self.parent / self.name / f"{place // A_FOLDER:06d}" / f"{place % A_FOLDER:03d}" for place in range(len(blocks))]
        found = {place: result for place, stem in enumerate(stems) if (result := _loaded(codec, stem)) is not None}
        coming = engine.run(work, [block for place, block in enumerate(blocks) if place not in found], shared=shared)
        for place, stem in enumerate(stems):
            if place in found:
                yield found.pop(place)
                continue
            result = next(coming)
            codec.save(stem, result)
            yield result

    def forget(self) -> None:
        """Remove the stage's blocks, those of commands that were never taken up again too. Call it when its tables are written."""
        for folder in self.parent.glob(f"{self.name.rsplit('-', 1)[0]}-*"):
            rmtree(folder, ignore_errors=True)


def _loaded(codec: Codec[T], stem: Path) -> T | None:
    try:
        return codec.load(stem)
    except (OSError, ValueError, TypeError, KeyError, InputError) as error:
        say(f"note: the kept block {stem} is damaged ({error}); it is made again")
        return None
