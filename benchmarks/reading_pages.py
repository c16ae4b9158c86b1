"""Word files and HTML pages: which words each reader gets, and of a page's main text how much and how purely.

    PYTHONPATH=. python benchmarks/reading_pages.py --word DIR --pages DIR --labelled DIR

``--word``: a folder of .docx. The reference of a file is the words that at least two of the other readers hold; recall is the share of them
that a reader holds. ``--pages``: folders of source.html and expected.html (the form of mozilla/readability's test pages): precision and
recall of the words of expected.html. ``--labelled``: trafilatura's ``tests`` folder with evaldata.json: segments that must and must not be
in the text, counted as its own evaluation does. Readers that are not installed are named.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from triplette.synth.ingest import read_document, structure

Reader = Callable[[Path], str]


def ours(path: Path) -> str:
    """What Triplette puts into passages: texts, and each heading once."""
    found = structure(read_document(path, path.parent))
    return "\n".join(line.text for line in found.lines if line.role in ("body", "heading"))


def mammoth_text(path: Path) -> str:
    """mammoth's HTML as text, notes included."""
    import mammoth

    with path.open("rb") as stream:
        return re.sub(r"<[^>]*>", " ", mammoth.convert_to_html(stream).value)


def python_docx_text(path: Path) -> str:
    """Paragraphs and cells through python-docx."""
    import docx

    document = docx.Document(str(path))
    return "\n".join([*(p.text for p in document.paragraphs), *(c.text for t in document.tables for row in t.rows for c in row.cells)])


def docx2txt_text(path: Path) -> str:
    """docx2txt."""
    import docx2txt

    return str(docx2txt.process(str(path)))


def pandoc_text(path: Path) -> str:
    """pandoc to plain text."""
    return subprocess.run(["pandoc", "-t", "plain", "--wrap=none", str(path)], capture_output=True, text=True, check=True).stdout


def trafilatura_text(path: Path) -> str:
    """trafilatura as its own evaluation runs it."""
    import trafilatura

    return trafilatura.extract(path.read_bytes(), include_comments=False, include_tables=True, include_formatting=False) or ""


def fast_trafilatura_text(path: Path) -> str:
    """trafilatura without its fallbacks."""
    import trafilatura

    return (
        trafilatura.extract(path.read_bytes(), fast=True, include_comments=False, include_tables=True, include_formatting=False) or ""
    )


def readability_text(path: Path) -> str:
    """readability-lxml's summary as text."""
    import lxml.html
    from readability import Document

    return str(lxml.html.fromstring(Document(path.read_bytes().decode("utf-8", "replace")).summary()).text_content())


def html2text_text(path: Path) -> str:
    """html2text: the whole page."""
    import html2text

    converter = html2text.HTML2Text()
    converter.ignore_links = converter.ignore_images = converter.ignore_emphasis = True
    converter.body_width = 0
    return converter.handle(path.read_bytes().decode("utf-8", "replace"))


WORD: dict[str, tuple[str, Reader]] = {
    "mammoth": ("mammoth", mammoth_text), "python-docx": ("docx", python_docx_text), "docx2txt": ("docx2txt", docx2txt_text),
    "pandoc": ("", pandoc_text),
}  # fmt: skip
PAGES: dict[str, tuple[str, Reader]] = {
    "trafilatura": ("trafilatura", trafilatura_text), "trafilatura, fast": ("trafilatura", fast_trafilatura_text),
    "readability-lxml": ("readability", readability_text),
    "html2text": ("html2text", html2text_text),
}  # fmt: skip


def present(readers: dict[str, tuple[str, Reader]]) -> dict[str, Reader]:
    """The readers that are here, Triplette first; the others are named."""
    found: dict[str, Reader] = {"Triplette": ours}
    for name, (module, read) in readers.items():
        if importlib.util.find_spec(module) if module else shutil.which(name):
            found[name] = read
        else:
            print(f"not here: {name}")
    return found


def words(text: str) -> Counter[str]:
    """The words of a text, with how often each comes."""
    return Counter(re.findall(r"\w+", text.lower()))


def attempt(read: Reader, path: Path) -> tuple[Counter[str], float]:
    """A reader's words of a file and its seconds; none when it fails, which is printed."""
    started = time.perf_counter()
    try:
        text = read(path)
    except Exception as error:
        print(f"  {path.name}: {type(error).__name__}: {str(error)[:80]}")
        text = ""
    return words(text), time.perf_counter() - started


