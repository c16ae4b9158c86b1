"""Byte-level byte-pair encoding (Radford et al. 2019, GPT-2) as the phone reads it: ModernBERT's and Qwen's tokenizers.

A text is put into NFC where the model does so, cut by one regular expression, and the UTF-8 bytes of each cut are merged, the earliest learned pair first. The
bundle's ``tokenizer.model`` is then a text: a first line that says so, NFC or not, the expression, the ids of the 256 bytes, and a line
``left right merged`` a merge. SentencePiece has no such form. Merging takes a heap: a word of n bytes costs n log n, not n squared.
"""

from __future__ import annotations

import heapq
import unicodedata
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.export.tokenizers.pieces import SPACES, Tokenizer, TokenizerSpec

HEADER = "triplette byte-level BPE 1"
NAME = "byte-level BPE"
# the expression of GPT-2, which ``tokenizer.json`` calls use_regex and does not spell out
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CUT_SECONDS = 10.0  # on one text; the expressions that tokenizers bring take milliseconds, and a hostile one has no end
CURE = "use byte-level BPE put together as ModernBERT's or Qwen's is"


class ByteLevel(Tokenizer):
    """A byte-level ``tokenizer.model`` and its spec. Raises InputError where the file is not one."""

    def __init__(self, path: Path, spec: TokenizerSpec) -> None:
        import regex  # type: ignore[import-untyped]

        super().__init__(spec)
        try:
            header, form, pattern, alphabet, *merges = path.read_text(encoding="utf-8").split("\n")
            if header != HEADER:
                raise ValueError(f"its first line is {header!r}")
            self._bytes = [int(identity) for identity in alphabet.split()]
            self._merges: dict[tuple[int, int], tuple[int, int]] = {}
            for rank, line in enumerate(merges):
                left, right, merged = line.split()
                self._merges[int(left), int(right)] = rank, int(merged)
            if len(self._bytes) != 256:
                raise ValueError(f"its alphabet has {len(self._bytes)} of the 256 bytes")
            self._pattern: Any = regex.compile(pattern)
        except (OSError, ValueError, regex.error) as error:
            raise InputError(f"not a byte-level tokenizer ({error})", where=str(path), cure="export the bundle again") from error
        self._composed, self._path = form == "NFC", path
        self._known: dict[str, list[int]] = {}

    def plain_ids(self, text: str) -> list[int]:
        """The ids of a text that holds no special token."""
        if self._composed:
            text = unicodedata.normalize("NFC", text)
        ids: list[int] = []
        start = 0
        try:
            for found in self._pattern.finditer(text, timeout=CUT_SECONDS):
                ids += self._word(text[start : found.start()]) + self._word(found.group())
                start = found.end()
        except TimeoutError:
            raise InputError(
                "its regular expression does not end on a text", where=str(self._path), cure="do not use this bundle"
            ) from None
        return ids + self._word(text[start:])

    def _word(self, word: str) -> list[int]:
        """The ids of one cut; words come again and again, and are merged once."""
        if word not in self._known:
            if len(self._known) > 100_000:
                self._known.clear()
            self._known[word] = self._merge([self._bytes[byte] for byte in word.encode("utf-8")])
        return self._known[word]

    def _merge(self, ids: list[int]) -> list[int]:
        count = len(ids)
        following, before = list(range(1, count + 1)), list(range(-1, count - 1))
        heap: list[tuple[int, int, int, int, int]] = []

        def offer(left: int) -> None:
            if left >= 0 and following[left] < count:
                pair = ids[left], ids[following[left]]
                if pair in self._merges:
                    heapq.heappush(heap, (self._merges[pair][0], left, *pair, self._merges[pair][1]))

        for place in range(count - 1):
            offer(place)
        while heap:
            _, left, first, second, merged = heapq.heappop(heap)
            right = following[left]
            if ids[left] != first or right >= count or ids[right] != second:
                continue  # one of the two was merged meanwhile
            ids[left], ids[right] = merged, -1
            following[left] = following[right]
            if following[right] < count:
                before[following[right]] = left
            offer(before[left])
            offer(left)
        return [identity for identity in ids if identity >= 0]


