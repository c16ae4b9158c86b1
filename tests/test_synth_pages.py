"""HTML pages and Markdown texts as their readers see them: the main text and no furniture, every word and no mark."""

from __future__ import annotations

from pathlib import Path

import pytest

from triplette.synth.ingest import Structured, read_document, structure
from triplette.synth.ingest.document import Document
from triplette.synth.ingest.tables import Cell, filled, grid

Lines = list[tuple[tuple[str, ...], str]]


def page(tmp_path: Path, body: str, head: str = "") -> Structured:
    """An HTML page, structured."""
    path = tmp_path / "a.html"
    path.write_text(f"<!DOCTYPE html><html><head><meta charset='utf-8'>{head}</head><body>{body}</body></html>", encoding="utf-8")
    return structure(read_document(path, tmp_path))


def markdown(text: str) -> Structured:
    """A Markdown text, structured."""
    return structure(Document(source="a.md", text=text, form="markdown"))


def lines(found: Structured) -> Lines:
    """(heading path, text) of every block."""
    return [(block.headings, block.text) for block in found.blocks]


# HTML


def test_a_page_inside_one_form_is_read_without_its_controls(tmp_path: Path) -> None:
    body = (
        "<form><h1>Prêt</h1><p>Un livre est prêté un mois.</p><label>Nom <input value='x'></label><select><option>un</option></select>"
        "<textarea>zone</textarea><button>Envoyer</button><p>Le retard coûte dix centimes.</p></form>"
    )
    found = page(tmp_path, body)
    assert lines(found) == [(("Prêt",), text) for text in ("Un livre est prêté un mois.", "Nom", "Le retard coûte dix centimes.")]
    assert found.dropped == {"control": 13}


def test_menus_notices_asides_footers_and_hidden_parts_are_no_text(tmp_path: Path) -> None:
    body = (
        "<header><p>Ville de X</p></header><nav><a>Accueil</a></nav><div class='consent-banner'><p>Nous suivons vos pas.</p></div>"
        "<ol class='breadcrumb'><li>Accueil</li></ol><div role='navigation'>Plan</div><h1>Piscine</h1><p>Le bonnet est obligatoire.</p>"
        "<aside><p>À lire aussi</p></aside><p style='color:red; display: none'>ancien</p><div aria-hidden='true'>décor</div>"
        "<span class='sr-only'>lecteur</span><div role='dialog'>Abonnez-vous</div><footer>Mentions</footer>"
    )
    found = page(tmp_path, body)
    assert lines(found) == [(("Piscine",), "Le bonnet est obligatoire.")]
    assert set(found.dropped) == {"aside", "footer", "header", "hidden", "menu", "notice"}


def test_the_main_part_is_read_and_its_own_header_stays(tmp_path: Path) -> None:
    found = page(
        tmp_path,
        "<div><p>Publicité du jour</p></div><article><header><h1>Arrosage</h1></header><section><header><h2>Soir</h2></header><p>Arrosez le soir.</p>"
        "</section><footer>Publié hier</footer></article><div>Commentaires</div>",
    )
    assert lines(found) == [(("Arrosage", "Soir"), "Arrosez le soir.")]


def test_an_empty_main_part_is_not_taken_for_the_page(tmp_path: Path) -> None:
    assert lines(page(tmp_path, "<main id='app'></main><div><p>Le texte est ici, hors du cadre.</p></div>")) == [
        ((), "Le texte est ici, hors du cadre.")
    ]


def test_a_class_that_only_names_furniture_does_not_take_the_page(tmp_path: Path) -> None:
    body = "<div class='page has-sidebar'><h1>Tri</h1><p>Le verre va dans le bac vert, sans bouchon.</p></div>"
    assert lines(page(tmp_path, body)) == [(("Tri",), "Le verre va dans le bac vert, sans bouchon.")]


@pytest.mark.parametrize("name", ["menu", "cookies-du-four", "sidebar", "social-club", "related-rules"])
def test_a_part_called_furniture_that_tells_something_and_leads_nowhere_is_text(tmp_path: Path, name: str) -> None:
    told = f"<div class='{name}'><h2>Four</h2><p>Le pain cuit une heure.</p></div>"
    prose = "<h1>Moulin</h1><p>La roue tourne le matin, et le meunier ferme la vanne avant la nuit.</p>"
    assert lines(page(tmp_path, prose + told))[-1] == (("Moulin", "Four"), "Le pain cuit une heure.")
    led = told.replace("</p>", "</p><a href='x'>Voir tout</a>")
    assert [text for _, text in lines(page(tmp_path, prose + led))] == [
        "La roue tourne le matin, et le meunier ferme la vanne avant la nuit."
    ]


