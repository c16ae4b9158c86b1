"""EmbeddingGemma 2's text tower as a graph that survives conversion; see ``families.graph`` for what the families share.

The projection from 512 to 768 stands after the pooling here and before it in transformers: it is linear, so both give the same vector,
and one pooled row is cheaper than all of them. This module imports torch; import it where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from triplette.export.families.architecture import GLOBAL, LOCAL, DenseHead
from triplette.export.families.attention import (
    Attention,
    FeedForward,
    RMSNorm,
    Rotary,
    gelu_tanh,
    layer_masks,
    rotary_table,
    token_positions,
)
from triplette.export.families.embeddinggemma2.architecture import Architecture, LayerShape
from triplette.export.families.graph import Projection, mean_pool

PREFIXES = re.compile(r"^(model\.)?(language_model\.)?")
OTHER_TOWERS = re.compile(r"^(model\.)?(vision_tower|embed_vision|audio_tower|embed_audio)\.")


def rename(stored: Mapping[str, Any], architecture: Architecture) -> dict[str, Any]:
    """The text tower's tensors under the graph's names; the other towers' are left out."""
    found = {PREFIXES.sub("", name): tensor for name, tensor in stored.items() if not OTHER_TOWERS.match(name)}
    if "embedding_projection.weight" in found:
        found["projection.heads.0.weight"] = found.pop("embedding_projection.weight")
    return found


class PerLayerEmbeddings(nn.Module):
    """The embedding (1, L, layers, per_layer) that each layer is gated with, made from the token embeddings."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.a = a
        self.per_layer_model_projection = nn.Linear(a.hidden, a.layers * a.per_layer, bias=False)
        self.per_layer_projection_norm = RMSNorm(a.per_layer, a.epsilon)

    def forward(self, embedded: Tensor) -> Tensor:
        projected = self.per_layer_model_projection(embedded) * self.a.hidden**-0.5
        return self.per_layer_projection_norm(projected.reshape(1, embedded.shape[1], self.a.layers, self.a.per_layer))


class PerLayerGate(nn.Module):
    """The third block of a layer: states gated by the layer's own embedding, added to themselves."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.per_layer_input_gate = nn.Linear(a.hidden, a.per_layer, bias=False)
        self.per_layer_projection = nn.Linear(a.per_layer, a.hidden, bias=False)
        self.post_per_layer_input_norm = RMSNorm(a.hidden, a.epsilon)

    def forward(self, states: Tensor, own: Tensor) -> Tensor:
        gated = gelu_tanh(self.per_layer_input_gate(states)) * own
        return states + self.post_per_layer_input_norm(self.per_layer_projection(gated))


class Layer(nn.Module):
    """One transformer layer: attention, feed-forward and gate, each between norms, and all scaled at the end."""

    def __init__(self, a: Architecture, shape: LayerShape) -> None:
        super().__init__()
        norm = partial(RMSNorm, epsilon=a.epsilon)
        unscaled = norm(shape.head_dim, scaled=False)
        self.self_attn = Attention(a.hidden, a.heads, shape.kv_heads, shape.head_dim, norm=norm, scale=1.0, value_norm=unscaled)
        self.mlp = FeedForward(a.hidden, a.feed_forward, gelu_tanh)
        self.ple_block = PerLayerGate(a)
        self.input_layernorm = RMSNorm(a.hidden, a.epsilon)
        self.post_attention_layernorm = RMSNorm(a.hidden, a.epsilon)
        self.pre_feedforward_layernorm = RMSNorm(a.hidden, a.epsilon)
        self.post_feedforward_layernorm = RMSNorm(a.hidden, a.epsilon)
        self.register_buffer("layer_scalar", torch.ones(1))

    def forward(self, states: Tensor, own: Tensor, mask: Tensor, rotary: Rotary) -> Tensor:
        states = states + self.post_attention_layernorm(self.self_attn(self.input_layernorm(states), mask, rotary))
        states = states + self.post_feedforward_layernorm(self.mlp(self.pre_feedforward_layernorm(states)))
        return self.ple_block(states, own) * self.layer_scalar


class Encoder(nn.Module):
    """Token ids (1, L) and mask (1, L), int32, to a vector (1, output) before normalisation.

    The steps are methods, so that a test can replace one of them by a faulty one and show that the proof notices.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.embed_tokens = nn.Embedding(a.vocabulary, a.hidden)
        self.ple = PerLayerEmbeddings(a)
        self.layers = nn.ModuleList(Layer(a, shape) for shape in a.shapes)
        self.norm = RMSNorm(a.hidden, a.epsilon)
        self.projection = Projection((DenseHead("", a.hidden, a.output),))

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        a = self.architecture
        present = attention_mask.to(torch.float32)
        positions = token_positions(present)
        full, local = self.masks(present, positions)
        masks, bases = {GLOBAL: full, LOCAL: local}, {GLOBAL: a.global_base, LOCAL: a.local_base}
        tables = {shape.kind: rotary_table(positions, bases[shape.kind], shape.head_dim) for shape in dict.fromkeys(a.shapes)}
        states = self.embed_tokens(tokens) * a.hidden**0.5
        own = self.ple(states)
        for index, (shape, layer) in enumerate(zip(a.shapes, self.layers, strict=True)):
            states = layer(states, own[:, :, index], masks[shape.kind], tables[shape.kind])
        return self.projection(self.pool(self.norm(states), present))

    def masks(self, present: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """The masks of global and local layers; see ``layer_masks``."""
        return layer_masks(present, positions, self.architecture.window)

    def pool(self, states: Tensor, present: Tensor) -> Tensor:
        """The mean over present tokens, (1, hidden)."""
        return mean_pool(states, present)
