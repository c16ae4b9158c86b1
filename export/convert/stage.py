"""Staging: everything of a bundle that the proof needs, in a folder that is not the bundle yet.

The float32 files stand beside it under the same names, because the proof compares the two; they are deleted at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from triplette.contract import PromptContract
from triplette.errors import ContractMismatch, InputError, SettingError
from triplette.export.convert.convert import convert, load_encoder, signature_name
from triplette.export.convert.engine import convert_engine, quantize_engine
from triplette.export.convert.quantize import Recipe, choose_recipe, quantize
from triplette.export.convert.slim import slim
from triplette.export.families.architecture import Architecture
from triplette.export.families.family import read_architecture
from triplette.export.litert import SPEC, SignatureSpec, Spec
from triplette.export.quiet import quiet_libraries
from triplette.export.runtime import CONTRACT, TOKENIZER
from triplette.export.tokenizers.build import Built, write_tokenizer
from triplette.hashing import hash_file
from triplette.settings.export import ExportSettings

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be made: lengths and dimensions that the contract and the architecture allow, the recipe, and whether for LiteRT-LM too."""

    architecture: Architecture
    lengths: tuple[int, ...]
    dimensions: tuple[int, ...]
    recipe: Recipe
    files: dict[str, tuple[int, ...]]
    litertlm: bool = False

    @property
    def signatures(self) -> tuple[SignatureSpec, ...]:
        """Every signature, shortest first."""
        found = [SignatureSpec(signature_name(length), name, length) for name, lengths in self.files.items() for length in lengths]
        return tuple(sorted(found, key=lambda signature: signature.length))


@dataclass(frozen=True, slots=True)
class Subject:
    """What is proven: the staged bundle, the float32 files of the same names, and the model they come from."""

    folder: Path
    float_folder: Path
    model: Path
    contract: PromptContract
    architecture: Architecture
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Staged:
    """A staged bundle: the subject of the proof, the tokenizer's comparison, seconds by step, and notes for the user."""

    subject: Subject
    spec: Spec
    tokenizer: Built
    seconds: dict[str, float]
    notes: tuple[str, ...]


def make_plan(model: Path, contract: PromptContract, settings: ExportSettings) -> Plan:
    """Choose lengths, dimensions and recipe. Raises InputError, SettingError or ContractMismatch before anything is written."""
    architecture = read_architecture(model)
    check_contract(model, architecture, contract)
    dimensions = _dimensions(contract, settings)
    lengths = _lengths(architecture, contract, settings)
    recipe = choose_recipe(settings.recipe, settings.granularity, architecture)
    one = settings.layout == "one" or len(lengths) == 1
    files: dict[str, tuple[int, ...]] = (
        {"model.tflite": lengths} if one else {f"model_{length}.tflite": (length,) for length in lengths}
    )
    return Plan(architecture, lengths, dimensions, recipe, files, settings.litertlm)


def check_contract(model: Path, architecture: Architecture, contract: PromptContract) -> None:
    """Raise ContractMismatch unless the contract describes this model: pooling, normalisation, width, tokenizer."""
    wrong = []
    if contract.pooling != architecture.pooling:
        wrong.append(f"pooling {contract.pooling!r}, the model pools by {architecture.pooling}")
    if contract.dimensions[0] != architecture.output:
        wrong.append(f"{contract.dimensions[0]} dimensions, the model gives {architecture.output}")
    tokenizer = model / "tokenizer.json"
    if not tokenizer.exists():
        raise InputError("there is no tokenizer.json", where=str(model), cure="run `train merge` again")
    if contract.tokenizer_sha256 and contract.tokenizer_sha256 != hash_file(tokenizer):
        wrong.append("another tokenizer than the model's")
    if wrong:
        raise ContractMismatch(f"the contract says {'; '.join(wrong)}", where=str(model), cure="train and merge again")


def _dimensions(contract: PromptContract, settings: ExportSettings) -> tuple[int, ...]:
    """The asked dimensions, largest first; the largest of the contract is always among them: smaller ones are cut from it."""
    unknown = sorted(set(settings.dimensions) - set(contract.dimensions))
    if unknown:
        raise SettingError(
            f"dimensions {unknown} are not in the model's contract: it was not trained to be cut there",
            where="export.dimensions",
            cure=f"choose from {', '.join(map(str, contract.dimensions))}",
        )
    return tuple(sorted({*settings.dimensions, contract.dimensions[0]}, reverse=True)) if settings.dimensions else contract.dimensions


