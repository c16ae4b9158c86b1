"""A second opinion on the text of markup files: each read plainly by another library than the one that the document was read with.

Python's own parsers see all the text that a page, book, text, presentation or workbook holds, mistune what a Markdown text shows, mammoth
what a Word document says. None of them knows furniture: coverage takes what the reader dropped off their text.
"""

from __future__ import annotations

import html
import io
import json
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from triplette.synth.ingest import readers
from triplette.synth.ingest.encoding import decode
from triplette.synth.ingest.html_signs import plain_formulas
from triplette.synth.ingest.zipped import opened

LONG_MAX = 50_000_000  # characters or bytes over which nobody is asked twice
_UNSHOWN = frozenset("script style noscript template head title iframe svg object audio video annotation annotation-xml rt rp".split())
_EDGES = frozenset(
    (
        "address article blockquote br caption dd div dl dt figcaption "
        "h1 h2 h3 h4 h5 h6 hr li option p pre section summary table td th tr ul "
        "a button del s strike textarea"  # in the midst of a line, but dropped or not as a whole
    ).split()
)
FIELDS_OPEN = 50  # fields that begin and do not end: Word nests twenty
_FIELD = re.compile(rb"<w:fldChar\b[^<>]*/>")
_FIELD_BEGIN = re.compile(rb"<w:fldChar\b[^<>]*fldCharType=.begin")
_FIELD_END = re.compile(rb"<w:fldChar\b[^<>]*fldCharType=.end")
_BINARY = re.compile(rb"[0-9a-fA-F\r\n]{512,}")
_RTF_NOTE = re.compile(r"\{\\(?:\*\\)?footnote\b")
_RTF_BRACE = re.compile(r"(?<!\\)[{}]")
_NOTE_MARK = re.compile(r'<sup class="footnote-ref"[^<>]*><a[^<>]*>[^<>]*</a></sup>|<a[^<>]*class="footnote"[^<>]*>[^<>]*</a>')
_ALERT = re.compile(r"\[![A-Z]{3,12}\][+-]?")
_SHORTCODE = re.compile(r"\{\{[<%][^{}\n]*[>%]\}\}")
_TIMES = re.compile(r"(?<=\d)\*(?=\d)")
_WIKI_PICTURE = re.compile(r"!\[\[[^\[\]\n]+\.(?:png|jpe?g|gif|svg|webp|pdf)(?:\|[^\[\]\n]*)?\]\]", re.IGNORECASE)
_WIKI_LINK = re.compile(r"\[\[[^\[\]|\n]*\|([^\[\]|\n]+)\]\]")
_FRONT = re.compile(r"\A(---|\+\+\+)\n.*?\n(?:\1|\.\.\.)\n", re.DOTALL)


def markup_witness(path: Path) -> str | None:
    """The file's text as another library sees it; None where there is no second reader for its type, or the file is too long for it."""
    suffix = path.suffix.lower()
    witnesses: dict[tuple[str, ...], Callable[[Path], str]] = {
        readers.MARKDOWN: _markdown,
        readers.HTML: _html,
        readers.DOCX: _docx,
        readers.EPUB: _epub,
        readers.ODT: _odt,
        readers.RTF: _rtf,
        readers.PPTX: _pptx,
        readers.XLSX: _xlsx,
        readers.DOCLING: _docling,
    }
    found = next((ask for suffixes, ask in witnesses.items() if suffix in suffixes), None)
    return found(path) if found is not None and path.stat().st_size <= LONG_MAX else None


