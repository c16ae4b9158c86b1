"""BERT and XLM-R: what is read and refused, the graph against PyTorch, and twelve planted faults, each caught by a named check."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model_folders import BERT, XLMR, write_model
from test_export_faults import copy, zero_layer
from tiny_bundle import SETTINGS, Lab, paragraphs
from tiny_families import write_bert, write_bert_run

from triplette.errors import InputError
from triplette.export.convert.convert import load_encoder
from triplette.export.convert.quantize import choose_recipe, expected_bytes
from triplette.export.convert.stage import Staged
from triplette.export.families.architecture import head_biases
from triplette.export.families.family import FAMILIES, family_of, read_architecture
from triplette.export.proof.checks import Proof
from triplette.export.runtime import CONTRACT, TOKENIZER

SHORT = dataclasses.replace(SETTINGS, lengths=(64,))
# 30 questions over a random model: the ranking of 4-bit weights is noise here, and not what these tests are about
INT4 = dataclasses.replace(SHORT, recipe="e4_a8_f4_p4", max_drop=1.0, quantised_cosine=0.6)


def test_the_two_kinds_count_their_positions_from_where_they_were_trained(tmp_path: Path) -> None:
    e5, solon = read_architecture(write_model(tmp_path / "a", BERT)), read_architecture(write_model(tmp_path / "b", XLMR))
    assert (e5.family, e5.max_positions, e5.output, e5.window) == ("bert", 512, 384, 0)
    assert solon.max_positions == 512
    assert round(e5.parameters / 1e6) == 118  # multilingual-e5-small


def test_the_phone_file_of_multilingual_e5_small_is_expected_under_75_megabytes(tmp_path: Path) -> None:
    a = read_architecture(write_model(tmp_path / "a", BERT))
    recipe = choose_recipe("e4_a8_f4_p4", "auto", a)
    assert recipe.granularity == "128"
    assert 55e6 < expected_bytes(a, recipe) < 75e6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type is 'relative_key'"),
        ({"is_decoder": True}, "is_decoder is True"),
        ({"num_attention_heads": 5}, "not a multiple of num_attention_heads 5"),
        ({"layer_norm_eps": None}, "lacks layer_norm_eps"),
        ({"model_type": "deberta-v2"}, "model_type is 'deberta-v2'; supported are gemma3_text"),
    ],
)
def test_what_the_graph_does_not_do_is_refused_by_name(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_architecture(write_model(tmp_path / "m", {**BERT, **change}))


def test_another_pooling_is_refused(tmp_path: Path) -> None:
    last = {"word_embedding_dimension": 384, "pooling_mode": "lasttoken"}
    with pytest.raises(InputError, match="pooling is lasttoken, only mean or cls is supported"):
        read_architecture(write_model(tmp_path / "m", BERT, pooling=last))


def test_a_model_type_belongs_to_one_family(tmp_path: Path) -> None:
    kinds = [kind for family in FAMILIES for kind in family.model_types]
    assert len(kinds) == len(set(kinds))
    assert family_of(write_model(tmp_path / "m", XLMR)).name == "bert"


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "pooling"), [("xlm-roberta", "mean"), ("xlm-roberta", "cls"), ("bert", "mean"), ("bert", "cls")])
def test_the_graph_equals_the_model_on_either_side_of_the_padding(tmp_path: Path, kind: str, pooling: str) -> None:
    import torch

    from triplette.export.proof.reference import Reference

    folder = write_bert(tmp_path / "m", [chunk.text for chunk in paragraphs(40)], kind=kind, pooling=pooling)
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


def with_head(folder: Path, target: Path) -> Path:
    """The model with a dense head of a bias and a tanh between pooling and normalisation, as LaBSE is published."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Normalize

    model: Any = SentenceTransformer(str(folder), device="cpu")
    head = Dense(96, 64, bias=True, activation_function=torch.nn.Tanh())
    torch.nn.init.normal_(head.linear.bias, std=0.3)
    SentenceTransformer(modules=[model[0], model[1], head, Normalize()], device="cpu").save(str(target), create_model_card=False)
    return target


