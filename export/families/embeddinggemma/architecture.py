"""EmbeddingGemma of any size: Gemma 3 text encoders with bidirectional attention, mean pooling, dense heads and L2 normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from triplette.errors import InputError
from triplette.export.families.architecture import (
    ATTENTION,
    CURE,
    EMBEDDING,
    FEED_FORWARD,
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


@dataclass(frozen=True, slots=True)
class Architecture:
    """The numbers that define the graph.

    ``window``: a local layer sees positions closer than this (257 for EmbeddingGemma: its 512 counts both sides).
    ``local_base``/``global_base`` are the rotary bases of the two kinds of layer. ``scale`` multiplies the attention scores.
    """

    vocabulary: int
    hidden: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_dim: int
    layer_kinds: tuple[str, ...]
    window: int
    local_base: float
    global_base: float
    scale: float
    epsilon: float
    max_positions: int
    heads_after_pooling: tuple[DenseHead, ...]
    family: str = "embeddinggemma"
    pooling: str = "mean"

    @property
    def weights(self) -> tuple[Weights, ...]:
        """Every quantised weight: the table, attention, gated feed-forward, dense heads."""
        n, wide = self.layers, self.heads * self.head_dim
        return (
            Weights(EMBEDDING, 1, self.vocabulary, self.hidden),
            Weights(ATTENTION, n, wide, self.hidden),
            Weights(ATTENTION, 2 * n, self.kv_heads * self.head_dim, self.hidden),
            Weights(ATTENTION, n, self.hidden, wide),
            Weights(FEED_FORWARD, 2 * n, self.feed_forward, self.hidden),
            Weights(FEED_FORWARD, n, self.hidden, self.feed_forward),
            *(Weights(PROJECTION, 1, head.outputs, head.inputs) for head in self.heads_after_pooling),
        )

    @property
    def layers(self) -> int:
        """The number of transformer layers."""
        return len(self.layer_kinds)

    @property
    def output(self) -> int:
        """The width of the embedding, before any Matryoshka cut."""
        return self.heads_after_pooling[-1].outputs

    @property
    def parameters(self) -> int:
        """The number of weights: what sizes, memory and disk are estimated from."""
        attention = self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads) + 2 * self.head_dim
        layer = attention + 3 * self.hidden * self.feed_forward + 4 * self.hidden
        dense = sum(head.inputs * head.outputs for head in self.heads_after_pooling)
        return self.vocabulary * self.hidden + self.layers * layer + self.hidden + dense + head_biases(self.heads_after_pooling)


def read(folder: Path) -> Architecture:
    """The architecture of a sentence-transformers folder. Raises InputError naming what is unsupported or missing."""
    heads = _heads(folder)
    config = read_json(folder / "config.json")
    config = config.get("text_config", config)
    where = str(folder / "config.json")
    require(config, "model_type", ("gemma3_text",), where)
    require(config, "use_bidirectional_attention", (True,), where)
    require(config, "hidden_activation", ("gelu_pytorch_tanh",), where)
    require(config, "attn_logit_softcapping", (None,), where)
    require(config, "attention_bias", (False, None), where)
    kinds = layer_kinds(config, where)
    if get(config, "num_attention_heads", where) % get(config, "num_key_value_heads", where):
        raise InputError("num_attention_heads is not a multiple of num_key_value_heads", where=where, cure=CURE)
    local_base, global_base = rotary_bases(config, ("rope_local_base_freq", "rope_theta"), where)
    architecture = Architecture(
        vocabulary=get(config, "vocab_size", where),
        hidden=get(config, "hidden_size", where),
        feed_forward=get(config, "intermediate_size", where),
        heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"],
        head_dim=get(config, "head_dim", where),
        layer_kinds=kinds,
        # the configuration counts both sides; transformers halves it and excludes the bound
        window=get(config, "sliding_window", where) // 2 + 1,
        local_base=local_base,
        global_base=global_base,
        scale=get(config, "query_pre_attn_scalar", where) ** -0.5,
        epsilon=get(config, "rms_norm_eps", where),
        max_positions=get(config, "max_position_embeddings", where),
        heads_after_pooling=heads,
    )
    check_widths(architecture.hidden, heads, folder)
    return architecture


def _heads(folder: Path) -> tuple[DenseHead, ...]:
    around = read_around(folder, ("mean",))
    if not around.heads:
        raise InputError(
            "the dense head is missing: EmbeddingGemma has two after its pooling",
            where=str(folder / "modules.json"),
            cure="merge the whole sentence-transformers model with `train merge`, not only its transformer",
        )
    return around.heads
