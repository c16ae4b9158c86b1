"""What looks like a page's furniture and is none: a table's head that comes back, a title that its metadata cuts short."""

from __future__ import annotations

from pathlib import Path

from pdf_maker import Page, write_pdf

from triplette.synth.ingest import read_document, structure


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
