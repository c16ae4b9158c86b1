"""Presets are documented data: each value that differs from the common one says where it comes from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from triplette.errors import SettingError
from triplette.settings.base import template
from triplette.settings.catalogue import SECTIONS
from triplette.settings.load import load_section
from triplette.settings.train import PRESET_NAMES, PRESETS, Preset, TrainSettings, preset_of


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_every_value_of_a_preset_that_is_its_own_names_its_source(name: str) -> None:
    common = {field.name: field.default for field in dataclasses.fields(Preset)}
    for field in dataclasses.fields(PRESETS[name]):
        if field.default != common[field.name]:
            assert "Source: " in field.metadata["doc"], field.name


def test_the_template_lists_every_preset_with_its_sources_and_reads_back_as_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "triplette.toml"
    path.write_text(template(SECTIONS), encoding="utf-8")
    for name in PRESET_NAMES:
        assert f"[train.presets.{name}]" in path.read_text(encoding="utf-8")
        assert preset_of(load_section(PRESETS[name], f"train.presets.{name}", path)) == preset_of(PRESETS[name]())
    assert load_section(TrainSettings, "train", path) == TrainSettings()


def test_the_default_preset_is_the_one_the_phone_needs() -> None:
    preset = preset_of(PRESETS[TrainSettings().preset]())
    assert preset.base == "google/embeddinggemma-300m-qat-q4_0-unquantized"
    assert (preset.method, preset.lora_r, preset.lora_alpha, preset.lora_dropout) == ("qlora", 8, 16, 0.1)
    assert preset.lora_targets == ("q_proj", "k_proj", "v_proj", "o_proj")
    assert (preset.batch, preset.mini_batch, preset.learning_rate, preset.warmup, preset.weight_decay) == (64, 8, 2e-5, 0.1, 0.01)


def test_a_file_changes_one_value_of_one_preset_and_refuses_unknown_names(tmp_path: Path) -> None:
    path = tmp_path / "triplette.toml"
    path.write_text("[train]\npreset = 'cpu'\n\n[train.presets.cpu]\nscale = 100\n", encoding="utf-8")
    assert load_section(TrainSettings, "train", path).preset == "cpu"
    assert load_section(PRESETS["cpu"], "train.presets.cpu", path).scale == 100.0
    assert load_section(PRESETS["tiny"], "train.presets.tiny", path).scale == 20.0
    path.write_text("[train.presets.cpu]\nfp16 = true\n", encoding="utf-8")
    with pytest.raises(SettingError, match="unknown setting fp16"):
        load_section(PRESETS["cpu"], "train.presets.cpu", path)
