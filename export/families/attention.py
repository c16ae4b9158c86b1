"""What attention is made of in the families with rotary positions: positions, rotation, windows, shared heads.

All of it is computed in the graph and tied to the input; see ``families.graph`` for why. This module imports torch; import it where it is used.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from triplette.export.families.composites import rms_norm
from triplette.export.families.graph import MASKED

Rotary = tuple[Tensor, Tensor]


class RMSNorm(nn.Module):
    """Root-mean-square norm whose factor is its weight, or 1 where it is not ``scaled`` (Gemma 3's is 1 + weight, and has its own class)."""

    def __init__(self, width: int, epsilon: float, *, scaled: bool = True) -> None:
        super().__init__()
        self.epsilon = epsilon
        if scaled:
            self.weight = nn.Parameter(torch.ones(width))
        else:
            self.register_buffer("weight", torch.ones(width), persistent=False)

    def forward(self, states: Tensor) -> Tensor:
        return rms_norm(states, self.weight, self.epsilon)


def token_positions(present: Tensor) -> Tensor:
    """0..L-1 as float32 (L,), tied to the input: the converter would fold what follows from a constant into L x L constants."""
    zero = torch.clamp(present.sum(), max=0.0)  # the sum of a mask is never below 0
    return torch.arange(present.shape[1], dtype=torch.float32) + zero


def rotary_table(positions: Tensor, base: float, head_dim: int) -> Rotary:
    """Cosine and sine (1, L, 1, head_dim) of rotary positions (Su et al. 2021)."""
    frequencies = 1.0 / (base ** (torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim))
    half = positions[:, None] * frequencies[None, :]
    angles = torch.cat((half, half), dim=-1)[None, :, None, :]
    return angles.cos(), angles.sin()


def rotate(heads: Tensor, rotary: Rotary) -> Tensor:
    """Heads (1, L, n, d) turned by their positions."""
    cosine, sine = rotary
    half = heads.shape[-1] // 2
    turned = torch.cat((-heads[..., half:], heads[..., :half]), dim=-1)
    return heads * cosine + turned * sine


def windowed(padding: Tensor, positions: Tensor, window: int) -> Tensor:
    """The padding mask (1, 1, 1, L) as (1, 1, L, L) with everything ``window`` positions away or further masked, on both sides."""
    distance = positions[:, None] - positions[None, :]
    return torch.where(distance.abs()[None, None] < window, padding, torch.full((), MASKED))


def repeat_heads(heads: Tensor, count: int) -> Tensor:
    """(1, kv_heads, L, d) to (1, count, L, d) by concatenation: litert-converter 0.5 turns transpose(expand(K)) into a reshape."""
    group = count // heads.shape[1]
    if group == 1:
        return heads
    return torch.cat([heads[:, i // group : i // group + 1] for i in range(count)], dim=1)
