"""``curate explain``: the whole life of a row, from the page it came from to the models that saw it.

Nothing is remembered for this: every step left a record with its parent's id, and they are read back here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from triplette.curate.decisions import AUTOMATIC, HUMAN, QUARANTINE, Decision, Decisions, read_decisions
from triplette.dataset import DatasetRow
from triplette.errors import InputError
from triplette.gate import RESULT
from triplette.jsonl import read_object
from triplette.languages import Language, language
from triplette.languages.text import plain
from triplette.records import Chunk, Question, Rejection, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.tables import read_records

CLOSE = 0.6  # share of a subject's words that a question must hold to be nearly these words
EXCERPT = 300
_USERS = ("train.", "export.")
Found = Decision | dict[str, Any] | Rejection  # a row, a gold question of the dataset, a question that fell out


def explain(run: RunDir, subject: str) -> dict[str, Any]:
    """The story of a triplet, question or chunk (its id), a gold question, or of the question that holds these words.

    Words that fit several questions give a list of them: ``state`` "several", ``matches`` with ids and states. Raises InputError
    when nothing is found.
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
    if isinstance(chosen, list):
        return _several(subject, chosen)
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


def _find(decisions: Decisions, rows: Sequence[dict[str, Any]], rejects: Sequence[Rejection], subject: str) -> Found | list[Found]:
    """What is meant. An id wins; words find the questions that are, hold or nearly are these words, the first kind that there is."""
    if subject in decisions.by_triplet:
        return decisions.by_triplet[subject]
    by_id = [d for d in decisions.rows if subject in (d.question.id, d.triplet.question_id)]
    gold = [row for row in rows if not row["triplet_id"] and row["question_id"] == subject]
    fallen = [item for item in rejects if item.subject_id == subject]
    for found in (by_id, gold, fallen):
        if found:
            return found[0]
    wanted = plain(subject)
    there: list[Found] = [*decisions.rows, *(row for row in rows if not row["triplet_id"])]
    known = {_identity(row) for row in there} | {d.triplet.question_id for d in decisions.rows}
    gone = {item.subject_id: item for item in rejects if item.subject_kind == "question" and item.text and item.subject_id not in known}
    candidates = [*there, *gone.values()] if wanted else []
    exact = [c for c in candidates if plain(_text(c)) == wanted]
    holding = [c for c in candidates if wanted in plain(_text(c))]
    close = sorted(((_speech(c, decisions).overlap(subject, _text(c)), -i) for i, c in enumerate(candidates)), reverse=True)
    close = [item for item in close if item[0] >= CLOSE]
    if close and (len(close) == 1 or close[0][0] > close[1][0]):
        close = close[:1]
    for matches in (exact, holding, [candidates[-i] for _, i in close]):
        if matches:
            return matches[0] if len(matches) == 1 else matches
    raise InputError(
        f"nothing in this run has the id or the words {subject!r}", cure="`synth show --containing WORD` lists questions with their ids"
    )


def _speech(candidate: Found, decisions: Decisions) -> Language:
    if isinstance(candidate, Rejection):
        chunk = decisions.chunks.get(candidate.parent_id)
        return language(chunk.language if chunk else "")
    code = candidate["language"] if isinstance(candidate, dict) else decisions.chunks[candidate.triplet.positive_id].language
    return language(code)


def _several(subject: str, matches: Sequence[Found]) -> dict[str, Any]:
    """The list of what fits, and what became of each."""
    found = [{"id": _identity(match), "question": _text(match), "state": _state(match)} for match in matches]
    return {"id": subject, "state": "several", "matches": found}


def _text(row: Found) -> str:
    if isinstance(row, Rejection):
        return row.text
    return str(row["question"]) if isinstance(row, dict) else row.question.text


def _identity(row: Found) -> str:
    if isinstance(row, Rejection):
        return row.subject_id
    return str(row["question_id"]) if isinstance(row, dict) else row.triplet.id


def _state(row: Found) -> str:
    if isinstance(row, Rejection):
        return f"{row.step}: {row.reason}"
    if isinstance(row, dict):
        return "gold"
    if row.reason == "unjudged":  # nothing was found wrong with it
        return "not judged yet"
    return "accepted" if row.accepted else f"{row.step}: {row.reason}"


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
    result = read_object(path, "a validation", f"run `{run.command('curate validate')}`", ("expectations",))
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
    return (
        [asdict(row) for row in read_records(run.path("dataset/rows.parquet"), DatasetRow)] if run.has("dataset/rows.parquet") else []
    )


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
    if isinstance(chosen, list):
        return _several(subject, chosen)
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
    from triplette.lines import print_line

    for line in lines_of(story):
        print_line(line)


def lines_of(story: Mapping[str, Any]) -> list[str]:
    """The story in plain lines."""
    if story["state"] == "several":
        return _match_lines(story)
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


def _match_lines(story: Mapping[str, Any]) -> list[str]:
    matches = story["matches"]
    head = f"{len(matches)} questions fit {story['id']!r}; `curate explain ID` tells the story of one:"
    return [head, *(f"  {match['id']}  {match['question']} ({match['state']})" for match in matches)]


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
