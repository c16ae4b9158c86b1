"""The command line of review, without a server: export, fill, import, status."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from curated import small_run

from triplette.curate.review.cli import app
from triplette.errors import ServiceError


def call(*arguments: str) -> None:
    app(args=list(arguments), standalone_mode=False)


def test_a_sheet_goes_out_comes_back_and_status_counts_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = small_run(6).write(tmp_path / "run")
    sheet = tmp_path / "review.csv"
    call("export", str(sheet), "--run", str(run.root), "--all", "--json")
    out = json.loads(capsys.readouterr().out)
    assert out["rows"] == out["sent"] == 24
    assert sum(out["why"].values()) == 24
    rows = list(csv.DictReader(io.StringIO(sheet.read_text(encoding="utf-8-sig"), newline=""), delimiter=";"))
    for row in rows[1:4]:  # the first line says what may be written
        row["verdict"] = "valide"
    with sheet.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    call("import", str(sheet), "--run", str(run.root), "--reviewer", "anne", "--json")
    imported = json.loads(capsys.readouterr().out)
    assert (imported["new"], imported["unanswered"], imported["reviewers"]) == (3, 21, {"anne": 3})
    assert imported["agreement"]["pairs"] == 0
    call("status", "--run", str(run.root), "--json")
    shown = capsys.readouterr()
    state = json.loads(shown.out)
    assert (state["answers"], state["server"], state["quota"]) == (3, None, None)
    assert "no review server runs here" in shown.err


def test_the_tables_for_people_say_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = small_run(6).write(tmp_path / "run")
    call("export", str(tmp_path / "review.csv"), "--run", str(run.root))
    assert "curate review import" in " ".join(capsys.readouterr().err.split())
    call("status", "--run", str(run.root))
    assert "curate build" in " ".join(capsys.readouterr().err.split())


def test_push_without_a_server_is_an_error_with_its_cure(tmp_path: Path) -> None:
    run = small_run(6).write(tmp_path / "run")
    with pytest.raises(ServiceError, match="no review server runs"):
        call("push", "--run", str(run.root))