class _Text(HTMLParser):
    """The text of a page outside of scripts and the like, a line for every block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unshown: list[str] = []
        self._page_number = ""  # the tag of a book's page number that is open
        self._formula: list[str] | None = None  # the source of the formula that is open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._formula is None and tag == "math":
            self._formula = []
        if self._formula is not None:
            self._formula.append(self.get_starttag_text() or "")
            return
        if tag in ("rt", "rp", *_EDGES) and self._unshown[-1:] in (["rt"], ["rp"]):
            self._unshown.pop()  # its end may be left out
        if tag in _UNSHOWN:
            self._unshown.append(tag)
        elif tag in _EDGES:
            self.parts.append("\n")
        elif any(value in ("pagebreak", "doc-pagebreak") for _, value in attrs):
            self.parts.append("\n")
            self._page_number = tag
        if tag == "body":
            self._unshown.clear()

    def handle_endtag(self, tag: str) -> None:
        if self._formula is not None:
            self._formula.append(f"</{tag}>")
            if tag == "math":
                self._end_formula()
            return
        if tag in ("ruby", *_EDGES) and self._unshown[-1:] in (["rt"], ["rp"]):
            self._unshown.pop()
        if tag in _UNSHOWN and tag in self._unshown:
            while self._unshown.pop() != tag:
                pass
        elif tag in _EDGES or tag == self._page_number:
            self.parts.append("\n")
            self._page_number = ""

    def close(self) -> None:
        """End the page, and with it a formula that never ends."""
        super().close()
        if self._formula is not None:
            self._end_formula()

    def _end_formula(self) -> None:
        source, self._formula = "".join(self._formula or ()), None
        self.parts.append("" if self._unshown else _formula_text(source))

    def handle_data(self, data: str) -> None:
        if self._formula is not None:
            self._formula.append(html.escape(data))
        elif not self._unshown:
            self.parts.append(re.sub(r"\s+", " ", data))


def _formula_text(source: str) -> str:
    """A formula as the reader writes it: which signs stand for a fraction or a root is no matter of witness."""
    from lxml import etree

    from triplette.synth.ingest.html_signs import formula

    found = next(etree.fromstring(source, etree.HTMLParser()).iter("math"), None)
    return formula(found) if found is not None else ""


def _page_text(source: str) -> str:
    parser = _Text()
    parser.feed(plain_formulas(source))
    parser.close()
    return "".join(parser.parts)


def _markdown(path: Path) -> str:
    text, _ = decode(path.read_bytes(), path.name)
    return _page_text(_NOTE_MARK.sub("", str(_mistune()(_without_marks(_FRONT.sub("", text))))))


def _without_marks(text: str) -> str:
    """The text without the signs of dialects that mistune takes for words: admonitions, directives, alerts, wiki links, imports of MDX. Titles stay."""
    rows: list[str] = []
    indented = False
    for row in text.split("\n"):
        bare = row.lstrip(" \t>")
        if bare.startswith(("!!!", "???")):
            rows += ["", bare.partition('"')[2].rpartition('"')[0], ""]
            indented = True
            continue
        indented = indented and (not bare or row.startswith(("    ", "\t")))
        if bare.startswith(":::"):
            said = bare.lstrip(":").strip()
            rows += ["", said.partition("[")[2].rpartition("]")[0] or "".join(said.split(None, 1)[1:]), ""]
        elif not (bare.startswith("import ") and bare.rstrip("; ").endswith(("'", '"'))):
            rows.append(_ALERT.sub("", row[4:] if row.startswith("    ") and indented else row))
    shown = _WIKI_LINK.sub(r"\1", _WIKI_PICTURE.sub("", _SHORTCODE.sub("", "\n".join(rows))))
    return _TIMES.sub(r"\\*", shown)


@cache
def _mistune() -> Callable[[str], object]:
    """Making one takes longer than a short file's text."""
    import mistune

    return mistune.create_markdown(escape=False, plugins=["table", "footnotes", "strikethrough", "def_list", "task_lists"])


def _html(path: Path) -> str:
    from triplette.synth.ingest.html import html_text  # bytes to text only

    return _page_text(html_text(path.read_bytes(), path.name)[0])


def _docx(path: Path) -> str:
    import mammoth

    with opened(path) as parts, path.open("rb") as stream:  # sizes are checked before the library unpacks anything
        text = parts.read("word/document.xml") if parts.has("word/document.xml") else b""
        many = len(_FIELD_BEGIN.findall(text)) - len(_FIELD_END.findall(text)) > FIELDS_OPEN
        return _word_text(mammoth.docx.read(_without_fields(path) if many else stream).value)


def _word_text(element: Any) -> str:
    """The text that mammoth sees, as its own ``extract_raw_text`` but for the breaks of lines, where that glues words."""
    from mammoth import documents

    if isinstance(element, documents.Text):
        return str(element.value)
    if isinstance(element, documents.Tab | documents.Break):
        return "\n" if isinstance(element, documents.Break) else "\t"
    return "".join(map(_word_text, getattr(element, "children", ()))) + ("\n\n" if isinstance(element, documents.Paragraph) else "")


def _without_fields(path: Path) -> io.BytesIO:
    """The document without the marks of its fields, which show no text: mammoth looks through all that are open at every run."""
    copy = io.BytesIO()
    with zipfile.ZipFile(path) as file, zipfile.ZipFile(copy, "w") as plain:
        for name in file.namelist():
            if name.endswith((".xml", ".rels")):
                data = file.read(name)
                plain.writestr(name, _FIELD.sub(b"", data) if name == "word/document.xml" else data)
    copy.seek(0)
    return copy


def _epub(path: Path) -> str:
    with opened(path), zipfile.ZipFile(path) as file:
        package = next(
            unquote(node.get("full-path") or "")
            for node in ElementTree.fromstring(file.read("META-INF/container.xml")).iter()
            if node.get("full-path")
        )
        root = ElementTree.fromstring(file.read(package))
        pages = {
            node.get("id"): node.get("href") or ""
            for node in root.iter()
            if node.tag.endswith("}item") and "nav" not in (node.get("properties") or "")
        }
        names = [
            unquote(pages[node.get("idref")]) for node in root.iter() if node.tag.endswith("}itemref") and node.get("idref") in pages
        ]
        parts = (file.read(posixpath.normpath(posixpath.join(posixpath.dirname(package), name))) for name in names)
        return "\n".join(_page_text(part.decode("utf-8", "replace")) for part in parts)


