"""Each family's architecture at full size with random weights: the phone file's size, its parity with PyTorch, and the time of a run.

    python benchmarks/families.py --folder /tmp/families                       # every family
    python benchmarks/families.py --folder /tmp/families --model embeddinggemma2

The architecture decides size and speed; the weights do not. One signature of 256 tokens, the recipe e4_a8_f4_p4, PyTorch being transformers' own
module in float32. Random weights are the worst case for 4 bits, so the quantised cosine is below that of a trained model; the float32
file's is the one that must be 1. Memory at the peak is about 4.1 times the float32 weights: 5 GB for EmbeddingGemma 2, 11 GB for Qwen3 0.6B.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LENGTH, TEXTS = 256, 8


def main() -> None:
    """Parse, run each model in a process of its own (peak memory is a process's), print one line of JSON a model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--folder", type=Path, required=True, help="Where to work; created, and deleted at the end.")
    parser.add_argument("--model", choices=list(MODELS), help="Only this one.")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if arguments.model:
        figures = measure_model(arguments.folder / arguments.model, *MODELS[arguments.model]())
        print(
            json.dumps(
                {"model": arguments.model, **figures, "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)}
            )
        )
        shutil.rmtree(arguments.folder / arguments.model)
        return
    for model in MODELS:
        subprocess.run([sys.executable, __file__, "--folder", str(arguments.folder), "--model", model], check=True, cwd=ROOT)


def embeddinggemma2() -> tuple[Any, str, int]:
    """EmbeddingGemma 2's text tower: every default of its configuration class is the published value.

    Its scores are not scaled: its query norms must do it. At their start of 1 scores reach 256, attention picks one token, and rounding decides which.
    """
    import torch
    from transformers.models.embedding_gemma2 import EmbeddingGemma2TextConfig, EmbeddingGemma2TextModel

    core = EmbeddingGemma2TextModel(EmbeddingGemma2TextConfig(dtype="float32"))
    with torch.no_grad():
        for layer in core.layers:
            layer.self_attn.q_norm.weight.fill_(layer.self_attn.head_dim**-0.5)
    return core, "mean", 768


def modernbert() -> tuple[Any, str, int]:
    """ModernBERT-base, which gte-modernbert-base and granite-embedding-english-r2 are made from."""
    from transformers import ModernBertConfig, ModernBertModel

    return ModernBertModel(ModernBertConfig(dtype="float32")), "cls", 768


def granite(vocabulary: int, activation: str) -> tuple[Any, str, int]:
    """granite's small ones of the second release: 12 layers, 384 wide; 47 million weights in English, 97 in many languages."""
    from transformers import ModernBertConfig, ModernBertModel

    config = ModernBertConfig(
        vocab_size=vocabulary, hidden_size=384, intermediate_size=1536, num_hidden_layers=12, num_attention_heads=12,
        hidden_activation=activation, dtype="float32",
    )  # fmt: skip
    return ModernBertModel(config), "cls", 384


def mmbert_small() -> tuple[Any, str, int]:
    """mmBERT-small: its published configuration, one rotary base for all layers."""
    from transformers import ModernBertConfig, ModernBertModel

    config = ModernBertConfig(
        vocab_size=256_000, hidden_size=384, intermediate_size=1152, num_hidden_layers=22, num_attention_heads=6, local_rope_theta=160_000.0,
        global_rope_theta=160_000.0, pad_token_id=0, bos_token_id=2, eos_token_id=1, cls_token_id=1, sep_token_id=1, dtype="float32",
    )  # fmt: skip
    return ModernBertModel(config), "mean", 384


def mmbert() -> tuple[Any, str, int]:
    """mmBERT-base: ModernBERT with Gemma's vocabulary."""
    from transformers import ModernBertConfig, ModernBertModel

    config = ModernBertConfig(
        vocab_size=256_000, pad_token_id=0, bos_token_id=2, eos_token_id=1, cls_token_id=1, sep_token_id=1, dtype="float32"
    )
    return ModernBertModel(config), "mean", 768


def qwen3() -> tuple[Any, str, int]:
    """Qwen3-Embedding-0.6B."""
    from transformers import Qwen3Config, Qwen3Model

    config = Qwen3Config(
        vocab_size=151_669, hidden_size=1024, intermediate_size=3072, num_hidden_layers=28, num_attention_heads=16, num_key_value_heads=8,
        head_dim=128, max_position_embeddings=32_768, rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        pad_token_id=151_643, bos_token_id=None, eos_token_id=151_643, dtype="float32",
    )  # fmt: skip
    return Qwen3Model(config), "lasttoken", 1024


def e5_small() -> tuple[Any, str, int]:
    """multilingual-e5-small."""
    from transformers import BertConfig, BertModel

    shape = {"vocab_size": 250_037, "hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 1536}
    return BertModel(BertConfig(**shape, pad_token_id=0, dtype="float32"), add_pooling_layer=False), "mean", 384


def e5_base() -> tuple[Any, str, int]:
    """multilingual-e5-base: XLM-R's base size. bge-m3 and Solon's large one have the same vocabulary and twice the layers."""
    from transformers import XLMRobertaConfig, XLMRobertaModel

    config = XLMRobertaConfig(
        vocab_size=250_002, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1, dtype="float32"
    )
    return XLMRobertaModel(config, add_pooling_layer=False), "mean", 768


def minilm() -> tuple[Any, str, int]:
    """all-MiniLM-L6-v2."""
    from transformers import BertConfig, BertModel

    config = BertConfig(hidden_size=384, num_hidden_layers=6, intermediate_size=1536, pad_token_id=0, dtype="float32")
    return BertModel(config, add_pooling_layer=False), "mean", 384


MODELS: dict[str, Callable[[], tuple[Any, str, int]]] = {
    "minilm": minilm,
    "e5_small": e5_small,
    "granite_small": lambda: granite(50_368, "gelu"),
    "granite_97m": lambda: granite(180_000, "silu"),
    "mmbert_small": mmbert_small,
    "embeddinggemma2": embeddinggemma2,
    "modernbert": modernbert,
    "e5_base": e5_base,
    "mmbert": mmbert,
    "qwen3": qwen3,
}


def measure_model(folder: Path, core: Any, pooling: str, width: int) -> dict[str, Any]:
    """Save, embed in PyTorch, convert, quantise, embed by both files, time a run."""
    import numpy as np

    from triplette.export.convert.convert import convert, load_encoder
    from triplette.export.convert.quantize import choose_recipe, quantize
    from triplette.export.proof.measure import measure

    rng = np.random.default_rng(0)
    sizes = [1, LENGTH, *(int(rng.integers(8, LENGTH)) for _ in range(TEXTS - 2))]
    texts = [rng.integers(300, core.config.vocab_size, size).tolist() for size in sizes]
    core.eval().save_pretrained(folder / "model")
    truth = np.stack([_pytorch(core, ids, pooling) for ids in texts])
    del core
    _write_modules(folder / "model", pooling, width)
    encoder = load_encoder(folder / "model")
    architecture = encoder.architecture
    graph = (np.stack([_graph(encoder, ids) for ids in texts]) * truth).sum(1)
    made = convert(encoder, (LENGTH,), (width,), folder / "float" / "model.tflite")
    del encoder
    recipe = choose_recipe("e4_a8_f4_p4", "auto", architecture)
    seconds = quantize(made.path, folder / recipe.name / "model.tflite", recipe)
    size = (folder / recipe.name / "model.tflite").stat().st_size
    float32 = (_files(folder / "float", recipe, texts, width) * truth).sum(1)
    quantised = (_files(folder / recipe.name, recipe, texts, width) * truth).sum(1)
    return {
        "weights": architecture.parameters,
        "mb": round(size / 1e6, 1),
        "blocks": recipe.granularity,
        "convert_s": round(made.seconds),
        "quantise_s": round(seconds),
        "graph_min": float(graph.min()),
        "float32_min": float(float32.min()),
        "quantised_min": float(quantised.min()),
        "quantised_mean": float(quantised.mean()),
        "latency": [measure(folder / recipe.name, threads=threads, runs=10) for threads in (1, 2)],
    }


def _pytorch(core: Any, ids: list[int], pooling: str) -> Any:
    """The module's own vector of token ids, of length 1: no padding, so pooling is the mean, the first or the last row."""
    import torch

    with torch.inference_mode():
        states = core(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long)).last_hidden_state[0]
    pooled = {"mean": states.mean(0), "cls": states[0], "lasttoken": states[-1]}[pooling]
    return torch.nn.functional.normalize(pooled, dim=0).numpy()


def _graph(encoder: Any, ids: list[int]) -> Any:
    """The graph's vector before conversion, padded to the signature's length."""
    import torch

    tokens, mask = torch.ones(1, LENGTH, dtype=torch.int32), torch.zeros(1, LENGTH, dtype=torch.int32)
    tokens[0, : len(ids)], mask[0, : len(ids)] = torch.tensor(ids, dtype=torch.int32), 1
    with torch.inference_mode():
        return torch.nn.functional.normalize(encoder(tokens, mask)[0], dim=0).numpy()


def _files(folder: Path, recipe: Any, texts: list[list[int]], width: int) -> Any:
    import numpy as np

    from triplette.export.litert import LiteRtModel, SignatureSpec, Spec
    from triplette.export.tokenizers.pieces import TokenizerSpec

    signature = SignatureSpec(f"embed_{LENGTH}", "model.tflite", LENGTH)
    spec = Spec((signature,), (width,), TokenizerSpec((2,), (1,), 0, {}), recipe.name, recipe.granularity)
    spec.save(folder / "spec.json")
    model = LiteRtModel(folder, spec, threads=2)
    return np.stack([model.run(ids)[width] for ids in texts])


def _write_modules(folder: Path, pooling: str, width: int) -> None:
    kinds = ("Transformer", "Pooling", "Normalize")
    modules = [
        {"idx": index, "name": str(index), "path": f"{index}_{kind}" if index else "", "type": f"sentence_transformers.models.{kind}"}
        for index, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"embedding_dimension": width, "pooling_mode": pooling}))


if __name__ == "__main__":
    main()
