"""Real questions over real documents, measured at the page: BM25, LSA, encoders, and their fusions.

    python benchmarks/yardstick.py --gold questions.jsonl --documents DIR [--model NAME=FOLDER ...] [--bundle FOLDER] [--work DIR] [--unjudged 5]

``questions.jsonl`` has a line a question: ``{"id", "question", "answers": [{"source", "pages", ...}, ...]}``. A page's score is that of
its best passage; the page on which an answering passage begins is right, and a page that nobody judged counts as wrong. Recall@k is the share of
questions with a right page among the first k. Differences are paired by question, with bootstrap intervals (10,000 resamples). ``--unjudged``
lists pages above the first right one, to be read and judged. ``--bundle`` asks an exported bundle over these documents, as a phone does: its file,
its index, its fusion; with the seconds a question takes, the first left out, and the bundle's size. The questions are for measuring: nothing here trains.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from triplette.arrays import Floats, Ints, Scores, Vectors
from triplette.contract import Fusion
from triplette.errors import InputError
from triplette.languages import language
from triplette.ranking.fusion import Hybrid, neighbours
from triplette.ranking.lexical import LexicalRanker, lexical_ranker, passage_tokens
from triplette.ranking.lsa import LsaEncoder
from triplette.ranking.metrics import PRIMARY, Difference, compare, hits, ndcg
from triplette.ranking.topk import top_columns
from triplette.records import Chunk
from triplette.rundir import RunDir
from triplette.settings.synth import ChunkSettings
from triplette.synth.chunk import chunk_corpus, load_chunks

Page = tuple[str, int]
METRICS = (PRIMARY, "Recall@1", "Recall@5")
FRENCH = "fr"  # the questions' language
DEPTH = 10
SHARE = 0.2  # of the neighbours' scores in the line with neighbours


@dataclass(frozen=True, slots=True)
class Gold:
    """Questions with the pages that answer each."""

    texts: tuple[str, ...]
    right: tuple[frozenset[Page], ...]


def read_gold(path: Path) -> Gold:
    """The questions of a file. Raises InputError naming the line."""
    texts, right = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            texts.append(str(row["question"]))
            right.append(frozenset((str(answer["source"]), int(answer["pages"][0])) for answer in row["answers"]))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise InputError(
                f"not a judged question ({error!r})",
                where=f"{path}:{number}",
                cure="each line: question, answers with source and pages",
            ) from None
    return Gold(tuple(texts), tuple(right))


class Pages:
    """Pages of a corpus: from scores of passages to a ranking of pages."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        keys = [(chunk.source, chunk.page_start) for chunk in chunks]
        self.pages = list(dict.fromkeys(keys))
        place = {page: number for number, page in enumerate(self.pages)}
        self._of = np.array([place[key] for key in keys])

    def rank(self, scores: Scores) -> Ints:
        """The ten best pages of each question, from scores (q, passages): int64 (q, 10), padded with -1."""
        best = np.full((len(self.pages), len(scores)), -np.inf)
        np.maximum.at(best, self._of, scores.T)
        return top_columns(np.ascontiguousarray(best.T), DEPTH)[0]

    def measure(self, scores: Scores, gold: Gold) -> dict[str, Floats]:
        """Each metric of each question."""
        place = {page: number for number, page in enumerate(self.pages)}
        relevant = [[place[page] for page in sorted(pages) if page in place] for pages in gold.right]
        found = hits(self.rank(scores), relevant)
        totals = np.array([len(pages) for pages in gold.right])
        return {
            PRIMARY: ndcg(found, totals, DEPTH),
            **{f"Recall@{k}": np.asarray(found[:, :k].max(axis=1), dtype=np.float64) for k in (1, 5)},
        }


def ask_bundle(folder: Path, gold: Gold) -> str:
    """Lines of the table: a bundle's pages, fused and by its encoder alone, and what they cost."""
    from triplette.export.runtime import Bundle

    bundle, lines = Bundle(folder), []
    for name, dense in (("as it ranks", False), ("its encoder alone", True)):
        seconds, rows = [], []
        for text in gold.texts:
            started = time.perf_counter()
            rows.append([(answer.source, answer.page_start) for answer in bundle.ask(text, DEPTH, per="page", dense=dense)])
            seconds.append(time.perf_counter() - started)
        found = np.array(
            [[n < len(row) and row[n] in right for n in range(DEPTH)] for row, right in zip(rows, gold.right, strict=True)]
        )
        gains = ndcg(found, np.array([len(pages) for pages in gold.right]), DEPTH)
        lines.append(
            f"| bundle, {name} | {gains.mean():.3f} | {found[:, 0].mean():.3f} | {found[:, :5].any(axis=1).mean():.3f} | "
            f"{np.median(seconds[1:]):.2f} s a question |"
        )
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    return "\n".join([*lines, f"\nThe bundle has {size:.1f} MB."])


