"""Where reviewers sit: one interface over Argilla, Label Studio's files and a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from triplette.curate.review.answers import Answer
from triplette.curate.review.rows import ReviewRow

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
    """What a desk holds.

    ``answers`` are the submitted ones; ``withdrawn`` (triplet, reviewer, desk) of those that are drafts or discarded by now;
    ``skipped`` counts what is no answer; ``marks`` is what the next pull is given as ``since``; ``unchanged``: nothing happened since.
    """

    answers: tuple[Answer, ...] = ()
    withdrawn: tuple[tuple[str, str, str], ...] = ()
    skipped: dict[str, int] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    unchanged: bool = False


class Desk(Protocol):
    """A place where people review rows."""

    def push(self, rows: Sequence[ReviewRow], *, negatives: int, known: frozenset[str], prune: bool, advance: Advance) -> Pushed:
        """Put rows in front of people. Rows that are there are not doubled; ``known`` are the run's triplet ids."""
        ...

    def pull(self, since: Mapping[str, str]) -> Pulled:
        """What people answered so far; ``since`` are the marks of the pull before, {} to read everything."""
        ...
