"""Documents of five formats to text, pages, headings and articles; what cannot be read is said with its cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from triplette.errors import InputError
from triplette.synth.ingest import Structured, find_documents, headings_of, read_document, source_name, structure
from triplette.synth.ingest.document import Document
from triplette.synth.ingest.encoding import decode
from triplette.synth.ingest.joining import join_lines

ACCENTED = "L’arbitre vérifie l’échiquier ; à la fin, le résultat est noté. Où ça ? Près du règlement.\n" * 3


def pages(text: str) -> Structured:
    """A plain document with form feeds, structured."""
    return structure(Document(source="a.txt", text=text, form="pages"))


def markdown(text: str) -> Structured:
    """A Markdown document, structured."""
    return structure(Document(source="a.md", text=text, form="markdown"))


def pdf(path: Path, page_lines: list[list[str]], *, encrypted: bool = False) -> Path:
    """Write a PDF of Helvetica lines, made of its syntax alone."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    kids = []
    for lines in page_lines:
        shown = b" ".join(b"(" + line.encode("cp1252").replace(b"(", b"\\(").replace(b")", b"\\)") + b") Tj T*" for line in lines)
        stream = b"BT /F1 11 Tf 14 TL 72 740 Td " + shown + b" ET"
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
            % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(kids))
    body = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % place for place in places)
    lock = b" /ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /O <" + b"ab" * 32 + b"> /U <" + b"cd" * 32 + b"> /P -4 >>"
    body += b"trailer\n<< /Size %d /Root 1 0 R%s >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, lock if encrypted else b"", start)
    path.write_bytes(body)
    return path


# Encodings


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", ""), ("utf-8-sig", ""), ("cp1252", "Windows-1252"), ("mac_roman", "Mac"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"),
     ("utf-16-be", "UTF-16"), ("utf-32", "UTF-32")],
)  # fmt: skip
def test_every_usual_encoding_is_read_and_said(encoding: str, said: str) -> None:
    text, notes = decode(ACCENTED.encode(encoding), "a.txt")
    assert text == ACCENTED
    assert (said in " ".join(notes)) if said else not notes


def test_latin_9_is_told_from_windows_text_by_its_ligature() -> None:
    text, notes = decode("L'œuvre et la sœur, à l'été.\n".encode("iso8859-15"), "a.txt")
    assert text == "L'œuvre et la sœur, à l'été.\n"
    assert "Latin-9" in notes[0]
    assert decode("Une ½ heure à l'été, 1½h de sœur.".encode("cp1252", "ignore"), "a.txt")[0].startswith("Une ½ heure")


def test_dos_text_is_told_from_windows_text() -> None:
    plain = ACCENTED.replace("’", "'")
    text, notes = decode(plain.encode("cp850"), "a.txt")
    assert text == plain
    assert "850" in notes[0]


def test_double_encoded_accents_are_repaired_and_said() -> None:
    spoiled = ACCENTED.encode("utf-8").decode("cp1252", "replace").replace("�", "")
    text, notes = decode("été, règle, échec\nà".encode().decode("cp1252", "ignore").encode(), "a.txt")
    assert "été, règle, échec" in text
    assert "repaired" in notes[0]
    assert decode(spoiled.encode(), "a.txt")[1]


def test_one_damaged_line_does_not_spoil_the_others() -> None:
    data = b"\n".join(["éléphant".encode()] * 5 + ["été".encode("cp1252")])
    text, notes = decode(data, "a.txt")
    assert text.split("\n") == ["éléphant"] * 5 + ["été"]
    assert "line 6" in notes[0]


def test_binary_data_is_refused_with_a_cure() -> None:
    with pytest.raises(InputError, match="binary") as caught:
        decode(bytes(range(256)) * 4, "a.txt")
    assert caught.value.cure


def test_line_ends_of_all_systems_become_one() -> None:
    assert decode(b"a\r\nb\rc\n", "a.txt")[0] == "a\nb\nc\n"


# Files


