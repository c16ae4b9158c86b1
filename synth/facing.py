"""``synth chunk --show``: a document's pages facing the chunks that were made of them, in one HTML file without links to anywhere.

Words of the page that no chunk holds are marked red, words dropped on purpose (running heads, contents) grey, so that a lost column or
a torn table is seen at a glance. A PDF's page is drawn by pdfium; of other formats the text that the second reader found is shown.
"""

from __future__ import annotations

import base64
import io
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.console import html_text
from triplette.errors import InputError
from triplette.records import Chunk, Coverage
from triplette.synth.ingest import Structured, read_document, source_name, structure
from triplette.synth.ingest.coverage import KEPT_ROLES, WORD, folded, lost_words, measure
from triplette.synth.ingest.pdf_chars import Char, page_chars
from triplette.synth.ingest.witness import witness, witness_name
from triplette.tables import write_text

PAGES_SHOWN = 60  # pages of a long document: those that lost most, in their order
SCALE = 1.5  # pixels a point: small print can be read
QUALITY = 70  # of the pages' JPEG
CUT = ("-", "\u00ad", "\u2010")  # what a word that a line cuts ends in
STYLE = Path(__file__).with_name("facing.css")


@dataclass(frozen=True, slots=True)
class Face:
    """A page's left side in HTML, and the words that no chunk holds: on the page, and found by the second reader alone."""

    number: int
    html: str
    lost: int
    elsewhere: tuple[str, ...]


def show_document(corpus: Path, wanted: str, chunks: Sequence[Chunk], out: Path) -> Path:
    """Write the page of one document (its name in the corpus, or its path) to ``out`` and return that.

    Raises InputError when the document is not in the corpus or the run has no chunk of it.
    """
    path = _find(corpus, wanted)
    source = source_name(path, corpus)
    own = [chunk for chunk in chunks if chunk.source == source]
    if not own:
        raise InputError(
            "the run has no chunk of this document", where=source, cure=f"run `synth chunk --corpus {shlex.quote(str(corpus))}` again"
        )
    structured = structure(read_document(path, corpus), own[0].language)
    try:
        told = witness(path)
    except Exception:  # the second reader's library raises whatever it meets
        told = None
    covered = measure(structured, own, (), told, witness_name(path))
    faces = _pdf_faces(path, structured, own, told) if path.suffix.lower() == ".pdf" else _text_faces(structured, own, told)
    shown = faces
    if len(faces) > PAGES_SHOWN:
        worst = sorted(faces, key=lambda face: -face.lost - len(face.elsewhere))[:PAGES_SHOWN]
        shown = sorted(worst, key=lambda face: face.number)
    write_text(out, _page(covered, shown, len(faces), own))
    return out


def _find(corpus: Path, wanted: str) -> Path:
    for path in (corpus / wanted, Path(wanted), corpus):
        if path.is_file() and (corpus == path or corpus.resolve() in path.resolve().parents):
            return path
    raise InputError("no such document in the corpus", where=wanted, cure="give its name as the table of chunks has it")


def _on_page(chunks: Sequence[Chunk], number: int) -> list[Chunk]:
    return [chunk for chunk in chunks if not chunk.page_start or chunk.page_start <= number <= chunk.page_end]


def _furniture(structured: Structured, number: int) -> Counter[str]:
    lines = (line.text for line in structured.lines if line.page in (number, 0) and line.role not in KEPT_ROLES)
    return Counter(part for line in lines for part in _parts(line))


def _text_faces(structured: Structured, chunks: Sequence[Chunk], told: str | None) -> list[Face]:
    text = told if told is not None else structured.document.text
    faces = []
    for number, page in enumerate(text.split("\f"), 1):
        words = page.split()
        marks, found = _marks(words, _on_page(chunks, number), _furniture(structured, number))
        parts, at = [], 0
        for word, mark in zip(words, marks, strict=True):
            start = page.index(word, at)
            parts.append(html_text(page[at:start]))
            parts.append(f"<mark class={mark}>{html_text(word)}</mark>" if mark else html_text(word))
            at = start + len(word)
        faces.append(Face(number, f"<pre>{''.join(parts)}{html_text(page[at:])}</pre>", found, ()))
    return faces


def _parts(word: str) -> list[str]:
    """What of a word between blanks is compared: "11.43," is 11 and 43."""
    return WORD.findall(folded(word))


def _parts_of(words: Sequence[str], chunks: Sequence[Chunk]) -> tuple[list[list[str]], list[int]]:
    """The words' parts, and the places of words that end one cut by a hyphen: it is whole in the chunks, and compared as one."""
    parts = [_parts(word) for word in words]
    held: frozenset[str] | None = None
    seconds = []
    for place in range(1, len(words)):
        before, ends = parts[place - 1], parts[place]
        if words[place - 1][-1:] in CUT and words[place][:1].islower() and before and ends:
            if held is None:
                held = frozenset(part for chunk in chunks for part in _parts(f"{chunk.title}\n{chunk.text}"))
            if before[-1] + ends[0] in held:
                parts[place - 1], parts[place] = [*before[:-1], before[-1] + ends[0]], ends[1:]
                seconds.append(place)
    return parts, seconds


