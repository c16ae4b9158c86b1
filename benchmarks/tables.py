"""The tables of README.md from what ``bench.py`` measured: ratios within a turn, with minimum, median and maximum."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from comparisons import ALONE, Comparison
from peers import versions

END = "<!-- end -->"


def write_readme(page: Path, chosen: list[Comparison], results: Path) -> None:
    """Put each comparison's table between its marks on the page. What was not run here keeps the figures that the page has."""
    text = page.read_text(encoding="utf-8")
    for one in chosen:
        place = results / f"{one.name}.json"
        told = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {"turns": []}
        if whole(one, told):  # one that was stopped in its first turn, or of which no side could run, leaves the figures that are there
            text = between(text, one.name, table(one, told))
    alone = "\n".join(f"| `{name}` | {why} |" for name, why in sorted(ALONE.items()))
    text = between(text, "versions", f"Versions: {', '.join(versions())}.")
    page.write_text(between(text, "alone", f"| script | why it is not in it |\n|---|---|\n{alone}"), encoding="utf-8")


def whole(one: Comparison, told: dict[str, Any]) -> bool:
    """Whether each side was measured in the first turn or could not run, and not all of them could not."""
    first = told["turns"][0] if told["turns"] else {}
    return bool(first) and all(side.name in first or side.name in told["failed"] for side in one.sides)


def between(text: str, name: str, content: str) -> str:
    """The page with ``content`` between the marks of ``name``. Raises SystemExit where it has no such marks."""
    mark = f"<!-- make bench: {name} -->"
    before, found, rest = text.partition(mark)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise SystemExit(f"README.md has no place for {name}: put {mark} and {END} where its table belongs")
    return f"{before}{mark}\n\n{content}\n\n{END}{after}"


def table(one: Comparison, told: dict[str, Any]) -> str:
    """A line a side: seconds and processor seconds (medians), and each ratio to ours of the same turn."""
    turns, ours, on = told["turns"], one.sides[0].name, told["machine"]
    loads = [figures["load"] for turn in turns for figures in turn.values()]
    under = f", load {min(loads):.0f} to {max(loads):.0f}" if loads else ""
    threads = f", OMP_NUM_THREADS={on['threads']}" if on.get("threads") else ""
    hardware = f"{on['cores']} cores ({on['processor']}{threads}), Python {on['python']}"
    what = told.get("what", one.what)  # of the size that was measured, which another command's need not be
    lines = [f"**{one.name.capitalize()}**: {what}. {len(turns)} turn{'s' * (len(turns) != 1)}, {hardware}{under}.", ""]
    lines += ["| side | s | beside ours | processor s | beside ours | peak MB | found |", "|---|---|---|---|---|---|---|"]
    for side in one.sides:
        mine = [(turn[side.name], turn.get(ours)) for turn in turns if side.name in turn]
        if not mine:
            lines.append(f"| {side.name} | not run: {told['failed'].get(side.name, one.lacking or 'not yet')} | | | | | |")
            continue
        cells = []
        for figure in ("seconds", "cpu"):
            per = [per_unit(own, figure) for own, _ in mine]
            ratios = [per_unit(own, figure) / per_unit(base, figure) for own, base in mine if base]
            cells += [short(statistics.median(per) * mine[0][0]["units"]), "1" if side.name == ours else spread(ratios)]
        last = mine[-1][0]
        done = f"{last['units']:,.0f} calls: " if one.endpoint else ""
        lines.append(f"| {side.name} | {' | '.join(cells)} | {last['peak_mb']:,} | {done}{facts(last['found'])} |")
    return "\n".join([*lines, *(["", f"{one.note[0].upper()}{one.note[1:]}."] if one.note else [])])


def per_unit(figures: dict[str, Any], figure: str) -> float:
    """Seconds for one of what was done; never nothing, so that a ratio can be told."""
    return max(float(figures[figure]), 1e-6) / float(figures["units"])


def spread(ratios: list[float]) -> str:
    """The median, and in brackets the smallest and the largest, where there are several."""
    if not ratios:
        return ""
    low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
    if len(ratios) == 1:
        return f"**{short(middle)}**"
    return f"**{short(middle)}** ({short(low)} to {short(high)})"


def short(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def facts(found: dict[str, Any]) -> str:
    """What came of it, in a cell."""
    return ", ".join(
        f"{name.replace('_', ' ')} {value:,}" if isinstance(value, int) else f"{name.replace('_', ' ')} {value}"
        for name, value in found.items()
    )
