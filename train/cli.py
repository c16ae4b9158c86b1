"""The ``train`` command: a dataset to a measured, merged and exported model. It parses, calls one function a command, and prints."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from triplette.console import (
    ConfigOption,
    JsonOption,
    RunOption,
    new_app,
    open_run,
    print_json,
    run_app,
    say,
    summarise,
    table,
    with_version,
)
from triplette.export.cli import export as export_command
from triplette.export.cli import show_export
from triplette.rundir import DEFAULT_RUN
from triplette.train.asking import ask

app = with_version(new_app("A curated dataset -> adapter -> measured verdict -> merged model -> phone bundle.", completion=True))

PresetOption = Annotated[str | None, typer.Option("--preset", help="embeddinggemma (QLoRA, CUDA), full, cpu (LoRA), e5, demo or tiny.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Base model: a sentence-transformers folder or id.")]
ContractOption = Annotated[
    str | None, typer.Option("--contract", help="Prompts instead of the base's own: embeddinggemma, e5 or plain (default: auto).")
]
RemoteOption = Annotated[bool | None, typer.Option("--trust-remote-code", help="Let the base run the code that it brings.")]
UngatedOption = Annotated[bool, typer.Option("--ungated", help="Train on data that was not validated; stamped on the model card.")]
SweepOption = Annotated[bool, typer.Option("--sweep", help="First try a few learning rates and loss scales on val and take the best.")]
EpochsOption = Annotated[float | None, typer.Option("--epochs", help="Passes over train.")]
StepsOption = Annotated[int | None, typer.Option("--max-steps", help="Stop after this many steps (0: no limit).")]
BatchOption = Annotated[int | None, typer.Option("--batch", help="Questions a step.")]
MiniOption = Annotated[int | None, typer.Option("--mini-batch", help="Texts a forward pass (0: as many as memory holds).")]
RateOption = Annotated[float | None, typer.Option("--learning-rate", help="Peak learning rate.")]
ScaleOption = Annotated[float | None, typer.Option("--scale", help="Inverse temperature of the loss.")]
NegativesOption = Annotated[int | None, typer.Option("--negatives", help="Hard negatives a question brings at most.")]
RoundsOption = Annotated[
    int | None,
    typer.Option("--rounds", help="Fine-tunes in a row; before a further one the tuned model mines the hard negatives again."),
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of weights, order, dropout and resampling.")]
DeviceOption = Annotated[str | None, typer.Option("--device", help="cpu, cuda or mps (default: what there is).")]
BeirOption = Annotated[list[Path] | None, typer.Option("--beir", help="Also measure on a BEIR folder (repeatable).", metavar="DIR")]
SplitOption = Annotated[list[str] | None, typer.Option("--split", help="test or val (repeatable); the verdict is on the first.")]
DimensionOption = Annotated[int | None, typer.Option("--dimension", help="Dimension that production uses (default: the largest).")]
Int8Option = Annotated[bool | None, typer.Option("--int8/--float", help="Whether production stores int8 vectors.")]


@app.command()
def fit(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    preset: PresetOption = None,
    model: ModelOption = None,
    contract: ContractOption = None,
    trust_remote_code: RemoteOption = None,
    ungated: UngatedOption = False,
    sweep: SweepOption = False,
    epochs: EpochsOption = None,
    max_steps: StepsOption = None,
    batch: BatchOption = None,
    mini_batch: MiniOption = None,
    learning_rate: RateOption = None,
    scale: ScaleOption = None,
    negatives: NegativesOption = None,
    rounds: RoundsOption = None,
    seed: SeedOption = None,
    device: DeviceOption = None,
    json_output: JsonOption = False,
) -> None:
    """Fine-tune the base model on the run's dataset; killed, it goes on from its last checkpoint.

    Example: train fit --preset cpu --model ./all-MiniLM-L6-v2 --sweep
    """
    from triplette.settings.load import load_training
    from triplette.train.fit import fit as run_fit

    settings, chosen = load_training(
        config, preset, seed, base=model, contract=contract, trust_remote_code=trust_remote_code, epochs=epochs, max_steps=max_steps,
        batch=batch, mini_batch=mini_batch, learning_rate=learning_rate, scale=scale, negatives=negatives, rounds=rounds,
    )  # fmt: skip
    result = run_fit(open_run(run), settings, chosen, ungated=ungated, sweep=sweep, device=device)
    _first_only(lambda: _show_fit(result, json_output))


@app.command("contract")
def contract_(
    model: Annotated[str, typer.Argument(help="A sentence-transformers folder or id.")],
    prompts: Annotated[str, typer.Option("--contract", help="Prompts instead of its own: embeddinggemma, e5 or plain.")] = "auto",
    trust_remote_code: RemoteOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show how texts become vectors with a model: prompts, pooling, sizes, and one formatted text of each side.

    Example: train contract intfloat/multilingual-e5-small
    """
    from triplette.model_contract import contract_of

    _show_contract(contract_of(model, prompts=prompts, trust_remote_code=bool(trust_remote_code)), json_output)