def test_questions_on_buttons_summaries_and_terms_stand_over_their_answers(tmp_path: Path) -> None:
    body = (
        "<h1>Aide</h1><div><h3><button aria-expanded='false' aria-controls='p1'>Comment payer ?</button></h3><div id='p1' hidden><p>Par carte.</p></div></div>"
        "<div><button>Puis-je annuler ?</button><p>Oui, la veille.</p></div><p>Hors question.</p>"
        "<details><summary>Où est le guichet ?</summary><p>Au rez-de-chaussée.</p></details><p>Après.</p>"
        "<dl><dt>Qui vient ?</dt><dd>Un agent.</dd><dt>Délai</dt><dd>Deux jours.</dd></dl>"
    )
    assert lines(page(tmp_path, body)) == [
        (("Aide", "Comment payer ?"), "Par carte."),
        (("Aide", "Puis-je annuler ?"), "Oui, la veille."),
        (("Aide",), "Hors question."),
        (("Aide", "Où est le guichet ?"), "Au rez-de-chaussée."),
        (("Aide",), "Après."),
        (("Aide", "Qui vient ?"), "Un agent."),
        (("Aide", "Qui vient ?"), "Délai : Deux jours."),
    ]


SHOWN_PARTS = [
    ("<p class='d-none'>a</p><p class='d-none d-md-block'>b</p><p style='position:absolute;left:-9999px'>c</p>", ["b"]),
    ("<p>Qui paie ?</p><p class='hidden'>Le locataire.</p><button>Voir</button><p style='display:none'>Le reste.</p>",
     ["Qui paie ?", "Le locataire.", "Le reste."]),
    ("<p>Prix : <del>six</del> <ins>cinq</ins> euros.</p>", ["Prix : cinq euros."]),
    ("<iframe srcdoc='&lt;p&gt;Dedans.&lt;/p&gt;'></iframe><p>Dehors.</p>", ["Dedans.", "Dehors."]),
    ("<p>Heures :<br>- lundi 9 h<br>- mardi 10 h</p><p>12 rue X<br>Lyon</p>", ["Heures :", "- lundi 9 h", "- mardi 10 h", "12 rue X Lyon"]),
    ("<p>10<sup>3</sup> m<sup>2</sup>, le 1<sup>er</sup> mai<sup><a href='#n'>4</a></sup></p>", ["10³ m², le 1er mai"]),
    ("<p>Aire : <math><msup><mi>r</mi><mn>2</mn></msup></math> ou <math><mfrac><mi>a</mi><mi>b</mi></mfrac></math></p>", ["Aire : r^2 ou a/b"]),
    ("<dl><dt>Gage</dt><dt>Caution</dt><dd>Somme rendue.</dd></dl>", ["Gage, Caution : Somme rendue."]),
    ("<ol style='list-style-type: upper-roman'><li>un</li><li>deux</li></ol>", ["I. un", "II. deux"]),
    ("<table><tr><td>a</td><td>b</td><td>c</td></tr><tr><td rowspan='2'>x</td><td>1</td><td>2</td></tr><tr><td colspan='2'>fermé</td></tr></table>",
     ["| a | b | c |\n| --- | --- | --- |\n| x | 1 | 2 |\n| x | fermé | fermé |"]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "shown"), SHOWN_PARTS)
def test_a_page_says_what_its_reader_sees(tmp_path: Path, body: str, shown: list[str]) -> None:
    assert [text for _, text in lines(page(tmp_path, body))] == shown


@pytest.mark.parametrize(
    "attributes",
    ["id='CybotCookiebotDialog'", "id='iubenda-cs-banner'", "id='qc-cmp2-container'", "id='usercentrics-root'", "id='sp_message_container_7'",
     "id='onetrust-banner-sdk'", "class='cmplz-cookiebanner'", "class='modal fade'"],
)  # fmt: skip
def test_notices_of_known_makers_are_no_text(tmp_path: Path, attributes: str) -> None:
    found = page(
        tmp_path, f"<div {attributes}><p>Nous suivons vos pas.</p></div><h1>Tri</h1><p>Le verre va dans le bac vert, sans bouchon.</p>"
    )
    assert lines(found) == [(("Tri",), "Le verre va dans le bac vert, sans bouchon.")]
    assert set(found.dropped) == {"notice"}


