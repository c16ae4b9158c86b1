"""From the merged model to ``run/bundle/``: stage, prove, index, seal. Nothing is called a bundle before the last step.

All work happens in a hidden folder beside it; a rename makes it the bundle. A killed export leaves the hidden folder, which the next
one deletes, and the bundle that was there before. A proof that fails leaves no bundle and a report that says which check it was.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from triplette import __version__
from triplette.console import progress
from triplette.contract import PromptContract
from triplette.dataset import HASHED_FILES, Dataset, load_dataset
from triplette.export.card import card, licences
from triplette.export.convert.convert import load_encoder
from triplette.export.convert.engine import ENGINE, write_litertlm
from triplette.export.convert.engine import FILE as LITERTLM
from triplette.export.convert.quantize import choose_recipe
from triplette.export.convert.resources import needs, require
from triplette.export.convert.stage import Note, Plan, Staged, make_plan, quantised, stage
from triplette.export.index import INDEX, write_index
from triplette.export.proof.checks import PROOF, Check, Proof
from triplette.export.proof.golden import GOLDEN, write_golden
from triplette.export.proof.litertlm import check_litertlm
from triplette.export.proof.measure import measure
from triplette.export.proof.parity import embed_corpus, prove
from triplette.export.proof.ranking import check_lexical
from triplette.export.proof.sample import Sample, take_sample
from triplette.export.proof.signature import MANIFEST, require_key, sign
from triplette.export.runtime import Embedder
from triplette.export.vocabulary import choose_vocabulary, is_trimmed
from triplette.hashing import code_version, hash_file, hash_tree
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.export import ExportSettings
from triplette.site import write_front
from triplette.step import Step
from triplette.tables import write_text

STAGE, TRIMMED = "export.bundle", ".trimmed"
BUNDLE, FAILED = "bundle", "bundle.failed.json"
KOTLIN = (
    "TripletteEmbedder.kt",
    "TripletteTokenizer.kt",
    "TripletteUnigram.kt",
    "TripletteByteLevel.kt",
    "TripletteWordPiece.kt",
    "TripletteIndex.kt",
    "TripletteSearch.kt",
    "TripletteFrench.kt",
)
INPUTS = ("model/merged", "model/contract.json", *HASHED_FILES)
UPSTREAM = ("curate.build", "curate.validate", "train.fit", "train.merge", "train.evaluate")
LIBRARIES = ("litert-torch", "litert-converter", "ai-edge-quantizer", "ai-edge-litert", "torch", "sentence-transformers")


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What an export made: where, whether it was there already, sizes in bytes, seconds by step, and what was proven."""

    path: Path
    recipe: str
    granularity: str
    lengths: tuple[int, ...]
    dimensions: tuple[int, ...]
    sizes: dict[str, int]
    seconds: dict[str, float]
    checks: dict[str, str]
    overridden: bool
    latency: list[dict[str, Any]]
    notes: tuple[str, ...]
    unchanged: bool = False