def test_an_absent_or_empty_corpus_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find_documents(tmp_path / "absent")
    with pytest.raises(InputError, match="empty"):
        find_documents(tmp_path)
    (tmp_path / "image.png").write_bytes(b"x")
    with pytest.raises(InputError, match="other types"):
        find_documents(tmp_path)


def test_hidden_lock_and_linked_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.md").write_text("# B\n\ntexte")
    (tmp_path / "a.TXT").write_text("texte")
    (tmp_path / ".hidden.md").write_text("x")
    (tmp_path / "~$c.docx").write_text("x")
    (tmp_path / "notes.xyz").write_text("x")
    (tmp_path / "again.md").symlink_to(tmp_path / "sub" / "b.md")
    (tmp_path / "broken.md").symlink_to(tmp_path / "gone.md")
    found = find_documents(tmp_path)
    assert [path.name for path in found.files] == ["a.TXT", "b.md"]
    assert [note.split(":")[0] for note in found.notes] == ["again.md", "broken.md", "notes.xyz"]
    assert "read anyway" in found.notes[0]
    assert "broken" in found.notes[1]


def test_a_path_is_data_whatever_it_holds(tmp_path: Path) -> None:
    name = "re\u0301gle [bold] $(x) 'é'.md"
    path = tmp_path / name
    path.write_text("# Titre\n\nTexte.", encoding="utf-8")
    document = read_document(path, tmp_path)
    assert document.source == "régle [bold] $(x) 'é'.md"
    assert source_name(Path("/c/a\udce9.md"), Path("/c")) == "a�.md"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [("a.txt", b"", "empty file"), ("a.md", b" \n\t\n", "no text"), ("a.pdf", b"no pdf at all", "cannot be read"),
     ("a.docx", b"PK\x03\x04zip", "cannot be read")],
)  # fmt: skip
def test_an_unreadable_file_is_said_with_its_name_and_cure(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        read_document(path, tmp_path)
    assert caught.value.where == name
    assert caught.value.cure


def test_a_scan_is_told_from_a_text_pdf(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="scan") as caught:
        read_document(pdf(tmp_path / "scan.pdf", [[], []]), tmp_path)
    assert "ocrmypdf" in caught.value.cure


def test_an_encrypted_pdf_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="encrypted") as caught:
        read_document(pdf(tmp_path / "locked.pdf", [["texte"]], encrypted=True), tmp_path)
    assert "qpdf" in caught.value.cure


def test_pdf_pages_become_form_feeds(tmp_path: Path) -> None:
    first = ["Article 1 : La pendule", "Le joueur arrête la pendule de la main qui a joué la pièce.", "Il ne la bloque pas."]
    document = read_document(
        pdf(tmp_path / "a.pdf", [first, ["Article 2 : Le drapeau", "La chute du drapeau est constatée par l'arbitre."]]), tmp_path
    )
    assert document.form == "pages"
    assert document.text.count("\f") == 1
    blocks = structure(document).blocks
    assert [(block.page_start, block.headings) for block in blocks] == [
        (1, ("Article 1 : La pendule",)),
        (2, ("Article 2 : Le drapeau",)),
    ]


# HTML and DOCX


def test_html_keeps_headings_lists_tables_and_words_across_inline_tags(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        "<html><head><title>Règles</title><script>x()</script></head><body><nav>Menu</nav><!-- caché -->"
        "<h2>Le <b>roque</b></h2><p>L'<em>arbitre</em> regarde<br>la table.</p><ul><li>un <i>roi</i></li><li><p>une tour</p></li></ul>"
        "<table><tr><th>Coup</th><th>Temps</th></tr><tr><td>10</td><td>5<br>min</td></tr></table></body></html>",
        encoding="utf-8",
    )
    document = read_document(tmp_path / "a.html", tmp_path)
    assert "Menu" not in document.text
    assert "x()" not in document.text
    assert "caché" not in document.text
    blocks = structure(document).blocks
    assert [block.text for block in blocks] == [
        "L'arbitre regarde la table.", "- un roi", "- une tour", "| Coup | Temps |\n| --- | --- |\n| 10 | 5 min |",
    ]  # fmt: skip
    assert blocks[0].headings == ("Règles", "Le roque")


