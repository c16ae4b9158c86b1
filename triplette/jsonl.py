"""JSON that may be damaged or somebody else's: an object with the keys that its reader takes, or an error that names the file.

JSONL is read as people write it: blank lines and a byte order mark are fine, anything else wrong is named with file and line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from triplette.errors import InputError


def read_object(path: Path, what: str, cure: str, keys: Iterable[str] = ()) -> dict[str, Any]:
    """A file that holds one JSON object with at least ``keys``. Raises InputError, "not {what} (why)", for anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise InputError(f"not {what} (it nests too deeply to be read)", where=str(path), cure=cure) from None
    except (OSError, ValueError) as error:
        raise InputError(f"not {what} ({error})", where=str(path), cure=cure) from None
    if not isinstance(content, dict):
        raise InputError(f"not {what} (no JSON object)", where=str(path), cure=cure)
    lacking = [key for key in keys if key not in content]
    if lacking:
        raise InputError(f"not {what} (it lacks {', '.join(lacking)})", where=str(path), cure=cure)
    return content


def read_jsonl(path: Path, form: str) -> list[tuple[int, dict[str, Any]]]:
    """(line number, object) of every line that is not blank. Raises InputError naming file, line and the expected ``form``."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # not splitlines: U+2028 may stand inside a string
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", where=str(path), cure="give a JSONL file in UTF-8") from None
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"not JSON: {error}", where=f"{path}:{number}", cure=form) from None
        if not isinstance(row, dict):
            raise InputError("not a JSON object", where=f"{path}:{number}", cure=form)
        rows.append((number, row))
    return rows
