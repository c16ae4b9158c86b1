"""``train evaluate``: base against tuned, on the same questions, passages and prompts, with the verdict that opens export.

Both models rank one corpus exactly, at every dimension of the contract and as int8; BM25, LSA and reciprocal rank fusions stand beside
them, because a fine-tune that loses to BM25 is no gain for the user. Where the contract says that production is hybrid, both models are
also ranked fused with BM25, each by the weights that val chose for it, and the verdict is on that. What can be decided is decided
by ``train.measure``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from triplette.arrays import Ints, Vectors
from triplette.console import progress
from triplette.contract import Fusion, PromptContract
from triplette.dataset import HASHED_FILES, Dataset, load_dataset
from triplette.errors import ContractMismatch, InputError, SettingError
from triplette.hashing import hash_tree
from triplette.jsonl import read_object
from triplette.ranking.lexical import LexicalRanker
from triplette.ranking.metrics import PRIMARY
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.train import EvaluateSettings, Preset
from triplette.site import EVALUATION, TRAINING_REPORT, write_front
from triplette.step import Step
from triplette.tables import replacing, write_text
from triplette.train.data import Passages, Questions, questions_of, read_beir
from triplette.train.fit import ADAPTER, BASE, CONTRACT
from triplette.train.fit import STAGE as FIT
from triplette.train.kept import FILE as KEPT
from triplette.train.kept import embed_passages, kept_passages
from triplette.train.measure import BASE as BEFORE
from triplette.train.measure import BM25, HYBRID, HYBRID_BASE, TUNED, Measurement, Verdict, judge, measure_set
from triplette.train.models import apply_adapter, load_base, read_fit
from triplette.train.plots import before_after, dimension_curve, rank_shift
from triplette.train.production import asked_tokens, hybrid_of, lexical_index
from triplette.train.ranking import embed, fuse, rank, views
from triplette.train.report import render

STAGE = "train.evaluate"
RESULT, REPORT, PLOTS, QUESTIONS = (
    EVALUATION,
    TRAINING_REPORT,
    "evaluation/plots",
    "evaluation/questions.parquet",
)
LSA, LEXICAL = "LSA", "BM25+LSA"
_FUSED = {BEFORE: HYBRID_BASE, TUNED: HYBRID}


@dataclass(frozen=True, slots=True)
class EvaluateResult:
    """The verdict, what was measured, and where the report is."""

    verdict: Verdict
    tables: tuple[tuple[str, tuple[tuple[Any, ...], ...]], ...]
    report: str
    seconds: float = 0.0
    unchanged: bool = False


def evaluate(
    run: RunDir, settings: EvaluateSettings, *, beir: Sequence[Path] = (), device: str | None = None, seed: int = 0
) -> EvaluateResult:
    """Measure base and tuned and write ``evaluation/``: result.json, report.html, plots and a row a question.

    ``beir`` folders are measured after the splits. Raises MissingStage, InputError, SettingError or ContractMismatch.
    """
    run.require(ADAPTER, CONTRACT)
    dataset = load_dataset(run)
    inputs = run.fingerprints([*HASHED_FILES, ADAPTER, CONTRACT, BASE])
    _require_its_dataset(run, inputs)
    inputs |= {f"beir/{folder.name}": hash_tree(folder) for folder in beir}
    step = Step(run, STAGE, inputs, {**as_dict(settings), "seed": seed})
    if done := step.done(EvaluateResult, report=str(run.path(REPORT))):
        write_front(run)
        return done
    with run.locked():
        facts, contract = read_fit(run.path(ADAPTER)), PromptContract.load(run.path(CONTRACT))
        view = production_view(contract, settings)
        sets = [questions_of(dataset, split) for split in settings.splits] + [read_beir(folder) for folder in beir]
        if len({one.name for one in sets}) < len(sets):
            raise InputError("two sets have one name", where=", ".join(one.name for one in sets), cure="rename a folder")
        rankings = _rank_all(run, sets, facts, contract, settings, device)
        measurements = [measure_set(one, ranked, settings, view=view, seed=seed) for one, ranked in zip(sets, rankings, strict=True)]
        verdict = judge(measurements[0], view, given_back=_given_back(run, inputs))
        _write(run, dataset, facts, contract, settings, verdict, measurements)
        result = step.record(
            EvaluateResult(verdict, _tables(measurements, view), str(run.path(REPORT))),
            outputs=[RESULT, REPORT, PLOTS, QUESTIONS],
            counts={one.name: len(one) for one in sets},
            forget=("report",),
            verdict=verdict.word,
        )
        write_front(run)
        return result


def _given_back(run: RunDir, inputs: Mapping[str, str]) -> bool:
    """Whether the fit of this adapter ended with the base's own weights."""
    fitted = run.last(FIT)
    if fitted is None or fitted["outputs"].get(ADAPTER) != inputs[ADAPTER]:
        return False
    told = fitted.get("result", {})
    return told.get("best_step") == 0 and told.get("averaged", 1) == 1


