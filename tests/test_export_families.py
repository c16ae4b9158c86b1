"""EmbeddingGemma 2, ModernBERT and Qwen3-Embedding: what is read and refused, and each graph against PyTorch before conversion."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from family_models import WRITERS, add_towers, write_eg2, write_modernbert
from tiny_bundle import paragraphs

from triplette.errors import InputError
from triplette.export.convert.convert import load_encoder
from triplette.export.convert.quantize import choose_recipe, expected_bytes
from triplette.export.families.family import read_architecture
from triplette.model_contract import contract_of


def texts() -> list[str]:
    return [chunk.text for chunk in paragraphs(40)]


MODELS: dict[str, Callable[[Path], Path]] = {name: lambda path, write=write: write(path, texts()) for name, write in WRITERS.items()}  # type: ignore[misc]
MODELS["granite multilingual"] = lambda path: write_modernbert(path, texts(), activation="silu")
MODELS["mmbert"] = lambda path: write_modernbert(path, texts(), tokens="gemma", pooling="mean")


@pytest.fixture(scope="module", params=list(MODELS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of each family."""
    return MODELS[request.param](tmp_path_factory.mktemp("family") / request.param)


def test_the_graph_equals_the_model_at_every_length_and_on_either_side_of_the_padding(folder: Path) -> None:
    import torch

    from triplette.export.proof.reference import Reference

    reference, encoder = Reference(folder), load_encoder(folder)
    for tokens, length in ((1, 64), (30, 64), (64, 64), (300, 512)):
        ids = [5 + (7 * i) % 500 for i in range(tokens)]
        truth = reference.vectors([ids])[0]
        for start in {0, length - tokens}:
            padded, mask = torch.ones(1, length, dtype=torch.int32), torch.zeros(1, length, dtype=torch.int32)
            padded[0, start : start + tokens] = torch.tensor(ids)
            mask[0, start : start + tokens] = 1
            with torch.inference_mode():
                vector = torch.nn.functional.normalize(encoder(padded, mask), dim=1)[0].numpy()
            assert float(vector @ truth) > 0.999999


def test_sizes_are_counted_as_pytorch_counts_them(folder: Path) -> None:
    encoder, architecture = load_encoder(folder), read_architecture(folder)
    assert sum(p.numel() for p in encoder.parameters()) == architecture.parameters
    contract = contract_of(str(folder)).contract
    assert (contract.pooling, contract.dimensions[0]) == (architecture.pooling, architecture.output)


def changed(folder: Path, target: Path, **changes: Any) -> Path:
    """The small files of a model with other values in its configuration (None: left out)."""
    import shutil

    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.safetensors"))
    config = json.loads((target / "config.json").read_text()) | changes
    (target / "config.json").write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    return target


ROPE = {"sliding_attention": {"rope_type": "linear", "rope_theta": 1e4}, "full_attention": {"rope_type": "default", "rope_theta": 1e4}}
REFUSED: dict[str, list[tuple[dict[str, Any], str]]] = {
    "embeddinggemma2": [
        ({"hidden_activation": "relu"}, "hidden_activation is 'relu'"),
        ({"attention_bias": True}, "attention_bias is True"),
        ({"rope_parameters": ROPE}, "rotary parameters of sliding_attention"),
        ({"per_layer_config": None}, "lacks per_layer_config"),
        ({"per_layer_config": {"2": {"intermediate_size": 9}}}, "layer 2 has its own intermediate_size"),
        ({"per_layer_config": {"0": {"head_dim": 8}}}, "heads of sliding_attention layers are of several widths"),
        ({"layer_types": ["sliding_attention", "chunked_attention", "full_attention"]}, "are not 3 known kinds"),
    ],
    "modernbert": [
        ({"hidden_activation": "relu"}, "hidden_activation is 'relu'"),
        ({"num_attention_heads": 5}, "not a multiple of num_attention_heads 5"),
        ({"rope_parameters": ROPE}, "rotary parameters of sliding_attention"),
        ({"rope_parameters": None, "rope_scaling": {"factor": 2}}, "rope_scaling is not supported"),
        ({"norm_eps": None}, "lacks norm_eps"),
    ],
    "qwen3": [
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"use_sliding_window": True}, "use_sliding_window is True"),
        ({"layer_types": ["full_attention", "sliding_attention", "full_attention"]}, "only full_attention is supported"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e6}}, "rotary parameters of its layers"),
        ({"num_key_value_heads": 3}, "num_attention_heads is not a multiple"),
    ],
}  # fmt: skip


