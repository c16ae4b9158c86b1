"""Pages of plain text: what repeats is furniture, unless it is what the pages say; and where the text begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from triplette.settings.synth import ChunkSettings
from triplette.synth.ingest import Structured, structure
from triplette.synth.ingest.document import Document
from triplette.synth.ingest.headings import headings_of
from triplette.synth.reading import read_one

BODY = "Le présent texte règle la vie du refuge. Il est remis à chaque membre."


def pages(*texts: str) -> Structured:
    """Pages of plain French text, structured."""
    return structure(Document(source="a.txt", text="\f".join(texts), form="pages"), "fr")


@pytest.mark.parametrize(
    "sheet",
    [
        "Fiche de location\nVélo : modèle {0}\n\nLe prix du jour est de 1{0} euros.\nLa caution est de 10{0} euros, rendue au retour.\n",
        "FICHE {0}\n\nTempérature : 1{0} degrés.\nDurée : {0}5 minutes.\n",
        "Relevé du {0} mars\n\nNiveau du lac : {0}3 cm.\n",
        "Refuge {0}\nPlaces : 1{0}\nLits : 2{0}\nAltitude : 3{0}\n",
        "Bon de prêt n° {0}\n\nLe vélo est prêté pour {0} jours.\nIl est rendu propre et les pneus gonflés, avant midi.\n",
    ],
)
def test_sheets_of_one_form_keep_every_line_although_their_numbers_go_up_with_the_page(sheet: str) -> None:
    found = pages(*(sheet.format(number) for number in range(1, 7)))
    assert not found.dropped
    for number in range(1, 7):
        for line in sheet.format(number).split("\n"):
            assert line in found.body_text()


def test_a_head_that_names_its_page_amid_words_goes_all_the_same() -> None:
    texts = (
        "Le canot est rangé sous les saules du lac.",
        "Un ponton mène à la cabane.",
        "La rive nord reste interdite.",
        "Le bac part à midi.",
    )
    found = pages(*(f"Guide du lac, page {number} du volume\n\n{text}\n" for number, text in enumerate(texts, 1)))
    assert found.dropped["header"] > 0
    assert "volume" not in " ".join(block.text for block in found.blocks)


def test_pages_with_nothing_but_their_heads_are_named_with_what_was_dropped(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\f".join(f"Guide du lac\n\nPage {number}\n" for number in range(1, 6)), encoding="utf-8")
    found = read_one(tmp_path / "a.txt", tmp_path, "a.txt", ChunkSettings(language="fr"))
    assert "a.txt: no text is left" in found.failed
    assert "header" in found.failed
    assert found.reject is not None


@pytest.mark.parametrize(
    ("head", "title", "opening", "second"),
    [
        ("CHARTE DU REFUGE\n\nAVANT-PROPOS", "CHARTE DU REFUGE", "AVANT-PROPOS", "I. ACCUEIL"),
        ("RÈGLEMENT\nDE LA SALLE DE MUSIQUE\n\nPRÉAMBULE", "RÈGLEMENT DE LA SALLE DE MUSIQUE", "PRÉAMBULE", "1. Accès"),
        ("RÈGLEMENT DU JARDIN\n\nINTRODUCTION", "RÈGLEMENT DU JARDIN", "INTRODUCTION", "1. Parcelles"),
    ],
)
def test_a_section_that_opens_a_text_is_no_part_of_its_title_and_holds_no_other(
    head: str, title: str, opening: str, second: str
) -> None:
    found = pages(f"{head}\n\n{BODY}\n\n{second}\n\nOn y entre à midi, par la porte du nord.\n")
    assert [block.headings for block in found.blocks] == [(title, opening), (title, second)]


def test_a_number_after_the_word_for_a_page_counts_pages_however_many_words_stand_before_it() -> None:
    texts = [f"Règlement du refuge, feuillet n° {number}\n\n{BODY}\n\nLe lit {number} est près du poêle." for number in range(1, 6)]
    assert "header" in pages(*texts).dropped


@pytest.mark.parametrize(
    ("title", "opening", "section"),
    [("SATZUNG DES RUDERVEREINS", "PRÄAMBEL", "§ 1 Mitglieder"), ("STATUTO DEL CIRCOLO NAUTICO", "PREAMBOLO", "Articolo 1. Soci")],
)
def test_a_section_that_opens_a_text_is_known_in_languages_without_words_of_their_own(title: str, opening: str, section: str) -> None:
    text = f"{title}\n\n{opening}\n\nOk 1950, 12 km ab Ufer.\n\n{section}\n\nAlle 40 zahlen 2 im Jahr.\n"
    found = structure(Document(source="a.txt", text=text, form="pages"), "de" if "§" in section else "it")
    assert found.blocks[0].headings[:2] == (title, opening)


def test_a_lettered_section_whose_name_is_a_sign_is_a_heading_and_a_row_of_a_table_is_none() -> None:
    rows = "12 B3\n14 A2\n2.4 C7\n"
    text = f"RÈGLES DU REFUGE\n\n3. Dortoirs\n\n{BODY}\n\n3.1.a) D2\n\n{BODY}\n\n3.1.b) D10N\n\n{BODY}\n\n{rows}"
    found = pages(text)
    named = [block.headings[-1] for block in found.blocks if block.text.startswith("Le présent")]
    assert named == ["3. Dortoirs", "3.1.a) D2", "3.1.b) D10N"]
    assert not any("C7" in name or "A2" in name for block in found.blocks for name in block.headings)


BOATS = ("Le canot vert est au ponton.", "La yole a deux rames neuves.", "Le bac fait eau à l'arrière.", "La barque attend un mât.")


def headed(head: str, code: str) -> Structured:
    """Four pages with other texts under one head, numbered from 1."""
    texts = (f"{head.format(number)}\n\n{text} On la sort par beau temps.\n" for number, text in enumerate(BOATS, 1))
    return structure(Document(source="a.txt", text="\f".join(texts), form="pages"), code)


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("Boat sheet {}", "en"),
        ("Boat loan form {}", "en"),
        ("Fiche de canot {}", "fr"),
        ("Bulletin d'engagement {}", "fr"),
        ("Hoja de salida {}", "es"),
    ],
)
def test_the_name_of_a_sheet_that_is_filled_in_is_its_title_and_counts_no_pages(head: str, code: str) -> None:
    found = headed(head, code)
    assert not found.dropped
    assert all(head.format(number) in found.body_text() for number in range(1, 5))


@pytest.mark.parametrize(("head", "code"), [("Boat rules {}", "en"), ("Boat rules   sheet {}", "en"), ("Guide de la rade {}", "fr")])
def test_a_head_with_a_number_that_names_no_sheet_counts_pages(head: str, code: str) -> None:
    assert "header" in headed(head, code).dropped


def test_a_paragraph_sign_with_a_number_and_a_name_is_a_heading_and_a_citation_is_none() -> None:
    text = (
        "SATZUNG DES RUDERVEREINS OBERSEE\n\n§ 1 Name und Sitz\n\nDer Verein heißt Obersee. Er haftet nach den Regeln des Landes und nach\n"
        "§ 31 BGB, so weit nichts anderes gesagt ist.\n\n§ 2\nBeiträge\n\nDer Beitrag ist im März fällig. Mahnungen kosten.\n"
        "§ 1 Absatz 2 gilt entsprechend.\n\n§ 3a. (Boote)\n\nBoote stehen im Buch. Gäste fragen den Bootswart.\n"
    )
    found = structure(Document(source="a.txt", text=text, form="pages"), "de")
    assert [block.headings[1:] for block in found.blocks] == [("§ 1 Name und Sitz",), ("§ 2: Beiträge",), ("§ 3a. (Boote)",)]
    assert found.blocks[0].text.endswith("nach § 31 BGB, so weit nichts anderes gesagt ist.")
    assert [headings_of("de").heading_number(block.headings[1]) for block in found.blocks] == ["1", "2", "3a"]


def test_a_row_of_dashes_parts_a_text_and_a_row_of_tabs_with_no_first_cell_heads_its_table() -> None:
    rows = "\t\tPrix\tCaution\nCanot\t3 places\t10\t50\nYole\t5 places\t18\t70\n"
    found = pages(f"RÈGLES DU PONTON\n\n{BODY}\n-----------------------\nLe ponton ferme à la nuit.\n~~~~~~\n{rows}")
    assert [block.text for block in found.blocks] == [BODY, "Le ponton ferme à la nuit.", rows.strip()]
    assert found.dropped == {"rule": 29}


def test_pages_that_are_one_another_s_copies_are_text_and_not_only_heads() -> None:
    copy = "\n".join(
        f"La clé {number} ouvre le coffre du ponton et se rend chaque soir au gardien."
        for number in ("verte", "bleue", "rouge", "noire")
    )
    found = pages(copy, copy, copy)
    assert not found.dropped
    assert found.body_text().count("La clé rouge ouvre") == 3
