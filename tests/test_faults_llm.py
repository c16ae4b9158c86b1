"""An endpoint that lies: odd answers, odd bills, odd waits and echoed keys, each over real HTTP and through the real client.

Each attack is one odd reply among good ones. It must cost that request alone: the others are answered, the bill is believable, and the next
run asks for nothing again.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from scripted_client import GOOD, Form, ask, asked, settings_for
from scripted_llm import Call, Reply, ScriptedServer

from triplette.errors import ServiceError, SettingError, TripletteError
from triplette.llm.addresses import model_name, public_address
from triplette.llm.bodies import BODY_LIMIT, redact
from triplette.llm.cache import UNREADABLE
from triplette.llm.dialect import Dialect
from triplette.llm.http import retry_after
from triplette.llm.run import run_many
from triplette.settings.llm import LlmSettings

SECRET = "sk-abcdefghijklmnopqrstuvwxyz0123456789"


def completion(**changes: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": GOOD, "refusal": None}
    body: dict[str, Any] = {
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    }
    return {**body, **changes}


def sent(**changes: Any) -> Reply:
    return Reply(raw=json.dumps(completion(**changes)).encode())


def billed(said: str) -> Reply:
    return Reply(raw=json.dumps(completion(usage="USAGE")).replace('"USAGE"', said).encode())


ODD = {
    "nested": Reply(raw=b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "too long": Reply(raw=json.dumps(completion(padding="x" * (BODY_LIMIT + 10))).encode()),
    "bomb": Reply(raw=gzip.compress(b" " * (20 * BODY_LIMIT)), headers={"Content-Encoding": "gzip"}),
    "a key twice": Reply(raw=b'{"choices": [], "choices": [{"message": {"content": "x"}}]}'),
    "no choice": sent(choices=[]),
    "choices of another type": sent(choices="stop"),
    "a choice of another type": sent(choices=[3]),
    "no message": sent(choices=[{"index": 0}]),
}


@pytest.mark.parametrize("name", ODD)
def test_an_answer_that_cannot_be_read_costs_its_own_request_and_is_not_asked_again(tmp_path: Path, name: str) -> None:
    with ScriptedServer(lambda call: ODD[name] if call.user == "mot 2" else GOOD) as server:
        answers, client, _ = ask(server, tmp_path, asked(6))
        calls = len(server.calls)
        again, later, _ = ask(server, tmp_path, asked(6))
    assert [answer.value is None for answer in answers] == [False, False, True, False, False, False]
    assert answers[2].error.startswith("unreadable answer: the endpoint sent")
    assert not answers[2].refused
    assert client.spending.uncertain > 0, "it may have been billed"
    assert calls == 5 + 2, "it is asked for twice: the first may be an accident"
    assert len(server.calls) == calls
    assert later.spending.spent == 0
    assert again[2].error == answers[2].error


def test_a_gzip_that_is_none_and_an_unknown_encoding_are_failures_of_that_call(tmp_path: Path) -> None:
    odd = [Reply(raw=b"no gzip", headers={"Content-Encoding": "gzip"}), Reply(raw=b"{}", headers={"Content-Encoding": "br"})]
    with ScriptedServer(lambda call: odd[call.number] if call.number < 2 else GOOD) as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
    assert answers[0].value == Form(word="tour")


def test_a_gzip_within_bounds_is_read(tmp_path: Path) -> None:
    body = gzip.compress(json.dumps(completion()).encode())
    with ScriptedServer(lambda _: Reply(raw=body, headers={"Content-Encoding": "gzip"})) as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
    assert answers[0].value == Form(word="tour")


NO_COUNTS = ("Infinity", "NaN", "-100000000", "9223372036854775808", "1e300", "1" * 5000, '"many"', "[3]", "true", "2.5")
UNBELIEVABLE = [f'{{"prompt_tokens": {said}, "completion_tokens": {said}}}' for said in NO_COUNTS]


@pytest.mark.parametrize("said", UNBELIEVABLE, ids=lambda said: said[18:34])
def test_a_bill_that_cannot_be_believed_is_the_worst_case(tmp_path: Path, said: str) -> None:
    with ScriptedServer(lambda _: billed(said)) as server:
        answers, client, _ = ask(server, tmp_path, asked(1))
        again, _, _ = ask(server, tmp_path, asked(1))
    assert answers[0].value == Form(word="tour")
    assert answers[0].tokens.output == client.settings.max_tokens
    assert answers[0].tokens.input >= len("mot 0")
    assert 0 < client.spending.spent == answers[0].cost
    assert again[0].cached
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "said", ["null", "{}", "[]", "3", '"none"', '{"prompt_tokens": null}', '{"prompt_tokens": 0, "completion_tokens": 0}']
)
def test_no_bill_is_charged_at_what_was_sent_and_came(tmp_path: Path, said: str) -> None:
    with ScriptedServer(lambda _: billed(said)) as server:
        answers, client, _ = ask(server, tmp_path, asked(1))
    assert answers[0].tokens.output == len(GOOD)
    assert client.spending.spent > 0


def test_a_negative_bill_does_not_refill_the_budget(tmp_path: Path) -> None:
    refund = billed('{"prompt_tokens": -1000000, "completion_tokens": -1000000}')
    with ScriptedServer(lambda _: refund) as server, pytest.raises(TripletteError, match="budget"):
        ask(server, tmp_path, asked(200), budget=0.05)
    assert len(server.calls) < 200


@pytest.mark.parametrize(
    "finish",
    ['"\\ud83d"', "7", '["stop"]', '{"a": 1}', "null", json.dumps("x" * 100_000)],
    ids=["surrogate", "7", "list", "object", "null", "long"],
)
def test_a_finish_reason_of_any_kind_is_stored(tmp_path: Path, finish: str) -> None:
    raw = json.dumps(completion()).replace('"stop"', finish).encode()
    with ScriptedServer(lambda _: Reply(raw=raw)) as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
        ask(server, tmp_path, asked(1))
    assert answers[0].value == Form(word="tour")
    assert len(server.calls) == 1


ANY = {"object": "{}", "parts": '[{"text": 3}, 7, null]', "true": "true", "half": '"\\ud83d"', "deep": '"' + "[" * 50_000 + '"'}


@pytest.mark.parametrize("content", ANY.values(), ids=ANY)
def test_content_of_any_kind_is_a_malformed_answer_and_nothing_worse(tmp_path: Path, content: str) -> None:
    raw = json.dumps(completion()).replace(json.dumps(GOOD), content).encode()
    with ScriptedServer(lambda call: Reply(raw=raw) if call.user == "mot 1" else GOOD) as server:
        answers, _, _ = ask(server, tmp_path, asked(3))
    assert [answer.value is None for answer in answers] == [False, True, False]


def test_an_answer_that_names_a_field_twice_is_malformed(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: '{"word": "tour", "word": "fou"}') as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
    assert answers[0].value is None
    assert "'word' twice" in answers[0].error


def test_the_thought_of_a_reasoning_model_before_its_answer_is_taken_off(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: f"<think>\nUne tour, {{peut-être}}.\n</think>\n\n{GOOD}") as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
    assert answers[0].value == Form(word="tour")


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_deep_error_body_is_an_error_like_any_other(tmp_path: Path, status: int) -> None:
    deep = Reply(status=status, raw=b'{"error": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    with ScriptedServer(lambda _: deep) as server, pytest.raises(ServiceError, match=f"HTTP {status}"):
        ask(server, tmp_path, asked(1), attempts=2)


@pytest.mark.parametrize(
    ("column", "value"), [("content", b"\xff\x00"), ("finish", b"\xff"), ("tokens_in", "many"), ("tokens_out", -5), ("seconds", "long")]
)
def test_a_stored_answer_of_a_wrong_type_is_not_paid_again(tmp_path: Path, column: str, value: Any) -> None:
    with ScriptedServer(lambda _: GOOD) as server:
        ask(server, tmp_path, asked(3))
        with closing(sqlite3.connect(tmp_path / "answers.sqlite")) as connection, connection:
            connection.execute(f"UPDATE answers SET {column} = ? WHERE label = 'r1'", (value,))
        answers, client, _ = ask(server, tmp_path, asked(3))
    assert len(server.calls) == 3
    assert client.spending.spent == 0
    assert all(answer.cost >= 0 for answer in answers)
    damaged = column in ("content", "finish")
    assert [answer.value is None for answer in answers] == [False, damaged, False]
    assert not damaged or "damaged" in answers[1].error


@pytest.mark.parametrize("said", ["0", "-5", "nan", "Thu, 01 Jan 1970 00:00:00 GMT", "1e-300"])
def test_a_busy_endpoint_that_asks_for_no_wait_is_still_given_up(tmp_path: Path, said: str) -> None:
    with ScriptedServer(lambda _: Reply(status=429, headers={"Retry-After": said})) as server, pytest.raises(ServiceError, match="429"):
        ask(server, tmp_path, asked(4), patience=20.0, backoff=0.0)
    assert len(server.calls) <= 4 * 41, "half a second at least for each of 20 seconds of patience"


def test_waits_that_are_none_are_read_as_not_said() -> None:
    assert [retry_after({"Retry-After": said}) for said in ("-1", "nan", "Thu, 01 Jan 1970 00:00:00 GMT", "soon")] == [None] * 4
    assert retry_after({"Retry-After": "1e300"}) == retry_after({"Retry-After": "inf"}) == 7 * 86400


# --- secrets ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", range(255, 300, 4))
def test_a_key_on_the_edge_of_a_cut_message_is_not_shown_in_part(place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET.replace("sk-", "zz"))
    body = f"{'x' * place} {SECRET.replace('sk-', 'zz')} is wrong"
    with ScriptedServer(lambda _: Reply(status=401, raw=body.encode())) as server, pytest.raises(ServiceError) as caught:
        ask(server, tmp_path, asked(1))
    assert not [n for n in range(len(SECRET) - 8) if SECRET[3:][n : n + 8] and SECRET[3:][n : n + 8] in str(caught.value)]


def test_a_part_of_a_key_is_taken_out_wherever_it_stands() -> None:
    assert redact(f"wrong key {SECRET[5:30]}!", SECRET) == "wrong key [key]!"
    assert redact("wrong key sk-ab***89", SECRET) == "wrong key [key]"
    assert redact("abcdefg", SECRET) == "abcdefg", "seven letters are no key"


def test_a_key_that_the_endpoint_echoes_reaches_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with ScriptedServer(lambda _: json.dumps({"word": f"your key is {SECRET}"})) as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
    assert answers[0].value == Form(word="your key is [key]")
    for path in tmp_path.rglob("*"):
        assert SECRET[5:].encode() not in path.read_bytes()


@pytest.mark.parametrize(
    "url",
    [
        f"http://127.0.0.1:9/{SECRET}/v1",
        "http://127.0.0.1:9/a-key-of-its-own-form/v1",
        "http://[::1/v1",
        "http://127.0.0.1:99999/v1",
        "http://127.0.0.1:9/v1#key",
        "http://user:pass@127.0.0.1:9/v1",
        "http://127.0.0.1:9/v1?key=1",
        "http://127.0.0.1\n:9/v1",
    ],
)
def test_an_address_that_is_none_or_holds_a_secret_is_an_input_error_that_does_not_repeat_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-its-own-form")
    with pytest.raises(SettingError) as caught:
        model_name(LlmSettings(model="openai:x", base_url=url))
    assert url not in str(caught.value)
    assert "pass" not in caught.value.message.replace("password", "")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("key", ["abc\ndef-ghi", "abc def", "clé", "a\x00b\x7f"])
def test_a_key_that_is_none_is_an_input_error_that_does_not_repeat_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    if "\x00" in key:
        key = key.replace("\x00", "\x01")
    monkeypatch.setenv("SOME_KEY", key)
    with ScriptedServer(lambda _: GOOD) as server, pytest.raises(SettingError, match="the key has") as caught:
        ask(server, tmp_path, asked(2), key_variable="SOME_KEY")
    assert "SOME_KEY" in str(caught.value)
    assert key not in str(caught.value)
    assert not server.calls


def test_what_could_be_a_secret_in_an_address_is_written_down_as_a_hash() -> None:
    assert public_address("http://127.0.0.1:8000/v1") == "http://127.0.0.1:8000/v1"
    shown = public_address("https://gateway.example/v1/0123456789abcdef0123456789abcdef/openai")
    assert shown.startswith("https://gateway.example/v1/[")
    assert "0123456789abcdef" not in shown
    assert public_address("") == ""


# --- what a server does not take -------------------------------------------------------------------------------------------------


def picky(call: Call) -> Reply | str:
    """A server that refuses everything but the barest request, one part at a time."""
    body = call.body
    kind = (body.get("response_format") or {}).get("type")
    for refused, message in (
        (kind == "json_schema", "Unexpected keys in the request: {'response_format'}"),
        (kind == "json_object", "response_format is not supported"),
        (body["messages"][0]["role"] == "system", "System role not supported"),
        (
            "max_tokens" in body,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        ),
        ("temperature" in body, "temperature is not supported with this model, only the default (1)"),
    ):
        if refused:
            return Reply(status=400, error={"message": message})
    return GOOD


def test_what_a_server_refuses_is_left_out_and_said_once(tmp_path: Path) -> None:
    with ScriptedServer(picky) as server:
        requests = [type(r)(({"role": "system", "content": "Consigne."}, *r.messages), r.form, r.label) for r in asked(8)]
        answers, client, _ = ask(server, tmp_path, requests, concurrency=1)
    assert all(answer.value for answer in answers)
    assert len(server.calls) == 8 + 5, "each part is refused once"
    assert server.calls[-1].body["messages"][0]["content"].startswith("Consigne.\n\nmot")
    said = "\n".join(client.notes())
    assert all(word in said for word in ("response_format", "system", "max_completion_tokens", "temperature"))
    assert client.spending.calls == 8


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("Unexpected fields in the request: {'max_tokens'}", ""),
        ("Server is pinned to 'b'; requested 'petit'.", "HTTP 422: Server is pinned to 'b'; requested 'petit'."),
        ([{"loc": ["body", "n"], "msg": "field required"}, "odd"], "HTTP 422: ['body', 'n']: field required; odd"),
        ({"a": 1}, "HTTP 422: {'a': 1}"),
    ],
)
def test_what_a_server_made_with_fastapi_refuses_is_read(tmp_path: Path, detail: object, said: str) -> None:
    def strict(call: Call) -> Reply | str:
        return Reply(status=422, raw=json.dumps({"detail": detail}).encode()) if "max_tokens" in call.body else GOOD

    with ScriptedServer(strict) as server:
        if said:
            with pytest.raises(ServiceError) as caught:
                ask(server, tmp_path, asked(1))
            assert said in str(caught.value)
        else:
            answers, client, _ = ask(server, tmp_path, asked(2), concurrency=1)
            assert all(answer.value for answer in answers)
            assert client.notes() == ("petit: it wants max_completion_tokens",)


@pytest.mark.parametrize("asked_for", ["json_schema", "text"])
def test_a_server_that_takes_response_format_and_ignores_it_is_named(tmp_path: Path, asked_for: str) -> None:
    def deaf(call: Call) -> Reply | str:
        return GOOD if len(call.body["messages"]) > 1 else Reply("Voici la réponse", finish="length")

    with ScriptedServer(deaf) as server:
        answers, client, _ = ask(server, tmp_path, asked(3), response_format=asked_for)
        again, same, _ = ask(server, tmp_path, asked(3), response_format=asked_for)
    assert all(answer.value for answer in (*answers, *again))
    told = "petit: it takes response_format, yet 3 of 3 first answers were no JSON object: it may ignore it"
    assert client.notes() == ((told,) if asked_for == "json_schema" else ())
    assert not same.notes(), "what was paid before tells nothing of this server"


def test_a_refusal_that_names_no_part_is_final() -> None:
    body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 5}
    assert Dialect().after(400, "the model x does not exist", body) is None
    assert Dialect().after(401, "response_format", {**body, "response_format": {"type": "json_schema"}}) is None
    assert Dialect(form="none").after(400, "response_format", body) is None


# --- signals and locks ------------------------------------------------------------------------------------------------------------

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import typer
from triplette.console import new_app, run_app
from scripted_client import asked
from triplette.llm.client import LlmClient
from triplette.llm.run import run_many
from triplette.settings.llm import LlmSettings
app = new_app("Help.")

@app.command()
def one() -> None:
    settings = LlmSettings(model="openai:petit", base_url={url!r}, concurrency=8, price_in=1.0, price_out=2.0)
    run_many(LlmClient(settings, Path({folder!r})), asked(500))

@app.command()
def other() -> None:
    "Nothing."

sys.argv = ["t", "one"]
run_app(app, "t")
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143)])
def test_a_signal_lets_what_is_in_flight_arrive_and_keeps_it(tmp_path: Path, number: int, code: int) -> None:
    with ScriptedServer(lambda _: Reply(GOOD, delay=0.3)) as server:
        program = PROGRAM.format(tests=str(Path(__file__).parent), url=server.url, folder=str(tmp_path))
        child = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent)
        deadline = time.monotonic() + 60
        while len(server.calls) < 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(child.pid, number)
        _, err = child.communicate(timeout=60)
        paid = sum(server.paid.values())
    assert child.returncode == code
    assert "interrupted: what was finished is kept" in err
    with closing(sqlite3.connect(tmp_path / "answers.sqlite")) as connection, connection:
        (kept,) = connection.execute("SELECT count(*) FROM answers WHERE finish != ?", (UNREADABLE,)).fetchone()
    assert kept == paid == len(server.calls)


def test_settings_for_another_server_are_not_shared(tmp_path: Path) -> None:
    with ScriptedServer(picky) as first, ScriptedServer(lambda _: GOOD) as second:
        ask(first, tmp_path, asked(1))
        from triplette.llm.client import LlmClient

        run_many(LlmClient(settings_for(second), tmp_path / "other"), asked(1))
    assert second.calls[0].body["response_format"]["type"] == "json_schema"
