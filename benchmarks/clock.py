"""How a side of a comparison measures itself: seconds and processor seconds of the work alone, and one line of JSON that ``bench.py`` reads.

It needs nothing but Python, because a peer runs it in an environment of its own.
"""

from __future__ import annotations

import json
import resource
import time
from typing import Any


class Clock:
    """``with Clock() as clock: ...``, then ``clock.tell(units)``. Imports and data stay outside; children count once they have ended."""

    seconds = cpu = 0.0

    def __enter__(self) -> Clock:
        self._cpu, self._began = _cpu(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.cpu = time.perf_counter() - self._began, _cpu() - self._cpu

    def tell(self, units: float = 1, **found: Any) -> None:
        """Print the figures. ``units``: how much was done (calls, rows), for sides that do not do equally much; ``found``: what came of it."""
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
        print(json.dumps({"seconds": self.seconds, "cpu": self.cpu, "units": units, "peak_mb": round(peak), "found": found}))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