def _require_its_dataset(run: RunDir, inputs: Mapping[str, str]) -> None:
    """Raise InputError where the dataset is not the one that the adapter learnt: what was a training row may be a test question now."""
    fitted = run.last(FIT)
    if fitted is None or fitted["outputs"].get(ADAPTER) != inputs[ADAPTER]:
        return  # an adapter from elsewhere: nothing is known of what it learnt
    if any(fitted["inputs"].get(name) != inputs[name] for name in HASHED_FILES):
        raise InputError(
            "the dataset was built again since this adapter was trained: its test questions may be among those it learnt",
            where=str(run.path("dataset")),
            cure=f"run `{run.command('train fit')}` again",
        )


def production_view(contract: PromptContract, settings: EvaluateSettings) -> str:
    """The dimension and number format of the verdict. Raises SettingError for a dimension that the contract does not have."""
    size = settings.dimension or contract.dimensions[0]
    if size not in contract.dimensions:
        known = ", ".join(map(str, contract.dimensions))
        raise SettingError(f"the contract has no dimension {size}", where="train.evaluate.dimension", cure=f"use one of {known}")
    return f"{size} int8" if settings.int8 else str(size)


def read_verdict(run: RunDir) -> dict[str, Any]:
    """The verdict in evaluation/result.json. Raises MissingStage or InputError."""
    run.require(RESULT)
    path, cure = run.path(RESULT), f"run `{run.command('train evaluate')}`"
    verdict = read_object(path, "an evaluation", cure, ("verdict",))["verdict"]
    if not isinstance(verdict, dict) or not all(isinstance(verdict.get(key), str) for key in ("word", "sentence")):
        raise InputError("not an evaluation (its verdict has no word and sentence)", where=str(path), cure=cure)
    return verdict


def _rank_all(
    run: RunDir,
    sets: Sequence[Questions],
    facts: dict[str, Any],
    contract: PromptContract,
    settings: EvaluateSettings,
    device: str | None,
) -> list[dict[tuple[str, str], Ints]]:
    """Rankings by (system, view) for each set."""
    looks, view = views(contract.dimensions), production_view(contract, settings)
    fusions = {BEFORE: Fusion(**facts["base_fusion"]) if facts.get("base_fusion") else None, TUNED: contract.fusion}
    indices = {passages: lexical_index(passages) for passages in dict.fromkeys(one.passages for one in sets)}
    found: list[dict[tuple[str, str], Ints]] = [{} for _ in sets]
    with progress("evaluate", 2 * len(sets) + (len(sets) if settings.baselines else 0)) as bar:
        for system in (BEFORE, TUNED):
            model = load_system(run, facts, contract, tuned=system == TUNED, device=device)
            vectors: dict[Passages, Vectors] = {}
            for one, rankings in zip(sets, found, strict=True):
                bar.describe(f"{system} on {one.name}")
                if one.passages not in vectors:
                    texts, kept = one.passages.formatted(contract), kept_passages(run.path(KEPT), system)
                    vectors[one.passages] = embed_passages(partial(embed, model, beat=bar.tick), one.passages.ids, texts, kept)
                queries = embed(model, one.formatted(contract), beat=bar.tick)
                for name, look in looks.items():
                    rankings[system, name] = rank(look(queries), look(vectors[one.passages]), settings.depth)
                fusion = fusions[system]
                if fusion is not None:
                    hybrid = hybrid_of(one.passages, looks[view](vectors[one.passages]), fusion, indices[one.passages])
                    asked = asked_tokens(one)
                    rankings[_FUSED[system], ""] = hybrid.top(asked, looks[view](queries), settings.depth)
                bar.advance()
        for one, rankings in zip(sets, found, strict=True):
            if settings.baselines:
                bar.describe(f"baselines on {one.name}")
                rankings.update(_baselines(one, indices[one.passages], settings))
                bar.advance()
    return found


def load_system(run: RunDir, facts: dict[str, Any], contract: PromptContract, *, tuned: bool, device: str | None = None) -> Any:
    """The base model, or the base with the run's adapter, in full precision under the run's contract."""
    preset = Preset(**{**facts["preset"], "lora_targets": tuple(facts["preset"]["lora_targets"])})
    base = load_base(facts["origin"], preset, device=device)
    if not base.contract.encoding_hash == contract.encoding_hash == facts["contract"]:
        raise ContractMismatch(
            "base, adapter and contract.json do not belong together",
            where=str(run.path(CONTRACT)),
            cure=f"run `{run.command('train fit')}`",
        )
    if tuned:
        apply_adapter(base.model, facts["method"], run.path(ADAPTER), merge=False)
    return base.model


