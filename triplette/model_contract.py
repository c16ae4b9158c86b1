"""``contract_of``: the one place where a model's contract is read. Mining, training, evaluation and export all ask here.

A folder's ``contract.json`` is the law. Without one, pooling, normalisation, width and limit are the model's own, and the prompts are,
in this order: those that the user names, the folder's, the family's of ``known_models``, none. Where a family has no place for a title,
the title is the passage's first line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from triplette.contract import CONTRACTS, POOLINGS, TITLE, PromptContract
from triplette.errors import ContractMismatch, InputError, SettingError
from triplette.hashing import hash_file
from triplette.known_models import known_family
from triplette.model_folder import ModelFacts, hub_file, read_model

AUTO = "auto"
# how folders call the two sides: sentence-transformers' own names, EmbeddingGemma's, jina's and nomic's
QUERY_NAMES = ("query", "Retrieval-query", "retrieval.query", "search_query")
DOCUMENT_NAMES = ("document", "passage", "corpus", "Retrieval-document", "retrieval.passage", "search_document")
OLDER_TOKENIZERS = ("vocab.txt", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model", "vocab.json")
REMOTE_CODE = "--trust-remote-code"
UNTITLED = "title: none"  # how EmbeddingGemma's folders write a passage without a title


@dataclass(frozen=True, slots=True)
class ModelContract:
    """A contract, where its prompts come from in one line, and the facts it was read from."""

    contract: PromptContract
    source: str
    facts: ModelFacts

    @property
    def doubt(self) -> str:
        """What its family's card says otherwise, or "": a bare transformer saved with another pooling trains, and badly."""
        family = known_family(*self.facts.hints)
        if family is None or family.contract.pooling == self.facts.pooling:
            return ""
        return f"its folder pools by {self.facts.pooling}, its family by {family.contract.pooling} ({family.source})"


def contract_of(origin: str, *, prompts: str = AUTO, trust_remote_code: bool = False) -> ModelContract:
    """The contract of a sentence-transformers folder or id, bound to its name and tokenizer.

    ``prompts`` other than "auto" are a name in CONTRACTS that overrides the model's own, which ``source`` then says. Raises InputError,
    ServiceError, SettingError (code that the model wants to run) or ContractMismatch.
    """
    facts = read_model(origin)
    _check_remote_code(facts, origin, trust_remote_code)
    folder = Path(origin).expanduser()
    saved = folder / "contract.json"
    if saved.is_file():
        contract = PromptContract.load(saved)
        check_contract(contract, facts, origin)
        _check_tokenizer(contract, folder)
        contract, source = _override(contract, prompts, "contract.json in its folder")
        return ModelContract(contract, source, facts)
    if facts.pooling not in POOLINGS:
        raise ContractMismatch(
            f"it pools by {facts.pooling!r}", where=origin, cure=f"use a model that pools by {', '.join(POOLINGS)} alone"
        )
    chosen, source = _prompts(facts, prompts)
    contract = replace(
        chosen,
        pooling=facts.pooling,
        normalize=facts.normalize,
        dimensions=_dimensions(chosen.dimensions, facts.dimension),
        max_tokens=facts.max_tokens,
        base_model=folder.name if folder.is_dir() else origin,
        tokenizer_sha256=hash_file(tokenizer_file(origin)),
    )
    return ModelContract(contract, source, facts)


def _prompts(facts: ModelFacts, asked: str) -> tuple[PromptContract, str]:
    """The contract whose prompts are taken, and the sentence that says why."""
    own, family = _own_prompts(facts), known_family(*facts.hints)
    if own is not None:
        # the folder says the words, the family which sizes it may be cut to
        sizes = family.contract.dimensions if family else CONTRACTS[own.name].dimensions if own.name in CONTRACTS else own.dimensions
        found, source = replace(own, dimensions=sizes), "the prompts in its folder"
    elif family is not None:
        found, source = family.contract, f"its family's card, {family.source}"
    else:
        found, source = CONTRACTS["plain"], "none: neither its folder nor a known card names any"
        if facts.prompts:
            names = ", ".join(map(repr, list(facts.prompts)[:6]))
            source = f"none: its folder has prompts for {names}, and none of them is called {QUERY_NAMES[0]} or {DOCUMENT_NAMES[0]}"
    return _override(found, asked, source)


