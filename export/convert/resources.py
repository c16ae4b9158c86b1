"""Is there room? Asked before minutes of work, because a conversion that runs out of memory is killed without a word."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from triplette.errors import TripletteError
from triplette.export.convert.quantize import Recipe, expected_bytes
from triplette.export.families.architecture import Architecture

FLOAT = 4  # bytes a weight
# measured on the full architecture: 5.9 GB at the peak for 1.23 GB of float32 weights, 0.9 GB of it libraries
MEMORY_FACTOR, MEMORY_BASE = 4.1, 900_000_000


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that an export takes at its peak."""

    memory: int
    disk: int


def needs(architecture: Architecture, recipe: Recipe, files: int, chunks: int) -> Need:
    """What an export of ``files`` model files and ``chunks`` passages takes: the float32 files, the bundle, and working memory."""
    weights = architecture.parameters * FLOAT
    bundle = expected_bytes(architecture, recipe) * files + chunks * (architecture.output + 4000) + 20_000_000
    return Need(memory=int(weights * MEMORY_FACTOR) + MEMORY_BASE, disk=int(weights * 1.05) * files + bundle)


def require(need: Need, folder: Path, *, memory: int | None = None, disk: int | None = None) -> None:
    """Raise TripletteError unless ``need`` fits free memory and the disk of ``folder`` (both can be given, in bytes)."""
    import psutil

    free_memory = int(psutil.virtual_memory().available) if memory is None else memory
    free_disk = shutil.disk_usage(_existing(folder)).free if disk is None else disk
    if need.memory > free_memory:
        raise TripletteError(
            f"converting takes about {need.memory / 1e9:.1f} GB of memory, {free_memory / 1e9:.1f} GB are free",
            cure="close other programs, or export on a machine with more memory",
        )
    if need.disk > free_disk:
        raise TripletteError(
            f"exporting takes about {need.disk / 1e9:.1f} GB of disk, {free_disk / 1e9:.1f} GB are free",
            where=str(folder),
            cure="free some disk, or use another --run; the float32 file is deleted at the end",
        )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.resolve().parents) if path.exists())
