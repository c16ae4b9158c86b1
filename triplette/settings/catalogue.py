"""Every section of triplette.toml, in the order of the stages: what ``synth init`` writes."""

from __future__ import annotations

from typing import Any

from triplette.settings.build import BuildSettings
from triplette.settings.calibrate import CalibrateSettings
from triplette.settings.dedup import DedupSettings
from triplette.settings.export import ExportSettings
from triplette.settings.judge import JudgeSettings
from triplette.settings.llm import LlmSettings
from triplette.settings.mine import MineSettings
from triplette.settings.review import ReviewSettings
from triplette.settings.synth import ChunkSettings
from triplette.settings.train import PRESETS, EvaluateSettings, TrainSettings
from triplette.settings.validate import ValidateSettings
from triplette.settings.write import WriteSettings

SECTIONS: dict[str, type[Any]] = {
    "synth.chunk": ChunkSettings,
    "synth.write": WriteSettings,
    "synth.llm": LlmSettings,
    "synth.mine": MineSettings,
    "curate.judge": JudgeSettings,
    "curate.llm": LlmSettings,
    "curate.dedup": DedupSettings,
    "curate.build": BuildSettings,
    "curate.validate": ValidateSettings,
    "curate.calibrate": CalibrateSettings,
    "curate.review": ReviewSettings,
    "train": TrainSettings,
    "train.evaluate": EvaluateSettings,
    **{f"train.presets.{name}": preset for name, preset in PRESETS.items()},
    "export": ExportSettings,
}
