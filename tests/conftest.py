"""Fixtures that several test files share: small records made by code, and a run directory that holds them."""

from __future__ import annotations

import signal
from pathlib import Path

import hypothesis
import pytest

from triplette.rundir import RunDir

# a shell starts background jobs with SIGINT ignored, and the programs that tests interrupt would inherit that
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# no deadline: a busy machine is no failure
hypothesis.settings.register_profile("no clock", deadline=None)
hypothesis.settings.load_profile("no clock")


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """An empty run directory."""
    return RunDir(tmp_path / "run")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests counted (``record_property``) stands at the end of the output: docs/reliability.md quotes it."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in report.user_properties:
                terminalreporter.write_line(f"{report.nodeid.split('::')[-1]}: {name}: {value}")
