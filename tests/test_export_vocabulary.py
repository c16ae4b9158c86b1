"""A trimmed vocabulary: what stays, that texts are cut as before, that nobody gains an unknown token, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_folders import BERT, XLMR, write_model
from tiny_bundle import SETTINGS, paragraphs
from tiny_families import unigram, wordpiece, write_bert, write_bert_run
from tokenizers import Tokenizer

from triplette.errors import InputError, ProofFailed
from triplette.export.bundle import BUNDLE, export_bundle
from triplette.export.families.family import read_architecture
from triplette.export.tokenizers.build import AWKWARD, read_json
from triplette.export.vocabulary import (
    Texts,
    check_trimmable,
    check_trimmed,
    is_trimmed,
    kept_tokens,
    pieces_of,
    trimmed_tokenizer,
    write_trimmed,
)

CHUNKS = paragraphs(60)
# the tokenizer knows more than the corpus: letters and words of other languages
FOREIGN = [
    "Король стоит на доске, и шахматная партия продолжается.",
    "Шахматная доска и король: партия короля продолжается на доске.",
    "El niño juega al ajedrez mañana, y la niña también.",
    "Şah mat, çok güzel oyunlar, şahane oyun.",
] * 40
KNOWN = [f"passage: {chunk.title}\n{chunk.text}" for chunk in CHUNKS[:30]]


def unigram_folder(folder: Path) -> Path:
    unigram([*(chunk.text for chunk in CHUNKS), *FOREIGN]).save_pretrained(folder)
    return folder


def wordpiece_folder(folder: Path) -> Path:
    wordpiece([*(chunk.text for chunk in CHUNKS), *FOREIGN]).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=[unigram_folder, wordpiece_folder], ids=["unigram", "wordpiece"])
def cut(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, list[int], dict[str, Any]]:
    """The whole tokenizer, the trimmed one, the kept ids, and the whole tokenizer.json."""
    from transformers import PreTrainedTokenizerFast

    folder = request.param(tmp_path_factory.mktemp("tokenizer"))
    content = read_json(folder)
    whole = PreTrainedTokenizerFast.from_pretrained(folder)
    kept = kept_tokens(content, whole, KNOWN)
    small = Tokenizer.from_str(json.dumps(trimmed_tokenizer(content, kept)))
    return Tokenizer.from_file(str(folder / "tokenizer.json")), small, kept, content


def test_texts_of_the_corpus_are_cut_into_the_same_tokens(cut: tuple[Any, Any, list[int], dict[str, Any]]) -> None:
    whole, small, kept, content = cut
    assert len(kept) < len(pieces_of(content)) - 5
    for text in KNOWN:
        assert [kept[i] for i in small.encode(text).ids] == whole.encode(text).ids


def test_foreign_pieces_go_and_every_single_character_stays(cut: tuple[Any, Any, list[int], dict[str, Any]]) -> None:
    _, _, kept, content = cut
    gone = {text for identity, text in pieces_of(content).items() if identity not in set(kept)}
    assert gone
    assert all(len(text.removeprefix("##")) > 1 for text in gone), "a character and Unigram's mark of a word are two pieces that stay"
    letters = set("".join(KNOWN) + "".join(KNOWN).upper() + "".join(KNOWN).lower())
    assert all(not letters.issuperset(text.removeprefix("##").removeprefix("\u2581")) for text in gone)


@given(st.text(alphabet=sorted(set("".join(KNOWN))), max_size=60))
def test_any_text_in_the_corpus_s_characters_is_cut_as_before(cut: tuple[Any, Any, list[int], dict[str, Any]], text: str) -> None:
    whole, small, kept, _ = cut
    assert [kept[i] for i in small.encode(text).ids] == whole.encode(text).ids


@given(st.one_of(st.text(max_size=40), st.sampled_from(AWKWARD), st.sampled_from(FOREIGN)))
def test_no_text_gets_an_unknown_token_that_had_none(cut: tuple[Any, Any, list[int], dict[str, Any]], text: str) -> None:
    whole, small, kept, content = cut
    unknown = content["model"].get("unk_id") if content["model"]["type"] == "Unigram" else 1
    before, after = whole.encode(text).ids, [kept[i] for i in small.encode(text).ids]
    assert after.count(unknown) <= before.count(unknown)


def test_byte_pair_tokenizers_are_refused_when_trimming_is_asked_for_and_left_whole_by_auto(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", XLMR)
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"type": "BPE", "vocab": {}, "merges": []}}))
    with pytest.raises(InputError, match="the tokenizer is BPE, and only Unigram and WordPiece pieces stand alone") as raised:
        check_trimmable(folder)
    assert "--whole-vocabulary" in raised.value.cure
    architecture = read_architecture(folder)
    assert not is_trimmed(folder, architecture, "auto")
    with pytest.raises(InputError):
        is_trimmed(folder, architecture, "corpus")


def test_auto_trims_where_the_table_is_most_of_the_model(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", BERT)
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"type": "Unigram", "vocab": []}}))
    architecture: Any = read_architecture(folder)
    assert is_trimmed(folder, architecture, "auto")
    assert not is_trimmed(folder, architecture, "whole")
    assert not is_trimmed(folder, dataclasses.replace(architecture, vocabulary=30_000), "auto")


@pytest.mark.slow
def test_a_trimmed_model_embeds_as_before_and_a_changed_one_is_caught(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file
    from transformers import AutoTokenizer

    model = write_bert(tmp_path / "whole", [*(chunk.text for chunk in CHUNKS), *FOREIGN])
    kept = kept_tokens(read_json(model), AutoTokenizer.from_pretrained(model), KNOWN)
    small = write_trimmed(model, kept, tmp_path / "small")
    texts = Texts(KNOWN, ["query: Où est le roi ?", FOREIGN[0]])
    found = check_trimmed(model, small, kept, texts)
    assert found.figures["unseen_cut_otherwise"] == 1
    assert found.figures["kept"] == len(kept) < found.figures["of"]

    shifted = [*kept[:-1], kept[-1] - 1]
    with pytest.raises(ProofFailed, match=r"are cut otherwise|tensors changed"):
        check_trimmed(model, small, shifted, texts)
    weights = load_file(small / "model.safetensors")
    weights["encoder.layer.1.output.dense.bias"] += 1e-6
    save_file(weights, small / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ProofFailed, match=r"1 tensors changed, such as encoder\.layer\.1"):
        check_trimmed(model, small, kept, texts)


@pytest.mark.slow
def test_a_bundle_with_a_trimmed_vocabulary_is_smaller_says_so_and_verifies(tmp_path: Path) -> None:
    from triplette.export.proof.verify import verify_bundle
    from triplette.export.runtime import Bundle

    run = write_bert_run(tmp_path / "run", CHUNKS, more=FOREIGN[:20])
    settings = dataclasses.replace(SETTINGS, lengths=(64,), vocabulary="whole")
    whole = export_bundle(run, settings)
    assert "vocabulary" not in whole.checks
    shutil.move(run.path(BUNDLE), tmp_path / "whole")
    small = export_bundle(run, dataclasses.replace(settings, vocabulary="corpus"))
    assert small.sizes["model.tflite"] < whole.sizes["model.tflite"]
    assert "passages and training questions are cut as before" in small.checks["vocabulary"]
    assert "## Vocabulary" in (run.path(BUNDLE) / "README.md").read_text()
    assert verify_bundle(run.path(BUNDLE)).passed
    question = " ".join(CHUNKS[6].text.split()[:9])
    first = [Bundle(folder).ask(question, 3, dense=True) for folder in (tmp_path / "whole", run.path(BUNDLE))]
    assert [p.chunk_id for p in first[0]] == [p.chunk_id for p in first[1]]
