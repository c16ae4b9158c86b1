"""Telling how a fine-tune goes: the progress bar, the lines without a terminal, and the experiment trackers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec

from triplette.console import Progress, say
from triplette.errors import SettingError
from triplette.train.watch import Measured

TRACKERS = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",), "trackio": ("trackio",)}


def trackers(names: Sequence[str]) -> list[str]:
    """The experiment trackers to report to. Raises SettingError for one that is asked for and not installed."""

    def there(name: str) -> bool:
        return any(find_spec(module) is not None for module in TRACKERS[name])

    if "none" in names:
        return []
    if "auto" in names:
        ready = {"tensorboard": True, "trackio": True, "wandb": bool(os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_MODE"))}
        return [name for name in TRACKERS if ready[name] and there(name)]
    for name in names:
        if name not in TRACKERS:
            raise SettingError(
                f"unknown tracker {name!r}", where="train.log_to", cure=f"use auto, none, or some of {', '.join(TRACKERS)}"
            )
        if not there(name):
            raise SettingError(f"{name} is not installed", where="train.log_to", cure=f"pip install {name}, or log_to = ['auto']")
    return list(names)


class Teller:
    """Progress: loss, nDCG@10, GPU memory and time left on a bar; one line an evaluation without a terminal."""

    def __init__(self, bar: Progress, *, quiet: bool) -> None:
        self._bar, self._quiet, self._step = bar, quiet, 0
        self._loss: float | None = None
        self._ndcg: float | None = None

    def tick(self, step: int, loss: float | None) -> None:
        if loss is not None:
            self._loss = loss
        self._bar.advance(step - self._step)
        self._step = step
        parts = ["fit"]
        parts += [f"loss {self._loss:.3f}"] if self._loss is not None else []
        parts += [f"nDCG@10 {self._ndcg:.3f}"] if self._ndcg is not None else []
        self._bar.describe("  ".join([*parts, *_gpu_memory()]))

    def beat(self) -> None:
        """A part of an evaluation is done: in a log file a minute without a line is over."""
        self._bar.advance(0)

    def note(self, sentence: str) -> None:
        if not self._quiet:
            say(sentence)

    def report(self, measured: Measured, best: bool) -> None:
        self._ndcg = measured.ndcg
        if not self._quiet:
            say(
                f"step {measured.step}: val nDCG@10 {measured.ndcg:.4f}{' (best)' if best else ''}, "
                f"loss train {measured.train_loss:.3f} val {measured.val_loss:.3f}"
            )


def _gpu_memory() -> list[str]:
    import torch

    return [f"VRAM {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"] if torch.cuda.is_available() else []