def test_html_declared_and_undeclared_encodings_are_read(tmp_path: Path) -> None:
    body = "<body><h1>Été</h1><p>L'échiquier à côté</p></body>"
    (tmp_path / "a.html").write_bytes(('<head><meta charset="iso-8859-1"></head>' + body).encode("latin-1"))
    (tmp_path / "b.html").write_bytes(body.encode("cp1252"))
    for name in ("a.html", "b.html"):
        document = read_document(tmp_path / name, tmp_path)
        assert "L'échiquier à côté" in document.text
        assert document.notes


def test_docx_keeps_styles_numbers_and_merged_cells(tmp_path: Path) -> None:
    import docx

    made = docx.Document()
    made.add_heading("Règlement", 0)
    made.add_heading("Cadence", 1)
    made.add_paragraph("3.2 La cadence est de 15 minutes.")
    made.add_paragraph("une pendule", style="List Bullet")
    table = made.add_table(rows=2, cols=3)
    for column, text in enumerate(("Ronde", "Heure", "Salle")):
        table.cell(0, column).text = text
    merged = table.cell(1, 0).merge(table.cell(1, 1))
    merged.text = "1"
    table.cell(1, 2).text = "A"
    made.save(str(tmp_path / "a.docx"))
    blocks = structure(read_document(tmp_path / "a.docx", tmp_path)).blocks
    assert blocks[0].headings == ("Règlement", "Cadence")
    assert blocks[0].articles == ("3.2",)
    assert blocks[1].text == "- une pendule"
    assert blocks[2].text == "| Ronde | Heure | Salle |\n| --- | --- | --- |\n| 1 |  | A |"


# Markdown


def test_markdown_heading_paths_and_bold_articles_survive() -> None:
    blocks = markdown("# Roque\n\n## Droit\n\n**3.20** Le roi bouge.\n\n**3.21.** La tour.\n\n# Mat\n\nFin.").blocks
    assert [(b.headings, b.articles, b.text) for b in blocks] == [
        (("Roque", "Droit"), ("3.20",), "3.20 Le roi bouge."),
        (("Roque", "Droit"), ("3.21",), "3.21. La tour."),
        (("Mat",), (), "Fin."),
    ]


def test_markdown_marks_are_not_text() -> None:
    text = (
        "---\ntitre: x\n---\nTitre\n=====\n\n```\ncode *a*\n```\n\nUn [lien](http://x.fr) et *un mot*, `a`.\n\n***\n\n1. un\n2. deux\n"
    )
    blocks = markdown(text).blocks
    assert [b.text for b in blocks] == ["code *a*", "Un lien et un mot, a.", "1. un", "2. deux"]
    assert all(b.headings == ("Titre",) for b in blocks)


def test_a_markdown_table_is_one_block_with_its_header() -> None:
    block = markdown("| A | B |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n").blocks[0]
    assert (block.kind, block.header) == ("table", "| A | B |\n| --- | --- |")


# Plain pages

PROSE = "Le joueur qui a le trait note son coup avant de jouer le suivant et il le fait de façon lisible pour l'arbitre.\n"


def test_running_heads_page_numbers_and_contents_go() -> None:
    bodies = ["La tour roque une fois.", "Le fou reste en prise.", "Un pion passé avance.", "Le roi blanc est mat."]
    text = "\f".join(
        f"Fédération des échecs\nRèglement du tournoi – page {n} sur 4\n\n{body}\n\n{n}\n" for n, body in enumerate(bodies, 1)
    )
    contents = "SOMMAIRE\nLa pendule .......... 2\nLe drapeau .......... 3\nLe roque .......... 4\n\f"
    found = pages(contents + text)
    body = " ".join(block.text for block in found.blocks)
    assert "page 2 sur 4" not in body
    assert "....." not in body
    assert found.dropped["header"] > 0
    assert found.dropped["contents"] > 0
    assert all(sentence in body for sentence in bodies)


