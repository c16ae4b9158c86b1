"""Text to token ids with nothing but what the bundle holds, as the phone does it.

Special tokens that stand in a text (``<bos>``) are one id for the tokenizer of the PyTorch model, but plain characters for
SentencePiece, which hides control pieces. So the text is cut at them first. Truncation cuts the text's tokens, never the
special tokens around them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.errors import InputError

# Unicode's White_Space, as it stands in a class of characters: what "any space" means differs between Rust, Python, Java and Android
SPACES = r"\t-\r\x85 \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class TokenizerSpec:
    """What the tokenizer's file does not say: ids put before and after a text, the padding id, tokens cut out of a text first.

    ``stripping`` names those that take the spaces before them with them.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    pad: int
    specials: Mapping[str, int]
    stripping: tuple[str, ...] = ()


class Tokenizer(ABC):
    """A spec, and whatever turns a text without special tokens into ids."""

    def __init__(self, spec: TokenizerSpec) -> None:
        self.spec = spec
        names = sorted(spec.specials, key=len, reverse=True)
        forms = [(f"[{SPACES}]*" if name in spec.stripping else "") + re.escape(name) for name in names]
        self._specials = re.compile("(" + "|".join(forms) + ")") if forms else None

    @abstractmethod
    def plain_ids(self, text: str) -> list[int]:
        """The ids of a text that holds no special token."""

    def text_ids(self, text: str) -> list[int]:
        """The ids of a text without the ids around it. Raises InputError for half a surrogate pair, which is no character."""
        if found := _SURROGATE.search(text):
            raise InputError(
                f"the text has half a surrogate pair ({found.group()!a})", where=f"character {found.start()}", cure="give it as UTF-8"
            )
        if self._specials is None:
            return self.plain_ids(text)
        ids: list[int] = []
        for index, part in enumerate(self._specials.split(text)):
            if index % 2:
                ids.append(self.spec.specials[part] if part in self.spec.specials else self.spec.specials[part.lstrip()])
            elif part:
                ids += self.plain_ids(part)
        return ids

    def encode(self, text: str, limit: int) -> list[int]:
        """The ids of a text with the ids around it, at most ``limit`` in all."""
        room = limit - len(self.spec.before) - len(self.spec.after)
        return [*self.spec.before, *self.text_ids(text)[:room], *self.spec.after]


class Pieces(Tokenizer):
    """A SentencePiece ``tokenizer.model`` and its spec."""

    def __init__(self, path: Path, spec: TokenizerSpec) -> None:
        import sentencepiece

        super().__init__(spec)
        if not path.exists():
            raise InputError("there is no tokenizer", where=str(path), cure="export the bundle again")
        try:
            self._processor: Any = sentencepiece.SentencePieceProcessor(model_file=str(path))
        except (RuntimeError, OSError) as error:
            said = " ".join(str(error).split())[:200]
            raise InputError(
                f"not a SentencePiece model ({said})", where=str(path), cure="copy the bundle again, or export it again"
            ) from None

    def plain_ids(self, text: str) -> list[int]:
        """The ids of a text that holds no special token."""
        return list(self._processor.encode(text))
