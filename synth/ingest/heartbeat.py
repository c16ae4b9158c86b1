"""A reader's sign of life: one a page, so that who waits can tell a long document from one that never ends."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

READING, CHECKING = "reading", "checking"
listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


def beat(stage: str = READING) -> None:
    """Say that work goes on at ``stage``; nothing happens where nobody listens."""
    heard = listener.get()
    if heard is not None:
        heard(stage)
