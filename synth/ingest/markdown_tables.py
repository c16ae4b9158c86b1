"""Tables that are drawn in a Markdown text: grid tables ("+---+") and simple ones (columns under dashes), as pandoc and docutils define them.

The parser knows tables with bars only. So a drawn table is put into the text as HTML, line for line, and offsets stay true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_RULE = re.compile(r"\+(?:[-=:]{2,}\+)+$")
_DASHES = re.compile(r" {0,3}-{2,}(?: +-{2,})+ *$")
ROWS_MAX, COLUMNS_MAX = 2_000, 100  # lines and columns of one drawn table
_FILLER = "<!---->"  # in the place of a line that drew no row
_NO_ROW = re.compile(r"\s*(?:[#>|+]|[-*] |```|~~~|$)")


def drawn_tables(text: str, inline: Callable[[str], str]) -> str:
    """The text with its drawn tables as HTML of as many lines; ``inline`` renders the Markdown of a cell."""
    if "+--" not in text and "+==" not in text and not re.search(r"-- +--", text):
        return text
    rows = text.split("\n")
    fence = ""
    place = 0
    while place < len(rows):
        row = rows[place]
        mark = re.match(r" {0,3}(`{3,}|~{3,})", row)
        if mark and (not fence or mark.group(1).startswith(fence)):
            fence = "" if fence else mark.group(1)
        elif not fence and _RULE.match(row.strip()) and row.strip()[0] == "+":
            place = _replaced(rows, place, _grid_end(rows, place), _grid, inline)
        elif not fence and place and _DASHES.match(row) and not _NO_ROW.match(rows[place - 1]):
            first = place - 1
            if first == 0 or not rows[first - 1].strip():
                place = max(place, _replaced(rows, first, _simple_end(rows, place), _simple, inline))
        place += 1
    return "\n".join(rows)


Cells = list[list[tuple[str, int, int]]]  # rows of (text, rows spanned, columns spanned)


def _replaced(rows: list[str], first: int, end: int, read: Callable[[Sequence[str]], Cells], inline: Callable[[str], str]) -> int:
    """Put the table of the lines ``first`` to before ``end`` into their place; the last of these lines.

    Lines that are no table after all are passed over together: trying each of them again would take the square of their number.
    """
    indent = len(rows[first]) - len(rows[first].lstrip())
    cells = read([row[min(indent, len(row) - len(row.lstrip())) :] for row in rows[first:end]])
    if not cells:
        return end - 1
    made = ["<table>"]
    for row in cells:
        made.append("<tr>" + "".join(f'<td rowspan="{r}" colspan="{c}">{inline(text)}</td>' for text, r, c in row) + "</tr>")
    made[-1] += "</table>"
    made = [made[0] + made[1], *made[2:]]
    made += [_FILLER] * (end - first - len(made))
    rows[first:end] = [" " * min(indent, 3) + line for line in made]
    return end - 1


def _grid_end(rows: Sequence[str], first: int) -> int:
    end = first
    while end < min(len(rows), first + ROWS_MAX) and rows[end].strip()[:1] in ("+", "|"):
        end += 1
    return end


def _grid(lines: Sequence[str]) -> Cells:
    """The cells of a grid table; [] when its lines are no such table."""
    lines = [line.rstrip() for line in lines]
    if len(lines) < 3 or not _RULE.match(lines[-1]):
        return []
    edges = sorted({place for line in lines if line.startswith("+") for place, sign in enumerate(line) if sign == "+"})
    width = len(edges) - 1
    if width > COLUMNS_MAX:
        return []
    begun = [0] * width  # row in which the open cell of a column began
    texts: list[dict[int, str]] = [{} for _ in range(width)]  # of the open cell: its lines by number
    joined = [1] * width  # columns that the open cell spans, at its first; 0 at the others
    found: dict[tuple[int, int], tuple[str, int, int]] = {}
    row = -1
    for number, line in enumerate(lines):
        if line.startswith("|") and line.count("|") == width + 1 and any(line[edge : edge + 1] != "|" for edge in edges):
            for column, part in enumerate(line.split("|")[1:-1]):  # drawn crookedly, every cell in its place
                if part.strip():
                    texts[column][number] = part.strip()
            continue
        parts = [line[edges[i] + 1 : edges[i + 1]] for i in range(width)]
        ruled = [bool(part) and not part.strip("-=:+") for part in parts]
        if any(ruled) and line[:1] in "+|":
            row += 1
            for column in range(width):
                if ruled[column] and joined[column]:
                    text = " ".join(texts[column].values())
                    if row > begun[column] or text:
                        found[begun[column], column] = (text, row - begun[column], joined[column])
                if ruled[column]:
                    begun[column], texts[column], joined[column] = row, {}, 1
        for column in range(width):
            if ruled[column] or (any(ruled) and not texts[column]):
                continue
            if column and not any(ruled) and line[edges[column] : edges[column] + 1] not in ("|", "+"):
                joined[column] = 0  # this cell goes on from the left
        if not any(ruled):
            _take(line, number, edges, joined, texts)
        else:
            for column in range(width):
                if not ruled[column] and parts[column].strip():
                    texts[column][number] = parts[column].strip()
    if row < 1:
        return []
    return [[found[key] for key in sorted(found) if key[0] == r and found[key][1]] for r in range(row)]


def _take(line: str, number: int, edges: Sequence[int], joined: list[int], texts: list[dict[int, str]]) -> None:
    """Add a line of text to the open cells."""
    first = 0
    for column in range(len(joined) + 1):
        if column == len(joined) or joined[column]:
            if column > first:
                joined[first] = column - first
                text = line[edges[first] + 1 : edges[column]].strip()
                if text:
                    texts[first][number] = text
            first = column


def _simple_end(rows: Sequence[str], dashes: int) -> int:
    end = dashes + 1
    while end < min(len(rows), dashes + ROWS_MAX) and rows[end].strip():
        end += 1
    return end


def _simple(lines: Sequence[str]) -> Cells:
    """The cells of a simple table: a header, its dashes, and a line a row."""
    spans = [found.span() for found in re.finditer(r"-+", lines[1])]
    body = [line for line in lines[2:] if line.strip("- ")]
    if not body or any(len(line) > 1.5 * len(lines[1]) + 20 for line in body):
        return []
    rows = []
    for line in [lines[0], *body]:
        # a column reaches from the end of the one before to the end of its dashes; text may hang out of it
        cells = []
        place = 0
        for index, (_, end) in enumerate(spans):
            last = index == len(spans) - 1
            cells.append(line[place:None] if last else line[place:end])
            place = end
        rows.append([(cell.strip(), 1, 1) for cell in cells])
    return rows
