"""What is asked of the writer for each chunk: a plan drawn from the chunk's id, and the prompt that states it.

The plan depends on the seed and on the chunk alone, never on its position, so editing one document asks anew for its own chunks
only. Within a chunk, personas, difficulties and kinds are drawn without repetition, so over a corpus each occurs equally often, or as often as
the profile's weights say.

The passage is data: it stands between two equal guard lines that occur nowhere in it, and whatever it says, the form and the
number of the questions are fixed outside it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from triplette.languages import language
from triplette.llm.prompts import fill, guard_line, read_prompt, with_parts
from triplette.profile import Kind, Persona, Profile
from triplette.records import DIFFICULTIES, Chunk

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


def plan(chunk_id: str, count: int, seed: int, profile: Profile) -> tuple[Order, ...]:
    """``count`` orders for a chunk, the same for the same id, seed and profile."""
    chance = random.Random(f"{seed}/{chunk_id}")
    kinds = _draw(chance, *_asked_for(profile.kinds), count)
    personas = _draw(chance, *_asked_for(profile.personas), count)
    difficulties = _draw(chance, DIFFICULTIES, [1.0] * len(DIFFICULTIES), count)
    mix = zip(kinds, personas, difficulties, strict=True)
    return tuple(Order(number, *parts) for number, parts in enumerate(mix, 1))


def _asked_for(rows: Sequence[Kind] | Sequence[Persona]) -> tuple[list[str], list[float]]:
    """Names and weights of the rows that are asked for at all."""
    asked = [row for row in rows if row.weight > 0]
    return [row.name for row in asked], [row.weight for row in asked]


def _draw(chance: random.Random, values: Sequence[T], weights: Sequence[float], count: int) -> list[T]:
    """``count`` values, none a second time before all have come once; heavier ones sooner."""
    drawn: list[T] = []
    while len(drawn) < count:
        drawn += chance.sample(values, len(values)) if len(set(weights)) == 1 else _weighted(chance, values, weights)
    return drawn[:count]


def _weighted(chance: random.Random, values: Sequence[T], weights: Sequence[float]) -> list[T]:
    """The values in a random order in which the first is each with the probability of its weight (Efraimidis and Spirakis, 2006)."""
    keyed = [(chance.random() ** (1 / weight), place) for place, weight in enumerate(weights)]
    return [values[place] for _, place in sorted(keyed, reverse=True)]


def system_message(profile: Profile, prompt: str = PROMPT) -> str:
    """What the writer is told before any passage: who asks, what kinds there are, which terms stay as they are."""
    system, _ = read_prompt(PROMPTS, prompt, "[synth.write] prompt", profile.language)
    words = language(profile.language).prompting
    return with_parts(
        system,
        language=language(profile.language).name,
        personas="\n".join(f"- {persona.name}{words.colon} {persona.who}" for persona in profile.personas if persona.weight > 0),
        kinds="\n".join(f"- {kind.name}{words.colon} {kind.asks}" for kind in profile.kinds if kind.weight > 0),
        terms=f"\n{words.terms.format(', '.join(profile.terms))}" if profile.terms else "",
    )


def messages(chunk: Chunk, orders: Sequence[Order], profile: Profile, prompt: str = PROMPT) -> tuple[dict[str, str], ...]:
    """The system and user messages that ask for ``orders`` over ``chunk``."""
    _, user = read_prompt(PROMPTS, prompt, "[synth.write] prompt", profile.language)
    title = chunk.title or chunk.source
    guard = guard_line(f"{title}\n{chunk.text}")
    listed = "\n".join(f"{o.number}. kind={o.kind}, persona={o.persona}, difficulty={o.difficulty}" for o in orders)
    spoken = language(profile.language).name
    content = fill(user, title=" ".join(title.split()), passage=chunk.text, fence=guard, orders=listed, language=spoken)
    return {"role": "system", "content": system_message(profile, prompt)}, {"role": "user", "content": content}
