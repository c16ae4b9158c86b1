"""What is asked of the writer for each chunk: a plan drawn from the chunk's id, and the prompt that states it.

The plan depends on the seed and on the chunk alone, never on its position, so editing one document asks anew for its own chunks
only. Within a chunk, personas, difficulties and kinds are drawn without repetition, so over a corpus each occurs equally often.

The passage is data: it stands between two equal guard lines that occur nowhere in it, and whatever it says, the form and the
number of the questions are fixed outside it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from triplette.llm.prompts import fill, guard_line, read_prompt
from triplette.records import DIFFICULTIES, KINDS, PERSONAS, Chunk

T = TypeVar("T")
PROMPTS = Path(__file__).parent / "prompts"
PROMPT = "questions-v1"


@dataclass(frozen=True, slots=True)
class Order:
    """One question to write: its number (from 1), kind, persona and difficulty."""

    number: int
    kind: str
    persona: str
    difficulty: str


def plan(chunk_id: str, count: int, seed: int) -> tuple[Order, ...]:
    """``count`` orders for a chunk, the same for the same id and seed."""
    chance = random.Random(f"{seed}/{chunk_id}")
    mix = zip(_draw(chance, KINDS, count), _draw(chance, PERSONAS, count), _draw(chance, DIFFICULTIES, count), strict=True)
    return tuple(Order(number, *parts) for number, parts in enumerate(mix, 1))


def _draw(chance: random.Random, values: Sequence[T], count: int) -> list[T]:
    """``count`` values, none a second time before all have come once."""
    drawn: list[T] = []
    while len(drawn) < count:
        drawn += chance.sample(values, len(values))
    return drawn[:count]


def messages(chunk: Chunk, orders: Sequence[Order], prompt: str = PROMPT) -> tuple[dict[str, str], ...]:
    """The system and user messages that ask for ``orders`` over ``chunk``."""
    system, user = read_prompt(PROMPTS, prompt, "[synth.write] prompt")
    title = chunk.title or chunk.source
    guard = guard_line(f"{title}\n{chunk.text}")
    listed = "\n".join(f"{o.number}. kind={o.kind}, persona={o.persona}, difficulty={o.difficulty}" for o in orders)
    content = fill(user, title=" ".join(title.split()), passage=chunk.text, fence=guard, orders=listed)
    return {"role": "system", "content": system}, {"role": "user", "content": content}
