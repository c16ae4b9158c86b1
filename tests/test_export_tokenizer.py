"""The bundle's tokenizer: the same ids as the model's own, whatever the text."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from triplette.errors import InputError, ProofFailed
from triplette.export.tokenizers.build import (
    AWKWARD,
    build_sentencepiece,
    build_unigram,
    compare,
    read_json,
    read_spec,
    write_tokenizer,
)
from triplette.export.tokenizers.pieces import Pieces
from triplette.train.tiny import TinyShape, _save_tokenizer

CORPUS = Path(__file__).parents[1] / "fr_rules"


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """The lines of the sample corpus."""
    return [line for path in sorted(CORPUS.glob("*.md")) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> Path:
    """A folder with a trained tokenizer in both forms."""
    path = tmp_path_factory.mktemp("tokenizer") / "model"
    _save_tokenizer(path, lines[:1500], TinyShape(vocabulary=1500))
    return path


@pytest.fixture(scope="module")
def reference(folder: Path) -> Any:
    """The model's own tokenizer."""
    from triplette.export.convert.stage import load_tokenizer

    return load_tokenizer(folder)


def test_the_shipped_file_is_copied_and_agrees(folder: Path, reference: Any, lines: list[str], tmp_path: Path) -> None:
    built = write_tokenizer(folder, reference, lines, tmp_path / "tokenizer.model")
    assert built.origin == "copied"
    assert (tmp_path / "tokenizer.model").read_bytes() == (folder / "tokenizer.model").read_bytes()
    assert built.agreement.compared == len(lines) + len(AWKWARD)
    assert (built.spec.before, built.spec.after, built.spec.pad) == ((2,), (1,), 0)
    # <mask> is a user-defined piece: SentencePiece finds it by itself
    assert built.spec.specials == {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3}


