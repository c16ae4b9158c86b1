"""The grid of recipes on a tiny base: every line is made once, compared with the base, and a killed grid goes on."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from training_data import rules_dataset

from triplette.dataset import load_dataset
from triplette.rundir import RunDir
from triplette.settings.train import PRESETS, Preset, TrainSettings, preset_of
from triplette.train.tiny import TinyShape, build_tiny


@pytest.fixture(scope="module")
def recipes() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "recipes.py"
    sys.path.append(str(path.parent))  # as a script it finds the yardstick beside it
    spec = importlib.util.spec_from_file_location("recipes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["recipes"] = module
    spec.loader.exec_module(module)
    return module


def test_a_grid_makes_each_line_once_and_compares_it_with_the_base(recipes: ModuleType, tmp_path: Path) -> None:
    run = rules_dataset(tmp_path / "run", pieces=2)
    dataset = load_dataset(run)
    shape = TinyShape(hidden=48, layers=1, heads=2, kv_heads=1, head_dim=24, feed_forward=48, vocabulary=400)
    build_tiny(tmp_path / "base", [chunk.text for chunk in dataset.corpus.values()], shape=shape)
    corpus, gold = tmp_path / "corpus", tmp_path / "gold.jsonl"
    corpus.mkdir()
    (corpus / "a.txt").write_text("Le roi ne peut être pris dans la salle.\n")
    (corpus / "b.txt").write_text("La pendule reste sur la table de la ronde.\n")
    gold.write_text(json.dumps({"question": "Où reste la pendule ?", "answers": [{"source": "b.txt", "pages": [1]}]}) + "\n")
    preset = Preset(base=str(tmp_path / "base"), method="full", precision="fp32", batch=8, mini_batch=8, max_steps=2, matryoshka=False)
    settings = TrainSettings(keep="last", evaluations=1, log_to=("none",))
    grid = recipes.Grid(RunDir(run.root), tmp_path / "work", preset, settings, gold, corpus)
    for name in ("base", "nvidia"):
        recipes.make_line(grid, name, 0)
    place = grid.place("nvidia", 0)
    told = json.loads(place.read_text())
    assert told["steps"] == 2
    assert {len(values) for values in told["test"].values()} == {len(dataset.split("test"))}
    assert told["gold"]["hybrid"]["Recall@5"] == [1.0]
    assert not (tmp_path / "work" / "runs" / "nvidia-0").exists()
    before = place.stat().st_mtime_ns
    recipes.make_line(grid, "nvidia", 0)
    assert place.stat().st_mtime_ns == before
    recipes.make_line(replace(grid, preset=replace(preset, max_steps=1)), "nvidia", 0)  # another grid's line is not this one's
    assert json.loads(place.read_text())["steps"] == 1
    lines = recipes.table(grid, ["base", "nvidia"], [0, 1]).splitlines()
    assert len(lines) == 2 + 2 * 3 * 2
    assert lines[3].startswith("| nvidia | 1 | test: dense |")
    mined = recipes.mined_by_base(dataset, replace(preset), 2, 0.95)
    assert all(len(row.negative_ids) <= 2 and not set(row.negative_ids) & set(row.positive_ids) for row in mined.split("train"))


def test_a_recipe_of_others_has_nothing_of_what_the_preset_switches_on(recipes: ModuleType) -> None:
    own = replace(preset_of(PRESETS["e5"]()), mix=(0.5,))
    assert (own.grouped, own.soft_labels > 0, own.seeds, own.dropout) == (True, True, 3, False)
    for name in ("pairs", "sbert", "nvidia", "mined"):
        made = recipes.RECIPES[name].of(own)
        assert (made.grouped, made.soft_labels, made.mix, made.mask, made.seeds, made.dropout) == (False, 0.0, (), False, 1, True), name
        assert (made.base, made.layers, made.max_tokens) == (own.base, own.layers, own.max_tokens)
    assert recipes.RECIPES["preset"].of(own) == own
    mixed = recipes.RECIPES["soft, mixed"].of(own)
    assert (mixed.grouped, mixed.soft_labels, mixed.mask) == (False, 0.9, True)