@app.command()
def check(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    preset: PresetOption = None,
    model: ModelOption = None,
    contract: ContractOption = None,
    trust_remote_code: RemoteOption = None,
    batch: BatchOption = None,
    mini_batch: MiniOption = None,
    device: DeviceOption = None,
    measure: Annotated[bool, typer.Option("--measure/--no-measure", help="Load the base and time two steps.")] = True,
) -> None:
    """Say before training what a base will do: prompts, export, memory, and how long a step and an evaluation take.

    Example: train check --preset cpu --model ./multilingual-e5-small
    """
    from triplette.settings.export import ExportSettings
    from triplette.settings.load import load_section, load_training
    from triplette.train.check import (
        folder_of,
        in_words,
        measure_pace,
        pace_in_words,
        preflight,
        require_trainable,
        teacher_in_words,
        work_of,
    )

    settings, chosen = load_training(
        config, preset, None, base=model, contract=contract, trust_remote_code=trust_remote_code, batch=batch, mini_batch=mini_batch
    )
    chosen = folder_of(chosen)
    require_trainable(chosen)
    summarise(
        f"Base {chosen.base}, method {chosen.method}",
        in_words(preflight(chosen, load_section(ExportSettings, "export", config)), chosen)
        | teacher_in_words(run, chosen, device=device, measure=measure),
    )
    if measure:
        work = work_of(run, chosen, settings)
        summarise("Measured on this machine", pace_in_words(measure_pace(chosen, device=device), chosen, work))


@app.command()
def evaluate(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    split: SplitOption = None,
    beir: BeirOption = None,
    dimension: DimensionOption = None,
    int8: Int8Option = None,
    device: DeviceOption = None,
    json_output: JsonOption = False,
) -> None:
    """Measure base against tuned, with intervals and a verdict, and write the report.

    Example: train evaluate --split test --dimension 256 --int8
    """
    from triplette.train.evaluate import evaluate as run_evaluate

    place = open_run(run)
    settings = _evaluate_settings(config, split, dimension, int8)
    result = run_evaluate(place, settings, beir=beir or [], device=device)
    _show_evaluation(result, json_output)


@app.command()
def merge(run: RunOption = DEFAULT_RUN, device: DeviceOption = None, json_output: JsonOption = False) -> None:
    """Fold the adapter into the full-precision base, prove that nothing changed, and write the model card.

    Example: train merge --run run
    """
    from triplette.train.merge import merge as run_merge

    _show_merge(run_merge(open_run(run), device=device), json_output)


