"""How many texts fit one forward and backward pass.

On CUDA sizes are tried, largest first, on texts of full length: what fits is known by doing it. On CPU nothing raises in time, so the
bytes of activations are estimated (Korthikanti et al. 2022, equation 2, doubled for float32) and held to half of what is free.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

SIZES = (256, 128, 64, 32, 16, 8, 4, 2, 1)
FREE_SHARE = 0.5  # of free memory: the optimiser, the cached embeddings and the rest of the machine need theirs
BYTES_LINEAR, BYTES_ATTENTION = 68, 10  # a token and layer: 34 * hidden and 5 * heads * tokens, in float32


def largest_that_fits(sizes: Sequence[int], attempt: Callable[[int], bool]) -> int:
    """The first size whose attempt succeeds. Raises MemoryError when none does."""
    for size in sizes:
        if attempt(size):
            return size
    raise MemoryError("not even one text fits")


def probe(model: Any, batch: int, max_tokens: int) -> int:
    """The mini-batch for ``model`` on its device, at most ``batch``."""
    sizes = [size for size in SIZES if size <= batch] or [batch]
    if model.device.type == "cuda":
        return largest_that_fits(sizes, lambda size: _fits_cuda(model, size, max_tokens))
    import psutil

    free = FREE_SHARE * psutil.virtual_memory().available
    return largest_that_fits(sizes, lambda size: activation_bytes(model[0].model.config, size, max_tokens) <= free)


def activation_bytes(config: Any, texts: int, tokens: int) -> float:
    """Bytes that a float32 training step keeps for ``texts`` x ``tokens``."""
    hidden, layers, heads = config.hidden_size, config.num_hidden_layers, config.num_attention_heads
    per_token = BYTES_LINEAR * hidden + BYTES_ATTENTION * heads * tokens
    return float(texts) * tokens * layers * per_token


def _fits_cuda(model: Any, size: int, max_tokens: int) -> bool:
    import torch

    try:
        features = model.tokenizer(["mot " * max_tokens] * size, truncation=True, max_length=max_tokens, return_tensors="pt").to(
            model.device
        )
        model(dict(features))["sentence_embedding"].float().pow(2).sum().backward()
        model.zero_grad(set_to_none=True)
        # the cached loss keeps one mini-batch's graph and every embedding: a tenth is room enough for those
        return torch.cuda.max_memory_reserved() < 0.9 * torch.cuda.get_device_properties(0).total_memory
    except torch.cuda.OutOfMemoryError:
        return False
    finally:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
