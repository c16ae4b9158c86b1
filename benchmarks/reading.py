"""How whole the sentences of PDFs come out, here and in other readers; and how reading time grows with the size of the input.

    python benchmarks/reading.py pdf FOLDER [--json FILE] [--missing NAME]
    python benchmarks/reading.py read READER FOLDER      (one reader over all the files, timed; bench.py runs them in turn)
    python benchmarks/reading.py growth
    python benchmarks/reading.py speed [--megabytes 100]

``pdf``: a sentence counts when at least three of the other readers hold it whole (word for word, in one place): three programs that were
written apart rarely make the same mistake. The score is the share of these sentences that a reader holds. Lines that come back at the
edges of pages, but for their numbers, are taken out of every reader's text first, for a sentence that is interrupted by a page's foot is no
sentence; the column "as is" leaves them in. Sentences are taken page by page for the same reason: what goes on over a page's end is
interrupted by a footnote or a foot in every reader that does not know of them. Readers that are not installed are named and left out; Triplette has no vote.

Readers of one kind make the same mistakes: those that follow the file's order run a page's last words into its footnote, those that go by
the places of words read across columns. So a second figure, "both kinds", counts the sentences that have a vote of each kind among their
three. What is still no sentence when one looks at the page (``reading_judged.json``: a hash of its words, and why) is taken out of the third.
What Triplette misses of the first is counted by what was seen on the page, from the same file; "not judged" are those that nobody looked at.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from clock import Clock

VOTES = 3  # readers that must hold a sentence whole
SHORTEST, LONGEST = 5, 80  # words of a sentence
EDGE_LINES = 4  # at each end of a page
JUDGED = Path(__file__).with_name("reading_judged.json")
_APART = re.compile(r" ?[´`¨ˆ˜ˇ˘¸˚] ?")
_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+(?=[A-ZÀ-Þ«\"'(\[0-9—–•-])|\n\s*\n")


def pdfium_pages(path: Path) -> list[str]:
    """pypdfium2, BSD or Apache."""
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_range() for page in document]


def pdfminer_pages(path: Path) -> list[str]:
    """pdfminer.six, MIT."""
    from pdfminer.high_level import extract_text

    return extract_text(str(path)).split("\f")


def pdfplumber_pages(path: Path) -> list[str]:
    """pdfplumber, MIT."""
    import pdfplumber

    with pdfplumber.open(path) as document:
        return [page.extract_text() for page in document.pages]


def pypdf_pages(path: Path) -> list[str]:
    """pypdf, BSD."""
    import pypdf

    return [page.extract_text() for page in pypdf.PdfReader(path).pages]


def oxide_pages(path: Path) -> list[str]:
    """pdf-oxide, MIT or Apache."""
    import pdf_oxide

    document = pdf_oxide.PdfDocument(str(path))
    return [document.extract_text(number) for number in range(document.page_count())]


def liteparse_pages(path: Path) -> list[str]:
    """liteparse, Apache."""
    import liteparse

    return [page.text for page in liteparse.LiteParse(ocr_enabled=False, quiet=True).parse(path).pages]


def pymupdf_pages(path: Path) -> list[str]:
    """PyMuPDF, AGPL: compared with, never used."""
    import pymupdf

    return [page.get_text() for page in pymupdf.open(path)]


READERS: dict[str, Callable[[Path], list[str]]] = {
    "pdfium": pdfium_pages,
    "pdfminer": pdfminer_pages,
    "pdfplumber": pdfplumber_pages,
    "pypdf": pypdf_pages,
    "pdf-oxide": oxide_pages,
    "liteparse": liteparse_pages,
    "pymupdf": pymupdf_pages,
}


def triplette_text(path: Path) -> str:
    """What a model would be trained on: headings where they begin, and the blocks' text."""
    from triplette.synth.ingest import read_document, structure

    parts: list[str] = []
    above: tuple[str, ...] = ()
    for block in structure(read_document(path, path.parent, ocr=False)).blocks:
        parts += [name for depth, name in enumerate(block.headings) if above[: depth + 1] != block.headings[: depth + 1]]
        above = block.headings
        parts.append(block.text)
    return "\n\n".join(parts)


def plain(pages: list[str]) -> str:
    """Pages as one text, with the words whole that a line's end cuts, and without accents: some readers give those of TeX's fonts apart."""
    text = unicodedata.normalize("NFKC", _APART.sub("", "\n".join(pages).replace("ı", "i"))).replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[\ufffe\x02\u00ad-]\s*\n\s*(?=[a-zà-ÿœ])|(?<=[^\W_])[\ufffe\x02\u00ad-]\s*\n\s*(?=[^\W_])", "", text)
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return text.replace("\u00ad", "").replace("\ufffe", "-")


def without_furniture(pages: list[str]) -> list[str]:
    """Pages without the lines at their edges that come back, but for their numbers, on three pages or more."""
    lines = [page.replace("\r", "").split("\n") for page in pages]
    seen: Counter[str] = Counter()
    for page in lines:
        solid = [_shape(line) for line in page if line.strip()]
        seen.update({*solid[:EDGE_LINES], *solid[-EDGE_LINES:]})
    kept = []
    for page in lines:
        places = [i for i, line in enumerate(page) if line.strip()]
        edge = {*places[:EDGE_LINES], *places[-EDGE_LINES:]}
        kept.append("\n".join(line for i, line in enumerate(page) if not (i in edge and seen[_shape(line)] >= VOTES)))
    return kept


