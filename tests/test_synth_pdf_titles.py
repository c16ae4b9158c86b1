"""What names the parts of a PDF: its title, its sections, the sheets of a form; and words that stand tight or are cut at a line's end."""

from __future__ import annotations

from pathlib import Path

import pytest
from pdf_maker import Page
from test_synth_ingest_pdf import LEFT, PROSE, RIGHT, read, told

from triplette.synth.ingest.witness import witness


def test_the_first_of_several_numbered_sections_is_not_the_documents_title(tmp_path: Path) -> None:
    page = Page()
    for number, name in enumerate(("Ouverture", "Eau", "Loyer"), 1):
        page.text(50, 900 - 130 * number, f"{number}. {name}", 14, bold=True).lines(50, 880 - 130 * number, LEFT)
    assert [block.headings for block in read(tmp_path, [page]).blocks] == [("1. Ouverture",), ("2. Eau",), ("3. Loyer",)]


def test_large_lines_that_number_the_sheets_of_a_form_name_them_and_a_small_one_in_the_foot_counts_pages(tmp_path: Path) -> None:
    sheets = [
        Page()
        .text(50, 790, f"Relevé de parcelle {number}", 15, bold=True)
        .lines(50, 760, [f"La parcelle est sous le {tree}.", *LEFT])
        .text(50, 40, f"Association des jardins, page {number}", 8)
        for number, tree in enumerate(("chêne", "tilleul", "frêne", "noyer"), 1)
    ]
    found = read(tmp_path, sheets)
    assert list(dict.fromkeys(block.headings for block in found.blocks)) == [
        (f"Relevé de parcelle {number}",) for number in range(1, 5)
    ]
    assert set(found.dropped) == {"footer"}


def test_a_heading_at_the_foot_of_a_page_stands_over_the_text_of_the_next(tmp_path: Path) -> None:
    first = Page().text(50, 780, "Le jardin du quai", 16, bold=True).lines(50, 750, LEFT).text(50, 60, "Le local", 13, bold=True)
    found = read(tmp_path, [first, Page().lines(50, 780, RIGHT)])
    assert [block.headings for block in found.blocks] == [("Le jardin du quai",), ("Le jardin du quai", "Le local")]


@pytest.mark.parametrize("stop", [",", ".", ";", "!"])
def test_a_word_set_tight_after_a_stop_is_a_word_and_a_number_with_a_comma_is_one(tmp_path: Path, stop: str) -> None:
    page = (
        Page()
        .text(50, 780, f"Le gardien ouvre{stop}")
        .text(50 + 77.82 + 1.7, 780, "puis il range")
        .lines(50, 760, ["Il pèse 3,5 kg, sans plus."])
    )
    assert f"ouvre{stop} puis il range" in told(read(tmp_path, [page]))


def test_a_compound_cut_at_a_line_end_keeps_its_hyphen_where_another_is_built_like_it(tmp_path: Path) -> None:
    lines = ["Les parcelles even-numbered ont le mardi, les odd-", "numbered le jeudi, et le tran-", "sport de la terre le samedi."]
    found = told(read(tmp_path, [Page().lines(50, 780, lines)]))
    assert "les odd-numbered le jeudi, et le transport de" in found
    whole = told(read(tmp_path, [Page().lines(50, 780, ["Un long sous-main et le lende-", "main, demain comme le lendemain.", *LEFT])]))
    assert "le lendemain, demain" in whole, "a word that is written whole elsewhere is no compound"


def test_the_second_reader_sees_the_lines_of_a_page_that_is_drawn_in_a_form_of_its_own(tmp_path: Path) -> None:
    read(tmp_path, [Page().lines(50, 780, LEFT)])
    page = (tmp_path / "a.pdf").read_bytes()
    stream = page[page.index(b"stream\nBT") + 7 : page.index(b"\nendstream", page.index(b"stream\nBT"))]
    path = tmp_path / "form.pdf"
    resources = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >> >> >>"
    path.write_bytes(
        b"%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n2 0 obj << /Type /Pages /Count 1 /Kids [3 0 R] >> endobj\n"
        b"3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >> >> endobj\n"
        b"4 0 obj << /Length 5 >>\nstream\n/X Do\nendstream endobj\n"
        + b"5 0 obj << /Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources %s /Length %d >>\nstream\n%s\nendstream endobj\n"
        % (resources, len(stream), stream)
        + b"trailer << /Size 6 /Root 1 0 R >>\n%%EOF"
    )
    assert (witness(path) or "").split() == " ".join(LEFT).split()


