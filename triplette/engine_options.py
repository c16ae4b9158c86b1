"""The command line's options of what runs in blocks on an engine: the commands that read, write, mine and judge have the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from triplette.console import say

if TYPE_CHECKING:
    from triplette.engine import Engine

EngineOption = Annotated[
    str | None, typer.Option("--engine", help="Where blocks of the work run: 'local' (default) or 'ray' (scale extra).")
]
RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray-address", help="A Ray cluster's address, as ray://HOST:10001 or auto; else RAY_ADDRESS, or one on this machine."
    ),
]


def engine_of(engine: str | None, address: str | None, *, calls: str = "") -> Engine:
    """The engine that the command line names. ``calls`` are those of a language model, by name: that they are not spread is said."""
    from triplette.engine import Engine

    chosen = Engine(engine or "local", address or "")
    if chosen.spread and calls:
        say(f"note: --engine ray spreads what is computed; {calls} start in this process, which waits for them")
    return chosen
