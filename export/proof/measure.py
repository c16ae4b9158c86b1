"""Latency and memory of a file, measured in a process of its own: peak memory is the process's, and nothing else is in it.

``python -m triplette.export.proof.measure FOLDER --threads N`` prints one JSON object. Signatures run shortest first, so the peak after
each is that of an app which uses lengths up to it. With ``--cache DIR`` the file runs through CompiledModel with XNNPACK's weight
cache, which packs weights once for all signatures and maps them from disk.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triplette.errors import ServiceError
from triplette.export.litert import MASK, SPEC, TOKENS, SignatureSpec, Spec, open_interpreter, output_name

BUDGET = 10.0  # seconds of timed runs a signature, after which no further run is started


def measure(folder: Path, *, threads: int, runs: int, cache: Path | None = None, lengths: Sequence[int] = ()) -> dict[str, Any]:
    """Run the measurement in a fresh process and return its figures (milliseconds, megabytes)."""
    command = [sys.executable, "-m", "triplette.export.proof.measure", str(folder), "--threads", str(threads), "--runs", str(runs)]
    command += ["--cache", str(cache)] if cache else []
    command += [item for length in lengths for item in ("--length", str(length))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceError(
            f"the measuring process failed: {done.stderr.strip()[-300:]}", where=str(folder), cure="run it alone to see why"
        )
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def run(folder: Path, threads: int, runs: int, cache: Path | None, lengths: Sequence[int]) -> dict[str, Any]:
    """Load, warm up and time every signature (or those of ``lengths``) in this process."""
    spec = Spec.load(folder / SPEC)
    chosen = [signature for signature in spec.signatures if not lengths or signature.length in lengths]
    before = _memory()
    rows = []
    for signature in chosen:
        started = time.perf_counter()
        call = _compiled(folder, spec, signature, threads, cache) if cache else _interpreted(folder, signature, threads)
        call()
        loaded = time.perf_counter() - started
        times = _times(call, runs)
        rows.append(
            {
                "length": signature.length,
                "load_ms": round(1e3 * loaded, 1),
                "median_ms": round(1e3 * float(np.median(times)), 2),
                "p95_ms": round(1e3 * float(np.quantile(times, 0.95)), 2),
                "runs": len(times),
                "peak_mb": round(_memory("VmHWM"), 1),
            }
        )
        _OPEN.clear()
    return {"threads": threads, "cache": cache is not None, "process_mb": round(before, 1), "signatures": rows}


_OPEN: list[Any] = []  # what a call needs to stay alive for


def _interpreted(folder: Path, signature: SignatureSpec, threads: int) -> Callable[[], object]:
    interpreter = open_interpreter(folder / signature.file, threads=threads)
    runner = interpreter.get_signature_runner(signature.name)
    inputs = _full(signature.length)
    _OPEN.extend((interpreter, runner))
    return lambda: runner(**inputs)


def _compiled(folder: Path, spec: Spec, signature: SignatureSpec, threads: int, cache: Path) -> Callable[[], object]:
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.hardware_accelerator import HardwareAccelerator
    from ai_edge_litert.options import CpuOptions, Options

    cpu = CpuOptions(num_threads=threads, xnnpack_weight_cache_path=str(cache))
    options = Options(hardware_accelerators=HardwareAccelerator.CPU, cpu_options=cpu)
    model = CompiledModel.from_file(str(folder / signature.file), options=options)
    inputs = {name: model.create_input_buffer_by_name(signature.name, name) for name in (TOKENS, MASK)}
    names = [output_name(dimension) for dimension in spec.dimensions]
    outputs = {name: model.create_output_buffer_by_name(signature.name, name) for name in names}
    for name, values in _full(signature.length).items():
        inputs[name].write(values)
    _OPEN.extend((model, inputs, outputs))
    return lambda: model.run_by_name(signature.name, inputs, outputs)


def _full(length: int) -> dict[str, Any]:
    """Inputs of a text that fills the signature: the slowest case, as published tables measure it."""
    return {TOKENS: np.full((1, length), 5, np.int32), MASK: np.ones((1, length), np.int32)}


def _times(call: Callable[[], object], runs: int) -> list[float]:
    times: list[float] = []
    while len(times) < runs and sum(times) < BUDGET:
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return times


def _memory(field: str = "VmRSS") -> float:
    """A field of the process's status in megabytes; 0 where the system has no such file."""
    path = Path("/proc/self/status")
    if not path.exists():
        return 0.0
    line = next((line for line in path.read_text().splitlines() if line.startswith(field)), f"{field}: 0 kB")
    return int(line.split()[1]) / 1e3


def main() -> None:
    """Measure as the command line says and print one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--cache", type=Path, default=None)
    parser.add_argument("--length", type=int, action="append", default=[])
    arguments = parser.parse_args()
    result = run(arguments.folder, arguments.threads, arguments.runs, arguments.cache, arguments.length)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
