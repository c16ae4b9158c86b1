"""Writes docs/cli.md from the commands' own --help, at 80 columns: ``make docs``. A test fails when the page is stale."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import typer

PROGRAMS = ("synth", "curate", "train")
WIDTH = 80
HEADER = """# Commands

Written from `--help` by `make docs`; do not edit by hand. Exit codes: 0 done; 1 finished and found problems in the data;
2 could not run; 3 the gate before training is closed; 4 the budget is spent (resumable); 5 a proof did not hold;
6 the built-in rules do not write the documents' language; 7 a batch is on its way (run again to collect it);
130 interrupted; 143 ended by SIGTERM; 70 an error of ours, which `--debug` shows with its traceback, as on any command.
"""


def commands(program: str) -> Iterator[tuple[str, click.Command, click.Context]]:
    """(full name, command, context) of a program and of every command under it, depth first."""
    app = importlib.import_module(f"triplette.{program}.cli").app
    yield from _walk(typer.main.get_command(app), program, None)


def _walk(command: Any, name: str, parent: click.Context | None) -> Iterator[tuple[str, click.Command, click.Context]]:
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield context.command_path, command, context
    for child_name, child in sorted(getattr(command, "commands", {}).items()):
        yield from _walk(child, child_name, context)


def render() -> str:
    """The whole page."""
    parts = [HEADER]
    for program in PROGRAMS:
        for name, command, context in commands(program):
            depth = len(name.split())
            help_text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
            parts.append(f"{'#' * (depth + 1)} {name}\n\n```text\n{help_text}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    page = Path(__file__).with_name("cli.md")
    page.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"wrote {page.name}\n")
