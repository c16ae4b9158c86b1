"""The sample corpus holds what the project claims of it, and every gold question finds its paragraph.

The corpus is read with the project's own ingestion, so a format slip in a rule file shows here and not in somebody's run.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from triplette.profile import load_profile
from triplette.records import DIFFICULTIES, Chunk
from triplette.resolve import ChunkIndex
from triplette.rundir import RunDir
from triplette.settings.synth import ChunkSettings
from triplette.synth.chunk import ChunkResult, chunk_corpus, load_chunks

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "fr_rules"
CHESS = load_profile("chess-fr")
GOLD = ROOT / "gold" / "fr_rules.jsonl"
OFFICIAL = Path(__file__).parents[2] / "shared" / "data" / "ffe"
COPIED = 12  # consecutive words shared with an official text are taken for a copied sentence
PARROTED = 9  # consecutive words shared with its own paragraph: the question quotes instead of asking
_PARAGRAPH = re.compile(r"^\*\*([A-Z0-9.]+)\*\* (.+)$", re.MULTILINE)


class Chunked(NamedTuple):
    """The corpus as the ingestion sees it."""

    result: ChunkResult
    chunks: list[Chunk]
    index: ChunkIndex


@pytest.fixture(scope="module")
def chunked(tmp_path_factory: pytest.TempPathFactory) -> Chunked:
    """fr_rules read once for the whole file."""
    run = RunDir(tmp_path_factory.mktemp("corpus") / "run")
    result = chunk_corpus(run, CORPUS, ChunkSettings())
    chunks = load_chunks(run)
    return Chunked(result, chunks, ChunkIndex(chunks))


def paragraphs() -> list[tuple[str, str, str]]:
    """(file, article, text) of every numbered paragraph."""
    files = sorted(CORPUS.glob("*.md"))
    return [(path.name, *match.groups()) for path in files for match in _PARAGRAPH.finditer(path.read_text("utf-8"))]


def gold_rows() -> list[dict[str, Any]]:
    """The gold questions, in the order of their file."""
    return [json.loads(line) for line in GOLD.read_text("utf-8").splitlines()]


def words(text: str) -> list[str]:
    """Lower-case words without accents or punctuation."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("œ", "oe")).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z0-9]+", plain)


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    """Every run of ``length`` consecutive words."""
    found = words(text)
    return {tuple(found[i : i + length]) for i in range(len(found) - length + 1)}


def test_the_corpus_has_its_promised_size() -> None:
    found = paragraphs()
    assert len(found) >= 150
    assert sum(len(text) for _, _, text in found) >= 100_000


def test_the_corpus_folder_holds_rule_files_only() -> None:
    assert all(re.match(r"\d\d-[a-z0-9-]+\.md$|triplette\.toml$", path.name) for path in CORPUS.iterdir())


def test_every_file_has_one_title_and_sections() -> None:
    for path in CORPUS.glob("*.md"):
        lines = path.read_text("utf-8").splitlines()
        assert sum(line.startswith("# ") for line in lines) == 1, path.name
        assert any(line.startswith("## ") for line in lines), path.name


def test_every_line_of_text_is_a_numbered_paragraph() -> None:
    for path in CORPUS.glob("*.md"):
        for line in path.read_text("utf-8").splitlines():
            assert not line or line.startswith(("# ", "## ")) or _PARAGRAPH.match(line), f"{path.name}: {line[:60]}"


def test_article_numbers_are_unique_in_the_corpus() -> None:
    counts = Counter(article for _, article, _ in paragraphs())
    assert [article for article, n in counts.items() if n > 1] == []


def test_paragraphs_are_neither_stubs_nor_walls() -> None:
    assert [(file, article) for file, article, text in paragraphs() if not 150 <= len(text) <= 900] == []


def test_the_corpus_is_covered_and_no_chunk_is_over_the_limit(chunked: Chunked) -> None:
    assert chunked.result.failed == ()
    assert chunked.result.coverage
    assert chunked.result.coverage >= 0.99
    assert chunked.result.longest <= ChunkSettings().target_tokens


def test_every_article_is_held_by_exactly_one_document(chunked: Chunked) -> None:
    for file, article, _ in paragraphs():
        found = chunked.index.resolve({"source": file, "article": article})
        assert all(article in chunk.articles for chunk in found)  # resolve raises when there is none
        assert {chunk.source for chunk in chunked.chunks if article in chunk.articles} == {file}


def test_gold_is_large_spread_and_without_duplicates() -> None:
    rows = gold_rows()
    assert len(rows) >= 180
    assert len({" ".join(words(row["question"])) for row in rows}) == len(rows)
    assert {row["source"] for row in rows} == {path.name for path in CORPUS.glob("*.md")}
    assert max(Counter(row["source"] for row in rows).values()) <= len(rows) / 10


def test_gold_vocabulary_is_valid_and_mixed() -> None:
    rows = gold_rows()
    for key, allowed in (("kind", CHESS.asked_kinds), ("persona", CHESS.persona_names), ("difficulty", DIFFICULTIES)):
        assert set(Counter(row[key] for row in rows)) == set(allowed), key
        assert min(Counter(row[key] for row in rows).values()) >= 10, key


def test_gold_questions_stand_alone_and_end_with_a_mark() -> None:
    pointing = re.compile(r"\b(cet|cette|cet?) (article|texte|paragraphe|document)\b|selon le texte", re.IGNORECASE)
    for row in gold_rows():
        assert row["question"][-1] in "?.!", row["question"]
        assert len(words(row["question"])) >= 5, row["question"]
        assert not pointing.search(row["question"]), row["question"]


def test_every_gold_row_resolves_to_a_chunk_with_its_article(chunked: Chunked) -> None:
    for row in gold_rows():
        for target in (row, *row.get("also", [])):
            found = chunked.index.resolve({**target, "question": row["question"]})
            assert target["article"] in found[0].articles, row["question"]


def test_gold_questions_do_not_parrot_their_paragraph() -> None:
    texts = {(file, article): text for file, article, text in paragraphs()}
    for row in gold_rows():
        shared = runs(row["question"], PARROTED) & runs(texts[row["source"], row["article"]], PARROTED)
        assert not shared, row["question"]


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official texts are not part of the project")
def test_no_sentence_is_copied_from_the_official_texts() -> None:
    official: set[tuple[str, ...]] = set()
    for path in OFFICIAL.glob("*.txt"):
        official |= runs(path.read_text("utf-8", errors="replace"), COPIED)
    copied = [(path.name, run) for path in CORPUS.glob("*.md") for run in runs(path.read_text("utf-8"), COPIED) & official]
    assert copied == []
