"""Word documents: what Word shows is read, whatever element holds it."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import pytest

from triplette.synth.ingest import Structured, read_document, structure
from triplette.synth.ingest.witness_markup import markup_witness

NAMES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def docx(path: Path, body: str, **parts: str) -> Path:
    """A Word document with this body, and further parts (``styles``, ``numbering``, ``footnotes``, ``header``...) by their name."""
    relations = "".join(f'<Relationship Id="r{name}" Type="{OFFICE}/{name}" Target="{name}.xml"/>' for name in parts)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("word/document.xml", f"<w:document {NAMES}><w:body>{body}</w:body></w:document>")
        file.writestr("word/_rels/document.xml.rels", f"<Relationships>{relations}</Relationships>")
        for name, content in parts.items():
            file.writestr(f"word/{name}.xml", f"<w:{name} {NAMES}>{content}</w:{name}>")
    return path


def run(text: str, properties: str = "") -> str:
    """A run of text."""
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def par(content: str, properties: str = "") -> str:
    """A paragraph; plain text becomes a run."""
    return f"<w:p><w:pPr>{properties}</w:pPr>{content if content.startswith('<') else run(content)}</w:p>"


def read(path: Path) -> Structured:
    """A file, structured."""
    return structure(read_document(path, path.parent))


def texts(tmp_path: Path, body: str, **parts: str) -> list[str]:
    """The texts of a document's blocks."""
    return [block.text for block in read(docx(tmp_path / "a.docx", body, **parts)).blocks]


def field(instruction: str, result: str) -> str:
    """A field with its instruction and its shown result."""
    marks = [f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")]
    return f"{marks[0]}<w:r><w:instrText>{instruction}</w:instrText></w:r>{marks[1]}{run(result)}{marks[2]}"


SUPER = '<w:vertAlign w:val="superscript"/>'


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (f"{run('Le prix est de ')}<w:ins w:id='1'>{run('dix ')}</w:ins><w:del w:id='2'><w:r><w:delText>six </w:delText></w:r></w:del>{run('euros.')}",
         "Le prix est de dix euros."),
        (f"<w:moveFrom>{run('Parti. ')}</w:moveFrom><w:moveTo>{run('Venu.')}</w:moveTo>", "Venu."),
        (f"{run('Chef : ')}<w:sdt><w:sdtPr/><w:sdtContent>{run('Mme X')}</w:sdtContent></w:sdt>{run('.')}", "Chef : Mme X."),
        (f"<w:smartTag>{run('Lyon')}</w:smartTag><w:customXml>{run(', Rhône')}</w:customXml>", "Lyon, Rhône"),
        (f"<w:hyperlink r:id='x'>{run('la page')}</w:hyperlink>", "la page"),
        (f"{run('Le ')}{field('DATE', '3 mai')}{run(' au soir')}", "Le 3 mai au soir"),
        (f"<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>IF</w:instrText></w:r>{field('MERGEFIELD n', 'caché')}"
         f"<w:r><w:fldChar w:fldCharType='separate'/></w:r>{run('vu')}<w:r><w:fldChar w:fldCharType='end'/></w:r>", "vu"),
        (f"<w:fldSimple w:instr='PAGE'>{run('7')}</w:fldSimple>", "7"),
        (f"{run('a')}<w:r><w:noBreakHyphen/></w:r>{run('b')}<w:r><w:tab/></w:r>{run('c')}<w:r><w:softHyphen/></w:r>{run('d')}<w:r><w:br/></w:r>{run('e')}",
         "a-b cd e"),
        (f"{run('vu')}{run('secret', '<w:vanish/>')}", "vu"),
        (f"<w:r><w:sym w:font='Symbol' w:char='F061'/></w:r>{run(' = 3')}", "α = 3"),
        ("<w:r><w:sym w:font='Wingdings' w:char='F0FE'/></w:r>" + run(" oui ") + "<w:r><w:sym w:font='Wingdings' w:char='F0A8'/></w:r>" + run(" non"),
         "☑ oui ☐ non"),
        (f"{run('10')}{run('3', SUPER)}{run(' m')}{run('2', SUPER)}{run(', le 1')}{run('er', SUPER)}", "10³ m², le 1er"),
        (f"{run('Si ')}<m:oMath><m:r><m:t>x=3</m:t></m:r></m:oMath>{run(', oui.')}", "Si x=3, oui."),
        ("<m:oMath><m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>c</m:t></m:r></m:den></m:f><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e>"
         "<m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath>", "(a+b)/cx^2"),
        ("<w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:ddList><w:result w:val='1'/><w:listEntry w:val='non'/><w:listEntry w:val='oui'/></w:ddList>"
         "</w:ffData></w:fldChar></w:r><w:r><w:instrText>FORMDROPDOWN</w:instrText></w:r><w:r><w:fldChar w:fldCharType='end'/></w:r>", "oui"),
    ],
    ids=["inserted", "moved", "control", "smart tag", "link", "field", "nested field", "simple field", "signs", "hidden", "symbol", "boxes",
         "raised", "formula in line",
         "formula", "choice"],
)  # fmt: skip
def test_what_word_shows_of_a_paragraph_is_its_text(tmp_path: Path, content: str, shown: str) -> None:
    assert texts(tmp_path, par(content)) == [shown]


