"""Are the weights of a model folder whole? Told from the headers of its safetensors files: no torch, and no weight is read.

A copy that broke off, a shard that was left behind or numbers of a kind that nothing here computes with would otherwise be noticed after the
dataset was read and the library loaded, in the words of a parser.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from triplette.errors import InputError

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
RUNTIMES = {".onnx": "ONNX", ".gguf": "GGUF", ".xml": "OpenVINO", ".tflite": "LiteRT"}  # files that are run and not trained
KINDS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}  # what a weight may be stored as, and the bytes of a number
HEADER_LIMIT = 100_000_000  # bytes, the format's own limit
AGAIN = "copy or download the file again"


def check_weights(origin: str) -> None:
    """Raise InputError where a folder's weights are absent, cut short, incomplete, of a kind that is not trained, or misshapen.

    An id is left to the hub's library, which checks what it downloads; pickled weights are left to torch.
    """
    folder = Path(origin).expanduser()
    if not folder.is_dir():
        return
    modules = _modules(folder / "modules.json")
    place = folder / str(modules[0]["path"])
    _check_quantised(place / "config.json")
    files = _files(place)
    for file in files:
        _check_kinds(read_header(file), file)
    for module in modules:
        if str(module["type"]).rsplit(".", 1)[-1] == "Dense":
            _check_dense(folder / str(module["path"]))


def _modules(path: Path) -> list[dict[str, Any]]:
    """The model's modules in their order, each with its path and type."""
    try:
        modules = sorted(json.loads(path.read_text(encoding="utf-8")), key=lambda module: int(module["idx"]))
        modules[0]["path"], [module["type"] for module in modules]
    except (OSError, ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise InputError(f"not the modules of a model ({error!r})", where=str(path), cure=AGAIN) from None
    return modules


def _files(place: Path) -> list[Path]:
    """The weight files of the transformer in ``place``: one, or the shards of its index."""
    if (place / INDEX).is_file():
        try:
            named = sorted(set(json.loads((place / INDEX).read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"not an index of shards ({error!r})", where=str(place / INDEX), cure=AGAIN) from None
        absent = [name for name in named if not (place / name).is_file()]
        if absent:
            raise InputError(
                f"{len(absent)} of {len(named)} files with its weights are missing: {', '.join(absent[:3])}",
                where=str(place),
                cure=f"copy or download them again; {INDEX} lists all",
            )
        return [place / name for name in named]
    if (place / SINGLE).is_file():
        return [place / SINGLE]
    if any((place / name).is_file() for name in PICKLED):
        return []
    refuse_runtimes(place)
    raise InputError(
        f"there are no weights: neither {SINGLE} nor {INDEX}", where=str(place), cure="copy or download the whole folder again"
    )


def refuse_runtimes(place: Path) -> None:
    """Raise InputError where the only weights in a folder are in forms that are run and not trained."""
    if any(place.glob("*.safetensors")):
        return
    others = sorted(path for path in (*place.glob("*.*"), *place.glob("*/*.*")) if path.suffix in RUNTIMES)
    if others:
        kinds = ", ".join(dict.fromkeys(RUNTIMES[path.suffix] for path in others))
        raise InputError(
            f"its only weights are for {kinds} ({others[0].relative_to(place)}), a form that is run and not trained",
            where=str(place),
            cure=f"take the model with its {SINGLE}, from which that file was made",
        )


def _check_quantised(path: Path) -> None:
    """Packed numbers may have any shape (bitsandbytes writes columns of bytes): the configuration says that they are packed."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        packed = config.get("quantization_config")
        method = packed and (packed.get("quant_method") or "an unnamed method")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"not a model's settings ({error!r})", where=str(path), cure=AGAIN) from None
    if method:
        raise InputError(
            f"its weights were quantised by {method}: a quantised model is not trained",
            where=str(path),
            cure=f"take the model as it was before quantisation, in {', '.join(KINDS)}; method = 'qlora' packs it itself while it trains",
        )


def read_header(path: Path) -> dict[str, Mapping[str, Any]]:
    """The tensors of a safetensors file by name, as its header describes them. Raises InputError for a file that is cut or none."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(HEADER_LIMIT, max(0, size - 8)):
            raise InputError(f"cut short, or not a safetensors file ({size} bytes)", where=str(path), cure=AGAIN)
        try:
            header: dict[str, Mapping[str, Any]] = json.loads(file.read(length))
            header.pop("__metadata__", None)
            end = max((int(tensor["data_offsets"][1]) for tensor in header.values()), default=0)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
            raise InputError(f"not a safetensors file ({error!r})", where=str(path), cure=AGAIN) from None
    if size < 8 + length + end:
        raise InputError(f"cut short: {size:,} bytes of {8 + length + end:,}", where=str(path), cure=AGAIN)
    return header


def _check_kinds(header: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Whatever is multiplied must be stored as floating point; counters and positions (one row) may be integers."""
    tables = {
        name: tensor
        for name, tensor in header.items()
        if len(tensor["shape"]) > 1 and math.prod(tensor["shape"]) > max(tensor["shape"])
    }
    wrong = {name: str(tensor["dtype"]) for name, tensor in tables.items() if tensor["dtype"] not in KINDS}
    if wrong:
        raise InputError(
            f"{len(wrong)} weights are stored as {', '.join(sorted(set(wrong.values())))}, such as {next(iter(wrong))}: a quantised model is not trained",
            where=str(path),
            cure=f"take the model as it was before quantisation, in {', '.join(KINDS)}",
        )


def _check_dense(place: Path) -> None:
    """A dense module's weight must have the sizes that its config says."""
    path = place / SINGLE
    if not path.is_file():
        if (place / PICKLED[0]).is_file():
            return
        raise InputError(f"the dense module has no {SINGLE}", where=str(place), cure="copy or download the whole folder again")
    try:
        config = json.loads((place / "config.json").read_text(encoding="utf-8"))
        wanted, bias = [int(config["out_features"]), int(config["in_features"])], bool(config.get("bias"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"not a dense module's settings ({error!r})", where=str(place / "config.json"), cure=AGAIN) from None
    header = read_header(path)
    if bias != ("linear.bias" in header):
        raise InputError(
            f"the dense module {'lacks the bias that its config.json promises' if bias else 'has a bias that its config.json does not name'}",
            where=str(path),
            cure="copy config.json and model.safetensors of this module again, from one model",
        )
    found = list(header.get("linear.weight", {}).get("shape", []))
    if found != wanted:
        raise InputError(
            f"the dense module's weight has the shape {found}, its config.json says {wanted}",
            where=str(path),
            cure="copy config.json and model.safetensors of this module again, from one model",
        )
