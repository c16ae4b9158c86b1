"""Workbooks to tables: what a sheet shows, and no more of it than it shows."""

from __future__ import annotations

import datetime
from pathlib import Path

import openpyxl

from triplette.synth.ingest import Structured, read_document, structure


def read(path: Path) -> Structured:
    """A file, structured."""
    return structure(read_document(path, path.parent))


def lines(found: Structured) -> list[tuple[tuple[str, ...], str]]:
    """(heading path, text) of every block."""
    return [(block.headings, block.text) for block in found.blocks]


def test_a_workbook_gives_a_table_a_sheet_and_leaves_hidden_ones(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Horaires"
    for row in (["Jour", "Ouvre", "Depuis"], ["lundi", 9.0, datetime.datetime(2025, 9, 1)], ["mardi", 9.5, None]):
        first.append(row)
    first["C9"] = "Fermé en août."
    hidden = book.create_sheet("Brouillon")
    hidden["A1"], hidden.sheet_state = "secret", "hidden"
    book.save(tmp_path / "a.xlsx")
    assert lines(read(tmp_path / "a.xlsx")) == [
        (("Horaires",), "| Jour | Ouvre | Depuis |\n| --- | --- | --- |\n| lundi | 9 | 2025-09-01 |\n| mardi | 9.5 |  |"),
        (("Horaires",), "Fermé en août."),
    ]


def test_numbers_of_a_workbook_keep_the_unit_that_their_format_writes(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Quoi", "Part", "Poids"], ["bouée", 0.125, 3], ["rame", 1, 2.5]):
        book.active.append(row)
    for place, form in {"B2": "0.0%", "B3": "0%", "C2": '0.00 "kg"', "C3": "[$€-40C] #,##0.00"}.items():
        book.active[place].number_format = form
    book.save(tmp_path / "a.xlsx")
    assert lines(read(tmp_path / "a.xlsx"))[0][1].split("\n")[2:] == ["| bouée | 12.5% | 3 kg |", "| rame | 100% | €2.5 |"]


def test_a_merged_cell_of_a_workbook_is_said_in_each_of_its_places_and_what_lies_too_far_right_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Prêts & clefs"
    for row in (
        ["Saison"],
        ["Qui", "Été", None, "Hiver"],
        [None, "Quoi", "Où", "Quoi"],
        ["Ana", "bouée", "quai", "luge"],
        [None, "rame", "lac", "ski"],
        [None, None, None, None],
        ["Luc", "canot", "rive", "raquette"],
        [],
        ["x", "y"],
        [None, "z"],
    ):
        sheet.append(row)
    for merged in ("A1:D1", "A2:A3", "B2:C2", "A4:A6"):
        sheet.merge_cells(merged)
    sheet.cell(7, 600, "loin")
    book.save(tmp_path / "a.xlsx")
    found = read(tmp_path / "a.xlsx")
    first, second = (text.split("\n") for _, text in lines(found))
    assert first[0] == "| Saison |  |  |  |"
    assert first[2:] == [
        "| Qui | Été | Été | Hiver |",
        "| Qui | Quoi | Où | Quoi |",
        "| Ana | bouée | quai | luge |",
        "| Ana | rame | lac | ski |",
        "| Luc | canot | rive | raquette |",
    ]
    assert second[2:] == ["|  | z |"]
    assert found.document.notes == ("the sheet 'Prêts & clefs' is read up to column 500",)


def test_a_long_cell_merged_over_many_rows_does_not_swell_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for number in range(400):
        book.active.append(["mot " * 200 if number == 0 else None, number])
    book.active.merge_cells("A1:A400")
    book.save(tmp_path / "a.xlsx")
    assert len(read(tmp_path / "a.xlsx").document.text) < 40_000
