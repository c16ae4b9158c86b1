"""Counting tokens: by the target tokenizer where it is installed, else by a calibrated estimate.

A chunk must never exceed the model's limit, so the estimate errs upwards: SentencePiece vocabularies of 256k
pieces need about 1 token a short French word, and one more for every 5 letters past the sixth;
digits are one token each (Gemma splits them), as are punctuation marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from triplette.arrays import Flags, Int8s, Ints
from triplette.errors import InputError

_PIECE = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_|\n")
WORD_LETTERS = 6  # letters of French that one piece of a 256k vocabulary holds
EXTRA_LETTERS = 5  # letters of each further piece
SHORT, LONG = 200, 4_000_000  # characters: fewer are counted faster one by one, more take memory
TABLE = 0x3000  # characters: all alphabets
_LETTER, _SINGLE = 1, 2
_WORD_LETTER = re.compile(r"[^\W\d_]")
_LONG = re.compile(rf"[^\W\d_]{{{WORD_LETTERS + 1},}}")


class TokenCounter(Protocol):
    """Counts the tokens of texts, special tokens apart.

    ``additive``: the count of two texts with a blank or a line's end between is the sum of theirs, and of the line's end.
    """

    name: str
    additive: bool

    def count(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text."""
        ...


class EstimatedTokens:
    """An estimate that needs no model. Its name goes into every chunk, so that nobody takes it for a count."""

    name = "estimate"
    additive = True

    def count(self, texts: Sequence[str]) -> list[int]:
        """The estimated number of tokens of each text."""
        if len(texts) == 1:
            return [_in_one(texts[0])]
        if not SHORT < sum(map(len, texts)) < LONG:
            return [_one_by_one(text) for text in texts]
        found = _at_once(" ".join(texts))
        return [_one_by_one(text) for text in texts] if found is None else _sums(*found, texts)


def _one_by_one(text: str) -> int:
    return len(_PIECE.findall(text)) + sum(-(-(len(word) - WORD_LETTERS) // EXTRA_LETTERS) for word in _LONG.findall(text))


def _in_one(text: str) -> int:
    found = _at_once(text) if SHORT < len(text) < LONG else None
    return _one_by_one(text) if found is None else int(found[1].sum()) + int(np.count_nonzero(found[2]))


_Found = tuple[Ints, Ints, Flags]


def _at_once(text: str) -> _Found | None:
    """(where words begin, their tokens, whether each character is a token of its own): what ``_one_by_one`` counts, five times as fast.

    None where the text has letters beyond the table.
    """
    codes = np.frombuffer(text.encode("utf-32", "surrogatepass"), np.uint32)[1:]  # after the byte order mark
    if codes.max() >= TABLE:
        return None
    kinds = _kinds()[codes]
    letters = kinds == _LETTER
    first, last = letters.copy(), letters.copy()
    first[1:] &= ~letters[:-1]
    last[:-1] &= ~letters[1:]
    starts = np.flatnonzero(first)
    beyond = np.flatnonzero(last) - starts + (1 - WORD_LETTERS)  # letters over those of one piece
    return starts, 1 + (np.maximum(beyond, 0) + (EXTRA_LETTERS - 1)) // EXTRA_LETTERS, kinds == _SINGLE


def _sums(starts: Ints, words: Ints, singles: Flags, texts: Sequence[str]) -> list[int]:
    """The tokens of each of the texts that were joined by blanks."""
    tokens = singles.astype(np.int32)
    tokens[starts] = words
    total = np.concatenate([[0], np.cumsum(tokens)])
    ends = np.cumsum([len(text) + 1 for text in texts]) - 1
    begins = np.concatenate([[0], ends[:-1] + 1])
    return [int(count) for count in total[ends] - total[begins]]


@cache
def _kinds() -> Int8s:
    """What each character of the first ``TABLE`` is: a letter of a word, a token of its own, or neither."""
    found = np.zeros(TABLE, np.int8)
    for code in range(TABLE):
        match = _PIECE.fullmatch(chr(code))
        if match is not None:
            found[code] = _LETTER if _WORD_LETTER.fullmatch(chr(code)) else _SINGLE
    return found


class TokenizerTokens:
    """The count of a real tokenizer (``transformers`` id or local folder)."""

    additive = False

    def __init__(self, name: str) -> None:
        try:
            from transformers import AutoTokenizer
        except ImportError as error:
            raise InputError(
                f"the tokenizer {name!r} needs the models extra",
                cure="pip install 'triplette[models]', or set tokenizer = \"estimate\"",
            ) from error
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(name)
        except (OSError, ValueError) as error:
            raise InputError(
                f"cannot load the tokenizer {name!r}: {str(error).splitlines()[0]}",
                cure="accept the model's licence on its page and log in, give a local folder, or use 'estimate'",
            ) from error
        self.name = Path(name).name if Path(name).exists() else name

    def count(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, special tokens apart."""
        if not texts:
            return []
        return [len(ids) for ids in self._tokenizer(list(texts), add_special_tokens=False)["input_ids"]]


def token_counter(name: str) -> TokenCounter:
    """The counter that a setting names. Raises InputError when its tokenizer cannot be loaded."""
    return EstimatedTokens() if name == "estimate" else TokenizerTokens(name)
