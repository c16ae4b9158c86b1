"""A language stands in its folder and a domain in its profile: no other source can say a word of French or of chess."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from triplette.languages.text import fold

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("synth", "curate", "train", "export", "triplette") for path in (ROOT / folder).rglob("*.py"))
# Words that English does not have too (as "page", "article", "section", "public", "date", "pour" or "a" are).
FRENCH = frozenset(
    """
    le la les du une aux est sont dans avec qui que quel quelle quand comment combien pourquoi doit peut cette ces leur selon chapitre annexe livre
    partie titre sommaire reglement alinea paragraphe oui non reponse terme termes regle personne jamais aucun votre
    """.split()
)
CHESS = frozenset(
    """
    arbitre arbitres joueur joueurs adversaire echecs echiquier ffe fide elo roque pion pendule cadence tournoi blitz appariement
    chess arbiter arbiters castling checkmate grandmaster
    """.split()
)
# Names that programs give to styles and to documents without a title are facts of their file formats, in many languages. Texts for tokenizers
# must be awkward in as many. "le" is a byte order's part. French has a few of chess's words for other things, or nouns that look like infinitives.
FACTS = {
    "synth/ingest/docx_styles.py": {"titre"},
    "synth/ingest/metadata.py": {"titre"},
    "synth/ingest/encoding.py": {"le"},
    "synth/ingest/witness.py": {"le"},
    "triplette/languages/fr/documents.py": {"arbitre", "echiquier"},
    "triplette/languages/fr/rules/figures.py": {"cadence"},
    "export/tokenizers/build.py": FRENCH | CHESS,
}


def strings_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, string) of a module, docstrings apart: they are what a run can say or look for."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


def foreign(source: str, words: frozenset[str], known: frozenset[str] | set[str] = frozenset()) -> list[str]:
    """The words of the list that a source's strings hold, each with its line."""
    return [
        f"{line}: {word}"
        for line, text in strings_of(ast.parse(source))
        for word in sorted((words - known) & set(re.findall(r"[^\W\d_]+", fold(text).lower())))
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_source_outside_its_folder_says_a_word_of_french_or_chess(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    known = FACTS.get(name, set())
    if not name.startswith("triplette/languages/"):
        assert not foreign(path.read_text(encoding="utf-8"), FRENCH, known)
    if not name.startswith("triplette/languages/identify"):
        assert not foreign(path.read_text(encoding="utf-8"), CHESS, known)


def test_the_scan_sees_strings_and_no_docstrings() -> None:
    source = '"""Le joueur."""\nTEXT = "Quel arbitre ?"\n'
    assert foreign(source, FRENCH) == ["2: quel"]
    assert foreign(source, CHESS) == ["2: arbitre"]
