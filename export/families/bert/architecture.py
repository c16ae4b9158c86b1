"""BERT and XLM-R encoders: learned absolute positions, layer norm after each block, exact GELU; mean or CLS pooling.

multilingual-e5, bge-m3's dense half, MiniLM, Solon and LaBSE's transformer are of this kind. The two differ in how positions are
counted: BERT from 0, RoBERTa's descendants from ``pad_token_id`` + 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from triplette.errors import InputError
from triplette.export.families.architecture import (
    ATTENTION,
    CURE,
    EMBEDDING,
    FEED_FORWARD,
    POSITIONS,
    PROJECTION,
    DenseHead,
    Weights,
    check_widths,
    get,
    head_biases,
    read_around,
    read_json,
    require,
)

BERT, DESCENDANTS = "bert", ("xlm-roberta", "roberta", "camembert")


@dataclass(frozen=True, slots=True)
class Architecture:
    """The numbers that define the graph. ``first_position`` is the position of a text's first token, ``types`` the token types."""

    vocabulary: int
    hidden: int
    feed_forward: int
    heads: int
    layers: int
    positions: int
    first_position: int
    types: int
    epsilon: float
    heads_after_pooling: tuple[DenseHead, ...]
    pooling: str
    family: str = "bert"
    window: int = 0  # every layer sees the whole text

    @property
    def max_positions(self) -> int:
        """The longest text in tokens."""
        return self.positions - self.first_position

    @property
    def output(self) -> int:
        """The width of the embedding, before any Matryoshka cut."""
        return self.heads_after_pooling[-1].outputs if self.heads_after_pooling else self.hidden

    @property
    def weights(self) -> tuple[Weights, ...]:
        """Every quantised weight: the two tables, attention, feed-forward, dense heads."""
        n, width = self.layers, self.hidden
        return (
            Weights(EMBEDDING, 1, self.vocabulary, width),
            Weights(POSITIONS, 1, self.positions, width),
            Weights(ATTENTION, 4 * n, width, width),
            Weights(FEED_FORWARD, n, self.feed_forward, width),
            Weights(FEED_FORWARD, n, width, self.feed_forward),
            *(Weights(PROJECTION, 1, head.outputs, head.inputs) for head in self.heads_after_pooling),
        )

    @property
    def parameters(self) -> int:
        """The number of weights: what sizes, memory and disk are estimated from."""
        inner = self.layers * (4 * self.hidden + self.feed_forward + self.hidden + 4 * self.hidden)
        biases = inner + head_biases(self.heads_after_pooling)
        return sum(weight.size for weight in self.weights) + biases + (self.types + 2) * self.hidden


def read(folder: Path) -> Architecture:
    """The architecture of a sentence-transformers folder. Raises InputError naming what is unsupported or missing."""
    around = read_around(folder, ("mean", "cls"))
    config, where = read_json(folder / "config.json"), str(folder / "config.json")
    require(config, "model_type", (BERT, *DESCENDANTS), where)
    require(config, "hidden_act", ("gelu",), where)
    require(config, "position_embedding_type", ("absolute", None), where)
    require(config, "is_decoder", (False, None), where)
    require(config, "add_cross_attention", (False, None), where)
    hidden, heads = get(config, "hidden_size", where), get(config, "num_attention_heads", where)
    if hidden % heads:
        raise InputError(f"hidden_size {hidden} is not a multiple of num_attention_heads {heads}", where=where, cure=CURE)
    padding = config.get("pad_token_id")
    architecture = Architecture(
        vocabulary=get(config, "vocab_size", where),
        hidden=hidden,
        feed_forward=get(config, "intermediate_size", where),
        heads=heads,
        layers=get(config, "num_hidden_layers", where),
        positions=get(config, "max_position_embeddings", where),
        first_position=0 if config["model_type"] == BERT else int(1 if padding is None else padding) + 1,
        types=get(config, "type_vocab_size", where),
        epsilon=get(config, "layer_norm_eps", where),
        heads_after_pooling=around.heads,
        pooling=around.pooling,
    )
    check_widths(hidden, around.heads, folder)
    return architecture
