"""PDFs are read as a person reads them: columns one after the other, notes after the text, furniture apart, tables only where there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from pdf_maker import Page, write_pdf

from triplette.errors import InputError
from triplette.synth.ingest import Structured, read_document, structure
from triplette.synth.ingest.ocr import languages
from triplette.synth.ingest.pdf import stated_title
from triplette.synth.ingest.pdf_chars import Char, drawn_once, page_chars
from triplette.synth.ingest.pdf_glyphs import TEXTS_AT_ONCE

LEFT = [
    "Le jardin partagé ouvre ses portes au printemps et",
    "chaque membre y cultive une parcelle de dix mètres.",
    "Les outils sont rangés le soir dans la cabane verte",
    "dont la clef reste chez le gardien de la résidence.",
    "L'eau de pluie suffit presque toujours à l'arrosage",
    "et le robinet ne sert que pendant les sécheresses.",
]
RIGHT = [
    "Le compost reçoit les épluchures et les feuilles mais",
    "jamais la viande, le poisson ni le pain de la veille.",
    "On retourne le tas chaque semaine avec la fourche que",
    "le trésorier a achetée pour l'ensemble des membres du",
    "groupe, et le terreau mûr est partagé en automne avec",
    "ceux qui ont pris part aux travaux de l'hiver passé.",
]
PROSE = "La réserve est visitée à pied, et le sentier balisé ne se quitte pas sans un guide agréé."


def read(tmp_path: Path, pages: list[Page], **about: str) -> Structured:
    """The pages written, read and structured."""
    path = write_pdf(tmp_path / "a.pdf", pages, **about)
    return structure(read_document(path, tmp_path))


def told(found: Structured) -> str:
    """The text of the blocks in order."""
    return " ".join(block.text for block in found.blocks)


# Columns


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("heading", [False, True])
def test_two_columns_are_read_one_after_the_other(tmp_path: Path, across: bool, heading: bool) -> None:
    page = Page()
    if heading:
        page.text(150, 780, "Règlement du jardin partagé de la colline", 16, bold=True)
    if across:  # drawn row by row, as a program does that knows no columns
        for number, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
            page.text(50, 740 - 12 * number, left).text(310, 740 - 12 * number, right)
    else:
        page.lines(50, 740, LEFT).lines(310, 740, RIGHT)
    found = told(read(tmp_path, [page]))
    assert " ".join([*LEFT, *RIGHT]) in found.replace("\n", " ")


def test_three_columns_drawn_row_by_row_are_read_in_order(tmp_path: Path) -> None:
    columns = [[f"colonne {name} ligne {number} du texte courant" for number in range(8)] for name in ("une", "deux", "trois")]
    page = Page()
    for number in range(8):
        for place, column in enumerate(columns):
            page.text(40 + 185 * place, 740 - 11 * number, column[number], 8)
    found = told(read(tmp_path, [page])).replace("\n", " ")
    assert " ".join(line for column in columns for line in column) in found


def test_a_heading_across_the_page_parts_the_columns_above_from_those_below(tmp_path: Path) -> None:
    page = Page().lines(50, 760, LEFT).lines(310, 760, RIGHT)
    page.text(50, 650, "Deuxième partie : les règles de la vie commune dans les allées du jardin", 15, bold=True)
    below = [line.replace("jardin", "verger").replace("compost", "fumier") for line in (*LEFT, *RIGHT)]
    page.lines(50, 610, below[:6]).lines(310, 610, below[6:])
    found = told(read(tmp_path, [page])).replace("\n", " ")
    assert found.index(RIGHT[-1]) < found.index(below[0])
    assert " ".join(below) in found


def test_lines_drawn_in_no_order_are_read_from_top_to_bottom(tmp_path: Path) -> None:
    page = Page()
    for number in (3, 0, 5, 1, 4, 2):
        page.text(50, 740 - 12 * number, LEFT[number])
    assert " ".join(LEFT) in told(read(tmp_path, [page]))


def test_a_footnote_never_stands_inside_a_sentence_that_goes_on_over_the_page(tmp_path: Path) -> None:
    first = Page().lines(50, 760, [*LEFT, *RIGHT, "La commission se réunit deux fois par an1 et elle publie"])
    first.lines(50, 80, ["1 Sauf en année d'élection, où elle se réunit une fois par mois.", "Le procès-verbal est affiché."], 7, 9)
    second = Page().lines(50, 760, ["ses décisions dans le journal de la résidence.", *LEFT])
    found = told(read(tmp_path, [first, second]))
    assert "elle publie ses décisions dans le journal" in found
    assert "1 Sauf en année d'élection, où elle se réunit une fois par mois. Le procès-verbal est affiché." in found


def test_running_heads_of_left_and_right_pages_go_and_the_sentence_across_is_whole(tmp_path: Path) -> None:
    pages = []
    names = ["nord", "sud", "levant", "couchant", "centre", "haut", "bas"]
    for number, name in enumerate(names, 1):
        page = Page().text(50 if number % 2 else 400, 815, "Jardin de la colline" if number % 2 else "Règlement de l'année", 8)
        page.lines(
            50,
            760,
            [
                f"le jardin du {name} commence une longue phrase qui",
                f"du {name} ne mène qu'à la page suivante{'.' if number == 7 else ' avec'}",
            ],
        )
        page.text(290, 30, f"– {number} –", 8)
        pages.append(page)
    found = read(tmp_path, pages)
    assert "Jardin de la colline" not in told(found)
    assert "Règlement de l'année" not in told(found)
    assert "page suivante avec le jardin du sud commence" in told(found)
    assert found.dropped["header"] > 0
    assert found.dropped["footer"] > 0


def test_sheets_of_a_form_that_differ_in_numbers_alone_are_all_kept(tmp_path: Path) -> None:
    pages = [
        Page()
        .text(50, 800, f"Fiche {number}", 14, bold=True)
        .lines(50, 780, [f"La location coûte {7 * number % 11} euros la journée.", f"La caution est de {number * number + 20} euros."])
        for number in range(1, 6)
    ]
    found = told(read(tmp_path, pages))
    assert found.count("La location coûte") == 5
    assert found.count("La caution est de") == 5


def test_turned_text_is_left_out_and_said(tmp_path: Path) -> None:
    page = Page().lines(50, 760, LEFT).text(30, 300, "Document provisoire", 9, turned=True)
    document = read_document(write_pdf(tmp_path / "a.pdf", [page]), tmp_path)
    assert "provisoire" not in document.text
    assert any("upright" in note for note in document.notes)


def test_a_page_that_lies_on_its_side_is_read_upright(tmp_path: Path) -> None:
    page = Page(rotate=90)
    for number, line in enumerate(LEFT):
        page.text(100 + 12 * number, 60, line, turned=True)
    assert " ".join(LEFT) in told(read(tmp_path, [page]))


# Words and headings


@pytest.mark.parametrize("gap", [1.8, 2.2, 3.5])
def test_words_set_tight_stay_two(tmp_path: Path, gap: float) -> None:
    page = Page()
    for number, name in enumerate(("Objet", "Durée", "Siège"), 1):
        y = 780 - 90 * number
        page.text(50, y, "Article", bold=True)
        page.text(50 + 35.0 + gap, y, str(number), bold=True)
        page.text(50 + 35.0 + gap + 5.6 + 2.8, y, name, bold=True)
        page.lines(50, y - 16, LEFT[:3])
    blocks = read(tmp_path, [page]).blocks
    assert [block.headings[-1] for block in blocks] == ["Article 1 Objet", "Article 2 Durée", "Article 3 Siège"]


@pytest.mark.parametrize("first", [True, False])
def test_an_accent_drawn_over_its_letter_is_one_with_it(tmp_path: Path, first: bool) -> None:
    page = Page()
    drawn = [(50.0, "e"), (51.1, "´")]
    for x, text in drawn[::-1] if first else drawn:
        page.text(x, 760, text)
    page.text(55.6, 760, "lan du skieur, sans ^ ni ´ perdu.")
    assert told(read(tmp_path, [page.lines(50, 700, LEFT)])).startswith("élan du skieur, sans ^ ni ´ perdu.")


def test_bold_and_larger_lines_are_headings_and_nest_by_number_and_size(tmp_path: Path) -> None:
    page = Page().text(50, 800, "Guide du marcheur", 20, bold=True)
    y = 760.0
    for text, size, bold in (
        ("Avant le départ", 14, True),
        ("1. Le sac", 11, True),
        ("1.1 Son poids", 10, True),
        ("Les vivres", 10, True),
    ):
        page.text(50, y, text, size, bold=bold)
        page.lines(50, y - 16, [PROSE, *LEFT[:2]])
        y -= 90
    blocks = read(tmp_path, [page]).blocks
    assert [block.headings for block in blocks] == [
        ("Guide du marcheur", "Avant le départ"),
        ("Guide du marcheur", "Avant le départ", "1. Le sac"),
        ("Guide du marcheur", "Avant le départ", "1. Le sac", "1.1 Son poids"),
        ("Guide du marcheur", "Avant le départ", "1. Le sac", "1.1 Son poids", "Les vivres"),
    ]


@pytest.mark.parametrize(
    ("title", "kept"),
    [("Charte du jardin", True), ("charte-v2.docx", False), ("Microsoft Word - charte", False), ("untitled", False), ("Budget annuel consolidé", False)],
)  # fmt: skip
def test_the_metadatas_title_is_taken_where_it_is_sane(title: str, kept: bool) -> None:
    assert stated_title(title, "CHARTE\nLe jardin de la colline\fautre page") == (title if kept else "")


def test_a_title_in_the_metadata_names_the_document(tmp_path: Path) -> None:
    page = Page().text(50, 800, "Ville de Clairval", 10).lines(50, 760, ["Charte du jardin de la colline", *LEFT])
    found = read(tmp_path, [page], title="Charte du jardin de la colline")
    assert {block.headings[0] for block in found.blocks} == {"Charte du jardin de la colline"}


def test_a_word_cut_at_a_lines_end_is_whole(tmp_path: Path) -> None:
    page = Page().lines(
        50, 760, ["L'autorisation est deman-", "dée au bureau par écrit, et le vice-", "président la signe. Un vice-président suffit."]
    )
    assert "L'autorisation est demandée au bureau par écrit, et le vice-président la signe." in told(read(tmp_path, [page]))


# Tables, frames, forms


def test_a_ruled_table_is_a_table_with_its_cells_joined(tmp_path: Path) -> None:
    page = Page().lines(50, 800, LEFT[:2]).grid([50, 200, 400], [700, 720, 750, 770])
    page.text(55, 755, "Objet").text(205, 755, "Délai de réponse")
    page.text(55, 738, "Prêt d'un").text(55, 726, "outil").text(205, 738, "deux jours")
    page.text(55, 706, "Clef").text(205, 706, "une semaine").lines(50, 660, RIGHT[:2])
    blocks = read(tmp_path, [page]).blocks
    (table,) = [block for block in blocks if block.kind == "table"]
    assert table.text.split("\n") == [
        "| Objet | Délai de réponse |",
        "| --- | --- |",
        "| Prêt d'un outil | deux jours |",
        "| Clef | une semaine |",
    ]
    assert [block.kind for block in blocks] == ["paragraph", "table", "paragraph"]


def test_a_frame_and_a_table_of_one_column_are_text(tmp_path: Path) -> None:
    page = Page().grid([30, 560], [500, 640, 820]).grid([34, 556], [504, 816]).lines(50, 780, LEFT).lines(50, 620, RIGHT)
    found = read(tmp_path, [page])
    assert {block.kind for block in found.blocks} == {"paragraph"}
    assert " ".join(LEFT) in told(found)


def test_the_values_of_a_form_stand_beside_their_labels(tmp_path: Path) -> None:
    page = Page(fields=[("nom", 150, 700, "Durand Camille"), ("ville", 150, 670, "Clairval"), ("motif", 50, 620, "un prêt")])
    page.text(50, 704, "Nom :").text(50, 674, "Ville :").text(50, 640, "Motif de la demande").lines(50, 580, LEFT)
    found = " ".join(told(read(tmp_path, [page])).split())
    assert "Nom : Durand Camille Ville : Clairval Motif de la demande un prêt Le jardin" in found


# What cannot be read


def test_pages_that_are_only_pictures_are_named_by_number(tmp_path: Path) -> None:
    pages = [Page().lines(50, 760, LEFT), Page(picture=True), Page().lines(50, 760, RIGHT), Page(picture=True), Page(picture=True)]
    document = read_document(write_pdf(tmp_path / "a.pdf", pages), tmp_path, ocr=False)
    (note,) = document.notes
    assert note.startswith("pages 2, 4-5 are only a picture")
    assert "ocr" in note


def test_a_file_of_pictures_alone_is_refused_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="picture") as caught:
        read_document(write_pdf(tmp_path / "a.pdf", [Page(picture=True), Page(picture=True)]), tmp_path, ocr=False)
    assert "ocr" in caught.value.cure


@pytest.mark.slow
@pytest.mark.skipif("fra" not in languages(), reason="tesseract with French is not installed")
def test_a_page_that_is_a_picture_is_read_where_tesseract_is_installed(tmp_path: Path) -> None:
    import pypdfium2

    drawn = write_pdf(tmp_path / "drawn.pdf", [Page().lines(60, 760, LEFT, 12, 16)])
    with pypdfium2.PdfDocument(drawn) as document:
        picture = document[0].render(scale=200 / 72).to_pil().convert("L")
    picture.save(tmp_path / "scan.pdf", resolution=200)
    document = read_document(tmp_path / "scan.pdf", tmp_path)
    assert "chaque membre y cultive une parcelle de dix mètres." in document.text
    assert any("tesseract" in note for note in document.notes)


def test_a_broken_file_is_said(tmp_path: Path) -> None:
    whole = write_pdf(tmp_path / "a.pdf", [Page().lines(50, 760, LEFT)]).read_bytes()
    (tmp_path / "b.pdf").write_bytes(whole[:200])
    with pytest.raises(InputError, match="cannot be read") as caught:
        read_document(tmp_path / "b.pdf", tmp_path)
    assert caught.value.cure


def test_a_rule_across_the_page_ends_the_columns(tmp_path: Path) -> None:
    page = Page().lines(50, 760, LEFT).lines(320, 760, RIGHT)
    below = 760 - 14 * len(LEFT) - 20
    page.rule(50, below, 540, below)
    for number, name in enumerate(
        ("Bêches et râteaux du club", "Arrosoirs de dix litres", "Brouettes à deux roues", "Tuyaux de vingt mètres")
    ):
        page.text(50, below - 20 - 14 * number, name).text(320, below - 20 - 14 * number, f"{10 + number} pièces au local")
    text = told(read(tmp_path, [page]))
    assert text.index(RIGHT[-1].split()[0]) < text.index("Bêches")
    assert "Bêches et râteaux du club 10 pièces au local" in " ".join(text.replace("|", " ").split())


def test_an_accent_drawn_at_the_line_s_end_goes_to_the_letter_that_it_stands_over(tmp_path: Path) -> None:
    page = Page().text(50, 760, "Herve et Jules partent.").text(50 + 4 * 5.4, 760, "´")
    assert "Hervé et Jules" in told(read(tmp_path, [page.lines(50, 700, LEFT)]))


def test_an_accent_stands_over_capitals_and_over_letters_that_no_character_joins_it_to(tmp_path: Path) -> None:
    page = Page().text(50, 760, "Ecole, m").text(51.7, 762.5, "´").text(86.4, 760, "˜").text(94, 760, "est la moyenne.")
    assert told(read(tmp_path, [page.lines(50, 700, LEFT)])).startswith("École, m\u0303 est la moyenne.")


def test_a_figure_that_the_text_runs_round_stands_after_the_sentence(tmp_path: Path) -> None:
    page = Page().text(50, 700, LEFT[0]).text(380, 690, "amont").text(420, 670, "aval")
    page.lines(380, 650, ["Figure 1 : le cours de la", "rivière et ses deux moulins."])
    page.lines(50, 688, LEFT[1:])
    found = told(read(tmp_path, [page])).replace("\n", " ")
    assert f"{LEFT[0]} {LEFT[1]}" in found
    assert "Figure 1 : le cours de la rivière et ses deux moulins." in found


def test_a_cell_that_goes_on_in_the_next_line_is_whole_without_rules(tmp_path: Path) -> None:
    page = Page()
    for number, line in reversed(list(enumerate(LEFT))):  # drawn from the foot up: the page's own order says nothing
        page.text(50, 780 - 12 * number, line)
    for number, cells in enumerate((("Pose du rail", "3 heures", "120 euros"), ("Essais, retrait des", "1 heure", "40 euros"))):
        page.text(50, 690 - 12 * number, cells[0])
        if number:
            page.text(60, 666, "anciens repères.")
        page.text(250, 690 - 12 * number, cells[1]).text(400, 690 - 12 * number, cells[2])
    found = told(read(tmp_path, [page]))
    assert "Essais, retrait des anciens repères. 1 heure 40 euros" in " ".join(found.split())


@pytest.mark.parametrize(
    ("font", "drawn", "meant"),
    [
        ("CMSY10", "0", "′"),
        ("CMSY7", "6", "≠"),
        ("MSAM10", "C", "◁="),
        ("CMEX10", "a", "="),
        ("CMMI10", "`", "ℓ="),
        ("CMMI7", "%", "ϱ="),
    ],
)
def test_signs_of_tex_s_fonts_are_not_read_as_the_letters_of_their_codes(tmp_path: Path, font: str, drawn: str, meant: str) -> None:
    page = Page().text(50, 760, "Soit").text(80, 760, drawn, face="F3").text(88, 760, "= 4 donné.").lines(50, 700, LEFT)
    meant = f"{meant}=" if meant == "′" else meant
    found = told(structure(read_document(write_pdf(tmp_path / "a.pdf", [page], fonts={"F3": font}), tmp_path)))
    assert "".join(found.split()).startswith(f"Soit{meant}4donné.")


@pytest.mark.parametrize(("font", "code", "meant"), [("CMMI", "\x0f", "ϵ"), ("CMMI", "\x0e", ""), ("Wide", "\x0f", "")])
def test_a_sign_that_pdfium_gives_as_a_control_code_is_read_in_the_font_that_has_it(
    tmp_path: Path, font: str, code: str, meant: str
) -> None:
    page = Page().text(50, 760, "Soit").text(80, 760, "!", face="FL").text(90, 760, "= 4 donné.").lines(50, 700, LEFT)
    path = write_pdf(tmp_path / "a.pdf", [page], letters=code)
    path.write_bytes(path.read_bytes().replace(b"/BaseFont /Own", b"/BaseFont/" + font.encode()))
    assert read_document(path, tmp_path).text.split()[:4] == ["Soit", *([meant] if meant else []), "=", "4", "donné."][:4]


def test_a_dotted_blank_and_a_list_of_prices_are_no_table_of_contents(tmp_path: Path) -> None:
    from triplette.synth.ingest.document import Document

    form = "Nom : ..............\nPrénom : ..............\nDate : ..............\n\n"
    prices = "Adulte .......... 25\nEnfant .......... 12\nFamille .......... 40\nGroupe .......... 15\n\n"
    contents = "\fSommaire\nLe lac .......... 2\nLa rive .......... 3\nLe canot .......... 4\n"
    found = told(structure(Document("a.txt", form + prices + contents, "pages")))
    assert all(word in found for word in ("Prénom", "Date", "Enfant", "Groupe"))
    assert "canot" not in found


def test_a_page_that_cannot_be_loaded_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    whole = write_pdf(tmp_path / "a.pdf", [Page().lines(50, 760, LEFT)]).read_bytes()
    (tmp_path / "b.pdf").write_bytes(whole.replace(b"/Count 1", b"/Count 3"))
    document = read_document(tmp_path / "b.pdf", tmp_path)
    assert LEFT[0] in document.text
    assert [note for note in document.notes if note.startswith("pages 2-3 are damaged") and "qpdf" in note]


def test_a_letter_drawn_twice_in_one_place_is_read_once(tmp_path: Path) -> None:
    page = Page().lines(50, 700, LEFT)
    for offset in (0.0, 0.4):
        page.text(50 + offset, 760, "La belle halle", 14).lines(50 + offset, 600, RIGHT)
    found = read(tmp_path, [page])
    assert found.blocks[0].headings[-1] == "La belle halle"
    assert told(found).count("compost") == 1
    assert " ".join(RIGHT) in told(found)


def test_the_two_letters_of_a_ligature_are_no_letter_drawn_twice() -> None:
    letters = [Char(c, x, x + 5, 10, 10, False) for c, x in (("d", 50), ("i", 55), ("f", 58), ("f", 58), ("u", 63), ("s", 68))]
    shadow = [char._replace(x0=char.x0 + 0.4, x1=char.x1 + 0.4) for char in letters]
    assert "".join(char.text for char in drawn_once([*letters, *shadow])) == "diffus"


def test_a_page_of_more_texts_than_are_read_at_once_keeps_each_once_and_in_order(tmp_path: Path) -> None:
    import pypdfium2

    page = Page()
    for number in range(TEXTS_AT_ONCE + 50):
        page.text(20 + 20 * (number % 25), 820 - 4 * (number // 25), f"{number}", 3)
    document = pypdfium2.PdfDocument(write_pdf(tmp_path / "a.pdf", [page]))
    try:
        found = "".join(char.text for char in page_chars(document[0]).chars)
    finally:
        document.close()
    assert found.split() == [str(number) for number in range(TEXTS_AT_ONCE + 50)]


def test_boxes_of_a_form_say_whether_they_are_ticked_beside_their_labels(tmp_path: Path) -> None:
    page = Page(boxes=[(50, 698, True), (120, 698, False), (150, 678, True)])
    page.lines(50, 760, [PROSE, PROSE]).text(64, 700, "Adulte").text(134, 700, "Enfant").text(50, 680, "Abonnement :").text(
        164, 680, "annuel"
    )
    assert "☒ Adulte ☐ Enfant" in " ".join(read(tmp_path, [page]).document.text.split())
    assert "Abonnement : ☒ annuel" in " ".join(read(tmp_path, [page]).document.text.split())


def test_a_table_without_rules_is_one_and_a_table_of_contents_is_none(tmp_path: Path) -> None:
    rows = [
        ("Catégorie", "Tarif", "Durée"),
        ("Adulte", "12 euros", "une heure"),
        ("Enfant", "", "une heure"),
        ("Groupe", "40 euros", "un jour"),
    ]
    listed = [("1", "Horaires d'ouverture", "3"), ("2", "Accès au sentier", "5"), ("3", "Tarifs", "9")]
    pages = [Page().lines(50, 780, [PROSE, PROSE]), Page().lines(50, 780, [PROSE, PROSE])]
    for page, lines in zip(pages, (rows, listed), strict=True):
        for number, line in enumerate(lines):
            for x, cell in zip((50, 200, 350), line, strict=True):
                page.text(x, 700 - 14 * number, cell)
        page.lines(50, 600, [PROSE, PROSE])
    table, contents = read(tmp_path, pages).document.text.split("\f")
    assert "| Catégorie | Tarif | Durée |\n| --- | --- | --- |\n| Adulte | 12 euros | une heure |\n| Enfant |  | une heure |" in table
    assert "|" not in contents


def test_marks_of_notes_leave_their_word_and_exponents_stay_with_theirs(tmp_path: Path) -> None:
    page = Page().lines(50, 760, [PROSE, PROSE])
    for y, text, mark, x, rest in (
        (700, "avant le 3 mars", "1", 120.6, "."),
        (680, "sur 40 km", "2", 92.2, "."),
        (660, "et 10", "3", 73.4, " litres."),
    ):
        page.text(50, y, text).text(x, y + 4, mark, 6).text(x + 3.4, y, rest)
    text = read(tmp_path, [page]).document.text
    assert [part in text for part in ("3 mars ¹.", "40 km².", "10³ litres.")] == [True] * 3, text


def test_small_print_in_the_margin_is_furniture_on_a_short_document_too_unless_it_is_a_sentence(tmp_path: Path) -> None:
    page = (
        Page()
        .text(50, 815, "Réserve du lac - note interne", 8)
        .lines(50, 750, [PROSE] * 6)
        .text(50, 25, "Cette note remplace celle de mars.", 8)
    )
    found = read(tmp_path, [page])
    assert found.dropped == {"header": 24}
    assert ["interne" in found.blocks[0].text, "remplace" in found.blocks[-1].text] == [False, True]
