"""What models cost: the list that is built in, and the lists that users bring (``--prices FILE``).

Providers change prices and bring models out faster than this program is released, so a list carries its date and says so once it is old,
and a file of one's own takes its place whole: a model that the file does not name is an error and not a guess.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from triplette.errors import SettingError
from triplette.settings.base import likeness

HIGHEST = 10_000.0  # US dollars for a million tokens; the dearest model known costs 600
OLD_MONTHS = 6
FILE_LIMIT = 4 << 20  # bytes
FORM = (
    'as_of = "2026-09-30", and for each model [models."NAME"] with input and output in US dollars for a million tokens; '
    'or the same as JSON: {"as_of": ..., "models": {NAME: {"input": ..., "output": ...}}}'
)


@dataclass(frozen=True, slots=True)
class PriceList:
    """US dollars for a million (input, output) tokens by model. ``as_of``: the day on which they held; ``source``: for messages."""

    as_of: date
    prices: Mapping[str, tuple[float, float]]
    source: str

    def dated(self, today: date) -> str:
        """Where a price is from, such as "the built-in list of 2026-09", and that it is old where it is."""
        said = f"{self.source} of {self.as_of:%Y-%m}"
        return f"{said}, more than {OLD_MONTHS} months old" if self.old(today) else said

    def old(self, today: date) -> bool:
        """Whether the list is more than ``OLD_MONTHS`` months old."""
        months = 12 * (today.year - self.as_of.year) + today.month - self.as_of.month
        return months > OLD_MONTHS or (months == OLD_MONTHS and today.day > self.as_of.day)


# OpenAI's standard tier, as published until 2026-03.
EARLIER = PriceList(
    date(2026, 3, 31),
    {
        "gpt-4.1": (2.00, 8.00),
        "gpt-4.1-mini": (0.40, 1.60),
        "gpt-4.1-nano": (0.10, 0.40),
        "gpt-4o": (2.50, 10.00),
        "gpt-4o-mini": (0.15, 0.60),
        "gpt-5": (1.25, 10.00),
        "gpt-5-mini": (0.25, 2.00),
        "gpt-5-nano": (0.05, 0.40),
        "gpt-5.1": (1.25, 10.00),
        "o3": (2.00, 8.00),
        "o3-mini": (1.10, 4.40),
        "o4-mini": (1.10, 4.40),
    },
    "the built-in list",
)
# Of the same tier, as two public lists agreed on in 2026-09. Requests of more than 272,000 input tokens cost more with some; ours are a
# thousandth of that.
LATER = PriceList(
    date(2026, 9, 22),
    {
        "gpt-5.2": (1.75, 14.00),
        "gpt-5.4": (2.50, 15.00),
        "gpt-5.4-mini": (0.75, 4.50),
        "gpt-5.4-nano": (0.20, 1.25),
        "gpt-5.5": (5.00, 30.00),
        "gpt-5.6-terra": (2.00, 12.00),
        "gpt-5.6-luna": (0.20, 1.20),
        "gpt-6-astra": (10.00, 50.00),
        "gpt-6-sol": (2.00, 10.00),
        "gpt-6-luna": (0.10, 0.50),
    },
    "the built-in list",
)
BUILT_IN = {model: known for known in (EARLIER, LATER) for model in known.prices}  # a model's list, which has its own date


def read_price_list(path: Path, today: date) -> PriceList:
    """The list in a TOML or JSON file. Raises SettingError that names the field which is wrong."""
    content = _content(path)
    unknown = sorted(set(content) - {"as_of", "models"})
    if unknown:
        raise _wrong(path, unknown[0], "is not a field of a price list")
    as_of = _date(path, content.get("as_of"), today)
    models = content.get("models")
    if not isinstance(models, dict) or not models:
        raise _wrong(path, "models", "is missing" if models is None else "is not a table with a model in it")
    return PriceList(as_of, {name: _prices(path, name, row) for name, row in models.items()}, str(path))


def price_in_file(path: Path, model: str, today: date) -> tuple[PriceList, tuple[float, float]]:
    """A file's list and a model's prices in it. Raises SettingError, also when the file does not name the model."""
    found = read_price_list(path, today)
    if model not in found.prices:
        nearest = max(found.prices, key=lambda name: likeness(name, model))
        raise SettingError(
            f"there is no price for {model!r} in this list",
            where=str(path),
            cure=f'add [models."{model}"], or name a model that it has, such as {nearest}',
        )
    return found, found.prices[model]


def _content(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise SettingError(
            f"the price list cannot be read ({error.strerror})", where=str(path), cure="give a file that can be read: --prices FILE"
        ) from None
    if len(raw) > FILE_LIMIT:
        raise SettingError(f"a price list has at most {FILE_LIMIT >> 20} MiB", where=str(path), cure=FORM)
    try:
        text = raw.decode("utf-8-sig")
        content = json.loads(text, object_pairs_hook=_once) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingError(f"this is not a price list: {error}", where=str(path), cure=FORM) from None
    if not isinstance(content, dict):
        raise SettingError("this is not a price list: not an object", where=str(path), cure=FORM)
    return content


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a key twice")
    return found


def _date(path: Path, value: Any, today: date) -> date:
    found: date | None = None
    if isinstance(value, datetime):
        found = value.date()
    elif isinstance(value, date):
        found = value
    elif isinstance(value, str):
        try:
            found = date.fromisoformat(f"{value}-01" if len(value) == len("2026-09") else value)
        except ValueError:
            found = None
    if found is None:
        raise _wrong(path, "as_of", "is missing" if value is None else f"is not a date: {value!r}")
    if found > today:
        raise _wrong(path, "as_of", f"is a day to come: {found}")
    return found


def _prices(path: Path, model: str, row: Any) -> tuple[float, float]:
    if not isinstance(row, dict):
        raise _wrong(path, f'models."{model}"', "is not a table with input and output")
    unknown = sorted(set(row) - {"input", "output"})
    if unknown:
        raise _wrong(path, f'models."{model}".{unknown[0]}', "is not a field of a price")
    return _price(path, model, "input", row), _price(path, model, "output", row)


def _price(path: Path, model: str, name: str, row: Mapping[str, Any]) -> float:
    value = row.get(name)
    field = f'models."{model}".{name}'
    if value is None:
        raise _wrong(path, field, "is missing")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _wrong(path, field, f"is not a number: {value!r}")
    if not 0 <= value <= HIGHEST:
        raise _wrong(path, field, f"is outside 0 to {HIGHEST:.0f} US dollars for a million tokens: {value!r}")
    return float(value)


def _wrong(path: Path, field: str, what: str) -> SettingError:
    return SettingError(f"{field} {what}", where=str(path), cure=FORM)
