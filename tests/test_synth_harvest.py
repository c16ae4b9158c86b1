"""Questions that a document asks and answers itself: found where the answer follows, used as gold or for training, never both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from triplette.curate.dataset.gold import read_gold
from triplette.profile import run_profile
from triplette.records import Question
from triplette.rundir import RunDir
from triplette.settings.llm import LlmSettings
from triplette.settings.synth import ChunkSettings
from triplette.settings.write import WriteSettings
from triplette.synth.chunk import chunk_corpus, load_chunks
from triplette.synth.harvesting import GOLD_FILE, load_harvest
from triplette.synth.reading import read_one
from triplette.synth.write import write_questions
from triplette.tables import read_records

FAQ = """# Foire aux questions

Quand rendre le vélo loué ?

## 1. Comment louer un vélo ?

Le client présente une carte d'identité et verse une caution au comptoir.

## Que faire en cas de vol ?

## Tarifs

Le tarif est de quatre euros par jour.

**Q :** Peut-on rendre le vélo dans une autre agence ?

**R :** Oui, le client rend le vélo dans toute agence du réseau.

<details><summary>Qui répare une crevaison ?</summary>

L'agence répare la crevaison sans frais pour le client.

</details>
"""
PAGE = """<h1>Aide</h1><ul><li>Où est le guichet ?</li></ul><button aria-expanded="false">Où est le guichet ?</button>
<div><p>Le guichet est au premier étage, à droite.</p></div><dl><dt>Quels jours est-il ouvert ?</dt><dd>Il ouvre du lundi au samedi.</dd></dl>"""
PLAIN = "RÈGLES DU PRÊT\n\nQ : Combien de livres peut-on prendre ?\nR : L'abonné prend cinq livres à la fois.\n\nQ : Et le dimanche, est-ce ouvert ?\n\n"


@pytest.fixture
def chunked(tmp_path: Path) -> RunDir:
    """A run over a FAQ in three formats."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "faq.md").write_text(FAQ, encoding="utf-8")
    (corpus / "aide.html").write_text(f"<meta charset='utf-8'><body>{PAGE}</body>", encoding="utf-8")
    (corpus / "pret.txt").write_text(PLAIN, encoding="utf-8")
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, corpus, ChunkSettings(min_tokens=0))
    return run


def write(run: RunDir, mode: str) -> list[Question]:
    """The questions that the rules write with a choice for the documents' own."""
    write_questions(run, WriteSettings(harvest=mode), LlmSettings())
    return read_records(run.path("questions.parquet"), Question)


def test_questions_are_found_only_where_their_answer_follows(chunked: RunDir) -> None:
    chunks = {chunk.id: chunk for chunk in load_chunks(chunked)}
    found = {row.question: row for row in load_harvest(chunked, list(chunks.values()))}
    assert set(found) == {
        "Comment louer un vélo ?", "Peut-on rendre le vélo dans une autre agence ?", "Qui répare une crevaison ?", "Où est le guichet ?",
        "Quels jours est-il ouvert ?", "Combien de livres peut-on prendre ?",
    }  # fmt: skip
    for row in found.values():
        assert row.answer[:40] in chunks[row.chunk_id].text
    assert found["Peut-on rendre le vélo dans une autre agence ?"].form == "pair"