def _baselines(one: Questions, lexical: LexicalRanker, settings: EvaluateSettings) -> dict[tuple[str, str], Ints]:
    """BM25, LSA fitted on the same passages, and their fusion."""
    from triplette.ranking.lsa import LsaEncoder

    passages = one.passages
    bm25 = lexical.top(asked_tokens(one), settings.depth)[0]
    encoder = LsaEncoder(passages.texts, passages.titles, passages.languages)
    lsa = rank(encoder.encode_queries(one.texts), encoder.encode_documents(passages.texts, passages.titles), settings.depth)
    both = fuse([bm25, lsa], constant=settings.fusion_k, depth=settings.depth)
    return {(BM25, ""): bm25, (LSA, ""): lsa, (LEXICAL, ""): both}


def _write(
    run: RunDir,
    dataset: Dataset,
    facts: dict[str, Any],
    contract: PromptContract,
    settings: EvaluateSettings,
    verdict: Verdict,
    measurements: Sequence[Measurement],
) -> None:
    names = list(views(contract.dimensions))
    pictures = {
        one.name: (
            ("Quality by dimension", dimension_curve(one, names)),
            ("Every question before and after", before_after(one)),
            ("Ranks of the answers", rank_shift(one)),
        )
        for one in measurements
    }
    for name, drawn in pictures.items():
        for kind, (_, png) in zip(("dimensions", "before-after", "ranks"), drawn, strict=True):
            with replacing(run.path(f"{PLOTS}/{name}-{kind}.png")) as temporary:
                temporary.write_bytes(png)
    shown = {
        "base model": facts["base"],
        "method": facts["method"],
        "dataset": dataset.hash[:16],
        "contract": f"{contract.name} ({contract.hash[:16]})",
        "production": f"BM25 and the encoder: {contract.fusion.named}" if contract.fusion else "the encoder alone",
        "decision at": f"{verdict.view} dimensions on {verdict.on}",
    }
    _write_questions(run, measurements)
    write_text(run.path(REPORT), render(shown, verdict, measurements, pictures, settings))
    content = {
        "verdict": asdict(verdict),
        "dataset_hash": dataset.hash,
        "contract_hash": contract.hash,
        "facts": shown,
        "sets": [
            {
                "name": one.name,
                "questions": one.questions,
                "passages": one.passages,
                "values": [asdict(value) for value in one.values],
                "changes": [change.as_json() for change in one.changes],
                "won": sum(moved.after > moved.before for moved in one.moved),
                "lost": sum(moved.after < moved.before for moved in one.moved),
            }
            for one in measurements
        ],
        "tables": _tables(measurements, verdict.view),
    }
    write_text(run.path(RESULT), json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _write_questions(run: RunDir, measurements: Sequence[Measurement]) -> None:
    """One row a question: nDCG@10 and rank of the first answer, before and after, at production's view."""
    import pyarrow as pa

    from triplette.tables import write_table

    rows = [
        {
            "set": one.name,
            **{facet: one.labels[facet][i] for facet in one.labels},
            "before": one.per_question[BEFORE][i],
            "after": one.per_question[TUNED][i],
            "rank_before": one.ranks[BEFORE][i],
            "rank_after": one.ranks[TUNED][i],
        }
        for one in measurements
        for i in range(one.questions)
    ]
    write_table(run.path(QUESTIONS), pa.Table.from_pylist(rows))


def _tables(measurements: Sequence[Measurement], view: str) -> tuple[tuple[str, tuple[tuple[Any, ...], ...]], ...]:
    """What the command prints: each set's systems at production's view, with nDCG@10, Recall@5, MRR@10, and production's lead over them."""
    found = []
    for one in measurements:
        rows = []
        for system, name in dict.fromkeys((value.system, value.view) for value in one.values):
            if name not in (view, ""):
                continue
            wanted = (system, one.production[1], PRIMARY, "", view)
            lead = next((c.difference for c in one.changes if (c.before, c.after, c.metric, c.facet, c.view) == wanted), None)
            told = "" if lead is None else f"{lead.delta:+.3f} [{lead.low:+.3f}, {lead.high:+.3f}]"
            rows.append((system, *(one.value(system, name, metric).mean for metric in (PRIMARY, "Recall@5", "MRR@10")), told))
        found.append((f"{one.name}: {one.questions} questions, {one.passages} passages, at {view} dimensions", tuple(rows)))
    return tuple(found)
