"""What every command shares: options, tables, progress, and the one place where errors become exit codes.

Tables and progress go to stderr or a terminal in colour only when there is one; ``--json`` puts one JSON object on
stdout, for machines.
"""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triplette import __version__
from triplette.errors import TripletteError
from triplette.rundir import DEFAULT_RUN, RunDir

if TYPE_CHECKING:
    from rich.console import Console


def _run_path(value: str | Path) -> Path:
    """``--run ""`` (a shell variable that is not set) would be the current directory."""
    if value == "":
        raise typer.BadParameter("is empty: give a directory, --run DIR")
    return Path(value)


RunOption = Annotated[Path, typer.Option("--run", help="Run directory that the stages share.", metavar="DIR", parser=_run_path)]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file (default: ./triplette.toml if there).", metavar="FILE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, for machines.")]
INTERRUPTED, TERMINATED = 130, 143
EXTRAS = {  # the smallest extra that has the library: reading a bundle must not cost torch
    "ask": "sentencepiece ai_edge_litert regex",
    "models": "torch transformers sentence_transformers peft accelerate safetensors tokenizers psutil matplotlib bitsandbytes",
    "export": "litert_torch ai_edge_quantizer litert_lm_builder flatbuffers",
    "review": "argilla",
    "scale": "ray",
}


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"triplette {__version__}\n")
        raise typer.Exit


def with_version(app: typer.Typer) -> typer.Typer:
    """``app`` with ``--version``. For the command groups that a user calls by name."""

    @app.callback()
    def options(
        version: Annotated[
            bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
        ] = False,
    ) -> None:
        pass

    return app


