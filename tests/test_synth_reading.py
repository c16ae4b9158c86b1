"""Documents are read apart: what one of them does to its process is its own failure."""

from __future__ import annotations

import faulthandler
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from triplette.engine import Engine
from triplette.rundir import RunDir
from triplette.settings.synth import ChunkSettings
from triplette.synth.chunk import chunk_corpus, load_chunks
from triplette.synth.ingest.heartbeat import CHECKING, beat
from triplette.synth.reading import ReadDocument, read_all, read_one


def reader(path: Path, corpus: Path, source: str, settings: ChunkSettings, code: str = "") -> ReadDocument:
    """Does to its process what the file says, as a library would."""
    doing = path.read_text(encoding="utf-8").split()
    if "check" in doing:
        beat(CHECKING)
        if not settings.check:
            return ReadDocument(source)
    if "crash" in doing:
        faulthandler.disable()  # its report is for people who look for a fault
        os.kill(os.getpid(), signal.SIGSEGV)
    if "hang" in doing:
        time.sleep(60)
    if "raise" in doing:
        raise MemoryError if "memory" in doing else ZeroDivisionError("division by zero")
    for _ in range(20 * ("long" in doing)):
        time.sleep(0.1)
        beat()
    return ReadDocument(source)


def read(folder: Path, *, patience: int = 1, workers: int = 2, **files: str) -> dict[str, ReadDocument]:
    """The documents of a folder of "PDFs" by name."""
    for name, text in files.items():
        (folder / f"{name}.pdf").write_text(text, encoding="utf-8")
    places = [(path, path.stem) for path in sorted(folder.iterdir())]
    found = read_all(places, folder, ChunkSettings(patience=patience, workers=workers), read=reader)
    assert [document.source for document in found] == [name for _, name in places]
    return {document.source: document for document in found}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_document_that_ends_its_process_is_named_and_the_others_are_read(tmp_path: Path, workers: int) -> None:
    found = read(tmp_path, workers=workers, a="fine", b="crash", c="fine", d="crash", e="fine")
    assert [name for name, document in found.items() if document.failed] == ["b", "d"]
    assert "SIGSEGV" in found["b"].failed
    assert "help:" in found["b"].failed
    assert found["b"].reject is not None


def test_a_document_that_never_ends_is_given_up_and_a_long_one_is_not(tmp_path: Path) -> None:
    found = read(tmp_path, a="hang", b="long", c="fine")
    assert "no sign of life" in found["a"].failed
    assert not found["b"].failed
    assert not found["c"].failed


def test_a_check_that_ends_its_process_costs_only_the_check(tmp_path: Path) -> None:
    found = read(tmp_path, a="check crash", b="check hang", c="fine")
    assert not any(document.failed for document in found.values())
    assert "not checked by a second reader, pdfminer.six ended its process (SIGSEGV)" in found["a"].notes[0]
    assert "no sign of life" in found["b"].notes[0]


def test_an_error_that_no_reader_foresaw_is_named(tmp_path: Path) -> None:
    found = read(tmp_path, a="raise", b="raise memory", c="fine")
    assert "ZeroDivisionError" in found["a"].failed
    assert "memory" in found["b"].failed
    assert not found["c"].failed


@contextmanager
def unprivileged() -> Iterator[None]:
    """As a user who may not read everything, as root may."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are POSIX's here")
def test_a_file_that_may_not_be_read_is_named_and_the_others_are_read() -> None:
    settings = ChunkSettings(language="fr")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for stem in ("a", "b"):
            (folder / f"{stem}.txt").write_text(f"Le canot {stem} est rangé sous les saules.", encoding="utf-8")
        read_one(folder / "b.txt", folder, "b.txt", settings)  # libraries are loaded by who may read them
        (folder / "a.txt").chmod(0)
        with unprivileged():
            refused, fine = read_all([(folder / "a.txt", "a.txt"), (folder / "b.txt", "b.txt")], folder, settings)
    assert "a.txt: not allowed to read" in refused.failed
    assert "read permission" in refused.failed
    assert not fine.failed


def test_a_file_that_changes_while_it_is_read_is_named_and_read_again_next_time(tmp_path: Path) -> None:
    class Meanwhile(Engine):
        spread = True

        def run(self, work: Callable[..., Any], blocks: Sequence[tuple[Any, ...]], *, shared: Sequence[Any] = ()) -> Iterator[Any]:
            (tmp_path / "docs" / "a.md").write_text("Le canot est tout autre.", encoding="utf-8")
            return (work(*block) for block in blocks)

    (tmp_path / "docs").mkdir()
    for stem in ("a", "b"):
        (tmp_path / "docs" / f"{stem}.md").write_text(f"Le canot {stem} est rangé sous les saules du lac.", encoding="utf-8")
    run = RunDir(tmp_path / "run")
    found = chunk_corpus(run, tmp_path / "docs", ChunkSettings(), engine=Meanwhile())
    assert [said.split(";")[0] for said in found.failed] == ["a.md: has changed while it was read"]
    assert [chunk.source for chunk in load_chunks(run)] == ["b.md"]
    assert not chunk_corpus(run, tmp_path / "docs", ChunkSettings()).failed
    assert [chunk.source for chunk in load_chunks(run)] == ["a.md", "b.md"]


def test_short_documents_are_read_in_the_language_of_the_corpus_whatever_each_looked_like(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.md").write_text(f"Le canot {number} est rangé sous les saules du lac pour la nuit.", encoding="utf-8")
    (tmp_path / "other.md").write_text("The boat is in the shed.", encoding="utf-8")
    alone = [read_one(path, tmp_path, path.name, ChunkSettings()) for path in sorted(tmp_path.glob("*.md"))]
    assert [document.guessed for document in alone] == ["fr", "fr", "fr", "en"]
    assert alone[0].rows == read_one(tmp_path / "0.md", tmp_path, "0.md", ChunkSettings(), "fr").rows
    run = RunDir(tmp_path / "run")
    assert list(chunk_corpus(run, tmp_path, ChunkSettings()).languages) == ["fr"]
