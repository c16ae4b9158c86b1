"""PromptContract: how texts become vectors, written once and read by every stage.

An embedding model is only as good as the agreement between those who use it: the same prefixes, pooling,
truncation and dimension in mining, training, evaluation, parity and on the phone. The contract is a small
JSON file whose hash travels with every artefact; a mismatch anywhere is an error.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from triplette.errors import ContractMismatch, InputError
from triplette.hashing import hash_value
from triplette.jsonl import read_object
from triplette.tables import write_text

POOLINGS = ("mean", "cls", "lasttoken")
FUSIONS = ("convex", "rrf")


@dataclass(frozen=True, slots=True)
class Fusion:
    """How production ranks by BM25 and the encoder together (``triplette.ranking.fusion``).

    ``method`` is ``convex`` (``lexical``: BM25's weight, 0..1, the encoder has the rest) or ``rrf`` (``rrf_k``: its constant).
    ``neighbours`` is the share of its score that a passage lends to the one before and the one after.
    """

    method: str = "convex"
    lexical: float = 0.3
    rrf_k: int = 60
    neighbours: float = 0.0

    def __post_init__(self) -> None:
        if self.method not in FUSIONS or not 0 <= self.lexical <= 1 or self.rrf_k < 1 or not 0 <= self.neighbours <= 1:
            raise ContractMismatch(
                f"no such fusion: {self}", cure="method convex or rrf, lexical and neighbours in 0..1, rrf_k of 1 or more"
            )

    @property
    def named(self) -> str:
        """The fusion in a few words."""
        own = f"BM25 {self.lexical:g}, encoder {1 - self.lexical:g}" if self.method == "convex" else f"RRF, k = {self.rrf_k}"
        return own + (f", neighbours {self.neighbours:g}" if self.neighbours else "")


@dataclass(frozen=True, slots=True)
class PromptContract:
    """Prefixes, pooling, normalisation, dimensions (largest first), token limit, base model, tokenizer hash.

    ``query_prefix`` is put before a question. ``document_prefix`` is put before a passage, after ``{title}``
    in it was replaced by the passage's title and ``title_end``, or by ``no_title`` where it has none. ``base_model`` and
    ``tokenizer_sha256`` are "" until training binds the contract to a model. ``fusion`` is how production ranks with the vectors;
    None: not chosen yet.
    """

    name: str
    query_prefix: str
    document_prefix: str
    pooling: str
    normalize: bool
    dimensions: tuple[int, ...]
    max_tokens: int
    base_model: str = ""
    tokenizer_sha256: str = ""
    no_title: str = "none"
    title_end: str = ""
    fusion: Fusion | None = None

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise ContractMismatch(f"unknown pooling {self.pooling!r}", cure=f"use one of {', '.join(POOLINGS)}")
        if not self.dimensions or list(self.dimensions) != sorted(set(self.dimensions), reverse=True):
            raise ContractMismatch(
                f"dimensions {self.dimensions} are not distinct, largest first", cure="write them as [768, 512, 256, 128]"
            )

    @property
    def hash(self) -> str:
        """SHA-256 of the whole contract."""
        return hash_value(asdict(self))

    @property
    def encoding_hash(self) -> str:
        """SHA-256 of what makes a vector: the contract without its fusion."""
        return replace(self, fusion=None).hash

    def format_query(self, text: str) -> str:
        """The text that is tokenised for a question."""
        return self.query_prefix + text

    def format_document(self, text: str, title: str = "") -> str:
        """The text that is tokenised for a passage."""
        # replace and not format: braces in a title are data
        return self.document_prefix.replace("{title}", title + self.title_end if title else self.no_title) + text

    def bind(self, *, base_model: str, tokenizer_sha256: str, dimensions: tuple[int, ...] | None = None) -> PromptContract:
        """The contract of one model: its name, its tokenizer and, for a smaller model, its dimensions."""
        return replace(
            self,
            base_model=base_model,
            tokenizer_sha256=tokenizer_sha256,
            dimensions=dimensions or self.dimensions,
        )

    def check(self, other: PromptContract, *, where: str) -> None:
        """Raise ContractMismatch, naming the fields, unless ``other`` is the same contract."""
        mine, theirs = asdict(self), asdict(other)
        differing = [key for key in mine if mine[key] != theirs[key]]
        if differing:
            detail = "; ".join(f"{key}: {mine[key]!r} here, {theirs[key]!r} there" for key in differing)
            raise ContractMismatch(detail, where=where, cure="build both sides with the same contract")

    def save(self, path: Path) -> None:
        """Write the contract as JSON."""
        write_text(path, json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> PromptContract:
        """Read a contract; unknown or missing fields are errors (InputError)."""
        try:
            content = read_object(path, "a prompt contract", "write it again with `train fit`")
            known = {f.name for f in fields(cls)}
            unknown = sorted(set(content) - known)
            if unknown:
                raise InputError(f"unknown fields {', '.join(unknown)}", where=str(path), cure="remove them")
            content["dimensions"] = tuple(content["dimensions"])
            if content.get("fusion") is not None:
                content["fusion"] = Fusion(**content["fusion"])
            return cls(**content)
        except (TypeError, KeyError, ValueError) as error:
            raise InputError(f"not a prompt contract ({error})", where=str(path), cure="write it again with `train fit`") from error


# A family without a place for the title reads it as the passage's first line. Measured with multilingual-e5-small on 182 judged
# questions: leaving the title out costs 0.059 nDCG@10 (docs/experiments.md).
TITLE = "{title}"


def titled(name: str, query: str, document: str, *, pooling: str, dimensions: tuple[int, ...], max_tokens: int) -> PromptContract:
    """The contract of a family whose passages are ``document`` + title + newline + text."""
    return PromptContract(
        name=name,
        query_prefix=query,
        document_prefix=document + TITLE,
        pooling=pooling,
        normalize=True,
        dimensions=dimensions,
        max_tokens=max_tokens,
        no_title="",
        title_end="\n",
    )


CONTRACTS = {
    # https://ai.google.dev/gemma/docs/embeddinggemma/model_card, section on prompts; EmbeddingGemma 2 kept them
    "embeddinggemma": PromptContract(
        name="embeddinggemma",
        query_prefix="task: search result | query: ",
        document_prefix="title: {title} | text: ",
        pooling="mean",
        normalize=True,
        dimensions=(768, 512, 256, 128),
        max_tokens=2048,
    ),
    # Wang et al. 2024, Multilingual E5: prefixes of the pre-training pairs
    "e5": titled("e5", "query: ", "passage: ", pooling="mean", dimensions=(384,), max_tokens=512),
    "plain": titled("plain", "", "", pooling="mean", dimensions=(384,), max_tokens=256),
}