def is_byte_level(content: dict[str, Any]) -> bool:
    """Whether a ``tokenizer.json`` is byte-pair encoding over bytes."""
    splits = _steps(content.get("pre_tokenizer"), "pretokenizers")
    return (content.get("model") or {}).get("type") == "BPE" and any(step["type"] == "ByteLevel" for step in splits)


def build_byte_level(content: dict[str, Any]) -> bytes:
    """The bundle's form of a byte-level ``tokenizer.json``. Raises InputError naming what the phone's code does not do."""
    model = content["model"]
    for key in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges"):
        if model.get(key):
            raise InputError(f"the tokenizer sets {key}: {model[key]!r}", cure=CURE)
    normalizers = [step["type"] for step in _steps(content.get("normalizer"), "normalizers")]
    if normalizers not in ([], ["NFC"]):
        raise InputError(f"the tokenizer normalises by {', '.join(normalizers)}", cure=CURE)
    odd = [token["content"] for token in content["added_tokens"] if token.get("rstrip") or token.get("single_word")]
    if odd:
        raise InputError(f"the added tokens {odd[:3]} are found by rules of their own", cure=CURE)
    vocabulary: dict[str, int] = model["vocab"]
    missing = [byte for byte, sign in enumerate(ALPHABET) if sign not in vocabulary]
    if missing:
        raise InputError(f"{len(missing)} bytes have no token", cure=CURE)
    lines = [HEADER, "NFC" if normalizers else "as it is", _pattern(content), " ".join(str(vocabulary[sign]) for sign in ALPHABET)]
    for merge in model["merges"]:
        left, right = merge if isinstance(merge, list) else merge.split(" ", 1)
        lines.append(f"{vocabulary[left]} {vocabulary[right]} {vocabulary[left + right]}")
    return "\n".join(lines).encode("utf-8")


def stripping_tokens(content: dict[str, Any]) -> tuple[str, ...]:
    """The added tokens that take the spaces before them with them."""
    return tuple(str(token["content"]) for token in content["added_tokens"] if token.get("lstrip"))


def _pattern(content: dict[str, Any]) -> str:
    """The one expression that cuts a text, in a form that Python, Java and Android read alike."""
    *splits, last = _steps(content["pre_tokenizer"], "pretokenizers")
    if last["type"] != "ByteLevel" or last.get("add_prefix_space") or len(splits) + bool(last.get("use_regex")) != 1:
        raise InputError("the tokenizer does not cut a text by exactly one expression", cure=CURE)
    if not splits:
        return portable(GPT2)
    split = splits[0]
    pattern = split.get("pattern", {}).get("Regex")
    if split["type"] != "Split" or split.get("behavior") != "Isolated" or split.get("invert") or pattern is None:
        raise InputError(f"the tokenizer cuts by {split['type']}, not by an expression that isolates what it finds", cure=CURE)
    return portable(str(pattern))


def portable(pattern: str) -> str:
    r"""The expression with ``\s`` and ``\S`` spelled out: Java's are ASCII, Python's know four more characters than Rust's."""
    out, inside, at = [], False, 0
    while at < len(pattern):
        step = pattern[at : at + 2] if pattern[at] == "\\" else pattern[at]
        if step == r"\s":
            out.append(SPACES if inside else f"[{SPACES}]")
        elif step == r"\S":
            if inside:
                raise InputError(r"the tokenizer's expression has \S in a class", cure=CURE)
            out.append(f"[^{SPACES}]")
        else:
            inside = True if step == "[" else False if step == "]" else inside
            out.append(step.replace("\n", r"\n").replace("\r", r"\r"))
        at += len(step)
    return "".join(out)


def _steps(entry: dict[str, Any] | None, key: str) -> list[dict[str, Any]]:
    if entry is None:
        return []
    return list(entry[key]) if entry["type"] == "Sequence" else [entry]


def _alphabet() -> list[str]:
    """The sign that stands for each byte in the vocabulary: itself where it is printable, else one from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    signs = {byte: chr(byte) for byte in printable}
    others = [byte for byte in range(256) if byte not in signs]
    return [signs[byte] if byte in signs else chr(256 + others.index(byte)) for byte in range(256)]


ALPHABET = _alphabet()
