"""The corpus folder: what is a document, what is left out, and that it is said."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from triplette.errors import InputError, SettingError
from triplette.rundir import RunDir
from triplette.settings.synth import ChunkSettings
from triplette.synth.chunk import chunk_corpus, load_chunks
from triplette.synth.ingest import find_documents
from triplette.synth.ingest.folder import Folder


def write(root: Path, **texts: str) -> Path:
    """Files under a folder; "__" in a name is "/", and what has no suffix is Markdown."""
    for name, text in texts.items():
        path = root / (name.replace("__", "/") + ".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def names(folder: Folder) -> list[str]:
    """The documents' names."""
    return [folder.names[path] for path in folder.files]


def test_a_run_of_this_tool_inside_the_corpus_is_left_out_and_said(tmp_path: Path) -> None:
    corpus = write(tmp_path, a="# A\n\nUn texte de la corbeille.")
    run = RunDir(corpus / "sorties" / "run")
    chunk_corpus(run, corpus, ChunkSettings())
    write(run.root, dataset__README="# Carte", validation__docs="# Docs")
    folder = find_documents(corpus)
    assert names(folder) == ["a.md"]
    assert [note for note in folder.notes if "run of this tool" in note and note.startswith("sorties/run")]


def test_a_folder_with_a_ledger_of_its_own_is_no_run(tmp_path: Path) -> None:
    write(tmp_path, club__comptes="# Comptes")
    (tmp_path / "club" / "ledger.jsonl").write_text("{}")
    assert names(find_documents(tmp_path)) == ["club/comptes.md"]


def test_links_out_of_the_folder_are_followed_only_when_asked(tmp_path: Path) -> None:
    write(tmp_path / "loin", b="# B", sub__c="# C")
    corpus = write(tmp_path / "corpus", a="# A")
    (corpus / "b.md").symlink_to(tmp_path / "loin" / "b.md")
    (corpus / "dossier").symlink_to(tmp_path / "loin" / "sub")
    (corpus / "boucle").symlink_to(corpus)
    closed = find_documents(corpus)
    assert names(closed) == ["a.md"]
    assert sum("--follow-links" in note for note in closed.notes) == 2
    assert names(find_documents(corpus, follow_links=True)) == ["a.md", "b.md", "dossier/c.md"]


def test_links_in_a_circle_outside_end(tmp_path: Path) -> None:
    corpus = write(tmp_path / "corpus", a="# A")
    outside = write(tmp_path / "loin", b="# B")
    (corpus / "l").symlink_to(outside)
    (outside / "retour").symlink_to(outside)
    (outside / "vers").symlink_to(corpus)
    assert names(find_documents(corpus, follow_links=True)) == ["a.md", "l/b.md"]


def test_pipes_sockets_and_hidden_files_are_no_documents(tmp_path: Path) -> None:
    corpus = write(tmp_path, a="# A")
    os.mkfifo(corpus / "tube.md")
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(corpus)  # the address of a socket is short
        try:
            server.bind("prise.md")
        finally:
            os.chdir(before)
        (corpus / ".secret.md").write_text("x")
        folder = find_documents(corpus)
    assert names(folder) == ["a.md"]
    assert sorted(note.split(":")[0] for note in folder.notes) == ["prise.md", "tube.md"]


def test_patterns_and_gitignore_choose(tmp_path: Path) -> None:
    corpus = write(tmp_path, a="# A", brouillon__b="# B", guide__c="# C", guide__vieux__d="# D", guide__vieux__garde="# E")
    (corpus / ".gitignore").write_text("brouillon/\n")
    (corpus / "guide" / ".gitignore").write_text("vieux/*\n!garde.md\n")
    assert names(find_documents(corpus)) == ["a.md", "guide/c.md", "guide/vieux/garde.md"]
    assert any("brouillon" in note and ".gitignore" in note for note in find_documents(corpus).notes)
    assert len(find_documents(corpus, gitignore=False).files) == 5
    assert names(find_documents(corpus, include=["guide/"])) == ["guide/c.md", "guide/vieux/garde.md"]
    assert names(find_documents(corpus, exclude=["guide/", "*.txt"])) == ["a.md"]
    with pytest.raises(InputError, match="left out"):
        find_documents(corpus, include=["*.html"])


def test_a_pattern_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="not a pattern"):
        find_documents(write(tmp_path, a="# A"), include=["!"])


def test_names_that_fold_to_one_are_two_documents(tmp_path: Path) -> None:
    texts = {"re\u0301gle": "# Un\n\nLe premier.", "r\u00e9gle": "# Deux\n\nLe second.", "R\u00e9gle": "# Trois"}
    corpus = write(tmp_path, **texts)
    folder = find_documents(corpus)
    assert sorted(names(folder)) == ["R\u00e9gle.md", "r\u00e9gle.md", "r\u00e9gle.md (2)"]
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, corpus, ChunkSettings(min_tokens=0))
    assert len({chunk.source for chunk in load_chunks(run)}) == 3


def test_the_same_content_twice_is_one_document_with_both_names(tmp_path: Path) -> None:
    folder = find_documents(write(tmp_path, a="# A\n\nx", copie__b="# A\n\nx"))
    assert names(folder) == ["a.md"]
    assert folder.notes == ["copie/b.md: the same content as a.md, read once"]


def test_the_same_content_under_a_suffix_of_another_reader_is_a_document_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_text("<h1>A</h1><p>x", encoding="utf-8")  # no Word file: it must not stand for the page
    (tmp_path / "b.html").write_text("<h1>A</h1><p>x", encoding="utf-8")
    assert names(find_documents(tmp_path)) == ["a.docx", "b.html"]


def test_a_document_of_an_older_format_is_named_with_what_to_save_it_as(tmp_path: Path) -> None:
    corpus = write(tmp_path, a="# A\n\nx")
    (corpus / "old.DOC").write_bytes(b"x")
    (note,) = find_documents(corpus).notes
    assert note.startswith("old.DOC: skipped, not a document type we read; help: save it as .docx")


def test_line_separators_in_a_name_do_not_break_the_ledger(tmp_path: Path) -> None:
    corpus = write(tmp_path / "c", **{"a\u0085b": "# A\n\nUn texte.", "c\u2028d": "# B\n\nUn autre."})
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, corpus, ChunkSettings())
    assert chunk_corpus(run, corpus, ChunkSettings()).unchanged
    assert len(run.entries()) == 1


def test_a_deep_folder_is_walked(tmp_path: Path) -> None:
    deep = tmp_path / "c"
    for _ in range(60):
        deep = deep / "d"
    write(deep, a="# A")
    assert len(find_documents(tmp_path / "c").files) == 1
