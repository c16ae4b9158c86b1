"""Scales of 4-bit blocks that lose least, in place of the ones that a block's largest number dictates.

Min-max quantisation gives a block the scale max|x| / 7, so that nothing is clipped; it leaves the eighth negative level unused and spends all levels
on the one largest number. Here a few scales are tried for each block and the one with the least squared error is kept, as GGML's quantisers do.
Weights that were rounded to 4 bits before (a base published in Q4_0, quantisation-aware training) lie on the grid max|x| / 8 in blocks of 32:
that scale is among those tried, so such a block comes back as it was, but for a largest number at +8, which becomes +7.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Bytes, Float16s, Int8s, Vectors
from triplette.errors import ProofFailed

LOW, HIGH = -8, 7
# the largest number of a block stands at this level; 7 clips nothing, 8 is the grid of Q4_0, beyond that the tail is clipped for the sake of the rest
PEAKS = (7.0, 7.5, 8.0, 8.5, 9.0)
CHUNK = 1 << 15  # blocks at a time: bounds memory
LEAST = np.float16(6e-8)  # the smallest float16 above zero


def best_scales(blocks: Vectors) -> tuple[Float16s, Int8s]:
    """For blocks (n, size) of float32: the scale (n,) of each and its numbers (n, size) in -8..7, the least squared error of PEAKS."""
    scales = np.zeros(len(blocks), np.float16)
    numbers = np.zeros(blocks.shape, np.int8)
    for start in range(0, len(blocks), CHUNK):
        part = blocks[start : start + CHUNK]
        peak = np.abs(part).max(axis=1)
        least = np.full(len(part), np.inf)
        for level in PEAKS:
            scale = np.maximum((peak / level).astype(np.float16), LEAST)
            wide = scale.astype(np.float32)[:, None]
            tried = np.clip(np.rint(part / wide), LOW, HIGH)
            error = np.square(tried * wide - part).sum(axis=1, dtype=np.float64)
            better = error < least
            least[better] = error[better]
            scales[start : start + CHUNK][better] = scale[better]
            numbers[start : start + CHUNK][better] = tried[better].astype(np.int8)
    return scales, numbers


def pack(numbers: Int8s) -> Bytes:
    """Two numbers of -8..7 a byte, the first in the low half."""
    flat = numbers.reshape(-1).view(np.uint8) & 15
    packed: Bytes = (flat[0::2] | (flat[1::2] << 4)).astype(np.uint8)
    return packed


def refine(path: Path, original: Path) -> int:
    """Give every 4-bit block of the quantised file ``path`` its best scale, from the float32 file ``original``; how many weights that were.

    Raises ProofFailed where a weight of one file is not in the other.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    model, source = flatbuffer_utils.read_model(str(path)), flatbuffer_utils.read_model(str(original))
    found: dict[int, Bytes] = {}  # by the buffer of the numbers: signatures share it
    for graph, before in zip(model.subgraphs, source.subgraphs, strict=True):
        named = {tensor.name: tensor for tensor in before.tensors}
        for tensor in graph.tensors:
            details = getattr(tensor.quantization, "details", None)
            if details is None:
                continue
            scales = graph.tensors[details.scales].buffer
            if tensor.buffer not in found:
                truth = _floats(source, named.get(tensor.name), tensor, path)
                values, numbers = best_scales(truth.reshape(-1, details.blockSize))
                model.buffers[tensor.buffer].data = pack(numbers)
                found[tensor.buffer] = values.view(np.uint8)
            if len(model.buffers[scales].data) != len(found[tensor.buffer]):
                raise _unknown(tensor, path)
            model.buffers[scales].data = found[tensor.buffer]
    if found:
        flatbuffer_utils.write_model(model, str(path))
    return len(found)


def _floats(source: Any, tensor: Any, wanted: Any, path: Path) -> Vectors:
    """The float32 numbers of the tensor that became ``wanted``."""
    if tensor is None or source.buffers[tensor.buffer].data is None or list(tensor.shape) != list(wanted.shape):
        raise _unknown(wanted, path)
    return np.frombuffer(bytes(source.buffers[tensor.buffer].data), np.float32)


def _unknown(tensor: Any, path: Path) -> ProofFailed:
    return ProofFailed(
        f"the 4-bit weight {tensor.name!r} has no float32 original to take its scales from",
        where=str(path),
        cure="export with --recipe int8, and report it",
    )
