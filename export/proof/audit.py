"""What is really in a .tflite file: every weight's scope, type and granularity, and how far it is from the float32 weight.

A recipe whose pattern matches nothing leaves a model in float without a word; a damaged layer still loads. The audit reads the file
that ships, not the recipe that was asked for.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Bytes, Float32s, Int8s
from triplette.errors import InputError
from triplette.export.convert.operators import WEIGHTED, operator_name
from triplette.export.convert.quantize import CHANNEL, SCOPES, UNPACKED, Recipe
from triplette.export.families.architecture import Architecture

# the relative Frobenius error of a healthy weight: a step of 2/2^bits of the largest value, values spread to a few deviations
WORST_ERROR = {32: 1e-6, 8: 0.03, 4: 0.30}


@dataclass(frozen=True, slots=True)
class Weight:
    """One weight as one signature uses it. ``kind`` is such as ``INT4/128``; ``buffer`` is shared between signatures."""

    subgraph: int
    tensor: int
    scope: str
    name: str
    kind: str
    bits: int
    buffer: int
    bytes: int
    shape: tuple[int, ...]


def read_model(path: Path) -> Any:
    """The flatbuffer of a .tflite file as an object. Raises InputError when it is none."""
    from ai_edge_litert.tools import flatbuffer_utils

    try:
        return flatbuffer_utils.read_model(str(path))
    except Exception as error:
        raise InputError(f"not a .tflite file ({error})", where=str(path), cure="export it again") from error


def weights(model: Any) -> list[Weight]:
    """Every weight of the signatures' graphs, in the graphs' order. A weight outside the four scopes has the scope ``other``."""
    found = []
    for index in sorted({definition.subgraphIndex for definition in model.signatureDefs}):
        graph = model.subgraphs[index]
        # a weight whose activations stay float is unpacked by an operator of its own
        unpacked = [operator for operator in graph.operators if operator_name(model, operator) == "DEQUANTIZE"]
        producers = {operator.outputs[0]: operator.inputs[0] for operator in unpacked}
        for operator in graph.operators:
            name = operator_name(model, operator)
            if name not in WEIGHTED:
                continue
            place = producers.get(operator.inputs[1], operator.inputs[1])
            tensor = graph.tensors[place]
            content = model.buffers[tensor.buffer].data
            if content is None:
                continue
            output = graph.tensors[operator.outputs[0]].name.decode()
            kind, bits = _kind(tensor)
            kind += UNPACKED if operator.inputs[1] in producers else ""
            scope = next((scope for scope, pattern in SCOPES.items() if re.search(pattern, output)), "other")
            shape = tuple(int(size) for size in tensor.shape)
            found.append(Weight(index, int(place), scope, output.rsplit("/", 2)[-1], kind, bits, tensor.buffer, len(content), shape))
    return found


def check_types(found: list[Weight], recipe: Recipe, architecture: Architecture, signatures: int) -> list[str]:
    """What contradicts the recipe: a wrong type, a wrong number of weights, buffers that signatures do not share."""
    expected: Counter[str] = Counter()
    for weight in architecture.weights:
        expected[weight.scope] += weight.count
    counts = Counter(one.scope for one in found)
    problems = []
    for scope, count in expected.items():
        if counts[scope] != count * signatures:
            problems.append(f"{scope}: {counts[scope]} weights in {signatures} signatures, {count * signatures} expected")
        kinds = Counter(weight.kind for weight in found if weight.scope == scope)
        wrong = {kind: n for kind, n in kinds.items() if kind != recipe.expected(scope)}
        if wrong:
            problems.append(f"{scope}: {wrong} where {recipe.expected(scope)} is expected")
        buffers = {weight.buffer for weight in found if weight.scope == scope}
        if len(buffers) > count:
            problems.append(f"{scope}: {len(buffers)} stored weights for {count}: signatures do not share them")
    if counts["other"]:
        problems.append(f"{counts['other']} weights outside every scope")
    return problems


def summary(found: list[Weight]) -> dict[str, dict[str, Any]]:
    """Scope -> kinds found, stored weights, megabytes."""
    result: dict[str, dict[str, Any]] = {}
    for scope in dict.fromkeys(weight.scope for weight in found):
        mine = {weight.buffer: weight for weight in found if weight.scope == scope}
        size = sum(weight.bytes for weight in mine.values()) / 1e6
        result[scope] = {"kind": sorted({w.kind for w in mine.values()}), "weights": len(mine), "megabytes": round(size, 3)}
    return result


def weight_errors(quantised: Any, original: Any) -> list[tuple[Weight, float]]:
    """Each stored weight of ``quantised`` with its relative Frobenius distance from the same operator's weight in ``original``.

    Operators correspond by their order within a signature's graph: quantisation of weights adds no weighted operator.
    """
    first = min(definition.subgraphIndex for definition in quantised.signatureDefs)
    mine = [weight for weight in weights(quantised) if weight.subgraph == first]
    theirs = [weight for weight in weights(original) if weight.subgraph == first]
    if [w.shape for w in mine] != [w.shape for w in theirs]:
        raise InputError("the two files do not hold the same weights", cure="export again")
    errors = []
    for weight, reference in zip(mine, theirs, strict=True):
        truth = dequantise(original, reference)
        distance = np.linalg.norm(dequantise(quantised, weight) - truth) / max(float(np.linalg.norm(truth)), 1e-12)
        errors.append((weight, float(distance)))
    return errors


def dequantise(model: Any, weight: Weight) -> Float32s:
    """The weight as float32 of its shape."""
    graph = model.subgraphs[weight.subgraph]
    tensor = graph.tensors[weight.tensor]
    raw = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.uint8)
    if weight.bits == 32:
        return raw.view(np.float32).reshape(weight.shape)
    values = raw.view(np.int8) if weight.bits == 8 else unpack_int4(raw)
    numbers = values[: int(np.prod(weight.shape))].reshape(weight.shape).astype(np.float32)
    details = tensor.quantization.details
    if details is None:
        return np.asarray(numbers * np.asarray(tensor.quantization.scale, np.float32)[:, None], np.float32)
    stored = bytes(model.buffers[graph.tensors[details.scales].buffer].data)
    scales = np.frombuffer(stored, np.float16).astype(np.float32).reshape(weight.shape[0], -1)
    return np.asarray(numbers * np.repeat(scales, details.blockSize, axis=1), np.float32)


def unpack_int4(raw: Bytes) -> Int8s:
    """Two signed 4-bit numbers a byte, low half first, as int8."""
    signed = raw.view(np.int8)
    low, high = np.left_shift(signed, 4) >> 4, signed >> 4
    return np.stack((low, high), axis=1).reshape(-1)


def _kind(tensor: Any) -> tuple[str, int]:
    from ai_edge_litert import schema_py_generated as schema

    names = {value: key for key, value in vars(schema.TensorType).items() if not key.startswith("_")}
    name = names[tensor.type]
    bits = {"FLOAT32": 32, "INT8": 8, "INT4": 4}.get(name, 0)
    quantization = tensor.quantization
    if bits in (32, 0) or quantization is None:
        return name, bits
    if quantization.details is not None:
        return f"{name}/{quantization.details.blockSize}", bits
    many = quantization.scale is not None and len(quantization.scale) == tensor.shape[0]
    return f"{name}/{CHANNEL if many else 'tensor'}", bits
