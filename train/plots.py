"""The report's pictures as PNG bytes: quality by dimension, each question before and after, where answers moved in rank."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

from triplette.ranking.metrics import PRIMARY
from triplette.train.measure import BASE, TUNED, Measurement

BEFORE, AFTER, OTHER = "#6b7280", "#0f766e", "#b45309"
BUCKETS = (("1", 1, 1), ("2-3", 2, 3), ("4-5", 4, 5), ("6-10", 6, 10), ("11-100", 11, 100))
BIN = 0.05  # width of a cell in the before/after picture


def dimension_curve(measurement: Measurement, views: Sequence[str]) -> bytes:
    """nDCG@10 against dimension, base and tuned, float32 and int8, with 95 % bands; BM25 and LSA as level lines."""
    figure, axes = _figure()
    plain = sorted((view for view in views if "int8" not in view), key=int)
    for system, colour in ((BASE, BEFORE), (TUNED, AFTER)):
        points = [measurement.value(system, view) for view in plain]
        x = [int(view) * (1.01 if system == TUNED else 0.99) for view in plain]  # side by side, so that both intervals are seen
        axes.plot(x, [p.mean for p in points], marker="o", color=colour, label=f"{system}, float32")
        low, high = [p.low for p in points], [p.high for p in points]
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.vlines(x, low, high, color=colour, linewidth=1.5, alpha=0.7)  # of a single dimension the band has no width
        axes.plot(
            x,
            [measurement.value(system, f"{view} int8").mean for view in plain],
            linestyle=":",
            marker="x",
            color=colour,
            label=f"{system}, int8",
        )
    for value in measurement.values:
        if not value.view and value.metric == PRIMARY:
            style = {"BM25": "--", "LSA": "-."}.get(value.system)
            if style:
                axes.axhline(value.mean, color=OTHER, linestyle=style, linewidth=1, label=value.system)
    axes.set_xscale("log", base=2)
    axes.set_xlim(int(plain[0]) / 1.3, int(plain[-1]) * 1.3)
    axes.set_xticks([int(view) for view in plain], plain)
    axes.minorticks_off()
    axes.set_xlabel("dimension kept")
    axes.set_ylabel(f"{PRIMARY} (band: 95 % interval)")
    axes.set_ylim(0, 1)
    axes.set_title(f"Quality by dimension, {measurement.name}")
    axes.legend(frameon=False, fontsize=8, loc="best")
    return _png(figure)


def before_after(measurement: Measurement) -> bytes:
    """Each question's nDCG@10 before (x) and after (y); the area of a dot is the number of questions there."""
    figure, axes = _figure(square=True)
    pairs = zip(measurement.per_question[BASE], measurement.per_question[TUNED], strict=True)
    counts = Counter((round(b / BIN) * BIN, round(a / BIN) * BIN) for b, a in pairs)
    largest = max(counts.values())
    for sign, colour, label in ((1, AFTER, "better"), (-1, "#b91c1c", "worse"), (0, BEFORE, "unchanged")):
        cells = [(b, a, n) for (b, a), n in counts.items() if (a > b) - (a < b) == sign]
        total = sum(n for _, _, n in cells)
        axes.scatter(
            [b for b, _, _ in cells], [a for _, a, _ in cells], s=[20 + 580 * n / largest for _, _, n in cells],
            color=colour, alpha=0.55, linewidth=0, label=f"{label}: {total}",
        )  # fmt: skip
    axes.plot([0, 1], [0, 1], color="#d1d5db", linewidth=1, zorder=0)
    axes.set_xlim(-0.08, 1.08)
    axes.set_ylim(-0.08, 1.08)
    axes.set_xlabel(f"{PRIMARY} before")
    axes.set_ylabel(f"{PRIMARY} after")
    axes.set_title(f"Every question of {measurement.name} (area: how many)")
    legend = axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    for handle in legend.legend_handles:
        handle.set_sizes([40])
    return _png(figure)


def rank_shift(measurement: Measurement) -> bytes:
    """How many questions have their answer at which rank, before and after."""
    figure, axes = _figure()
    names = [name for name, _, _ in BUCKETS] + ["beyond"]
    for offset, (system, colour) in enumerate(((BASE, BEFORE), (TUNED, AFTER))):
        ranks = measurement.ranks[system]
        counts = [sum(low <= r <= high for r in ranks) for _, low, high in BUCKETS]
        counts.append(len(ranks) - sum(counts))
        bars = axes.bar([i + 0.4 * (offset - 0.5) for i in range(len(names))], counts, width=0.38, color=colour, label=system)
        axes.bar_label(bars, fontsize=8, padding=2)
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel("rank of the first answer")
    axes.set_ylabel("questions")
    axes.margins(y=0.12)
    axes.set_title(f"Where the answers are, {measurement.name}")
    axes.legend(frameon=False, fontsize=8)
    return _png(figure)


def _figure(*, square: bool = False) -> tuple[Any, Any]:
    # the object interface and not pyplot: no global state, and no display is looked for
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.2, 4.6) if square else (6.8, 4.2), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    if square:
        axes.set_aspect("equal")
    return figure, axes


def _png(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
