"""Documentation that cannot rot: the command page is the commands' own help, and every command helps."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from triplette.curate.decisions import AUTOMATIC, SOURCES
from triplette.curate.judge.judge import INPUTS as JUDGED
from triplette.curate.same.dedup import NEEDED

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "transformers", "sentence_transformers", "datasets", "great_expectations", "argilla", "faiss", "sklearn", "pandas")


def cli_writer() -> Any:
    spec = importlib.util.spec_from_file_location("write_cli", ROOT / "docs" / "write_cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WRITER = cli_writer()
COMMANDS = [(name, command) for program in WRITER.PROGRAMS for name, command, _ in WRITER.commands(program)]


def test_the_command_page_is_what_the_commands_say() -> None:
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == WRITER.render(), "stale: run `make docs`"


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_has_help_and_an_example(name: str, command: Any) -> None:
    assert len(command.help or "") > 15
    if not getattr(command, "commands", None):
        assert f"Example: {name}" in command.help, f"{name} has no example that begins with its own name"
    undocumented = [option.name for option in command.params if option.param_type_name == "option" and not option.help]
    assert not undocumented


@pytest.mark.parametrize("program", WRITER.PROGRAMS)
def test_help_loads_no_heavy_library(program: str) -> None:
    code = (
        f"import sys; sys.argv = [{program!r}, '--help']\n"
        f"from {program}.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "Usage:" in output
    assert "HEAVY []" in output


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")]), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_changelog_and_the_licence_are_there() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()


def test_every_page_of_docs_has_a_place_on_the_site() -> None:
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").glob("**/*.md")}
    placed = set(re.findall(r"^ +- (?:.*: )?([\w./-]+\.md)$", site, re.MULTILINE))
    assert sorted(pages - placed) == [], "`make site` would fail: name the page in mkdocs.yml, under nav"


@pytest.mark.parametrize("page", ["README.md", "docs/curation.md"])
def test_the_number_of_expectations_that_a_page_names_is_theirs(page: str) -> None:
    suites = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "expectations").glob("*.json"))]
    count = sum(len(table) for suite in suites for table in suite["tables"].values())
    told = re.findall(r"(\d+) expectations", (ROOT / page).read_text(encoding="utf-8"))
    assert told
    assert set(told) == {str(count)}


def test_what_the_readme_says_the_demo_prints_is_printed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "triplette.synth", "generate", "--corpus", "fr_rules", "--run", str(tmp_path / "run")]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "80"}).stdout
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = page[page.index("$ make demo    #") :].split("\n", 1)[1].split("```")[0]
    rows, texts = shown.split("\n...\n")
    cells = re.compile(r"^│ +(.+?) *│ +(\S.*?) *│", re.MULTILINE)
    told = {row for row in cells.findall(rows) if row[0] != "seconds"}
    assert len(told) > 4
    assert told <= set(cells.findall(printed))
    for piece in texts.split("[...]"):
        assert " ".join(piece.split()) in " ".join(printed.split())


@pytest.mark.parametrize(("stage", "required"), [("judge", JUDGED), ("dedup", NEEDED), ("build", (*SOURCES, *AUTOMATIC))])
def test_a_stage_of_dvc_yaml_waits_for_every_file_that_its_command_requires(stage: str, required: tuple[str, ...]) -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert set(stages[stage]["deps"]) == {f"${{run}}/{name}" for name in required}
    made = {out if isinstance(out, str) else next(iter(out)) for other in stages.values() for out in other["outs"]}
    assert set(stages[stage]["deps"]) <= made
