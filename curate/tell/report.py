"""``curate report``: one HTML page on what became of the triplets, to read, to mail, to print. It loads nothing and runs no script.

Every text in it comes from documents, models and people, so every text is escaped, and a policy in the page forbids scripts and
the network besides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triplette.console import html_text
from triplette.criteria import NAMES
from triplette.curate.decisions import AUTOMATIC, Decision, Decisions, read_decisions
from triplette.curate.tell import charts
from triplette.curate.tell.status import Status, read_status
from triplette.records import Verdict
from triplette.rundir import RunDir
from triplette.site import DATA_REPORT, FRONT, document, write_front
from triplette.tables import read_records, write_text

EXAMPLES = 20
EXCERPT = 260
MOST_POINTS = 20_000  # negatives drawn in the rank plot: more only make the page heavier


def write_report(run: RunDir, output: Path | None = None, *, seed: int = 0) -> Path:
    """Write the page and return its path. Raises MissingStage before mining. ``seed`` picks the examples."""
    run.require("chunks.parquet", "questions.parquet", "triplets.parquet")
    path = output or run.path(DATA_REPORT)
    write_text(path, render(run, seed=seed, front="" if output else FRONT))
    if output is None:
        write_front(run)
    return path


def render(run: RunDir, *, seed: int = 0, front: str = "") -> str:
    """The page's HTML; ``front`` is the address of the run's front page, "" where the page stands alone."""
    decisions = read_decisions(run)
    status = read_status(run)
    judged = read_records(run.path(AUTOMATIC[0]), Verdict) if run.has(AUTOMATIC[0]) else []
    sections = (
        ("funnel", "Funnel", _funnel(status)),
        ("scores", "Scores of the judge", _scores(decisions, judged, run)),
        ("negatives", "Negatives", _negatives(decisions, seed)),
        ("kinds", "Kinds, personas, difficulties", _kinds(decisions)),
        ("clusters", "Clusters of near-duplicate questions", _clusters(decisions)),
        ("review", "Human review", _review(status, run)),
        ("kept", f"{EXAMPLES} kept at random", _examples(decisions.accepted, decisions, seed)),
        ("rejected", f"{EXAMPLES} rejected at random", _examples(decisions.rejected, decisions, seed)),
    )
    links = "".join(f'<a href="#{key}">{html_text(title)}</a>' for key, title, _ in sections)
    body = "\n".join(f'<h2 id="{key}">{html_text(title)}</h2>\n{content}' for key, title, content in sections)
    state = '<b class="open">open</b>' if not status.blockers else '<b class="closed">closed</b>'
    name = run.root.resolve().name
    head = (
        f"<h1>Curation report: {html_text(name)}</h1>\n<p>{len(decisions.rows)} triplets, {len(decisions.accepted)} accepted. "
        f"The gate before training is {state}.</p>\n<nav>{links}</nav>\n"
    )
    return document(f"Curation report: {name}", head + body, front=front)


def _funnel(status: Status) -> str:
    rows = [(step.name, step.left, step.lost or 0) for step in status.steps if step.left is not None]
    reasons = _table(("step", "reason", "rows"), status.reason_rows())
    gate = "".join(f"<li>{html_text(b.reason)} <code>{html_text(b.cure)}</code></li>" for b in status.blockers)
    return f"<figure>{charts.funnel(rows, 'Rows after each step')}</figure>{reasons}" + (f"<ul>{gate}</ul>" if gate else "")


def _scores(decisions: Decisions, judged: Sequence[Verdict], run: RunDir) -> str:
    accepted = {row.triplet.id for row in decisions.accepted}
    verdicts = [v for v in judged if v.subject_kind == "triplet"]
    if not verdicts:
        return f"<p>Nothing is judged yet: <code>{html_text(run.command('curate judge'))}</code></p>"
    figures = []
    for criterion in ("score", *NAMES):
        groups: dict[str, list[float]] = {"accepted": [], "not accepted": []}
        for verdict in verdicts:
            values = [verdict.score] if criterion == "score" else [s.value for s in verdict.scores if s.criterion == criterion]
            groups["accepted" if verdict.subject_id in accepted else "not accepted"] += values
        chart = charts.histogram(groups, colours=(charts.BLUE, charts.RED), low=0, high=1, label=f"Histogram of {criterion}")
        figures.append(f"<figure>{chart}<figcaption>{html_text(criterion)}</figcaption></figure>")
    return f'<div class="grid">{"".join(figures)}</div>'


def _negatives(decisions: Decisions, seed: int) -> str:
    points = []
    margins: dict[str, list[float]] = {"kept": [], "left out": []}
    for row in decisions.rows:
        kept = {negative.chunk_id for negative in row.negatives}
        for negative in row.triplet.negatives:
            points.append((negative.bm25_rank, negative.dense_rank, negative.chunk_id in kept))
            margins["kept" if negative.chunk_id in kept else "left out"].append(negative.margin)
    number = len(points)
    if number > MOST_POINTS:
        chosen = np.random.default_rng(seed).choice(number, MOST_POINTS, replace=False)
        points = [points[i] for i in chosen]
    fates = Counter(why.split(":", 1)[0] for row in decisions.rows for why in row.dropped.values())
    note = f"{number} negatives, {min(number, MOST_POINTS)} drawn; red: left out by the judge. The larger, the more at one place."
    histogram = charts.histogram(margins, colours=(charts.BLUE, charts.RED), low=-0.5, high=1, bins=30, label="Histogram of margins")
    plot = charts.rank_plot(points, label="Negatives by rank")
    return (
        f'<div class="grid"><figure>{plot}<figcaption>{html_text(note)}</figcaption></figure>'
        f"<figure>{histogram}<figcaption>Margin: the positive's dense score minus the negative's.</figcaption>"
        f"{_table(('left out because', 'negatives'), fates.most_common())}</figure></div>"
    )


def _kinds(decisions: Decisions) -> str:
    figures = []
    for field in ("kind", "persona", "difficulty"):
        rows = []
        for label, rows_of in (("all", decisions.rows), ("accepted", decisions.accepted)):
            counts = Counter(getattr(row.question, field) for row in rows_of)
            chart = charts.bars(counts.most_common(), colour=charts.GREY if label == "all" else charts.BLUE, label=f"{field}, {label}")
            rows.append(f"<figure>{chart}<figcaption>{field}, {label}</figcaption></figure>")
        figures += rows
    return f'<div class="grid">{"".join(figures)}</div>'


def _clusters(decisions: Decisions) -> str:
    groups: dict[str, list[Decision]] = {}
    for row in decisions.rows:
        if row.group:
            groups.setdefault(row.group, []).append(row)
    large = sorted((members for members in groups.values() if len(members) > 1), key=lambda m: (-len(m), m[0].triplet.id))
    if not large:
        return "<p>None.</p>"
    sizes = Counter(len(members) for members in large)
    chart = charts.bars([(f"{size} questions", n) for size, n in sorted(sizes.items())], label="Clusters by size")
    rows = []
    for members in large[:15]:
        survivors = [row for row in members if row.accepted]
        shown = survivors[0] if survivors else members[0]
        reasons = Counter(row.reason for row in members if not row.accepted)
        what = ", ".join(f"{reason} {n}" for reason, n in reasons.most_common())
        rows.append((shown.question.text, len(members), len(survivors), what))
    return f"<p>{len(large)} clusters.</p><figure>{chart}</figure>" + _table(("question", "rows", "kept", "the others"), rows)


def _review(status: Status, run: RunDir) -> str:
    if status.review is None:
        return f"<p>Counted once the dataset is built: <code>{html_text(run.build_command())}</code></p>"
    total = status.review
    head = f"<p>{total.done} rows reviewed, {total.required} required, {total.missing} missing.</p>"
    return head + _table(("kind", "rows", "required", "reviewed", "missing"), status.review_rows())


def _examples(rows: Sequence[Decision], decisions: Decisions, seed: int) -> str:
    if not rows:
        return "<p>None.</p>"
    chosen = np.random.default_rng(seed).choice(len(rows), min(EXAMPLES, len(rows)), replace=False)
    return "\n".join(_example(rows[i], decisions) for i in sorted(chosen))


def _example(row: Decision, decisions: Decisions) -> str:
    question = row.question
    why = f"score {row.score:.2f}" if row.accepted else f"{row.step}: {row.reason}" + (f" ({row.detail})" if row.detail else "")
    lines = [f"<p><b>answers:</b> {_passage(row.triplet.positive_id, decisions)}</p>"]
    for negative in row.triplet.negatives[:3]:
        fate = row.dropped.get(negative.chunk_id, "")
        ranks = f"BM25 {negative.bm25_rank or '-'}, dense {negative.dense_rank or '-'}, margin {negative.margin:.2f}"
        left = f"; left out: {fate}" if fate else ""
        lines.append(f"<p><b>seems to</b> ({html_text(ranks + left)}): {_passage(negative.chunk_id, decisions)}</p>")
    facts = f"{question.kind} · {question.persona} · {question.difficulty} · {question.provider}/{question.model}"
    return (
        f'<article class="{"kept" if row.accepted else "lost"}"><h3>{html_text(question.text)}</h3>'
        f'<p><code>{html_text(row.triplet.id)}</code> {html_text(facts)}</p><p class="why">{html_text(why)}</p>{"".join(lines)}</article>'
    )


def _passage(chunk_id: str, decisions: Decisions) -> str:
    chunk = decisions.chunks.get(chunk_id)
    if chunk is None:
        return f"<code>{html_text(chunk_id)}</code> is in no file of this run"
    text = chunk.text if len(chunk.text) <= EXCERPT else chunk.text[:EXCERPT].rstrip() + " […]"
    page = f" p. {chunk.page_start}" if chunk.page_start else ""
    return f"<i>{html_text(chunk.source + page)} · {html_text(chunk.title)}</i> {html_text(text)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    rows = list(rows)
    if not rows:
        return ""
    numeric = [all(isinstance(row[i], int | float) for row in rows) for i in range(len(head))]
    mark = [' class="n"' if number else "" for number in numeric]
    top = "".join(f"<th{m}>{html_text(str(cell))}</th>" for cell, m in zip(head, mark, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{m}>{html_text(str(c))}</td>" for c, m in zip(row, mark, strict=True)) + "</tr>" for row in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"
