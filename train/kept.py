"""Passages that the fit embedded with the base and with its best step, kept so that ``train evaluate`` does not embed them again.

They are a convenience and no evidence: the model that is measured embeds a spread of them anew, and all where one of these comes out otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Vectors
from triplette.tables import read_arrays, replacing

FILE = "model/passages.npz"
AGAIN = 32  # passages embedded anew to compare
SAME = 1 - 1e-5  # least cosine of float32 vectors in batches of other sizes


def keep_passages(path: Path, ids: Sequence[str], systems: Mapping[str, Vectors]) -> None:
    """Write the vectors (n, d) of the passages ``ids`` by each system's name."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        arrays: dict[str, Any] = {"ids": np.array(list(ids)), **systems}
        np.savez(file, **arrays)


def kept_passages(path: Path, system: str) -> dict[str, Vectors]:
    """The kept vectors (d,) by passage id; empty where nothing was kept or the file cannot be read."""
    try:
        content = read_arrays(path, ("ids", system))
        return dict(zip(content["ids"].tolist(), content[system], strict=True))
    except (OSError, ValueError):
        return {}


def embed_passages(
    embed: Callable[[Sequence[str]], Vectors], ids: Sequence[str], texts: Sequence[str], kept: Mapping[str, Vectors]
) -> Vectors:
    """The vectors (n, d) of ``texts``, taken from ``kept`` by id where a spread of these, embedded anew, comes out the same."""
    known = [place for place, identity in enumerate(ids) if identity in kept]
    if len(known) <= AGAIN:
        return embed(texts)
    places = set(known)
    spread = {known[at] for at in np.linspace(0, len(known) - 1, AGAIN).astype(int).tolist()}
    fresh = sorted(spread | (set(range(len(ids))) - places))
    found = embed([texts[place] for place in fresh])
    if found.shape[1:] != kept[ids[known[0]]].shape:
        return embed(texts)  # of another size: another model
    rows = np.zeros((len(ids), found.shape[1]), np.float32)
    rows[known] = [kept[ids[place]] for place in known]
    cosines = [float(rows[place] @ vector) for place, vector in zip(fresh, found, strict=True) if place in spread]
    if not min(cosines) >= SAME:  # written so that NaN fails
        return embed(texts)
    rows[fresh] = found
    return rows
