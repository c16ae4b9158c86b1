"""Random models of the families with rotary positions, small enough to convert in seconds, each with a tokenizer of its own kind."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from training_data import row, write_dataset

from triplette.contract import CONTRACTS
from triplette.known_models import INSTRUCT
from triplette.rundir import RunDir
from triplette.train.tiny import TinyShape, _save_tokenizer

LIMIT = 512
GEMMA = CONTRACTS["embeddinggemma"]
GEMMA_PROMPTS = {"query": GEMMA.query_prefix, "document": GEMMA.format_document("")}
# https://huggingface.co/Qwen/Qwen3-Embedding-0.6B, tokenizer.json
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def byte_level(texts: Sequence[str], kind: str, size: int = 900) -> Any:
    """A byte-level BPE tokenizer trained on texts, put together as ``modernbert``'s or ``qwen3``'s is."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    if kind == "qwen3":
        split = pre_tokenizers.Split(Regex(QWEN), "isolated")
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False))
    names = ("<|endoftext|>", "<|im_start|>") if kind == "qwen3" else ("[UNK]", "[CLS]", "[SEP]", "[PAD]")
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in names])
    if kind == "qwen3":
        end = tokenizer.token_to_id("<|endoftext|>")
        tokenizer.post_processor = processors.TemplateProcessing("$A <|endoftext|>", "$A $B <|endoftext|>", [("<|endoftext|>", end)])
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=names[0], eos_token=names[0], model_max_length=LIMIT)
    # ModernBERT's own: a mask that takes the spaces before it, and runs of spaces as one token
    tokenizer.add_special_tokens([AddedToken("[MASK]", special=True, normalized=False, lstrip=True)])
    tokenizer.add_tokens([AddedToken(" " * count, normalized=True) for count in range(4, 1, -1)])
    ids = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", ids)
    special = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=LIMIT, **special)


def save(core: Any, folder: Path, *, pooling: str, width: int, prompts: dict[str, str], seed: int = 0) -> Path:
    """A core and the tokenizer in ``folder``/.core as a sentence-transformers folder; norms and scalars away from their constant start."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, tensor in core.state_dict().items():
            if tensor.ndim == 1 and "inv_freq" not in name:
                tensor.add_(0.1 * torch.randn(tensor.shape))
            elif tensor.ndim == 2:
                tensor.copy_(0.2 * torch.randn(tensor.shape))
    core.save_pretrained(folder / ".core")
    transformer = Transformer(str(folder / ".core"))
    transformer.max_seq_length = LIMIT
    model = SentenceTransformer(modules=[transformer, Pooling(width, pooling), Normalize()], prompts=prompts, device="cpu")
    model.save(str(folder), create_model_card=False)
    for name in ("tokenizer.model",):
        if (folder / ".core" / name).exists():
            shutil.copy(folder / ".core" / name, folder / name)
    shutil.rmtree(folder / ".core")
    return folder


def gemma_tokens(folder: Path, texts: Sequence[str]) -> int:
    """A Gemma tokenizer in ``folder``/.core; the size of its vocabulary."""
    return len(_save_tokenizer(folder / ".core", texts, TinyShape(vocabulary=900, max_tokens=LIMIT)))


EG2_TEXT: dict[str, Any] = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
    "global_head_dim": 32, "num_global_key_value_heads": 1, "hidden_size_per_layer_input": 32, "embedding_dim": 96, "sliding_window": 16,
    "sliding_window_pattern": 3, "dtype": "float32",
}  # fmt: skip


def write_eg2(folder: Path, texts: Sequence[str]) -> Path:
    """EmbeddingGemma 2's text tower alone."""
    from transformers.models.embedding_gemma2 import EmbeddingGemma2TextConfig, EmbeddingGemma2TextModel

    config = EmbeddingGemma2TextConfig(vocab_size=gemma_tokens(folder, texts), **EG2_TEXT)
    return save(EmbeddingGemma2TextModel(config), folder, pooling="mean", width=96, prompts=GEMMA_PROMPTS)


