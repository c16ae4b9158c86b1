"""A folder of documents to chunks.parquet, and to coverage.parquet, which says what of each document the chunks hold.

Documents are read in parallel, one process a core, and put together in name order, so that the result does not depend on how many there
are. A document is held in memory only while its process works on it.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from synth.cut import cut_blocks
from synth.ingest import find_documents, read_document, source_name, structure
from synth.ingest.coverage import measure
from synth.ingest.witness import witness, witness_name
from triplette.console import progress
from triplette.errors import InputError, SettingError
from triplette.hashing import hash_file
from triplette.records import Chunk, Coverage, Rejection
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.synth import ChunkSettings
from triplette.tables import read_records, table_of, write_records, write_table
from triplette.tokens import TokenCounter, token_counter

if TYPE_CHECKING:
    import pyarrow as pa

AHEAD = 2  # documents read ahead for each process: what they return is all that waits in memory
PARALLEL_BYTES = 2_000_000  # of documents under which a second process costs more than it saves
PDF_WEIGHT = 20  # a PDF's bytes take that many times a text's to read
WORST = 10  # documents that the result lists


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What chunking did.

    ``coverage`` is the share of the words that a second reader finds which some chunk holds, ``whole`` that of its sentences that the
    chunks hold word after word, both 0..1 over all documents. ``worst`` are (source, words, sentences) of the documents under a warning
    limit, lowest first. ``dropped`` counts characters left out as boilerplate, by reason; ``failed`` holds one error a document.
    """

    documents: int
    chunks: int
    characters: int
    coverage: float
    whole: float
    worst: tuple[tuple[str, float, float], ...]
    dropped: dict[str, int]
    longest: int
    notes: tuple[str, ...]
    failed: tuple[str, ...]
    seconds: float
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document's chunks and figures, or why it has none."""

    source: str
    chunks: tuple[Chunk, ...] = ()
    coverage: Coverage | None = None
    characters: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failed: str = ""
    reject: Rejection | None = None


def chunk_corpus(run: RunDir, corpus: Path, settings: ChunkSettings) -> ChunkResult:
    """Read every document under ``corpus``; write chunks.parquet and coverage.parquet.

    A document that cannot be read, or is left without text, is named in ``failed`` and in rejected.parquet, and the rest goes on. Raises
    InputError when nothing at all can be read.
    """
    from pyarrow import concat_tables

    started = time.perf_counter()
    if settings.overlap_tokens >= settings.target_tokens // 2:
        raise SettingError("overlap_tokens is half of target_tokens or more", cure="keep it under a quarter")
    files, skipped = find_documents(corpus)
    inputs = {f"corpus/{source_name(p, corpus)}": hash_file(p) for p in files}
    previous = run.current("synth.chunk", inputs, as_dict(settings))
    if previous:
        kept = {**previous["result"], "worst": tuple(tuple(row) for row in previous["result"]["worst"])}
        return ChunkResult(**kept, seconds=time.perf_counter() - started, unchanged=True)
    read: list[ReadDocument] = []
    tables: list[pa.Table] = []
    for document in _read_all(files, corpus, settings):
        tables.append(table_of(document.chunks, Chunk))
        read.append(replace(document, chunks=()))
    chunks = concat_tables(tables)
    failed = tuple(document.failed for document in read if document.failed)
    if not chunks.num_rows:
        raise InputError("no document could be read:\n  " + "\n  ".join(failed), where=str(corpus), cure="see each line")
    covered = [document.coverage for document in read if document.coverage is not None]
    result = _result(read, covered, settings, tuple(skipped), chunks["tokens"].to_pylist(), time.perf_counter() - started)
    with run.locked():
        write_table(run.path("chunks.parquet"), chunks)
        write_records(run.path("coverage.parquet"), covered, Coverage)
        run.write_rejects("synth.chunk", [document.reject for document in read if document.reject is not None])
        kept = {key: getattr(result, key) for key in ChunkResult.__slots__ if key not in ("seconds", "unchanged")}
        run.record(
            "synth.chunk",
            inputs=inputs,
            outputs=["chunks.parquet", "coverage.parquet"],
            settings=as_dict(settings),
            counts={"documents": result.documents, "chunks": result.chunks, "failed": len(failed), **_totals(covered)},
            seconds=result.seconds,
            extra={"result": {**kept, "notes": list(result.notes), "failed": list(failed)}},
        )
    return result


def load_chunks(run: RunDir) -> list[Chunk]:
    """The run's chunks. Raises MissingStage when there are none yet."""
    run.require("chunks.parquet")
    return read_records(run.path("chunks.parquet"), Chunk)


