"""The run directory: where stages meet, and the ledger that says what each of them did.

A stage asks ``current`` whether its ledger line already describes the same inputs, settings and code; if not it works, renames its
outputs into place, and writes its ledger line last. A stage killed at any moment is simply run again.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from triplette import __version__
from triplette.errors import InputError, MissingStage, TripletteError
from triplette.hashing import canonical_json, code_version, hash_file, hash_tree
from triplette.records import Rejection
from triplette.tables import read_records, write_records

SUPPLIERS = {
    "chunks.parquet": "synth chunk --corpus DIR",
    "profile.toml": "synth chunk --corpus DIR",
    "questions.parquet": "synth write",
    "triplets.parquet": "synth mine",
    "verdicts/judge.parquet": "curate judge",
    "verdicts/negatives.parquet": "curate judge",
    "verdicts/dedup.parquet": "curate dedup",
    "verdicts/human.parquet": "curate review pull",
    "dataset/train.parquet": "curate build",
    "dataset/val.parquet": "curate build",
    "dataset/test.parquet": "curate build",
    "dataset/rows.parquet": "curate build",
    "dataset/corpus.parquet": "curate build",
    "dataset/README.md": "curate build",
    "validation/result.json": "curate validate",
    "model/contract.json": "train fit",
    "model/adapter": "train fit",
    "model/merged": "train merge",
    "evaluation/result.json": "train evaluate",
    "bundle/manifest.json": "train export",
}
DEFAULT_RUN = Path("run")
HARVEST_GOLD = "harvest_gold.jsonl"  # the documents' own questions as a gold file (`synth write --harvest gold`)
# a command in backquotes that takes --run and does not give it
_COMMAND = re.compile(r"`((?:synth|curate|train) (?!init\b|contract\b)(?![^`]*--(?:run|bundle|help)\b)[a-z][^`]*)`")
TRACKED_LIBRARIES = ("numpy", "scikit-learn", "faiss-cpu", "rank-bm25", "datasets", "great-expectations", "torch")


@dataclass(frozen=True, slots=True)
class RunDir:
    """A run directory. Every path in it is given by ``path``; nothing is created before it is written."""

    root: Path

    def path(self, name: str) -> Path:
        """The path of an artefact, such as ``chunks.parquet`` or ``dataset/train.parquet``."""
        return self.root / name

    def has(self, name: str) -> bool:
        """Whether an artefact is there."""
        return self.path(name).exists()

    def command(self, words: str) -> str:
        """A command as the user can paste it: with ``--run``, quoted for the shell, unless this is the default directory."""
        return words if self.root == DEFAULT_RUN else f"{words} --run {shlex.quote(str(self.root))}"

    def in_commands(self, text: str) -> str:
        """``text`` with every command that it gives in backquotes as ``command`` says it: who wrote the text knew of no run."""
        return _COMMAND.sub(lambda found: f"`{self.command(found.group(1))}`", text)

    def build_command(self) -> str:
        """``curate build`` as the user can paste it, with the documents' own questions as gold where they were written as such."""
        gold = f" --gold {shlex.quote(str(self.path(HARVEST_GOLD)))}" if self.has(HARVEST_GOLD) else ""
        return self.command(f"curate build{gold}")

    def require(self, *names: str) -> None:
        """Raise MissingStage, naming the supplying command, unless every artefact is there."""
        for name in names:
            if not self.has(name):
                supplier = SUPPLIERS.get(name)
                cure = f"run `{self.command(supplier)}` first" if supplier else "run the stage before"
                raise MissingStage(f"there is no {name} in the run directory {self.root}", cure=cure)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for one writer; a second one is told at once instead of mixing its files in."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TripletteError(
                    f"another command is writing to {self.root}", cure="wait for it to end, or use another --run"
                ) from None
            yield

    def fingerprints(self, names: Iterable[str]) -> dict[str, str]:
        """sha256 of each artefact that is there (a directory: of its tree), by name."""
        found = {}
        for name in sorted(names):
            path = self.path(name)
            if path.is_dir():
                found[name] = hash_tree(path)
            elif path.exists():
                found[name] = hash_file(path)
        return found

    def current(self, stage: str, inputs: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, Any] | None:
        """The stage's last ledger entry if its inputs, settings, code and outputs are still the same, else None."""
        last = self.last(stage)
        if last is None:
            return None
        same = (
            last["inputs"] == dict(inputs)
            and last["settings"] == json.loads(canonical_json(dict(settings)))
            and last["code"] == code_version(_package(stage))
            and self.fingerprints(last["outputs"]) == last["outputs"]
        )
        return last if same else None

    def record(
        self,
        stage: str,
        *,
        inputs: Mapping[str, str],
        outputs: Iterable[str],
        settings: Mapping[str, Any],
        counts: Mapping[str, Any],
        seconds: float,
        cost: float = 0.0,
        tokens: Mapping[str, int] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Append the stage's ledger line (call it last) and return it."""
        entry: dict[str, Any] = {
            "stage": stage,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "inputs": dict(inputs),
            "outputs": self.fingerprints(outputs),
            "settings": dict(settings),
            "code": code_version(_package(stage)),
            "versions": _versions(),
            "counts": dict(counts),
            "tokens": dict(tokens or {}),
            "cost": round(cost, 6),
            "seconds": round(seconds, 3),
            **(extra or {}),
        }
        self.root.mkdir(parents=True, exist_ok=True)
        with self.path("ledger.jsonl").open("ab") as stream:
            _drop_cut_line(self.path("ledger.jsonl"))
            stream.write(f"{canonical_json(entry)}\n".encode())
            stream.flush()
            os.fsync(stream.fileno())
        return entry

    def entries(self) -> list[dict[str, Any]]:
        """Every ledger line, oldest first. The beginning of an entry that a kill left at the end is ignored; any other bad line is an error."""
        path = self.path("ledger.jsonl")
        if not path.exists():
            return []
        cure = "restore the ledger, or start a new --run"
        try:
            text = _without_cut_line(path.read_bytes()).decode()
        except UnicodeDecodeError as error:
            raise InputError(f"not UTF-8: {error}", where=str(path), cure=cure) from None
        entries = []
        for number, line in enumerate(text.split("\n")[:-1], 1):  # not splitlines: U+2028 may stand in a file's name
            try:
                entry = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                raise InputError(f"not JSON: {error}", where=f"{path}:{number}", cure=cure) from None
            if not _is_entry(entry):
                raise InputError("not a line of a ledger", where=f"{path}:{number}", cure=cure)
            entries.append(entry)
        return entries

    def last(self, stage: str) -> dict[str, Any] | None:
        """The newest ledger entry of a stage, or None."""
        return next((entry for entry in reversed(self.entries()) if entry["stage"] == stage), None)

    def write_rejects(self, step: str, rejects: Iterable[Rejection]) -> None:
        """Replace the rows of ``step`` in rejected.parquet, keeping those of every other step."""
        kept = [row for row in self.read_rejects() if row.step != step]
        rows = [*kept, *rejects]
        if any(row.step != step for row in rows[len(kept) :]):
            raise ValueError(f"a reject of another step than {step}")
        rows.sort(key=lambda row: (row.step, row.subject_id, row.reason, row.detail))
        write_records(self.path("rejected.parquet"), rows, Rejection)

    def read_rejects(self) -> list[Rejection]:
        """Every row that fell out, at which step and why."""
        path = self.path("rejected.parquet")
        return read_records(path, Rejection) if path.exists() else []


def _is_entry(entry: object) -> bool:
    """Whether a ledger line has the parts that every stage reads."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("stage"), str)
        and all(isinstance(entry.get(key), dict) for key in ("inputs", "outputs", "settings"))
        and isinstance(entry.get("code"), str)
    )


def _without_cut_line(content: bytes) -> bytes:
    """A ledger's whole lines: without the beginning of an entry at its end, which a kill or a full disk leaves."""
    whole, newline, last = content.rpartition(b"\n")
    if not last:
        return content
    try:
        json.loads(last)
    except (ValueError, RecursionError):
        if last.startswith(b'{"') or last == b"{":
            return whole + newline
    return content + b"\n"


def _drop_cut_line(ledger: Path) -> None:
    """Cut off a last line that a kill left without its end, so that the next one does not continue it."""
    content = ledger.read_bytes()
    if content and not content.endswith(b"\n"):
        os.truncate(ledger, content.rfind(b"\n") + 1)


def _package(stage: str) -> str:
    """``synth.mine`` -> ``synth``: the package whose code the stage ran."""
    return stage.split(".", 1)[0]


def _versions() -> dict[str, str]:
    found = {"triplette": __version__, "python": platform.python_version()}
    for name in TRACKED_LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
