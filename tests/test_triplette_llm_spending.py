"""What the client spends and keeps: paid answers are on disk and found again, a budget is never passed, a missing bill is bounded."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_client import GOOD, Form, ask, asked, settings_for
from scripted_llm import Call, Reply, ScriptedServer

from triplette.errors import BudgetReached, ServiceError, SettingError, TripletteError
from triplette.llm.client import Answer, LlmClient, quote
from triplette.llm.forms import schema_of
from triplette.llm.price_list import EARLIER
from triplette.llm.prices import Price, Spending, Tokens
from triplette.llm.run import _Meter
from triplette.settings.llm import LlmSettings


def test_what_was_paid_is_found_by_content_whatever_the_address_or_the_pace(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: GOOD) as server:
        ask(server, tmp_path, asked(3))
    with ScriptedServer(lambda _: GOOD) as other:
        answers, client, _ = ask(other, tmp_path, list(reversed(asked(3))), concurrency=1, timeout=9.0, seed=5)
        assert all(answer.cached for answer in answers)
        assert not other.calls
        for changes in ({"model": "openai:autre"}, {"temperature": 0.1}, {"max_tokens": 99}, {"response_format": "text"}):
            before = len(other.calls)
            ask(other, tmp_path, asked(1), **changes)
            assert len(other.calls) == before + 1, changes
        assert client.spending.spent == 0


@pytest.mark.parametrize("calls_paid_for", [0, 1, 7, 30])
def test_the_budget_is_never_passed_and_the_same_command_goes_on(tmp_path: Path, calls_paid_for: int) -> None:
    def script(call: Call) -> Reply:
        return Reply(GOOD, usage={"prompt_tokens": 20, "completion_tokens": 300}, delay=0.002 * (call.number % 3))

    bill = (20 * 1.0 + 300 * 2.0) / 1e6
    budget = calls_paid_for * bill
    with ScriptedServer(script) as server:
        for _ in range(2):
            before = server_paid(server)
            with pytest.raises(BudgetReached) as caught:
                ask(server, tmp_path, asked(100), budget=budget)
            assert (server_paid(server) - before) * bill <= budget
            assert "run the same command again" in caught.value.cure
        # with room for all, the rest is paid and nothing twice
        answers, _, _ = ask(server, tmp_path, asked(100), budget=1.0)
    assert len(answers) == server_paid(server) == 100
    assert max(server.paid.values()) == 1


def server_paid(server: ScriptedServer) -> int:
    return sum(server.paid.values())


def test_most_of_a_budget_can_be_spent_although_the_worst_case_is_reserved(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 50}
    with ScriptedServer(lambda _: Reply(GOOD, usage=usage, delay=0.01)) as server, pytest.raises(BudgetReached):
        ask(server, tmp_path, asked(200), budget=0.02, concurrency=32)
    assert 0.02 - 0.0025 < server_paid(server) * 0.0002 <= 0.02


def test_calls_in_doubt_count_against_the_budget() -> None:
    async def spend() -> None:
        spending = Spending(1.0)
        await spending.reserve(0.6)
        spending.settle(0.6, unknown=True)
        await spending.reserve(0.6)

    with pytest.raises(BudgetReached, match="perhaps"):
        asyncio.run(spend())


def test_a_budget_without_prices_is_refused_before_any_call(tmp_path: Path) -> None:
    settings = LlmSettings(model="openai:inconnu", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(SettingError, match="not known") as caught:
        LlmClient(settings, tmp_path, 5.0)
    assert "price_in" in caught.value.cure
    LlmClient(settings, tmp_path)  # without a budget it may go on
    with pytest.raises(SettingError, match="only one"):
        LlmClient(replace(settings, price_in=1.0), tmp_path)
    listed = LlmClient(LlmSettings(model="openai:gpt-4.1-mini"), tmp_path, 5.0)
    assert listed.price == Price(0.40, 1.60, of_list=EARLIER)


def test_an_endpoint_that_sends_no_bill_is_charged_at_the_bound(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: Reply(GOOD, usage=None)) as server:
        answers, _, _ = ask(server, tmp_path, asked(1))
    assert answers[0].tokens.input >= len("mot 0") + len(json.dumps(schema_of(Form)).replace(" ", ""))
    assert answers[0].tokens.output == len(GOOD)


def test_a_quote_spends_nothing_needs_no_key_and_leaves_out_what_is_paid(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: GOOD) as server:
        settings = settings_for(server)
        first = quote(settings, tmp_path, asked(40))
        assert not server.calls
        assert not list(tmp_path.iterdir()), "a quote writes no file"
        ask(server, tmp_path, asked(25))
        second = quote(settings, tmp_path, asked(40))
    assert (first.calls, first.cached) == (40, 0)
    assert (second.calls, second.cached) == (15, 25)
    assert second.tokens_out == 15 * 80, "the length now comes from the answers that were seen"
    assert first.cost is not None
    assert first.cost_at_most is not None
    assert 0 < first.cost < first.cost_at_most
    assert quote(LlmSettings(model="openai:inconnu"), tmp_path, asked(1)).cost is None


def test_answers_file_that_is_no_database_is_an_error_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").write_bytes(b"not a database at all, really" * 10)
    with ScriptedServer(lambda _: GOOD) as server, pytest.raises(TripletteError, match="paid answers") as caught:
        ask(server, tmp_path, asked(1))
    assert caught.value.cure
    assert not server.calls, "nothing is paid for that cannot be kept"


def test_an_answer_is_on_disk_before_the_next_call_of_its_worker(tmp_path: Path) -> None:
    stored: list[int] = []

    def script(call: Call) -> str:
        if call.number:
            with closing(sqlite3.connect(tmp_path / "answers.sqlite")) as connection, connection:
                stored.append(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
        return GOOD

    with ScriptedServer(script) as server:
        ask(server, tmp_path, asked(6), concurrency=1)
    assert stored == [1, 2, 3, 4, 5]


def test_a_call_that_waited_for_money_is_not_sent_once_the_run_is_over(tmp_path: Path) -> None:
    """One call in flight holds the budget; it comes back with a final refusal, and those in line must not go out."""
    reply = Reply(status=401, delay=0.2, error={"message": "revoked", "code": "invalid_api_key"})
    with ScriptedServer(lambda _: reply) as server, pytest.raises(ServiceError, match="revoked"):
        ask(server, tmp_path, asked(8), budget=0.003)
    assert len(server.calls) == 1


def test_the_bar_says_rate_spend_and_estimate(tmp_path: Path) -> None:
    said: list[str] = []

    class Bar:
        def advance(self, steps: float = 1) -> None: ...

        def describe(self, text: str) -> None:
            said.append(text)

    client = LlmClient(LlmSettings(model="openai:x", price_in=1.0, price_out=1.0), tmp_path, budget=5.0)
    client.spending.spent, client.spending.calls = 0.5, 10
    meter = _Meter(client, Bar(), "writing", 40)  # type: ignore[arg-type]
    meter._marks[0] = (time.monotonic() - 4.0, 0)
    meter.advance(Answer(None, "", Tokens(), 0.05, cached=False))
    assert re.fullmatch(r"writing  2\.\d calls/s  0\.5000 of 5\.00 USD spent, about 2\.00 in all", said[0]), said
    meter.advance(None)
    assert len(said) == 1, "the text changes a few times a second, not at each answer"
    client.spending.calls = 60
    assert meter.text(time.monotonic() + 9.0).startswith("writing  5."), "an idle start is forgotten"
