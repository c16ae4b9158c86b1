"""What is asked of a language model, what comes back, and what it would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from triplette.llm.prices import Tokens

if TYPE_CHECKING:
    from pydantic import BaseModel

Message = Mapping[str, str]
ASK_AGAIN = (
    "Your last answer cannot be used: {error}. Answer the same request again, with a JSON object that follows the schema and no text before "
    "or after it."
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: chat messages (``role``, ``content``), the pydantic model of the answer, what it is about, how long it may be.

    ``label`` (a chunk's or question's id) names the request in errors and in the cache; ``expected_tokens`` is the answer's usual
    length, for quotes. ``again`` asks once more after an answer that cannot be read, in the prompt's language; ``{error}`` in it says why.
    """

    messages: tuple[Message, ...]
    form: type[BaseModel]
    label: str = ""
    expected_tokens: int = 150
    again: str = ASK_AGAIN


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``value`` is None when no usable answer came, and then ``error`` says why.

    ``tokens`` and ``cost`` (US dollars) are those of every call behind it, whenever they were paid; ``cached`` is True when none was
    made now. ``refused`` tells a refusal (content filter, the model itself) from a malformed answer.
    """

    value: BaseModel | None
    raw: str
    tokens: Tokens
    cost: float
    cached: bool
    error: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """What asking would take: ``calls`` to make and ``cached`` ones that are paid already, tokens and US dollars for the calls.

    ``cost`` is the estimate, ``cost_at_most`` the bound that the budget reserves (each call's longest answer, each asked
    twice); both are None when the price is not known. ``seconds`` at the set concurrency. ``prices`` says which list they are from, empty
    where the settings give them; ``batch``: through the batch service.
    """

    calls: int
    cached: int
    tokens_in: int
    tokens_out: int
    cost: float | None
    cost_at_most: float | None
    seconds: float
    model: str
    prices: str = ""
    batch: bool = False

    def facts(self) -> dict[str, str]:
        """The quote in words."""
        money = "price not known (--prices FILE, or price_in and price_out)"
        return {
            "model": self.model,
            "calls to make": f"{self.calls}",
            "answers paid for already": f"{self.cached}",
            "input tokens, about": f"{self.tokens_in}",
            "output tokens, about": f"{self.tokens_out}",
            "cost, about": money if self.cost is None else f"{self.cost:.4f} USD",
            "cost at most": money if self.cost_at_most is None else f"{self.cost_at_most:.4f} USD",
            **({"prices": self.prices} if self.prices else {}),
            "time, about": f"within {self.seconds / 3600:.0f} h, in batches" if self.batch else f"{self.seconds:.0f} s",
        }
