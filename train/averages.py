"""Weights averaged over fine-tunes from one base that differ in their seed alone (model soups, Wortsman et al. 2022).

Each seed draws other batches and errs elsewhere; their mean keeps what they share. It costs a whole fit a seed and nothing in use. Val says
whether the average or the first seed alone is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from triplette.console import say
from triplette.errors import SettingError
from triplette.settings.train import Preset
from triplette.train.data import Questions, TrainingTexts
from triplette.train.finetune import FineTune
from triplette.train.loop import FitResult, tune
from triplette.train.models import Base, process_rank, restore_state, trained_state
from triplette.train.score import Scorer


def check_seeds(preset: Preset) -> None:
    """Raise SettingError for adapters: a product of two matrices, of which each seed begins another, has no average in their terms."""
    if preset.seeds > 1 and preset.method != "full":
        raise SettingError(
            f"adapters ({preset.method}) of {preset.seeds} seeds cannot be averaged",
            where="seeds",
            cure="seeds = 1, or method = 'full'",
        )


def other_seeds(
    task: FineTune, texts_of: Callable[[FineTune], TrainingTexts], val: Questions, place: Path, evaluations: int
) -> list[dict[str, Any]]:
    """The trained weights of the seeds after the first, each fitted from the base. Their checkpoints lie in ``place``."""
    states = []
    for number in range(1, task.preset.seeds):
        if process_rank()[0] == 0:
            say(f"seed {number + 1} of {task.preset.seeds}, whose weights are averaged")
        seeded = replace(task, settings=replace(task.settings, seed=task.settings.seed + number))
        base = seeded.load()
        tune(base, seeded, texts_of(seeded), val, place / f"seed-{number}", evaluations=evaluations)
        states.append(trained_state(base.model))
    return states


def choose_average(base: Base, tuning: FitResult, others: Sequence[Mapping[str, Any]], scorer: Scorer) -> FitResult:
    """Leave ``base.model``, tuned with the first seed, at the average of all or as it is, whichever val prefers (ties: the average)."""
    first = trained_state(base.model)
    restore_state(base.model, averaged([first, *others]))
    scorer.beat = scorer.seen = None  # the fit's bar is gone, and what it embedded was another model
    reached = scorer(tuning.best_step).ndcg
    alone, count = tuning.restored_ndcg, len(others) + 1
    kept = count if reached >= alone else 1
    if kept == 1:
        restore_state(base.model, first)
        scorer.seen = None
    if process_rank()[0] == 0:
        told = "the average" if kept > 1 else "the first alone"
        say(f"seeds: val nDCG@10 of the first {alone:.4f}, of the average of {count} {reached:.4f}; kept {told}")
    return replace(
        tuning, restored_ndcg=max(reached, alone), averaged=kept, averages={"1": round(alone, 6), str(count): round(reached, 6)}
    )


def averaged(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of the states' tensors, name by name, in the first's number format."""
    return {name: (sum(state[name].float() for state in states) / len(states)).to(value.dtype) for name, value in states[0].items()}
