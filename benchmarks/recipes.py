"""A grid of training recipes over one run's dataset, several seeds, with paired intervals corrected for the number of comparisons.

    python benchmarks/recipes.py --run RUN --work DIR --base FOLDER [--recipes pairs mined ...] [--seeds 0 1 2]
                                 [--gold questions.jsonl --documents DIR] [--epochs 1] [--steps 0] [--batch 32]

Each (recipe, seed) is fitted on the run's train split in a folder of its own and measured on its test split and, with ``--gold``, on
judged questions at the page (``yardstick``): the encoder alone, fused with BM25 as val chose, and the same with neighbours. What is
measured lies in ``DIR/results``; a line of the same data and settings is not made again, so a killed grid goes on. A recipe starts from
the preset's base, layers and rates without its other parts (``PARTS``); ``preset`` is the preset as it is. Differences from the base are per
question, averaged over seeds, with bootstrap intervals (passages resampled) and Holm's correction over the recipes.

Recipes of others on the same rows: ``pairs`` is LlamaIndex's (questions with their passages, no negatives), ``sbert`` mines with the
defaults of sentence-transformers' ``mine_hard_negatives`` (the base's first three that do not answer), ``nvidia`` four negatives under 0.95 of
the positive's score, temperature 0.02, rate 1e-5.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Scores, Vectors
from triplette.contract import Fusion
from triplette.dataset import HASHED_FILES, Dataset, DatasetRow, load_dataset
from triplette.hashing import hash_file, hash_value
from triplette.ranking.metrics import PRIMARY, compare, holm, score_rankings
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.load import load_section
from triplette.settings.train import PRESETS, Preset, TrainSettings, preset_of
from triplette.tables import write_records, write_text
from triplette.train.data import Questions, questions_of
from triplette.train.evaluate import load_system
from triplette.train.fit import ADAPTER, CONTRACT, fit
from triplette.train.models import load_base, read_fit
from triplette.train.production import asked_tokens, fusion_for, hybrid_of
from triplette.train.ranking import embed, rank

Values = dict[str, list[float]]
BASE = "base"
SHARE = 0.2  # of the neighbours' scores in the line with neighbours
MIX = (0.25, 0.5, 0.75)
# what a preset may have on by itself, and a recipe of others has not
PARTS = (
    "mask",
    "every_positive",
    "grouped",
    "near",
    "soft_labels",
    "teacher",
    "residual",
    "consistent",
    "mix",
    "rounds",
    "seeds",
    "dropout",
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Changes to the preset without its parts, or to the ``whole`` of it.

    With ``count`` negatives mined by the base among passages under ``share`` of the positive's score.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    count: int = 0
    share: float = float("inf")
    whole: bool = False

    def of(self, preset: Preset) -> Preset:
        """The preset that this recipe trains."""
        plain = {} if self.whole else {name: getattr(Preset(), name) for name in PARTS}
        return replace(preset, **{**plain, **self.changes})


RECIPES = {
    BASE: Recipe(),
    "preset": Recipe(whole=True),
    "pairs": Recipe({"negatives": 0}),
    "mined": Recipe({"negatives": 1}),
    "mined, masked": Recipe({"negatives": 1, "mask": True, "every_positive": True}),
    "soft": Recipe({"soft_labels": 0.9, "mask": True}),
    "soft, mixed": Recipe({"soft_labels": 0.9, "mask": True, "mix": MIX}),
    "soft, consistent": Recipe({"soft_labels": 0.9, "mask": True, "consistent": 10}),
    "grouped": Recipe({"grouped": True, "negatives": 3}),
    "grouped, residual": Recipe({"grouped": True, "negatives": 3, "residual": 0.4}),
    "grouped, soft": Recipe({"grouped": True, "negatives": 3, "soft_labels": 0.9}),
    "grouped, soft, mixed": Recipe({"grouped": True, "negatives": 3, "soft_labels": 0.9, "mix": MIX}),
    "sbert": Recipe({"negatives": 3, "scale": 20.0}, count=3),
    "two rounds": Recipe({"negatives": 1, "mask": True, "rounds": 2}),
    "nvidia": Recipe({"negatives": 4, "scale": 50.0, "learning_rate": 1e-5}, count=4, share=0.95),
}


@dataclass(frozen=True, slots=True)
class Grid:
    """What every line of the grid shares."""

    run: RunDir
    work: Path
    preset: Preset
    settings: TrainSettings
    gold: Path | None
    documents: Path | None

    def place(self, recipe: str, seed: int) -> Path:
        """Where a line's figures lie."""
        return self.work / "results" / f"{recipe.replace(', ', '-')}-{seed}.json"


