"""The training loop: sentence-transformers' trainer under a watch that measures, keeps the best step and stops.

One contrastive step is: every question of the batch against every positive and hard negative of the batch, at every dimension of the
contract (Matryoshka). GradCache lets the batch exceed memory at the price of a second forward pass, so it is used only where the
mini-batch is smaller than the batch; the gradients are the same.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from triplette.console import progress
from triplette.errors import ProofFailed, SettingError
from triplette.settings.train import Preset
from triplette.train.data import Questions, TrainingTexts
from triplette.train.finetune import FineTune
from triplette.train.groups import distinct_sampler, grouped_sampler
from triplette.train.loss import make_loss
from triplette.train.models import Base, make_trainable, process_rank, restore_state, trained_state
from triplette.train.score import Scorer
from triplette.train.tell import Teller, trackers
from triplette.train.watch import Judge, last_checkpoint, make_watch, resume_judge

SAME = 1e-5  # two measurements of the same float32 weights; bf16 sums in another order differ more
SAME_BF16 = 2e-3
ORDERS = 5  # random orders of the rows in which a batch is tried: their smallest is rarely undercut by a sixth


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a fine-tune did. ``restored_ndcg`` was measured after the best step's parameters were put back.

    ``production`` names how the model is fused with BM25, ``fusions`` what each way reached on val (nDCG@10). ``mix`` is the share of the
    tuned weights that was kept beside the base's, ``mixes`` what each share reached; ``averaged`` says over how many seeds the kept weights
    are a mean, ``averages`` what each count reached; ``inconsistent`` rows failed the consistency filter, ``heard`` were read by a teacher that reads.
    """

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
    seconds: float = 0.0
    rate: float = 0.0
    production: str = ""
    fusions: dict[str, float] = field(default_factory=dict)
    mix: float = 1.0
    mixes: dict[str, float] = field(default_factory=dict)
    averaged: int = 1
    averages: dict[str, float] = field(default_factory=dict)
    inconsistent: int = 0
    heard: int = 0
    unchanged: bool = False


def tune(
    base: Base,
    task: FineTune,
    texts: TrainingTexts,
    val: Questions,
    place: Path,
    *,
    evaluations: int = 0,
    scorer: Scorer | None = None,
    quiet: bool = False,
) -> FitResult:
    """Train ``base.model`` in place on ``texts``, from the last checkpoint in ``place`` if there is one; it ends as the best step left it.

    It is measured ``evaluations`` times on the way (0: as set), by ``scorer`` where one that has seen the base is given.
    Raises ProofFailed when the restored model does not score what the best step scored.
    """
    from transformers import set_seed

    model, settings, preset = base.model, task.settings, task.preset
    set_seed(settings.seed)
    trained = make_trainable(model, preset)
    model.max_seq_length = min(preset.max_tokens, base.contract.max_tokens)
    mini = _mini_batch(model, preset)
    steps = planned_steps(texts, preset, settings.seed)
    scorer = scorer or Scorer(base, task, val)
    judge, best = resume_judge(settings, checkpoint) if (checkpoint := last_checkpoint(place)) else (Judge(settings), None)
    with progress("fit", steps) as bar:
        teller = Teller(bar, quiet=quiet or process_rank()[0] > 0)
        scorer.beat = teller.beat
        watch = make_watch(
            judge,
            every=max(1, math.ceil(steps / (evaluations or settings.evaluations))),
            measure=scorer,
            snapshot=lambda: trained_state(model),
            report=teller.report,
            tick=teller.tick,
        )
        watch.best = best
        loss = make_loss(model, preset, base.contract.dimensions, mini, texts.known)
        trainer = _trainer(model, loss, texts, task, place, steps, watch, teller.note)
        made = begun = int(checkpoint.name.rsplit("-", 1)[1]) if checkpoint else 0
        if begun < steps and not judge.stopped:  # resumed after its last step, the trainer would make another
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            made = trainer.state.global_step
    if made == 0:
        raise ProofFailed("the fit made no step", cure="look for empty or equal texts in dataset/train.parquet, or lower --batch")
    assert watch.best is not None
    restore_state(model, watch.best)
    again, least = scorer.restored(judge.best_step)
    model.max_seq_length = base.contract.max_tokens
    prove_restored(again, least, judge, preset.precision)
    return FitResult(
        base=base.name,
        trained_parameters=trained,
        steps=made,
        planned_steps=steps,
        best_step=judge.best_step,
        base_ndcg=judge.history[0].ndcg,
        best_ndcg=judge.best_ndcg,
        restored_ndcg=again,
        stopped=judge.stopped or _ended(made, steps),
        alarms=tuple(asdict(alarm) for alarm in judge.alarms),
        history=tuple(asdict(measured) for measured in judge.history),
        mini_batch=mini,
        scale=preset.scale,
        drawn_negatives=texts.drawn,
        cloze=texts.cloze,
        ungated=False,
        resumed_from=begun,
        device=str(model.device),
    )


