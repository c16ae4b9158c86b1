"""The form of an answer: the JSON schema that is asked for, and the strict reading of what came.

An answer is a JSON object that the schema accepts and nothing else. What we take off is a Markdown fence around it, which many local
models always add, and the ``<think>`` block that reasoning models put before it where their server does not take it out. Anything else is
malformed, and the error says why in words that the model can act on.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from triplette.hashing import canonical_json

if TYPE_CHECKING:
    from pydantic import BaseModel

_FENCE = re.compile(r"^```(?:json)?\s*\n(.*)\n\s*```$", re.DOTALL)
_THOUGHT = re.compile(r"^<think>.*?</think>\s*", re.DOTALL)
_DROPPED = ("title", "default", "minLength", "maxLength")  # strict structured output does not know them; pydantic still checks
ERRORS_SHOWN = 3


@lru_cache(maxsize=32)
def schema_of(form: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of ``form`` as strict structured output wants it: closed objects, every field required."""
    return dict(_strict(form.model_json_schema()))


@lru_cache(maxsize=32)
def schema_text(form: type[BaseModel]) -> str:
    """The schema as canonical JSON, which is part of each answer's key and counts in its price."""
    return canonical_json(schema_of(form))


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain: dict[str, Any] = {}
    for key, value in node.items():
        if key in ("properties", "$defs"):
            plain[key] = {name: _strict(inner) for name, inner in value.items()}
        elif key not in _DROPPED:
            plain[key] = _strict(value)
    if plain.get("type") == "object":
        plain["additionalProperties"] = False
        plain["required"] = list(plain.get("properties", {}))
    return plain


@lru_cache(maxsize=32)
def response_format(form: type[BaseModel], how: str) -> dict[str, Any] | None:
    """The request's ``response_format`` for ``json_schema`` or ``json_object``; None for ``text``."""
    if how == "text":
        return None
    if how == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": form.__name__, "strict": True, "schema": schema_of(form)}}


def bare_of(text: str) -> str:
    """An answer without a thought before it and without a fence around it."""
    bare = _THOUGHT.sub("", text.strip())
    fenced = _FENCE.match(bare)
    return fenced.group(1) if fenced else bare


def read_answer(text: str, form: type[BaseModel], *, cut: bool) -> tuple[BaseModel | None, str]:
    """(value, "") or (None, what is wrong). ``cut``: the endpoint said that the answer reached its length limit."""
    from pydantic import ValidationError

    bare = bare_of(text)
    try:
        value = form.model_validate_json(bare)
        twice = _named_twice(bare)
        return (None, f"it names {twice[:40]!r} twice in one object") if twice else (value, "")
    except ValidationError as error:
        if cut:
            return None, "the answer was cut at its length limit: answer more briefly"
        found = error.errors(include_url=False, include_input=False, include_context=False)
        if found[0]["type"] == "json_invalid":
            return None, "not one JSON object alone, with nothing before or after it"
        shown = (f"{'.'.join(map(str, item['loc'])) or 'the object'}: {item['msg']}" for item in found[:ERRORS_SHOWN])
        return None, "; ".join(shown)


def _named_twice(text: str) -> str:
    """A key that an object of valid JSON names twice, or "": which of the two was meant is not for us to say."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            found.append(next(name for name in names if names.count(name) > 1))

    json.loads(text, object_pairs_hook=look)
    return found[0] if found else ""
