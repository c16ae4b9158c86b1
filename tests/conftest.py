"""Fixtures that several test files share: small records made by code, and a run directory that holds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from triplette.rundir import RunDir


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """An empty run directory."""
    return RunDir(tmp_path / "run")
