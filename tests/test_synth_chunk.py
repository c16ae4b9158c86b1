"""Chunks: never over the limit, nothing lost, each document for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triplette.contract import CONTRACTS
from triplette.errors import InputError, MissingStage, SettingError
from triplette.records import Chunk, Coverage
from triplette.rundir import RunDir
from triplette.settings.synth import ChunkSettings
from triplette.synth.chunk import chunk_corpus, load_chunks
from triplette.synth.cut import cut_blocks
from triplette.synth.ingest import Block, read_document, structure
from triplette.synth.ingest.coverage import measure
from triplette.tokens import EstimatedTokens

SHARED = Path(__file__).parents[2] / "shared" / "data" / "ffe"
COUNTER = EstimatedTokens()
SENTENCE = "Le joueur au trait arrête la pendule et appelle l'arbitre. "


def block(text: str, headings: Sequence[str] = (), *, kind: str = "paragraph", header: str = "", start: int = 0) -> Block:
    """A block of page 1."""
    return Block(kind, text, tuple(headings), (), 1, 1, start, start + len(text), header)


def cost(chunk: Chunk) -> int:
    """Tokens of what the model reads for a chunk, special tokens included."""
    return COUNTER.count([CONTRACTS["embeddinggemma"].format_document(chunk.text, chunk.title)])[0] + 2


WORDS = st.text(alphabet="aàbéz0123456789.-–|#’'\u00a0", min_size=1, max_size=60)
TEXTS = st.lists(WORDS, min_size=1, max_size=80).map(" ".join)
TABLES = st.lists(st.lists(WORDS, min_size=1, max_size=4), min_size=1, max_size=8).map(
    lambda rows: "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows)
)
HEADINGS = st.lists(WORDS, max_size=3).map(tuple)
BLOCKS = st.lists(
    st.one_of(
        st.builds(block, TEXTS, HEADINGS),
        st.builds(lambda text, headings: block(text, headings, kind="table", header=text.split("\n")[0]), TABLES, HEADINGS),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BLOCKS, st.sampled_from([32, 64, 256]), st.sampled_from([0, 8, 15]), st.sampled_from([0, 24]))
def test_no_chunk_is_over_the_limit_and_no_word_is_lost(blocks: list[Block], limit: int, overlap: int, least: int) -> None:
    chosen = ChunkSettings(target_tokens=limit, overlap_tokens=overlap, min_tokens=least)
    chunks, repeated = cut_blocks(blocks, "a.txt", chosen, COUNTER)
    for chunk in chunks:
        assert cost(chunk) <= limit
        assert chunk.tokens == cost(chunk)
    told = Counter(c for part in blocks for c in part.text if c.isalnum())
    kept = Counter(c for text in [*(chunk.text for chunk in chunks), *repeated] for c in text if c.isalnum())
    assert told <= kept


def test_a_huge_paragraph_is_cut_between_sentences() -> None:
    text = SENTENCE * 60
    chunks = cut_blocks([block(text.strip(), ["Article 1"])], "a.txt", ChunkSettings(target_tokens=64), COUNTER)[0]
    assert len(chunks) == 1 or all(chunk.text.endswith(".") for chunk in chunks)
    assert all(cost(chunk) <= 64 for chunk in chunks)


def test_distinct_sentences_of_a_huge_paragraph_all_arrive_once() -> None:
    sentences = [f"Le joueur numéro {n} arrête la pendule et appelle l'arbitre." for n in range(80)]
    chunks = cut_blocks([block(" ".join(sentences))], "a.txt", ChunkSettings(target_tokens=64), COUNTER)[0]
    assert " ".join(chunk.text for chunk in chunks) == " ".join(sentences)


def test_a_table_is_split_by_row_and_each_part_has_its_header() -> None:
    header = "| Ronde | Blancs | Noirs |\n| --- | --- | --- |"
    rows = [f"| {n} | joueur {n} | joueuse {n} |" for n in range(40)]
    table = block("\n".join([header, *rows]), ["Appariements"], kind="table", header=header)
    chunks = cut_blocks([table], "a.md", ChunkSettings(target_tokens=128), COUNTER)[0]
    assert len(chunks) > 2
    assert all(chunk.text.startswith(header) for chunk in chunks)
    assert [row for chunk in chunks for row in chunk.text.split("\n")[2:]] == rows


@pytest.mark.parametrize(
    ("caption", "headings", "repeated"),
    [
        ("Tableau 3 : les tables de chaque ronde", ["Appariements"], True),
        ("Tableau 3 : les tables de chaque ronde", ["Autre partie"], False),  # another section's last line
        (SENTENCE * 4, ["Appariements"], False),  # a paragraph, and not a caption
    ],
)
def test_every_part_of_a_table_opens_with_the_short_line_before_it(caption: str, headings: list[str], repeated: bool) -> None:
    header = "| Ronde | Blancs | Noirs |\n| --- | --- | --- |"
    rows = [f"| {number} | joueur {number} | joueuse {number} |" for number in range(60)]
    table = block("\n".join([header, *rows]), ["Appariements"], kind="table", header=header, start=500)
    chunks = [
        chunk
        for chunk in cut_blocks([block(caption, headings), table], "a.md", ChunkSettings(), COUNTER, "fr")[0]
        if header in chunk.text
    ]
    assert len(chunks) > 3
    assert [chunk.text.startswith(f"{caption}\n{header}") for chunk in chunks[1:]] == [repeated] * (len(chunks) - 1)
    assert all(chunk.text.count(caption) == 1 for chunk in chunks if repeated)
    assert all(cost(chunk) <= ChunkSettings().target_tokens for chunk in chunks)
    assert [line for chunk in chunks for line in chunk.text.split("\n") if line in rows] == rows


def test_a_table_whose_caption_ended_the_passage_before_opens_with_it_too() -> None:
    caption, row = "Barème des amendes :", "| forfait simple d'une équipe en cours de saison, constaté par l'arbitre | 60 euros |"
    table = block("\n".join([row] * 1 + [row.replace("60", str(n)) for n in range(70, 74)]), ["Amendes"], kind="table", start=2000)
    text = block(SENTENCE * 9, ["Amendes"])
    for overlap in (0, 12):  # which would repeat the caption as the end of the passage before
        chosen = ChunkSettings(overlap_tokens=overlap)
        chunks = cut_blocks([text, block(caption, ["Amendes"], start=1500), table], "a.md", chosen, COUNTER, "fr")[0]
        assert [chunk.text.count(caption) for chunk in chunks] == [1, 1]
        assert chunks[1].text.startswith(caption)


def test_overlap_repeats_the_end_of_the_chunk_before_within_a_section_only() -> None:
    sentences = [f"Le joueur numéro {n} arrête la pendule." for n in range(40)]
    blocks = [block(sentence, ["A"]) for sentence in sentences] + [block("Autre section bien distincte de la première.", ["B"])]
    chunks = cut_blocks(blocks, "a.txt", ChunkSettings(target_tokens=96, overlap_tokens=20, min_tokens=0), COUNTER)[0]
    first, second = chunks[0], chunks[1]
    assert second.text.split("\n")[0] in first.text
    assert chunks[-1].text == "Autre section bien distincte de la première."
    assert all(cost(chunk) <= 96 for chunk in chunks)


def test_a_rest_too_small_is_joined_and_its_heading_comes_into_the_text() -> None:
    blocks = [block("Voir plus haut.", ["Règlement", "Annexe"]), block(SENTENCE.strip(), ["Règlement", "Forfait"])]
    (chunk,) = cut_blocks(blocks, "a.txt", ChunkSettings(min_tokens=24), COUNTER)[0]
    assert chunk.title == "Règlement"
    assert chunk.text == f"Annexe\nVoir plus haut.\nForfait\n{SENTENCE.strip()}"


def test_a_long_heading_path_is_shortened_from_outside() -> None:
    path = [" ".join(["dispositions"] * 12), " ".join(["particulières"] * 12), "Article 7"]
    (chunk,) = cut_blocks([block(SENTENCE, path)], "a.txt", ChunkSettings(target_tokens=128), COUNTER)[0]
    assert chunk.title == "Article 7"


def test_a_passage_that_repeats_under_one_title_is_kept_once_and_counted_apart(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.md").write_text("# A\n\n" + "\n\n".join([SENTENCE * 12, "Entre les deux. " * 20, SENTENCE * 12]), encoding="utf-8")
    result = chunk_corpus(RunDir(tmp_path / "run"), corpus, ChunkSettings(target_tokens=256))
    assert result.coverage == 1.0
    assert result.dropped.get("repeated", 0) > 0


def test_where_a_second_reader_finds_no_words_none_are_said_to_be_lost_or_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> Coverage:  # as of a scan, whose pages tesseract alone reads
        return Coverage("a.txt", "pdfminer.six", 0, 0, 0, 0, (), ())

    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.txt").write_text(SENTENCE * 12, encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr("triplette.synth.reading.measure", nothing)
        for again in (False, True):
            result = chunk_corpus(RunDir(tmp_path / "run"), corpus, ChunkSettings())
            assert (result.coverage, result.whole, result.unchanged) == (None, None, again)
            assert result.facts()["words in a chunk"].startswith("not checked")
    (corpus / "b.txt").write_text(SENTENCE * 13, encoding="utf-8")
    assert chunk_corpus(RunDir(tmp_path / "run"), corpus, ChunkSettings()).facts()["words in a chunk"] == "100.00 %"


def test_coverage_falls_when_a_paragraph_is_lost() -> None:
    structured = structure(read_document_text("# A\n\nUn deux trois quatre.\n\nCinq six sept huit."))
    chunks = cut_blocks(structured.blocks[:1], "a.md", ChunkSettings(), COUNTER)[0]
    covered = measure(structured, chunks)
    assert 0 < covered.words_held < covered.words


def read_document_text(text: str):  # type: ignore[no-untyped-def]
    """A Markdown document from text."""
    from triplette.synth.ingest.document import Document

    return Document(source="a.md", text=text, form="markdown")


# The stage


def corpus_of(folder: Path, **documents: str) -> Path:
    """A folder of Markdown documents."""
    folder.mkdir(exist_ok=True)
    for name, text in documents.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


def test_an_unreadable_document_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", a=f"# A\n\n{SENTENCE}")
    (corpus / "b.pdf").write_bytes(b"nothing like a PDF")
    (corpus / "c.txt").write_bytes("Le règlement du club d'échecs, côté pratique. Déjà prêt.".encode("cp1252"))
    run = RunDir(tmp_path / "run")
    result = chunk_corpus(run, corpus, ChunkSettings())
    assert result.documents == 2
    assert [line.split(":")[0] for line in result.failed] == ["b.pdf"]
    assert "help" in result.failed[0]
    assert any("c.txt" in note and "Windows-1252" in note for note in result.notes)
    (reject,) = [row for row in run.read_rejects() if row.step == "synth.chunk"]
    assert (reject.subject_id, reject.reason) == ("b.pdf", "unreadable")
    # an unchanged run says the same again
    again = chunk_corpus(run, corpus, ChunkSettings())
    assert again.unchanged
    assert tuple(again.failed) == result.failed


def test_nothing_readable_at_all_is_an_error(tmp_path: Path) -> None:
    corpus = tmp_path / "c"
    corpus.mkdir()
    (corpus / "b.pdf").write_bytes(b"nothing like a PDF")
    with pytest.raises(InputError, match=r"b\.pdf"):
        chunk_corpus(RunDir(tmp_path / "run"), corpus, ChunkSettings())


def test_editing_one_document_changes_only_its_own_chunks(tmp_path: Path) -> None:
    texts = {
        name: f"# {name}\n\n## Règle\n\n{SENTENCE}\n\n## Fin\n\nLa partie {name} est finie quand le mat est donné." for name in "abc"
    }
    corpus = corpus_of(tmp_path / "c", **texts)
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, corpus, ChunkSettings(min_tokens=0))
    before = {chunk.id: chunk for chunk in load_chunks(run)}
    corpus_of(corpus, b=texts["b"].replace("finie", "terminée"))
    chunk_corpus(run, corpus, ChunkSettings(min_tokens=0))
    after = {chunk.id: chunk for chunk in load_chunks(run)}
    assert {before[i].source for i in before.keys() - after.keys()} == {"b.md"}
    assert {after[i].source for i in after.keys() - before.keys()} == {"b.md"}
    assert {chunk.source for i, chunk in after.items() if i in before} == {"a.md", "b.md", "c.md"}


def test_the_same_corpus_gives_the_same_bytes(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", a=f"# A\n\n{SENTENCE}", b=f"# B\n\n{SENTENCE}")
    runs = [RunDir(tmp_path / name) for name in ("one", "two")]
    for run in runs:
        chunk_corpus(run, corpus, ChunkSettings())
    first, second = (run.path("chunks.parquet").read_bytes() for run in runs)
    assert first == second


def test_too_much_overlap_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="overlap"):
        chunk_corpus(RunDir(tmp_path), corpus_of(tmp_path / "c", a="x y z"), ChunkSettings(target_tokens=64, overlap_tokens=40))


def test_no_chunks_yet_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(MissingStage):
        load_chunks(RunDir(tmp_path))


@pytest.mark.skipif(not SHARED.exists(), reason="the federation's documents are not here")
def test_the_federations_documents_are_covered_and_within_the_limit(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    result = chunk_corpus(run, SHARED, ChunkSettings())
    chunks = load_chunks(run)
    assert result.documents == 28
    assert result.coverage
    assert result.coverage >= 0.99
    assert not result.failed
    assert max(cost(chunk) for chunk in chunks) <= 256
    # headings that were once table cells, moves and wrapped sentences
    titles = {part for chunk in chunks for part in chunk.title.split(" > ")}
    assert not {"ALMA", "P D R F C T"} & titles
    assert any(chunk.title.startswith("COUPE DE FRANCE > ") for chunk in chunks)
    assert sum("page 12 sur 227" in chunk.text for chunk in chunks) == 0


def test_real_documents_are_read_from_the_disk(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", a="# A\n\nTexte.")
    assert read_document(corpus / "a.md", corpus).source == "a.md"
