"""Triplets in a terminal: the question, the passage that answers, and the passages that seem to, with their provenance.

An excerpt begins at the sentence that shares most ranking tokens with the question: that is where a passage answers or seems to, and the
top of a long one mostly says neither.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from triplette.console import visible
from triplette.errors import InputError
from triplette.languages import Language, language
from triplette.languages.text import fold
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

    Raises MissingStage before mining, InputError when nothing matches or a triplet's question or passage is gone.
    """
    run.require("chunks.parquet", "questions.parquet", "triplets.parquet")
    chunks = {chunk.id: chunk for chunk in read_records(run.path("chunks.parquet"), Chunk)}
    questions = {question.id: question for question in read_records(run.path("questions.parquet"), Question)}
    triplets = read_records(run.path("triplets.parquet"), Triplet)
    _check_names(run, triplets, questions, chunks)
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
        raise InputError(
            "no triplet matches",
            where=str(run.path("triplets.parquet")),
            cure=f"loosen the filters, or see what there is with `{run.command('synth show')}` alone",
        )
    if seed is not None:
        found = random.Random(seed).sample(found, min(count, len(found)))
    return [as_view(triplet, questions[triplet.question_id], chunks) for triplet in found[:count]]


def _check_names(run: RunDir, triplets: Sequence[Triplet], questions: Mapping[str, Question], chunks: Mapping[str, Chunk]) -> None:
    """Raise InputError unless every question and passage that a triplet names is there: an earlier stage may have run again."""
    for triplet in triplets:
        passages = (triplet.positive_id, *(negative.chunk_id for negative in triplet.negatives))
        if triplet.question_id not in questions or any(chunk_id not in chunks for chunk_id in passages):
            raise InputError(
                f"the triplet {triplet.id} names a question or a passage that is no longer in the run",
                where=str(run.path("triplets.parquet")),
                cure=f"run `{run.command('synth mine')}` again",
            )


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
            "language": chunk.language,
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


def excerpt(text: str, question: str, spoken: Language, length: int = EXCERPT) -> str:
    """At most ``length`` characters of ``text`` from the sentence that shares most tokens with ``question``, cuts shown as "[…]".

    The first of equally good sentences counts. Where little follows it, the excerpt begins at an earlier sentence and runs to the end.
    """
    if len(text) <= length:
        return text
    starts = _sentence_starts(text, spoken)
    asked = set(spoken.tokens(question))
    shared = [len(asked & set(spoken.tokens(text[start:stop]))) for start, stop in pairwise([*starts, len(text)])]
    best = starts[shared.index(max(shared))]
    start = min([best, *(start for start in starts if len(text) - start <= length)])
    cut = text[start : start + length].rstrip()
    return ("[…] " if start else "") + cut + (" […]" if start + length < len(text) else "")


def _sentence_starts(text: str, spoken: Language) -> list[int]:
    """Where the sentences of each line begin, 0 first."""
    starts, place = [0], 0
    for line in text.split("\n"):
        for sentence in spoken.sentences(line):
            # by its first word: around an abbreviation its spaces may be fewer than the text's, never more
            found = text.index(sentence.split(maxsplit=1)[0], place)
            if found:
                starts.append(found)
            place = found + len(sentence)
    return starts


def render(views: Sequence[Mapping[str, Any]], *, full: bool = False) -> None:
    """Print triplets on stdout. Texts are data: no markup in them is obeyed, control characters are shown as spaces."""
    from rich.text import Text

    from triplette.console import console

    out = console()
    for view in views:
        out.print(Text(visible(view["question"]), style="bold"))
        out.print(Text(f"  {view['id']}  {view['kind']} · {view['persona']} · {view['difficulty']} · {view['writer']}", style="dim"))
        positive = view["positive"]
        ranks = f"BM25 rank {positive['bm25_rank']}, dense rank {positive['dense_rank']}"
        _passage(out, "answers", positive, ranks, "" if full else view["question"], "green")
        for negative in view["negatives"]:
            found = f"{negative['ranker']}: BM25 rank {negative['bm25_rank'] or '-'}, dense rank {negative['dense_rank'] or '-'}"
            detail = f"{found}, margin {negative['margin']}; {negative['why']}"
            _passage(out, "seems to", negative, detail, "" if full else view["question"], "red")
        out.print()


def _passage(out: Any, label: str, passage: Mapping[str, Any], detail: str, question: str, colour: str) -> None:
    """One passage: all of it, or the excerpt for ``question`` when there is one."""
    from rich.padding import Padding
    from rich.text import Text

    page = f" p. {passage['page']}" if passage["page"] else ""
    head = Text(f"  {label}: ", style=colour)
    head.append(visible(f"{passage['source']}{page} · {passage['title']}"))
    out.print(head)
    text = visible(passage["text"])
    out.print(Padding(Text(excerpt(text, question, language(passage["language"])) if question else text), (0, 0, 0, 4)))
    out.print(Padding(Text(f"({detail})", style="dim"), (0, 0, 0, 4)))
