"""The batches of a run, on disk: what was sent, under which name, what became of it.

A batch is one file of ``llm/batches/``, written before the batch is made and renamed into place at every change. Whatever moment a command dies
at, the next one finds in it what may be on its way: a batch without the provider's id was perhaps made, and is looked for by its name.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.hashing import hash_value
from triplette.llm.dialect import Dialect
from triplette.tables import write_text

FOLDER = "batches"
NAME_LENGTH = 24  # hex digits


@dataclass(frozen=True, slots=True)
class Line:
    """One call of a batch: the key of its answer, what it is about, the bytes that bound its input tokens."""

    key: str
    label: str
    sent: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. ``worst`` US dollars are held until it is ``collected``; then ``billed`` is what it cost.

    ``file`` and ``id`` are the provider's, empty until known; ``status`` is its last word. ``failed`` maps keys to what the provider said of calls that
    gave no answer, ``refused`` those that it will never answer. ``dialect`` is the form that the calls were sent in, ``learned`` what to send next.
    """

    name: str
    stage: str
    address: str
    model: str
    lines: tuple[Line, ...]
    worst: float
    dialect: Dialect
    file: str = ""
    id: str = ""
    status: str = ""
    collected: bool = False
    billed: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    learned: Dialect | None = None


class Journal:
    """The batches of one folder of answers, oldest first."""

    def __init__(self, answers: Path) -> None:
        self.folder = answers / FOLDER
        names = sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []
        self.batches = [_read(path) for path in names]

    def path(self, batch: Batch, suffix: str = ".json") -> Path:
        """A file of this batch."""
        return self.folder / f"{batch.name}{suffix}"

    def add(self, stage: str, address: str, model: str, lines: Sequence[Line], worst: float, dialect: Dialect) -> Batch:
        """A new batch, on disk before anything of it is sent. Its name sorts after those before it and is no other run's."""
        number = len(self.batches) + 1
        unique = hash_value([str(self.folder.resolve()), number, [line.key for line in lines]])[:NAME_LENGTH]
        batch = Batch(f"{number:05d}-{unique}", stage, address, model, tuple(lines), worst, dialect)
        self.batches.append(batch)
        self._write(batch)
        return batch

    def change(self, batch: Batch, **changes: Any) -> Batch:
        """The batch with ``changes``, on disk."""
        changed = replace(batch, **changes)
        self.batches[[one.name for one in self.batches].index(batch.name)] = changed
        self._write(changed)
        return changed

    def remove(self, batch: Batch) -> None:
        """Forget a batch that was never made."""
        self.batches = [one for one in self.batches if one.name != batch.name]
        self.path(batch).unlink(missing_ok=True)

    def on_their_way(self, *kind: str) -> list[Batch]:
        """The batches that were not collected: all, or those of one (stage, address, model)."""
        return [one for one in self.batches if not one.collected and (not kind or kind == (one.stage, one.address, one.model))]

    def spent(self, stage: str) -> float:
        """US dollars that the batches of ``stage`` have cost, those that did not come back at their worst."""
        return sum(batch.billed if batch.collected else batch.worst for batch in self.batches if batch.stage == stage)

    def failures(self) -> tuple[Counter[str], dict[str, str], dict[str, str]]:
        """(how often each call failed, what was said of it last, what was said of those that are refused for good)."""
        times: Counter[str] = Counter()
        said: dict[str, str] = {}
        refused: dict[str, str] = {}
        for batch in self.batches:
            times.update(batch.failed.keys())
            said.update(batch.failed)
            refused.update(batch.refused)
        return times, said, refused

    def dialect(self, address: str, model: str) -> Dialect:
        """What is known of how this model there wants to be asked."""
        same = [batch for batch in self.batches if (batch.address, batch.model) == (address, model)]
        return next((batch.learned or batch.dialect for batch in reversed(same)), Dialect.of(model))

    def _write(self, batch: Batch) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        content = asdict(batch) | {"lines": [[line.key, line.label, line.sent] for line in batch.lines]}
        write_text(self.path(batch), json.dumps(content, ensure_ascii=False, sort_keys=True))


def _read(path: Path) -> Batch:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        learned = content["learned"]
        return Batch(
            **content
            | {
                "lines": tuple(Line(*line) for line in content["lines"]),
                "dialect": Dialect(**content["dialect"]),
                "learned": Dialect(**learned) if learned else None,
            }
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"the record of a batch cannot be read ({type(error).__name__})",
            where=str(path),
            cure="restore it; only if it is lost for good, delete it: what its batch answers will then be paid again",
        ) from None
