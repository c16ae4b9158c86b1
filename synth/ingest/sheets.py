"""Excel workbooks through openpyxl: a table for each sheet under the sheet's name, cells as their shown values."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from triplette.synth.ingest.elements import Element, Reading, one_line
from triplette.synth.ingest.metadata import core_title
from triplette.synth.ingest.tables import filled
from triplette.synth.ingest.zipped import opened

ROWS_MAX = 200_000  # of a sheet; Excel has 1,048,576
EMPTY_MAX = 1_000  # empty rows in a row after which a sheet has ended: formats reach further than values
COLUMNS_MAX = 500
UNIT_MAX = 12  # characters of a unit that a number's format writes
_UNIT = re.compile(r'\[\$([^\]-]+)[^\]]*\]|"([^"]+)"|([€$£¥])')


def read_xlsx(path: Path) -> Reading:
    """One table for each visible sheet that holds values; blocks that an empty row parts are tables of their own."""
    import openpyxl

    with opened(path) as archive:
        title = core_title(archive)
    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    elements: list[Element] = []
    notes: list[str] = []
    try:
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                continue
            tables, cut = _tables(sheet)
            if tables:
                elements.append(Element("heading", one_line(sheet.title) or "-", level=1))
                elements += tables
            if cut:
                notes.append(f"the sheet {sheet.title!r} is read up to row {ROWS_MAX}")
    finally:
        book.close()
    return Reading(tuple(elements), title, tuple(notes))


def _tables(sheet: Any) -> tuple[list[Element], bool]:
    found: list[Element] = []
    rows: list[list[str]] = []
    empty = 0
    cut = False
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    for number, cells in enumerate(sheet.iter_rows(max_col=COLUMNS_MAX), 1):
        if number > ROWS_MAX:
            cut = True
            break
        row = [_shown(cell.value, cell) for cell in cells]
        if any(row):
            rows.append(row)
            empty = 0
            continue
        found += _element(rows)
        rows = []
        empty += 1
        if empty > EMPTY_MAX:
            break
    return found + _element(rows), cut


def _element(rows: list[list[str]]) -> list[Element]:
    resolved = filled(rows)
    if not resolved:
        return []
    if len(resolved) == 1 or max(len(row) for row in resolved) == 1:
        return [Element("paragraph", " ".join(cell for cell in row if cell)) for row in resolved]
    return [Element("table", rows=resolved)]


def _shown(value: Any, cell: Any) -> str:
    """A cell's value as a sheet shows it, near enough: dates without midnight, whole floats without a point, units and per cent."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        before, times, after = _written(str(cell.number_format))
        value = value * times
        whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e15)
        return f"{before}{int(value) if whole else f'{value:.10g}'}{after}"
    return one_line(str(value))


@lru_cache(maxsize=1000)
def _written(form: str) -> tuple[str, int, str]:
    """What a number's format writes before it, what it multiplies it with, and what it writes after it."""
    first = form.split(";")[0]
    if "%" in first:
        return "", 100, "%"
    unit = _UNIT.search(first)
    said = next((part for part in unit.groups() if part), "").strip() if unit else ""
    if unit is None or not said or len(said) > UNIT_MAX:
        return "", 1, ""
    return (said, 1, "") if re.search(r"[0#]", first[unit.end() :]) else ("", 1, f" {said}")
