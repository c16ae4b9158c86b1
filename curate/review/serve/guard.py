"""What reaches the review server from a browser or a script, refused before it is an error inside (``triplette.loopback``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from triplette import loopback

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """An ASGI application in front of ``app``: answers 400, 404 or 422 itself, hands everything else on.

    ``hosts`` are the names without port that a request may be addressed to.
    """

    def __init__(self, app: App, hosts: Iterable[str] = loopback.NAMES) -> None:
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
        return loopback.refusal(hosts, scope["path"], scope["query_string"].decode("latin-1"), self._hosts)
