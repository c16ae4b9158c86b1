"""The numpy arrays that functions pass, one name each; their shapes stand in the docstrings.

A vector's numbers are float32, a measurement's float64, a position's int64. ``Scores`` are a ranker's, at the precision that it was
asked for. An array that is annotated as ``Any`` or a bare ``ndarray`` is checked by nobody. What has no meaning of its own (a quantised
tensor, its scales, a library's int32 token ids) has the name of its numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Vectors = NDArray[np.float32]
Floats = NDArray[np.float64]
Scores = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.object_]  # words, such as a row's split

AnyFloats = NDArray[np.floating[Any]]
Float32s = NDArray[np.float32]
Float16s = NDArray[np.float16]
Int32s = NDArray[np.int32]
Int8s = NDArray[np.int8]
UInts = NDArray[np.unsignedinteger[Any]]
UInt64s = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
