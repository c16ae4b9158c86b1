"""What layers are made of in the families with rotary positions: positions, rotation, masks, shared heads, gated feed-forward.

All of it is computed in the graph and tied to the input; see ``families.graph`` for why. This module imports torch; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from triplette.export.families.composites import rms_norm, scaled_dot_product_attention
from triplette.export.families.graph import MASKED, padding_mask

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


def layer_masks(present: Tensor, positions: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """Additive masks (1, 1, L, L) of global and local layers: 0 where a token is seen, MASKED where not.

    A local layer sees what stands fewer than ``window`` positions away, on both sides; in a text that short it sees all.
    """
    length, padding = present.shape[1], padding_mask(present)
    full = padding * torch.ones(1, 1, length, 1)
    if length <= window:
        return full, full
    distance = positions[:, None] - positions[None, :]
    return full, torch.where(distance.abs()[None, None] < window, padding, torch.full((), MASKED))


def repeat_heads(heads: Tensor, count: int) -> Tensor:
    """(1, kv_heads, L, d) to (1, count, L, d) by concatenation: litert-converter 0.5 turns transpose(expand(K)) into a reshape."""
    group = count // heads.shape[1]
    if group == 1:
        return heads
    return torch.cat([heads[:, i // group : i // group + 1] for i in range(count)], dim=1)


class Attention(nn.Module):
    """Grouped-query attention (Ainslie et al. 2023) over (1, L, hidden), with norms on queries and keys and rotary positions.

    ``norm`` makes a norm of the heads' width, ``value_norm`` is a norm on values, and ``scale`` multiplies the scores. The class name
    is in the quantiser's scope.
    """

    def __init__(
        self,
        hidden: int,
        heads: int,
        kv_heads: int,
        head_dim: int,
        *,
        norm: Callable[[int], nn.Module],
        scale: float,
        value_norm: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_dim, self.scale = heads, kv_heads, head_dim, scale
        self.q_proj = nn.Linear(hidden, heads * head_dim, bias=False)
        self.k_proj = nn.Linear(hidden, kv_heads * head_dim, bias=False)
        self.v_proj = nn.Linear(hidden, kv_heads * head_dim, bias=False)
        self.o_proj = nn.Linear(heads * head_dim, hidden, bias=False)
        self.q_norm, self.k_norm, self.v_norm = norm(head_dim), norm(head_dim), value_norm or nn.Identity()

    def forward(self, states: Tensor, mask: Tensor, rotary: Rotary) -> Tensor:
        length = states.shape[1]

        def split(flat: Tensor, heads: int) -> Tensor:
            return flat.reshape(1, length, heads, self.head_dim)

        queries = rotate(self.q_norm(split(self.q_proj(states), self.heads)), rotary)
        keys = rotate(self.k_norm(split(self.k_proj(states), self.kv_heads)), rotary)
        values = self.v_norm(split(self.v_proj(states), self.kv_heads))
        mixed = scaled_dot_product_attention(queries, keys, values, mask, self.scale, self.repeat)
        return self.o_proj(mixed.reshape(1, length, self.heads * self.head_dim))

    def repeat(self, heads: Tensor) -> Tensor:
        """(1, kv_heads, L, d) to (1, heads, L, d)."""
        return repeat_heads(heads, self.heads)


class FeedForward(nn.Module):
    """Gated feed-forward without biases (Shazeer 2020); ``activation`` is applied to the gate."""

    def __init__(self, hidden: int, width: int, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.activation = activation
        self.gate_proj = nn.Linear(hidden, width, bias=False)
        self.up_proj = nn.Linear(hidden, width, bias=False)
        self.down_proj = nn.Linear(width, hidden, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        return self.down_proj(self.activation(self.gate_proj(states)) * self.up_proj(states))


def gelu_tanh(states: Tensor) -> Tensor:
    """The tanh form of GELU, which Gemma uses."""
    return nn.functional.gelu(states, approximate="tanh")
