"""Folders that are no base, or a broken one: the message says which, comes before any training, and what it tells to do works."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_families import write_bert
from training_data import rules_dataset

from triplette.dataset import load_dataset
from triplette.errors import TripletteError
from triplette.model_contract import contract_of
from triplette.model_folder import explain_load_failure
from triplette.model_weights import check_weights, read_header
from triplette.rundir import RunDir
from triplette.settings.train import PRESETS, EvaluateSettings, Preset, TrainSettings, preset_of
from triplette.train.check import require_exportable, require_trainable
from triplette.train.models import load_base
from triplette.train.run import run_all

WEIGHTS, MODULES, POOLING = "model.safetensors", "modules.json", "1_Pooling/config.json"
OWN = "config_sentence_transformers.json"
TEXTS = ["le roi et la dame sont sur la table", "une partie se joue avec une pendule"] * 30


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bert(tmp_path_factory.mktemp("sound") / "model", TEXTS)


def preset(folder: Path) -> Preset:
    return replace(preset_of(PRESETS["e5"]()), base=str(folder), batch=4, mini_batch=4)


def edit(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, **changes}), encoding="utf-8")


def adapter_only(folder: Path) -> None:
    """What peft saves: the adapter of the base beside it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModel

    base = folder.with_name("base")
    shutil.move(folder, base)
    wrapped = get_peft_model(AutoModel.from_pretrained(base), LoraConfig(r=2, target_modules=["query"]))
    wrapped.save_pretrained(str(folder))
    edit(folder / "adapter_config.json", base_model_name_or_path=str(base))


def merge_it(folder: Path, sound: Path) -> None:
    """The cure of the message, word for word."""
    import peft
    from sentence_transformers import SentenceTransformer

    model: Any = SentenceTransformer(str(folder.with_name("base")), device="cpu")
    model[0].model = peft.PeftModel.from_pretrained(model[0].model, str(folder)).merge_and_unload()
    shutil.rmtree(folder)
    model.save(str(folder))


def cut_short(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) * 2 // 3])


