"""What names the parts of a PDF: its title, its sections, the sheets of a form; and words that stand tight or are cut at a line's end."""

from __future__ import annotations

from pathlib import Path

import pytest
from pdf_maker import Page
from test_synth_ingest_pdf import LEFT, RIGHT, read, told

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
