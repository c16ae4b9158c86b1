"""A PDF page's furniture, and what looks like it and is none: table heads that come back, leaders, line numbers, initials, notes of columns."""

from __future__ import annotations

from pathlib import Path

from pdf_maker import Page, write_pdf

from triplette.synth.ingest import Structured, read_document, structure


def test_the_head_of_a_table_that_goes_on_over_the_page_is_no_running_head(tmp_path: Path) -> None:
    pages = []
    for number in range(3):
        page = Page().grid([50, 200, 350], [780 - 20 * k for k in range(32)])
        page.text(60, 766, "Coque", bold=True).text(210, 766, "Longueur", bold=True)
        for row in range(1, 31):
            page.text(60, 766 - 20 * row, f"Yole {40 * number + row}").text(210, 766 - 20 * row, f"{row} m")
        pages.append(page)
    found = structure(read_document(write_pdf(tmp_path / "a.pdf", pages), tmp_path))
    assert found.dropped == {}
    assert all(block.text.startswith("| Coque | Longueur |\n| --- | --- |") for block in found.blocks)
    assert "| Yole 110 | 30 m |" in found.blocks[-1].text


def test_a_title_that_the_metadata_cuts_short_is_the_pages_own(tmp_path: Path) -> None:
    page = Page().text(50, 780, "Règlement du cercle nautique de la baie", 18, bold=True)
    page.lines(50, 740, [f"Le rameur numéro {k} rince la coque et la range avant la nuit." for k in range(8)])
    path = write_pdf(tmp_path / "a.pdf", [page], title="Règlement du cercle nautique")
    assert {block.headings for block in structure(read_document(path, tmp_path)).blocks} == {
        ("Règlement du cercle nautique de la baie",)
    }


def found_in(tmp_path: Path, *pages: Page) -> Structured:
    """A PDF's structure."""
    return structure(read_document(write_pdf(tmp_path / "a.pdf", pages), tmp_path, ocr=False))


def test_leaders_do_not_make_a_page_one_whose_font_names_no_letters(tmp_path: Path) -> None:
    page = Page().text(50, 780, "Bulletin d'adhésion", 16, bold=True)
    for row, label in enumerate(("Nom", "Rue", "Ville", "Barque")):
        page.text(50, 740 - 30 * row, f"{label} {'_ ' * 45}")
    found = found_in(tmp_path, page, Page().lines(50, 760, [f"La barque {k} est rendue avant la nuit tombée." for k in range(9)]))
    assert "Ville" in found.document.text
    assert found.document.notes == ()


def test_footnotes_of_columns_drawn_across_the_page_stay_each_whole(tmp_path: Path) -> None:
    page = Page()
    for row in range(20):
        for column in range(3):
            page.text(40 + 180 * column, 760 - 12 * row, f"la voile {column} {row} se plie au port", 9)
    for line in ("{0} La voile de la colonne {0} est", "celle du foc numéro {0}."):
        for column in range(3):
            page.text(40 + 180 * column, 480 - 8 * line.startswith("celle"), line.format(column + 1), 7)
    notes = [block.text for block in found_in(tmp_path, page).blocks][-3:]
    assert notes == [f"{n} La voile de la colonne {n} est celle du foc numéro {n}." for n in (1, 2, 3)]


def test_marks_of_footnotes_that_stand_in_a_column_of_their_own_keep_their_text(tmp_path: Path) -> None:
    page = Page().lines(50, 760, [f"Le ponton numéro {k} est réservé aux voiliers de passage en été." for k in range(12)])
    for row, text in enumerate(("Sauf le jour de la régate.", "Sauf par vent de nord.")):
        page.text(50, 400 - 9 * row, str(row + 1), 7).text(68, 400 - 9 * row, text, 7)
    found = " ".join(block.text for block in found_in(tmp_path, page).blocks)
    assert "1 Sauf le jour de la régate." in found
    assert "2 Sauf par vent de nord." in found


def test_a_large_initial_is_the_first_letter_of_its_word(tmp_path: Path) -> None:
    page = (
        Page()
        .text(50, 742, "L", 34)
        .text(74, 760, "e port est fermé la nuit. Le gardien")
        .text(74, 748, "ouvre la chaîne à six heures. Un feu")
    )
    page.lines(50, 736, ["rouge dit que la passe est barrée aux", "bateaux qui n'ont pas de moteur."])
    (block,) = found_in(tmp_path, page).blocks
    assert block.text == (
        "Le port est fermé la nuit. Le gardien ouvre la chaîne à six heures. Un feu rouge dit que la passe est barrée aux bateaux qui n'ont "
        "pas de moteur."
    )


