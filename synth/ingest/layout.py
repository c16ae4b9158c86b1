"""Pieces of a page to lines in reading order: running heads, the text column by column, footnotes, running feet.

Two witnesses speak for an order: the page's own (the order in which its pieces were drawn) and its white space. Writers of text draw
column after column, and know better than any geometry where a box in the margin belongs; so the page's own order is kept unless it
jumps between columns or up the page. Then a recursive cut along white gutters (XY-cut, Nagy and Seth 1984) orders the pieces.
"""

from __future__ import annotations

import bisect
import itertools
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from triplette.synth.ingest.boilerplate import FILL_SHARE, HEAD_LIMIT, counts_pages
from triplette.synth.ingest.pdf_chars import Piece
from triplette.synth.ingest.pdf_floats import NEXT_LINE, TextLine, floats_after, foot_figure, insets_after
from triplette.synth.ingest.pdf_line_numbers import line_numbers_apart
from triplette.synth.ingest.pdf_notes import note_columns, notes_apart
from triplette.synth.ingest.pdf_rows import JOIN, Bar, rows_of
from triplette.synth.ingest.pdf_unruled import unruled

GUTTER = 0.7  # ems of white between columns at least
COLUMN_ROWS = 4  # pieces that a column has at least
COLUMN_SHARE = 0.12  # of the page's width that a column takes at least
COLUMN_LETTERS = 14  # characters in a column's usual line: cells of a table hold fewer
FILLED = 0.72  # of a column's width that its middle line takes: text, drawn row by row with its neighbour, and no table
COLUMN_OVERLAP = 0.5  # of the shorter column's height that stands beside the other
EDGE = 0.13  # of the page's height, at the top and the bottom, that can hold running heads and feet
MARGIN = 0.07  # of the page's height: a row set apart in it is a running head although it does not come back
EDGE_GAP = 1.6  # of the usual leading between such a row and the text
RUNNING = 3  # pages on which a running head comes back: left pages have other heads than right ones, chapters too
SAME_PLACE = 4.0  # points of height that count as one place
SWITCHES = 0.12  # of the pieces: more changes of column in the page's own order than that, and it was drawn across
CELLS = 2  # pieces of a row at least that has a cell going on below it
LABEL = 14  # characters: a shorter piece may be a figure's label or a cell
JUMPS = 0.06  # of the pieces: more steps up the page than that, and it was drawn in no order
PARAGRAPH = 1.35  # of the usual leading: a wider gap ends a paragraph
SAME_TYPE = 0.3  # points between two sizes that count as one
NEAR_LINES, NEAR_SHARE = 3, 0.25  # lines that stand near the one above, in number and of those that have the usual distance
RUN_ON, PROSE = 0.1, 30  # of the lines at one distance, those that a sentence goes on over; characters that such a line has at least
BAR_REACH = 30.0  # points that a rule goes on over a gutter on both sides: an underlined line ends at it
LARGER = 1.12  # times the body's size: a heading's type
DEPTH = 16  # cuts within cuts: no page has more


_NAMED = re.compile(r"[^\W\d_]{3}")


def body_size(pieces: Iterable[Piece]) -> float:
    """The size that most characters are set in; 0 where there are none."""
    counts: Counter[float] = Counter()
    for piece in pieces:
        counts[round(piece.size * 2) / 2] += len(piece.text)
    return counts.most_common(1)[0][0] if counts else 0.0


def page_lines(
    pieces: Sequence[Piece],
    width: float,
    height: float,
    size: float,
    running: frozenset[int] = frozenset(),
    bars: Sequence[Bar] = (),
    before: TextLine | None = None,
) -> list[TextLine]:
    """The page's lines in reading order.

    ``size`` is the document's body size in points, ``running`` the orders of known running heads, ``bars`` the level rules on the page,
    ``before`` the last line of text on the page before.
    """
    if not pieces:
        return []
    pieces, numbers = line_numbers_apart(list(pieces))
    heads, body, feet = _edges(pieces, height, running)
    body, notes = notes_apart(body, width, size, bars)
    text = floats_after(_in_order(body, width, "body", bars), before)
    for line in text[foot_figure(text) :]:
        line.kind = "note"  # it stands behind the sentence that goes on over the page's end, as footnotes do
    lines = [
        *_across(numbers, "number"),
        *_across(heads, "head"),
        *text,
        *(line for column in note_columns(notes) for line in _in_order(column, width, "note", bars)),
        *_across(feet, "foot"),
    ]
    _set_apart(lines)
    return lines


