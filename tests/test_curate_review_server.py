"""The real embedded server: push, pull, kills, two reviewers at once, and every filter that its engine answers."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from curated import judged, small_run

from triplette.curate.review import labels
from triplette.curate.review.answers import read_answers
from triplette.curate.review.argilla_desk import ArgillaDesk
from triplette.curate.review.connect import open_client
from triplette.curate.review.pull import pull
from triplette.curate.review.push import push, read_queue
from triplette.curate.review.serve.home import Account, Home
from triplette.curate.review.serve.supervise import Server, free_port, serving
from triplette.curate.review.status import read_status
from triplette.errors import ServiceError
from triplette.hashing import hash_file
from triplette.profile import load_profile
from triplette.records import Verdict
from triplette.rundir import RunDir
from triplette.settings.judge import JudgeSettings
from triplette.settings.review import ReviewSettings
from triplette.tables import write_records

pytestmark = pytest.mark.slow
JUDGE = JudgeSettings()
REVIEW = load_profile("chess-fr").review
SETTINGS = ReviewSettings(overlap_share=0.0, chunk_rows=20)
MINUTES = 300  # seconds that a command may take on a machine with other work; nothing is measured by it


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for this file; every test has its own dataset."""
    home = Home(tmp_path_factory.mktemp("argilla") / "home")
    with serving(home, port=0, workspace="review", reviewers=["anne", "bruno"]) as running:
        yield running


@pytest.fixture
def desk(server: Server, request: pytest.FixtureRequest) -> Iterator[ArgillaDesk]:
    name = "d-" + request.node.name.replace("_", "-")[:80]
    with desk_at(server, dataset=name) as desk:
        yield desk


@contextmanager
def desk_at(server: Server, account: Account | None = None, **settings: Any) -> Iterator[ArgillaDesk]:
    """The owner's desk, or that of another account."""
    with open_client(server.url, (account or server.owner).api_key) as client:
        yield ArgillaDesk(client, replace(SETTINGS, **settings), REVIEW)


@pytest.fixture
def review_run(tmp_path: Path) -> RunDir:
    return small_run(30).write(tmp_path / "run")


def send(run: RunDir, desk: ArgillaDesk, **options: Any) -> Any:
    return push(run, desk, desk.settings, JUDGE, 0.1, everything=True, **options).pushed


def session(server: Server, name: str) -> httpx.Client:
    account = next(account for account in server.accounts if account.username == name)
    return httpx.Client(base_url=server.url, headers={"X-Argilla-Api-Key": account.api_key}, trust_env=False, timeout=60)


def dataset_of(desk: ArgillaDesk, suffix: str = "") -> Any:
    return next(one for one in desk.client.datasets if one.name == desk.settings.dataset + suffix)


def terms(entity: str, name: str, values: list[str], **more: str) -> dict[str, Any]:
    key = {"metadata": "metadata_property", "suggestion": "question", "record": "property", "response": "property"}[entity]
    return {"type": "terms", "scope": {"entity": entity, key: name, **more}, "values": values}


WAITING = [terms("response", "status", ["pending"]), terms("record", "status", ["pending"])]


def search(client: httpx.Client, dataset_id: Any, *filters: dict[str, Any], limit: int = 50, **body: Any) -> tuple[list[str], int]:
    """Triplet ids and total of a reviewer's own search, as the UI asks for it."""
    if filters:
        body["filters"] = {"and": list(filters)}
    answer = client.post(f"/api/v1/me/datasets/{dataset_id}/records/search", json=body, params={"limit": limit})
    answer.raise_for_status()
    return [item["record"]["external_id"] for item in answer.json()["items"]], answer.json()["total"]


def respond(client: httpx.Client, dataset_id: Any, status: str = "submitted", **values: Any) -> str:
    """Answer the first record that waits for this reviewer; its triplet id."""
    page = client.post(
        f"/api/v1/me/datasets/{dataset_id}/records/search", json={"filters": {"and": WAITING}}, params={"limit": 1}
    ).json()
    record = page["items"][0]["record"]
    wrapped = {name: {"value": value} for name, value in values.items()}
    answer = client.post(f"/api/v1/records/{record['id']}/responses", json={"status": status, "values": wrapped})
    assert answer.is_success, answer.text
    return str(record["external_id"])


