"""Arabic and Hebrew PDFs, whose lines are drawn as they look, are read as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from pdf_maker import Page, coded, write_pdf

from triplette.settings.synth import ChunkSettings
from triplette.synth.ingest import read_document
from triplette.synth.ingest.bidi import logical
from triplette.synth.reading import read_one

# what is read, what is seen from the left
HEBREW = [
    ("כל חבר רשאי לקחת סירה", "הריס תחקל יאשר רבח לכ"),
    ("בין 8:00 ו 18:30 (ראו 12).", ".(12 ואר) 18:30 ו 8:00 ןיב"),
    ("הסירה Laser 4.7 קטנה", "הנטק Laser 4.7 הריסה"),
    ("ואחרי זה ינקה אותה.", ".התוא הקני הז ירחאו"),
]
OTHER = [
    ("הסירות עומדות על החוף", "ףוחה לע תודמוע תוריסה"),
    ("והחרטום שלהן אל המים.", ".םימה לא ןהלש םוטרחהו"),
    ("האחראי בודק אותן פעם", "םעפ ןתוא קדוב יארחאה"),
    ("בחודש ורושם את הנזק.", ".קזנה תא םשורו שדוחב"),
]
LETTERS = "אבגדהוזחטיךכלםמןנסעףפץצקרשת 0123456789().:,aerLsTwobymnshp"


def drawn(page: Page, x: float, y: float, seen: str) -> Page:
    return page.text(x, y, coded(seen, LETTERS), face="FL")


@pytest.mark.parametrize(("read", "seen"), [*HEBREW, *OTHER])
def test_a_line_is_told_from_what_is_seen(read: str, seen: str) -> None:
    assert logical(seen) == read


def test_words_from_right_to_left_in_a_line_of_latin_words_are_turned_alone() -> None:
    assert logical("The boats (םולש 12 הריס) are ours.") == "The boats (סירה 12 שלום) are ours."


def test_a_page_of_hebrew_is_read_from_the_right(tmp_path: Path) -> None:
    page = Page()
    for number, (_, seen) in enumerate(HEBREW):
        drawn(page, 400 - 8 * len(seen), 700 - 14 * number, seen)
    document = read_document(write_pdf(tmp_path / "a.pdf", [page], letters=LETTERS), tmp_path)
    assert document.text.split("\n") == [read for read, _ in HEBREW]


def test_its_first_column_is_the_right_one_and_so_are_a_tables_first_cells(tmp_path: Path) -> None:
    page = Page()
    first = [HEBREW[0], *HEBREW[2:], OTHER[0]]
    for number, ((_, right), (_, left)) in enumerate(zip(first, [*OTHER[1:], HEBREW[0]], strict=True)):  # drawn row by row
        drawn(page, 520 - 8 * len(right), 780 - 14 * number, right)
        drawn(page, 270 - 8 * len(left), 780 - 14 * number, left)
    page.grid([50, 200, 350], [500, 480, 460])
    for row, cells in enumerate((("םש", "רפסמ"), ("הריס", "12"))):
        drawn(page, 260, 486 - 20 * row, cells[0])
        drawn(page, 110, 486 - 20 * row, cells[1])
    text = read_document(write_pdf(tmp_path / "a.pdf", [page], letters=LETTERS), tmp_path).text
    assert text.index(OTHER[0][0]) < text.index(OTHER[1][0])
    assert "| שם | מספר |" in text
    assert "| סירה | 12 |" in text


def test_a_second_reader_confirms_it(tmp_path: Path) -> None:
    page = Page()
    for number, (_, seen) in enumerate(HEBREW):
        drawn(page, 400 - 8 * len(seen), 700 - 14 * number, seen)
    covered = read_one(write_pdf(tmp_path / "a.pdf", [page], letters=LETTERS), tmp_path, "a.pdf", ChunkSettings()).coverage
    assert covered is not None
    assert (covered.words_held, covered.lost) == (covered.words, ())
    assert covered.words > 15


def test_words_of_hebrew_on_a_latin_page_are_turned_and_nothing_else(tmp_path: Path) -> None:
    page = Page().text(50, 700, "The harbour is open from May to October.")
    page.text(50, 680, "A boat is called").text(150, 680, coded("הנטק הריס", LETTERS), face="FL").text(228, 680, "in Hebrew.")
    text = read_document(write_pdf(tmp_path / "a.pdf", [page], letters=LETTERS), tmp_path).text
    assert "The harbour is open from May to October." in text
    assert "A boat is called" in text
    assert "סירה קטנה" in text
    assert "in Hebrew." in text
