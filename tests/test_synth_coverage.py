"""Coverage can fail: what a second reader finds and no chunk holds is counted, named, warned of and shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_maker import Page, write_pdf

from triplette.errors import InputError
from triplette.records import Chunk, Coverage
from triplette.rundir import RunDir
from triplette.settings.synth import ChunkSettings
from triplette.synth.chunk import chunk_corpus, load_chunks
from triplette.synth.cut import cut_blocks
from triplette.synth.facing import show_document
from triplette.synth.ingest import Structured, structure
from triplette.synth.ingest.coverage import lost_words, measure
from triplette.synth.ingest.document import Document, cured
from triplette.synth.ingest.witness import witness
from triplette.synth.reading import read_one
from triplette.tables import read_records
from triplette.tokens import EstimatedTokens

COUNTER = EstimatedTokens()
FIRST = "Le gardien ouvre la grille à huit heures du matin. Il la referme au coucher du soleil en été.\n"
SECOND = "Les visiteurs laissent leurs sacs à la consigne de l'entrée. Un jeton leur est remis en échange.\n"


def chunks_of(text: str) -> tuple[Structured, list[Chunk]]:
    """A plain document and its chunks."""
    structured = structure(Document("a.txt", text, "pages"))
    return structured, cut_blocks(structured.blocks, "a.txt", ChunkSettings(), COUNTER)[0]


def chunk_of(text: str, *, source: str = "a.txt", page_end: int = 1) -> Chunk:
    """A chunk without a title that begins on page 1."""
    return Chunk.make(
        text=text,
        title="",
        source=source,
        articles=(),
        page_start=1,
        page_end=page_end,
        char_start=0,
        char_end=1,
        tokens=1,
        tokenizer="x",
    )


def test_a_document_that_is_whole_is_fully_covered() -> None:
    structured, chunks = chunks_of(FIRST + "\n" + SECOND)
    found = measure(structured, chunks, (), FIRST + SECOND, "another")
    assert (found.word_share, found.sentence_share, found.lost, found.witness) == (1.0, 1.0, (), "another")


def test_what_the_reader_itself_left_out_is_lost() -> None:
    structured, chunks = chunks_of(FIRST)
    found = measure(structured, chunks, (), FIRST + SECOND, "another")
    assert found.words_held / found.words == pytest.approx(0.5, abs=0.1)
    assert (found.sentences, found.sentences_whole) == (4, 2)
    assert "consigne" in found.lost


def test_columns_read_across_keep_their_words_and_lose_their_sentences() -> None:
    spliced = "\n".join(f"{a} {b}" for a, b in zip(FIRST.split(), SECOND.split(), strict=False))
    structured, chunks = chunks_of(spliced)
    found = measure(structured, chunks, (), FIRST + SECOND, "another")
    assert found.word_share > 0.9
    assert found.sentence_share == 0.0


def test_furniture_dropped_on_purpose_is_counted_by_kind_and_is_no_loss() -> None:
    bodies = ["Le lac gèle en janvier certaines années.", "Un ponton mène à la cabane du pêcheur."]
    bodies += ["Le canot est rangé sous les saules.", "La rive nord reste interdite aux barques."]
    text = "\f".join(f"Guide du lac\n\n{body}\n\nPage {number}\n" for number, body in enumerate(bodies, 1))
    structured, chunks = chunks_of(text)
    found = measure(structured, chunks, (), text, "another")
    assert found.word_share == 1.0
    assert found.sentence_share == 1.0
    assert any(item.startswith("header ") for item in found.dropped)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("le lac la rive un canot gèle dort 12 où été".split()), max_size=60), st.integers(0, 60))
def test_the_words_of_a_cut_text_are_lost_exactly(words: list[str], cut: int) -> None:
    kept = chunk_of(" ".join(words[:cut]))
    assert sum(lost_words(words, [kept])) == len(words[cut:])


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("l'au\u00adto\u00adri\u00adsa\u00adtion", "l'autorisation"),
        ("dif\ufb01cile o\ufb00re a\ufb04ux", "difficile offre afflux"),
        ("une auto\u00ad\nrisation écrite", "une autorisation\nécrite"),
        ("mot\u200bs", "mots"),
    ],
)
def test_soft_hyphens_and_ligatures_are_cured_for_every_format(text: str, cure: str, tmp_path: Path) -> None:
    assert cured(text) == cure
    (tmp_path / "a.txt").write_text(f"{FIRST}\n{text}\n{SECOND}", encoding="utf-8")
    read = read_one(tmp_path / "a.txt", tmp_path, "a.txt", ChunkSettings())
    assert not set("\u00ad\u200b\ufb00\ufb01\ufb04") & set(" ".join(read.rows["text"].to_pylist()))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso8859-15", "cp1252", "utf-8-sig"])
def test_a_witness_of_text_tells_its_encoding_too(tmp_path: Path, encoding: str) -> None:
    text = "La grille est fermée à huit heures dès l'été, et chaque élève rend son gilet. " * 4
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert (witness(tmp_path / "a.txt") or "").lstrip("\ufeff") == text


def test_a_witness_reads_text_and_pdf_with_another_library(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(FIRST.encode("cp1252") * 3)
    assert "fermée" not in (witness(tmp_path / "a.txt") or "")
    assert "à huit heures" in (witness(tmp_path / "a.txt") or "")
    pages = [Page().lines(50, 760, FIRST.split(". ")), Page().lines(50, 760, SECOND.split(". "))]
    told = witness(write_pdf(tmp_path / "a.pdf", pages)) or ""
    assert "consigne" in told.split("\f")[1]


def test_the_run_keeps_the_figures_of_every_document(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.txt").write_text(FIRST + "\n" + SECOND, encoding="utf-8")
    write_pdf(corpus / "b.pdf", [Page().lines(50, 760, FIRST.split(". "))])
    run = RunDir(tmp_path / "run")
    result = chunk_corpus(run, corpus, ChunkSettings())
    rows = read_records(run.path("coverage.parquet"), Coverage)
    assert [(row.source, row.witness) for row in rows] == [("a.txt", "charset-normalizer"), ("b.pdf", "pdfminer.six")]
    ledger = json.loads(run.path("ledger.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert ledger["counts"]["words"] == sum(row.words for row in rows)
    assert (result.coverage, result.worst) == (1.0, ())
    assert chunk_corpus(run, corpus, ChunkSettings()).unchanged


def test_a_document_read_badly_is_listed_worst_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name, limit in (("a", 1.0), ("b", 1.0)):
        (corpus / f"{name}.txt").write_text((FIRST + "\n" + SECOND) * int(limit) + "\n" * (name == "b"), encoding="utf-8")
    found = {
        "a.txt": FIRST + SECOND + "Un mot perdu. ",
        "b.txt": FIRST + SECOND + "Tout un chapitre que personne ne lit plus jamais. " * 5,
    }
    monkeypatch.setattr("triplette.synth.reading.witness", lambda path: found[path.name])
    result = chunk_corpus(RunDir(tmp_path / "run"), corpus, ChunkSettings())
    assert [source for source, _, _ in result.worst] == ["b.txt", "a.txt"]
    assert result.worst[0][1] < 0.6


def test_a_document_left_without_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(FIRST, encoding="utf-8")
    (tmp_path / "b.txt").write_text("SOMMAIRE\nLe lac .......... 2\nLa rive .......... 3\nLe canot .......... 4\n", encoding="utf-8")
    result = chunk_corpus(RunDir(tmp_path / "run"), tmp_path, ChunkSettings())
    assert len(result.failed) == 1
    assert "b.txt" in result.failed[0]
    assert "contents" in result.failed[0]
    assert result.documents == 1


def test_the_result_does_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number in range(6):
        (corpus / f"{number}.txt").write_text(
            "".join(f"Le canot numéro {n * number} est amarré au ponton.\n\n" for n in range(9000)), encoding="utf-8"
        )
    (corpus / "9.txt").write_bytes(b"\0\1binaire")
    several, one = RunDir(tmp_path / "two"), RunDir(tmp_path / "one")
    first = chunk_corpus(several, corpus, ChunkSettings(workers=2))
    second = chunk_corpus(one, corpus, ChunkSettings(workers=1))
    assert load_chunks(several) == load_chunks(one)
    assert first.failed == second.failed != ()


def test_the_page_shows_pages_facing_chunks_with_lost_words_marked(tmp_path: Path) -> None:
    pages = [Page().lines(50, 760, [*FIRST.split(". "), "<script>x</script>"]), Page().lines(50, 760, SECOND.split(". "))]
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    write_pdf(corpus / "a.pdf", pages)
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, corpus, ChunkSettings())
    whole = show_document(corpus, "a.pdf", load_chunks(run), tmp_path / "whole.html").read_text(encoding="utf-8")
    assert whole.count("nothing lost") == 2
    assert whole.count("data:image/jpeg;base64,") == 2
    assert "<script" not in whole
    assert "http" not in whole
    halved = [chunk_of(chunk.text.split("Les visiteurs")[0], source="a.pdf", page_end=2) for chunk in load_chunks(run)]
    torn = show_document(corpus, "a.pdf", halved, tmp_path / "torn.html").read_text(encoding="utf-8")
    assert torn.count("nothing lost") == 1
    assert "<i class=lost" in torn


def test_a_text_is_shown_with_lost_words_in_their_place(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(FIRST + "\n" + SECOND, encoding="utf-8")
    _, chunks = chunks_of(FIRST)
    shown = show_document(tmp_path, "a.txt", chunks, tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<mark class=lost>consigne</mark>" in shown
    assert "<mark class=lost>gardien</mark>" not in shown


def test_a_word_that_a_line_cuts_is_not_shown_as_lost(tmp_path: Path) -> None:
    lines = ["Le gardien ouvre la grille à huit heu-", "res du matin et la referme au cou-", "cher du soleil en été, sauf le dimanche."]
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    write_pdf(corpus / "a.pdf", [Page().lines(50, 760, lines)])
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, corpus, ChunkSettings())
    assert "nothing lost" in show_document(corpus, "a.pdf", load_chunks(run), tmp_path / "a.html").read_text(encoding="utf-8")


def test_a_document_that_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(FIRST, encoding="utf-8")
    with pytest.raises(InputError, match="no such document"):
        show_document(tmp_path, "b.txt", [], tmp_path / "b.html")
    with pytest.raises(InputError, match="no chunk"):
        show_document(tmp_path, "a.txt", [], tmp_path / "a.html")


def test_a_page_of_many_scattered_cells_is_checked_too(tmp_path: Path) -> None:
    page = Page()
    for number in range(450):
        page.text(20 + 55 * (number % 10), 810 - 17 * (number // 10), f"case{number}", 4)
    found = (witness(write_pdf(tmp_path / "a.pdf", [page])) or "").split()
    assert sorted(found) == sorted(f"case{number}" for number in range(450))


def test_the_second_reader_does_not_take_the_signs_of_a_dialect_for_lost_words(tmp_path: Path) -> None:
    text = (
        '# Refuge\n\n::: danger Orage\nOn quitte la crête avant midi.\n:::\n\n!!! tip "Le soir"\n    Le poêle s\'éteint à dix heures.\n\n'
        "> [!CAUTION]\n> Le pont est fermé en hiver.\n\nimport Carte from './carte';\n\nUn lit[^1] coûte 3*4*2 euros par an.\n\n[^1]: Sans draps.\n"
    )
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    found = read_one(tmp_path / "a.md", tmp_path, "a.md", ChunkSettings(language="fr")).coverage
    assert found is not None
    assert (found.witness, found.lost) == ("markup", ())
    assert found.sentences == found.sentences_whole == 4


@pytest.mark.parametrize(
    ("link", "said"), [("[[ports/nord|le port du nord]]", "le port du nord"), ("[[Charte]]", "Charte"), ("![[plan.PNG|300]]", "")]
)
def test_a_wiki_link_is_what_it_says_for_the_second_reader_too(link: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"# Rade\n\nOn demande un mouillage {link} avant midi.\n", encoding="utf-8")
    found = read_one(tmp_path / "a.md", tmp_path, "a.md", ChunkSettings(language="fr"))
    assert found.coverage is not None
    assert (found.coverage.lost, found.coverage.sentences_whole) == ((), 1)
    assert found.rows is not None
    assert found.rows["text"][0].as_py().split() == f"On demande un mouillage {said} avant midi.".split()
