"""``train merge``: the adapter folded into the full-precision base, and the proof that nothing changed by it.

Merging is arithmetic (W + B A alpha / r), yet it is where 4-bit bases, dtypes and forgotten dense layers go wrong without a word.
So the saved folder is loaded again, with no PEFT: it must hold the merged weights number for number, and give val texts the vectors that base
and adapter gave them. A fault of the merge moves every vector, so some texts show it; a fault of the saving may touch few weights, so all are compared.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Vectors
from triplette.console import progress
from triplette.contract import PromptContract
from triplette.dataset import HASHED_FILES, load_dataset
from triplette.errors import ContractMismatch, ProofFailed
from triplette.hashing import hash_file
from triplette.model_contract import tokenizer_file
from triplette.rundir import RunDir
from triplette.settings.train import Preset
from triplette.step import Step
from triplette.train.card import write_card
from triplette.train.data import Questions, questions_of
from triplette.train.evaluate import load_system
from triplette.train.fit import ADAPTER, BASE, CONTRACT
from triplette.train.models import apply_adapter, load_base, prompts_of, read_fit
from triplette.train.quiet import quiet_libraries
from triplette.train.ranking import batches, embed

STAGE = "train.merge"
MERGED = "model/merged"
LEAST_COSINE = 0.9999  # of every val text's two vectors; float32 sums in another order stay above 0.999999
QUESTIONS, PASSAGES = 96, 48  # texts of val compared at most
SIDE_FILES = ("tokenizer.json", "tokenizer.model", "vocab.txt")


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The proof: the least and the mean cosine between merged and adapter model over ``texts`` texts of val."""

    texts: int
    least_cosine: float
    mean_cosine: float
    folder: str
    seconds: float = 0.0
    unchanged: bool = False


def merge(run: RunDir, *, device: str | None = None, seed: int = 0, export_anyway: bool = False) -> MergeResult:
    """Write ``model/merged``: a plain sentence-transformers folder with its contract, its tokenizer untouched, and a model card.

    ``export_anyway`` is stamped on the card: the verdict was overridden. Raises ProofFailed when a val text's vector differs; the
    folder is then not put in place.
    """
    run.require(ADAPTER, CONTRACT)
    dataset = load_dataset(run)
    inputs = run.fingerprints([*HASHED_FILES, ADAPTER, CONTRACT, BASE])
    evaluation = run.fingerprints(["evaluation/result.json"])  # the card quotes it
    step = Step(run, STAGE, inputs | evaluation, {"seed": seed, "export_anyway": export_anyway})
    if done := step.done(MergeResult, folder=str(run.path(MERGED))):
        return done
    with run.locked():
        facts, contract = read_fit(run.path(ADAPTER)), PromptContract.load(run.path(CONTRACT))
        val = questions_of(dataset, "val", limit=QUESTIONS, passages=PASSAGES, seed=seed)
        texts = _texts(val, contract)
        with progress("merge: adapter on val", batches(len(texts))) as bar:
            expected = embed(load_system(run, facts, contract, tuned=True, device=device), texts, beat=bar.advance)
        scratch = run.path("model/.merged")
        shutil.rmtree(scratch, ignore_errors=True)
        weights = _save_merged(run, facts, contract, scratch)
        merged = load_merged(scratch, contract, device)
        prove_saved(weights, merged, str(scratch))
        with progress("merge: merged model on val", batches(len(texts))) as bar:
            cosines = prove_same(expected, embed(merged, texts, beat=bar.advance), str(scratch))
        result = MergeResult(len(cosines), float(cosines.min()), float(cosines.mean()), str(run.path(MERGED)))
        write_card(run, scratch, contract, facts, texts=result.texts, least_cosine=result.least_cosine, export_anyway=export_anyway)
        shutil.rmtree(run.path(MERGED), ignore_errors=True)
        scratch.rename(run.path(MERGED))
        return step.record(result, outputs=[MERGED], counts={"texts": result.texts}, forget=("folder",))