def make_line(grid: Grid, recipe: str, seed: int) -> None:
    """Fit and measure one line, unless its figures are there already."""
    place, chosen = grid.place(recipe, seed), RECIPES[recipe]
    dataset, preset = load_dataset(grid.run), chosen.of(grid.preset)
    gold = hash_file(grid.gold) if grid.gold else ""
    key = hash_value([dataset.hash, as_dict(preset), as_dict(grid.settings), chosen.count, str(chosen.share), gold])
    if place.exists() and json.loads(place.read_text(encoding="utf-8")).get("key") == key:
        return
    told: dict[str, Any] = {"recipe": recipe, "seed": seed, "key": key}
    if recipe == BASE:
        model: Any = load_base(grid.preset.base, grid.preset)
        model, contract = model.model, model.contract
    else:
        run = RunDir(grid.work / "runs" / place.stem)
        for name in HASHED_FILES:
            run.path(name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(grid.run.path(name), run.path(name))
        if chosen.count:
            write_records(
                run.path("dataset/rows.parquet"), mined_by_base(dataset, grid.preset, chosen.count, chosen.share).rows, DatasetRow
            )
        fitted = fit(run, replace(grid.settings, seed=seed), preset, ungated=True)
        facts = read_fit(run.path(ADAPTER))
        contract = load_base(grid.preset.base, preset).contract
        model = load_system(run, facts, type(contract).load(run.path(CONTRACT)), tuned=True)
        told |= {"steps": fitted.steps, "seconds": fitted.seconds, "mix": fitted.mix, "inconsistent": fitted.inconsistent}
    val, test = questions_of(dataset, "val"), questions_of(dataset, "test")
    passages = embed(model, val.passages.formatted(contract))
    fusion = fusion_for(val, embed(model, val.formatted(contract)), passages, 0.0)[0]
    told |= {"fusion": fusion.named, "test": of_test(test, embed(model, test.formatted(contract)), passages, fusion)}
    if grid.gold and grid.documents:
        told["gold"] = of_gold(grid, model, contract, fusion)
    write_text(place, json.dumps(told) + "\n")
    shutil.rmtree(grid.work / "runs" / place.stem, ignore_errors=True)
    print(f"{recipe}, seed {seed}: " + ", ".join(f"{k} {np.mean(v):.3f}" for k, v in told["test"].items()), flush=True)


def mined_by_base(dataset: Dataset, preset: Preset, count: int, share: float) -> Dataset:
    """``remined`` with the base's own vectors."""
    base = load_base(preset.base, preset)
    passages = embed(base.model, [base.contract.format_document(chunk.text, chunk.title) for chunk in dataset.corpus.values()])
    asked = embed(base.model, [base.contract.format_query(row.question) for row in dataset.split("train")])
    return remined(dataset, asked, passages, count, share)


def remined(dataset: Dataset, asked: Vectors, passages: Vectors, count: int, share: float) -> Dataset:
    """The dataset with train's hard negatives replaced by its first ``count`` passages under ``share`` of the positive's cosine.

    ``asked`` (train rows, d) and ``passages`` (corpus, d) are unit vectors.
    """
    ids, rows = list(dataset.corpus), dataset.split("train")
    place = {chunk_id: number for number, chunk_id in enumerate(ids)}
    mined = {}
    for row, scores in zip(rows, asked @ passages.T, strict=True):
        limit = share * scores[place[row.positive_ids[0]]]
        order = [n for n in np.argsort(-scores, kind="stable").tolist() if ids[n] not in row.positive_ids and scores[n] < limit]
        mined[row.position] = tuple(ids[n] for n in order[:count])
    changed = tuple(replace(row, negative_ids=mined[row.position], drawn=0) if row.split == "train" else row for row in dataset.rows)
    return replace(dataset, rows=changed)


def of_test(test: Questions, queries: Vectors, passages: Vectors, fusion: Fusion) -> Values:
    """nDCG@10 of each test question: the encoder alone, fused, fused with neighbours."""
    found = {"dense": rank(queries, passages, 10)}
    for name, share in (("hybrid", 0.0), ("hybrid, neighbours", SHARE)):
        hybrid = hybrid_of(test.passages, passages, replace(fusion, neighbours=share))
        found[name] = hybrid.top(asked_tokens(test), queries, 10)
    return {name: score_rankings(ranked, test.relevant)[PRIMARY].tolist() for name, ranked in found.items()}


def of_gold(grid: Grid, model: Any, contract: Any, fusion: Fusion) -> dict[str, Values]:
    """Every metric of each judged question at the page, by way of ranking."""
    import yardstick

    from triplette.languages import language
    from triplette.ranking.fusion import neighbours
    from triplette.settings.synth import ChunkSettings
    from triplette.synth.chunk import chunk_corpus, load_chunks

    assert grid.gold is not None
    assert grid.documents is not None
    run = RunDir(grid.work / "gold")
    chunk_corpus(run, grid.documents, ChunkSettings())
    chunks, gold = load_chunks(run), yardstick.read_gold(grid.gold)
    pages, index = yardstick.Pages(chunks), yardstick.lexical_index(chunks)
    passages = embed(model, [contract.format_document(chunk.text, chunk.title) for chunk in chunks])
    queries = embed(model, [contract.format_query(text) for text in gold.texts])
    asked = [language(yardstick.FRENCH).tokens(text) for text in gold.texts]
    beside = neighbours([chunk.source for chunk in chunks], [chunk.char_start for chunk in chunks])
    scores: dict[str, Scores] = {"dense": queries @ passages.T}
    for name, share in (("hybrid", 0.0), ("hybrid, neighbours", SHARE)):
        fused = yardstick.Hybrid(index, passages, replace(fusion, neighbours=share), beside)
        scores[name] = np.concatenate([block for _, block in fused.scores(asked, queries)])
    return {name: {metric: row.tolist() for metric, row in pages.measure(one, gold).items()} for name, one in scores.items()}


def table(grid: Grid, recipes: Sequence[str], seeds: Sequence[int]) -> str:
    """A line a recipe and way of ranking: its mean, its difference from the base, and Holm's p over the recipes."""
    lines = ["| recipe | seeds | ranked by | nDCG@10 | against the base | p (Holm) |", "|---|---|---|---|---|---|"]
    read = {name: [json.loads(p.read_text()) for s in seeds if (p := grid.place(name, s)).exists()] for name in recipes}
    groups = questions_of(load_dataset(grid.run), "test").groups
    sets: list[tuple[str, Any, Any]] = [("test", lambda told, way: told["test"][way], groups)]
    if grid.gold:
        sets.append(("gold", lambda told, way: told["gold"][way][PRIMARY], None))
    for named, of, units in sets:
        for way in ("dense", "hybrid", "hybrid, neighbours"):
            means = {name: np.mean([of(told, way) for told in lines_of], axis=0) for name, lines_of in read.items() if lines_of}
            against = {name: compare(means[BASE], values, groups=units) for name, values in means.items() if name != BASE}
            adjusted = dict(zip(against, holm([one.p_value for one in against.values()]), strict=True))
            for name, values in means.items():
                one = against.get(name)
                told = f"{one.delta:+.3f} ({one.low:+.3f} to {one.high:+.3f}) | {adjusted[name]:.3f}" if one else " | "
                lines.append(f"| {name} | {len(read[name])} | {named}: {way} | {values.mean():.3f} | {told} |")
    return "\n".join(lines)


def main() -> None:
    """Make the lines that are missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="run directory with a dataset")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--base", required=True, help="folder of the base model")
    parser.add_argument("--preset", default="e5", choices=sorted(PRESETS))
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--gold", type=Path)
    parser.add_argument("--documents", type=Path)
    for name, kind, told in (
        ("epochs", float, "passes over train"), ("steps", int, "steps at most; 0: no limit"), ("batch", int, "questions a step"),
        ("candidates", int, "candidates of soft labels"), ("val-passages", int, "passages that the fit ranks"),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=kind, help=told)
    chosen = parser.parse_args()
    given = {"epochs": chosen.epochs, "max_steps": chosen.steps, "batch": chosen.batch, "soft_candidates": chosen.candidates}
    values = {"base": chosen.base, **{name: value for name, value in given.items() if value is not None}}
    if chosen.batch:
        values["mini_batch"] = chosen.batch
    settings = TrainSettings(
        preset=chosen.preset, keep="last", evaluations=1, val_passages=chosen.val_passages or 200, least_passages=100, log_to=("none",)
    )
    preset = preset_of(load_section(PRESETS[chosen.preset], f"train.presets.{chosen.preset}", None, **values))
    grid = Grid(RunDir(chosen.run), chosen.work, preset, settings, chosen.gold, chosen.documents)
    recipes = list(dict.fromkeys([BASE, *chosen.recipes]))
    for recipe in recipes:
        for seed in chosen.seeds if recipe != BASE else chosen.seeds[:1]:
            make_line(grid, recipe, seed)
    print(table(grid, recipes, chosen.seeds))


if __name__ == "__main__":
    main()