@app.command("run")
def run_(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    preset: PresetOption = None,
    model: ModelOption = None,
    contract: ContractOption = None,
    trust_remote_code: RemoteOption = None,
    ungated: UngatedOption = False,
    sweep: SweepOption = False,
    epochs: EpochsOption = None,
    max_steps: StepsOption = None,
    batch: BatchOption = None,
    mini_batch: MiniOption = None,
    learning_rate: RateOption = None,
    scale: ScaleOption = None,
    negatives: NegativesOption = None,
    rounds: RoundsOption = None,
    seed: SeedOption = None,
    split: SplitOption = None,
    beir: BeirOption = None,
    dimension: DimensionOption = None,
    int8: Int8Option = None,
    device: DeviceOption = None,
    export: Annotated[
        bool, typer.Option("--export/--no-export", help="Go on to the phone bundle when the verdict is improved.")
    ] = True,
    export_anyway: Annotated[
        bool, typer.Option("--export-anyway", help="Export whatever the verdict; stamped on the model card.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Gate, fit, evaluate, merge and export in one go; what is already done is skipped.

    Example: train run --preset tiny --ungated --no-export
    """
    from triplette.settings.load import load_training
    from triplette.train.run import run_all

    settings, chosen = load_training(
        config, preset, seed, base=model, contract=contract, trust_remote_code=trust_remote_code, epochs=epochs, max_steps=max_steps,
        batch=batch, mini_batch=mini_batch, learning_rate=learning_rate, scale=scale, negatives=negatives, rounds=rounds,
    )  # fmt: skip
    place = open_run(run)
    result = run_all(
        place,
        settings,
        chosen,
        _evaluate_settings(config, split, dimension, int8),
        ungated=ungated,
        sweep=sweep,
        beir=beir or [],
        device=device,
        export=_exporter(config) if export else None,
        export_anyway=export_anyway,
        note=lambda step: say(f"{step} ..."),
    )
    if json_output:
        print_json(_plain(result))
        return
    _show_fit(result.fit, False)
    _show_evaluation(result.evaluation, False)
    _show_merge(result.merged, False)
    if result.exported is not None:
        show_export(result.exported)
    elif result.evaluation.verdict.word == "improved":
        say(f"Next: {place.command('train export')}")


@app.command("export")
@wraps(export_command)
def export_(*arguments: Any, **options: Any) -> None:
    """The export stage's own command, behind the verdict."""
    if options["verify"] is None:
        from triplette.train.run import require_improved

        require_improved(open_run(options["run"]))
    export_command(*arguments, **options)


app.command("ask")(ask)


def _evaluate_settings(config: Path | None, split: list[str] | None, dimension: int | None, int8: bool | None) -> Any:
    from triplette.settings.load import load_section
    from triplette.settings.train import EvaluateSettings

    splits = tuple(split) if split else None
    return load_section(EvaluateSettings, "train.evaluate", config, splits=splits, dimension=dimension, int8=int8)


def _exporter(config: Path | None) -> Any:
    from triplette.settings.export import ExportSettings
    from triplette.settings.load import load_section

    settings = load_section(ExportSettings, "export", config)

    def export(place: Any, overridden: bool) -> Any:
        from triplette.export.bundle import export_bundle

        # the verdict's override is in the model card, which the bundle carries; export's own override is for its parity proof
        return export_bundle(place, settings, note=say)

    return export


def _first_only(show: Any) -> None:
    from triplette.train.models import process_rank

    if process_rank()[0] == 0:
        show()


def _show_fit(result: Any, json_output: bool) -> None:
    if json_output:
        print_json(_plain(result))
        return
    summarise(
        "Fine-tuned" + (" (unchanged)" if result.unchanged else ""),
        {
            "base": result.base,
            "parameters trained": result.trained_parameters,
            "steps": f"{result.steps} of {result.planned_steps}"
            + (f" (resumed at {result.resumed_from})" if result.resumed_from else ""),
            "val nDCG@10, base": result.base_ndcg,
            "val nDCG@10, best step": f"{result.best_ndcg:.3f} (step {result.best_step}, restored and measured again)",
            "stopped": result.stopped,
            "rate, scale, mini-batch": f"{result.rate:g}, {result.scale:g}, {result.mini_batch}",
            "device": result.device,
            "seconds": result.seconds,
        },
    )
    for alarm in result.alarms:
        say(f"alarm at step {alarm['step']}: {alarm['signal']} ({alarm['detail']}); {alarm['action']}")
    if result.production:
        say(f"production ranks by {result.production}")
    if result.averages:
        say(f"weights: the mean over {result.averaged} of {max(map(int, result.averages))} seeds")
    if result.mixes:
        say(f"weights: {result.mix:g} of the tuned ones, the rest the base's")
    if result.inconsistent:
        say(f"note: {result.inconsistent} questions failed the consistency filter and trained nothing")
    if result.drawn_negatives:
        say(f"note: {result.drawn_negatives} hard negatives were missing and drawn at random from the corpus")
    if result.ungated:
        say("UNGATED: this model was trained on data that was not validated and reviewed; its card says so.")


QUESTION, TITLE, TEXT = "Where is a complaint lodged?", "Complaints", "At the front desk, before noon."


def _show_contract(read: Any, json_output: bool) -> None:
    from triplette.train.check import doubted

    contract = read.contract
    texts = {"question": contract.format_query(QUESTION), "passage": contract.format_document(TEXT, TITLE)}
    texts["passage without a title"] = contract.format_document(TEXT)
    if json_output:
        print_json(
            {"contract": _plain(contract), "prompts_from": read.source, "doubt": read.doubt, "modules": read.facts.modules, **texts}
        )
        return
    summarise(
        f"Contract of {contract.base_model}",
        {
            "prompts from": read.source,
            "modules": ", ".join(read.facts.modules),
            "pooling": contract.pooling + doubted(read),
            "normalised": "yes" if contract.normalize else "no; vectors are scaled to length 1 wherever they are compared",
            "dimensions": ", ".join(map(str, contract.dimensions)),
            "tokens read": contract.max_tokens,
            **{name: repr(text) for name, text in texts.items()},
        },
    )


def _show_evaluation(result: Any, json_output: bool) -> None:
    if json_output:
        print_json(_plain(result))
        return
    for title, rows in result.tables:
        table(title, ("system", "nDCG@10", "Recall@5", "MRR@10", "production - system, nDCG@10"), rows)
    say(f"\nVerdict: {result.verdict.sentence}.\nReport: {result.report}")


def _show_merge(result: Any, json_output: bool) -> None:
    if json_output:
        print_json(_plain(result))
        return
    say(f"merged: {result.folder} (least cosine to base + adapter {result.least_cosine:.6f} over {result.texts} val texts)")


def _plain(result: Any) -> Any:
    from dataclasses import asdict

    return asdict(result)


def main() -> None:
    """Entry point of ``train``."""
    run_app(app, "train")


if __name__ == "__main__":
    main()
