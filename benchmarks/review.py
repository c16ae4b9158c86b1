"""How the embedded review server carries 5,000 records: upload rate, memory, time of a page, text search, two reviewers at once.

    python benchmarks/review.py [--records 5000] [--home DIR]

Everything is real: the installed server, the SDK, SQLite on disk. The records are as large as those of a real queue: a question,
a passage and three negatives of about 1,100 characters each, two suggestions, ten metadata values.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import tempfile
import threading
import time
from pathlib import Path

import httpx
import psutil

from triplette.curate.review import labels
from triplette.curate.review.argilla_desk import ArgillaDesk
from triplette.curate.review.connect import open_client
from triplette.curate.review.rows import ReviewRow, Suggestion
from triplette.curate.review.serve.home import Home
from triplette.curate.review.serve.supervise import Server, serving
from triplette.profile import load_profile
from triplette.records import DIFFICULTIES
from triplette.settings.review import ReviewSettings

PROFILE = load_profile("chess-fr")
KINDS, PERSONAS = PROFILE.kind_names, PROFILE.persona_names
WORDS = (
    "arbitre joueur partie coup roi tour échec pendule temps réflexion appariement ronde tournoi score nulle mat règle article "
    "adversaire pièce pion promotion prise réclamation sanction avertissement classement organisateur salle feuille"
).split()
PENDING = {"filters": {"and": [{"type": "terms", "scope": {"entity": "response", "property": "status"}, "values": ["pending"]}]}}


def make_row(number: int, lot: random.Random) -> ReviewRow:
    """A row of a real queue's size."""
    passages = [f"[Titre {number} > Article {k} — document{k}.md, p. {k}]\n\n{' '.join(lot.choices(WORDS, k=150))}." for k in range(4)]
    score = round(lot.random(), 4)
    return ReviewRow(
        triplet_id=f"t{number:016x}",
        question_id=f"q{number:016x}",
        question=f"Que doit faire {' '.join(lot.choices(WORDS, k=8))} numéro {number} ?",
        positive=passages[0],
        negatives=tuple(passages[1:]),
        negative_ids=tuple(f"c{number:012x}{k:04x}" for k in range(3)),
        metadata={
            "kind": KINDS[number % len(KINDS)],
            "persona": PERSONAS[number % len(PERSONAS)],
            "difficulty": DIFFICULTIES[number % len(DIFFICULTIES)],
            "writer": "rules:french",
            "source": f"document{number % 12}.md",
            "split": "train",
            "why": "quota",
            "judge": "keep",
            "judge_score": score,
            "margin": round(lot.uniform(0, 0.4), 4),
        },
        suggestions=(
            Suggestion(labels.VERDICT, ("valid",), (score,), "rules-1"),
            Suggestion(labels.ISSUES, (labels.negative_answers(1), labels.COPIED), (0.8, 0.4), "rules-1"),
        ),
    )


def timed(client: httpx.Client, url: str, body: dict[str, object], times: int = 15) -> dict[str, float]:
    """Median and worst seconds of a search request that returns a page of ten, as the UI asks for it."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        answer = client.post(url, json=body, params={"limit": 10, "include": ["responses", "suggestions"]})
        answer.raise_for_status()
        taken.append(time.perf_counter() - started)
    return {"median_s": round(statistics.median(taken), 4), "worst_s": round(max(taken), 4), "total": answer.json()["total"]}


def as_user(server: Server, name: str) -> httpx.Client:
    """An HTTP session of one of the server's accounts."""
    account = next(account for account in server.accounts if account.username == name)
    return httpx.Client(base_url=server.url, headers={"X-Argilla-Api-Key": account.api_key}, trust_env=False, timeout=120)


