"""What a million passages cost: CPU seconds, peak memory and bytes of mining and of its parts, at 10^3 to 10^6 synthetic passages.

    PYTHONPATH=. python benchmarks/scale.py                      (10^3, 10^4, 10^5; each size in a process of its own)
    PYTHONPATH=. python benchmarks/scale.py --sizes 1000000      (a quarter of an hour of CPU and 8 GB)
    PYTHONPATH=. python benchmarks/scale.py --recall 100000 1000000 [--crowded]
    PYTHONPATH=. python benchmarks/scale.py --runs 300000 --shape 10 10     (look-alikes' runs of words alone, passages of ordinary length)
    PYTHONPATH=. python benchmarks/scale.py --judged 10000 100000     (the rules' verdicts: a triplet of three negatives for every passage)

A passage is four sentences of ten words (``--shape``), half of them from a Zipfian vocabulary of 50,000 words and half from the 50 words of its topic. A
topic has 50 passages on average, and their vectors (384 dimensions, as e5-small) scatter about its centre. Every 100th passage says what the one
before it says, but for a sentence. 10,000 questions (``--asked``; as many as passages, if those are fewer) take seven words of one sentence of their passage;
their vectors lie near the passage's. The vectors are given, because what an encoder costs is its own affair and linear in the passages.
``--recall`` compares the sharded search with the exact one on 1,000 questions; ``--crowded`` puts the topics close together, a hundred about a field's
centre and all about a common direction, as a model's vectors lie. Seconds are CPU seconds of one thread, so a busy machine changes
them little; memory is the peak of the process, mapped files included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SIZES = (1_000, 10_000, 100_000)
ASKED, DIMENSION, TOPIC_PASSAGES, VOCABULARY, TOPIC_WORDS = 10_000, 384, 50, 50_000, 50
BLOCK = 10_000
SPREAD, QUESTION_SPREAD = 0.6, 0.5  # of the length of a centre: how far a passage lies from it, a question from its passage
RECALL_QUESTIONS = 1000
FIELD_TOPICS, COMMON, APART = (
    100,
    1.5,
    0.7,
)  # crowded: topics of a field; lengths of what all share and of a topic beside its field's centre
POOL = 4093  # noise vectors of each of two pools
SHAPE = (4, 10)  # sentences of a passage, words of a sentence


def draws(size: int, shape: tuple[int, int]) -> Iterator[tuple[int, Any]]:
    """(number of the first passage, words (b, sentences, words)) block by block; every 100th repeats all but a sentence of the one before."""
    random = np.random.default_rng(1)
    weights = 1 / np.arange(10, VOCABULARY + 10) ** 1.0
    weights /= weights.sum()
    for start in range(0, size, BLOCK):
        count = min(BLOCK, size - start)
        topics = np.arange(start, start + count) // TOPIC_PASSAGES  # a topic's passages stand together, as in documents
        common = random.choice(VOCABULARY, size=(count, *shape), p=weights)
        own = VOCABULARY + topics[:, None, None] * TOPIC_WORDS + random.integers(TOPIC_WORDS, size=(count, *shape))
        words = np.where(random.random((count, *shape)) < 0.5, common, own)
        words[100::100, :-1] = words[99:-1:100, :-1][: len(words[100::100])]
        yield start, words


def passages(size: int, shape: tuple[int, int] = SHAPE, asked: int = ASKED) -> tuple[list[Any], list[Any]]:
    """Chunks and questions."""
    from triplette.records import Chunk, Question

    random = np.random.default_rng(2)
    chosen = set(range(0, size, max(1, size // asked)))
    chunks, questions = [], []
    for start, words in draws(size, shape):
        for number, rows in enumerate(words.tolist(), start):
            text = " ".join(" ".join([f"P{number}", *(f"m{term}" for term in row)]) + "." for row in rows)
            chunks.append(
                Chunk.make(language="fr",
                    text=text, title=f"T{number}", source=f"{number // 200}.md", articles=(), page_start=0, page_end=0,
                    char_start=1000 * (number % 200), char_end=1000 * (number % 200) + len(text), tokens=60, tokenizer="none",
                )
            )  # fmt: skip
            if number in chosen and len(questions) < asked:
                about = " ".join(f"m{term}" for term in random.choice(rows[1], size=7))
                questions.append(
                    Question.make(
                        chunk_id=chunks[-1].id, text=f"q{number} {about} ?", kind="factual", persona="joueur", difficulty="easy",
                        provider="none", model="none", prompt="1", cost=0.0,
                    )
                )  # fmt: skip
    return chunks, questions


class Given:
    """An encoder whose vectors are functions of the passage's number and topic: nothing is held but the centres."""

    name = "given"

    def __init__(self, size: int, crowded: bool = False) -> None:
        from triplette.contract import PromptContract

        random = np.random.default_rng(3)
        self._centres = random.standard_normal((size // TOPIC_PASSAGES + 1, DIMENSION), dtype=np.float32)
        if crowded:
            fields = random.standard_normal((len(self._centres) // FIELD_TOPICS + 1, DIMENSION), dtype=np.float32)
            shared = np.float32(COMMON) * random.standard_normal(DIMENSION, dtype=np.float32)
            self._centres = shared + fields[np.arange(len(self._centres)) // FIELD_TOPICS] + np.float32(APART) * self._centres
        self._noise = random.standard_normal((2, POOL, DIMENSION), dtype=np.float32) / np.float32(2**0.5)
        self.contract = PromptContract(
            name="given", query_prefix="", document_prefix="", no_title="", pooling="mean", normalize=True,
            dimensions=(DIMENSION,), max_tokens=512,
        )  # fmt: skip

    def passages(self, numbers: Any) -> Any:
        """Each passage's own vector: its topic's centre and the sum of two noises out of pools, which no two passages share both of."""
        noise = self._noise[0, numbers % POOL] + self._noise[1, numbers // POOL % POOL]
        return self._centres[numbers // TOPIC_PASSAGES] + np.float32(SPREAD) * noise

    def encode_documents(self, texts: Sequence[str], titles: Sequence[str]) -> Any:
        """A passage that was given another's sentence gets the mean of both vectors."""
        from triplette.ranking.encoder import unit_rows

        numbers = [[int(word[1:]) for word in text.split() if word[0] == "P"] for text in texts]
        return unit_rows(self.passages(np.array([n[0] for n in numbers])) + self.passages(np.array([n[-1] for n in numbers])))

    def encode_queries(self, texts: Sequence[str]) -> Any:
        from triplette.ranking.encoder import unit_rows

        numbers = np.array([int(text.split(maxsplit=1)[0][1:]) for text in texts])
        noise = np.random.default_rng(4).standard_normal((len(texts), DIMENSION), dtype=np.float32)
        return unit_rows(self.passages(numbers) + QUESTION_SPREAD * noise)


def cost_of(work: Any) -> tuple[Any, float]:
    """(result, CPU seconds)."""
    started = time.process_time()
    return work(), time.process_time() - started


def measure(size: int, shape: tuple[int, int] = SHAPE, asked: int = ASKED) -> dict[str, Any]:
    """Mining ``size`` passages: seconds by part, peak memory, bytes on disk."""
    from triplette.records import Chunk, Triplet
    from triplette.settings.mine import MineSettings
    from triplette.synth.mining import mine as mining
    from triplette.tables import write_records

    (chunks, questions), made = cost_of(lambda: passages(size, shape, asked))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        encoder = Given(size)
        before = peak()
        parts: dict[str, float] = {}

        def timed(name: str, work: Any) -> Any:
            def run(*values: Any, **named: Any) -> Any:
                result, seconds = cost_of(lambda: work(*values, **named))
                parts[name] = parts.get(name, 0.0) + seconds
                return result

            return run

        # the parts are those of mine(): the module's own names, each with a clock around it
        for name in ("vectors_on_disk", "encoded", "look_alikes", "_index", "_material", "find_in_blocks", "tune", "make_triplets"):
            setattr(mining, name, timed(name.strip("_"), getattr(mining, name)))
        (triplets, *_), seconds = cost_of(lambda: mining.mine(chunks, questions, MineSettings(), encoder=encoder, cache=folder))
        after = peak()
        write_records(folder / "chunks.parquet", chunks, Chunk)
        write_records(folder / "triplets.parquet", triplets, Triplet)
        sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
    return {
        "passages": size,
        "questions": len(questions),
        "negatives": sum(len(triplet.negatives) for triplet in triplets),
        "generated_s": round(made, 1),
        "mine_s": round(seconds, 1),
        "parts_s": {name: round(value, 1) for name, value in parts.items()},
        "records_mb": round(before),
        "peak_mb": round(after),
        "vectors_mb": round(sum(s for n, s in sizes.items() if n.endswith(".npy")) / 1e6, 1),
        "chunks_mb": round(sizes["chunks.parquet"] / 1e6, 1),
        "triplets_mb": round(sizes["triplets.parquet"] / 1e6, 1),
    }


def runs(size: int, shape: tuple[int, int]) -> dict[str, Any]:
    """Seconds and peak memory of the look-alikes' runs of words, without mining."""
    from triplette.look_alikes import shared_runs

    (chunks, _), made = cost_of(lambda: passages(size, shape, 10))
    before = peak()
    (matrix, _), seconds = cost_of(lambda: shared_runs(chunks))
    return {
        "passages": size,
        "words_a_passage": round(float(np.mean([chunk.text.count(" ") + 1 for chunk in chunks[:1000]]))),
        "generated_s": round(made, 1),
        "runs_s": round(seconds, 1),
        "records_mb": round(before),
        "peak_mb": round(peak()),
        "shared": int(matrix.nnz),
    }


def judged(size: int, shape: tuple[int, int]) -> dict[str, Any]:
    """Seconds and peak memory of judging by rules: a question of every passage, the three after it as its negatives."""
    from triplette.curate.judge.by_rules import by_rules
    from triplette.curate.judge.case import Case
    from triplette.engine import LOCAL
    from triplette.kept import KeptBlocks
    from triplette.profile import Profile
    from triplette.records import Negative, Triplet
    from triplette.settings.judge import JudgeSettings

    chunks, questions = passages(size, shape, size)
    place = {chunk.id: number for number, chunk in enumerate(chunks)}
    triplets = []
    for question in questions:
        near = [chunks[(place[question.chunk_id] + step) % size].id for step in (1, 2, 3)]
        negatives = tuple(
            Negative(
                chunk_id, "both", bm25_rank=2, bm25_score=1.0, dense_rank=2, dense_score=0.5, fused_score=0.03, margin=0.4, same_source=True, why=""
            )
            for chunk_id in near
        )  # fmt: skip
        triplets.append(
            Triplet.make(
                question_id=question.id, question=question.text, positive_id=question.chunk_id, positive_bm25_rank=1, positive_dense_rank=1,
                positive_bm25=2.0, positive_dense=0.9, encoder="none", negatives=negatives,
            )
        )  # fmt: skip
    case = Case(triplets, {chunk.id: chunk for chunk in chunks}, JudgeSettings(), Profile(language="fr"))
    before = peak()
    here = KeptBlocks(Path(tempfile.gettempdir()), "nothing")  # on this engine nothing is kept
    (verdicts, on_negatives), seconds = cost_of(lambda: by_rules(case, LOCAL, here))
    return {
        "passages": size,
        "triplets": len(verdicts),
        "negatives": len(on_negatives),
        "judge_s": round(seconds, 1),
        "records_mb": round(before),
        "peak_mb": round(peak()),
    }


def recall(size: int, crowded: bool = False) -> dict[str, Any]:
    """What the shards find of the exact 50 and 10 nearest, by probes, finalists and bytes a vector."""
    from triplette.ranking.dense import DenseIndex
    from triplette.ranking.shards import ShardedIndex
    from triplette.settings.mine import MineSettings

    encoder, settings = Given(size, crowded), MineSettings()
    asked_of = np.arange(0, size, max(1, size // RECALL_QUESTIONS))[:RECALL_QUESTIONS]
    queries = encoder.encode_queries([f"q{number}" for number in asked_of])
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "vectors.npy"
        store = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(size, DIMENSION))
        for start in range(0, size, BLOCK):
            numbers = range(start, min(start + BLOCK, size))
            store[start : numbers.stop] = encoder.encode_documents([f"P{n}" for n in numbers], [""] * len(numbers))
        exact, exact_s = cost_of(lambda: blockwise(queries, store, 50, DenseIndex))
        made, built_s = cost_of(
            lambda: ShardedIndex(
                store, Path(place) / "shards", probes=settings.probes, finalists=settings.finalists, shard=settings.shard,
                code_bytes=settings.code_bytes,
            )
        )  # fmt: skip
        disk = sum(file.stat().st_size for file in (Path(place) / "shards").iterdir())
        found = {}
        for probes, finalists in ((16, 400), (64, 100), (64, 400), (64, 1000), (256, 400)):
            made._probes, made._finalists = probes, finalists
            (ids, _), seconds = cost_of(lambda: made.top(queries, 50))
            found[f"{probes} probes, {finalists} finalists"] = {
                "recall@50": share(exact, ids, 50), "recall@10": share(exact, ids, 10), "recall@1": share(exact, ids, 1),
                "ms_a_question": round(1000 * seconds / len(queries), 2),
            }  # fmt: skip
    return {
        "passages": size,
        "crowded": crowded,
        "exact_ms_a_question": round(1000 * exact_s / len(queries), 1),
        "build_s": round(built_s, 1),
        "shards_mb": round(disk / 1e6, 1),
        "peak_mb": round(peak()),
        "found": found,
    }


def blockwise(queries: Any, vectors: Any, k: int, index: Any) -> Any:
    """The exact k nearest, a hundred thousand passages at a time."""
    ids, scores = [], []
    for start in range(0, len(vectors), 100_000):
        found, score = index(vectors[start : start + 100_000], kind="flat").top(queries, k)
        ids.append(found + start)
        scores.append(score)
    every, best = np.concatenate(ids, axis=1), np.concatenate(scores, axis=1)
    order = np.lexsort((every, -best), axis=1)[:, :k]
    return np.take_along_axis(every, order, 1)


def share(exact: Any, found: Any, k: int) -> float:
    rows = zip(exact[:, :k].tolist(), found[:, :k].tolist(), strict=True)
    return round(float(np.mean([len(set(a) & set(b)) / k for a, b in rows])), 3)


def peak() -> float:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES), help="passages to mine")
    parser.add_argument("--recall", type=int, nargs="*", default=[], help="passages to compare the searches on")
    parser.add_argument("--crowded", action="store_true", help="with --recall: topics close together")
    parser.add_argument("--runs", type=int, nargs="*", default=[], help="passages whose runs of words to compare")
    parser.add_argument("--judged", type=int, nargs="*", default=[], help="passages whose triplets the rules judge")
    parser.add_argument("--shape", type=int, nargs=2, default=list(SHAPE), help="sentences of a passage, words of a sentence")
    parser.add_argument("--asked", type=int, default=ASKED, help="questions at most")
    parser.add_argument("--one", choices=("measure", "recall", "runs", "judged"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        size, shape = chosen.sizes[0], (chosen.shape[0], chosen.shape[1])
        one = {
            "measure": lambda: measure(size, shape, chosen.asked), "recall": lambda: recall(size, chosen.crowded), "runs": lambda: runs(size, shape),
            "judged": lambda: judged(size, shape),
        }  # fmt: skip
        print(json.dumps(one[chosen.one]()))
        return
    jobs = [("recall", size) for size in chosen.recall] + [("runs", size) for size in chosen.runs]
    jobs += [("judged", size) for size in chosen.judged]
    jobs = jobs or [("measure", size) for size in chosen.sizes]
    for kind, size in jobs:
        command = [
            sys.executable,
            __file__,
            "--one",
            kind,
            "--sizes",
            str(size),
            "--shape",
            *map(str, chosen.shape),
            "--asked",
            f"{chosen.asked}",
            *(["--crowded"] if chosen.crowded else []),
        ]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        print(done.stdout.strip() or done.stderr[-2000:], flush=True)


if __name__ == "__main__":
    main()
