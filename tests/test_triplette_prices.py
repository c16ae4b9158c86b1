"""Price lists: the built-in one that grows old, and a file of one's own that is checked field by field."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from scripted_client import GOOD, QuickClock, asked
from scripted_llm import ScriptedServer

from triplette.errors import SettingError
from triplette.llm.client import LlmClient, quote
from triplette.llm.price_list import EARLIER, LATER, PriceList, read_price_list
from triplette.llm.run import run_many
from triplette.settings.llm import LlmSettings
from triplette.settings.load import load_llm

TODAY = date(2026, 10, 1)
TOML = 'as_of = 2026-09-30\n[models."house/small"]\ninput = 2\noutput = 4.5\n'


def listed(tmp_path: Path, text: str, name: str = "prices.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("as_of", ['"2026-09"', '"2026-09-01"', "2026-09-01", "2026-09-01T10:00:00Z"])
def test_a_list_may_be_toml_and_its_date_a_month_or_a_day(tmp_path: Path, as_of: str) -> None:
    found = read_price_list(listed(tmp_path, TOML.replace("2026-09-30", as_of)), TODAY)
    assert found.as_of == date(2026, 9, 1)
    assert found.prices == {"house/small": (2.0, 4.5)}


def test_a_list_may_be_json(tmp_path: Path) -> None:
    text = json.dumps({"as_of": "2026-09-30", "models": {"m": {"input": 0, "output": 1}}})
    assert read_price_list(listed(tmp_path, text, "p.json"), TODAY).prices == {"m": (0.0, 1.0)}


GOOD_ROW = {"input": 1, "output": 2}
WRONG: dict[str, tuple[Any, str]] = {
    "no date": ({"models": {"m": GOOD_ROW}}, "as_of is missing"),
    "a date that is none": ({"as_of": "soon", "models": {"m": GOOD_ROW}}, "as_of is not a date: 'soon'"),
    "a day to come": ({"as_of": "2026-10-02", "models": {"m": GOOD_ROW}}, "as_of is a day to come: 2026-10-02"),
    "no models": ({"as_of": "2026-09"}, "models is missing"),
    "an empty table": ({"as_of": "2026-09", "models": {}}, "models is not a table with a model in it"),
    "another field": ({"as_of": "2026-09", "model": {}, "models": {"m": GOOD_ROW}}, "model is not a field"),
    "a row that is none": ({"as_of": "2026-09", "models": {"m": 3}}, 'models."m" is not a table'),
    "half a price": ({"as_of": "2026-09", "models": {"m": {"input": 1}}}, 'models."m".output is missing'),
    "a misspelt price": ({"as_of": "2026-09", "models": {"m": {"input": 1, "ouput": 2}}}, 'models."m".ouput is not a field'),
    "a negative price": ({"as_of": "2026-09", "models": {"m": {"input": -1, "output": 2}}}, 'models."m".input is outside 0 to 10000'),
    "a price for one token": ({"as_of": "2026-09", "models": {"m": {"input": 1, "output": 10001}}}, 'models."m".output is outside'),
    "a text": ({"as_of": "2026-09", "models": {"m": {"input": "1", "output": 2}}}, "models.\"m\".input is not a number: '1'"),
    "a truth": ({"as_of": "2026-09", "models": {"m": {"input": True, "output": 2}}}, 'models."m".input is not a number: True'),
    "no number": ({"as_of": "2026-09", "models": {"m": {"input": float("nan"), "output": 2}}}, 'models."m".input is not a number: nan'),
    "a list": ([], "this is not a price list: not an object"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_field_is_named(tmp_path: Path, name: str) -> None:
    content, said = WRONG[name]
    with pytest.raises(SettingError) as caught:
        read_price_list(listed(tmp_path, json.dumps(content), "p.json"), TODAY)
    assert said in caught.value.message
    assert caught.value.where.endswith("p.json")


@pytest.mark.parametrize(
    "text", ['{"as_of": "2026-09", "as_of": "2026-08", "models": {}}', "[" * 100_000, "{", "\ud800".encode("utf-8", "surrogatepass")]
)
def test_a_file_that_is_no_list_is_one_line(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingError, match="not a price list"):
        read_price_list(path, TODAY)
    with pytest.raises(SettingError, match="cannot be read"):
        read_price_list(tmp_path, TODAY)


def test_a_list_of_ones_own_prices_any_address_and_holds_a_budget(tmp_path: Path) -> None:
    path = listed(tmp_path, TOML)
    with ScriptedServer(lambda _: GOOD) as server:
        settings = LlmSettings(model="openai:house/small", base_url=server.url, prices=str(path))
        client = LlmClient(settings, tmp_path / "llm", 1.0, clock=QuickClock())
        run_many(client, asked(2))
    assert client.spending.spent == pytest.approx(2 * (900 * 2 + 80 * 4.5) / 1e6)
    assert client.notes() == (), "a list of yesterday needs no word"


def test_a_model_that_ones_own_list_does_not_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no price for 'gpt-4o'") as caught:
        LlmClient(LlmSettings(model="openai:gpt-4o", prices=str(listed(tmp_path, TOML))), tmp_path, clock=QuickClock())
    assert "house/small" in caught.value.cure


@pytest.mark.parametrize(("day", "old"), [(date(2027, 3, 22), False), (date(2027, 3, 23), True), (date(2027, 4, 1), True)])
def test_a_list_is_old_after_six_months(day: date, old: bool) -> None:
    found = PriceList(date(2026, 9, 22), {}, "the list")
    assert found.old(day) is old
    assert found.dated(day) == "the list of 2026-09" + (", more than 6 months old" if old else "")


def test_an_old_list_is_told_with_its_date_in_the_notes(tmp_path: Path) -> None:
    path = listed(tmp_path, TOML.replace("2026-09-30", "2025-12-31"))
    with ScriptedServer(lambda _: GOOD) as server:
        settings = LlmSettings(model="openai:house/small", base_url=server.url, prices=str(path))
        client = LlmClient(settings, tmp_path / "llm", clock=QuickClock())
        run_many(client, asked(1))
    (note,) = client.notes()
    assert f"{path} of 2025-12, more than 6 months old" in note
    assert "--prices FILE" in note


def test_a_quote_says_which_list_it_counts_with(tmp_path: Path) -> None:
    quoted = quote(LlmSettings(model="openai:house/small", prices=str(listed(tmp_path, TOML))), tmp_path, asked(1))
    assert str(tmp_path / "prices.toml") in quoted.facts()["prices"]
    assert "2026-09" in quoted.facts()["prices"]


def test_a_list_that_the_settings_name_lies_beside_them_and_the_flag_wins(tmp_path: Path) -> None:
    config = tmp_path / "triplette.toml"
    config.write_text('[synth.llm]\nmodel = "openai:m"\nprices = "p.toml"\n')
    assert load_llm("synth.llm", config, None, None).prices == str(tmp_path / "p.toml")
    assert load_llm("synth.llm", config, None, None, Path("q.json")).prices == "q.json"


def test_every_built_in_price_could_be_one() -> None:
    assert all(0 < cheap < dear < 1000 for known in (EARLIER, LATER) for cheap, dear in known.prices.values())
