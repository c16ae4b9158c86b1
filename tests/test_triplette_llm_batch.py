"""The batch service: submitted once and collected later, half the price, failures asked again, nothing paid twice, a budget that holds."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from judged import corpus, good_rows, mined
from scripted_batch import BatchService
from scripted_chunks import with_chunks, without_stalls
from scripted_client import GOOD, QuickClock, ask, asked, settings_for
from scripted_llm import Call, Reply, ScriptedServer, good_reader

from triplette.curate.judge.judge import judge
from triplette.errors import AnswersPending, BudgetReached, ServiceError
from triplette.llm.client import Answer, LlmClient, quote
from triplette.llm.run import run_many
from triplette.rundir import RunDir
from triplette.settings.judge import JudgeSettings
from triplette.settings.llm import LlmSettings
from triplette.settings.write import WriteSettings
from triplette.synth.write import write_questions

BILL = (900 * 1.0 + 80 * 2.0) / 1e6  # of the scripted usage, at full price


def command(server: ScriptedServer, folder: Path, count: int, *, budget: float | None = None, **changes: Any) -> list[Answer]:
    """One command with --batch."""
    return asking(server, folder, count, budget=budget, **changes)[0]


def asking(
    server: ScriptedServer, folder: Path, count: int, *, budget: float | None = None, **changes: Any
) -> tuple[list[Answer], LlmClient]:
    client = LlmClient(settings_for(server, batch=True, **changes), folder, budget, clock=QuickClock())
    return run_many(client, asked(count), stage="test"), client


def journal(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "batches").glob("*.json"))]


def test_one_command_submits_a_later_one_collects_and_between_them_nothing_is_sent_again(tmp_path: Path) -> None:
    service = BatchService(lambda _: GOOD, after=2)
    with ScriptedServer(lambda _: GOOD, service) as server:
        with pytest.raises(AnswersPending, match="20 requests are on their way in batch_0") as caught:
            command(server, tmp_path, 20)
        assert "run the same command again later" in caught.value.cure
        for _ in range(2):
            with pytest.raises(AnswersPending, match="in_progress"):
                command(server, tmp_path, 20)
        answers, client = asking(server, tmp_path, 20)
        assert [answer.value is not None for answer in answers] == [True] * 20
        assert (len(service.batches), service.uploads, len(server.calls)) == (1, 1, 0)
        assert client.spending.spent == pytest.approx(20 * BILL / 2), "half the price"
        assert not any(answer.cached for answer in answers)
        again = command(server, tmp_path, 20)
        live, client, _ = ask(server, tmp_path, asked(20))
    assert all(answer.cached for answer in [*again, *live])
    assert sum(answer.cost for answer in live) == pytest.approx(20 * BILL / 2), "what was paid is remembered, whoever asks later"
    assert client.spending.spent == 0
    assert not server.calls
    assert [path.name for path in (tmp_path / "batches").iterdir() if path.suffix == ".jsonl"] == []


def test_waiting_is_one_command_with_the_settings_batch_wait(tmp_path: Path) -> None:
    service = BatchService(lambda _: GOOD, after=5)
    with ScriptedServer(lambda _: GOOD, service) as server:
        assert len(command(server, tmp_path, 3, batch_wait=1.0)) == 3
    assert service.looks == 6


@pytest.mark.parametrize("ends", ["expired", "cancelled"])
def test_what_an_ended_batch_never_came_to_is_sent_again_and_nothing_else(tmp_path: Path, ends: str) -> None:
    service = BatchService(lambda _: GOOD, ends=(ends, "completed"))
    with ScriptedServer(lambda _: GOOD, service) as server:
        answers = command(server, tmp_path, 10, batch_wait=1.0)
    assert all(answer.value for answer in answers)
    assert [len(service.rows(batch)) for batch in service.batches] == [10, 5]
    assert set(service.paid.values()) == {1}


def test_partial_failures_are_asked_again_up_to_attempts_and_then_named(tmp_path: Path) -> None:
    def script(call: Call) -> Reply | str:
        text = call.user
        if text == "mot 1":
            return Reply(status=500) if call.times < 2 else GOOD
        return Reply(status=503) if text == "mot 2" else GOOD

    service = BatchService(script)
    with (
        ScriptedServer(script, service) as server,
        pytest.raises(ServiceError, match=r"1 of 5 requests failed: r2: HTTP 503") as caught,
    ):
        command(server, tmp_path, 5, batch_wait=1.0, attempts=3)
    assert "without --batch" in caught.value.cure
    assert [len(service.rows(batch)) for batch in service.batches] == [5, 2, 2]
    assert set(service.paid.values()) == {0, 1}


def test_a_malformed_answer_is_asked_again_with_the_error_and_an_odd_one_is_kept_as_unreadable(tmp_path: Path) -> None:
    def script(call: Call) -> Reply | str:
        if call.user == "mot 0":
            return GOOD if call.asked_again else "un mot: tour"
        return Reply(raw=b'{"choices": []}') if call.user == "mot 1" else GOOD

    service = BatchService(script)
    with ScriptedServer(script, service) as server:
        answers = command(server, tmp_path, 3, batch_wait=1.0)
        live, _, _ = ask(server, tmp_path, asked(3))
    assert [bool(answer.value) for answer in answers] == [True, False, True]
    assert "unreadable answer" in answers[1].error
    assert [len(service.rows(batch)) for batch in service.batches] == [3, 2]
    assert [answer.error for answer in live] == [answer.error for answer in answers]
    assert not server.calls


def test_a_refused_text_is_refused_for_good_and_the_others_go_on(tmp_path: Path) -> None:
    refused = Reply(status=400, error={"message": "too long", "code": "context_length_exceeded"})
    service = BatchService(lambda call: refused if call.user == "mot 1" else GOOD)
    with ScriptedServer(service.script, service) as server:
        answers = command(server, tmp_path, 3, batch_wait=1.0)
    assert [answer.refused for answer in answers] == [False, True, False]
    assert len(service.batches) == 1


def test_a_part_that_the_model_refuses_is_left_out_of_the_next_batch(tmp_path: Path) -> None:
    def script(call: Call) -> Reply | str:
        form = call.body.get("response_format", {}).get("type")
        return Reply(status=400, error={"message": "response_format json_schema is not supported"}) if form == "json_schema" else GOOD

    service = BatchService(script)
    with ScriptedServer(script, service) as server:
        assert all(answer.value for answer in command(server, tmp_path, 3, batch_wait=1.0))
    assert [service.rows(batch)[0]["body"]["response_format"]["type"] for batch in service.batches] == ["json_schema", "json_object"]


def test_a_batch_whose_making_was_cut_off_is_found_by_its_name_and_not_made_twice(tmp_path: Path) -> None:
    service = BatchService(lambda _: GOOD, creates=("503", "cut", "made"))
    with ScriptedServer(lambda _: GOOD, service) as server:
        assert len(command(server, tmp_path, 4, batch_wait=1.0)) == 4
    assert (len(service.batches), service.tried) == (1, 2)


@pytest.mark.parametrize("known", ["nothing", "the file", "the batch"])
def test_a_command_that_died_while_submitting_is_gone_on_with_by_the_next(tmp_path: Path, known: str) -> None:
    service = BatchService(lambda _: GOOD)
    with ScriptedServer(lambda _: GOOD, service) as server:
        with pytest.raises(AnswersPending):
            command(server, tmp_path, 4)
        (path,) = (tmp_path / "batches").glob("*.json")
        state = json.loads(path.read_text(encoding="utf-8"))
        service.files["file-1"], rows = service.files["file-1"], service.rows(service.batches[0])
        if known == "nothing":
            service.batches.clear()
        lost = {"nothing": {"id": "", "file": "", "status": ""}, "the file": {"id": "", "status": ""}, "the batch": {"id": ""}}[known]
        path.write_text(json.dumps(state | lost), encoding="utf-8")
        path.with_suffix(".input.jsonl").write_bytes(service.files["file-1"])
        assert len(command(server, tmp_path, 4, batch_wait=1.0)) == 4
    assert len(service.batches) == 1
    assert len(rows) == 4
    assert set(service.paid.values()) == {1}


def test_the_budget_holds_the_worst_case_before_and_the_bill_after_over_all_commands_of_the_job(tmp_path: Path) -> None:
    service = BatchService(lambda _: GOOD)
    with ScriptedServer(lambda _: GOOD, service) as server:
        client = LlmClient(settings_for(server, batch=True), tmp_path)
        worst = client.worst(asked(1)[0].messages, asked(1)[0])
        assert worst < 0.5 * (1000 * 2.0 + 1000) / 1e6
        budget = 10.5 * worst
        held = []
        while len(held) < 20:
            with pytest.raises((AnswersPending, BudgetReached)) as caught:
                command(server, tmp_path, 100, budget=budget)
            if caught.type is BudgetReached:
                break
            held.append(sum(one["billed"] if one["collected"] else one["worst"] for one in journal(tmp_path)))
        assert "run the same command again" in caught.value.cure
        sizes = [len(service.rows(batch)) for batch in service.batches]
        assert all(0 < spent <= budget for spent in held)
        assert sizes[0] == 10
        assert len(sizes) > 1, "what the first did not use is spent by the next"
        paid = sum(service.paid.values())
        assert paid * BILL / 2 <= budget < (paid + 1) * BILL / 2 + worst
        before = len(service.batches)
        with pytest.raises(BudgetReached):
            command(server, tmp_path, 100, budget=budget)
        assert len(service.batches) == before, "the budget is the job's, not the command's"


def test_a_live_call_for_what_is_on_its_way_is_refused_because_it_would_be_paid_twice(tmp_path: Path) -> None:
    service = BatchService(lambda _: GOOD)
    with ScriptedServer(lambda _: GOOD, service) as server:
        with pytest.raises(AnswersPending):
            command(server, tmp_path, 4)
        with pytest.raises(ServiceError, match="4 of these requests are on their way in a batch"):
            ask(server, tmp_path, asked(6))
        assert not server.calls
        with pytest.raises(AnswersPending, match="2 requests"):
            command(server, tmp_path, 6)
        assert len(command(server, tmp_path, 6)) == 6
    assert set(service.sent.values()) == {1}


def test_a_batch_that_the_provider_refuses_whole_is_one_clear_error_and_costs_nothing(tmp_path: Path) -> None:
    service = BatchService(
        lambda _: GOOD, ends=("failed", "completed"), errors=[{"message": "Enqueued token limit reached", "line": None}]
    )
    with ScriptedServer(lambda _: GOOD, service) as server:
        with pytest.raises(AnswersPending):
            command(server, tmp_path, 2)
        with pytest.raises(ServiceError, match="the batch was refused: Enqueued token limit reached"):
            command(server, tmp_path, 2, budget=1.0)
        assert len(command(server, tmp_path, 2, budget=1.0, batch_wait=1.0)) == 2
    assert [one["billed"] > 0 for one in journal(tmp_path)] == [False, True]


def test_answers_that_the_provider_has_deleted_count_as_spent_and_are_asked_for_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = BatchService(lambda _: GOOD)
    with ScriptedServer(lambda _: GOOD, service) as server:
        with pytest.raises(AnswersPending):
            command(server, tmp_path, 2)
        service._look("batch_0")
        del service.files["output-0"]
        assert len(command(server, tmp_path, 2, batch_wait=1.0)) == 2
    first, second = journal(tmp_path)
    assert first["billed"] == first["worst"] > second["billed"] > 0
    assert "no longer has its answers" in capsys.readouterr().err


def test_lines_that_are_broken_foreign_or_doubled_are_told_and_harm_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(number: int, output: list[Any], errors: list[Any]) -> None:
        if number == 0:
            output[0] = b'{"custom_id": "half'
            output += [{"custom_id": "never asked", "response": output[1]["response"]}, output[2], b"[" * 100_000]

    service = BatchService(lambda _: GOOD, change=change)
    with ScriptedServer(lambda _: GOOD, service) as server:
        assert all(answer.value for answer in command(server, tmp_path, 4, batch_wait=1.0))
    assert [len(service.rows(batch)) for batch in service.batches] == [4, 1]
    assert "4 lines could not be read" in capsys.readouterr().err


def test_many_requests_go_in_several_batches_within_the_providers_limits(tmp_path: Path) -> None:
    service = BatchService(lambda _: GOOD)
    with ScriptedServer(lambda _: GOOD, service) as server:
        assert len(command(server, tmp_path, 25, batch_wait=1.0, batch_requests=10)) == 25
    assert [len(service.rows(batch)) for batch in service.batches] == [10, 10, 5]


def test_a_quote_for_a_batch_is_at_its_price_and_says_when_it_comes(tmp_path: Path) -> None:
    settings = LlmSettings(model="openai:gpt-4.1-mini")
    live, batch = (quote(replace(settings, batch=one), tmp_path, asked(10)) for one in (False, True))
    assert live.cost is not None
    assert batch.cost == pytest.approx(live.cost / 2, abs=1e-6)
    assert batch.facts()["time, about"] == "within 24 h, in batches"


def test_answers_of_a_run_made_before_there_were_batches_are_still_found(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: GOOD) as server:
        ask(server, tmp_path, asked(3))
        with closing(sqlite3.connect(tmp_path / "answers.sqlite")) as connection:
            connection.execute("ALTER TABLE answers DROP COLUMN rate")
            connection.commit()
        answers, _, _ = ask(server, tmp_path, asked(3))
        assert len(server.calls) == 3
    assert sum(answer.cost for answer in answers) == pytest.approx(3 * BILL)


def test_written_in_batches_the_run_is_the_same_as_live_but_for_the_price(tmp_path: Path) -> None:
    """Chunks whose answers are malformed, refused, cut or fail give the same questions and rejects."""
    live, batched = (with_chunks(RunDir(tmp_path / name), 15) for name in ("live", "batched"))
    service = BatchService(without_stalls)
    with ScriptedServer(without_stalls, service) as server:
        settings = replace(settings_for(server), backoff=0.01, batch_poll=0.01)
        write_questions(live, WriteSettings(writer="llm"), settings)
        with pytest.raises(AnswersPending):
            write_questions(batched, WriteSettings(writer="llm"), replace(settings, batch=True))
        assert not batched.has("questions.parquet")
        summary = write_questions(batched, WriteSettings(writer="llm"), replace(settings, batch=True, batch_wait=1.0))
    assert summary.questions > 15
    texts = [[(row.chunk_id, row.text, row.kind) for row in read(run)] for run in (live, batched)]
    assert texts[0] == texts[1]
    assert (live.path("rejected.parquet").read_bytes()) == batched.path("rejected.parquet").read_bytes()


def read(run: RunDir) -> list[Any]:
    from triplette.records import Question
    from triplette.tables import read_records

    return read_records(run.path("questions.parquet"), Question)


def test_the_judges_two_rounds_are_two_batches_of_one_job(run: RunDir) -> None:
    chunks = corpus()
    mined(run, chunks, good_rows(chunks))
    service = BatchService(good_reader)
    with ScriptedServer(good_reader, service) as server:
        settings = settings_for(server, batch=True)
        for _ in range(2):
            with pytest.raises(AnswersPending):
                judge(run, JudgeSettings(judge="llm"), settings, budget=1.0)
        result = judge(run, JudgeSettings(judge="llm"), settings, budget=1.0)
    assert len(service.batches) == 2
    assert result.asked > 0
    assert set(service.paid.values()) == {1}
    assert result.spent == pytest.approx(len(service.rows(service.batches[1])) * BILL / 2, abs=1e-6)
