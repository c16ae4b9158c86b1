"""Cross-references lead to the passage where the named number begins, or nowhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from triplette.export.index import read_refs, write_index
from triplette.records import Chunk
from triplette.rundir import RunDir
from triplette.settings.synth import ChunkSettings
from triplette.synth.chunk import chunk_corpus, load_chunks
from triplette.synth.refs import references, resolve_references
from triplette.tables import records_of, table_of


def passage(text: str, title: str, source: str, *articles: str, code: str = "fr") -> Chunk:
    return Chunk.make(
        text=text, title=title, source=source, articles=articles, page_start=1, page_end=1, char_start=0, char_end=len(text),
        tokens=9, tokenizer="estimate", language=code,
    )  # fmt: skip


def named(chunks: list[Chunk]) -> list[list[str]]:
    """The texts that each chunk refers to."""
    text = {chunk.id: chunk.text for chunk in chunks}
    return [[text[other] for other in chunk.refs] for chunk in records_of(resolve_references(table_of(chunks, Chunk)), Chunk)]


def test_a_number_is_a_reference_only_after_a_word_that_marks_one() -> None:
    told = "Voir articles 3.1, 3.2 et 4 ; § 2.6 aussi, mais 30 minutes, 2 joueurs et l'article 15 % ne le sont pas."
    assert [number for number, _, _ in references(told, "fr")] == ["3.1", "3.2", "4", "2.6"]
    assert [number for number, _, _ in references("Véase el artículo 4.2 y 5, en 30 minutos.", "es")] == ["4.2", "5"]
    assert [number for number, _, _ in references("See rules 7 and 9.1, within 30 days.", "en")] == ["7", "9.1"]


def test_a_reference_leads_to_the_nearest_passage_under_the_same_headings() -> None:
    chunks = [
        passage("Premier 3.1", "Code > Partie A", "a.txt", "3.1"),
        passage("Cite l'article 3.1 ici.", "Code > Partie B", "a.txt", "2"),
        passage("Autre 3.1", "Code > Partie B", "a.txt", "3.1"),
        passage("Cite l'article 9.9 en vain, et l'article 5 qui est le sien.", "Code > Partie B", "a.txt", "5"),
    ]
    assert named(chunks) == [[], ["Autre 3.1"], [], []]


def test_another_document_is_meant_where_its_title_stands_beside_the_number() -> None:
    chunks = [
        passage("Règle 8 de la coupe. Voir Règles Générales, article 2.", "COUPE", "c.txt", "8"),
        passage("Le 2 de la coupe.", "COUPE", "c.txt", "2"),
        passage("Le 2 des règles.", "RÈGLES GÉNÉRALES POUR LES COMPÉTITIONS > 2. Statut", "r.txt", "2"),
        passage("Selon l'article 6.2 des statuts.", "RÈGLES GÉNÉRALES POUR LES COMPÉTITIONS > 6. Fin", "r.txt", "6"),
        passage("Le 6.2 du même texte.", "RÈGLES GÉNÉRALES POUR LES COMPÉTITIONS > 6. Fin", "r.txt", "6.2"),
        passage("Le 6.2 des statuts.", "STATUTS > Assemblée", "s.txt", "6.2"),
    ]
    assert named(chunks) == [["Le 2 des règles."], [], [], ["Le 6.2 des statuts."], [], []]


def test_two_documents_whose_titles_begin_alike_are_neither_meant() -> None:
    chunks = [
        passage("Voir le championnat des clubs, article 3.", "RÈGLES", "r.txt", "1"),
        passage("Le 3 des règles.", "RÈGLES", "r.txt", "3"),
        passage("A", "CHAMPIONNAT DES CLUBS", "a.txt", "3"),
        passage("B", "CHAMPIONNAT DES CLUBS", "b.txt", "3"),
    ]
    assert named(chunks)[0] == ["Le 3 des règles."]


def test_chunking_keeps_the_references_and_the_index_carries_them(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    long = "Le joueur au trait arrête la pendule et appelle l'arbitre sans attendre la fin de la ronde suivante. " * 3
    (corpus / "a.md").write_text(f"# Règlement\n\n## Article 1 : Retard\n\n{long}\n\n## Article 2 : Appel\n\nVoir article 1. {long}")
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, corpus, ChunkSettings(target_tokens=128))
    chunks = load_chunks(run)
    citing = next(number for number, chunk in enumerate(chunks) if "Voir article 1" in chunk.text)
    target = next(number for number, chunk in enumerate(chunks) if "1" in chunk.articles)
    assert chunks[citing].refs == (chunks[target].id,)
    index = tmp_path / "index.sqlite"
    write_index(index, chunks, np.eye(len(chunks), 8, dtype=np.float32) + 0.1, {})
    assert read_refs(index, citing) == [target]
    assert read_refs(index, target) == []
    with closing(sqlite3.connect(index)) as connection:
        connection.execute("DROP TABLE refs")
        connection.commit()
    assert read_refs(index, citing) == []  # an older bundle
