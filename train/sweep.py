"""``--sweep``: a few short trainings that differ only in the loss's scale, judged on val.

The scale (inverse temperature) must suit the temperature at which the base was pre-trained: with the same data and steps it can turn a
gain into a loss. The trials are short, so they say which scale starts well, not how far it goes.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import Any

from triplette.console import say
from triplette.errors import SettingError
from triplette.hashing import code_version, hash_value
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.tables import write_text
from triplette.train.data import Questions, TrainingTexts
from triplette.train.finetune import FineTune
from triplette.train.loop import tune
from triplette.train.models import process_rank

SWEEP = "model/sweep.json"


def sweep_scale(run: RunDir, task: FineTune, texts: TrainingTexts, val: Questions) -> float:
    """The scale whose trial ends with the highest val nDCG@10 (ties: the preset's, then the lower); all go to model/sweep.json.

    A sweep that was made with the same data, settings and code is not made again. Raises SettingError in several processes.
    """
    if process_rank()[1] > 1:
        raise SettingError(
            "a sweep runs in one process", where="--sweep", cure="sweep without accelerate launch, then give the best as --scale"
        )
    settings, preset = task.settings, task.preset
    key = hash_value([task.dataset.hash, as_dict(settings), as_dict(preset), code_version("train")])
    done = _read(run)
    if done.get("key") == key:
        return float(done["chosen"])
    short = replace(settings, evaluations=1, log_to=("none",))
    trials: list[dict[str, Any]] = []
    for scale in dict.fromkeys((preset.scale, *settings.sweep_scales)):
        place = run.path("model/sweep")
        shutil.rmtree(place, ignore_errors=True)
        trial = replace(task, settings=short, preset=replace(preset, scale=scale, max_steps=settings.sweep_steps))
        result = tune(trial.load(), trial, texts, val, place, quiet=True)
        shutil.rmtree(place, ignore_errors=True)
        trials.append({"scale": scale, "steps": result.steps, "base_ndcg": result.base_ndcg, "ndcg": result.history[-1]["ndcg"]})
        say(f"sweep: scale {scale:g}: val nDCG@10 {result.base_ndcg:.4f} -> {trials[-1]['ndcg']:.4f} after {result.steps} steps")
    best = max(trials, key=lambda trial: (trial["ndcg"], trial["scale"] == preset.scale, -trial["scale"]))
    write_text(run.path(SWEEP), json.dumps({"key": key, "chosen": best["scale"], "trials": trials}, indent=2) + "\n")
    return float(best["scale"])


def _read(run: RunDir) -> dict[str, Any]:
    try:
        return dict(json.loads(run.path(SWEEP).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return {}
