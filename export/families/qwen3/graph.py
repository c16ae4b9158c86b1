"""Qwen3-Embedding as a graph that survives conversion; see ``families.graph`` for what the families share.

This module imports torch; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from triplette.export.families.attention import Attention, FeedForward, RMSNorm, Rotary, rotary_table, token_positions
from triplette.export.families.graph import MASKED, Projection, last_pool, padding_mask
from triplette.export.families.qwen3.architecture import Architecture

UNUSED = "lm_head.weight"  # predicts the next token, which nobody asks for


def rename(stored: Mapping[str, Any], architecture: Architecture) -> dict[str, Any]:
    """The checkpoint's own names, without the wrapper's prefix and the language model's head."""
    return {name.removeprefix("model."): tensor for name, tensor in stored.items() if name != UNUSED}


class Layer(nn.Module):
    """One transformer layer: a norm before each block."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        norm = partial(RMSNorm, epsilon=a.epsilon)
        self.self_attn = Attention(a.hidden, a.heads, a.kv_heads, a.head_dim, norm=norm, scale=a.head_dim**-0.5)
        self.mlp = FeedForward(a.hidden, a.feed_forward, nn.functional.silu)
        self.input_layernorm = RMSNorm(a.hidden, a.epsilon)
        self.post_attention_layernorm = RMSNorm(a.hidden, a.epsilon)

    def forward(self, states: Tensor, mask: Tensor, rotary: Rotary) -> Tensor:
        states = states + self.self_attn(self.input_layernorm(states), mask, rotary)
        return states + self.mlp(self.post_attention_layernorm(states))


class Encoder(nn.Module):
    """Token ids (1, L) and mask (1, L), int32, to a vector (1, output) before normalisation.

    The steps are methods, so that a test can replace one of them by a faulty one and show that the proof notices.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.embed_tokens = nn.Embedding(a.vocabulary, a.hidden)
        self.layers = nn.ModuleList(Layer(a) for _ in range(a.layers))
        self.norm = RMSNorm(a.hidden, a.epsilon)
        if a.heads_after_pooling:
            self.projection = Projection(a.heads_after_pooling)

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        a = self.architecture
        present = attention_mask.to(torch.float32)
        positions = token_positions(present)
        mask, rotary = self.mask(present, positions), rotary_table(positions, a.base, a.head_dim)
        states = self.embed_tokens(tokens)
        for layer in self.layers:
            states = layer(states, mask, rotary)
        pooled = self.pool(self.norm(states), present)
        return self.projection(pooled) if a.heads_after_pooling else pooled

    def mask(self, present: Tensor, positions: Tensor) -> Tensor:
        """The additive mask (1, 1, L, L): 0 where a token is seen, MASKED for padding and for what comes later."""
        later = positions[None, :] > positions[:, None]
        return torch.where(later[None, None], torch.full((), MASKED), padding_mask(present))

    def pool(self, states: Tensor, present: Tensor) -> Tensor:
        """The last present token's state, (1, hidden)."""
        return last_pool(states, torch.cumsum(present, dim=1), present)