def in_shards(folder: Path) -> None:
    """Two shards and their index; then the second is lost."""
    tensors = load_file(folder / WEIGHTS)
    names = sorted(tensors)
    parts = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, mine in parts.items():
        save_file({name: tensors[name] for name in mine}, folder / file, metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": {name: file for file, mine in parts.items() for name in mine}}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))
    (folder / WEIGHTS).unlink()
    (folder / "model-00002-of-00002.safetensors").rename(folder.with_name("elsewhere"))


def in_eight_bits(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    save_file({name: value.to(torch.int8) if value.dim() > 1 else value for name, value in tensors.items()}, folder / WEIGHTS)


def in_columns_of_bytes(folder: Path) -> None:
    """As bitsandbytes saves 4 bits: a column of bytes for a matrix, and settings that say so."""
    tensors = load_file(folder / WEIGHTS)
    packed = {name: torch.zeros(value.numel() // 2, 1, dtype=torch.uint8) for name, value in tensors.items() if "query.weight" in name}
    save_file({**tensors, **packed}, folder / WEIGHTS, metadata={"format": "pt"})
    edit(folder / "config.json", quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True})


def only_onnx(folder: Path) -> None:
    (folder / "onnx").mkdir()
    (folder / WEIGHTS).rename(folder / "onnx/model.onnx")


def only_gguf(folder: Path) -> None:
    """As those files are published: a few of them, and nothing that says what model they are."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (folder / "model-q8_0.gguf").write_bytes(b"GGUF")


def only_openvino(folder: Path) -> None:
    (folder / "openvino").mkdir()
    for ending in ("xml", "bin"):
        (folder / f"openvino/openvino_model.{ending}").write_bytes(b"")
    (folder / WEIGHTS).unlink()


def in_sixteen_bits(folder: Path, sound: Path) -> None:
    tensors = load_file(sound / WEIGHTS)
    save_file({name: value.to(torch.bfloat16) for name, value in tensors.items()}, folder / WEIGHTS, metadata={"format": "pt"})


def with_a_dense(folder: Path, *_: Path) -> None:
    """A dense module from 96 to 32, between pooling and normalisation."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense

    model: Any = SentenceTransformer(str(folder), device="cpu")
    head = Dense(96, 32, bias=False, activation_function=torch.nn.Identity())
    whole = SentenceTransformer(modules=[model[0], model[1], head, model[len(model) - 1]], device="cpu")
    shutil.rmtree(folder)
    whole.save(str(folder))


def dense_misshapen(folder: Path) -> None:
    with_a_dense(folder)
    save_file({"linear.weight": torch.zeros(16, 96)}, folder / "2_Dense" / WEIGHTS)


def dense_again(folder: Path, sound: Path) -> None:
    save_file({"linear.weight": torch.zeros(32, 96)}, folder / "2_Dense" / WEIGHTS)


def dense_without_its_bias(folder: Path) -> None:
    with_a_dense(folder)
    edit(folder / "2_Dense/config.json", bias=True)


def dense_as_it_was(folder: Path, sound: Path) -> None:
    edit(folder / "2_Dense/config.json", bias=False)


def rewrite_modules(folder: Path, *types: str) -> None:
    """The first modules with other types, and no more modules than types."""
    modules = json.loads((folder / MODULES).read_text())
    (folder / MODULES).write_text(json.dumps([{**module, "type": kind} for module, kind in zip(modules, types, strict=False)]))


def a_static_model(folder: Path) -> None:
    rewrite_modules(folder, "sentence_transformers.models.StaticEmbedding")
    (folder / "config.json").unlink()


def a_sparse_model(folder: Path) -> None:
    own = [str(module["type"]) for module in json.loads((folder / MODULES).read_text())]
    rewrite_modules(folder, own[0], own[1], "sentence_transformers.sparse_encoder.modules.sparse_auto_encoder.SparseAutoEncoder")


def a_saved_reranker(folder: Path) -> None:
    """As version 6 saves a cross-encoder: with a modules.json of its transformer alone."""
    rewrite_modules(folder, "sentence_transformers.base.modules.transformer.Transformer")
    edit(folder / "config.json", architectures=["XLMRobertaForSequenceClassification"])


def in_a_folder_of_its_own(folder: Path) -> None:
    """As the first versions of sentence-transformers saved the transformer."""
    modules = json.loads((folder / MODULES).read_text())
    modules[0]["path"] = "0_Transformer"
    (folder / MODULES).write_text(json.dumps(modules))
    (folder / "0_Transformer").mkdir()
    for name in ("config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json", "sentence_bert_config.json"):
        (folder / name).rename(folder / "0_Transformer" / name)


def saved_once_more(folder: Path, sound: Path) -> None:
    from sentence_transformers import SentenceTransformer

    old = folder.rename(folder.with_name("old"))
    SentenceTransformer(str(old), device="cpu").save(str(folder))


def emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"weights")


def a_reranker(folder: Path) -> None:
    edit(folder / "config.json", architectures=["XLMRobertaForSequenceClassification"])
    (folder / MODULES).unlink()


def a_vision_model(folder: Path) -> None:
    (folder / MODULES).write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.CLIPModel"}]))


def with_an_older_tokenizer(folder: Path) -> None:
    """As BERTs were published: a list of words and no tokenizer.json."""
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "le", "roi"]))
    edit(folder / "tokenizer_config.json", tokenizer_class="BertTokenizer")
    edit(folder / "config.json", model_type="bert")


def tokenizer_written(folder: Path, sound: Path) -> None:
    """The cure, word for word."""
    from transformers import AutoTokenizer

    AutoTokenizer.from_pretrained(folder).save_pretrained(folder)


def named_prompts(folder: Path, sound: Path) -> None:
    edit(folder / OWN, prompts={"query": "query: ", "document": "passage: "})