@pytest.mark.parametrize("labels", [True, False], ids=["with labels", "a picture alone"])
@pytest.mark.parametrize("column", [True, False], ids=["over a column's end", "over the page's end"])
def test_a_figure_at_the_foot_of_a_column_or_page_stands_behind_the_sentence_that_goes_on(
    tmp_path: Path, column: bool, labels: bool
) -> None:
    page, other = Page(), Page()
    begun = [f"La digue numéro {k} est basse et longue de cent pas." for k in range(20)] + [
        "La digue du sud est relevée tous les dix ans et elle"
    ]
    page.lines(50, 780, begun)
    if labels:
        page.text(60, 480, "vanne", 7).text(150, 474, "écluse", 7)
    page.lines(50, 440, ["Figure 7. Les digues du delta, vues", "du clocher du bourg."], 9)
    rest = [
        "tient depuis cent ans. La route qui passe dessus est",
        *(f"fermée {k} jours par an, selon le vent et la lune." for k in range(20)),
    ]
    (page if column else other).lines(320 if column else 50, 780, rest)
    texts = [block.text for block in read(tmp_path, [page] if column else [page, other]).blocks]
    sentence = "La digue du sud est relevée tous les dix ans et elle tient depuis cent ans."
    legend = "Figure 7. Les digues du delta, vues du clocher du bourg."
    assert any(sentence in text for text in texts)
    assert any(legend in text for text in texts)
    assert " ".join(texts).index(sentence) < " ".join(texts).index(legend)


def test_an_article_at_the_foot_of_a_page_under_an_unfinished_line_is_no_figure(tmp_path: Path) -> None:
    first = Page().lines(50, 780, [*LEFT, "Le gardien ouvre la cabane verte tous les matins et il"])
    first.text(50, 660, "Article 3. Le prêt", 10, bold=True).lines(50, 640, ["Les outils sont prêtés pour la journée."])
    found = read(tmp_path, [first, Page().lines(50, 780, RIGHT)])
    assert "Article 3. Le prêt" in [block.headings[-1] for block in found.blocks if block.headings]


def test_indented_footnotes_of_two_columns_follow_the_sentences_that_go_on_over_the_columns_and_the_page(tmp_path: Path) -> None:
    page = (
        Page()
        .lines(50, 780, [*LEFT, *LEFT, "On y entre par le chemin du moulin et par la"])
        .lines(320, 780, ["route du lac, l'hiver aussi.", *RIGHT])
    )
    page.lines(320, 680, [*RIGHT, "Le bureau se réunit le lundi pour voir les comptes, et"])
    for x, number in ((50, 1), (320, 2)):
        page.text(x + 13, 120, f"{number} Voir le plan affiché à l'entrée du jardin, et", 7)
        page.text(x, 111, "celui que le gardien garde.", 7).text(x + 92, 111, "Les deux sont à jour.", 7).text(
            x, 102, "On les relit en mars.", 7
        )
    found = told(read(tmp_path, [page, Page().lines(50, 780, ["les soirs où il pleut, dans la salle du bas.", PROSE])]))
    assert "par le chemin du moulin et par la route du lac, l'hiver aussi." in found
    assert "pour voir les comptes, et les soirs où il pleut, dans la salle du bas." in found
    assert found.count("celui que le gardien garde. Les deux sont à jour. On les relit en mars.") == 2


def test_a_footnote_does_not_stand_between_a_colon_and_the_list_that_it_announces_on_the_next_page(tmp_path: Path) -> None:
    first = (
        Page().lines(50, 780, [*LEFT, "Le gardien confie à chaque membre, le jour de son arrivée :"]).text(50, 80, "1 Voir le plan.", 7)
    )
    texts = [
        block.text for block in read(tmp_path, [first, Page().lines(50, 780, ["- une clef du portail ;", "- un seau.", *LEFT])]).blocks
    ]
    assert texts.index("- un seau.") < texts.index("1 Voir le plan.") or texts.index("- une clef du portail ;") < texts.index(
        "1 Voir le plan."
    )
