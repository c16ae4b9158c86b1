"""What an OpenAI-compatible server understands, found out from its first refusals and kept for the rest of the run.

Servers say the same protocol with gaps: some know no ``response_format``, some templates refuse a system message, some models want
``max_completion_tokens`` or no temperature. A refusal costs nothing, so the first request is sent whole and each refusal that names a part
takes that part away. Whatever is left out, the answer must still have the asked form: forms.py checks every one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from triplette.llm.forms import bare_of

REFUSALS = (400, 404, 405, 415, 422, 500, 501)  # 500: several servers let a template's error through
_REASONING = re.compile(r"^(?:o\d|gpt-[5-9])")  # refuse temperature and call the limit max_completion_tokens
_FORM = re.compile(r"response_format|json_schema|json_object|structured output|guided|grammar", re.IGNORECASE)
_SYSTEM = re.compile(r"system (?:role|message|prompt)|role.{0,20}system|roles must alternate", re.IGNORECASE)
_LIMIT = re.compile(r"max_tokens.{0,80}(?:not supported|unsupported|max_completion_tokens)|unexpected.{0,40}max_tokens", re.IGNORECASE)
_NEW_LIMIT = re.compile(r"(?:unknown|unexpected|unrecogni[sz]ed|extra|not permitted).{0,60}max_completion_tokens", re.IGNORECASE)
_TEMPERATURE = re.compile(
    r"temperature.{0,80}(?:not supported|unsupported|only the default|not permitted)|unexpected.{0,40}temperature", re.I
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The parts of a request that a server takes. ``form`` is what is left of ``response_format``: as asked, json_object, or none."""

    form: str = "as asked"
    system: bool = True
    limit: str = "max_tokens"
    temperature: bool = True

    @classmethod
    def of(cls, model: str) -> Dialect:
        """What is known of a model by its name."""
        return cls(limit="max_completion_tokens", temperature=False) if _REASONING.match(model) else cls()

    def shape(self, body: dict[str, Any]) -> dict[str, Any]:
        """The request as this server takes it."""
        shaped = dict(body)
        if "max_tokens" in shaped:
            shaped[self.limit] = shaped.pop("max_tokens")
        if not self.temperature:
            shaped.pop("temperature", None)
        if self.form == "none":
            shaped.pop("response_format", None)
        elif self.form == "json_object" and "response_format" in shaped:
            shaped["response_format"] = {"type": "json_object"}
        if not self.system:
            shaped["messages"] = _without_system(shaped["messages"])
        return shaped

    def after(self, status: int, message: str, body: dict[str, Any]) -> Dialect | None:
        """What to try after a refusal of ``body`` (as shaped); None when it names no part that can be left out."""
        if status not in REFUSALS:
            return None
        form = body.get("response_format")
        if form and _FORM.search(message):
            return replace(self, form="none" if form.get("type") == "json_object" else "json_object")
        if _SYSTEM.search(message) and any(item.get("role") == "system" for item in body["messages"]):
            return replace(self, system=False)
        if "max_tokens" in body and _LIMIT.search(message):
            return replace(self, limit="max_completion_tokens")
        if "max_completion_tokens" in body and _NEW_LIMIT.search(message):
            return replace(self, limit="max_tokens")
        if "temperature" in body and _TEMPERATURE.search(message):
            return replace(self, temperature=False)
        return None

    def said(self, model: str) -> tuple[str, ...]:
        """What the server turned out not to take, for the user."""
        known = Dialect.of(model)
        found = []
        if self.form == "json_object":
            found.append("it takes no JSON schema: plain JSON was asked for, and every answer checked")
        elif self.form == "none":
            found.append("it takes no response_format: every answer was checked against the schema all the same")
        if not self.system:
            found.append("it takes no system message: the instructions went in front of the first user message")
        if self.limit != known.limit:
            found.append(f"it wants {self.limit}")
        if self.temperature != known.temperature:
            found.append("it takes no temperature: its own was used")
        return tuple(found)


@dataclass(slots=True)
class FormKept:
    """Whether a server holds to the form that it takes: some know the field ``response_format`` and ignore it."""

    answers: int = 0
    broken: int = 0  # of them: they do not begin as a JSON object

    def count(self, content: str, *, fresh: bool) -> None:
        """One first answer to a request, whole or cut; what was paid before tells nothing of this server."""
        self.answers += fresh
        self.broken += fresh and not bare_of(content).startswith("{")

    def said(self, dialect: Dialect, asked: str) -> tuple[str, ...]:
        """For the user; ``asked``: the setting ``response_format``."""
        if not self.broken or asked == "text" or dialect.form == "none":
            return ()
        return (f"it takes response_format, yet {self.broken} of {self.answers} first answers were no JSON object: it may ignore it",)


def _without_system(messages: Any) -> list[dict[str, Any]]:
    """The messages with the system's text in front of the first user message."""
    said = "\n\n".join(str(item["content"]) for item in messages if item.get("role") == "system")
    rest = [dict(item) for item in messages if item.get("role") != "system"]
    for item in rest:
        if item.get("role") == "user" and said:
            item["content"] = f"{said}\n\n{item['content']}"
            break
    return rest
