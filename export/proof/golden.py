"""The golden file: texts with their ids and the first numbers of their vectors, for the app's own unit test and for ``--verify``.

An app that formats, cuts and tokenises as the contract says gets the same ids exactly, and vectors that differ by kernel rounding only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Vectors
from triplette.export.proof.sample import Sample
from triplette.export.runtime import Embedder
from triplette.jsonl import read_object
from triplette.tables import write_text

GOLDEN = "golden.json"
NUMBERS = 8  # numbers of each vector that are kept
TOLERANCE = 0.02  # of a vector of length 1: kernels of other processors round int8 activations differently
FIXED = ("May a guest bring a bicycle inside?", "Übergröße\tnaïf œ 2025 : 1.e4 e5 ♞ <bos>", "yes")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A golden case that this machine does not reproduce."""

    text: str
    reason: str


def write_golden(path: Path, embedder: Embedder, sample: Sample) -> None:
    """Write the file: two questions of the sample, two passages with titles, and fixed awkward texts."""
    queries = [*sample.questions[:2], *FIXED]
    passages = [sample.chunks[0], max(sample.chunks, key=lambda chunk: len(chunk.text))]
    cases = [_case(embedder, "query", text, "") for text in queries]
    cases += [_case(embedder, "document", chunk.text, chunk.title) for chunk in passages]
    content = {"tolerance": TOLERANCE, "contract": embedder.contract.hash, "cases": cases}
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _case(embedder: Embedder, kind: str, text: str, title: str) -> dict[str, Any]:
    ids = embedder.query_ids(text) if kind == "query" else embedder.document_ids(text, title)
    formatted = embedder.contract.format_query(text) if kind == "query" else embedder.contract.format_document(text, title)
    vectors = embedder.model.run(ids)
    first = {str(dimension): [round(float(x), 6) for x in vector[:NUMBERS]] for dimension, vector in vectors.items()}
    signature = embedder.spec.shortest(len(ids)).name
    return {"kind": kind, "text": text, "title": title, "formatted": formatted, "ids": ids, "signature": signature, "first": first}


def read_golden(path: Path) -> dict[str, Any]:
    """The file's content. Raises InputError when it is absent or malformed."""
    return read_object(path, "a golden file", "export the bundle again", ("cases",))


def check_golden(content: dict[str, Any], embedder: Embedder) -> list[Mismatch]:
    """The cases whose ids differ, or whose numbers differ by more than the file's tolerance."""
    found = []
    for case in content["cases"]:
        query = case["kind"] == "query"
        ids = embedder.query_ids(case["text"]) if query else embedder.document_ids(case["text"], case["title"])
        if ids != case["ids"]:
            found.append(Mismatch(case["text"][:60], f"ids {ids[:8]}, golden {case['ids'][:8]}"))
            continue
        vectors = embedder.model.run(ids)
        found += [
            Mismatch(case["text"][:60], f"numbers at dimension {dimension} are off by {error:.4f}")
            for dimension, error in ((d, _error(vectors[int(d)], first)) for d, first in case["first"].items())
            if not error <= content["tolerance"]
        ]
    return found


def _error(vector: Vectors, first: Sequence[float]) -> float:
    return float(np.abs(np.asarray(vector[: len(first)], np.float64) - np.asarray(first)).max())
