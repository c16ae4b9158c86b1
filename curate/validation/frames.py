"""The run's files as flat tables that the expectation library can look at: one row a subject, one column a measure.

The library checks columns. What concerns a list (a triplet's negatives) or several files (an id in one, its chunk in another) is
therefore counted here, as a column such as ``chunk_orphans`` that must be 0; the judgement stays in the suite. Everything is Arrow and
numpy work on whole columns: 100,000 triplets take about as long as reading them.

Only rows that the dataset uses are looked at: what a judge rejected cannot reach the GPU and is accounted for in rejected.parquet.
Every table has ``id``: the triplet's, or a gold question's, in ``chunks`` the chunk's, in ``documents`` the
document's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from triplette.arrays import Ints, Labels
from triplette.curate.dataset.composition import balance
from triplette.curate.dataset.split import leaks
from triplette.curate.decisions import KEEP, REWRITES, VERDICT_FILES
from triplette.curate.quota import Quota
from triplette.dataset import GOLD, HASHED_FILES, SPLITS, DatasetRow
from triplette.errors import InputError
from triplette.languages.identify import shares
from triplette.records import Chunk, Coverage, Question, Rejection, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.settings.build import BuildSettings
from triplette.similar import Pieces, question_keys, split_words
from triplette.tables import read_table, schema_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

CHUNKING = "synth.chunk"  # the step that names documents it cannot read
MOST_NEGATIVES = 50  # the highest max_negatives of [curate.build]
SOURCES = {"chunks.parquet": Chunk, "questions.parquet": Question, "triplets.parquet": Triplet}


@dataclass(frozen=True)
class Tables:
    """The files that the checks read, as Arrow tables."""

    corpus: pa.Table
    rows: pa.Table
    texts: dict[str, pa.Table]
    chunk_ids: pa.Array
    question_ids: pa.Array
    triplets: pa.Table
    judge: pa.Table
    coverage: pa.Table | None = None
    unread: tuple[str, ...] = ()  # names of documents that could not be read


def read_tables(run: RunDir) -> Tables:
    """Read every file that the checks need. Raises MissingStage, and InputError for a file that is corrupt or has other columns."""
    import pyarrow as pa

    run.require(*SOURCES, "verdicts/judge.parquet", *HASHED_FILES)
    for name in VERDICT_FILES:  # also those that no check reads: a corrupt one would fail the next build
        if run.has(name):
            _typed(run, name, Question if name == REWRITES else Verdict, [])
    questions = [_typed(run, "questions.parquet", Question, ["id"])["id"]]
    if run.has(REWRITES):
        questions.append(_typed(run, REWRITES, Question, ["id"])["id"])
    return Tables(
        corpus=_typed(run, "dataset/corpus.parquet", Chunk),
        rows=_typed(run, "dataset/rows.parquet", DatasetRow),
        texts={split: _texts_of(run, split) for split in SPLITS},
        chunk_ids=_typed(run, "chunks.parquet", Chunk, ["id"])["id"].combine_chunks(),
        question_ids=pa.concat_arrays([part for ids in questions for part in ids.chunks] or [pa.array([], pa.string())]),
        triplets=_typed(
            run, "triplets.parquet", Triplet, ["id", "question_id", "positive_id", "positive_dense", "positive_bm25", "negatives"]
        ),
        judge=_typed(run, "verdicts/judge.parquet", Verdict, ["subject_id", "subject_kind", "score", "scores"]),
        coverage=_typed(run, "coverage.parquet", Coverage) if run.has("coverage.parquet") else None,
        unread=_unread(run),
    )


def make_frames(tables: Tables, build: BuildSettings, quota: Quota) -> dict[str, pd.DataFrame]:
    """The six tables of the suites by name. ``build`` gives the similarity from which two questions are near-duplicates."""
    pieces = split_words(tables.rows["question"])
    rows = _rows(tables, build, pieces)
    return {
        "chunks": _chunks(tables.corpus),
        "documents": _documents(tables),
        "questions": _questions(tables.rows, rows["id"], pieces),
        "triplets": _triplets(tables),
        "rows": rows,
        "facts": _facts(tables, quota),
    }


def _typed(run: RunDir, name: str, record: type[Any], columns: Sequence[str] | None = None) -> pa.Table:
    """A file's columns, their types checked: the arithmetic below relies on them."""
    expected = schema_of(record)
    table = read_table(run.path(name), expected.names if columns is None else columns)
    for field in table.schema:
        if field.type != expected.field(field.name).type:
            raise InputError(
                f"column {field.name} is {field.type}, not {expected.field(field.name).type}",
                where=str(run.path(name)),
                cure="restore the file, or run the command that writes it again",
            )
    return table