def running_heads(pages: Sequence[tuple[Sequence[Piece], float]], size: float) -> list[frozenset[int]]:
    """For each page (pieces, height), the orders of the pieces at its edges that come back on ``RUNNING`` pages or more.

    They stand at the same place and differ in nothing but numbers, which stay or count the pages; a page's number in words that are larger
    than the text (``size``) names the page, as those of the sheets of a form. Where they would be most of the text, they are the text.
    """
    seen: dict[tuple[str, int], list[tuple[int, str]]] = defaultdict(list)
    keys: list[list[tuple[Piece, tuple[str, int]]]] = []
    large: set[tuple[str, int]] = set()
    for index, (pieces, height) in enumerate(pages):
        edge = [p for p in pieces if (p.y > (1 - EDGE) * height or p.y < EDGE * height) and not p.table]
        large.update(_head_key(p) for p in edge if p.size >= LARGER * size and _NAMED.search(p.text))
        keys.append([(p, _head_key(p)) for p in edge])
        for key, text in {key: p.text for p, key in keys[-1]}.items():
            seen[key].append((index, text))
    least = min(RUNNING, max(2, len(pages)))
    running = {key for key, where in seen.items() if len(where) >= least and counts_pages(where)}
    running -= {key for key in large if len({text for _, text in seen[key]}) == len(seen[key])}
    found = [[piece for piece, key in page if key in running] for page in keys]
    full = sum(
        sum(len(p.text) for p in own) > FILL_SHARE * sum(len(p.text) for p in pieces)
        for own, (pieces, _) in zip(found, pages, strict=True)
    )
    return [frozenset() if full > len(pages) / 2 else frozenset(p.order for p in own) for own in found]


def _head_key(piece: Piece) -> tuple[str, int]:
    """What a running head has in common on all of its pages: its text but for numbers, and its place."""
    return re.sub(r"\d+", "#", piece.text[:HEAD_LIMIT].lower()), round(piece.y / SAME_PLACE)


def row_texts(pieces: Iterable[Piece]) -> list[str]:
    """The rows of a table's cell."""
    return [_line(row, "body").text for row in rows_of(pieces)]


def _leading(rows: Sequence[Sequence[Piece]]) -> float:
    """The usual distance between rows: the median of those that are no wider than two lines."""
    steps = [a[0].y - b[0].y for a, b in itertools.pairwise(rows)]
    sizes = [row[0].size for row in rows]
    near = [step for step in steps if 0 < step <= 2 * statistics.median(sizes)]
    return statistics.median(near) if near else 1.2 * (statistics.median(sizes) if sizes else 10.0)


def _edges(pieces: Sequence[Piece], height: float, running: frozenset[int]) -> tuple[list[Piece], list[Piece], list[Piece]]:
    """The rows at the top and bottom that are ``running``, or the one there in the margin that a gap sets apart; and what stands between."""
    rows = rows_of(pieces)
    near = EDGE_GAP * _leading(rows)
    first, last = 0, len(rows)
    while first < len(rows) and all(p.order in running for p in rows[first]):
        first += 1
    if not first and len(rows) > 1 and rows[0][0].y > (1 - MARGIN) * height and rows[0][0].y - rows[1][0].y >= near:
        first = 1
    while last > first and all(p.order in running for p in rows[last - 1]):
        last -= 1
    if last == len(rows) > first + 1 and rows[-1][0].y < MARGIN * height and rows[-2][0].y - rows[-1][0].y >= near:
        last -= 1
    heads = [p for row in rows[:first] for p in row]
    feet = [p for row in rows[last:] for p in row]
    edges = {p.order for p in (*heads, *feet)}
    return heads, sorted((p for p in pieces if p.order not in edges), key=lambda p: p.order), feet


def _across(pieces: Sequence[Piece], kind: str) -> list[TextLine]:
    """Rows read across the page, as running heads are."""
    return [_line(row, kind) for row in rows_of(pieces)]


def _line(row: Sequence[Piece], kind: str) -> TextLine:
    if row[0].table:
        return TextLine(row[0].text, row[0].x0, row[0].x1, row[0].y, row[0].size, False, kind, apart=True, table=True)
    text = row[0].text
    for before, piece in itertools.pairwise(row):
        gap = piece.x0 - before.x1
        text += ("   " if gap > 2 * piece.size else " " if gap > 0.1 * piece.size else "") + piece.text
    size = max((len(p.text), p.size) for p in row)[1]
    bold = sum(len(p.text) for p in row if p.bold) > 0.6 * sum(len(p.text) for p in row)
    return TextLine(text, row[0].x0, max(p.x1 for p in row), statistics.median(p.y for p in row), size, bold, kind)


