"""What becomes of the questions that people wrote in the documents: they measure, or they train, never both.

``gold`` writes them as a gold file, in the form that ``curate build --gold`` takes, and keeps the writer from asking the same; ``train``
puts them before the written ones in questions.parquet; ``off`` leaves them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from triplette.languages import language
from triplette.records import Chunk, Question, Rejection
from triplette.rundir import HARVEST_GOLD, RunDir
from triplette.synth.ingest.harvest import FILE, Harvested
from triplette.tables import read_records, write_text

GOLD_FILE = HARVEST_GOLD
SAME = 0.6  # Jaccard of word bigrams over which a written question about the same chunk is the document's own


def load_harvest(run: RunDir, chunks: Sequence[Chunk]) -> list[Harvested]:
    """The harvested questions whose chunk is still one of the run's."""
    path = run.path(FILE)
    known = {chunk.id for chunk in chunks}
    return [row for row in read_records(path, Harvested) if row.chunk_id in known] if path.exists() else []


def apply_harvest(
    harvested: Sequence[Harvested], mode: str, questions: Sequence[Question]
) -> tuple[list[Question], list[Rejection], tuple[str, ...]]:
    """The questions to keep, the written ones that fell out because a document asks the same, and notes."""
    if mode == "off" or not harvested:
        notes = (f"{len(harvested)} questions that people wrote in the documents are left out (--harvest gold or train uses them)",)
        return list(questions), [], notes if harvested else ()
    exact = {" ".join(language(row.language).folded_words(row.question)) for row in harvested}
    near: dict[str, list[frozenset[str]]] = {}
    for row in harvested:
        near.setdefault(row.chunk_id, []).append(language(row.language).shingles(row.question, 2))
    spoken = {row.chunk_id: language(row.language) for row in harvested}
    kept: list[Question] = []
    rejects: list[Rejection] = []
    for question in questions:
        mine = spoken.get(question.chunk_id, language(harvested[0].language))
        own = mine.shingles(question.text, 2)
        same = any(len(own & other) >= SAME * len(own | other) for other in near.get(question.chunk_id, ()) if own | other)
        if same or " ".join(mine.folded_words(question.text)) in exact:
            detail = "a document asks the same: its own wording is kept" + (" as gold" if mode == "gold" else "")
            rejects.append(Rejection("synth.write", question.id, "question", "harvested", detail, question.chunk_id, question.text))
        else:
            kept.append(question)
    if mode == "train":
        return [*(row.as_question() for row in harvested), *kept], rejects, (f"{len(harvested)} questions are the documents' own",)
    note = f"{len(harvested)} questions that people wrote in the documents are gold ({GOLD_FILE}): they measure and never train; --harvest train trains on them"
    return kept, rejects, (note,)


def write_gold(run: RunDir, harvested: Sequence[Harvested], mode: str) -> list[str]:
    """Write the gold file, or remove one that an earlier run left; the names of what was written."""
    path = run.path(GOLD_FILE)
    if mode != "gold" or not harvested:
        path.unlink(missing_ok=True)
        return []
    rows = (
        {"question": row.question, "source": row.source, "text": row.answer, "kind": "unknown", "origin": "document"}
        for row in harvested
    )
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return [GOLD_FILE]
