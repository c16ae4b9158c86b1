"""A small model's phone file in each recipe: size, distance from PyTorch with both kernels, ranking, time of a run, memory.

    python benchmarks/small_models.py --model all-MiniLM-L6-v2/ --run run --folder /tmp/small            # the whole vocabulary
    python benchmarks/small_models.py --model e5-small/ --run run --folder /tmp/small --vocabulary corpus

``--run`` has the dataset; its questions of test and val (``--questions`` of them) are ranked over all passages. The model is converted once, so the
recipes differ in nothing else, and they are timed in turn. One line of JSON a recipe; the whole proof is `train export`'s. ``--draws`` of ``--few`` passages
with the questions that they answer tell how far nDCG@10 moves by chance in a set of that size.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

LENGTHS, THREADS = (64, 256), (1, 2)
RECIPES = ("int8", "int8_weights", "float32")  # plain kernels take minutes for blocks of 4 bits


def main() -> None:
    """Parse, convert once, then prove and time each recipe."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", type=Path, required=True, help="A sentence-transformers folder.")
    parser.add_argument("--run", type=Path, required=True, help="A run directory with a dataset.")
    parser.add_argument("--folder", type=Path, required=True, help="Where to work; emptied first, and kept.")
    parser.add_argument("--vocabulary", default="whole", choices=("whole", "corpus"))
    parser.add_argument("--recipe", action="append", default=[], choices=RECIPES, help="Repeat it; default: all.")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--few", type=int, default=66)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=3, help="How often each recipe is timed; 0: not at all.")
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    measure_all(options, lambda row: sys.stdout.write(json.dumps(row) + "\n") and sys.stdout.flush())


def measure_all(options: Any, show: Callable[[dict[str, Any]], object]) -> None:
    """Stage once, then quantise and prove in each recipe; ``show`` gets a row a recipe, and one of times at the end."""
    from triplette.dataset import load_dataset
    from triplette.export.convert.quantize import choose_recipe
    from triplette.export.convert.stage import make_plan, quantised, stage
    from triplette.export.families.family import read_architecture
    from triplette.export.proof.reference import Reference
    from triplette.export.proof.sample import take_sample
    from triplette.export.vocabulary import choose_vocabulary
    from triplette.model_contract import contract_of
    from triplette.rundir import RunDir
    from triplette.settings.export import ExportSettings

    dataset, settings = load_dataset(RunDir(options.run)), ExportSettings(lengths=LENGTHS, recipe="float32")
    contract, work = contract_of(str(options.model)).contract, options.folder
    contract = replace(contract, max_tokens=min(contract.max_tokens, LENGTHS[-1]))
    architecture = read_architecture(options.model)
    chosen = choose_vocabulary(options.model, contract, architecture, options.vocabulary, dataset, work / "trimmed", lambda _: None)
    plan = make_plan(chosen.model, chosen.contract, settings)
    staged = stage(chosen.model, chosen.contract, plan, work / "staged", ["une ligne"], lambda _: None)
    sample = take_sample(dataset, questions=options.questions, passages=10**6)
    truth = _vectors(Reference(chosen.model), staged, sample)
    folders = {}
    for name in options.recipe or RECIPES:
        plan = replace(plan, recipe=choose_recipe(name, "auto", plan.architecture))
        staged = quantised(staged, plan, lambda _: None)
        row = _compared(staged, sample, truth, settings, few=options.few, draws=options.draws)
        folders[name] = Path(shutil.copytree(staged.subject.folder, work / name))
        show({"model": options.model.name, "vocabulary": plan.architecture.vocabulary, "recipe": name, **row})
    if options.turns:
        show({"model": options.model.name, "times": _times(folders, options.turns)})


def _vectors(reference: Any, staged: Any, sample: Any) -> tuple[Any, Any]:
    from triplette.export.proof.parity import Texts
    from triplette.export.runtime import Embedder

    texts = Texts.of(staged.subject.contract, sample, Embedder(staged.subject.folder).limit, reference)
    return reference.vectors(texts.questions), reference.vectors(texts.passages)