def _unread(run: RunDir) -> tuple[str, ...]:
    """The names of the corpus's documents that could not be read."""
    if not run.has("rejected.parquet"):
        return ()
    rejects = _typed(run, "rejected.parquet", Rejection, ["step", "subject_id"]).to_pylist()
    return tuple(row["subject_id"] for row in rejects if row["step"] == CHUNKING)


def _texts_of(run: RunDir, split: str) -> pa.Table:
    """A split's file; passages recur in it and are read once each."""
    passages = ["positive", *(f"negative_{number + 1}" for number in range(MOST_NEGATIVES))]
    return read_table(run.path(f"dataset/{split}.parquet"), encoded=passages)


def _chunks(corpus: pa.Table) -> pd.DataFrame:
    frame = corpus.select(["id", "text", "source", "tokens", "page_start", "page_end", "char_start", "char_end"]).to_pandas()
    hashes = corpus["sha256"].to_pylist()
    texts = corpus["text"].to_pylist()
    frame["hash_wrong"] = np.fromiter(
        (
            text is None or hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != digest
            for text, digest in zip(texts, hashes, strict=True)
        ),
        dtype=np.int64,
        count=len(texts),
    )
    return frame


def _documents(tables: Tables) -> pd.DataFrame:
    """Every document with the shares of its words and sentences that its passages hold: missing where none were measured."""
    import pandas as pd

    measured = [Coverage(**row) for row in tables.coverage.to_pylist()] if tables.coverage is not None else []
    names = {row.source for row in measured} | set(tables.unread)
    others = sorted(set(tables.corpus["source"].to_pylist()) - names)
    rows = [(row.source, row.word_share, row.sentence_share, 0, int(not row.witness)) for row in measured]
    rows += [(name, np.nan, np.nan, 1, 0) for name in tables.unread]
    rows += [(name, np.nan, np.nan, 0, int(tables.coverage is not None)) for name in others]
    return pd.DataFrame(rows, columns=["id", "words", "sentences", "unread", "unchecked"])


def _questions(rows: pa.Table, ids: Any, pieces: Pieces) -> pd.DataFrame:
    import pandas as pd

    frame = rows.select(["question", "kind", "persona", "difficulty"]).to_pandas().rename(columns={"question": "text"})
    frame.insert(0, "id", ids)
    frame["language_share"] = shares(rows["question"], rows["language"].to_pylist(), pieces)
    frame["key"] = pd.Series(question_keys(rows["question"]).to_pandas())
    return frame