def _shape(line: str) -> str:
    return re.sub(r"\d+", "#", " ".join(line.lower().split()))


def folded(text: str) -> str:
    """Lower-case words and numbers joined by single blanks, without hyphens. A note's mark may touch its note or not: it is a word apart."""
    return " ".join(re.findall(r"\d+|[^\W\d_]+", text.lower().replace("-", "").replace("\u2010", "").replace("\u2011", "")))


def sentences(text: str) -> set[str]:
    """The folded sentences of a usual length: what ends in a full stop, a question or an exclamation mark."""
    found = (folded(part) for part in _SENTENCE_END.split(text) if part.rstrip("»\"')’” \n")[-1:] in tuple(".!?"))
    return {part for part in found if SHORTEST <= part.count(" ") + 1 <= LONGEST}


class Measured(NamedTuple):
    """A document's figures: ``shares`` maps a way of counting to each reader's share of the sentences, ``counts`` to how many there are."""

    counts: dict[str, int]
    shares: dict[str, dict[str, float]]
    missing: list[str]
    judged: dict[str, str]
    seconds: dict[str, float]


WAYS = ("as is", "raw", "both kinds", "judged")
IN_FILE_ORDER = frozenset(("pdfium", "pypdf", "pymupdf"))  # the others go by the places of words on the page


def measured(path: Path) -> Measured:
    """The shares of a document's sentences that every reader holds, and those that Triplette misses."""
    pages: dict[str, list[str]] = {}
    seconds: dict[str, float] = {}
    for name, read in READERS.items():
        started = time.perf_counter()
        try:
            pages[name] = read(path)
        except ImportError:
            continue
        except Exception as error:  # a reader that fails on a file has no vote on it
            print(f"{path.name}: {name} fails: {type(error).__name__}: {error}")
            continue
        seconds[name] = time.perf_counter() - started
    started = time.perf_counter()
    own = f" {folded(plain([triplette_text(path)]))} "
    seconds["triplette"] = time.perf_counter() - started
    held = _held(pages, own)
    cut = _held({name: without_furniture(own_pages) for name, own_pages in pages.items()}, own)
    known = json.loads(JUDGED.read_text(encoding="utf-8"))
    both = {
        s for s in _voted(cut) if len({name in IN_FILE_ORDER for name, found in cut.items() if s in found and name != "triplette"}) == 2
    }
    judged = {s: known[_hash(s)] for s in both if _hash(s) in known}
    chosen = dict(zip(WAYS, (_voted(held), _voted(cut), both, both - set(judged)), strict=True))
    shares = {
        way: {name: len(found & chosen[way]) / max(len(chosen[way]), 1) for name, found in (held if way == "as is" else cut).items()}
        for way in WAYS
    }
    missing = sorted(_voted(cut) - cut["triplette"])
    return Measured({way: len(found) for way, found in chosen.items()}, shares, missing, judged, seconds)


def _held(pages: dict[str, list[str]], own: str) -> dict[str, set[str]]:
    """The candidate sentences that each reader's text holds, page by page, and Triplette's."""
    candidates = {s for own_pages in pages.values() for page in own_pages for s in sentences(plain([page]))}
    texts = {name: f" {folded(plain(own_pages))} " for name, own_pages in pages.items()}
    return {name: {s for s in candidates if f" {s} " in text} for name, text in {**texts, "triplette": own}.items()}


def _voted(held: dict[str, set[str]]) -> set[str]:
    votes = Counter(s for name, found in held.items() if name != "triplette" for s in found)
    return {s for s, count in votes.items() if count >= VOTES}


def _hash(sentence: str) -> str:
    return hashlib.sha256(sentence.encode()).hexdigest()[:12]


def _where_cut(sentence: str, own: str) -> str:
    """The sentence with the place where Triplette's text leaves it, and what stands there instead."""
    words = sentence.split()
    for count in range(len(words), 2, -1):
        at = own.find(f" {' '.join(words[:count])} ")
        if at >= 0:
            head = " ".join(words[:count])
            return f"{head} || {' '.join(words[count:])[:80]}  <> {own[at + len(head) + 2 : at + len(head) + 62]}"
    return f"|| {sentence}"


