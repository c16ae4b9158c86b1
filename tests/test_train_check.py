"""Preflight: a base that cannot be exported is said before training, with what it lacks; the rest is read off small files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from model_folders import BERT, XLMR, write_model
from training_data import rules_dataset

from triplette.errors import SettingError, TripletteError
from triplette.settings.export import ExportSettings
from triplette.settings.train import PRESETS, Preset, TrainSettings, preset_of
from triplette.train.check import duration, in_words, preflight, require_exportable, work_of

UNIGRAM = {"model": {"type": "Unigram", "vocab": [["<unk>", 0.0]], "unk_id": 0}}
WORDLEVEL = {"model": {"type": "WordLevel", "vocab": {}}}


def preset(folder: Path, **changes: Any) -> Preset:
    return replace(preset_of(PRESETS["e5"]()), base=str(folder), **changes)


def folder(path: Path, config: dict[str, Any] = XLMR, tokenizer: dict[str, Any] = UNIGRAM, **options: Any) -> Path:
    write_model(path, config, **options)
    (path / "tokenizer.json").write_text(json.dumps(tokenizer))
    return path


def test_a_base_that_can_be_exported_says_as_what_and_how_much_memory_it_takes(tmp_path: Path) -> None:
    base = preset(folder(tmp_path / "multilingual-e5-small", BERT))
    found = preflight(base)
    assert found.refusal == ""
    # as `train export` will write it: 8 bits for a model with 21 million weights besides its table, 4 where the settings say so
    assert found.export.startswith("bert, Unigram tokens, about 121 MB at int8, less")
    assert preflight(base, ExportSettings(recipe="e4_a8_f4_p4")).export.startswith(
        "bert, Unigram tokens, about 64 MB at e4_a8_f4_p4 (blocks: 128)"
    )
    assert found.export.endswith("less by the tokens that the corpus does not need")  # 96 of its 118 million weights are vocabulary
    # 118 million weights and three numbers for each of the 21 million that are trained: 0.7 GB, then activations and libraries
    assert 2e9 < found.memory < 8e9
    words = in_words(found, preset(tmp_path))
    assert "intfloat/multilingual-e5-small" in words["prompts"]


# the folder, what the message names, and the change that cures it
REFUSALS = [
    ({"config": {**XLMR, "model_type": "mpnet"}}, "model_type is 'mpnet'; supported are gemma3_text", {"config": XLMR}),
    ({"config": {**XLMR, "hidden_act": "relu"}}, "hidden_act is 'relu'", {"config": XLMR}),
    ({"config": {**XLMR, "position_embedding_type": "relative_key"}}, "relative_key", {"config": XLMR}),
    ({"config": {key: value for key, value in XLMR.items() if key != "intermediate_size"}}, "lacks intermediate_size", {"config": XLMR}),
    ({"tokenizer": WORDLEVEL}, "tokenizer.json is WordLevel", {"tokenizer": UNIGRAM}),
    ({"pooling": {"embedding_dimension": 384, "pooling_mode": "lasttoken"}}, "only mean or cls is supported", {"pooling": None}),
    ({"pooling": {"embedding_dimension": 384, "pooling_mode": ["mean", "cls"]}}, r"pools by 'mean\+cls'", {"pooling": None}),
    ({"kinds": ("Transformer", "Normalize")}, "not one text encoder with a pooling", {"kinds": ("Transformer", "Pooling")}),
    ({"config": {**XLMR, "model_type": "new", "auto_map": {"AutoModel": "a.B"}}}, "wants to run its own code", {"config": XLMR}),
    ({"kinds": ("Transformer", "Pooling", "WordWeights")}, "expected Transformer, Pooling", {"kinds": ("Transformer", "Pooling")}),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "message", "cure"), REFUSALS, ids=[message for _, message, _ in REFUSALS])
def test_ten_folders_are_refused_before_training_and_the_cure_works(
    tmp_path: Path, broken: dict[str, Any], message: str, cure: dict[str, Any]
) -> None:
    with pytest.raises(TripletteError, match=message) as raised:
        require_exportable(preset(folder(tmp_path / "broken", **broken)))
    assert raised.value.cure
    require_exportable(preset(folder(tmp_path / "cured", **{**broken, **cure})))


def test_what_cannot_be_exported_can_still_be_trained_and_the_refusal_says_how(tmp_path: Path) -> None:
    chosen = preset(folder(tmp_path / "m", tokenizer=WORDLEVEL))
    with pytest.raises(SettingError, match="can be trained but not exported") as raised:
        require_exportable(chosen)
    assert "--no-export" in raised.value.cure
    assert in_words(preflight(chosen), chosen)["export"].startswith("NO: ")


@pytest.mark.parametrize("base", ["tiny", "e5-small"])
def test_bases_that_are_made_here_are_not_looked_for(base: str) -> None:
    require_exportable(preset(Path(base)))


@pytest.mark.slow
def test_two_steps_are_measured(tmp_path: Path) -> None:
    from tiny_families import write_bert

    from triplette.train.check import measure_pace, pace_in_words

    plain = {"batch": 4, "mini_batch": 4, "grouped": False, "layers": 0, "epochs": 2.0}
    chosen = preset(write_bert(tmp_path / "m", ["le roi et la dame sont sur la table"] * 40), **plain)
    pace = measure_pace(chosen, device="cpu")
    assert pace.step > 0
    assert pace.passage > 0
    assert pace_in_words(pace, chosen, None)["the fine-tune"].startswith("unknown")
    # the texts of this dataset are shorter than the 160 tokens that were measured
    run = rules_dataset(tmp_path / "run", pieces=4)
    work = work_of(run.root, chosen, TrainSettings())
    assert work is not None
    assert work.steps == 2 * (work.rows // 4)
    assert 0 < work.filled < 1
    assert f"{work.steps} steps over {work.rows} rows" in pace_in_words(pace, chosen, work)["the fine-tune"]


def test_a_run_without_a_dataset_has_no_work_yet(tmp_path: Path) -> None:
    assert work_of(tmp_path / "run", preset(tmp_path), TrainSettings()) is None


def test_durations_are_said_as_people_say_them() -> None:
    assert [duration(seconds) for seconds in (42.0, 600.0, 9000.0)] == ["about 42 s", "about 10 minutes", "about 2.5 hours"]
