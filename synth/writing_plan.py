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
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from triplette.errors import InputError
from triplette.hashing import hash_text
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


def fence(text: str, digits: int = 12) -> str:
    """A guard line that does not occur in ``text``, and depends on it alone; ``digits`` of its hash make it hard to foresee."""
    salt = 0
    while True:
        line = f"=====PASSAGE-{hash_text(f'{salt}/{text}')[:digits]}====="
        if line not in text:
            return line
        salt += 1


def messages(chunk: Chunk, orders: Sequence[Order], prompt: str = PROMPT) -> tuple[dict[str, str], ...]:
    """The system and user messages that ask for ``orders`` over ``chunk``."""
    system, user = read_prompt(prompt)
    title = chunk.title or chunk.source
    guard = fence(f"{title}\n{chunk.text}")
    listed = "\n".join(f"{o.number}. kind={o.kind}, persona={o.persona}, difficulty={o.difficulty}" for o in orders)
    content = _fill(user, title=" ".join(title.split()), passage=chunk.text, fence=guard, orders=listed)
    return {"role": "system", "content": system}, {"role": "user", "content": content}


def _fill(template: str, **values: str) -> str:
    """The template with its ``{names}`` replaced in one pass: what a value contains is never taken for a name."""
    parts = template.split("{")
    filled = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition("}")
        filled.append(values[name] + rest)
    return "".join(filled)


@lru_cache(maxsize=8)
def read_prompt(name: str) -> tuple[str, str]:
    """(system, user template) of a prompt version. Raises InputError when there is no such version."""
    path = PROMPTS / f"{name}.md"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in PROMPTS.glob("*.md")))
        raise InputError(f"there is no prompt {name!r}", where="[synth.write] prompt", cure=f"use one of {known}")
    _, _, body = path.read_text(encoding="utf-8").partition("# system\n")
    system, _, user = body.partition("\n# user\n")
    return system.strip(), user.strip()
