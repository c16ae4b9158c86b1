"""Triplets in a terminal: the question, the passage that answers, and the passages that seem to, with their provenance."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from triplette.errors import InputError
from triplette.french import fold
from triplette.records import Chunk, Question, Triplet
from triplette.rundir import RunDir
from triplette.tables import read_records

EXCERPT = 320  # characters of a passage shown unless all is asked for


def select_triplets(
    run: RunDir,
    *,
    count: int,
    seed: int | None = None,
    containing: str = "",
    kind: str = "",
    source: str = "",
    triplet_id: str = "",
) -> list[dict[str, Any]]:
    """Triplets as plain dictionaries: the first ``count`` that match, or a random ``count`` with a seed.

    Raises MissingStage before mining, InputError when nothing matches.
    """
    run.require("chunks.parquet", "questions.parquet", "triplets.parquet")
    chunks = {chunk.id: chunk for chunk in read_records(run.path("chunks.parquet"), Chunk)}
    questions = {question.id: question for question in read_records(run.path("questions.parquet"), Question)}
    triplets = read_records(run.path("triplets.parquet"), Triplet)
    needle = fold(containing).lower()
    found = [
        triplet
        for triplet in triplets
        if needle in fold(triplet.question).lower()
        and (not kind or questions[triplet.question_id].kind == kind)
        and (not source or source in chunks[triplet.positive_id].source)
        and (not triplet_id or triplet_id in (triplet.id, triplet.question_id))
    ]
    if not found:
        raise InputError("no triplet matches", where=str(run.path("triplets.parquet")), cure="loosen the filters")
    if seed is not None:
        found = random.Random(seed).sample(found, min(count, len(found)))
    return [as_view(triplet, questions[triplet.question_id], chunks) for triplet in found[:count]]


def as_view(triplet: Triplet, question: Question, chunks: Mapping[str, Chunk]) -> dict[str, Any]:
    """A triplet with its texts."""

    def passage(chunk_id: str) -> dict[str, Any]:
        chunk = chunks[chunk_id]
        return {
            "chunk_id": chunk.id,
            "source": chunk.source,
            "page": chunk.page_start,
            "articles": list(chunk.articles),
            "title": chunk.title,
            "text": chunk.text,
        }

    return {
        "id": triplet.id,
        "question_id": question.id,
        "question": question.text,
        "kind": question.kind,
        "persona": question.persona,
        "difficulty": question.difficulty,
        "writer": f"{question.provider}/{question.model}/{question.prompt}",
        "positive": {
            **passage(triplet.positive_id),
            "bm25_rank": triplet.positive_bm25_rank,
            "dense_rank": triplet.positive_dense_rank,
        },
        "negatives": [
            {
                **passage(negative.chunk_id),
                "ranker": negative.ranker,
                "bm25_rank": negative.bm25_rank,
                "dense_rank": negative.dense_rank,
                "margin": round(negative.margin, 4),
                "why": negative.why,
            }
            for negative in triplet.negatives
        ],
    }


def render(views: Sequence[Mapping[str, Any]], *, full: bool = False) -> None:
    """Print triplets on stdout. Texts are data: no markup in them is obeyed, control characters are shown as spaces."""
    from rich.text import Text

    from triplette.console import console

    out = console()
    for view in views:
        out.print(Text(_safe(view["question"]), style="bold"))
        out.print(Text(f"  {view['id']}  {view['kind']} · {view['persona']} · {view['difficulty']} · {view['writer']}", style="dim"))
        positive = view["positive"]
        ranks = f"BM25 rank {positive['bm25_rank']}, dense rank {positive['dense_rank']}"
        _passage(out, "answers", positive, ranks, full, "green")
        for negative in view["negatives"]:
            found = f"{negative['ranker']}: BM25 rank {negative['bm25_rank'] or '-'}, dense rank {negative['dense_rank'] or '-'}"
            _passage(out, "seems to", negative, f"{found}, margin {negative['margin']}; {negative['why']}", full, "red")
        out.print()


def _passage(out: Any, label: str, passage: Mapping[str, Any], detail: str, full: bool, colour: str) -> None:
    from rich.padding import Padding
    from rich.text import Text

    page = f" p. {passage['page']}" if passage["page"] else ""
    head = Text(f"  {label}: ", style=colour)
    head.append(_safe(f"{passage['source']}{page} · {passage['title']}"))
    out.print(head)
    text = _safe(passage["text"])
    out.print(Padding(Text(text if full or len(text) <= EXCERPT else text[:EXCERPT].rstrip() + " […]"), (0, 0, 0, 4)))
    out.print(Padding(Text(f"({detail})", style="dim"), (0, 0, 0, 4)))


def _safe(text: str) -> str:
    return "".join(c if c == "\n" or c.isprintable() else " " for c in text)