def test_gold_is_a_gold_file_and_no_question_of_the_run(chunked: RunDir) -> None:
    questions = write(chunked, "gold")
    rows = [json.loads(line) for line in chunked.path(GOLD_FILE).read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 6
    assert not {row["question"] for row in rows} & {question.text for question in questions}
    gold, lost = read_gold(chunked.path(GOLD_FILE), load_chunks(chunked), run_profile(chunked))
    assert not lost
    harvested = {row.question: row.chunk_id for row in load_harvest(chunked, load_chunks(chunked))}
    assert {item.question.text: item.positives[0] for item in gold} == harvested


def test_training_takes_them_apart_from_the_written_and_leaves_no_gold(chunked: RunDir) -> None:
    write(chunked, "gold")
    questions = write(chunked, "train")
    own = [question for question in questions if question.provider == "document"]
    assert len(own) == 6
    assert len(questions) > len(own)
    assert not chunked.has(GOLD_FILE)
    off = write(chunked, "off")
    assert not any(question.provider == "document" for question in off)
    assert not chunked.has(GOLD_FILE)


def test_a_written_question_that_the_document_asks_too_falls_out(chunked: RunDir) -> None:
    from triplette.synth.harvesting import apply_harvest

    (row, *_) = load_harvest(chunked, load_chunks(chunked))
    same = Question.make(chunk_id=row.chunk_id, text=row.question.upper(), kind="factual", persona="joueur", difficulty="easy", provider="llm",
                         model="m", prompt="p", cost=0.0)  # fmt: skip
    kept, rejects, notes = apply_harvest([row], "gold", [same])
    assert kept == []
    assert [reject.reason for reject in rejects] == ["harvested"]
    assert GOLD_FILE in notes[0]


def asked(path: Path, text: str = "") -> set[tuple[str, str]]:
    """(form, question) of what a file asks and answers; written first when ``text`` is given."""
    if text:
        path.write_text(text, encoding="utf-8")
    return {(row.form, row.question) for row in read_one(path, path.parent, path.name, ChunkSettings(check=False)).harvested}


BOLD = "<meta charset=utf-8><h1>Aide</h1><p><strong>Où garer son vélo ?</strong><br>Devant l'entrée nord.</p><p><b>Qui les vend donc ?</b> Le guichet seul.</p>"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("bold.html", BOLD, {("heading", "Où garer son vélo ?"), ("heading", "Qui les vend donc ?")}),
        ("items.md", "1. **Is there a lift?**\n\n   It stands at the north door.\n\n2. **Who has the key?**\n\n   The guard has it.\n",
         {("heading", "Is there a lift?"), ("heading", "Who has the key?")}),
        ("table.md", "| Question | Answer |\n|---|---|\n| Are dogs allowed here? | Yes, on a lead. |\n| Is it open today? | no |\n",
         {("table", "Are dogs allowed here?")}),
        ("lines.html",
         "<meta charset=utf-8><div>Puis-je nager seul ?</div><div>Dès huit ans, oui.</div><div>Où est la douche ?</div><div>Au fond, à droite.</div>",
         {("line", "Puis-je nager seul ?"), ("line", "Où est la douche ?")}),
        ("list.html",
         "<meta charset=utf-8><h1>Aide</h1><ul><li>Où est le guichet ?</li><li>Qui répond le soir ?</li></ul><p>Le guichet est au fond.</p>", set()),
        ("prose.txt", "Le parc ferme tôt.\n\nQue faire alors, et où aller ?\n\nLe gardien indique un autre parc du quartier.\n", set()),
        ("invite.md", "# A\n\n## Still have questions?\n\nCall us at the office.\n\n## Besoin d'aide ?\n\nÉcrivez au guichet du parc.\n", set()),
    ],
)  # fmt: skip
def test_questions_in_bold_tables_and_lines_are_found_and_no_others(
    tmp_path: Path, name: str, text: str, expected: set[tuple[str, str]]
) -> None:
    assert asked(tmp_path / name, text) == expected


def test_questions_in_bold_of_a_word_file_are_found_whatever_follows_them(tmp_path: Path) -> None:
    import docx

    made = docx.Document()
    made.add_heading("Logement", 1)
    made.add_paragraph().add_run("Qui répare le chauffage ?").bold = True
    made.add_paragraph("Le bailleur le répare en trois jours.")
    one = made.add_paragraph()
    one.add_run("Comment payer le loyer ?").bold = True
    one.add_run().add_break()
    one.add_run("Par virement le cinq du mois.")
    made.save(str(tmp_path / "a.docx"))
    assert asked(tmp_path / "a.docx") == {("heading", "Qui répare le chauffage ?"), ("heading", "Comment payer le loyer ?")}
