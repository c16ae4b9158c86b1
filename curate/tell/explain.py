"""``curate explain``: the whole life of a row, from the page it came from to the models that saw it.

Nothing is remembered for this: every step left a record with its parent's id, and they are read back here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from triplette.curate.decisions import AUTOMATIC, HUMAN, QUARANTINE, Decision, Decisions, read_decisions
from triplette.errors import InputError
from triplette.gate import RESULT
from triplette.languages import Language, language
from triplette.languages.text import plain
from triplette.records import Chunk, Question, Rejection, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.tables import read_records, read_table

MOST_MATCHES = 10
EXCERPT = 300
_USERS = ("train.", "export.")


def explain(run: RunDir, subject: str) -> dict[str, Any]:
    """The story of a triplet, question or chunk (its id), a gold question, or of the questions that hold these words.

    Raises InputError when nothing is found, or when the words fit more than one row well (the error lists them).
    """
    run.require("chunks.parquet", "questions.parquet")
    if not run.has("triplets.parquet"):
        return _early(run, subject)
    decisions = read_decisions(run)
    rejects = run.read_rejects()
    rows = _dataset_rows(run)
    if subject in decisions.chunks and subject not in decisions.by_triplet:
        return _chunk_story(decisions, subject)
    chosen = _find(decisions, rows, rejects, subject)
    if isinstance(chosen, Rejection):
        return {"id": chosen.subject_id, "question": chosen.text, "state": "rejected", "rejected": [asdict(chosen)]}
    if isinstance(chosen, dict):
        return {"id": chosen["question_id"], "question": chosen["question"], "state": "gold", **_after(run, decisions, chosen)}
    return _story(run, decisions, chosen, rejects, rows)


def _story(
    run: RunDir, decisions: Decisions, row: Decision, rejects: Sequence[Rejection], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    triplet, question = row.triplet, row.question
    placed = next((item for item in rows if item["triplet_id"] == triplet.id), None)
    return {
        "id": triplet.id,
        "question": question.text,
        "state": "accepted" if row.accepted else "not accepted",
        "because": {} if row.accepted else {"step": row.step, "reason": row.reason, "detail": row.detail},
        "chunk": _chunk(decisions.chunks.get(triplet.positive_id), triplet.positive_id),
        "written": _written(decisions, question),
        "positive": {
            "bm25_rank": triplet.positive_bm25_rank,
            "bm25_score": triplet.positive_bm25,
            "dense_rank": triplet.positive_dense_rank,
            "dense_score": triplet.positive_dense,
            "encoder": triplet.encoder,
            "further_positives": list(row.positives[1:]),
        },
        "negatives": [_negative(row, negative, decisions) for negative in triplet.negatives],
        "verdicts": list(_verdicts(run, triplet.id)),
        "human": row.human,
        "rejected": [
            asdict(item) for item in rejects if triplet.id in (item.subject_id, item.parent_id) and item.subject_kind == "triplet"
        ],
        **_after(run, decisions, placed),
    }


def _after(run: RunDir, decisions: Decisions, placed: Mapping[str, Any] | None) -> dict[str, Any]:
    """What happened to a row after the build: its place, its expectations, and who used the dataset it is in."""
    if placed is None:
        return {"dataset": None, "expectations": [], "used_by": []}
    place = {key: placed[key] for key in ("split", "position", "origin", "component", "score", "review", "source", "writer")}
    place["positives"] = [_title(decisions.chunks.get(i), i) for i in placed["positive_ids"]]
    return {
        "dataset": place,
        "expectations": _expectations(run, placed["triplet_id"] or placed["question_id"]),
        "used_by": _users(run),
    }


def _find(
    decisions: Decisions, rows: Sequence[dict[str, Any]], rejects: Sequence[Rejection], subject: str
) -> Decision | dict[str, Any] | Rejection:
    """The one row that is meant. An id wins; words must fit one row, or one clearly better than the others."""
    if subject in decisions.by_triplet:
        return decisions.by_triplet[subject]
    by_id = [d for d in decisions.rows if subject in (d.question.id, d.triplet.question_id)]
    gold = [row for row in rows if not row["triplet_id"] and row["question_id"] == subject]
    fallen = [item for item in rejects if item.subject_id == subject]
    for found in (by_id, gold, fallen):
        if found:
            return found[0]
    wanted = plain(subject)
    candidates: list[Decision | dict[str, Any]] = [*decisions.rows, *(row for row in rows if not row["triplet_id"])]
    exact = [c for c in candidates if plain(_text(c)) == wanted]
    holding = [c for c in candidates if wanted in plain(_text(c))]
    for matches in (exact, holding):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise _several(subject, matches)
    close = sorted(
        ((_speech(c, decisions).overlap(subject, _text(c)), i) for i, c in enumerate(candidates)), key=lambda item: (-item[0], item[1])
    )
    close = [item for item in close if item[0] >= 0.6]
    if len(close) == 1 or (len(close) > 1 and close[0][0] > close[1][0]):
        return candidates[close[0][1]]
    if close:
        raise _several(subject, [candidates[i] for _, i in close])
    raise InputError(
        f"nothing in this run has the id or the words {subject!r}", cure="`synth show --containing WORD` lists questions with their ids"
    )


def _speech(candidate: Decision | dict[str, Any], decisions: Decisions) -> Language:
    code = candidate["language"] if isinstance(candidate, dict) else decisions.chunks[candidate.triplet.positive_id].language
    return language(code)


def _several(subject: str, matches: Sequence[Decision | dict[str, Any]]) -> InputError:
    lines = "\n".join(f"  {_identity(match)}  {_text(match)}" for match in matches[:MOST_MATCHES])
    more = f"\n  ... and {len(matches) - MOST_MATCHES} more" if len(matches) > MOST_MATCHES else ""
    return InputError(f"{len(matches)} rows fit {subject!r}:\n{lines}{more}", cure="give the id of one of them")


def _text(row: Decision | dict[str, Any]) -> str:
    return row["question"] if isinstance(row, dict) else row.question.text


def _identity(row: Decision | dict[str, Any]) -> str:
    return row["question_id"] if isinstance(row, dict) else row.triplet.id


def _written(decisions: Decisions, question: Question) -> list[dict[str, Any]]:
    """The question and those it rewrites, newest first."""
    chain = [question]
    while chain[-1].parent in decisions.questions and len(chain) < 100:
        chain.append(decisions.questions[chain[-1].parent])
    keys = ("id", "text", "kind", "persona", "difficulty", "provider", "model", "prompt", "cost")
    return [{key: getattr(item, key) for key in keys} for item in chain]


def _negative(row: Decision, negative: Any, decisions: Decisions) -> dict[str, Any]:
    kept = negative.chunk_id in {n.chunk_id for n in row.negatives}
    fate = "kept" if kept else row.dropped.get(negative.chunk_id, "further positive")
    return {**asdict(negative), "title": _title(decisions.chunks.get(negative.chunk_id), negative.chunk_id), "fate": fate}


def _verdicts(run: RunDir, triplet: str) -> Iterable[dict[str, Any]]:
    for name in (*AUTOMATIC, QUARANTINE, HUMAN):
        if run.has(name):
            for verdict in read_records(run.path(name), Verdict):
                if verdict.subject_id.split("/", 1)[0] == triplet:
                    yield {"file": name, **asdict(verdict)}


def _expectations(run: RunDir, subject: str) -> list[str]:
    """Expectations that the row fails, by name."""
    path = run.path(RESULT)
    if not path.exists():
        return []
    result = json.loads(path.read_text(encoding="utf-8"))
    return [f"{item['name']} ({item['severity']})" for item in result["expectations"] if subject in item["failing_ids"]]


def _users(run: RunDir) -> list[dict[str, Any]]:
    """Ledger lines of training and export whose input was the dataset as it is now."""
    now = run.fingerprints(["dataset/train.parquet", "dataset/rows.parquet"])
    built = run.last("curate.build")
    found = []
    for entry in run.entries():
        if entry["stage"].startswith(_USERS):
            inputs = entry["inputs"]
            shared = {name for name in now if name in inputs}
            same = all(inputs[name] == now[name] for name in shared) if shared else bool(built and entry["at"] >= built["at"])
            if same:
                found.append({"stage": entry["stage"], "at": entry["at"], "seconds": entry["seconds"]})
    return found


def _dataset_rows(run: RunDir) -> list[dict[str, Any]]:
    return read_table(run.path("dataset/rows.parquet")).to_pylist() if run.has("dataset/rows.parquet") else []


def _chunk(chunk: Chunk | None, chunk_id: str) -> dict[str, Any]:
    return {"id": chunk_id, "missing": True} if chunk is None else asdict(chunk)


def _title(chunk: Chunk | None, chunk_id: str) -> str:
    if chunk is None:
        return f"{chunk_id} (no such chunk)"
    page = f" p. {chunk.page_start}" if chunk.page_start else ""
    return f"{chunk_id} {chunk.source}{page} · {chunk.title}"


def _chunk_story(decisions: Decisions, chunk_id: str) -> dict[str, Any]:
    """A chunk with the questions over it and the triplets it is a negative of."""
    over = [d for d in decisions.rows if d.triplet.positive_id == chunk_id]
    against = [d for d in decisions.rows if any(n.chunk_id == chunk_id for n in d.triplet.negatives)]
    return {
        "id": chunk_id,
        "state": "chunk",
        "chunk": asdict(decisions.chunks[chunk_id]),
        "questions": [{"triplet": d.triplet.id, "question": d.question.text, "accepted": d.accepted, "reason": d.reason} for d in over],
        "negative_of": [{"triplet": d.triplet.id, "question": d.question.text} for d in against],
    }


def _early(run: RunDir, subject: str) -> dict[str, Any]:
    """Before mining there are only questions and chunks."""
    from triplette.curate.decisions import Verdicts, decide

    chunks = read_records(run.path("chunks.parquet"), Chunk)
    questions = read_records(run.path("questions.parquet"), Question)
    stand_ins = [
        Triplet.make(
            question_id=q.id, question=q.text, positive_id=q.chunk_id, positive_bm25=0.0, positive_bm25_rank=0, positive_dense=0.0,
            positive_dense_rank=0, encoder="", negatives=(),
        )
        for q in questions
    ]  # fmt: skip
    decisions = decide(stand_ins, questions, chunks, Verdicts())
    if subject in decisions.chunks:
        return _chunk_story(decisions, subject)
    chosen = _find(decisions, [], run.read_rejects(), subject)
    if not isinstance(chosen, Decision):
        return {"id": subject, "state": "rejected", "rejected": [asdict(chosen)] if isinstance(chosen, Rejection) else []}
    question = chosen.question
    chunk = _chunk(decisions.chunks.get(question.chunk_id), question.chunk_id)
    return {
        "id": question.id,
        "question": question.text,
        "state": "not mined yet",
        "chunk": chunk,
        "written": _written(decisions, question),
    }


def render(story: Mapping[str, Any]) -> None:
    """Print a story on stdout. Texts are data: no markup in them is obeyed."""
    from triplette.console import console

    out = console()
    for line in lines_of(story):
        out.print("".join(c if c.isprintable() else " " for c in line), markup=False, soft_wrap=True)


def lines_of(story: Mapping[str, Any]) -> list[str]:
    """The story in plain lines."""
    lines = [f"{story.get('question') or story['id']}", f"  {story['id']}: {story['state']}"]
    if story.get("because"):
        because = story["because"]
        lines.append(f"  by {because['step']}: {because['reason']}" + (f" ({because['detail']})" if because["detail"] else ""))
    if story.get("chunk"):
        lines += _chunk_lines(story["chunk"])
    for item in story.get("written", []):
        who = f"{item['provider']}/{item['model']}, prompt {item['prompt']}, {item['cost']:.6f} USD"
        lines.append(f"written: {item['text']} [{item['kind']}, {item['persona']}, {item['difficulty']}] by {who} ({item['id']})")
    if story.get("positive"):
        p = story["positive"]
        lines.append(
            f"mined: positive has BM25 rank {p['bm25_rank']} ({p['bm25_score']:.2f}), "
            f"dense rank {p['dense_rank']} ({p['dense_score']:.3f}, {p['encoder']})"
        )
        lines += [f"further positive: {chunk}" for chunk in p["further_positives"]]
    for n in story.get("negatives", []):
        ranks = f"BM25 rank {n['bm25_rank'] or '-'}, dense rank {n['dense_rank'] or '-'}, margin {n['margin']:.3f}"
        lines.append(f"negative: {n['title']} ({n['ranker']}: {ranks}; {n['why']}) -> {n['fate']}")
    lines += [_verdict_line(v) for v in story.get("verdicts", [])]
    lines += [f"rejected: {item['step']}: {item['reason']}: {item['detail']}" for item in story.get("rejected", [])]
    if story.get("dataset"):
        d = story["dataset"]
        lines.append(f"dataset: {d['split']} row {d['position']} ({d['origin']}), component {d['component']}, score {d['score']:.3f}")
        lines += [f"  positive: {title}" for title in d["positives"]]
        lines.append(f"expectations: {', '.join(story['expectations']) or 'fails none'}")
    lines += [f"used by {item['stage']} at {item['at']}" for item in story.get("used_by", [])]
    for item in story.get("questions", []):
        lines.append(f"question: {item['question']} ({item['triplet']}) {'accepted' if item['accepted'] else item['reason']}")
    lines += [f"negative of: {item['question']} ({item['triplet']})" for item in story.get("negative_of", [])]
    return lines


def _chunk_lines(chunk: Mapping[str, Any]) -> list[str]:
    if chunk.get("missing"):
        return [f"chunk: {chunk['id']} is in no file of this run"]
    page = f", pages {chunk['page_start']}-{chunk['page_end']}" if chunk["page_start"] else ""
    head = (
        f"chunk: {chunk['id']} {chunk['source']}{page}, characters {chunk['char_start']}-{chunk['char_end']}, {chunk['tokens']} tokens"
    )
    text = chunk["text"]
    return [head, f"  {chunk['title']}", f"  {text if len(text) <= EXCERPT else text[:EXCERPT].rstrip() + ' [...]'}"]


def _verdict_line(verdict: Mapping[str, Any]) -> str:
    scores = ", ".join(f"{s['criterion']} {s['value']:.2f}" for s in verdict["scores"])
    about = f" on {verdict['chunk_id']}" if verdict["subject_kind"] == "negative" else ""
    said = "; ".join(
        part for part in (verdict["reason"], scores, f"evidence: {verdict['evidence']}" if verdict["evidence"] else "") if part
    )
    return f"verdict: {verdict['judge']} {verdict['judge_name']}{about}: {verdict['decision']}" + (f" ({said})" if said else "")
