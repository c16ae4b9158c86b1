"""EmbeddingGemma's full architecture (308 M parameters, random weights): memory and seconds a step of QLoRA, LoRA and full.

    python benchmarks/gpu.py --batch 64 --tokens 256            # on CUDA
    python benchmarks/gpu.py --small --device cpu --methods lora full   # checks the script itself; its figures mean nothing

Random weights cost what trained ones cost. The tokenizer is a small one; the embedding table has EmbeddingGemma's 262,144 rows.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

WORDS = "le la les un une arbitre joueur coup pièce tour roi dame partie pendule règle table ronde".split()
FULL = {
    "hidden": 768,
    "layers": 24,
    "heads": 3,
    "kv_heads": 1,
    "head_dim": 256,
    "feed_forward": 1152,
    "sliding_window": 512,
    "global_every": 6,
}
ROWS = 262_144


def build(folder: Path, *, small: bool) -> None:
    """The random base model, with the full embedding table unless ``small``."""
    from sentence_transformers import SentenceTransformer

    from triplette.train.tiny import TinyShape, build_tiny

    shape = TinyShape() if small else TinyShape(**FULL, max_tokens=2048)
    build_tiny(folder, [" ".join(WORDS)] * 4, shape=shape)
    if not small:
        model = SentenceTransformer(str(folder), device="cpu")
        model[0].model.resize_token_embeddings(ROWS, mean_resizing=False)
        contract = (folder / "contract.json").read_bytes()
        model.save(str(folder), create_model_card=False)
        (folder / "contract.json").write_bytes(contract)


def measure(folder: Path, method: str, batch: int, tokens: int, mini: int, steps: int, device: str) -> dict[str, Any]:
    """Seconds a step and peak memory of one method: two steps of warm-up, then the median of ``steps``."""
    import torch

    from triplette.settings.train import PRESETS, preset_of
    from triplette.train.fit import check_precision
    from triplette.train.loss import make_loss
    from triplette.train.models import load_base, make_trainable

    preset = replace(
        preset_of(PRESETS["embeddinggemma"]()), base=str(folder), method=method, batch=batch, mini_batch=mini, max_tokens=tokens
    )
    preset = check_precision(replace(preset, dense="train" if method == "full" else "freeze"), device)
    base = load_base(str(folder), preset, device=device, quantised=method == "qlora")
    trained = make_trainable(base.model, preset)
    base.model.max_seq_length = tokens
    base.model.train()
    loss = make_loss(base.model, preset, base.contract.dimensions, mini)
    optimiser = torch.optim.AdamW([p for p in base.model.parameters() if p.requires_grad], lr=preset.learning_rate)
    texts = [" ".join(WORDS[(i + j) % len(WORDS)] for j in range(4 * tokens)) for i in range(batch)]
    cuda, seconds = device == "cuda", []
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    for _ in range(steps + 2):
        columns = [{k: v.to(device) if hasattr(v, "to") else v for k, v in base.model.preprocess(texts).items()} for _ in range(3)]
        started = time.perf_counter()
        with torch.autocast(device, dtype=torch.bfloat16, enabled=preset.precision == "bf16"):
            value = loss(columns, None)
        value.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    steady = sorted(seconds[2:])
    return {
        "method": method, "precision": preset.precision, "trained": trained, "batch": batch, "tokens": tokens, "mini_batch": mini,
        "seconds_a_step": round(steady[len(steady) // 2], 3),
        "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2) if cuda else None,
        "hardware": torch.cuda.get_device_name(0) if cuda else "cpu",
    }  # fmt: skip


def main() -> None:
    """Parse, build, measure, print one JSON line a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=["qlora", "lora", "full"], choices=("qlora", "lora", "full"))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--mini-batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--small", action="store_true", help="the tiny shape instead of the full one")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        build(Path(scratch) / "model", small=chosen.small)
        for method in chosen.methods:
            found = measure(
                Path(scratch) / "model", method, chosen.batch, chosen.tokens, chosen.mini_batch, chosen.steps, chosen.device
            )
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