def test_numbers_that_count_the_lines_are_left_out_and_those_of_a_list_are_not(tmp_path: Path) -> None:
    words = [
        "le gréement est vérifié par le maître de port avant",
        "la course et chaque dimanche de la saison. Il note sur",
        "Le registre l'état de la coque et celui des voiles de",
    ]
    page, fives, listed = Page(), Page(), Page()
    for row in range(1, 21):
        page.text(40, 780 - 20 * row, str(row), 8).text(70, 780 - 20 * row, words[row % 3])
        fives.text(70, 780 - 20 * row, words[row % 3])
        if not row % 5:
            fives.text(520, 780 - 20 * row, str(row))
        listed.text(40, 780 - 20 * row, str(row)).text(
            70, 780 - 20 * row, f"Barque {row} de la famille Le Goff et de ses cousins de la rade"
        )
    for numbered, digits in ((page, 31), (fives, 7)):
        found = found_in(tmp_path, numbered)
        assert found.dropped == {"line number": digits}
        assert not any(char.isdigit() for block in found.blocks for char in block.text)
        assert "avant la course et chaque dimanche" in found.blocks[0].text
    assert found_in(tmp_path, listed).dropped == {}


def test_words_drawn_one_by_one_a_seventh_of_an_em_apart_are_words(tmp_path: Path) -> None:
    page = Page()
    rows = ["La jetée du port est à une lieue", "de la ville et de sa tour ronde.", "Un feu y luit la nuit et le jour."]
    for row, line in enumerate(rows):
        x = 50.0
        for word in line.split():
            page.text(round(x, 2), 760 - 12 * row, word, face="F3")
            x += 6 * len(word) + 1.4  # a letter of Courier at 10 points is 6 points wide
    path = write_pdf(tmp_path / "a.pdf", [page], fonts={"F3": "Courier"})
    assert structure(read_document(path, tmp_path)).blocks[0].text == " ".join(rows)


def test_a_figure_at_the_top_of_a_column_or_page_stands_behind_the_sentence_that_goes_on_under_it(tmp_path: Path) -> None:
    page, other = Page(), Page()
    page.lines(
        50,
        760,
        [f"Le chenal numéro {k} est balisé de nuit par un feu vert." for k in range(20)]
        + ["Le chenal du nord est dragué chaque printemps et il"],
    )
    for sheet, x in ((page, 320.0), (other, 50.0)):
        sheet.text(x, 760, "bouée", 7).text(x + 60, 752, "balise", 7)
        sheet.lines(x, 730, ["Figure 3. Le balisage de la rade, vu", "de la mer."], 9)
        sheet.lines(x, 680, ["reste ouvert aux bateaux de plus", "de huit mètres. La vitesse y est"])
        sheet.lines(x, 656, [f"de {k} noeuds, et de moins à marée basse." for k in range(19)])
    other.lines(320, 760, [f"Le ponton numéro {k} est à sec à marée basse." for k in range(20)])
    sentence = "Le chenal du nord est dragué chaque printemps et il reste ouvert aux bateaux de plus de huit mètres."
    legend = "Figure 3. Le balisage de la rade, vu de la mer."
    for pages in ((page,), (Page([*page.operators[:21]]), other)):
        texts = [block.text for block in found_in(tmp_path, *pages).blocks]
        assert any(sentence in text for text in texts)
        assert any(legend in text for text in texts)
        assert " ".join(texts).index(sentence) < " ".join(texts).index("bouée") < " ".join(texts).index(legend)


def test_a_page_of_lists_keeps_its_items_apart_and_a_page_with_wide_lines_its_paragraphs_whole(tmp_path: Path) -> None:
    prose = [
        "Le hangar abrite les canots de la",
        "section voile et ceux des membres qui",
        "paient un anneau, de mai à octobre,",
        "sans autre frais que la caution.",
    ]
    items = Page()
    for block in range(3):
        top = 790 - 200 * block
        items.lines(50, top, prose)
        for number, item in enumerate(("gilets rangés", "voiles pliées", "rames comptées", "clé rendue", "carnet signé")):
            items.text(60, top - 36 - 19 * (number + 1), f"{number + 1} {item} par équipe")
    found = structure(read_document(write_pdf(tmp_path / "a.pdf", [items]), tmp_path)).blocks
    assert [block.text for block in found[1:6]] == [
        f"{n} {x} par équipe"
        for n, x in enumerate(("gilets rangés", "voiles pliées", "rames comptées", "clé rendue", "carnet signé"), 1)
    ]
    wide = Page().lines(50, 790, prose * 3, leading=20).lines(80, 520, prose)
    assert " ".join(prose) in structure(read_document(write_pdf(tmp_path / "b.pdf", [wide]), tmp_path)).blocks[0].text
