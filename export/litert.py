"""Running the files of a bundle in LiteRT's interpreter: no torch, inputs bound by name, the shortest signature that holds a text.

Three kernels can run a file: ``xnnpack`` (the default on phones), ``plain`` (optimised kernels without a delegate) and ``reference``
(for debugging). Reference kernels do not know blocks of 4-bit weights and return zeros without an error; that is why
every vector is checked for a length of 1 before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Int32s, Vector
from triplette.errors import InputError, ProofFailed
from triplette.export.quiet import quiet_stderr
from triplette.export.tokenizers.pieces import TokenizerSpec
from triplette.jsonl import read_object
from triplette.tables import write_text

TOKENS, MASK = "tokens", "attention_mask"
KERNELS = {"xnnpack": "AUTO", "plain": "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "reference": "BUILTIN_REF"}
UNIT = 1e-3  # how far a vector's length may be from 1
SPEC = "spec.json"


@dataclass(frozen=True, slots=True)
class SignatureSpec:
    """One signature: its name, the file that holds it, and how many tokens it takes."""

    name: str
    file: str
    length: int


@dataclass(frozen=True, slots=True)
class Spec:
    """How to call the bundle's files: ``spec.json``. ``dimensions`` are the outputs, largest first."""

    signatures: tuple[SignatureSpec, ...]
    dimensions: tuple[int, ...]
    tokenizer: TokenizerSpec
    recipe: str
    granularity: str

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths in tokens, shortest first."""
        return tuple(signature.length for signature in self.signatures)

    @property
    def files(self) -> tuple[str, ...]:
        """The model files, each once."""
        return tuple(dict.fromkeys(signature.file for signature in self.signatures))

    def shortest(self, tokens: int) -> SignatureSpec:
        """The shortest signature that holds ``tokens`` tokens; the longest when none does (the text must be cut)."""
        return next((s for s in self.signatures if s.length >= tokens), self.signatures[-1])

    def save(self, path: Path) -> None:
        """Write the spec as JSON."""
        content = {**asdict(self), "inputs": [TOKENS, MASK], "outputs": [output_name(d) for d in self.dimensions]}
        write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> Spec:
        """Read a spec. Raises InputError when it is absent or malformed."""
        try:
            content = read_object(path, "a bundle's spec", "export the bundle again")
            signatures = sorted((SignatureSpec(**item) for item in content["signatures"]), key=lambda s: s.length)
            outside = [item.file for item in signatures if not item.file or Path(item.file).name != item.file or item.length < 1]
            if outside or not signatures:
                raise ValueError(f"a model file must lie in the bundle and take tokens: {outside}")
            token = content["tokenizer"]
            around = tuple(token["before"]), tuple(token["after"])
            tokenizer = TokenizerSpec(*around, int(token["pad"]), dict(token["specials"]), tuple(token.get("stripping", ())))
            return cls(tuple(signatures), tuple(content["dimensions"]), tokenizer, content["recipe"], content["granularity"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"not a bundle's spec ({error!r})", where=str(path), cure="export the bundle again") from error


def output_name(dimension: int) -> str:
    """The output that gives ``dimension`` numbers."""
    return f"embedding_{dimension}"


class LiteRtModel:
    """The model files of a folder, opened when first needed. Not safe for use by several threads at once."""

    def __init__(self, folder: Path, spec: Spec, *, threads: int = 1, kernels: str = "xnnpack") -> None:
        self.spec = spec
        self._folder = folder
        self._threads = threads
        self._kernels = kernels
        self._interpreters: dict[str, Any] = {}
        self._runners: dict[str, Any] = {}

    def run(self, ids: Sequence[int], signature: SignatureSpec | None = None, *, left: bool = False) -> dict[int, Vector]:
        """The vector of token ids at every dimension, float32 (d,), by dimension, as the file gives it.

        The shortest signature that holds the ids is used unless one is given; ids beyond it are an error (ValueError).
        ``left`` pads on the left, which must not matter.
        """
        signature = signature or self.spec.shortest(len(ids))
        if not 0 < len(ids) <= signature.length:
            raise ValueError(f"{len(ids)} ids for a signature of {signature.length}")
        inputs = pad(ids, signature.length, self.spec.tokenizer.pad, left=left)
        # the first run prepares the delegate, which says so on the terminal
        first = signature.name not in self._runners
        with quiet_stderr() if first else nullcontext():
            outputs = self._runner(signature)(**inputs)
        return {d: np.array(outputs[output_name(d)][0], np.float32) for d in self.spec.dimensions}

    def embed(self, ids: Sequence[int], dimension: int) -> Vector:
        """The vector at one dimension. Raises ProofFailed unless its length is 1: no kernel may return zeros or NaN unnoticed."""
        vector = self.run(ids)[dimension]
        if not abs(float(np.linalg.norm(vector)) - 1.0) <= UNIT:
            raise ProofFailed(
                f"the model returned a vector of length {float(np.linalg.norm(vector)):.3f}, not 1",
                where=str(self._folder),
                cure="run it with XNNPACK kernels: reference kernels return zeros for blockwise 4-bit weights",
            )
        return vector

    def close(self) -> None:
        """Free the interpreters and their memory."""
        self._runners.clear()
        self._interpreters.clear()

    def _runner(self, signature: SignatureSpec) -> Any:
        if signature.name not in self._runners:
            runner = self._interpreter(signature.file).get_signature_runner(signature.name)
            check_signature(runner, signature, self.spec, where=str(self._folder / signature.file))
            self._runners[signature.name] = runner
        return self._runners[signature.name]

    def _interpreter(self, file: str) -> Any:
        if file not in self._interpreters:
            self._interpreters[file] = open_interpreter(self._folder / file, threads=self._threads, kernels=self._kernels)
        return self._interpreters[file]


def open_interpreter(path: Path, *, threads: int, kernels: str = "xnnpack") -> Any:
    """An interpreter on a file. Raises InputError when the file is absent or is no model."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    if not path.exists():
        raise InputError("there is no model file", where=str(path), cure="export the bundle again")
    try:
        return Interpreter(
            model_path=str(path),
            num_threads=threads,
            experimental_op_resolver_type=OpResolverType[KERNELS[kernels]],
        )
    except ValueError as error:
        raise InputError(f"LiteRT cannot open the file ({error})", where=str(path), cure="export the bundle again") from error


