"""What every command shares: options, tables, progress, and the one place where errors become exit codes.

Tables and progress go to stderr or a terminal in colour only when there is one; ``--json`` puts one JSON object on
stdout, for machines.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triplette.errors import TripletteError
from triplette.rundir import RunDir

if TYPE_CHECKING:
    from rich.console import Console

RunOption = Annotated[Path, typer.Option("--run", help="Run directory that the stages share.", metavar="DIR")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file (default: ./triplette.toml if there).", metavar="FILE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, for machines.")]
INTERRUPTED, TERMINATED = 130, 143
EXTRAS = {  # the smallest extra that has the library: reading a bundle must not cost torch
    "ask": ("sentencepiece", "ai_edge_litert"),
    "models": ("torch", "transformers", "sentence_transformers", "peft", "accelerate", "matplotlib", "bitsandbytes"),
    "export": ("litert_torch", "ai_edge_quantizer"),
    "review": ("argilla",),
}


def new_app(help_text: str) -> typer.Typer:
    """A command group with the house's settings: no completion flags, help when called bare, plain errors."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def console(*, stderr: bool = False) -> Console:
    """A rich console on stdout or stderr; colour only on a terminal, width of the terminal (80 when none)."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=False)


def say(message: str) -> None:
    """One plain line on stderr (never markup: the text may come from a document)."""
    console(stderr=True).print(message, markup=False)


def print_json(content: Any) -> None:
    """One JSON object on stdout."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False, sort_keys=True, default=str) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on stdout. Numbers are right-aligned; text is data, not markup."""
    from rich.markup import escape
    from rich.table import Table

    rows = [list(row) for row in rows]
    view = Table(title=escape(title), title_justify="left", title_style="bold", header_style="bold")
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], (int, float)) for row in rows)
        view.add_column(escape(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        view.add_row(*(escape(_shown(cell)) for cell in row))
    console().print(view)


def _shown(cell: Any) -> str:
    if isinstance(cell, bool) or cell is None:
        return {True: "yes", False: "no", None: "-"}[cell]
    if isinstance(cell, int):
        return f"{cell:,}".replace(",", " ")
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


class Progress:
    """A progress bar that is silent without a terminal. ``advance`` moves it; ``describe`` changes its text."""

    def __init__(self, bar: Any, task: Any) -> None:
        self._bar, self._task = bar, task

    def advance(self, steps: float = 1) -> None:
        """Move on by ``steps``."""
        self._bar.advance(self._task, steps)

    def describe(self, text: str) -> None:
        """Replace the text at the bar's left."""
        self._bar.update(self._task, description=text)


@contextmanager
def progress(description: str, total: float | None) -> Iterator[Progress]:
    """A progress bar on stderr with rate and time left; nothing is drawn unless stderr is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    view = console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=view, disable=not view.is_terminal, transient=True) as bar:
        yield Progress(bar, bar.add_task(description, total=total))


def open_run(path: Path) -> RunDir:
    """The run directory at ``path``; a file in its place is an error."""
    if path.exists() and not path.is_dir():
        raise TripletteError("this is a file, not a directory", where=str(path), cure="give another --run")
    return RunDir(path)


def summarise(title: str, facts: Mapping[str, Any]) -> None:
    """A two-column table of facts."""
    table(title, ("", ""), [(key, _shown(value)) for key, value in facts.items()])


class _Signals:
    """Whether this program was told to end by SIGTERM, which the parser's code for Ctrl-C does not say."""

    terminated = False

    @classmethod
    def interrupt(cls, *_: object) -> None:
        """SIGTERM ends a command as Ctrl-C does: what was finished is kept."""
        cls.terminated = True
        raise KeyboardInterrupt


def run_app(app: typer.Typer, name: str) -> None:
    """Run a command group. A user's own mistake ends in one clear message and its exit code, never a traceback.

    ``--debug`` anywhere on the command line shows the traceback instead.
    """
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    signal.signal(signal.SIGTERM, _Signals.interrupt)
    try:
        result = app(args=arguments, prog_name=name, standalone_mode=False)
    except TripletteError as error:
        if debug:
            raise
        say(f"error: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        result = INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        result = _click_exit(error) if not _names_extra(error) else TripletteError.exit_code
        if result is None and debug:
            raise
        if result is None:
            say(f"internal error: {type(error).__name__}: {error}\n  help: run again with --debug and report the traceback")
            result = 70
    if result == INTERRUPTED:  # the parser turns Ctrl-C inside a command into this code
        result = TERMINATED if _Signals.terminated else INTERRUPTED
        say("interrupted: what was finished is kept; run the same command again to go on")
    sys.exit(result if isinstance(result, int) else 0)


def _names_extra(error: Exception) -> bool:
    """Say which extra to install when ``error`` is the absence of one of its libraries; whether it was."""
    module = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    for extra, modules in EXTRAS.items():
        if module.split(".")[0] in modules:
            say(f"error: this needs {module}\n  help: pip install 'triplette[{extra}]' (in a clone: pip install -e '.[{extra}]')")
            return True
    return False


def _click_exit(error: Exception) -> int | None:
    """The exit code of one of the parser's own errors, shown as it shows it; None for any other error."""
    if type(error).__name__ == "Abort":
        return INTERRUPTED
    code = getattr(error, "exit_code", None)
    if not isinstance(code, int):
        return None
    show = getattr(error, "show", None)
    if show is not None:
        show()
    return code
