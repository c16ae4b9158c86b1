"""Loading a sentence-transformers model for ranking or training: one loader, and every failure in the user's words."""

from __future__ import annotations

from typing import Any

from triplette.contract import PromptContract
from triplette.errors import ContractMismatch, InputError
from triplette.model_folder import explain_load_failure
from triplette.ranking.text_tower import text_only

UNUSED = "pooler."  # answers a pre-training task; an embedding model pools by itself


def load_model(
    origin: str, contract: PromptContract, *, device: str | None = None, trust_remote_code: bool = False, **options: Any
) -> Any:
    """The model of a folder or id, cutting texts where the contract says and adding no prompt of its own.

    Of several towers the text's is loaded. ``options`` go to the transformer's loader (``dtype``, ``quantization_config``).
    Raises InputError, ServiceError, or ContractMismatch where the loaded modules are not what the contract says.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise InputError(
            f"the encoder {origin!r} needs the models extra", cure="pip install 'triplette[models]', or use the built-in 'lsa'"
        ) from error
    try:
        with text_only(origin) as (path, more):
            model = SentenceTransformer(path, device=device, trust_remote_code=trust_remote_code, model_kwargs={**options, **more})
            absent = _absent(model[0].model, path, {**more, **({"trust_remote_code": True} if trust_remote_code else {})})
    except Exception as error:
        raise explain_load_failure(origin, error) from error
    if absent:
        raise InputError(
            f"{len(absent)} of its weights are in none of its files, such as {absent[0]}: they would be random",
            where=origin,
            cure="copy or download the whole folder again: config.json and weights must be of one model",
        )
    _check_loaded(model, contract, origin)
    # truncation and prefixes are the contract's; the model's own prompts would be added on top
    model.max_seq_length = contract.max_tokens
    model.default_prompt_name = None
    model.prompts = {}
    return model


def _absent(core: Any, path: str, options: dict[str, Any]) -> list[str]:
    """The weights that no file of the model holds; the library fills them with random numbers and says so to its own log.

    Asked by loading once more without memory for the numbers, which takes the library's own view of names and costs milliseconds.
    """
    found = type(core).from_pretrained(path, device_map="meta", output_loading_info=True, **options)[1]
    return sorted(name for name in found["missing_keys"] if not name.startswith(UNUSED))


def _check_loaded(model: Any, contract: PromptContract, origin: str) -> None:
    """The files said one thing; the modules that were loaded must do it."""
    modules = {type(module).__name__: module for module in model}
    pooling = getattr(modules.get("Pooling"), "pooling_mode", None)
    found = pooling if isinstance(pooling, str) else "+".join(pooling or ())
    width = int(model.get_embedding_dimension())
    if found != contract.pooling or width != contract.dimensions[0]:
        raise ContractMismatch(
            f"the contract says {contract.pooling!r} and {contract.dimensions[0]} numbers, the loaded model does {found!r} and {width}",
            where=origin,
            cure="save the model again with sentence-transformers",
        )
