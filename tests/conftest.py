"""Fixtures that several test files share: small records made by code, and a run directory that holds them."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from triplette.rundir import RunDir

# a shell starts background jobs with SIGINT ignored, and the programs that tests interrupt would inherit that
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """An empty run directory."""
    return RunDir(tmp_path / "run")
