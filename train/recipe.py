"""What a recipe's parts ask of one another, told from the preset and the teacher's small files before anything is loaded or embedded."""

from __future__ import annotations

from triplette.errors import SettingError
from triplette.settings.train import Preset
from triplette.train.averages import check_seeds
from triplette.train.mix import check_mix
from triplette.train.models import process_rank
from triplette.train.readers import check_teacher

SECTION = "in the preset's section of triplette.toml"  # fields that no option sets


def check_recipe(preset: Preset) -> None:
    """Raise SettingError for parts that do not go together, and for a teacher that is none or that nothing listens to."""
    check_mix(preset)
    check_seeds(preset)
    if preset.rounds > 1 and (preset.soft_labels or not preset.negatives):
        other = f"soft_labels = 0 {SECTION}" if preset.soft_labels else "--negatives 1"
        raise SettingError(
            "no round would find other hard negatives: this recipe trains on none", where="rounds", cure=f"--rounds 1, or {other}"
        )
    if preset.grouped and preset.cloze:
        raise SettingError(
            "sentences asked as questions change their passage, and a grouped batch holds it once",
            where="cloze",
            cure=f"cloze = 0 {SECTION}",
        )
    if preset.grouped and process_rank()[1] > 1:
        raise SettingError(
            "grouped batches differ in their number of questions",
            where="grouped",
            cure=f"train in one process, or grouped = false {SECTION}",
        )
    if preset.residual and not preset.grouped:
        raise SettingError(
            "BM25 scores a grouped batch's passages", where="residual", cure=f"grouped = true, or residual = 0, {SECTION}"
        )
    check_teacher(preset)
