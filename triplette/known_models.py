"""Prompts of model families that say them on their card and not always in their folder, each with the page it comes from.

A folder's own prompts win; this list is asked where there are none. Pooling, normalisation, width and limit are never taken from here:
they are read off the model. ``dimensions`` are the Matryoshka sizes that a family was trained for at its full width.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from triplette.contract import CONTRACTS, PromptContract, titled


@dataclass(frozen=True, slots=True)
class KnownFamily:
    """A family: what its name looks like, its contract at full width, and the card that says so."""

    pattern: str
    contract: PromptContract
    source: str

    def matches(self, name: str) -> bool:
        """Whether a model's id or folder name belongs to the family."""
        return re.search(self.pattern, name.lower()) is not None


SEARCH = "Represent this sentence for searching relevant passages: "
INSTRUCT = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
CARD = "https://huggingface.co/"


def _family(pattern: str, name: str, query: str, document: str, source: str, sizes: tuple[int, ...], pooling: str) -> KnownFamily:
    contract = titled(name, query, document, pooling=pooling, dimensions=sizes, max_tokens=8192)
    return KnownFamily(pattern, contract, source)


# the first that matches: narrower names stand before wider ones
FAMILIES = (
    KnownFamily(r"embedding-?gemma-?2", CONTRACTS["embeddinggemma"], CARD + "google/embeddinggemma-2"),
    KnownFamily(r"embedding-?gemma", CONTRACTS["embeddinggemma"], "https://ai.google.dev/gemma/docs/embeddinggemma/model_card"),
    _family(r"e5-large-instruct", "e5-instruct", INSTRUCT + " ", "", CARD + "intfloat/multilingual-e5-large-instruct", (1024,), "mean"),
    KnownFamily(r"(^|[-_/])e5([-_/.]|$)", CONTRACTS["e5"], CARD + "intfloat/multilingual-e5-small"),
    _family(r"solon-embeddings", "solon", "query : ", "", CARD + "OrdalieTech/Solon-embeddings-large-0.1", (1024,), "mean"),
    _family(r"qwen3-embedding", "qwen3", INSTRUCT, "", CARD + "Qwen/Qwen3-Embedding-0.6B", (1024, 512, 256, 128), "lasttoken"),
    _family(r"arctic-embed-[ml]-v2", "arctic2", "query: ", "", CARD + "Snowflake/snowflake-arctic-embed-l-v2.0", (1024, 256), "cls"),
    _family(r"arctic-embed", "arctic", SEARCH, "", CARD + "Snowflake/snowflake-arctic-embed-m", (768,), "cls"),
    _family(r"granite-embedding", "granite", "", "", CARD + "ibm-granite/granite-embedding-311m-multilingual-r2", (768,), "cls"),
    _family(r"bge-m3", "bge-m3", "", "", CARD + "BAAI/bge-m3", (1024,), "cls"),
    _family(r"bge-(small|base|large)-en", "bge", SEARCH, "", CARD + "BAAI/bge-base-en-v1.5", (768,), "cls"),
    _family(r"m?denseon", "denseon", "query: ", "document: ", CARD + "lightonai/mDenseOn", (768, 512, 256), "cls"),
    _family(r"nomic-embed", "nomic", "search_query: ", "search_document: ", CARD + "nomic-ai/nomic-embed-text-v1.5", (768,), "mean"),
)


def known_family(*names: str) -> KnownFamily | None:
    """The family of the first name that is known, or None."""
    return next((family for name in names if name for family in FAMILIES if family.matches(name)), None)
