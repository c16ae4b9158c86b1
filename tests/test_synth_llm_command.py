"""`synth write --llm` as a process of its own: exit codes and one clear line, budgets, ctrl-c, and kills that pay for nothing twice."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from scripted_chunks import with_chunks, without_stalls
from scripted_llm import Call, Reply, ScriptedServer, good_writer

from triplette.rundir import RunDir


def synth(run: RunDir, server_url: str, *more: str, **environment: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "triplette.synth.cli",
        "write",
        "--run",
        str(run.root),
        "--llm",
        "openai:petit",
        "--base-url",
        server_url,
    ]
    env = {**os.environ, "COLUMNS": "200", "OPENAI_API_KEY": "sk-clef-secrete-99", **environment}
    return subprocess.Popen([*command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def prices(folder: Path, **more: Any) -> list[str]:
    path = folder / "settings.toml"
    lines = ["price_in = 1.0", "price_out = 2.0", "concurrency = 4", *(f"{key} = {value}" for key, value in more.items())]
    path.write_text("[synth.llm]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return ["--config", str(path)]


def ended(process: subprocess.Popen[str], seconds: float = 300) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=seconds)
    assert "sk-clef-secrete-99" not in out + err
    return process.returncode, out, err


@pytest.mark.slow
def test_a_wrong_key_is_one_clear_line_and_exit_2(run: RunDir) -> None:
    reply = Reply(status=401, error={"message": "Incorrect API key provided: sk-clef*******e-99", "code": "invalid_api_key"})
    with ScriptedServer(lambda _: reply) as server:
        code, out, err = ended(synth(with_chunks(run, 3), server.url))
    assert (code, out) == (2, "")
    assert re.fullmatch(r"error: petit at 127\.0\.0\.1:\d+: HTTP 401: .*\n  help: check the key in OPENAI_API_KEY.*\n+", err), err


def test_a_dry_run_quotes_without_a_key_and_calls_nothing(run: RunDir, tmp_path: Path) -> None:
    with ScriptedServer(good_writer) as server:
        process = synth(with_chunks(run, 3), server.url, "--dry-run", "--json", *prices(tmp_path), OPENAI_API_KEY="")
        code, out, _ = ended(process)
    assert code == 0
    assert json.loads(out)["calls"] == 3
    assert not server.calls
    assert not run.has("questions.parquet")


@pytest.mark.slow
def test_no_network_is_one_clear_line_and_exit_2(run: RunDir) -> None:
    code, _, err = ended(synth(with_chunks(run, 3), "http://127.0.0.1:9/v1"))
    assert code == 2
    assert re.match(r"error: petit at 127\.0\.0\.1:9: cannot connect: .*\n  help: check the network and the address", err), err


@pytest.mark.slow
def test_a_small_budget_is_exit_4_and_the_same_command_resumes(run: RunDir, tmp_path: Path) -> None:
    with ScriptedServer(good_writer) as server:
        codes = [ended(synth(with_chunks(run, 6), server.url, "--budget", "0.001", *prices(tmp_path)))[0]]
        assert not server.calls, "not one call fits into a tenth of a cent here"
        codes += [ended(synth(run, server.url, "--budget", "0.009", *prices(tmp_path)))[0]]
        paid = len(server.calls)
        codes += [ended(synth(run, server.url, "--budget", "0.1", *prices(tmp_path)))[0]]
    assert codes == [4, 4, 0]
    assert 0 < paid < 6
    assert len(server.calls) == 6


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_on_its_way_says_how_to_go_on_and_exits_130(run: RunDir, tmp_path: Path) -> None:
    with ScriptedServer(lambda call: Reply(good_writer(call), delay=0.3)) as server:
        process = synth(with_chunks(run, 40), server.url, *prices(tmp_path))
        wait_for(lambda: len(server.calls) >= 10)
        process.send_signal(signal.SIGINT)
        code, _, err = ended(process)
        assert code == 130
        assert "run the same command again" in err
        assert "Traceback" not in err
        assert stored(run) == sum(server.paid.values()) == len(server.calls), "every call that was sent is kept"
        assert ended(synth(run, server.url, *prices(tmp_path)))[0] == 0
    assert max(server.paid.values()) == 1


def wait_for(condition: Callable[[], bool], seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def stored(run: RunDir) -> int:
    """Answers on disk, as another process sees them."""
    path = run.path("llm/answers.sqlite")
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
    except sqlite3.OperationalError:  # not yet created
        return 0


@pytest.mark.slow
def test_kill_9_and_run_again_pays_for_nothing_twice_and_gives_the_same_bytes(run: RunDir, tmp_path: Path) -> None:
    undisturbed = with_chunks(RunDir(tmp_path / "undisturbed"), 45)
    options = prices(tmp_path, timeout=20.0, backoff=0.01)
    with ScriptedServer(without_stalls) as server:
        assert ended(synth(undisturbed, server.url, *options))[0] == 0
    held: list[str] = []

    def holding(call: Call) -> Reply | str:
        """Misbehaves as ever, but holds back everything once the next limit of whole answers is reached."""
        if sum(server.paid.values()) + server.in_flight - len(held) > limit:
            held.append(call.key)
            return Reply(hang=True)
        return without_stalls(call)

    with ScriptedServer(holding) as server:
        with_chunks(run, 45)
        for limit in (9, 23, 38):  # noqa: B007 (holding reads it)
            held.clear()
            process = synth(run, server.url, *options)
            wait_for(lambda: 0 < len(held) == server.in_flight and stored(run) == sum(server.paid.values()))
            process.kill()
            assert ended(process)[0] == -signal.SIGKILL
            wait_for(lambda: server.in_flight == 0)
            assert not run.has("questions.parquet")
        limit = 10**6
        assert ended(synth(run, server.url, *options))[0] == 0
    assert set(server.paid.values()) == {1}, "no distinct request was answered, that is billed, twice"
    assert run.path("questions.parquet").read_bytes() == undisturbed.path("questions.parquet").read_bytes()
    assert run.path("rejected.parquet").read_bytes() == undisturbed.path("rejected.parquet").read_bytes()
