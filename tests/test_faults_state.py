"""State that is not what a command left: settings, ledger, Parquet and streams that are damaged, misspelt or hostile.

One line and its help, the documented exit code, and never a traceback; what people decided is never to be deleted.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from curated import human, make_chunks, small_run, verdict

from triplette.console import print_json, visible
from triplette.errors import InputError, SettingError
from triplette.export.index import open_index, read_index
from triplette.records import Chunk, Rejection, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.settings.load import load_section
from triplette.settings.synth import ChunkSettings
from triplette.settings.train import TrainSettings
from triplette.synth.show import select_triplets
from triplette.tables import read_records, schema_of, write_records

ROOT = Path(__file__).parent.parent


def cli(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """A command as a user calls it. ``flags`` go to the interpreter, ``env`` on top of ours."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **more.pop("env", {})}
    command = [sys.executable, *more.pop("flags", ()), "-m", f"triplette.{words[0]}", *words[1:]]
    return subprocess.run(command, capture_output="stdout" not in more, text=True, check=False, env=env, **more)


# --- settings --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said", "meant"),
    [
        ("[synth.mining]\nnegatives = 3\n", "[synth.mining]", "[synth.mine]"),
        ("[mine]\nnegatives = 3\n", "[mine]", "[synth.mine]"),
        ("[train.preset.cpu]\nbatch = 3\n", "[train.preset", "[train.presets]"),
        ("[curate.judge.deep]\nx = 3\n", "[curate.judge.deep]", "synth init"),
        ("negatives = 3\n", "'negatives'", "[synth.mine]"),
        ("[synth]\nnegatives = 3\n", "'negatives'", "[synth.mine]"),
        ('["synth.mine"]\nnegatives = 3\n', '["synth.mine"] is in quotes', "[synth.mine] without quotes"),
        ("[[synth.mine]]\nnegatives = 3\n", "[synth.mine] is not a table", "synth init"),
        ("synth = 3\n", "[synth] is not a table", "synth init"),
        ('Profile = "fr"\n', "'Profile'", "did you mean profile?"),
    ],
)
def test_a_section_or_key_that_nobody_reads_is_refused_with_the_nearest(tmp_path: Path, text: str, said: str, meant: str) -> None:
    path = tmp_path / "triplette.toml"
    path.write_text(text)
    with pytest.raises(SettingError) as caught:
        load_section(ChunkSettings, "synth.chunk", path)
    assert said in caught.value.message
    assert meant in caught.value.cure


def test_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "triplette.toml"
    path.write_text("\ufeff[synth.chunk]\ntarget_tokens = 100\n", encoding="utf-8")
    assert load_section(ChunkSettings, "synth.chunk", path).target_tokens == 100


def test_a_flag_out_of_range_is_named_as_a_flag(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as caught:
        load_section(ChunkSettings, "synth.chunk", None, target_tokens=1)
    assert caught.value.where == "--target-tokens"
    assert "triplette.toml" not in str(caught.value)


def test_a_folder_or_an_unreadable_depth_in_place_of_the_settings_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="this is a folder"):
        load_section(TrainSettings, "train", tmp_path)
    deep = tmp_path / "deep.toml"
    deep.write_text("a = " + "[" * 100_000)
    with pytest.raises(SettingError, match="not TOML"):
        load_section(TrainSettings, "train", deep)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("synth", "write", "--batch"), "--batch: the built-in rules ask no language model"),
        (("curate", "judge", "--judge", "rules", "--llm", "openai:petit"), "--llm: the built-in rules ask no language model"),
        (("synth", "generate", "--corpus", ".", "--llm", ""), "--llm: no model is named"),
    ],
)
def test_a_flag_of_a_language_model_is_not_ignored_where_the_rules_are_asked(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "a.md").write_text("# Roque\n\nLe roque est un coup du roi et d'une tour, et il compte pour un seul.\n")
    result = cli(*words, "--run", str(tmp_path / "run"), cwd=tmp_path)
    assert result.returncode == 2
    assert f"error: {said}" in result.stderr


# --- the ledger -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", ["\u0085", "\u2028", "\u2029", "\x1c", "\x0b"])
def test_a_file_name_with_a_line_separator_does_not_break_the_ledger(run: RunDir, separator: str) -> None:
    for number in range(2):
        run.record("synth.chunk", inputs={f"a{separator}b.md": "x"}, outputs=[], settings={"n": number}, counts={}, seconds=0)
    assert [entry["settings"]["n"] for entry in run.entries()] == [0, 1]


