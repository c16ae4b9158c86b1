"""What the graphs of all families share: dense heads, pooling, masks, and the signature around an encoder.

Three constructs are here because the obvious ones convert without error and compute something else (docs/export.md has the trials):
masks are finite (two -inf that meet give NaN for padded text), computed in the graph (as constants they would cost 25 MB at length 2048),
and tied to the input (the converter would fold what follows from a constant). This module imports torch; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from triplette.export.families.architecture import DenseHead
from triplette.export.litert import output_name

MASKED = -1e4  # far below any score of a real model, far above where float32 additions reach -inf


class Projection(nn.Module):
    """The dense heads after pooling. Its class name is the quantiser's scope."""

    def __init__(self, heads: Sequence[DenseHead]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(head.inputs, head.outputs, bias=head.bias) for head in heads)
        self.tanh = tuple(head.tanh for head in heads)

    def forward(self, pooled: Tensor) -> Tensor:
        for head, tanh in zip(self.heads, self.tanh, strict=True):
            pooled = torch.tanh(head(pooled)) if tanh else head(pooled)
        return pooled


class Signature(nn.Module):
    """What one signature of the file computes: the vector at every dimension, cut first and then normalised."""

    def __init__(self, encoder: Any, dimensions: Sequence[int]) -> None:
        super().__init__()
        self.encoder = encoder
        self.dimensions = tuple(dimensions)

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        vector = self.encoder(tokens, attention_mask)
        return {output_name(d): nn.functional.normalize(vector[:, :d], p=2.0, dim=1) for d in self.dimensions}


class EngineSignature(nn.Module):
    """What LiteRT-LM's embedding engine calls: a row of numbers a token, float32 (1, L, 1), and a mask, float32 (1, L), to the vector.

    The engine looks every token up in a file of its own and hands over rows. Here a row is the token's id (``TokenRow``), so that the table stays where the
    proven file has it. What stands behind a text is left from another one, or never written, and is read as token 0.
    """

    def __init__(self, encoder: Any, dimension: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.dimension = dimension

    def forward(self, embeddings: Tensor, input_mask: Tensor) -> dict[str, Tensor]:
        tokens = torch.where(input_mask > 0.5, embeddings[:, :, 0], torch.zeros_like(input_mask)).to(torch.int32)
        vector = self.encoder(tokens, input_mask.to(torch.int32))
        return {"encodings": nn.functional.normalize(vector[:, : self.dimension], p=2.0, dim=1)}


class TokenRow(nn.Module):
    """A token's id, int32 (1,), as the row that ``EngineSignature`` takes, float32 (1, 1, 1): exact up to 2^24."""

    def forward(self, token: Tensor) -> dict[str, Tensor]:
        return {"embeddings": token.to(torch.float32).reshape(1, 1, 1)}


def padding_mask(present: Tensor) -> Tensor:
    """The additive mask (1, 1, 1, L): 0 where a token is, MASKED where padding is."""
    return ((1.0 - present) * MASKED)[:, None, None, :]


def mean_pool(states: Tensor, present: Tensor) -> Tensor:
    """The mean over present tokens, (1, hidden)."""
    total = (states * present[:, :, None]).sum(1)
    return total / torch.clamp(present.sum(1, keepdim=True), min=1.0)


def first_pool(states: Tensor, places: Tensor, present: Tensor) -> Tensor:
    """The first present token's state, (1, hidden), on whichever side the padding is. ``places`` counts present tokens from 1."""
    first = present * (places < 1.5).to(torch.float32)
    return (states * first[:, :, None]).sum(1)


def last_pool(states: Tensor, places: Tensor, present: Tensor) -> Tensor:
    """The last present token's state, (1, hidden), on whichever side the padding is. ``places`` counts present tokens from 1."""
    last = present * (places > present.sum(1, keepdim=True) - 0.5).to(torch.float32)
    return (states * last[:, :, None]).sum(1)