def _triplets(tables: Tables) -> pd.DataFrame:
    """The triplets that the dataset uses, with their negatives and their judges' scores counted."""
    import pandas as pd
    import pyarrow.compute as pc

    used = tables.rows.filter(pc.not_equal(tables.rows["triplet_id"], ""))
    ids = used["triplet_id"].combine_chunks()
    place = pc.index_in(ids, value_set=tables.triplets["id"].combine_chunks())
    known = pc.is_valid(place).to_numpy(zero_copy_only=False)
    found = tables.triplets.take(place.fill_null(0)) if len(tables.triplets) else tables.triplets
    frame = pd.DataFrame({"id": ids.to_pandas(), "unknown": (~known).astype(np.int64)})
    if len(found) != len(frame):  # there is no triplet at all: every row is unknown, nothing else can be counted
        return frame.assign(**dict.fromkeys(_TRIPLET_MEASURES, 0.0))
    negatives = found["negatives"].combine_chunks()
    owner = pc.list_parent_indices(negatives).to_numpy()
    flat = negatives.flatten()
    size = len(frame)
    dense, bm25, margin = (flat.field(name).to_numpy(zero_copy_only=False) for name in ("dense_score", "bm25_score", "margin"))
    positive = found["positive_dense"].to_numpy()
    frame["question_orphan"] = _absent(found["question_id"], tables.question_ids)
    orphans = _absent(found["positive_id"], tables.chunk_ids)
    orphans += np.bincount(owner, _absent(flat.field("chunk_id"), tables.chunk_ids), minlength=size).astype(np.int64)
    frame["chunk_orphans"] = orphans
    frame["negatives"] = np.bincount(owner, minlength=size)
    # a sum is NaN when one of its parts is: the library then sees a null
    frame["ranker_score"] = positive + found["positive_bm25"].to_numpy() + np.bincount(owner, dense + bm25 + margin, minlength=size)
    outside = np.bincount(owner, np.abs(dense) > 1.0001, minlength=size) + (np.abs(positive) > 1.0001)
    frame["cosine_out_of_range"] = outside.astype(np.int64)
    judged = _judged(tables.judge, ids, pc.equal(used["review"], KEEP).to_numpy())
    return frame.assign(**judged)


_TRIPLET_MEASURES = (
    *("question_orphan", "chunk_orphans", "negatives", "ranker_score", "cosine_out_of_range"),
    *("judge_lowest", "judge_out_of_range", "unjudged", "judge_score"),
)


def _judged(judge: pa.Table, ids: pa.Array, kept: Any) -> dict[str, Any]:
    """What the judges said of each triplet: the lowest of all their scores, of their totals, and whether they spoke at all.

    ``kept`` (bool): a person kept the row, so that no judge needs to have said anything.
    """
    import pyarrow.compute as pc

    judge = judge.filter(pc.equal(judge["subject_kind"], "triplet"))
    subject = pc.index_in(judge["subject_id"].combine_chunks(), value_set=ids)
    present = pc.is_valid(subject).to_numpy(zero_copy_only=False)
    place = subject.fill_null(0).to_numpy()
    criteria = judge["scores"].combine_chunks()
    owner = pc.list_parent_indices(criteria).to_numpy()
    values = criteria.flatten().field("value").to_numpy(zero_copy_only=False)
    totals = judge["score"].to_numpy()
    spoke = np.zeros(len(ids), dtype=bool)
    spoke[place[present]] = True
    total, lowest, highest = (np.full(len(ids), start) for start in (np.inf, np.inf, -np.inf))
    inside = present[owner]
    with np.errstate(invalid="ignore"):  # NaN must spread: it is what the suite looks for
        np.minimum.at(total, place[present], totals[present])
        np.minimum.at(lowest, place[present], totals[present])
        np.minimum.at(lowest, place[owner[inside]], values[inside])
        np.maximum.at(highest, place[owner[inside]], values[inside])
    silent = ~spoke
    total[silent], lowest[silent] = 1.0, 1.0
    return {
        "unjudged": (silent & ~kept).astype(np.int64),
        "judge_lowest": lowest,
        "judge_out_of_range": ((lowest < 0) | (highest > 1) | (total > 1)).astype(np.int64),
        "judge_score": np.where(kept & ~np.isnan(total), 1.0, total),
    }


