"""Formulas and readings over words (ruby) on pages and in books: read as a line, and no false alarm of the second reader."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from triplette.settings.synth import ChunkSettings
from triplette.synth.reading import read_one

FORMULAS = {
    "<mfrac><mn>5</mn><mn>8</mn></mfrac>": "5/8",
    "<mrow>\n <mi>p</mi>\n <msub><mi>q</mi><mn>0</mn></msub>\n</mrow>": "pq_0",
    "<msup><mi>x</mi><mn>2</mn></msup><mi>y</mi>": "x^2 y",
    "<munder><mo>lim</mo><mi>n</mi></munder><msub><mi>u</mi><mi>n</mi></msub>": "lim_n u_n",
    "<mfrac><mn>1</mn><mn>2</mn></mfrac><mi>m</mi>": "1/2 m",
    "<semantics><mrow><mi>F</mi><mo>=</mo><mi>m</mi><mi>a</mi></mrow>"
    '<annotation encoding="application/x-tex">F = m a</annotation></semantics>': "F = m a",
}
NAMESPACE = 'xmlns:m="http://www.w3.org/1998/Math/MathML"'


def book(path: Path, body: str) -> Path:
    """An EPUB book of one chapter."""
    container = '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>'
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("META-INF/container.xml", container)
        file.writestr("b.opf", package)
        file.writestr("c.xhtml", f'<html xmlns="http://www.w3.org/1999/xhtml" {NAMESPACE}><body>{body}</body></html>')
    return path


def page(path: Path, body: str) -> Path:
    """A page of HTML."""
    path.write_text(f"<!doctype html><html lang=fr {NAMESPACE}><meta charset=utf-8><title>Lac</title><body>{body}", encoding="utf-8")
    return path


def checked(path: Path) -> tuple[str, int]:
    """The text of a file's chunks; every word and sentence of the second reader is in it, of so many sentences."""
    read = read_one(path, path.parent, path.name, ChunkSettings())
    assert read.rows is not None
    assert read.coverage is not None
    assert (read.coverage.words_held, read.coverage.sentences_whole) == (read.coverage.words, read.coverage.sentences), read.coverage
    return "\n".join(row["text"] for row in read.rows.to_pylist()), read.coverage.sentences


@pytest.mark.parametrize("prefix", ["", "m:"], ids=["plain", "with a prefix"])
@pytest.mark.parametrize("bound", [False, True], ids=["page", "book"])
def test_a_formula_is_a_line_of_text_and_both_readers_agree_on_it(tmp_path: Path, bound: bool, prefix: str) -> None:
    sentences = [f"Le débit de la pompe {k} vaut <math>{source}</math> pour toute la durée." for k, source in enumerate(FORMULAS)]
    body = re.sub(r"<(/?)(m[a-z]+|semantics|annotation)\b", rf"<\1{prefix}\2", "".join(f"<p>{one}</p>" for one in sentences))
    text, whole = checked(book(tmp_path / "a.epub", body) if bound else page(tmp_path / "a.html", body))
    assert [line for line in text.split("\n") if "pompe" in line] == [
        f"Le débit de la pompe {k} vaut {shown} pour toute la durée." for k, shown in enumerate(FORMULAS.values())
    ]
    assert whole == len(FORMULAS)


def test_a_formula_that_never_ends_does_not_silence_the_second_reader(tmp_path: Path) -> None:
    text, _ = checked(page(tmp_path / "a.html", "<p>Le débit vaut <math><mi>q</mi> dans le canal du moulin neuf."))
    assert "q" in text


@pytest.mark.parametrize(
    "ruby",
    ["<ruby>canot<rt>kano</rt></ruby>", "<ruby>canot<rt>kano</ruby>", "<ruby>canot<rp>(<rt>kano<rp>)</ruby>",
     "<ruby>ca<rt>ka</rt>not<rt>no</rt></ruby>", "<ruby><rb>canot</rb><rtc><rt>ka</rt><rt>no</rt></rtc></ruby>"],
    ids=["closed", "open", "open with signs", "in parts", "container"],
)  # fmt: skip
def test_the_reading_over_a_word_is_no_text_and_what_follows_is_checked_too(tmp_path: Path, ruby: str) -> None:
    body = f"<h1>Le lac</h1><p>Le {ruby} est rangé sous les saules.</p><p>Le gardien ferme la grille du lac le soir.</p>"
    text, sentences = checked(page(tmp_path / "a.html", body))
    assert "Le canot est rangé sous les saules." in text
    assert sentences == 2
