"""Where reviewers sit: one interface over Argilla and over a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from curate.review.answers import Answer
from curate.review.rows import ReviewRow

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did: rows ``sent`` anew, ``updated`` (shown differently now), ``unchanged``; ``stale`` ones are not in the run."""

    sent: int
    updated: int
    unchanged: int
    stale: int
    pruned: int
    where: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a desk holds: submitted answers, and (triplet, reviewer) of those discarded."""

    answers: tuple[Answer, ...]
    withdrawn: tuple[tuple[str, str], ...] = ()
    skipped: dict[str, int] = field(default_factory=dict)


class Desk(Protocol):
    """A place where people review rows."""

    def push(self, rows: Sequence[ReviewRow], *, negatives: int, known: frozenset[str], prune: bool, advance: Advance) -> Pushed:
        """Put rows in front of people. Rows that are there are not doubled; ``known`` are the run's triplet ids."""
        ...

    def pull(self) -> Pulled:
        """What people answered so far."""
        ...
