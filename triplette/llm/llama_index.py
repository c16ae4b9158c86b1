"""The same calls through LlamaIndex, for who has its callbacks, tracing or token counting set up.

``OpenAILike`` builds the request over whatever client it is given; it is given ours, so that pace, budget, the answers kept on disk, the
limit of a body and what is learned of a server hold all the same. Nothing else of Triplette needs LlamaIndex (docs/decisions.md).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from triplette.errors import SettingError
from triplette.llm.http import ChatConnection

HELD = "held by the connection"  # in the key's place: LlamaIndex is never told it


def through_llama_index(connection: ChatConnection, model: str) -> Callable[..., Awaitable[Any]]:
    """``connection.create`` by way of LlamaIndex: the same parameters, the same reply, CallFailed as before.

    Raises SettingError where LlamaIndex is not installed.
    """
    try:
        from llama_index.core.base.llms.types import ChatMessage
        from llama_index.llms.openai_like import OpenAILike
    except ImportError:
        raise SettingError(
            "LlamaIndex's adapter for OpenAI-compatible endpoints is not installed",
            where="via",
            cure="pip install 'triplette[llama-index]', or leave via = \"own\"",
        ) from None
    client = SimpleNamespace(chat=SimpleNamespace(completions=connection))
    llm = OpenAILike(
        model=model, api_base="http://localhost", api_key=HELD, is_chat_model=True, max_retries=0, async_openai_client=client
    )

    async def create(*, model: str, messages: Sequence[Mapping[str, str]], **parameters: Any) -> Any:
        chat = [ChatMessage(role=message["role"], content=message["content"]) for message in messages]
        return (await llm.achat(chat, **parameters)).raw

    return create
