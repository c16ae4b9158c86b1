"""Fewer tokens in the phone file: the vocabulary cut down to what can be spelled with the corpus's own characters.

A multilingual encoder is mostly vocabulary: 96 of multilingual-e5-small's 118 million weights. Kept are every token of the passages and
training questions, every token made of characters that occur in them (in either case), every single character and every special token.
So no text gets an unknown token that had none, and a text in the corpus's characters is cut into the tokens that it always was: Unigram's
most likely cut and WordPiece's longest match stay what they were while their own pieces are there. Other texts are cut into shorter pieces.

Byte-pair merges are refused: a piece is made by way of others, which nobody could leave out.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import string
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.contract import PromptContract
from triplette.dataset import Dataset
from triplette.errors import InputError, ProofFailed
from triplette.export.convert.convert import transformer_tensors
from triplette.export.convert.stage import Note, load_tokenizer
from triplette.export.families.architecture import EMBEDDING, Architecture
from triplette.export.families.family import read_architecture
from triplette.export.proof.checks import Check
from triplette.export.proof.reference import Reference
from triplette.export.tokenizers.build import read_json
from triplette.hashing import hash_file
from triplette.jsonl import read_object
from triplette.tables import write_text

TRIMMABLE = ("Unigram", "WordPiece")
TABLES = ("word_embeddings.weight", "embed_tokens.weight", "tok_embeddings.weight")
SHARE = 0.5  # of the weights: from here on the vocabulary is what the file is made of
LEFT_OUT = (
    "model*.safetensors*",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "vocab.txt",
    "vocab.json",
    "contract.json",
    "README.md",
)
WORD_MARKS = ("\u2581", "##")  # how Unigram marks the beginning of a word, and WordPiece what goes on with one
BATCH = 1000  # texts that are tokenised at once
COMPARED = 32  # texts whose vectors are compared; that all weights are the same says it for the others


@dataclass(frozen=True, slots=True)
class Texts:
    """Formatted texts: those that must be cut as before (passages, training questions), and questions that were not looked at."""

    known: Sequence[str]
    unseen: Sequence[str]

    @classmethod
    def of(cls, contract: PromptContract, dataset: Dataset) -> Texts:
        """The run's passages and questions; those of val and test are the unseen ones."""
        passages = [contract.format_document(chunk.text, chunk.title) for chunk in dataset.corpus.values()]
        train, held = (
            [contract.format_query(row.question) for row in dataset.rows if (row.split == "train") is own] for own in (True, False)
        )
        return cls([*passages, *train], held)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A model folder with the vocabulary that is exported, its contract, and the check of what was left out (None: nothing was)."""

    model: Path
    contract: PromptContract
    check: Check | None = None


def choose_vocabulary(
    model: Path, contract: PromptContract, architecture: Architecture, asked: str, dataset: Dataset, folder: Path, note: Note
) -> Vocabulary:
    """The model as it is, or trimmed into ``folder``. ``asked`` is the setting: auto, corpus or whole."""
    if not is_trimmed(model, architecture, asked):
        return Vocabulary(model, contract)
    note("trimming the vocabulary to the corpus's characters")
    texts = Texts.of(contract, dataset)
    kept = kept_tokens(read_json(model), load_tokenizer(model), texts.known)
    write_trimmed(model, kept, folder)
    check = check_trimmed(model, folder, kept, texts)
    return Vocabulary(folder, dataclasses.replace(contract, tokenizer_sha256=hash_file(folder / "tokenizer.json")), check)


def is_trimmed(model: Path, architecture: Architecture, asked: str) -> bool:
    """Whether the setting means trimming here. Raises InputError where it is asked for and cannot be done."""
    if asked == "corpus":
        check_trimmable(model)
        return True
    return asked == "auto" and is_worth_it(architecture) and _kind(model) in TRIMMABLE


def is_worth_it(architecture: Architecture) -> bool:
    """Whether the embedding table is most of the model."""
    table = sum(weight.size for weight in architecture.weights if weight.scope == EMBEDDING)
    return table > SHARE * architecture.parameters


def check_trimmable(model: Path) -> None:
    """Raise InputError where the tokenizer cannot be cut down."""
    kind = _kind(model)
    if kind not in TRIMMABLE:
        raise InputError(
            f"its vocabulary cannot be trimmed: the tokenizer is {kind}, and only {' and '.join(TRIMMABLE)} pieces stand alone",
            where=str(model),
            cure="export it whole: --whole-vocabulary, or vocabulary = 'whole' in [export]",
        )


def _kind(model: Path) -> str:
    return str((read_json(model).get("model") or {}).get("type"))


def kept_tokens(content: Mapping[str, Any], tokenizer: Any, texts: Sequence[str]) -> list[int]:
    """The ids that stay, ascending. ``content`` is ``tokenizer.json``, ``tokenizer`` the transformers tokenizer that reads it."""
    pieces = pieces_of(content)
    kept = {int(token["id"]) for token in content["added_tokens"]} | {_unknown(content)}
    letters = set(string.ascii_letters + string.digits)
    for start in range(0, len(texts), BATCH):
        batch = list(texts[start : start + BATCH])
        for ids in tokenizer(batch, add_special_tokens=True, truncation=False)["input_ids"]:
            kept.update(ids)
        for text in batch:
            letters.update(text, text.lower(), text.upper())
    known = set(pieces.values())
    kept.update(identity for identity, text in pieces.items() if letters.issuperset(_bare(text)) or not _is_spelled(text, known))
    # in Unigram an unknown character costs a fixed sum more than the least likely piece: that one stays
    scores = [score for _, score in content["model"]["vocab"]] if content["model"]["type"] == "Unigram" else []
    kept.update(min(range(len(scores)), key=scores.__getitem__) for _ in scores[:1])
    return sorted(kept)


def pieces_of(content: Mapping[str, Any]) -> dict[int, str]:
    """The tokenizer's own pieces by id, without what was added to them."""
    vocabulary = content["model"]["vocab"]
    if content["model"]["type"] == "Unigram":
        return {identity: str(text) for identity, (text, _) in enumerate(vocabulary)}
    return {int(identity): str(text) for text, identity in vocabulary.items()}


