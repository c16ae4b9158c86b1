"""Thirteen planted faults in each family with rotary positions: the real interpreter runs the real file, and a named check says so.

EmbeddingGemma 2's graph takes a minute to convert however small it is: its graph faults are planted when TRIPLETTE_ALL_FAULTS is set.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from family_models import WRITERS, write_family_run
from test_export_faults import copy, zero_layer
from tiny_bundle import SETTINGS, Lab, paragraphs

from triplette.contract import PromptContract
from triplette.dataset import load_dataset
from triplette.export.convert.convert import load_encoder
from triplette.export.convert.stage import Staged
from triplette.export.proof.reference import Reference
from triplette.export.proof.sample import take_sample
from triplette.export.runtime import CONTRACT, TOKENIZER
from triplette.export.tokenizers.byte_level import HEADER

pytestmark = pytest.mark.slow
# a dozen passages over a random model: the ranking of 4-bit weights is noise here, and not what these tests are about
SHORT = dataclasses.replace(SETTINGS, lengths=(64,), max_drop=1.0)
INT4 = dataclasses.replace(SHORT, recipe="e4_a8_f4_p4", quantised_cosine=0.3, kernel_cosine=0.9)
Fault = Callable[[Any], None]


def lab_of(root: Path, family: str) -> Lab:
    """A small lab on a random model of the family."""
    run = write_family_run(root / "run", paragraphs(30), family)
    sample = take_sample(load_dataset(run), questions=6, passages=10)
    return Lab(run, PromptContract.load(run.path("model/contract.json")), sample, Reference(run.path("model/merged")))


@pytest.fixture(scope="module", params=list(WRITERS))
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One random model a family for all faults."""
    return lab_of(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def sound(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """A sound 4-bit bundle of each family, staged."""
    return lab.stage(tmp_path_factory.mktemp("sound") / "bundle", INT4)


def change(encoder: Any, **values: Any) -> None:
    encoder.architecture = dataclasses.replace(encoder.architecture, **values)


def other_positions(encoder: Any) -> None:
    a = encoder.architecture
    change(encoder, **({"base": 100.0} if a.family == "qwen3" else {"local_base": a.global_base, "global_base": a.local_base}))


def random_feed_forward(encoder: Any) -> None:
    next(encoder.layers[1].mlp.children()).reset_parameters()


def inverted_mask(encoder: Any) -> None:
    name = "mask" if hasattr(encoder, "mask") else "masks"
    own = getattr(encoder, name)
    setattr(encoder, name, lambda present, positions: own(1.0 - present, positions))


def pooled_padding(encoder: Any) -> None:
    encoder.pool = lambda states, present: states.mean(1)


def pooled_end(encoder: Any) -> None:
    encoder.pool = lambda states, present: states[:, -1]  # right only where nothing is padded, or on the left


def another_window(encoder: Any) -> None:
    if encoder.architecture.window:
        change(encoder, window=encoder.architecture.window - 1)
    else:  # causal: every token sees all others instead
        from triplette.export.families.graph import padding_mask

        encoder.mask = lambda present, positions: padding_mask(present) + 0.0 * positions[None, None, :, None]


def forgotten_norm(encoder: Any) -> None:
    layer = encoder.layers[1]
    if encoder.architecture.family == "modernbert":
        layer.attn_norm = type(encoder.layers[0].attn_norm)()
    else:
        layer.self_attn.q_norm.weight.data.fill_(1.0)


def swapped_weights(encoder: Any) -> None:
    attention = encoder.layers[0].self_attn
    if encoder.architecture.family == "modernbert":
        attention.Wqkv.weight.data = attention.Wqkv.weight.data.flip(0)
    else:
        attention.k_proj, attention.v_proj = attention.v_proj, attention.k_proj


def lost_layer(encoder: Any) -> None:
    layer = encoder.layers[-1]
    layer.mlp.forward = lambda states: 0.0 * states


FAULTS: tuple[Fault, ...] = (
    other_positions, random_feed_forward, inverted_mask, pooled_padding, pooled_end, another_window, forgotten_norm, swapped_weights, lost_layer,
)  # fmt: skip


def test_without_a_fault_every_check_holds(lab: Lab, sound: Staged, tmp_path: Path) -> None:
    assert lab.prove(sound, INT4).failed == ()
    proof = lab.prove(lab.stage(tmp_path / "bundle", SHORT), SHORT)
    assert proof.failed == ()
    window = sound.subject.architecture.window
    assert (proof.check("window").figures["cases"] > 0) == bool(window)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_faulty_graph_is_caught_by_the_float32_file(lab: Lab, tmp_path: Path, fault: Fault, request: pytest.FixtureRequest) -> None:
    family = request.node.callspec.params["lab"]
    if family == "embeddinggemma2" and not os.environ.get("TRIPLETTE_ALL_FAULTS"):
        pytest.skip("a minute each: set TRIPLETTE_ALL_FAULTS")

    def load(folder: Path) -> Any:
        encoder = load_encoder(folder)
        fault(encoder)
        return encoder

    proof = lab.prove(lab.stage(tmp_path / "bundle", SHORT, load), SHORT)
    assert "float32" in proof.failed


def test_a_changed_prompt_a_shifted_tokenizer_a_zeroed_layer_and_float_weights_are_caught(
    lab: Lab, sound: Staged, tmp_path: Path
) -> None:
    prefixed = copy(sound, tmp_path / "a")
    dataclasses.replace(lab.contract, query_prefix="ask: ").save(prefixed.subject.folder / CONTRACT)
    assert {"contract", "token_ids"} <= set(lab.prove(prefixed, INT4).failed)

    shifted = copy(sound, tmp_path / "b")
    shift_tokenizer(shifted.subject.folder / TOKENIZER)
    assert "token_ids" in lab.prove(shifted, INT4).failed

    zeroed = copy(sound, tmp_path / "c")
    zero_layer(zeroed.subject.folder / "model.tflite")
    assert "feed_forward" in lab.prove(zeroed, INT4).check("weights").detail

    unquantised = copy(sound, tmp_path / "d")
    shutil.copy(sound.subject.float_folder / "model.tflite", unquantised.subject.folder / "model.tflite")
    assert "types" in lab.prove(unquantised, INT4).failed


def shift_tokenizer(path: Path) -> None:
    """Make ids one too high."""
    from sentencepiece import sentencepiece_model_pb2 as protocol

    content = path.read_bytes()
    if content.startswith(HEADER.encode()):
        lines = content.decode().split("\n")
        lines[3] = " ".join(str(int(identity) + 1) for identity in lines[3].split())
        path.write_text("\n".join(lines), encoding="utf-8")
        return
    model = protocol.ModelProto()
    model.ParseFromString(content)
    model.pieces.insert(300, model.pieces.pop())
    path.write_bytes(model.SerializeToString())
