"""The bundle's README: what it is, how it was proven, how to use it, and under which licences it may be passed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from triplette.contract import PromptContract
from triplette.export.convert.quantize import MEANING, RECIPES
from triplette.export.litert import Spec
from triplette.export.proof.checks import Proof

LICENCES = """# Licences

* The code that made this bundle, the Kotlin sample and the file formats: Apache License 2.0.
* `{files}` and `tokenizer.model` hold weights and vocabulary derived from the base model `{base}`. {terms}
* `index.sqlite` and `golden.json` hold passages of the corpus that this run was given. Their licence is that of the documents.
"""
GEMMA_TERMS = (
    "Gemma models are under the Gemma Terms of Use (https://ai.google.dev/gemma/terms): whoever passes the files on must pass on these "
    "terms, keep to the prohibited-use policy, and say that the files were modified. They were: fine-tuned, converted and quantised."
)
OTHER_TERMS = "Its own licence applies to them; this bundle does not change it."


def licences(contract: PromptContract, spec: Spec) -> str:
    """The text of LICENSES.md."""
    base = contract.base_model or "unnamed"
    terms = GEMMA_TERMS if "gemma" in base.lower() and not base.startswith("tiny") else OTHER_TERMS
    return LICENCES.format(files="`, `".join(spec.files), base=base, terms=terms)


def card(
    contract: PromptContract,
    spec: Spec,
    proof: Proof,
    *,
    sizes: Mapping[str, int],
    lineage: Mapping[str, Any],
    latency: list[dict[str, Any]],
    notes: tuple[str, ...],
) -> str:
    """The text of README.md."""
    parts = [
        _front(contract),
        f"# {contract.base_model or contract.name} for the phone",
        _stamp(proof, lineage),
        "An embedding model and a searchable corpus for LiteRT, exported by Triplette (`train export`).",
        _files(sizes),
        _use(contract, spec),
        _vocabulary(proof),
        _proof(proof),
        _latency(latency),
        _lineage(lineage),
    ]
    if notes:
        parts.append("## Notes\n\n" + "\n".join(f"* {note}" for note in notes))
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(contract: PromptContract) -> str:
    return f"---\nlibrary_name: litert\npipeline_tag: sentence-similarity\nbase_model: {contract.base_model or 'unknown'}\n---"


def _stamp(proof: Proof, lineage: Mapping[str, Any]) -> str:
    stamps = []
    if proof.overridden:
        stamps.append(f"> **UNPROVEN.** The proof failed ({', '.join(proof.failed)}) and the export was forced.")
    if lineage.get("ungated"):
        stamps.append("> **UNGATED.** The model was trained on a dataset that had not passed validation and review.")
    if lineage.get("export_anyway"):
        stamps.append("> **NOT SHOWN TO BE BETTER.** The evaluation did not show a gain over the base model; the export was asked for.")
    return "\n\n".join(stamps)


def _files(sizes: Mapping[str, int]) -> str:
    rows = "\n".join(f"| `{name}` | {size / 1e6:.2f} MB |" for name, size in sorted(sizes.items()))
    return f"## Files\n\n| File | Size |\n|---|---|\n{rows}\n\nsha256 of each, and where it came from: `manifest.json`."


def _use(contract: PromptContract, spec: Spec) -> str:
    signatures = ", ".join(f"`{s.name}` in `{s.file}`" for s in spec.signatures)
    return f"""## Use

* Question: `{contract.query_prefix}` + text.
  Passage: `{_shown(contract.format_document("text", "Title"))}`; without a title `{_shown(contract.format_document("text"))}`.
* Tokens: `tokenizer.model` (SentencePiece), ids {list(spec.tokenizer.before)} before and {list(spec.tokenizer.after)} after the text,
  padding {spec.tokenizer.pad}; at most {min(contract.max_tokens, spec.lengths[-1])} in all, the text is cut and the ids around it stay.
* Model: {signatures}. Inputs `tokens` and `attention_mask`, int32 (1, length), bound by name. Outputs `embedding_<d>` for d in
  {", ".join(map(str, spec.dimensions))}, each of length 1.
* Recipe: {_recipe(spec)}.
* Android: `TripletteEmbedder.kt` is an `Embedder<String>` for the AI Edge RAG SDK that reads `contract.json` and `spec.json`;
  `TripletteIndex.kt` ranks by it and BM25 together.
* Laptop: `train ask "..." --bundle .`; check the files anywhere, without torch: `train export --verify .`"""


def _recipe(spec: Spec) -> str:
    """The recipe's name and what it means; the granularity where there are 4-bit weights."""
    said = f"`{spec.recipe}`, {MEANING[spec.recipe]}"
    return f"{said}; 4-bit granularity {spec.granularity}" if 4 in RECIPES[spec.recipe].values() else said


def _vocabulary(proof: Proof) -> str:
    """What was left out of the vocabulary, for who asks in another alphabet."""
    found = next((check for check in proof.checks if check.name == "vocabulary"), None)
    if found is None:
        return ""
    return (
        f"## Vocabulary\n\nTrimmed to the tokens that the characters of this corpus can spell: {found.detail}. Words with other characters "
        "are cut into shorter tokens than the base model knows; no text gets an unknown token that had none."
    )


def _shown(text: str) -> str:
    return text.replace("\n", "\\n")


def _proof(proof: Proof) -> str:
    rows = "\n".join(f"| {check.name} | {'held' if check.passed else 'FAILED'} | {check.detail} |" for check in proof.checks)
    head = "Against the PyTorch model, in LiteRT, on this run's own texts; all figures: `proof.json`."
    return f"## Proof\n\n{head}\n\n| Check | | Found |\n|---|---|---|\n{rows}"


def _latency(latency: list[dict[str, Any]]) -> str:
    if not latency:
        return ""
    rows = [
        f"| {row['threads']} | {s['length']} | {s['median_ms']:.1f} | {s['p95_ms']:.1f} | {s['load_ms']:.0f} | {s['peak_mb']:.0f} |"
        for row in latency
        for s in row["signatures"]
    ]
    head = "| Threads | Length | Median ms | p95 ms | Load and first run, ms | Peak MB |\n|---|---|---|---|---|---|"
    return (
        "## Speed\n\nOn the machine that exported, full texts, XNNPACK; compare ratios, a phone differs.\n\n"
        + head
        + "\n"
        + "\n".join(rows)
    )


def _lineage(lineage: Mapping[str, Any]) -> str:
    rows = "\n".join(f"| {key} | `{value}` |" for key, value in lineage.items() if value not in ("", None))
    return f"## Lineage\n\n| | |\n|---|---|\n{rows}"
