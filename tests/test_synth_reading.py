"""Documents are read apart: what one of them does to its process is its own failure."""

from __future__ import annotations

import faulthandler
import os
import signal
import time
from pathlib import Path

import pytest

from triplette.settings.synth import ChunkSettings
from triplette.synth.ingest.heartbeat import CHECKING, beat
from triplette.synth.reading import ReadDocument, read_all


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