def prove_same(expected: Vectors, found: Vectors, where: str) -> Vectors:
    """The cosine of each pair of unit vectors (n, d). Raises ProofFailed when one is below LEAST_COSINE or not a number."""
    cosines = (expected * found).sum(1)
    if not float(cosines.min()) >= LEAST_COSINE:  # written so that NaN fails
        raise ProofFailed(
            f"merged and adapter model differ: cosine {cosines.min():.6f} on val text {int(cosines.argmin())}, "
            f"{LEAST_COSINE} is the least allowed",
            where=where,
            cure="report it with the base model's name; the adapter in model/adapter is untouched",
        )
    return cosines


def prove_saved(weights: Mapping[str, Any], merged: Any, where: str) -> None:
    """Raise ProofFailed unless the loaded model has every weight that was saved, equal number for number."""
    import torch

    found = merged.state_dict()
    wrong = sorted(weights.keys() ^ found.keys()) or sorted(
        name for name in weights if not torch.equal(weights[name], found[name].cpu())
    )
    if wrong:
        raise ProofFailed(
            f"{len(wrong)} weights of the saved model are not those that were merged, such as {wrong[0]}",
            where=where,
            cure="report it with the base model's name; the adapter in model/adapter is untouched",
        )


def _save_merged(run: RunDir, facts: dict[str, Any], contract: PromptContract, folder: Path) -> dict[str, Any]:
    """Write the merged folder; its weights by name are returned."""
    preset = Preset(**{**facts["preset"], "lora_targets": tuple(facts["preset"]["lora_targets"])})
    base = load_base(facts["origin"], preset, device="cpu")
    apply_adapter(base.model, facts["method"], run.path(ADAPTER), merge=True)
    base.model.prompts = prompts_of(contract)
    base.model.max_seq_length = contract.max_tokens
    base.model.save(str(folder), create_model_card=False)
    source = tokenizer_file(facts["origin"]).parent
    for name in SIDE_FILES:  # the base's own bytes: saving rewrites tokenizer.json, and the phone reads tokenizer.model
        if (source / name).is_file():
            shutil.copy(source / name, folder / name)
    contract.save(folder / "contract.json")
    return dict(base.model.state_dict())


def load_merged(folder: Path, contract: PromptContract, device: str | None = None) -> Any:
    """The merged folder as any user would load it. Raises ContractMismatch for an adapter left in it, or another pooling,
    prompt, tokenizer or token limit than the contract's."""
    quiet_libraries()
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device=device)
    pooling = next(module for module in model if type(module).__name__ == "Pooling").pooling_mode
    wrong = []
    if any("lora" in name for name, _ in model.named_parameters()) or (folder / "adapter_config.json").exists():
        wrong.append("an adapter is left in it")
    if pooling != contract.pooling:
        wrong.append(f"it pools by {pooling!r}, the contract says {contract.pooling!r}")
    if model.prompts != prompts_of(contract):
        wrong.append(f"its prompts are {model.prompts!r}")
    if contract.tokenizer_sha256 != hash_file(folder / "tokenizer.json"):
        wrong.append("its tokenizer is not the base's")
    if model.max_seq_length != contract.max_tokens:
        wrong.append(f"it reads {model.max_seq_length} tokens, the contract says {contract.max_tokens}")
    if wrong:
        raise ContractMismatch("; ".join(wrong), where=str(folder), cure="report it: saving lost a part of the model")
    return model


def _texts(val: Questions, contract: PromptContract) -> list[str]:
    """What is compared: val's questions, and passages spread over those it ranks."""
    passages = val.passages.formatted(contract)
    places = np.unique(np.linspace(0, len(passages) - 1, min(PASSAGES, len(passages))).astype(int))
    return [*val.formatted(contract), *(passages[place] for place in places)]
