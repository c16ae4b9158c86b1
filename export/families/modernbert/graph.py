"""ModernBERT's encoder as a graph that survives conversion; see ``families.graph`` for what the families share.

The first layer has no norm before its attention: the embeddings were normalised already. This module imports torch; import it where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from triplette.export.families.architecture import LOCAL
from triplette.export.families.attention import Rotary, layer_masks, rotary_table, rotate, token_positions
from triplette.export.families.composites import scaled_dot_product_attention
from triplette.export.families.graph import Projection, first_pool, mean_pool
from triplette.export.families.modernbert.architecture import Architecture

NAMES = (
    (r"^model\.", ""),
    (r"^embeddings\.tok_embeddings\.", "embed_tokens."),
    (r"^embeddings\.norm\.", "norm."),
    (r"^layers\.(\d+)\.attn\.", r"layers.\1.self_attn."),
)


def rename(stored: Mapping[str, Any], architecture: Architecture) -> dict[str, Any]:
    """The checkpoint's tensors under the graph's names."""
    found = {}
    for name, tensor in stored.items():
        own = name
        for pattern, mine in NAMES:
            own = re.sub(pattern, mine, own)
        found[own] = tensor
    return found


def layer_norm(a: Architecture) -> nn.LayerNorm:
    """A norm of the model's width, with a bias where the model has one."""
    return nn.LayerNorm(a.hidden, eps=a.epsilon, bias=a.norm_bias)


class Attention(nn.Module):
    """Attention over (1, L, hidden); queries, keys and values come from one weight."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.a = a
        self.Wqkv = nn.Linear(a.hidden, 3 * a.hidden, bias=a.attention_bias)
        self.Wo = nn.Linear(a.hidden, a.hidden, bias=a.attention_bias)

    def forward(self, states: Tensor, mask: Tensor, rotary: Rotary) -> Tensor:
        length, size = states.shape[1], self.a.hidden // self.a.heads
        queries, keys, values = (
            part.reshape(1, length, self.a.heads, size) for part in torch.split(self.Wqkv(states), self.a.hidden, dim=-1)
        )
        turned = rotate(queries, rotary), rotate(keys, rotary)
        mixed = scaled_dot_product_attention(*turned, values, mask, size**-0.5, self.repeat)
        return self.Wo(mixed.reshape(1, length, self.a.hidden))

    def repeat(self, heads: Tensor) -> Tensor:
        """Every head has its own keys and values."""
        return heads


class FeedForward(nn.Module):
    """Gated feed-forward with the exact GELU, or SiLU, on its first half (Shazeer 2020, GeGLU and SwiGLU)."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.width = a.feed_forward
        self.activation = nn.functional.silu if a.activation == "silu" else nn.functional.gelu
        self.Wi = nn.Linear(a.hidden, 2 * a.feed_forward, bias=a.feed_forward_bias)
        self.Wo = nn.Linear(a.feed_forward, a.hidden, bias=a.feed_forward_bias)

    def forward(self, states: Tensor) -> Tensor:
        first, second = torch.split(self.Wi(states), self.width, dim=-1)
        return self.Wo(self.activation(first) * second)


class Layer(nn.Module):
    """One transformer layer: a norm before each block."""

    def __init__(self, a: Architecture, *, first: bool) -> None:
        super().__init__()
        self.attn_norm = nn.Identity() if first else layer_norm(a)
        self.self_attn = Attention(a)
        self.mlp_norm = layer_norm(a)
        self.mlp = FeedForward(a)

    def forward(self, states: Tensor, mask: Tensor, rotary: Rotary) -> Tensor:
        states = states + self.self_attn(self.attn_norm(states), mask, rotary)
        return states + self.mlp(self.mlp_norm(states))


class Encoder(nn.Module):
    """Token ids (1, L) and mask (1, L), int32, to a vector (1, output) before normalisation.

    The steps are methods, so that a test can replace one of them by a faulty one and show that the proof notices.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.embed_tokens = nn.Embedding(a.vocabulary, a.hidden)
        self.norm = layer_norm(a)
        self.layers = nn.ModuleList(Layer(a, first=not index) for index in range(a.layers))
        self.final_norm = layer_norm(a)
        if a.heads_after_pooling:
            self.projection = Projection(a.heads_after_pooling)

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        a = self.architecture
        present = attention_mask.to(torch.float32)
        positions = token_positions(present)
        full, local = self.masks(present, positions)
        size = a.hidden // a.heads
        tables = {base: rotary_table(positions, base, size) for base in (a.local_base, a.global_base)}
        states = self.norm(self.embed_tokens(tokens))
        for kind, layer in zip(a.layer_kinds, self.layers, strict=True):
            is_local = kind == LOCAL
            states = layer(states, local if is_local else full, tables[a.local_base if is_local else a.global_base])
        pooled = self.pool(self.final_norm(states), present)
        return self.projection(pooled) if a.heads_after_pooling else pooled

    def masks(self, present: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """The masks of global and local layers; see ``layer_masks``."""
        return layer_masks(present, positions, self.architecture.window)

    def pool(self, states: Tensor, present: Tensor) -> Tensor:
        """The mean over present tokens, or the first of them, (1, hidden)."""
        if self.architecture.pooling == "mean":
            return mean_pool(states, present)
        return first_pool(states, torch.cumsum(present, dim=1), present)
