"""Charts as inline SVG: a few rectangles and lines need no library, and a page with them needs no network.

Every text that comes from data is escaped here. Colours are not the only carrier of meaning: every bar has its number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from triplette.console import html_text

WIDTH = 520
# by the page's colours where it has them, so that they follow light and dark
BLUE, RED, GREY = "var(--bar, #4a7dbd)", "var(--lost, #cf222e)", "var(--line, #d8dee4)"


def bars(rows: Sequence[tuple[str, float]], *, colour: str = BLUE, label: str = "") -> str:
    """Horizontal bars with their numbers; the longest fills the width."""
    step, left = 24, 190
    most = max((value for _, value in rows), default=0) or 1
    parts = []
    for number, (name, value) in enumerate(rows):
        top = number * step
        width = (WIDTH - left - 60) * value / most
        shown = name if len(name) <= 24 else f"{name[:23]}…"
        parts.append(
            f'<text x="{left - 8}" y="{top + 16}" text-anchor="end"><title>{html_text(name)}</title>{html_text(shown)}</text>'
            f'<rect x="{left}" y="{top + 4}" width="{width:.1f}" height="15" fill="{colour}"/>'
            f'<text x="{left + width + 6:.1f}" y="{top + 16}" class="soft">{_number(value)}</text>'
        )
    return _svg(WIDTH, step * len(rows) + 4, parts, label)


def funnel(rows: Sequence[tuple[str, int, int]], label: str = "") -> str:
    """Stages as centred bars: (name, rows that came out, rows that fell out)."""
    step, middle, longest = 40, 270, 230
    most = max((kept for _, kept, _ in rows), default=0) or 1
    parts = []
    for number, (name, kept, lost) in enumerate(rows):
        top = number * step
        long = max(2.0, longest * kept / most)
        fell = (
            f'<text x="{WIDTH}" y="{top + 22}" text-anchor="end" style="fill:{RED}">− {_number(lost)} fell out</text>' if lost else ""
        )
        parts.append(
            f'<text x="0" y="{top + 22}">{html_text(name)}</text>'
            f'<rect x="{middle - long / 2:.1f}" y="{top + 4}" width="{long:.1f}" height="28" rx="3" fill="{BLUE}"/>'
            f'<text x="{middle}" y="{top + 23}" text-anchor="middle" style="fill:#fff;paint-order:stroke;stroke:{BLUE};stroke-width:3px">'
            f"{_number(kept)}</text>{fell}"
        )
    return _svg(WIDTH, step * len(rows), parts, label)


def histogram(
    groups: Mapping[str, Sequence[float]], *, colours: Sequence[str], low: float, high: float, bins: int = 20, label: str = ""
) -> str:
    """Stacked histograms of the groups over ``low`` .. ``high``; values outside and NaN are left out and counted in the caption."""
    height, left, bottom = 190, 40, 24
    counts = [[0] * bins for _ in groups]
    skipped = 0
    for row, values in zip(counts, groups.values(), strict=True):
        for value in values:
            if math.isnan(value) or not low <= value <= high:
                skipped += 1
                continue
            row[min(int((value - low) / (high - low) * bins), bins - 1)] += 1
    most = max((sum(column) for column in zip(*counts, strict=True)), default=0) or 1
    wide = (WIDTH - left) / bins
    parts = [f'<line x1="{left}" y1="{height - bottom}" x2="{WIDTH}" y2="{height - bottom}" stroke="{GREY}"/>']
    for column in range(bins):
        base = float(height - bottom)
        for row, colour in zip(counts, colours, strict=False):
            tall = (height - bottom - 16) * row[column] / most
            base -= tall
            if row[column]:
                box = f'x="{left + column * wide + 1:.1f}" y="{base:.1f}" width="{wide - 2:.1f}" height="{tall:.1f}"'
                parts.append(f'<rect {box} fill="{colour}"><title>{row[column]}</title></rect>')
    parts.append(f'<text x="{left - 6}" y="22" text-anchor="end" class="soft">{_number(most)}</text>')
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        at = f'x="{left + (WIDTH - left) * share:.1f}" y="{height - 6}" text-anchor="{anchor}"'
        parts.append(f'<text {at} class="soft">{low + (high - low) * share:g}</text>')
    for number, (name, colour) in enumerate(zip(groups, colours, strict=False)):
        parts.append(
            f'<rect x="{left + 8 + 130 * number}" y="2" width="10" height="10" fill="{colour}"/>'
            f'<text x="{left + 22 + 130 * number}" y="12">{html_text(name)}</text>'
        )
    if skipped:
        parts.append(f'<text x="{WIDTH}" y="12" text-anchor="end" class="soft">{skipped} outside</text>')
    return _svg(WIDTH, height, parts, label)


def rank_plot(points: Sequence[tuple[int, int, bool]], *, label: str = "") -> str:
    """Negatives by (BM25 rank, dense rank, kept), both axes logarithmic; rank 0 (not found) lies on a line of its own."""
    size, left, bottom = 420, 46, 34
    most = max((max(bm25, dense) for bm25, dense, _ in points), default=1)
    span = math.log10(max(most, 10)) + 0.001

    def place(rank: int) -> float:
        # 0 is drawn one step before rank 1
        return 0.0 if rank == 0 else 0.12 + 0.88 * math.log10(rank) / span

    def x(rank: int) -> float:
        return left + (size - left - 10) * place(rank)

    def y(rank: int) -> float:
        return size - bottom - (size - bottom - 16) * place(rank)

    ticks = [0, *(10**power for power in range(int(span) + 1))]
    parts = []
    for tick in ticks:
        name = "none" if tick == 0 else str(tick)
        parts += [
            f'<line x1="{x(tick):.1f}" y1="16" x2="{x(tick):.1f}" y2="{size - bottom}" stroke="{GREY}"/>',
            f'<line x1="{left}" y1="{y(tick):.1f}" x2="{size - 10}" y2="{y(tick):.1f}" stroke="{GREY}"/>',
            f'<text x="{x(tick):.1f}" y="{size - bottom + 14}" text-anchor="middle" class="soft">{name}</text>',
            f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end" class="soft">{name}</text>',
        ]
    counted: dict[tuple[int, int, bool], int] = {}
    for point in points:
        counted[point] = counted.get(point, 0) + 1
    for (bm25, dense, kept), n in sorted(counted.items(), key=lambda item: -item[1]):
        radius = min(2 + math.sqrt(n), 14)
        parts.append(
            f'<circle cx="{x(bm25):.1f}" cy="{y(dense):.1f}" r="{radius:.1f}" fill="{BLUE if kept else RED}" fill-opacity="0.45">'
            f"<title>BM25 {bm25}, dense {dense}: {n} {'kept' if kept else 'left out'}</title></circle>"
        )
    parts += [
        f'<text x="{size / 2}" y="{size - 4}" text-anchor="middle">BM25 rank</text>',
        f'<text x="12" y="{size / 2}" text-anchor="middle" transform="rotate(-90 12 {size / 2})">dense rank</text>',
    ]
    return _svg(size, size, parts, label)


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if float(value).is_integer() else f"{value:.3g}"


def _svg(width: float, height: float, parts: Sequence[str], label: str) -> str:
    body = "".join(parts)
    box = f'width="{width:g}" viewBox="0 0 {width:g} {max(height, 1):g}"'
    return f'<svg {box} role="img" aria-label="{html_text(label)}">{body}</svg>'