def test_numbered_articles_capitals_and_divisions_are_headings() -> None:
    text = (
        "RÈGLEMENT INTÉRIEUR\nTITRE I : BUT\nARTICLE 1 :\nOBJET DU CLUB\n"
        + PROSE
        + "1.2.\nSiège social\n"
        + PROSE
        + "TITRE II : MEMBRES\n"
        "ARTICLE 2 : ADMISSION\n" + PROSE
    )
    paths = [block.headings for block in pages(text).blocks]
    assert paths == [
        ("RÈGLEMENT INTÉRIEUR", "TITRE I : BUT", "ARTICLE 1 : OBJET DU CLUB"),
        ("RÈGLEMENT INTÉRIEUR", "TITRE I : BUT", "ARTICLE 1 : OBJET DU CLUB", "1.2. Siège social"),
        ("RÈGLEMENT INTÉRIEUR", "TITRE II : MEMBRES", "ARTICLE 2 : ADMISSION"),
    ]


@pytest.mark.parametrize(
    "line",
    ["ALMA", "B10 – C10 A10 – C10", "2.Cf3 Cf6", "P D R F C T",
     "1) Si le roi s'est déjà déplacé, ou", "8.2.3. Ru = Ra + dp.", "3.1.2. Annoncer les coups", "partie au KO"],
)  # fmt: skip
def test_cells_moves_formulas_and_sentences_are_no_headings(line: str) -> None:
    found = pages("1. La notation\n" + PROSE + f"\n{line}\n1 0 0,5\n" + PROSE)
    assert {heading for block in found.blocks for heading in block.headings} <= {"1. La notation"}


def test_an_article_leaves_the_sections_it_cannot_stand_in() -> None:
    blocks = pages("2. Normes\n2.6. National\n" + PROSE + "6.2. " + PROSE).blocks
    assert blocks[0].headings == ("2. Normes", "2.6. National")
    assert (blocks[-1].headings, blocks[-1].articles) == ((), ("6.2",))


@pytest.mark.parametrize(
    ("heading", "number", "leaves"),
    [("G.2 PLAINTES", "H.1", True), ("G.2 PLAINTES", "G.2.1", False), ("2.6. National", "6.2", True), ("2. Normes", "2.1", False)],
)
def test_a_paragraph_leaves_the_section_of_another_number_or_letter(heading: str, number: str, leaves: bool) -> None:
    assert headings_of("fr").leaves_section(heading, number) is leaves


def test_a_title_in_capitals_goes_on_with_a_line_that_no_title_begins_with() -> None:
    blocks = pages(
        "RÈGLEMENT DU CLUB\n\n1. But\n" + PROSE + "\nATTESTATION DE RÉPONSES NÉGATIVES\nAU QUESTIONNAIRE DE SANTÉ\n" + PROSE
    ).blocks
    assert blocks[-1].headings[-1] == "ATTESTATION DE RÉPONSES NÉGATIVES AU QUESTIONNAIRE DE SANTÉ"


def test_a_cited_number_at_a_line_start_opens_no_article() -> None:
    blocks = pages(
        "Le joueur est sanctionné dans les conditions que prévoit le règlement, conformément à l'article\n9.1.2 du même texte.\n"
    ).blocks
    assert len(blocks) == 1
    assert blocks[0].articles == ()


def test_hyphens_at_line_ends_go_but_compound_words_keep_theirs() -> None:
    assert join_lines(["la recon-", "naissance"]) == "la reconnaissance"
    assert join_lines(["le vice-", "président"], frozenset({"vice-président"})) == "le vice-président"
    assert join_lines(["le mot", "suivant"]) == "le mot suivant"
    assert join_lines(["l'île de Port-", "Cros"]) == "l'île de Port-Cros"
    assert join_lines(["de 2019-", "2020"]) == "de 2019-2020"
    assert join_lines(["den Strom-", "und Gasverbrauch"]) == "den Strom- und Gasverbrauch"
    assert join_lines(["one-", "or two-masted boats"]) == "one- or two-masted boats"
    assert join_lines(["un titre -", "Suite"]) == "un titre - Suite"


