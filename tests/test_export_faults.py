"""Planted faults: the real interpreter runs the real file, and the proof names the check that caught it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_bundle import SETTINGS, Lab, write_run

from triplette.export.convert.convert import load_encoder
from triplette.export.convert.stage import Staged
from triplette.export.litert import SPEC
from triplette.export.proof import audit
from triplette.export.proof.checks import Proof
from triplette.export.runtime import CONTRACT, TOKENIZER

pytestmark = pytest.mark.slow
# 30 questions over a random model: the ranking of 4-bit weights is noise here, and not what these tests are about
INT4 = dataclasses.replace(SETTINGS, recipe="e4_a8_f4_p4", max_drop=1.0, quantised_cosine=0.6)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One random model for all faults."""
    return Lab.of(write_run(tmp_path_factory.mktemp("faults") / "run"))


@pytest.fixture(scope="module")
def sound(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """A sound 4-bit bundle, staged."""
    return lab.stage(tmp_path_factory.mktemp("sound") / "bundle", INT4)


def copy(staged: Staged, folder: Path) -> Staged:
    """The same staged files in another folder, to be damaged there."""
    import shutil

    shutil.copytree(staged.subject.folder, folder)
    return dataclasses.replace(staged, subject=dataclasses.replace(staged.subject, folder=folder))


def convert_faulty(lab: Lab, tmp_path: Path, break_it: Any) -> Proof:
    """The proof of a conversion whose graph was broken."""

    def load(folder: Path) -> Any:
        encoder = load_encoder(folder)
        break_it(encoder)
        return encoder

    return lab.prove(lab.stage(tmp_path / "bundle", load=load))


def test_without_a_fault_every_check_holds(lab: Lab, sound: Staged, tmp_path: Path) -> None:
    # whether a random model's ranking survives 4 bits on 30 questions is chance
    assert set(lab.prove(sound, INT4).failed) <= {"ranking"}
    proof = lab.prove(lab.stage(tmp_path / "bundle"))
    assert proof.failed == ()
    assert proof.check("padding").figures["cases"] > 0
    assert proof.check("window").figures["cases"] > 0


def test_a_dense_head_that_was_left_out_is_caught(lab: Lab, tmp_path: Path) -> None:
    import torch

    def remove(encoder: Any) -> None:
        encoder.projection = torch.nn.Identity()

    proof = convert_faulty(lab, tmp_path, remove)
    assert {"float32", "types"} <= set(proof.failed)
    assert "projection: 0 weights" in proof.check("types").detail


def test_random_dense_heads_are_caught(lab: Lab, tmp_path: Path) -> None:
    def forget(encoder: Any) -> None:
        encoder.projection.heads[0].reset_parameters()

    assert "float32" in convert_faulty(lab, tmp_path, forget).failed


def test_swapped_rotary_bases_are_caught(lab: Lab, tmp_path: Path) -> None:
    def swap(encoder: Any) -> None:
        a = encoder.architecture
        encoder.architecture = dataclasses.replace(a, local_base=a.global_base, global_base=a.local_base)

    proof = convert_faulty(lab, tmp_path, swap)
    assert "float32" in proof.failed
    assert proof.check("float32").figures["min"] > 0.5  # it looks like a model that was quantised a little hard


def test_an_inverted_mask_is_caught(lab: Lab, tmp_path: Path) -> None:
    def invert(encoder: Any) -> None:
        masks = encoder.masks
        encoder.masks = lambda present, positions: masks(1.0 - present, positions)

    assert {"float32", "padding"} <= set(convert_faulty(lab, tmp_path, invert).failed)


def test_pooling_over_the_padding_is_caught(lab: Lab, tmp_path: Path) -> None:
    def average(encoder: Any) -> None:
        encoder.pool = lambda states, present: states.mean(1)

    proof = convert_faulty(lab, tmp_path, average)
    assert {"float32", "padding", "signatures"} <= set(proof.failed)


def test_masks_of_minus_infinity_are_caught(lab: Lab, tmp_path: Path) -> None:
    """The fault of the stock example: padded text at length 512 becomes NaN."""

    def infinite(encoder: Any) -> None:
        masks = encoder.masks

        def added(present: Any, positions: Any) -> Any:
            full, local = masks(present, positions)
            return full / 1e4 * 3e38 * 2, local / 1e4 * 3e38 * 2

        encoder.masks = added

    assert "padding" in convert_faulty(lab, tmp_path, infinite).failed


def test_expanded_keys_are_caught(lab: Lab, tmp_path: Path) -> None:
    """litert-converter 0.5 turns transpose(expand(K)) into a reshape, without an error."""

    def expand(encoder: Any) -> None:
        for layer in encoder.layers:
            attention = layer.self_attn
            heads = attention.heads

            def repeat(kv: Any, heads: int = heads) -> Any:
                _, groups, length, width = kv.shape
                return kv[:, :, None].expand(1, groups, heads // groups, length, width).reshape(1, heads, length, width)

            attention.repeat = repeat

    proof = convert_faulty(lab, tmp_path, expand)
    # XNNPACK recognises the attention composite and never runs its broken decomposition; every other kernel does
    assert "plain_kernels" in proof.failed
    assert proof.check("plain_kernels").figures["min"] < 0.999


def test_a_dropped_prefix_is_caught(lab: Lab, sound: Staged, tmp_path: Path) -> None:
    staged = copy(sound, tmp_path / "bundle")
    dataclasses.replace(lab.contract, query_prefix="").save(staged.subject.folder / CONTRACT)
    proof = lab.prove(staged, INT4)
    assert {"contract", "token_ids"} <= set(proof.failed)
    assert "query_prefix" in proof.check("contract").detail


def test_a_tokenizer_off_by_one_is_caught(lab: Lab, sound: Staged, tmp_path: Path) -> None:
    from sentencepiece import sentencepiece_model_pb2 as protocol

    staged = copy(sound, tmp_path / "bundle")
    path = staged.subject.folder / TOKENIZER
    model = protocol.ModelProto()
    model.ParseFromString(path.read_bytes())
    first = next(i for i, piece in enumerate(model.pieces) if piece.type == piece.NORMAL)
    last = model.pieces.pop()
    model.pieces.insert(first, last)
    path.write_bytes(model.SerializeToString())
    assert "token_ids" in lab.prove(staged, INT4).failed


def test_a_zeroed_4_bit_layer_is_caught(lab: Lab, sound: Staged, tmp_path: Path) -> None:
    staged = copy(sound, tmp_path / "bundle")
    path = staged.subject.folder / "model.tflite"
    zero_layer(path)
    proof = lab.prove(staged, INT4)
    assert "weights" in proof.failed
    assert "feed_forward" in proof.check("weights").detail
    assert "off by 1.000" in proof.check("weights").detail


def zero_layer(path: Path) -> None:
    """Set one 4-bit feed-forward weight of a file to zeros, in place."""
    model = audit.read_model(path)
    weight = next(w for w in audit.weights(model) if w.bits == 4 and w.scope == "feed_forward")
    content = bytes(model.buffers[weight.buffer].data)
    whole = path.read_bytes()
    assert whole.count(content) == 1
    path.write_bytes(whole.replace(content, bytes(len(content))))


def test_a_recipe_that_matches_nothing_is_caught(lab: Lab, sound: Staged, tmp_path: Path) -> None:
    """The stock mixed recipe leaves the model in float32 without a word."""
    import shutil

    staged = copy(sound, tmp_path / "bundle")
    shutil.copy(staged.subject.float_folder / "model.tflite", staged.subject.folder / "model.tflite")
    proof = lab.prove(staged, INT4)
    assert "types" in proof.failed
    assert "FLOAT32" in proof.check("types").detail


def test_reference_kernels_return_zeros_for_blocks_and_are_refused(sound: Staged) -> None:
    from triplette.errors import ProofFailed
    from triplette.export.runtime import Embedder

    assert sound.subject.recipe.granularity == "32"
    embedder = Embedder(sound.subject.folder, kernels="reference")
    with pytest.raises(ProofFailed, match="reference kernels return zeros"):
        embedder.embed_query("Qui arbitre ?")
    vector = Embedder(sound.subject.folder, kernels="plain").embed_query("Qui arbitre ?")
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-3)
    assert (sound.subject.folder / SPEC).exists()
