"""Watching a fine-tune: when to stop, which step was best, and the three signs of overfitting.

The judge is nDCG@10 on val, because loss and ranking part ways: loss keeps falling by making known pairs surer. The best
step's trained parameters are kept by ourselves. The library's own way of loading the best model fails with a 4-bit base (its shape
mismatches are only printed, and the last weights stay), so what is put back is measured again and must score the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.jsonl import read_object
from triplette.settings.train import TrainSettings
from triplette.tables import write_text
from triplette.train.models import load_state, save_state

STATE = "watch.json"
BEST = "best.safetensors"


@dataclass(frozen=True, slots=True)
class Measured:
    """One evaluation: nDCG@10 on val, and the contrastive loss (no hard negatives, no dropout) on like rows of train and val."""

    step: int
    ndcg: float
    train_loss: float
    val_loss: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """A sign of overfitting at a step, and what was done about it."""

    step: int
    signal: str
    detail: str
    action: str


@dataclass
class Judge:
    """Decides from the measurements alone, so that it can be tested without a model and resumed from a file."""

    settings: TrainSettings
    history: list[Measured] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    best_step: int = -1
    best_ndcg: float = -1.0
    reference: float = -1.0
    waited: int = 0
    stopped: str = ""

    def see(self, measured: Measured) -> bool:
        """Take in one evaluation; True when it is the best so far. ``stopped`` then says why training should end, or is ""."""
        self.history.append(measured)
        best = measured.ndcg > self.best_ndcg or self.settings.keep == "last"
        if best:
            self.best_step, self.best_ndcg = measured.step, measured.ndcg
        gained = measured.ndcg > self.reference + self.settings.threshold
        if gained:
            self.reference, self.waited = measured.ndcg, 0
        else:
            self.waited += 1
        found = self._signals()
        for signal, detail in found:
            self.alarms.append(Alarm(measured.step, signal, detail, self._action(gained)))
        if self.waited >= self.settings.patience:
            self.stopped = f"nDCG@10 did not rise by {self.settings.threshold} in {self.waited} evaluations"
        elif found and self._alarm_stops():
            self.stopped = f"{found[0][0]} and nDCG@10 did not rise in {self.waited} evaluations"
        return best

    def _alarm_stops(self) -> bool:
        return self.settings.alarm_action == "stop" and self.waited >= self.settings.alarm_patience

    def _action(self, gained: bool) -> str:
        if gained:
            return "went on: nDCG@10 still rises"
        if self.settings.alarm_action == "warn":
            return "warned only, as set"
        return "stopped; the best step is restored" if self._alarm_stops() else "went on: one more evaluation without a gain stops"

    def _signals(self) -> list[tuple[str, str]]:
        """The signs at the newest evaluation; step 0 is the base model and shows nothing yet."""
        trained = [measured for measured in self.history if measured.step > 0]
        if not trained:
            return []
        now, found = trained[-1], []
        if now.train_loss < self.settings.overfit_gap * now.val_loss:
            found.append(("train far below val", f"loss {now.train_loss:.3f} on train, {now.val_loss:.3f} on val"))
        span = trained[-self.settings.rising - 1 :]
        if len(span) > self.settings.rising and all(b.val_loss > a.val_loss for a, b in pairwise(span)):
            found.append(("val loss rising", " -> ".join(f"{measured.val_loss:.3f}" for measured in span)))
        span = trained[-self.settings.patience - 1 :]
        if len(span) > self.settings.patience and now.train_loss > (1 - self.settings.plateau) * span[0].train_loss:
            found.append(("plateau", f"train loss {span[0].train_loss:.3f} -> {now.train_loss:.3f}"))
        return found

    def as_json(self) -> dict[str, Any]:
        """Everything but the settings."""
        content = asdict(self)
        del content["settings"]
        return content

    @classmethod
    def from_json(cls, settings: TrainSettings, content: Mapping[str, Any]) -> Judge:
        """A judge as it was."""
        rest = dict(content)
        rest["history"] = [Measured(**row) for row in content["history"]]
        rest["alarms"] = [Alarm(**row) for row in content["alarms"]]
        return cls(settings, **rest)


def make_watch(
    judge: Judge,
    *,
    every: int,
    measure: Callable[[int], Measured],
    snapshot: Callable[[], dict[str, Any]],
    report: Callable[[Measured, bool], None],
    tick: Callable[[int, float | None], None],
) -> Any:
    """A trainer callback that measures every ``every`` steps and at the last one, and keeps the best parameters.

    ``best`` on the callback is the best step's state. It writes its state into each checkpoint last of all, so a checkpoint that lacks
    watch.json was cut short and is not resumed from.
    """
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        best: dict[str, Any] | None = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if not judge.history:
                self._see(0)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            tick(state.global_step, None)
            if state.global_step % every and state.global_step < state.max_steps:
                return
            self._see(state.global_step)
            control.should_save = True
            if judge.stopped:
                control.should_training_stop = True

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                tick(state.global_step, float(logs["loss"]))

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            if args.should_save and self.best is not None:
                save_state(self.best, folder / BEST)
                write_text(folder / STATE, json.dumps(judge.as_json()))

        def _see(self, step: int) -> None:
            measured = agreed(measure(step))
            best = judge.see(measured)
            if best:
                self.best = snapshot()
            report(measured, best)

    return Watch()


def agreed(measured: Measured) -> Measured:
    """The first process's measurement, on every process: a rounding difference must not part their ways."""
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()):
        return measured
    shared = [measured]
    dist.broadcast_object_list(shared, src=0)
    return shared[0]


def last_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint, or None."""
    found = [path for path in folder.glob("checkpoint-*") if (path / STATE).is_file()]
    return max(found, key=lambda path: int(path.name.rsplit("-", 1)[1]), default=None)


def resume_judge(settings: TrainSettings, checkpoint: Path) -> tuple[Judge, dict[str, Any]]:
    """The judge and the best parameters that a checkpoint holds."""
    from safetensors import SafetensorError

    cure = "move model/checkpoints away: the fit then begins anew"
    content = read_object(checkpoint / STATE, "what a fit noted at a checkpoint", cure)
    try:
        return Judge.from_json(settings, content), load_state(checkpoint / BEST)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(f"this checkpoint cannot be gone on from ({error!r})", where=str(checkpoint), cure=cure) from None
