"""The PyTorch model that the bundle must equal: sentence-transformers itself, in float32, on the CPU.

Vectors are computed from token ids, so that a difference in tokens and a difference in numbers are two findings and not one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Vectors
from triplette.errors import InputError
from triplette.export.quiet import quiet_libraries
from triplette.ranking.text_tower import text_only

BATCH_TOKENS = 4096  # tokens of a forward pass, padding included: bounds memory whatever the texts' length


class Reference:
    """The model of a sentence-transformers folder."""

    def __init__(self, folder: Path) -> None:
        with quiet_libraries():
            import torch
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging

            logging.disable_progress_bar()
            try:
                with text_only(str(folder)) as (path, options):
                    self._model: Any = SentenceTransformer(
                        path, device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32, **options}
                    ).eval()
            except (OSError, ValueError, KeyError) as error:
                raise InputError(
                    f"sentence-transformers cannot load the model ({error})", where=str(folder), cure="run `train merge`"
                ) from error

    @property
    def tokenizer(self) -> Any:
        """The transformers tokenizer."""
        return self._model.tokenizer

    def ids(self, texts: Sequence[str], limit: int) -> list[list[int]]:
        """Token ids with special tokens, cut at ``limit``."""
        return [list(self.tokenizer(text, truncation=True, max_length=limit)["input_ids"]) for text in texts]

    def vectors(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """Vectors of token ids, float32 (n, d), length 1."""
        import torch

        order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
        rows: list[Any] = [None] * len(ids)
        with torch.inference_mode():
            for batch in _batches(order, ids):
                width = max(len(ids[index]) for index in batch)
                tokens = torch.full((len(batch), width), int(self.tokenizer.pad_token_id), dtype=torch.long)
                mask = torch.zeros((len(batch), width), dtype=torch.long)
                for row, index in enumerate(batch):
                    tokens[row, : len(ids[index])] = torch.tensor(ids[index])
                    mask[row, : len(ids[index])] = 1
                output = self._model({"input_ids": tokens, "attention_mask": mask})["sentence_embedding"].float().numpy()
                for row, index in enumerate(batch):
                    rows[index] = output[row]
        return np.stack(rows).astype(np.float32)


def _batches(order: Sequence[int], ids: Sequence[Sequence[int]]) -> list[list[int]]:
    """Neighbours of similar length, at most BATCH_TOKENS tokens a batch (one text where it alone is longer)."""
    batches: list[list[int]] = []
    for index in order:
        if batches and (len(batches[-1]) + 1) * len(ids[index]) <= BATCH_TOKENS:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def cut(vectors: Vectors, dimension: int) -> Vectors:
    """The first ``dimension`` numbers of each row, normalised again."""
    rows = vectors[:, :dimension]
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