def _in_order(pieces: Sequence[Piece], width: float, kind: str, bars: Sequence[Bar]) -> list[TextLine]:
    """Lines of a part of the page in its own order, or by its white space where that order is none."""
    if not pieces:
        return []
    leaves = _cut(list(pieces), width, bars, 0)
    home = {piece.order: index for index, leaf in enumerate(leaves) for piece in leaf}
    lines: list[tuple[int, TextLine]] = []
    drawn = _drawn_in_order(pieces, home, len(leaves))
    for leaf in leaves:
        for row in unruled(_cells_whole(rows_of(leaf))):
            for group in _joined(row, drawn):
                lines.append((min(p.order for p in group), _line(group, kind)))
    if not drawn:
        return [line for _, line in lines]
    lines.sort(key=lambda item: item[0])
    return insets_after([line for _, line in lines])


def _drawn_in_order(pieces: Sequence[Piece], home: dict[int, int], leaves: int) -> bool:
    """Whether the page's own order is one to read in: it stays in a column until its end, and goes down."""
    switches = jumps = 0
    prose = [p for p in pieces if len(p.text) >= LABEL]
    pieces = prose if len(prose) >= 2 * COLUMN_ROWS else pieces  # a figure's labels are drawn in any order
    ordered = sorted(pieces, key=lambda p: p.order)
    for before, piece in itertools.pairwise(ordered):
        if home[before.order] != home[piece.order]:
            switches += 1
        elif piece.y > before.y + 0.8 * piece.size:
            jumps += 1
    return switches <= 2 * leaves + SWITCHES * len(pieces) and jumps <= 2 + JUMPS * len(pieces)


def _cells_whole(rows: list[list[Piece]]) -> list[list[Piece]]:
    """The rows with a cell whole that goes on in the next line: that line stands alone there and was drawn right after its beginning."""
    found: list[list[Piece]] = []
    for row in rows:
        above = found[-1] if found else []
        at = next((n for n, p in enumerate(above[:-1]) if p.order + 1 == row[0].order), None) if len(row) == 1 else None
        if at is None or len(above) < CELLS or row[0].table or above[at].table or not _under(row[0], above[at]):
            found.append(row)
        else:
            begun, rest = above[at].text, row[0].text
            whole = begun[:-1] + rest if begun[-1:] == "-" and rest[:1].islower() else f"{begun} {rest}"
            above[at] = replace(above[at], text=whole)
    return found


def _under(piece: Piece, above: Piece) -> bool:
    """Whether a piece stands close below another."""
    return above.x0 - piece.size < piece.x0 < above.x1 and 0 < above.y - piece.y <= NEXT_LINE * piece.size


def _joined(row: Sequence[Piece], drawn: bool) -> list[list[Piece]]:
    """The row's pieces as lines: one, unless a wide gap parts what was not drawn together either."""
    groups = [[row[0]]]
    for before, piece in itertools.pairwise(row):
        if piece.table or before.table:
            groups.append([piece])
            continue
        near = piece.x0 - before.x1 <= JOIN * max(piece.size, before.size) or piece.order - before.order == 1
        if near or not drawn:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def _cut(pieces: list[Piece], width: float, bars: Sequence[Bar], depth: int) -> list[list[Piece]]:
    """Leaves of the XY-cut in reading order."""
    if depth >= DEPTH or len(pieces) < 2 * COLUMN_ROWS:
        return [pieces]
    rows = rows_of(pieces)
    best: tuple[int, int, int, float] | None = None
    for x in _column_starts(pieces):
        band = _band(rows, x, width, bars)
        if band and (best is None or band[0] > best[0]):
            best = (*band, x)
    if best is None:
        return [pieces]
    _, first, last, x = best
    inside = [p for row in rows[first:last] for p in row]
    left, right = [p for p in inside if p.x0 < x], [p for p in inside if p.x0 >= x]
    parts = ([p for row in rows[:first] for p in row], left, right, [p for row in rows[last:] for p in row])
    return [leaf for part in parts if part for leaf in _cut(part, width, bars, depth + 1)]


def _column_starts(pieces: Sequence[Piece]) -> list[float]:
    """Where columns may begin: the left edges that several pieces share, but for the leftmost."""
    counts = Counter(round(piece.x0) for piece in pieces)
    left = min(piece.x0 for piece in pieces)
    common = [x for x, _ in counts.most_common(12) if counts[x] + counts[x - 1] + counts[x + 1] >= 3 and x > left + 20]
    return [x - 1.5 for x in common]


