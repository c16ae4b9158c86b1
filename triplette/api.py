"""The stages from a notebook: one function a command, of the command's name, with the command's settings as keywords.

    import triplette
    triplette.generate("fr_rules", run="run")
    triplette.judge("run")

``run`` is the run directory, ``config`` a settings file (default: ./triplette.toml if there), and every other keyword a setting of the command's
section of that file; an unknown one is refused. Each function returns the command's result and raises the errors of ``triplette.errors``.
``import triplette`` imports nothing of this: each name is looked up when it is first used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from triplette.rundir import RunDir
from triplette.settings.load import load_section

if TYPE_CHECKING:
    from triplette.curate.dataset.build import BuildResult
    from triplette.curate.decisions import Decisions
    from triplette.curate.judge.judge import JudgeResult
    from triplette.curate.same.dedup import DedupResult
    from triplette.curate.validation.validate import Validation
    from triplette.export.bundle import ExportResult
    from triplette.export.runtime import Bundle
    from triplette.records import Triplet
    from triplette.synth.chunk import ChunkResult
    from triplette.synth.generate import GenerateResult
    from triplette.synth.mining.mine import MineResult
    from triplette.synth.write import WriteSummary
    from triplette.train.evaluate import EvaluateResult
    from triplette.train.loop import FitResult
    from triplette.train.merge import MergeResult

Folder = str | Path


def _run(run: Folder) -> RunDir:
    from triplette.console import open_run

    return open_run(Path(run))


def _config(config: Folder | None) -> Path | None:
    return None if config is None else Path(config)


def generate(corpus: Folder, run: Folder = "run", *, config: Folder | None = None, budget: float | None = None) -> GenerateResult:
    """``synth generate``: chunk, write and mine. Further settings: in the settings file."""
    from triplette.settings.llm import LlmSettings
    from triplette.settings.mine import MineSettings
    from triplette.settings.synth import ChunkSettings
    from triplette.settings.write import WriteSettings
    from triplette.synth.generate import generate as run_all

    file = _config(config)
    return run_all(
        _run(run),
        Path(corpus),
        load_section(ChunkSettings, "synth.chunk", file),
        load_section(WriteSettings, "synth.write", file),
        load_section(LlmSettings, "synth.llm", file),
        load_section(MineSettings, "synth.mine", file),
        budget=budget,
    )


def chunk(corpus: Folder, run: Folder = "run", *, config: Folder | None = None, **settings: Any) -> ChunkResult:
    """``synth chunk``."""
    from triplette.settings.synth import ChunkSettings
    from triplette.synth.chunk import chunk_corpus

    return chunk_corpus(_run(run), Path(corpus), load_section(ChunkSettings, "synth.chunk", _config(config), **settings))


def write(run: Folder = "run", *, config: Folder | None = None, budget: float | None = None, **settings: Any) -> WriteSummary:
    """``synth write``; the model is that of ``[synth.llm]``."""
    from triplette.settings.llm import LlmSettings
    from triplette.settings.write import WriteSettings
    from triplette.synth.write import write_questions

    file = _config(config)
    chosen = load_section(WriteSettings, "synth.write", file, **settings)
    return write_questions(_run(run), chosen, load_section(LlmSettings, "synth.llm", file), budget=budget)


def mine(run: Folder = "run", *, config: Folder | None = None, **settings: Any) -> MineResult:
    """``synth mine``."""
    from triplette.settings.mine import MineSettings
    from triplette.synth.mining.mine import mine_negatives

    return mine_negatives(_run(run), load_section(MineSettings, "synth.mine", _config(config), **settings))


def judge(run: Folder = "run", *, config: Folder | None = None, budget: float | None = None, **settings: Any) -> JudgeResult:
    """``curate judge``; the model is that of ``[curate.llm]``."""
    from triplette.curate.judge.judge import judge as judge_run
    from triplette.settings.judge import JudgeSettings
    from triplette.settings.llm import LlmSettings

    file = _config(config)
    chosen = load_section(JudgeSettings, "curate.judge", file, **settings)
    return judge_run(_run(run), chosen, load_section(LlmSettings, "curate.llm", file), budget=budget)


def dedup(run: Folder = "run", *, config: Folder | None = None, **settings: Any) -> DedupResult:
    """``curate dedup``."""
    from triplette.curate.same.dedup import dedup as dedup_run
    from triplette.settings.dedup import DedupSettings

    return dedup_run(_run(run), load_section(DedupSettings, "curate.dedup", _config(config), **settings))


def build(
    run: Folder = "run", *, gold: Folder | None = None, drop_touching: bool = False, config: Folder | None = None, **settings: Any
) -> BuildResult:
    """``curate build``."""
    from triplette.curate.dataset.build import build as build_dataset
    from triplette.settings.build import BuildSettings

    chosen = load_section(BuildSettings, "curate.build", _config(config), **settings)
    return build_dataset(_run(run), chosen, gold=_config(gold), drop_touching=drop_touching)


def validate(run: Folder = "run", *, fix: bool = False, config: Folder | None = None, **settings: Any) -> Validation:
    """``curate validate``."""
    from triplette.curate.validation.validate import validate as validate_run
    from triplette.settings.validate import ValidateSettings

    return validate_run(_run(run), load_section(ValidateSettings, "curate.validate", _config(config), **settings), fix=fix)


def fit(
    run: Folder = "run", *, preset: str | None = None, seed: int | None = None, ungated: bool = False, config: Folder | None = None,
    **settings: Any,
) -> FitResult:  # fmt: skip
    """``train fit``; the keywords are settings of [train] and of the preset."""
    from triplette.settings.load import load_training
    from triplette.train.fit import fit as run_fit

    training, chosen = load_training(_config(config), preset, seed, **settings)
    return run_fit(_run(run), training, chosen, ungated=ungated)


def evaluate(run: Folder = "run", *, config: Folder | None = None, **settings: Any) -> EvaluateResult:
    """``train evaluate``: ``.verdict.word`` is improved, not shown or worse."""
    from triplette.settings.train import EvaluateSettings
    from triplette.train.evaluate import evaluate as run_evaluate

    return run_evaluate(_run(run), load_section(EvaluateSettings, "train.evaluate", _config(config), **settings))


def merge(run: Folder = "run", *, export_anyway: bool = False) -> MergeResult:
    """``train merge``; ``export_anyway`` lets ``export_bundle`` take a model whose gain was not shown, and the card says so."""
    from triplette.train.merge import merge as run_merge

    return run_merge(_run(run), export_anyway=export_anyway)


def export_bundle(run: Folder = "run", *, config: Folder | None = None, **settings: Any) -> ExportResult:
    """``train export``, behind the verdict as the command is."""
    from triplette.export.bundle import export_bundle as run_export
    from triplette.settings.export import ExportSettings
    from triplette.train.run import require_improved

    place = _run(run)
    require_improved(place)
    return run_export(place, load_section(ExportSettings, "export", _config(config), **settings))


def triplets(run: Folder = "run") -> list[Triplet]:
    """The mined triplets. Raises MissingStage before ``mine``."""
    from triplette.records import Triplet
    from triplette.tables import read_records

    place = _run(run)
    place.require("triplets.parquet")
    return read_records(place.path("triplets.parquet"), Triplet)


def decisions(run: Folder = "run") -> Decisions:
    """What became of every triplet, with the reason: ``.accepted``, ``.rejected``, ``.reasons()``."""
    from triplette.curate.decisions import read_decisions

    return read_decisions(_run(run))


def open_bundle(folder: Folder = "run/bundle", *, dimension: int | None = None) -> Bundle:
    """A bundle to search: ``.ask("a question", k=3)`` gives passages, best first. Needs the ``ask`` extra, not torch."""
    from triplette.export.runtime import Bundle

    return Bundle(Path(folder), dimension=dimension)