def _bare(piece: str) -> str:
    mark = next((mark for mark in WORD_MARKS if piece.startswith(mark) and piece != mark), "")
    return piece[len(mark) :]


def _is_spelled(piece: str, known: Container[str]) -> bool:
    """Whether shorter pieces can stand for it: not for a single character, nor for a sign or one that goes on with a word (WordPiece).

    Unigram's mark of a word is a piece itself, so a marked letter is the two of them.
    """
    bare, mark = _bare(piece), WORD_MARKS[0]
    return len(bare) > 1 or (piece == mark + bare and bare.isalpha() and mark in known and bare in known)


def _unknown(content: Mapping[str, Any]) -> int:
    model = content["model"]
    return int(model["unk_id"] if model["type"] == "Unigram" else model["vocab"][model["unk_token"]])


def trimmed_tokenizer(content: Mapping[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    """``tokenizer.json`` with the kept pieces under their new ids, which are their places in ``kept``.

    Raises InputError for a part that holds ids in a way that is not known here.
    """
    new = {old: place for place, old in enumerate(kept)}
    result: dict[str, Any] = json.loads(json.dumps(content))
    model = result["model"]
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][old] for old in kept if old < len(model["vocab"])]
        model["unk_id"] = new[model["unk_id"]]
    else:
        model["vocab"] = {text: new[old] for text, old in model["vocab"].items() if old in new}
    for token in result["added_tokens"]:
        token["id"] = new[token["id"]]
    if result.get("padding"):
        result["padding"]["pad_id"] = new[result["padding"]["pad_id"]]
    _renumber(result.get("post_processor"), new)
    return result


def _renumber(step: dict[str, Any] | None, new: Mapping[int, int]) -> None:
    """New ids for the tokens that a post-processor puts around a text, in place."""
    if step is None or step["type"] == "ByteLevel":
        return
    if step["type"] == "Sequence":
        for inner in step["processors"]:
            _renumber(inner, new)
    elif step["type"] == "TemplateProcessing":
        for token in step["special_tokens"].values():
            token["ids"] = [new[old] for old in token["ids"]]
    elif step["type"] in ("BertProcessing", "RobertaProcessing"):
        for name in ("sep", "cls"):
            step[name][1] = new[step[name][1]]
    else:
        raise InputError(f"its vocabulary cannot be trimmed: the tokenizer ends with {step['type']}", cure="use --whole-vocabulary")