def _override(own: PromptContract, asked: str, source: str) -> tuple[PromptContract, str]:
    """``own`` with the prompts that were asked for, and the sentence that says so where they are others."""
    if asked == AUTO:
        return own, source
    if asked not in CONTRACTS:
        raise SettingError(f"unknown prompts {asked!r}", where="contract", cure=f"use auto, {', '.join(CONTRACTS)}")
    other = CONTRACTS[asked]
    words = {key: getattr(other, key) for key in ("query_prefix", "document_prefix", "no_title", "title_end")}
    if all(getattr(own, key) == value for key, value in words.items()):
        return own, source
    return replace(own, name=asked, **words), f"OVERRIDDEN by contract = {asked!r}: the model's own are {own.query_prefix!r} ({source})"


def _own_prompts(facts: ModelFacts) -> PromptContract | None:
    """The prompts of config_sentence_transformers.json, or None where they are all empty."""
    query = next((facts.prompts[name] for name in QUERY_NAMES if name in facts.prompts), "")
    document = next((facts.prompts[name] for name in DOCUMENT_NAMES if name in facts.prompts), "")
    if not query and not document:
        return None
    gemma = CONTRACTS["embeddinggemma"]
    if document.startswith(UNTITLED):
        name = "embeddinggemma" if query == gemma.query_prefix else "folder"
        return replace(gemma, name=name, query_prefix=query, document_prefix=document.replace(UNTITLED, f"title: {TITLE}", 1))
    e5 = CONTRACTS["e5"]
    name = "e5" if (query, document + TITLE) == (e5.query_prefix, e5.document_prefix) else "folder"
    return replace(CONTRACTS["plain"], name=name, query_prefix=query, document_prefix=document + TITLE)


def _dimensions(sizes: tuple[int, ...], width: int) -> tuple[int, ...]:
    """A family's Matryoshka sizes at this width: its own below it, or scaled for a smaller member; the width alone for one size."""
    if len(sizes) < 2 or width == sizes[0]:
        return sizes if sizes and width == sizes[0] else (width,)
    if width > sizes[0]:
        return (width, *sizes)
    scaled = tuple(max(1, size * width // sizes[0]) for size in sizes)
    return tuple(sorted(set(scaled), reverse=True))


def check_contract(contract: PromptContract, facts: ModelFacts, where: str) -> None:
    """Raise ContractMismatch, naming the fields, where a model pools, normalises, measures or reads differently."""
    pairs = (
        ("pooling", contract.pooling, facts.pooling),
        ("normalize", contract.normalize, facts.normalize),
        ("dimensions", contract.dimensions[0], facts.dimension),
    )
    differing = [f"{what}: the contract says {said!r}, the model {found!r}" for what, said, found in pairs if said != found]
    if contract.max_tokens > facts.max_tokens:
        differing.append(f"max_tokens: the contract says {contract.max_tokens}, the model reads {facts.max_tokens}")
    if differing:
        raise ContractMismatch("; ".join(differing), where=where, cure="use the model that the contract was written for")


def _check_tokenizer(contract: PromptContract, folder: Path) -> None:
    file = folder / "tokenizer.json"
    if contract.tokenizer_sha256 and file.is_file() and hash_file(file) != contract.tokenizer_sha256:
        raise ContractMismatch(
            "tokenizer.json is not the tokenizer that the contract was bound to",
            where=str(folder),
            cure="copy the model's own tokenizer back",
        )


def _check_remote_code(facts: ModelFacts, origin: str, allowed: bool) -> None:
    if facts.remote_code and not allowed:
        raise SettingError(
            f"the model wants to run its own code ({', '.join(facts.remote_code[:3])})",
            where=origin,
            cure=f"read that code, then train with {REMOTE_CODE} (trust_remote_code = true in the preset); it cannot be exported",
        )


def tokenizer_file(origin: str) -> Path:
    """The tokenizer.json of a folder or id. Raises InputError when there is none."""
    if Path(origin).expanduser().is_dir():
        folder = Path(origin).expanduser()
        older = next((name for name in OLDER_TOKENIZERS if (folder / name).is_file()), None)
        if not (folder / "tokenizer.json").is_file():
            made = f"write it once from {older}: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER), of transformers"
            raise InputError(
                "there is no tokenizer.json", where=origin, cure=made if older else "copy or download the whole folder again"
            )
        return folder / "tokenizer.json"
    path = hub_file(origin, "tokenizer.json") or Path()
    if not path.is_file():
        raise InputError("there is no tokenizer.json", where=origin, cure="save the model with its fast tokenizer")
    return path