def _compared(staged: Any, sample: Any, truth: Any, settings: Any, *, few: int, draws: int) -> dict[str, Any]:
    from triplette.export.proof.parity import embed_corpus
    from triplette.export.proof.ranking import check_ranking
    from triplette.export.runtime import Embedder

    folder = staged.subject.folder
    embedder = Embedder(folder, threads=settings.threads)
    corpus = embed_corpus(embedder, ((c.text, c.title) for c in sample.chunks), lambda: None)
    questions = np.stack([embedder.embed_query(text) for text in sample.questions])
    return {
        "mb": round((folder / "model.tflite").stat().st_size / 1e6, 2),
        "ranking": check_ranking(sample, truth, (questions, corpus), embedder.spec.dimensions, settings.max_drop).detail,
        "kernels": _kernels(folder, embedder, sample, questions, corpus),
        "cosine of questions": _spread((questions * truth[0]).sum(1)),
        "cosine of passages": _spread((corpus * truth[1]).sum(1)),
        f"delta over {few} passages": _by_chance(sample, truth, (questions, corpus), few, draws),
    }


def _kernels(folder: Path, embedder: Any, sample: Any, questions: Any, corpus: Any) -> list[tuple[int, float]]:
    """Tokens and the cosine between XNNPACK and plain kernels, for a word, some questions and some passages."""
    from triplette.export.runtime import Embedder

    plain = Embedder(folder, threads=2, kernels="plain")
    found = [(len(ids), float(embedder.model.embed(ids, embedder.dimension) @ plain.model.embed(ids, plain.dimension)))
             for ids in (embedder.query_ids("yes"), embedder.query_ids("ok"))]  # fmt: skip
    for place in range(0, len(sample.questions), max(1, len(sample.questions) // 4)):
        found.append(
            (len(plain.query_ids(sample.questions[place])), float(plain.embed_query(sample.questions[place]) @ questions[place]))
        )
    for place in range(0, len(sample.chunks), max(1, len(sample.chunks) // 4)):
        chunk = sample.chunks[place]
        found.append(
            (len(plain.document_ids(chunk.text, chunk.title)), float(plain.embed_document(chunk.text, chunk.title) @ corpus[place]))
        )
    return sorted(found)


def _by_chance(sample: Any, truth: Any, mine: Any, few: int, draws: int) -> list[float]:
    """The spread of the file's nDCG@10 minus PyTorch's over random sets of ``few`` passages and the questions that they answer."""
    rng, (there, here) = np.random.default_rng(0), ([pair[0] @ pair[1].T for pair in (truth, mine)])
    deltas = []
    for _ in range(draws):
        kept = np.zeros(len(sample.chunks), bool)
        kept[rng.choice(len(kept), min(few, len(kept)), replace=False)] = True
        asked = [n for n, answers in enumerate(sample.relevant) if any(kept[place] for place in answers)]
        gains = [
            _ndcg(here[n], sample.relevant[n], kept) - _ndcg(there[n], sample.relevant[n], kept) for n in asked[:60]
        ]  # a small set has few questions
        deltas.append(float(np.mean(gains)))
    return _spread(np.array(deltas))


def _ndcg(scores: Any, relevant: Sequence[int], kept: Any) -> float:
    order = np.argsort(-np.where(kept, scores, -np.inf), kind="stable")[:10]
    answers = {place for place in relevant if kept[place]}
    gained = sum(1 / np.log2(rank + 2) for rank, place in enumerate(order) if int(place) in answers)
    return float(gained / sum(1 / np.log2(rank + 2) for rank in range(min(10, len(answers)))))


def _spread(values: Any) -> list[float]:
    """Lowest, 2.5 %, mean, 97.5 %, highest."""
    return [
        round(float(v), 4) for v in (values.min(), np.quantile(values, 0.025), values.mean(), np.quantile(values, 0.975), values.max())
    ]


def _times(folders: dict[str, Path], turns: int) -> list[dict[str, Any]]:
    """Each recipe in turn, so that whatever else the machine does falls on all; the least median of the turns, and memory with and without cache."""
    from triplette.export.proof.measure import measure

    rows = []
    for threads in THREADS:
        for name in folders:
            rows.append({"recipe": name, "threads": threads, "turns": []})
        for _ in range(turns):
            for row in rows[-len(folders) :]:
                row["turns"].append(measure(folders[row["recipe"]], threads=threads, runs=20)["signatures"])
    for name, folder in folders.items():
        cached = [measure(folder, threads=2, runs=5, cache=folder.parent / f"{name}.cache")["signatures"] for _ in range(2)]
        rows.append({"recipe": name, "threads": 2, "cache": True, "turns": cached[1:]})
    return rows


if __name__ == "__main__":
    main()
