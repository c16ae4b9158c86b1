"""BERT with WordPiece from end to end, and its file for LiteRT-LM: what is in it, that its own engine runs it, and faults that are caught."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_bundle import SETTINGS, paragraphs
from tiny_families import write_bert_run

from triplette.errors import InputError
from triplette.export.bundle import export_bundle
from triplette.export.convert.engine import EMBEDDER, ENCODER, FILE, METADATA, TOKENIZER
from triplette.export.proof.litertlm import check_litertlm, read_litertlm
from triplette.export.proof.verify import verify_bundle
from triplette.export.runtime import Bundle, Embedder
from triplette.export.tokenizers.wordpiece import WordPiece

# 4 bits on a random model: its ranking is noise, and not what these tests are about
INT4 = dataclasses.replace(
    SETTINGS, lengths=(128,), recipe="e4_a8_f4_p4", max_drop=1.0, quantised_cosine=0.6, litertlm=True, latency_threads=(), vocabulary="whole"
)  # fmt: skip


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with the file beside it."""
    run = write_bert_run(tmp_path_factory.mktemp("run") / "run", paragraphs(), kind="bert", tokens="wordpiece")
    return export_bundle(run, INT4).path


@pytest.fixture(scope="module")
def embedder(bundle: Path) -> Embedder:
    """The bundle's embedder."""
    return Embedder(bundle)


def fitting(embedder: Embedder) -> dict[str, list[int]]:
    """Formatted questions with their ids."""
    texts = [chunk.text[:60] for chunk in paragraphs(20)]
    return {embedder.contract.format_query(text): embedder.query_ids(text) for text in texts}


@pytest.mark.slow
def test_a_bert_with_wordpiece_is_exported_proven_asked_and_packed_for_litert_lm(bundle: Path, embedder: Embedder) -> None:
    assert isinstance(embedder.pieces, WordPiece)
    assert verify_bundle(bundle).failed == ()
    passage = Bundle(bundle).ask("Quand le joueur arrête-t-il sa pendule ?", 1)[0]
    assert passage.text
    found = read_litertlm(bundle / FILE)
    assert set(found) == {METADATA, TOKENIZER, EMBEDDER, ENCODER}
    assert b'"truncation": null' in found[TOKENIZER]


@pytest.mark.slow
def test_litert_lm_s_own_engine_gives_the_proven_file_s_vectors(bundle: Path, embedder: Embedder) -> None:
    litert_lm = pytest.importorskip("litert_lm")
    with litert_lm.EmbeddingEngine(str(bundle / FILE)) as engine:
        for text, ids in fitting(embedder).items():
            mine = embedder.model.embed(ids, embedder.dimension)
            assert float(np.dot(engine.compute_embedding(text).embedding, mine)) > 0.9999


@pytest.mark.slow
def test_a_damaged_weight_another_tokenizer_and_a_changed_section_are_caught(bundle: Path, embedder: Embedder, tmp_path: Path) -> None:
    sound = read_litertlm(bundle / FILE)

    def check(content: bytes, written: dict[str, bytes]) -> str:
        (tmp_path / FILE).write_bytes(content)
        found = check_litertlm(tmp_path / FILE, written, embedder.model, bundle / "model.tflite", fitting(embedder), tmp_path)
        assert found.name == "litertlm"
        return "" if found.passed else found.detail

    whole = (bundle / FILE).read_bytes()
    assert check(whole, sound) == ""
    start = whole.index(sound[ENCODER])
    middle = start + len(sound[ENCODER]) // 2  # among the weights
    damaged = whole[:middle] + bytes(byte ^ 0xFF for byte in whole[middle : middle + 64]) + whole[middle + 64 :]
    assert "section tf_lite_text_encoder is not what was written" in check(damaged, sound)
    (tmp_path / FILE).write_bytes(damaged)
    assert "are not the proven file's" in check(damaged, read_litertlm(tmp_path / FILE))
    other = embedder.model.spec
    wrong = dataclasses.replace(other, tokenizer=dataclasses.replace(other.tokenizer, before=()))
    embedder.model.spec = wrong
    try:
        assert "texts get other tokens" in check(whole, sound)
    finally:
        embedder.model.spec = other


@pytest.mark.slow
def test_what_is_no_such_file_is_refused(bundle: Path, tmp_path: Path) -> None:
    shutil.copy(bundle / "model.tflite", tmp_path / FILE)
    with pytest.raises(InputError, match=r"not a \.litertlm file"):
        read_litertlm(tmp_path / FILE)
