"""Which files of a folder are documents: what is left out is said, with its reason.

Left out are hidden files, what is no file (sockets, pipes, devices), runs of this tool, links out of the folder, what ``.gitignore`` or
``exclude`` names, and a content that already exists under another name.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pathspec

from triplette.errors import InputError, SettingError
from triplette.hashing import hash_file
from triplette.settings.base import FILE_NAME
from triplette.synth.ingest.docling import is_docling
from triplette.synth.ingest.readers import DOCLING, SAVED_AS, SUFFIXES, same_reader, source_name

RUN_MARKS = ("chunks.parquet", "questions.parquet", "rejected.parquet", "dataset", "validation", "evaluation", "model", "bundle")


@dataclass(slots=True)
class Folder:
    """The documents of a corpus: path and name in the records, in name order, with their hashes, and notes on what was left out."""

    files: list[Path] = field(default_factory=list)
    names: dict[Path, str] = field(default_factory=dict)
    hashes: dict[Path, str] = field(default_factory=dict)
    stamps: dict[Path, tuple[int, int] | None] = field(default_factory=dict)  # before they were hashed
    notes: list[str] = field(default_factory=list)

    def inputs(self) -> dict[str, str]:
        """sha256 of every document, by its name, for the ledger."""
        return {f"corpus/{self.names[path]}": self.hashes[path] for path in self.files}

    def has_changed(self, path: Path) -> bool:
        """Whether the file is another one than was hashed: what is read of it now may be half old and half new."""
        return _stamp(path) != self.stamps[path]


def _stamp(path: Path) -> tuple[int, int] | None:
    """A file's size and time of writing; None where it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def find_documents(
    corpus: Path,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    follow_links: bool = False,
    gitignore: bool = True,
) -> Folder:
    """The readable files under ``corpus`` (a folder, or one file).

    ``include`` and ``exclude`` are patterns as in .gitignore. Two names that Unicode makes one stay two documents; the same content
    twice is one. Raises InputError when the folder is absent or holds nothing to read, SettingError for a pattern that is none.
    """
    if not corpus.exists():
        raise InputError("no such folder", where=str(corpus), cure="give --corpus a folder of documents")
    folder = Folder()
    wanted, unwanted = _patterns(include, "include"), _patterns(exclude, "exclude")
    for path in [corpus] if corpus.is_file() else _walk(corpus, folder.notes, follow_links=follow_links, gitignore=gitignore):
        name = source_name(path, corpus)
        if path != corpus and ((include and not wanted.match_file(name)) or unwanted.match_file(name)):
            folder.notes.append(f"{name}: skipped, {'excluded' if unwanted.match_file(name) else 'not among the included'}")
        elif path.suffix.lower() not in SUFFIXES or (path.suffix.lower() in DOCLING and path != corpus and not _is_docling(path)):
            better = SAVED_AS.get(path.suffix.lower())
            cure = f"; help: save it as {better} in its program, or with `soffice --convert-to {better[1:]}`" if better else ""
            folder.notes.append(f"{name}: skipped, not a document type we read{cure}")
        else:
            folder.files.append(path)
    if not folder.files:
        raise InputError(
            f"no document to read ({len(folder.notes)} files of other types or left out)"
            if folder.notes
            else "no document to read: the folder is empty",
            where=str(corpus),
            cure=f"put files of these types there: {', '.join(SUFFIXES)}",
        )
    _name(folder, corpus)
    return folder


def _patterns(lines: Sequence[str], setting: str) -> pathspec.GitIgnoreSpec:
    try:
        return pathspec.GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise SettingError(
            f"not a pattern: {error}", where=f"synth.chunk.{setting}", cure="write it as in a .gitignore, such as *.md"
        ) from None


