"""Qwen3-Embedding of any size: a causal decoder with grouped-query attention and query and key norms, read at its last token.

A token sees only what stands before it, so the last one (the end-of-text token that the tokenizer adds) has seen the whole text.
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
    PROJECTION,
    DenseHead,
    Weights,
    check_widths,
    get,
    head_biases,
    read_around,
    read_json,
    require,
    rotary_base,
)


@dataclass(frozen=True, slots=True)
class Architecture:
    """The numbers that define the graph. ``base`` is that of the rotary positions."""

    vocabulary: int
    hidden: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_dim: int
    layers: int
    base: float
    epsilon: float
    max_positions: int
    heads_after_pooling: tuple[DenseHead, ...]
    family: str = "qwen3"
    pooling: str = "lasttoken"
    window: int = 0  # every layer sees the whole text before a token

    @property
    def output(self) -> int:
        """The width of the embedding, before any Matryoshka cut."""
        return self.heads_after_pooling[-1].outputs if self.heads_after_pooling else self.hidden

    @property
    def weights(self) -> tuple[Weights, ...]:
        """Every quantised weight: the table, attention, gated feed-forward, dense heads."""
        n, wide, narrow = self.layers, self.heads * self.head_dim, self.kv_heads * self.head_dim
        return (
            Weights(EMBEDDING, 1, self.vocabulary, self.hidden),
            Weights(ATTENTION, n, wide, self.hidden),
            Weights(ATTENTION, 2 * n, narrow, self.hidden),
            Weights(ATTENTION, n, self.hidden, wide),
            Weights(FEED_FORWARD, 2 * n, self.feed_forward, self.hidden),
            Weights(FEED_FORWARD, n, self.hidden, self.feed_forward),
            *(Weights(PROJECTION, 1, head.outputs, head.inputs) for head in self.heads_after_pooling),
        )

    @property
    def parameters(self) -> int:
        """The number of weights: what sizes, memory and disk are estimated from."""
        norms = self.layers * (2 * self.hidden + 2 * self.head_dim) + self.hidden
        return sum(weight.size for weight in self.weights) + norms + head_biases(self.heads_after_pooling)


def read(folder: Path) -> Architecture:
    """The architecture of a sentence-transformers folder. Raises InputError naming what is unsupported or missing."""
    around = read_around(folder, ("lasttoken",))
    config, where = read_json(folder / "config.json"), str(folder / "config.json")
    require(config, "model_type", ("qwen3",), where)
    require(config, "hidden_act", ("silu",), where)
    require(config, "attention_bias", (False, None), where)
    require(config, "use_sliding_window", (False, None), where)
    if set(config.get("layer_types") or (GLOBAL,)) != {GLOBAL}:
        raise InputError(f"layer_types {config['layer_types']}: only {GLOBAL} is supported", where=where, cure=CURE)
    heads, kv_heads = get(config, "num_attention_heads", where), get(config, "num_key_value_heads", where)
    if heads % kv_heads:
        raise InputError("num_attention_heads is not a multiple of num_key_value_heads", where=where, cure=CURE)
    architecture = Architecture(
        vocabulary=get(config, "vocab_size", where),
        hidden=get(config, "hidden_size", where),
        feed_forward=get(config, "intermediate_size", where),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=get(config, "head_dim", where),
        layers=get(config, "num_hidden_layers", where),
        base=_rotary_base(config, where),
        epsilon=get(config, "rms_norm_eps", where),
        max_positions=get(config, "max_position_embeddings", where),
        heads_after_pooling=around.heads,
    )
    check_widths(architecture.hidden, around.heads, folder)
    return architecture


def _rotary_base(config: dict[str, Any], where: str) -> float:
    """The base, in the new form (rope_parameters) or the old one (rope_theta)."""
    if config.get("rope_parameters") is not None:
        return rotary_base(config["rope_parameters"], "its layers", where)
    if config.get("rope_scaling"):
        raise InputError("rope_scaling is not supported", where=where, cure=CURE)
    return float(get(config, "rope_theta", where))
