"""A folder of documents to chunks.parquet, and to coverage.parquet, which says what of each document the chunks hold.

Documents are read in parallel, one process a core, and put together in name order, so that the result does not depend on how many there
are. A document is held in memory only while its process works on it.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from triplette.console import progress
from triplette.errors import InputError, SettingError
from triplette.languages import language
from triplette.languages.identify import READ, best_language, other_language, sure_language
from triplette.profile import Profile, corpus_profile, keep_profile, neutral_in
from triplette.records import Chunk, Coverage, Rejection
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.synth import ChunkSettings
from triplette.step import Step
from triplette.synth.cut import cut_blocks
from triplette.synth.ingest import find_documents, read_document, structure
from triplette.synth.ingest.coverage import measure
from triplette.synth.ingest.harvest import FILE as HARVEST_FILE
from triplette.synth.ingest.harvest import Harvested, harvest
from triplette.synth.ingest.witness import witness, witness_name
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
    limit, lowest first. ``languages`` maps a language's code to its share of the chunks' characters, largest first. ``dropped`` counts
    characters left out as boilerplate, by reason; ``failed`` holds one error a document.
    """

    documents: int
    chunks: int
    characters: int
    coverage: float
    whole: float
    worst: tuple[tuple[str, float, float], ...]
    languages: dict[str, float]
    dropped: dict[str, int]
    longest: int
    notes: tuple[str, ...]
    failed: tuple[str, ...]
    seconds: float = 0.0
    unchanged: bool = False

    def spoken(self) -> str:
        """The languages' names with their shares."""
        return ", ".join(f"{language(code).name} {100 * share:.0f} %" for code, share in self.languages.items())

    def lacks(self) -> list[str]:
        """What is missing for each language that is not written out."""
        found = [language(code) for code in self.languages]
        return [f"{one.name} lacks: {'; '.join(one.lacks)}" for one in found if one.lacks]


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document's chunks and figures, or why it has none.

    ``rows`` are its chunks as an Arrow table, a third of the memory that they take as records, and ``letters`` their characters by language.
    ``undecided`` is the start of a text too short to tell its language by.
    """

    source: str
    rows: pa.Table | None = None
    letters: dict[str, int] = field(default_factory=dict)
    coverage: Coverage | None = None
    characters: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failed: str = ""
    reject: Rejection | None = None
    harvested: tuple[Harvested, ...] = ()
    language: str = ""
    undecided: str = ""


def chunk_corpus(run: RunDir, corpus: Path, settings: ChunkSettings, profile: Profile | None = None) -> ChunkResult:
    """Read every document under ``corpus``; write chunks.parquet, coverage.parquet, what documents ask, and profile.toml.

    The profile is ``profile``, else the corpus's own, else a neutral one. A document that cannot be read, or is left without text, is named
    in ``failed`` and in rejected.parquet, and the rest goes on. Raises InputError when nothing at all can be read.
    """
    from pyarrow import concat_tables

    if settings.overlap_tokens >= settings.target_tokens // 2:
        raise SettingError("overlap_tokens is half of target_tokens or more", cure="keep it under a quarter")
    folder = find_documents(
        corpus,
        include=settings.include,
        exclude=settings.exclude,
        follow_links=settings.follow_links,
        gitignore=settings.gitignore,
    )
    step = Step(run, "synth.chunk", folder.inputs(), as_dict(settings))
    profile = profile or corpus_profile(corpus)
    if done := step.done(ChunkResult):
        keep_profile(run, profile or neutral_in(done.languages))
        return done
    files = [(path, folder.names[path]) for path in folder.files]
    read = _settled(list(_read_all(files, corpus, settings)), files, corpus, settings)
    chunks = concat_tables([document.rows for document in read if document.rows is not None] or [table_of([], Chunk)])
    failed = tuple(document.failed for document in read if document.failed)
    if not chunks.num_rows:
        raise InputError("no document could be read:\n  " + "\n  ".join(failed), where=str(corpus), cure="see each line")
    covered = [document.coverage for document in read if document.coverage is not None]
    result = _result(read, covered, settings, tuple(folder.notes), chunks["tokens"].to_pylist())
    with run.locked():
        write_table(run.path("chunks.parquet"), chunks)
        write_records(run.path("coverage.parquet"), covered, Coverage)
        write_records(run.path(HARVEST_FILE), [item for document in read for item in document.harvested], Harvested)
        keep_profile(run, profile or neutral_in(result.languages))
        run.write_rejects("synth.chunk", [document.reject for document in read if document.reject is not None])
        counts = {"documents": result.documents, "chunks": result.chunks, "failed": len(failed), **_totals(covered)}
        return step.record(result, outputs=["chunks.parquet", "coverage.parquet", HARVEST_FILE], counts=counts)


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
        languages=_shares(read),
        worst=tuple((c.source, round(c.word_share, 4), round(c.sentence_share, 4)) for c in poor[:WORST]),
        dropped=dict(sorted(dropped.items())),
        longest=max(tokens),
        notes=skipped + tuple(note for document in read for note in document.notes),
        failed=tuple(document.failed for document in read if document.failed),
    )


def _shares(read: Sequence[ReadDocument]) -> dict[str, float]:
    """Share of the chunks' characters by language, largest first."""
    counts = Counter[str]()
    for document in read:
        counts.update(document.letters)
    total = sum(counts.values()) or 1
    return {code: count / total for code, count in counts.most_common()}


