"""``--sweep``: short trainings that differ only in learning rate and loss scale, judged on val.

The scale (inverse temperature) must suit the temperature at which the base was pre-trained: with the same data and steps it can turn a
gain into a loss. A sharper loss also wants another rate, so the two are searched together. Where there are more than four pairs, each
gets a quarter of the steps first and the best quarter of them all (successive halving, Jamieson and Talwalkar 2016). The trials are short,
so they say what starts well, not how far it goes.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from triplette.console import say
from triplette.errors import SettingError
from triplette.hashing import code_version, hash_value
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.train import Preset
from triplette.tables import write_text
from triplette.train.data import Questions, TrainingTexts
from triplette.train.finetune import FineTune
from triplette.train.loop import tune
from triplette.train.models import process_rank
from triplette.train.score import Scorer

SWEEP = "model/sweep.json"
PART = 4  # a first trial has this part of the steps, and this part of the pairs goes on to all of them


def sweep(run: RunDir, task: FineTune, texts: TrainingTexts, val: Questions) -> Preset:
    """The preset at the rate and scale whose trial ends with the highest val nDCG@10 (ties: the preset's own, then the lower scale and rate).

    Trials go to model/sweep.json; what was made with the same data, settings and code is not made again. Raises SettingError in several processes.
    """
    if process_rank()[1] > 1:
        raise SettingError(
            "a sweep runs in one process", where="--sweep", cure="sweep without accelerate launch, then give the best as --scale"
        )
    settings, preset = task.settings, task.preset
    key = hash_value([task.dataset.hash, task.sources, as_dict(settings), as_dict(preset), code_version("train")])
    done = _read(run)
    if done.get("key") == key:
        return replace(preset, learning_rate=float(done["chosen_rate"]), scale=float(done["chosen"]))
    rates = [factor * preset.learning_rate for factor in dict.fromkeys((1.0, *settings.sweep_rates))]
    scales = list(dict.fromkeys((preset.scale, *settings.sweep_scales)))
    trials = _Trials(run, task, texts, val)
    pairs = [(rate, scale) for scale in scales for rate in rates]
    first = [trials.make(*pair, max(1, settings.sweep_steps // PART)) for pair in pairs] if len(pairs) > PART else []
    if first:
        pairs = [(trial["rate"], trial["scale"]) for trial in _best(first, preset, math.ceil(len(first) / PART))]
    last = [trials.make(*pair, settings.sweep_steps) for pair in pairs]
    best = _best(last, preset, 1)[0]
    written = {"key": key, "chosen_rate": best["rate"], "chosen": best["scale"], "first": first, "trials": last}
    write_text(run.path(SWEEP), json.dumps(written, indent=2) + "\n")
    return replace(preset, learning_rate=best["rate"], scale=best["scale"])


def _best(trials: Sequence[dict[str, Any]], preset: Preset, count: int) -> list[dict[str, Any]]:
    """The ``count`` best, best first."""

    def order(trial: dict[str, Any]) -> tuple[float, bool, float, float]:
        own = (trial["rate"], trial["scale"]) == (preset.learning_rate, preset.scale)
        return -trial["ndcg"], not own, trial["scale"], trial["rate"]

    return sorted(trials, key=order)[:count]


@dataclass(slots=True)
class _Trials:
    """Short trainings from the same start; val is embedded by the base once for all of them."""

    run: RunDir
    task: FineTune
    texts: TrainingTexts
    val: Questions
    seen: Any = None

    def make(self, rate: float, scale: float, steps: int) -> dict[str, Any]:
        """Train ``steps`` steps, and say what val makes of it."""
        preset = replace(self.task.preset, learning_rate=rate, scale=scale, max_steps=steps)
        trial = replace(self.task, settings=replace(self.task.settings, evaluations=1, log_to=("none",)), preset=preset)
        base = trial.load()
        scorer = Scorer(base, trial, self.val)
        if self.seen is None:
            scorer.vectors(0)
            self.seen = scorer.seen
        scorer.seen = self.seen
        place = self.run.path("model/sweep")
        shutil.rmtree(place, ignore_errors=True)
        result = tune(base, trial, self.texts, self.val, place, scorer=scorer, quiet=True)
        shutil.rmtree(place, ignore_errors=True)
        reached = result.history[-1]["ndcg"]
        told = f"val nDCG@10 {result.base_ndcg:.4f} -> {reached:.4f} after {result.steps} steps"
        say(f"sweep: rate {rate:g}, scale {scale:g}: {told}")
        return {"rate": rate, "scale": scale, "steps": result.steps, "base_ndcg": result.base_ndcg, "ndcg": reached}


def _read(run: RunDir) -> dict[str, Any]:
    try:
        return dict(json.loads(run.path(SWEEP).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return {}
