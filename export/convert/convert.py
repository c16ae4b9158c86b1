"""A sentence-transformers folder to a float32 .tflite file with one signature a sequence length, all sharing their weights.

One file for several lengths costs 1.5 MB a length at full size, a second file costs its 179 MB again. A short question runs in the
short signature and a long passage in the long one; every signature gives every Matryoshka dimension, each normalised.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.export.families.architecture import Architecture
from triplette.export.families.family import Family, family_of
from triplette.export.litert import MASK, TOKENS
from triplette.export.quiet import quiet_libraries, quiet_stderr
from triplette.tables import replacing


@dataclass(frozen=True, slots=True)
class Converted:
    """The float32 file: where it is, its signatures' lengths and dimensions, bytes and seconds."""

    path: Path
    lengths: tuple[int, ...]
    dimensions: tuple[int, ...]
    bytes: int
    seconds: float


def load_encoder(folder: Path) -> Any:
    """The encoder of a sentence-transformers folder with every tensor loaded.

    Raises InputError when a tensor is missing, left over or of another shape, or when the architecture is not supported.
    """
    family = family_of(folder)
    architecture = family.read(folder)
    encoder = family.encoder(architecture)
    load_strictly(encoder, read_tensors(folder, family, architecture), where=str(folder))
    return encoder.eval().requires_grad_(False)


def load_strictly(encoder: Any, tensors: Mapping[str, Any], *, where: str) -> None:
    """Put ``tensors`` into the encoder; anything missing, unexpected or misshapen is an InputError."""
    own = encoder.state_dict()
    missing, unexpected = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    wrong = [name for name in own.keys() & tensors.keys() if own[name].shape != tensors[name].shape]
    if missing or unexpected or wrong:
        parts = [("missing", missing), ("unexpected", unexpected), ("of another shape", sorted(wrong))]
        detail = "; ".join(f"{len(names)} {what} ({', '.join(names[:3])})" for what, names in parts if names)
        raise InputError(f"tensors do not fit the architecture: {detail}", where=where, cure="merge the model again with `train merge`")
    encoder.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=True, assign=True)


def read_tensors(folder: Path, family: Family, architecture: Architecture) -> dict[str, Any]:
    """Every tensor of the folder under the encoder's names: transformer (one file or shards) and dense heads."""
    from safetensors.torch import load_file

    tensors = family.tensors(transformer_tensors(folder), architecture)
    for index, head in enumerate(architecture.heads_after_pooling):
        path = folder / head.folder / "model.safetensors"
        if not path.exists():
            raise InputError("the dense head's weights are missing", where=str(path), cure="run `train merge` again")
        named = load_file(path)
        wanted = {"linear.weight", "linear.bias"} if head.bias else {"linear.weight"}
        if set(named) != wanted:
            raise InputError(f"holds {sorted(named)}, not {sorted(wanted)}", where=str(path), cure="run `train merge` again")
        tensors.update({name.replace("linear", f"projection.heads.{index}"): tensor for name, tensor in named.items()})
    return tensors


def transformer_tensors(folder: Path) -> dict[str, Any]:
    """The transformer's tensors under their stored names, from one file or shards. Raises InputError where there are none."""
    from safetensors.torch import load_file

    shards = sorted(folder.glob("model*.safetensors"))
    if not shards:
        raise InputError("there is no model.safetensors", where=str(folder), cure="run `train merge` first")
    stored: dict[str, Any] = {}
    for shard in shards:
        stored.update(load_file(shard))
    return stored


def convert(encoder: Any, lengths: Sequence[int], dimensions: Sequence[int], path: Path) -> Converted:
    """Write the encoder as a float32 .tflite with a signature ``embed_<length>`` for every length.

    Inputs are ``tokens`` and ``attention_mask``, int32 (1, length), bound by name. Outputs are ``embedding_<d>``, float32 (1, d).
    """
    import torch

    from triplette.export.families.graph import Signature

    started = time.perf_counter()
    module = Signature(encoder, dimensions).eval()
    # two tensor objects: one object for both inputs would merge them into a single input
    samples = {
        signature_name(length): {TOKENS: torch.ones(1, length, dtype=torch.int32), MASK: torch.ones(1, length, dtype=torch.int32)}
        for length in lengths
    }
    write_signatures(module, samples, path)
    return Converted(path, tuple(lengths), tuple(dimensions), path.stat().st_size, time.perf_counter() - started)


def write_signatures(module: Any, samples: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Write a .tflite file in which each signature is ``module`` on inputs of the samples' shapes. The signatures share their weights."""
    with quiet_libraries(), quiet_stderr():
        import litert_torch

        converter: Any = None
        for name, sample in samples.items():
            add = litert_torch.signature if converter is None else converter.signature
            converter = add(name, module, sample_kwargs=dict(sample))
        model = converter.convert()
        with replacing(path) as temporary:
            model.export(str(temporary))


def signature_name(length: int) -> str:
    """The signature that takes ``length`` tokens."""
    return f"embed_{length}"