def test_what_a_graph_does_not_do_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    family = read_architecture(folder).family
    for number, (change, message) in enumerate(REFUSED[family]):
        with pytest.raises(InputError, match=message):
            read_architecture(changed(folder, tmp_path / str(number), **change))


def test_configurations_of_older_versions_are_read(tmp_path: Path) -> None:
    folder = write_modernbert(tmp_path / "new", texts())
    new = read_architecture(folder)
    config = json.loads((folder / "config.json").read_text())
    bases = {kind: config["rope_parameters"][kind]["rope_theta"] for kind in ("sliding_attention", "full_attention")}
    old = changed(
        folder, tmp_path / "old", rope_parameters=None, layer_types=None, global_attn_every_n_layers=3,
        local_rope_theta=bases["sliding_attention"], global_rope_theta=bases["full_attention"],
    )  # fmt: skip
    assert read_architecture(old) == new


def test_the_full_size_of_embeddinggemma_2_is_read_as_transformers_writes_it(tmp_path: Path) -> None:
    from model_folders import write_model
    from transformers.models.embedding_gemma2 import EmbeddingGemma2TextConfig

    config = EmbeddingGemma2TextConfig().to_dict()
    EmbeddingGemma2TextConfig().save_pretrained(tmp_path / "saved")
    saved = json.loads((tmp_path / "saved/config.json").read_text())
    assert "05" in saved["per_layer_config"]  # not "5"
    folder = write_model(tmp_path / "m", {**config, **saved})
    a = read_architecture(folder)
    assert [shape.head_dim for shape in a.shapes] == [256, 256, 256, 256, 256, 512] * 4  # type: ignore[attr-defined]
    assert (round(a.parameters / 1e6), a.window, a.output) == (271, 513, 768)
    recipe = choose_recipe("e4_a8_f4_p4", "auto", a)
    assert recipe.granularity == "128"
    assert 150e6 < expected_bytes(a, recipe) < 165e6


def test_of_several_towers_only_the_text_is_loaded_with_the_same_vectors_and_adapters_hit_nothing_else(tmp_path: Path) -> None:
    import torch

    from triplette.export.proof.reference import Reference
    from triplette.settings.train import PRESETS, preset_of
    from triplette.train.models import load_base, make_trainable

    plain = write_eg2(tmp_path / "embeddinggemma-2", texts())
    published = tmp_path / "published" / "embeddinggemma-2"
    whole = add_towers(plain, published)
    ids = torch.tensor([[5 + (7 * i) % 500 for i in range(60)]])
    preset = preset_of(PRESETS["embeddinggemma2"](base=str(published), method="lora", precision="fp32"))
    base = load_base(str(published), preset, device="cpu")
    core = base.model[0].model
    assert (type(core).__name__, type(whole).__name__) == ("EmbeddingGemma2TextModel", "EmbeddingGemma2Model")
    with torch.inference_mode():
        assert torch.equal(whole(input_ids=ids).last_hidden_state, core(input_ids=ids).last_hidden_state)
    assert base.contract.query_prefix == "task: search result | query: "
    make_trainable(base.model, preset)
    trained = [name for name, parameter in base.model.named_parameters() if parameter.requires_grad]
    # queries, keys, values and output of three layers, two factors each: the towers' layers of the same names are not there
    assert len(trained) == 3 * 4 * 2
    # and the folder of all towers can be exported as it is
    truth = Reference(published).vectors([ids[0].tolist()])[0]
    with torch.inference_mode():
        found = load_encoder(published)(ids.int(), torch.ones_like(ids).int())
    assert float(torch.nn.functional.normalize(found, dim=1)[0].numpy() @ truth) > 0.999999


def test_the_limits_are_what_the_families_were_trained_to_read(tmp_path: Path) -> None:
    # configuration and tokenizer of EmbeddingGemma 2 name more than 8,192
    folder = write_eg2(tmp_path / "embeddinggemma-2", texts())
    for name in ("sentence_bert_config.json", "tokenizer_config.json"):
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({key: value for key, value in content.items() if "max" not in key}))
    assert contract_of(str(folder)).contract.max_tokens == 8192
