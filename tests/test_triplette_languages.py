"""Languages: the door, English, a language of Snowball's, identification, and what a stage does in another language than French."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from triplette.errors import LanguageUnknown, SettingError
from triplette.languages import NO_RULES, language
from triplette.languages.identify import closest, identify, other_language, share, shares
from triplette.languages.text import plain
from triplette.rundir import RunDir
from triplette.settings.llm import LlmSettings
from triplette.settings.synth import ChunkSettings
from triplette.settings.write import WriteSettings
from triplette.similar import split_words, word_sets
from triplette.synth.chunk import chunk_corpus, load_chunks
from triplette.synth.cli import app
from triplette.synth.write import write_questions

ENGLISH = """# Rides of the Millbrook cycling club

## Before a ride

Every rider checks brakes, tyres and lights before the ride. A rider without a helmet does not start, and the leader says so kindly.
Guests may join three rides before they become members. The leader carries a pump and a first-aid kit for the whole group.

## On the road

The group rides in pairs on wide roads and in single file on narrow lanes. When a car wants to pass, the last rider calls it out.
Nobody is left behind: after a puncture the group waits at the next safe place for fifteen minutes.
"""
GERMAN = """# Ordnung der Werkstatt

## Werkzeug

Jedes Mitglied darf das Werkzeug der Werkstatt benutzen, wenn es die Einweisung besucht hat. Das Werkzeug wird nach der Arbeit gereinigt
und in den Schrank zurückgelegt. Wer etwas beschädigt, meldet den Schaden noch am selben Tag bei der Leitung der Werkstatt.
"""
FRENCH = """# Règlement du potager partagé

## Arrosage