def test_whole_paragraphs_in_controls_and_insertions_are_read_and_deleted_marks_join(tmp_path: Path) -> None:
    body = (
        f"<w:sdt><w:sdtContent>{par('Dans un contrôle.')}<w:sdt><w:sdtContent>{par('Plus loin.')}</w:sdtContent></w:sdt></w:sdtContent></w:sdt>"
        f"<w:ins>{par('Ajouté.')}</w:ins>"
        + par("Le début", "<w:rPr><w:del/></w:rPr>")
        + par("et la fin.")
        + par("<w:del><w:r><w:delText>Rien</w:delText></w:r></w:del>", "<w:rPr><w:del/></w:rPr>")
    )
    assert texts(tmp_path, body) == ["Dans un contrôle.", "Plus loin.", "Ajouté.", "Le début et la fin."]


def test_a_deleted_mark_joins_within_its_cell_or_box_and_loses_no_text_where_nothing_follows(tmp_path: Path) -> None:
    deleted = "<w:rPr><w:del/></w:rPr>"
    box = f"<w:r><w:txbxContent>{par('Encadré.')}</w:txbxContent></w:r>"
    body = (
        par(f"{run('Le gardien')}{box}", deleted)
        + par("ouvre.")
        + par("Les tarifs", deleted)
        + f"<w:tbl><w:tr>{cell(par('Adulte', deleted))}{cell(par('six euros'))}</w:tr><w:tr>{cell(par('Enfant'))}{cell(par('gratuit'))}</w:tr></w:tbl>"
        + par("La fin", deleted)
    )
    found = texts(tmp_path, body)
    assert found[:3] == ["Encadré.", "Le gardien ouvre.", "Les tarifs"]
    assert "| Adulte | six euros |" in found[3]
    assert found[4:] == ["La fin"]


def test_joining_ten_thousand_paragraphs_whose_marks_were_deleted_looks_at_each_once(tmp_path: Path) -> None:
    """Each was joined to all before it: the whole text was split ten thousand times."""
    body = par("Le canot du lac", "<w:rPr><w:del/></w:rPr>") * 10_000 + par("est rangé.")
    started = time.process_time()
    assert texts(tmp_path, body) == ["Le canot du lac " * 10_000 + "est rangé."]
    assert time.process_time() - started < 4, "it took 8 s"


def test_large_initials_join_their_paragraph_and_hidden_styles_and_titles_of_contents_are_no_text(tmp_path: Path) -> None:
    named = "".join(
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/>{more}</w:style>'
        for key, name, more in (("P", "caché", "<w:rPr><w:vanish/></w:rPr>"), ("S", "TOC Heading", ""))
    )
    body = par("L", "<w:framePr w:dropCap='drop'/>") + par("e club ouvre.") + styled("Secret.", "P") + styled("Sommaire", "S")
    assert texts(tmp_path, body, styles=named) == ["Le club ouvre."]


