"""A bundle from end to end on a tiny model: exported, verified, asked; damaged, killed, forced."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_bundle import SETTINGS, write_run

from triplette.dataset import load_dataset
from triplette.errors import InputError, MissingStage, ProofFailed, SettingError
from triplette.export.bundle import BUNDLE, FAILED, KOTLIN, MANIFEST, export_bundle
from triplette.export.convert.convert import load_encoder
from triplette.export.convert.slim import slim
from triplette.export.families.architecture import ATTENTION, EMBEDDING, FEED_FORWARD, PROJECTION
from triplette.export.index import read_index
from triplette.export.proof.audit import read_model, weights
from triplette.export.proof.verify import verify_bundle
from triplette.export.runtime import Bundle
from triplette.rundir import RunDir

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run with its bundle, made once."""
    run = write_run(tmp_path_factory.mktemp("bundle") / "run")
    export_bundle(run, dataclasses.replace(SETTINGS, latency_threads=(1,), latency_runs=3))
    return run


@pytest.fixture
def copied(exported: RunDir, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may damage."""
    return Path(shutil.copytree(exported.path(BUNDLE), tmp_path / "bundle"))


def test_the_bundle_holds_every_file_with_its_hash_and_lineage(exported: RunDir) -> None:
    bundle = exported.path(BUNDLE)
    manifest = json.loads((bundle / MANIFEST).read_text())
    assert set(manifest["files"]) == {p.name for p in bundle.iterdir()} - {MANIFEST}
    assert {"model.tflite", "tokenizer.model", "contract.json", "spec.json", "index.sqlite", "golden.json", "proof.json"} <= set(
        manifest["files"]
    )
    assert set(KOTLIN) <= set(manifest["files"])
    assert manifest["lineage"]["dataset"] == load_dataset(exported).hash
    assert manifest["proof"] == {"passed": True, "overridden": False, "failed": []}
    assert manifest["lengths"] == [64, 512]
    assert manifest["latency"][0]["signatures"][1]["median_ms"] > 0
    assert not list(exported.root.glob(".bundle*"))


def test_a_second_export_does_nothing_and_a_changed_setting_exports_again(exported: RunDir) -> None:
    before = (exported.path(BUNDLE) / MANIFEST).stat().st_mtime_ns
    again = export_bundle(exported, dataclasses.replace(SETTINGS, latency_threads=(1,), latency_runs=3))
    assert again.unchanged
    assert again.lengths == (64, 512)
    assert (exported.path(BUNDLE) / MANIFEST).stat().st_mtime_ns == before
    assert exported.last("export.bundle")["counts"]["chunks"] == len(load_dataset(exported).corpus)


def test_verify_holds_and_needs_no_torch(exported: RunDir) -> None:
    code = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('torch', 'transformers', 'sentence_transformers', 'litert_torch'):
            raise ImportError(name + ' is not installed here')
sys.meta_path.insert(0, Refuse())
from pathlib import Path
from triplette.export.proof.verify import verify_bundle
from triplette.export.runtime import Bundle
bundle = Path({str(exported.path(BUNDLE))!r})
proof = verify_bundle(bundle)
assert proof.passed, proof.failed
print([c.name for c in proof.checks], len(Bundle(bundle).ask('Qui arbitre ?', 2)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['files', 'contract', 'proof', 'golden', 'index'] 2"


def test_asking_finds_the_paragraph_that_holds_the_words(exported: RunDir) -> None:
    dataset = load_dataset(exported)
    bundle = Bundle(exported.path(BUNDLE))
    found = {
        dense: np.mean(
            [row.positive_ids[0] in [p.chunk_id for p in bundle.ask(row.question, 10, dense=dense)] for row in dataset.split("test")]
        )
        for dense in (True, False)
    }
    assert found[True] > 0.15  # a random model over 120 passages: chance is 0.08
    assert found[False] > found[True] + 0.2  # BM25 finds the words
    passage = bundle.ask(dataset.split("test")[0].question, 1)[0]
    chunk = dataset.corpus[passage.chunk_id]
    assert (passage.rank, passage.title, passage.text, passage.source) == (1, chunk.title, chunk.text, chunk.source)
    assert passage.bm25_rank >= 1
    assert passage.bm25_score > 0
    small = Bundle(exported.path(BUNDLE), dimension=32).ask("Qui arbitre ?", 3)
    assert len(small) == 3
    with pytest.raises(SettingError, match="no vectors of 100"):
        Bundle(exported.path(BUNDLE), dimension=100)


def test_answers_carry_both_ranks_and_scores_and_are_fused_as_the_contract_says(exported: RunDir) -> None:
    bundle = Bundle(exported.path(BUNDLE))
    question = load_dataset(exported).split("test")[3].question
    found, answers = bundle.scores(question), bundle.ask(question, 120)
    assert [a.score for a in answers] == sorted((a.score for a in answers), reverse=True)
    for answer in answers[:10]:
        position = read_index(exported.path(BUNDLE) / "index.sqlite").ids.index(answer.chunk_id)
        mixed = 0.3 * found.bm25[position] / found.bm25.max()
        mixed += 0.7 * (found.dense[position] - found.dense.min()) / (found.dense.max() - found.dense.min())
        assert answer.score == pytest.approx(mixed, abs=1e-5)
        assert answer.dense_rank == 1 + int((found.dense > found.dense[position]).sum())
    assert any(answer.bm25_rank == 0 for answer in answers)
    alone = bundle.ask(question, 3, dense=True)
    assert [answer.dense_rank for answer in alone] == [1, 2, 3]
    assert [answer.score for answer in alone] == [answer.dense_score for answer in alone]


def test_one_answer_a_section_on_request(exported: RunDir) -> None:
    bundle = Bundle(exported.path(BUNDLE))
    sections = [(a.source, a.title) for a in bundle.ask("Qui arbitre la partie ?", 8, per="section")]
    assert len(set(sections)) == len(sections) == 8
    assert len(bundle.ask("Qui arbitre ?", 8, per="page")) == 8  # Markdown has no pages: every passage is its own
    with pytest.raises(SettingError, match="cannot be counted per line"):
        bundle.ask("Qui arbitre ?", per="line")


def test_the_proof_says_that_the_posting_lists_are_bm25_and_the_hybrid_ranks_as_pytorchs(exported: RunDir) -> None:
    checks = {check["name"]: check for check in json.loads((exported.path(BUNDLE) / "proof.json").read_text())["checks"]}
    assert checks["lexical"]["figures"]["worst"] < 1e-9
    assert abs(checks["hybrid"]["figures"]["delta"]) <= 0.1


def test_the_index_holds_the_files_own_vectors_in_8_bits(exported: RunDir) -> None:
    bundle = Bundle(exported.path(BUNDLE))
    index = read_index(exported.path(BUNDLE) / "index.sqlite")
    chunk = load_dataset(exported).corpus[index.ids[5]]
    vector = bundle.embedder.embed_document(chunk.text, chunk.title)
    assert float(index.vectors(len(vector))[5] @ vector) > 0.999
    with closing(sqlite3.connect(exported.path(BUNDLE) / "index.sqlite")) as connection, connection:
        assert connection.execute("SELECT count(*) FROM chunks").fetchone()[0] == len(load_dataset(exported).corpus)


@pytest.mark.parametrize(
    ("name", "damage", "check"),
    [
        ("model.tflite", lambda p: p.write_bytes(p.read_bytes()[:-9] + b"\0" * 9), "files: 'model.tflite' changed"),
        ("tokenizer.model", lambda p: p.unlink(), "files: 'tokenizer.model' is missing"),
        ("contract.json", lambda p: p.write_text(p.read_text().replace("query: ", "")), "files: 'contract.json' changed"),
    ],
)
def test_verify_names_what_was_damaged(copied: Path, name: str, damage: Any, check: str) -> None:
    damage(copied / name)
    proof = verify_bundle(copied)
    assert next(f"{c.name}: {c.detail}" for c in proof.checks if not c.passed) == check


def test_verify_notices_another_model_under_a_mended_manifest(copied: Path, exported: RunDir) -> None:
    """Somebody re-quantised the file and wrote the new hash into the manifest: the golden texts still tell."""
    from triplette.contract import PromptContract
    from triplette.export.convert.convert import convert
    from triplette.export.convert.quantize import choose_recipe, quantize
    from triplette.export.convert.stage import make_plan
    from triplette.hashing import hash_file

    model = exported.path("model/merged")
    plan = make_plan(model, PromptContract.load(exported.path("model/contract.json")), SETTINGS)
    encoder = load_encoder(model)
    encoder.layers[0].mlp.down_proj.weight.data.mul_(-1)
    convert(encoder, plan.lengths, plan.dimensions, copied.parent / "other.tflite")
    quantize(copied.parent / "other.tflite", copied / "model.tflite", choose_recipe("int8", "auto", plan.architecture))
    manifest = json.loads((copied / MANIFEST).read_text())
    manifest["files"]["model.tflite"]["sha256"] = hash_file(copied / "model.tflite")
    (copied / MANIFEST).write_text(json.dumps(manifest))
    assert "golden" in verify_bundle(copied).failed


def test_a_failed_proof_leaves_no_bundle_and_an_override_is_stamped(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")

    def broken(folder: Path) -> Any:
        encoder = load_encoder(folder)
        encoder.pool = lambda states, present: states.mean(1)
        return encoder

    settings = dataclasses.replace(SETTINGS, lengths=(64,))
    with pytest.raises(ProofFailed, match="float32: probes at every length") as caught:
        export_bundle(run, settings, load=broken)
    assert "no bundle was written" in str(caught.value)
    assert not run.has(BUNDLE)
    assert run.last("export.bundle") is None
    assert "float32" in json.loads(run.path(FAILED).read_text())["failed"]
    forced = export_bundle(run, settings, load=broken, override=True)
    assert forced.overridden
    assert "**UNPROVEN.**" in (run.path(BUNDLE) / "README.md").read_text()
    assert verify_bundle(run.path(BUNDLE)).failed == ("proof",)


def test_auto_takes_float_activations_where_the_proof_refuses_eight_bits_and_the_card_says_so(tmp_path: Path) -> None:
    """With a limit between both: 8-bit activations are rounded otherwise by each kernel, float ones are not."""
    run = write_run(tmp_path / "run")
    strict = dataclasses.replace(SETTINGS, lengths=(64,), recipe="int8", kernel_cosine=0.99999)
    with pytest.raises(ProofFailed, match="with and without XNNPACK") as caught:
        export_bundle(run, strict)
    assert str(caught.value.cure).startswith("export with --recipe int8_weights")
    result = export_bundle(run, dataclasses.replace(strict, recipe="auto"))
    assert result.recipe == "int8_weights"
    assert not result.overridden
    assert "int8_weights was taken, because the proof refused int8 (kernels: " in (run.path(BUNDLE) / "README.md").read_text()
    assert json.loads((run.path(BUNDLE) / MANIFEST).read_text())["recipe"]["name"] == Bundle(run.path(BUNDLE)).embedder.spec.recipe
    assert verify_bundle(run.path(BUNDLE)).passed
    kinds = {weight.scope: weight.kind for weight in weights(read_model(run.path(BUNDLE) / "model.tflite"))}
    assert kinds == {EMBEDDING: "INT8/channel"} | dict.fromkeys(
        (ATTENTION, FEED_FORWARD, PROJECTION), "INT8/channel, float activations"
    )


def test_split_files_answer_like_one_file(exported: RunDir, tmp_path: Path) -> None:
    run = RunDir(Path(shutil.copytree(exported.root, tmp_path / "run")))
    result = export_bundle(run, dataclasses.replace(SETTINGS, layout="split"))
    assert {"model_64.tflite", "model_512.tflite"} <= set(result.sizes)
    text = "Le joueur touche une pièce."
    one, two = (Bundle(r.path(BUNDLE)).embedder.embed_query(text) for r in (exported, run))
    assert float(one @ two) > 0.9999
    assert verify_bundle(run.path(BUNDLE)).passed


def test_what_cannot_be_exported_is_refused_before_any_work(exported: RunDir, tmp_path: Path) -> None:
    with pytest.raises(MissingStage, match="run `train merge"):
        export_bundle(RunDir(tmp_path / "empty"), SETTINGS)
    with pytest.raises(SettingError, match=r"\[100\] are not in the model's contract"):
        export_bundle(exported, dataclasses.replace(SETTINGS, dimensions=(100,)))
    run = RunDir(Path(shutil.copytree(exported.root, tmp_path / "run")))
    (run.path("model/merged/2_Dense/model.safetensors")).unlink()
    with pytest.raises(InputError, match="dense head's weights are missing"):
        export_bundle(run, SETTINGS)
    modules = json.loads(run.path("model/merged/modules.json").read_text())
    run.path("model/merged/modules.json").write_text(json.dumps([m for m in modules if not m["type"].endswith("Dense")]))
    with pytest.raises(InputError, match="the dense head is missing"):
        export_bundle(run, SETTINGS)
    assert verify_bundle(run.path(BUNDLE)).passed, "the old bundle is untouched"


def misaligned(content: bytes) -> int:
    """Weights of a .tflite file that do not start at a multiple of 16 bytes."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    tables = [buffer for buffer in map(model.Buffers, range(model.BuffersLength())) if buffer.DataLength()]
    return sum(buffer._tab.Vector(buffer._tab.Offset(4)) % 16 > 0 for buffer in tables)


def test_the_shipped_file_says_nothing_twice_aligns_weights_and_names_only_what_is_read(exported: RunDir) -> None:
    path = exported.path(BUNDLE) / "model.tflite"
    before = path.read_bytes()
    assert slim(path) == 0
    assert path.read_bytes() == before
    assert misaligned(before) == 0
    model = read_model(path)
    names = [tensor.name for graph in model.subgraphs for tensor in graph.tensors if tensor.name]
    assert len(names) < sum(len(graph.tensors) for graph in model.subgraphs) / 2
    assert not [name for name in names if b"torch.nn" in name]
    assert {weight.scope for weight in weights(model)} == {EMBEDDING, ATTENTION, FEED_FORWARD, PROJECTION}
