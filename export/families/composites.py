"""Two named composites that LiteRT knows: RMS norm and scaled dot-product attention.

A composite carries its name and its plain decomposition. A runtime with a fused kernel uses that; any other runs the decomposition,
so the file stays correct everywhere. This module imports torch; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def rms_norm(states: Tensor, factor: Tensor, epsilon: float) -> Tensor:
    """``states`` over their root mean square along the last axis, times ``factor`` (Zhang and Sennrich 2019)."""
    from litert_torch.hlfb import StableHLOCompositeBuilder

    builder = StableHLOCompositeBuilder(name="odml.rms_norm", attr={"epsilon": epsilon})
    states, factor = builder.mark_inputs(states, factor)
    result = states * torch.rsqrt(states.pow(2).mean(-1, keepdim=True) + epsilon) * factor
    return builder.mark_outputs(result)


def scaled_dot_product_attention(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    mask: Tensor,
    scale: float,
    repeat: Callable[[Tensor], Tensor],
) -> Tensor:
    """Attention of queries (1, L, heads, d) over keys and values (1, L, kv_heads, d) with an additive mask (1, 1, L, L).

    ``repeat`` brings (1, kv_heads, L, d) to (1, heads, L, d). The result is (1, L, heads, d).
    """
    from litert_torch.hlfb import StableHLOCompositeBuilder

    builder = StableHLOCompositeBuilder(name="odml.scaled_dot_product_attention", attr={"scale": scale})
    queries, keys, values, mask = builder.mark_inputs(queries, keys, values, mask)
    q, k, v = queries.transpose(1, 2), repeat(keys.transpose(1, 2)), repeat(values.transpose(1, 2))
    weights = torch.softmax(torch.matmul(q * scale, k.transpose(-1, -2)) + mask, dim=-1)
    return builder.mark_outputs(torch.matmul(weights, v).transpose(1, 2))
