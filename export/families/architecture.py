"""What every family's architecture tells the rest of export, and the reading that families share.

A family reads its own configuration and refuses by name what its graph does not implement, because a converter that carries on
regardless makes a file that loads, runs and ranks wrongly. Modules around the transformer are the same for all: Pooling, dense heads,
Normalize.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from triplette.errors import InputError

EMBEDDING, POSITIONS, ATTENTION, FEED_FORWARD, PROJECTION = "embedding", "positions", "attention", "feed_forward", "projection"
PER_LAYER = "per_layer"  # what EmbeddingGemma 2 gates each layer with
LOCAL, GLOBAL = "sliding_attention", "full_attention"
IDENTITY, TANH = "torch.nn.modules.linear.Identity", "torch.nn.modules.activation.Tanh"
CURE = "export a model of a supported family (docs/export.md has the table), as `train merge` writes it"


@dataclass(frozen=True, slots=True)
class Weights:
    """``count`` weights of one shape (outputs, inputs) in one scope of the graph."""

    scope: str
    count: int
    outputs: int
    inputs: int

    @property
    def size(self) -> int:
        """How many numbers they hold together."""
        return self.count * self.outputs * self.inputs


@dataclass(frozen=True, slots=True)
class DenseHead:
    """One dense layer after pooling: its folder, its widths, and whether it adds a bias and ends with a tanh, as LaBSE's does."""

    folder: str
    inputs: int
    outputs: int
    bias: bool = False
    tanh: bool = False


class Architecture(Protocol):
    """What converting, quantising and proving ask of a family's architecture.

    ``family`` is its name in the registry; ``weights`` every weight that is quantised; ``window`` how far a local layer sees (0: there
    is none); ``pooling`` what its graph does.
    """

    @property
    def family(self) -> str: ...
    @property
    def pooling(self) -> str: ...
    @property
    def vocabulary(self) -> int: ...
    @property
    def hidden(self) -> int: ...
    @property
    def layers(self) -> int: ...
    @property
    def window(self) -> int: ...
    @property
    def max_positions(self) -> int: ...
    @property
    def output(self) -> int: ...
    @property
    def parameters(self) -> int: ...
    @property
    def weights(self) -> tuple[Weights, ...]: ...
    @property
    def heads_after_pooling(self) -> tuple[DenseHead, ...]: ...


@dataclass(frozen=True, slots=True)
class Around:
    """The modules after the transformer: how tokens are pooled, the dense heads, and whether the model normalises."""

    pooling: str
    heads: tuple[DenseHead, ...]
    normalize: bool


def read_around(folder: Path, poolings: tuple[str, ...]) -> Around:
    """Pooling and heads, after asserting the order Transformer, Pooling, Dense..., Normalize and one of ``poolings``."""
    where = str(folder / "modules.json")
    modules = sorted(read_json(folder / "modules.json"), key=lambda module: module["idx"])
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    normalize = kinds[-1] == "Normalize"
    expected = ["Transformer", "Pooling", *["Dense"] * kinds.count("Dense"), *["Normalize"] * normalize]
    if kinds != expected:
        raise InputError(f"modules are {', '.join(kinds)}; expected {', '.join(expected)}", where=where, cure=CURE)
    pooling = _pooling(folder / modules[1]["path"] / "config.json", poolings)
    heads = tuple(_dense(folder, str(module["path"])) for module in modules if str(module["type"]).endswith("Dense"))
    return Around(pooling, heads, normalize)


def head_biases(heads: tuple[DenseHead, ...]) -> int:
    """How many numbers the heads' biases have together. They stay float32."""
    return sum(head.outputs for head in heads if head.bias)


def check_widths(hidden: int, heads: tuple[DenseHead, ...], folder: Path) -> None:
    """Raise InputError unless each head takes what the one before gives."""
    for head in heads:
        if head.inputs != hidden:
            raise InputError(f"takes {head.inputs} numbers but is given {hidden}", where=str(folder / head.folder), cure=CURE)
        hidden = head.outputs


def _pooling(path: Path, allowed: tuple[str, ...]) -> str:
    from triplette.model_folder import pooling_of

    config = read_json(path)
    mode = pooling_of(config)
    if mode not in allowed:
        raise InputError(f"pooling is {mode}, only {' or '.join(allowed)} is supported", where=str(path), cure=CURE)
    if config.get("include_prompt") is False:
        raise InputError("pooling leaves the prompt out (include_prompt is false)", where=str(path), cure=CURE)
    return mode


def _dense(folder: Path, name: str) -> DenseHead:
    path = folder / name / "config.json"
    config, where = read_json(path), str(path)
    activation = str(config.get("activation_function", IDENTITY))
    if activation not in (IDENTITY, TANH):
        raise InputError(f"a dense head ends with {activation}; only Identity and Tanh are supported", where=where, cure=CURE)
    inputs, outputs = int(get(config, "in_features", where)), int(get(config, "out_features", where))
    return DenseHead(name, inputs, outputs, bias=bool(config.get("bias")), tanh=activation == TANH)


def layer_kinds(config: dict[str, Any], where: str) -> tuple[str, ...]:
    """The kind of every layer, local or global. Raises InputError where they are unknown or not as many as the layers."""
    kinds = tuple(get(config, "layer_types", where))
    if set(kinds) - {LOCAL, GLOBAL} or len(kinds) != get(config, "num_hidden_layers", where):
        raise InputError(f"layer_types {kinds} are not {config['num_hidden_layers']} known kinds", where=where, cure=CURE)
    return kinds


def rotary_base(values: dict[str, Any] | None, what: str, where: str) -> float:
    """The base of plain rotary positions. Raises InputError for scaled ones and for none."""
    if not values or values.get("rope_type", "default") != "default" or "rope_theta" not in values:
        raise InputError(f"rotary parameters of {what} are {values}, not a plain base", where=where, cure=CURE)
    return float(values["rope_theta"])


def rotary_bases(config: dict[str, Any], old: tuple[str, str], where: str) -> tuple[float, float]:
    """Bases of local and global layers, in the new form (rope_parameters) or under the two names of the ``old`` one."""
    parameters = config.get("rope_parameters")
    if parameters is None:
        if config.get("rope_scaling"):
            raise InputError("rope_scaling is not supported", where=where, cure=CURE)
        return float(get(config, old[0], where)), float(get(config, old[1], where))
    return rotary_base(parameters.get(LOCAL), LOCAL, where), rotary_base(parameters.get(GLOBAL), GLOBAL, where)


def get(config: dict[str, Any], key: str, where: str) -> Any:
    """A value of the configuration. Raises InputError when it is not there."""
    if config.get(key) is None:
        raise InputError(f"lacks {key}", where=where, cure=CURE)
    return config[key]


def require(config: dict[str, Any], key: str, allowed: tuple[Any, ...], where: str) -> None:
    """Raise InputError unless a value is one of ``allowed``."""
    if config.get(key) not in allowed:
        raise InputError(f"unsupported architecture: {key} is {config.get(key)!r}, not {allowed[0]!r}", where=where, cure=CURE)


def read_json(path: Path) -> Any:
    """A JSON file. Raises InputError when it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not readable as JSON ({error})", where=str(path), cure=CURE) from error
