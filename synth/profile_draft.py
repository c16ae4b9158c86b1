"""A profile to edit: a copy of one that there is, or with personas and kinds that an LLM drafts from a sample of the run's passages.

The sample is drawn by a hash of the passages, the same for the same corpus. A draft is shown and nothing is written before somebody agrees.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triplette.errors import InputError, SettingError
from triplette.hashing import hash_text
from triplette.languages import language
from triplette.llm.client import LlmClient, Request
from triplette.llm.prompts import fill, guard_line, read_prompt, with_parts
from triplette.llm.run import run_many
from triplette.profile import Persona, Profile, as_toml, check_profile
from triplette.profile.shape import Scenes
from triplette.records import Chunk
from triplette.rundir import RunDir
from triplette.settings.llm import LlmSettings
from triplette.synth.chunk import load_chunks
from triplette.tables import write_text

if TYPE_CHECKING:
    from pydantic import BaseModel

PROMPTS = Path(__file__).parent / "prompts"
PROMPT = "profile-v1"
SAMPLE = 12  # passages that the model sees: enough to know a collection by, little to pay for
EXPECTED_TOKENS = 500
OTHERWISE = "draft with another model, or write one by hand"  # the same model's answer is paid for and kept


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted profile, how many passages it was drafted from, and what that cost (US dollars)."""

    profile: Profile
    passages: int
    cost: float


@lru_cache(maxsize=16)
def draft_form(kinds: tuple[str, ...]) -> type[BaseModel]:
    """The form of a draft whose kinds are some of ``kinds``."""
    from typing import Literal

    from pydantic import BaseModel as Base
    from pydantic import ConfigDict, Field, create_model

    class Closed(Base):
        model_config = ConfigDict(extra="forbid", strict=True)

    text: Any = (str, Field(min_length=1, max_length=400))
    persona = create_model("DraftedPersona", __base__=Closed, name=(str, Field(min_length=1, max_length=40)), who=text)
    kind = create_model("DraftedKind", __base__=Closed, name=(Literal[kinds], ...), asks=text)
    parts: dict[str, Any] = {"about": text}
    for name, row in (("personas", persona), ("kinds", kind)):
        parts[name] = (types.GenericAlias(list, (row,)), Field(min_length=1))
    form: type[BaseModel] = create_model("DraftedProfile", __base__=Closed, **parts)
    return form


def draft_profile(run: RunDir, base: Profile, llm: LlmSettings, *, budget: float | None = None) -> Draft:
    """``base`` with the personas and kinds that the model drafts from the run's chunks.

    Raises MissingStage without chunks, InputError when what the model says is no profile, and what ``run_many`` raises.
    """
    sample = sampled(load_chunks(run))
    client = LlmClient(llm, run.path("llm"), budget)
    (answer,) = run_many(client, [draft_request(sample, base)], title="drafting a profile")
    if answer.value is None:
        raise InputError(f"the model drafted no profile: {answer.error[:300]}", where=client.model, cure=OTHERWISE)
    said: Any = answer.value
    personas = {_name(item.name): item.who for item in said.personas}
    asks = {item.name: " ".join(item.asks.split()) for item in said.kinds}
    profile = replace(
        base,
        about=" ".join(said.about.split()),
        personas=tuple(Persona(name=name, who=" ".join(who.split())) for name, who in personas.items()),
        kinds=tuple(replace(kind, asks=asks.get(kind.name, kind.asks)) for kind in base.kinds if kind.name in asks or not kind.weight),
        scenes=Scenes(),  # they name personas of the base
    )
    try:
        check_profile(profile, "profile draft")
    except SettingError as error:
        raise InputError(error.message, where=error.where, cure=OTHERWISE) from None
    return Draft(profile, len(sample), answer.cost)


def sampled(chunks: Sequence[Chunk]) -> list[Chunk]:
    """At most SAMPLE chunks: of every document in turn, in an order that their content gives."""
    by_source: dict[str, list[Chunk]] = {}
    for chunk in sorted(chunks, key=lambda chunk: hash_text(chunk.id)):
        by_source.setdefault(chunk.source, []).append(chunk)
    rounds = max((len(found) for found in by_source.values()), default=0)
    return [found[turn] for turn in range(rounds) for found in by_source.values() if turn < len(found)][:SAMPLE]


def draft_request(sample: Sequence[Chunk], base: Profile) -> Request:
    """What the model is asked, in the language of ``base``."""
    system, user = read_prompt(PROMPTS, PROMPT, "profile draft", base.language)
    spoken = language(base.language)
    content = fill(user, passages="\n\n".join(_fenced(chunk) for chunk in sample), language=spoken.name)
    messages = (
        {"role": "system", "content": with_parts(system, language=spoken.name, kinds=", ".join(base.asked_kinds))},
        {"role": "user", "content": content},
    )
    return Request(messages, draft_form(base.asked_kinds), "profile", EXPECTED_TOKENS, spoken.prompting.ask_again)


def _fenced(chunk: Chunk) -> str:
    text = f"{' '.join((chunk.title or chunk.source).split())}\n{chunk.text}"
    guard = guard_line(text)
    return f"{guard}\n{text}\n{guard}"


def _name(text: str) -> str:
    """A name as the data want it: one word, small letters."""
    words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    if not words or words == ["unknown"]:
        raise InputError(f"the model called a persona {text!r}", where="profile draft", cure=OTHERWISE)
    return "-".join(words)


def write_profile(path: Path, profile: Profile, *, force: bool) -> None:
    """The profile as a documented file. Raises InputError for a file that is there, unless ``force``."""
    if path.exists() and not force:
        raise InputError("already exists", where=str(path), cure="give another path, or --force to replace it")
    write_text(path, as_toml(replace(profile, name=path.stem), documented=True))
