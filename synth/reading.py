"""Documents read in processes of their own, so that one on which a library dies or never ends costs itself and no other.

Each process is handed one document at a time. Who hands them out waits for an answer, for the process's end or for its silence: readers beat
once a page (``ingest.heartbeat``). A document whose second reading, the one that only checks, ends so is read once more without it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triplette.console import Progress, progress
from triplette.engine import LOCAL, Engine
from triplette.errors import InputError
from triplette.languages import language
from triplette.languages.identify import READ, likely_language, other_language, sure_language
from triplette.records import Chunk, Coverage, Rejection
from triplette.settings.synth import ChunkSettings
from triplette.synth.cut import cut_blocks
from triplette.synth.ingest import read_document, structure
from triplette.synth.ingest.coverage import measure
from triplette.synth.ingest.harvest import Harvested, harvest
from triplette.synth.ingest.heartbeat import CHECKING, READING, beat, listener
from triplette.synth.ingest.readers import MARKDOWN, TEXT
from triplette.synth.ingest.witness import witness, witness_name
from triplette.tables import table_of
from triplette.tokens import TokenCounter, token_counter

if TYPE_CHECKING:
    import pyarrow as pa

PARALLEL_BYTES = 2_000_000  # of text under which another process costs more than it saves
SLOWEST = 50_000  # bytes a second: a twentieth of what we measure on one core, for formats that have no pages to count
BEAT_SECONDS = 0.5  # between two beats: a page may take a millisecond
FIRST_SECONDS = 1.0  # after which the progress line says that reading has begun
SAY_SECONDS = 0.5  # how long a wait for answers may keep the progress line back


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document's chunks and figures, or why it has none.

    ``rows`` are its chunks as an Arrow table, a third of the memory that they take as records, and ``letters`` their characters by language.
    ``undecided`` is the start of a text too short to tell its language by; it was read as one in ``guessed``.
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
    guessed: str = ""


# (path, corpus folder, name, settings, code of the language where the document does not show it)
Job = tuple[Path, Path, str, ChunkSettings, str]
Reader = Callable[[Path, Path, str, ChunkSettings, str], ReadDocument]
Spread = Callable[[Callable[..., ReadDocument], Sequence[tuple[Any, ...]]], Iterator[ReadDocument]]


def read_all(
    files: Sequence[tuple[Path, str]],
    corpus: Path,
    settings: ChunkSettings,
    code: str = "",
    *,
    read: Reader | None = None,
    engine: Engine = LOCAL,
    spread: Spread | None = None,
) -> list[ReadDocument]:
    """Every document, in the files' order whatever the number of processes; ``code`` is the language of those that do not show it.

    A few texts and Markdown files are read here and now: no library of theirs can end the process. ``read`` is ``read_one`` unless a test says.
    On another ``engine`` a document is a block; its machines must see the files under the same paths, and ``patience`` does not hold there.
    ``spread`` runs those blocks, as ``Engine.run`` does unless the caller keeps them.
    """
    read = read or read_one
    jobs: list[Job] = [(path, corpus, name, settings, code) for path, name in files]
    if engine.spread:
        with progress("reading documents", len(jobs)) as bar:
            return [_advanced(bar, document) for document in (spread or engine.run)(_named, [(read, _absolute(job)) for job in jobs])]
    plain = all(path.suffix.lower() in (*TEXT, *MARKDOWN) for path, _ in files)
    if plain and sum(path.stat().st_size for path, _ in files) < PARALLEL_BYTES:
        with progress("reading documents", len(jobs)) as bar:
            return [_advanced(bar, _named(read, job)) for job in jobs]
    workers: list[_Worker] = []
    try:
        for _ in range(min(settings.workers or os.cpu_count() or 1, len(jobs))):
            workers.append(_Worker(read, workers))  # forked before the progress bar starts its thread
        with progress("reading documents", len(jobs), first=FIRST_SECONDS) as bar:
            return _handed_out(jobs, workers, settings.patience, read, bar)
    finally:
        for worker in workers:
            worker.end()


def _absolute(job: Job) -> Job:
    """The job with paths that mean the same in another process's folder."""
    return (job[0].absolute(), job[1].absolute(), *job[2:])


def _advanced(bar: Progress, document: ReadDocument) -> ReadDocument:
    bar.advance()
    return document


def _handed_out(jobs: Sequence[Job], workers: list[_Worker], patience: float, read: Reader, bar: Progress) -> list[ReadDocument]:
    """The documents by place. ``workers`` is kept up: one that ends is replaced."""
    done: dict[int, ReadDocument] = {}
    waiting = deque(enumerate(jobs))
    unchecked: dict[int, str] = {}  # why a document is read again without its check
    while len(done) < len(jobs):
        for worker in workers:
            if worker.place is None and waiting:
                worker.begin(*waiting.popleft())
        busy = [worker for worker in workers if worker.place is not None]
        heard = wait([worker.pipe for worker in busy], timeout=SAY_SECONDS)
        bar.tick()
        for worker in busy:
            answer = worker.hear() if worker.pipe in heard else worker.overdue(patience)
            if answer is None:
                continue
            place = worker.place
            assert place is not None
            worker.place = None
            if isinstance(answer, _Lost):
                workers[workers.index(worker)] = worker.replaced(read, workers)
                path, corpus, name, settings, code = jobs[place]
                if answer.stage == CHECKING and place not in unchecked:
                    unchecked[place] = f"{name}: not checked by a second reader, {witness_name(path)} {answer.why}"
                    waiting.appendleft((place, (path, corpus, name, replace(settings, check=False), code)))
                    continue
                answer = _failure(name, f"cannot be read: the reader {answer.why}", LOST_CURE)
            elif place in unchecked:
                answer = replace(answer, notes=(*answer.notes, unchecked[place]))
            done[place] = _advanced(bar, answer)
    return [done[place] for place in range(len(jobs))]


