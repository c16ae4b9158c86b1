"""The connection under LlamaIndex: one chat call over HTTP, with errors told apart.

LlamaIndex's ``OpenAILike`` builds the request and reads the answer, over whatever client it is given. We give it this one instead of
the ``openai`` package's: it costs 0.1 ms a call where that costs 0.9 (see docs/decisions.md), it hands over status, Retry-After and
usage as they came, and it never retries by itself, so that each paid attempt is counted where the budget is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
# of one request only, not of the account or the settings: the others may go on
_ABOUT_THE_TEXT = frozenset(
    {"content_filter", "content_policy_violation", "context_length_exceeded", "string_above_max_length", "invalid_prompt"}
)
_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "quota_exceeded"})
_REASONING = re.compile(r"^(?:o\d|gpt-5)")  # refuse temperature and call the limit max_completion_tokens
MESSAGE_LIMIT = 300  # characters of an endpoint's message that an error repeats


class CallFailed(Exception):
    """A call that gave no answer.

    ``kind``: ``busy`` (429), ``failed`` (try again), ``unreachable`` (never connected), ``refused`` (this request, for good) or
    ``final`` (every request). ``retry_after`` is in seconds, None when not said. ``billed`` is True when it may have been charged.
    """

    def __init__(
        self, kind: str, message: str, *, status: int = 0, code: str = "", retry_after: float | None = None, billed: bool = False
    ) -> None:
        super().__init__(message)
        self.kind, self.message, self.status, self.code = kind, message, status, code
        self.retry_after, self.billed = retry_after, billed


class ChatConnection:
    """What ``OpenAILike`` needs of an asynchronous OpenAI client: ``chat.completions.create``."""

    def __init__(self, base_url: str, key: str, *, timeout: float, headers: Mapping[str, str] | None = None) -> None:
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._key = key
        self._timeout = timeout
        self._headers = dict(headers or {})
        self._session: Any = None
        # asked once, for one address: aiohttp's own trust_env looks it up in a thread at every call, which costs more than the call
        self._proxy = proxy_for(self._url)

    @property
    def chat(self) -> ChatConnection:
        """This object, under the name that OpenAI's client has for it."""
        return self

    @property
    def completions(self) -> ChatConnection:
        """This object, under the name that OpenAI's client has for it."""
        return self

    async def create(self, *, messages: Sequence[Mapping[str, Any]], stream: bool = False, **parameters: Any) -> SimpleNamespace:
        """One chat call. Raises CallFailed."""
        body = {"messages": messages, **parameters}
        if _REASONING.match(str(body.get("model", ""))):
            body.pop("temperature", None)
            if "max_tokens" in body:
                body["max_completion_tokens"] = body.pop("max_tokens")
        status, headers, content = await self._post(json.dumps(body, ensure_ascii=False).encode())
        if status != 200:
            raise refusal(status, headers, content, secret=self._key)
        return read_completion(content)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        import aiohttp

        try:
            async with self._open().post(self._url, data=body, allow_redirects=False, proxy=self._proxy) as response:
                return response.status, response.headers, await response.read()
        except aiohttp.ClientConnectorError as error:
            raise CallFailed("unreachable", f"cannot connect: {error.strerror or error.os_error or error}") from None
        except aiohttp.InvalidURL:
            raise CallFailed("final", "the address of the endpoint is not a URL") from None
        except TimeoutError:
            raise CallFailed("failed", f"no answer in {self._timeout:g} s", billed=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise CallFailed("failed", f"the connection was lost ({type(error).__name__})", billed=True) from None

    def _open(self) -> Any:
        if self._session is None:
            import aiohttp

            headers = {"Content-Type": "application/json", "User-Agent": "triplette", **self._headers}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # the pace above us is the limit
                timeout=aiohttp.ClientTimeout(total=self._timeout, connect=min(self._timeout, 15.0)),
                headers=headers,
            )
        return self._session


def proxy_for(url: str) -> str | None:
    """The proxy that the environment (HTTPS_PROXY, NO_PROXY ...) names for ``url``, or None."""
    address = urlsplit(url)
    if not address.hostname or proxy_bypass(address.hostname):
        return None
    named = getproxies()
    return named.get(address.scheme) or named.get("all")


def read_completion(content: bytes) -> SimpleNamespace:
    """A chat completion as the object that LlamaIndex reads. Raises CallFailed when the body is not one (it may be billed)."""
    try:
        body = json.loads(content)
        choice = body["choices"][0]
        message = choice["message"]
        text = message.get("content")
        if isinstance(text, list):  # some servers send the text in parts
            text = "".join(str(part.get("text", "")) for part in text)
        usage = body.get("usage") or {}
        tokens = SimpleNamespace(**{name: int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens", "total_tokens")})
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise CallFailed("failed", "the endpoint sent something that is not a chat completion", billed=True) from None
    refused = message.get("refusal")
    text = str(text or "").encode("utf-8", "replace").decode()  # half a surrogate pair, which JSON can spell, cannot be stored
    reply = SimpleNamespace(role="assistant", content=text, tool_calls=None, audio=None, refusal=refused)
    chosen = SimpleNamespace(message=reply, logprobs=None, finish_reason=str(choice.get("finish_reason") or ""))
    return SimpleNamespace(choices=[chosen], usage=tokens)


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
    """(code, message) of an error body, both empty when it has no such form."""
    try:
        error = json.loads(content)
    except ValueError:
        return "", " ".join(content[:MESSAGE_LIMIT].decode("utf-8", "replace").split())
    error = error.get("error", error) if isinstance(error, dict) else {}
    if not isinstance(error, dict):
        return "", str(error)
    return str(error.get("code") or error.get("type") or ""), " ".join(str(error.get("message") or "").split())


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that ``retry-after-ms`` or ``Retry-After`` (seconds or a date) ask for, or None."""
    for name, unit in (("retry-after-ms", 1000.0), ("Retry-After", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) / unit)
        except ValueError:
            pass
        try:
            date = parsedate_to_datetime(value)
        except (TypeError, ValueError):
            continue
        return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return None


def redact(text: str, secret: str) -> str:
    """``text`` fit for a terminal and without the key: neither whole nor as the masked form that endpoints echo (sk-ab***yz)."""
    text = "".join(character if character.isprintable() else " " for character in text)
    if secret:
        text = text.replace(secret, "[key]")
    return re.sub(r"\b(?:sk|pk|key)-[\w*.-]{3,}", "[key]", text)
