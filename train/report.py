"""The evaluation as one self-contained HTML page: verdict first, then tables, pictures, slices, and the questions won and lost.

Questions and titles come from documents and people, so every text is escaped; the page loads nothing from anywhere.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from triplette.console import html_text
from triplette.ranking.metrics import PRIMARY
from triplette.settings.train import EvaluateSettings
from triplette.site import FRONT, document
from triplette.train.measure import BASE, HYBRID, TUNED, Change, Measurement, Moved, Verdict


def render(
    facts: Mapping[str, Any],
    verdict: Verdict,
    measurements: Sequence[Measurement],
    pictures: Mapping[str, Sequence[tuple[str, bytes]]],
    settings: EvaluateSettings,
) -> str:
    """The page. ``facts`` go on top; ``pictures`` holds (caption, PNG) for each set."""
    word = verdict.word.replace(" ", "-")
    parts = [
        "<h1>Before and after fine-tuning</h1>",
        f"<p class='verdict {word}'>{html_text(_sentence(verdict))}</p>",
        "<p class='small'>The test was declared in advance: nDCG@10, tuned against base, in production's form, dimension and number format. "
        "All other comparisons explain; with so many of them some look significant by chance. Intervals: percentile bootstrap, "
        f"{settings.resamples} resamples by {html_text(settings.group_by)}; p: two-sided sign-flip permutation test.</p>",
        _table(("", ""), [(key, str(value)) for key, value in facts.items()]),
    ]
    for measurement in measurements:
        parts += _section(measurement, verdict.view, pictures.get(measurement.name, ()), settings)
    return document(f"Evaluation: {verdict.word}", "\n".join(parts), front=f"../{FRONT}")


def _sentence(verdict: Verdict) -> str:
    return verdict.sentence[0].upper() + verdict.sentence[1:] + "."


def _section(m: Measurement, view: str, pictures: Sequence[tuple[str, bytes]], settings: EvaluateSettings) -> list[str]:
    whole = [change for change in m.changes if not change.facet]
    figures = "".join(
        f"<figure><img alt='{html_text(caption)}' src='data:image/png;base64,{base64.b64encode(png).decode()}'></figure>"
        for caption, png in pictures
    )
    return [
        f"<h2>{html_text(m.name)}: {m.questions} questions, {m.passages} passages ranked</h2>",
        _systems(m, view),
        figures,
        *(
            [
                "<h3>Production (BM25+tuned) against the others</h3>",
                _changes([c for c in whole if c.after == HYBRID], ("system", "metric"), lambda c: (c.before, c.metric)),
            ]
            if m.production[1] == HYBRID
            else []
        ),
        "<h3>Tuned against base, by dimension</h3>",
        _changes([c for c in whole if c.before == BASE and c.after == TUNED], ("dimension", "metric"), lambda c: (c.view, c.metric)),
        "<h3>Tuned against the baselines</h3>",
        _changes([c for c in whole if c.before != BASE and c.after == TUNED], ("baseline", "metric"), lambda c: (c.before, c.metric)),
        f"<h3>By slice (nDCG@10, {html_text(m.production[1])} against {html_text(m.production[0])})</h3>",
        _slices([c for c in m.changes if c.facet], settings),
        *_moved(m.moved, settings.listed),
    ]


def _systems(m: Measurement, view: str) -> str:
    metrics = list(dict.fromkeys(value.metric for value in m.values))
    rows = []
    for system, name in dict.fromkeys((value.system, value.view) for value in m.values):
        mark = " (production)" if system in m.production and name in (view, "") else ""
        cells = [_interval(m.value(system, name, metric)) for metric in metrics]
        rows.append((system, name + mark, *cells))
    return _table(("system", "dimension", *metrics), rows, numbers=len(metrics))


def _interval(value: Any) -> str:
    return f"{value.mean:.3f} [{value.low:.3f}, {value.high:.3f}]"


def _changes(changes: Sequence[Change], heads: Sequence[str], key: Any) -> str:
    rows = [(*key(change), *_difference(change)) for change in changes]
    return _table((*heads, "before", "after", "difference", "95 % interval", "p"), rows, numbers=5)


def _difference(change: Change) -> tuple[str, str, str, str, str]:
    d = change.difference
    sign = {1: "\u25b2 ", -1: "\u25bc ", 0: ""}[d.shown]
    return f"{d.before:.3f}", f"{d.after:.3f}", f"{sign}{d.delta:+.3f}", f"{d.low:+.3f} to {d.high:+.3f}", f"{d.p_value:.4f}"


def _slices(changes: Sequence[Change], settings: EvaluateSettings) -> str:
    if not changes:
        return "<p class='small'>The questions carry no labels that differ.</p>"
    rows = []
    for change in changes:
        d = change.difference
        few = d.questions < settings.min_slice
        cells = (f"{d.before:.3f}", f"{d.after:.3f}", f"{d.delta:+.3f}", "too few", "") if few else _difference(change)
        rows.append((change.facet, change.label, str(d.questions), *cells))
    return _table(("facet", "slice", "questions", "before", "after", "difference", "95 % interval", "p"), rows, numbers=6)


def _moved(moved: Sequence[Moved], listed: int) -> list[str]:
    parts = []
    for title, chosen in (
        ("Questions won", [m for m in moved if m.after > m.before]),
        ("Questions lost", [m for m in moved if m.after < m.before]),
    ):
        shown = f", the {listed} largest changes" if len(chosen) > listed else ""
        parts.append(f"<h3>{title}: {len(chosen)}{shown}</h3>")
        rows = [
            (m.question, m.answer, f"{_rank(m.rank_before)} \u2192 {_rank(m.rank_after)}", f"{m.before:.2f} \u2192 {m.after:.2f}")
            for m in chosen[:listed]
        ]
        parts.append(_table(("question", "answer", "rank", PRIMARY), rows, numbers=2) if rows else "<p class='small'>None.</p>")
    return parts


def _rank(rank: int) -> str:
    return str(rank) if rank else "beyond"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """A table whose last ``numbers`` columns are numbers. Every cell is escaped."""
    first = len(heads) - numbers

    def cell(tag: str, position: int, text: str) -> str:
        classes = (["n"] if position >= first else []) + (
            ["up"] if text.startswith("\u25b2") else ["down"] if text.startswith("\u25bc") else []
        )
        return f"<{tag}{' class=' + chr(39) + ' '.join(classes) + chr(39) if classes else ''}>{html_text(text)}</{tag}>"

    head = "".join(cell("th", i, text) for i, text in enumerate(heads)) if any(heads) else ""
    body = "".join("<tr>" + "".join(cell("td", i, text) for i, text in enumerate(row)) + "</tr>" for row in rows)
    return f"<div class='wide'><table>{'<tr>' + head + '</tr>' if head else ''}{body}</table></div>"