def test_pushing_again_sends_nothing_and_a_changed_row_is_updated(review_run: RunDir, desk: ArgillaDesk) -> None:
    assert send(review_run, desk).sent == 120
    assert (send(review_run, desk).sent, send(review_run, desk).unchanged) == (0, 120)
    parts = small_run(30)
    triplet = parts.triplets[0]
    subject = f"{triplet.id}/{triplet.negatives[0].chunk_id}"
    parts.replace_verdict("negatives", subject, decision="positive", score=0.1)
    parts.write(review_run.root)
    again = send(review_run, desk)
    assert (again.sent, again.updated, again.unchanged) == (0, 1, 119)
    record = next(record for record in dataset_of(desk).records(with_responses=False) if record.id == triplet.id)
    assert record.suggestions[labels.ISSUES].value == ["negative_1_answers"]
    small_run(30).write(review_run.root)
    assert send(review_run, desk).updated == 1
    record = next(record for record in dataset_of(desk).records(with_responses=False) if record.id == triplet.id)
    assert [item.question_name for item in record.suggestions] == [labels.VERDICT]


def test_answers_come_back_with_reviewer_time_and_rewrite(server: Server, review_run: RunDir, desk: ArgillaDesk) -> None:
    send(review_run, desk)
    dataset = dataset_of(desk).id
    with session(server, "anne") as anne:
        rewrite = {labels.REWRITE: "Mieux dit ?", labels.HARDNESS: 5, labels.ISSUES: ["negative_1_answers", "copied"]}
        first = respond(anne, dataset, **{labels.VERDICT: "valid", **rewrite})
        respond(anne, dataset, status="discarded")
        respond(anne, dataset, status="draft", **{labels.VERDICT: "unsure"})
    result = pull(review_run, desk)
    assert (result.merged.new, result.skipped) == (1, {"draft": 1, "discarded": 1})
    (given,) = read_answers(review_run)
    assert (given.triplet_id, given.reviewer, given.verdict, given.hardness) == (first, "anne", "valid", 5)
    assert (given.rewrite, given.issues) == ("Mieux dit ?", ("copied", "negative_1_answers"))
    assert given.answered_at.endswith("+00:00")
    assert pull(review_run, desk).unchanged
    state = read_status(review_run, desk, 0.1)
    assert state.server is not None
    assert {name: state.server[name] for name in ("records", "submitted", "discarded", "draft")} == {
        "records": 120,
        "submitted": 1,
        "discarded": 1,
        "draft": 1,
    }


def test_a_discarded_answer_is_withdrawn_at_the_next_pull(server: Server, review_run: RunDir, desk: ArgillaDesk) -> None:
    send(review_run, desk)
    dataset = dataset_of(desk).id
    with session(server, "anne") as anne:
        respond(anne, dataset, **{labels.VERDICT: "valid"})
        assert pull(review_run, desk).merged.answers == 1
        record = anne.post(
            f"/api/v1/me/datasets/{dataset}/records/search",
            json={"filters": {"and": [terms("response", "status", ["submitted"])]}},
            params={"include": "responses"},
        ).json()["items"][0]["record"]
        response = record["responses"][0]
        body = {"status": "discarded", "values": response["values"]}
        assert anne.put(f"/api/v1/responses/{response['id']}", json=body).is_success
    merged = pull(review_run, desk).merged
    assert (merged.withdrawn, merged.answers) == (1, 0)


