"""The model card: what the model is for, what it was made of, how it was measured, and under which terms it may be passed on."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from triplette.contract import PromptContract
from triplette.dataset import DatasetRow
from triplette.gate import quota_stamp, read_gate
from triplette.jsonl import read_object
from triplette.languages import language
from triplette.rundir import RunDir
from triplette.tables import read_columns, write_text
from triplette.train.readers import reads

GEMMA_TERMS = "https://ai.google.dev/gemma/terms"
TEACHER = "BM25 fused with the untrained base"
SHOWN = ("nDCG@10", "Recall@1", "Recall@5", "Recall@10", "MRR@10")


def write_card(
    run: RunDir,
    folder: Path,
    contract: PromptContract,
    facts: Mapping[str, Any],
    *,
    texts: int,
    least_cosine: float,
    export_anyway: bool = False,
) -> None:
    """Write ``README.md`` into the merged folder from the ledger, the evaluation and the merge's proof."""
    fit = run.last("train.fit") or {}
    sections = [
        _front(run, facts),
        _intended(contract, facts, _codes(run)[0]),
        _gate(run, fit),
        _data(run, fit),
        _training(fit, facts),
        _evaluation(run, export_anyway),
        _limits(contract, facts),
        _proof(texts, least_cosine),
        _licence(facts),
    ]
    write_text(folder / "README.md", "\n\n".join(sections) + "\n")


def _front(run: RunDir, facts: Mapping[str, Any]) -> str:
    licence = "gemma" if _is_gemma(facts) else "other"
    listed = "\n".join(f"- {code}" for code in _codes(run))
    return (
        f"---\nlicense: {licence}\nbase_model: {facts['base']}\npipeline_tag: sentence-similarity\n"
        f"library_name: sentence-transformers\nlanguage:\n{listed}\n---\n\n"
        f"# {facts['base']}, fine-tuned for one body of documents"
    )


def _codes(run: RunDir) -> list[str]:
    """The languages of the training rows, most frequent first; "und" (undetermined) where nobody knows."""
    path = run.path("dataset/rows.parquet")
    rows = read_columns(path, DatasetRow, ["language"])["language"].to_pylist() if path.exists() else []
    return [code or "und" for code, _ in Counter(rows).most_common()] or ["und"]


def _intended(contract: PromptContract, facts: Mapping[str, Any], code: str) -> str:
    question, title, text = language(code).prompting.example
    return (
        "## Intended use\n\nFinding the passage that answers a question within the documents it was tuned on. It is not a general "
        "embedding model any more, and not an authority: it finds what documents say, and does not interpret it.\n\n"
        '```python\nfrom sentence_transformers import SentenceTransformer\n\nmodel = SentenceTransformer("model/merged")\n'
        f"query = model.encode({contract.query_prefix + question!r})\n"
        f"passage = model.encode({contract.format_document(text, title)!r})\n```\n\n"
        f"The prefixes are part of the model (from: {facts.get('prompts_from', 'contract.json')}). Vectors have {contract.dimensions[0]} dimensions"
        + (
            f" and may be cut to {', '.join(map(str, contract.dimensions[1:]))} and scaled to length 1"
            if contract.dimensions[1:]
            else ""
        )
        + f"; texts are cut at {contract.max_tokens} tokens."
    )


def _gate(run: RunDir, fit: Mapping[str, Any]) -> str:
    gate = read_gate(run)
    if fit.get("ungated"):
        reasons = "".join(f"\n* {blocker.reason}" for blocker in gate.blockers)
        return f"## Gate\n\n**UNGATED: trained on data that was not validated and reviewed.** `--ungated` was given.{reasons}"
    if not gate.open:
        return "## Gate\n\n**The gate was open at training and is closed now.** " + "; ".join(b.reason for b in gate.blockers) + "."
    return (
        "## Gate\n\nOpen: the dataset was validated as it is, and "
        f"{gate.review_done} of {gate.review_required} required rows were reviewed by people."
        + (f"\n\n{stamp}" if (stamp := quota_stamp(gate.review_quota)) else "")
    )


def _data(run: RunDir, fit: Mapping[str, Any]) -> str:
    counts = fit.get("counts", {})
    return (
        f"## Data\n\nDataset hash `{read_gate(run).dataset_hash}` (its own card: `dataset/README.md` of the run). "
        f"{counts.get('train', 0)} training rows, {counts.get('val', 0)} for choosing the best step."
    )


def _training(fit: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    result, preset = fit.get("result", {}), facts["preset"]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(fit.get("versions", {}).items()))
    lora = (
        f", LoRA r={preset['lora_r']} alpha={preset['lora_alpha']} on {', '.join(preset['lora_targets'])}"
        if facts["method"] != "full"
        else ""
    )
    stopped = str(result.get("stopped", ""))
    alarms = "".join(f"\n* alarm at step {a['step']}: {a['signal']} ({a['detail']}); {a['action']}" for a in result.get("alarms", ()))
    return (
        f"## Training\n\n* base `{facts['base']}`, method {facts['method']}{lora}, "
        f"{result.get('trained_parameters', 0):,} parameters trained\n"
        f"* contrastive loss at scale {result.get('scale')}, batch {preset['batch']} (mini-batch {result.get('mini_batch')}), "
        f"{_negatives(preset)}, rate {preset['learning_rate']:g}, "
        f"seed {fit.get('settings', {}).get('seed')}\n{_besides(preset, result)}"
        f"* {result.get('steps')} steps of {result.get('planned_steps')}; kept: step {result.get('best_step')}, val nDCG@10 "
        f"{result.get('base_ndcg', 0):.4f} -> {result.get('best_ndcg', 0):.4f}. "
        f"{stopped[:1].upper()}{stopped[1:]}.{alarms}\n"
        f"* hardware: {hardware(str(result.get('device', 'cpu')))}; {fit.get('seconds', 0):.0f} s\n* {versions}"
    )


