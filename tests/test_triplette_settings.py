"""Settings: the file that ``synth init`` writes is the documentation, and a wrong line is named with its cure."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from triplette.errors import SettingError
from triplette.settings.base import build, template
from triplette.settings.catalogue import SECTIONS
from triplette.settings.load import load_section, load_training
from triplette.settings.synth import ChunkSettings


def test_the_template_is_toml_and_gives_back_every_default(tmp_path: Path) -> None:
    path = tmp_path / "triplette.toml"
    path.write_text(template(SECTIONS))
    tomllib.loads(path.read_text())
    for section, cls in SECTIONS.items():
        assert load_section(cls, section, path) == cls()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_is_documented(section: str) -> None:
    for field in fields(SECTIONS[section]):
        assert len(field.metadata.get("doc", "")) > 20, f"{section}.{field.name}"


def test_an_unknown_setting_is_named_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "triplette.toml"
    path.write_text("[synth.chunk]\ntarget_token = 256\n")
    with pytest.raises(SettingError, match=r"unknown setting target_token") as caught:
        load_section(ChunkSettings, "synth.chunk", path)
    assert "target_tokens" in str(caught.value)


def test_an_unknown_keyword_is_refused_as_one_in_the_file_is() -> None:
    with pytest.raises(SettingError, match=r"unknown setting target_token \(did you mean target_tokens\?\)"):
        load_section(ChunkSettings, "synth.chunk", target_token=256)


def test_a_keyword_of_training_goes_to_the_section_that_has_it() -> None:
    training, preset = load_training(None, "tiny", None, production="dense", max_steps=7)
    assert (training.production, preset.max_steps, preset.base) == ("dense", 7, "tiny")
    with pytest.raises(SettingError, match="unknown setting epoch "):
        load_training(None, "tiny", None, epoch=1.0)


@pytest.mark.parametrize("value", [3, 5000, "256", True, 2.5])
def test_a_value_out_of_range_or_type_is_refused(value: object) -> None:
    with pytest.raises(SettingError, match="target_tokens"):
        build(ChunkSettings, {"target_tokens": value}, where="t")


def test_an_option_of_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "triplette.toml"
    path.write_text("[synth.chunk]\ntarget_tokens = 100\n")
    assert load_section(ChunkSettings, "synth.chunk", path, target_tokens=200).target_tokens == 200
    assert load_section(ChunkSettings, "synth.chunk", path, target_tokens=None).target_tokens == 100


def test_a_named_file_that_is_absent_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no such file"):
        load_section(ChunkSettings, "synth.chunk", tmp_path / "none.toml")


def test_a_file_that_is_not_toml_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "triplette.toml"
    path.write_text("[synth.chunk\n")
    with pytest.raises(SettingError, match="not TOML"):
        load_section(ChunkSettings, "synth.chunk", path)
