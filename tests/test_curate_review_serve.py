"""The embedded server's home, environment and port: secrets are private, failures are one clear line. No server is started."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from triplette.curate.review.connect import connect, open_client, space_headers
from triplette.curate.review.serve import environment
from triplette.curate.review.serve.environment import PINS, ensure_environment, environment_path, python_of
from triplette.curate.review.serve.guard import Guard
from triplette.curate.review.serve.home import OWNER, Home
from triplette.curate.review.serve.supervise import free_port, require_free
from triplette.errors import InputError, ServiceError
from triplette.rundir import RunDir
from triplette.settings.review import ReviewSettings


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once_and_only_their_owner_reads_them(run: RunDir) -> None:
    home = Home.of(run)
    first = home.prepare("review", ["anne"])
    assert [account.username for account in first] == [OWNER, "anne"]
    assert mode(home.root) == 0o700
    assert mode(home.root / "credentials.json") == 0o600
    assert len({account.password for account in first} | {account.api_key for account in first}) == 4
    assert all(len(account.api_key) >= 40 and len(account.password) >= 16 for account in first)
    second = home.prepare("review", ["bruno"])
    assert second[:2] == first
    assert [account.username for account in second] == [OWNER, "anne", "bruno"]


@pytest.mark.parametrize("name", ["", "Anne", "a b", "a/b", OWNER, "é"])
def test_a_strange_reviewer_name_is_refused_before_anything_is_written(run: RunDir, name: str) -> None:
    home = Home.of(run)
    with pytest.raises(InputError, match="not a reviewer's name"):
        home.prepare("review", [name])
    assert not home.root.exists()


def test_damaged_credentials_are_named(run: RunDir) -> None:
    home = Home.of(run)
    home.prepare("review")
    (home.root / "credentials.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="not the credentials"):
        home.accounts()


def test_a_server_runs_while_its_process_holds_the_home_and_no_longer(run: RunDir) -> None:
    home = Home.of(run)
    home.prepare("review")
    assert home.running() == ""
    with home.locked() as ours:
        assert ours
        home.note_running("http://127.0.0.1:1", 1)
        assert home.running() == "http://127.0.0.1:1"
        with home.locked() as second:
            assert not second
    assert home.running() == "", "a note without its process does not count"


def test_a_taken_port_is_told_with_a_free_one_to_use(run: RunDir) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=f"port {port} is in use") as caught:
            require_free(port)
    assert "--port" in caught.value.cure
    require_free(free_port())


def scripted(steps: list[list[str]], fail_at: int = -1) -> environment.Runner:
    """Commands are written down instead of run; one of them may fail."""

    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        steps.append(list(command))
        if command[1:3] == ["-m", "venv"]:
            python_of(Path(command[3])).parent.mkdir(parents=True)
            python_of(Path(command[3])).touch()
        failed = len(steps) - 1 == fail_at
        return subprocess.CompletedProcess(command, int(failed), "", "ERROR: No matching distribution\n" if failed else "")

    return run


def test_the_environment_is_made_once_from_pins(tmp_path: Path) -> None:
    steps: list[list[str]] = []
    place = ensure_environment(tmp_path, run=scripted(steps))
    assert place == environment_path(tmp_path)
    assert [step[1:3] for step in steps] == [["-m", "venv"], ["-m", "pip"]]
    assert str(PINS) in steps[1]
    ensure_environment(tmp_path, run=scripted(steps))
    assert len(steps) == 2


def test_an_interrupted_install_is_made_again(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="No matching distribution") as caught:
        ensure_environment(tmp_path, run=scripted([], fail_at=1))
    assert "--api-url" in caught.value.cure
    steps: list[list[str]] = []
    ensure_environment(tmp_path, run=scripted(steps))
    assert len(steps) == 2


def test_an_environment_whose_python_went_away_is_made_again(tmp_path: Path) -> None:
    place = ensure_environment(tmp_path, run=scripted([]))
    python_of(place).unlink()
    steps: list[list[str]] = []
    ensure_environment(tmp_path, run=scripted(steps))
    assert len(steps) == 2


def test_a_failing_venv_module_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ServiceError) as caught:
        ensure_environment(tmp_path, run=scripted([], fail_at=0))
    assert "python3-venv" in caught.value.cure


def test_every_pin_is_exact_and_click_is_held_back() -> None:
    pins = dict(line.split("==") for line in PINS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    assert pins["argilla-server"] == "2.8.0"
    assert tuple(int(part) for part in pins["click"].split(".")[:2]) < (8, 2)
    assert "fakeredis" in pins


def test_without_a_server_push_says_how_to_get_one(run: RunDir) -> None:
    with pytest.raises(ServiceError, match="no review server runs") as caught:
        connect(run, ReviewSettings())
    assert "curate review serve" in caught.value.cure
    assert "curate review export" in caught.value.cure


def test_a_server_that_is_down_is_one_line() -> None:
    with pytest.raises(ServiceError, match="cannot be reached"), open_client(f"http://127.0.0.1:{free_port()}", "key"):
        pass


def test_a_foreign_server_without_a_key_asks_for_it(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARGILLA_API_KEY", raising=False)
    with pytest.raises(ServiceError, match="no API key") as caught:
        connect(run, ReviewSettings(api_url="http://127.0.0.1:1"))
    assert "ARGILLA_API_KEY" in caught.value.cure


def test_the_notes_are_json_for_people_who_look(run: RunDir) -> None:
    home = Home.of(run)
    home.prepare("review")
    held = json.loads((home.root / "credentials.json").read_text(encoding="utf-8"))
    assert set(held) == {"secret_key", "accounts", "workspace"}


def test_the_hugging_face_token_goes_to_a_space_and_nowhere_else() -> None:
    token = {"HF_TOKEN": "hf_x"}
    assert space_headers("https://me-argilla.hf.space", token) == {"Authorization": "Bearer hf_x"}
    assert space_headers("https://me-argilla.hf.space", {}) == {}
    for url in ("http://me-argilla.hf.space", "https://hf.space.example.org", "https://evilhf.space", "http://127.0.0.1:6900"):
        assert space_headers(url, token) == {}


def _refusal(path: str = "/", query: str = "", hosts: Sequence[str] = ("127.0.0.1:6900",)) -> int:
    """The status with which the guard refuses a request; 0 for one that it hands on."""
    scope = {
        "type": "http",
        "path": path,
        "query_string": query.encode("latin-1"),
        "headers": [(b"host", host.encode()) for host in hosts],
    }

    async def application(*_: object) -> None:
        raise AssertionError("only asked for its refusal")

    refused = Guard(application, ("127.0.0.1", "localhost")).refusal(scope)
    return refused[0] if refused else 0


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (("127.0.0.1:6900",), 0),
        (("LOCALHOST",), 0),
        (("rebound.example:6900",), 400),
        (("127.0.0.1.rebound.example",), 400),
        (("127.0.0.1@rebound.example",), 400),
        (("",), 400),
        ((), 400),
        (("127.0.0.1", "rebound.example"), 400),
    ],
)
def test_the_review_server_answers_to_its_own_names_only(hosts: Sequence[str], status: int) -> None:
    assert _refusal(hosts=hosts) == status


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/api/v1/me", "offset=0&limit=1000", 0),
        ("/api/v1/me", f"offset={2**31 - 1}", 0),
        ("/api/v1/me", f"offset={2**31}", 422),
        ("/api/v1/me", "offset=" + "9" * 5000, 422),
        ("/api/v1/me", f"limit=-{2**63}", 422),
        ("/api/v1/me", f"offset=%20{2**63}", 422),
        ("/api/v1/me", f"offset=9_{2**63}", 422),
        ("/api/v1/me", f"offset={2**63}.00", 422),
        ("/api/v1/me", "q=1.5.0&offset=10.0", 0),
        ("/api/v1/me", "name=%00", 422),
        ("/a\x00b.js", "", 404),
        ("/" + "a" * 255, "", 0),
        ("/" + "a" * 256, "", 404),
        ("/" + "é" * 128, "", 404),
        ("/" + "a/" * 1000, "", 404),
    ],
)
def test_what_no_file_and_no_database_can_hold_is_refused_in_front_of_the_server(path: str, query: str, status: int) -> None:
    assert _refusal(path, query) == status