def new_app(help_text: str, *, completion: bool = False) -> typer.Typer:
    """A command group with the house's settings: help when called bare, plain errors; completion flags where asked for."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=completion,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """``text`` with what would act on a terminal or turn the line around written out: escapes, control characters, direction marks."""
    return _UNSEEN.sub(lambda found: ascii(found.group())[1:-1], text).encode("utf-8", "backslashreplace").decode()


def html_text(text: str) -> str:
    """``text`` for a page of ours: markup escaped, and written out what is unseen or turns a line around (``visible``)."""
    return escape(visible(text))


def console(*, stderr: bool = False) -> Console:
    """A rich console on stdout or stderr; colour only on a terminal, width of the terminal (80 when none).

    Every text that it prints is data: what would act on the terminal is shown instead (``visible``).
    """
    from rich.console import Console
    from rich.text import Text

    class Shown(Console):
        def render_str(self, text: str, **style: Any) -> Text:
            return super().render_str(visible(text), **style)

        def print(self, *objects: Any, **style: Any) -> None:
            super().print(*(_shown_text(item) for item in objects), **style)

    return Shown(stderr=stderr, highlight=False, soft_wrap=False)


def _shown_text(item: Any) -> Any:
    """Texts as ``visible``; a padded text too; anything else as it is."""
    from rich.padding import Padding
    from rich.text import Text

    if isinstance(item, str):
        return visible(item)
    if isinstance(item, Padding):
        item.renderable = _shown_text(item.renderable)
    if isinstance(item, Text) and visible(item.plain) != item.plain:
        return Text(visible(item.plain), style=item.style)
    return item


def say(message: str) -> None:
    """One plain line on stderr (never markup: the text may come from a document)."""
    console(stderr=True).print(message, markup=False)


def print_json(content: Any) -> None:
    """One JSON object on stdout; what would act on a terminal is escaped, as JSON may."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
    sys.stdout.write(_UNSEEN.sub(lambda found: json.dumps(found.group())[1:-1], text) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on stdout. Numbers are right-aligned; text is data, not markup.

    Where the screen is too narrow for its words, a paragraph for each row, which breaks no name in two.
    """
    from rich.markup import escape
    from rich.table import Table

    rows = [list(row) for row in rows]
    widths = _widths(columns, rows, console().width)
    if not widths:
        _paragraphs(title, columns, rows)
        return
    view = Table(title=escape(title), title_justify="left", title_style="bold", header_style="bold")
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], (int, float)) for row in rows)
        view.add_column(escape(name), justify="right" if numeric else "left", overflow="fold", width=widths[index])
    for row in rows:
        view.add_row(*(escape(_shown(cell)) for cell in row))
    console().print(view)


LONG_WORD = 40  # characters: a longer word, a path mostly, may be folded in a table


def _widths(columns: Sequence[str], rows: Sequence[Sequence[Any]], screen: int) -> list[int]:
    """The columns' widths, none under its longest word; [] where the screen (in characters) is too narrow for that."""
    from rich.cells import cell_len

    def longest_word(text: str) -> int:
        return max((cell_len(word) for word in text.split() if len(word) <= LONG_WORD and "/" not in word), default=1)

    texts = [[name, *(_shown(row[index]) for row in rows)] for index, name in enumerate(columns)]
    room = screen - 3 * len(columns) - 1
    least = [max(map(longest_word, column)) for column in texts]
    widths = [max(low, *(min(cell_len(text), room) for text in column)) for low, column in zip(least, texts, strict=True)]
    while sum(widths) > room:
        wide = [index for index, width in enumerate(widths) if width > least[index]]
        if not wide:
            return []
        widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _paragraphs(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table's rows one after the other: the first cell, then each other with its column's name."""
    from rich.padding import Padding
    from rich.text import Text

    console().print(title, style="bold", markup=False)
    for first, *others in rows:
        console().print(_shown(first), markup=False)
        cells = (f"{name} {_shown(cell)}".strip() for name, cell in zip(columns[1:], others, strict=True))
        console().print(Padding(Text(" · ".join(cells)), (0, 0, 0, 2)))


def _shown(cell: Any) -> str:
    if isinstance(cell, bool) or cell is None:
        return {True: "yes", False: "no", None: "-"}[cell]
    if isinstance(cell, int):
        return f"{cell:,}".replace(",", " ")
    return f"{cell:.3f}" if isinstance(cell, float) else visible(str(cell))


LINE_SECONDS = 60.0  # between two lines of progress in a log file: often enough to see that it lives, and a night stays readable


class Progress:
    """A progress bar; without a terminal a line a minute. ``advance`` moves it; ``describe`` changes its text."""

    def __init__(self, bar: Any, task: Any, *, text: str, total: float | None, first: float, clock: Callable[[], float]) -> None:
        self._bar, self._task, self._text, self._total, self._clock = bar, task, text, total, clock
        self._done, self._started = 0.0, clock()
        self._due = self._started + first

    def advance(self, steps: float = 1) -> None:
        """Move on by ``steps``."""
        self._done += steps
        self._bar.advance(self._task, steps)
        self.tick()

    def tick(self) -> None:
        """Say the line that is due, if one is: work that moves on rarely calls this while it waits."""
        now = self._clock()
        if self._bar.disable and now >= self._due:
            self._due = now + LINE_SECONDS
            typer.echo(self._line(now - self._started), err=True)

    def describe(self, text: str) -> None:
        """Replace the text at the bar's left."""
        self._text = text
        self._bar.update(self._task, description=text)

    def _line(self, seconds: float) -> str:
        if not self._total:
            return f"{self._text}: {self._done:g} so far"
        said = f"{self._text}: {self._done:g} of {self._total:g}"
        return f"{said}, about {seconds / self._done * (self._total - self._done) / 60:.0f} minutes left" if self._done else said


@contextmanager
def progress(
    description: str, total: float | None, *, first: float = LINE_SECONDS, clock: Callable[[], float] = time.monotonic
) -> Iterator[Progress]:
    """A progress bar on stderr with rate and time left; a line after ``first`` seconds, then one a minute, where stderr is no terminal."""
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
        yield Progress(bar, bar.add_task(description, total=total), text=description, total=total, first=first, clock=clock)


def open_run(path: Path) -> RunDir:
    """The run directory at ``path``; a file in its place is an error."""
    if path.exists() and not path.is_dir():
        raise TripletteError("this is a file, not a directory", where=str(path), cure="give another --run")
    _Program.run = RunDir(path)
    return _Program.run


def summarise(title: str, facts: Mapping[str, Any]) -> None:
    """A two-column table of facts."""
    table(title, ("", ""), [(key, _shown(value)) for key, value in facts.items()])


class _Program:
    """The run that its command opened, and whether SIGTERM ended it, which the parser's code for Ctrl-C does not say."""

    run = RunDir(DEFAULT_RUN)
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
    _open_streams()
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    signal.signal(signal.SIGTERM, _Program.interrupt)
    _Program.run = RunDir(DEFAULT_RUN)
    try:
        result = app(args=arguments, prog_name=name, standalone_mode=False)
    except TripletteError as error:
        if debug:
            raise
        say(_Program.run.in_commands(f"error: {error}"))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        result = INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except (OSError, MemoryError) as error:
        if debug:
            raise
        say(f"error: {_machine(error)}")
        sys.exit(TripletteError.exit_code)
    except Exception as error:
        result = _click_exit(error) if not _names_extra(error) else TripletteError.exit_code
        if result is None and debug:
            raise
        if result is None:
            say(f"internal error: {type(error).__name__}: {error}\n  help: run again with --debug and report the traceback")
            result = 70
    if result == INTERRUPTED:  # the parser turns Ctrl-C inside a command into this code
        result = TERMINATED if _Program.terminated else INTERRUPTED
        say("interrupted: what was finished is kept; run the same command again to go on")
    _flush()
    sys.exit(result if isinstance(result, int) else 0)


_ERRNO = {
    errno.ENOSPC: ("the disk is full", "free space, then run the same command again: what was finished is kept"),
    errno.EDQUOT: ("your disk quota is used up", "free space, then run the same command again: what was finished is kept"),
    errno.EFBIG: (
        "the file is larger than this disk or your limit allows",
        "raise the limit (ulimit -f), or give a --run on another disk",
    ),
    errno.EIO: ("the disk reports an error", "look at the disk, then run the same command again: what was finished is kept"),
    errno.EEXIST: ("what stands there is not a folder, or is a link that leads nowhere", "remove it, or give another path"),
    errno.EROFS: ("the disk is read-only", "give a --run on a disk that can be written to"),
    errno.EACCES: ("this may not be read or written", "change its permissions, or give another --run"),
    errno.EPERM: ("this may not be read or written", "change its permissions, or give another --run"),
    errno.ENOENT: ("there is no such file or folder", "look for a link that leads nowhere, or a path with a typing error"),
    errno.ELOOP: ("its links lead in a circle", "remove the link, or give another path"),
    errno.ENAMETOOLONG: ("the name is too long", "give a shorter path"),
    errno.ENOTDIR: ("a file stands where a folder should be", "give another path"),
    errno.EISDIR: ("a folder stands where a file should be", "give another path"),
    errno.EMFILE: ("too many files are open", "raise the limit (ulimit -n), then run the same command again"),
}


def _machine(error: OSError | MemoryError) -> str:
    """An error of the machine as one line and its help."""
    if isinstance(error, MemoryError):
        return "there is not enough memory\n  help: free memory or use smaller batches, then run the same command again"
    said, cure = _ERRNO.get(error.errno or 0, (error.strerror or str(error), "see what this file and its disk allow"))
    where = f"{error.filename}: " if isinstance(error.filename, str) else ""
    return f"{where}{said}\n  help: {cure}"


def _open_streams() -> None:
    """Streams that can be written to whatever the caller closed, and in whatever encoding: a character it lacks becomes an escape."""
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - it lives as long as the program
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flush() -> None:
    """What is left in stdout, written now: at exit the interpreter would only complain, with a code of its own."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        say(f"error: stdout: {_machine(error)}")
        sys.exit(TripletteError.exit_code)


def _names_extra(error: Exception) -> bool:
    """Say which extra to install when ``error`` is the absence of one of its libraries; whether it was."""
    module = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    for extra, modules in EXTRAS.items():
        if module.split(".")[0] in modules.split():
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
    getattr(error, "show", lambda: None)()
    return code
