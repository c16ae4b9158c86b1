"""``train fit``: the gate, the base model, the fine-tune, and the proof that the best step is what was kept.

One contrastive step is: every question of the batch against every positive and hard negative of the batch, at every dimension of the
contract (Matryoshka). GradCache lets the batch exceed memory at the price of a second forward pass, so it is used only where the
mini-batch is smaller than the batch; the gradients are the same.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from train.data import Questions, TrainingTexts, check_dataset, questions_of, training_texts
from train.models import TINY, Base, load_base, make_trainable, process_rank, restore_state, save_adapter, trained_state
from train.score import Scorer, training_probe
from train.tell import Teller, trackers
from train.watch import Judge, last_checkpoint, make_watch, resume_judge
from triplette.console import progress
from triplette.dataset import HASHED_FILES, Dataset, load_dataset
from triplette.errors import ProofFailed, SettingError
from triplette.gate import read_gate
from triplette.hashing import canonical_json, code_version, hash_value
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.train import Preset, TrainSettings
from triplette.tables import write_text

STAGE = "train.fit"
ADAPTER, CONTRACT, BASE = "model/adapter", "model/contract.json", "model/base"
CHECKPOINTS = "model/checkpoints"
SAME = 1e-5  # two measurements of the same float32 weights; bf16 sums in another order differ more
SAME_BF16 = 2e-3


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a fine-tune did. ``restored_ndcg`` was measured after the best step's parameters were put back."""

    base: str
    trained_parameters: int
    steps: int
    planned_steps: int
    best_step: int
    base_ndcg: float
    best_ndcg: float
    restored_ndcg: float
    stopped: str
    alarms: tuple[dict[str, Any], ...]
    history: tuple[dict[str, Any], ...]
    mini_batch: int
    scale: float
    drawn_negatives: int
    cloze: int
    ungated: bool
    resumed_from: int
    device: str
    seconds: float
    unchanged: bool = False


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
    inputs = run.fingerprints(HASHED_FILES)
    used = {**as_dict(settings), **as_dict(preset), "sweep": sweep}
    last = run.current(STAGE, inputs, used)
    if last is not None and (ungated or not last["ungated"]):
        return FitResult(
            **{**last["result"], "alarms": tuple(last["result"]["alarms"]), "history": tuple(last["result"]["history"])}, unchanged=True
        )
    check_dataset(run, dataset)
    if process_rank()[0] > 0:  # the first process holds the lock and writes
        return _fit(run, dataset, settings, preset, used, sweep=sweep, ungated=not gate.open, device=device)
    with run.locked():
        started = time.monotonic()
        result = _fit(run, dataset, settings, preset, used, sweep=sweep, ungated=not gate.open, device=device)
        result = replace(result, seconds=round(time.monotonic() - started, 1))
        plain = {key: value for key, value in asdict(result).items() if key != "unchanged"}
        run.record(
            STAGE,
            inputs=inputs,
            outputs=[ADAPTER, CONTRACT, *([BASE] if run.has(BASE) else [])],
            settings=used,
            counts={"train": len(dataset.split("train")), "val": len(dataset.split("val")), "steps": result.steps},
            seconds=result.seconds,
            extra={"ungated": result.ungated, "result": plain},
        )
        shutil.rmtree(run.path(CHECKPOINTS), ignore_errors=True)
    return result


def _fit(
    run: RunDir,
    dataset: Dataset,
    settings: TrainSettings,
    preset: Preset,
    used: dict[str, Any],
    *,
    sweep: bool,
    ungated: bool,
    device: str | None,
) -> FitResult:
    preset = check_precision(preset, device)
    origin = base_origin(run, dataset, preset, settings.seed)
    val = questions_of(dataset, "val", limit=settings.val_questions, passages=settings.val_passages, seed=settings.seed)
    if sweep:
        from train.sweep import sweep_scale

        preset = replace(preset, scale=sweep_scale(run, dataset, val, settings, preset, origin, device))
    base = load_base(origin, preset, device=device, quantised=preset.method == "qlora")
    texts = training_texts(dataset, base.contract, negatives=preset.negatives, seed=settings.seed, cloze=preset.cloze)
    place = _fresh_checkpoints(run, {**used, "dataset": dataset.hash, "scale": preset.scale})
    tuning = tune(base, texts, val, dataset, settings, preset, place)
    facts = {"base": base.name, "origin": origin, "method": preset.method, "preset": as_dict(preset), "contract": base.contract.hash}
    if process_rank()[0] == 0:
        shutil.rmtree(run.path(ADAPTER), ignore_errors=True)
        save_adapter(base.model, preset, run.path(ADAPTER), facts)
        base.contract.save(run.path(CONTRACT))
    return replace(tuning, drawn_negatives=texts.drawn, ungated=ungated)


