"""What the converter accepts, read from a sentence-transformers folder and asserted before any work.

The graph in ``graph.py`` implements one family exactly: Gemma 3 text encoders with bidirectional attention, mean pooling, dense heads
and L2 normalisation (EmbeddingGemma, any size). A configuration that asks for anything else is refused by name, because a
converter that carries on regardless makes a file that loads, runs and ranks wrongly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.errors import InputError

LOCAL, GLOBAL = "sliding_attention", "full_attention"
IDENTITY = "torch.nn.modules.linear.Identity"
CURE = "export a model of the EmbeddingGemma family, as `train merge` writes it"


@dataclass(frozen=True, slots=True)
class DenseHead:
    """One dense layer after pooling: its folder, and its widths. It has neither bias nor activation."""

    folder: str
    inputs: int
    outputs: int


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
        return self.vocabulary * self.hidden + self.layers * layer + self.hidden + dense


def read_architecture(folder: Path) -> Architecture:
    """The architecture of a sentence-transformers folder. Raises InputError naming what is unsupported or missing."""
    heads = _modules(folder)
    config = _json(folder / "config.json")
    config = config.get("text_config", config)
    where = str(folder / "config.json")
    _require(config, "model_type", ("gemma3_text",), where)
    _require(config, "use_bidirectional_attention", (True,), where)
    _require(config, "hidden_activation", ("gelu_pytorch_tanh",), where)
    _require(config, "attn_logit_softcapping", (None,), where)
    _require(config, "attention_bias", (False, None), where)
    kinds = tuple(_get(config, "layer_types", where))
    unknown = sorted(set(kinds) - {LOCAL, GLOBAL})
    if unknown or len(kinds) != _get(config, "num_hidden_layers", where):
        raise InputError(f"layer_types {kinds} are not {config['num_hidden_layers']} known kinds", where=where, cure=CURE)
    if _get(config, "num_attention_heads", where) % _get(config, "num_key_value_heads", where):
        raise InputError("num_attention_heads is not a multiple of num_key_value_heads", where=where, cure=CURE)
    local_base, global_base = _rotary_bases(config, where)
    architecture = Architecture(
        vocabulary=_get(config, "vocab_size", where),
        hidden=_get(config, "hidden_size", where),
        feed_forward=_get(config, "intermediate_size", where),
        heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"],
        head_dim=_get(config, "head_dim", where),
        layer_kinds=kinds,
        # the configuration counts both sides; transformers halves it and excludes the bound
        window=_get(config, "sliding_window", where) // 2 + 1,
        local_base=local_base,
        global_base=global_base,
        scale=_get(config, "query_pre_attn_scalar", where) ** -0.5,
        epsilon=_get(config, "rms_norm_eps", where),
        max_positions=_get(config, "max_position_embeddings", where),
        heads_after_pooling=heads,
    )
    _check_widths(architecture, folder)
    return architecture


def _check_widths(architecture: Architecture, folder: Path) -> None:
    width = architecture.hidden
    for head in architecture.heads_after_pooling:
        if head.inputs != width:
            raise InputError(f"takes {head.inputs} numbers, is given {width}", where=str(folder / head.folder), cure=CURE)
        width = head.outputs


def _rotary_bases(config: dict[str, Any], where: str) -> tuple[float, float]:
    """Bases of local and global layers, in the new form (rope_parameters) or the old one (rope_theta, rope_local_base_freq)."""
    parameters = config.get("rope_parameters")
    if parameters is None:
        if config.get("rope_scaling"):
            raise InputError("rope_scaling is not supported", where=where, cure=CURE)
        return float(_get(config, "rope_local_base_freq", where)), float(_get(config, "rope_theta", where))
    bases = []
    for kind in (LOCAL, GLOBAL):
        values = parameters.get(kind) or {}
        if values.get("rope_type", "default") != "default" or "rope_theta" not in values:
            raise InputError(f"rotary parameters of {kind} are {values}, not a plain base", where=where, cure=CURE)
        bases.append(float(values["rope_theta"]))
    return bases[0], bases[1]


def _modules(folder: Path) -> tuple[DenseHead, ...]:
    """The dense heads, after asserting the order Transformer, Pooling, Dense..., Normalize."""
    where = str(folder / "modules.json")
    modules = sorted(_json(folder / "modules.json"), key=lambda module: module["idx"])
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    if "Dense" not in kinds:
        raise InputError(
            f"the dense head is missing: modules are {', '.join(kinds)}",
            where=where,
            cure="merge the whole sentence-transformers model with `train merge`, not only its transformer",
        )
    expected = ["Transformer", "Pooling", *["Dense"] * kinds.count("Dense"), "Normalize"]
    if kinds != expected:
        raise InputError(f"modules are {', '.join(kinds)}; expected {', '.join(expected)}", where=where, cure=CURE)
    _check_pooling(folder / modules[1]["path"] / "config.json")
    return tuple(_dense(folder, str(module["path"])) for module in modules if str(module["type"]).endswith("Dense"))


def _check_pooling(path: Path) -> None:
    config = _json(path)
    mode = config.get("pooling_mode")
    if mode is None:  # the form of sentence-transformers before version 6
        on = [key.removeprefix("pooling_mode_") for key, value in config.items() if key.startswith("pooling_mode_") and value]
        mode = "mean" if on == ["mean_tokens"] else ", ".join(on)
    if mode not in ("mean", ["mean"]):
        raise InputError(f"pooling is {mode}, only mean is supported", where=str(path), cure=CURE)
    if config.get("include_prompt") is False:
        raise InputError("pooling leaves the prompt out (include_prompt is false)", where=str(path), cure=CURE)


def _dense(folder: Path, name: str) -> DenseHead:
    path = folder / name / "config.json"
    config = _json(path)
    if config.get("bias") or config.get("activation_function", IDENTITY) != IDENTITY:
        raise InputError("a dense head with a bias or an activation is not supported", where=str(path), cure=CURE)
    return DenseHead(name, int(_get(config, "in_features", str(path))), int(_get(config, "out_features", str(path))))


def _get(config: dict[str, Any], key: str, where: str) -> Any:
    if config.get(key) is None:
        raise InputError(f"lacks {key}", where=where, cure=CURE)
    return config[key]


def _require(config: dict[str, Any], key: str, allowed: tuple[Any, ...], where: str) -> None:
    if config.get(key) not in allowed:
        raise InputError(f"unsupported architecture: {key} is {config.get(key)!r}, not {allowed[0]!r}", where=where, cure=CURE)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"not readable as JSON ({error})", where=str(path), cure=CURE) from error
