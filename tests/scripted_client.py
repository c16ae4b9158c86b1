"""The LLM client as tests ask it: a form, requests, settings for a scripted server, and a clock whose waits cost no time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from scripted_llm import Reply, ScriptedServer

from triplette.llm.client import Answer, LlmClient, Request
from triplette.llm.run import run_many
from triplette.settings.llm import LlmSettings

GOOD = '{"word": "tour"}'


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    word: str


class QuickClock:
    """The real clock, but a wait costs no time: it is added to what ``now`` says."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.day = date(2026, 10, 1)

    def now(self) -> float:
        return time.monotonic() + sum(self.waits)

    def today(self) -> date:
        return self.day

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


def asked(count: int) -> list[Request]:
    return [Request(({"role": "user", "content": f"mot {number}"},), Form, f"r{number}") for number in range(count)]


def settings_for(server: ScriptedServer, **changes: Any) -> LlmSettings:
    base = LlmSettings(model="openai:petit", base_url=server.url, concurrency=4, price_in=1.0, price_out=2.0, timeout=60.0)
    return replace(base, **changes)


def ask(
    server: ScriptedServer, folder: Path, requests: Sequence[Request], *, budget: float | None = None, **changes: Any
) -> tuple[list[Answer], LlmClient, QuickClock]:
    clock = QuickClock()
    client = LlmClient(settings_for(server, **changes), folder, budget, clock=clock)
    return run_many(client, requests), client, clock


def once(first: Reply, then: str = GOOD) -> Any:
    """A script: the very first call gets ``first``, all others a good answer."""
    return lambda call: first if call.number == 0 else then