def test_tabs_stand_over_their_panels(tmp_path: Path) -> None:
    body = (
        "<h1>Horaires</h1><div role='tablist'><button role='tab' aria-controls='e'>Été</button><button role='tab' aria-controls='h'>Hiver</button></div>"
        "<div role='tabpanel' id='e'><p>De neuf heures à midi.</p></div><div role='tabpanel' id='h' hidden><p>Fermé.</p></div><p>Après.</p>"
    )
    assert lines(page(tmp_path, body)) == [
        (("Horaires", "Été"), "De neuf heures à midi."), (("Horaires", "Hiver"), "Fermé."), (("Horaires",), "Après."),
    ]  # fmt: skip


def test_utf8_that_declares_another_charset_is_read_as_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_bytes("<meta charset=iso-8859-1><p>L’été déjà.</p>".encode())
    found = structure(read_document(path, tmp_path))
    assert lines(found) == [((), "L’été déjà.")]
    assert found.document.notes == ("declares iso-8859-1, but is UTF-8",)


def test_a_long_page_keeps_the_headings_over_its_text(tmp_path: Path) -> None:
    prose = "".join(
        f"<p>Le cours du {day} a lieu dans la grande salle et dure deux heures, sauf pendant les congés.</p>" for day in range(9)
    )
    found = page(tmp_path, f"<div class='menu'><a href='x'>Plan</a></div><h1>Cours</h1><h2>Soir</h2>{prose}<h2>Fin</h2>{prose}")
    assert {block.headings for block in found.blocks} == {("Cours", "Soir"), ("Cours", "Fin")}


def test_a_page_whose_text_our_rules_do_not_see_is_left_to_trafilatura(tmp_path: Path) -> None:
    prose = "".join(
        f"<p>Le règlement numéro {n} fixe les heures d’ouverture et les prix de la salle pour toute la saison.</p>" for n in range(12)
    )
    found = page(tmp_path, f"<div class='newsletter'><article>{prose}</article></div><main><p>Vingt lettres ne sont rien.</p></main>")
    assert sum("règlement numéro" in block.text for block in found.blocks) == 12


def test_lists_keep_their_numbers(tmp_path: Path) -> None:
    body = "<ol start='3'><li>trois</li><li value='7'>sept<ol type='a'><li>petit a</li></ol></li><li>huit</li></ol><ol reversed><li>b</li><li>a</li></ol>"
    assert [text for _, text in lines(page(tmp_path, body))] == ["3. trois", "7. sept", "a. petit a", "8. huit", "2. b", "1. a"]


def test_spans_are_repeated_and_no_cell_is_said_twice(tmp_path: Path) -> None:
    body = (
        "<table><tr><th>Jour</th><th colspan='2'>Heures</th></tr><tr><td rowspan='2'>lundi</td><td>9</td><td>12</td></tr>"
        "<tr><td>14</td><td>18</td></tr><tr><td colspan='3'>Fermé en août</td></tr></table>"
        "<table><tr><td>gauche</td><td><table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table></td></tr></table>"
    )
    assert [text for _, text in lines(page(tmp_path, body))] == [
        "| Jour | Heures | Heures |\n| --- | --- | --- |\n| lundi | 9 | 12 |\n| lundi | 14 | 18 |\n| Fermé en août |  |  |",
        "gauche",
        "| A | B |\n| --- | --- |\n| 1 | 2 |",
    ]


def test_text_that_looks_like_markup_stays_text(tmp_path: Path) -> None:
    body = (
        "<h1># 1</h1><p># pas un titre</p><p>| a | b |</p><p>2*3*4 et **deux** [x](y) `z`</p><p>---</p><pre>  a\n    b &lt;c&gt;</pre>"
    )
    shown = ["# pas un titre", "| a | b |", "2*3*4 et **deux** [x](y) `z`", "---", "  a\n    b <c>"]
    assert lines(page(tmp_path, body)) == [(("# 1",), text) for text in shown]