def test_boxes_and_notes_follow_their_paragraph(tmp_path: Path) -> None:
    held = f"<w:txbxContent>{par('Encadré.')}</w:txbxContent>"
    box = f"<mc:AlternateContent><mc:Choice>{held}</mc:Choice><mc:Fallback>{held}</mc:Fallback></mc:AlternateContent>"
    body = par(
        f"{run('Avant')}<w:r>{box}</w:r><w:r><w:footnoteReference w:id='2'/></w:r>{run(' après.')}<w:r><w:endnoteReference w:id='3'/></w:r>"
    ) + par("Suite.")
    notes = f"<w:footnote w:id='0' w:type='separator'>{par('---')}</w:footnote><w:footnote w:id='2'>{par('Une note.')}</w:footnote>"
    found = texts(tmp_path, body, footnotes=notes, endnotes=f"<w:endnote w:id='3'>{par('Une fin.')}</w:endnote>")
    assert found == ["Avant après.", "Encadré.", "Une note.", "Une fin.", "Suite."]


def test_headers_footers_and_contents_are_no_passages(tmp_path: Path) -> None:
    begin, separate, end = (f"<w:r><w:fldChar w:fldCharType='{kind}'/></w:r>" for kind in ("begin", "separate", "end"))
    contents = (
        par(f"{begin}<w:r><w:instrText>TOC \\o</w:instrText></w:r>{separate}{run('Un 1')}") + par("Deux 2") + par(run("Trois 3") + end)
    )
    body = contents + par("Le texte.")
    found = read(docx(tmp_path / "a.docx", body, header=par("Club de tir"), footer=par("page")))
    assert [block.text for block in found.blocks] == ["Le texte."]
    assert found.dropped == {"contents": 14, "footer": 4, "header": 9}


STYLES = "".join(
    f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/>{more}</w:style>'
    for key, name, more in (
        ("T", "Title", ""),
        ("H1", "heading 1", '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'),
        ("H2", "heading 2", '<w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr>'),
        ("Own", "Mon titre", '<w:basedOn w:val="H2"/>'),
        ("Out", "Rubrique", '<w:pPr><w:outlineLvl w:val="0"/></w:pPr>'),
    )
)


def level(index: int, form: str, text: str, more: str = "") -> str:
    """A level of a list."""
    return f'<w:lvl w:ilvl="{index}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>{more}<w:lvlText w:val="{text}"/></w:lvl>'


NUMBERING = (
    f'<w:abstractNum w:abstractNumId="0">{level(0, "upperRoman", "%1.")}{level(1, "decimal", "%1.%2", "<w:isLgl/>")}'
    f"{level(2, 'lowerLetter', '%3)')}</w:abstractNum>"
    f'<w:abstractNum w:abstractNumId="1">{level(0, "bullet", "·")}</w:abstractNum>'
    f'<w:abstractNum w:abstractNumId="2">{level(0, "decimal", "Article %1 –")}</w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="2"/></w:num>'
    '<w:num w:numId="4"><w:abstractNumId w:val="2"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num>'
)


def listed(text: str, number: int, indent: int = 0) -> str:
    """A paragraph of a list."""
    return par(text, f'<w:numPr><w:ilvl w:val="{indent}"/><w:numId w:val="{number}"/></w:numPr>')


def styled(text: str, style: str) -> str:
    """A paragraph in a style."""
    return par(text, f'<w:pStyle w:val="{style}"/>')


def test_automatic_numbers_are_counted_as_word_counts_them(tmp_path: Path) -> None:
    body = (
        styled("Statuts", "T") + styled("But", "H1") + styled("Siège", "H2") + styled("Durée", "Own") + listed("un an", 1, 2) + listed("deux ans", 1, 2)
        + styled("Membres", "H1") + styled("Entrée", "H2") + listed("libre", 1, 2) + listed("puce", 2) + styled("Fin", "Out") + listed("Ouverture.", 3)
        + listed("Clôture.", 3) + listed("Reprise.", 4) + listed("Suite.", 4)
    )  # fmt: skip
    blocks = read(docx(tmp_path / "a.docx", body, styles=STYLES, numbering=NUMBERING)).blocks
    assert [(block.headings, block.text) for block in blocks] == [
        (("Statuts", "I. But"), "1.1 Siège"),
        (("Statuts", "I. But", "1.2 Durée"), "a) un an"),
        (("Statuts", "I. But", "1.2 Durée"), "b) deux ans"),
        (("Statuts", "II. Membres", "2.1 Entrée"), "a) libre"),
        (("Statuts", "II. Membres", "2.1 Entrée"), "- puce"),
        (("Statuts", "Fin"), "Article 1 – Ouverture."),
        (("Statuts", "Fin"), "Article 2 – Clôture."),
        (("Statuts", "Fin"), "Article 5 – Reprise."),
        (("Statuts", "Fin"), "Article 6 – Suite."),
    ]