@pytest.mark.parametrize(
    "line", ["3", "[]", "null", "{}", '{"stage": "synth.chunk"}', '{"stage": 3, "inputs": {}, "outputs": {}, "settings": {}}']
)
def test_a_ledger_line_that_is_no_entry_is_named(run: RunDir, line: str) -> None:
    run.record("synth.chunk", inputs={}, outputs=[], settings={}, counts={}, seconds=0)
    path = run.path("ledger.jsonl")
    path.write_text(f"{line}\n{path.read_text()}")
    with pytest.raises(InputError, match="not a line of a ledger") as caught:
        run.last("synth.chunk")
    assert caught.value.where.endswith("ledger.jsonl:1")


@pytest.mark.parametrize("last", [b"\x00" * 50, b"3 4", b"[" * 100_000, b'{"stage": \n', b"\xff"])
def test_a_last_line_that_is_no_beginning_of_an_entry_is_an_error(run: RunDir, last: bytes) -> None:
    run.record("synth.chunk", inputs={}, outputs=[], settings={}, counts={}, seconds=0)
    with run.path("ledger.jsonl").open("ab") as stream:
        stream.write(last)
    with pytest.raises(InputError, match=r"not JSON|not UTF-8"):
        run.entries()


@pytest.mark.parametrize("last", [b"", b"{", b'{"stage": "synth.wr', '{"stage": "é'.encode()[:-1]])
def test_the_beginning_of_an_entry_at_the_end_is_no_entry(run: RunDir, last: bytes) -> None:
    run.root.mkdir()
    run.path("ledger.jsonl").write_bytes(last)
    assert run.entries() == []
    run.record("synth.chunk", inputs={}, outputs=[], settings={}, counts={}, seconds=0)
    with run.path("ledger.jsonl").open("ab") as stream:
        stream.write(last)
    assert len(run.entries()) == 1


def test_a_ledger_that_is_not_utf_8_or_nests_too_deeply_is_an_error(run: RunDir) -> None:
    run.root.mkdir()
    for content in (b"\xff\xfe\n", b"[" * 100_000 + b"\n{}\n"):
        run.path("ledger.jsonl").write_bytes(content)
        with pytest.raises(InputError, match=r"not UTF-8|not JSON"):
            run.entries()


# --- Parquet -----------------------------------------------------------------------------------------------------------------------


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(path)), path)


def put(name: str, kind: pa.DataType, values: list[Any]) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(table.schema.get_field_index(name), name, pa.array(values, kind))


@pytest.mark.parametrize("name", [field.name for field in schema_of(Chunk)])
@pytest.mark.parametrize("kind", [pa.int64(), pa.binary(), pa.float64(), pa.bool_(), pa.list_(pa.int64()), pa.null()])
def test_a_column_of_another_type_is_refused(tmp_path: Path, name: str, kind: pa.DataType) -> None:
    path = tmp_path / "chunks.parquet"
    write_records(path, make_chunks(3), Chunk)
    if schema_of(Chunk).field(name).type == kind:
        return
    cell = {"list<item: int64>": [1], "binary": b"1", "null": None, "bool": True}.get(str(kind), 1)
    rewrite(path, put(name, kind, [cell] * 3))
    with pytest.raises(InputError, match=f"the column {name}"):
        read_records(path, Chunk)


def test_a_missing_value_is_refused_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "chunks.parquet"
    chunks = make_chunks(3)
    write_records(path, chunks, Chunk)
    rewrite(path, put("text", pa.string(), ["a", None, "c"]))
    with pytest.raises(InputError, match="the column text has no value in row 1"):
        read_records(path, Chunk)


def test_a_struct_that_lacks_a_field_is_refused(tmp_path: Path) -> None:
    path = small_run(4).write(tmp_path).path("triplets.parquet")
    rewrite(
        path,
        lambda table: table.set_column(
            table.schema.get_field_index("negatives"), "negatives", pa.array([[{"chunk_id": "c"}]] * len(table))
        ),
    )
    with pytest.raises(InputError, match="negatives lacks ranker"):
        read_records(path, Triplet)


