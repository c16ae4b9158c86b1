"""The prompt contract: one text for everybody, and any disagreement is an error that names the field."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from triplette.contract import CONTRACTS, PromptContract
from triplette.errors import ContractMismatch, InputError

GEMMA = CONTRACTS["embeddinggemma"]


def test_embeddinggemma_texts_are_those_of_its_model_card() -> None:
    assert GEMMA.format_query("Combien ?") == "task: search result | query: Combien ?"
    assert GEMMA.format_document("Le roi.", "Roque") == "title: Roque | text: Le roi."
    assert GEMMA.format_document("Le roi.") == "title: none | text: Le roi."


def test_braces_in_a_title_or_text_are_data() -> None:
    assert GEMMA.format_document("{title} {0}", "{text}") == "title: {text} | text: {title} {0}"


def test_a_contract_survives_its_file(tmp_path: Path) -> None:
    GEMMA.save(tmp_path / "contract.json")
    loaded = PromptContract.load(tmp_path / "contract.json")
    assert loaded == GEMMA
    assert loaded.hash == GEMMA.hash


@pytest.mark.parametrize("field", ["query_prefix", "document_prefix", "base_model", "tokenizer_sha256", "no_title"])
def test_a_changed_field_changes_the_hash_and_is_named(field: str) -> None:
    other = replace(GEMMA, **{field: "other"})  # type: ignore[arg-type]
    assert other.hash != GEMMA.hash
    with pytest.raises(ContractMismatch, match=rf"bundle: {field}: .* here, 'other' there"):
        GEMMA.check(other, where="bundle")


def test_unknown_fields_in_a_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "contract.json"
    GEMMA.save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "poling": "cls"}))
    with pytest.raises(InputError, match="unknown fields poling"):
        PromptContract.load(path)


def test_dimensions_out_of_order_are_refused() -> None:
    with pytest.raises(ContractMismatch, match="largest first"):
        replace(GEMMA, dimensions=(128, 768))
