"""The loss of a recipe, apart from the loop that minimises it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from triplette.settings.train import Preset
from triplette.train.models import process_rank


def make_loss(model: Any, preset: Preset, dimensions: Sequence[int], mini: int) -> Any:
    """The contrastive loss at the preset's scale; cached where the mini-batch is smaller than the batch; Matryoshka around it."""
    from sentence_transformers.sentence_transformer.losses import (
        CachedMultipleNegativesRankingLoss,
        MatryoshkaLoss,
        MultipleNegativesRankingLoss,
    )

    processes = process_rank()[1]
    if mini < preset.batch // processes:
        loss = CachedMultipleNegativesRankingLoss(model, scale=preset.scale, mini_batch_size=mini, gather_across_devices=processes > 1)
    else:
        loss = MultipleNegativesRankingLoss(model, scale=preset.scale, gather_across_devices=processes > 1)
    return MatryoshkaLoss(model, loss, list(dimensions)) if preset.matryoshka and len(dimensions) > 1 else loss