def write_trimmed(model: Path, kept: Sequence[int], target: Path) -> Path:
    """Write ``target``, the sentence-transformers folder ``model`` with the kept tokens only. Raises InputError where it cannot be done."""
    import torch
    from safetensors.torch import save_file

    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(model, target, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=False)
    for module in model.glob("*/model.safetensors"):  # dense heads
        shutil.copy(module, target / module.relative_to(model))
    stored = transformer_tensors(model)
    name = _table(stored, model)
    stored[name] = stored[name][torch.tensor(list(kept))].clone()
    save_file({key: tensor.contiguous() for key, tensor in stored.items()}, target / "model.safetensors", metadata={"format": "pt"})
    new = {old: place for place, old in enumerate(kept)}
    write_text(target / "tokenizer.json", json.dumps(trimmed_tokenizer(read_json(model), kept), ensure_ascii=False) + "\n")
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    config["vocab_size"] = len(kept)
    for key, value in config.items():
        if key.endswith("_token_id") and isinstance(value, int):
            config[key] = new.get(value, value)
    write_text(target / "config.json", json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    _renumber_settings(target / "tokenizer_config.json", new)
    before, after = read_architecture(model), read_architecture(target)
    if dataclasses.replace(before, vocabulary=len(kept)) != after:  # type: ignore[type-var]
        raise InputError(
            "its vocabulary cannot be trimmed: positions are counted from the padding token's id, which would move",
            where=str(model),
            cure="use --whole-vocabulary",
        )
    return target


def _table(stored: Mapping[str, Any], model: Path) -> str:
    names = [name for name in stored if name.endswith(TABLES)]
    if len(names) != 1:
        raise InputError(f"{len(names)} embedding tables, not one", where=str(model), cure="use --whole-vocabulary")
    return names[0]


def _renumber_settings(path: Path, new: Mapping[int, int]) -> None:
    """``added_tokens_decoder`` of older tokenizer settings names tokens by id."""
    if not path.is_file():
        return
    content = read_object(path, "a tokenizer's settings", "run `train merge` again")
    if added := content.get("added_tokens_decoder"):
        content["added_tokens_decoder"] = {str(new[int(old)]): token for old, token in added.items() if int(old) in new}
        write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def check_trimmed(model: Path, trimmed: Path, kept: Sequence[int], texts: Texts) -> Check:
    """That nothing but the vocabulary's size changed: tokens of every known text, every weight, and some vectors, bit for bit.

    Raises ProofFailed naming the first difference. Unseen texts may be cut otherwise; how many are is a figure.
    """
    whole, small = load_tokenizer(model), load_tokenizer(trimmed)
    differing = _cut_otherwise(whole, small, kept, texts.known)
    if differing:
        raise _unequal(f"{len(differing)} known texts are cut otherwise, first {texts.known[differing[0]][:60]!r}", model)
    otherwise = len(_cut_otherwise(whole, small, kept, texts.unseen))
    _same_weights(model, trimmed, kept)
    compared = _same_vectors(model, trimmed, kept, _spread([*texts.known]))
    share = (
        f"{otherwise} of {len(texts.unseen)} unseen questions are cut otherwise" if texts.unseen else "no unseen question to compare"
    )
    total = len(whole)
    return Check(
        "vocabulary",
        True,
        f"{len(kept):,} of {total:,} tokens; {len(texts.known):,} passages and training questions are cut as before, {compared} of them "
        f"compared have the same vectors bit for bit; {share}",
        {
            "kept": len(kept), "of": total, "known": len(texts.known), "vectors_compared": compared,
            "unseen": len(texts.unseen), "unseen_cut_otherwise": otherwise,
        },
    )  # fmt: skip


def _cut_otherwise(whole: Any, small: Any, kept: Sequence[int], texts: Sequence[str]) -> list[int]:
    """The places of the texts that get other tokens."""
    found = []
    for start in range(0, len(texts), BATCH):
        batch = list(texts[start : start + BATCH])
        before = whole(batch, truncation=False)["input_ids"]
        after = small(batch, truncation=False)["input_ids"]
        found += [start + n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != [kept[identity] for identity in b]]
    return found


def _same_weights(model: Path, trimmed: Path, kept: Sequence[int]) -> None:
    import torch

    before, after = transformer_tensors(model), transformer_tensors(trimmed)
    name = _table(before, model)
    before[name] = before[name][torch.tensor(list(kept))]
    wrong = [
        key for key in before.keys() | after.keys() if key not in after or key not in before or not torch.equal(before[key], after[key])
    ]
    if wrong:
        raise _unequal(f"{len(wrong)} tensors changed, such as {sorted(wrong)[0]}", model)


def _same_vectors(model: Path, trimmed: Path, kept: Sequence[int], texts: Sequence[str]) -> int:
    """How many texts were compared; batches are the same in both models, so their sums are made in one order."""
    small = Reference(trimmed)
    limit = int(getattr(small.tokenizer, "model_max_length", 512) or 512)
    ids = small.ids(texts, min(limit, 512))
    after = small.vectors(ids)
    del small
    before = Reference(model).vectors([[kept[identity] for identity in row] for row in ids])
    if not (before == after).all():
        raise _unequal(f"vectors differ by up to {abs(before - after).max():.1e}", model)
    return len(texts)


def _spread(texts: Sequence[str]) -> list[str]:
    """Short, middling and long texts, evenly spread."""
    ordered = sorted(set(texts), key=lambda text: (len(text), text))
    step = max(1, len(ordered) // COMPARED)
    return ordered[::step][:COMPARED]


def _unequal(what: str, model: Path) -> ProofFailed:
    return ProofFailed(f"the trimmed model is not the model: {what}", where=str(model), cure="use --whole-vocabulary, and report it")