def _lengths(architecture: Architecture, contract: PromptContract, settings: ExportSettings) -> tuple[int, ...]:
    """The asked lengths up to the first that holds max_tokens: no text needs a longer one."""
    asked = sorted(set(settings.lengths))
    if not asked:
        raise SettingError("no length is given", where="export.lengths", cure="give at least one, such as 256")
    enough = next((length for length in asked if length >= contract.max_tokens), asked[-1])
    lengths = tuple(length for length in asked if length <= enough)
    if lengths[-1] > architecture.max_positions:
        raise SettingError(
            f"length {lengths[-1]} is past the model's {architecture.max_positions} positions",
            where="export.lengths",
            cure="leave it out",
        )
    return lengths


def stage(
    model: Path,
    contract: PromptContract,
    plan: Plan,
    folder: Path,
    lines: Sequence[str],
    note: Note,
    *,
    load: Callable[[Path], Any] = load_encoder,
) -> Staged:
    """Convert, quantise and write tokenizer, contract and spec into ``folder``; float32 files go to ``folder``.float.

    ``lines`` are texts on which the tokenizers are compared. ``load`` gives the graph of a model folder.
    """
    floats = folder.with_name(folder.name + ".float")
    folder.mkdir(parents=True, exist_ok=True)
    floats.mkdir(parents=True, exist_ok=True)
    note("tokenizer")
    tokenizer = write_tokenizer(model, load_tokenizer(model), lines, folder / TOKENIZER)
    seconds = {"convert": 0.0, "quantise": 0.0}
    encoder = load(model)
    for name, lengths in plan.files.items():
        note(f"converting {name}, lengths {', '.join(map(str, lengths))}")
        seconds["convert"] += convert(encoder, lengths, plan.dimensions, floats / name).seconds
    if plan.litertlm:
        note("converting for LiteRT-LM")
        started = time.perf_counter()
        convert_engine(encoder, plan.lengths, plan.dimensions[0], floats)
        seconds["litertlm"] = time.perf_counter() - started
    del encoder
    contract.save(folder / CONTRACT)
    spec = Spec(plan.signatures, plan.dimensions, tokenizer.spec, plan.recipe.name, plan.recipe.granularity)
    subject = Subject(folder, floats, model, contract, plan.architecture, plan.recipe)
    return quantised(Staged(subject, spec, tokenizer, seconds, ()), plan, note)


def quantised(staged: Staged, plan: Plan, note: Note) -> Staged:
    """The staged bundle with its converted files in the plan's recipe; what was quantised there before is replaced."""
    subject, recipe, clock = staged.subject, plan.recipe, time.perf_counter()
    for name in plan.files:
        note(f"quantising {name} ({recipe.name})")
        quantize(subject.float_folder / name, subject.folder / name, recipe)
        if recipe.name != "float32":  # a table on which a few names are nothing, and which would be in memory three times
            slim(subject.folder / name)
    if plan.litertlm:
        quantize_engine(subject.float_folder, recipe)
    spec = replace(staged.spec, recipe=recipe.name, granularity=recipe.granularity)
    spec.save(subject.folder / SPEC)
    seconds = {**staged.seconds, "quantise": staged.seconds["quantise"] + time.perf_counter() - clock}
    notes = _notes(plan, subject.contract, staged.tokenizer)
    return Staged(replace(subject, recipe=recipe), spec, staged.tokenizer, seconds, notes)


def load_tokenizer(model: Path) -> Any:
    """The transformers tokenizer of a model folder. Raises InputError when it cannot be read."""
    with quiet_libraries():
        from transformers import AutoTokenizer

        try:
            return AutoTokenizer.from_pretrained(str(model), local_files_only=True)
        except (OSError, ValueError) as error:
            raise InputError(f"the tokenizer cannot be loaded ({error})", where=str(model), cure="run `train merge` again") from error


def _notes(plan: Plan, contract: PromptContract, tokenizer: Built) -> tuple[str, ...]:
    notes = [f"4-bit granularity {plan.recipe.granularity}: {plan.recipe.why}"] if 4 in plan.recipe.bits.values() else []
    if not contract.normalize:
        notes.append("the model does not scale its vectors to length 1, the file does: their cosine is what is compared everywhere")
    notes.append(f"tokenizer.model {tokenizer.origin}; equal to tokenizer.json on {tokenizer.agreement.compared} texts")
    if plan.lengths[-1] < contract.max_tokens:
        notes.append(f"texts are cut at {plan.lengths[-1]} tokens; the model was trained to read {contract.max_tokens}")
    if 4 in plan.recipe.bits.values() and plan.recipe.granularity != "channel":
        notes.append("LiteRT's reference kernels return zeros for blockwise 4-bit weights; XNNPACK and the optimised kernels are right")
    return tuple(notes)