L'arrosage est permis le matin avant neuf heures et le soir après dix-neuf heures. Chaque jardinier remplit le carnet d'arrosage et ferme
le robinet avant de partir. Un jardinier qui laisse couler l'eau paie une amende de cinq euros à la caisse du potager.
"""
EN, DE, ES = language("en"), language("de"), language("es")


def chunked(tmp_path: Path, documents: dict[str, str], **changes: str) -> RunDir:
    corpus, run = tmp_path / "corpus", RunDir(tmp_path / "run")
    corpus.mkdir()
    for name, text in documents.items():
        (corpus / name).write_text(text, encoding="utf-8")
    chunk_corpus(run, corpus, ChunkSettings(**changes))
    return run


def test_a_code_that_is_none_is_refused_and_a_region_is_its_language() -> None:
    with pytest.raises(SettingError, match="is not a language"):
        language("../fr")
    assert language("fr-ca") is language("fr-ca")
    assert language("en-gb").code == "en"


def test_an_unwritten_language_has_snowballs_stems_and_says_what_it_lacks() -> None:
    assert DE.tokens("Die Fahrräder") == [*DE.tokens("die"), *DE.tokens("Fahrrad")]
    assert NO_RULES in DE.lacks
    assert len(DE.lacks) == 4
    assert language("xx").tokens("Kaj Kato") == ["kaj", "kato"]
    assert any("stems" in lack for lack in language("xx").lacks)


def test_scripts_with_marks_and_without_spaces_are_cut_into_words() -> None:
    assert language("hi").words("नियम पढ़ें") == ["नियम", "पढ़ें"]
    assert language("zh").words("自行车规则") == ["自行", "行车", "车规", "规则"]


def test_english_words_lose_possessives_and_keep_negations() -> None:
    assert EN.words("The leader's pump isn't here, and we can't wait") == "the leader pump is not here and we can not wait".split()
    assert EN.tokens("The riders were riding") == EN.tokens("rider ride")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Ask Dr. Hill. She knows.", 2),
        ("See sec. 4 of the plan. Then ride.", 2),
        ("Bring lamps, e.g. a spare. Go!", 2),
        ("Is it open? Yes.", 2),
        ("4.2. Guests join three rides.", 1),
    ],
)
def test_english_sentences_end_where_they_end(text: str, count: int) -> None:
    assert len(EN.sentences(text)) == count


@pytest.mark.parametrize(
    "question",
    [
        "What does this section say about helmets?",
        "According to the text, who carries the pump?",
        "How long does the group wait in the passage?",
        "What is listed above for a rider?",
        "Who signs this form?",
        "What does 4.2 require of a guest?",
        "Is 1.6.2 about minutes?",
    ],
)
def test_an_english_question_that_points_outside_its_passage_is_told(question: str) -> None:
    assert EN.points_outside(plain(question))


@pytest.mark.parametrize(
    "question",
    [
        "How long does the group wait after a puncture?",
        "May a guest join a ride, and how often can this guest come back?",
        "What does a rider have to check this year before a ride?",
        "Which lights does a rider need in the evening?",
        "Can a double scull launch when the gauge shows 1.6 metres?",
        "What does a day ticket for £2.50 include?",
        "May a boat leave at 6.30 in winter?",
        "Is the limit 0.5 g per litre?",
    ],
)
def test_an_english_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert EN.points_outside(plain(question)) == ""


@pytest.mark.parametrize(
    "question",
    [
        "¿Qué dice este apartado sobre la fianza?",
        "Según el texto, ¿quién guarda la llave de la caseta?",
        "¿Qué se indica arriba sobre el riego?",
        "¿Cuándo se aplica dicha norma?",
        "¿A quién avisa esta persona?",
    ],
)
def test_a_spanish_question_that_points_outside_its_passage_is_told(question: str) -> None:
    assert ES.points_outside(plain(question))


@pytest.mark.parametrize(
    "question",
    [
        "¿Está permitido regar con manguera?",
        "¿Esta semana se puede regar el huerto?",
        "¿Según qué lista se sortean las parcelas libres?",
        "¿Puede una familia ceder su parcela, y a quién avisa esa familia?",
    ],
)
def test_a_spanish_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert ES.points_outside(plain(question)) == ""
    assert ES.patterns is not None
    assert not ES.patterns.about.search(plain(question))


def test_shares_of_one_and_of_many_texts_agree() -> None:
    texts = ["Who carries the pump?", "Qui porte la pompe ?", "Wer trägt die Pumpe?", "Wie lange wartet die Gruppe?", ""]
    codes = ["en", "en", "de", "fr", "fr"]
    together = shares(texts, codes, split_words(texts))
    np.testing.assert_allclose(together, [share(text, code) for text, code in zip(texts, codes, strict=True)])
    assert (together >= 0.5).tolist() == [True, False, True, False, False]


def test_documents_are_identified_and_a_short_one_speaks_the_language_of_the_most() -> None:
    assert identify([ENGLISH, GERMAN, FRENCH]) == ["en", "de", "fr"]
    assert identify([FRENCH, "7,5 %"]) == ["fr", "fr"]
    assert identify(["Who carries the pump?", "The group waits for fifteen minutes."]) == ["en", "en"]
    assert identify([]) == []


def test_a_passage_in_another_language_than_its_document_keeps_its_own() -> None:
    assert other_language(ENGLISH, "fr") == "en"
    assert other_language(FRENCH, "fr") == "fr"
    assert other_language("Le groupe attend, and the leader waits.", "fr") == "fr"


def test_a_question_goes_to_the_nearest_of_the_corpus_languages() -> None:
    assert closest("Who carries the pump of the group?", ["fr", "en"]) == "en"
    assert closest("Qui porte la pompe du groupe ?", ["fr", "en"]) == "fr"
    assert closest("", []) == ""


def test_word_sets_read_each_text_in_its_own_language() -> None:
    sets = word_sets(["the riders of the club", "the riders of the club"], ["en", "fr"])
    assert sets.set_of(0) == {"rider", "club"}
    assert "the" in sets.set_of(1)


def test_chunks_keep_their_documents_language_which_is_no_part_of_their_id(tmp_path: Path) -> None:
    run = chunked(tmp_path, {"a.md": ENGLISH, "b.md": FRENCH, "c.md": GERMAN})
    found = {chunk.source: chunk.language for chunk in load_chunks(run)}
    assert found == {"a.md": "en", "b.md": "fr", "c.md": "de"}
    ids = [chunk.id for chunk in load_chunks(run)]
    chunk_corpus(run, tmp_path / "corpus", ChunkSettings(language="fr"))
    again = load_chunks(run)
    assert [chunk.id for chunk in again] == ids
    assert {chunk.language for chunk in again} == {"fr"}


def test_the_rules_refuse_a_language_they_do_not_write_and_name_the_ways(tmp_path: Path) -> None:
    run = chunked(tmp_path, {"a.md": GERMAN})
    with pytest.raises(LanguageUnknown, match="these passages are in German") as raised:
        write_questions(run, WriteSettings(), LlmSettings())
    assert raised.value.exit_code == 6
    assert "--llm" in raised.value.cure
    assert "synth import" in raised.value.cure
    assert not run.has("questions.parquet")


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_generate_ends_on_another_language_before_anything_is_written(tmp_path: Path, extra: list[str]) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.md").write_text(GERMAN, encoding="utf-8")
    place = ["--corpus", str(tmp_path / "corpus"), "--run", str(tmp_path / "run")]
    result = CliRunner().invoke(app, ["generate", *place, *extra])
    assert isinstance(result.exception, LanguageUnknown)
    assert not (tmp_path / "run" / "questions.parquet").exists()


def test_in_a_mixed_corpus_the_rules_write_what_they_can_and_count_the_rest(tmp_path: Path) -> None:
    run = chunked(tmp_path, {"a.md": ENGLISH, "b.md": FRENCH})
    summary = write_questions(run, WriteSettings(), LlmSettings())
    english = [chunk for chunk in load_chunks(run) if chunk.language == "en"]
    assert summary.questions > 0
    assert summary.rejected["other_language"] == len(english) > 0
    assert any("in English" in note for note in summary.notes)
