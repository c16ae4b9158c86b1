"""The forms that a bundle's ``tokenizer.model`` has: SentencePiece's own, and texts whose first line names them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from triplette.export.tokenizers import byte_level, wordpiece
from triplette.export.tokenizers.pieces import Pieces, Tokenizer, TokenizerSpec

Reader = Callable[[Path, TokenizerSpec], Tokenizer]
TEXTS: dict[str, Reader] = {byte_level.HEADER: byte_level.ByteLevel, wordpiece.HEADER: wordpiece.WordPiece}


def text_form(content: bytes) -> Reader | None:
    """What reads a file that begins so; None for SentencePiece's form."""
    return next((reader for header, reader in TEXTS.items() if content.startswith(header.encode())), None)


def open_tokenizer(path: Path, spec: TokenizerSpec) -> Tokenizer:
    """The bundle's tokenizer, of whichever form its file is. Raises InputError where it is of none."""
    content = b""
    if path.exists():
        with path.open("rb") as stream:
            content = stream.read(max(map(len, TEXTS)))
    return (text_form(content) or Pieces)(path, spec)