def add_towers(folder: Path, target: Path) -> Any:
    """``folder`` (of ``write_eg2``) as such models are published, in ``target``: with towers for images and sound, and their processors'
    files. The model of all towers is returned."""
    import json

    from safetensors.torch import load_file
    from transformers.models.embedding_gemma2 import EmbeddingGemma2Config, EmbeddingGemma2Model
    from transformers.models.gemma4 import Gemma4AudioConfig, Gemma4VisionConfig

    shutil.copytree(folder, target)
    text = json.loads((folder / "config.json").read_text())
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    vision = Gemma4VisionConfig(intermediate_size=64, num_key_value_heads=2, head_dim=16, **shape)
    audio = Gemma4AudioConfig(output_proj_dims=48, **shape)
    whole = EmbeddingGemma2Model(EmbeddingGemma2Config(text_config=text, vision_config=vision, audio_config=audio, dtype="float32"))
    whole.language_model.load_state_dict(load_file(folder / "model.safetensors"))
    whole.save_pretrained(target)
    for name in ("processor_config.json", "preprocessor_config.json"):
        (target / name).write_text(json.dumps({"processor_class": "EmbeddingGemma2Processor"}))
    tokenizer = json.loads((target / "tokenizer_config.json").read_text())
    (target / "tokenizer_config.json").write_text(json.dumps({**tokenizer, "processor_class": "EmbeddingGemma2Processor"}))
    return whole.eval()


def write_modernbert(
    folder: Path, texts: Sequence[str], *, tokens: str = "byte-level", pooling: str = "cls", activation: str = "gelu"
) -> Path:
    """ModernBERT, mmBERT with ``tokens`` = "gemma", or granite's multilingual kind with ``activation`` = "silu"."""
    from transformers import ModernBertConfig, ModernBertModel

    if tokens == "gemma":
        size, padding = gemma_tokens(folder, texts), 0
    else:
        tokenizer = byte_level(texts, "modernbert")
        tokenizer.save_pretrained(folder / ".core")
        size, padding = len(tokenizer), tokenizer.pad_token_id
    config = ModernBertConfig(
        vocab_size=size, hidden_size=64, intermediate_size=96, num_hidden_layers=4, num_attention_heads=4, local_attention=32,
        max_position_embeddings=LIMIT, pad_token_id=padding, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2, dtype="float32",
        hidden_activation=activation,
    )  # fmt: skip
    return save(ModernBertModel(config), folder, pooling=pooling, width=64, prompts={})


def write_qwen3(folder: Path, texts: Sequence[str]) -> Path:
    """Qwen3-Embedding."""
    from transformers import Qwen3Config, Qwen3Model

    tokenizer = byte_level(texts, "qwen3")
    tokenizer.save_pretrained(folder / ".core")
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        head_dim=32, max_position_embeddings=LIMIT, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.pad_token_id,
        bos_token_id=None, dtype="float32",
    )  # fmt: skip
    return save(Qwen3Model(config), folder, pooling="lasttoken", width=64, prompts={"query": INSTRUCT})


WRITERS: dict[str, Callable[[Path, Sequence[str]], Path]] = {
    "embeddinggemma2": write_eg2,
    "modernbert": write_modernbert,
    "qwen3": write_qwen3,
}


def write_family_run(root: Path, chunks: Sequence[Any], family: str) -> RunDir:
    """A run with a random model of the family and questions that are the beginnings of their answers."""
    from triplette.model_contract import contract_of

    run = RunDir(root)
    rows = [row("test", n, " ".join(c.text.split()[:9]), c, []) for n, c in enumerate(chunks[::3])]
    write_dataset(run, chunks, rows)
    model = WRITERS[family](run.path("model/merged"), [f"{c.title}\n{c.text}" for c in chunks])
    contract_of(str(model)).contract.save(run.path("model/contract.json"))
    return run