def export_bundle(
    run: RunDir,
    settings: ExportSettings,
    *,
    override: bool = False,
    key: Path | None = None,
    note: Note = lambda _: None,
    load: Callable[[Path], Any] = load_encoder,
) -> ExportResult:
    """Export the run's merged model. ``override`` lets a failed proof through and stamps the bundle; ``note`` is told each step.

    ``key`` signs the manifest (an OpenSSH private key), also that of a bundle which already exists.

    Raises MissingStage, InputError, ContractMismatch or SettingError before any work, TripletteError without room for
    it, ProofFailed when a check did not hold. An export whose inputs, settings and code are unchanged does nothing.
    """
    run.require(*INPUTS)
    if key is not None:
        require_key(key)
    step = Step(run, STAGE, run.fingerprints(INPUTS), {**as_dict(settings), "override": override})
    if done := step.done(ExportResult, path=run.path(BUNDLE)):
        write_front(run)
        return done if key is None else _sign_again(step, done, key)
    model, contract = run.path("model/merged"), PromptContract.load(run.path("model/contract.json"))
    plan = make_plan(model, contract, settings)
    is_trimmed(model, plan.architecture, settings.vocabulary)
    dataset = load_dataset(run)
    require(needs(plan.architecture, plan.recipe, len(plan.files) + plan.litertlm, len(dataset.corpus)), run.root)
    with run.locked(), _workplace(run) as folder:
        trimmed = folder.with_name(folder.name + TRIMMED)
        chosen = choose_vocabulary(model, contract, plan.architecture, settings.vocabulary, dataset, trimmed, note)
        plan = make_plan(chosen.model, chosen.contract, settings)
        staged = stage(chosen.model, chosen.contract, plan, folder, _lines(dataset, settings.tokenizer_lines), note, load=load)
        made = _prove(staged, plan, dataset, settings, (chosen.check,) if chosen.check else (), note)
        made = _through(run, made, override=override)
        facts = _measure(run, made, dataset, settings, note)
        result = _seal(run, made, facts, key, note=note)
    run.path(FAILED).unlink(missing_ok=True)
    counts = {"chunks": len(dataset.corpus), "checks": len(result.checks), "bytes": sum(result.sizes.values())}
    result = step.record(result, outputs=[BUNDLE], counts=counts, forget=("path",))
    write_front(run)
    return result


def _sign_again(step: Step, done: ExportResult, key: Path) -> ExportResult:
    """Sign the bundle that is there, and record it with its signature: the ledger's fingerprint of the folder has that file too."""
    with step.run.locked():
        sign(step.run.path(BUNDLE), key)
        last = step.run.last(STAGE) or {}
        return step.record(done, outputs=[BUNDLE], counts=last.get("counts", {}), forget=("path",))


@dataclass(frozen=True, slots=True)
class Made:
    """A staged bundle with its proof, the sample that it was proven on, and the seconds that each step took."""

    staged: Staged
    plan: Plan
    proof: Proof
    sample: Sample
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured on the proven bundle, and where it came from."""

    latency: list[dict[str, Any]]
    lineage: dict[str, Any]


def _prove(staged: Staged, plan: Plan, dataset: Dataset, settings: ExportSettings, extra: tuple[Check, ...], note: Note) -> Made:
    """Embed the corpus, write the index and prove. Where ``auto`` chose the recipe and only rounding failed it, the next finer one is tried."""
    sample = take_sample(dataset, questions=settings.questions, passages=settings.passages)
    refused: tuple[str, ...] = ()
    while True:
        proof, seconds = _fill(staged, sample, dataset, settings, extra, note)
        made = Made(replace(staged, notes=(*refused, *staged.notes)), plan, proof, sample, seconds)
        finer = finer_for_auto(settings.recipe, plan.recipe.name, proof)
        if finer is None:
            return made
        said = "; ".join(f"{check.name}: {check.detail}" for check in proof.checks if not check.passed)
        refused = (*refused, f"{finer} was taken, because the proof refused {plan.recipe.name} ({said})")
        note(refused[-1])
        plan = replace(plan, recipe=choose_recipe(finer, "auto", plan.architecture))
        staged = quantised(replace(staged, seconds=seconds), plan, note)


def finer_for_auto(asked: str, tried: str, proof: Proof) -> str | None:
    """The recipe to try after ``tried``: none where another was asked for than auto, where the proof held or another fault failed it, and never float32."""
    finer = proof.finer(tried) if asked == "auto" else None
    return None if finer == "float32" else finer


def _fill(
    staged: Staged, sample: Sample, dataset: Dataset, settings: ExportSettings, extra: tuple[Check, ...], note: Note
) -> tuple[Proof, dict[str, float]]:
    """Embed the corpus, write the index and run every check of one recipe; the proof, and the seconds with those of earlier ones."""
    folder = staged.subject.folder
    embedder = Embedder(folder, threads=settings.threads)
    chunks = list(dataset.corpus.values())
    seconds = {"corpus": 0.0, "proof": 0.0, **staged.seconds}
    clock = time.perf_counter()
    note(f"embedding {len(chunks)} passages with the exported file")
    with progress("passages", len(chunks)) as bar:
        vectors = embed_corpus(embedder, ((chunk.text, chunk.title) for chunk in chunks), bar.advance)
    seconds["corpus"] += time.perf_counter() - clock
    clock = time.perf_counter()
    rows = {chunk.id: index for index, chunk in enumerate(chunks)}
    proven = prove(staged.subject, sample, vectors[[rows[chunk.id] for chunk in sample.chunks]], settings, note)
    write_index(folder / INDEX, chunks, vectors, {"contract": staged.subject.contract.hash, "dataset": dataset.hash})
    lexical = check_lexical(folder / INDEX, chunks, sample.questions)
    proof = Proof((*extra, tokenizer_check(staged), *proven.checks, lexical, *_litertlm(staged, embedder, sample, note)))
    embedder.model.close()
    seconds["proof"] += time.perf_counter() - clock
    return proof, seconds


def _through(run: RunDir, made: Made, *, override: bool) -> Made:
    """What was made, where its proof held or ``override`` lets it through and stamps it; else ProofFailed, and the report in the run."""
    if made.proof.passed:
        return made
    made.proof.save(run.path(FAILED))
    if not override:
        made.proof.require(where=str(run.path(FAILED)), recipe=made.plan.recipe.name)
    return replace(made, proof=replace(made.proof, overridden=True))


def _measure(run: RunDir, made: Made, dataset: Dataset, settings: ExportSettings, note: Note) -> Facts:
    """Write proof and golden file into the staged folder, and measure the file's speed."""
    folder = made.staged.subject.folder
    made.proof.save(folder / PROOF)
    shutil.rmtree(made.staged.subject.float_folder)
    embedder = Embedder(folder, threads=settings.threads)
    write_golden(folder / GOLDEN, embedder, made.sample)
    embedder.model.close()
    latency = []
    for threads in settings.latency_threads:
        note(f"latency with {threads} thread{'s' if threads > 1 else ''}")
        latency.append(measure(folder, threads=threads, runs=settings.latency_runs))
    return Facts(latency, lineage(run, dataset, made.staged.subject.contract))


