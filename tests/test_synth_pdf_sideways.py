"""What stands at right angles to a PDF page's text: wide tables and pages that lie on their side are read, lines in the margin are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from pdf_maker import Page, write_pdf

from triplette.settings.synth import ChunkSettings
from triplette.synth.ingest import read_document
from triplette.synth.reading import read_one

ROWS = (
    ("Sentier", "Longueur", "Durée", "Ouvert en saison"),
    ("Crête nord", "12,5 km", "5 heures", "de juin à octobre"),
    ("Gorge du Doron", "8,2 km", "3 heures", "de mai à novembre"),
    ("Tour du lac", "4,0 km", "1 heure", "toute l'année"),
    ("Col des Fours", "9,7 km", "4 heures", "de juillet à août"),
)
TABLE = "\n".join(f"| {' | '.join(row)} |" + ("\n| --- | --- | --- | --- |" if not at else "") for at, row in enumerate(ROWS))
TEXT = [
    "Les sentiers du massif sont balisés en jaune, et chaque balise porte un numéro.",
    "Le tableau donne leur longueur. On part tôt, car l'orage vient après midi.",
    "Le refuge garde douze lits. On réserve la veille par radio, avant huit heures.",
]


def with_table(page: Page, *, ruled: bool, down: bool = False) -> Page:
    """The page with the table on its side, read from the right (or from the left, where it runs down)."""
    for number, row in enumerate(ROWS):
        for column, cell in enumerate(row):
            if down:
                page.operators.append(f"BT /F1 10 Tf 0 -1 1 0 {400 - 22 * number} {640 - 115 * column} Tm ({cell}) Tj ET")
            else:
                page.text(180 + 22 * number, 90 + 115 * column, cell, turned=True)
    if ruled:
        page.grid([166 + 22 * k for k in range(6)], [86 + 115 * k for k in range(5)])
    return page


@pytest.mark.parametrize("ruled", [False, True], ids=["no rules", "ruled"])
@pytest.mark.parametrize("kind", ["alone", "running down", "under a legend", "under text", "turned by the viewer"])
def test_a_table_on_its_side_is_read_as_one(tmp_path: Path, kind: str, *, ruled: bool) -> None:
    page = Page(rotate=90 if kind == "turned by the viewer" else 0)
    above = {"under a legend": ["Les sentiers en 2024"], "under text": TEXT * 4}.get(kind, [])
    if ruled and kind == "running down":
        return
    page = with_table(page.lines(50, 790, above), ruled=ruled, down=kind == "running down")
    path = write_pdf(tmp_path / "a.pdf", [page, Page().lines(50, 760, TEXT)])
    document = read_document(path, tmp_path)
    assert document.text.split("\f")[0] == "\n\n".join(["\n".join(above), TABLE] if above else [TABLE])
    assert document.notes == ()
    found = read_one(path, tmp_path, path.name, ChunkSettings(language="fr")).coverage
    assert found is not None
    assert not found.lost
    assert found.sentences == found.sentences_whole


def test_a_stamp_in_the_margin_and_the_labels_of_an_axis_are_left_out_and_counted(tmp_path: Path) -> None:
    page = Page().lines(50, 760, TEXT * 3).text(20, 200, "Prépublication 2024.1234 version 3 du 5 mai", 14, turned=True)
    for number, label in enumerate(("janvier", "avril", "juillet", "octobre")):
        page.text(200 + 40 * number, 300, label, 8, turned=True)
    document = read_document(write_pdf(tmp_path / "a.pdf", [page]), tmp_path)
    assert document.text.split("\n") == TEXT * 3
    assert any(note.endswith("upright are left out") for note in document.notes)
