"""One call over HTTP, with errors told apart.

It is our own and not the ``openai`` package's (docs/decisions.md): it costs 0.1 ms a call where that costs 0.9, it hands over status,
Retry-After and usage as they came, and it never retries by itself, so that each paid attempt is counted where the budget is. A body is
read up to a limit and unpacked up to the same limit, so that no endpoint can fill the memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from triplette.llm.bodies import BODY_LIMIT, NotReadable, read_completion, read_json, redact, unpack
from triplette.llm.dialect import Dialect

RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
# of one request only, not of the account or the settings: the others may go on
_ABOUT_THE_TEXT = frozenset(
    {"content_filter", "content_policy_violation", "context_length_exceeded", "string_above_max_length", "invalid_prompt"}
)
_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "quota_exceeded"})
MESSAGE_LIMIT = 300  # characters of an endpoint's message that an error repeats
LONGEST_WAIT = 7 * 86400.0  # seconds; a Retry-After beyond a week says no more than a week
BLOCK = 1 << 16
CONNECT_SECONDS = 15.0
JSON_BODY = {"Content-Type": "application/json"}


class CallFailed(Exception):
    """A call that gave no answer.

    ``kind``: ``busy`` (429), ``failed`` (try again), ``odd`` (200, and a body that cannot be used), ``unreachable`` (never connected),
    ``refused`` (this request, for good) or ``final`` (every request). ``retry_after`` is in seconds, None when not said. ``billed`` is True
    when it may have been charged.
    """

    def __init__(
        self, kind: str, message: str, *, status: int = 0, code: str = "", retry_after: float | None = None, billed: bool = False
    ) -> None:
        super().__init__(message)
        self.kind, self.message, self.status, self.code = kind, message, status, code
        self.retry_after, self.billed = retry_after, billed


class Connection:
    """One endpoint with one key, over connections that are kept open."""

    def __init__(self, base_url: str, key: str, *, timeout: float, headers: Mapping[str, str] | None = None) -> None:
        self._base = base_url.rstrip("/")
        self._key = key
        self._timeout = timeout
        self._headers = dict(headers or {})
        self._session: Any = None
        # asked once, for one address: aiohttp's own trust_env looks it up in a thread at every call, which costs more than the call
        self._proxy = proxy_for(self._base)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, method: str, path: str, data: Any = None, **options: Any) -> tuple[int, Mapping[str, str], bytes]:
        """(status, headers, body up to the limit) of a request, whatever the status. Raises CallFailed when there is no response."""
        with self._failures():
            async with self._request(method, path, data, **options) as response:
                return response.status, response.headers, await _bounded(response)

    def _request(self, method: str, path: str, data: Any = None, **options: Any) -> Any:
        return self._open().request(method, self._base + path, data=data, allow_redirects=False, proxy=self._proxy, **options)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """What goes wrong on the wire as CallFailed."""
        import aiohttp

        try:
            yield
        except aiohttp.ClientConnectorError as error:
            raise CallFailed("unreachable", f"cannot connect: {error.strerror or error.os_error or error}") from None
        except aiohttp.InvalidURL:
            raise CallFailed("final", "the address of the endpoint is not a URL") from None
        except TimeoutError:
            raise CallFailed("failed", f"no answer in {self._timeout:g} s", billed=True) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: headers that are none
            raise CallFailed("failed", f"the connection was lost ({type(error).__name__})", billed=True) from None

    def _open(self) -> Any:
        if self._session is None:
            import aiohttp

            headers = {"User-Agent": "triplette", "Accept-Encoding": "identity", **self._headers}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # the pace above us is the limit
                timeout=aiohttp.ClientTimeout(total=self._timeout, connect=min(self._timeout, CONNECT_SECONDS)),
                headers=headers,
                auto_decompress=False,  # it has no limit of its own
            )
        return self._session


class ChatConnection(Connection):
    """Chat completions of one endpoint."""

    dialect: Dialect | None = None  # what the server takes, known after its first answer

    async def create(self, *, messages: Sequence[Mapping[str, Any]], stream: bool = False, **parameters: Any) -> SimpleNamespace:
        """One chat call; again, without what the server refuses, when its refusal names that. Raises CallFailed."""
        body = {"messages": messages, **parameters}
        dialect = self.dialect or Dialect.of(str(body.get("model", "")))
        while True:
            shaped = dialect.shape(body)
            try:
                reply = await self._send(shaped)
            except CallFailed as failure:
                learned = dialect.after(failure.status, failure.message, shaped)
                if learned is None:
                    raise
                dialect = learned
            else:
                self.dialect = dialect
                return reply

    async def _send(self, body: Mapping[str, Any]) -> SimpleNamespace:
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        status, headers, content = await self.send("POST", "/chat/completions", data, headers=JSON_BODY)
        try:
            content = unpack(content, headers.get("Content-Encoding", ""))
            if status == 200:
                return read_completion(content, self._key)
        except NotReadable as error:
            if status == 200:
                raise CallFailed("odd" if error.completion else "failed", str(error), status=status, billed=True) from None
            content = b""
        raise refusal(status, headers, content, secret=self._key)


def proxy_for(url: str) -> str | None:
    """The proxy that the environment (HTTPS_PROXY, NO_PROXY ...) names for ``url``, or None."""
    address = urlsplit(url)
    if not address.hostname or proxy_bypass(address.hostname):
        return None
    named = getproxies()
    return named.get(address.scheme) or named.get("all")


async def _bounded(response: Any) -> bytes:
    """The body as it came over the wire. Longer than the limit it is cut there, and the reader then says that it is too long."""
    parts: list[bytes] = []
    size = 0
    async for block in response.content.iter_chunked(BLOCK):
        parts.append(block)
        size += len(block)
        if size > BODY_LIMIT:
            response.close()
            break
    return b"".join(parts)


def refusal(status: int, headers: Mapping[str, str], content: bytes, *, secret: str) -> CallFailed:
    """What a response that is not 200 means."""
    code, text = _error_of(content)
    message = f"HTTP {status}" + (f": {redact(text, secret)[:MESSAGE_LIMIT]}" if text else "")
    wait = retry_after(headers)
    if code in _NO_MONEY:
        return CallFailed("final", message, status=status, code=code)
    if status == 429:
        return CallFailed("busy", message, status=status, code=code, retry_after=wait)
    if status in RETRYABLE:
        return CallFailed("failed", message, status=status, code=code, retry_after=wait)
    if code in _ABOUT_THE_TEXT:
        return CallFailed("refused", message, status=status, code=code)
    return CallFailed("final", message, status=status, code=code)


def _error_of(content: bytes) -> tuple[str, str]:
    """(code, message) of an error body, both empty when it has no such form. The message is whole: cutting a key in two would hide it."""
    try:
        error: Any = read_json(content)
    except NotReadable:
        return "", " ".join(content.decode("utf-8", "replace").split())
    error = error.get("error", error) if isinstance(error, dict) else {}
    if not isinstance(error, dict):
        return "", " ".join(str(error).split())
    said = error.get("message") or _detail(error.get("detail")) or ""
    return str(error.get("code") or error.get("type") or "")[:100], " ".join(str(said).split())


def _detail(detail: Any) -> str:
    """What a server made with FastAPI says (``transformers serve`` is one): a text, or a list of places and what is wrong there."""
    if not isinstance(detail, list):
        return str(detail or "")
    parts = (item if isinstance(item, dict) else {"msg": item} for item in detail)
    return "; ".join(": ".join(str(part[key]) for key in ("loc", "msg") if part.get(key)) for part in parts)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that ``retry-after-ms`` or ``Retry-After`` (seconds or a date) ask for, at most a week; None when not said.

    What is no number of seconds to come (nan, negative, a date that is past) counts as not said: the caller's own delay grows.
    """
    for name, unit in (("retry-after-ms", 1000.0), ("Retry-After", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / unit
        except ValueError:
            seconds = _until(value)
        if seconds >= 0:
            return min(seconds, LONGEST_WAIT)
    return None


def _until(date: str) -> float:
    """Seconds until an HTTP date; nan when it is none, negative when it is past."""
    try:
        when = parsedate_to_datetime(date)
        return (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return float("nan")