def test_one_built_from_tokenizer_json_agrees_as_well(folder: Path, reference: Any, lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "built.model"
    path.write_bytes(build_sentencepiece(read_json(folder), reference))
    agreement = compare(Pieces(path, read_spec(folder, reference)), reference, lines)
    assert (agreement.differing, agreement.examples) == (0, ())


def test_a_shipped_file_that_disagrees_is_not_copied(folder: Path, reference: Any, lines: list[str], tmp_path: Path) -> None:
    import shutil

    from sentencepiece import sentencepiece_model_pb2 as protocol

    wrong = Path(shutil.copytree(folder, tmp_path / "wrong"))
    model = protocol.ModelProto()
    model.ParseFromString((wrong / "tokenizer.model").read_bytes())
    model.pieces.insert(400, model.pieces.pop())  # every id after it is off by one
    (wrong / "tokenizer.model").write_bytes(model.SerializeToString())
    assert compare(Pieces(wrong / "tokenizer.model", read_spec(wrong, reference)), reference, lines[:50]).differing > 40
    assert write_tokenizer(wrong, reference, lines[:200], tmp_path / "tokenizer.model").origin == "built"


def test_when_neither_agrees_the_text_is_named_and_nothing_is_left(folder: Path, reference: Any, tmp_path: Path) -> None:
    class Shifted:
        """A tokenizer whose ids are one too high."""

        pad_token_id = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(reference, name)

        def __call__(self, text: str, **options: Any) -> dict[str, list[int]]:
            return {"input_ids": [i + 1 for i in reference(text, **options)["input_ids"]]}

    with pytest.raises(ProofFailed, match=r"the bundle's tokenizer disagrees.*copied: .*built: ") as caught:
        write_tokenizer(folder, Shifted(), ["le roi"], tmp_path / "tokenizer.model")
    assert "'le roi'" in str(caught.value)
    assert not (tmp_path / "tokenizer.model").exists()


def test_another_kind_of_tokenizer_is_refused(folder: Path, reference: Any) -> None:
    content = read_json(folder)
    with pytest.raises(InputError, match="is WordPiece, not byte-pair merges with byte fallback or Unigram"):
        build_sentencepiece({**content, "model": {**content["model"], "type": "WordPiece"}}, reference)


def test_xlm_r_s_unigram_is_built_and_agrees_on_the_corpus_and_awkward_strings(lines: list[str], tmp_path: Path) -> None:
    from tiny_families import unigram

    own = unigram(lines)
    own.save_pretrained(tmp_path)
    path = tmp_path / "tokenizer.model"
    built = write_tokenizer(tmp_path, own, lines, path)
    assert (built.origin, built.agreement.differing, built.agreement.compared) == ("built", 0, len(lines) + len(AWKWARD))
    assert (built.spec.before, built.spec.after, built.spec.pad) == ((0,), (2,), 1)
    content = read_json(tmp_path)
    with pytest.raises(InputError, match="normalises or splits by Lowercase"):
        build_unigram({**content, "normalizer": {"type": "Lowercase"}}, own)


def test_truncation_cuts_the_text_and_keeps_the_ids_around_it(folder: Path, reference: Any) -> None:
    pieces = Pieces(folder / "tokenizer.model", read_spec(folder, reference))
    text = "Le joueur au trait arrête sa pendule. " * 9
    for limit in (3, 8, 64):
        assert pieces.encode(text, limit) == reference(text, truncation=True, max_length=limit)["input_ids"]
    assert pieces.encode("", 8) == [2, 1]


def test_special_tokens_in_a_text_are_single_ids(folder: Path, reference: Any) -> None:
    spec = read_spec(folder, reference)
    pieces = Pieces(folder / "tokenizer.model", spec)
    assert pieces.text_ids("<bos>a<eos>")[0] == 2
    without = Pieces(folder / "tokenizer.model", dataclasses.replace(spec, specials={}))
    assert without.text_ids("<bos>a<eos>")[0] != 2, "SentencePiece alone spells control tokens out"


BYTE_LEVEL_TEXTS = (
    "  [MASK] au début",
     "un \t[MASK] ici", "deux  ,   trois    et     cinq espaces  ", "l'ſ 'S 'Re d'ÉTÉ'ÉTÉ", "\x1c\x1d\x1e\x1f\x85\u180e\u2028\u3000fin",

    "e\u0301te\u0301 \u1112\u1161\u11ab", "<|endoftext|> dedans <|im_start|>", "1234567 ½ Ⅻ ٣",
    "ligne\r\n\r\n  autre\n \n", "क्षि ไทย 한국어", "x" * 3000, "\ud7ff\U0010ffff",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["modernbert", "qwen3"])
def test_byte_level_bpe_is_built_and_agrees_with_the_original(kind: str, lines: list[str], tmp_path: Path) -> None:
    from family_models import byte_level

    from triplette.export.tokenizers.byte_level import ByteLevel

    own = byte_level(lines[:600], kind)
    own.save_pretrained(tmp_path)
    words = " ".join(lines).split()
    texts = [*lines, *(" ".join(words[start : start + 5]) for start in range(0, len(words), 5)), *BYTE_LEVEL_TEXTS]
    built = write_tokenizer(tmp_path, own, texts, tmp_path / "tokenizer.model")
    assert (built.origin, built.agreement.differing) == ("built", 0)
    assert built.agreement.compared > 4000
    tokenizer = ByteLevel(tmp_path / "tokenizer.model", built.spec)
    assert tokenizer.encode("Le joueur au trait", 5) == own("Le joueur au trait", truncation=True, max_length=5)["input_ids"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normalizer": {"type": "Lowercase"}}, "normalises by Lowercase"),
        ({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}}, "by exactly one expression"),
        ({"model": {"ignore_merges": True}}, "sets ignore_merges"),
        ({"added_tokens": [{"content": "<x>", "id": 1, "rstrip": True}]}, "found by rules of their own"),
    ],
)
def test_a_byte_level_tokenizer_of_another_make_is_refused_by_name(
    change: dict[str, Any], message: str, lines: list[str], tmp_path: Path
) -> None:
    from family_models import byte_level

    from triplette.export.tokenizers.build import check_kind

    byte_level(lines[:50], "modernbert", 300).save_pretrained(tmp_path)
    content = read_json(tmp_path)
    assert check_kind(content) == "byte-level BPE"
    with pytest.raises(InputError, match=message):
        check_kind({**content, **change, "model": {**content["model"], **change.get("model", {})}})