def compare_pdfs(folder: Path, out: Path | None, show: str) -> None:
    """Print a line a document and write the figures."""
    import importlib.util

    modules = {"pdfium": "pypdfium2", "pdf-oxide": "pdf_oxide"}
    absent = [name for name in READERS if importlib.util.find_spec(modules.get(name, name)) is None]
    if absent:
        print("not installed and left out:", ", ".join(absent))
    rows = []
    known = json.loads(JUDGED.read_text(encoding="utf-8"))
    for path in sorted(folder.glob("*.pdf")):
        found = measured(path)
        print(f"{path.name}")
        for way in WAYS:
            share = found.shares[way]
            best = max((value for name, value in share.items() if name != "triplette"), default=0.0)
            mark = "" if share["triplette"] >= best else f"  BELOW {best:.4f}"
            print(f"  {way:10} {found.counts[way]:4}: " + "  ".join(f"{name} {value:.3f}" for name, value in share.items()) + mark)
        kinds = Counter(known.get(_hash(s), "not judged") for s in found.missing)
        print("  missing: " + (", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) or "none"))
        print("  seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in found.seconds.items()))
        rows.append({"file": path.name, **found._asdict(), "missing": kinds})
        if show and show in path.name:
            own = f" {folded(plain([triplette_text(path)]))} "
            print("\n".join(f"    missing {_hash(s)}: {_where_cut(s, own)}" for s in found.missing))
    if out:
        for row in rows:
            row["judged"] = Counter(row["judged"].values())  # the reasons, not the documents' words
        out.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def read_all(reader: str, folder: Path) -> None:
    """One reader over a folder's PDFs; a file that it fails on is counted."""
    read = (lambda path: [triplette_text(path)]) if reader == "triplette" else READERS[reader]
    words = failed = 0
    files = sorted(folder.glob("*.pdf"))
    with Clock() as clock:
        for path in files:
            try:
                words += sum(len(page.split()) for page in read(path))
            except ImportError:
                raise
            except Exception:
                failed += 1
    clock.tell(files=len(files), words=words, failed=failed)


_WATCH = """
import sys, time
from pathlib import Path
pid, peak = sys.argv[1], 0
def of(pid):
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        held = Path(f"/proc/{pid}/smaps_rollup").read_text().split("Pss:")[1].split()[0]
        name = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, IndexError):
        return 0
    return 0 if b"smaps_rollup" in name else int(held) + sum(map(of, below))
while Path(f"/proc/{pid}").exists():
    peak = max(peak, of(pid))
    print(peak // 1024, flush=True)
    time.sleep(0.5)
"""  # the largest sum, in MB, of a process and those below it; what they share is counted once


def speed(megabytes: int) -> None:
    """Chunk that much text in documents of two megabytes; print seconds and the memory of all processes, each at its peak and together."""
    import os
    import random
    import resource
    import subprocess
    import sys

    from triplette.rundir import RunDir
    from triplette.settings.synth import ChunkSettings
    from triplette.synth.chunk import chunk_corpus

    lot = random.Random(7)
    words = "le la un une des du au arbitre canot rive lac gardien jardin règlement membre bureau saison matériel prêt clef été séance".split()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number in range(max(megabytes // 2, 1)):
            parts: list[str] = []
            size = 0
            while size < 2_000_000:
                sentences_made = [" ".join(lot.choices(words, k=14)).capitalize() + "." for _ in range(5)]
                section = f"{len(parts) + 1}. Section {lot.choice(words)}\n\n" + "\n".join(sentences_made) + "\n\n"
                parts.append(section)
                size += len(section.encode("utf-8"))
            (corpus / f"{number:03}.txt").write_text("".join(parts), encoding="utf-8")
        watch = subprocess.Popen([sys.executable, "-c", _WATCH, str(os.getpid())], stdout=subprocess.PIPE, text=True)
        started = time.perf_counter()
        result = chunk_corpus(RunDir(Path(folder) / "run"), corpus, ChunkSettings())
        seconds = time.perf_counter() - started
        watch.terminate()
        together = (watch.communicate()[0].split() or ["?"])[-1]
    used = sum(
        resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    own, children = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"{megabytes} MB, {result.chunks} chunks: {seconds:.0f} s ({used:.0f} s of processors, writing the corpus included)")
    print(f"peak {own:.0f} MB here and {children:.0f} MB in the larger child; all together {together} MB, shared pages counted once")
    print(f"words held {result.coverage:.4f}, sentences whole {result.whole:.4f}")


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    pdf = commands.add_parser("pdf")
    pdf.add_argument("folder", type=Path)
    pdf.add_argument("--json", type=Path)
    pdf.add_argument("--missing", default="", help="print the sentences that Triplette misses in files with this in their name")
    one = commands.add_parser("read")
    one.add_argument("reader", choices=("triplette", *READERS))
    one.add_argument("folder", type=Path)
    grown = commands.add_parser("growth")
    grown.add_argument("--suffix", action="append", help="formats to measure, such as .pdf or folder (all)")
    grown.add_argument("--pattern", action="append", help="patterns to measure (all)")
    grown.add_argument("--turns", type=int, default=3, help="readings of a size, of which the best counts")
    fast = commands.add_parser("speed")
    fast.add_argument("--megabytes", type=int, default=100)
    args = parser.parse_args()
    if args.command == "pdf":
        compare_pdfs(args.folder, args.json, args.missing)
    elif args.command == "read":
        read_all(args.reader, args.folder)
    elif args.command == "growth":
        from reading_growth import growth

        growth(tuple(args.suffix or ()), tuple(args.pattern or ()), args.turns)
    else:
        speed(args.megabytes)


if __name__ == "__main__":
    main()