def _marks(words: Sequence[str], chunks: Sequence[Chunk], furniture: Counter[str]) -> tuple[list[str], int]:
    """For each word between blanks "", "lost" or "dropped", and the number of lost ones."""
    left = furniture.copy()
    parts, seconds = _parts_of(words, chunks)
    lost = iter(lost_words([part for group in parts for part in group], chunks))
    marks = []
    for group in parts:
        gone = [part for part in group if next(lost)]
        dropped = [part for part in gone if left[part] > 0]
        left.subtract(dropped)
        marks.append("" if not gone else "dropped" if len(dropped) == len(gone) else "lost")
    for place in seconds:
        marks[place] = marks[place] or marks[place - 1]
    return marks, marks.count("lost")


def _pdf_faces(path: Path, structured: Structured, chunks: Sequence[Chunk], told: str | None) -> list[Face]:
    import pypdfium2

    second = told.split("\f") if told is not None else []
    faces = []
    with pypdfium2.PdfDocument(path) as document:
        if document.get_formtype() in (1, 3):
            document.init_forms()
        for index in range(len(document)):
            page = document[index]
            read = page_chars(page)
            words = _words(read.chars)
            near = _on_page(chunks, index + 1)
            marks, found = _marks([word.text for word in words], near, _furniture(structured, index + 1))
            boxes = "".join(_box(word, mark, read.width, read.height) for word, mark in zip(words, marks, strict=True) if mark)
            image = _image(page, read.quarters)
            extra = Counter(_parts(second[index] if index < len(second) else ""))
            extra -= Counter(part for word in words for part in _parts(word.text))
            extra -= Counter(part for chunk in near for part in _parts(f"{chunk.title}\n{chunk.text}"))
            elsewhere = tuple(word for word in extra if len(word) > 2)
            faces.append(Face(index + 1, f'<div class=sheet><img alt="" src="{image}">{boxes}</div>', found, elsewhere))
            page.close()
    return faces


def _words(chars: Sequence[Char]) -> list[Char]:
    """Characters joined to words, each with its place."""
    words: list[Char] = []
    open_word = False
    for char in chars:
        if not char.size:
            open_word = False
        elif (
            open_word and abs(char.y - words[-1].y) < 0.5 * max(char.size, words[-1].size) and char.x0 - words[-1].x1 < 0.5 * char.size
        ):
            words[-1] = words[-1]._replace(text=words[-1].text + char.text, x1=char.x1)
        else:
            words.append(char)
            open_word = True
    return words


def _box(word: Char, mark: str, width: float, height: float) -> str:
    left, top = 100 * word.x0 / width, 100 * (height - word.y - 0.85 * word.size) / height
    wide, high = 100 * (word.x1 - word.x0) / width, 100 * 1.15 * word.size / height
    return f'<i class={mark} style="left:{left:.2f}%;top:{top:.2f}%;width:{wide:.2f}%;height:{high:.2f}%"></i>'


def _image(page: Any, quarters: int) -> str:
    turned = (quarters * 90 - page.get_rotation()) % 360
    picture = page.render(scale=SCALE, rotation=turned, may_draw_forms=True).to_pil().convert("RGB")
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _page(covered: Coverage, faces: Sequence[Face], pages: int, chunks: Sequence[Chunk]) -> str:
    rows = []
    for face in faces:
        own = [chunk for chunk in chunks if max(chunk.page_start, 1) == face.number]
        right = "".join(_chunk(chunk) for chunk in own) or "<p class=none>No chunk begins on this page.</p>"
        said = f"page {face.number}" + (f" · <b class=lost>{face.lost} words lost</b>" if face.lost else " · nothing lost")
        if face.elsewhere:
            words = " ".join(html_text(word) for word in face.elsewhere[:40])
            said += f"<p class=elsewhere>Found only by the second reader: {words}</p>"
        rows.append(f"<section><div class=left><h2>{said}</h2>{face.html}</div><div class=right>{right}</div></section>")
    figures = (
        f"<b>{100 * covered.word_share:.2f} %</b> of {covered.words} words and <b>{100 * covered.sentence_share:.2f} %</b> of "
        f"{covered.sentences} sentences are in the {len(chunks)} chunks"
    )
    by = f"second reader: {html_text(covered.witness)}" if covered.witness else "no second reader for this format"
    left_out = ", ".join(covered.dropped) or "nothing"
    less = f" · the {len(faces)} pages of {pages} that lost most" if len(faces) < pages else ""
    name = html_text(covered.source)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{name}</title>"
        f"<style>{STYLE.read_text(encoding='utf-8')}</style><header><h1>{name}</h1><p>{figures} · {by}{less}</p>"
        f"<p>dropped on purpose, in characters: {html_text(left_out)} · <mark class=lost>lost</mark> "
        f"<mark class=dropped>dropped on purpose</mark></p></header>{''.join(rows)}</html>\n"
    )


def _chunk(chunk: Chunk) -> str:
    where = f"p. {chunk.page_start}" + (f"–{chunk.page_end}" if chunk.page_end != chunk.page_start else "") if chunk.page_start else ""
    meta = " · ".join(filter(None, [where, f"{chunk.tokens} tokens", chunk.id[:10]]))
    return f"<article><h3>{html_text(chunk.title or 'no title')}</h3><small>{meta}</small><pre>{html_text(chunk.text)}</pre></article>"
