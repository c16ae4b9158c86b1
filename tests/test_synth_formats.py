"""Books, office files and docling's documents to blocks; bombs and broken files are refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from triplette.errors import InputError
from triplette.synth.ingest import Structured, read_document, structure


def read(path: Path) -> Structured:
    """A file, structured."""
    return structure(read_document(path, path.parent))


def lines(found: Structured) -> list[tuple[tuple[str, ...], str]]:
    """(heading path, text) of every block."""
    return [(block.headings, block.text) for block in found.blocks]


def packed(path: Path, parts: dict[str, str]) -> Path:
    """A ZIP file of text parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text)
    return path


ODT_NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{uri}:1.0"'
    for name, uri in (("office", "office"), ("text", "text"), ("table", "table"), ("style", "style"), ("draw", "drawing"))
)


def odt(path: Path, body: str, styles: str = "") -> Path:
    """An OpenDocument text with this body."""
    content = (
        f"<office:document-content {ODT_NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    return packed(path, {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})


def test_an_epub_is_read_in_the_order_of_its_spine(tmp_path: Path) -> None:
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Le jardin</dc:title></metadata>'
        '<manifest><item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="b" href="t/deux.xhtml" media-type="application/xhtml+xml"/><item id="a" href="t/un%20a.xhtml" media-type="application/xhtml+xml"/>'
        '</manifest><spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine></package>'
    )
    page = (
        "<html xmlns='http://www.w3.org/1999/xhtml'><head><title>x</title></head><body><h1>{0}</h1><p>{1}&#160;: oui.</p></body></html>"
    )
    container = '<container><rootfiles><rootfile full-path="OPS/p.opf"/></rootfiles></container>'
    path = packed(
        tmp_path / "a.epub",
        {
            "META-INF/container.xml": container, "OPS/p.opf": package, "OPS/nav.xhtml": page.format("Sommaire", "Un"),
            "OPS/t/un a.xhtml": page.format("Semer", "Semez en mars"), "OPS/t/deux.xhtml": page.format("Arroser", "Arrosez le soir"),
        },
    )  # fmt: skip
    assert lines(read(path)) == [
        (("Le jardin", "Semer"), "Semez en mars : oui."),
        (("Le jardin", "Arroser"), "Arrosez le soir : oui."),
    ]


def test_an_odt_keeps_headings_lists_tables_notes_and_no_deletions(tmp_path: Path) -> None:
    styles = '<text:list-style style:name="L"><text:list-level-style-number text:level="1" style:num-format="a" style:num-suffix=")"/></text:list-style>'
    body = (
        "<text:tracked-changes><text:p>effacé</text:p></text:tracked-changes>"
        '<text:h text:outline-level="1">Prêt</text:h><text:p>Le livre<text:note><text:note-citation>1</text:note-citation><text:note-body>'
        "<text:p>Hors dictionnaires.</text:p></text:note-body></text:note> est<text:s/>prêté <text:span>un mois</text:span>.</text:p>"
        '<text:list text:style-name="L"><text:list-item><text:p>la carte</text:p></text:list-item><text:list-item><text:p>la caution</text:p>'
        "</text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>Livre</text:p></table:table-cell><table:table-cell><text:p>Durée</text:p></table:table-cell>"
        "</table:table-row><table:table-row><table:table-cell><text:p>roman</text:p></table:table-cell><table:table-cell><text:p>30 j</text:p>"
        "</table:table-cell></table:table-row></table:table>"
        "<text:p>Voir<draw:frame><draw:text-box><text:p>Un encadré.</text:p></draw:text-box></draw:frame> ici.</text:p>"
    )
    assert lines(read(odt(tmp_path / "a.odt", body, styles))) == [
        (("Prêt",), "Le livre est prêté un mois."),
        (("Prêt",), "Hors dictionnaires."),
        (("Prêt",), "a) la carte"),
        (("Prêt",), "b) la caution"),
        (("Prêt",), "| Livre | Durée |\n| --- | --- |\n| roman | 30 j |"),
        (("Prêt",), "Voir ici."),
        (("Prêt",), "Un encadré."),
    ]