def _rows(tables: Tables, build: BuildSettings, pieces: Pieces) -> pd.DataFrame:
    import pandas as pd
    import pyarrow.compute as pc

    rows, corpus = tables.rows, tables.corpus
    split = np.array(rows["split"].to_pylist(), dtype=object)
    gold = pc.equal(rows["origin"], GOLD).to_numpy()
    train = split == "train"
    ids = pc.if_else(pc.equal(rows["triplet_id"], ""), rows["question_id"], rows["triplet_id"])
    # two chunks with one text are one passage
    text_of = corpus["sha256"].combine_chunks().dictionary_encode().indices.to_numpy()
    positive, positive_row = _listed(rows["positive_ids"], corpus["id"])
    negative, negative_row = _listed(rows["negative_ids"], corpus["id"])
    size = len(rows)
    orphans = np.bincount(positive_row, positive < 0, minlength=size) + np.bincount(negative_row, negative < 0, minlength=size)
    passages = int(text_of.max(initial=0)) + 1
    answers = positive_row[positive >= 0] * passages + text_of[positive[positive >= 0]]
    seeming = negative_row[negative >= 0] * passages + text_of[negative[negative >= 0]]
    clash = np.bincount(negative_row[negative >= 0], np.isin(seeming, answers), minlength=size)
    return pd.DataFrame(
        {
            "id": ids.to_pandas(),
            "split": split,
            "score": rows["score"].to_numpy(),
            "orphans": orphans.astype(np.int64),
            "positive_among_negatives": clash.astype(np.int64),
            "negatives_missing": (train & (np.bincount(negative_row, minlength=size) <= rows["drawn"].to_numpy())).astype(np.int64),
            "component_crosses": _crossing(rows["component"], split),
            "leaks": _leaking(split, rows, build, pieces),
            "gold_in_train": (gold & train).astype(np.int64),
            "synthetic_in_eval": (gold.any() & ~gold & ~train).astype(np.int64),
            "texts_wrong": texts_wrong(tables, split),
        }
    )


def texts_wrong(tables: Tables, split: Labels) -> Ints:
    """int64 (rows,): how many of a row's texts in its split's file are not those that rows.parquet and corpus.parquet name."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wrong = np.zeros(len(split), dtype=np.int64)
    texts = tables.corpus["text"].combine_chunks()
    first = pc.index_in(texts, value_set=texts).to_numpy()  # chunks with one text have one number
    for name in SPLITS:
        members = np.flatnonzero(split == name)
        file, mine = tables.texts[name], tables.rows.take(pa.array(members))
        lacking = len(file) != len(members) or not {"anchor", "positive"} <= set(file.column_names)
        if lacking or (mine["position"].to_numpy() != np.arange(len(members))).any():
            wrong[members] += 1
            continue
        same = pc.fill_null(pc.equal(file["anchor"], mine["question"]), False)
        wrong[members] += ~same.to_numpy(zero_copy_only=False)
        wanted = {"positive": ("positive_ids", 0)}
        negatives = [column for column in file.column_names if column.startswith("negative")]
        wanted.update({column: ("negative_ids", number) for number, column in enumerate(negatives)})
        for column, (ids, number) in wanted.items():
            place = _at(mine[ids], number, tables.corpus["id"])
            named = np.where(place >= 0, first[place], -1)
            wrong[members] += (named < 0) | (_numbered(file[column], texts) != named)
    return wrong


def _numbered(column: pa.ChunkedArray, texts: pa.Array) -> Ints:
    """Each text of a dictionary column as its first place in ``texts``, -1 where it is not there."""
    import pyarrow.compute as pc

    parts = [np.empty(0, dtype=np.int64)]
    for chunk in column.chunks:
        if not hasattr(chunk, "dictionary"):  # a column with a name of somebody else's
            chunk = chunk.dictionary_encode()
        known = pc.index_in(chunk.dictionary, value_set=texts).fill_null(-1).to_numpy()
        at = chunk.indices.fill_null(-1).to_numpy()
        parts.append(np.where(at >= 0, known[at], -1) if len(known) else np.full(len(at), -1))
    return np.concatenate(parts)


def _at(lists: pa.ChunkedArray, number: int, ids: pa.ChunkedArray) -> Ints:
    """The place in ``ids`` of the element ``number`` of every list; -1 where the list is shorter or the id is unknown."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = lists.combine_chunks()
    starts, stops = array.offsets.to_numpy()[:-1], array.offsets.to_numpy()[1:]
    at = pa.array(np.minimum(starts + number, max(len(array.values) - 1, 0)), mask=starts + number >= stops)
    return pc.index_in(array.values.take(at), value_set=ids.combine_chunks(), skip_nulls=True).fill_null(-1).to_numpy()


