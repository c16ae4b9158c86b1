"""The dataset in other people's forms: sentence-transformers triplets, a BEIR folder, the Hugging Face hub."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from triplette.dataset import SPLITS, DatasetRow
from triplette.errors import InputError, ServiceError
from triplette.records import Chunk
from triplette.rundir import RunDir
from triplette.tables import write_table, write_text

DICTIONARY_BYTES = 1 << 28  # passages recur as positives and negatives: stored once, the files are a tenth of the size
TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


def write_triplets(path: Path, rows: Sequence[DatasetRow], chunks: Mapping[str, Chunk]) -> None:
    """The train rows that have a hard negative as (anchor, positive, negative), with the hardest; train.parquet holds all rows."""
    import pyarrow as pa

    rows = [row for row in rows if row.hard_ids]
    columns = {
        "anchor": [row.question for row in rows],
        "positive": [chunks[row.positive_ids[0]].text for row in rows],
        "negative": [chunks[row.hard_ids[0]].text for row in rows],
    }
    schema = pa.schema([pa.field(name, pa.string(), nullable=False) for name in columns])
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}, schema=schema)
    write_table(path, table, dictionary_bytes=DICTIONARY_BYTES)


def write_beir(folder: Path, rows: Sequence[DatasetRow], corpus: Sequence[Chunk]) -> None:
    """corpus.jsonl, queries.jsonl and qrels/{train,val,test}.tsv, as BEIR lays them out (Thakur et al. 2021)."""
    write_text(
        folder / "corpus.jsonl",
        _lines({"_id": chunk.id, "title": chunk.title, "text": chunk.text, "metadata": {"source": chunk.source}} for chunk in corpus),
    )
    queries = {
        row.question_id: {
            "_id": row.question_id,
            "text": row.question,
            "metadata": {"kind": row.kind, "persona": row.persona, "difficulty": row.difficulty, "origin": row.origin},
        }
        for row in rows
    }
    write_text(folder / "queries.jsonl", _lines(queries.values()))
    for split in SPLITS:
        pairs = dict.fromkeys((row.question_id, chunk) for row in rows if row.split == split for chunk in row.positive_ids)
        lines = ["query-id\tcorpus-id\tscore", *(f"{query}\t{chunk}\t1" for query, chunk in pairs)]
        write_text(folder / "qrels" / f"{split}.tsv", "\n".join(lines) + "\n")


def _lines(items: Any) -> str:
    return "".join(json.dumps(item, ensure_ascii=False, sort_keys=True) + "\n" for item in items)


def hub_token() -> str:
    """The hub's token from the environment. Raises InputError naming the variable; it is never read from a file or flag."""
    token = next((os.environ[name] for name in TOKEN_VARIABLES if os.environ.get(name)), "")
    if not token:
        raise InputError("no token for the Hugging Face hub", cure=f"set {TOKEN_VARIABLES[0]} to a token that may write")
    return token


def push_to_hub(run: RunDir, repository: str, *, public: bool = False, api: Any = None) -> str:
    """Upload dataset/ to a dataset repository, private unless ``public``; returns its address.

    Raises InputError for a name that is not owner/name or without a token, ServiceError when the hub refuses. ``api`` is a
    ``huggingface_hub.HfApi`` for tests.
    """
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise InputError(f"{repository!r} is not owner/name", cure="--push-to-hub owner/name")
    run.require("dataset/train.parquet", "dataset/README.md")
    token = hub_token()
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi(token=token)
    try:
        api.create_repo(repository, repo_type="dataset", private=not public, exist_ok=True)
        api.upload_folder(repo_id=repository, repo_type="dataset", folder_path=str(run.path("dataset")))
    except Exception as error:  # the hub client raises dozens of kinds, all of which end this command
        raise ServiceError(f"the hub refuses: {error}", where=repository, cure="check the token, the name and the network") from error
    return f"https://huggingface.co/datasets/{repository}"