def word_files(folder: Path) -> None:
    """Recall of what at least two other readers hold, by file."""
    readers = present(WORD)
    print("| file | words | " + " | ".join(readers) + " |\n|---|---|" + "---|" * len(readers))
    totals: Counter[str] = Counter()
    for path in sorted(folder.glob("*.docx")):
        held = {name: attempt(read, path)[0] for name, read in readers.items()}
        shares = []
        for name in readers:
            others = [held[other] for other in readers if other != name]
            wanted = Counter({w: sorted((o[w] for o in others), reverse=True)[1] for w in set().union(*others)})
            got = sum((wanted & held[name]).values())
            totals[name] += got
            totals[f"{name} of"] += sum(wanted.values())
            shares.append(f"{got / max(sum(wanted.values()), 1):.3f} ({sum(held[name].values())})")
        print(f"| {path.name} | {max(sum(h.values()) for h in held.values())} | " + " | ".join(shares) + " |")
    print("| all |  | " + " | ".join(f"{totals[name] / max(totals[f'{name} of'], 1):.3f}" for name in readers) + " |")


def expected_pages(folder: Path) -> None:
    """Precision and recall of words against expected.html, the mean of the pages."""
    readers = present(PAGES)
    sums: dict[str, list[float]] = {name: [0.0, 0.0, 0.0, 0.0] for name in readers}
    pages = sorted(path for path in folder.iterdir() if (path / "expected.html").exists())
    for page in pages:
        wanted = words(re.sub(r"<[^>]*>", " ", (page / "expected.html").read_text(encoding="utf-8")))
        for name, read in readers.items():
            got, seconds = attempt(read, page / "source.html")
            both = sum((got & wanted).values())
            precision, recall = both / max(sum(got.values()), 1), both / max(sum(wanted.values()), 1)
            parts = (precision, recall, 2 * precision * recall / max(precision + recall, 1e-9), seconds)
            sums[name] = [a + b for a, b in zip(sums[name], parts, strict=True)]
    print(f"\n{len(pages)} pages\n| reader | precision | recall | F1 | s a page |\n|---|---|---|---|---|")
    for name, parts in sums.items():
        print(f"| {name} | " + " | ".join(f"{part / len(pages):.3f}" for part in parts) + " |")


def labelled_pages(folder: Path, every: int, first: int) -> None:
    """Segments that must be there (recall) and must not (precision), over trafilatura's labelled pages."""
    labels = json.loads((folder / "evaldata.json").read_text(encoding="utf-8"))
    readers = present(PAGES)
    counts: dict[str, Counter[str]] = {name: Counter() for name in readers}
    for item in sorted(labels.values(), key=lambda item: item["file"])[first::every]:
        path = next(p for p in (folder / "cache" / item["file"], folder / "eval" / item["file"]) if p.exists())
        for name, read in readers.items():
            try:
                text = " ".join(read(path).split())
            except Exception:
                text = ""
            found = sum(" ".join(segment.split()) in text for segment in item["with"])
            wrong = sum(" ".join(segment.split()) in text for segment in item["without"])
            counts[name].update(tp=found, fp=wrong, fn=len(item["with"]) - found, tn=len(item["without"]) - wrong)
    print("\n| reader | precision | recall | F1 | accuracy |\n|---|---|---|---|---|")
    for name, c in counts.items():
        precision, recall = c["tp"] / max(c["tp"] + c["fp"], 1), c["tp"] / max(c["tp"] + c["fn"], 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        print(f"| {name} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {(c['tp'] + c['tn']) / sum(c.values()):.3f} |")


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--word", type=Path, help="folder of .docx files")
    parser.add_argument("--pages", type=Path, help="folder of folders with source.html and expected.html")
    parser.add_argument("--labelled", type=Path, help="trafilatura's tests folder")
    parser.add_argument("--every", type=int, default=1, help="take every n-th labelled page")
    parser.add_argument("--first", type=int, default=0, help="and begin with this one, from 0")
    asked = parser.parse_args()
    if asked.word:
        word_files(asked.word)
    if asked.pages:
        expected_pages(asked.pages)
    if asked.labelled:
        labelled_pages(asked.labelled, asked.every, asked.first)


if __name__ == "__main__":
    main()
