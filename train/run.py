"""``train run``: gate, fit, evaluate, merge, export, in this order; each step resumable and skipped when it is already done.

The verdict stands between measuring and shipping: a model that did not show a gain is merged, so that it can be looked at, and
not exported. ``--export-anyway`` exports it all the same and is stamped on the model card and in the bundle's manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.errors import MissingStage, ProofFailed, TripletteError
from triplette.gate import read_gate
from triplette.rundir import RunDir
from triplette.settings.train import EvaluateSettings, Preset, TrainSettings
from triplette.train.check import require_exportable, require_trainable
from triplette.train.evaluate import REPORT, RESULT, EvaluateResult, evaluate, read_verdict
from triplette.train.fit import ADAPTER, fit
from triplette.train.loop import FitResult
from triplette.train.measure import IMPROVED
from triplette.train.merge import MergeResult, merge
from triplette.train.models import process_rank

Export = Callable[[RunDir, bool], Any]


@dataclass(frozen=True, slots=True)
class RunResult:
    """What each step of ``train run`` gave; ``exported`` is None where export was not asked for."""

    fit: FitResult
    evaluation: EvaluateResult
    merged: MergeResult
    exported: Any


def run_all(
    run: RunDir,
    settings: TrainSettings,
    preset: Preset,
    evaluation: EvaluateSettings,
    *,
    ungated: bool = False,
    sweep: bool = False,
    beir: Sequence[Path] = (),
    device: str | None = None,
    export: Export | None = None,
    export_anyway: bool = False,
    note: Callable[[str], None] = lambda _: None,
) -> RunResult:
    """Run every step. ``export`` gets the run and whether the verdict was overridden; None leaves the bundle to `train export`.

    Before any work it raises GateClosed, what ``require_trainable`` raises for a base that is none or is broken, and SettingError for one that
    cannot be exported where export is to follow; afterwards
    ProofFailed (exit 5) where the verdict is not `improved`.
    """
    if process_rank()[1] > 1:
        raise TripletteError(
            "train run measures, merges and exports in one process",
            cure="`accelerate launch --module triplette.train.cli fit ...` with several, then "
            f"`{run.command('train run')}`, which finds the fit done",
        )
    if ungated or read_gate(run).open:
        if doubt := require_trainable(preset):
            note(f"look: {doubt}")
        if export is not None:
            require_exportable(preset)
    note("fit")
    fitted = fit(run, settings, preset, ungated=ungated, sweep=sweep, device=device)
    note("evaluate")
    measured = evaluate(run, evaluation, beir=beir, device=device, seed=settings.seed)
    improved = measured.verdict.word == IMPROVED
    note("merge")
    merged = merge(run, device=device, seed=settings.seed, export_anyway=export_anyway and not improved)
    if export is None:
        return RunResult(fitted, measured, merged, None)
    if not improved and not export_anyway:
        raise no_export(run, measured.verdict.sentence, measured.report)
    note("export")
    return RunResult(fitted, measured, merged, export(run, not improved))


def require_improved(run: RunDir) -> None:
    """Raise unless the adapter that is there was measured and showed a gain, or its card says that the verdict was overridden.

    MissingStage without an evaluation of this adapter, ProofFailed with another verdict.
    """
    verdict, measured = read_verdict(run), run.last("train.evaluate")
    if measured is None or measured["inputs"].get(ADAPTER) != run.fingerprints([ADAPTER]).get(ADAPTER):
        raise MissingStage(
            "the evaluation is of another adapter", where=str(run.path(RESULT)), cure=f"run `{run.command('train evaluate')}`"
        )
    merged = run.last("train.merge")
    overridden = merged is not None and merged["settings"]["export_anyway"]
    if verdict["word"] != IMPROVED and not overridden:
        raise no_export(run, verdict["sentence"], str(run.path(REPORT)))


def no_export(run: RunDir, sentence: str, where: str) -> ProofFailed:
    """The refusal, with its cure."""
    return ProofFailed(
        f"no export: {sentence}",
        where=where,
        cure=f"better data or another scale (--sweep), then `{run.command('train run')}` again; "
        f"or `{run.command('train run --export-anyway')}`, which the card will say",
    )
