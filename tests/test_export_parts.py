"""The parts of export that need no conversion: recipes, resources, index, ranking, proof, spec, samples."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_export_architecture import write_folder
from training_data import chunk, row

from triplette.dataset import GOLD, Dataset
from triplette.errors import InputError, ProofFailed, SettingError, TripletteError
from triplette.export.bundle import finer_for_auto
from triplette.export.convert.quantize import choose_recipe, expected_bytes
from triplette.export.convert.resources import needs, require
from triplette.export.families.family import read_architecture
from triplette.export.index import asked_tokens, lexical_index, lexical_scores, quantise, read_index, write_index
from triplette.export.litert import SignatureSpec, Spec, pad
from triplette.export.proof.audit import unpack_int4
from triplette.export.proof.checks import Check, Proof
from triplette.export.proof.ranking import check_lexical, check_ranking, top
from triplette.export.proof.sample import Sample, probe_texts, take_sample
from triplette.export.tokenizers.pieces import TokenizerSpec


def test_auto_takes_the_largest_block_that_divides_every_width(tmp_path: Path) -> None:
    full = read_architecture(write_folder(tmp_path))
    assert choose_recipe("e4_a8_f4_p4", "auto", full).granularity == "128"
    assert choose_recipe("e4_a8_f4_p4", "auto", dataclasses.replace(full, feed_forward=288)).granularity == "32"
    odd = choose_recipe("e4_a8_f4_p4", "auto", dataclasses.replace(full, feed_forward=100))
    assert odd.granularity == "channel"
    assert "no block" in odd.why
    assert "100" in odd.why


def test_a_block_that_does_not_divide_is_refused_and_int8_has_none(tmp_path: Path) -> None:
    full = read_architecture(write_folder(tmp_path))
    with pytest.raises(SettingError, match="blocks of 256 do not divide"):
        choose_recipe("e4_a8_f4_p4", "256", full)
    int8 = choose_recipe("int8", "256", full)
    assert {int8.expected(scope) for scope in int8.bits if scope != "projection"} == {"INT8/channel"}
    assert int8.expected("projection") == "INT8/channel, float activations"
    mixed = choose_recipe("e4_a8_f4_p4", "auto", full)
    assert (mixed.expected("embedding"), mixed.expected("attention")) == ("INT4/128", "INT8/channel")
    weights = choose_recipe("int8_weights", "auto", full)
    assert {scope for scope in weights.bits if weights.expected(scope) == "INT8/channel"} == {"embedding", "positions"}, "looked up"


def test_the_default_recipe_is_the_published_one_and_int8_for_a_very_small_model(tmp_path: Path) -> None:
    full = read_architecture(write_folder(tmp_path))
    assert choose_recipe("auto", "auto", full).name == "e4_a8_f4_p4"
    small = dataclasses.replace(full, vocabulary=4096, layer_kinds=full.layer_kinds[:2])
    assert choose_recipe("auto", "auto", small).name == "int8"
    large_table = dataclasses.replace(
        full, layer_kinds=full.layer_kinds[:5]
    )  # 26 million weights in five layers, 201 million in the table
    assert choose_recipe("auto", "auto", large_table).name == "int8"
    assert choose_recipe("auto", "auto", dataclasses.replace(full, layer_kinds=full.layer_kinds[:9])).name == "e4_a8_f4_p4"


def test_expected_sizes_are_near_the_measured_ones(tmp_path: Path) -> None:
    full = read_architecture(write_folder(tmp_path))
    for name, megabytes in (("e4_a8_f4_p4", 179), ("int8", 314), ("float32", 1232)):
        assert expected_bytes(full, choose_recipe(name, "auto", full)) / 1e6 == pytest.approx(megabytes, rel=0.05)


def test_too_little_memory_or_disk_is_said_before_any_work(tmp_path: Path) -> None:
    full = read_architecture(write_folder(tmp_path))
    need = needs(full, choose_recipe("e4_a8_f4_p4", "auto", full), 1, 1000)
    assert 5.5e9 < need.memory < 6.5e9
    assert 1.4e9 < need.disk < 1.6e9
    require(need, tmp_path, memory=7 * 10**9, disk=10**10)
    with pytest.raises(TripletteError, match=r"takes about 5\.9 GB of memory, 2\.0 GB are free"):
        require(need, tmp_path, memory=2 * 10**9, disk=10**10)
    with pytest.raises(TripletteError, match=r"GB of disk, 0\.1 GB are free"):
        require(need, tmp_path / "not" / "there", memory=7 * 10**9, disk=10**8)


def test_int4_is_unpacked_low_half_first() -> None:
    assert unpack_int4(np.array([0x7F, 0x80, 0x21], np.uint8)).tolist() == [-1, 7, 0, -8, 1, 2]


@given(st.integers(1, 5), st.integers(2, 40), st.integers(0, 10_000))
def test_eight_bits_keep_a_vector_within_a_cosine_of_0_999(rows: int, width: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    values, scales = quantise(vectors)
    back = values * scales[:, None]
    assert np.all((back * vectors).sum(1) / np.linalg.norm(back, axis=1) > 0.999)
    assert np.abs(values).max() == 127


def test_an_index_is_read_back_as_written_and_searched_at_any_dimension(tmp_path: Path) -> None:
    chunks = [chunk(f"texte {n}", "titre", "a.md", n) for n in range(20)]
    vectors = np.random.default_rng(0).normal(size=(20, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_index(tmp_path / "index.sqlite", chunks, vectors, {"contract": "c"})
    index = read_index(tmp_path / "index.sqlite")
    assert index.ids == tuple(c.id for c in chunks)
    assert int(index.scores(vectors[7]).argmax()) == 7
    short = vectors[7][:4] / np.linalg.norm(vectors[7][:4])
    assert int(index.scores(short).argmax()) == 7
    assert index.places[3] == ("a.md", 0, "titre")
    (tmp_path / "broken").write_bytes(b"x" * 4096)
    with pytest.raises(InputError, match="not a bundle's index"):
        read_index(tmp_path / "broken")


@settings(deadline=None, max_examples=15)
@given(
    st.lists(st.lists(st.sampled_from("roi dame tour nulle pendule".split()), max_size=12), min_size=1, max_size=9), st.integers(0, 99)
)
def test_posting_lists_score_exactly_as_bm25_does(texts: list[list[str]], seed: int) -> None:
    chunks = [chunk(" ".join(words) or "le", "", f"{n}.md", n) for n, words in enumerate(texts)]
    asked = [list(np.random.default_rng(seed).choice(["roi", "roi", "pendul", "inconnu"], 4))]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "index.sqlite"
        write_index(path, chunks, np.eye(len(chunks), 4, dtype=np.float32) + 0.1, {})
        expected = next(iter(lexical_index(chunks).scores(asked, dtype=np.float64)))[1][0]
        assert lexical_scores(path, asked[0], len(chunks)).tolist() == expected.tolist()
        assert check_lexical(path, chunks, ["le roi", "la dame"]).passed
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE terms SET postings = zeroblob(length(postings))")
        all_words = "roi dame tour nulle pendule"
        said = next(iter(lexical_index(chunks).scores([asked_tokens(all_words, ["fr"])], dtype=np.float64)))[1]
        assert check_lexical(path, chunks, [all_words]).passed == (not said.any())


@pytest.mark.parametrize("postings", [b"\xff" * 12, b"\x63" + b"\0" * 11, b"\0" * 13])
def test_postings_that_name_no_passage_are_refused(tmp_path: Path, postings: bytes) -> None:
    path = tmp_path / "index.sqlite"
    write_index(path, [chunk("le roi", "", "a.md")], np.ones((1, 4), dtype=np.float32), {})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE terms SET postings = ?", (postings,))
    with pytest.raises(InputError, match="no posting lists that can be read"):
        lexical_scores(path, ["roi"], 1)


def _sample(questions: int = 40, passages: int = 60) -> tuple[Sample, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    chunks = tuple(chunk(f"texte {n}", "", "a.md", n) for n in range(passages))
    found = rng.normal(size=(passages, 32)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    asked = found[:questions] + 0.2 * rng.normal(size=(questions, 32)).astype(np.float32)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    names = tuple(f"question {n}" for n in range(questions))
    relevant = tuple((n,) for n in range(questions))
    return Sample(names, relevant, tuple(c.id for c in chunks[:questions]), chunks, passages), asked, found


def test_the_same_vectors_rank_the_same_and_rotated_ones_do_not() -> None:
    sample, asked, found = _sample()
    same = check_ranking(sample, (asked, found), (asked, found), (32, 16), 0.01)
    assert same.passed
    assert same.figures["32"]["overlap"] == 1.0
    rolled = check_ranking(sample, (asked, found), (np.roll(asked, 1, axis=0), found), (32, 16), 0.01)
    assert not rolled.passed
    assert rolled.figures["16"]["significantly_below"]
    assert rolled.detail.startswith("nDCG@10 at 32")


def test_a_small_drop_by_chance_passes_only_below_the_limit() -> None:
    sample, asked, found = _sample()
    worse = asked.copy()
    worse[0] = -asked[0]  # one question of 40 lost: 0.025 of nDCG, not significant
    assert not check_ranking(sample, (asked, found), (worse, found), (32,), 0.01).passed
    assert check_ranking(sample, (asked, found), (worse, found), (32,), 0.05).passed


def test_ranking_without_questions_proves_nothing() -> None:
    sample, asked, found = _sample()
    empty = dataclasses.replace(sample, questions=(), relevant=(), groups=())
    assert not check_ranking(empty, (asked, found), (asked, found), (32,), 0.01).passed


def test_top_pads_when_there_are_fewer_passages() -> None:
    assert top(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), 4).tolist() == [[0, 1, -1, -1], [1, 0, -1, -1]]


def test_a_proof_names_each_failed_check_and_blocks() -> None:
    proof = Proof((Check("float32", True, "fine"), Check("ranking", False, "0.2 below")))
    assert proof.failed == ("ranking",)
    with pytest.raises(ProofFailed, match=r"ranking: 0\.2 below") as caught:
        proof.require(where="x", recipe="int8")
    assert caught.value.exit_code == 5
    assert "fine" not in str(caught.value)
    with pytest.raises(KeyError):
        proof.check("speed")


@pytest.mark.parametrize(
    ("recipe", "name", "figures", "cure"),
    [
        ("e4_a8_f4_p4", "ranking", {"delta": -0.2}, "export with --recipe int8; --unproven"),
        ("int8", "ranking", {"delta": -0.2}, "export with --recipe int8_weights; --unproven"),
        ("int8", "kernels", {"min": 0.9}, "export with --recipe int8_weights; --unproven"),
        ("int8_weights", "quantised", {"worst": 0.9}, "export with --recipe float32; --unproven"),
        ("float32", "ranking", {"delta": -0.2}, "--unproven"),
        ("int8", "token_ids", {"texts": 2}, "--unproven"),
        ("int8", "ranking", {}, "--unproven"),
    ],
)
def test_the_cure_of_a_failed_proof_is_a_finer_recipe_only_where_one_may_help(
    recipe: str, name: str, figures: dict[str, float], cure: str
) -> None:
    with pytest.raises(ProofFailed) as caught:
        Proof((Check(name, False, "below", figures),)).require(where="x", recipe=recipe)
    assert caught.value.cure is not None
    assert caught.value.cure.startswith(cure)


@pytest.mark.parametrize(
    ("asked", "tried", "failed", "finer"),
    [
        ("auto", "e4_a8_f4_p4", "ranking", "int8"),
        ("auto", "int8", "kernels", "int8_weights"),
        ("auto", "int8_weights", "ranking", None),
        ("auto", "int8", "float32", None),
        ("int8", "int8", "kernels", None),
        ("auto", "int8", "", None),
    ],
)
def test_auto_goes_on_to_a_finer_recipe_where_rounding_alone_failed(asked: str, tried: str, failed: str, finer: str | None) -> None:
    checks = tuple(Check(name, name != failed, "found", {"min": 0.9}) for name in ("float32", "kernels", "ranking"))
    assert finer_for_auto(asked, tried, Proof(checks)) == finer


def test_the_shortest_signature_that_holds_a_text_is_used(tmp_path: Path) -> None:
    signatures = tuple(SignatureSpec(f"embed_{n}", "model.tflite", n) for n in (256, 512))
    spec = Spec(signatures, (768, 128), TokenizerSpec((2,), (1,), 0, {"<bos>": 2}), "int8", "channel")
    assert [spec.shortest(n).length for n in (1, 256, 257, 9999)] == [256, 256, 512, 512]
    spec.save(tmp_path / "spec.json")
    assert Spec.load(tmp_path / "spec.json") == spec
    assert json.loads((tmp_path / "spec.json").read_text())["outputs"] == ["embedding_768", "embedding_128"]
    (tmp_path / "spec.json").write_text("{}")
    with pytest.raises(InputError, match="not a bundle's spec"):
        Spec.load(tmp_path / "spec.json")


def test_padding_is_on_the_asked_side_and_bound_by_name() -> None:
    right, left = pad([5, 6], 4, 0), pad([5, 6], 4, 9, left=True)
    assert right["tokens"].tolist() == [[5, 6, 0, 0]]
    assert right["attention_mask"].tolist() == [[1, 1, 0, 0]]
    assert left["tokens"].tolist() == [[9, 9, 5, 6]]
    assert left["attention_mask"].dtype == np.int32


def test_the_sample_takes_gold_first_and_keeps_every_answer() -> None:
    chunks = [chunk(f"texte {n}", "", "a.md", n) for n in range(50)]
    rows = [row("test", n, f"q{n}", chunks[n], []) for n in range(10)]
    rows += [dataclasses.replace(row("val", n, f"gold {n}", chunks[20 + n], []), origin=GOLD) for n in range(3)]
    rows += [row("train", 0, "never", chunks[49], [])]
    dataset = Dataset(tuple(rows), {c.id: c for c in chunks}, "h")
    sample = take_sample(dataset, questions=5, passages=12)
    assert sum(q.startswith("gold") for q in sample.questions) == 3
    assert "never" not in sample.questions
    assert len(sample.chunks) == 12
    assert not sample.whole
    for question, answers in zip(sample.questions, sample.relevant, strict=True):
        number = int(question.split()[1]) + 20 if question.startswith("gold") else int(question[1:])
        assert sample.chunks[answers[0]].text == f"texte {number}"
    assert sample == take_sample(dataset, questions=5, passages=12)
    texts = probe_texts(sample)
    assert texts[0] == "yes"
    assert len(texts[-1]) > 20_000
