"""One contract, read off the model: pooling, sizes and limit from its files, prompts from the folder, else from the family's card."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from model_folders import BERT, XLMR, write_model

from triplette.contract import CONTRACTS
from triplette.errors import ContractMismatch, InputError, SettingError
from triplette.known_models import FAMILIES, known_family
from triplette.model_contract import contract_of

CLS = {"word_embedding_dimension": 384, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}


def test_an_e5_folder_without_prompts_gets_its_card_s_and_the_title_is_the_first_line(tmp_path: Path) -> None:
    read = contract_of(str(write_model(tmp_path / "multilingual-e5-small", BERT)))
    assert read.contract.format_query("Qui ?") == "query: Qui ?"
    assert read.contract.format_document("Le texte.", "Titre") == "passage: Titre\nLe texte."
    assert read.contract.format_document("Le texte.") == "passage: Le texte."
    assert "intfloat/multilingual-e5-small" in read.source
    assert (read.contract.dimensions, read.contract.max_tokens, read.contract.pooling) == ((384,), 512, "mean")


def test_a_model_that_was_renamed_is_known_by_what_it_was_made_from(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "ours", {**BERT, "_name_or_path": "intfloat/multilingual-e5-small"})
    assert contract_of(str(folder)).contract.name == "e5"


def test_the_folder_s_own_prompts_win_over_the_card_s(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "my-e5", BERT, prompts={"query": "q> ", "document": "d> "})
    read = contract_of(str(folder))
    assert read.contract.format_document("t", "T") == "d> T\nt"
    assert read.source == "the prompts in its folder"


@pytest.mark.parametrize(
    ("query", "document"),
    [("query", "corpus"), ("retrieval.query", "retrieval.passage"), ("search_query", "search_document"), ("query", "passage")],
)
def test_prompts_are_found_under_each_name_that_publishers_give_them(tmp_path: Path, query: str, document: str) -> None:
    read = contract_of(str(write_model(tmp_path / "m", BERT, prompts={query: "q> ", document: "d> {x} "})))
    assert (read.contract.format_query("Qui ?"), read.contract.format_document("t", "T {title}")) == ("q> Qui ?", "d> {x} T {title}\nt")


def test_prompts_under_other_names_are_not_taken_and_are_named(tmp_path: Path) -> None:
    read = contract_of(str(write_model(tmp_path / "m", BERT, prompts={"s2p_query": "Instruct: ", "clustering": "c: "})))
    assert read.contract.format_query("Qui ?") == "Qui ?"
    assert "prompts for 's2p_query', 'clustering', and none of them is called query or document" in read.source


def test_another_pooling_than_the_family_s_is_pointed_at_and_used(tmp_path: Path) -> None:
    read = contract_of(str(write_model(tmp_path / "bge-m3", XLMR)))
    assert read.contract.pooling == "mean"
    assert read.doubt.startswith("its folder pools by mean, its family by cls (https://huggingface.co/BAAI/bge-m3")
    assert not contract_of(str(write_model(tmp_path / "as-published" / "bge-m3", XLMR, pooling=CLS))).doubt


@pytest.mark.parametrize(("kind", "tokens"), [("mpnet", 512), ("xlm-roberta", 512), ("bert", 514), ("distilbert", 514)])
def test_positions_before_the_first_token_are_not_counted(tmp_path: Path, kind: str, tokens: int) -> None:
    folder = write_model(tmp_path / "m", {**XLMR, "model_type": kind})
    assert contract_of(str(folder)).contract.max_tokens == tokens


def test_gemma_s_place_for_the_title_is_found_in_its_folder(tmp_path: Path) -> None:
    prompts = {"query": "task: search result | query: ", "document": "title: none | text: "}
    folder = write_model(tmp_path / "anything", {**BERT, "hidden_size": 768}, prompts=prompts)
    contract = contract_of(str(folder)).contract
    assert contract.format_document("t", "T") == "title: T | text: t"
    assert contract.format_document("t") == "title: none | text: t"
    assert contract.dimensions == (768, 512, 256, 128)


@pytest.mark.parametrize(
    ("pooling", "kinds", "expected"),
    [
        (CLS, ("Transformer", "Pooling", "Normalize"), ("cls", True)),
        ({"embedding_dimension": 384, "pooling_mode": "lasttoken"}, ("Transformer", "Pooling", "Normalize"), ("lasttoken", True)),
        ({"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True}, ("Transformer", "Pooling"), ("mean", False)),
    ],
)
def test_pooling_and_normalisation_are_read_in_both_generations_of_the_files(
    tmp_path: Path, pooling: dict[str, Any], kinds: tuple[str, ...], expected: tuple[str, bool]
) -> None:
    contract = contract_of(str(write_model(tmp_path / "m", BERT, pooling=pooling, kinds=kinds))).contract
    assert (contract.pooling, contract.normalize) == expected
    assert contract.query_prefix == ""


def test_positions_that_no_token_gets_are_not_counted_and_a_saved_limit_is_kept(tmp_path: Path) -> None:
    assert contract_of(str(write_model(tmp_path / "a", XLMR))).contract.max_tokens == 512
    assert contract_of(str(write_model(tmp_path / "b", XLMR, limit=128))).contract.max_tokens == 128


def test_two_poolings_at_once_are_refused(tmp_path: Path) -> None:
    both = {"word_embedding_dimension": 384, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}
    with pytest.raises(ContractMismatch, match=r"it pools by 'cls\+mean'"):
        contract_of(str(write_model(tmp_path / "m", BERT, pooling=both)))


def test_a_saved_contract_is_the_law_and_a_model_that_breaks_it_is_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", BERT)
    contract = replace(CONTRACTS["e5"], query_prefix="ask: ")
    contract.save(folder / "contract.json")
    assert contract_of(str(folder)).contract == contract
    replace(contract, pooling="cls").save(folder / "contract.json")
    with pytest.raises(ContractMismatch, match="pooling: the contract says 'cls', the model 'mean'"):
        contract_of(str(folder))


def test_code_that_a_model_wants_to_run_is_refused_with_the_flag_that_allows_it(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", {**BERT, "model_type": "new", "auto_map": {"AutoModel": "modeling.NewModel"}})
    with pytest.raises(SettingError, match=r"wants to run its own code \(modeling\.NewModel\)") as raised:
        contract_of(str(folder))
    assert "--trust-remote-code" in raised.value.cure
    assert contract_of(str(folder), trust_remote_code=True).contract.dimensions == (384,)


@pytest.mark.slow
def test_code_beside_an_architecture_that_transformers_has_is_not_needed(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", {**BERT, "auto_map": {"AutoModel": "modeling.NewModel"}})
    assert contract_of(str(folder)).facts.remote_code == ()


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("google/embeddinggemma-300m-qat-q4_0-unquantized", "embeddinggemma"), ("google/embeddinggemma-2", "embeddinggemma"),
        ("intfloat/multilingual-e5-base", "e5"), ("intfloat/multilingual-e5-large-instruct", "e5-instruct"),
        ("OrdalieTech/Solon-embeddings-large-0.1", "solon"), ("Qwen/Qwen3-Embedding-0.6B", "qwen3"),
        ("Snowflake/snowflake-arctic-embed-l-v2.0", "arctic2"), ("Snowflake/snowflake-arctic-embed-m", "arctic"),
        ("ibm-granite/granite-embedding-311m-multilingual-r2", "granite"), ("BAAI/bge-m3", "bge-m3"), ("lightonai/mDenseOn", "denseon"),
        ("models/e5_tuned", "e5"), ("sentence-transformers/all-MiniLM-L6-v2", None), ("someone/model-e50", None),
    ],
)  # fmt: skip
def test_families_are_known_by_their_names(name: str, family: str | None) -> None:
    found = known_family(name)
    assert (found.contract.name if found else None) == family


def test_every_card_has_an_address() -> None:
    assert all(family.source.startswith("https://") for family in FAMILIES)


def test_a_bare_transformer_is_refused_with_what_makes_it_a_model(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", BERT)
    (folder / "modules.json").unlink()
    with pytest.raises(InputError, match="bare transformer") as raised:
        contract_of(str(folder))
    assert "Pooling" in raised.value.cure


def test_the_command_shows_one_text_of_each_side(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from triplette.train.cli import app

    folder = write_model(tmp_path / "multilingual-e5-small", BERT)
    shown = json.loads(CliRunner().invoke(app, ["contract", str(folder), "--json"]).output)
    assert shown["question"].startswith("query: ")
    assert shown["passage"].startswith("passage: Complaints\n")
    assert shown["modules"] == ["Transformer", "Pooling", "Normalize"]
    other = json.loads(CliRunner().invoke(app, ["contract", str(folder), "--contract", "plain", "--json"]).output)
    assert other["prompts_from"].startswith("OVERRIDDEN")


def test_a_model_that_cannot_be_reached_is_said_once_and_by_us() -> None:
    code = (
        "from triplette.model_folder import hub_file\n"
        "import logging\n"
        "try:\n    hub_file('nobody/nothing', 'config.json')\n"
        "except Exception as error:\n    print(error)\n"
        "logging.getLogger('huggingface_hub.utils._http').warning('Retrying in 1s')"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert "the model nobody/nothing cannot be reached" in said.stdout
    assert not said.stderr
