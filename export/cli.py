"""The commands of the export stage: ``train export`` and ``train ask``, also reachable as ``python -m triplette.export``.

They parse, call one function each, and print.
"""

from __future__ import annotations

from collections.abc import Sequence
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
)
from triplette.errors import ProofFailed, SettingError
from triplette.lines import print_line
from triplette.rundir import DEFAULT_RUN

app = new_app("Merged model -> quantised LiteRT bundle for Android, proven equal.")
DEFAULT_BUNDLE = Path("run/bundle")


@app.command("bundle")
def export(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            help="auto (default), e4_a8_f4_p4, int8, int8_weights (float activations) or float32; auto takes the first that is proven.",
        ),
    ] = None,
    length: Annotated[
        list[int] | None, typer.Option("--length", help="Sequence length in tokens; repeat it (default 256 512 1024 2048).")
    ] = None,
    dimension: Annotated[
        list[int] | None, typer.Option("--dimension", help="Output dimension of the contract; repeat it (default: all).")
    ] = None,
    layout: Annotated[str | None, typer.Option("--layout", help="'one' file for all lengths (default), or 'split': one each.")] = None,
    trim: Annotated[
        bool | None,
        typer.Option(
            "--trim-vocabulary/--whole-vocabulary",
            help="Keep only the tokens that the corpus's characters can spell (default: where the table is most of the model).",
        ),
    ] = None,
    litertlm: Annotated[
        bool | None, typer.Option("--litertlm/--no-litertlm", help="Also write model.litertlm for LiteRT-LM's embedding engine.")
    ] = None,
    unproven: Annotated[bool, typer.Option("--unproven", help="Write the bundle even if the proof fails, and stamp it.")] = False,
    verify: Annotated[
        Path | None, typer.Option("--verify", help="Only check the bundle in this folder; needs no torch.", metavar="DIR")
    ] = None,
    sign: Annotated[
        Path | None,
        typer.Option("--sign", help="Sign the bundle with this OpenSSH private key (also one that is there).", metavar="KEY"),
    ] = None,
    signers: Annotated[
        Path | None,
        typer.Option(
            "--signers", help="With --verify: a public key, or a list of allowed signers, that must have signed.", metavar="FILE"
        ),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Convert, quantise and prove the merged model, and write run/bundle/.

    Example: train export --recipe int8 --length 256 --length 512
    """
    if verify is not None:
        if sign is not None:
            raise SettingError(
                "--verify only checks and signs nothing", where="--sign", cure="sign where it was made: --run DIR --sign KEY"
            )
        _verify(verify, signers, json_output)
        return
    if signers is not None:
        raise SettingError("there is nothing to compare them with", where="--signers", cure="name the bundle too: --verify DIR")
    from triplette.export.bundle import export_bundle
    from triplette.settings.export import ExportSettings
    from triplette.settings.load import load_section

    overrides = {
        "recipe": recipe,
        "lengths": tuple(length) if length else None,
        "dimensions": tuple(dimension) if dimension else None,
        "layout": layout,
        "litertlm": litertlm,
        "vocabulary": None if trim is None else "corpus" if trim else "whole",
    }
    settings = load_section(ExportSettings, "export", config, **overrides)
    result = export_bundle(open_run(run), settings, override=unproven, key=sign, note=lambda step: None if json_output else say(step))
    if json_output:
        print_json({name: getattr(result, name) for name in type(result).__slots__})
    else:
        show_export(result)


def show_export(result: Any) -> None:
    """Print what an export made."""
    title = f"Bundle in {result.path}" + (" (unchanged: same model, dataset, settings and code)" if result.unchanged else "")
    summarise(
        title,
        {
            "recipe": result.recipe + (f", 4-bit granularity {result.granularity}" if "4" in result.recipe else ""),
            "lengths": ", ".join(map(str, result.lengths)),
            "dimensions": ", ".join(map(str, result.dimensions)),
            "megabytes": round(sum(result.sizes.values()) / 1e6, 2),
            **{f"{name}, seconds": seconds for name, seconds in result.seconds.items()},
        },
    )
    table("Proof" + (" FAILED AND OVERRIDDEN" if result.overridden else ""), ("check", "found"), list(result.checks.items()))
    rows = [
        (row["threads"], s["length"], s["median_ms"], s["p95_ms"], s["load_ms"], s["peak_mb"])
        for row in result.latency
        for s in row["signatures"]
    ]
    if rows:
        table("Speed on this machine", ("threads", "length", "median ms", "p95 ms", "load ms", "peak MB"), rows)
    for note in result.notes:
        say(f"note: {note}")
    say(f'Next: train ask "..." --bundle {result.path}')


def _verify(path: Path, signers: Path | None, json_output: bool) -> None:
    from triplette.export.proof.verify import verify_bundle

    proof = verify_bundle(path, signers=signers)
    if json_output:
        print_json({"bundle": path, "passed": proof.passed, "checks": {c.name: c.detail for c in proof.checks}, "failed": proof.failed})
    else:
        table(f"Bundle {path}", ("check", "holds", "found"), [(c.name, c.passed, c.detail) for c in proof.checks])
    if not proof.passed:
        raise ProofFailed(
            f"the bundle is not sound: {', '.join(proof.failed)}", where=str(path), cure="copy it again, or run `train export` again"
        )


QuestionArgument = Annotated[str | None, typer.Argument(help="A question, as a user of the phone would ask it.")]
CountOption = Annotated[int, typer.Option("--count", "-n", help="How many passages.", min=1)]
AskedDimension = Annotated[int | None, typer.Option("--dimension", help="Search with vectors of this many numbers.")]
PerOption = Annotated[str, typer.Option("--per", help="passage, or only the best one of each page or section.")]
DenseOption = Annotated[bool, typer.Option("--dense", help="Rank by the encoder alone, without BM25.")]
ServeOption = Annotated[bool, typer.Option("--serve", help="Ask on a page in the browser, on this computer only.")]
PortOption = Annotated[int, typer.Option("--port", help="With --serve: the port (0: any free one).", min=0, max=65535)]
BesideOption = Annotated[
    list[Path] | None,
    typer.Option("--beside", help="With --serve: another bundle, its answers in a column beside (repeatable).", metavar="DIR"),
]
PORT = 8017


@app.command()
def ask(
    question: QuestionArgument = None,
    bundle: Annotated[Path, typer.Option("--bundle", help="An exported bundle.", metavar="DIR")] = DEFAULT_BUNDLE,
    count: CountOption = 3,
    dimension: AskedDimension = None,
    per: PerOption = "passage",
    dense: DenseOption = False,
    serve: ServeOption = False,
    port: PortOption = PORT,
    beside: BesideOption = None,
    json_output: JsonOption = False,
) -> None:
    """Answer a question from a bundle, as the phone would, with both rankers' ranks and scores; needs no torch.

    Example: train ask "Peut-on roquer en étant en échec ?" --bundle run/bundle
    """
    check_asking(question, serve, beside)
    readers: list[Any] = [open_bundle(folder, dimension) for folder in (bundle, *(beside or ()))]
    if serve:
        serve_readers(readers, port)
    else:
        print_answers(readers[0].find(question, dense=dense).best(count, per=per), json_output)


def check_asking(question: str | None, serve: bool, beside: Sequence[Path] | None) -> None:
    """Raise SettingError for a question that is missing or that a page would ask, and for columns without a page."""
    if serve and question is not None:
        raise SettingError(
            "with --serve the question is asked on the page", where="--serve", cure="leave the question out, or leave --serve out"
        )
    if not serve and not (question or "").strip():
        raise SettingError("there is no question", where="train ask", cure='write it: train ask "...", or open a page with --serve')
    if beside and not serve:
        raise SettingError("--beside shows its columns on a page", where="--beside", cure="add --serve")


def open_bundle(folder: Path, dimension: int | None) -> Any:
    """A bundle as a reader."""
    from triplette.export.runtime import Bundle

    return Bundle(folder, dimension=dimension)


def serve_readers(readers: Sequence[Any], port: int) -> None:
    """Serve the page until interrupted."""
    from triplette.export.serve.server import serve

    serve(readers, port, ready=lambda address: say(f"Ask at {address} (Ctrl-C ends it)"))


def print_answers(passages: Sequence[Any], json_output: bool) -> None:
    """Passages with their ranks and scores, for a terminal or as JSON."""
    if json_output:
        print_json([{name: getattr(passage, name) for name in type(passage).__slots__} for passage in passages])
        return
    for passage in passages:
        pages = f", p. {passage.page_start}" + (f"-{passage.page_end}" if passage.page_end > passage.page_start else "")
        place = passage.source + (pages if passage.page_start else "")
        print_line(f"{passage.rank}. {passage.score:.3f}  {passage.title or 'untitled'}  ({place})")
        lexical = f"BM25 {passage.bm25_rank} ({passage.bm25_score:.2f})" if passage.bm25_rank else "BM25 none"
        print_line(f"   {lexical}, encoder {passage.dense_rank} ({passage.dense_score:.3f})")
        for line in passage.text.strip().split("\n"):
            print_line(f"   {line}")
        for ref in passage.refs:
            print_line(f"   see {ref}")
        print_line("")


def main() -> None:
    """Entry point of ``python -m triplette.export``."""
    run_app(app, "python -m triplette.export")