def review_at_once(server: Server, dataset_id: str, each: int) -> dict[str, object]:
    """Two reviewers in two threads, each takes the first pending record and submits, ``each`` times."""
    done: dict[str, list[str]] = {"anne": [], "bruno": []}
    errors: list[str] = []

    def work(name: str) -> None:
        with as_user(server, name) as client:
            for _ in range(each):
                page = client.post(f"/api/v1/me/datasets/{dataset_id}/records/search", json=PENDING_RECORDS, params={"limit": 1})
                record = page.json()["items"][0]["record"]["id"]
                values = {labels.VERDICT: {"value": "valid"}}
                answer = client.post(f"/api/v1/records/{record}/responses", json={"status": "submitted", "values": values})
                if answer.is_success:
                    done[name].append(record)
                else:
                    errors.append(answer.text[:200])

    threads = [threading.Thread(target=work, args=(name,)) for name in done]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [record for records in done.values() for record in records]
    seconds = round(time.perf_counter() - started, 2)
    return {"submissions": len(ids), "different_records": len(set(ids)), "errors": errors, "seconds": seconds}


PENDING_RECORDS = {
    "filters": {
        "and": [
            *PENDING["filters"]["and"],
            {"type": "terms", "scope": {"entity": "record", "property": "status"}, "values": ["pending"]},
        ]
    }
}


def measure(home: Path, records: int) -> dict[str, object]:
    """Every figure, as one JSON-like object."""
    lot = random.Random(0)
    rows = [make_row(number, lot) for number in range(records)]
    settings = ReviewSettings()
    with (
        serving(Home(home), port=0, workspace=settings.workspace, reviewers=["anne", "bruno"], tell=print) as server,
        open_client(server.url, server.owner.api_key) as client,
    ):
        process = psutil.Process(server.pid)
        desk = ArgillaDesk(client, settings, PROFILE.review)
        found: dict[str, object] = {"records": records, "rss_idle_mb": round(process.memory_info().rss / 1e6)}
        peak = [0]
        stop = threading.Event()

        def watch() -> None:
            while not stop.wait(0.2):
                peak[0] = max(peak[0], process.memory_info().rss)

        watcher = threading.Thread(target=watch)
        watcher.start()
        before = process.cpu_times()
        started = time.perf_counter()
        pushed = desk.push(rows, negatives=3, known=frozenset(row.triplet_id for row in rows), prune=False, advance=lambda n: None)
        seconds = time.perf_counter() - started
        after = process.cpu_times()
        cpu = after.user + after.system - before.user - before.system
        found["push"] = {
            "sent": pushed.sent,
            "seconds": round(seconds, 1),
            "records_per_s": round(records / seconds, 1),
            "server_cpu_s": round(cpu, 1),
            "records_per_server_cpu_s": round(records / cpu, 1),
        }
        started = time.perf_counter()
        desk.push(rows, negatives=3, known=frozenset(row.triplet_id for row in rows), prune=False, advance=lambda n: None)
        found["push_again_s"] = round(time.perf_counter() - started, 1)
        dataset_id = str(next(one for one in desk.client.datasets if one.name == settings.dataset).id)
        url = f"/api/v1/me/datasets/{dataset_id}/records/search"
        metadata = {"entity": "metadata", "metadata_property": "kind"}
        by_kind = {"filters": {"and": [*PENDING["filters"]["and"], {"type": "terms", "scope": metadata, "values": ["factual"]}]}}
        order = {"entity": "metadata", "metadata_property": "judge_score"}
        with as_user(server, "anne") as client:
            found["page_pending"] = timed(client, url, PENDING_RECORDS)
            found["page_pending_by_kind"] = timed(client, url, by_kind)
            found["page_pending_sorted"] = timed(client, url, {**PENDING, "sort": [{"scope": order, "order": "asc"}]})
            found["page_text_search"] = timed(client, url, {**PENDING, "query": {"text": {"q": "echec numero 42"}}}, times=5)
        found["two_reviewers"] = review_at_once(server, dataset_id, 60)
        started = time.perf_counter()
        found["pull"] = {"answers": len(desk.pull({}).answers), "seconds": round(time.perf_counter() - started, 2)}
        stop.set()
        watcher.join()
        found["rss_peak_mb"] = round(peak[0] / 1e6)
    found["database_mb"] = round((home / "argilla.db").stat().st_size / 1e6, 1)
    found["machine"] = {"cores": psutil.cpu_count(), "load_1min": psutil.getloadavg()[0], "python": platform.python_version()}
    return found


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--home", type=Path, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps(measure(given.home or Path(temporary) / "argilla", given.records), indent=2))


if __name__ == "__main__":
    main()