def run_cli(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "triplette.curate.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def key_of(server: Server) -> dict[str, str]:
    return {**os.environ, "ARGILLA_API_KEY": server.owner.api_key}


def test_a_push_killed_at_any_moment_doubles_and_loses_nothing(server: Server, review_run: RunDir, desk: ArgillaDesk) -> None:
    where = ["--run", str(review_run.root), "--api-url", server.url, "--dataset", desk.settings.dataset, "--all", "--overlap", "0"]
    config = review_run.root / "triplette.toml"
    config.write_text("[curate.review]\nchunk_rows = 5\n", encoding="utf-8")
    seen = []
    for rows_before_the_kill in (1, 20, 60):
        process = run_cli("review", "push", *where, "--config", str(config), env=key_of(server))
        deadline = time.monotonic() + MINUTES
        while time.monotonic() < deadline and process.poll() is None:
            there = [one for one in desk.client.datasets if one.name == desk.settings.dataset]
            if there and there[0].api_model().status == "ready" and there[0].progress()["total"] >= rows_before_the_kill:
                break
            time.sleep(0.01)
        process.kill()
        process.communicate()
        seen.append(dataset_of(desk).progress()["total"])
    assert seen[0] < 120, "the first push ended before it could be killed"
    process = run_cli("review", "push", *where, "--config", str(config), env=key_of(server))
    _, errors = process.communicate(timeout=MINUTES)
    assert process.returncode == 0, errors
    ids = [record.id for record in dataset_of(desk).records(with_responses=False, with_suggestions=False)]
    assert len(ids) == len(set(ids)) == 120


def test_a_push_killed_while_it_made_the_dataset_starts_over(review_run: RunDir, desk: ArgillaDesk) -> None:
    import argilla

    send(small_run(2).write(review_run.root / "other"), replace_dataset(desk, "made-the-workspace"))
    unpublished = argilla.Dataset(
        name=desk.settings.dataset,
        workspace="review",
        settings=argilla.Settings(
            fields=[argilla.TextField("question", client=desk.client)],
            questions=[argilla.TextQuestion("rewrite", client=desk.client)],
        ),
        client=desk.client,
    )
    desk.client.api.datasets.create(unpublished.api_model())
    assert send(review_run, desk).sent == 120


def replace_dataset(desk: ArgillaDesk, name: str) -> ArgillaDesk:
    return ArgillaDesk(desk.client, replace(desk.settings, dataset=name), REVIEW)


def test_a_pull_killed_at_any_moment_doubles_and_loses_nothing(
    server: Server, review_run: RunDir, desk: ArgillaDesk, tmp_path: Path
) -> None:
    send(review_run, desk)
    dataset = dataset_of(desk).id
    with session(server, "anne") as anne:
        for number in range(40):
            word = ("valid", "invalid", "unsure")[number % 3]
            respond(anne, dataset, **{labels.VERDICT: word, labels.REWRITE: f"Version {number} ?"})
    whole = small_run(30).write(tmp_path / "whole")
    pull(whole, desk)
    where = ["--run", str(review_run.root), "--api-url", server.url, "--dataset", desk.settings.dataset]
    for seconds in (0.4, 0.8, 1.2, 1.6, 2.0):
        process = run_cli("review", "pull", *where, env=key_of(server))
        time.sleep(seconds)
        process.kill()
        process.communicate()
    process = run_cli("review", "pull", *where, env=key_of(server))
    _, errors = process.communicate(timeout=MINUTES)
    assert process.returncode == 0, errors
    for name in ("answers", "human", "rewrites"):
        path = f"verdicts/{name}.parquet"
        assert hash_file(review_run.path(path)) == hash_file(whole.path(path)), name
    assert len(read_answers(review_run)) == 40


def test_two_reviewers_at_once_submit_120_different_records_without_a_lock_error(
    server: Server, tmp_path: Path, desk: ArgillaDesk
) -> None:
    run = small_run(32).write(tmp_path / "wide")
    send(run, desk)
    dataset = dataset_of(desk).id
    done: dict[str, list[str]] = {"anne": [], "bruno": []}
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with session(server, name) as client:
                for _ in range(60):
                    done[name].append(respond(client, dataset, **{labels.VERDICT: "valid"}))
        except BaseException as error:  # handed to the test's own thread
            errors.append(error)

    def push_another() -> None:
        try:
            send(small_run(30).write(tmp_path / "other"), replace_dataset(desk, "pushed-meanwhile"))
        except BaseException as error:
            errors.append(error)

    threads = [*(threading.Thread(target=work, args=(name,)) for name in done), threading.Thread(target=push_another)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    everything = [*done["anne"], *done["bruno"]]
    assert (len(everything), len(set(everything))) == (120, 120)
    assert pull(run, desk).merged.reviewers == {"anne": 60, "bruno": 60}


def test_a_server_that_goes_away_during_a_push_is_one_line_and_the_next_push_ends_it(tmp_path: Path) -> None:
    run = small_run(30).write(tmp_path / "run")
    home = Home(tmp_path / "home")
    port = free_port()
    with serving(home, port=port, workspace="review") as running, desk_at(running, chunk_rows=5) as desk:
        queue = read_queue(run, desk.settings, JUDGE, 0.1, everything=True)
        sent = [0]

        def advance(count: int) -> None:
            sent[0] += count
            if sent[0] >= 40:
                running.process.kill()

        with pytest.raises(ServiceError, match="cannot be reached"):
            desk.push(queue.rows, negatives=queue.negatives, known=queue.known, prune=False, advance=advance)
    with serving(home, port=port, workspace="review") as running, desk_at(running, chunk_rows=5) as desk:
        again = send(run, desk)
        assert 0 < again.sent <= 80
        assert again.sent + again.unchanged == 120
        ids = [record.id for record in dataset_of(desk).records(with_responses=False, with_suggestions=False)]
        assert len(ids) == len(set(ids)) == 120


def test_a_job_of_the_server_runs_without_a_worker(server: Server, review_run: RunDir, desk: ArgillaDesk) -> None:
    import argilla

    send(review_run, desk)
    dataset = dataset_of(desk)
    with session(server, "anne") as anne:
        respond(anne, dataset.id, **{labels.VERDICT: "valid"})
    assert dataset.progress()["completed"] == 1
    dataset.settings.get()
    dataset.settings.distribution = argilla.TaskDistribution(min_submitted=2)
    dataset.update()
    deadline = time.monotonic() + MINUTES
    while dataset.progress()["completed"]:  # the job counts every record's submissions again
        assert time.monotonic() < deadline, "the job did not run"
        time.sleep(0.1)


def test_pulling_from_a_dataset_that_is_not_there_says_so(review_run: RunDir, desk: ArgillaDesk) -> None:
    with pytest.raises(ServiceError, match="there is no dataset") as caught:
        pull(review_run, desk)
    assert "curate review push" in caught.value.cure


def test_the_overlap_waits_for_two_reviewers(server: Server, tmp_path: Path, desk: ArgillaDesk) -> None:
    run = small_run(6).write(tmp_path / "wide")
    several = ArgillaDesk(desk.client, replace(desk.settings, overlap_share=1.0), REVIEW)
    result = push(run, several, several.settings, JUDGE, 0.1, everything=True)
    assert result.queue.several == 24
    dataset = dataset_of(several, "-overlap").id
    with session(server, "anne") as anne, session(server, "bruno") as bruno:
        mine = {respond(anne, dataset, **{labels.VERDICT: "valid"}) for _ in range(24)}
        theirs = {respond(bruno, dataset, **{labels.VERDICT: "valid"}) for _ in range(24)}
    assert mine == theirs
    pulled = pull(run, several)
    assert (pulled.agreement.pairs, pulled.agreement.agreed, pulled.merged.answers) == (24, 24, 48)
    # a row stays in the dataset that has it, whatever the share is now
    assert push(run, desk, desk.settings, JUDGE, 0.1, everything=True).pushed.sent == 0


def test_stale_rows_are_told_and_pruned_unless_answered(server: Server, review_run: RunDir, desk: ArgillaDesk) -> None:
    send(review_run, desk)
    with session(server, "anne") as anne:
        answered = respond(anne, dataset_of(desk).id, **{labels.VERDICT: "valid"})
    parts = small_run(30)
    removed = [t for t in parts.triplets if t.id == answered or t is parts.triplets[5] or t is parts.triplets[6]]
    parts.triplets = [t for t in parts.triplets if t not in removed]
    parts.write(review_run.root)
    told = send(review_run, desk)
    assert (told.stale, told.pruned) == (len(removed), 0)
    assert send(review_run, desk, prune=True).pruned == len(removed) - 1
    assert read_status(review_run, desk, 0.1).server_stale == 1
    assert pull(review_run, desk).merged.stale == 1


def test_the_engine_answers_every_filter_of_the_interface(server: Server, tmp_path: Path, desk: ArgillaDesk) -> None:
    parts = small_run(12)
    low = parts.triplets[7]
    parts.judge[7] = judged(low, "reject", 0.2, "clarity: unclear", clarity=0.2)
    run = parts.write(tmp_path / "wide")
    send(run, desk)
    dataset = dataset_of(desk).id
    with session(server, "anne") as anne:
        factual = [t.id for t, q in zip(parts.triplets, parts.questions, strict=True) if q.kind == "factual"]
        assert sorted(search(anne, dataset, terms("metadata", "kind", ["factual"]))[0]) == sorted(factual)
        scope = {"entity": "metadata", "metadata_property": "judge_score"}
        assert search(anne, dataset, {"type": "range", "scope": scope, "le": 0.5})[0] == [low.id]
        assert search(anne, dataset, terms("suggestion", labels.VERDICT, ["invalid"]))[0] == [low.id]
        assert search(anne, dataset, terms("suggestion", labels.ISSUES, ["ambiguous"]))[0] == [low.id]
        assert search(anne, dataset, terms("suggestion", labels.VERDICT, ["rules-1"], property="agent"))[1] == 48
        score = {"entity": "suggestion", "question": labels.VERDICT, "property": "score"}
        assert search(anne, dataset, {"type": "range", "scope": score, "ge": 0.85})[1] == 47
        ordered = search(anne, dataset, sort=[{"scope": scope, "order": "asc"}])[0]
        assert ordered[0] == low.id
        assert search(anne, dataset, sort=[{"scope": score, "order": "desc"}], limit=48)[0][-1] == low.id
        for _ in range(3):
            respond(anne, dataset, **{labels.VERDICT: "invalid", labels.HARDNESS: 4, labels.ISSUES: ["copied", "off_topic"]})
        assert search(anne, dataset, terms("response", "status", ["submitted"]))[1] == 3
        assert search(anne, dataset, terms("response", "status", ["submitted", "pending"]))[1] == 48
        assert search(anne, dataset, terms("record", "status", ["completed"]))[1] == 3
        records = dataset_of(desk).records
        import argilla

        answers = {
            "verdict": argilla.Filter([("verdict.response", "==", "invalid")]),
            "issues": argilla.Filter([("issues.response", "in", ["off_topic"])]),
            "hardness": argilla.Filter([("hardness.response", ">=", 4)]),
        }
        assert {name: len(list(records(argilla.Query(filter=one)))) for name, one in answers.items()} == dict.fromkeys(answers, 3)
        by_id = argilla.Filter([("id", "==", low.id)])
        assert [record.id for record in records(argilla.Query(filter=by_id))] == [low.id]
    with session(server, "bruno") as bruno:
        assert search(bruno, dataset, terms("response", "status", ["pending"]))[1] == 48
        assert search(bruno, dataset, *WAITING)[1] == 45


def test_any_combination_of_filters_agrees_with_a_plain_reading_of_the_records(
    server: Server, tmp_path: Path, desk: ArgillaDesk
) -> None:
    lot = random.Random(7)
    parts = small_run(20)
    parts.judge = [judged(t, lot.choice(["keep", "reject"]), round(lot.random(), 3), "clarity: unclear") for t in parts.triplets]
    send(parts.write(tmp_path / "wide"), desk)
    dataset = dataset_of(desk)
    with session(server, "anne") as anne:
        for number in range(25):
            respond(anne, dataset.id, **{labels.VERDICT: ("valid", "invalid")[number % 2], labels.HARDNESS: 1 + number % 5})
        records = list(dataset.records(with_suggestions=True, with_responses=True))
        for _ in range(60):
            low, high = sorted((round(lot.random(), 2), round(lot.random(), 2)))
            kinds = lot.sample(["factual", "procedural", "scenario", "definition"], lot.randint(1, 3))
            verdict = lot.choice(["valid", "invalid"])
            score = {"entity": "metadata", "metadata_property": "judge_score"}
            options: list[tuple[dict[str, Any], Any]] = [
                (terms("metadata", "kind", kinds), lambda r, kinds=kinds: r.metadata["kind"] in kinds),
                (
                    {"type": "range", "scope": score, "ge": low, "le": high},
                    lambda r, low=low, high=high: low <= r.metadata["judge_score"] <= high,
                ),
                (
                    terms("suggestion", labels.VERDICT, [verdict]),
                    lambda r, verdict=verdict: r.suggestions[labels.VERDICT].value == verdict,
                ),
                (terms("response", "status", ["submitted"]), lambda r: r.status == "completed"),
                (terms("response", "status", ["pending"]), lambda r: r.status == "pending"),
            ]
            chosen = lot.sample(options, lot.randint(1, 3))
            expected = sorted(record.id for record in records if all(test(record) for _, test in chosen))
            found, total = search(anne, dataset.id, *(one for one, _ in chosen), limit=200)
            assert (sorted(found), total) == (expected, len(expected)), [one for one, _ in chosen]


def test_text_search_knows_accents_phrases_and_exclusion(server: Server, tmp_path: Path, desk: ArgillaDesk) -> None:
    run = small_run(32).write(tmp_path / "wide")
    send(run, desk)
    dataset = dataset_of(desk).id

    def found(text: str, field: str | None = None) -> int:
        with session(server, "anne") as anne:
            query = {"text": {"q": text, **({"field": field} if field else {})}}
            return search(anne, dataset, query=query, limit=200)[1]

    assert found("ÉCHEC", "question") == found("echec", "question") == 4
    assert found("echec permis", "question") == 1
    assert found('"échec numéro 31"', "question") == 4
    assert found('"numéro échec"', "question") == 0
    assert found("echec -permis", "question") == 3
    assert found("introuvable") == 0


def test_similar_records_are_ranked_by_cosine(desk: ArgillaDesk, server: Server) -> None:
    import argilla

    workspace = next(one for one in desk.client.workspaces if one.name == "review")
    dataset = argilla.Dataset(
        name=desk.settings.dataset,
        workspace=workspace,
        settings=argilla.Settings(
            fields=[argilla.TextField("text", client=desk.client)],
            questions=[argilla.TextQuestion("note", client=desk.client)],
            vectors=[argilla.VectorField("v", dimensions=3, _client=desk.client)],
        ),
        client=desk.client,
    ).create()
    vectors = {"x": [1.0, 0.0, 0.0], "near": [0.9, 0.1, 0.0], "far": [-1.0, 0.0, 0.0], "side": [0.0, 1.0, 0.0]}
    dataset.records.log([argilla.Record(id=name, fields={"text": name}, vectors={"v": vector}) for name, vector in vectors.items()])
    nearest = list(dataset.records(argilla.Query(similar=argilla.Similar("v", [1.0, 0.0, 0.0]))))
    assert [record.id for record, _ in nearest] == ["x", "near", "side", "far"]
    assert [round(score, 3) for _, score in nearest] == pytest.approx([1.0, 0.997, 0.5, 0.0], abs=1e-3)
    farthest = dataset.records(argilla.Query(similar=argilla.Similar("v", [1.0, 0.0, 0.0], most_similar=False)))
    assert next(iter(farthest))[0].id == "far"


def test_a_wrong_key_is_one_line(server: Server) -> None:
    with pytest.raises(ServiceError, match="refuses the API key") as caught, open_client(server.url, "wrong"):
        pass
    assert "ARGILLA_API_KEY" in caught.value.cure


def test_a_reviewers_key_may_not_push(server: Server, review_run: RunDir, desk: ArgillaDesk) -> None:
    account = next(account for account in server.accounts if account.username == "anne")
    with (
        desk_at(server, account, dataset=desk.settings.dataset) as weak,
        pytest.raises(ServiceError, match="role may not") as caught,
    ):
        send(review_run, weak)
    assert "owner" in caught.value.cure


def test_only_the_loopback_interface_listens_and_the_database_is_private(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import psutil

    listening = {connection.laddr.ip for connection in psutil.Process(server.pid).net_connections() if connection.status == "LISTEN"}
    assert listening == {"127.0.0.1"}
    databases = [Path(file.path) for file in psutil.Process(server.pid).open_files() if file.path.endswith("argilla.db")]
    assert databases
    assert all(path.stat().st_mode & 0o077 == 0 for path in databases)


def test_judges_verdicts_can_change_under_a_pull(server: Server, review_run: RunDir, desk: ArgillaDesk) -> None:
    send(review_run, desk)
    with session(server, "anne") as anne:
        respond(anne, dataset_of(desk).id, **{labels.VERDICT: "valid"})
    write_records(review_run.path("verdicts/judge.parquet"), [], Verdict)
    assert pull(review_run, desk).merged.new == 1


def start_serving(root: Path, port: int) -> subprocess.Popen[str]:
    process = run_cli("review", "serve", "--run", str(root), "--port", str(port), "--reviewer", "anne")
    deadline = time.monotonic() + 3 * MINUTES
    while time.monotonic() < deadline:
        if process.poll() is not None or Home(root / "argilla").running():
            return process
        time.sleep(0.1)
    process.kill()
    raise AssertionError("the server did not start in time")


def alive(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/version", trust_env=False, timeout=5).is_success
    except httpx.HTTPError:
        return False


def wait_until_gone(url: str) -> None:
    deadline = time.monotonic() + MINUTES
    while alive(url):
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.1)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_its_command_and_starts_again_with_its_data(tmp_path: Path, how: signal.Signals) -> None:
    run = small_run(3).write(tmp_path / "run")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    first = start_serving(run.root, port)
    assert alive(url)
    owner = Home.of(run).owner()
    pushed = run_cli("review", "push", "--run", str(run.root), "--all", "--json")
    _, errors = pushed.communicate(timeout=MINUTES)
    assert pushed.returncode == 0, errors
    first.send_signal(how)
    output, errors = first.communicate(timeout=MINUTES)
    assert first.returncode == (-9 if how == signal.SIGKILL else 0), errors
    assert owner.password in output
    wait_until_gone(url)
    second = start_serving(run.root, port)
    try:
        with open_client(url, owner.api_key) as client:
            assert sum(dataset.progress()["total"] for dataset in client.datasets) == 12
        for root, problem in ((run.root, "already running"), (tmp_path / "elsewhere", f"port {port} is in use")):
            refused = run_cli("review", "serve", "--run", str(root), "--port", str(port))
            _, errors = refused.communicate(timeout=MINUTES)
            assert (refused.returncode, problem in errors) == (2, True), errors
    finally:
        second.terminate()
        second.communicate(timeout=MINUTES)
    assert second.returncode == 0


def test_requests_made_to_break_the_server_are_refused_and_it_goes_on(server: Server, desk: ArgillaDesk, review_run: RunDir) -> None:
    send(review_run, desk)
    records = f"/api/v1/datasets/{dataset_of(desk).id}/records"
    search = f"/api/v1/me/datasets/{dataset_of(desk).id}/records/search"
    odd_name = {"filters": {"type": "and", "and": [terms("metadata", 'a"b\\', ["x"])]}}
    with session(server, server.owner.username) as http:
        answers = [
            http.get(records, params={"offset": 2**63}).status_code,
            http.post(search, params={"offset": 10**30}, json={"query": {"text": {"q": "a"}}}).status_code,
            http.get("/%00").status_code,
            http.get("/" + "a" * 5000).status_code,
            http.get("/api/v1/me", headers={"Host": "rebound.example"}).status_code,
            http.post(search, content=b"[" * 100_000, headers={"content-type": "application/json"}).status_code,
            http.post(search, content=b'{"query":{"text":{"q":"\\ud800"}}}', headers={"content-type": "application/json"}).status_code,
            http.post(search, json=odd_name).status_code,
        ]
        assert all(400 <= status < 500 for status in answers), answers
        assert http.get("/api/v1/me", headers={"Host": f"localhost:{httpx.URL(server.url).port}"}).status_code == 200