def whole_again(folder: Path, sound: Path) -> None:
    """The cure of most: the whole folder, copied again."""
    if folder.is_dir():
        shutil.rmtree(folder)
    else:
        folder.unlink()
    shutil.copytree(sound, folder)


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def saved_once(folder: Path, sound: Path) -> None:
    """The cure of a bare transformer, as it is told."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    model = SentenceTransformer(modules=[Transformer(str(folder)), Pooling(96, "mean")], device="cpu")
    shutil.rmtree(folder)
    model.save(str(folder))


def null_prompt(folder: Path, sound: Path) -> None:
    edit(folder / OWN, default_prompt_name=None)


def the_shard_is_back(folder: Path, sound: Path) -> None:
    folder.with_name("elsewhere").rename(folder / "model-00002-of-00002.safetensors")


# what is broken, what the message says, and its cure
BROKEN: dict[str, tuple[Callable[..., None], str, Callable[..., None]]] = {
    "adapter only": (adapter_only, r"this is an adapter of .*base, not a model", merge_it),
    "cut weights": (cut_short, r"cut short: [\d,]+ bytes of [\d,]+", whole_again),
    "no weights": (without(WEIGHTS), r"there are no weights: neither model\.safetensors", whole_again),
    "no tokenizer": (without("tokenizer.json"), r"there is no tokenizer\.json", whole_again),
    "no modules": (without(MODULES), "a bare transformer: it has no modules.json", saved_once),
    "no pooling": (without(POOLING), "there is no 1_Pooling/config.json", whole_again),
    "older tokenizer": (with_an_older_tokenizer, r"there is no tokenizer\.json", tokenizer_written),
    "prompts in a list": (lambda folder: edit(folder / OWN, prompts=["query: "]), "its prompts are not texts by name", named_prompts),
    "modules of no class": (lambda folder: (folder / MODULES).write_text('[{"idx": 0}]'), "not what a model's file of this", whole_again),
    "unknown prompt": (lambda folder: edit(folder / OWN, default_prompt_name="web"), "default prompt 'web' is not among", null_prompt),
    "vision": (a_vision_model, "modules are CLIPModel: not one text encoder", whole_again),
    "reranker": (a_reranker, "reranker or classifier .*it scores a pair", whole_again),
    "empty": (emptied, "the folder is empty", whole_again),
    "a file": (a_file, "this is a file, not a model folder", whole_again),
    "a shard missing": (in_shards, "1 of 2 files with its weights are missing: model-00002", the_shard_is_back),
    "int8": (in_eight_bits, "weights are stored as I8", in_sixteen_bits),
    "bitsandbytes": (in_columns_of_bytes, "quantised by bitsandbytes: a quantised model is not trained", whole_again),
    "only ONNX": (only_onnx, r"its only weights are for ONNX \(onnx/model\.onnx\)", whole_again),
    "only GGUF": (only_gguf, r"its only weights are for GGUF \(model-q8_0\.gguf\)", whole_again),
    "only OpenVINO": (only_openvino, r"its only weights are for OpenVINO \(openvino/openvino_model\.xml\)", whole_again),
    "dense without bias": (dense_without_its_bias, "lacks the bias that its config.json promises", dense_as_it_was),
    "static": (a_static_model, "its modules are StaticEmbedding: not one text encoder", whole_again),
    "sparse": (a_sparse_model, r"this is a sparse model \(SparseAutoEncoder\)", whole_again),
    "saved reranker": (a_saved_reranker, "reranker or classifier .*it scores a pair", whole_again),
    "own folder": (in_a_folder_of_its_own, "its transformer lies in 0_Transformer", saved_once_more),
    "dense misshapen": (dense_misshapen, r"has the shape \[16, 96\], its config.json says \[32, 96\]", dense_again),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_base_is_refused_and_the_cure_makes_it_load(tmp_path: Path, sound: Path, kind: str) -> None:
    spoil, message, cure = BROKEN[kind]
    folder = shutil.copytree(sound, tmp_path / "model")
    spoil(folder)
    with pytest.raises(TripletteError, match=message) as raised:
        require_trainable(preset(folder))
    assert raised.value.cure
    cure(folder, sound)
    require_trainable(preset(folder))
    loaded = load_base(str(folder), preset(folder), device="cpu")
    assert loaded.model.encode(["le roi"]).shape[0] == 1


def test_a_gguf_file_given_as_the_model_is_named_for_what_it_is(tmp_path: Path, sound: Path) -> None:
    only_gguf(shutil.copytree(sound, tmp_path / "model"))
    file = tmp_path / "model/model-q8_0.gguf"
    with pytest.raises(TripletteError, match="its only weights are for GGUF"):
        require_trainable(preset(file))
    shutil.copytree(sound, tmp_path / "model", dirs_exist_ok=True)
    with pytest.raises(TripletteError, match="this is a file, not a model folder"):  # a whole model lies beside it
        require_trainable(preset(file))


def test_remote_code_is_named_with_the_flag_and_goes_on_with_it(tmp_path: Path, sound: Path) -> None:
    folder = shutil.copytree(sound, tmp_path / "model")
    edit(folder / "config.json", model_type="their-own", auto_map={"AutoModel": "modeling_their_own.Model"})
    with pytest.raises(TripletteError, match=r"wants to run its own code .modeling_their_own\.Model") as raised:
        require_trainable(preset(folder))
    assert "--trust-remote-code" in raised.value.cure
    require_trainable(replace(preset(folder), trust_remote_code=True))
    with pytest.raises(TripletteError, match="model_type is 'their-own'"):  # it trains, and is not exported
        require_exportable(replace(preset(folder), trust_remote_code=True))


def test_t5_trains_and_is_not_exported(tmp_path: Path, sound: Path) -> None:
    from transformers import AutoTokenizer, T5Config, T5EncoderModel

    folder = shutil.copytree(sound, tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(sound)
    config = T5Config(vocab_size=len(tokenizer), d_model=96, d_kv=24, d_ff=128, num_layers=2, num_heads=4, pad_token_id=1)
    T5EncoderModel(config).save_pretrained(folder)
    with pytest.raises(TripletteError, match="can be trained but not exported: unsupported architecture: model_type is 't5'") as raised:
        require_exportable(preset(folder))
    assert "--no-export" in raised.value.cure
    require_trainable(preset(folder))
    assert load_base(str(folder), preset(folder), device="cpu").model.encode(["le roi"]).shape == (1, 96)


@pytest.mark.parametrize("shards", [1, 2])
def test_pickled_weights_train_in_one_file_and_in_shards(tmp_path: Path, sound: Path, shards: int) -> None:
    folder = shutil.copytree(sound, tmp_path / "model")
    tensors = list(load_file(folder / WEIGHTS).items())
    (folder / WEIGHTS).unlink()
    names = ["pytorch_model.bin"] if shards == 1 else [f"pytorch_model-{part:05}-of-00002.bin" for part in (1, 2)]
    parts = {name: dict(tensors[place::shards]) for place, name in enumerate(names)}
    for name, mine in parts.items():
        torch.save(mine, folder / name)
    if shards > 1:
        index = {"metadata": {}, "weight_map": {key: name for name, mine in parts.items() for key in mine}}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    require_trainable(preset(folder))
    require_exportable(preset(folder))
    mine, theirs = (load_base(str(where), preset(where), device="cpu").model.encode(["le roi"]) for where in (folder, sound))
    assert (mine == theirs).all()


def test_weights_that_no_file_holds_are_named_instead_of_drawn_at_random(tmp_path: Path, sound: Path) -> None:
    folder = shutil.copytree(sound, tmp_path / "model")
    tensors = load_file(folder / WEIGHTS)
    save_file({name: value for name, value in tensors.items() if ".layer.2." not in name}, folder / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(TripletteError, match=r"16 of its weights are in none of its files, such as encoder\.layer\.2\."):
        load_base(str(folder), preset(folder), device="cpu")
    edit(folder / "config.json", num_hidden_layers=2)
    assert load_base(str(folder), preset(folder), device="cpu").model.encode(["le roi"]).shape == (1, 96)


def test_weights_of_another_shape_are_said_to_be_so(tmp_path: Path, sound: Path) -> None:
    folder = shutil.copytree(sound, tmp_path / "model")
    edit(folder / "config.json", vocab_size=4010)
    with pytest.raises(TripletteError, match=r"weights of it have another shape than its config\.json says"):
        load_base(str(folder), preset(folder), device="cpu")


def test_numbers_in_a_folder_s_error_are_not_taken_for_the_hub_s_answers(tmp_path: Path) -> None:
    """As "401" in a shape was taken for a gated model."""
    error = RuntimeError("size mismatch: torch.Size([4010, 96]) does not Connect")
    assert "4010" in explain_load_failure(str(tmp_path), error).message
    assert "gated" in explain_load_failure("someone/some-model", error).message


def test_the_whole_run_refuses_a_broken_base_before_its_first_stage(tmp_path: Path, sound: Path) -> None:
    run: RunDir = rules_dataset(tmp_path / "run", pieces=4)
    folder = shutil.copytree(sound, tmp_path / "model")
    cut_short(folder)
    said: list[str] = []
    with pytest.raises(TripletteError, match="cut short"):
        run_all(run, TrainSettings(), preset(folder), EvaluateSettings(), ungated=True, note=said.append)
    assert said == []
    assert not run.has("model")
    assert load_dataset(run).rows


def test_a_prompt_that_does_not_exist_is_refused_with_those_that_do(sound: Path) -> None:
    with pytest.raises(TripletteError, match="unknown prompts 'web'") as raised:
        contract_of(str(sound), prompts="web")
    assert "embeddinggemma" in raised.value.cure


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 4, struct.pack("<Q", 1 << 40) + b"{}", struct.pack("<Q", 4) + b"nope", struct.pack("<Q", 2) + b"[]"]
)
def test_what_is_no_safetensors_file_is_said_and_not_raised(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / WEIGHTS
    path.write_bytes(content)
    with pytest.raises(TripletteError):
        read_header(path)


def test_an_id_is_left_to_the_hub() -> None:
    check_weights("someone/some-model")
