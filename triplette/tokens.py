"""Counting tokens: by the target tokenizer where it is installed, else by a calibrated estimate.

A chunk must never exceed the model's limit, so the estimate errs upwards: SentencePiece vocabularies of 256k
pieces need about 1 token a short French word, and one more for every 5 letters past the sixth;
digits are one token each (Gemma splits them), as are punctuation marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from triplette.errors import InputError

_PIECE = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_|\n")
WORD_LETTERS = 6  # letters of French that one piece of a 256k vocabulary holds
EXTRA_LETTERS = 5  # letters of each further piece
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
        return [
            len(_PIECE.findall(text)) + sum(-(-(len(word) - WORD_LETTERS) // EXTRA_LETTERS) for word in _LONG.findall(text))
            for text in texts
        ]


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
