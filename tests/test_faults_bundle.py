"""A bundle from elsewhere whose parts are damaged or hostile: refused with the file's name, in bounded time and memory."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from killing import ended, start

from triplette.errors import InputError
from triplette.export.index import open_index, read_index
from triplette.export.litert import Spec
from triplette.export.proof.verify import FILE_LIMIT, FILES_LIMIT, verify_bundle
from triplette.export.tokenizers import byte_level
from triplette.export.tokenizers.byte_level import HEADER, ByteLevel
from triplette.export.tokenizers.forms import open_tokenizer
from triplette.export.tokenizers.pieces import TokenizerSpec
from triplette.hashing import hash_file

SPEC = TokenizerSpec((), (), 0, {})
ALPHABET = " ".join(map(str, range(256)))
MEMORY = 4 << 30  # bytes of addresses that a command may take, the libraries' own included


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no model",
        os.urandom(5000),
        b"\x0a\xff\xff\xff\xff\x07",
        f"{HEADER}\n".encode(),
        f"{HEADER}\nNFC\n(\n{ALPHABET}".encode(),
        f"{HEADER}\nNFC\n.\n1 2 3".encode(),
        f"{HEADER}\nNFC\n.\n{ALPHABET}\n1 2".encode(),
        f"{HEADER}\nNFC\n.\n{ALPHABET}\na b c".encode(),
    ],
)
def test_a_damaged_tokenizer_is_refused_by_its_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"not a (?:SentencePiece model|byte-level tokenizer)") as caught:
        open_tokenizer(path, SPEC)
    assert caught.value.where == str(path)


def test_an_expression_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_level, "CUT_SECONDS", 0.2)
    path = tmp_path / "tokenizer.model"
    path.write_text(f"{HEADER}\nNFC\n(?:x|x)+[^x]$\n{ALPHABET}")
    with pytest.raises(InputError, match="does not end"):
        ByteLevel(path, SPEC).plain_ids("x" * 60)


def spec(**changes: Any) -> str:
    """A spec of one signature."""
    signature = {"name": "s", "file": "model.tflite", "length": 64, **changes}
    token = {"before": [], "after": [], "pad": 0, "specials": {}}
    return json.dumps({"signatures": [signature], "dimensions": [8], "tokenizer": token, "recipe": "int8", "granularity": "channel"})


@pytest.mark.parametrize(
    "content", [spec(file="../model.tflite"), spec(file="/etc/passwd"), spec(file=""), spec(length=0), "[]", "{}", "3", "[" * 5000]
)
def test_a_spec_that_leads_out_of_the_bundle_or_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "spec.json").write_text(content)
    with pytest.raises(InputError, match="not a bundle's spec"):
        Spec.load(tmp_path / "spec.json")


HOSTILE = {
    "view": "CREATE VIEW chunks AS SELECT 1",
    "trigger": "CREATE TABLE t (a); CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
    "virtual table": "CREATE VIRTUAL TABLE chunks USING fts5(a)",
    "computed column": "CREATE TABLE chunks (position INTEGER PRIMARY KEY, vector BLOB AS (zeroblob(900000000)))",
    "stored computed column": "CREATE TABLE chunks (a, b AS (a || a) STORED)",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_index_that_makes_up_its_rows_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "index.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(HOSTILE[name])
    with pytest.raises(InputError, match=r"not a bundle's index .it has a"):
        read_index(path)


@pytest.mark.parametrize("cut", [0, 1, 100, 4096, 6000])
def test_an_index_that_was_cut_or_overwritten_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "index.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "CREATE TABLE chunks (position, chunk_id, title, source, page_start, page_end, text, scale, vector);"
            "CREATE TABLE meta (key, value); INSERT INTO meta VALUES ('dimension', '8')"
        )
        connection.executemany("INSERT INTO chunks VALUES (?, 'c', 't', 's', 1, 1, 'x', 1.0, ?)", [(n, bytes(8)) for n in range(300)])
    assert len(read_index(path).ids) == 300
    whole = path.read_bytes()
    path.write_bytes(whole[:cut] + (b"" if cut < 4096 else bytes(3000)) + whole[cut + 3000 :] if cut >= 4096 else whole[:cut])
    with pytest.raises(InputError, match="not a bundle's index"):
        read_index(path)


def manifest(folder: Path, *names: str, **more: Any) -> None:
    """A manifest of the files that are there."""
    files = {name: {"sha256": hash_file(folder / name), "bytes": 0} for name in names}
    (folder / "manifest.json").write_text(json.dumps({"files": {**files, **more}, "contract": "", "proof": {"passed": True}}))


def test_too_many_files_and_a_huge_one_are_refused_without_being_read(tmp_path: Path) -> None:
    with (tmp_path / "model.tflite").open("wb") as stream:
        stream.truncate(FILE_LIMIT + 1)  # sparse: no block of it is on the disk
    manifest(tmp_path, **{"model.tflite": {"sha256": "0", "bytes": 1}})
    assert "'model.tflite' has more than 4 GiB" in verify_bundle(tmp_path).checks[0].detail
    for number in range(FILES_LIMIT + 1):
        (tmp_path / f"{number}").touch()
    assert "more than 200 files" in verify_bundle(tmp_path).checks[0].detail


@pytest.mark.parametrize("kind", ["link to a device", "pipe", "folder"])
def test_a_manifest_that_is_no_regular_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "manifest.json"
    if kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(InputError, match="not a regular file"):
        verify_bundle(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["tokenizer.model", "model.tflite", "spec.json", "contract.json", "index.sqlite", "golden.json"])
def test_asking_and_verifying_a_bundle_with_one_damaged_part_is_one_line(tmp_path: Path, part: str) -> None:
    """Each part in turn is noise with the sha256 that the manifest says: what a careful forger would send."""
    for name in (
        "contract.json",
        "spec.json",
        "tokenizer.model",
        "index.sqlite",
        "golden.json",
        "proof.json",
        "README.md",
        "LICENSES.md",
    ):
        (tmp_path / name).write_text("{}")
    (tmp_path / "spec.json").write_text(spec())
    (tmp_path / "model.tflite").write_bytes(b"x")
    (tmp_path / part).write_bytes(random_bytes(part))
    manifest(tmp_path, *(path.name for path in tmp_path.iterdir()))
    for words in (["ask", "Qui ?", "--bundle", str(tmp_path)], ["bundle", "--verify", str(tmp_path)]):
        log = tmp_path.with_suffix(f".{words[0]}")
        code = ended(start(["export", *words], log, limits={resource.RLIMIT_AS: MEMORY}))
        assert code in (2, 5), (words, code, log.read_text()[-500:])
        assert "internal error" not in log.read_text()
        assert "Traceback" not in log.read_text()
        assert "help:" in log.read_text()


def random_bytes(part: str) -> bytes:
    """Noise that is the same at every run, another for each part."""
    import random

    return random.Random(part).randbytes(20_000)


def test_open_index_leaves_no_file_beside_a_read_only_one(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE meta (key, value)")
    with open_index(path):
        pass
    assert [item.name for item in tmp_path.iterdir()] == ["index.sqlite"]
