"""``train ask``: export's own command, and a run's model besides, which export does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from triplette.console import JsonOption, open_run
from triplette.errors import SettingError
from triplette.export.cli import (
    DEFAULT_BUNDLE,
    PORT,
    AskedDimension,
    BesideOption,
    CountOption,
    DenseOption,
    PerOption,
    PortOption,
    QuestionArgument,
    ServeOption,
    check_asking,
    open_bundle,
    print_answers,
    serve_readers,
)


def ask(
    question: QuestionArgument = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help=f"An exported bundle (default: {DEFAULT_BUNDLE}).", metavar="DIR")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", help="A run's merged model; with --serve its base beside it, or beside --bundle.", metavar="DIR"),
    ] = None,
    count: CountOption = 3,
    dimension: AskedDimension = None,
    per: PerOption = "passage",
    dense: DenseOption = False,
    serve: ServeOption = False,
    port: PortOption = PORT,
    beside: BesideOption = None,
    device: Annotated[str | None, typer.Option("--device", help="With --run: cpu, cuda or mps (default: what there is).")] = None,
    json_output: JsonOption = False,
) -> None:
    """Answer a question from a bundle, as the phone would, or from a run's model, with both rankers' ranks and scores.

    Example: train ask "Peut-on roquer en étant en échec ?" --bundle run/bundle
    """
    check_asking(question, serve, beside)
    if bundle and run and not serve:
        raise SettingError(
            "a question is answered by one of them, not by both", where="--bundle, --run", cure="leave one out, or add --serve"
        )
    readers: list[Any] = [open_bundle(bundle or DEFAULT_BUNDLE, dimension)] if bundle or run is None else []
    if run is not None and (serve or not readers):
        from triplette.train.ask import RunReader

        kinds = [*([] if readers else [True]), *([False] if serve else [])]
        readers += [RunReader(open_run(run), tuned=tuned, dimension=dimension, device=device) for tuned in kinds]
    readers += [open_bundle(folder, dimension) for folder in beside or ()]
    if serve:
        serve_readers(readers, port)
    else:
        print_answers(readers[0].find(question, dense=dense).best(count, per=per), json_output)
