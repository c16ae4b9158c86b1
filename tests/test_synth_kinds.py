"""What people bring, kind by kind: signs, numbers and dialects that a reader of the document sees or does not see, and the check of each."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_synth_docx import docx, par, run
from test_synth_formats import odt

from triplette.records import Coverage
from triplette.settings.synth import ChunkSettings
from triplette.synth.ingest import Structured, read_document, structure
from triplette.synth.ingest.coverage import measure
from triplette.synth.ingest.witness import witness
from triplette.synth.reading import ReadDocument, read_one


def read(path: Path) -> Structured:
    """A file, structured."""
    return structure(read_document(path, path.parent))


def chunked(path: Path) -> tuple[ReadDocument, Coverage]:
    """A file's chunks and its figures."""
    found = read_one(path, path.parent, path.name, ChunkSettings(language="fr"))
    assert found.coverage is not None, found.failed
    return found, found.coverage


def written(path: Path, text: str) -> Path:
    """A file with this text."""
    path.write_text(text, encoding="utf-8")
    return path


def test_numbers_of_slides_are_counted_and_a_sign_turned_off_is_none(tmp_path: Path) -> None:
    import pptx
    from lxml import etree

    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text = "Amarrage"
    frame = slide.placeholders[1].text_frame
    signs = [("Choisir le poste", 0, "buAutoNum", "arabicPeriod", "3"), ("à babord", 1, "buAutoNum", "alphaLcParenR", ""),
             ("à tribord", 1, "buAutoNum", "alphaLcParenR", ""), ("Tourner le bout", 0, "buAutoNum", "arabicPeriod", "3"),
             ("Par gros temps :", 0, "buNone", "", ""), ("Doubler", 0, "buAutoNum", "romanUcParenBoth", ""), ("Veiller", 0, "", "", "")]  # fmt: skip
    for place, (text, level, sign, form, start) in enumerate(signs):
        paragraph = frame.paragraphs[0] if not place else frame.add_paragraph()
        paragraph.text, paragraph.level = text, level
        if sign:
            said = etree.SubElement(paragraph._p.get_or_add_pPr(), f"{{http://schemas.openxmlformats.org/drawingml/2006/main}}{sign}")
            for name, value in (("type", form), ("startAt", start)):
                if value:
                    said.set(name, value)
    made.save(str(tmp_path / "a.pptx"))
    assert [block.text for block in read(tmp_path / "a.pptx").blocks] == [
        "3. Choisir le poste", "a) à babord", "b) à tribord", "4. Tourner le bout", "Par gros temps :", "(I) Doubler", "- Veiller",
    ]  # fmt: skip


def test_check_boxes_of_an_old_word_form_say_what_was_chosen(tmp_path: Path) -> None:
    def box(state: str) -> str:
        marks = f'<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox>{state}</w:checkBox></w:ffData></w:fldChar></w:r>'
        marks += "<w:r><w:instrText>FORMCHECKBOX</w:instrText></w:r>"
        return marks + "".join(f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("separate", "end"))

    body = par(
        box('<w:default w:val="1"/>') + run(" à quai ") + box('<w:default w:val="1"/><w:checked w:val="0"/>') + run(" au mouillage")
    )
    assert read(docx(tmp_path / "a.docx", body)).blocks[0].text == "☒ à quai ☐ au mouillage"


def test_a_blank_for_a_bullet_is_no_sign(tmp_path: Path) -> None:
    level = (
        '<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val=" "/></w:lvl></w:abstractNum>'
    )
    numbering = level + '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
    body = par("La suite du point.", '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>')
    assert read(docx(tmp_path / "a.docx", body, numbering=numbering)).blocks[0].text == "La suite du point."


ODT_BOLD = (
    '<style:style style:name="B" style:family="text"><style:text-properties xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" '
    'fo:font-weight="bold"/></style:style><style:style style:name="P" style:family="paragraph" style:parent-style-name="B"/>'
    '<style:style style:name="N" style:family="text" style:parent-style-name="B"><style:text-properties '
    'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" fo:font-weight="normal"/></style:style>'
)


def test_bold_lines_of_an_opendocument_text_are_its_headings_and_its_questions_are_found(tmp_path: Path) -> None:
    body = (
        '<text:p text:style-name="P">Les pontons</text:p><text:p>Ils sont ouverts aux membres <text:span text:style-name="B">du club</text:span>.</text:p>'
        '<text:p><text:span text:style-name="B">Qui garde les clefs ?</text:span> Le maître de port les garde dans son bureau.</text:p>'
        '<text:p text:style-name="P"><text:span text:style-name="N">Texte ordinaire malgré son style.</text:span></text:p>'
        "<text:numbered-paragraph><text:p>Un paragraphe numéroté à part.</text:p></text:numbered-paragraph>"
    )
    path = odt(tmp_path / "a.odt", body, ODT_BOLD)
    assert [(block.headings, block.text) for block in read(path).blocks] == [
        (("Les pontons",), "Ils sont ouverts aux membres du club."),
        (("Les pontons", "Qui garde les clefs ?"), "Le maître de port les garde dans son bureau."),
        (("Les pontons", "Qui garde les clefs ?"), "Texte ordinaire malgré son style."),
        (("Les pontons", "Qui garde les clefs ?"), "Un paragraphe numéroté à part."),
    ]
    assert [asked.question for asked in chunked(path)[0].harvested] == ["Qui garde les clefs ?"]


def test_formulas_without_a_result_are_said_and_an_empty_text_is_one(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["Quai", "Places"], ["Nord", "=4*6"], ["Sud", 12]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx").document.notes == (
        "the sheet 'Sheet' has 1 formula without a result: open the workbook in its program and save it",
    )