def test_a_dense_head_of_labse_s_kind_is_the_model_s_own(tmp_path: Path) -> None:
    import torch

    from triplette.export.proof.reference import Reference

    texts = [chunk.text for chunk in paragraphs(20)]
    folder = with_head(write_bert(tmp_path / "m", texts, kind="bert", pooling="cls", tokens="wordpiece"), tmp_path / "labse")
    encoder, architecture = load_encoder(folder), read_architecture(folder)
    assert (architecture.output, architecture.heads_after_pooling[0].bias, architecture.heads_after_pooling[0].tanh) == (64, True, True)
    head = sum(parameter.numel() for parameter in encoder.projection.parameters())
    assert (head, head_biases(architecture.heads_after_pooling)) == (64 * 96 + 64, 64)
    ids = [5 + (7 * i) % 500 for i in range(30)]
    with torch.inference_mode():
        vector = encoder(torch.tensor([ids], dtype=torch.int32), torch.ones(1, 30, dtype=torch.int32))
    assert float(torch.nn.functional.normalize(vector, dim=1)[0].numpy() @ Reference(folder).vectors([ids])[0]) > 0.999999


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One random XLM-R for all faults."""
    return Lab.of(write_bert_run(tmp_path_factory.mktemp("faults") / "run", paragraphs()))


@pytest.fixture(scope="module")
def sound(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """A sound 4-bit bundle, staged."""
    return lab.stage(tmp_path_factory.mktemp("sound") / "bundle", INT4)


@pytest.mark.slow
def test_without_a_fault_every_check_holds(lab: Lab, sound: Staged, tmp_path: Path) -> None:
    assert set(lab.prove(sound, INT4).failed) <= {"ranking"}
    proof = lab.prove(lab.stage(tmp_path / "bundle"))
    assert proof.failed == ()
    assert proof.check("padding").figures["cases"] > 0


def _shift_positions(encoder: Any) -> None:
    encoder.architecture = dataclasses.replace(encoder.architecture, first_position=encoder.architecture.first_position - 1)


def _forget_the_token_type(encoder: Any) -> None:
    encoder.embed_positions.weight.data -= encoder.embed_positions.weight.data.mean(0)


def _random_feed_forward(encoder: Any) -> None:
    encoder.layers[1].mlp.up.reset_parameters()


def _invert_the_mask(encoder: Any) -> None:
    mask = encoder.mask
    encoder.mask = lambda present: mask(1.0 - present)


def _pool_the_padding(encoder: Any) -> None:
    encoder.pool = lambda states, places, present: states.mean(1)


def _pool_the_first(encoder: Any) -> None:
    encoder.architecture = dataclasses.replace(encoder.architecture, pooling="cls")


def _drop_a_bias(encoder: Any) -> None:
    encoder.layers[0].self_attn.value.bias.data.zero_()


def _swap_queries_and_keys(encoder: Any) -> None:
    attention = encoder.layers[2].self_attn
    attention.query, attention.key = attention.key, attention.query


def _norm_before_the_sum(encoder: Any) -> None:
    for layer in encoder.layers:
        layer.forward = lambda states, mask, own=layer: states + own.mlp(own.output_norm(states + own.self_attn(states, mask)))


GRAPH_FAULTS = (
    _shift_positions, _forget_the_token_type, _random_feed_forward, _invert_the_mask, _pool_the_padding, _pool_the_first, _drop_a_bias,
    _swap_queries_and_keys, _norm_before_the_sum,
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("fault", GRAPH_FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_a_faulty_graph_is_caught_by_the_float32_file(lab: Lab, tmp_path: Path, fault: Callable[[Any], None]) -> None:
    def load(folder: Path) -> Any:
        encoder = load_encoder(folder)
        fault(encoder)
        return encoder

    proof: Proof = lab.prove(lab.stage(tmp_path / "bundle", SHORT, load), SHORT)
    assert "float32" in proof.failed
    assert proof.check("types").passed


@pytest.mark.slow
def test_a_dropped_prefix_a_shifted_tokenizer_and_a_zeroed_layer_are_caught(lab: Lab, sound: Staged, tmp_path: Path) -> None:
    from sentencepiece import sentencepiece_model_pb2 as protocol

    prefixless = copy(sound, tmp_path / "a")
    dataclasses.replace(lab.contract, query_prefix="").save(prefixless.subject.folder / CONTRACT)
    assert {"contract", "token_ids"} <= set(lab.prove(prefixless, INT4).failed)

    shifted = copy(sound, tmp_path / "b")
    model = protocol.ModelProto()
    model.ParseFromString((shifted.subject.folder / TOKENIZER).read_bytes())
    model.pieces.insert(10, model.pieces.pop(-2))
    (shifted.subject.folder / TOKENIZER).write_bytes(model.SerializeToString())
    assert "token_ids" in lab.prove(shifted, INT4).failed

    zeroed = copy(sound, tmp_path / "c")
    zero_layer(zeroed.subject.folder / "model.tflite")
    assert "feed_forward" in lab.prove(zeroed, INT4).check("weights").detail

    unquantised = copy(sound, tmp_path / "d")
    shutil.copy(sound.subject.float_folder / "model.tflite", unquantised.subject.folder / "model.tflite")
    assert "types" in lab.prove(unquantised, INT4).failed