LOST_CURE = "open and save it again in its program, or convert it to text; `--exclude` leaves it out"


@dataclass(frozen=True, slots=True)
class _Lost:
    """A document that its process did not survive or did not finish: at which stage, and what happened."""

    stage: str
    why: str


class _Worker:
    """A process that reads what it is handed. ``place`` is that document's in the corpus; None: it is idle."""

    def __init__(self, read: Reader, others: Sequence[_Worker]) -> None:
        # a fork is cheap and safe here; elsewhere than on Linux a fresh interpreter is the only safe start
        forks = sys.platform == "linux"
        context: Any = get_context("fork" if forks else "spawn")
        self.pipe, theirs = context.Pipe()
        inherited = [self.pipe, *(other.pipe for other in others)] if forks else []
        self._process = context.Process(target=_work, args=(theirs, inherited, read), daemon=True)
        self._process.start()
        theirs.close()
        self.place: int | None = None
        self._stage, self._since, self._size = READING, 0.0, 0

    def begin(self, place: int, job: Job) -> None:
        self.place, self._stage, self._since = place, READING, time.monotonic()
        self._size = job[0].stat().st_size if job[0].exists() else 0
        with suppress(OSError):  # it has ended while idle; ``hear`` says so
            self.pipe.send(job)

    def hear(self) -> ReadDocument | _Lost | None:
        """The document, why there is none, or None after a beat."""
        try:
            heard = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode or 0
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return _Lost(self._stage, f"ended its process ({name}{', as when memory runs out' if name == 'SIGKILL' else ''})")
        if isinstance(heard, str):
            self._stage, self._since = heard, time.monotonic()
            return None
        document: ReadDocument = heard
        return document

    def overdue(self, patience: float) -> _Lost | None:
        """Says so when nothing was heard for ``patience`` seconds, and for the time that a file of its size may take."""
        silent = time.monotonic() - self._since
        if not patience or silent <= patience + self._size / SLOWEST:
            return None
        return _Lost(self._stage, f"gave no sign of life for {silent:.0f} seconds")

    def replaced(self, read: Reader, workers: Sequence[_Worker]) -> _Worker:
        """Another in its place, after its end."""
        self.end()
        return _Worker(read, [worker for worker in workers if worker is not self])

    def end(self) -> None:
        self.pipe.close()
        self._process.kill()
        self._process.join()


def _work(pipe: Connection, inherited: Sequence[Connection], read: Reader) -> None:
    """A process's life: jobs in, beats and documents out, until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in inherited:  # else a parent that is killed leaves its children waiting for each other
        other.close()
    last = 0.0
    stage = READING

    def heard(now: str) -> None:
        nonlocal last, stage
        if now != stage or time.monotonic() - last >= BEAT_SECONDS:
            last, stage = time.monotonic(), now
            pipe.send(now)

    listener.set(heard)
    try:
        while True:
            job = pipe.recv()
            last, stage = time.monotonic(), READING
            pipe.send(_named(read, job))
    except (EOFError, OSError):
        return


def _named(read: Reader, job: Job) -> ReadDocument:
    """The document; whatever a file sets off that no reader foresaw is that file's failure, and the others go on."""
    try:
        return read(*job)
    except MemoryError:
        return _failure(job[2], "takes more memory than there is", "free memory, or split the document")
    except Exception as error:
        return _failure(job[2], f"cannot be read ({type(error).__name__}: {error})", LOST_CURE)


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
    guessed = "" if spoken else likely_language(body)  # most often that of the corpus: then it need not be read again
    if guessed:
        structured = structure(document, guessed)
        body = structured.body_text()
    chunks, repeated = cut_blocks(structured.blocks, source, settings, _counter(settings.tokenizer), spoken or guessed)
    if not settings.language:
        chunks = [replace(chunk, language=other_language(chunk.text, spoken or guessed)) for chunk in chunks]
    dropped = Counter(structured.dropped)
    if repeated:
        dropped["repeated"] += sum(len("".join(text.split())) for text in repeated)
    if not chunks:
        kinds = ", ".join(f"{role} {count}" for role, count in sorted(dropped.items())) or "nothing was found to keep"
        message, cure = (
            f"no text is left ({kinds} characters)",
            "see whether its text is in the running heads or the contents, and say so",
        )
        return _failure(source, message, cure)
    notes = [f"{source}: {note}" for note in document.notes]
    told = None
    if settings.check:
        beat(CHECKING)
        try:
            told = witness(path)
        except MemoryError:
            notes.append(f"{source}: not checked by a second reader, {witness_name(path)} takes more memory than there is")
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
        guessed=guessed,
    )


def changed(source: str) -> ReadDocument:
    """In the place of a document that was written to while it was read; one that is gone too."""
    return _failure(source, "has changed while it was read", "run the command again when nothing writes to it")


def _failure(source: str, message: str, cure: str, said: str = "") -> ReadDocument:
    said = said or f"{source}: {message}; help: {cure}"
    return ReadDocument(source, failed=said, reject=Rejection("synth.chunk", source, "document", "unreadable", message, text=cure))
