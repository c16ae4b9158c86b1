"""Records are named by what they say, and survive the trip through Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplette.errors import InputError
from triplette.hashing import canonical_json, hash_tree, record_id
from triplette.records import Chunk, Negative, Question, Score, Triplet, Verdict
from triplette.tables import read_records, read_table, replacing, schema_of, write_records


def a_question(**changes: Any) -> Question:
    content: dict[str, Any] = {
        "chunk_id": "c1",
        "text": "Combien de temps ?",
        "kind": "factual",
        "persona": "arbitre",
        "difficulty": "easy",
        "provider": "rules",
        "model": "rules",
        "prompt": "v1",
        "cost": 0.0,
    }
    return Question.make(**{**content, **changes})


def a_negative(chunk_id: str) -> Negative:
    return Negative(chunk_id, "both", 2, 7.5, 3, 0.4, 0.03, 0.2, same_source=True, why="hard")


def a_triplet(*negatives: str) -> Triplet:
    return Triplet.make(
        question_id="q1",
        question="Combien ?",
        positive_id="c1",
        positive_bm25=9.0,
        positive_bm25_rank=1,
        positive_dense=0.6,
        positive_dense_rank=1,
        encoder="lsa",
        negatives=[a_negative(name) for name in negatives],
    )


def test_an_id_depends_on_the_content_and_not_on_the_cost() -> None:
    assert a_question().id == a_question(cost=0.5).id
    assert a_question().id != a_question(text="Combien de temps reste-t-il ?").id
    assert a_question().id.startswith("q")


def test_a_triplet_with_other_negatives_is_another_triplet() -> None:
    assert a_triplet("c2", "c3").id == a_triplet("c2", "c3").id
    assert a_triplet("c2", "c3").id != a_triplet("c3", "c2").id


def test_nan_has_no_canonical_form() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"score": float("nan")})


def test_key_order_does_not_change_an_id() -> None:
    assert record_id("x", {"a": 1, "b": 2}) == record_id("x", {"b": 2, "a": 1})


def test_nested_records_come_back_from_parquet_as_they_went(tmp_path: Path) -> None:
    triplets = [a_triplet("c2"), a_triplet("c2", "c3")]
    write_records(tmp_path / "t.parquet", triplets, Triplet)
    assert read_records(tmp_path / "t.parquet", Triplet) == triplets


def test_verdicts_with_and_without_scores_come_back(tmp_path: Path) -> None:
    content: dict[str, Any] = {
        "subject_id": "t1",
        "subject_kind": "triplet",
        "judge": "rules",
        "judge_name": "rules-1",
        "score": 0.5,
        "decision": "keep",
        "reason": "",
        "evidence": "",
    }
    verdicts = [Verdict.make(**content, scores=(Score("clarity", 0.5, "x"),)), Verdict.make(**content, scores=())]
    write_records(tmp_path / "v.parquet", verdicts, Verdict)
    assert read_records(tmp_path / "v.parquet", Verdict) == verdicts


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.lists(st.text(st.characters(codec="utf-8"), max_size=5)))
def test_any_text_survives_parquet(text: str, articles: list[str]) -> None:
    import tempfile

    chunk = Chunk.make(
        text=text,
        title="",
        source="s",
        articles=articles,
        page_start=0,
        page_end=0,
        char_start=0,
        char_end=len(text),
        tokens=1,
        tokenizer="estimate",
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.parquet"
        write_records(path, [chunk], Chunk)
        assert read_records(path, Chunk) == [chunk]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_records(tmp_path / name / "t.parquet", [a_triplet("c2")], Triplet)
    assert hash_tree(tmp_path / "a") == hash_tree(tmp_path / "b")


def test_rows_come_back_in_order_from_a_file_of_many_row_groups_with_its_columns_turned(tmp_path: Path) -> None:
    records = [a_triplet(*(f"c{n}-{k}" for k in range(n % 4))) for n in range(11)]
    write_records(tmp_path / "one.parquet", records, Triplet)
    table = pq.ParquetFile(tmp_path / "one.parquet").read()
    pq.write_table(table.select(table.column_names[::-1]), tmp_path / "many.parquet", row_group_size=2)
    assert pq.ParquetFile(tmp_path / "many.parquet").num_row_groups == 6
    assert read_records(tmp_path / "many.parquet", Triplet) == records


def test_a_list_that_another_program_left_out_is_read_as_empty(tmp_path: Path) -> None:
    chunk = {"text": "x", "title": "t", "source": "s", "page_start": 1, "page_end": 1, "char_start": 0, "char_end": 1, "tokens": 1}
    rows = [
        {"id": "c1", "sha256": "", "tokenizer": "estimate", **chunk, "articles": names, "language": "fr"}
        for names in (["1", "2"], None, [], ["3"])
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "chunks.parquet")
    read = read_records(tmp_path / "chunks.parquet", Chunk)
    assert [c.articles for c in read] == [("1", "2"), (), (), ("3",)]
    assert [c.refs for c in read] == [()] * 4  # a run from before there were references


def test_no_column_is_nullable() -> None:
    assert not any(field.nullable for field in schema_of(Verdict))


def test_a_corrupt_parquet_file_is_named_with_its_cure(tmp_path: Path) -> None:
    path = tmp_path / "chunks.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"chunks\.parquet: not a readable Parquet file") as caught:
        read_records(path, Chunk)
    assert "run the command that writes it again" in str(caught.value)


def test_a_truncated_parquet_file_is_an_error_not_fewer_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_records(path, [a_triplet("c2")] * 50, Triplet)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="not a readable Parquet file"):
        read_records(path, Triplet)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_records(path, [a_triplet("c2")], Triplet)
    pq.write_table(read_table(path).drop(["encoder"]), path)
    with pytest.raises(InputError, match="lacks the columns encoder"):
        read_records(path, Triplet)


def test_a_failed_write_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
