"""The expectation suites as data: ``triplette/expectations/*.json`` (``expectations/`` in a clone).

A file names its suite, and for each table a list of expectations: ``name`` (ours, stable: the gate reads it), ``type`` and ``kwargs``
(the library's), ``severity`` (critical blocks the gate; warning and info are shown), ``about`` and ``cure``. A threshold may be
``{"$PARAMETER": "min_score"}``: a setting of [curate.validate], or the run's profile's ``kinds``,
``personas`` and ``difficulties``. Unknown fields are refused, so that a typing error cannot switch
a check off.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import triplette
from triplette.errors import InputError
from triplette.gate import CRITICAL
from triplette.hashing import hash_value
from triplette.jsonl import read_object
from triplette.profile import Profile
from triplette.records import DIFFICULTIES, UNKNOWN
from triplette.settings.base import as_dict
from triplette.settings.validate import ValidateSettings

SUITES = ("chunks", "questions", "triplets", "dataset")
TABLES = ("chunks", "documents", "questions", "triplets", "rows", "facts")
SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class Expected:
    """One expectation of a suite on one table."""

    suite: str
    table: str
    name: str
    type: str
    severity: str
    about: str
    cure: str
    kwargs: dict[str, Any]

    @property
    def column(self) -> str:
        """The column that it speaks about, "" for a whole table."""
        return str(self.kwargs.get("column", ""))


def folder(settings: ValidateSettings) -> Path:
    """Where the suites are."""
    return Path(settings.suites) if settings.suites else Path(triplette.__file__).parent / "expectations"


def load_suites(settings: ValidateSettings) -> list[Expected]:
    """Every expectation of the four suites, in order. Raises InputError naming file and expectation."""
    found = []
    for suite in SUITES:
        path = folder(settings) / f"{suite}.json"
        content = read_object(path, "a suite", "restore expectations/, or set suites", ("tables",))
        _only(content, {"suite", "about", "tables"}, str(path))
        if not isinstance(content["tables"], dict):
            raise InputError("tables is no object", where=str(path), cure=f"give each of {', '.join(TABLES)} its list of expectations")
        for table, rows in content["tables"].items():
            if table not in TABLES:
                raise InputError(f"unknown table {table!r}", where=str(path), cure=f"use one of {', '.join(TABLES)}")
            if not isinstance(rows, list):
                raise InputError(f"{table} is no list", where=str(path), cure="give a list of expectations")
            found += [_expected(suite, table, row, str(path)) for row in rows]
    names = [item.name for item in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two expectations are called {', '.join(twice)}", where=str(folder(settings)), cure="rename one")
    if settings.suites:
        _refuse_emptied(found, load_suites(replace(settings, suites="")), str(folder(settings)))
    return found


def _refuse_emptied(found: list[Expected], ours: list[Expected], where: str) -> None:
    """Raise InputError where an expectation that the gate relies on has kept its name and asks for something else."""
    asked = {item.name: item for item in found}
    for item in ours:
        own = asked.get(item.name)
        if item.name in CRITICAL and own and (own.table, own.type, own.kwargs) != (item.table, item.type, item.kwargs):
            raise InputError(
                f"{item.name} asks for something else than the one that comes with Triplette, and the gate relies on it",
                where=where,
                cure="put its table, type and kwargs back, and give your own another name",
            )


def suite_hash(suites: list[Expected], settings: ValidateSettings, profile: Profile) -> str:
    """SHA-256 over the expectations, the settings and the profile's terms that they name."""
    return hash_value([[getattr(item, f.name) for f in fields(item)] for item in suites] + [as_dict(settings), terms(profile)])


def terms(profile: Profile) -> dict[str, list[str]]:
    """The terms of a profile that a suite may name as ``$PARAMETER``, with the one for what is not known."""
    return {
        "kinds": [*profile.kind_names, UNKNOWN],
        "personas": [*profile.persona_names, UNKNOWN],
        "difficulties": [*DIFFICULTIES, UNKNOWN],
    }


def parameters(settings: ValidateSettings) -> dict[str, Any]:
    """The settings that a suite may name as ``$PARAMETER``."""
    return {name: value for name, value in as_dict(settings).items() if name not in ("suites", "kept_ids")}


def threshold(item: Expected, settings: ValidateSettings) -> tuple[float | None, float | None]:
    """(smallest, largest) value that an expectation allows, parameters filled in."""
    values = parameters(settings)
    bounds = []
    for key in ("min_value", "max_value"):
        bound = item.kwargs.get(key)
        bounds.append(values[bound["$PARAMETER"]] if isinstance(bound, dict) else bound)
    return bounds[0], bounds[1]


def _expected(suite: str, table: str, row: Any, path: str) -> Expected:
    where = f"{path}: {row.get('name', '?') if isinstance(row, dict) else table}"
    wanted = {"name": str, "type": str, "severity": str, "about": str, "cure": str, "kwargs": dict}
    _only(row, set(wanted), where)
    missing = sorted(set(wanted) - set(row))
    if missing:
        raise InputError(f"lacks {', '.join(missing)}", where=where, cure="every expectation has all of them")
    wrong = [key for key, kind in wanted.items() if not isinstance(row[key], kind)]
    if wrong:
        raise InputError(f"{', '.join(wrong)} of a wrong type", where=where, cure="kwargs is an object, all else is text")
    if row["severity"] not in SEVERITIES:
        raise InputError(f"unknown severity {row['severity']!r}", where=where, cure=f"use one of {', '.join(SEVERITIES)}")
    return Expected(suite=suite, table=table, **row)


def _only(content: Any, known: set[str], where: str) -> None:
    unknown = sorted(set(content) - known) if isinstance(content, dict) else ["(not an object)"]
    if unknown:
        raise InputError(f"unknown fields {', '.join(unknown)}", where=where, cure=f"the fields are {', '.join(sorted(known))}")