def test_an_rtf_is_read_as_plain_lines_with_accents(tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    path.write_bytes(rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 R\'e8glement\par L'acc\'e8s ferme \u224? 22 heures.\par}")
    text = " ".join(block.text for block in read(path).blocks)
    assert "L'accès ferme à 22 heures." in text


def test_slides_give_titles_items_tables_notes_and_pages(tmp_path: Path) -> None:
    import pptx
    from pptx.util import Inches

    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text = "Sécurité"
    slide.placeholders[1].text = "Porter un casque\nFermer le portail"
    slide.notes_slide.notes_text_frame.text = "Rappeler la sanction."
    other = made.slides.add_slide(made.slide_layouts[5])
    other.shapes.title.text = "Tarifs"
    table = other.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for place, text in enumerate(("Âge", "Prix", "enfant", "3 €")):
        table.cell(place // 2, place % 2).text = text
    made.save(str(tmp_path / "a.pptx"))
    found = read(tmp_path / "a.pptx")
    assert lines(found) == [
        (("Sécurité",), "- Porter un casque"),
        (("Sécurité",), "- Fermer le portail"),
        (("Sécurité",), "Rappeler la sanction."),
        (("Tarifs",), "| Âge | Prix |\n| --- | --- |\n| enfant | 3 € |"),
    ]
    assert [block.page_start for block in found.blocks] == [1, 1, 1, 2]


@pytest.mark.parametrize("words", ["Service des eaux\nÀ relire\nen mai", "Mai 2024", ""])
def test_a_slides_foot_of_any_number_of_paragraphs_is_set_aside(tmp_path: Path, words: str) -> None:
    import pptx

    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Barrage", "La vanne reste fermée."
    foot = next(holder for holder in made.slide_layouts[1].placeholders if holder.placeholder_format.type.name == "FOOTER")
    slide.shapes.clone_placeholder(foot)
    slide.placeholders[foot.placeholder_format.idx].text = words
    made.save(str(tmp_path / "a.pptx"))
    found = read(tmp_path / "a.pptx")
    assert lines(found) == [(("Barrage",), "La vanne reste fermée.")]
    assert set(found.dropped) == ({"footer"} if words else set())


def test_a_file_that_vanishes_before_it_is_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is gone"):
        read_document(tmp_path / "a.txt", tmp_path)


def docling_document() -> dict[str, object]:
    """A small DoclingDocument as plain values."""

    def text(number: int, label: str, content: str, **more: object) -> dict[str, object]:
        return {"self_ref": f"#/texts/{number}", "parent": {"$ref": "#/body"}, "children": [], "label": label, "text": content,
                "prov": [{"page_no": 1 + number // 3}], **more}  # fmt: skip

    cell = [
        {"text": t, "start_row_offset_idx": r, "end_row_offset_idx": r + 1, "start_col_offset_idx": c, "end_col_offset_idx": e}
        for r, c, e, t in ((0, 0, 2, "Prix"), (1, 0, 1, "jour"), (1, 1, 2, "4 €"))
    ]
    return {
        "schema_name": "DoclingDocument", "version": "1.5.0", "name": "a",
        "body": {"children": [{"$ref": f"#/texts/{n}"} for n in range(5)] + [{"$ref": "#/tables/0"}, {"$ref": "#/texts/0"}]},
        "texts": [
            text(0, "page_header", "Ville de X", content_layer="furniture"), text(1, "section_header", "1. Location", level=1),
            text(2, "section_header", "1.1 Durée", level=1), text(3, "text", "La durée est d’un jour."),
            text(4, "list_item", "un vélo", enumerated=True, marker="2."),
        ],
        "tables": [{"label": "table", "children": [], "prov": [{"page_no": 2}], "data": {"num_rows": 2, "num_cols": 2, "table_cells": cell}}],
    }  # fmt: skip


DOCLING_MARKDOWN = """<!-- image -->

## Règlement du port &amp; de la baie

## 1. Accès

La grille ouvre à 7 h pour la classe A\\_1 &lt; 8 m. Le gardien note l'heure et

<!-- page break -->

le nom du bateau.

<!-- image -->

## 1.1 Tarifs

| Catégorie   | Prix   |
|-------------|--------|
| Adulte      | 24 €   |

<!-- formula-not-decoded -->

- [x] Cotisation payée
"""


def test_the_markdown_that_docling_writes_has_its_title_its_sentences_and_no_marks(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(DOCLING_MARKDOWN, encoding="utf-8")
    title = "Règlement du port & de la baie"
    found = structure(read_document(tmp_path / "a.md", tmp_path))
    assert [(block.headings, block.text) for block in found.blocks] == [
        ((title, "1. Accès"), "La grille ouvre à 7 h pour la classe A_1 < 8 m. Le gardien note l'heure et le nom du bateau."),
        ((title, "1. Accès", "1.1 Tarifs"), "| Catégorie | Prix |\n| --- | --- |\n| Adulte | 24 € |"),
        ((title, "1. Accès", "1.1 Tarifs"), "- Cotisation payée"),
    ]


def test_docling_json_keeps_pages_tables_and_nests_numbered_titles(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(docling_document()), encoding="utf-8")
    found = read(tmp_path / "a.json")
    path = ("1. Location", "1.1 Durée")
    assert lines(found) == [
        (path, "La durée est d’un jour."),
        (path, "2. un vélo"),
        (path, "| Prix | Prix |\n| --- | --- |\n| jour | 4 € |"),
    ]
    assert found.dropped == {"header": 8}
    assert [block.page_start for block in found.blocks] == [2, 2, 2]


def test_json_of_others_is_named_and_left(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    with pytest.raises(InputError, match="not a document of docling"):
        read_document(path, path)


@pytest.mark.parametrize("name", ["a.docx", "a.odt", "a.epub", "a.pptx", "a.xlsx"])
def test_archives_that_unpack_to_memories_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("word/document.xml", "w", force_zip64=True) as stream:
        for _ in range(40):
            stream.write(b"\0" * 1_000_000)
    with pytest.raises(InputError, match="made to exhaust memory") as caught:
        read_document(path, tmp_path)
    assert caught.value.where == name


def test_an_entity_bomb_is_refused(tmp_path: Path) -> None:
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    path = packed(
        tmp_path / "a.odt",
        {
            "content.xml": f'<!DOCTYPE x [<!ENTITY e0 "haha">{bomb}]><office:document-content {ODT_NAMES}><office:body><office:text>'
            "<text:p>Avant &e11; après.</text:p></office:text></office:body></office:document-content>"
        },
    )
    with pytest.raises(InputError, match="amplification"):
        read(path)


@pytest.mark.parametrize("name", ["a.docx", "a.odt", "a.epub", "a.pptx", "a.xlsx", "a.rtf", "a.json"])
def test_what_is_no_such_file_is_said(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"PK\x03\x04 not an archive \xff")
    with pytest.raises(InputError) as caught:
        read_document(path, tmp_path)
    assert caught.value.cure


@pytest.mark.parametrize("name", ["a.html", "a.md", "a.txt"])
@pytest.mark.parametrize(
    ("head", "said"), [(b"%PDF-1.4\n1 0 obj", "a PDF"), (b"PK\x03\x04abc", "a ZIP file"), (b"{\\rtf1 Bonjour}", "RTF")]
)
def test_another_format_under_the_suffix_of_a_text_is_named(tmp_path: Path, name: str, head: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(head)
    with pytest.raises(InputError, match=f"is {said} and not") as caught:
        read_document(tmp_path / name, tmp_path)
    assert "suffix of its real format" in caught.value.cure


def test_an_archive_of_another_format_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is an OpenDocument text") as caught:
        read_document(odt(tmp_path / "a.docx", "<text:p>Un texte.</text:p>"), tmp_path)
    assert ".odt" in caught.value.cure
    with pytest.raises(InputError, match="is a Word document"):
        read_document(packed(tmp_path / "b.odt", {"word/document.xml": "<w/>"}), tmp_path)


def test_an_encrypted_office_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(InputError, match="encrypted"):
        read_document(path, tmp_path)


# The witnesses


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.docx", "a.odt", "a.pptx", "a.xlsx", "a.json", "a.epub"])
def test_another_library_sees_the_words_that_the_reader_sees(tmp_path: Path, name: str) -> None:
    import re

    from triplette.synth.ingest.witness_markup import markup_witness

    path = tmp_path / name
    make_sample(path)
    seen = markup_witness(path)
    assert seen is not None
    found = read(path)
    words = set(
        re.findall(r"\w+", " ".join([*(block.text for block in found.blocks), *(h for block in found.blocks for h in block.headings)]))
    )
    assert set(re.findall(r"\w+", seen)) == words
    assert {"Location", "journée", "caution"} <= words


def make_sample(path: Path) -> None:
    """A small document of the format that the suffix names: a title, a sentence and a table."""
    import docx
    import openpyxl
    import pptx

    title, text, rows = "Location", "Le vélo est loué à la journée.", (("objet", "caution"), ("vélo", "trente"))
    html = f"<h1>{title}</h1><p>{text}</p><table>{''.join(f'<tr><td>{a}</td><td>{b}</td></tr>' for a, b in rows)}</table>"
    if path.suffix == ".md":
        path.write_text(f"# {title}\n\n{text}\n\n| objet | caution |\n|---|---|\n| vélo | trente |\n", encoding="utf-8")
    elif path.suffix == ".html":
        path.write_text(f"<html><head><meta charset='utf-8'></head><body>{html}</body></html>", encoding="utf-8")
    elif path.suffix == ".docx":
        made = docx.Document()
        made.add_heading(title, 1)
        made.add_paragraph(text)
        table = made.add_table(2, 2)
        for place in range(4):
            table.cell(place // 2, place % 2).text = rows[place // 2][place % 2]
        made.save(str(path))
    elif path.suffix == ".odt":
        cells = "".join(
            f"<table:table-row>{''.join(f'<table:table-cell><text:p>{t}</text:p></table:table-cell>' for t in row)}</table:table-row>"
            for row in rows
        )
        odt(path, f'<text:h text:outline-level="1">{title}</text:h><text:p>{text}</text:p><table:table>{cells}</table:table>')
    elif path.suffix == ".pptx":
        made = pptx.Presentation()
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, f"{text}\nobjet caution vélo trente"
        made.save(str(path))
    elif path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        book.active.title = "caution"
        for row in (*rows, (title, text)):
            book.active.append(row)
        book.save(path)
    elif path.suffix == ".json":
        content = docling_document()
        texts = [
            {"label": "section_header", "text": title, "children": []},
            {"label": "text", "text": f"{text} caution", "children": []},
        ]
        path.write_text(
            json.dumps({**content, "texts": texts, "tables": [], "body": {"children": [{"$ref": "#/texts/0"}, {"$ref": "#/texts/1"}]}})
        )
    else:
        package = '<package xmlns="p"><manifest><item id="a" href="a.html" media-type="text/html"/></manifest><spine><itemref idref="a"/></spine></package>'
        container = '<container><rootfiles><rootfile full-path="p.opf"/></rootfiles></container>'
        packed(path, {"META-INF/container.xml": container, "p.opf": package, "a.html": f"<meta charset='utf-8'><body>{html}</body>"})
