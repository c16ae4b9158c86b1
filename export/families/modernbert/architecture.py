"""ModernBERT and mmBERT encoders: rotary positions, local and global layers, gated GELU, norms before blocks; mean or CLS pooling.

granite-embedding r2, gte-modernbert and mDenseOn are of this kind. ModernBERT reads byte-level tokens, mmBERT Gemma's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.export.families.architecture import (
    ATTENTION,
    CURE,
    EMBEDDING,
    FEED_FORWARD,
    GLOBAL,
    LOCAL,
    PROJECTION,
    DenseHead,
    Weights,
    check_widths,
    get,
    head_biases,
    layer_kinds,
    read_around,
    read_json,
    require,
    rotary_bases,
)

ACTIVATIONS = ("gelu", "silu")  # granite's multilingual ones have the second


@dataclass(frozen=True, slots=True)
class Architecture:
    """The numbers that define the graph. ``window``: a local layer sees positions closer than this (65 for ModernBERT's 128)."""

    vocabulary: int
    hidden: int
    feed_forward: int
    heads: int
    layer_kinds: tuple[str, ...]
    window: int
    local_base: float
    global_base: float
    epsilon: float
    max_positions: int
    activation: str
    norm_bias: bool
    attention_bias: bool
    feed_forward_bias: bool
    heads_after_pooling: tuple[DenseHead, ...]
    pooling: str
    family: str = "modernbert"

    @property
    def layers(self) -> int:
        """The number of transformer layers."""
        return len(self.layer_kinds)

    @property
    def output(self) -> int:
        """The width of the embedding, before any Matryoshka cut."""
        return self.heads_after_pooling[-1].outputs if self.heads_after_pooling else self.hidden

    @property
    def weights(self) -> tuple[Weights, ...]:
        """Every quantised weight: the table, attention (queries, keys and values in one), gated feed-forward, dense heads."""
        n, width = self.layers, self.hidden
        return (
            Weights(EMBEDDING, 1, self.vocabulary, width),
            Weights(ATTENTION, n, 3 * width, width),
            Weights(ATTENTION, n, width, width),
            Weights(FEED_FORWARD, n, 2 * self.feed_forward, width),
            Weights(FEED_FORWARD, n, width, self.feed_forward),
            *(Weights(PROJECTION, 1, head.outputs, head.inputs) for head in self.heads_after_pooling),
        )

    @property
    def parameters(self) -> int:
        """The number of weights: what sizes, memory and disk are estimated from."""
        norms = (2 * self.layers + 1) * self.hidden * (1 + self.norm_bias)
        biases = self.layers * (4 * self.hidden * self.attention_bias + (2 * self.feed_forward + self.hidden) * self.feed_forward_bias)
        return sum(weight.size for weight in self.weights) + norms + biases + head_biases(self.heads_after_pooling)


def read(folder: Path) -> Architecture:
    """The architecture of a sentence-transformers folder. Raises InputError naming what is unsupported or missing."""
    around = read_around(folder, ("mean", "cls"))
    config, where = read_json(folder / "config.json"), str(folder / "config.json")
    require(config, "model_type", ("modernbert",), where)
    require(config, "hidden_activation", ACTIVATIONS, where)
    hidden, heads = get(config, "hidden_size", where), get(config, "num_attention_heads", where)
    if hidden % heads:
        raise InputError(f"hidden_size {hidden} is not a multiple of num_attention_heads {heads}", where=where, cure=CURE)
    local_base, global_base = rotary_bases(config, ("local_rope_theta", "global_rope_theta"), where)
    architecture = Architecture(
        vocabulary=get(config, "vocab_size", where),
        hidden=hidden,
        feed_forward=get(config, "intermediate_size", where),
        heads=heads,
        layer_kinds=layer_kinds({**config, "layer_types": _kinds(config, where)}, where),
        # the configuration counts both sides; the bound itself is seen
        window=get(config, "local_attention", where) // 2 + 1,
        local_base=local_base,
        global_base=global_base,
        epsilon=get(config, "norm_eps", where),
        max_positions=get(config, "max_position_embeddings", where),
        activation=get(config, "hidden_activation", where),
        norm_bias=bool(config.get("norm_bias")),
        attention_bias=bool(config.get("attention_bias")),
        feed_forward_bias=bool(config.get("mlp_bias")),
        heads_after_pooling=around.heads,
        pooling=around.pooling,
    )
    check_widths(hidden, around.heads, folder)
    return architecture


def _kinds(config: dict[str, Any], where: str) -> list[str]:
    """The layers' kinds, in the new form (layer_types) or the old one (every n-th is global, from the first)."""
    if config.get("layer_types"):
        return list(config["layer_types"])
    every = get(config, "global_attn_every_n_layers", where)
    return [LOCAL if index % every else GLOBAL for index in range(get(config, "num_hidden_layers", where))]