def _listed(lists: pa.ChunkedArray, ids: pa.ChunkedArray) -> tuple[Ints, Ints]:
    """(place in ``ids`` or -1, row) of every element of a column of lists."""
    import pyarrow.compute as pc

    array = lists.combine_chunks()
    place = pc.index_in(array.flatten(), value_set=ids.combine_chunks())
    return place.fill_null(-1).to_numpy(), pc.list_parent_indices(array).to_numpy()


def _absent(ids: Any, known: pa.Array) -> Ints:
    """int64: 1 for every id that is not known."""
    import pyarrow.compute as pc

    ids = ids.combine_chunks() if hasattr(ids, "combine_chunks") else ids
    return pc.invert(pc.is_in(ids, value_set=known)).to_numpy(zero_copy_only=False).astype(np.int64)


def _crossing(components: pa.ChunkedArray, split: Labels) -> Ints:
    """1 for every row whose component also lies in another split."""
    code = components.combine_chunks().dictionary_encode().indices.to_numpy()
    numbers = np.unique(split, return_inverse=True)[1]
    low, high = np.full(code.max(initial=0) + 1, 9), np.full(code.max(initial=0) + 1, -1)
    np.minimum.at(low, code, numbers)
    np.maximum.at(high, code, numbers)
    return (low[code] != high[code]).astype(np.int64)


def _leaking(split: Labels, rows: pa.Table, build: BuildSettings, pieces: Pieces) -> Ints:
    """For every row the number of near-duplicates it has in another split, told of the row that is nearer to training."""
    counts = np.zeros(len(split), dtype=np.int64)
    order = {name: number for number, name in enumerate(SPLITS)}
    for left, right, _ in leaks(split.tolist(), rows["question"], rows["language"].to_pylist(), build.near_duplicate, pieces):
        counts[left if order.get(split[left], 0) <= order.get(split[right], 0) else right] += 1
    return counts


def _facts(tables: Tables, quota: Quota) -> pd.DataFrame:
    """One row of numbers about the whole."""
    import pandas as pd
    import pyarrow.compute as pc

    rows = tables.rows
    train = rows.filter(pc.equal(rows["split"], "train"))
    gold = pc.sum(pc.equal(rows["origin"], GOLD)).as_py() or 0
    negatives = [
        row[: len(row) - drawn] for row, drawn in zip(train["negative_ids"].to_pylist(), train["drawn"].to_pylist(), strict=True)
    ]
    trained = train["positive_ids"].combine_chunks().flatten()
    covered = pc.sum(pc.is_in(tables.corpus["id"], value_set=trained)).as_py() or 0
    facts: Mapping[str, float | int | None] = {
        **{f"{split}_rows": pc.sum(pc.equal(rows["split"], split)).as_py() or 0 for split in SPLITS},
        "synthetic_to_gold": (len(rows) - gold) / gold if gold else None,
        "kind_entropy": balance(train["kind"].to_pylist()),
        "persona_entropy": balance(train["persona"].to_pylist()),
        "mean_negatives": sum(len(set(row)) for row in negatives) / max(len(negatives), 1),
        "covered": covered / max(len(tables.corpus), 1),
        "review_missing": quota.missing,
    }
    return pd.DataFrame({name: pd.Series([value], dtype="float64") for name, value in facts.items()}).assign(id="dataset")
