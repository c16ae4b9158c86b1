"""Excel workbooks through openpyxl: a table for each sheet under the sheet's name, cells as their shown values.

A cell that is merged over others is said in each of their places, one over a whole row once. The library says which cells are merged only where
it holds the whole book in memory; it is therefore read off the end of the sheet's own part.
"""

from __future__ import annotations

import datetime
import itertools
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from triplette.synth.ingest.elements import Element, Reading, one_line
from triplette.synth.ingest.metadata import core_title
from triplette.synth.ingest.tables import REPEATED_FREE, REPEATED_SHARE, filled
from triplette.synth.ingest.zipped import Archive, opened

ROWS_MAX = 200_000  # of a sheet; Excel has 1,048,576
EMPTY_MAX = 1_000  # empty rows in a row after which a sheet has ended: formats reach further than values
COLUMNS_MAX = 500
MERGED_MAX = 100_000  # merged cells of a sheet that are looked at
UNIT_MAX = 12  # characters of a unit that a number's format writes
_UNIT = re.compile(r'\[\$([^\]-]+)[^\]]*\]|"([^"]+)"|([€$£¥])')
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\b[^<>]*\bref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']")
_UNSAVED = re.compile(
    rb"<(?:\w+:)?c\b(?![^<>]*\bt=[\"']str)[^<>]*><(?:\w+:)?f\b[^<>]*(?:/>|>[^<]*</(?:\w+:)?f>)(?:<(?:\w+:)?v\s*(?:/>|></(?:\w+:)?v>))?</"
)  # a result that is an empty text says so
UNSAVED_CURE = "open the workbook in its program and save it"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
Merged = dict[
    tuple[int, int], tuple[int, int]
]  # (row, column), from 1, of a cell that is merged over others -> the last row and column


def read_xlsx(path: Path) -> Reading:
    """One table for each visible sheet that holds values; blocks that an empty row parts are tables of their own."""
    import openpyxl

    with opened(path) as archive:
        title = core_title(archive)
        kept = _kept_beside(archive)
    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    elements: list[Element] = []
    notes: list[str] = []
    try:
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                notes.append(f"the sheet {sheet.title!r} is hidden and not read: show it in its program if its text counts")
                continue
            merged, unsaved = kept.get(sheet.title, ({}, 0))
            tables, cut = _tables(sheet, merged)
            if tables:
                elements.append(Element("heading", one_line(sheet.title) or "-", level=1))
                elements += tables
            notes += [f"the sheet {sheet.title!r} is read up to {reached}" for reached in cut]
            if unsaved:
                notes.append(f"the sheet {sheet.title!r} has {unsaved} formula{'s' * (unsaved > 1)} without a result: {UNSAVED_CURE}")
    finally:
        book.close()
    return Reading(tuple(elements), title, tuple(notes))


def _kept_beside(archive: Archive) -> dict[str, tuple[Merged, int]]:
    """For each sheet, by its name, what its part says that the library does not: the cells that are merged over others, and how many
    formulas have no result beside them, as where a program other than a spreadsheet wrote the file."""
    relations = archive.xml_if_any("xl/_rels/workbook.xml.rels")
    book = archive.xml_if_any("xl/workbook.xml")
    if relations is None or book is None:
        return {}
    parts = {node.get("Id"): archive.beside("xl/workbook.xml", node.get("Target") or "") for node in relations}
    found: dict[str, tuple[Merged, int]] = {}
    for sheet in book.iter("{*}sheet"):
        part = parts.get(sheet.get(_RELATION))
        data = archive.read(part) if part else b""
        cells = itertools.islice(_MERGED.finditer(data, max(data.rfind(b"sheetData>"), 0)), MERGED_MAX)
        merged = {(int(cell[2]), _column(cell[1])): (int(cell[4]), min(_column(cell[3]), COLUMNS_MAX)) for cell in cells}
        found[sheet.get("name") or ""] = (merged, sum(1 for _ in _UNSAVED.finditer(data)))
    return found


def _column(letters: bytes) -> int:
    """The number of a column, from 1: "A" is 1, "AA" 27."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _tables(sheet: Any, merged: Merged) -> tuple[list[Element], list[str]]:
    """A sheet's tables, and the last row and column that were read where there are more."""
    found: list[Element] = []
    rows: list[list[str]] = []
    above = _Above(merged)
    empty = 0
    cut: dict[str, None] = {}
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if number > ROWS_MAX:
            cut[f"row {ROWS_MAX}"] = None
            break
        if any(cell.value is not None for cell in cells[COLUMNS_MAX:]):
            cut[f"column {COLUMNS_MAX}"] = None
        row = [_shown(cell.value, cell) for cell in cells[:COLUMNS_MAX]]
        if any(row):
            rows.append(above.filled(row, number))
            empty = 0
            continue
        if above.reaches(number):
            continue  # a row of merged cells only, and no end of the table
        found += _element(rows)
        rows = []
        empty += 1
        if empty > EMPTY_MAX:
            break
    return found + _element(rows), list(cut)


class _Above:
    """The cells that reach down from rows above into the one that is read; how much they may add is bounded as in any table."""

    def __init__(self, merged: Merged) -> None:
        self._merged = merged
        self._open: dict[int, tuple[str, int]] = {}  # column, from 0 -> the text, and the last row
        self._budget = REPEATED_FREE

    def reaches(self, number: int) -> bool:
        """Whether one of them covers this row."""
        return any(last >= number for _, last in self._open.values())

    def filled(self, row: list[str], number: int) -> list[str]:
        """The row with their texts in its empty places; those that begin in it are kept for the next."""
        self._budget += REPEATED_SHARE * sum(map(len, row))
        self._open = {column: found for column, found in self._open.items() if found[1] >= number}
        full = row + [""] * (max(self._open, default=-1) + 1 - len(row))
        for column, (text, _) in self._open.items():
            self._put(full, column, text)
        alone = sum(map(bool, full)) == 1
        for at, text in enumerate(row):
            last = self._merged.get((number, at + 1)) if text else None
            if last is None:
                continue
            end = at + 1 if alone or self._budget <= 0 else last[1]
            full += [""] * (end - len(full))
            for column in range(at, end):
                self._put(full, column, text)
                if last[0] > number:
                    self._open[column] = (text, last[0])
        return full

    def _put(self, row: list[str], column: int, text: str) -> None:
        if not row[column]:
            self._budget -= len(text)
            row[column] = text if self._budget > 0 else ""


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
