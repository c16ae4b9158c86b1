"""What calls cost, and a budget that cannot be passed.

The guard reserves the worst case of every call before it is sent: each byte of the request billed as one token (no byte-level
tokenizer makes more tokens than bytes) and the whole of ``max_tokens`` as output. What is not used is given back
when the answer's bill is known, so the last cents of a budget are left unspent rather than passed. A call whose end is
unknown (timeout, lost connection) may have been billed, so its reserve counts as spent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

from triplette.errors import BudgetReached, SettingError
from triplette.llm.price_list import BUILT_IN, PriceList, price_in_file
from triplette.settings.llm import LlmSettings

MILLION = 1_000_000
BELIEVED = 10  # times the bound of a call that its bill may be: templates and reasoning add tokens, but not a hundred times as many


class Tokens(NamedTuple):
    """Tokens of a call or of many: input and output."""

    input: int = 0
    output: int = 0

    def plus(self, other: Tokens) -> Tokens:
        """The sum."""
        return Tokens(self.input + other.input, self.output + other.output)


def believed(said: int | None, bound: int, guess: int) -> int:
    """The tokens of a bill: as ``said``, the ``guess`` where nothing was said, the ``bound`` where it cannot be believed.

    ``said`` is None or 0 for no bill and negative for one that is no number; more than ``BELIEVED`` times the bound is no bill either.
    """
    if not said:
        return guess
    return said if 0 < said <= BELIEVED * bound else bound


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens. ``known`` is False when nobody told us, and then both are 0. ``of_list``: where they are from."""

    input: float
    output: float
    known: bool = True
    of_list: PriceList | None = None

    def of(self, tokens: Tokens) -> float:
        """US dollars for so many tokens."""
        return (tokens.input * self.input + tokens.output * self.output) / MILLION


def price_of(settings: LlmSettings, model: str, today: date) -> Price:
    """The price that the settings give, else that of their list, else, at OpenAI's own address, that of the built-in list.

    Raises SettingError when only one of price_in and price_out is set, and for a list that is none or does not name the model.
    """
    given = (settings.price_in, settings.price_out)
    if given[0] is not None and given[1] is not None:
        return Price(given[0], given[1])
    if given != (None, None):
        raise SettingError(
            "only one of price_in and price_out is set", where="[synth.llm] or [curate.llm]", cure="set both, or neither"
        )
    if settings.prices:
        own, prices = price_in_file(Path(settings.prices), model, today)
        return Price(*prices, of_list=own)
    known = BUILT_IN.get(model)
    return Price(*known.prices[model], of_list=known) if known and not settings.base_url else Price(0.0, 0.0, known=False)


def need_price(price: Price, model: str, budget: float | None) -> None:
    """Raise SettingError when there is a budget and no price to hold it with."""
    if budget is not None and not price.known:
        raise SettingError(
            f"a budget needs prices, and those of {model!r} at this endpoint are not known",
            where="[synth.llm] or [curate.llm]",
            cure="give a list with --prices FILE, set price_in and price_out (US dollars for a million tokens; 0 for a model of your own), "
            "or drop --budget",
        )


@dataclass(slots=True)
class Spending:
    """The budget of one command. ``spent`` is billed, ``uncertain`` may be, ``reserved`` is in flight; all US dollars."""

    budget: float | None
    spent: float = 0.0
    uncertain: float = 0.0
    reserved: float = 0.0
    calls: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    _in_flight: int = 0
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    async def reserve(self, worst: float) -> None:
        """Set ``worst`` aside, after waiting for calls in flight to give back what they did not use.

        Raises BudgetReached when nothing is in flight and it still does not fit.
        """
        while not self._fits(worst):
            if not self._in_flight:
                raise self.reached(worst)
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        self.reserved += worst
        self._in_flight += 1

    def _fits(self, worst: float) -> bool:
        return self.budget is None or self.spent + self.uncertain + self.reserved + worst <= self.budget

    def settle(self, worst: float, *, billed: float = 0.0, tokens: Tokens | None = None, unknown: bool = False) -> None:
        """End a reservation: ``billed`` dollars were charged, or, if ``unknown``, perhaps all of it."""
        self._in_flight -= 1
        self.reserved = self.reserved - worst if self._in_flight else 0.0
        self.spent += billed
        if unknown:
            self.uncertain += worst
        if tokens is not None:
            self.calls += 1
            self.tokens = self.tokens.plus(tokens)
        waiting, self._waiting = self._waiting, deque()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    def bill(self, billed: float, tokens: Tokens) -> None:
        """A call that was reserved elsewhere, in the journal of a batch, and is billed now."""
        self.spent += billed
        self.calls += 1
        self.tokens = self.tokens.plus(tokens)

    def reached(self, worst: float) -> BudgetReached:
        """The error that says how far the money went."""
        doubt = f" and {self.uncertain:.4f} perhaps, in calls that never came back" if self.uncertain else ""
        return BudgetReached(
            f"the budget of {self.budget or 0:.4f} USD is reached: {self.spent:.4f} spent{doubt} in {self.calls} calls, "
            f"and one more could cost {worst:.4f}",
            cure="every paid answer is kept: run the same command again to go on where it stopped; "
            "if this budget is smaller than one call, give a larger one",
        )
