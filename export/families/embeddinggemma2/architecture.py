"""EmbeddingGemma 2's text tower: bidirectional Gemma layers that are gated by embeddings of their own, mean pooling, L2 normalisation.

The published folder holds towers for images and sound beside it. Texts never pass through them, so they are left out: the same vectors,
and 270 of 740 million weights. Against its predecessor: global layers have wider heads, values are normalised too, norms multiply
by their weight, scores are not scaled, and the dense layers after pooling became one projection inside the transformer.
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
    PER_LAYER,
    PROJECTION,
    DenseHead,
    Weights,
    get,
    layer_kinds,
    read_around,
    read_json,
    require,
    rotary_base,
)

TEXT = "embedding_gemma2_text"


@dataclass(frozen=True, slots=True)
class LayerShape:
    """One layer: local or global, the width of its heads, and its key-value heads."""

    kind: str
    head_dim: int
    kv_heads: int


@dataclass(frozen=True, slots=True)
class Architecture:
    """The numbers that define the graph.

    ``window``: a local layer sees positions closer than this (513 at full size: its 512 is the farthest it sees). ``per_layer`` is the
    width of a layer's own embedding.
    """

    vocabulary: int
    hidden: int
    feed_forward: int
    heads: int
    shapes: tuple[LayerShape, ...]
    per_layer: int
    window: int
    local_base: float
    global_base: float
    epsilon: float
    max_positions: int
    output: int
    family: str = "embeddinggemma2"
    pooling: str = "mean"
    heads_after_pooling: tuple[DenseHead, ...] = ()  # the projection is the transformer's own

    @property
    def layers(self) -> int:
        """The number of transformer layers."""
        return len(self.shapes)

    @property
    def weights(self) -> tuple[Weights, ...]:
        """Every quantised weight: the table, attention, gated feed-forward, the layers' own embeddings, the projection."""
        n, width = self.layers, self.hidden
        attention = []
        for shape in self.shapes:
            wide, narrow = self.heads * shape.head_dim, shape.kv_heads * shape.head_dim
            attention += [Weights(ATTENTION, 1, wide, width), Weights(ATTENTION, 2, narrow, width), Weights(ATTENTION, 1, width, wide)]
        return (
            Weights(EMBEDDING, 1, self.vocabulary, width),
            *attention,
            Weights(FEED_FORWARD, 2 * n, self.feed_forward, width),
            Weights(FEED_FORWARD, n, width, self.feed_forward),
            Weights(PER_LAYER, 1, n * self.per_layer, width),
            Weights(PER_LAYER, n, self.per_layer, width),
            Weights(PER_LAYER, n, width, self.per_layer),
            Weights(PROJECTION, 1, self.output, width),
        )

    @property
    def parameters(self) -> int:
        """The number of weights: what sizes, memory and disk are estimated from."""
        norms = sum(5 * self.hidden + 2 * shape.head_dim for shape in self.shapes) + self.hidden + self.per_layer
        return sum(weight.size for weight in self.weights) + norms


def read(folder: Path) -> Architecture:
    """The architecture of a sentence-transformers folder. Raises InputError naming what is unsupported or missing."""
    around = read_around(folder, ("mean",))
    if around.heads:
        raise InputError("dense layers after pooling: EmbeddingGemma 2 has none", where=str(folder / "modules.json"), cure=CURE)
    config, where = read_json(folder / "config.json"), str(folder / "config.json")
    config = config.get("text_config", config)
    require(config, "model_type", (TEXT,), where)
    require(config, "hidden_activation", ("gelu_pytorch_tanh",), where)
    require(config, "attention_bias", (False, None), where)
    rotary = get(config, "rope_parameters", where)
    return Architecture(
        vocabulary=get(config, "vocab_size", where),
        hidden=get(config, "hidden_size", where),
        feed_forward=get(config, "intermediate_size", where),
        heads=get(config, "num_attention_heads", where),
        shapes=_shapes(config, where),
        per_layer=get(config, "hidden_size_per_layer_input", where),
        window=get(config, "sliding_window", where) + 1,  # the configuration names the farthest position that is seen
        local_base=rotary_base(rotary.get(LOCAL), LOCAL, where),
        global_base=rotary_base(rotary.get(GLOBAL), GLOBAL, where),
        epsilon=get(config, "rms_norm_eps", where),
        max_positions=get(config, "max_position_embeddings", where),
        output=get(config, "embedding_dim", where),
    )


def _shapes(config: dict[str, Any], where: str) -> tuple[LayerShape, ...]:
    """Every layer's shape: the general one, or its own of ``per_layer_config``."""
    # of 24 layers the sixth is saved as "05"
    own = {int(index): values for index, values in get(config, "per_layer_config", where).items()}
    heads, width = get(config, "num_attention_heads", where), get(config, "head_dim", where)
    shared = get(config, "num_key_value_heads", where)
    shapes: list[LayerShape] = []
    for index, kind in enumerate(layer_kinds(config, where)):
        special = own.get(index) or {}
        unknown = sorted(set(special) - {"head_dim", "num_key_value_heads"})
        if unknown:
            raise InputError(f"layer {index} has its own {', '.join(unknown)}", where=where, cure=CURE)
        shape = LayerShape(kind, int(special.get("head_dim", width)), int(special.get("num_key_value_heads", shared)))
        if heads % shape.kv_heads:
            raise InputError(f"{heads} heads do not share {shape.kv_heads} key-value heads in layer {index}", where=where, cure=CURE)
        if any(other.head_dim != shape.head_dim for other in shapes if other.kind == kind):
            raise InputError(f"heads of {kind} layers are of several widths", where=where, cure=CURE)
        shapes.append(shape)
    return tuple(shapes)
