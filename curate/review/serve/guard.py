"""What reaches the review server from a browser or a script, refused before it is an error inside.

The server listens on the loopback address, but a page elsewhere can still make a browser call it under a name of its own
that resolves to 127.0.0.1 (DNS rebinding): such a call carries that name in its Host header. Paths that no file can have and
numbers that SQLite cannot hold ended in an internal error and a closed connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST = 2**31 - 1  # an offset or a limit; SQLite would take 2**63 - 1, a dataset of so many records no machine
LONGEST_PATH = 2000  # bytes of a path, and below of one of its parts: what file systems allow is 4,096 and 255
LONGEST_PART = 255


class Guard:
    """An ASGI application in front of ``app``: answers 400, 404 or 422 itself, hands everything else on.

    ``hosts`` are the names without port that a request may be addressed to.
    """

    def __init__(self, app: App, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or hand on one connection."""
        refused = self.refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refused is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            status, text = refused
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": text.encode()})

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """The status and words with which a request is refused; None for one that is handed on."""
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or _name_of(hosts[0]) not in self._hosts:
            return 400, f"this server answers to {' and '.join(sorted(self._hosts))} only\n"
        path = scope["path"]
        parts = path.encode("utf-8", "surrogatepass").split(b"/")
        if "\x00" in path or len(path) > LONGEST_PATH or max(map(len, parts)) > LONGEST_PART:
            return 404, "no such path\n"
        for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
            if "\x00" in value or "\x00" in name:
                return 422, f"{name!r} holds a null character\n"
            digits = value.lstrip("+-")
            if digits.isdecimal() and (len(digits) > len(str(LARGEST)) or int(digits) > LARGEST):
                return 422, f"{name!r} is larger than {LARGEST}\n"
        return None


def _name_of(host: str) -> str:
    """A Host header's name, without its port, in lower case."""
    return host.rpartition(":")[0].lower() if host.rpartition(":")[2].isdecimal() and ":" in host else host.lower()