def prove_restored(again: float, least: float, judge: Judge, precision: str) -> None:
    """Raise ProofFailed unless the restored model scores on val what its best step scored, and no vector is off (``least`` cosine)."""
    same = SAME_BF16 if precision == "bf16" else SAME
    if not (abs(again - judge.best_ndcg) <= same and least >= 1 - same):  # written so that NaN fails
        raise ProofFailed(
            f"the restored model scores {again:.6f} on val, its best step ({judge.best_step}) scored {judge.best_ndcg:.6f}; "
            f"least cosine between their vectors {least:.6f}",
            cure="report it: the adapter was not restored faithfully",
        )


def _ended(made: int, planned: int) -> str:
    return "all planned steps were made" if made >= planned else f"no further batch could be filled after step {made} of {planned}"


def planned_steps(texts: TrainingTexts, preset: Preset, seed: int = 0) -> int:
    """Steps of the whole fine-tune: epochs of whole batches, at most ``max_steps``. Raises SettingError where no batch can be filled."""
    if texts.groups is not None:
        passages = len(texts.groups.rows)
        if passages < preset.batch:
            raise SettingError(
                f"{passages} passages have a question to train on, so a batch of {preset.batch} passages cannot be filled",
                where="batch",
                cure=f"--batch {passages}" if passages > 1 else "write questions over more passages",
            )
        return _within(preset, passages)
    rows, size = len(texts), preset.batch // process_rank()[1]
    room = fillable_batch(texts, size, seed) * process_rank()[1]
    if room < preset.batch:
        told = f"of {rows} training rows only {room} have no text in common, so" if room < rows else f"with {rows} training rows"
        fewer = ", or fewer soft_candidates, which are texts of a row too" if preset.soft_labels and room < rows else ""
        raise SettingError(
            f"{told} a batch of {preset.batch} cannot be filled",
            where="batch",
            cure=(f"--batch {room}" if room > 1 else "write questions over more passages: a batch needs two rows without a common text")
            + fewer,
        )
    return _within(preset, rows)


def _within(preset: Preset, units: int) -> int:
    """Steps over ``units`` rows, or passages where grouped: whole batches of every epoch, at most ``max_steps``."""
    steps = max(1, round(units // preset.batch * preset.epochs))
    return min(steps, preset.max_steps) if preset.max_steps else steps


def fillable_batch(texts: TrainingTexts, wanted: int, seed: int = 0) -> int:
    """How many rows (at most ``wanted``) the sampler gets into one batch, none of whose texts another row of it has.

    The sampler goes through the rows in a random order and takes what does not clash, so this does the same in a few orders and gives
    the smallest number: that batch is filled whatever the order is. One pass over the rows an order, and it ends with the batch.
    """
    columns, fewest = list(texts.columns.values()), wanted
    for turn in range(ORDERS):
        order = list(range(len(texts)))
        random.Random(f"{seed}/{turn}").shuffle(order)
        taken, seen = 0, set[str]()
        for row in order:
            own = {column[row] for column in columns}
            if seen.isdisjoint(own):
                seen |= own
                taken += 1
                if taken == wanted:
                    break
        fewest = min(fewest, taken)
    return fewest


def _mini_batch(model: Any, preset: Preset) -> int:
    from triplette.train.memory import probe

    per_process = preset.batch // process_rank()[1]
    return min(preset.mini_batch or probe(model, per_process, preset.max_tokens), per_process)


def _trainer(
    model: Any, loss: Any, texts: TrainingTexts, task: FineTune, place: Path, steps: int, watch: Any, tell: Callable[[str], None]
) -> Any:
    """sentence-transformers' trainer whose checkpoints hold the trained parameters and nothing of the base."""
    from datasets import Dataset as Table
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

    from triplette.train.models import load_state, save_state

    class Trainer(SentenceTransformerTrainer):
        def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
            save_state(trained_state(self.model), Path(output_dir or self.args.output_dir) / "trained.safetensors")

        def _load_from_checkpoint(self, checkpoint_path: str, model: Any = None) -> None:
            restore_state(self.model, load_state(Path(checkpoint_path) / "trained.safetensors"))

        def add_model_card_callback(self, default_args_dict: Any) -> None:
            """Our own card says more, and this one looks for a hub."""

    settings, preset = task.settings, task.preset
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
        batch_sampler=grouped_sampler(texts.groups, preset.near) if texts.groups else distinct_sampler(tell),
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
    columns: dict[str, Any] = dict(texts.columns)
    if texts.known is not None:
        columns["label"] = list(range(len(texts)))  # the loss looks its rows up
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=Table.from_dict(columns),
        loss=loss,
        callbacks=[watch],
    )
    _silence(trainer)
    return trainer


def _silence(trainer: Any) -> None:
    """Drop the callback that prints every log as a dictionary; our progress says it better."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
