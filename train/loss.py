"""The loss of a recipe, apart from the loop that minimises it.

Plain recipes use sentence-transformers' own contrastive loss. What a row knows besides its texts (which passages of a batch answer it too,
what a teacher thinks of its candidates) makes ``informed``: the same loss without false negatives, and a share of distillation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from triplette.settings.train import Preset
from triplette.train.known import Known
from triplette.train.models import process_rank


def make_loss(model: Any, preset: Preset, dimensions: Sequence[int], mini: int, known: Known | None = None) -> Any:
    """The contrastive loss at the preset's scale; cached where the mini-batch is smaller than the batch; Matryoshka around it.

    With ``known`` the labels of a batch must be its rows' numbers in it.
    """
    from sentence_transformers.sentence_transformer.losses import (
        CachedMultipleNegativesRankingLoss,
        MatryoshkaLoss,
        MultipleNegativesRankingLoss,
    )

    processes = process_rank()[1]
    cached = mini < preset.batch // processes
    kind: Any = CachedMultipleNegativesRankingLoss if cached else MultipleNegativesRankingLoss
    if known is not None:
        kind = _informed_class(kind, cached=cached)
    options = {"mini_batch_size": mini} if cached else {}
    loss = kind(model, scale=preset.scale, gather_across_devices=processes > 1, **options)
    if known is not None:
        loss.known, loss.soft, loss.teacher_scale, loss.grouped = known, preset.soft_labels, preset.teacher_scale, preset.grouped
    return MatryoshkaLoss(model, loss, list(dimensions)) if preset.matryoshka and len(dimensions) > 1 else loss


def informed(
    queries: Any,
    documents: Sequence[Any],
    rows: Any,
    world: Any,
    offset: int,
    known: Known,
    *,
    scale: float,
    soft: float,
    teacher: float,
) -> Any:
    """The loss of a batch whose rows are known, a scalar tensor.

    ``queries`` (b, d) are this process's, ``documents`` one tensor (w, d) a column over all processes, ``rows`` (b,) and ``world`` (w,)
    their numbers in ``known``, and the process's own rows begin at ``offset``. The contrastive part leaves out, for each question, every
    passage of the batch that answers it too or looks like one that does. With ``soft`` > 0 the question's own candidates are left out
    as well: they are weighed by the teacher alone, as ``soft`` times the Kullback-Leibler divergence of the model's softmax over
    them from softmax(``teacher`` x teacher's scores); the contrastive part then counts 1 - ``soft``.
    """
    import torch
    from torch.nn import functional

    cosines = functional.normalize(queries, dim=1) @ functional.normalize(torch.cat(list(documents)), dim=1).T
    logits = scale * cosines
    own = torch.arange(len(queries), device=logits.device)
    barred = torch.from_numpy(known.barred(rows.tolist(), world.tolist(), offset, candidates=soft > 0)).to(logits.device)
    contrast = functional.cross_entropy(logits.masked_fill(barred, -torch.inf), own + offset)
    if not soft:
        return contrast
    columns = torch.stack([own + offset + number * len(world) for number in range(len(documents))], dim=1)
    given, taught = known.teaching(rows.tolist())
    target = torch.softmax(teacher * torch.from_numpy(given).to(logits), dim=1)
    apart = functional.kl_div(torch.log_softmax(logits.gather(1, columns), dim=1), target, reduction="none").sum(1)
    counted = torch.from_numpy(taught).to(logits)
    return (1 - soft) * contrast + soft * (apart * counted).sum() / counted.sum().clamp(min=1)


def informed_groups(queries: Any, passages: Any, rows: Any, known: Known, *, scale: float, soft: float, teacher: float) -> Any:
    """The loss of a grouped batch, a scalar tensor: ``queries`` (b, d) of ``rows`` (b,) against the batch's distinct ``passages`` (p, d).

    The contrastive part leaves out what answers a question beside its own passage. With ``soft`` > 0 it counts 1 - ``soft`` beside ``soft``
    times the divergence of the model's softmax over *every* passage of the batch from the teacher's: no candidate costs a pass of its own.
    Where BM25 has a part in the score (``known.lexical``), it is added to the cosines: what BM25 tells apart by itself has no gradient left.
    """
    import torch
    from torch.nn import functional

    numbers = rows.tolist()
    held, _, own = known.distinct(numbers)
    barred = known.answering(numbers, held)
    barred[np.arange(len(own)), own] = False
    similar = functional.normalize(queries, dim=1) @ functional.normalize(passages, dim=1).T
    if known.lexical is not None:
        similar = similar + torch.from_numpy(known.lexical.scores(np.asarray(numbers), held)).to(similar)
    logits = scale * similar
    masked = logits.masked_fill(torch.from_numpy(barred).to(logits.device), -torch.inf)
    contrast = functional.cross_entropy(masked, torch.from_numpy(own).to(logits.device))
    if not soft or known.asked is None:
        return contrast
    target = torch.softmax(teacher * torch.from_numpy(known.asked.scores(np.asarray(numbers), held)).to(logits), dim=1)
    apart = functional.kl_div(torch.log_softmax(logits, dim=1), target, reduction="batchmean")
    return (1 - soft) * contrast + soft * apart


def _each_once(features: Sequence[Any], labels: Any, known: Known) -> list[Any]:
    """The columns of a grouped batch, its passages once each."""
    import torch

    first = torch.from_numpy(known.distinct(labels.tolist())[1]).to(labels.device)
    passages = {
        name: value[first] if torch.is_tensor(value) and value.ndim and len(value) == len(labels) else value
        for name, value in features[1].items()
    }
    return [features[0], passages]


def _informed_class(kind: Any, *, cached: bool) -> Any:
    """The library's loss ``kind`` with its sum replaced by ``informed``, or ``informed_groups`` where rows are grouped."""

    def compute(self: Any, queries: Any, documents: Sequence[Any], labels: Any) -> Any:
        import torch

        if self.grouped:
            return informed_groups(
                queries, documents[0], labels, self.known, scale=self.scale, soft=self.soft, teacher=self.teacher_scale
            )
        world, offset = labels, 0
        if self.gather_across_devices:
            from sentence_transformers.util import all_gather, all_gather_with_grad

            documents = [all_gather_with_grad(column) for column in documents]
            world, offset = all_gather(labels), process_rank()[0] * len(labels)
            world = torch.as_tensor(world)
        return informed(
            queries, documents, labels, world, offset, self.known, scale=self.scale, soft=self.soft, teacher=self.teacher_scale
        )

    class Told(kind):
        def forward(self, sentence_features: Any, labels: Any) -> Any:
            features = list(sentence_features)
            return super().forward(_each_once(features, labels, self.known) if self.grouped else features, labels)

    class Informed(Told):
        def compute_loss_from_embeddings(self, embeddings: Any, labels: Any) -> Any:
            return compute(self, embeddings[0], embeddings[1:], labels)

    class InformedCached(Told):
        def calculate_loss(self, reps: Any, labels: Any = None, *, with_backward: bool = False) -> Any:
            import torch

            columns = [torch.cat(parts) for parts in reps]
            loss = compute(self, columns[0], columns[1:], labels)
            if with_backward:
                loss.backward()
                loss = loss.detach()
            return loss

    return InformedCached if cached else Informed
