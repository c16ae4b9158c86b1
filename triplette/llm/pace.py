"""How fast an endpoint may be asked: a limit of calls in flight that gives way when the endpoint says so.

Additive increase, multiplicative decrease, as TCP does it: a 429 halves the limit and closes the door for everybody until its
Retry-After has passed; each full round of successes lets one more call in. Time is injected, so tests need not wait.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from datetime import UTC, date, datetime
from typing import Protocol

BACKOFF_LIMIT = 60.0  # seconds between two attempts at most, unless the endpoint asks for more
SLICE = 1.0  # seconds that a wait sleeps at a time, so that the end of the run is noticed


class Clock(Protocol):
    """The time in seconds, the day, and a way to wait."""

    def now(self) -> float:
        """Seconds from an arbitrary start."""
        ...

    def today(self) -> date:
        """The day, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds from an arbitrary start."""
        return time.monotonic()

    def today(self) -> date:
        """The day, in UTC."""
        return datetime.now(UTC).date()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Pace:
    """At most ``limit`` calls in flight, fewer after a 429, none before the time that the endpoint named."""

    def __init__(self, limit: int, clock: Clock, *, seed: int, backoff: float) -> None:
        self.limit = limit
        self.allowed = float(limit)
        self._clock = clock
        self._random = random.Random(seed)
        self._backoff = backoff
        self._active = 0
        self._closed_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._stopped = False

    async def enter(self) -> None:
        """Wait for a place and for the door to open; once stopped, not at all."""
        while True:
            wait = self._closed_until - self._clock.now()
            if wait > 0 and not self._stopped:
                await self.rest(wait)
            elif self._stopped or self._active < int(self.allowed):
                self._active += 1
                return
            else:
                place = asyncio.get_running_loop().create_future()
                self._waiting.append(place)
                await place

    def leave(self, *, succeeded: bool) -> None:
        """Give the place back; a success lets the limit grow again."""
        self._active -= 1
        if succeeded and self.allowed < self.limit:
            self.allowed = min(float(self.limit), self.allowed + 1.0 / self.allowed)
        self._wake(int(self.allowed) - self._active)

    async def rest(self, seconds: float) -> None:
        """Wait so long, or until stopped."""
        end = self._clock.now() + seconds
        while not self._stopped and (left := end - self._clock.now()) > 0:
            await self._clock.sleep(min(left, SLICE))

    def stop(self) -> None:
        """Let everybody through at once: the run is over, and each caller checks that."""
        self._stopped = True
        self._wake(len(self._waiting))

    def slow_down(self, seconds: float) -> None:
        """Close the door for ``seconds`` and halve the limit, once for all the calls that were refused together."""
        now = self._clock.now()
        if now >= self._closed_until:
            self.allowed = max(1.0, self.allowed / 2)
        self._closed_until = max(self._closed_until, now + seconds)

    def delay(self, attempt: int) -> float:
        """Seconds before attempt ``attempt`` + 1: doubled each time, half of it drawn at random."""
        full = min(BACKOFF_LIMIT, self._backoff * 2.0 ** (attempt - 1))
        return full * (0.5 + 0.5 * self._random.random())

    def _wake(self, places: int) -> None:
        while places > 0 and self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                places -= 1
