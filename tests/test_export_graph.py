"""The graph before conversion equals the PyTorch model; tensors are loaded strictly; small models of other shapes convert."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_bundle import SHAPE, paragraphs, randomise_heads

from triplette.errors import InputError
from triplette.export.convert.convert import convert, load_encoder, load_strictly, read_tensors
from triplette.export.families.family import family_of
from triplette.export.litert import LiteRtModel, SignatureSpec, Spec
from triplette.export.proof.reference import Reference
from triplette.export.tokenizers.pieces import TokenizerSpec
from triplette.train.tiny import build_tiny

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model."""
    folder = tmp_path_factory.mktemp("graph") / "model"
    build_tiny(folder, [chunk.text for chunk in paragraphs(40)], shape=SHAPE)
    randomise_heads(folder)
    return folder


def test_the_graph_equals_the_model_at_every_length_and_on_either_side_of_the_padding(model: Path) -> None:
    import torch

    from triplette.export.families.graph import Signature

    reference, encoder = Reference(model), load_encoder(model)
    rng = np.random.default_rng(0)
    for tokens, length in ((1, 64), (30, 64), (64, 64), (5, 512), (300, 512)):
        ids = rng.integers(5, 1000, tokens).tolist()
        truth = reference.vectors([ids])[0]
        for start in {0, length - tokens}:
            padded, mask = torch.zeros(1, length, dtype=torch.int32), torch.zeros(1, length, dtype=torch.int32)
            padded[0, start : start + tokens] = torch.tensor(ids)
            mask[0, start : start + tokens] = 1
            with torch.inference_mode():
                output = Signature(encoder, (96, 32))(padded, mask)
            assert float(output["embedding_96"][0].numpy() @ truth) > 0.999999
            short = truth[:32] / np.linalg.norm(truth[:32])
            assert float(output["embedding_32"][0].numpy() @ short) > 0.999999


def test_tensors_that_are_missing_left_over_or_misshapen_are_named(model: Path) -> None:
    encoder = load_encoder(model)
    tensors = read_tensors(model, family_of(model), encoder.architecture)
    lacking = {name: tensor for name, tensor in tensors.items() if "layers.1.self_attn.k_norm" not in name}
    with pytest.raises(InputError, match=r"1 missing \(layers\.1\.self_attn\.k_norm\.weight\)"):
        load_strictly(encoder, lacking, where="here")
    with pytest.raises(InputError, match=r"1 unexpected \(lm_head\.weight\)"):
        load_strictly(encoder, {**tensors, "lm_head.weight": tensors["norm.weight"]}, where="here")
    with pytest.raises(InputError, match=r"1 of another shape \(norm\.weight\)"):
        load_strictly(encoder, {**tensors, "norm.weight": tensors["norm.weight"][:5]}, where="here")


def test_weights_in_bfloat16_and_under_another_prefix_are_loaded(model: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(model, tmp_path / "model"))
    tensors = load_file(folder / "model.safetensors")
    save_file({f"model.{name}": t.to(torch.bfloat16) for name, t in tensors.items()}, folder / "model.safetensors")
    encoder = load_encoder(folder)
    assert encoder.norm.weight.dtype == torch.float32
    assert torch.equal(encoder.layers[0].mlp.up_proj.weight, tensors["layers.0.mlp.up_proj.weight"].to(torch.bfloat16).float())


@pytest.mark.parametrize(
    "change",
    [
        {"heads": 4, "kv_heads": 2, "head_dim": 16, "hidden": 64, "layers": 1},
        {"heads": 2, "kv_heads": 2, "head_dim": 24, "hidden": 48, "feed_forward": 100, "layers": 2},
        {"heads": 1, "kv_heads": 1, "hidden": 40, "layers": 1, "global_every": 1},
    ],
    ids=["two groups", "one key a head, odd widths", "global layers only"],
)
def test_other_shapes_convert_and_equal_pytorch(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = tmp_path / "model"
    shape = dataclasses.replace(SHAPE, **change)
    build_tiny(folder, [chunk.text for chunk in paragraphs(20)], shape=shape)
    randomise_heads(folder)
    spec = Spec(
        (SignatureSpec("embed_80", "model.tflite", 80),), (shape.hidden,), TokenizerSpec((2,), (1,), 0, {}), "float32", "channel"
    )
    convert(load_encoder(folder), (80,), (shape.hidden,), tmp_path / "model.tflite")
    reference = Reference(folder)
    for kernels in ("xnnpack", "plain", "reference"):
        litert = LiteRtModel(tmp_path, spec, kernels=kernels)
        for ids in ([7, 8, 9], list(range(300, 380))):
            assert float(litert.run(ids)[shape.hidden] @ reference.vectors([ids])[0]) > 0.99999