def test_the_wider_types_of_other_writers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "chunks.parquet"
    chunks = make_chunks(3)
    write_records(path, chunks, Chunk)
    rewrite(path, put("text", pa.large_string(), [chunk.text for chunk in chunks]))
    rewrite(path, put("tokens", pa.int32(), [chunk.tokens for chunk in chunks]))
    assert read_records(path, Chunk) == chunks


@pytest.mark.parametrize("changes", [{"decision": "banana"}, {"judge": "oracle"}, {"subject_kind": "chunk"}])
def test_a_verdict_in_unknown_words_is_refused_and_not_ignored(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "verdicts/human.parquet"
    write_records(path, [human("t1", "keep"), replace(verdict("t2", "triplet", "keep"), **changes)], Verdict)
    with pytest.raises(InputError, match=f"'{next(iter(changes.values()))}' is not a {next(iter(changes))}"):
        read_records(path, Verdict)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all", os.urandom(4096)])
def test_bytes_that_are_no_parquet_are_named_and_never_to_be_deleted(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "verdicts/human.parquet"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable Parquet file") as caught:
        read_records(path, Verdict)
    assert "delete" not in str(caught.value)


def test_what_a_killed_command_left_beside_a_file_goes_with_the_next_write(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path = tmp_path / "chunks[1].parquet"
    dead, alive, other = (tmp_path / f".{name}.tmp" for name in (f"{path.name}.{gone.pid}", f"{path.name}.{os.getppid()}", "x.1"))
    for file in (dead, alive, other):
        file.touch()
    write_records(path, make_chunks(3), Chunk)
    assert sorted(tmp_path.iterdir()) == sorted([path, alive, other])


@pytest.mark.parametrize("name", ["chunks", "questions"])
def test_a_triplet_whose_passage_or_question_is_gone_is_named(tmp_path: Path, name: str) -> None:
    run = small_run(4).write(tmp_path / "run")
    rewrite(run.path(f"{name}.parquet"), lambda table: table.slice(0, 0))
    with pytest.raises(InputError, match="names a question or a passage that is no longer in the run") as caught:
        select_triplets(run, count=3)
    assert "synth mine" in caught.value.cure


def test_a_reject_of_an_unknown_kind_is_refused(run: RunDir) -> None:
    write_records(run.path("rejected.parquet"), [Rejection("synth.write", "c1", "banana", "no_question", "")], Rejection)
    with pytest.raises(InputError, match="'banana' is not a subject_kind"):
        run.read_rejects()


# --- streams, paths and the machine ---------------------------------------------------------------------------------------------------


@pytest.fixture
def chunked(tmp_path: Path) -> Path:
    """A run with chunks and nothing else, over one document."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a\u202eb.md").write_text("# Règle\n\nArticle 1. Le joueur \x1b[2J touche la pièce qu'il joue.\n" * 3)
    assert cli("synth", "chunk", "--corpus", str(corpus), "--run", str(tmp_path / "run")).returncode == 0
    return tmp_path / "run"


@pytest.mark.parametrize("how", ["full", "closed", "ascii", "OO"])
def test_stdout_that_is_full_closed_or_narrow_is_no_crash(chunked: Path, how: str) -> None:
    words = ("synth", "chunk", "--corpus", str(chunked.parent / "corpus"), "--run", str(chunked))
    if how == "full":
        with Path("/dev/full").open("w") as full:
            result = cli(*words, stdout=full, stderr=subprocess.PIPE)
        assert result.returncode == 2
        assert "the disk is full" in result.stderr
    elif how == "closed":
        line = f"{sys.executable} -m triplette.synth show --run {chunked} >&-"
        result = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, cwd=ROOT)
        assert result.returncode == 2
        assert "help: run `synth write" in result.stderr
    else:
        result = cli(
            *words, env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"} if how == "ascii" else {}, flags=("-OO",) if how == "OO" else ()
        )
        assert result.returncode == 0
    assert "internal error" not in (result.stderr or "")
    assert "Traceback" not in (result.stderr or "")


@pytest.mark.parametrize("place", ["/proc/run", "/dev/null/run", "loop", "x" * 300])
def test_a_run_that_cannot_be_written_to_is_one_line_with_its_help(chunked: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    result = cli("synth", "chunk", "--corpus", str(chunked.parent / "corpus"), "--run", str(tmp_path / place))
    assert result.returncode == 2, result.stderr
    assert "help:" in result.stderr
    assert "internal error" not in result.stderr


def test_an_empty_run_and_a_version(tmp_path: Path) -> None:
    empty = cli("curate", "status", "--run", "")
    assert empty.returncode == 2
    assert "is empty" in empty.stderr
    for name in ("synth", "curate", "train"):
        assert cli(name, "--version").stdout.startswith("triplette ")


# --- what people see --------------------------------------------------------------------------------------------------------------------


def test_what_acts_on_a_terminal_is_shown_as_text() -> None:
    assert visible("a\x1b[2Jb\u202ec\x9bd\u2066e\rf") == "a\\x1b[2Jb\\u202ec\\x9bd\\u2066e\\rf"
    assert visible("l'été, 3\u00a0min\tœuf\n") == "l'été, 3\u00a0min\tœuf\n"
    assert visible("\ud83d") == "\\ud83d"


def test_json_for_machines_escapes_what_acts_on_a_terminal_and_means_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    content = {"title": "l'été\x1b[2J\u202ec\x9bd\u2066e\u2028f\n\U0001f600"}
    print_json(content)
    told = capsys.readouterr().out
    assert told == '{"title": "l\'été\\u001b[2J\\u202ec\\u009bd\\u2066e\\u2028f\\n\U0001f600"}\n'
    assert json.loads(told) == content


@pytest.mark.slow
def test_no_command_prints_an_escape_or_a_direction_mark_of_a_document(tmp_path: Path) -> None:
    material = small_run(4)
    bad = "Peut-on \x1b]0;pris\x07 roquer \u202e ici \x9b2J ?"
    material.chunks[0] = replace(material.chunks[0], title=bad, source="a\x1b[2J.md", text=f"{material.chunks[0].text} {bad}")
    material.add(0, bad)
    material.judge_everything()
    run = material.write(tmp_path / "run")
    for words in (
        ("synth", "show", "-n", "20", "--full"),
        ("curate", "explain", "Peut-on"),
        ("curate", "status"),
        ("curate", "report"),
    ):
        result = cli(*words, "--run", str(run.root))
        for mark in ("\x1b", "\x9b", "\u202e", "\x07"):
            assert mark not in result.stdout + result.stderr, (words, mark)


# --- the bundle's index --------------------------------------------------------------------------------------------------------------------


def index_at(path: Path, script: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(script)
    return path


@pytest.mark.parametrize("folder", ["a#b", "a?b", "a%41b", "a b'c\"d"])
def test_a_path_with_marks_of_a_uri_opens_that_file_and_leaves_no_other(tmp_path: Path, folder: str) -> None:
    path = index_at(tmp_path / folder / "index.sqlite", "CREATE TABLE meta (key, value); INSERT INTO meta VALUES ('k', 'v')")
    with open_index(path) as connection:
        assert connection.execute("SELECT value FROM meta").fetchone() == ("v",)
    assert sorted(item.relative_to(tmp_path).as_posix() for item in tmp_path.rglob("*") if item.is_file()) == [f"{folder}/index.sqlite"]


def test_an_index_whose_table_is_a_view_without_end_is_refused_at_once(tmp_path: Path) -> None:
    numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
    endless = f"CREATE VIEW chunks AS {numbers} SELECT x AS position, x AS chunk_id, 1.0 AS scale, x'00' AS vector FROM n"
    with pytest.raises(InputError, match="it has a view"):
        read_index(index_at(tmp_path / "index.sqlite", endless))


@pytest.mark.parametrize("content", [[], {}, 3, {"files": []}, {"files": {"a": 3}}, {"files": {}, "contract": 3, "proof": {}}])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: object) -> None:
    from triplette.export.proof.verify import verify_bundle

    (tmp_path / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="not a bundle's manifest"):
        verify_bundle(tmp_path)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "\x00", " " * (2 << 20)], ids=["empty", "deep", "nul", "long"])
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    from triplette.export.proof.verify import verify_bundle

    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"not a bundle|too long"):
        verify_bundle(tmp_path)


def test_files_in_folders_and_links_are_not_a_bundles(tmp_path: Path) -> None:
    from triplette.export.proof.verify import verify_bundle

    manifest = {"files": {}, "contract": "", "proof": {"passed": True}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/more.bin").write_bytes(b"x")
    (tmp_path / "link").symlink_to("/etc/passwd")
    shown = verify_bundle(tmp_path).checks[0].detail
    assert "'sub/more.bin' is not in the manifest" in shown
    assert "'link' is not a regular file" in shown
