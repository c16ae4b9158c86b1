"""A reproducible lot."""

from __future__ import annotations

from triplette.hashing import hash_value

DIGITS = 13  # hex digits: 52 bits, all that a float holds


def draw(triplet_id: str, seed: int, purpose: str = "quota") -> float:
    """A number in 0..1 that depends on the triplet, the seed and the purpose alone."""
    return int(hash_value([triplet_id, seed, purpose])[:DIGITS], 16) / 16**DIGITS
