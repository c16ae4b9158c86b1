"""Weights between the base's and the tuned ones (WiSE-FT, Wortsman et al. 2022; for retrievers LM-Cocktail, Xiao et al. 2023).

A fine-tune on a few thousand synthetic questions learns their way of asking and forgets some of what the base knew. Half-way between
both often keeps the gain and loses less; it costs an evaluation a share and nothing in use. Val chooses among at most five shares, the
verdict on test confirms. Val's questions are synthetic too and flatter what learned their way of asking, so the choice is cautious: of the shares
that val cannot tell from its best one, the nearest to the base (the one-standard-error rule of Breiman et al. 1984).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from triplette.console import say
from triplette.errors import SettingError
from triplette.ranking.metrics import as_good
from triplette.settings.train import Preset
from triplette.train.finetune import FineTune
from triplette.train.loop import FitResult
from triplette.train.models import Base, process_rank, restore_state, trained_state
from triplette.train.score import Scorer

MOST = 5  # shares: among more, chance on val would choose


def check_mix(preset: Preset) -> None:
    """Raise SettingError where val would have to choose among more than five shares."""
    if len(preset.mix) > MOST:
        raise SettingError(f"{len(preset.mix)} shares to choose from", where="mix", cure=f"name at most {MOST}")


def choose_mix(base: Base, tuning: FitResult, task: FineTune, scorer: Scorer) -> FitResult:
    """Leave ``base.model``, now tuned, at the smallest share within a standard error of the highest val nDCG@10, and say what each reached.

    The tuned weights as they are take part whether named or not. The base's are read again: they need no memory while training does.
    """
    start = dict(task.load(whole=True).model.named_parameters())
    tuned, scorer.beat = trained_state(base.model), None  # the fit's bar is gone
    found = {1.0: scorer.each(tuning.best_step)}
    for share in sorted({*task.preset.mix} - {1.0}):
        restore_state(base.model, mixed(start, tuned, share))
        scorer.seen = None  # what it embedded was another model
        found[share] = scorer.each(tuning.best_step)
    best, reached = min(as_good(found)), {share: float(values.mean()) for share, values in found.items()}
    restore_state(base.model, mixed(start, tuned, best))
    scorer.seen = None  # what it embedded was another model
    if process_rank()[0] == 0:
        told = ", ".join(f"{share:g}: {reached[share]:.4f}" for share in sorted(reached))
        say(f"mix: val nDCG@10 by share of the tuned weights {told}; kept {best:g}")
    return replace(tuning, mix=best, mixes={f"{share:g}": round(reached[share], 6) for share in sorted(reached)})


def mixed(start: Mapping[str, Any], tuned: Mapping[str, Any], share: float) -> dict[str, Any]:
    """Trained parameters at a share of the way from ``start`` to ``tuned``.

    An adapter's change is a product of two matrices that begins at 0, so its second one alone is scaled: the sum is then linear too.
    """
    found = {}
    for name, value in tuned.items():
        if "lora_B" in name:
            found[name] = share * value
        elif "lora_A" in name or share == 1.0:
            found[name] = value
        else:
            before = start[name].detach().cpu()
            found[name] = before + share * (value - before)
    return found
