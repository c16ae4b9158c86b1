"""The server's own virtual environment: its pins (an older pydantic, click, httpx) cannot live beside ours.

It is made once for each set of pins, under the user's data directory, and shared by every run. A marker written last says
that it is complete; an interrupted install is made again.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from triplette.errors import ServiceError
from triplette.hashing import hash_text
from triplette.tables import write_text

PINS = Path(__file__).with_name("constraints.txt")
REQUIREMENTS = ("argilla-server", "click", "fakeredis")
MARKER = "complete"
Runner = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def data_directory() -> Path:
    """Where environments live: $TRIPLETTE_DATA, else $XDG_DATA_HOME/triplette, else ~/.local/share/triplette."""
    given = os.environ.get("TRIPLETTE_DATA")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "triplette"


def environment_path(root: Path | None = None) -> Path:
    """The environment's directory for the present pins and Python."""
    name = f"{sys.version_info.major}.{sys.version_info.minor}\n{PINS.read_text(encoding='utf-8')}"
    return (root or data_directory()) / f"argilla-server-{hash_text(name)[:12]}"


def python_of(environment: Path) -> Path:
    """The interpreter of an environment."""
    return environment / "bin" / "python"


def ensure_environment(
    root: Path | None = None,
    *,
    tell: Callable[[str], None] = lambda text: None,
    run: Runner | None = None,
) -> Path:
    """The environment, made if it is not there (about a minute, 500 MB). Raises ServiceError with pip's last words."""
    place = environment_path(root)
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second command waits for the first one's install
        # the interpreter too: an upgrade of the system's Python leaves a link to nothing
        if not (place / MARKER).exists() or not python_of(place).exists():
            started = time.monotonic()
            tell(f"installing argilla-server into {place} (once, about 500 MB)")
            shutil.rmtree(place, ignore_errors=True)
            _install(place, run or _run)
            write_text(place / MARKER, "")
            tell(f"installed in {time.monotonic() - started:.0f} s")
    return place


def _install(place: Path, run: Runner) -> None:
    pip = [str(python_of(place)), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--quiet"]
    steps: list[tuple[Sequence[str], str]] = [
        ([sys.executable, "-m", "venv", str(place)], "install Python's venv module (on Debian: apt install python3-venv)"),
        # compiling on import instead of now: the server imports half of what is installed
        (
            [*pip, "--no-compile", "--constraint", str(PINS), *REQUIREMENTS],
            "check the network and the disk (500 MB), then run it again",
        ),
    ]
    for command, cure in steps:
        result = run(command)
        if result.returncode != 0:
            words = [line for line in (result.stderr or result.stdout).splitlines() if line.strip()]
            raise ServiceError(
                f"could not make the server's environment: {words[-1].strip() if words else 'no output'}",
                where=str(place),
                cure=f"{cure}; or use an Argilla of your own with --api-url",
            )


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    return subprocess.run(command, capture_output=True, text=True, env=own, check=False)
