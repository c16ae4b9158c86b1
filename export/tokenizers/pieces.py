"""Text to token ids with nothing but SentencePiece, as the phone does it.

Special tokens that stand in a text (``<bos>``) are one id for the tokenizer of the PyTorch model, but plain characters for
SentencePiece, which hides control pieces. So the text is cut at them first. Truncation cuts the text's tokens, never the
special tokens around them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.errors import InputError


@dataclass(frozen=True, slots=True)
class TokenizerSpec:
    """What SentencePiece's file does not say: ids put before and after a text, the padding id, tokens cut out of a text first."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    pad: int
    specials: Mapping[str, int]


class Pieces:
    """A ``tokenizer.model`` and its spec."""

    def __init__(self, path: Path, spec: TokenizerSpec) -> None:
        import sentencepiece

        if not path.exists():
            raise InputError("there is no tokenizer", where=str(path), cure="export the bundle again")
        self.spec = spec
        self._processor: Any = sentencepiece.SentencePieceProcessor(model_file=str(path))
        names = sorted(spec.specials, key=len, reverse=True)
        self._specials = re.compile("(" + "|".join(map(re.escape, names)) + ")") if names else None

    def text_ids(self, text: str) -> list[int]:
        """The ids of a text without the ids around it."""
        if self._specials is None:
            return list(self._processor.encode(text))
        ids: list[int] = []
        for index, part in enumerate(self._specials.split(text)):
            if index % 2:
                ids.append(self.spec.specials[part])
            elif part:
                ids += self._processor.encode(part)
        return ids

    def encode(self, text: str, limit: int) -> list[int]:
        """The ids of a text with the ids around it, at most ``limit`` in all."""
        room = limit - len(self.spec.before) - len(self.spec.after)
        return [*self.spec.before, *self.text_ids(text)[:room], *self.spec.after]
