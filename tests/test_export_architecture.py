"""What the converter accepts, and what it refuses by name before any work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from triplette.errors import InputError
from triplette.export.families.family import read_architecture

CONFIG: dict[str, Any] = {
    "model_type": "gemma3_text", "use_bidirectional_attention": True, "hidden_activation": "gelu_pytorch_tanh",
    "attn_logit_softcapping": None, "attention_bias": False, "vocab_size": 262144, "hidden_size": 768, "intermediate_size": 1152,
    "num_hidden_layers": 24, "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 256, "query_pre_attn_scalar": 256,
    "sliding_window": 512, "rms_norm_eps": 1e-6, "max_position_embeddings": 2048,
    "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 4,
    "rope_parameters": {
        "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        "full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
    },
}  # fmt: skip
KINDS = ("Transformer", "Pooling", "Dense", "Dense", "Normalize")


def write_folder(folder: Path, config: dict[str, Any] = CONFIG, kinds: tuple[str, ...] = KINDS) -> Path:
    """A model folder without weights: EmbeddingGemma-300m's configuration."""
    modules = []
    for index, kind in enumerate(kinds):
        path = "" if kind == "Transformer" else f"{index}_{kind}"
        modules.append({"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"})
        (folder / path).mkdir(parents=True, exist_ok=True)
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "config.json").write_text(json.dumps(config))
    for path in folder.glob("*_Pooling"):
        (path / "config.json").write_text(json.dumps({"word_embedding_dimension": 768, "pooling_mode_mean_tokens": True}))
    for path, (width, out) in zip(sorted(folder.glob("*_Dense")), ((768, 3072), (3072, 768)), strict=False):
        identity = "torch.nn.modules.linear.Identity"
        content = {"in_features": width, "out_features": out, "bias": False, "activation_function": identity}
        (path / "config.json").write_text(json.dumps(content))
    return folder


def test_embeddinggemma_is_read_with_its_numbers(tmp_path: Path) -> None:
    a = read_architecture(write_folder(tmp_path))
    assert (a.layers, a.output, a.window, a.scale) == (24, 768, 257, 1 / 16)
    assert (a.local_base, a.global_base) == (10_000.0, 1_000_000.0)
    assert a.parameters == 307_581_696  # "308M"


def test_the_older_form_of_the_rotary_bases_is_read(tmp_path: Path) -> None:
    old = {key: value for key, value in CONFIG.items() if key != "rope_parameters"}
    a = read_architecture(write_folder(tmp_path, {**old, "rope_theta": 5e5, "rope_local_base_freq": 2e4}))
    assert (a.local_base, a.global_base) == (2e4, 5e5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "t5"}, "model_type is 't5'; supported are gemma3_text"),
        ({"use_bidirectional_attention": False}, "use_bidirectional_attention is False"),
        ({"hidden_activation": "silu"}, "hidden_activation is 'silu'"),
        ({"attn_logit_softcapping": 50.0}, "attn_logit_softcapping is 50.0"),
        ({"query_pre_attn_scalar": None}, "lacks query_pre_attn_scalar"),
        ({"sliding_window": None}, "lacks sliding_window"),
        ({"layer_types": ["full_attention"]}, "layer_types"),
        ({"num_key_value_heads": 2}, "not a multiple"),
        (
            {"rope_parameters": {"sliding_attention": {"rope_theta": 1e4}, "full_attention": {"rope_type": "yarn", "rope_theta": 1e6}}},
            "rotary parameters of full_attention",
        ),
    ],
)
def test_another_architecture_is_refused_by_name(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_architecture(write_folder(tmp_path, {**CONFIG, **change}))
    assert "supported family" in caught.value.cure


def test_a_missing_dense_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the dense head is missing"):
        read_architecture(write_folder(tmp_path, kinds=("Transformer", "Pooling", "Normalize")))


def test_dense_heads_that_do_not_fit_each_other_are_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    path = folder / "3_Dense" / "config.json"
    path.write_text(path.read_text().replace("3072", "1024"))
    with pytest.raises(InputError, match="takes 1024 numbers but is given 3072"):
        read_architecture(folder)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("1_Pooling/config.json", {"pooling_mode": "cls"}, "pooling is cls"),
        ("1_Pooling/config.json", {"pooling_mode": "mean", "include_prompt": False}, "leaves the prompt out"),
        ("2_Dense/config.json", {"in_features": 768, "out_features": 3072, "activation_function": "ReLU"}, "ends with ReLU"),
    ],
)
def test_other_pooling_and_heads_are_refused(tmp_path: Path, file: str, content: dict[str, Any], message: str) -> None:
    folder = write_folder(tmp_path)
    (folder / file).write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_architecture(folder)


@pytest.mark.parametrize("spoil", [lambda p: p.unlink(), lambda p: p.write_text("{")])
def test_an_unreadable_configuration_names_its_file(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    folder = write_folder(tmp_path)
    spoil(folder / "config.json")
    with pytest.raises(InputError, match=r"config\.json: not readable"):
        read_architecture(folder)
