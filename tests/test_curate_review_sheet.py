"""The spreadsheet desk: nothing in a cell runs, nothing is lost on the way, and what people type is understood."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from curated import small_run
from hypothesis import given
from hypothesis import strategies as st

from triplette.curate.review import labels
from triplette.curate.review.answers import read_answers
from triplette.curate.review.pull import pull
from triplette.curate.review.push import push
from triplette.curate.review.sheet import LEGEND, SheetDesk, guard, read_sheet, unguard
from triplette.errors import InputError
from triplette.profile import load_profile
from triplette.rundir import RunDir
from triplette.settings.judge import JudgeSettings
from triplette.settings.review import ReviewSettings


@pytest.fixture
def reviewed(tmp_path: Path) -> RunDir:
    parts = small_run(6)
    parts.add(0, '=CMD("rm") ; "Où" l\'échec, c’est-à-dire <œuvre> ?')
    parts.judge_everything()
    return parts.write(tmp_path / "run")


def export(run: RunDir, path: Path) -> Path:
    push(run, SheetDesk(path), ReviewSettings(), JudgeSettings(), 0.1, everything=True)
    return path


def fill(path: Path, answers: list[dict[str, str]], *, delimiter: str = ";", encoding: str = "utf-8-sig") -> Path:
    """Fill the first rows as a person would, and save with another delimiter or encoding."""
    with io.StringIO(path.read_text(encoding="utf-8-sig"), newline="") as stream:
        reader = csv.DictReader(stream, delimiter=";")
        names = list(reader.fieldnames or ())
        rows = [row for row in reader if row["triplet_id"] != LEGEND]
    for row, given_answers in zip(rows, answers, strict=False):
        row.update(given_answers)
    filled = path.with_name("filled.csv")
    with filled.open("w", encoding=encoding, newline="", errors="replace") as out:
        writer = csv.DictWriter(out, names, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return filled


@given(st.text())
def test_a_guarded_cell_never_starts_a_formula_and_reads_back(text: str) -> None:
    cell = guard(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguard(cell) == text


def test_the_file_is_what_a_french_spreadsheet_opens(reviewed: RunDir, tmp_path: Path) -> None:
    path = export(reviewed, tmp_path / "review.csv")
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.split(b"\r\n", 1)[0].count(b";") > 10
    assert "'=CMD(" in raw.decode("utf-8-sig")
    questions = {cells["question"] for _, cells in read_sheet(path)}
    assert '=CMD("rm") ; "Où" l\'échec, c’est-à-dire <œuvre> ?' in questions


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(";", "utf-8-sig"), (",", "utf-8"), ("\t", "utf-8"), (";", "cp1252"), ("\t", "utf-16")]
)
def test_answers_come_back_whatever_the_spreadsheet_saved(reviewed: RunDir, tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = export(reviewed, tmp_path / "review.csv")
    typed = [
        {"verdict": "Valide", "hardness": "4", "rewrite": "Où l'arbitre décide-t-il ?", "reviewer": "Zoé"},
        {"verdict": "invalid", "issues": "Question ambiguë | not_in_passage"},
        {"verdict": "Je ne sais pas", "issues": "Le négatif 2 répond aussi"},
    ]
    result = pull(
        reviewed, SheetDesk(fill(path, typed, delimiter=delimiter, encoding=encoding), "anne", review=load_profile("chess-fr").review)
    )
    assert (result.merged.new, result.skipped) == (3, {"unanswered": 22})
    found = {(a.reviewer, a.verdict): a for a in read_answers(reviewed)}
    assert set(found) == {("Zoé", "valid"), ("anne", "invalid"), ("anne", "unsure")}
    assert found["Zoé", "valid"].rewrite == "Où l'arbitre décide-t-il ?"
    assert found["Zoé", "valid"].hardness == 4
    assert found["anne", "invalid"].issues == ("ambiguous", "not_in_passage")
    assert found["anne", "unsure"].issues == ("negative_2_answers",)


def test_importing_twice_changes_nothing(reviewed: RunDir, tmp_path: Path) -> None:
    filled = fill(export(reviewed, tmp_path / "review.csv"), [{"verdict": "valid"}, {"verdict": "invalid"}])
    assert pull(reviewed, SheetDesk(filled, "anne")).merged.new == 2
    filled.write_bytes(filled.read_bytes())  # a newer file with the same answers
    again = pull(reviewed, SheetDesk(filled, "anne")).merged
    assert (again.new, again.changed, again.unchanged, again.wrote) == (0, 0, 2, False)


def test_an_export_does_not_overwrite_peoples_work(reviewed: RunDir, tmp_path: Path) -> None:
    path = export(reviewed, tmp_path / "review.csv")
    with pytest.raises(InputError, match="already exists"):
        export(reviewed, path)
    push(reviewed, SheetDesk(path, replace=True), ReviewSettings(), JudgeSettings(), 0.1)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"verdict": "peut-être", "reviewer": "a"}, "is not a verdict"),
        ({"verdict": "valid", "hardness": "7", "reviewer": "a"}, "is not 1 to 5"),
        ({"verdict": "valid", "issues": "moche", "reviewer": "a"}, "is not an issue"),
        ({"verdict": "valid"}, "names no reviewer"),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_line(reviewed: RunDir, tmp_path: Path, typed: dict[str, str], words: str) -> None:
    filled = fill(export(reviewed, tmp_path / "review.csv"), [{}, typed])
    with pytest.raises(InputError, match=words) as caught:
        pull(reviewed, SheetDesk(filled))
    assert caught.value.where.startswith(f"{filled}:")
    assert read_answers(reviewed) == []


def test_a_sheet_without_its_hidden_columns_is_refused(reviewed: RunDir, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("triplet_id;question;verdict\nt1;x;valid\n", encoding="utf-8")
    with pytest.raises(InputError, match="lacks the columns"):
        pull(reviewed, SheetDesk(path, "a"))


def test_a_workbook_is_named_as_one_whatever_its_file_is_called(reviewed: RunDir, tmp_path: Path) -> None:
    from openpyxl import Workbook

    path = tmp_path / "review.csv"
    Workbook().save(path)
    with pytest.raises(InputError, match="workbook") as caught:
        pull(reviewed, SheetDesk(path, "a"))
    assert "CSV" in caught.value.cure


def test_a_missing_sheet_says_what_writes_one(reviewed: RunDir, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file") as caught:
        pull(reviewed, SheetDesk(tmp_path / "none.csv", "a"))
    assert "curate review export" in caught.value.cure


def test_one_reviewer_cannot_answer_a_row_twice_in_a_sheet(reviewed: RunDir, tmp_path: Path) -> None:
    path = fill(export(reviewed, tmp_path / "review.csv"), [{"verdict": "valid"}])
    lines = path.read_text(encoding="utf-8-sig")
    first = next(cells for _, cells in read_sheet(path))
    other = next(cells for _, cells in list(read_sheet(path))[1:])
    path.write_text(lines.replace(other["triplet_id"], first["triplet_id"]), encoding="utf-8-sig")
    doubled = fill_second(path)
    with pytest.raises(InputError, match="twice"):
        pull(reviewed, SheetDesk(doubled, "anne"))


def fill_second(path: Path) -> Path:
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), delimiter=";"))
    rows[2][rows[0].index(labels.VERDICT)] = "invalid"
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out, delimiter=";").writerows(rows)
    return path


def test_the_line_under_the_header_says_what_may_be_written_and_all_of_it_is_understood(reviewed: RunDir, tmp_path: Path) -> None:
    path = export(reviewed, tmp_path / "review.csv")
    with io.StringIO(path.read_text(encoding="utf-8-sig"), newline="") as stream:
        legend, first = list(csv.DictReader(stream, delimiter=";"))[:2]
    assert legend["triplet_id"] == LEGEND != first["triplet_id"]
    said = [word.strip() for word in legend["verdict"].split("|")]
    filled = fill(path, [{"verdict": word, "issues": legend["issues"], "hardness": legend["hardness"][-1]} for word in said])
    pull(reviewed, SheetDesk(filled, "anne"))
    answers = read_answers(reviewed)
    assert sorted(answer.verdict for answer in answers) == sorted(labels.VERDICTS)
    assert {answer.hardness for answer in answers} == {labels.HARDNESS_VALUES[-1]}
    assert all(set(labels.PLAIN_ISSUES) <= set(answer.issues) for answer in answers)
