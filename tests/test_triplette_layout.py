"""The house: imports run one way, and files and functions stay readable. What `make lint` must refuse is planted here, and refused."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STAGES = ("synth", "curate", "train", "export")
TOP = {
    ".ci", ".github", "benchmarks", "curate", "docs", "expectations", "export", "fr_rules", "gold", "notebooks",
    "profiles", "synth", "tests", "train", "triplette",
}  # fmt: skip
MOST_LINES, MOST_OF_A_FUNCTION = 400, 60
LONG = {
    "benchmarks/mutation.py": "one tool in one file, so that it can be copied out of the tree it mutates",
    "benchmarks/validate.py:make_run": "a table of made rows, field by field",
}

# what a contract must refuse: the importing module, the imported one, and a word of the contract that says so
PLANTED = [
    ("triplette/synth/chunk.py", "triplette.curate.decisions", "training calls export"),
    ("triplette/curate/decisions.py", "triplette.synth.chunk", "training calls export"),
    ("triplette/similar.py", "triplette.synth.show", "training calls export"),
    ("triplette/hashing.py", "triplette.languages", "training calls export"),
    ("triplette/languages/text.py", "triplette.ranking.bm25", "training calls export"),
    ("triplette/export/bundle.py", "triplette.train.fit", "training calls export"),
    ("triplette/train/data.py", "triplette.curate.quota", "know no earlier stage"),
    ("triplette/export/card.py", "triplette.synth.write", "know no earlier stage"),
    ("triplette/train/merge.py", "triplette.export.bundle", "only train run"),
    ("triplette/synth/reading.py", "triplette.synth.chunk", "no import circle"),  # chunk imports reading
]


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What lint-imports says of a copy of the package in which every import of ``PLANTED`` stands."""
    root = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "triplette", root / "triplette", ignore=lambda folder, names: [n for n in names if _is_data(folder, n)])
    shutil.copy(ROOT / "pyproject.toml", root)
    for file, imported, _ in PLANTED:
        with (root / file).open("a", encoding="utf-8") as stream:
            stream.write(f"\nimport {imported}\n")
    script = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [script, "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "400"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    return done.stdout


def _is_data(folder: str, name: str) -> bool:
    return name == "__pycache__" or not (name.endswith(".py") or Path(folder, name).is_dir())


@pytest.mark.parametrize(("file", "imported", "contract"), PLANTED)
def test_an_import_against_the_house_is_refused_by_its_contract(refused: str, file: str, imported: str, contract: str) -> None:
    importer = file.removesuffix(".py").replace("/", ".")
    (said,) = (part for part in _by_contract(refused) if contract in part.splitlines()[0])
    if contract == "no import circle":
        stage = importer.rsplit(".", 1)[0]
        assert f"No cycles are allowed in {stage}." in said
        assert importer.removeprefix(stage) in said
    else:
        assert f"- {importer} -> {imported} (l." in " ".join(said.split())


def _by_contract(text: str) -> list[str]:
    """What is said of each broken contract: its name, a line of dashes, and its chains."""
    lines = text.split("Broken contracts")[1].splitlines()
    heads = [at for at, line in enumerate(lines[1:]) if lines[at + 1].startswith("--") and line and lines[at]]
    return ["\n".join(lines[start:stop]) for start, stop in pairwise([*heads, len(lines)])]


def _sources() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / name for name in listed if name.split("/")[0] in ("triplette", "benchmarks", *STAGES)]


def test_a_file_tells_one_story_and_a_function_fits_on_a_screen() -> None:
    long = {}
    for path in _sources():
        name, text = str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        if text.count("\n") > MOST_LINES:
            long[name] = text.count("\n")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.body[0].lineno + 1  # a command's options stand in its signature: not counted
                if lines > MOST_OF_A_FUNCTION:
                    long[f"{name}:{node.name}"] = lines
    assert long.keys() == LONG.keys(), "shorten what is new here, and take from LONG what was shortened"


def test_an_array_says_what_it_holds_by_a_name_of_arrays_py() -> None:
    """mypy follows numpy's types, but for it a bare ``ndarray`` holds anything; a type that is spelt out may be spelt in two ways."""
    found = []
    for path in _sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        spelt = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        spelt += [ast.unparse(hint) for node in ast.walk(tree) for hint in _hints(node)]
        found += [f"{path.relative_to(ROOT)}: {text}" for text in spelt if re.search(r"\bndarray\b|NDArray|numpy\.typing", text)]
    assert found == ["triplette/arrays.py: from numpy.typing import NDArray"]


def _hints(node: ast.AST) -> list[ast.expr]:
    """The annotations of a node."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        return [hint for hint in (*(arg.annotation for arg in given if arg), node.returns) if hint]
    return [node.annotation] if isinstance(node, ast.AnnAssign) else []


# where a library is silenced whole, and why
SILENCED = {
    "curate/validation/checkpoint.py": "the expectation library warns of its own parts while it is loaded",
    "export/quiet.py": "the conversion libraries warn by the page",
}


def test_a_warning_that_is_let_pass_is_named_with_its_message_and_where_it_comes_from() -> None:
    pytest_options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    first, *others = pytest_options["filterwarnings"]
    assert first == "error"
    assert [text for text in others if not re.fullmatch(r"ignore:[^:]{20,}:\w+Warning:[\w.]+", text)] == []
    loose, silenced = [], set()
    for path in (*_sources(), *sorted((ROOT / "tests").glob("*.py"))):
        for call in (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)):
            name, given = ast.unparse(call.func), " ".join(map(ast.unparse, (*call.args, *call.keywords)))
            if name.endswith("simplefilter"):
                silenced.add(str(path.relative_to(ROOT)))
            bare = "message=" not in given if name.endswith("warnings.filterwarnings") else given.count(":") < 2
            if name.endswith(("warnings.filterwarnings", "mark.filterwarnings")) and bare:
                loose.append(f"{path.name}: {given}")
    assert loose == []
    assert silenced == SILENCED.keys()


def test_what_git_ignores_is_in_no_image() -> None:
    left_out = {line.removeprefix("**/") for line in (ROOT / ".dockerignore").read_text().split("\n") if line and line[0] != "#"}
    ignored = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split("\n") if line and line[0] != "#"}
    assert ignored <= left_out
    assert not {"triplette", "docs", "README.md", "LICENSE", "pyproject.toml", "constraints.txt", *STAGES} & left_out


def test_the_top_level_folders_stay_and_the_package_links_to_them() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert {name.split("/")[0] for name in listed if "/" in name} == TOP
    for name in (*STAGES, "expectations", "profiles"):
        assert (ROOT / "triplette" / name).resolve() == ROOT / name
