"""The encoder as a graph that survives conversion: Gemma 3 text layers, mean pooling, dense heads, normalisation.

It is written apart from transformers' own module on purpose. The proof compares the converted file with sentence-transformers, and
a reference that shared this code could share its mistakes. Weight names are those of the checkpoint, so loading is strict.

Three constructs are here because the obvious ones convert without error and compute something else (docs/export.md has the trials):

* Key and value heads are repeated by concatenation. litert-converter 0.5 turns transpose(expand(K)) into a reshape.
* Masks are finite (-1e4). Two -inf that meet give NaN for padded text at length 512 and more.
* Masks and rotary tables are computed in the graph. As constants they would cost 25 MB at length 2048.

This module imports torch; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from triplette.export.families.architecture import LOCAL
from triplette.export.families.attention import (
    Attention,
    FeedForward,
    Rotary,
    gelu_tanh,
    layer_masks,
    rotary_table,
    token_positions,
)
from triplette.export.families.composites import rms_norm
from triplette.export.families.embeddinggemma.architecture import Architecture
from triplette.export.families.graph import Projection, mean_pool


class RMSNorm(nn.Module):
    """Root-mean-square norm with Gemma's zero-centred weight (the factor is 1 + weight)."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))
        self.epsilon = epsilon

    def forward(self, states: Tensor) -> Tensor:
        return rms_norm(states, 1.0 + self.weight, self.epsilon)


class Layer(nn.Module):
    """One transformer layer: norms before and after attention and feed-forward."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.self_attn = Attention(a.hidden, a.heads, a.kv_heads, a.head_dim, norm=partial(RMSNorm, epsilon=a.epsilon), scale=a.scale)
        self.mlp = FeedForward(a.hidden, a.feed_forward, gelu_tanh)
        self.input_layernorm = RMSNorm(a.hidden, a.epsilon)
        self.post_attention_layernorm = RMSNorm(a.hidden, a.epsilon)
        self.pre_feedforward_layernorm = RMSNorm(a.hidden, a.epsilon)
        self.post_feedforward_layernorm = RMSNorm(a.hidden, a.epsilon)

    def forward(self, states: Tensor, mask: Tensor, rotary: Rotary) -> Tensor:
        attended = self.self_attn(self.input_layernorm(states), mask, rotary)
        states = states + self.post_attention_layernorm(attended)
        changed = self.mlp(self.pre_feedforward_layernorm(states))
        return states + self.post_feedforward_layernorm(changed)


class Encoder(nn.Module):
    """Token ids (1, L) and mask (1, L), int32, to a vector (1, output) before normalisation.

    The steps are methods, so that a test can replace one of them by a faulty one and show that the proof notices.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.embed_tokens = nn.Embedding(a.vocabulary, a.hidden)
        self.layers = nn.ModuleList(Layer(a) for _ in a.layer_kinds)
        self.norm = RMSNorm(a.hidden, a.epsilon)
        self.projection = Projection(a.heads_after_pooling)

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        present = attention_mask.to(torch.float32)
        positions = self.positions(present)
        full, local = self.masks(present, positions)
        tables = {
            base: rotary_table(positions, base, self.architecture.head_dim)
            for base in (self.architecture.local_base, self.architecture.global_base)
        }
        states = self.embed_tokens(tokens) * self.architecture.hidden**0.5
        for kind, layer in zip(self.architecture.layer_kinds, self.layers, strict=True):
            is_local = kind == LOCAL
            base = self.architecture.local_base if is_local else self.architecture.global_base
            states = layer(states, local if is_local else full, tables[base])
        return self.projection(self.pool(self.norm(states), present))

    def positions(self, present: Tensor) -> Tensor:
        """0..L-1 as float32 (L,)."""
        return token_positions(present)

    def masks(self, present: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """The masks of global and local layers; see ``layer_masks``."""
        return layer_masks(present, positions, self.architecture.window)

    def pool(self, states: Tensor, present: Tensor) -> Tensor:
        """The mean over present tokens, (1, hidden)."""
        return mean_pool(states, present)


def rename(stored: Mapping[str, Any], architecture: Architecture) -> dict[str, Any]:
    """The checkpoint's own names, without the wrapper's prefix."""
    return {name.removeprefix("model."): tensor for name, tensor in stored.items()}
