"""Base models and adapters: loading, what is trained, saving and putting back.

Three ways to train: ``qlora`` (a 4-bit base, CUDA only), ``lora`` (a full-precision base) and ``full``. The adapter folder
holds what changed and nothing else: PEFT's own two files, ``dense.safetensors`` where the dense layers were trained, or
``weights.safetensors`` for a full fine-tune. The base is never written to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.contract import PromptContract
from triplette.errors import SettingError
from triplette.jsonl import read_object
from triplette.model_contract import contract_of
from triplette.model_weights import check_weights
from triplette.ranking.model import load_model
from triplette.settings.train import Preset
from triplette.tables import write_text
from triplette.train.quiet import quiet_libraries

TINY, E5_SMALL = "tiny", "e5-small"
ATTENTION_DROPOUT = ("attention_dropout", "dropout_prob")  # what transformers' attention modules call it
LAYERS = "all-linear"


@dataclass(frozen=True, slots=True)
class Base:
    """A loaded base model, the name that artefacts carry, the folder or id it came from, its bound contract, and where that is from."""

    model: Any
    name: str
    origin: str
    contract: PromptContract
    source: str


def load_base(origin: str, preset: Preset, *, device: str | None = None, quantised: bool = False) -> Base:
    """The base model of ``origin`` (folder or id) in float32, or in 4 bits with ``quantised``, and its contract.

    Raises InputError, ServiceError (gated or unreachable), SettingError (4 bits without CUDA, remote code) or ContractMismatch.
    """
    quiet_libraries()
    read = contract_of(origin, prompts=preset.contract, trust_remote_code=preset.trust_remote_code)
    check_weights(origin)
    options = {"quantization_config": _four_bits()} if quantised else {"dtype": "float32"}
    model = load_model(origin, read.contract, device=device, trust_remote_code=preset.trust_remote_code, **options)
    model.prompts = prompts_of(read.contract)
    folder = Path(origin)
    name = folder.name if folder.is_dir() else origin
    return Base(model, read.contract.base_model or name, origin, read.contract, read.source)


def prompts_of(contract: PromptContract) -> dict[str, str]:
    """The contract's prefixes as a model folder's prompts, for those who load it without the contract."""
    return {"query": contract.query_prefix, "document": contract.format_document("")}


def _four_bits() -> Any:
    import torch

    if not torch.cuda.is_available():
        raise SettingError(
            "QLoRA needs a CUDA device: 4-bit gradients on CPU may be silently wrong",
            where="method",
            cure="--preset cpu (LoRA in float32) or --preset tiny",
        )
    from transformers import BitsAndBytesConfig

    compute = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=compute
    )


def make_trainable(model: Any, preset: Preset) -> int:
    """Put the preset's adapter on, freeze the rest; the number of trained parameters is returned."""
    if not preset.dropout:
        _silence_dropout(model)
    if preset.method == "full":
        model.requires_grad_(True)
        if preset.embeddings == "freeze":
            _freeze_embeddings(model[0].model)
    else:
        from peft import LoraConfig, prepare_model_for_kbit_training

        if preset.method == "qlora":
            model[0].model = prepare_model_for_kbit_training(model[0].model, use_gradient_checkpointing=False)
        model.requires_grad_(False)
        targets: Any = LAYERS if LAYERS in preset.lora_targets else list(preset.lora_targets)
        config = LoraConfig(
            r=preset.lora_r,
            lora_alpha=preset.lora_alpha,
            lora_dropout=preset.lora_dropout,
            target_modules=_linear_names(model[0].model) if targets == LAYERS else targets,
            bias="none",
            task_type="FEATURE_EXTRACTION",
        )
        try:
            model.add_adapter(config)
        except ValueError as error:
            raise SettingError(
                f"no adapter fits: {str(error).splitlines()[0]}", where="lora_targets", cure="set lora_targets = ['all-linear']"
            ) from error
    if preset.layers:
        _freeze_below(model[0].model, preset.layers)
    for module in list(model)[1:]:
        module.requires_grad_(preset.dense == "train")
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _silence_dropout(model: Any) -> None:
    """Set the probability of every dropout to 0, of layers and of attention functions, which keep it as a number."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.modules.dropout._DropoutNd):
            module.p = 0.0
        for name in ATTENTION_DROPOUT:
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


def _freeze_embeddings(core: Any) -> None:
    """Keep every embedding table as it is: words, positions, token types. Norms between them are trained."""
    from torch import nn

    for module in core.modules():
        if isinstance(module, nn.Embedding):
            module.requires_grad_(False)


def _freeze_below(core: Any, layers: int) -> None:
    """Train nothing of the transformer but what is trained of its last ``layers`` layers. Raises SettingError for more than there are."""
    from torch import nn

    total = int(core.config.num_hidden_layers)
    stacks = [module for module in core.modules() if isinstance(module, nn.ModuleList) and len(module) == total]
    if layers > total or not stacks:
        raise SettingError(f"the base has {total} layers, not {layers}", where="layers", cure=f"layers = 1 to {total}, or 0 for all")
    kept = {id(parameter) for layer in stacks[0][-layers:] for parameter in layer.parameters()}
    for parameter in core.parameters():
        parameter.requires_grad_(parameter.requires_grad and id(parameter) in kept)


def _linear_names(core: Any) -> list[str]:
    """The last parts of the names of every linear layer, the pooler (which nobody calls) apart."""
    from torch import nn

    names = {name for name, module in core.named_modules() if isinstance(module, nn.Linear) and not name.startswith("pooler")}
    # the full ends, not only the last part: BERT calls three different layers "dense"
    return sorted({".".join(name.split(".")[-2:]) for name in names})


def trained_state(model: Any) -> dict[str, Any]:
    """A copy on the CPU of every parameter that is trained, by name."""
    return {name: p.detach().cpu().clone() for name, p in model.named_parameters() if p.requires_grad}


def restore_state(model: Any, state: Mapping[str, Any]) -> None:
    """Put trained parameters back. Raises ValueError unless every one is there in its shape: nothing is skipped silently."""
    import torch

    own = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if set(own) != set(state):
        raise ValueError(f"parameters differ: {sorted(set(own) ^ set(state))[:5]}")
    with torch.no_grad():
        for name, parameter in own.items():
            if parameter.shape != state[name].shape:
                raise ValueError(f"{name}: {tuple(state[name].shape)} for {tuple(parameter.shape)}")
            parameter.copy_(state[name].to(parameter.device))


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """Write parameters as safetensors, aside and renamed."""
    from safetensors.torch import save_file

    from triplette.tables import replacing

    with replacing(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, str(temporary))


def load_state(path: Path) -> dict[str, Any]:
    """Read parameters back."""
    from safetensors.torch import load_file

    return dict(load_file(str(path)))


def save_adapter(model: Any, preset: Preset, folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the adapter folder; ``fit.json`` in it says which base and preset it belongs to."""
    folder.mkdir(parents=True, exist_ok=True)
    if preset.method == "full":
        save_state(trained_state(model), folder / "weights.safetensors")
    else:
        _save_peft(model[0].model, folder)
        dense = {name: tensor for name, tensor in trained_state(model).items() if not name.startswith("0.")}
        if dense:
            save_state(dense, folder / "dense.safetensors")
    write_text(folder / "fit.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def _save_peft(core: Any, folder: Path) -> None:
    from peft import get_peft_model_state_dict

    state = get_peft_model_state_dict(core)
    # PEFT's files name parameters from the wrapper that PeftModel puts around a model
    prefix = "base_model.model."
    save_state(
        {name if name.startswith(prefix) else prefix + name: tensor.detach().cpu() for name, tensor in state.items()},
        folder / "adapter_model.safetensors",
    )
    config = core.peft_config["default"]
    config.inference_mode = True
    config.save_pretrained(folder)
    config.inference_mode = False


def apply_adapter(model: Any, method: str, folder: Path, *, merge: bool) -> None:
    """Put a saved adapter on a full-precision base: folded into its weights with ``merge``, else beside them."""
    if method == "full":
        model.requires_grad_(True)
        state = load_state(folder / "weights.safetensors")
        own = dict(model.named_parameters())
        for name in own:
            own[name].requires_grad_(name in state)
        restore_state(model, state)
    else:
        from peft import PeftModel

        peft = PeftModel.from_pretrained(model[0].model, str(folder))
        if merge:
            model[0].model = peft.merge_and_unload(safe_merge=True)
        if (folder / "dense.safetensors").is_file():
            state = load_state(folder / "dense.safetensors")
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(name in state)
            restore_state(model, state)
    model.requires_grad_(False)
    model.eval()


def read_fit(folder: Path) -> dict[str, Any]:
    """What ``save_adapter`` wrote beside the adapter. Raises InputError when it is not there."""
    return read_object(folder / "fit.json", "an adapter of `train fit`", "run `train fit`", ("base", "origin", "method", "preset"))


def process_rank() -> tuple[int, int]:
    """(rank, number) of this process under ``accelerate launch``; (0, 1) alone."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
