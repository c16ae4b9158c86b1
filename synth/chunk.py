"""A folder of documents to chunks.parquet, and to coverage.parquet, which says what of each document the chunks hold.

Documents are read in parallel (``reading``), one process a core, and put together in name order, so that the result does not depend on how
many there are. A document is held in memory only while its process works on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from triplette.engine import LOCAL, Engine
from triplette.errors import InputError, SettingError
from triplette.kept import KeptBlocks
from triplette.languages import language
from triplette.languages.identify import READ, best_language
from triplette.profile import Profile, corpus_profile, keep_profile, neutral_in
from triplette.records import Chunk, Coverage
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.synth import ChunkSettings
from triplette.step import Step
from triplette.synth.ingest import find_documents
from triplette.synth.ingest.harvest import FILE as HARVEST_FILE
from triplette.synth.ingest.harvest import Harvested
from triplette.synth.kept_documents import DocumentFiles
from triplette.synth.reading import ReadDocument, changed, read_all
from triplette.synth.refs import resolve_references
from triplette.tables import read_records, table_of, write_records, write_table

WORST = 10  # documents that the result lists


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What chunking did.

    ``coverage`` is the share of the words that a second reader finds which some chunk holds, ``whole`` that of its sentences that the
    chunks hold word after word: 0..1 over all documents, None where it finds none, as in pages that are pictures. ``worst`` are (source,
    words, sentences) of the documents under a warning limit, lowest first. ``languages`` maps a language's code to its share of the
    chunks' characters, largest first. ``dropped`` counts characters left out as boilerplate, by reason; ``failed`` holds one error a
    document.
    """

    documents: int
    chunks: int
    characters: int
    coverage: float | None
    whole: float | None
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

    def facts(self) -> dict[str, Any]:
        """The summary, in words."""
        reasons = ", ".join(f"{reason} {count}" for reason, count in self.dropped.items()) or "none"
        return {
            "documents": self.documents,
            "chunks": self.chunks,
            "languages": self.spoken(),
            "longest, in tokens": self.longest,
            "characters of text": self.characters,
            "words in a chunk": percent(self.coverage),
            "sentences whole in a chunk": percent(self.whole),
            "dropped as boilerplate": f"{sum(self.dropped.values())} ({reasons})",
            "seconds": round(self.seconds, 2),
        }


def percent(share: float | None) -> str:
    """A share of what a second reader finds, in words."""
    return "not checked: a second reader finds none" if share is None else f"{100 * share:.2f} %"


def chunk_corpus(
    run: RunDir, corpus: Path, settings: ChunkSettings, profile: Profile | None = None, *, engine: Engine = LOCAL
) -> ChunkResult:
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
    kept = KeptBlocks.of(step)
    spread = partial(kept.run, engine, codec=DocumentFiles())
    read = _settled(read_all(files, corpus, settings, engine=engine, spread=spread), files, corpus, settings, engine)
    for place, (path, name) in enumerate(files):
        if not read[place].failed and folder.has_changed(path):
            read[place] = changed(name)
    chunks = concat_tables([document.rows for document in read if document.rows is not None] or [table_of([], Chunk)])
    chunks = resolve_references(chunks)
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
        kept.forget()
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
        coverage=total["words_held"] / total["words"] if total["words"] else None,
        whole=total["sentences_whole"] / total["sentences"] if total["sentences"] else None,
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


def _settled(
    read: list[ReadDocument], files: Sequence[tuple[Path, str]], corpus: Path, settings: ChunkSettings, engine: Engine
) -> list[ReadDocument]:
    """Documents too short to tell their language are in that of the most (by letters) of the others, or of all together.

    Those that were read as in another are read again.
    """
    places = [place for place, document in enumerate(read) if document.undecided]
    weights = Counter[str]()
    for document in read:
        if document.language:
            weights[document.language] += document.characters
    if places:
        together = " ".join(read[place].undecided for place in places)[:READ]
        code = weights.most_common(1)[0][0] if weights else best_language(together)
        again = [place for place in places if read[place].guessed != code]
        second = read_all([files[place] for place in again], corpus, settings, code, engine=engine)
        for place, document in zip(again, second, strict=True):
            read[place] = document
    return read
