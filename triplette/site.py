"""A run's pages as one site: the form that they share, and the front page that leads to them.

``curate report``, ``curate validate`` and ``train evaluate`` each write a page of their own and then the front page, which is read off the files as
they are: what is not there yet is named with the command that makes it, what belongs to another dataset is called so. The pages
load nothing and run no script; they are read from a disk, from a mail, on paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from triplette.console import html_text
from triplette.dataset import HASHED_FILES, dataset_hash
from triplette.errors import InputError
from triplette.gate import RESULT as VALIDATION
from triplette.gate import read_gate
from triplette.jsonl import read_object
from triplette.rundir import RunDir
from triplette.tables import write_text

FRONT, DATA_REPORT = "index.html", "report.html"
DATA_DOCS = "validation/data_docs/index.html"
EVALUATION, TRAINING_REPORT = "evaluation/result.json", "evaluation/report.html"
MANIFEST, BUNDLE_CARD = "bundle/manifest.json", "bundle/README.md"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def document(title: str, body: str, *, front: str = "") -> str:
    """A whole page: ``body`` is HTML whose texts are escaped already, ``front`` the address of the front page ("" for none)."""
    style = (Path(__file__).parent / "site.css").read_text(encoding="utf-8")
    home = f'<p class="small"><a href="{html_text(front)}">This run</a></p>\n' if front else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html_text(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>\n{style}</style>\n</head>\n<body>\n'
        f"{home}{body}\n</body>\n</html>\n"
    )


def write_front(run: RunDir) -> Path:
    """Write the front page of a run's site and return its path."""
    cards = (
        _card(run, "Data report", DATA_REPORT, "curate report", "Funnel, scores of the judge, negatives, kinds, review.", _data),
        _card(run, "Validation", DATA_DOCS, "curate validate", "What was expected of the dataset, and what was found.", _validation),
        _card(
            run,
            "Training report",
            TRAINING_REPORT,
            "train evaluate",
            "Base against tuned: by dimension, by slice, questions won and lost.",
            _training,
        ),
        _card(run, "Phone bundle", BUNDLE_CARD, "train export", "What is in it, and what was proven.", _bundle),
    )
    name = html_text(run.root.resolve().name)
    body = f'<h1>Run {name}</h1>\n<p>{html_text(_gate(run))}</p>\n<ul class="cards">{"".join(cards)}</ul>'
    path = run.path(FRONT)
    write_text(path, document(f"Run {run.root.resolve().name}", body))
    return path


def _card(run: RunDir, title: str, page: str, command: str, about: str, state: Callable[[RunDir], Sequence[str]]) -> str:
    try:
        lines = state(run)
    except InputError as error:
        lines = [f"It cannot be read: {error}"]
    there = run.has(page)
    head = f'<a href="{html_text(page)}">{html_text(title)}</a>' if there else html_text(title)
    absent = "" if there else f"<p>Not written yet: <code>{html_text(run.command(command))}</code></p>"
    said = "".join(f"<p>{html_text(line)}</p>" for line in lines)
    return f'<li><h2>{head}</h2><p class="small">{html_text(about)}</p>{said}{absent}</li>'


def _gate(run: RunDir) -> str:
    if not all(run.has(name) for name in HASHED_FILES):
        return "There is no dataset yet."
    try:
        gate = read_gate(run)
    except InputError as error:
        return f"The gate before training cannot be read: {error}"
    reasons = "; ".join(blocker.reason for blocker in gate.blockers)
    return "The gate before training is open." if gate.open else f"The gate before training is closed: {reasons}."


def _data(run: RunDir) -> list[str]:
    import pyarrow.parquet as pq

    tables = (
        ("passages", "chunks.parquet"),
        ("questions", "questions.parquet"),
        ("triplets", "triplets.parquet"),
        ("rows to train on", "dataset/train.parquet"),
        ("rows of val", "dataset/val.parquet"),
        ("rows of test", "dataset/test.parquet"),
    )
    try:
        counts = [f"{pq.read_metadata(run.path(file)).num_rows} {name}" for name, file in tables if run.has(file)]
    except (OSError, ValueError) as error:
        raise InputError(f"a table is damaged ({error})", where=str(run.root)) from error
    return [", ".join(counts) + "."] if counts else []


def _validation(run: RunDir) -> list[str]:
    if not run.has(VALIDATION):
        return []
    result = _object(run, VALIDATION, "curate validate", ("passed", "dataset_hash", "expectations"))
    met = sum(bool(item["success"]) for item in result["expectations"])
    word = "Passed" if result["passed"] else "Not passed"
    return [f"{word}: {met} of {len(result['expectations'])} expectations met.", *_age(run, result["dataset_hash"])]


def _training(run: RunDir) -> list[str]:
    if not run.has(EVALUATION):
        return []
    result = _object(run, EVALUATION, "train evaluate", ("verdict", "dataset_hash", "sets"))
    sentence = str(result["verdict"]["sentence"])
    sets = [f"{one['name']}: {one['questions']} questions, {one['won']} won, {one['lost']} lost." for one in result["sets"]]
    return [sentence[:1].upper() + sentence[1:] + ".", *sets, *_age(run, result["dataset_hash"])]


def _bundle(run: RunDir) -> list[str]:
    if not run.has(MANIFEST):
        return []
    proof = _object(run, MANIFEST, "train export", ("proof",))["proof"]
    return ["Proven equal to the model." if proof["passed"] else f"NOT PROVEN: {', '.join(proof['failed'])}."]


def _object(run: RunDir, name: str, command: str, keys: tuple[str, ...]) -> dict[str, Any]:
    return read_object(run.path(name), "a result", f"run `{run.command(command)}`", keys)


def _age(run: RunDir, signed: str) -> list[str]:
    current = all(run.has(name) for name in HASHED_FILES) and dataset_hash(run) == signed
    return [] if current else ["Of another dataset than the one that is there now."]