def cell(content: str, properties: str = "") -> str:
    """A cell."""
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>"


def table(*rows: str) -> str:
    """A table of rows of cells."""
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"


def test_a_layout_table_is_its_content_and_a_nested_table_stays_one(tmp_path: Path) -> None:
    inner = table(cell(par("Jour")) + cell(par("Prix")), cell(par("lundi")) + cell(par("3 €")))
    body = table(cell(styled("Accueil", "Out") + par("Bienvenue.") + inner + par("Fin.")))
    blocks = read(docx(tmp_path / "a.docx", body, styles=STYLES)).blocks
    assert [(block.headings, block.text) for block in blocks] == [
        (("Accueil",), "Bienvenue."),
        (("Accueil",), "| Jour | Prix |\n| --- | --- |\n| lundi | 3 € |"),
        (("Accueil",), "Fin."),
    ]


def test_cells_merged_down_are_said_in_every_row_and_deleted_rows_are_not(tmp_path: Path) -> None:
    gone = "<w:tr><w:trPr><w:del/></w:trPr>" + cell(par("x")) + cell(par("y")) + "</w:tr>"
    body = table(
        cell(par("Salle")) + cell(par("Jour")),
        cell(par("A"), '<w:vMerge w:val="restart"/>') + cell(par("lundi")),
        cell("<w:p/>", "<w:vMerge/>") + cell(par("mardi")),
    ).replace("</w:tbl>", gone + "</w:tbl>")
    assert texts(tmp_path, body) == ["| Salle | Jour |\n| --- | --- |\n| A | lundi |\n| A | mardi |"]


def test_tables_inside_tables_without_end_are_read_in_bounded_time(tmp_path: Path) -> None:
    body = par("fond")
    for _ in range(300):
        body = table(cell(body))
    assert texts(tmp_path, body) == ["fond"]


def test_fields_without_an_end_change_nothing_of_what_the_second_reader_sees(tmp_path: Path) -> None:
    begun = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
    path = docx(tmp_path / "a.docx", par(begun * 60 + run("Le canot")) + par(field("PAGE", "rentre") + run(" ce soir.")))
    assert (markup_witness(path) or "").split() == ["Le", "canot", "rentre", "ce", "soir."]


def test_the_strict_variant_of_the_format_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w") as file:
        names = 'xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main"'
        file.writestr("word/document.xml", f"<w:document {names}><w:body>{par('Du texte.')}</w:body></w:document>")
    assert [block.text for block in read(path).blocks] == ["Du texte."]


def test_a_table_of_contents_in_a_control_is_none_of_the_text_and_comments_and_field_codes_neither(tmp_path: Path) -> None:
    gallery = "<w:sdtPr><w:docPartObj><w:docPartGallery w:val='Table of Contents'/></w:docPartObj></w:sdtPr>"
    contents = f"<w:sdt>{gallery}<w:sdtContent>{par('Sommaire')}{par('1. Objet 2')}</w:sdtContent></w:sdt>"
    page, name = field("PAGEREF _Toc1", "12"), field("MERGEFIELD Nom", "Mme Durand")
    note = "<w:r><w:commentReference w:id='1'/></w:r>"
    frame = f"<w:tbl><w:tr><w:tc>{par('Cadre.')}<w:tbl><w:tr><w:tc>{par('Dedans.')}</w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>"
    body = f"{contents}{par(run('Voir page ') + page + run(', ') + name + run('.') + note)}{frame}"
    found = read(docx(tmp_path / "a.docx", body, comments=f"<w:comment w:id='1'>{par('À relire')}</w:comment>"))
    assert [block.text for block in found.blocks] == ["Voir page 12, Mme Durand.", "Cadre.", "Dedans."]
    assert found.dropped == {"contents": 16}