def _band(rows: Sequence[Sequence[Piece]], x: float, width: float, bars: Sequence[Bar]) -> tuple[int, int, int] | None:
    """(pieces, first row, last row) of the longest run of rows in which a gutter ends at ``x`` between two columns of text.

    A line of text across the gutter ends the columns, and so does a rule across it, such as the top of a table as wide as the page.
    """
    best: tuple[int, int, int] | None = None
    start = 0
    across = sorted(bar.y for bar in bars if bar.x0 < x - BAR_REACH and bar.x1 > x + BAR_REACH)
    for index in range(len(rows) + 1):
        ruled = 0 < index < len(rows) and _between(across, rows[index][0].y, rows[index - 1][0].y)
        crossed = index == len(rows) or any(p.x0 < x - 0.5 and p.x1 > x - GUTTER * p.size * 0.6 for p in rows[index])
        if not ruled and not crossed:
            continue
        if index - start >= COLUMN_ROWS and _columns([p for row in rows[start:index] for p in row], x, width):
            count = sum(len(row) for row in rows[start:index])
            if best is None or count > best[0]:
                best = (count, *_trimmed(rows, start, index, x))
        start = index + 1 if crossed else index
    return best


def _between(heights: Sequence[float], low: float, high: float) -> bool:
    """Whether one of the sorted heights lies between."""
    at = bisect.bisect_left(heights, low)
    return at < len(heights) and heights[at] < high


def _trimmed(rows: Sequence[Sequence[Piece]], start: int, end: int, x: float) -> tuple[int, int]:
    """The run without the rows at its top that stand on the left alone, far above the first on the right (a title above both)."""
    first = next(i for i in range(start, end) if any(p.x0 >= x for p in rows[i]))
    top = rows[first][0].y
    while start < first and rows[start][0].y > top + 2.2 * rows[start][0].size:
        start += 1
    return start, end


def _columns(pieces: Sequence[Piece], x: float, width: float) -> bool:
    """Whether the pieces on both sides of ``x`` are columns of text, side by side."""
    sides = [[p for p in pieces if p.x0 < x], [p for p in pieces if p.x0 >= x]]
    if any(len(side) < COLUMN_ROWS for side in sides):
        return False
    spans = [(min(p.y for p in side), max(p.y for p in side)) for side in sides]
    common = min(high for _, high in spans) - max(low for low, _ in spans)
    if common < COLUMN_OVERLAP * min(high - low for low, high in spans):
        return False
    if _alternates(pieces, x) and not all(_filled(side) for side in sides):
        return False
    return all(
        statistics.median(len(p.text) for p in side) >= COLUMN_LETTERS
        and max(p.x1 for p in side) - min(p.x0 for p in side) >= COLUMN_SHARE * width
        for side in sides
    )


def _alternates(pieces: Sequence[Piece], x: float) -> bool:
    """Whether the page draws these columns row by row: as a table is drawn, or text by a program that knows no columns."""
    sides = [p.x0 < x for p in sorted(pieces, key=lambda p: p.order)]
    switches = sum(a != b for a, b in itertools.pairwise(sides))
    return switches > 0.7 * min(sum(sides), len(sides) - sum(sides))


def _filled(side: Sequence[Piece]) -> bool:
    """Whether most lines of a column are as wide as it: text is, cells are not."""
    widths = sorted(p.x1 - p.x0 for p in side)
    return widths[len(widths) // 2] >= FILLED * widths[-1]


def _set_apart(lines: Sequence[TextLine]) -> None:
    """Mark the lines before which a paragraph ends: more white than usual, or another part of the page."""
    usual = _usual_step(lines)
    for before, line in itertools.pairwise(lines):
        step = before.y - line.y
        if line.kind != before.kind:
            line.apart = True
        elif step > PARAGRAPH * max(usual, 1.05 * line.size):
            line.apart = not _runs_on(before, line)


def _usual_step(lines: Sequence[TextLine]) -> float:
    """The distance of a page's lines: that of most, but for a page of lists, whose items are paragraphs of one line.

    There, enough lines of one type stand nearer, and hardly a sentence goes on over the wider steps.
    """
    pairs = [(round(a.y - b.y, 1), a, b) for a, b in itertools.pairwise(lines) if 0 < a.y - b.y < 2.2 * b.size]
    steps = Counter(step for step, _, _ in pairs)
    usual, most = steps.most_common(1)[0] if steps else (12.0, 0)
    typed = Counter(step for step, a, b in pairs if abs(a.size - b.size) < SAME_TYPE and PARAGRAPH * step < usual)
    near = min((step for step, count in typed.items() if count >= max(NEAR_LINES, NEAR_SHARE * most)), default=usual)
    prose = sum(len(a.text) >= PROSE and _runs_on(a, b) for step, a, b in pairs if step == usual)
    return usual if prose > RUN_ON * most else near


def _runs_on(before: TextLine, line: TextLine) -> bool:
    """Whether a sentence goes on in the line."""
    return before.text[-1:] not in ".!?:;»)" and line.text[:1].islower()
