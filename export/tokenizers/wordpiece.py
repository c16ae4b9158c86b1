"""WordPiece (Schuster and Nakajima 2012; Devlin et al. 2019, BERT) as the phone reads it: MiniLM's, LaBSE's and other BERTs' tokenizers.

A text's characters are cleaned, spaced, stripped of accents and lower-cased as the model says; each word between spaces becomes the longest pieces that
spell it from the left, or one unknown token. What is a letter, an accent or a punctuation mark changes with the version of Unicode, and phones have other
versions than the library that trained the model. So the bundle's ``tokenizer.model`` is a text that says for every character what becomes of it, read off
that library: characters that vanish, that separate words, that stand alone, and those that are replaced. Neither side asks its own tables.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.export.tokenizers.pieces import Tokenizer, TokenizerSpec

HEADER = "triplette WordPiece 1"
NAME = "WordPiece"
CURE = "use WordPiece put together as BERT's is"
HANGUL = range(0xAC00, 0xD7A4)  # syllables: their decomposition is a rule of its own, the same in every version of Unicode
# kept marks that NFD puts in order, of classes 216, 226 and 224: probes for what the library makes of others
LOW, HIGH, MIDDLE = "\U0001d165", "\U0001d16d", "\u302e"
LONGEST = 1000  # characters of a word, at most: longest match takes their square; BERT's tokenizers say 100
BLOCK = 4096  # characters that are normalised at once
SPACED = (0, 1, 14)  # the planes of Unicode with spaces, punctuation and marks; the others are ideographs, private or empty


class WordPiece(Tokenizer):
    """A WordPiece ``tokenizer.model`` and its spec. Raises InputError where the file is not one."""

    def __init__(self, path: Path, spec: TokenizerSpec) -> None:
        super().__init__(spec)
        try:
            header, settings, dropped, walls, spaces, alone, marks, others, *pieces = path.read_text(encoding="utf-8").split("\n")
            if header != HEADER:
                raise ValueError(f"its first line is {header!r}")
            unknown, longest, hangul, self._prefix = settings.split(" ")
            self._unknown, self._longest = int(unknown), int(longest)
            if not 0 < self._longest <= LONGEST:
                raise ValueError(f"words of {self._longest} characters are cut")
            self._walls = set(_characters(walls))
            self._forms = {**dict.fromkeys([*_characters(dropped), *self._walls], ""), **dict.fromkeys(_characters(spaces), " ")}
            self._forms.update((character, f" {character} ") for character in _characters(alone))
            self._forms.update((chr(int(code, 16)), _spelled(form)) for code, form in (item.split("=") for item in others.split()))
            if int(hangul):
                self._forms.update((chr(code), unicodedata.normalize("NFD", chr(code))) for code in HANGUL)
            ordered = [item.split("=") for item in marks.split()]
            _characters(" ".join(part for part, _ in ordered))
            self._marks = {c: int(order) for part, order in ordered for c in _characters(part)}
            self._ids = {piece: identity for identity, piece in enumerate(pieces) if piece}
        except (OSError, ValueError) as error:
            raise InputError(f"not a WordPiece tokenizer ({error})", where=str(path), cure="export the bundle again") from error

    def plain_ids(self, text: str) -> list[int]:
        """The ids of a text that holds no special token."""
        return [identity for word in self.normalised(text).split(" ") if word for identity in self._word(word)]

    def normalised(self, text: str) -> str:
        """The text as it is cut: words and single characters with spaces between."""
        done: list[str] = []
        waiting: list[str] = []  # marks in a row, which are put in the order of their classes
        for character in text:
            form = self._forms.get(character, character)
            for one in form:
                if one in self._marks:
                    waiting.append(one)
                else:
                    done += [*sorted(waiting, key=self._marks.__getitem__), one]
                    waiting.clear()
            if waiting and character in self._walls:
                done += sorted(waiting, key=self._marks.__getitem__)
                waiting.clear()
        return "".join([*done, *sorted(waiting, key=self._marks.__getitem__)])

    def _word(self, word: str) -> list[int]:
        """The longest pieces from the left; one unknown token where a rest has none, or the word is too long."""
        if len(word) > self._longest:
            return [self._unknown]
        ids: list[int] = []
        start = 0
        while start < len(word):
            prefix = self._prefix if start else ""
            end = next((end for end in range(len(word), start, -1) if prefix + word[start:end] in self._ids), None)
            if end is None:
                return [self._unknown]
            ids.append(self._ids[prefix + word[start:end]])
            start = end
        return ids


def is_wordpiece(content: Mapping[str, Any]) -> bool:
    """Whether a ``tokenizer.json`` is WordPiece."""
    return (content.get("model") or {}).get("type") == "WordPiece"


def check_wordpiece(content: Mapping[str, Any]) -> None:
    """Raise InputError naming what the phone's code does not do."""
    for part, known in (("normalizer", "BertNormalizer"), ("pre_tokenizer", "BertPreTokenizer")):
        kind = (content.get(part) or {}).get("type")
        if kind != known:
            raise InputError(f"the tokenizer's {part} is {kind}, not {known}", cure=CURE)
    odd = [token["content"] for token in content.get("added_tokens", ()) if token.get("normalized") or token.get("single_word")]
    if odd:
        raise InputError(f"the added tokens {odd[:3]} are found by rules of their own", cure=CURE)
    model = content["model"]
    if model.get("unk_token") not in model["vocab"]:
        raise InputError("the tokenizer has no unknown token", cure=CURE)
    if not 0 < model.get("max_input_chars_per_word", 100) <= LONGEST:
        raise InputError(f"the tokenizer cuts words of {model['max_input_chars_per_word']} characters", cure=CURE)
    if " " in (model.get("continuing_subword_prefix") or ""):
        raise InputError("the mark of a piece within a word has a space", cure=CURE)


