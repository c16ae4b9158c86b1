"""Quantising the weights of the float32 file, scope by scope, with dynamic-range kernels (activations stay float32 between operators).

Inside such an operator activations are rounded to 8 bits; ``int8_weights`` unpacks its weights instead and computes in float32.

The default ``e4_a8_f4_p4`` is what the published EmbeddingGemma files use: embedding table, feed-forward and projection in 4 bits,
attention in 8. The table alone is two thirds of the model. The granularity ``auto`` picks the largest block that divides every 4-bit weight's
input width: at full size blocks of 128 cost 0.2 MB over one scale a channel and bring the embedding closer to float32.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.errors import SettingError
from triplette.export.convert.blocks import refine
from triplette.export.families.architecture import ATTENTION, EMBEDDING, FEED_FORWARD, PER_LAYER, POSITIONS, PROJECTION, Architecture
from triplette.export.quiet import quiet_libraries, quiet_stderr
from triplette.tables import replacing

# the names that a graph's classes and attributes give to its operators; every family uses the same
SCOPES = {
    EMBEDDING: r"Embedding_embed_tokens",
    POSITIONS: r"Embedding_embed_positions",
    ATTENTION: r"Attention_self_attn",
    FEED_FORWARD: r"FeedForward_mlp",
    PER_LAYER: r"PerLayer[A-Za-z]*_ple",
    PROJECTION: r"Projection_projection",
}
RECIPES: dict[str, dict[str, int]] = {
    # learned positions are a small table that every token passes through: 8 bits
    "e4_a8_f4_p4": {EMBEDDING: 4, POSITIONS: 8, ATTENTION: 8, FEED_FORWARD: 4, PER_LAYER: 4, PROJECTION: 4},
    "int8": dict.fromkeys(SCOPES, 8),
    "int8_weights": dict.fromkeys(SCOPES, 8),
    "float32": dict.fromkeys(SCOPES, 32),
}
MEANING = {
    "e4_a8_f4_p4": "attention in 8 bits, the rest in 4; activations rounded to 8 bits within an operator",
    "int8": "weights in 8 bits; activations rounded to 8 bits within an operator",
    "int8_weights": "weights in 8 bits, activations in float32",
    "float32": "not quantised",
}
# weights without the token table; below, ``auto`` takes int8. Refused in 4 bits were a tiny model (-0.015 of nDCG@10), all-MiniLM-L6-v2 (11 million:
# a cosine of 0.963) and multilingual-e5-small after one epoch (21 million: -0.028); EmbeddingGemma has 100 million
SMALL = 30_000_000
# scopes whose weights are quantised and whose activations are not. The projection sees one pooled vector a text, and a large common
# component in it leaves few of 8 bits to the rest: a trained tiny model fell to a cosine of 0.992 (0.976 on plain kernels) by that alone
# (a table that is looked up has no activations)
FLOAT_ACTIVATIONS = {"int8": (PROJECTION,), "int8_weights": (ATTENTION, FEED_FORWARD, PER_LAYER, PROJECTION)}
UNPACKED = ", float activations"  # how the audit names a weight that is unpacked before use
BLOCKS = (128, 64, 32)  # in the order in which ``auto`` tries them
CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Bits by scope, and the granularity of the 4-bit weights: ``channel`` or a block size (8-bit weights: by channel)."""

    name: str
    bits: Mapping[str, int]
    granularity: str
    why: str

    def expected(self, scope: str) -> str:
        """The type and granularity that the audit must find in a scope, such as ``INT4/128`` or ``INT8/channel, float activations``."""
        bits = self.bits[scope]
        if bits == 32:
            return "FLOAT32"
        unpacked = UNPACKED if scope in FLOAT_ACTIVATIONS.get(self.name, ()) else ""
        return f"INT{bits}/{self.granularity if bits == 4 else CHANNEL}{unpacked}"


def choose_recipe(name: str, granularity: str, architecture: Architecture) -> Recipe:
    """The recipe for an architecture. Raises SettingError for a block that does not divide a 4-bit weight's width."""
    if name == "auto":
        inner = sum(weight.size for weight in architecture.weights if weight.scope != EMBEDDING)
        name = "int8" if inner < SMALL else "e4_a8_f4_p4"
    bits = RECIPES[name]
    if 4 not in bits.values():
        return Recipe(name, bits, CHANNEL, "no 4-bit weight")
    widths = input_widths(architecture)
    four = sorted({width for scope, width in widths if bits[scope] == 4})
    if granularity == "auto":
        fitting = next((block for block in BLOCKS if all(width % block == 0 for width in four)), None)
        if fitting is None:
            return Recipe(name, bits, CHANNEL, f"no block of {BLOCKS} divides the widths {four}: one scale a channel")
        return Recipe(name, bits, str(fitting), f"the largest block of {BLOCKS} that divides the widths {four}")
    if granularity != CHANNEL and any(width % int(granularity) for width in four):
        raise SettingError(
            f"blocks of {granularity} do not divide the widths {four} of the 4-bit weights",
            where="export.granularity",
            cure="use granularity = auto, or channel",
        )
    return Recipe(name, bits, granularity, "as asked")


def input_widths(architecture: Architecture) -> list[tuple[str, int]]:
    """The input width of every kind of weight, by scope."""
    return [(weight.scope, weight.inputs) for weight in architecture.weights]


def expected_bytes(architecture: Architecture, recipe: Recipe) -> int:
    """About how large the file will be: weights at their bits, scales, and 1.5 MB of graph a signature."""
    weights = sum(weight.size * recipe.bits[weight.scope] // 8 for weight in architecture.weights)
    return int(weights * 1.03)


def quantize(source: Path, target: Path, recipe: Recipe) -> float:
    """Write ``target``, the quantised form of the float32 file ``source``; the seconds it took. ``float32`` is a plain copy."""
    import shutil

    started = time.perf_counter()
    with replacing(target) as temporary:
        if recipe.name == "float32":
            shutil.copyfile(source, temporary)
        else:
            with quiet_libraries(), quiet_stderr():
                from ai_edge_quantizer import quantizer

                content = quantizer.Quantizer(str(source), _scope_rules(recipe)).quantize(
                    enable_progress_bar=False, enable_progress_report=False
                )
            temporary.write_bytes(content.quantized_model)
            if recipe.granularity != CHANNEL:
                refine(temporary, source)
    return time.perf_counter() - started


def _scope_rules(recipe: Recipe) -> Any:
    from ai_edge_quantizer import qtyping, recipe_manager

    rules = recipe_manager.RecipeManager()
    for scope, pattern in SCOPES.items():
        bits = recipe.bits[scope]
        if bits == 32:
            continue
        blocks = bits == 4 and recipe.granularity != CHANNEL
        granularity = f"BLOCKWISE_{recipe.granularity}" if blocks else "CHANNELWISE"
        operation = "EMBEDDING_LOOKUP" if scope in (EMBEDDING, POSITIONS) else "FULLY_CONNECTED"
        add = rules.add_weight_only_config if scope in FLOAT_ACTIVATIONS.get(recipe.name, ()) else rules.add_dynamic_config
        add(f".*{pattern}.*", qtyping.TFLOperationName[operation], bits, qtyping.QuantGranularity[granularity])
    return rules.get_quantization_recipe()
