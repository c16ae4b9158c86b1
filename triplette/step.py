"""One step of a run: has it been done, what did it give then, and the ledger line that says so.

Every stage goes the same way through here::

    step = Step(run, "synth.mine", run.fingerprints(INPUTS), as_dict(settings))
    if done := step.done(MineResult):
        return done
    ...
    with run.locked():
        write_records(...)
        return step.record(result, outputs=["triplets.parquet"], counts={"triplets": result.triplets})

A result is a frozen dataclass of plain values, tuples, lists, dictionaries, paths and further dataclasses. The ledger keeps it as JSON and
``done`` reads it back by the types of its fields, so what a command prints when there is nothing to do is what it printed then.
"""

from __future__ import annotations

import dataclasses
import time
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from triplette.rundir import RunDir

R = TypeVar("R")
UNCHANGED = "unchanged"  # the field of a result that says: nothing was done, this is what was done before
SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Step:
    """A stage at work on ``inputs`` (name -> sha256) with ``settings``; its clock runs from the moment it is made."""

    run: RunDir
    stage: str
    inputs: Mapping[str, str]
    settings: Mapping[str, Any]
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Seconds since the step began."""
        return round(time.perf_counter() - self.started, 3)

    def done(self, result: type[R], **now: Any) -> R | None:
        """What the step gave when it last ran on the same inputs, settings and code, its outputs still in place; else None.

        ``now`` are fields that are not remembered but true today: a path, what this command spent.
        """
        last = self.run.current(self.stage, self.inputs, self.settings)
        if last is None or "result" not in last:
            return None
        return restore(result, {**last["result"], **now, UNCHANGED: True})

    def record(
        self,
        result: R,
        *,
        outputs: Iterable[str],
        counts: Mapping[str, Any],
        forget: Iterable[str] = (),
        settings: Mapping[str, Any] | None = None,
        **extra: Any,
    ) -> R:
        """Append the ledger line (call it last, the outputs in place) and return the result with its seconds.

        ``forget`` names fields that ``done`` will be given anew; ``settings`` replaces the step's where the work was cut short;
        ``extra`` are further entries of the line, ``cost`` and ``tokens`` among them.
        """
        kind: Any = result
        if any(f.name == SECONDS and f.type in ("float", float) for f in dataclasses.fields(kind)):
            kind = dataclasses.replace(kind, seconds=self.seconds)
        kept = {name: value for name, value in dataclasses.asdict(kind).items() if name not in {UNCHANGED, *forget}}
        cost, tokens = extra.pop("cost", 0.0), extra.pop("tokens", None)
        self.run.record(
            self.stage,
            inputs=self.inputs,
            outputs=outputs,
            settings=self.settings if settings is None else settings,
            counts=counts,
            seconds=self.seconds,
            cost=cost,
            tokens=tokens,
            extra={"result": _plain(kept), **extra},
        )
        return typing.cast("R", kind)


def restore(cls: type[R], values: Mapping[str, Any]) -> R:
    """A dataclass from the plain values that the ledger kept of it. Raises KeyError or TypeError when they are not its fields'."""
    hints = typing.get_type_hints(cls)
    return cls(**{name: _typed(hints[name], value) for name, value in values.items()})


def _typed(hint: Any, value: Any) -> Any:
    """``value`` as its type says: JSON has lists for tuples, dictionaries for records and texts for paths."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if value is None or hint is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        return _typed(next(one for one in inner if one is not type(None)), value)
    if origin is tuple:
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_typed(kind, item) for kind, item in zip(kinds, value, strict=True))
    if origin is list:
        return [_typed(inner[0], item) for item in value]
    if origin is dict:
        return {key: _typed(inner[1], item) for key, item in value.items()}
    if dataclasses.is_dataclass(hint) and not isinstance(value, typing.cast("Any", hint)):
        return restore(typing.cast("type[Any]", hint), value)
    return Path(value) if hint is Path else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
