"""BERT's encoder as a graph that survives conversion; see ``families.graph`` for what the families share.

Positions are counted over the present tokens, so that a text padded on the left gives the same vector as one padded on the right; the
library's own module counts padding too, and is never asked for it. Token types: a text is one segment, and the first type's row is
added to the positions when the weights are loaded. This module imports torch; import it where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from triplette.export.families.bert.architecture import Architecture
from triplette.export.families.composites import scaled_dot_product_attention
from triplette.export.families.graph import Projection, first_pool, mean_pool, padding_mask

WORDS, PLACES, TYPES = "embed_tokens.weight", "embed_positions.weight", "token_type_embeddings.weight"
NAMES = (
    (r"^embeddings\.word_embeddings\.", "embed_tokens."),
    (r"^embeddings\.position_embeddings\.", "embed_positions."),
    (r"^embeddings\.token_type_embeddings\.", "token_type_embeddings."),
    (r"^embeddings\.LayerNorm\.", "norm."),
    (r"^encoder\.layer\.(\d+)\.attention\.self\.(query|key|value)\.", r"layers.\1.self_attn.\2."),
    (r"^encoder\.layer\.(\d+)\.attention\.output\.dense\.", r"layers.\1.self_attn.output."),
    (r"^encoder\.layer\.(\d+)\.attention\.output\.LayerNorm\.", r"layers.\1.attention_norm."),
    (r"^encoder\.layer\.(\d+)\.intermediate\.dense\.", r"layers.\1.mlp.up."),
    (r"^encoder\.layer\.(\d+)\.output\.dense\.", r"layers.\1.mlp.down."),
    (r"^encoder\.layer\.(\d+)\.output\.LayerNorm\.", r"layers.\1.output_norm."),
)
# the pooler answers a pre-training task and is called by nobody here; position ids are a buffer of older files
UNUSED = re.compile(r"^(pooler\.|embeddings\.position_ids$)")
PREFIXES = re.compile(r"^(bert|roberta|model)\.")


def rename(stored: Mapping[str, Any], architecture: Architecture) -> dict[str, Any]:
    """The checkpoint's tensors under the graph's names, the row of token type 0 added to every position."""
    found = {}
    for name, tensor in stored.items():
        own = PREFIXES.sub("", name)
        if UNUSED.match(own):
            continue
        for pattern, mine in NAMES:
            own = re.sub(pattern, mine, own)
        found[own] = tensor
    types = found.pop(TYPES, None)
    if types is not None and PLACES in found and tuple(types.shape) == (architecture.types, architecture.hidden):
        found[PLACES] = found[PLACES].float() + types[0].float()
    elif types is not None:
        found[TYPES] = types  # of another shape, or without positions: named by the strict loading
    return found


class Attention(nn.Module):
    """Attention of every token to every present token, over (1, L, hidden)."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.a = a
        self.query = nn.Linear(a.hidden, a.hidden)
        self.key = nn.Linear(a.hidden, a.hidden)
        self.value = nn.Linear(a.hidden, a.hidden)
        self.output = nn.Linear(a.hidden, a.hidden)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        length, size = states.shape[1], self.a.hidden // self.a.heads

        def split(flat: Tensor) -> Tensor:
            return flat.reshape(1, length, self.a.heads, size)

        queries, keys, values = split(self.query(states)), split(self.key(states)), split(self.value(states))
        mixed = scaled_dot_product_attention(queries, keys, values, mask, size**-0.5, self.repeat)
        return self.output(mixed.reshape(1, length, self.a.hidden))

    def repeat(self, heads: Tensor) -> Tensor:
        """Every head has its own keys and values."""
        return heads


class FeedForward(nn.Module):
    """Two layers with the exact GELU (of the error function) between them."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.up = nn.Linear(a.hidden, a.feed_forward)
        self.down = nn.Linear(a.feed_forward, a.hidden)

    def forward(self, states: Tensor) -> Tensor:
        return self.down(nn.functional.gelu(self.up(states)))


class Layer(nn.Module):
    """One transformer layer: layer norm after the sum of each block and its input (Vaswani et al. 2017)."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.self_attn = Attention(a)
        self.attention_norm = nn.LayerNorm(a.hidden, eps=a.epsilon)
        self.mlp = FeedForward(a)
        self.output_norm = nn.LayerNorm(a.hidden, eps=a.epsilon)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        states = self.attention_norm(states + self.self_attn(states, mask))
        return self.output_norm(states + self.mlp(states))


class Encoder(nn.Module):
    """Token ids (1, L) and mask (1, L), int32, to a vector (1, output) before normalisation.

    The steps are methods, so that a test can replace one of them by a faulty one and show that the proof notices.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.embed_tokens = nn.Embedding(a.vocabulary, a.hidden)
        self.embed_positions = nn.Embedding(a.positions, a.hidden)
        self.norm = nn.LayerNorm(a.hidden, eps=a.epsilon)
        self.layers = nn.ModuleList(Layer(a) for _ in range(a.layers))
        if a.heads_after_pooling:
            self.projection = Projection(a.heads_after_pooling)

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        present = attention_mask.to(torch.float32)
        places = self.places(present)
        states = self.norm(self.embed_tokens(tokens) + self.embed_positions(self.positions(places)))
        mask = self.mask(present)
        for layer in self.layers:
            states = layer(states, mask)
        pooled = self.pool(states, places, present)
        return self.projection(pooled) if self.architecture.heads_after_pooling else pooled

    def places(self, present: Tensor) -> Tensor:
        """1 for the first present token, 2 for the second...; float32 (1, L)."""
        return torch.cumsum(present, dim=1)

    def positions(self, places: Tensor) -> Tensor:
        """The rows of the position table, int32 (1, L); padding gets some row, which no present token sees."""
        return (torch.clamp(places - 1.0, min=0.0) + float(self.architecture.first_position)).to(torch.int32)

    def mask(self, present: Tensor) -> Tensor:
        """The additive mask (1, 1, L, L): 0 where a token is seen, MASKED where not."""
        return padding_mask(present) * torch.ones(1, 1, present.shape[1], 1)

    def pool(self, states: Tensor, places: Tensor, present: Tensor) -> Tensor:
        """The mean over present tokens, or the first of them, (1, hidden)."""
        return mean_pool(states, present) if self.architecture.pooling == "mean" else first_pool(states, places, present)
