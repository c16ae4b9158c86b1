"""The model, the key and the address of an endpoint: checked before anything is sent, and without a secret wherever it is written down."""

from __future__ import annotations

import os
import re
from urllib.parse import SplitResult, urlsplit

from triplette.errors import SettingError
from triplette.hashing import hash_text
from triplette.llm.bodies import KEY_PART, without_key
from triplette.settings.llm import LlmSettings

PROVIDER = "openai"
EXAMPLE = "such as http://127.0.0.1:8000/v1"
_KEY_LIKE = re.compile(r"(?:sk|pk|key|hf|gsk|xai|AIza)[-_]?[\w.-]{12,}")
_PLAIN_PART = re.compile(r"[a-z][a-z._-]{0,30}|v\d[\w.]{0,10}|[\w-]{1,12}")


def model_name(settings: LlmSettings) -> str:
    """The model without its provider. Raises SettingError for a missing or foreign one, or an address that holds a secret."""
    provider, _, model = settings.model.partition(":")
    if provider != PROVIDER or not model:
        said = f"{settings.model!r} does not name a model" if settings.model else "no model is named"
        raise SettingError(said, where="--llm", cure="give it as openai:MODEL; openai stands for any OpenAI-compatible endpoint")
    if not model.isprintable():
        raise SettingError("the model's name has characters that no name has", where="--llm", cure="give it as openai:MODEL")
    check_address(settings)
    return model


def key_of(settings: LlmSettings) -> str:
    """The key, or "". Raises SettingError for one with a line break or a space in it, without showing it."""
    key = os.environ.get(settings.key_variable, "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SettingError(
            "the key has a line break, a space or a character that no key has", where=settings.key_variable, cure=key_cure(settings)
        )
    return key


def key_cure(settings: LlmSettings) -> str:
    """How to give the key."""
    return f"put the key in the environment: export {settings.key_variable}=..."


def check_address(settings: LlmSettings) -> None:
    """Raise SettingError for a base URL that is none, or that holds a secret: it would be written down with the settings."""
    if not settings.base_url:
        return
    address = _split(settings.base_url)
    if address is None or address.scheme not in ("http", "https") or not address.hostname or not settings.base_url.isprintable():
        raise SettingError("this is not an address", where="--base-url", cure=EXAMPLE)
    if address.username or address.password or address.query or address.fragment:
        raise SettingError("the address holds a user, a password, a query or a #fragment", where="--base-url", cure=key_cure(settings))
    key = os.environ.get(settings.key_variable, "").strip()
    if (len(key) >= KEY_PART and without_key(address.path, key) != address.path) or _has_key(address.path):
        raise SettingError("the path of the address holds a key", where="--base-url", cure=key_cure(settings))


def _has_key(path: str) -> bool:
    return any(_KEY_LIKE.fullmatch(part) for part in path.split("/"))


def host_of(url: str) -> str:
    """Host and port of an address that was checked."""
    return urlsplit(url).netloc


def public_address(url: str) -> str:
    """The address as files may keep it: a part of the path that could be a secret is replaced by a hash, which still tells two apart."""
    address = _split(url)
    if not url or address is None:
        return ""
    parts = [part if not part or _PLAIN_PART.fullmatch(part) else f"[{hash_text(part)[:8]}]" for part in address.path.split("/")]
    return f"{address.scheme}://{address.netloc}{'/'.join(parts)}"


def _split(url: str) -> SplitResult | None:
    try:
        address = urlsplit(url)
        _ = address.port
    except ValueError:  # a bracket of IPv6 left open, a port beyond 65535
        return None
    return address