def test_titles_underlined_in_plain_text_are_headings_and_rows_of_signs_are_no_text() -> None:
    text = (
        "Le port de plaisance\n====================\n\nLes horaires\n------------\nLe bureau ouvre à neuf heures. Il ferme à la\nnuit tombée.\n\n"
        "L'eau\n-----\n\nElle est comprise.\n\nNom\n------------------------\nAna\n"
    )
    found = structure(Document("a.txt", text, "pages"), "fr")
    assert [(block.headings, block.text) for block in found.blocks][:2] == [
        (("Le port de plaisance", "Les horaires"), "Le bureau ouvre à neuf heures. Il ferme à la nuit tombée."),
        (("Le port de plaisance", "L'eau"), "Elle est comprise."),
    ]
    assert found.blocks[-1].headings == ("Le port de plaisance", "L'eau")  # a row much longer than the line above it is a rule


def test_a_divisions_name_may_be_longer_than_a_line_of_prose_would_be() -> None:
    text = (
        "STATUTS DU PORT\n\nAnnexe A : Les tarifs\nUn poste coûte dix euros la nuit.\n\n"
        "Annexe B : Dispositions communes aux bateaux de passage et à ceux des membres du cercle\nLe gardien tient le registre des bateaux.\n\n"
        "DÉTRUIRE LES BALISES, C'EST S'EXPOSER\nÀ DES AMENDES OU À UNE EXCLUSION\nLe bureau en décide à la majorité de ses membres.\n"
    )
    found = structure(Document("a.txt", text, "pages"), "fr")
    assert [block.headings[-1] for block in found.blocks] == [
        "Annexe A : Les tarifs",
        "Annexe B : Dispositions communes aux bateaux de passage et à ceux des membres du cercle",
        "DÉTRUIRE LES BALISES, C'EST S'EXPOSER À DES AMENDES OU À UNE EXCLUSION",
    ]


def test_a_number_before_a_wrapped_sentence_makes_no_title_of_its_first_line() -> None:
    text = "RULES OF THE HARBOUR\n\nSection 2. The slip is closed at night. All\nboats are tied to the pier.\n\n"
    text += "Section 3. Storms\nIn a storm the pier is closed.\n"
    found = structure(Document("a.txt", text, "pages"), "en")
    assert [(block.headings[1:], block.text) for block in found.blocks] == [
        ((), "Section 2. The slip is closed at night. All boats are tied to the pier."),
        (("Section 3. Storms",), "In a storm the pier is closed."),
    ]


@pytest.mark.parametrize(
    ("title", "number"),
    [("Article 9 : La nulle", "9"), ("ARTICLE 1ER – OBJET", "1"), ("2.3. Le transfert", "2.3"), ("Annexe", ""), ("A.4 Flotteurs", "A.4"), ("960", "")],
)  # fmt: skip
def test_heading_numbers_are_what_a_reader_cites(title: str, number: str) -> None:
    assert headings_of("fr").heading_number(title) == number


def test_pages_are_counted_from_one_and_offsets_point_into_the_text() -> None:
    text = PROSE + "\f" + PROSE.replace("trait", "tour")
    for block in pages(text).blocks:
        assert text[block.char_start : block.char_end].split()[0] == "Le"
    assert [block.page_start for block in pages(text).blocks] == [1, 2]


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0b", "\r"])
def test_every_sign_that_ends_a_line_parts_words(tmp_path: Path, end: str) -> None:
    for name in ("a.txt", "a.md"):
        (tmp_path / name).write_text(f"La digue est fermée par vent{end}fort, et le phare allumé.\n", encoding="utf-8", newline="")
        found = " ".join(structure(read_document(tmp_path / name, tmp_path)).blocks[0].text.split())
        assert found == "La digue est fermée par vent fort, et le phare allumé."