def check_signature(runner: Any, signature: SignatureSpec, spec: Spec, *, where: str) -> None:
    """Raise InputError unless a signature has exactly the named inputs, int32 (1, length), and an output for every dimension."""
    inputs: Mapping[str, Any] = runner.get_input_details()
    shapes = {name: (tuple(detail["shape"].tolist()), np.dtype(detail["dtype"])) for name, detail in inputs.items()}
    wanted = dict.fromkeys((TOKENS, MASK), ((1, signature.length), np.dtype(np.int32)))
    if shapes != wanted:
        raise InputError(f"signature {signature.name} takes {shapes}", where=where, cure="export the bundle again")
    outputs = {name: tuple(detail["shape"].tolist()) for name, detail in runner.get_output_details().items()}
    missing = {output_name(d): (1, d) for d in spec.dimensions if outputs.get(output_name(d)) != (1, d)}
    if missing:
        raise InputError(f"signature {signature.name} gives {outputs}, not {missing}", where=where, cure="export the bundle again")


def pad(ids: Sequence[int], length: int, padding: int, *, left: bool = False) -> dict[str, Int32s]:
    """Ids and mask as int32 (1, length), by input name: the interpreter lists inputs alphabetically, not as declared."""
    tokens = np.full((1, length), padding, np.int32)
    mask = np.zeros((1, length), np.int32)
    place = slice(length - len(ids), length) if left else slice(0, len(ids))
    tokens[0, place] = ids
    mask[0, place] = 1
    return {TOKENS: tokens, MASK: mask}
