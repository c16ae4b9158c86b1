"""Documents made to fill memory or to last for ever, each in a folder with a good one: named with a cure or read, and the good one is read.

The limits are the readers' own: a process for each document, given up after ``patience`` seconds without a sign of life, and at most
``MEMORY`` of addresses more than the process that forks them. What must come of each attack is written beside it.
"""

from __future__ import annotations

import os
import resource
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from triplette.settings.synth import ChunkSettings
from triplette.synth.ingest import find_documents
from triplette.synth.reading import ReadDocument, read_all

MEMORY = 3 << 30  # bytes of addresses for a reader, the libraries that it loads included
PATIENCE = 60
GOOD = "# Règle\n\n" + "Le joueur touche la pièce qu'il joue et la pose sur une case libre.\n\n" * 3
ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefghij", "bcdefghijk", strict=True))
    + "]>"
)
WORD = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{}</w:body></w:document>'
ODT = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:text>{}</office:text></office:body>'
    "</office:document-content>"
)
BOOK = {
    "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="o.opf"/></rootfiles></container>',
    "o.opf": '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
    '</manifest><spine><itemref idref="a"/></spine></package>',
}


def packed(**parts: str | bytes) -> Callable[[Path], None]:
    """A ZIP file with these parts."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in parts.items():
                file.writestr(name, content)

    return write


def text(content: str) -> Callable[[Path], None]:
    """A file of text."""
    return lambda path: path.write_text(content, encoding="utf-8") and None


def sparse(head: bytes, size: int) -> Callable[[Path], None]:
    """A file of ``size`` bytes of which the disk holds only the first."""

    def write(path: Path) -> None:
        with path.open("wb") as stream:
            stream.write(head)
            stream.truncate(size)

    return write


BLANK = b" " * (40 << 20)
SPEECH = "Le joueur touche la pièce. "
ATTACKS: dict[
    str, tuple[str, Callable[[Path], None], str]
] = {  # what -> suffix, how it is made, what must be said; "" where it is read
    "zip bomb": (".docx", packed(**{"word/document.xml": BLANK}), "made to exhaust memory"),
    "zip bomb as a book": (".epub", packed(**BOOK, **{"a.xhtml": BLANK}), "made to exhaust memory"),
    "zip bomb as a workbook": (".xlsx", packed(**{"xl/workbook.xml": BLANK}), "made to exhaust memory"),
    "entities": (
        ".docx",
        packed(**{"word/document.xml": ENTITIES + WORD.format("<w:p><w:r><w:t>&k;</w:t></w:r></w:p>")}),
        "cannot be read",
    ),
    "entities as text": (".odt", packed(**{"content.xml": ENTITIES + ODT.format("<text:p>&k;</text:p>")}), "cannot be read"),
    "sections in sections": (
        ".odt",
        packed(**{"content.xml": ODT.format("<text:section>" * 20_000 + f"<text:p>{SPEECH}</text:p>" + "</text:section>" * 20_000)}),
        "cannot be read",
    ),
    "tables in tables": (
        ".docx",
        packed(
            **{
                "word/document.xml": WORD.format(
                    "<w:tbl><w:tr><w:tc>" * 5_000 + f"<w:p><w:r><w:t>{SPEECH}</w:t></w:r></w:p>" + "</w:tc></w:tr></w:tbl>" * 5_000
                )
            }
        ),
        "cannot be read",
    ),
    "divisions in divisions": (".html", text(f"<body>{'<div>' * 100_000}<p>{SPEECH * 3}</p>"), ""),
    "tables in tables of a page": (".html", text(f"<body>{'<table><tr><td>' * 1_000}{SPEECH * 3}"), ""),
    "quotes in quotes": (".md", text(f"{'>' * 20_000} {SPEECH}\n"), ""),
    "brackets": (".md", text(f"{'[' * 4_000} {SPEECH}\n"), ""),
    "a long line": (".txt", text(SPEECH * 20_000), ""),
    "noughts": (".txt", sparse(b"", 64 << 20), "is binary"),
    "groups in a circle": (
        ".json",
        text(
            '{"schema_name": "DoclingDocument", "version": "1.0", "name": "a", "body": {"self_ref": "#/body", "children": [{"$ref": "#/groups/0"}]},'
            '"groups": [{"self_ref": "#/groups/0", "label": "list", "children": [{"$ref": "#/groups/0"}, {"$ref": "#/groups/0"}]}],'
            '"texts": [], "tables": [], "pictures": []}'
        ),
        "holds no text",
    ),
}


@pytest.fixture
def limited() -> Iterator[None]:
    """Readers are forked: they inherit the limit. What this process has already, other tests' libraries among it, is not counted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    ours = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (ours + MEMORY, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def read_with_good(folder: Path) -> dict[str, ReadDocument]:
    """Every document of the folder by its name, and a good one among them."""
    (folder / "good.md").write_text(GOOD, encoding="utf-8")
    found = find_documents(folder)
    files = [(path, found.names[path]) for path in found.files]
    documents = read_all(files, folder, ChunkSettings(workers=1, patience=PATIENCE))
    return {document.source: document for document in documents}


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_document_costs_itself_alone(tmp_path: Path, attack: str) -> None:
    suffix, make, said = ATTACKS[attack]
    make(tmp_path / f"bad{suffix}")
    documents = read_with_good(tmp_path)
    bad = documents.pop(f"bad{suffix}")
    assert documents["good.md"].rows is not None
    if said:
        assert said in bad.failed
        assert "help: " in " ".join(bad.failed.split())
    else:
        assert not bad.failed
        assert "joueur touche" in str(bad.rows)


NAMES = ["a\nb", "a\x1b[2Jb", "a#b", "a?b", "a%41b", "a'b\"c", " ", "-rf", "a\u202eb", "a\\b", "x" * 250]


def test_documents_of_any_name_are_read_under_it(tmp_path: Path) -> None:
    for number, name in enumerate(NAMES):
        (tmp_path / f"{name}.md").write_text(GOOD.replace("joue ", f"joue {number} "), encoding="utf-8")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xffb.md")).write_text(GOOD.replace("joue ", "tient "), encoding="utf-8")
    documents = read_with_good(tmp_path)
    assert set(documents) == {"good.md", "a\ufffdb.md", *(f"{name}.md" for name in NAMES)}
    assert not [document.failed for document in documents.values() if document.failed]


def test_links_in_circles_pipes_and_devices_are_named_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "itself.md").symlink_to("itself.md")
    (tmp_path / "there.md").symlink_to("back.md")
    (tmp_path / "back.md").symlink_to("there.md")
    (tmp_path / "device.txt").symlink_to("/dev/zero")
    for name in ("pipe.md", "pipe.json", ".gitignore"):
        os.mkfifo(tmp_path / name)
    assert list(read_with_good(tmp_path)) == ["good.md"]
    notes = " ".join(find_documents(tmp_path).notes)
    assert all(name in notes for name in ("loop", "itself.md", "there.md", "back.md", "device.txt", "pipe.md", "pipe.json"))
