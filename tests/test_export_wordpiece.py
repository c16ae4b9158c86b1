"""WordPiece in the bundle: the original's ids whatever the text, and what is refused or caught."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from tiny_families import wordpiece

from triplette.errors import InputError
from triplette.export.tokenizers.build import AWKWARD, check_kind, compare, read_json, read_spec, write_tokenizer
from triplette.export.tokenizers.forms import open_tokenizer
from triplette.export.tokenizers.wordpiece import WordPiece, build_wordpiece

CORPUS = Path(__file__).parents[1] / "fr_rules"
AWKWARD_TEXTS = (
    "👩🏽\u200d🏫 emoji, \u2764\ufe0f and 🇫🇷",
    "e\u0301te\u0301 E\u0301TE\u0301 ÉTÉ été",
    "東京タワー가각힣 ﷺ 豈\u3400",
    "العَرَبِيَّة עִבְרִית हिन्दी ไทย",
    "x" * 100,
    "x" * 101,
    "é" * 100 + " " + "é" * 101,
    "\x00\x01\x1c\x7f\x85\xad\u200e\u2028\ufeff\ufffd",
    "\ue000\uf8ff\U000f0000 private",
    "İstanbul ı ß ẞ ﬁ Σίσυφος ΟΔΟΣ",
    "a.b,c!d?e;f:g'h\"i(j)k[l]m{n}o",
    "$5+3=8 <x> ^ ` ~ | \u037e \u1fef \u00b7",
    "[CLS] [MASK] [UNK]x[SEP] [cls]",
    "\u302e\u302f\u1b44 \U0001d15e\U0001d160\U0001d16d\U0001d165 a\u0315\u0300\u05ae\u0327b",
    "\U0001d16d\u0941\U0001d165",
    "\u1e9b\u0323 \u212b \u2126 Å",
    "##a a##b ## # [PAD]",
    "\u0378 \U0001faf8 \U000110bd",
)


def random_texts(count: int) -> list[str]:
    """Texts of random characters: of any, of marks among letters, of the Latin and other alphabets."""
    rng = random.Random(1)
    every = [code for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    marks = [*range(0x300, 0x370), *range(0x1D165, 0x1D173), 0x302E, 0x1B44, 0x941, 0x61, 0xE9, 0x1, 0x1D15E, 0xAD]
    pools = (every, marks, range(0x20, 0x250), range(0x370, 0x3200))
    return ["".join(chr(rng.choice(pools[n % 4])) for _ in range(12)) for n in range(count)]


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """The lines of the sample corpus."""
    return [line for path in sorted(CORPUS.glob("*.md")) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


KINDS: dict[str, dict[str, Any]] = {
    "uncased": {},
    "cased": {"lowercase": False, "strip_accents": False},
    "uncased with accents, as it came": {"strip_accents": False, "clean_text": False, "handle_chinese_chars": False},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_gives_the_original_s_ids_on_the_corpus_and_awkward_strings(kind: str, lines: list[str], tmp_path: Path) -> None:
    own = wordpiece(lines[:600], **KINDS[kind])
    own.save_pretrained(tmp_path)
    words = " ".join(lines).split()
    usual = [*lines, *(" ".join(words[n : n + 5]) for n in range(0, len(words), 5))]
    texts = [*(usual if kind == "uncased" else usual[::8]), *AWKWARD_TEXTS, *random_texts(400)]
    built = write_tokenizer(tmp_path, own, texts, tmp_path / "tokenizer.model")
    assert (built.origin, built.agreement.differing) == ("built", 0)
    assert built.agreement.compared == len(texts) + len(AWKWARD)
    assert len(usual) > 4000
    assert (built.spec.before, built.spec.after, built.spec.pad) == ((2,), (3,), 0)
    tokenizer = WordPiece(tmp_path / "tokenizer.model", built.spec)
    assert tokenizer.encode("Le joueur au trait", 5) == own("Le joueur au trait", truncation=True, max_length=5)["input_ids"]


def test_a_word_is_longest_pieces_from_the_left_or_one_unknown_token(lines: list[str], tmp_path: Path) -> None:
    own = wordpiece(lines[:300], 300)
    own.save_pretrained(tmp_path)
    tokenizer = open_tokenizer(write(tmp_path, build_wordpiece(read_json(tmp_path))), read_spec(tmp_path, own))
    assert isinstance(tokenizer, WordPiece)
    assert tokenizer.normalised("L'Été à 東京!").split() == ["l", "'", "ete", "a", "東", "京", "!"]
    assert tokenizer.plain_ids("x" * 101) == [own.unk_token_id]
    assert len(tokenizer.plain_ids("x" * 100)) > 1
    assert tokenizer.plain_ids("☃") == [own.unk_token_id]


def test_half_a_surrogate_pair_is_refused_where_it_stands(lines: list[str], tmp_path: Path) -> None:
    own = wordpiece(lines[:100], 300)
    own.save_pretrained(tmp_path)
    tokenizer = open_tokenizer(write(tmp_path, build_wordpiece(read_json(tmp_path))), read_spec(tmp_path, own))
    with pytest.raises(InputError, match=r"half a surrogate pair \('\\ud83d'\)") as raised:
        tokenizer.encode("un \ud83d roi", 16)
    assert "character 3" in str(raised.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normalizer": {"type": "Lowercase"}}, "normalizer is Lowercase, not BertNormalizer"),
        ({"normalizer": None}, "normalizer is None, not BertNormalizer"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "pre_tokenizer is Whitespace, not BertPreTokenizer"),
        ({"added_tokens": [{"content": "<x>", "id": 1, "single_word": True}]}, "found by rules of their own"),
        ({"model": {"unk_token": "<none>"}}, "has no unknown token"),
        ({"model": {"continuing_subword_prefix": "# "}}, "has a space"),
        ({"model": {"max_input_chars_per_word": 10**6}}, "cuts words of 1000000 characters"),
    ],
)
def test_wordpiece_of_another_make_is_refused_by_name(change: dict[str, Any], message: str, lines: list[str], tmp_path: Path) -> None:
    wordpiece(lines[:50], 200).save_pretrained(tmp_path)
    content = read_json(tmp_path)
    assert check_kind(content) == "WordPiece"
    with pytest.raises(InputError, match=message):
        check_kind({**content, **change, "model": {**content["model"], **change.get("model", {})}})


@pytest.mark.parametrize(
    ("line", "content", "message"),
    [(1, "1 1000000 1 ##", "words of 1000000"), (1, "1 100", "not enough values"), (4, "9-d 9-d", "out of order"), (4, "0-ffffffffffff", "out of order")],
)  # fmt: skip
def test_a_hostile_file_is_refused(line: int, content: str, message: str, lines: list[str], tmp_path: Path) -> None:
    own = wordpiece(lines[:100], 300)
    own.save_pretrained(tmp_path)
    text = build_wordpiece(read_json(tmp_path)).decode().split("\n")
    text[line] = content
    with pytest.raises(InputError, match=message):
        open_tokenizer(write(tmp_path, "\n".join(text).encode()), read_spec(tmp_path, own))


def _another_prefix(text: list[str]) -> None:
    text[1] = text[1].replace("##", "@@")


def _accents_stay(text: list[str]) -> None:
    text[7] = " ".join(item for item in text[7].split() if not item.startswith("e9="))


def _capitals_stay(text: list[str]) -> None:
    text[7] = " ".join(item for item in text[7].split() if not 0x41 <= int(item.split("=")[0], 16) <= 0x5A)


def _punctuation_is_a_letter(text: list[str]) -> None:
    text[5] = ""


def _ids_are_one_too_high(text: list[str]) -> None:
    text.insert(300, "")


@pytest.mark.parametrize("fault", [_another_prefix, _accents_stay, _capitals_stay, _punctuation_is_a_letter, _ids_are_one_too_high])
def test_a_planted_fault_is_caught_by_the_comparison(fault: Any, lines: list[str], tmp_path: Path) -> None:
    own = wordpiece(lines[:300], 900)
    own.save_pretrained(tmp_path)
    sound = build_wordpiece(read_json(tmp_path)).decode().split("\n")
    spec = read_spec(tmp_path, own)
    assert compare(WordPiece(write(tmp_path, "\n".join(sound).encode()), spec), own, lines[:200]).differing == 0
    fault(sound)
    found = compare(WordPiece(write(tmp_path, "\n".join(sound).encode()), spec), own, lines[:200])
    assert found.differing > 10
    assert "in the model's tokenizer" in found.examples[0]


def write(folder: Path, content: bytes) -> Path:
    (folder / "tokenizer.model").write_bytes(content)
    return folder / "tokenizer.model"
