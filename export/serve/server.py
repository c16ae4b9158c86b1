"""The HTTP server of ``train ask --serve``: the loopback address, GET only, one question at a time.

The standard library's server, because the page needs two addresses and no more. Questions are written to no log. A page elsewhere can make a
browser send a question here, though it cannot read the answer: such a request (``Sec-Fetch-Site: cross-site``) costs no model call.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from triplette import loopback
from triplette.errors import InputError, TripletteError
from triplette.export.answers import Reader
from triplette.export.serve.page import Asked, refused, render

SECONDS = 30  # that a connection may stay silent
HTML, CSS = "text/html; charset=utf-8", "text/css; charset=utf-8"


def serve(readers: Sequence[Reader], port: int, *, ready: Callable[[str], None]) -> None:
    """Answer until interrupted (Ctrl-C, SIGTERM). ``port`` 0: any free one; ``ready`` is told the address. Raises InputError for a port in use."""
    with open_server(readers, port) as server:
        ready(f"http://{loopback.HOST}:{server.server_address[1]}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def open_server(readers: Sequence[Reader], port: int) -> ThreadingHTTPServer:
    """The server, bound and not yet answering. Raises InputError for a port that cannot be used."""
    try:
        return _Server(readers, port)
    except (OSError, OverflowError) as error:
        raise InputError(f"port {port} cannot be used ({error})", where="--port", cure="give another one, or --port 0") from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, readers: Sequence[Reader], port: int) -> None:
        self.readers = readers
        self.one_at_a_time = threading.Lock()  # an interpreter and a model serve one question at a time
        self.style = (Path(__file__).parent / "page.css").read_bytes()
        super().__init__((loopback.HOST, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is no error; anything else is said in a line."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            sys.stderr.write(f"error: {type(error).__name__}: {error}\n")


class _Handler(BaseHTTPRequestHandler):
    timeout = SECONDS
    server: _Server

    def do_GET(self) -> None:
        """The page, its stylesheet, or why not."""
        status, kind, content = self._answer()
        self._send(status, kind, content, with_body=True)

    def do_HEAD(self) -> None:
        """The headers of a GET."""
        status, kind, content = self._answer()
        self._send(status, kind, content, with_body=False)

    def version_string(self) -> str:
        """The Server header: no versions."""
        return "triplette"

    def log_message(self, *_: Any) -> None:
        """Nothing is logged: the address holds the question."""

    def _answer(self) -> tuple[int, str, bytes]:
        escaped, _, query = self.path.partition("?")
        path = unquote(escaped)
        told = loopback.refusal(self.headers.get_all("Host") or [], path, query)
        if told is not None:
            return told[0], HTML, refused(told[1]).encode()
        if path == "/page.css":
            return 200, CSS, self.server.style
        if path != "/":
            return 404, HTML, refused("There is no such page.").encode()
        return self._page(query)

    def _page(self, query: str) -> tuple[int, str, bytes]:
        if query and self.headers.get("Sec-Fetch-Site") == "cross-site":
            return 403, HTML, refused("A page elsewhere sent this question. Ask it here yourself.").encode()
        try:
            asked = Asked.read(dict(parse_qsl(query)))
            with self.server.one_at_a_time:
                return 200, HTML, render(self.server.readers, asked).encode()
        except TripletteError as error:
            return 422, HTML, refused(str(error)).encode()

    def _send(self, status: int, kind: str, content: bytes, *, with_body: bool) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(content))), *loopback.HEADERS):
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content)
