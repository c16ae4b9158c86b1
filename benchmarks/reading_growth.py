"""How reading time grows with the size of the input, by format and pattern: a file that is one pattern only, at four sizes.

The exponent is the slope of a line through the four on log-log paper: 1 is linear, 2 quadratic. Sizes begin where a reading leaves the noise
(``LEAST_SECONDS`` of the processor, or ``LARGEST`` characters at the fourth size), each time is the best of ``TURNS``, and a slope over
``LIMIT`` is measured again, for the machine is shared: the lower of the two counts.
"""

from __future__ import annotations

import html
import math
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from reading_growth_office import office, write_folder

LEAST_SECONDS = 0.03  # of the processor, at the first of the four sizes
FIRST, LARGEST = 10_000, 640_000  # characters of the first size at least, of the fourth at most
TURNS = 3
FILES = 1_250  # of the first folder; the fourth has eight times as many
LIMIT = 1.1
PROSE = "Le canot est rangé sous les saules du lac. "
Pattern = Callable[[int], str]

PLAIN: dict[str, Pattern] = {
    "dots": lambda n: "." * n + "x",
    "dots and blanks": lambda n: ". " * (n // 2) + "x",
    "blanks": lambda n: "x" + " " * n + "x",
    "tabs": lambda n: "x" + "\t" * n + "x",
    "letters": lambda n: "a" * n,
    "accented letters": lambda n: "é" * n,
    "capitals": lambda n: "A" * n,
    "digits": lambda n: "1" * n,
    "numbers with stops": lambda n: "1." * (n // 2) + "x",
    "bars": lambda n: "|" * n + "x",
    "hyphens": lambda n: "-" * n + "x",
    "stars": lambda n: "*" * n + "x",
    "underscores": lambda n: "_" * n + "x",
    "brackets": lambda n: "[a](" * (n // 4),
    "open brackets": lambda n: "[" * n + "x",
    "angles": lambda n: "<" * n + "x",
    "backticks": lambda n: "a`" * (n // 2) + "x",
    "soft hyphens": lambda n: "\u00ad" * n + "x",
    "words": lambda n: "mot " * (n // 4),
    "questions": lambda n: "Qui range le canot du lac ?\nLe gardien du lac le range le soir venu.\n\n" * (n // 72),
    "asked and answered": lambda n: "".join(
        f"Q : Qui range le canot {k} du lac ?\nR : Le gardien le range le soir venu.\n\n" for k in range(n // 70)
    ),
    "prose": lambda n: PROSE * (n // len(PROSE)),
}
LINES: dict[str, Pattern] = {  # that only a format without markup can hold
    "wide gaps": lambda n: "a    " * (n // 5),
    "form feeds": lambda n: "x" + "\f" * n + "x",
    "short pages": lambda n: "mot\f" * (n // 4),
    "line ends": lambda n: "x" + "\n" * n + "x",
    "short lines": lambda n: "mot\n" * (n // 4),
    "cut words": lambda n: "mot-\n" * (n // 5),
    "capital lines": lambda n: "ABCD\n" * (n // 5),
    "numbered titles": lambda n: "1. Titre\n" * (n // 9),
    "articles": lambda n: "Article 1\n" * (n // 10),
    "bullets": lambda n: "• mot\n" * (n // 6),
    "dot leaders": lambda n: ("mot" + "." * 40 + " 3\n") * (n // 46),
    "contents": lambda n: "SOMMAIRE\n" + "mot 3\n" * (n // 6),
    "table rows": lambda n: "a    b    c\n" * (n // 12),
}
MARKDOWN: dict[str, Pattern] = {
    "headings": lambda n: "# Titre\n\n" * (n // 9),
    "nested quotes": lambda n: "> " * (n // 2) + "x",
    "nested lists": lambda n: "".join("  " * min(k, 60) + "- mot\n" for k in range(n // 100)),
    "fences": lambda n: "```\nmot\n```\n" * (n // 12),
    "pipe table": lambda n: "|a|b|\n|-|-|\n" + "|1|2|\n" * (n // 6),
    "footnotes": lambda n: "".join(f"mot[^{k}]\n\n[^{k}]: note\n\n" for k in range(n // 30)),
    "references": lambda n: "".join(f"[a{k}]: http://x.y/{k}\n" for k in range(n // 22)) + "[a1]",
    "html inside": lambda n: "<div>\n\nmot\n\n</div>\n\n" * (n // 22),
    "admonitions": lambda n: "!!! note\n    mot\n\n" * (n // 19),
}
HTML: dict[str, Pattern] = {
    "paragraphs": lambda n: f"<p>{PROSE}</p>" * (n // 50),
    "nested blocks": lambda n: "<div>" * (n // 11) + "mot" + "</div>" * (n // 11),
    "nested lists": lambda n: "<ul><li>mot" * (n // 20) + "</li></ul>" * (n // 20),
    "open elements": lambda n: "<b>a" * (n // 4),
    "table": lambda n: f"<table>{'<tr><td>a<td>b</tr>' * (n // 19)}</table>",
    "wide spans": lambda n: f"<table>{'<tr><td colspan=9 rowspan=9>a</tr>' * (n // 33)}</table>",
    "headings": lambda n: "<h2>Titre</h2><p>mot</p>" * (n // 24),
    "buttons": lambda n: "".join(
        f"<button aria-controls=p{k}>Qui a le canot ?</button><div id=p{k} hidden>Lui.</div>" for k in range(n // 80)
    ),
    "tab panels": lambda n: "".join(
        f"<a role=tab aria-controls=t{k}>Lac</a><div role=tabpanel id=t{k}>eau</div>" for k in range(n // 70)
    ),
    "menus": lambda n: "<nav><a href=x>mot</a></nav><p>Le lac est bleu.</p>" * (n // 50),
    "definitions": lambda n: "<dl><dt>Qui range le canot ?<dd>Le gardien le range.</dl>" * (n // 56),
    "hidden": lambda n: "<p hidden>mot</p><p>Le lac est bleu.</p>" * (n // 41),
}
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
WORD: dict[str, Pattern] = {
    "paragraphs": lambda n: f"<w:p><w:r><w:t>{PROSE}</w:t></w:r></w:p>" * (n // 80),
    "runs": lambda n: f"<w:p>{'<w:r><w:t>a </w:t></w:r>' * (n // 25)}</w:p>",
    "insertions": lambda n: f"<w:p>{'<w:ins><w:r><w:t>a </w:t></w:r></w:ins>' * (n // 40)}</w:p>",
    "table": lambda n: f"<w:tbl>{'<w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc></w:tr>' * (n // 65)}</w:tbl>",
    "nested tables": lambda n: "<w:tbl><w:tr><w:tc>" * 60 + "<w:p><w:r><w:t>mot</w:t></w:r></w:p>" * (n // 38) + "</w:tc></w:tr></w:tbl>" * 60,
    "content controls": lambda n: "<w:sdt><w:sdtContent><w:p><w:r><w:t>mot</w:t></w:r></w:p></w:sdtContent></w:sdt>" * (n // 80),
    "deleted marks": lambda n: "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>mot </w:t></w:r></w:p>" * (n // 75),
    "fields": lambda n: "<w:p>" + "<w:r><w:fldChar w:fldCharType='begin'/></w:r>" * (n // 45) + "</w:p><w:p><w:r><w:t>mot</w:t></w:r></w:p>",
}  # fmt: skip


def _text(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")


def _page(path: Path, content: str) -> None:
    path.write_text(
        f"<!doctype html><html lang=fr><meta charset=utf-8><title>Lac</title><body><p>Le lac.</p>{content}", encoding="utf-8"
    )


def _word(path: Path, content: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        kinds = '<Default Extension="xml" ContentType="application/xml"/>'
        archive.writestr(
            "[Content_Types].xml", f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{kinds}</Types>'
        )
        archive.writestr(
            "word/document.xml", f"<w:document {W}><w:body><w:p><w:r><w:t>Le lac.</w:t></w:r></w:p>{content}</w:body></w:document>"
        )


def _rtf(path: Path, content: str) -> None:
    shown = "".join(c if ord(c) < 128 and c not in "\\{}" else f"\\u{ord(c)}?" for c in content)
    path.write_text(rf"{{\rtf1\ansi Le lac.\par {shown}}}", encoding="ascii")


def _odt(path: Path, content: str) -> None:
    names = "".join(f' xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "text", "table"))
    paragraphs = f"<text:p>Le lac.</text:p><text:p>{html.escape(content)}</text:p>"
    body = f"<office:body><office:text>{paragraphs}</office:text></office:body>"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", f"<office:document-content{names}>{body}</office:document-content>")


def _pdf(path: Path, content: str) -> None:
    """``content`` in lines of 80 letters, 60 to a page."""
    lines = [content[at : at + 80] for at in range(0, len(content), 80)]
    _pages(path, [Page().lines(50, 790, [line.replace("\n", " ") for line in lines[at : at + 60]]) for at in range(0, len(lines), 60)])


def _pages(path: Path, pages: list[Page]) -> None:
    write_pdf(path, pages or [Page().text(50, 700, "Le lac.")])


COLUMN = [f"Le canot numéro {k} est rangé sous les saules du lac" for k in range(50)]
DRAWN: dict[str, Callable[[int], list[Page]]] = {  # of n characters, about
    "two columns": lambda n: [Page().lines(50, 780, COLUMN).lines(320, 780, COLUMN[::-1]).text(290, 30, f"{k}") for k in range(n // 5000)],
    "columns drawn across": lambda n: [_across() for _ in range(n // 5000)],
    "one long page": lambda n: [Page().lines(50, 780, [COLUMN[k % 50] for k in range(n // 50)], leading=700 / max(n // 50, 1))],
    "pieces in a row": lambda n: [_scattered(n // 4)],
    "ruled tables": lambda n: [_grid() for _ in range(n // 400)],
    "one large table": lambda n: [_grid(n // 20)],
    "rules": lambda n: [_ruled(n // 20)],
    "footnotes": lambda n: [Page().lines(50, 780, COLUMN).lines(50, 80, ["1 Voir le plan du lac.", "2 Voir la rive."], 7) for _ in range(n // 2500)],
    "legends": lambda n: [Page().lines(50, 780, ["Le canot est rangé sous les saules et", "Figure 3. Le lac."] * (n // 60), leading=700 / max(n // 60, 1))],
    "accents apart": lambda n: [_accents(n)],
    "headings": lambda n: [Page().text(50, 700 - 20 * k, f"Titre {k} du lac", 16, bold=True) for k in range(1)] * (n // 20),
}  # fmt: skip


def _across() -> Page:
    page = Page()
    for k, line in enumerate(COLUMN):
        page.text(50, 780 - 12 * k, line).text(320, 780 - 12 * k, COLUMN[-k])
    return page


def _scattered(count: int) -> Page:
    page = Page()
    for k in range(count):
        page.text(20 + 37 * (k % 15), 800 - 780 * (k // 15) / (count // 15 + 1), f"mot{k % 10}", 4)
    return page


def _grid(rows: int = 10) -> Page:
    step = 700 / rows
    page = Page().grid([50, 200, 350], [780 - step * k for k in range(rows + 1)])
    for k in range(rows):
        page.text(60, 780 - step * (k + 0.8), "lac", min(step, 8)).text(210, 780 - step * (k + 0.8), "rive", min(step, 8))
    return page


def _ruled(count: int) -> Page:
    page = Page().lines(50, 780, COLUMN)
    for k in range(count):
        page.rule(50, 790 - 700 * k / count, 540, 790 - 700 * k / count)
    return page


def _accents(count: int) -> Page:
    page = Page()
    for k in range(count // 10):
        x, y = 40 + 20 * (k % 25), 800 - 780 * (k // 25) / (count // 250 + 1)
        page.text(x, y, "e", 6).text(x + 0.6, y, "´", 6)
    return page


def formats() -> dict[str, dict[str, Callable[[Path, int], None]]]:
    """Suffix -> pattern -> what writes a file of about so many characters."""

    def over(
        write: Callable[[Path, str], None], *patterns: dict[str, Pattern], wrap: Callable[[str], str] = str
    ) -> dict[str, Callable[[Path, int], None]]:
        return {name: lambda path, n, make=make: write(path, wrap(make(n))) for group in patterns for name, make in group.items()}  # type: ignore[misc]

    def in_word(text: str) -> str:
        return "".join(f"<w:p><w:r><w:t>{html.escape(part)}</w:t></w:r></w:p>" for part in text.split("\n\n"))

    drawn = {name: lambda path, n, make=make: _pages(path, make(n)) for name, make in DRAWN.items()}  # type: ignore[misc]
    more = office(PLAIN)
    return {
        ".txt": over(_text, PLAIN, LINES),
        ".md": over(_text, PLAIN, LINES, MARKDOWN),
        ".html": {**over(_page, PLAIN, wrap=lambda text: f"<p>{html.escape(text)}</p>"), **over(_page, HTML)},
        ".docx": {**over(_word, PLAIN, wrap=in_word), **over(_word, WORD)},
        ".odt": {**over(_odt, PLAIN), **{f"elements: {name}": write for name, write in more.pop(".odt").items()}},
        ".rtf": {**over(_rtf, PLAIN), **{f"commands: {name}": write for name, write in more.pop(".rtf").items()}},
        ".pdf": {**over(_pdf, {name: PLAIN[name] for name in ("dots", "letters", "digits", "words", "questions", "prose")}), **drawn},
        **more,
    }


def growth(suffixes: tuple[str, ...], wanted: tuple[str, ...] = (), turns: int = TURNS) -> None:
    """Print a line a pattern and a line a format: the smallest, the median and the largest exponent, and whose that is."""
    with tempfile.TemporaryDirectory() as folder:
        if "folder" in suffixes or not suffixes:
            _folders(Path(folder))
        for suffix, patterns in formats().items():
            if suffixes and suffix not in suffixes:
                continue
            slopes: dict[str, float] = {}
            for name, write in patterns.items():
                if wanted and name not in wanted:
                    continue
                size, seconds = _measured(Path(folder) / f"a{suffix}", write, turns)
                slope = _slope(seconds)
                if slope > LIMIT:
                    size, again = _measured(Path(folder) / f"a{suffix}", write, turns)
                    slope, seconds = min((slope, seconds), (_slope(again), again))
                slopes[name] = slope
                print(f"{suffix} {name:20} from {size:6} {' '.join(f'{value:7.3f}' for value in seconds)}  {slope:.2f}", flush=True)
            if not slopes:
                continue
            order = sorted(slopes, key=lambda name: slopes[name])
            low, middle, high = order[0], order[len(order) // 2], order[-1]
            print(
                f"{suffix}: {len(order)} patterns, {slopes[low]:.2f} to {slopes[high]:.2f} ({high}), median {slopes[middle]:.2f}",
                flush=True,
            )


def _folders(place: Path) -> None:
    """A folder of small files, through the command's function: finding, hashing and writing are in it."""
    from triplette.rundir import RunDir
    from triplette.settings.synth import ChunkSettings
    from triplette.synth.chunk import chunk_corpus

    seconds = []
    chunk_corpus(RunDir(place / "first"), write_folder(place / "warm", 10), ChunkSettings(workers=1))
    for step in range(4):
        folder = write_folder(place / f"folder{step}", FILES * 2**step)
        started = time.process_time()
        chunk_corpus(RunDir(place / f"run{step}"), folder, ChunkSettings(workers=1))
        seconds.append(time.process_time() - started)
    print(
        f"small files in a folder, from {FILES:6} {' '.join(f'{value:7.3f}' for value in seconds)}  {_slope(seconds):.2f}", flush=True
    )


def _measured(path: Path, write: Callable[[Path, int], None], turns: int) -> tuple[int, list[float]]:
    """(the first size, the seconds of the four)."""
    size = FIRST
    while size < LARGEST // 8 and _seconds(path, write, size, turns=1) < LEAST_SECONDS:
        size *= 2
    return size, [_seconds(path, write, size * 2**step, turns) for step in range(4)]


def _slope(seconds: list[float]) -> float:
    xs = [math.log(2) * step for step in range(len(seconds))]
    ys = [math.log(max(value, 1e-4)) for value in seconds]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / sum((x - middle_x) ** 2 for x in xs)


def _seconds(path: Path, write: Callable[[Path, int], None], size: int, turns: int) -> float:
    """The processor seconds of reading, cutting and checking a file, the best of some turns."""
    from triplette.settings.synth import ChunkSettings
    from triplette.synth.reading import read_one

    write(path, size)
    best = math.inf
    for _ in range(turns):
        started = time.process_time()
        read_one(path, path.parent, path.name, ChunkSettings(ocr=False))
        best = min(best, time.process_time() - started)
    return best


sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from pdf_maker import Page, write_pdf  # noqa: E402  (the tests' writer)
