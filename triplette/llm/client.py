"""Asking a language model many things: paid once, within the budget, and never guessed at.

``LlmClient`` asks any endpoint that speaks OpenAI's chat completions. Each answer is kept on disk under a hash of everything that was
asked (messages, schema, model, parameters), so a stage that is killed and run again pays only for what is missing. An answer
that does not have the asked form is sent back once with the error; after that the caller gets None and the error, and quarantines.

An answer that cannot be read at all (too long, too deep, without an answer in it) is asked for twice and then kept as unreadable: it was
perhaps billed, and asking again at every run would pay for it again.

What ends a run: a wrong key, an exhausted account or a bad address (ServiceError), too many failures in a row (ServiceError), the
budget (BudgetReached). Each leaves every paid answer in place. A call that fails after all its attempts lets the others go on, and is a
ServiceError at the end: failed calls are asked again by the next run, never written off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from triplette.errors import BudgetReached, ServiceError, TripletteError
from triplette.hashing import hash_value
from triplette.llm.addresses import host_of, key_cure, key_of, model_name
from triplette.llm.answers import Answer, Message, Quote, Request
from triplette.llm.cache import UNREADABLE, AnswerCache, Stored
from triplette.llm.dialect import Dialect, FormKept
from triplette.llm.forms import read_answer, response_format, schema_text
from triplette.llm.http import MESSAGE_LIMIT, CallFailed, ChatConnection
from triplette.llm.pace import Clock, Pace, SystemClock
from triplette.llm.prices import Price, Spending, Tokens, believed, need_price, price_of
from triplette.settings.llm import LlmSettings
from triplette.tokens import EstimatedTokens

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Answer", "LlmClient", "Message", "Quote", "Request", "Unavailable", "quote"]
OPENAI_URL = "https://api.openai.com/v1"
BATCH_WINDOW = 86400.0  # seconds within which the provider ends a batch
ASSUMED_SECONDS = 4.0  # a call's time in a quote, until 20 answers of the model have been seen
ODD_LIMIT = 2  # times that an answer which cannot be read is asked for: the first may be an accident
RETRY_FLOOR = 1.0  # seconds: a shorter Retry-After does not replace our own growing delay
BUSY_LIMIT = 200  # times that one call is sent to an endpoint that says 429
UNREACHABLE_LIMIT = 3  # refused connections before the first contact: then the address or the network is wrong
REPEATED_LIMIT = 4000  # characters of a malformed answer that are sent back with the error
OVERHEAD_BYTES = 64  # of request around the messages and the schema, for the worst case


class Unavailable(Exception):
    """One request could not be answered after all its attempts; the others may go on."""


def quote(settings: LlmSettings, cache_dir: Path, requests: Sequence[Request]) -> Quote:
    """Calls, tokens, US dollars and seconds that ``requests`` would take, the cached ones apart. Needs no key, makes no call."""
    client = LlmClient(settings, cache_dir)
    try:
        return client.quote(requests)
    finally:
        client.cache.close()


class LlmClient:
    """A model behind an endpoint, with cache, pace and budget. Use it in ``async with``, or through ``run_many``.

    ``budget`` is in US dollars for what this client spends; None is no limit. ``clock`` is injected by tests.
    Raises SettingError for a bad model, address or price.
    """

    def __init__(self, settings: LlmSettings, cache_dir: Path, budget: float | None = None, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.model = model_name(settings)
        self.clock = clock or SystemClock()
        self.price: Price = price_of(settings, self.model, self.clock.today())
        need_price(self.price, self.model, budget)
        self.cache = AnswerCache(cache_dir)
        self.spending = Spending(budget)
        self.folder = cache_dir
        self.rate = settings.batch_rate if settings.batch else 1.0  # of the price
        self.collected: set[str] = set()  # keys of answers that a batch brought now
        self.pace = Pace(settings.concurrency, self.clock, seed=settings.seed, backoff=settings.backoff)
        self._connection: ChatConnection | None = None
        self._create: Any = None  # the connection's own call, or the same through LlamaIndex
        self._dialect = Dialect.of(self.model)
        self._form = FormKept()
        self._failures = 0  # in a row, over all calls
        self._reached = False  # the endpoint has answered anything at all
        self.stopped: TripletteError | None = None

    async def __aenter__(self) -> LlmClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close connections and cache."""
        if self._connection is not None:
            self._dialect = self._connection.dialect or self._dialect
            await self._connection.close()
            self._connection = self._create = None
        self.cache.close()

    def open(self) -> None:
        """Load the libraries and read the key now, which takes a second or two, instead of at the first call."""
        import aiohttp  # noqa: F401

        self._open()

    async def ask(self, messages: Sequence[Message], form: type[BaseModel], label: str = "") -> Answer:
        """The answer to ``messages`` as an instance of ``form``.

        Raises ServiceError, BudgetReached, or Unavailable when this request alone failed after all its attempts.
        """
        return await self.answer(Request(tuple(messages), form, label))

    async def answer(self, request: Request) -> Answer:
        """As ``ask``. A malformed answer is asked once more with the error."""
        try:
            first = await self._complete(request.messages, request)
            value, error, refused = _read(first.stored, request)
            self._form.count(first.stored.content, fresh=first.fresh and not refused and first.stored.finish != UNREADABLE)
            if value is not None or refused or first.stored.finish == UNREADABLE:
                return self._answered([first], value, error, refused=refused)
            second = await self._complete(_again(request, first.stored, error), request)
        except CallFailed as failure:  # this request alone is refused
            return Answer(None, "", Tokens(), 0.0, cached=False, error=f"refused by the endpoint: {failure.message}", refused=True)
        value, error, refused = _read(second.stored, request)
        return self._answered([first, second], value, error, refused=refused)

    def _answered(self, calls: Sequence[_Call], value: BaseModel | None, error: str, *, refused: bool) -> Answer:
        stored = [call.stored for call in calls]
        tokens = Tokens(sum(part.tokens_in for part in stored), sum(part.tokens_out for part in stored))
        cached = not any(call.fresh for call in calls)
        cost = sum(self.price.of(Tokens(part.tokens_in, part.tokens_out)) * part.rate for part in stored)
        return Answer(value, stored[-1].content, tokens, cost, cached, error, refused)

    def quote(self, requests: Sequence[Request]) -> Quote:
        """See the function ``quote``."""
        missing = [request for request in requests if self.paid(request) is None]
        seconds, length = self.cache.typical(self.model) or (None, None)
        seconds = seconds or ASSUMED_SECONDS
        texts = ["\n".join([*(m["content"] for m in r.messages), schema_text(r.form)]) for r in missing]
        estimate = Tokens(sum(EstimatedTokens().count(texts)), sum(int(length or r.expected_tokens) for r in missing))
        worst = 2 * sum(self.worst(request.messages, request) for request in missing)
        return Quote(
            calls=len(missing),
            cached=len(requests) - len(missing),
            tokens_in=estimate.input,
            tokens_out=estimate.output,
            cost=round(self.price.of(estimate) * self.rate, 6) if self.price.known else None,
            cost_at_most=round(worst, 6) if self.price.known else None,
            seconds=round(-(-len(missing) // self.settings.concurrency) * seconds, 1) if not self.settings.batch else BATCH_WINDOW,
            model=self.model,
            prices=self.price.of_list.dated(self.clock.today()) if self.price.of_list else "",
            batch=self.settings.batch,
        )

    def paid(self, request: Request) -> Answer | None:
        """The answer to ``request`` if every call behind it was paid before, else None. Makes no call."""
        found = self.look_up(request)
        return found if isinstance(found, Answer) else None

    def look_up(self, request: Request) -> Answer | tuple[Message, ...]:
        """The answer to ``request`` where it is paid, else the messages of the next call on the way to it. Makes no call."""
        calls: list[_Call] = []
        messages = request.messages
        while True:
            key = self.key(messages, request)
            stored = self.cache.get(key)
            if stored is None:
                return messages
            calls.append(_Call(stored, fresh=key in self.collected))
            value, error, refused = _read(stored, request)
            if value is not None or refused or stored.finish == UNREADABLE or len(calls) > 1:
                return self._answered(calls, value, error, refused=refused)
            messages = _again(request, stored, error)

    def key(self, messages: Sequence[Message], request: Request) -> str:
        """The hash of everything that shapes the answer, and of nothing else: neither address nor key nor pace."""
        settings = self.settings
        return hash_value(
            {
                "messages": [dict(message) for message in messages],
                "schema": schema_text(request.form),
                "model": self.model,
                "parameters": [settings.response_format, settings.max_tokens, settings.temperature],
            }
        )

    def bytes_of(self, messages: Sequence[Message], request: Request) -> int:
        """Bytes of text that the endpoint may bill, no fewer than its tokens."""
        sent = sum(len(message["content"].encode()) + OVERHEAD_BYTES for message in messages)
        return sent + len(schema_text(request.form).encode())

    def worst(self, messages: Sequence[Message], request: Request) -> float:
        """US dollars that one call may cost at most."""
        return self.price.of(Tokens(self.bytes_of(messages, request), self.settings.max_tokens)) * self.rate

    async def _complete(self, messages: Sequence[Message], request: Request) -> _Call:
        """The stored answer to ``messages``, or a new one, stored before it is returned."""
        key = self.key(messages, request)
        stored = self.cache.get(key)
        if stored is not None:
            return _Call(stored, fresh=False)
        worst = self.worst(messages, request)
        tries = _Tries()
        while True:
            await self.pace.enter()
            succeeded = False
            try:
                if self.stopped is not None:
                    raise self.stopped
                await self._reserve(worst)
                stored = await self._pay(messages, request, worst, key)
                succeeded = True
                return _Call(stored, fresh=True)
            except CallFailed as failure:
                caught = failure
            finally:
                self.pace.leave(succeeded=succeeded)
            tries.odd += caught.kind == "odd"
            if tries.odd >= min(ODD_LIMIT, self.settings.attempts):
                stored = self.unreadable(caught.message, self.bytes_of(messages, request))
                self.cache.put(key, request.label, self.model, stored)
                return _Call(stored, fresh=True)
            await self._after(caught, tries, request.label)

    async def _reserve(self, worst: float) -> None:
        try:
            await self.spending.reserve(worst)
        except BudgetReached as reached:
            raise self.stop(reached) from None
        if self.stopped is not None:  # while this call waited for money
            self.spending.settle(worst)
            raise self.stopped

    async def _pay(self, messages: Sequence[Message], request: Request, worst: float, key: str) -> Stored:
        """One call within its reservation; the answer is on disk when this returns."""
        started = self.clock.now()
        unknown, billed, tokens = True, 0.0, None
        try:
            stored = await self._send(messages, request, started)
            self.cache.put(key, request.label, self.model, stored)
            tokens = Tokens(stored.tokens_in, stored.tokens_out)
            unknown, billed = False, self.price.of(tokens) * self.rate
        except CallFailed as failure:
            unknown = failure.billed
            raise
        finally:
            self.spending.settle(worst, billed=billed, tokens=tokens, unknown=unknown)
        self._failures, self._reached = 0, True
        return stored

    async def _send(self, messages: Sequence[Message], request: Request, started: float) -> Stored:
        reply = await self._open()(**self.body(messages, request))
        return self.stored(reply, self.bytes_of(messages, request), round(self.clock.now() - started, 3))

    def body(self, messages: Sequence[Message], request: Request) -> dict[str, Any]:
        """A call as the protocol says it, before a server's dialect."""
        shape = response_format(request.form, self.settings.response_format)
        return {
            "model": self.model,
            "messages": [{"role": message["role"], "content": message["content"]} for message in messages],
            "temperature": self.settings.temperature,
            "max_tokens": self.settings.max_tokens,
            **({} if shape is None else {"response_format": shape}),
        }

    def stored(self, reply: Any, sent: int, seconds: float) -> Stored:
        """A completion (``bodies.read_completion``) as it is kept; ``sent`` bounds its input tokens."""
        choice, usage = reply.choices[0], reply.usage
        finish = "refusal" if choice.message.refusal else choice.finish_reason
        content = choice.message.content or choice.message.refusal or ""
        most = self.settings.max_tokens
        return Stored(
            content=content,
            finish=finish,
            tokens_in=believed(usage.prompt_tokens, sent, sent),
            tokens_out=believed(usage.completion_tokens, most, min(most, len(content.encode()))),
            seconds=seconds,
            rate=self.rate,
        )

    def unreadable(self, message: str, sent: int) -> Stored:
        """What is kept of an answer that cannot be read: why, at the price that it may have had."""
        return Stored(message, UNREADABLE, sent, self.settings.max_tokens, 0.0, self.rate)

    def notes(self) -> tuple[str, ...]:
        """That the prices are old, and what the endpoint turned out not to take, once the client is closed."""
        said = (*self._dialect.said(self.model), *self._form.said(self._dialect, self.settings.response_format))
        listed, today = self.price.of_list, self.clock.today()
        if listed and listed.old(today):
            said = (f"its price is from {listed.dated(today)}: check it, or give newer ones with --prices FILE", *said)
        return tuple(f"{self.model}: {part}" for part in said)

    def _open(self) -> Any:
        if self._create is None:
            settings = self.settings
            key = key_of(settings)
            if not key and not settings.base_url:
                self._stop(f"no key: the environment variable {settings.key_variable} is not set", key_cure(settings))
            self._connection = ChatConnection(settings.base_url or OPENAI_URL, key, timeout=settings.timeout)
            self._create = self._connection.create
            if settings.via == "llama-index":
                from triplette.llm.llama_index import through_llama_index

                self._create = through_llama_index(self._connection, self.model)
        return self._create

    async def _after(self, failure: CallFailed, tries: _Tries, label: str) -> None:
        """Wait before the next attempt, or raise what ends this call or the run."""
        self._reached = self._reached or failure.status != 0
        if failure.kind == "refused":
            raise failure
        if failure.kind == "final":
            self._stop(failure.message, final_cure(failure, self.settings))
        busy = failure.kind == "busy"
        tries.busy += busy
        tries.failed += not busy  # waiting in line is not failing
        delay = self.pace.delay(tries.busy if busy else tries.failed)
        wait = delay if failure.retry_after is None else failure.retry_after
        if wait < RETRY_FLOOR and (busy or failure.retry_after is not None):
            wait = max(RETRY_FLOOR / 2, delay)  # "now", over and over, is no pace: ours takes its place
        if busy or failure.retry_after is not None:
            tries.waited += wait
            if tries.waited > self.settings.patience or tries.busy >= BUSY_LIMIT:
                self._stop(
                    f"{failure.message}; it asks for {wait:.0f} s more", "run the same command again later, or lower concurrency"
                )
            self.pace.slow_down(wait)
        if busy:
            return
        self._failures += 1
        if failure.kind == "unreachable" and not self._reached and self._failures >= UNREACHABLE_LIMIT:
            self._stop(failure.message, "check the network and the address (--base-url)")
        if self._failures >= self.settings.max_failures:
            self._stop(
                f"{self._failures} calls in a row failed, the last one with: {failure.message}",
                "run the same command again when the endpoint works: every paid answer is kept",
            )
        if tries.failed >= self.settings.attempts:
            raise Unavailable(f"{label or 'a request'}: {failure.message} after {tries.failed} attempts")
        if failure.retry_after is None:
            await self.pace.rest(wait)

    def stop(self, reason: TripletteError) -> TripletteError:
        """Send nothing more; the first reason holds and is returned. Calls in flight may still arrive."""
        self.stopped = self.stopped or reason
        self.pace.stop()
        return self.stopped

    def _stop(self, message: str, cure: str) -> NoReturn:
        where = f"{self.model} at {host_of(self.settings.base_url or OPENAI_URL)}"
        raise self.stop(ServiceError(message, where=where, cure=cure))


@dataclass(frozen=True, slots=True)
class _Call:
    stored: Stored
    fresh: bool


@dataclass(slots=True)
class _Tries:
    failed: int = 0
    busy: int = 0
    odd: int = 0
    waited: float = 0.0


def _read(stored: Stored, request: Request) -> tuple[BaseModel | None, str, bool]:
    """(value, error, refused) of an answer."""
    if stored.finish == UNREADABLE:
        return None, f"unreadable answer: {stored.content[:MESSAGE_LIMIT]}", False
    if stored.finish in ("content_filter", "refusal"):
        return None, f"the model refused: {stored.content[:200] or stored.finish}", True
    value, error = read_answer(stored.content, request.form, cut=stored.finish == "length")
    return value, error, False


def _again(request: Request, first: Stored, error: str) -> tuple[Message, ...]:
    """The question once more, after the malformed answer and what is wrong with it."""
    return (
        *request.messages,
        {"role": "assistant", "content": first.content[:REPEATED_LIMIT] or "(empty)"},
        {"role": "user", "content": request.again.format(error=error)},
    )


def final_cure(failure: CallFailed, settings: LlmSettings) -> str:
    """What the user can do where every call is refused."""
    if failure.status in (401, 403):
        return f"check the key in {settings.key_variable} and what it may use"
    if failure.status == 404:
        return "check the model's name (--llm) and the address up to /v1 (--base-url)"
    if failure.status in (400, 422):
        return "check the model's name, and max_tokens, temperature and response_format in [synth.llm] or [curate.llm]"
    return "check the account's credit and the endpoint; then run the same command again: every paid answer is kept"