def _walk(corpus: Path, notes: list[str], *, follow_links: bool, gitignore: bool) -> Iterator[Path]:
    """Every file that may be a document, in name order, without recursion: a folder may be as deep as its disk allows."""
    root = corpus.resolve()
    real = None if follow_links else _real_files(corpus)
    visited = {root}
    stack: list[tuple[Path, tuple[tuple[Path, pathspec.GitIgnoreSpec], ...]]] = [(corpus, ())]
    while stack:
        path, ignoring = stack.pop()
        if path.is_symlink() and path != corpus:
            target = _link_target(path, corpus, root, real, notes, follow_links=follow_links)
            if target is None or (target.is_dir() and target in visited):
                continue
            visited.add(target)
        try:
            kind = path.stat().st_mode
            children = sorted(path.iterdir(), reverse=True) if stat.S_ISDIR(kind) else []
        except OSError as error:
            notes.append(f"{source_name(path, corpus)}: skipped, {error.strerror or 'it cannot be looked at'}")
            continue
        if not stat.S_ISDIR(kind):
            if stat.S_ISREG(kind):
                yield path
            else:
                notes.append(f"{source_name(path, corpus)}: skipped, no file but a socket, pipe or device")
            continue
        if _is_run(path):
            notes.append(f"{source_name(path, corpus)}/: skipped, a run of this tool and no documents")
            continue
        if gitignore and (path / ".gitignore").is_file():
            lines = (path / ".gitignore").read_text(encoding="utf-8", errors="replace").split("\n")
            ignoring = (*ignoring, (path, pathspec.GitIgnoreSpec.from_lines(lines)))
        for child in children:
            if child.name.startswith((".", "~$")) or child == corpus / FILE_NAME:
                continue  # hidden, an office program's lock file, or the settings of this corpus
            if _ignored(child, ignoring):
                notes.append(f"{source_name(child, corpus)}: skipped, ignored by .gitignore")
            else:
                stack.append((child, ignoring))


def _real_files(corpus: Path) -> frozenset[Path]:
    """The files under the corpus that are no links: a link to one of them brings nothing new."""
    return frozenset(p.resolve() for p in corpus.rglob("*") if not p.is_symlink() and p.is_file())


def _link_target(
    path: Path, corpus: Path, root: Path, real: frozenset[Path] | None, notes: list[str], *, follow_links: bool
) -> Path | None:
    """What a link leads to; None, with a note, when it is not followed."""
    name = source_name(path, corpus)
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        notes.append(f"{name}: skipped, a broken link")
        return None
    inside = target.is_relative_to(root)
    if inside and (target.is_dir() or real is None or target in real):
        notes.append(f"{name}: skipped, a link to {'a folder' if target.is_dir() else 'a document'} that is read anyway")
        return None
    if not inside and not follow_links:
        notes.append(f"{name}: skipped, a link out of the folder (--follow-links reads it)")
        return None
    return target


def _is_run(path: Path) -> bool:
    """A run directory: a ledger and what its stages write."""
    return (path / "ledger.jsonl").is_file() and any((path / mark).exists() for mark in RUN_MARKS)


def _ignored(path: Path, ignoring: Sequence[tuple[Path, pathspec.GitIgnoreSpec]]) -> bool:
    """Whether the nearest .gitignore that says anything of a path ignores it."""
    for base, spec in reversed(ignoring):
        name = path.relative_to(base).as_posix() + ("/" if path.is_dir() else "")
        found = spec.check_file(name)
        if found.include is not None:
            return found.include
    return False


def _is_docling(path: Path) -> bool:
    try:
        return is_docling(path)
    except OSError:
        return True  # named as unreadable when it is read


def _name(folder: Folder, corpus: Path) -> None:
    """Hash and name the files; a content that came before is noted and left out, a name that is taken gets a number."""
    kept: list[Path] = []
    seen: dict[str, list[tuple[Path, str]]] = {}
    taken: set[str] = set()
    for path in folder.files:
        name = source_name(path, corpus)
        folder.stamps[path] = _stamp(path)
        try:
            digest = hash_file(path) if path.stat().st_size else f"empty {name}"
        except OSError:
            digest = f"unreadable {name}"  # named as such when it is read
        before = next((known for other, known in seen.get(digest, ()) if same_reader(other, path)), None)
        if before is not None:
            folder.notes.append(f"{name}: the same content as {before}, read once")
            continue
        number, own = 2, name
        while own in taken:
            own, number = f"{name} ({number})", number + 1
        if own != name:
            folder.notes.append(f"{own}: a second file whose name reads {name}")
        seen.setdefault(digest, []).append((path, own))
        taken.add(own)
        kept.append(path)
        folder.names[path], folder.hashes[path] = own, digest
    folder.files = kept