def lexical_index(chunks: Sequence[Chunk]) -> LexicalRanker:
    """BM25 over title and text, as everywhere in the project."""
    return lexical_ranker([passage_tokens(chunk.language, chunk.title, chunk.text) for chunk in chunks])


def systems(chunks: Sequence[Chunk], gold: Gold, models: dict[str, Path], cache: Path | None) -> dict[str, Scores]:
    """Scores (questions, passages) of every system, in the table's order."""
    index, asked = lexical_index(chunks), [language(FRENCH).tokens(text) for text in gold.texts]
    beside = neighbours([chunk.source for chunk in chunks], [chunk.char_start for chunk in chunks])
    texts, titles = [chunk.text for chunk in chunks], [chunk.title for chunk in chunks]
    bm25 = np.concatenate([block.copy() for _, block in index.scores(asked, dtype=np.float64)])
    lsa = LsaEncoder(texts, titles, [chunk.language for chunk in chunks])
    found: dict[str, Scores] = {"BM25": bm25, "LSA": lsa.encode_queries(gold.texts) @ lsa.encode_documents(texts, titles).T}
    for name, folder in models.items():
        from triplette.ranking.sentence_encoder import SentenceEncoder

        encoder = SentenceEncoder(str(folder), cache=cache)
        queries, none = encoder.encode_queries(gold.texts), [""] * len(texts)
        found[f"{name}, no title"] = queries @ encoder.encode_documents(texts, none).T
        titled: Vectors = encoder.encode_documents([f"{t}\n{text}" if t else text for t, text in zip(titles, texts, strict=True)], none)
        found[f"{name}, title"] = queries @ titled.T
        hybrid = Hybrid(index, titled, Fusion(), beside)
        for fusion in (Fusion(), replace(Fusion(), neighbours=SHARE), Fusion(method="rrf")):
            parts = replace(hybrid, fusion=fusion).scores(asked, queries)
            found[f"BM25 + {name}: {fusion.named}"] = np.concatenate([block for _, block in parts])
    return found


def table(found: dict[str, Scores], pages: Pages, gold: Gold) -> str:
    """Each system's means, and its paired difference from BM25 in nDCG@10."""
    measured = {name: pages.measure(scores, gold) for name, scores in found.items()}
    lines = [f"| {len(gold.texts)} questions | {' | '.join(METRICS)} | {PRIMARY} against BM25 |", "|---|---|---|---|---|"]
    for name, values in measured.items():
        against = "" if name == "BM25" else told(compare(measured["BM25"][PRIMARY], values[PRIMARY]))
        lines.append(f"| {name} | {' | '.join(f'{values[metric].mean():.3f}' for metric in METRICS)} | {against} |")
    return "\n".join(lines)


def told(difference: Difference) -> str:
    """A difference with its interval."""
    return f"{difference.delta:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


def unjudged(scores: Scores, pages: Pages, gold: Gold, depth: int) -> list[str]:
    """Pages among the first ``depth`` that stand above the first right page, with their question."""
    lines = []
    for text, right, row in zip(gold.texts, gold.right, pages.rank(scores), strict=True):
        for number in row[:depth].tolist():
            if number < 0 or pages.pages[number] in right:
                break
            lines.append(f"{text}\t{pages.pages[number][0]}\t{pages.pages[number][1]}")
    return lines


def main() -> None:
    """Chunk the documents with the settings' defaults, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, required=True)
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--bundle", type=Path, help="an exported bundle over the documents")
    parser.add_argument("--work", type=Path, default=Path("yardstick"), help="chunks and vectors are kept here")
    parser.add_argument("--target-tokens", type=int, default=ChunkSettings().target_tokens)
    parser.add_argument("--unjudged", type=int, default=0, help="pages of the last system to list, for reading")
    arguments = parser.parse_args()
    run = RunDir(arguments.work)
    chunk_corpus(run, arguments.documents, replace(ChunkSettings(), target_tokens=arguments.target_tokens))
    chunks, gold = load_chunks(run), read_gold(arguments.gold)
    models = dict(item.split("=", 1) for item in arguments.model)
    found = systems(chunks, gold, {name: Path(folder) for name, folder in models.items()}, run.path("cache/vectors"))
    pages = Pages(chunks)
    print(f"{len(chunks)} passages on {len(pages.pages)} pages\n\n{table(found, pages, gold)}")
    if arguments.bundle:
        print(ask_bundle(arguments.bundle, gold))
    if arguments.unjudged:
        print("\n".join(unjudged(list(found.values())[-1], pages, gold, arguments.unjudged)))


if __name__ == "__main__":
    main()