def build_wordpiece(content: Mapping[str, Any]) -> bytes:
    """The bundle's form of a WordPiece ``tokenizer.json``. Raises InputError naming what the phone's code does not do."""
    check_wordpiece(content)
    hangul, lines = _tables(json.dumps({part: content[part] for part in ("normalizer", "pre_tokenizer")}, sort_keys=True))
    model = content["model"]
    vocabulary: dict[str, int] = model["vocab"]
    settings = (vocabulary[model["unk_token"]], model["max_input_chars_per_word"], int(hangul), model["continuing_subword_prefix"])
    names = {identity: piece for piece, identity in vocabulary.items()}
    # a piece with a line's end in it is met by no word
    pieces = ["" if "\n" in (piece := names.get(identity, "")) else piece for identity in range(max(names) + 1)]
    return "\n".join([HEADER, " ".join(map(str, settings)), *lines, *pieces]).encode("utf-8")


@lru_cache(maxsize=4)
def _tables(parts: str) -> tuple[bool, tuple[str, ...]]:
    """Whether syllables of Hangul are decomposed, and the lines of characters, for a normaliser and a pre-tokeniser in JSON."""
    import tokenizers

    empty = {"version": "1.0", "added_tokens": [], "model": {"type": "WordPiece", "unk_token": "?", "vocab": {"?": 0}}}
    empty["model"].update(continuing_subword_prefix="##", max_input_chars_per_word=100)  # type: ignore[attr-defined]
    original = tokenizers.Tokenizer.from_str(json.dumps({**empty, **json.loads(parts)}))
    normalise: Callable[[str], str] = original.normalizer.normalize_str
    forms = _forms(normalise, original.pre_tokenizer.pre_tokenize_str)
    hangul = all(forms.get(chr(code)) == unicodedata.normalize("NFD", chr(code)) for code in HANGUL)
    if hangul:
        for code in HANGUL:
            del forms[chr(code)]
    marks = _marks(normalise, forms)
    walls = {character for character, form in forms.items() if not form and marks and _is_wall(normalise, character)}
    orders = {part: order for order in set(marks.values()) for part in _ranges(c for c in marks if marks[c] == order)}
    rest = {c: form for c, form in forms.items() if form not in ("", " ", f" {c} ")}
    return hangul, (
        " ".join(_ranges(c for c, form in forms.items() if not form and c not in walls)),
        " ".join(_ranges(walls)),
        " ".join(_ranges(c for c, form in forms.items() if form == " ")),
        " ".join(_ranges(c for c, form in forms.items() if form == f" {c} ")),
        " ".join(f"{part}={orders[part]}" for part in sorted(orders, key=lambda part: int(part.split("-")[0], 16))),
        " ".join(f"{ord(c):x}={'+'.join(f'{ord(one):x}' for one in form)}" for c, form in sorted(rest.items())),
    )


