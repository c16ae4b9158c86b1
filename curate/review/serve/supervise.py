"""Start the embedded server as a child, wait until it answers, and end it with whoever asked for it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from triplette.console import say, table
from triplette.curate.review.serve.environment import ensure_environment, python_of
from triplette.curate.review.serve.home import Account, Home
from triplette.errors import ServiceError
from triplette.rundir import RunDir
from triplette.settings.review import ReviewSettings

LAUNCHER = Path(__file__).with_name("launcher.py")
HOST = "127.0.0.1"
START_SECONDS = 120.0  # a first start migrates the database and compiles the server's modules
STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded server."""

    url: str
    pid: int
    accounts: tuple[Account, ...]
    process: subprocess.Popen[bytes]

    @property
    def owner(self) -> Account:
        """The account that push and pull use."""
        return self.accounts[0]


@contextmanager
def serving(
    home: Home,
    *,
    port: int,
    workspace: str,
    reviewers: Sequence[str] = (),
    environments: Path | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Iterator[Server]:
    """An embedded server for the time of the block: installed, started, answering; shut down cleanly at its end.

    ``port`` 0 takes a free one. Raises ServiceError when the port is taken, a server already runs here, or it does not start.
    """
    accounts = home.prepare(workspace, reviewers)
    with home.locked() as ours:
        if not ours:
            raise ServiceError(
                f"this run's server is already running at {home.running() or 'an address that it has yet to tell'}",
                where=str(home.root),
                cure="use it, or stop it first",
            )
        home.note_stopped()  # what a killed one left
        port = port or free_port()
        require_free(port)
        environment = ensure_environment(environments, tell=tell)
        url = f"http://{HOST}:{port}"
        process = _spawn(python_of(environment), home, port)
        try:
            _wait_until_up(process, url, home)
            home.note_running(url, process.pid)
            yield Server(url, process.pid, tuple(accounts), process)
        finally:
            home.note_stopped()
            stop(process)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def require_free(port: int) -> None:
    """Raise ServiceError when something listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ServiceError(
                f"port {port} is in use" if error.errno != 13 else f"port {port} is reserved",
                where=HOST,
                cure=f"stop what listens there, or choose another: `curate review serve --port {free_port()}`",
            ) from None


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to end (it finishes its requests and closes the database), and insist after STOP_SECONDS."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        if process.stdin is not None:
            process.stdin.close()


def _spawn(python: Path, home: Home, port: int) -> subprocess.Popen[bytes]:
    # without bytecode every start would compile the server anew
    foreign = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    own = {key: value for key, value in os.environ.items() if key not in foreign and not key.startswith("ARGILLA_")}
    with home.log.open("wb") as log:
        return subprocess.Popen(
            [str(python), "-P", str(LAUNCHER), str(home.root.resolve()), str(port)],
            stdin=subprocess.PIPE,  # closes when this process dies, however it dies, and the server ends with it
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then stops the server in order
            env=own,
        )


def _wait_until_up(process: subprocess.Popen[bytes], url: str, home: Home) -> None:
    import httpx

    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/api/v1/version", timeout=2.0, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    words = [line for line in home.log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    raise ServiceError(
        f"the server did not start: {words[-1] if words else 'it said nothing'}",
        where=str(home.log),
        cure="read that file; if the database is damaged, move the directory away and start again",
    )


def serve_until_stopped(run: RunDir, settings: ReviewSettings, reviewers: Sequence[str]) -> None:
    """``curate review serve``: run the server until Ctrl-C or SIGTERM, and say where it is and how to log in."""
    ended = threading.Event()
    home = Home.of(run)
    with serving(home, port=settings.port, workspace=settings.workspace, reviewers=reviewers, tell=say) as server:
        for number in (signal.SIGINT, signal.SIGTERM):  # only now: until here Ctrl-C interrupts the install at once
            signal.signal(number, lambda *_: ended.set())
        say(f"\nArgilla is at {server.url}\n")
        logins = [(account.username, account.password, account.role) for account in server.accounts]
        table("Logins", ("user", "password", "role"), logins)
        say(f"Data: {home.root}. Next, in another terminal: {run.command('curate review push')}")
        say("Ctrl-C stops it; the next start finds everything.")
        while not ended.wait(0.5):
            if server.process.poll() is not None:
                raise ServiceError("the server ended by itself", where=str(home.log), cure="read that file, then start it again")
        say("stopping")