def _negatives(preset: Mapping[str, Any]) -> str:
    """What a row brings beside its positive."""
    if preset.get("grouped"):
        return "no columns of hard negatives"
    if preset.get("soft_labels"):
        return f"{preset['soft_candidates']} candidates of the teacher a question in the hard negatives' place"
    return f"{preset['negatives']} hard negatives at most"


def _besides(preset: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """What the loss knew besides texts, and whose weights are mixed, as lines of the card; "" for a plain recipe."""
    lines = []
    if preset.get("soft_labels"):
        over = "the passages of the batch" if preset.get("grouped") else f"{preset['soft_candidates']} candidates"
        lines.append(f"{preset['soft_labels']:g} of the loss follows {TEACHER}{reads(preset, result)}, over {over}")
    if preset.get("residual"):
        lines.append(f"trained on the fused score, of which BM25 has {preset['residual']:g}")
    if preset.get("grouped"):
        lines.append(
            f"grouped: {preset['batch']} passages a step with all of their questions, up to {preset['near']:g} of them near one another"
        )
    if preset.get("mask") or preset.get("grouped"):
        lines.append("false negatives within a batch are masked")
    if preset.get("consistent"):
        teacher = "" if preset.get("soft_labels") else f" ({TEACHER}{reads(preset, result)})"
        lines.append(
            f"{result.get('inconsistent', 0)} questions left out: own passage not among the teacher's first {preset['consistent']}{teacher}"
        )
    if preset.get("rounds", 1) > 1:
        lines.append(f"{preset['rounds']} rounds, hard negatives mined again by the tuned model")
    if result.get("averages"):
        tried = ", ".join(f"{count}: {ndcg:.4f}" for count, ndcg in result["averages"].items())
        lines.append(
            f"weights: the mean over {result['averaged']} of {preset['seeds']} seeds (val nDCG@10 by number of seeds: {tried})"
        )
    if result.get("mixes"):
        tried = ", ".join(f"{share}: {ndcg:.4f}" for share, ndcg in result["mixes"].items())
        lines.append(f"weights: {result['mix']:g} of the tuned ones, the rest the base's (val nDCG@10 by share: {tried})")
    return "".join(f"* {line}\n" for line in lines)


def hardware(device: str) -> str:
    """The device and machine in words, with no name of the machine."""
    import os

    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(0) if torch.cuda.is_available() else device
    return f"CPU, {platform.machine()}, {os.cpu_count()} cores"


def _evaluation(run: RunDir, export_anyway: bool) -> str:
    path = run.path("evaluation/result.json")
    if not path.exists():
        return "## Evaluation\n\n**Not measured.** Run `train evaluate`, then `train merge` again."
    content = read_object(path, "an evaluation", f"run `{run.command('train evaluate')}`", ("verdict", "dataset_hash"))
    verdict = content["verdict"]
    if content["dataset_hash"] != read_gate(run).dataset_hash:
        return "## Evaluation\n\n**Measured on another dataset than this model was trained with.** Run `train evaluate` again."
    lines = [
        "## Evaluation",
        "",
        f"**{verdict['sentence']}.**",
        "",
        "| set | metric | base | tuned | difference | 95 % interval | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in content["sets"]:
        for change in one["changes"]:
            if change["before"] == "base" and change["view"] == verdict["view"] and not change["facet"] and change["metric"] in SHOWN:
                ranked = (
                    "" if change["after"] == "tuned" else f", {change['after']}"
                )  # the fused rankers are measured beside the encoder
                lines.append(
                    f"| {one['name']}{ranked} | {change['metric']} | {change['before_value']:.3f} | {change['after_value']:.3f} | "
                    f"{change['delta']:+.3f} | {change['low']:+.3f} to {change['high']:+.3f} | {change['p_value']:.4f} |"
                )
    if export_anyway:
        lines.insert(1, f"**EXPORTED ANYWAY: the verdict is `{verdict['word']}`, and `--export-anyway` was given.**\n")
    return "\n".join(lines)


def _limits(contract: PromptContract, facts: Mapping[str, Any]) -> str:
    overflow = "\n* Never run it in float16: Gemma's activations overflow." if _is_gemma(facts) else ""
    return (
        "## Limits\n\n* Measured on questions like those it was tuned for; other documents and languages may have become worse.\n"
        "* Questions written by rules or by a language model are simpler than people's; trust the gold set's figures most.\n"
        f"* Beyond {contract.max_tokens} tokens a passage is cut.{overflow}"
    )


def _proof(texts: int, least_cosine: float) -> str:
    return (
        "## Merge\n\nThe merged folder was loaded again without an adapter and compared with base plus adapter on "
        f"{texts} val texts: least cosine {least_cosine:.6f}."
    )


def _is_gemma(facts: Mapping[str, Any]) -> bool:
    return "gemma" in str(facts["origin"]).lower() and facts["preset"]["base"] != "tiny"


def _licence(facts: Mapping[str, Any]) -> str:
    if _is_gemma(facts):
        return (
            f"## Licence\n\nThe base is under the Gemma Terms of Use ({GEMMA_TERMS}), and so is this derivative: pass on those terms "
            'and the prohibited-use policy with it, say that it was modified, and include the notice "Gemma is provided under and '
            f'subject to the Gemma Terms of Use found at {GEMMA_TERMS}".'
        )
    if facts["preset"]["base"] == "tiny":
        return "## Licence\n\nRandom weights trained here; no licence of a base applies. The documents' own terms do."
    base = facts["base"]
    return f"## Licence\n\nThat of the base `{base}` and of the documents. If the base is a Gemma model, the Gemma Terms of Use apply."
