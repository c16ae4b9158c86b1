"""What is installed may be used: the licences of everything in constraints.txt, told offline."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script() -> Any:
    """docs/write_licences.py as a module."""
    return load("write_licences")


def load(name: str) -> Any:
    """A script of docs/ as a module."""
    import sys

    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_installed_package_has_a_licence_that_is_let_in(script: Any) -> None:
    wrong = [(package.name, package.licence) for package in script.packages() if package.licence is not None and not package.allowed]
    assert not wrong


def test_the_page_names_every_pinned_package(script: Any) -> None:
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    found = script.packages()
    assert f"{len(found)} packages, {len(found)} let in." in page, "run `make audit`"
    missing = [package.name for package in found if not any(f"{mark}{package.name}{end}" in page for mark in "| ," for end in ", ")]
    assert not missing, "run `make audit`"


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-or-later", True),
        ("Apache-2.0 AND CNRI-Python", True),
        ("GPL-3.0-only", False),
        ("MIT AND AGPL-3.0-only", False),
        ("Apache-2.0 AND LGPL-3.0-only OR SSPL-1.0", False),
        ("Free for research", False),
        ("", False),
        (None, False),
    ],
)
def test_one_alternative_must_be_let_in_whole(script: Any, licence: str | None, allowed: bool) -> None:
    assert script.Package("x", "1", licence).allowed is allowed


CHECKED = {"name": "a", "version": "1", "vulns": []}
FLAWED = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([CHECKED], 0, "1 of 1 packages checked, none with"),
        ([CHECKED, FLAWED], 1, "b 2: CVE-1, fixed in 3"),
        ([CHECKED, SKIPPED], 2, "NOT CHECKED: c: not found"),
        ([FLAWED, SKIPPED], 1, "NOT CHECKED: c: not found"),
        ([SKIPPED], 2, "the service answered for none of 1 packages"),
    ],
)
def test_what_could_not_be_asked_about_is_not_counted_as_clean(packages: list[Any], code: int, said: str) -> None:
    lines, ended = load("tell_audit").tell({"dependencies": packages})
    assert ended == code
    assert said in "\n".join(lines)
