"""Text that an office program does not show is no passage, and is counted as dropped: the second reader, which sees it, raises no false alarm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pptx
import pytest
from test_synth_docx import docx, par, run
from test_synth_formats import odt

from triplette.settings.synth import ChunkSettings
from triplette.synth.ingest import read_document
from triplette.synth.reading import ReadDocument, read_one

SHOWN = "Le sauna ouvre à seize heures."
UNSEEN = "Le bain froid reste fermé."


def word(folder: Path) -> Path:
    """A hidden run in a paragraph, in one of its own, and in a cell."""
    vanish = "<w:vanish/>"
    cells = "".join(f"<w:tc>{par(cell)}</w:tc>" for cell in (run("Cabine"), run("libre") + run(" ou non", vanish)))
    row = f"<w:tr>{cells}</w:tr>"
    return docx(
        folder / "a.docx",
        par(run(f"{SHOWN} ") + run(UNSEEN, vanish)) + par(run(UNSEEN, vanish)) + f"<w:tbl>{row}{row}</w:tbl>" + par("Fin."),
    )


def open_document(folder: Path) -> Path:
    """A hidden section, and a hidden span."""
    styles = '<style:style style:name="H" style:family="text"><style:text-properties text:display="none"/></style:style>'
    body = (
        f'<text:p>{SHOWN}<text:span text:style-name="H"> {UNSEEN}</text:span></text:p>'
        f'<text:section text:display="none"><text:p>{UNSEEN}</text:p></text:section>'
    )
    return odt(folder / "a.odt", body, styles)


def rich_text(folder: Path) -> Path:
    """Hidden and deleted text."""
    sauna, bath = (text.replace("à", r"\'e0").replace("é", r"\'e9") for text in (SHOWN, UNSEEN))
    path = folder / "a.rtf"
    path.write_text(rf"{{\rtf1\ansi\ansicpg1252 {{\v {bath} }}{sauna}\par {{\deleted {bath}}}\par}}", encoding="ascii")
    return path


def slides(folder: Path) -> Path:
    """A hidden slide."""
    made = pptx.Presentation()
    for text in (SHOWN, UNSEEN):
        slide = made.slides.add_slide(made.slide_layouts[6])
        slide.shapes.add_textbox(0, 0, 10_000, 10_000).text_frame.text = text
    slide.element.set("show", "0")
    made.save(str(folder / "a.pptx"))
    return folder / "a.pptx"


def checked(path: Path) -> ReadDocument:
    """A file, read and compared with its second reader."""
    return read_one(path, path.parent, path.name, ChunkSettings(language="fr"))


@pytest.mark.parametrize("make", [word, open_document, rich_text, slides])
def test_hidden_text_is_dropped_as_that_and_not_lost(make: Callable[[Path], Path], tmp_path: Path) -> None:
    found = checked(make(tmp_path))
    assert found.rows is not None
    assert "bain" not in " ".join(found.rows["text"].to_pylist())
    assert found.dropped["hidden"] >= len(UNSEEN.replace(" ", ""))
    assert found.coverage is not None
    assert not found.coverage.lost
    assert found.coverage.sentences_whole == found.coverage.sentences > 0


def test_a_hidden_sheet_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Bain", "froid"])
    book.create_sheet("Réserve").sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    assert any("'Réserve' is hidden" in note for note in read_document(tmp_path / "a.xlsx", tmp_path).notes)


def test_the_second_reader_of_word_parts_words_at_a_line_s_end(tmp_path: Path) -> None:
    body = par(run("Le hammam") + "<w:r><w:br/></w:r>" + run("ouvre à midi, tous les jours."))
    found = checked(docx(tmp_path / "a.docx", body)).coverage
    assert found is not None
    assert (found.lost, found.sentences_whole) == ((), 1)


def test_the_second_reader_of_markdown_knows_that_a_site_fills_its_short_codes_in(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("## Bains\n\n{{% warning %}}\nLe bassin est vide en hiver.\n{{% /warning %}}\n", encoding="utf-8")
    found = checked(tmp_path / "a.md").coverage
    assert found is not None
    assert (found.lost, found.sentences_whole) == ((), 1)