def _totals(covered: Sequence[Coverage]) -> dict[str, int]:
    names = ("words", "words_held", "sentences", "sentences_whole")
    return {name: sum(getattr(item, name) for item in covered) for name in names}


def _result(
    read: Sequence[ReadDocument],
    covered: Sequence[Coverage],
    settings: ChunkSettings,
    skipped: tuple[str, ...],
    tokens: list[int],
    seconds: float,
) -> ChunkResult:
    dropped: Counter[str] = Counter()
    for document in read:
        dropped.update(document.dropped)
    total = _totals(covered)
    poor = [c for c in covered if c.word_share < settings.warn_words or c.sentence_share < settings.warn_sentences]
    poor.sort(key=lambda c: (min(c.word_share / settings.warn_words, c.sentence_share / settings.warn_sentences), c.source))
    return ChunkResult(
        documents=sum(not document.failed for document in read),
        chunks=len(tokens),
        characters=sum(document.characters for document in read),
        coverage=total["words_held"] / total["words"] if total["words"] else 0.0,
        whole=total["sentences_whole"] / total["sentences"] if total["sentences"] else 1.0,
        worst=tuple((c.source, round(c.word_share, 4), round(c.sentence_share, 4)) for c in poor[:WORST]),
        dropped=dict(sorted(dropped.items())),
        longest=max(tokens),
        notes=skipped + tuple(note for document in read for note in document.notes),
        failed=tuple(document.failed for document in read if document.failed),
        seconds=seconds,
    )


def _read_all(files: Sequence[Path], corpus: Path, settings: ChunkSettings) -> Iterator[ReadDocument]:
    """Every document in order, read by as many processes as the work pays for."""
    weights = [path.stat().st_size * (PDF_WEIGHT if path.suffix.lower() == ".pdf" else 1) for path in files]
    workers = min(settings.workers or os.cpu_count() or 1, len(files)) if sum(weights) >= PARALLEL_BYTES else 1
    with ExitStack() as stack:
        waiting: list[Future[ReadDocument]] = []
        paths = iter(files)
        pool = None
        if workers > 1:
            # forked before the progress bar starts its thread; elsewhere than on Linux a fresh interpreter is the only safe start
            start = "fork" if sys.platform == "linux" else "spawn"
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context(start)))
            waiting = [pool.submit(read_one, path, corpus, settings) for path in itertools.islice(paths, workers * AHEAD)]
        bar = stack.enter_context(progress("reading documents", len(files)))
        if pool is None:
            for path in paths:
                yield read_one(path, corpus, settings)
                bar.advance()
        while pool is not None and waiting:
            done = waiting.pop(0)
            document = done.result()
            waiting += [pool.submit(read_one, path, corpus, settings) for path in itertools.islice(paths, 1)]
            bar.advance()
            yield document


@cache
def _counter(tokenizer: str) -> TokenCounter:
    return token_counter(tokenizer)


def read_one(path: Path, corpus: Path, settings: ChunkSettings) -> ReadDocument:
    """One document's chunks and coverage; an error is a field of the answer and no exception."""
    source = source_name(path, corpus)
    try:
        document = read_document(path, corpus, ocr=settings.ocr)
    except InputError as error:
        return _failure(source, error.message, error.cure, " ".join(str(error).split()))
    structured = structure(document)
    chunks, repeated = cut_blocks(structured.blocks, source, settings, _counter(settings.tokenizer))
    dropped = Counter(structured.dropped)
    if repeated:
        dropped["repeated"] += sum(len("".join(text.split())) for text in repeated)
    if not chunks:
        kinds = ", ".join(f"{role} {count}" for role, count in sorted(dropped.items())) or "nothing was found to keep"
        message, cure = (
            f"no text is left ({kinds} characters)",
            "see whether its text is in the running heads or the contents, and say so",
        )
        return _failure(source, message, cure, f"{source}: {message}; cure: {cure}")
    notes = [f"{source}: {note}" for note in document.notes]
    told = None
    if settings.check:
        try:
            told = witness(path)
        except Exception as error:  # the second reader's library raises whatever it meets; the first one has read the file
            notes.append(f"{source}: not checked by a second reader, {witness_name(path)} fails ({type(error).__name__})")
    covered = measure(structured, chunks, repeated, told, witness_name(path))
    characters = len("".join(structured.body_text().split()))
    return ReadDocument(source, tuple(chunks), covered, characters, dict(dropped), tuple(notes))


def _failure(source: str, message: str, cure: str, said: str) -> ReadDocument:
    return ReadDocument(source, failed=said, reject=Rejection("synth.chunk", source, "document", "unreadable", message, text=cure))
