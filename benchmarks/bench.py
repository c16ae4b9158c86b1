"""``make bench``: every script of this folder beside its peer, the two in turn, and the tables of README.md from what was measured.

    python benchmarks/bench.py [--size 1] [--turns 3] [--only NAME ...] [--again] [--work .benchmarks]

A comparison runs its sides one after the other, turn by turn (ours, peer, ours, peer ...), each in a fresh process, so that a busy machine bends both alike; a
ratio is of two sides of one turn. Every side times its work alone, without imports and data, and says its processor seconds. What is measured is
written after each side: a killed run goes on, a finished comparison is not run again (``--again``: it is). A side that cannot run, because its
package does not install or the machine lacks something, is named in the table with its reason, and the others go on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comparisons import Comparison, Side, comparisons
from peers import python_of
from tables import write_readme

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LIMIT = (
    3600  # seconds that a side may take: on a machine that others use, a minute of processor time was seen to take a quarter of an hour
)


def main() -> None:
    """Run what is missing, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--size", type=float, default=1.0, help="multiplies what is done: 1 is minutes on two cores, 3 and more the published sizes"
    )
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[], help="comparisons")
    parser.add_argument("--again", action="store_true", help="measure what is there once more")
    parser.add_argument("--work", type=Path, default=ROOT / ".benchmarks", help="environments, data and results")
    parser.add_argument("--pdfs", type=Path, help="folder of PDFs for the readers; none lies in the repository")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the endpoint ends with us
    work = options.work.resolve()
    chosen = comparisons(options.size, work, options.pdfs)
    unknown = set(options.only) - {one.name for one in chosen}
    if unknown:
        parser.error(f"no comparison {', '.join(sorted(unknown))}; there are: {', '.join(one.name for one in chosen)}")
    for one in chosen:
        if not options.only or one.name in options.only:
            measure(one, work, options.turns, options.again)
    write_readme(HERE / "README.md", chosen, work / "results")


def measure(one: Comparison, work: Path, turns: int, again: bool) -> None:
    """All turns of a comparison, but for those that are there."""
    place = work / "results" / f"{one.name}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    asked = {side.name: list(side.command) for side in one.sides}
    told: dict[str, Any] = json.loads(place.read_text(encoding="utf-8")) if place.exists() and not again else {}
    if told.get("asked") != asked:
        told = {"asked": asked, "what": one.what, "machine": machine(), "turns": [], "failed": {}}
    print(f"{one.name}: {one.what}", flush=True)
    if one.lacking:  # the page keeps what it has
        print(f"  not run: {one.lacking}", flush=True)
        return
    told["failed"] = {}  # what could not run is tried again: what it lacked may be there now
    for command in one.prepare:
        subprocess.run([sys.executable, *command], check=True, cwd=ROOT, env=environment())
    with endpoint() if one.endpoint else contextlib.nullcontext("") as url:
        for number in range(turns):
            if len(told["turns"]) <= number:
                told["turns"].append({})
            for side in one.sides:
                if side.name not in told["turns"][number] and side.name not in told["failed"]:
                    run_side(side, url, work, told, number)
                    place.write_text(json.dumps(told, indent=1), encoding="utf-8")


def run_side(side: Side, url: str, work: Path, told: dict[str, Any], turn: int) -> None:
    """One side of one turn in a process of its own; its figures, or why there are none, go into ``told``."""
    try:
        python = python_of(side.peer, work)
    except (subprocess.CalledProcessError, OSError) as error:
        told["failed"][side.name] = f"does not install: {error}"[:200]
        print(f"  {side.name}: does not install", flush=True)
        return
    load, command = os.getloadavg()[0], [word.replace("{url}", url) for word in side.command]
    try:
        done = subprocess.run(
            [str(python), *command], capture_output=True, text=True, cwd=ROOT, env=environment(side.peer), timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        told["failed"][side.name] = f"over {LIMIT} s"
        print(f"  {side.name}: over {LIMIT} s", flush=True)
        return
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"seconds"')]
    if done.returncode or not lines:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:] or [f"ended with {done.returncode} and said nothing"]
        told["failed"][side.name] = said[0][:200]
        print(f"  {side.name}: failed: {said[0][:200]}", flush=True)
        return
    figures = {**json.loads(lines[-1]), "load": round(load, 1)}
    told["turns"][turn][side.name] = figures
    print(f"  turn {turn + 1}, {side.name}: {figures['seconds']:.2f} s, processor {figures['cpu']:.2f} s", flush=True)


def environment(peer: str = "") -> dict[str, str]:
    """This one's variables, without anything that calls home; a peer does not see Triplette."""
    quiet = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "NEMO_TELEMETRY_ENABLED": "false", "GX_ANALYTICS_ENABLED": "false"}
    known = {name: value for name, value in os.environ.items() if not (peer and name == "PYTHONPATH")}
    return {**known, **quiet, "PYTHONWARNINGS": "ignore", **({} if peer else {"PYTHONPATH": str(ROOT)})}


@contextlib.contextmanager
def endpoint() -> Iterator[str]:
    """The loopback endpoint of ``writing.py``, as long as it is asked."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, str(HERE / "writing.py"), "serve", str(port)], env=environment())
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait()


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model, memory = platform.processor() or platform.machine(), 0.0
    with contextlib.suppress(OSError):
        found = [
            line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
        ]
        model = found[0] if found else model
        memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1e6
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return {
        "cores": os.cpu_count(),
        "threads": threads,
        "processor": model,
        "memory_gb": round(memory),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
