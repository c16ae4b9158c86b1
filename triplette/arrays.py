"""The numpy arrays that functions pass, one name each; their shapes stand in the docstrings.

A vector's numbers are float32, a measurement's float64, a position's int64. ``Scores`` are a ranker's, at the precision that it was
asked for. An array that is annotated as ``Any`` or a bare ``ndarray`` is checked by nobody.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Floats = NDArray[np.float64]
Scores = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.object_]  # words, such as a row's split
