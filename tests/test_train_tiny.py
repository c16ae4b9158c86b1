"""The tiny model: EmbeddingGemma's architecture at a laptop's size, reproducible, its two tokenizers equal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from triplette.contract import PromptContract
from triplette.errors import InputError
from triplette.hashing import hash_tree
from triplette.train.tiny import TinyShape, build_tiny

SENTENCES = [
    "L'arbitre consigne l'appel fait par le joueur au trait.",
    "Le roque est permis si le roi et la tour n'ont pas joué.",
    "Art. 7.5.1 : un coup illégal fait perdre 2 minutes ; le 2e perd la partie.",
    "Où déposer la réclamation ?\nAuprès de l'arbitre, avant la fin de la ronde.",
]
SHAPE = TinyShape(hidden=96, layers=3, heads=3, kv_heads=1, head_dim=32, feed_forward=96, vocabulary=420, sliding_window=8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "model"
    build_tiny(folder, SENTENCES * 3, shape=SHAPE, seed=1)
    return folder


def test_it_has_every_part_of_embeddinggemma(tiny: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny), device="cpu")
    config = model[0].auto_model.config
    assert [type(module).__name__ for module in model] == ["Transformer", "Pooling", "Dense", "Dense", "Normalize"]
    assert config.use_bidirectional_attention
    assert config.layer_types == ["sliding_attention", "full_attention", "sliding_attention"]
    assert config.num_key_value_heads < config.num_attention_heads
    thetas = {kind: values["rope_theta"] for kind, values in config.rope_parameters.items()}
    assert thetas == {"full_attention": 1e6, "sliding_attention": 1e4}
    assert model[1].pooling_mode == "mean"
    assert [tuple(model[i].linear.weight.shape) for i in (2, 3)] == [(384, 96), (96, 384)]
    assert model[2].linear.bias is None
    assert model.prompts["query"] == "task: search result | query: "
    assert np.linalg.norm(model.encode(["bonjour"])) == pytest.approx(1, abs=1e-5)


def test_its_contract_is_embeddinggemmas_scaled_and_bound_to_its_tokenizer(tiny: Path) -> None:
    contract = PromptContract.load(tiny / "contract.json")
    assert contract.dimensions == (96, 64, 32, 16)
    assert contract.format_document("x", "y") == "title: y | text: x"
    assert len(contract.tokenizer_sha256) == 64


def test_attention_looks_both_ways(tiny: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer

    core = SentenceTransformer(str(tiny), device="cpu")[0].auto_model.eval()
    ids = torch.tensor([[2, 300, 301, 302, 303, 1]])
    other = ids.clone()
    other[0, 4] = 310
    with torch.no_grad():
        first, second = core(input_ids=ids).last_hidden_state, core(input_ids=other).last_hidden_state
    assert not torch.allclose(first[0, 1], second[0, 1])


@pytest.mark.parametrize(
    "text",
    [
        "L'arbitre  consigne\n\nle coup n° 14.",
        "  espaces devant et derrière  ",
        "hors du vocabulaire : 日本 🚀 ﬁn ß",
        "",
        "\n",
        "task: search result | query: Qui décide ?",
    ],
)
def test_the_fast_tokenizer_and_the_sentencepiece_file_give_the_same_ids(tiny: Path, text: str) -> None:
    import sentencepiece
    from transformers import AutoTokenizer

    slow = sentencepiece.SentencePieceProcessor(model_file=str(tiny / "tokenizer.model"))
    assert AutoTokenizer.from_pretrained(tiny)(text)["input_ids"] == [2, *slow.encode(text), 1]


def test_the_same_texts_and_seed_give_the_same_bytes(tiny: Path, tmp_path: Path) -> None:
    build_tiny(tmp_path / "again", SENTENCES * 3, shape=SHAPE, seed=1)
    assert hash_tree(tmp_path / "again") == hash_tree(tiny)


def test_few_texts_make_a_smaller_vocabulary_and_none_is_an_error(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    build_tiny(tmp_path / "few", ["Le roi."], shape=TinyShape(hidden=48, layers=2, head_dim=16, feed_forward=48))
    assert 261 < len(AutoTokenizer.from_pretrained(tmp_path / "few")) < 300
    with pytest.raises(InputError, match="no text to train a tokenizer on"):
        build_tiny(tmp_path / "none", ["", " "])
