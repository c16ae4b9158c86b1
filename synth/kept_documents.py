"""A document that another machine read, as two files: its chunks in Parquet and the rest in JSON."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from triplette.records import Chunk, Coverage, Rejection
from triplette.step import restore
from triplette.synth.ingest.harvest import Harvested
from triplette.synth.reading import ReadDocument
from triplette.tables import check_schema, read_table, write_table, write_text


class DocumentFiles:
    """Saves what was read; a document that could not be is read again by the next command."""

    def save(self, stem: Path, result: ReadDocument) -> None:
        """Write the chunks, if there are any, then the rest."""
        if result.failed:
            return
        if result.rows is not None:
            write_table(stem.with_suffix(".parquet"), result.rows)
        plain = {field.name: getattr(result, field.name) for field in dataclasses.fields(result) if field.name != "rows"}
        for name in ("coverage", "reject"):
            plain[name] = plain[name] and dataclasses.asdict(plain[name])
        plain["harvested"] = [dataclasses.asdict(one) for one in result.harvested]
        write_text(stem.with_suffix(".json"), json.dumps({"chunks": result.rows is not None, **plain}, ensure_ascii=False))

    def load(self, stem: Path) -> ReadDocument | None:
        """The document, or None where it was not read yet."""
        path = stem.with_suffix(".json")
        if not path.exists():
            return None
        plain = json.loads(path.read_text(encoding="utf-8"))
        rows = read_table(stem.with_suffix(".parquet")) if plain.pop("chunks") else None
        if rows is not None:
            check_schema(stem.with_suffix(".parquet"), rows, Chunk)
        return ReadDocument(
            **{
                **plain,
                "rows": rows,
                "notes": tuple(plain["notes"]),
                "coverage": plain["coverage"] and restore(Coverage, plain["coverage"]),
                "reject": plain["reject"] and restore(Rejection, plain["reject"]),
                "harvested": tuple(restore(Harvested, one) for one in plain["harvested"]),
            }
        )
