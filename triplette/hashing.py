"""Content hashes: ids of records, fingerprints of inputs, the version of the code that ran.

All are SHA-256 over canonical JSON (sorted keys, no spaces, UTF-8), so that an id depends on content
alone and is the same on every machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

STAGES = ("synth", "curate", "train", "export")  # in a clone: links to the folders beside the package
SOURCES = (".py", ".md", ".json", ".toml")  # files that decide what a stage does
ID_LENGTH = 16  # hex digits: 64 bits, a collision chance of 3e-8 at a million records


def canonical_json(value: Any) -> str:
    """``value`` as JSON with sorted keys and no spaces; NaN is refused (``ValueError``)."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def hash_text(text: str) -> str:
    """The SHA-256 of a text's UTF-8 bytes, in hex (64 digits)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def hash_value(value: Any) -> str:
    """The SHA-256 of a JSON-like value, in hex (64 digits)."""
    return hash_text(canonical_json(value))


def hash_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_tree(root: Path, *, suffixes: Iterable[str] | None = None) -> str:
    """The SHA-256 over the relative names and contents of every file under ``root``, hidden ones apart."""
    wanted = None if suffixes is None else tuple(suffixes)
    rows = []
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if not path.is_file() or any(part.startswith((".", "__pycache__")) for part in relative.parts):
            continue
        if wanted is None or path.suffix in wanted:
            rows.append([relative.as_posix(), hash_file(path)])
    return hash_value(rows)


def record_id(prefix: str, content: Mapping[str, Any]) -> str:
    """The id of a record: ``prefix`` + the first 16 hex digits of its content's hash."""
    return f"{prefix}{hash_value(dict(content))[:ID_LENGTH]}"


@lru_cache(maxsize=16)
def code_version(stage: str) -> str:
    """The hash of a stage's source files and of what the stages share, so that new code runs anew.

    Raises ModuleNotFoundError for what is no folder of this package.
    """
    root = Path(__file__).parent
    if not (root / stage).is_dir():
        raise ModuleNotFoundError(f"triplette.{stage}")
    shared = [path for path in root.iterdir() if path.name not in STAGES and not path.name.startswith((".", "__pycache__"))]
    rows = [[path.name, hash_file(path) if path.is_file() else hash_tree(path, suffixes=SOURCES)] for path in sorted(shared)]
    return hash_value([hash_tree(root / stage, suffixes=SOURCES), rows])[:ID_LENGTH]
