"""The same small model made into a phone file here and by the example that comes with litert-torch: seconds, bytes, likeness, time of a run.

    python benchmarks/peer_export.py make --folder DIR                                 # EmbeddingGemma's architecture, six layers, random weights
    python benchmarks/peer_export.py ours --folder DIR --recipe int8
    python benchmarks/peer_export.py example --folder DIR --recipe dynamic_int8        # litert_torch.generative.examples.embedding_gemma

The example has its sizes in its code; layers and vocabulary are set to those of the small model, everything else is as it comes. "Cosine" is the least
between the file and float32 PyTorch (our encoder, which the tests hold to transformers') over eight texts of random tokens of up to 256; random
weights are the worst case for 4 bits. "Run" is the median of ten of the longest, one thread.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from clock import Clock

ROOT = Path(__file__).resolve().parents[1]
LENGTH, LAYERS, VOCABULARY, TEXTS = 256, 6, 8192, 8


def make(folder: Path) -> None:
    """The model as a sentence-transformers folder, unless it is there."""
    import json

    import torch
    from safetensors.torch import load_file, save_file

    from triplette.train.tiny import TinyShape, build_tiny

    if (folder / "model" / "done").exists():
        return
    shape = TinyShape(
        hidden=768, layers=LAYERS, heads=3, kv_heads=1, head_dim=256, feed_forward=1152, sliding_window=512, global_every=6, vocabulary=2048,
        max_tokens=2048, block_gain=1.0, by_rarity=False,
    )  # fmt: skip
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "fr_rules").glob("*.md"))]
    build_tiny(folder / "model", texts, shape=shape)
    # the tokenizer fills 2,048 pieces at most from this corpus; the table may have more rows
    tensors, generator = load_file(folder / "model" / "model.safetensors"), torch.Generator().manual_seed(0)
    tensors["embed_tokens.weight"] = torch.randn(VOCABULARY, shape.hidden, generator=generator) / shape.hidden**0.5
    save_file(tensors, folder / "model" / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "model" / "config.json").read_text())
    (folder / "model" / "config.json").write_text(json.dumps({**config, "vocab_size": VOCABULARY}))
    (folder / "model" / "done").touch()


def ours(folder: Path, recipe: str) -> tuple[Clock, Path]:
    """Load, convert, quantise."""
    from triplette.export.convert.convert import convert, load_encoder
    from triplette.export.convert.quantize import choose_recipe, quantize

    path = folder / f"ours-{recipe}.tflite"
    with Clock() as clock:
        encoder = load_encoder(folder / "model")
        convert(encoder, (LENGTH,), (768,), folder / "ours.float")
        quantize(folder / "ours.float", path, choose_recipe(recipe, "32" if "4" in recipe else "auto", encoder.architecture))
    return clock, path


def without_tensorflow() -> None:
    """The example's layers import the file format's schema from tensorflow, for adapters that it does not use; ai-edge-litert has the same schema."""
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from ai_edge_litert import schema_py_generated

    name = "tensorflow"
    for part in ("", ".lite", ".lite.python"):
        module = ModuleType(name + part)
        module.__spec__ = ModuleSpec(name + part, None)  # other libraries look whether it is there
        sys.modules.setdefault(name + part, module)
    sys.modules["tensorflow.lite.python"].__dict__.setdefault("schema_py_generated", schema_py_generated)


def example(folder: Path, recipe: str) -> tuple[Clock, Path]:
    """What the example's own script does, with the sizes of the small model."""
    without_tensorflow()
    import litert_torch
    import torch
    from litert_torch.generative.examples.embedding_gemma import embedding_gemma
    from litert_torch.generative.quantize import quant_attrs, quant_recipes

    whole = embedding_gemma.get_model_config()
    sizes = {"num_layers": LAYERS, "vocab_size": VOCABULARY, "block_configs": whole.block_configs[:LAYERS]}
    embedding_gemma.get_model_config = lambda: dataclasses.replace(whole, **sizes)
    path = folder / f"example-{recipe}.tflite"
    with Clock() as clock:
        model = embedding_gemma.build_model(str(folder / "model")).eval()
        samples = (torch.ones(1, LENGTH, dtype=torch.long), torch.ones(1, LENGTH, dtype=torch.long))
        # what the converter's flag of this name gives; its module asks for more that is not needed
        blocks = {"weight_dtype": quant_attrs.Dtype.INT4, "granularity": quant_attrs.Granularity.BLOCKWISE_32}
        wanted = quant_recipes.full_dynamic_recipe(mcfg=model.config, **(blocks if recipe == "dynamic_int4_block32" else {}))
        litert_torch.convert(model, samples, quant_config=wanted).export(str(path))
    return clock, path


def likeness(folder: Path, path: Path) -> dict[str, float]:
    """Bytes of the file, its least cosine with PyTorch, and the milliseconds of a run."""
    import torch
    from ai_edge_litert.interpreter import Interpreter

    from triplette.export.convert.convert import load_encoder

    encoder, lot = load_encoder(folder / "model"), np.random.default_rng(0)
    reader = Interpreter(model_path=str(path), num_threads=1)
    run = reader.get_signature_runner(next(iter(reader.get_signature_list())))
    names = sorted(run.get_input_details(), key=lambda name: "mask" in name or name.endswith("1"))
    kinds = [run.get_input_details()[name]["dtype"] for name in names]
    cosines, times = [], []
    for length in [*lot.integers(8, LENGTH, TEXTS - 1).tolist(), LENGTH]:
        ids, mask = np.zeros((1, LENGTH), np.int64), np.zeros((1, LENGTH), np.int64)
        ids[0, :length], mask[0, :length] = lot.integers(300, VOCABULARY, length), 1
        with torch.no_grad():
            truth = encoder(torch.from_numpy(ids).int(), torch.from_numpy(mask).int())[0].numpy()
        inputs = {name: value.astype(kind) for name, value, kind in zip(names, (ids, mask), kinds, strict=True)}
        (vector,) = run(**inputs).values()
        cosines.append(float(vector[0] @ truth / np.linalg.norm(truth) / np.linalg.norm(vector)))
    for _ in range(10):
        began = time.perf_counter()
        run(**inputs)
        times.append(1000 * (time.perf_counter() - began))
    return {
        "MB": round(path.stat().st_size / 1e6, 1),
        "least_cosine": round(min(cosines), 4),
        "run_ms": round(statistics.median(times), 1),
    }


def main() -> None:
    """Make the model, or one file of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "ours", "example"))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--recipe", default="int8")
    options = parser.parse_args()
    if options.what == "make":
        make(options.folder)
        return
    ways: dict[str, Any] = {"ours": ours, "example": example}
    clock, path = ways[options.what](options.folder, options.recipe)
    found = likeness(options.folder, path)
    sys.stdout.flush()
    print()  # the converter's own lines may end without one
    clock.tell(**found)


if __name__ == "__main__":
    main()
