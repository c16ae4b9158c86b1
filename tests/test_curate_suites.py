"""Suites of one's own: what is malformed is one line, and what the gate relies on cannot be emptied under its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from triplette.curate.suites import Expected, load_suites
from triplette.curate.validation.checkpoint import run_checkpoint
from triplette.errors import InputError
from triplette.settings.validate import ValidateSettings

SETTINGS = ValidateSettings()
Content = dict[str, Any]


def own(folder: Path, change: Callable[[Content], object]) -> list[Expected]:
    """The suites that come along, with the one of the dataset changed."""
    for path in (Path(__file__).parents[1] / "expectations").glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if path.stem == "dataset":
            change(content)
        (folder / path.name).write_text(json.dumps(content), encoding="utf-8")
    return load_suites(replace(SETTINGS, suites=str(folder)))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda c: c.update(tables=[1]), "tables is no object"),
        (lambda c: c["tables"].update(rows="x"), "rows is no list"),
        (lambda c: c["tables"].update(rows=[3]), r"unknown fields \(not an object\)"),
        (lambda c: c["tables"]["rows"][0].update(kwargs=[]), "kwargs of a wrong type"),
        (lambda c: c["tables"]["rows"][0].update(name=[]), "name of a wrong type"),
        (lambda c: c["tables"]["rows"][0].update(type=3, cure=None), "type, cure of a wrong type"),
    ],
)
def test_a_suite_of_wrong_types_is_one_line(tmp_path: Path, change: Callable[[Content], object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        own(tmp_path, change)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["tables"]["rows"][0].update(type="expect_column_to_exist"),
        lambda c: c["tables"]["rows"][0]["kwargs"].update(column="question"),
        lambda c: c["tables"]["rows"][0]["kwargs"].update(mostly=0.0),
        lambda c: c["tables"]["triplets"].append(c["tables"]["rows"].pop(0)),
    ],
)
def test_what_the_gate_relies_on_cannot_be_emptied_under_its_name(tmp_path: Path, change: Callable[[Content], object]) -> None:
    def emptied(content: Content) -> None:
        content["tables"].setdefault("triplets", [])
        change(content)

    with pytest.raises(InputError, match="row_id_present asks for something else"):
        own(tmp_path, emptied)


def test_what_the_gate_does_not_rely_on_may_be_changed_and_added_to(tmp_path: Path) -> None:
    def more(content: Content) -> None:
        rows = content["tables"]["rows"]
        rows[0].update(about="In our own words.")
        rows.append({**rows[0], "name": "question_there", "kwargs": {"column": "question"}})

    assert "question_there" in {item.name for item in own(tmp_path, more)}


@pytest.mark.parametrize(
    ("table", "kind", "kwargs", "problem"),
    [
        ("rows", "expect_magic", {"column": "id"}, "expect_magic not found"),
        ("rows", "expect_column_values_to_be_unique", {"columm": "id"}, "extra fields not permitted"),
        ("rows", "expect_column_values_to_be_unique", {"column": {"$PARAMETER": "zz"}}, "str type expected"),
        ("facts", "expect_column_values_to_be_between", {"column": "zz"}, "there is no fact 'zz'"),
    ],
)
def test_what_great_expectations_does_not_take_is_one_line(table: str, kind: str, kwargs: Content, problem: str) -> None:
    item = Expected("dataset", table, "mine", kind, "warning", "About.", "curate build", kwargs)
    with pytest.raises(InputError, match=problem) as caught:
        run_checkpoint({table: pd.DataFrame({"id": ["a"]})}, [item], {})
    assert caught.value.where == "suite dataset: mine"
