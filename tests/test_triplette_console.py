"""The console: one clear message for a user's own mistake, the right exit code, and text that is never markup."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from triplette.console import EXTRAS
from triplette.errors import TripletteError

ROOT = Path(__file__).parents[1]

CODE = """
import sys
sys.argv = ["t", *{arguments!r}]
from triplette.console import new_app, run_app, say, table
from triplette.errors import AnswersPending, BudgetReached, GateClosed, InputError, LanguageUnknown, ProofFailed
app = new_app("Help.")

@app.command()
def one(number: int = 1) -> int | None:
    {body}

@app.command()
def other() -> None:
    "Nothing."

run_app(app, "t")
"""


def run(body: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = CODE.format(body=body, arguments=list(arguments or ["one"]))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("error", "code"),
    [("InputError", 2), ("GateClosed", 3), ("BudgetReached", 4), ("ProofFailed", 5), ("LanguageUnknown", 6), ("AnswersPending", 7)],
)
def test_an_error_of_ours_is_one_message_with_cure_and_its_exit_code(error: str, code: int) -> None:
    result = run(f"raise {error}('it broke', where='file:3', cure='mend it')")
    assert result.returncode == code
    assert "error: file:3: it broke" in result.stderr
    assert "help: mend it" in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback() -> None:
    result = run("raise InputError('it broke')", "one", "--debug")
    assert "Traceback" in result.stderr


def test_ctrl_c_says_how_to_go_on() -> None:
    result = run("raise KeyboardInterrupt")
    assert result.returncode == 130
    assert "run the same command again" in result.stderr


def test_sigterm_ends_a_command_as_ctrl_c_does_with_its_own_code() -> None:
    result = run("import os, signal; os.kill(os.getpid(), signal.SIGTERM); import time; time.sleep(60)")
    assert result.returncode == 143
    assert "run the same command again" in result.stderr


def test_the_commands_page_names_every_exit_code_and_no_other() -> None:
    kinds = [TripletteError, *TripletteError.__subclasses__()]
    page = (Path(__file__).parents[1] / "docs/cli.md").read_text(encoding="utf-8")
    told = page[page.index("Exit codes:") : page.index("## synth")]
    assert {int(code) for code in re.findall(r"\b\d+\b", told)} == {kind.exit_code for kind in kinds} | {0, 1, 70, 130, 143}


def test_a_returned_number_is_the_exit_code() -> None:
    assert run("return 1").returncode == 1


def test_a_wrong_flag_is_named() -> None:
    result = run("pass", "one", "--nmber", "2")
    assert result.returncode == 2
    assert "--nmber" in result.stderr


def test_an_unforeseen_error_is_one_line_and_70() -> None:
    result = run("raise RuntimeError('deep')")
    assert result.returncode == 70
    assert "internal error: RuntimeError: deep" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_library_of_an_extra_that_is_absent_is_named_with_the_extra() -> None:
    result = run("raise ModuleNotFoundError('No module named torch', name='torch.nn')")
    assert result.returncode == 2
    assert "this needs torch.nn" in result.stderr
    assert "pip install 'triplette[models]'" in result.stderr


# what says itself that it is absent; and what Argilla's server brings into its own environment
ELSEWHERE = {"llama_index", "docling", "alembic", "argilla_server", "fakeredis", "redis", "rq", "sqlalchemy", "uvicorn"}


def test_every_library_that_is_imported_is_in_the_base_or_named_with_its_extra() -> None:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    base = {_same(re.split(r"[^\w.-]", line)[0]) for line in required}
    owners = packages_distributions()
    imported = {
        name.split(".")[0]
        for stage in ("triplette", "synth", "curate", "train", "export")
        for path in (ROOT / stage).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _names(node)
    } - {"triplette", *sys.stdlib_module_names}
    optional = {name for name in imported if not base & {_same(owner) for owner in owners.get(name, ())}}
    assert {"torch", "psutil"} < optional
    assert optional - set(" ".join(EXTRAS.values()).split()) <= ELSEWHERE


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module] if node.module and not node.level else []
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def _same(distribution: str) -> str:
    return re.sub("[-_.]+", "-", distribution).lower()


def test_a_library_that_reads_a_bundle_is_named_with_the_extra_that_has_no_torch() -> None:
    result = run("raise ModuleNotFoundError('No module named ai_edge_litert', name='ai_edge_litert.interpreter')")
    assert result.returncode == 2
    assert "pip install 'triplette[ask]'" in result.stderr


def test_another_missing_module_is_an_internal_error() -> None:
    result = run("raise ModuleNotFoundError('No module named synth.x', name='synth.x')")
    assert result.returncode == 70
    assert "internal error" in result.stderr


def test_text_from_a_document_is_not_markup() -> None:
    result = run("table('[red]t[/red]', ('a[b]',), [('[bold]x[/bold]',)]); say('[blink]y')")
    assert "[red]t[/red]" in result.stdout
    assert "[bold]x[/bold]" in result.stdout
    assert "[blink]y" in result.stderr


def test_without_a_terminal_progress_is_a_line_a_minute_with_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    from triplette.console import progress

    now = [0.0]
    with progress("fit", 100, clock=lambda: now[0]) as bar:
        for _ in range(10):
            now[0] += 20
            bar.advance()
        bar.describe("fit  loss 0.5")
        now[0] += 60
        bar.advance()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "fit: 3 of 100, about 32 minutes left",
        "fit: 6 of 100, about 31 minutes left",
        "fit: 9 of 100, about 30 minutes left",
        "fit  loss 0.5: 11 of 100, about 35 minutes left",
    ]


def test_without_a_terminal_long_waits_begin_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    from triplette.console import progress

    now = [0.0]
    with progress("read", 9, first=1, clock=lambda: now[0]) as bar:
        for _ in range(130):
            now[0] += 0.5
            bar.tick()
    assert capsys.readouterr().err.splitlines() == ["read: 0 of 9", "read: 0 of 9"]


@pytest.mark.parametrize(
    ("program", "typed", "meant"), [("synth", "wr", "write"), ("curate", "val", "validate"), ("train", "exp", "export")]
)
def test_the_shell_completes_commands(program: str, typed: str, meant: str) -> None:
    words = {f"_{program.upper()}_COMPLETE": "complete_bash", "COMP_WORDS": f"{program} {typed}", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", f"triplette.{program}"], capture_output=True, text=True, check=True, env={**os.environ, **words}
    )
    assert done.stdout.split() == [meant]


def test_a_table_breaks_no_word_and_becomes_paragraphs_where_the_screen_is_too_narrow() -> None:
    rows = [("no_near_duplicate_across_splits", "critical", "at least 32", 29, "NOT MET")]
    code = f"from triplette.console import table; table('Gates', ('gate', 'severity', 'wanted', 'observed', ''), {rows!r})"

    def shown(columns: int) -> str:
        environment = {**os.environ, "COLUMNS": str(columns)}
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment).stdout

    for columns in (76, 80, 120):
        assert "│ no_near_duplicate_across_splits │ critical │" in shown(columns)
        assert max(map(len, shown(columns).splitlines())) <= columns
    lines = [line.rstrip() for line in shown(60).splitlines()]
    assert lines[:2] == ["Gates", "no_near_duplicate_across_splits"]
    assert " ".join(map(str.strip, lines[2:])) == "severity critical · wanted at least 32 · observed 29 · NOT MET"


def test_a_long_line_is_wrapped_between_words_and_cannot_pass_for_two_lines() -> None:
    from triplette.lines import wrapped

    text = "  negative: t2e93307cd6a13407 Le droit au roque disparaît-il définitivement ?" + " encore" * 20
    rows = wrapped(text, 40)
    assert all(len(row) <= 40 for row in rows)
    assert rows[0].startswith("  negative")
    assert all(row.startswith(" " * 6) for row in rows[1:])
    assert " ".join(" ".join(rows).split()) == " ".join(text.split())
    assert wrapped("   " + "x" * 50, 40) == ["   " + "x" * 50]
    assert wrapped("", 40) == [""]
