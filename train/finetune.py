"""What a fine-tune is made of, settled once before a weight is read and handed on whole."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.contract import PromptContract
from triplette.dataset import Dataset
from triplette.settings.train import Preset, TrainSettings
from triplette.train.models import Base, load_base


@dataclass(frozen=True, slots=True)
class FineTune:
    """The dataset, the settings, and the base by its place and contract. What differs in a trial or a round is replaced in a copy.

    ``preset.precision`` is decided, not auto; ``origin`` is the base's folder or id; ``device`` None is what there is. ``sources`` tells
    apart what the dataset's hash and the preset's names do not: the contents of folders, and verdicts.
    """

    dataset: Dataset
    settings: TrainSettings
    preset: Preset
    origin: str
    contract: PromptContract
    device: str | None = None
    sources: str = ""

    def load(self, *, whole: bool = False) -> Base:
        """The base, untrained: in the form that the method trains (4 bits for QLoRA), or ``whole`` in full precision."""
        return load_base(self.origin, self.preset, device=self.device, quantised=self.preset.method == "qlora" and not whole)
