"""The command line's options of what asks a language model: the writer and the judge have the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

BudgetOption = Annotated[
    float | None, typer.Option("--budget", help="Stop, resumable, before spending more than this (US dollars).", min=0)
]
PricesOption = Annotated[
    Path | None, typer.Option("--prices", help="Price list to count with, TOML or JSON (docs/llm.md).", metavar="FILE")
]
BatchOption = Annotated[
    bool | None,
    typer.Option("--batch/--no-batch", help="Ask through the provider's batch service: cheaper, within a day; run again to collect."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Quote calls, tokens, cost and time; spend nothing.")]
UrlOption = Annotated[str | None, typer.Option("--base-url", help="Any OpenAI-compatible endpoint instead of OpenAI's.")]