def _litertlm(staged: Staged, embedder: Embedder, sample: Sample, note: Note) -> tuple[Check, ...]:
    """Write the file for LiteRT-LM where its graphs were converted, and check it."""
    graphs, subject = staged.subject.float_folder, staged.subject
    if not (graphs / ENGINE).exists():
        return ()
    note("file for LiteRT-LM")
    written = write_litertlm(graphs, subject.model, subject.contract, staged.spec, subject.folder / LITERTLM)
    contract = subject.contract
    texts = {contract.format_query(text): embedder.query_ids(text) for text in sample.questions}
    texts |= {contract.format_document(c.text, c.title): embedder.document_ids(c.text, c.title) for c in sample.chunks}
    proven = subject.folder / staged.spec.files[0]
    return (check_litertlm(subject.folder / LITERTLM, written, embedder.model, proven, texts, graphs),)


def tokenizer_check(staged: Staged) -> Check:
    """The comparison of the two tokenizers as a check; staging already refused one that disagrees."""
    agreement = staged.tokenizer.agreement
    detail = f"tokenizer.model ({staged.tokenizer.origin}) gives the model's ids on {agreement.compared} lines and awkward strings"
    return Check("tokenizer", agreement.differing == 0, detail, {"texts": agreement.compared, "differing": agreement.differing})