def _settled(read: list[ReadDocument], files: Sequence[tuple[Path, str]], corpus: Path, settings: ChunkSettings) -> list[ReadDocument]:
    """Documents too short to tell their language are read again in that of the most (by letters) of the others, or of all together."""
    places = [place for place, document in enumerate(read) if document.undecided]
    weights = Counter[str]()
    for document in read:
        if document.language:
            weights[document.language] += document.characters
    if places:
        together = " ".join(read[place].undecided for place in places)[:READ]
        code = weights.most_common(1)[0][0] if weights else best_language(together)
        for place, document in zip(places, _read_all([files[place] for place in places], corpus, settings, code), strict=True):
            read[place] = document
    return read


def _read_all(files: Sequence[tuple[Path, str]], corpus: Path, settings: ChunkSettings, code: str = "") -> Iterator[ReadDocument]:
    """Every document in order, read by as many processes as the work pays for; ``code`` is the language of those that do not show it."""
    weights = [path.stat().st_size * (PDF_WEIGHT if path.suffix.lower() == ".pdf" else 1) for path, _ in files]
    workers = min(settings.workers or os.cpu_count() or 1, len(files)) if sum(weights) >= PARALLEL_BYTES else 1
    with ExitStack() as stack:
        waiting: list[Future[ReadDocument]] = []
        left = iter(files)
        pool = None
        if workers > 1:
            # forked before the progress bar starts its thread; elsewhere than on Linux a fresh interpreter is the only safe start
            start = "fork" if sys.platform == "linux" else "spawn"
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context(start)))
            waiting = [
                pool.submit(read_one, path, corpus, name, settings, code) for path, name in itertools.islice(left, workers * AHEAD)
            ]
        bar = stack.enter_context(progress("reading documents", len(files)))
        if pool is None:
            for path, name in left:
                yield read_one(path, corpus, name, settings, code)
                bar.advance()
        while pool is not None and waiting:
            done = waiting.pop(0)
            document = done.result()
            waiting += [pool.submit(read_one, path, corpus, name, settings, code) for path, name in itertools.islice(left, 1)]
            bar.advance()
            yield document


@cache
def _counter(tokenizer: str) -> TokenCounter:
    return token_counter(tokenizer)


def read_one(path: Path, corpus: Path, source: str, settings: ChunkSettings, code: str = "") -> ReadDocument:
    """The chunks and coverage of the document called ``source``; an error is a field of the answer and no exception.

    A passage that is plainly in another language than its document, such as a translation, keeps its own.
    """
    try:
        document = read_document(path, corpus, source, settings.reader, ocr=settings.ocr)
    except InputError as error:
        return _failure(source, error.message, error.cure, " ".join(str(error).split()))
    given = language(settings.language).code if settings.language else code
    structured = structure(document, given)
    body = structured.body_text()
    spoken = given or sure_language(body)
    chunks, repeated = cut_blocks(structured.blocks, source, settings, _counter(settings.tokenizer), spoken)
    if not settings.language:
        chunks = [replace(chunk, language=other_language(chunk.text, spoken)) for chunk in chunks]
    dropped = Counter(structured.dropped)
    if repeated:
        dropped["repeated"] += sum(len("".join(text.split())) for text in repeated)
    if not chunks:
        kinds = ", ".join(f"{role} {count}" for role, count in sorted(dropped.items())) or "nothing was found to keep"
        message, cure = (
            f"no text is left ({kinds} characters)",
            "see whether its text is in the running heads or the contents, and say so",
        )
        return _failure(source, message, cure, f"{source}: {message}; help: {cure}")
    notes = [f"{source}: {note}" for note in document.notes]
    told = None
    if settings.check:
        try:
            told = witness(path)
        except Exception as error:  # the second reader's library raises whatever it meets; the first one has read the file
            notes.append(f"{source}: not checked by a second reader, {witness_name(path)} fails ({type(error).__name__})")
    covered = measure(structured, chunks, repeated, told, witness_name(path))
    characters = len("".join(body.split()))
    letters = Counter[str]()
    for chunk in chunks:
        letters[chunk.language] += len(chunk.text)
    return ReadDocument(
        source,
        table_of(chunks, Chunk),
        dict(letters),
        covered,
        characters,
        dict(dropped),
        tuple(notes),
        harvested=tuple(harvest(structured.blocks, chunks)),
        language=spoken,
        undecided="" if spoken else body[:READ],
    )


def _failure(source: str, message: str, cure: str, said: str) -> ReadDocument:
    return ReadDocument(source, failed=said, reject=Rejection("synth.chunk", source, "document", "unreadable", message, text=cure))