def test_program_text_of_site_makers_is_no_text_and_what_its_page_shows_is(tmp_path: Path) -> None:
    text = (
        "import {\n  Onglet,\n  Volet,\n} from '@site/parts';\nexport const meta = {\n  titre: 'x'\n};\n\n# Le port {#port .grand}\n\n"
        '{% include note.html content="Le chenal est balisé de nuit." %}\n\nLa digue est longue. {{< figure src="d.png" title="La digue en hiver" >}}\n\n'
        "{{< toc depth=2 >}}\n\nImport duties are paid from 'the office' of the port.\n\n*[VHF]: radio de bord\n\nLa VHF est obligatoire.\n"
    )
    found, figures = chunked(written(tmp_path / "a.mdx", text))
    assert found.rows is not None
    assert found.rows["title"].to_pylist() == ["Le port"]
    assert found.rows["text"].to_pylist()[0].split("\n") == [
        "Le chenal est balisé de nuit.",
        "La digue est longue. La digue en hiver",
        "Import duties are paid from 'the office' of the port.",
        "La VHF est obligatoire.",
    ]
    assert (figures.word_share, figures.sentence_share, figures.lost) == (1.0, 1.0, ())
    assert [kind.split()[0] for kind in figures.dropped] == ["markup"]


NOTE = "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Sauf le dimanche de Pâques.</text:p></text:note-body></text:note>"
WHOLE = {
    "a.odt": "<text:tracked-changes><text:deletion><text:p>Une phrase barrée ne compte plus ici.</text:p></text:deletion></text:tracked-changes>"
    f"<text:p>La cale{NOTE} est<text:s/>ouverte<text:tab/>tous les jours.<office:annotation><text:p>à revoir vite</text:p></office:annotation></text:p>",
    "a.html": "<body><h1>La cale</h1><p>La cale est <s>jamais</s> ouverte tous les jours<sup><a href='#n1'>[1]</a></sup> de l'année. "
    "<button>Imprimer</button></p><table><tr><th>Jour</th><th>Heure</th></tr><tr><td>lundi <span style='display:none'>tri 01</span></td>"
    "<td>8 h<sup><a href='#n2'>[2]</a></sup></td></tr></table><select><option>choisir</option><option>cale nord</option></select></body>",
    "a.rtf": r"{\rtf1\ansi La cale est ouverte{\footnote\pard Sauf le dimanche {\b de} P\'e2ques.} tous les jours de l'ann\'e9e.\par Le slip aussi.\par}",
    "b.html": "<h1>La rade</h1><p>La rade est <span epub:type='pagebreak' id='p3'>3</span>ouverte aux bateaux de moins de huit mètres.</p>",
    "b.rtf": r"{\rtf1\ansi\b Droits de port\b0\par\trowd\cellx900\cellx1900\pard\intbl Yole\cell 12\cell\row\pard Le gardien les encaisse chaque matin.\par}",
    "a.txt": "Der Strom-\nund Gasverbrauch der Halle wird in Baden-\nWürttemberg jedes Jahr neu berechnet.\n",
}


@pytest.mark.parametrize("name", WHOLE)
def test_the_second_reader_does_not_cry_wolf_over_a_text_that_is_whole(tmp_path: Path, name: str) -> None:
    path = odt(tmp_path / name, WHOLE[name]) if name.endswith(".odt") else written(tmp_path / name, WHOLE[name])
    _, figures = chunked(path)
    assert (figures.word_share, figures.sentence_share, figures.lost) == (1.0, 1.0, ())
    assert figures.sentences >= 1
    assert name not in ("a.odt", "a.rtf") or "dimanche de Pâques" in (witness(path) or "")


def test_words_dropped_in_mid_line_excuse_no_others(tmp_path: Path) -> None:
    structured = read(written(tmp_path / "a.html", "<body><p>Le phare est allumé. <button>Voir le phare</button></p></body>"))
    assert structured.dropped == {"control": 11}
    told = "Le phare est allumé. Voir le phare\n\nLe phare du large est éteint depuis des années."
    found = measure(structured, [], (), told, "another")
    assert (found.words, found.words_held) == (13, 0)


def test_a_question_in_bold_ends_where_a_heading_comes_and_stands_beside_a_heading_that_asks(tmp_path: Path) -> None:
    text = (
        "# Aide\n\n1. **Comment réserver un poste ?** On réserve au bureau du port.\n\n### Les tarifs\n\nUn poste coûte dix euros la nuit.\n\n"
        "## Qui ouvre la chaîne ?\n\nLe gardien l'ouvre à six heures.\n\n**Et la nuit ?**\n\nElle reste fermée jusqu'au matin.\n"
    )
    assert [(block.headings, block.text) for block in read(written(tmp_path / "a.md", text)).blocks] == [
        (("Aide", "1. Comment réserver un poste ?"), "On réserve au bureau du port."),
        (("Aide", "Les tarifs"), "Un poste coûte dix euros la nuit."),
        (("Aide", "Qui ouvre la chaîne ?"), "Le gardien l'ouvre à six heures."),
        (("Aide", "Et la nuit ?"), "Elle reste fermée jusqu'au matin."),
    ]


def test_a_question_before_a_line_break_is_one_and_finds_its_answer(tmp_path: Path) -> None:
    page = (
        "<h1>Port</h1><p>Comment louer une annexe ?<br>On la demande au bureau<br>avant midi.</p>"
        "<p>Qui la rend sale ?<br>Il la lave avant la nuit.</p>"
    )
    found, _ = chunked(written(tmp_path / "a.html", page))
    assert [(asked.question, asked.answer) for asked in found.harvested] == [
        ("Comment louer une annexe ?", "On la demande au bureau avant midi."),
        ("Qui la rend sale ?", "Il la lave avant la nuit."),
    ]