def _seal(run: RunDir, made: Made, facts: Facts, key: Path | None, *, note: Note) -> ExportResult:
    """Write card, licences, sample and manifest, then put the folder in the bundle's place."""
    note("sealing")
    staged, plan, proof = made.staged, made.plan, made.proof
    folder, contract = staged.subject.folder, staged.subject.contract
    for name in KOTLIN:
        (folder / name).write_text(kotlin_sample(name), encoding="utf-8")
    write_text(folder / "LICENSES.md", licences(contract, staged.spec))
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    text = card(contract, staged.spec, proof, sizes=sizes, lineage=facts.lineage, latency=facts.latency, notes=staged.notes)
    write_text(folder / "README.md", text)
    files: dict[str, dict[str, Any]] = {
        path.name: {"sha256": hash_file(path), "bytes": path.stat().st_size} for path in sorted(folder.iterdir())
    }
    manifest = {
        "format": 1,
        "files": files,
        "contract": contract.hash,
        "recipe": {"name": plan.recipe.name, "bits": dict(plan.recipe.bits), "granularity": plan.recipe.granularity},
        "lengths": list(plan.lengths),
        "dimensions": list(plan.dimensions),
        "proof": {"passed": proof.passed, "overridden": proof.overridden, "failed": list(proof.failed)},
        "latency": facts.latency,
        "lineage": facts.lineage,
    }
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
    if key is not None:
        sign(folder, key)
    _replace(folder, run.path(BUNDLE))
    return ExportResult(
        path=run.path(BUNDLE),
        recipe=plan.recipe.name,
        granularity=plan.recipe.granularity,
        lengths=plan.lengths,
        dimensions=plan.dimensions,
        sizes={name: int(entry["bytes"]) for name, entry in files.items()},
        seconds={name: round(value, 2) for name, value in made.seconds.items()},
        checks={check.name: check.detail for check in proof.checks},
        overridden=proof.overridden,
        latency=facts.latency,
        notes=staged.notes,
    )


def lineage(run: RunDir, dataset: Dataset, contract: PromptContract) -> dict[str, Any]:
    """From the bundle back to the dataset: hashes, code, libraries, and when each stage before ran."""
    found: dict[str, Any] = {
        "dataset": dataset.hash,
        "model": hash_tree(run.path("model/merged")),
        "contract": contract.hash,
        "base_model": contract.base_model,
        "triplette": __version__,
        "code": code_version("export"),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }
    entries = {name: run.last(name) for name in UPSTREAM}
    found["stages"] = {name: {"at": entry["at"], "code": entry["code"]} for name, entry in entries.items() if entry is not None}
    trained = entries["train.fit"]
    found["ungated"] = bool(trained and trained.get("ungated"))
    merged = entries["train.merge"]
    found["export_anyway"] = bool(merged and merged["settings"].get("export_anyway"))
    return found


def kotlin_sample(name: str) -> str:
    """A file of the Android sample that is packed into every bundle."""
    return resources.files("triplette.export").joinpath("android", name).read_text(encoding="utf-8")


def _lines(dataset: Dataset, count: int) -> list[str]:
    """At most ``count`` distinct lines of the corpus and its questions, evenly spread."""
    lines = [line for chunk in dataset.corpus.values() for line in (chunk.title, *chunk.text.splitlines()) if line.strip()]
    distinct = list(dict.fromkeys([*lines, *(row.question for row in dataset.rows)]))
    step = max(1, len(distinct) // count)
    return distinct[::step][:count]


@contextmanager
def _workplace(run: RunDir) -> Iterator[Path]:
    """A hidden folder for one export; leftovers of killed ones are deleted first, and a bundle they had moved aside is put back."""
    kept = run.path(f".{BUNDLE}.old")
    if kept.exists() and not run.has(BUNDLE):
        kept.rename(run.path(BUNDLE))
    for leftover in run.root.glob(f".{BUNDLE}.*"):
        shutil.rmtree(leftover, ignore_errors=True)
    folder = run.path(f".{BUNDLE}.{os.getpid()}")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for name in (".float", TRIMMED):
            shutil.rmtree(folder.with_name(folder.name + name), ignore_errors=True)


def _replace(folder: Path, target: Path) -> None:
    """Put ``folder`` in the place of ``target``; a directory cannot be renamed over one that is not empty."""
    kept = target.with_name(f".{target.name}.old")
    if target.exists():
        target.rename(kept)
    folder.rename(target)
    shutil.rmtree(kept, ignore_errors=True)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