def _forms(normalise: Callable[[str], str], split: Callable[[str], list[Any]]) -> dict[str, str]:
    """What becomes of every character that does not stay as it is, a space on either side of what stands alone."""
    found: dict[str, str] = {}
    for block in _blocks(range(17)):
        plain = block.replace("|", "")
        apart = "|".join(plain)
        if (made := normalise(apart)) != apart:
            found.update((c, part) for c, part in zip(plain, made.split("|"), strict=True) if part != c)
    letters = "".join(sorted({one for form in found.values() for one in form}))
    for block in (*_blocks(SPACED), letters):
        words = {start: word for word, (start, _) in split(" ".join(f"a{c}a" for c in block))}
        for place, c in enumerate(block):
            word = words[4 * place]
            if word == "a":  # cut after the first letter: the character stands alone or is a space
                found.setdefault(c, f" {c} " if words.get(4 * place + 1) == c else " ")
    # what a character is replaced by is cut like any other text
    alone = {c: form for c, form in found.items() if form in (" ", f" {c} ")}
    return {c: form if form == f" {c} " else "".join(alone.get(one, one) for one in form) for c, form in found.items()}


def _blocks(planes: Iterable[int]) -> Iterable[str]:
    """The characters of Unicode's planes but the surrogates, in blocks."""
    codes = [code for plane in planes for code in range(plane << 16, (plane + 1) << 16) if not 0xD800 <= code < 0xE000]
    return ["".join(map(chr, codes[start : start + BLOCK])) for start in range(0, len(codes), BLOCK)]


def _marks(normalise: Callable[[str], str], forms: Mapping[str, str]) -> dict[str, int]:
    """The kept characters that the library puts in order, with their classes (which no version of Unicode changes)."""
    if normalise(HIGH + LOW) != LOW + HIGH:
        return {}
    found = {}
    for block in _blocks(SPACED):
        for c in block:
            order = unicodedata.combining(c)
            if order and c not in forms:
                probe = LOW if order == unicodedata.combining(MIDDLE) else MIDDLE
                ordered = sorted((c, probe), key=unicodedata.combining)
                if normalise(ordered[1] + ordered[0]) == "".join(ordered):
                    found[c] = order
    return found


def _is_wall(normalise: Callable[[str], str], character: str) -> bool:
    """Whether marks on either side of a character that vanishes keep their order."""
    return unicodedata.category(character)[0] == "M" and normalise(HIGH + character + LOW) == HIGH + LOW


def _ranges(characters: Iterable[str]) -> list[str]:
    """Characters as ``first-last`` in hexadecimal, or ``first``."""
    parts: list[list[int]] = []
    for code in sorted(map(ord, characters)):
        if parts and code == parts[-1][1] + 1:
            parts[-1][1] = code
        else:
            parts.append([code, code])
    return [f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in parts]


def _characters(ranges: str) -> list[str]:
    """The characters of ``_ranges``, which a space separates."""
    ends = [(int(item.split("-")[0], 16), int(item.split("-")[-1], 16)) for item in ranges.split()]
    before = -1
    for first, last in ends:  # in order and apart, or a short line could name characters without end
        if not before < first <= last <= sys.maxunicode:
            raise ValueError(f"its characters {first:x}-{last:x} are out of order")
        before = last
    return [chr(code) for first, last in ends for code in range(first, last + 1)]


def _spelled(form: str) -> str:
    return "".join(chr(int(code, 16)) for code in form.split("+"))
