"""What programs write: notes, hidden text, formulas, lists that go on, tables and titles in the forms of Word, LibreOffice, pandoc and PowerPoint."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from triplette.synth.ingest import Structured, read_document, structure
from triplette.synth.ingest.html_sheets import hidden_nodes

PROSE = "Le gardien ouvre la grille du parc à sept heures et la referme à la nuit tombée, sauf les jours de gel."


def read(path: Path, text: str = "", encoding: str = "utf-8") -> Structured:
    """A file, structured; written first when ``text`` is given."""
    if text:
        path.write_text(text, encoding=encoding)
    return structure(read_document(path, path.parent))


def lines(found: Structured) -> list[tuple[tuple[str, ...], str]]:
    """(heading path, text) of every block."""
    return [(block.headings, block.text) for block in found.blocks]


def texts(found: Structured) -> list[str]:
    """The texts of the blocks."""
    return [block.text for block in found.blocks]


# RTF


def rtf(tmp_path: Path, body: str) -> Structured:
    """An RTF text with two heading styles."""
    styles = r"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\s2 Titre 2;}{\s3 toc 1;}}"
    fonts = r"{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Times;}}"
    return read(tmp_path / "a.rtf", rf"{{\rtf1\ansi\ansicpg1252\uc1{fonts}{styles}{{\info{{\title Parc}}}}{body}}}", "latin-1")


def test_rtf_headings_come_from_style_or_outline_and_numbers_from_their_labels(tmp_path: Path) -> None:
    body = (
        r"{\header\pard Ville\par}\pard\s3 Horaires 2\par\pard\s1{\listtext 1.\tab}Horaires\par\pard L'\'e9t\u233?\par"
        r"\pard{\listtext a)\tab}le matin\par{\pntext\u8226?\tab}le soir\par\pard\outlinelevel1 Gel\par\pard Ferm\'e9.\par"
        r"\pard\s2 Neige\par\pard 1.\tab Sal\'e9.\par"
    )
    found = rtf(tmp_path, body)
    assert lines(found) == [
        (("Parc", "1. Horaires"), "L'été"), (("Parc", "1. Horaires"), "a) le matin"), (("Parc", "1. Horaires"), "- le soir"),
        (("Parc", "1. Horaires", "Gel"), "Fermé."), (("Parc", "1. Horaires", "Neige"), "1. Salé."),
    ]  # fmt: skip
    assert found.dropped == {"contents": 9, "header": 5}


def test_rtf_shows_no_hidden_or_deleted_text_and_notes_follow_their_paragraph(tmp_path: Path) -> None:
    body = (
        r"\pard Le chien{\super{\*\footnote\pard Tenu en laisse.\par}} {\deleted mord}{\v secret}aboie{\annotation\pard relire\par}.\par"
        r"{\shp{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt\pard Un encadr\'e9.\par}}{\shprslt\pard Un encadr\'e9.\par}}\pard 10{\super 3} m"
        r"{\field{\*\fldinst PAGE}{\fldrslt 7}}{\pict\pngblip 89504e47}\par\pard {\f1\'cf\'f0} fin\par"
    )
    assert texts(rtf(tmp_path, body)) == ["Le chien aboie.", "Tenu en laisse.", "10³ m7", "Un encadré.", "Пр fin"]


def test_rtf_tables_keep_their_spans(tmp_path: Path) -> None:
    def row(cells: str, *edges: str) -> str:
        return rf"\trowd{''.join(edges)}\pard\intbl {cells}\row"

    body = (
        row(r"Public\cell Prix\cell", r"\cellx1000", r"\cellx3000")
        + row(r"Enfants\cell ville\cell 2\cell", r"\clvmgf\cellx1000", r"\cellx2000", r"\cellx3000")
        + row(r"\cell ailleurs\cell 3\cell", r"\clvmrg\cellx1000", r"\cellx2000", r"\cellx3000")
        + r"\pard Fin.\par"
    )
    assert texts(rtf(tmp_path, body)) == [
        "| Public | Prix |  |\n| --- | --- | --- |\n| Enfants | ville | 2 |\n| Enfants | ailleurs | 3 |",
        "Fin.",
    ]


def test_an_rtf_that_stops_in_the_middle_gives_what_it_has(tmp_path: Path) -> None:
    assert texts(rtf(tmp_path, r"\pard Un d\'e9but{\*\footnote une note")) == ["Un début", "une note"]


# Pages


def test_a_page_without_links_keeps_lists_and_short_lines_that_no_site_has(tmp_path: Path) -> None:
    items = "".join(f"<li>objet {n}</li>" for n in range(5))
    found = read(
        tmp_path / "a.html",
        f"<meta charset=utf-8><body><h1>Prêt</h1><p>{PROSE}</p><h2>Objets</h2><ul>{items}</ul><p>Un encadré suit.</p>"
        + f"<p>{PROSE}</p>" * 6,
    )
    assert sum(block.text.startswith("- objet") for block in found.blocks) == 5
    assert "Un encadré suit." in texts(found)


@pytest.mark.parametrize(
    ("mark", "note"),
    [('<a href="#fn1" role="doc-noteref"><sup>1</sup></a>',
      '<section role="doc-endnotes"><ol><li id="fn1"><p>En laisse.<a href="#r1" role="doc-backlink">↩</a></p></li></ol></section>'),
     ('<a class="sdfootnoteanc" href="#sdfootnote1sym"><sup>1</sup></a>',
      '<div id="sdfootnote1"><p><a name="sdfootnote1sym" href="#sdfootnote1anc">1</a>En laisse.</p></div>'),
     ('<a href="#_ftn1" name="_ftnref1"><span>[1]</span></a>', '<div><hr><div id=ftn1><p><a href="#_ftnref1" name="_ftn1">[1]</a> En laisse.</p></div></div>')],
    ids=["pandoc", "LibreOffice", "Word"],
)  # fmt: skip
def test_a_note_of_a_page_follows_the_paragraph_with_its_mark(tmp_path: Path, mark: str, note: str) -> None:
    found = read(
        tmp_path / "a.html", f"<meta charset=utf-8><body><h1>Parc</h1><p>Le chien{mark} entre.</p><h2>Fin</h2><p>{PROSE}</p>{note}"
    )
    assert lines(found) == [(("Parc",), "Le chien entre."), (("Parc",), "En laisse."), (("Parc", "Fin"), PROSE)]


def test_a_link_inside_the_text_is_no_note(tmp_path: Path) -> None:
    found = read(
        tmp_path / "a.html",
        f'<meta charset=utf-8><p>Voir l’article <a href="#a9">9</a>.</p><p>{PROSE}</p><p id="a9">Les vélos attendent.</p>',
    )
    assert texts(found) == ["Voir l’article 9.", PROSE, "Les vélos attendent."]


def test_what_a_style_sheet_hides_is_no_text_unless_a_question_opens_it(tmp_path: Path) -> None:
    style = (
        ".x{display:none} p.y, #z{color:red;visibility:hidden} @media print{.k{display:none}} .w{display:none} .w{display:block}"
        "/* .c{display:none} */ .a .b{display:none} .r{display:none}"
    )
    body = (
        "<p class=x>Caché.</p><p class=y>Caché.</p><div id=z>Caché.</div><p class=k>Un.</p><p class=w>Deux.</p><p class='c b'>Trois.</p>"
        "<h2>Où est la grille ?</h2><div class=r><p>Au nord du parc.</p></div>"
    )
    found = read(tmp_path / "a.html", f"<meta charset=utf-8><head><style>{style}</style></head><body>{body}<p>{PROSE}</p></body>")
    assert texts(found) == ["Un.", "Deux.", "Trois.", "Au nord du parc.", PROSE]


def test_a_sheet_that_hides_most_of_the_page_is_not_believed(tmp_path: Path) -> None:
    found = read(tmp_path / "a.html", f"<meta charset=utf-8><style>#app{{display:none}}</style><body><div id=app><p>{PROSE}</p></div>")
    assert texts(found) == [PROSE]


def test_a_sheet_without_end_is_read() -> None:
    from lxml import etree

    root = etree.HTML("<style>@media print { .a{display:none} .b{ display:none</style><p class=b>x")
    assert hidden_nodes(root) == frozenset()


def test_spans_that_claim_millions_of_places_do_not_hold_the_page_up(tmp_path: Path) -> None:
    rows = "<tr><td rowspan=65534 colspan='1000' class=x>x</td><td colspan=1000 rowspan=65534>un</td></tr>" * 200
    found = read(tmp_path / "a.html", f"<meta charset=utf-8><body><p>{PROSE}</p><table>{rows}</table><p>{PROSE}</p>")
    assert texts(found)[0] == PROSE


# OpenDocument, PowerPoint, books


def packed(path: Path, **parts: str) -> Path:
    """A ZIP file of parts; "__" in a name is "/", and each is XML."""
    with zipfile.ZipFile(path, "w") as file:
        for name, text in parts.items():
            file.writestr(name.replace("__", "/") + ".xml", text)
    return path


ODT = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{uri}:1.0"'
    for name, uri in (("office", "office"), ("text", "text"), ("style", "style"), ("draw", "drawing"))
)


def test_an_odt_hides_what_its_styles_hide_raises_numbers_reads_formulas_and_goes_on_counting(tmp_path: Path) -> None:
    styles = (
        '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'
        '<style:style style:name="S"><style:text-properties style:text-position="super 58%"/></style:style>'
        '<text:list-style style:name="L"><text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/></text:list-style>'
    )
    item = "<text:list-item><text:p>{}</text:p></text:list-item>"
    body = (
        '<text:p>10<text:span text:style-name="S">3</text:span> m<text:span text:style-name="H"> secret</text:span>, '
        '<draw:frame><draw:object xlink:href="./O"/></draw:frame>.</text:p>'
        f'<text:list text:style-name="L">{item.format("un")}</text:list><text:p>Entre.</text:p>'
        f'<text:list text:style-name="L" text:continue-numbering="true">{item.format("deux")}</text:list>'
    )
    content = (
        f'<office:document-content xmlns:xlink="http://www.w3.org/1999/xlink" {ODT}><office:automatic-styles>{styles}</office:automatic-styles>'
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    math = '<math xmlns="http://www.w3.org/1998/Math/MathML"><mfrac><mi>n</mi><mn>2</mn></mfrac></math>'
    assert texts(read(packed(tmp_path / "a.odt", content=content, O__content=math))) == ["10³ m, n/2.", "1. un", "Entre.", "2. deux"]


def test_a_slide_with_a_formula_is_read_whole(tmp_path: Path) -> None:
    import pptx
    from lxml import etree

    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Vitesse", "La vitesse est v"
    shape = slide.placeholders[1]._element
    names = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main"'
    shape.find(".//{*}p").append(etree.fromstring(f"<a14:m {names}><m:oMath><m:r><m:t>=d/t</m:t></m:r></m:oMath></a14:m>"))
    mc = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    held = etree.fromstring(f'<mc:AlternateContent xmlns:mc="{mc}"><mc:Choice Requires="a14"/><mc:Fallback/></mc:AlternateContent>')
    shape.getparent().replace(shape, held)
    held[0].append(shape)
    made.save(str(tmp_path / "a.pptx"))
    assert lines(read(tmp_path / "a.pptx")) == [(("Vitesse",), "La vitesse est v =d/t")]


def test_the_heading_of_a_title_page_stands_over_all_chapters(tmp_path: Path) -> None:
    found = read(
        tmp_path / "a.html",
        f"<meta charset=utf-8><title>Le parc</title><h1>Le parc</h1><h1>Ouvrir</h1><p>{PROSE}</p><h1>Fermer</h1><p>Le soir.</p>",
    )
    assert [headings for headings, _ in lines(found)] == [("Le parc", "Ouvrir"), ("Le parc", "Fermer")]


# Headings that no style names


def test_bold_lines_are_headings_where_a_document_has_no_others(tmp_path: Path) -> None:
    import docx

    made = docx.Document()
    for text, size, bold in (
        ("Objet du parc", 14, True), (PROSE, 11, False), ("Article 2 : Les chiens", 11, True), (PROSE, 11, False), ("Laisse", 11, True),
        (PROSE, 11, False), ("Attention, le portail est lourd.", 11, True),
    ):  # fmt: skip
        run = made.add_paragraph().add_run(text)
        run.bold, run.font.size = bold, docx.shared.Pt(size)
    made.save(str(tmp_path / "a.docx"))
    found = read(tmp_path / "a.docx")
    assert lines(found) == [
        (("Objet du parc",), PROSE), (("Article 2 : Les chiens",), PROSE), (("Article 2 : Les chiens", "Laisse"), PROSE),
        (("Article 2 : Les chiens", "Laisse"), "Attention, le portail est lourd."),
    ]  # fmt: skip
    assert {block.kind for block in found.blocks} == {"paragraph"}


def test_a_question_in_bold_stands_over_its_answer_in_a_document_with_headings(tmp_path: Path) -> None:
    found = read(tmp_path / "a.md", "# Parc\n\n## Entrer\n\n**Qui ouvre la grille ?**\n\nLe gardien.\n\n**Rappel**\n\nLe soir, non.\n")
    assert lines(found) == [
        (("Parc", "Entrer", "Qui ouvre la grille ?"), "Le gardien."),
        (("Parc", "Entrer", "Qui ouvre la grille ?"), "Rappel"),
        (("Parc", "Entrer", "Qui ouvre la grille ?"), "Le soir, non."),
    ]


# Markdown


def test_drawn_tables_are_tables_with_their_spans_and_their_lines(tmp_path: Path) -> None:
    grid = (
        "Avant.\n\n+-------+-----------+\n| Outil | Prix      |\n|       +-----+-----+\n|       | jour| mois|\n+=======+=====+=====+\n"
        "| **Bêche** longue | 2 € | 20 € |\n+-------+-----+-----+\n| Râteau| gratuit   |\n+-------+-----------+\n\nAprès.\n"
    )
    found = read(tmp_path / "a.md", grid)
    assert texts(found) == [
        "Avant.",
        "| Outil | Prix | Prix |\n| --- | --- | --- |\n| Outil | jour | mois |\n| Bêche longue | 2 € | 20 € |\n| Râteau | gratuit | gratuit |",
        "Après.",
    ]
    table = found.blocks[1]
    assert grid[table.char_start : table.char_end].startswith("+---")
    assert grid[table.char_start : table.char_end].rstrip().endswith("-+")
    simple = read(tmp_path / "b.md", "  Mois     Prix\n-------   ------\n   mai      12 €\n  juin      14 €\n\n```\na b\n-- --\n```\n")
    assert texts(simple) == ["| Mois | Prix |\n| --- | --- |\n| mai | 12 € |\n| juin | 14 € |", "a b\n-- --"]


@pytest.mark.parametrize(
    "text", ["+---\nsuite", "+--+\n| a\n+--+--+", "+---+\n|", "Titre\n--- ---", "-- --\n-- --\n", "+---+---+\n| a | b |"]
)
def test_what_is_no_drawn_table_stays_text(tmp_path: Path, text: str) -> None:
    found = read(tmp_path / "a.md", f"Avant.\n\n{text}\n\nAprès.\n")
    assert texts(found)[0] == "Avant."
    assert texts(found)[-1] == "Après."
    assert all(block.kind != "table" for block in found.blocks)


def test_raised_letters_line_blocks_and_abbreviations_are_read_as_they_are_shown(tmp_path: Path) -> None:
    found = read(
        tmp_path / "a.md", "L'eau H~2~O, 10^3^ m^2^, le 1^er^ mai.\n\n| Rue des Lilas\n| 35000 Rennes\n\n*[SNCF]: la compagnie\n"
    )
    assert texts(found) == ["L'eau H2O, 10³ m², le 1er mai.", "Rue des Lilas 35000 Rennes"]


def test_notes_stand_under_the_title_and_the_heading_of_a_box_ends_with_it(tmp_path: Path) -> None:
    text = "# Parc\n\n## Un\n\nLe chien[^1].\n\n::: {.callout-note}\n## Boîte\nDedans.\n:::\n\nDehors.\n\n## Deux\n\nFin.\n\n[^1]: En laisse.\n"
    assert lines(read(tmp_path / "a.md", text)) == [
        (("Parc", "Un"), "Le chien."), (("Parc", "Un", "Boîte"), "Dedans."), (("Parc", "Un"), "Dehors."), (("Parc", "Deux"), "Fin."),
        (("Parc",), "1. En laisse."),
    ]  # fmt: skip
