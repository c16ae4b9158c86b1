"""Asking through the provider's batch service: half the price, and the answers within a day.

The same requests, kept answers, checks and quarantine as ``run.py``, another way there. Each command looks at the batches that are on their
way, keeps what came, and submits what is still missing; while something is on its way nothing is submitted, and the command ends with
``AnswersPending``. So one command submits, and the same command hours or days later collects, sends what failed or came malformed again, and
in the end gives every answer. No call is on its way twice: a batch is in the journal before it is made, and is found again by its name.

The budget is that of the whole job and not of one command, because a job takes several: what a stage's batches cost so far, those on their
way at their worst, and the next one's worst case must fit. What does not fit waits until the bills are known.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from triplette.console import say
from triplette.errors import AnswersPending, ServiceError
from triplette.llm.addresses import host_of, key_cure, key_of, public_address
from triplette.llm.answers import Answer, Message, Request
from triplette.llm.batch_http import ENDPOINT, BatchConnection
from triplette.llm.batch_journal import Batch, Journal, Line
from triplette.llm.batch_lines import collect
from triplette.llm.client import OPENAI_URL, final_cure
from triplette.llm.http import CallFailed
from triplette.llm.prices import Tokens
from triplette.tables import replacing

if TYPE_CHECKING:
    from triplette.llm.client import LlmClient

T = TypeVar("T")
GONE = (404, 410)
ENDED = ("completed", "expired", "cancelled", "failed")
FAILURES_SHOWN = 3
MEGABYTE = 1_000_000
Call = tuple[str, tuple[Message, ...], Request]


async def run_batches(client: LlmClient, requests: Sequence[Request], stage: str) -> list[Answer]:
    """The answers to ``requests``, in order, once every one is there. Closes the client.

    Raises AnswersPending while a batch is on its way, BudgetReached when the next call does not fit, ServiceError as ``run_many``.
    """
    job = _Job(client, stage)
    try:
        return await job.run(requests)
    finally:
        await job.close()
        await client.close()


def refuse_twice(client: LlmClient, requests: Sequence[Request]) -> None:
    """Raise ServiceError where a call that would be made now is on its way in a batch already: it would be paid twice."""
    sent = {line.key for batch in Journal(client.folder).on_their_way() for line in batch.lines}
    if not sent:
        return
    found = [client.look_up(request) for request in requests]
    twice = sum(
        not isinstance(answer, Answer) and client.key(answer, request) in sent for answer, request in zip(found, requests, strict=True)
    )
    if twice:
        raise ServiceError(
            f"{twice} of these requests are on their way in a batch",
            where=client.model,
            cure="collect it: run the same command with --batch; calling now would pay for them twice",
        )


class _Job:
    """One command's work on the batches of a stage."""

    def __init__(self, client: LlmClient, stage: str) -> None:
        settings = client.settings
        key = key_of(settings)
        self.client, self.stage, self.settings = client, stage, settings
        self.url = settings.base_url or OPENAI_URL
        self.address = public_address(self.url)
        if not key and not settings.base_url:
            self._stop(f"no key: the environment variable {settings.key_variable} is not set", key_cure(settings))
        self.journal = Journal(client.folder)
        self.connection = BatchConnection(self.url, key, timeout=settings.timeout)

    async def close(self) -> None:
        await self.connection.close()

    async def run(self, requests: Sequence[Request]) -> list[Answer]:
        end = self.client.clock.now() + 3600 * self.settings.batch_wait
        while True:
            for batch in self._on_their_way():
                await self._visit(batch)
            if not self._on_their_way():
                answers, missing = self._sort(requests)
                if not missing:
                    return answers
                await self._submit(missing)
            if self.client.clock.now() >= end:
                raise self._pending(self._on_their_way())
            await self.client.clock.sleep(self.settings.batch_poll)

    def _on_their_way(self) -> list[Batch]:
        return self.journal.on_their_way(self.stage, self.address, self.client.model)

    def _sort(self, requests: Sequence[Request]) -> tuple[list[Answer], list[Call]]:
        """Every answer that is there or never will be, and the calls that are missing. Raises ServiceError where only failures are left."""
        times, said, refused = self.journal.failures()
        answers, missing, lost = [], {}, []
        for request in requests:
            found = self.client.look_up(request)
            if isinstance(found, Answer):
                answers.append(found)
                continue
            key = self.client.key(found, request)
            if key in refused:
                error = f"refused by the endpoint: {refused[key]}"
                answers.append(Answer(None, "", Tokens(), 0.0, cached=False, error=error, refused=True))
            elif times[key] >= self.settings.attempts:
                lost.append(f"{request.label or 'a request'}: {said[key]} in {times[key]} batches")
            else:
                missing[key] = (key, found, request)  # two requests may ask the same: it is one call
        if lost and not missing:
            shown = "; ".join(sorted(lost)[:FAILURES_SHOWN])
            raise ServiceError(
                f"{len(lost)} of {len(requests)} requests failed: {shown}",
                where=self.client.model,
                cure="run the same command without --batch: it asks for these alone; all other answers are kept",
            )
        return answers, list(missing.values())

    async def _submit(self, missing: Sequence[Call]) -> None:
        """Send what fits the budget, in as few batches as the provider's limits allow."""
        spending = self.client.spending
        dialect = self.journal.dialect(self.address, self.client.model)
        sent = 0
        for lines, worst, texts in self._files(missing, lambda call: dialect.shape(self.client.body(call[1], call[2]))):
            batch = self.journal.add(self.stage, self.address, self.client.model, lines, worst, dialect)
            with replacing(self._input(batch)) as temporary:
                temporary.write_text("".join(texts), encoding="utf-8")
            await self._make(batch, fresh=True)
            sent += len(lines)
        if not sent:
            spending.spent = self.journal.spent(self.stage)
            raise spending.reached(self.client.worst(missing[0][1], missing[0][2]))
        left = f"; {len(missing) - sent} wait for the budget" if sent < len(missing) else ""
        say(f"batch of {sent} requests submitted, at most {sum(batch.worst for batch in self._on_their_way()):.4f} USD held{left}")

    def _files(self, missing: Sequence[Call], shape: Callable[[Call], dict[str, Any]]) -> Iterator[tuple[list[Line], float, list[str]]]:
        """(lines, worst US dollars, texts) of each batch, as much as the budget holds and each within the provider's limits."""
        lines: list[Line] = []
        texts: list[str] = []
        worst, size = 0.0, 0
        budget = self.client.spending.budget
        held = self.journal.spent(self.stage)
        for call in missing:
            key, messages, request = call
            cost = self.client.worst(messages, request)
            if budget is not None and held + cost > budget:
                break
            held += cost
            text = json.dumps({"custom_id": key, "method": "POST", "url": ENDPOINT, "body": shape(call)}, ensure_ascii=False) + "\n"
            text = text.encode("utf-8", "replace").decode()
            length = len(text.encode())
            if lines and (len(lines) >= self.settings.batch_requests or size + length > MEGABYTE * self.settings.batch_mb):
                yield lines, worst, texts
                lines, texts, worst, size = [], [], 0.0, 0
            lines.append(Line(key, request.label, self.client.bytes_of(messages, request)))
            texts.append(text)
            worst, size = worst + cost, size + length
        if lines:
            yield lines, worst, texts

    async def _make(self, batch: Batch, *, fresh: bool = False) -> None:
        """Upload and create a batch of the journal; one that was perhaps created before (not ``fresh``) is found by its name."""
        perhaps = not fresh

        async def create() -> dict[str, Any]:
            nonlocal perhaps
            if perhaps and (found := await self.connection.find(batch.name)):
                return found
            perhaps = True
            return await self.connection.create(batch.file, batch.name)

        if not self._input(batch).exists():  # a command died between the two files: nothing was sent
            self.journal.remove(batch)
            return
        if not batch.file:
            file = await self._insist(lambda: self.connection.upload(self._input(batch)))
            batch = self.journal.change(batch, file=file)
        made = await self._insist(create)
        self.journal.change(batch, id=str(made["id"]), status=str(made.get("status") or "validating"))
        self._input(batch).unlink(missing_ok=True)

    async def _visit(self, batch: Batch) -> None:
        """Look at a batch; once it has ended, keep what it brought."""
        if not batch.id:
            return await self._make(batch)
        said = await self._insist(lambda: self.connection.look(batch.id))
        status = str(said.get("status") or "")[:40]
        if status not in ENDED:
            counts = said.get("request_counts")
            done = f"{counts.get('completed')} of {counts.get('total')} done" if isinstance(counts, dict) else status
            if batch.status != (now := f"{status}, {done}"):
                self.journal.change(batch, status=now)
            return None
        paths, gone = [], False
        for kind in ("output", "error"):
            file, path = said.get(f"{kind}_file_id"), self.journal.path(batch, f".{kind}.jsonl")
            if isinstance(file, str) and file:
                there = await self._fetch(file, path)
                paths += [path] if there else []
                gone = gone or not there
        collected = collect(self.client, batch, paths, key_of(self.settings))
        if status == "failed" and not paths:
            self.journal.change(batch, status=status, collected=True)
            self._stop(
                f"the batch was refused: {_errors(said)}", "mend what it says, then run the same command again: nothing was billed"
            )
        if gone:
            say(
                f"batch {batch.id}: the provider no longer has its answers; what they cost at most counts as spent, and they are asked for again"
            )
            collected["billed"] = batch.worst
        self.journal.change(batch, status=status, collected=True, **collected)
        for path in paths:
            path.unlink(missing_ok=True)
        return None

    async def _fetch(self, file: str, path: Path) -> bool:
        """Download a file; False where the provider has deleted it."""

        async def get() -> bool:
            try:
                await self.connection.download(file, path)
            except CallFailed as failure:
                if failure.status in GONE:
                    return False
                raise
            return True

        return await self._insist(get)

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """What ``call`` gives, again after a growing wait where that may help. Raises ServiceError."""
        for attempt in range(1, self.settings.attempts + 1):
            try:
                return await call()
            except CallFailed as failure:
                if failure.kind in ("final", "refused") or attempt == self.settings.attempts:
                    self._stop(failure.message, final_cure(failure, self.settings) if failure.kind == "final" else LATER)
                await self.client.clock.sleep(
                    max(self.client.pace.delay(attempt), min(failure.retry_after or 0.0, self.settings.patience))
                )
        raise AssertionError("attempts is at least 1")

    def _input(self, batch: Batch) -> Path:
        return self.journal.path(batch, ".input.jsonl")

    def _pending(self, waiting: Sequence[Batch]) -> AnswersPending:
        calls = sum(len(batch.lines) for batch in waiting)
        named = ", ".join(f"{batch.id} ({batch.status})" for batch in waiting[:FAILURES_SHOWN])
        more = f" and {len(waiting) - FAILURES_SHOWN} more" if len(waiting) > FAILURES_SHOWN else ""
        return AnswersPending(
            f"{calls} requests are on their way in {named}{more}",
            where=self.client.model,
            cure="run the same command again later: it collects them, within a day as a rule, and submits nothing twice",
        )

    def _stop(self, message: str, cure: str) -> NoReturn:
        raise ServiceError(message, where=f"{self.client.model} at {host_of(self.url)}", cure=cure)


LATER = "run the same command again: what was submitted is kept and found again"


def _errors(said: dict[str, Any]) -> str:
    """What the provider says of a batch that it refused whole."""
    errors = said.get("errors")
    rows = errors.get("data") if isinstance(errors, dict) else None
    shown = [str(row.get("message") or row.get("code")) for row in rows or [] if isinstance(row, dict)]
    text = "; ".join(dict.fromkeys(shown[:FAILURES_SHOWN])) or "no reason given"
    return "".join(letter if letter.isprintable() else " " for letter in text)[:300]
