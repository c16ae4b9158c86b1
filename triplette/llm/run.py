"""Many requests at once, answers in their order.

A few workers share one iterator, so memory holds the requests and the answers and nothing else. When the run must end (budget, a final
error, Ctrl-C, SIGTERM), nothing new is sent, and calls in flight get a moment to arrive: they are paid, so they are kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections import deque
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from triplette.console import Progress, progress
from triplette.errors import BudgetReached, ServiceError, TripletteError
from triplette.llm.batch import refuse_twice, run_batches
from triplette.llm.client import Answer, LlmClient, Request, Unavailable
from triplette.llm.http import MESSAGE_LIMIT

T = TypeVar("T")
DRAIN_SECONDS = 5.0  # that Ctrl-C and SIGTERM wait for calls in flight; a second one does not wait
REFRESH_SECONDS = 0.2  # between two changes of the bar's text
RATE_SECONDS = 10.0  # that the rate looks back
FAILURES_SHOWN = 3


def run_many(client: LlmClient, requests: Sequence[Request], *, title: str = "asking", stage: str = "") -> list[Answer]:
    """The answers to ``requests``, in order, through the batch service where the settings say so. Closes the client.

    Raises BudgetReached, and ServiceError also when some requests failed after all their attempts: the next run asks
    for those alone. In batches, AnswersPending while one is on its way; ``stage`` is whose batches and budget they are.
    """
    if client.settings.batch:
        return run_async(run_batches(client, requests, stage or title))
    refuse_twice(client, requests)
    return run_async(_run_many(client, requests, title))


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine; in a thread of its own where a loop is running already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        try:
            return asyncio.run(_until_terminated(work))
        except asyncio.CancelledError:  # SIGTERM; asyncio itself makes this of Ctrl-C
            raise KeyboardInterrupt from None
    found: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            found.append(asyncio.run(work))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return found[0]


async def _until_terminated(work: Coroutine[Any, Any, T]) -> T:
    """``work``, which SIGTERM cancels as Ctrl-C does. Only the main thread hears signals."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is None or threading.current_thread() is not threading.main_thread():
        return await work
    before = signal.getsignal(signal.SIGTERM)

    def terminate() -> None:
        if callable(before):
            with contextlib.suppress(KeyboardInterrupt):  # the console's own handler notes the signal, then interrupts
                before(signal.SIGTERM, None)
        task.cancel()

    loop.add_signal_handler(signal.SIGTERM, terminate)
    try:
        return await work
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, before)


async def _run_many(client: LlmClient, requests: Sequence[Request], title: str) -> list[Answer]:
    answers: list[Answer | None] = [None] * len(requests)
    unavailable: list[str] = []
    todo = iter(enumerate(requests))
    with progress(title, len(requests)) as bar:
        meter = _Meter(client, bar, title, len(requests))
        workers = [
            asyncio.create_task(_work(client, todo, answers, unavailable, meter))
            for _ in range(min(client.settings.concurrency, len(requests)))
        ]
        try:
            if workers:
                await _finish(client, workers)
        finally:
            await client.close()
    _check(client)
    if unavailable:
        shown = "; ".join(sorted(unavailable)[:FAILURES_SHOWN])
        raise ServiceError(
            f"{len(unavailable)} of {len(requests)} requests failed: {shown}",
            where=client.model,
            cure="run the same command again: it asks for these alone, the answers to all the others are kept",
        )
    return [answer for answer in answers if answer is not None]


def _check(client: LlmClient) -> None:
    if client.stopped is not None:
        raise client.stopped


async def _work(
    client: LlmClient,
    todo: Iterator[tuple[int, Request]],
    answers: list[Answer | None],
    unavailable: list[str],
    meter: _Meter,
) -> None:
    for index, request in todo:
        if client.stopped is not None:
            return
        try:
            answers[index] = await client.answer(request)
        except Unavailable as failure:
            unavailable.append(str(failure))
        except (ServiceError, BudgetReached):  # the run is over, and client.stopped says why
            return
        except (TripletteError, OSError, MemoryError):  # of the machine, not of this request
            raise
        except Exception as error:  # an answer that nobody foresaw must not cost the others that are in flight
            unavailable.append(f"{request.label or 'a request'}: {type(error).__name__}: {error}"[:MESSAGE_LIMIT])
        meter.advance(answers[index])


async def _finish(client: LlmClient, workers: Sequence[asyncio.Task[None]]) -> None:
    """Wait for the workers; when one breaks or the user interrupts, end the others without losing what is on its way."""
    try:
        done, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        for worker in done:
            worker.result()
    except BaseException as error:  # asyncio.wait, unlike gather, leaves the workers running
        client.stop(ServiceError("interrupted" if isinstance(error, asyncio.CancelledError) else str(error)))
        await asyncio.wait(workers, timeout=DRAIN_SECONDS)
        raise
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


class _Meter:
    """The bar's text: the rate of late, money spent, and what the whole will cost if it goes on like this."""

    def __init__(self, client: LlmClient, bar: Progress, title: str, total: int) -> None:
        self._client, self._bar, self._title, self._total = client, bar, title, total
        self._marks: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])  # (when, calls by then) of the last seconds
        self._done = 0
        self._cost = 0.0

    def advance(self, answer: Answer | None) -> None:
        self._done += 1
        self._cost += answer.cost if answer else 0.0
        self._bar.advance()
        now = time.monotonic()
        if now - self._marks[-1][0] >= REFRESH_SECONDS:
            self._bar.describe(self.text(now))

    def text(self, now: float) -> str:
        """What the bar says at ``now``."""
        spending = self._client.spending
        self._marks.append((now, spending.calls))
        while len(self._marks) > 2 and now - self._marks[0][0] > RATE_SECONDS:
            self._marks.popleft()
        since, before = self._marks[0]
        text = f"{self._title}  {(spending.calls - before) / (now - since):.1f} calls/s"
        if self._client.price.known:
            limit = "" if spending.budget is None else f" of {spending.budget:.2f}"
            text += f"  {spending.spent:.4f}{limit} USD spent, about {self._cost / self._done * self._total:.2f} in all"
        return text