def base_origin(run: RunDir, dataset: Dataset, preset: Preset, seed: int) -> str:
    """Where the base model is: the preset's folder or id, or the tiny one, built once on the run's corpus."""
    if preset.base != TINY:
        return str(Path(preset.base).expanduser()) if preset.base.startswith("~") else preset.base
    from train.quiet import quiet_libraries

    quiet_libraries()
    from train.tiny import TinyShape, build_tiny

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


def _fresh_checkpoints(run: RunDir, key: dict[str, Any]) -> Path:
    """The checkpoint folder, emptied unless what lies there was made by the same data, settings and code."""
    place, stamp = run.path(CHECKPOINTS), hash_value({**key, "code": code_version("train")})
    if process_rank()[0] == 0:
        mark = place / "key"
        if not mark.exists() or mark.read_text(encoding="utf-8") != stamp:
            shutil.rmtree(place, ignore_errors=True)
            write_text(mark, stamp)
    _wait_for_first()
    return place


def tune(
    base: Base,
    texts: TrainingTexts,
    val: Questions,
    dataset: Dataset,
    settings: TrainSettings,
    preset: Preset,
    place: Path,
    *,
    quiet: bool = False,
) -> FitResult:
    """Train ``base.model`` in place, from the last checkpoint in ``place`` if there is one; it ends as the best step left it.

    Raises ProofFailed when the restored model does not score what the best step scored.
    """
    from transformers import set_seed

    set_seed(settings.seed)
    model, started = base.model, time.monotonic()
    trained = make_trainable(model, preset)
    model.max_seq_length = min(preset.max_tokens, base.contract.max_tokens)
    mini = _mini_batch(model, preset)
    steps = planned_steps(len(texts), preset)
    scorer = Scorer(model, base, val, training_probe(dataset, settings), preset)
    checkpoint = last_checkpoint(place)
    judge, best = resume_judge(settings, checkpoint) if checkpoint else (Judge(settings), None)
    with progress("fit", steps) as bar:
        teller = Teller(bar, quiet=quiet or process_rank()[0] > 0)
        watch = make_watch(
            judge,
            every=max(1, math.ceil(steps / settings.evaluations)),
            measure=scorer,
            snapshot=lambda: trained_state(model),
            report=teller.report,
            tick=teller.tick,
        )
        watch.best = best
        loss = make_loss(model, preset, base.contract.dimensions, mini)
        trainer = _trainer(model, loss, texts, preset, settings, place, steps, watch)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    assert watch.best is not None
    restore_state(model, watch.best)
    again = scorer(judge.best_step).ndcg
    model.max_seq_length = base.contract.max_tokens
    prove_restored(again, judge, preset.precision)
    return FitResult(
        base=base.name,
        trained_parameters=trained,
        steps=trainer.state.global_step,
        planned_steps=steps,
        best_step=judge.best_step,
        base_ndcg=judge.history[0].ndcg,
        best_ndcg=judge.best_ndcg,
        restored_ndcg=again,
        stopped=judge.stopped or "all planned steps were made",
        alarms=tuple(asdict(alarm) for alarm in judge.alarms),
        history=tuple(asdict(measured) for measured in judge.history),
        mini_batch=mini,
        scale=preset.scale,
        drawn_negatives=texts.drawn,
        cloze=texts.cloze,
        ungated=False,
        resumed_from=int(checkpoint.name.rsplit("-", 1)[1]) if checkpoint else 0,
        device=str(model.device),
        seconds=round(time.monotonic() - started, 1),
    )


