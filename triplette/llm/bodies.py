"""What an endpoint sends, read without trusting it: bounded in size and depth, and without the key that it may echo.

An endpoint may send anything: half a surrogate pair, a bill of ``Infinity`` tokens, JSON nested a hundred thousand deep, a megabyte of
gzip that unpacks to a gigabyte. Each becomes an answer, a bill that can be believed, or ``NotReadable``; none ends a run that others paid for.
"""

from __future__ import annotations

import json
import re
import zlib
from types import SimpleNamespace
from typing import Any

BODY_LIMIT = 4 << 20  # bytes: 32,768 tokens of answer and as many of reasoning are under a mebibyte
INT_DIGITS = 19  # beyond 2**63 no number of an endpoint means anything
KEY_PART = 8  # characters of a key in a row that are taken out wherever they stand
FINISH_LIMIT = 40  # characters of a finish reason; the longest known has 14
COUNTS = ("prompt_tokens", "completion_tokens")


class NotReadable(Exception):
    """A body that cannot be used. ``completion``: it was meant as a chat completion, so asking again may well bring the same."""

    def __init__(self, message: str, *, completion: bool) -> None:
        super().__init__(message)
        self.completion = completion


def unpack(content: bytes, encoding: str) -> bytes:
    """The body without its ``Content-Encoding`` (gzip or deflate, though we ask for neither), at most ``BODY_LIMIT`` bytes.

    Raises NotReadable for a longer one, a broken one, or an encoding that we do not know.
    """
    named = encoding.strip().lower()
    if named in ("gzip", "x-gzip", "deflate"):
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by its header
        try:
            content = unpacker.decompress(content, BODY_LIMIT + 1)
        except zlib.error:
            raise NotReadable(f"the endpoint sent a body that is not {named}", completion=False) from None
    elif named not in ("", "identity"):
        raise NotReadable(f"the endpoint sent a body in {named[:20]!r}, which was not asked for", completion=False)
    if len(content) > BODY_LIMIT:
        raise NotReadable(f"the endpoint sent more than {BODY_LIMIT >> 20} MiB for one answer", completion=True)
    return content


def read_json(content: bytes) -> Any:
    """JSON of any shape. Raises NotReadable when it is none, nests too deeply or names a key of one object twice."""
    try:
        return json.loads(content.decode("utf-8-sig", "replace"), parse_int=_whole, object_pairs_hook=_object)
    except RecursionError:
        raise NotReadable("the endpoint sent JSON that nests too deeply to be read", completion=True) from None
    except ValueError:
        raise NotReadable("the endpoint sent something that is not a chat completion", completion=False) from None


def _whole(digits: str) -> float:
    return int(digits) if len(digits) <= INT_DIGITS else float("inf")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotReadable("the endpoint sent JSON that names a key twice", completion=True)
    return found


def read_completion(content: bytes, secret: str = "") -> SimpleNamespace:
    """A chat completion as the object that LlamaIndex reads. Raises NotReadable when the body is not one (it may be billed).

    ``usage`` has, for each of ``COUNTS``, a number of tokens, None when none was said, and -1 when what was said is none.
    """
    return completion_of(read_json(content), secret)


def completion_of(body: Any, secret: str = "") -> SimpleNamespace:
    """``read_completion`` of JSON that was read already."""
    if not isinstance(body, dict) or "choices" not in body:
        raise NotReadable("the endpoint sent something that is not a chat completion", completion=False)
    choices = body["choices"]
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise NotReadable("the endpoint sent a chat completion without an answer in it", completion=True)
    usage = body.get("usage")
    said = usage if isinstance(usage, dict) else {}
    tokens = SimpleNamespace(**{name: _count(said.get(name)) for name in COUNTS}, total_tokens=0)
    refused = message.get("refusal")
    reply = SimpleNamespace(
        role="assistant",
        content=_text(message.get("content"), secret),
        tool_calls=None,
        audio=None,
        refusal=_text(refused, secret) if isinstance(refused, str) else "",
    )
    finish = choice.get("finish_reason")
    chosen = SimpleNamespace(message=reply, logprobs=None, finish_reason=_text(finish, secret)[:FINISH_LIMIT])
    return SimpleNamespace(choices=[chosen], usage=tokens)


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else -1


def _text(value: Any, secret: str) -> str:
    """A text as it can be stored: some servers send it in parts, and half a surrogate pair, which JSON can spell, is no text."""
    if isinstance(value, list):
        value = "".join(str(part.get("text", "")) if isinstance(part, dict) else str(part) for part in value)
    text = "" if value is None else str(value)
    return without_key(text.encode("utf-8", "replace").decode(), secret)


def without_key(text: str, secret: str) -> str:
    """``text`` with each stretch of ``KEY_PART`` or more characters of the key as ``[key]``; a shorter key only where it is whole."""
    size = min(KEY_PART, len(secret))
    if not size:
        return text
    spans: list[tuple[int, int]] = []
    for start in range(len(secret) - size + 1):
        part = secret[start : start + size]
        place = text.find(part)
        while place >= 0:
            spans.append((place, place + size))
            place = text.find(part, place + 1)
    for start, end in reversed(_joined(spans)):
        text = f"{text[:start]}[key]{text[end:]}"
    return text


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def redact(text: str, secret: str) -> str:
    """``text`` fit for a terminal and without the key: neither whole, nor in part, nor in the masked form that endpoints echo (sk-ab***yz)."""
    text = "".join(character if character.isprintable() else " " for character in text)
    return re.sub(r"\b(?:sk|pk|key)-[\w*.-]{3,}", "[key]", without_key(text, secret))