def test_soft_hyphens_ligatures_and_invisible_signs_go(tmp_path: Path) -> None:
    body = "<h1>Ca&shy;rnet</h1><p>L’of\ufb01ce\u200b est ouvert, l’e&shy;\ufb00et aussi. re\u0301glage</p>"
    assert lines(page(tmp_path, body)) == [(("Carnet",), "L’office est ouvert, l’effet aussi. r\u00e9glage")]


def test_the_title_of_the_page_stands_where_no_heading_does(tmp_path: Path) -> None:
    assert lines(page(tmp_path, "<p>Un seul paragraphe.</p>", head="<title>Le guide</title>")) == [
        (("Le guide",), "Un seul paragraphe.")
    ]


def test_offsets_point_into_the_canonical_text(tmp_path: Path) -> None:
    found = page(tmp_path, "<h1>A</h1><p>Un deux.</p><table><tr><th>x</th><th>y</th></tr><tr><td>1</td><td>2</td></tr></table>")
    for block in found.blocks:
        assert found.document.text[block.char_start : block.char_end] == block.text


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 100_000 + "<p>au fond</p>" + "</div>" * 100_000,
        "<ul><li>" * 10_000 + "au fond",
        "<table><tr><td>" * 5_000 + "au fond",
        "<b><i>" * 50_000 + "au fond",
        "<table>" + "<tr><td rowspan='65535'>a</td><td colspan='1000'>au fond</td></tr>" * 2_000 + "</table>",
        "<details><summary>Q ?</summary>" * 5_000 + "au fond",
    ],
    ids=["divs", "lists", "tables", "inline", "spans", "details"],
)
def test_hostile_nesting_and_spans_end_soon_with_their_text(tmp_path: Path, body: str) -> None:
    found = page(tmp_path, body)
    assert "au fond" in " ".join(block.text for block in found.blocks)


def test_a_grid_of_spans_is_bounded() -> None:
    rows = [[Cell("x" * 100, rows=0, columns=1000)] * 3] * 200
    assert sum(len(cell) for row in grid(rows) for cell in row) < 200_000
    assert filled([[""] * 500 + ["a"], ["b"]]) == (("", "a"), ("b", ""))


# Markdown