def prove_restored(again: float, judge: Judge, precision: str) -> None:
    """Raise ProofFailed unless the restored model scores on val what its best step scored."""
    if not abs(again - judge.best_ndcg) <= (SAME_BF16 if precision == "bf16" else SAME):  # written so that NaN fails
        raise ProofFailed(
            f"the restored model scores {again:.6f} on val, its best step ({judge.best_step}) scored {judge.best_ndcg:.6f}",
            cure="report it: the adapter was not restored faithfully",
        )


def planned_steps(rows: int, preset: Preset) -> int:
    """Steps of the whole fine-tune: epochs of whole batches, at most ``max_steps``. Raises SettingError for less than a batch."""
    if rows < preset.batch:
        raise SettingError(
            f"{rows} training rows are less than a batch of {preset.batch}", where="batch", cure=f"--batch {max(2, rows // 2)}"
        )
    steps = max(1, round(rows // preset.batch * preset.epochs))
    return min(steps, preset.max_steps) if preset.max_steps else steps


def _mini_batch(model: Any, preset: Preset) -> int:
    from train.memory import probe

    per_process = preset.batch // process_rank()[1]
    return min(preset.mini_batch or probe(model, per_process, preset.max_tokens), per_process)


def make_loss(model: Any, preset: Preset, dimensions: Sequence[int], mini: int) -> Any:
    """The contrastive loss at the preset's scale; cached where the mini-batch is smaller than the batch; Matryoshka around it."""
    from sentence_transformers.sentence_transformer.losses import (
        CachedMultipleNegativesRankingLoss,
        MatryoshkaLoss,
        MultipleNegativesRankingLoss,
    )

    processes = process_rank()[1]
    if mini < preset.batch // processes:
        loss = CachedMultipleNegativesRankingLoss(model, scale=preset.scale, mini_batch_size=mini, gather_across_devices=processes > 1)
    else:
        loss = MultipleNegativesRankingLoss(model, scale=preset.scale, gather_across_devices=processes > 1)
    return MatryoshkaLoss(model, loss, list(dimensions)) if preset.matryoshka and len(dimensions) > 1 else loss


def _trainer(
    model: Any, loss: Any, texts: TrainingTexts, preset: Preset, settings: TrainSettings, place: Path, steps: int, watch: Any
) -> Any:
    """sentence-transformers' trainer whose checkpoints hold the trained parameters and nothing of the base."""
    from datasets import Dataset as Table
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer.training_args import BatchSamplers

    from train.models import load_state, save_state

    class Trainer(SentenceTransformerTrainer):
        def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
            save_state(trained_state(self.model), Path(output_dir or self.args.output_dir) / "trained.safetensors")

        def _load_from_checkpoint(self, checkpoint_path: str, model: Any = None) -> None:
            restore_state(self.model, load_state(Path(checkpoint_path) / "trained.safetensors"))

        def add_model_card_callback(self, default_args_dict: Any) -> None:
            """Our own card says more, and this one looks for a hub."""

    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(place),
        max_steps=steps,
        per_device_train_batch_size=preset.batch // process_rank()[1],
        learning_rate=preset.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=math.ceil(preset.warmup * steps),
        weight_decay=preset.weight_decay,
        bf16=preset.precision == "bf16",
        fp16=False,
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        dataloader_drop_last=True,
        eval_strategy="no",
        save_strategy="no",  # the watch asks for a checkpoint after each of its evaluations
        save_total_limit=2,
        logging_steps=max(1, steps // 50),
        report_to=trackers(settings.log_to),
        seed=settings.seed,
        data_seed=settings.seed,
        use_cpu=model.device.type == "cpu",
        disable_tqdm=True,
        dataloader_pin_memory=model.device.type == "cuda",
        ddp_find_unused_parameters=False,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=Table.from_dict(texts.columns),
        loss=loss,
        callbacks=[watch],
    )
    _silence(trainer)
    return trainer


def _silence(trainer: Any) -> None:
    """Drop the callback that prints every log as a dictionary; our progress says it better."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
