"""Is this folder a sound bundle? Asked anywhere, without torch: on a phone's build server, or after a download.

Files are compared with the manifest's sha256, the model's signatures with the spec, the golden texts with what this machine computes,
and some passages of the index with a fresh embedding.
"""

from __future__ import annotations

import json
import stat
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from triplette.contract import PromptContract
from triplette.errors import InputError, TripletteError
from triplette.export.index import INDEX, read_index, read_meta
from triplette.export.litert import SPEC, Spec
from triplette.export.proof.checks import PROOF, Check, Proof
from triplette.export.proof.golden import GOLDEN, check_golden, read_golden
from triplette.export.proof.signature import MANIFEST, SIGNATURE, check_signature
from triplette.export.runtime import CONTRACT, TOKENIZER, Bundle, Embedder
from triplette.hashing import hash_file

REQUIRED = (MANIFEST, CONTRACT, SPEC, TOKENIZER, INDEX, GOLDEN, PROOF, "README.md", "LICENSES.md")
SAMPLES = 8  # passages that are embedded again
MANIFEST_LIMIT = 1 << 20  # bytes; a manifest lists a dozen files
FILES_LIMIT = 200  # files in a bundle; ours have about twenty
FILE_LIMIT = 4 << 30  # bytes; a LiteRT file holds 2 GiB at most, and hashing more takes minutes
PROBLEMS_SHOWN = 20
INDEX_COSINE = 0.98  # int8 rounding and another processor's kernels, not another model


def verify_bundle(path: Path, *, threads: int = 2, signers: Path | None = None) -> Proof:
    """Every check of a bundle; when its signature does not hold or its files are not the manifest's, nothing else is looked at.

    ``signers`` is a public key or a list of them, one of which must have signed (``check_signature``). Raises InputError when the folder is
    no bundle at all.
    """
    manifest = _manifest(path)
    signed = check_signature(path, signers)
    checks = [*([signed] if signed else []), _check_files(path, manifest)]
    if not all(check.passed for check in checks):
        return Proof(tuple(checks))
    rest = {"contract": _check_contract, "proof": _check_proof, "golden": _check_golden, "index": _check_index}
    for name, check in rest.items():
        try:
            checks.append(check(path, manifest, threads))
        except TripletteError as error:
            checks.append(Check(name, False, str(error).replace("\n", " ")))
        except Exception as error:  # a file of the manifest's own sha256 that no reader was made for: refused, not a crash
            checks.append(Check(name, False, f"cannot be read ({type(error).__name__}: {error})".replace("\n", " ")[:300]))
    return Proof(tuple(checks))


def _manifest(path: Path) -> dict[str, Any]:
    file = path / MANIFEST
    cure = "give the folder that `train export` wrote"
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            raise InputError("its manifest.json is not a regular file", where=str(path), cure=cure)
        if file.stat().st_size > MANIFEST_LIMIT:
            raise InputError("its manifest is too long to be one", where=str(path), cure=cure)
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not a bundle ({error})", where=str(path), cure=cure) from error
    if not _is_manifest(content):
        raise InputError("its manifest.json is not a bundle's manifest", where=str(path), cure=cure)
    return dict(content)


def _is_manifest(content: Any) -> bool:
    """Whether the manifest has the parts that are read here, in their types."""
    if not isinstance(content, dict):
        return False
    files, proof = content.get("files"), content.get("proof")
    return (
        isinstance(files, dict)
        and all(isinstance(item, dict) and isinstance(item.get("sha256"), str) for item in files.values())
        and isinstance(content.get("contract"), str)
        and isinstance(proof, dict)
        and isinstance(proof.get("passed"), bool)
        and isinstance(proof.get("failed", []), list)
    )


def _check_files(path: Path, manifest: dict[str, Any]) -> Check:
    listed: dict[str, Any] = manifest["files"]
    entries = list(islice(path.rglob("*"), FILES_LIMIT + 1))
    if max(len(entries), len(listed)) > FILES_LIMIT:
        return Check("files", False, f"more than {FILES_LIMIT} files, and a bundle has about twenty")
    found = [file.relative_to(path).as_posix() for file in entries if not file.is_dir() or file.is_symlink()]
    regular = {name for name in found if (path / name).is_file() and not (path / name).is_symlink()}
    huge = {name for name in regular if (path / name).stat().st_size > FILE_LIMIT}
    present = regular - {MANIFEST, SIGNATURE}
    problems = [f"{name!r} is not a regular file" for name in sorted(set(found) - regular)]
    problems += [f"{name!r} is missing" for name in sorted(({*REQUIRED, *listed} - {MANIFEST}) - present)]
    problems += [f"{name!r} is not in the manifest" for name in sorted(present - set(listed))]
    problems += [f"{name!r} has more than {FILE_LIMIT >> 30} GiB" for name in sorted(huge)]
    problems += [
        f"{name!r} changed" for name in sorted((present & set(listed)) - huge) if hash_file(path / name) != listed[name]["sha256"]
    ]
    shown = "; ".join(problems[:PROBLEMS_SHOWN]) + (
        f"; and {len(problems) - PROBLEMS_SHOWN} more" if len(problems) > PROBLEMS_SHOWN else ""
    )
    return Check("files", not problems, shown or f"sha256 of {len(listed)} files as in the manifest")


def _check_contract(path: Path, manifest: dict[str, Any], threads: int) -> Check:
    contract, spec = PromptContract.load(path / CONTRACT), Spec.load(path / SPEC)
    problems = []
    if contract.hash != manifest["contract"]:
        problems.append("contract.json is not the contract of the manifest")
    if not set(spec.dimensions) <= set(contract.dimensions):
        problems.append(f"dimensions {spec.dimensions} are not in the contract")
    if read_meta(path / INDEX).get("contract") != contract.hash:
        problems.append("the index was made under another contract")
    shown = f"contract {contract.hash[:12]}, lengths {', '.join(map(str, spec.lengths))}"
    return Check("contract", not problems, "; ".join(problems) or shown)


def _check_proof(path: Path, manifest: dict[str, Any], threads: int) -> Check:
    proof = manifest["proof"]
    if proof["passed"]:
        return Check("proof", True, "the exporter's proof held")
    return Check("proof", False, f"exported unproven: {', '.join(proof['failed'])} did not hold")


def _check_golden(path: Path, manifest: dict[str, Any], threads: int) -> Check:
    content = read_golden(path / GOLDEN)
    found = check_golden(content, Embedder(path, threads=threads))
    shown = f"{len(content['cases'])} texts give the golden ids and numbers"
    return Check("golden", not found, "; ".join(f"{m.text!r}: {m.reason}" for m in found[:3]) or shown)


def _check_index(path: Path, manifest: dict[str, Any], threads: int) -> Check:
    bundle, index = Bundle(path, threads=threads), read_index(path / INDEX)
    positions = sorted({round(i * (len(index.ids) - 1) / max(1, SAMPLES - 1)) for i in range(SAMPLES)})
    stored = index.vectors(bundle.embedder.dimension)
    passages = [bundle.passage(position) for position in positions]
    cosines = [
        float(bundle.embedder.embed_document(text=passage.text, title=passage.title) @ stored[position])
        for position, passage in zip(positions, passages, strict=True)
    ]
    lowest = float(np.min(cosines))
    return Check(
        "index", lowest >= INDEX_COSINE, f"{len(index.ids)} passages; {len(positions)} embedded again, cosine at least {lowest:.4f}"
    )