def test_a_fence_closes_with_its_own_sign_and_length() -> None:
    found = markdown("# A\n\n`````\n```\n## non\n```\n`````\n\n## Oui\n\n~~~\n```\n~~~\n\nFin.")
    assert lines(found) == [(("A",), "```\n## non\n```"), (("A", "Oui"), "```"), (("A", "Oui"), "Fin.")]


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("---\ntitle: 'Le prêt'\ntags: [a]\n---\n", "Le prêt"),
        ("---\ntitle: Prêt : durée\n---\n", "Prêt : durée"),
        ("---\ntitle: >-\n  Long\n  titre\n---\n", "Long titre"),
        ('+++\ntitle = "Le prêt"\n[x]\na = 1\n+++\n', "Le prêt"),
        ("---\ndate: 2024-01-01\n---\n", ""),
        ('{\n  "title": "Le prêt",\n  "tags": ["a"]\n}\n', "Le prêt"),
    ],
)
def test_front_matter_is_no_text_and_its_title_is_the_documents(head: str, title: str) -> None:
    found = markdown(f"{head}\nLe texte suit.\n")
    assert lines(found) == [((title,) if title else (), "Le texte suit.")]
    assert "front matter" in found.dropped


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert [text for _, text in lines(markdown("---\n\nDu texte qui suit une ligne.\n\n---\n\nFin."))] == [
        "Du texte qui suit une ligne.",
        "Fin.",
    ]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("a | b\n--- | ---\n1 | 2 \\| 3", ["| a | b |\n| --- | --- |\n| 1 | 2 / 3 |"]),
        ("::: tip Bon à savoir\nFermez la porte.\n:::", ["Bon à savoir", "Fermez la porte."]),
        (":::note[Rappel]\nPayez.\n:::", ["Rappel", "Payez."]),
        ("??? warning \"Gare\"\n    Tension.", ["Gare", "Tension."]),
        ("```{note} Titre\nDu *texte*.\n```", ["Titre", "Du texte."]),
        ("> [!NOTE]\n> Le quai ferme\n> à six heures.", ["Le quai ferme à six heures."]),
        ("Un texte[^a] clair.\n\n[^a]: La note.", ["Un texte clair.", "1. La note."]),
        ("Voir [la page][p], ![](v.png)![Plan](p.png) et <https://x.fr>.\n\n[p]: http://x", ["Voir la page, Plan et https://x.fr."]),
        ("Prix&nbsp;: 5&euro;<br>net, <b>tout</b> compris <!-- caché\nici --> fin.", ["Prix : 5€ net, tout compris fin."]),
        ("<!-- une\n\nligne -->\n\nVu.", ["Vu."]),
        ("import X from './x'\nexport const a = 1\n\n<Carte type=\"x\" />\n\nTexte.\n\n<Onglets a={[1]}>\n\nDedans.\n\n</Onglets>", ["Texte.", "Dedans."]),
        ("Un mot {#ancre}\n\n{{< note >}}Deux{{< /note >}} {% include x %}mots", ["Un mot", "Deux mots"]),
        ("1. un\n   1. a\n   2. b\n2. deux\n\n   suite\n", ["1. un", "1. a", "2. b", "2. deux", "suite"]),
        ("1. un\n1. deux\n1. trois", ["1. un", "2. deux", "3. trois"]),
        ("Mot\n: Sens du mot.", ["Mot : Sens du mot."]),
        ("- [x] fait\n- [ ] à faire", ["- fait", "- à faire"]),
        ("[[Page|le texte]] et [[Autre]]", ["le texte et Autre"]),
        ("nom_de_champ et 2*3*4, \\*gras\\*", ["nom_de_champ et 2*3*4, *gras*"]),
        ("Coût : 5$ ou 10$.", ["Coût : 5$ ou 10$."]),
        ("> un\n> deux\n>\n> > trois", ["un deux", "trois"]),
        ("Fin.^[en ligne]\n", ["Fin.", "1. en ligne"]),
        ("=== \"Linux\"\n    Tapez a.\n", ["Linux", "Tapez a."]),
        ("::: {.note #n}\nGare.\n:::\n\n:::tab{title=\"Un\"}\nDeux.\n:::", ["Gare.", "Un", "Deux."]),
        ("![[plan.png]]Voir [un mot]{.sc}, ==deux== et H~2~O.", ["Voir un mot, deux et H2O."]),
        ("[TOC]\n\n* Plan\n{:toc}\n\nVu ~~tu~~.", ["Vu ."]),
        ("{{< figure src=\"a.png\" caption=\"Légende.\" >}}", ["Légende."]),
        ("Il faut :\n(1) venir\n(2) voir", ["Il faut :", "(1) venir", "(2) voir"]),
        ("```{tip}\n:class: x\n\nCorps.\n```", ["Corps."]),
    ],
)  # fmt: skip
def test_markdown_is_read_as_its_page_shows_it(source: str, shown: list[str]) -> None:
    assert [text for _, text in lines(markdown(source))] == shown


def test_a_headings_attributes_and_marks_are_no_text() -> None:
    assert lines(markdown("## Le *prêt* {#pret .x}\n\nUn mois.")) == [(("Le prêt",), "Un mois.")]


def test_the_lines_of_a_directive_are_those_of_the_file() -> None:
    text = "# A\n\n```{note}\nDedans.\n```\n"
    (block,) = markdown(text).blocks
    assert text[block.char_start : block.char_end] == "Dedans."


def test_markdown_offsets_are_lines_of_the_source() -> None:
    text = "---\ntitle: T\n---\n\n# A\n\nUn\ndeux.\n\n- x\n  - y\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    found = markdown(text)
    assert [text[block.char_start : block.char_end] for block in found.blocks] == [
        "Un\ndeux.",
        "- x",
        "  - y",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ]


@pytest.mark.parametrize(
    "source",
    ["- " * 10_000 + "au fond", "> " * 10_000 + "au fond", "\n".join("  " * n + "- au fond" for n in range(1_500)), "[" * 20_000 + "au fond",
     "*a " * 20_000 + "au fond", "x" + " " * 100_000 + "au fond", "x\n" + "\t" * 50_000 + "au fond", "{{< " * 10_000 + "au fond"],
    ids=["items", "quotes", "list", "brackets", "stars", "blanks", "tabs", "tags"],
)  # fmt: skip
def test_hostile_markdown_ends_soon_with_its_text(source: str) -> None:
    assert "au fond" in " ".join(block.text for block in markdown(source).blocks)