def _odt(path: Path) -> str:
    with opened(path), zipfile.ZipFile(path) as file:
        parser = ElementTree.XMLParser(target=_OdtText())
        parser.feed(file.read("content.xml"))
        return str(parser.close())


class _OdtText:
    """The paragraphs of an OpenDocument text; notes and text boxes before the one that they hang on, no deletions and comments."""

    def __init__(self) -> None:
        self._open: list[list[str]] = []
        self._told: list[str] = []
        self._unshown = 0  # elements that are open and not shown

    def start(self, tag: str, attributes: object) -> None:
        name = tag.rpartition("}")[2]
        if self._unshown or name in ("tracked-changes", "annotation", "note-citation", "hidden-text", "ruby-text"):
            self._unshown += 1
        elif name in ("p", "h"):
            self._open.append([])
        elif name in ("s", "tab", "line-break"):
            self.data(" ")

    def data(self, text: str) -> None:
        if self._open and not self._unshown:
            self._open[-1].append(text)

    def end(self, tag: str) -> None:
        if self._unshown:
            self._unshown -= 1
        elif tag.rpartition("}")[2] in ("p", "h") and self._open:
            self._told.append("".join(self._open.pop()))

    def close(self) -> str:
        return "\n\n".join(self._told)


def _rtf(path: Path) -> str:
    from striprtf.striprtf import rtf_to_text

    data = _BINARY.sub(b"", path.read_bytes())  # digits of pictures, which the library walks one by one
    return str(rtf_to_text(_notes_last(data.decode("latin-1")), errors="replace")).replace("|", " ").replace("\n", "\n\n")


def _notes_last(source: str) -> str:
    """An RTF text with its footnotes after the text: the library reads them in the midst of their sentence."""
    notes: list[str] = []
    kept: list[str] = []
    at = 0
    for begin in _RTF_NOTE.finditer(source):
        if begin.start() < at:
            continue  # within the note before
        depth, end = 0, begin.start()
        for brace in _RTF_BRACE.finditer(source, begin.start()):
            depth += (brace.group() == "{") - (brace.group() == "}")
            end = brace.end()
            if not depth:
                break
        kept.append(source[at : begin.start()])
        notes.append(f"\\par {{{source[begin.end() : end]}")
        at = end
    last = source.rfind("}")
    return "".join([*kept, source[at:last], *notes, source[last:]]) if notes and last >= at else source


def _pptx(path: Path) -> str:
    with opened(path), zipfile.ZipFile(path) as file:
        slides = sorted(
            (int(found.group(1)), name) for name in file.namelist() if (found := re.fullmatch(r"ppt/slides/slide(\d+)\.xml", name))
        )
        return "\n\n".join(text for _, name in slides for text in _paragraphs(file.read(name)))


def _paragraphs(data: bytes) -> Iterator[str]:
    for node in ElementTree.fromstring(data).iter():
        if node.tag.endswith("drawingml/2006/main}p"):
            yield "".join(child.text or "" for child in node.iter() if child.tag.endswith("}t"))


def _xlsx(path: Path) -> str:
    """The words of the sheets; numbers and dates are written as each library likes, and bear no witness."""
    with opened(path), zipfile.ZipFile(path) as file:
        names = file.namelist()
        shared: list[ElementTree.Element] = []
        if "xl/sharedStrings.xml" in names:
            shared = list(ElementTree.fromstring(file.read("xl/sharedStrings.xml")))
        texts = ["".join(node.text or "" for node in item.iter() if node.tag.endswith("}t")) for item in shared]
        hidden = {number for number, sheet in enumerate(_sheets(file), 1) if sheet.get("state", "visible") != "visible"}
        found: list[str] = []
        for number in range(1, len(names) + 1):
            name = f"xl/worksheets/sheet{number}.xml"
            if name in names and number not in hidden:
                found += _cells(file.read(name), texts)
        return "\n\n".join(found)


def _sheets(file: zipfile.ZipFile) -> list[ElementTree.Element]:
    return [node for node in ElementTree.fromstring(file.read("xl/workbook.xml")).iter() if node.tag.endswith("}sheet")]


def _cells(data: bytes, texts: list[str]) -> Iterator[str]:
    for cell in ElementTree.fromstring(data).iter():
        if not cell.tag.endswith("}c"):
            continue
        value = "".join(node.text or "" for node in cell.iter() if node.tag.endswith(("}v", "}t")))
        if cell.get("t") == "s" and value.isdigit() and int(value) < len(texts):
            yield texts[int(value)]
        elif cell.get("t") in ("inlineStr", "str"):
            yield value


def _docling(path: Path) -> str:
    content = json.loads(path.read_bytes())
    parts = [str(item.get("text") or "") for item in content.get("texts", [])]
    parts += [
        str(cell.get("text") or "") for table in content.get("tables", []) for cell in (table.get("data") or {}).get("table_cells", [])
    ]
    return "\n\n".join(parts)
