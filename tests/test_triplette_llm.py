"""The client against an endpoint that misbehaves, over real HTTP: what it retries, and what it never does."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from scripted_client import GOOD, Form, QuickClock, ask, asked, once, settings_for
from scripted_llm import Call, Reply, ScriptedServer

from triplette.errors import ServiceError, SettingError
from triplette.llm.addresses import model_name
from triplette.llm.client import Answer, LlmClient
from triplette.llm.http import proxy_for, retry_after
from triplette.llm.pace import Pace
from triplette.llm.prices import Tokens
from triplette.llm.run import run_async, run_many
from triplette.settings.llm import LlmSettings


def test_answers_come_in_order_with_the_set_number_of_calls_in_flight(tmp_path: Path) -> None:
    def script(call: Call) -> Reply:
        number = int(call.user.split()[1])
        return Reply(json.dumps({"word": f"w{number}"}), delay=0.05 if number % 2 else 0.01)

    with ScriptedServer(script) as server:
        answers, client, _ = ask(server, tmp_path, asked(20))
    assert [answer.value.word for answer in answers] == [f"w{number}" for number in range(20)]  # type: ignore[union-attr]
    assert server.most_in_flight == 4
    assert client.spending.tokens == Tokens(900 * 20, 80 * 20)
    assert client.spending.spent == pytest.approx(20 * (900 * 1.0 + 80 * 2.0) / 1e6)


def test_llama_index_carries_the_same_calls_and_what_was_paid_counts_for_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with ScriptedServer(lambda call: Reply(status=503) if call.number == 2 else GOOD) as server:
        own, client, _ = ask(server, tmp_path / "own", asked(3), concurrency=1)
        first = [call.body for call in server.calls]
        again, carried, _ = ask(server, tmp_path / "llama", asked(3), concurrency=1, via="llama-index")
        second = [call.body for call in server.calls[len(first) :]]
        paid = len(server.calls)
        both, _, _ = ask(server, tmp_path / "own", asked(3), via="llama-index")
        assert len(server.calls) == paid
    assert [answer.value for answer in again] == [answer.value for answer in own] == [answer.value for answer in both]
    assert second == [first[0], first[1], first[2]]  # the third call was refused once the first time, and sent again
    assert len(first) == 4
    assert carried.spending == client.spending


def test_llama_index_that_is_not_there_is_named_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_index.llms.openai_like", None)
    with ScriptedServer(lambda call: GOOD) as server, pytest.raises(SettingError, match="not installed") as caught:
        ask(server, tmp_path, asked(1), via="llama-index")
    assert "triplette[llama-index]" in caught.value.cure
    assert server.calls == []


def test_retry_after_is_honoured_by_every_call_and_measured_at_the_server(tmp_path: Path) -> None:
    limited = Reply(status=429, headers={"Retry-After": "0.6"})
    with ScriptedServer(lambda call: limited if call.number < 4 else GOOD) as server:
        client = LlmClient(settings_for(server), tmp_path)
        answers = run_many(client, asked(12))
    refused, later = server.calls[:4], server.calls[4:]
    assert all(answer.value for answer in answers)
    assert min(call.at for call in later) - min(call.at for call in refused) >= 0.6
    assert len(later) == 12, "each request was answered once after the wait"


def test_a_429_that_repeats_is_waited_for_beyond_the_number_of_attempts(tmp_path: Path) -> None:
    with ScriptedServer(lambda call: Reply(status=429, headers={"Retry-After": "30"}) if call.number < 9 else GOOD) as server:
        answers, _, clock = ask(server, tmp_path, asked(1), attempts=2)
    assert answers[0].value is not None
    assert sum(clock.waits) == pytest.approx(9 * 30, abs=1)


def test_waiting_in_line_does_not_use_up_the_attempts(tmp_path: Path) -> None:
    def script(call: Call) -> Reply | str:
        return Reply(status=429) if call.number < 5 else Reply(status=500) if call.number == 5 else GOOD

    with ScriptedServer(script) as server:
        answers, _, _ = ask(server, tmp_path, asked(1), attempts=2)
    assert answers[0].value is not None


def test_an_endless_429_ends_the_run_when_patience_does(tmp_path: Path) -> None:
    with (
        ScriptedServer(lambda _: Reply(status=429, headers={"Retry-After": "50"})) as server,
        pytest.raises(ServiceError, match="429") as caught,
    ):
        ask(server, tmp_path, asked(1), patience=120.0)
    assert "lower concurrency" in caught.value.cure
    assert len(server.calls) == 3, "50 and 100 s are within patience, 150 s are not"


def test_the_pace_halves_once_for_a_wave_of_429_and_recovers() -> None:
    pace = Pace(16, QuickClock(), seed=0, backoff=1.0)
    for _ in range(16):
        pace.slow_down(5.0)
    assert pace.allowed == 8

    async def succeed(times: int) -> None:
        for _ in range(times):
            await pace.enter()
            pace.leave(succeeded=True)

    asyncio.run(succeed(400))
    assert pace.allowed == 16


def test_retry_after_is_read_as_seconds_milliseconds_or_date() -> None:
    assert retry_after({"Retry-After": "7"}) == 7
    assert retry_after({"retry-after-ms": "1500", "Retry-After": "7"}) == 1.5
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90))
    assert retry_after({"Retry-After": date}) == pytest.approx(90, abs=2)
    assert retry_after({"Retry-After": "bientôt"}) is None
    assert retry_after({}) is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_tried_again_after_a_growing_wait_with_jitter(tmp_path: Path, status: int) -> None:
    with ScriptedServer(lambda call: Reply(status=status) if call.number < 3 else GOOD) as server:
        answers, client, clock = ask(server, tmp_path, asked(1))
    assert answers[0].value is not None
    assert client.spending.calls == 1
    assert client.spending.uncertain == 0, "an error status is not billed"
    for attempt, slept in enumerate(_rests(clock.waits)):
        assert 0.5 * 2**attempt <= slept <= 2**attempt


def _rests(waits: Sequence[float]) -> list[float]:
    """Sleeps of at most a second each, joined to the three waits they belong to (1, 2 and 4 s at most)."""
    rests, left = [], list(waits)
    for attempt in range(3):
        rest = 0.0
        while left and rest + left[0] <= 2**attempt + 1e-6:
            rest += left.pop(0)
            if rest % 1 > 1e-3:  # a slice shorter than a second ends a wait
                break
        rests.append(rest)
    return rests


def test_the_jitter_repeats_with_the_seed() -> None:
    drawn = [[Pace(4, QuickClock(), seed=seed, backoff=1.0).delay(n) for n in range(1, 6)] for seed in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert Pace(4, QuickClock(), seed=0, backoff=1.0).delay(40) <= 60


def test_a_stalled_call_is_given_up_and_its_cost_held_as_perhaps_billed(tmp_path: Path) -> None:
    with ScriptedServer(once(Reply(GOOD, delay=3.0))) as server:
        answers, client, _ = ask(server, tmp_path, asked(1), timeout=0.3)
    assert answers[0].value is not None
    assert len(server.calls) == 2
    assert client.spending.uncertain > 0


def test_a_body_cut_on_the_wire_is_tried_again(tmp_path: Path) -> None:
    with ScriptedServer(once(Reply(GOOD, cut=30))) as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
    assert answers[0].value is not None
    assert len(server.calls) == 2


def test_a_page_instead_of_a_completion_is_tried_again(tmp_path: Path) -> None:
    with ScriptedServer(once(Reply(raw=b"<html>proxy</html>"))) as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
    assert answers[0].value is not None


@pytest.mark.parametrize(
    ("reply", "cure"),
    [
        (Reply(status=401, error={"message": "bad key sk-secret-123456", "code": "invalid_api_key"}), "SOME_KEY"),
        (Reply(status=403, error={"message": "not \x1b[2Jyours", "code": "forbidden"}), "SOME_KEY"),
        (Reply(status=404, error={"message": "no such model", "code": "model_not_found"}), "--llm"),
        (Reply(status=400, error={"message": "bad request", "code": None}), "response_format"),
        (Reply(status=429, error={"message": "out of credit", "code": "insufficient_quota"}), "credit"),
        (Reply(status=302, headers={"Location": "http://elsewhere/"}), "credit"),
    ],
)
def test_a_final_refusal_ends_the_run_at_once_and_never_shows_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: Reply, cure: str
) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-secret-123456")
    with ScriptedServer(lambda _: reply) as server, pytest.raises(ServiceError) as caught:
        ask(server, tmp_path, asked(30), key_variable="SOME_KEY")
    assert cure in str(caught.value)
    assert f"HTTP {reply.status}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(server.calls) <= 4, "only what was in flight was sent"


def test_a_request_refused_for_its_text_is_an_error_of_that_answer_alone(tmp_path: Path) -> None:
    refused = Reply(status=400, error={"message": "filtered", "code": "content_filter"})
    with ScriptedServer(lambda call: refused if call.user == "mot 2" else GOOD) as server:
        answers, _, _ = ask(server, tmp_path, asked(5))
    assert [answer.value is None for answer in answers] == [False, False, True, False, False]
    assert answers[2].refused
    assert "filtered" in answers[2].error


def test_too_many_failures_in_a_row_end_the_run_and_paid_answers_stay(tmp_path: Path) -> None:
    with ScriptedServer(lambda call: GOOD if call.number < 5 else Reply(status=500)) as server:
        with pytest.raises(ServiceError, match="8 calls in a row failed") as caught:
            ask(server, tmp_path, asked(40), max_failures=8)
        assert "every paid answer is kept" in caught.value.cure
        assert len(server.calls) <= 5 + 8 + 4
        server.script = lambda _: GOOD
        answers, client, _ = ask(server, tmp_path, asked(40))
    assert client.spending.calls == 35
    assert len(answers) == 40
    assert max(server.paid.values()) == 1


def test_a_request_that_keeps_failing_is_named_at_the_end_and_asked_alone_next_time(tmp_path: Path) -> None:
    with ScriptedServer(lambda call: Reply(status=503) if call.user == "mot 3" else GOOD) as server:
        with pytest.raises(ServiceError, match="1 of 10 requests failed: r3: HTTP 503"):
            ask(server, tmp_path, asked(10), attempts=3)
        assert len(server.calls) == 9 + 3
        server.script = lambda _: GOOD
        _, client, _ = ask(server, tmp_path, asked(10))
    assert client.spending.calls == 1


MALFORMED = {
    "cut": Reply('{"word": "to', finish="length"),
    "chatter": Reply('Voici deux questions :\n{"word": "tour"}'),
    "chatter after": Reply('{"word": "tour"}\nJ\'espère que cela convient.'),
    "another schema": Reply('{"mot": "tour"}'),
    "one field too many": Reply('{"word": "tour", "note": "x"}'),
    "another type": Reply('{"word": 3}'),
    "a list": Reply('[{"word": "tour"}]'),
    "nothing": Reply(""),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_answer_is_asked_once_more_with_the_error(tmp_path: Path, name: str) -> None:
    with ScriptedServer(once(MALFORMED[name])) as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
    assert answers[0].value == Form(word="tour")
    first, second = server.calls
    assert second.body["messages"][: len(first.body["messages"])] == first.body["messages"]
    assert "cannot be used" in second.body["messages"][-1]["content"]
    assert answers[0].tokens == Tokens(1800, 160), "both calls are counted"


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_twice_is_no_answer_and_is_not_paid_again(tmp_path: Path, name: str) -> None:
    with ScriptedServer(lambda _: MALFORMED[name]) as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
        again, client, _ = ask(server, tmp_path, asked(1))
    assert answers[0].value is None
    assert answers[0].error
    assert not answers[0].refused
    assert len(server.calls) == 2
    assert client.spending.calls == 0
    assert again[0] == replace(answers[0], cached=True)


def test_a_fence_around_the_object_is_taken_off_and_nothing_else_is(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: f"```json\n{GOOD}\n```") as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
    assert answers[0].value == Form(word="tour")
    assert len(server.calls) == 1


def test_an_answer_with_half_a_surrogate_pair_is_stored_and_not_paid_again(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: '{"word": "\ud83d"}') as server:
        first, _, _ = ask(server, tmp_path, asked(1))
        second, _, _ = ask(server, tmp_path, asked(1))
    assert first[0].value == second[0].value == Form(word="?")
    assert len(server.calls) == 1


def test_a_refusal_is_told_apart_and_not_asked_again(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: Reply(None, refusal="Je ne peux pas.")) as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
    assert answers[0].refused
    assert "Je ne peux pas." in answers[0].error
    assert len(server.calls) == 1


def test_no_network_is_one_clear_error_after_a_few_tries(tmp_path: Path) -> None:
    settings = LlmSettings(model="openai:x", base_url="http://127.0.0.1:9/v1", concurrency=1)
    clock = QuickClock()
    with pytest.raises(ServiceError, match="cannot connect") as caught:
        run_many(LlmClient(settings, tmp_path, clock=clock), asked(5))
    assert "--base-url" in caught.value.cure
    assert sum(clock.waits) < 5


def test_a_missing_key_is_said_before_any_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ServiceError, match="OPENAI_API_KEY is not set") as caught:
        run_many(LlmClient(LlmSettings(model="openai:gpt-4.1-mini"), tmp_path), asked(2))
    assert "export OPENAI_API_KEY" in caught.value.cure


def test_the_key_goes_into_one_header_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tres-secret-42")
    with ScriptedServer(lambda _: GOOD) as server:
        ask(server, tmp_path, asked(2))
    assert server.calls[0].headers["authorization"] == "Bearer sk-tres-secret-42"
    assert "secret" not in json.dumps(server.calls[0].body)
    assert all(b"tres-secret" not in file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("", ""),
        ("gpt-4.1-mini", ""),
        ("openai:", ""),
        ("autre:x", ""),
        ("openai:x", "localhost:8000"),
        ("openai:x", "http://me:pass@host/v1"),
        ("openai:x", "https://host/v1?key=abc"),
    ],
)
def test_a_model_or_address_that_cannot_work_is_refused_with_the_cure(model: str, url: str) -> None:
    with pytest.raises(SettingError) as caught:
        model_name(LlmSettings(model=model, base_url=url))
    assert caught.value.cure


def test_a_model_name_may_have_colons_of_its_own() -> None:
    assert model_name(LlmSettings(model="openai:llama3:8b")) == "llama3:8b"


def test_the_request_asks_for_the_strict_schema_and_fits_reasoning_models(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: GOOD) as server:
        ask(server, tmp_path, asked(1), max_tokens=77, temperature=0.3)
        ask(server, tmp_path, asked(1), model="openai:o4-mini", max_tokens=77)
        ask(server, tmp_path, asked(1), response_format="json_object")
        ask(server, tmp_path, asked(1), response_format="text")
    plain, reasoning, loose, text = (call.body for call in server.calls)
    schema = plain["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert schema["schema"] == {
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
        "additionalProperties": False,
    }
    assert (plain["model"], plain["max_tokens"], plain["temperature"]) == ("petit", 77, 0.3)
    assert reasoning["max_completion_tokens"] == 77
    assert "temperature" not in reasoning
    assert "max_tokens" not in reasoning
    assert loose["response_format"] == {"type": "json_object"}
    assert "response_format" not in text


def test_a_proxy_of_the_environment_is_used_but_not_for_hosts_it_excepts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1,.intern")
    assert proxy_for("https://api.example.test/v1/chat/completions") == "http://proxy:3128"
    assert proxy_for("https://llm.intern/v1/chat/completions") is None
    assert proxy_for("http://127.0.0.1:8000/v1/chat/completions") is None


def test_many_can_be_asked_where_a_loop_runs_already(tmp_path: Path) -> None:
    async def notebook() -> list[Answer]:
        return run_many(LlmClient(settings_for(server), tmp_path), asked(2))

    with ScriptedServer(lambda _: GOOD) as server:
        assert len(asyncio.run(notebook())) == 2


def test_an_error_inside_a_loop_comes_out_as_itself() -> None:
    async def fail() -> None:
        raise ServiceError("no")

    async def notebook() -> None:
        run_async(fail())

    with pytest.raises(ServiceError, match="no"):
        asyncio.run(notebook())
