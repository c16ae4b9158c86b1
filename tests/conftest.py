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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests counted (``record_property``) stands at the end of the output: docs/reliability.md quotes it."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in report.user_properties:
                terminalreporter.write_line(f"{report.nodeid.split('::')[-1]}: {name}: {value}")


# The fast tests name in pyproject.toml what libraries may say. The slow ones convert, serve and train with libraries whose own warnings nobody has
# listed yet, and what those leave open may come to light in any later slow test, or at the end of the session.
LEFT_OPEN = ("ResourceWarning", "pytest.PytestUnraisableExceptionWarning")
UNLISTED = ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning", *LEFT_OPEN)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A fast test fails by what is left open; a slow one passes over what its libraries say."""
    for item in items:
        slow = item.get_closest_marker("slow") is not None
        for category in UNLISTED if slow else LEFT_OPEN:
            item.add_marker(pytest.mark.filterwarnings(f"{'ignore' if slow else 'error'}::{category}"))
