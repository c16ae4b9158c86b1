"""What data does to multilingual-e5-small: curated or not, whose questions, how many, mined neighbours or none; equal steps, several seeds.

    python benchmarks/data_effect.py fit CHOICE --run RUN --rules RUN --base FOLDER --work DIR [--seed 0] [--steps 40]
                                                [--gold questions.jsonl] [--sample RUN]
    python benchmarks/data_effect.py mix CHOICE --run RUN --base FOLDER --work DIR [--seeds 0 1 2] [--share 1] [--steps 40] [--gold ...] [--sample ...]
    python benchmarks/data_effect.py table --run RUN --work DIR [--gold questions.jsonl]

RUN is a curated run over a corpus; ``--rules`` another over the same chunks. Every choice is measured on RUN's test split (no row of any choice is over
a passage that answers a question of its val or test), with ``--gold`` on judged questions at the page (``yardstick.py``), and with ``--sample``
on the test split of a run over another corpus. The recipe is the product's grouped batch, its plan and its loss, over the upper layers; to afford
many lines on two cores the lower layers, which no recipe here trains, are run once and kept, so a fit has no dropout. A step is 32 passages
with all of their questions: with fewer rows the same steps are more passes. ``mix`` averages the weights of a choice's seeds, and takes ``--share`` of
the way from the base to them.

``pairs``, ``sbert`` and ``nvidia`` are recipes of others (``recipes.py`` tells them) on the curated rows, as many steps of 32 rows: no text twice in a
batch, in-batch negatives and each row's own, the contrastive loss at their scale, and NVIDIA's at its rate.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from recipes import remined
from upper_layers import UpperLayers

from triplette.arrays import Floats, Vectors
from triplette.contract import Fusion
from triplette.dataset import SYNTHETIC, Dataset, DatasetRow, load_dataset
from triplette.look_alikes import look_alikes
from triplette.ranking.fusion import Hybrid
from triplette.ranking.metrics import PRIMARY, Difference, compare, score_rankings
from triplette.records import Question, Triplet
from triplette.rundir import RunDir
from triplette.settings.load import load_section
from triplette.settings.mine import MineSettings
from triplette.settings.train import PRESETS, Preset, preset_of
from triplette.tables import read_records, write_text
from triplette.train.data import Questions, questions_of, training_texts
from triplette.train.loss import informed_groups
from triplette.train.production import asked_tokens, fusion_for, hybrid_of
from triplette.train.ranking import rank
from triplette.train.teacher import teach

BASE = "base"
SETS = ("test", "gold", "sample")
WAYS = ("dense", "hybrid")
PASSAGE_TOKENS, QUESTION_TOKENS = 160, 64  # in training; in use the model's own limit
RATE, SCALE, BATCH, TRAINED = 1e-4, 50.0, 32, 6


@dataclass(frozen=True, slots=True)
class Others:
    """A recipe of somebody else's: rows, not groups; ``count`` negatives that the base ranks first, under ``share`` of the positive's cosine."""

    count: int = 0
    share: float = float("inf")
    scale: float = 20.0  # sentence-transformers' default
    rate: float = RATE


@dataclass(frozen=True, slots=True)
class Choice:
    """Rows from RUN as it was curated, as it was mined, from ``--rules``; ``sized``: as many as the curated; ``rows``: at most so many."""

    origin: str = "curated"
    sized: bool = False
    rows: int = 0
    near: float = 0.5
    soft: float = 0.0
    others: Others | None = None


CHOICES = {
    BASE: Choice(),
    "curated": Choice(),
    "uncurated": Choice("mined"),
    "uncurated, as many": Choice("mined", sized=True),
    "rejected": Choice("rejected"),
    "rules": Choice("rules"),
    "both": Choice("both"),
    "curated, 500": Choice(rows=500),
    "curated, 1000": Choice(rows=1000),
    "curated, 2000": Choice(rows=2000),
    "curated, not mined": Choice(near=0.0),
    "curated, soft labels": Choice(soft=0.9),
    "pairs": Choice(others=Others()),
    "sbert": Choice(others=Others(count=3)),
    "nvidia": Choice(others=Others(count=4, share=0.95, scale=50.0, rate=1e-5)),
}


def chosen_rows(choice: Choice, run: RunDir, rules: RunDir | None, seed: int) -> Dataset:
    """RUN's dataset with the train rows of the choice."""
    dataset = load_dataset(run)
    chunks = list(dataset.corpus.values())
    alike = look_alikes(chunks, MineSettings().containment)
    place = {chunk.id: number for number, chunk in enumerate(chunks)}
    kept_out = {chunk_id for row in dataset.rows if row.split != "train" for chunk_id in row.positive_ids}
    kept_out |= {chunks[other].id for chunk_id in kept_out for other in alike[place[chunk_id]]}

    def open_rows(rows: Sequence[DatasetRow]) -> list[DatasetRow]:
        return [row for row in rows if not kept_out & set(row.positive_ids)]

    curated = open_rows(dataset.split("train"))
    of_rules = [] if rules is None else open_rows([row for row in load_dataset(rules).rows if row.positive_ids[0] in place])
    mined = open_rows(_mined(run)) if choice.origin in ("mined", "rejected") else []
    accepted = {row.question_id for row in curated}
    rows = {
        "curated": curated,
        "mined": mined,
        "rejected": [row for row in mined if row.question_id not in accepted],
        "rules": of_rules,
        "both": [*curated, *of_rules],
    }[choice.origin]
    most = len(curated) if choice.sized else choice.rows
    if most and len(rows) > most:
        rows = random.Random(seed).sample(rows, most)
    train = [replace(row, split="train", position=number) for number, row in enumerate(rows)]
    return replace(dataset, rows=(*train, *(row for row in dataset.rows if row.split != "train")))


def _mined(run: RunDir) -> list[DatasetRow]:
    """Every triplet of the run before anything judged it."""
    asked = {question.id: question for question in read_records(run.path("questions.parquet"), Question)}
    rows = []
    for triplet in read_records(run.path("triplets.parquet"), Triplet):
        question = asked[triplet.question_id]
        rows.append(
            DatasetRow(
                split="train", position=0, question_id=question.id, triplet_id=triplet.id, question=triplet.question,
                positive_ids=(triplet.positive_id,), negative_ids=tuple(one.chunk_id for one in triplet.negatives), kind=question.kind,
                persona=question.persona, difficulty=question.difficulty, writer=question.model, source="", origin=SYNTHETIC,
                component="", score=1.0, review="",
            )
        )  # fmt: skip
    return rows


def fit(encoder: UpperLayers, dataset: Dataset, choice: Choice, preset: Preset, steps: int, seed: int) -> dict[str, Any]:
    """Train the upper layers; what was trained on, and for how long."""
    import torch

    torch.manual_seed(seed)
    steps_of, told = (_rows if choice.others else _groups)(encoder, dataset, choice, preset, seed)
    trained = list(encoder.upper.parameters())
    optimiser = torch.optim.AdamW(trained, lr=choice.others.rate if choice.others else RATE, weight_decay=preset.weight_decay)
    warm = math.ceil(preset.warmup * steps)
    falling = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min((step + 1) / warm, (steps - step) / max(steps - warm, 1)))
    started, made, epoch, losses = time.perf_counter(), 0, 0, []
    while made < steps:
        for loss in islice(steps_of(epoch), steps - made):
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            falling.step()
            losses.append(float(loss.detach()))
            made += 1
        epoch += 1
    return told | {
        "steps": made,
        "passes": epoch,
        "loss": round(float(np.mean(losses[-5:])), 3),
        "seconds": round(time.perf_counter() - started),
    }


Losses = Callable[[int], Iterator[Any]]  # of an epoch: the loss of each of its steps, to be stepped on before the next is asked for


def _groups(encoder: UpperLayers, dataset: Dataset, choice: Choice, preset: Preset, seed: int) -> tuple[Losses, dict[str, Any]]:
    """The product's batches: passages with all of their questions, and its loss."""
    import torch

    contract, taught = encoder.loaded.contract, None
    preset = replace(preset, soft_labels=choice.soft, near=choice.near)
    if choice.soft:
        passages = encoder.embed([contract.format_document(chunk.text, chunk.title) for chunk in dataset.corpus.values()])
        taught = teach(
            dataset, encoder.embed([contract.format_query(row.question) for row in dataset.split("train")]), passages, preset
        )
    texts = training_texts(dataset, contract, negatives=preset.negatives, seed=seed, grouped=True, taught=taught)
    groups, known = texts.groups, texts.known
    assert groups is not None
    assert known is not None
    anchors, positives = texts.columns["anchor"], texts.columns["positive"]
    encoder.keep([*anchors, *positives])

    def losses(epoch: int) -> Iterator[Any]:
        for rows in groups.batches(BATCH, choice.near, f"{seed}/{epoch}"):
            _, first, _ = known.distinct(rows)
            queries = encoder.vectors([anchors[row] for row in rows], QUESTION_TOKENS)
            passages = encoder.vectors([positives[rows[place]] for place in first.tolist()], PASSAGE_TOKENS)
            yield informed_groups(
                queries, passages, torch.tensor(rows), known, scale=SCALE, soft=choice.soft, teacher=preset.teacher_scale
            )

    return losses, {"rows": len(anchors), "passages": len(groups.rows)}


def _rows(encoder: UpperLayers, dataset: Dataset, choice: Choice, preset: Preset, seed: int) -> tuple[Losses, dict[str, Any]]:
    """Batches of others: a question, its passage, and as many hard negatives a row; every other passage of the batch is wrong."""
    import torch

    contract, others = encoder.loaded.contract, choice.others
    assert others is not None
    if others.count:
        passages = encoder.embed([contract.format_document(chunk.text, chunk.title) for chunk in dataset.corpus.values()])
        asked = encoder.embed([contract.format_query(row.question) for row in dataset.split("train")])
        dataset = remined(dataset, asked, passages, others.count, others.share)
    columns = training_texts(dataset, contract, negatives=others.count, seed=seed).columns
    anchors = columns["anchor"]
    texts = [columns[name] for name in columns if name != "anchor"]
    encoder.keep([text for column in (anchors, *texts) for text in column])

    def losses(epoch: int) -> Iterator[Any]:
        order = random.Random(f"{seed}/{epoch}").sample(range(len(anchors)), len(anchors))
        while len(order) >= BATCH:
            rows: list[int] = []
            said: set[str] = set()
            for row in order:
                own = {column[row] for column in (anchors, *texts)}
                if not said & own:
                    said |= own
                    rows.append(row)
                    if len(rows) == BATCH:
                        break
            if len(rows) < BATCH:
                return  # what is left repeats its passages
            taken = set(rows)
            order = [row for row in order if row not in taken]
            queries = encoder.vectors([anchors[row] for row in rows], QUESTION_TOKENS)
            passages = encoder.vectors([column[row] for column in texts for row in rows], PASSAGE_TOKENS)
            yield torch.nn.functional.cross_entropy(others.scale * queries @ passages.T, torch.arange(BATCH))

    return losses, {"rows": len(anchors), "passages": len(set(columns["positive"]))}


def measure(encoder: UpperLayers, run: RunDir, sample: RunDir | None, gold: Path | None) -> dict[str, Any]:
    """Every metric of each question, by set and way: the encoder alone, and BM25 fused as RUN's val chose."""
    contract, dataset = encoder.loaded.contract, load_dataset(run)
    val, test = questions_of(dataset, "val"), questions_of(dataset, "test")
    passages = encoder.embed(val.passages.formatted(contract))
    fusion = fusion_for(val, encoder.embed(val.formatted(contract)), passages, 0.0)[0]
    found: dict[str, Any] = {"fusion": fusion.named, "test": _asked(test, encoder.embed(test.formatted(contract)), passages, fusion)}
    if sample is not None:
        other = questions_of(load_dataset(sample), "test")
        vectors = encoder.embed(other.passages.formatted(contract))
        found["sample"] = _asked(other, encoder.embed(other.formatted(contract)), vectors, fusion)
    if gold is not None:
        import yardstick

        from triplette.languages import language

        asked, chunks = yardstick.read_gold(gold), list(dataset.corpus.values())
        pages, queries = yardstick.Pages(chunks), encoder.embed([contract.format_query(text) for text in asked.texts])
        tokens = [language(yardstick.FRENCH).tokens(text) for text in asked.texts]
        fused = Hybrid(yardstick.lexical_index(chunks), passages, fusion, None)
        scores = {"dense": queries @ passages.T, "hybrid": np.concatenate([block for _, block in fused.scores(tokens, queries)])}
        default = Hybrid(fused.bm25, passages, Fusion(), None)
        scores["hybrid, 0.3"] = np.concatenate([block for _, block in default.scores(tokens, queries)])
        found["gold"] = {way: _lists(pages.measure(one, asked)) for way, one in scores.items()}
    return found


def _asked(asked: Questions, queries: Vectors, passages: Vectors, fusion: Fusion) -> dict[str, dict[str, list[float]]]:
    hybrid = hybrid_of(asked.passages, passages, fusion)
    ranked = {"dense": rank(queries, passages, 10), "hybrid": hybrid.top(asked_tokens(asked), queries, 10)}
    return {way: _lists(score_rankings(one, asked.relevant)) for way, one in ranked.items()}


def _lists(found: Any) -> dict[str, list[float]]:
    return {name: np.asarray(found[name]).tolist() for name in (PRIMARY, "Recall@1", "Recall@5")}


def table(work: Path, run: RunDir, sample: RunDir | None) -> str:
    """A line a choice, set and way: seeds averaged question by question, against the base and against ``curated``."""
    groups = {"test": questions_of(load_dataset(run), "test").groups, "gold": None}
    groups["sample"] = questions_of(load_dataset(sample), "test").groups if sample else None
    told: dict[str, list[dict[str, Any]]] = {}
    for path in sorted((work / "results").glob("*.json")):
        one = json.loads(path.read_text(encoding="utf-8"))
        told.setdefault(one["choice"], []).append(one)
    lines = ["| choice | seeds | rows | passages | set, way | nDCG@10 (by seed) | R@1 | R@5 | against the base | against curated |"]
    lines.append("|---" * 10 + "|")
    for name in [*(name for name in CHOICES if name in told), *(name for name in told if name not in CHOICES)]:
        ones = told[name]
        for kind in SETS:
            for way in ones[0].get(kind, {}):
                values = _mean(ones, kind, way, PRIMARY)
                by_seed = ", ".join(f"{np.mean(one[kind][way][PRIMARY]):.3f}" for one in ones)
                differ = [
                    _told(compare(_mean(told[other], kind, way, PRIMARY), values, groups=groups[kind]))
                    if other in told and other != name else ""
                    for other in (BASE, "curated")
                ]  # fmt: skip
                rest = " | ".join(f"{_mean(ones, kind, way, metric).mean():.3f}" for metric in ("Recall@1", "Recall@5"))
                lines.append(
                    f"| {name} | {len(ones)} | {ones[0].get('rows', '')} | {ones[0].get('passages', '')} | {kind}, {way} | "
                    f"{values.mean():.3f} ({by_seed}) | {rest} | {differ[0]} | {differ[1]} |"
                )
    return "\n".join(lines)


def _mean(ones: Sequence[dict[str, Any]], kind: str, way: str, metric: str) -> Floats:
    return np.asarray(np.mean([one[kind][way][metric] for one in ones], axis=0), dtype=np.float64)


def _told(difference: Difference) -> str:
    return f"{difference.delta:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


def keep(told: dict[str, Any], work: Path, name: str, steps: int, seed: int = 0) -> None:
    """Write a line's figures, and say its means."""
    place = work / "results" / f"{_file(name, steps, seed)}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    write_text(place, json.dumps({**told, "steps": steps}) + "\n")
    means = ", ".join(f"{kind} {way} {np.mean(values[PRIMARY]):.3f}" for kind in SETS for way, values in told.get(kind, {}).items())
    print(f"{name}, seed {seed}: {told.get('rows', 0)} rows, {told.get('seconds', 0)} s; {means}", flush=True)


def weights_of(work: Path, name: str, steps: int, seed: int) -> Path:
    """Where a fit's trained weights lie."""
    return work / "weights" / f"{_file(name, steps, seed)}.pt"


def _file(name: str, steps: int, seed: int) -> str:
    return f"{name.replace(', ', '-').replace(' ', '-')}-{steps}-{seed}"


def main() -> None:
    """Make one line, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("fit")
    one.add_argument("choices", nargs="+", choices=list(CHOICES))
    one.add_argument("--rules", type=Path, help="a run of other questions over the same chunks")
    averaged = commands.add_parser("mix")
    averaged.add_argument("choice", choices=list(CHOICES))
    averaged.add_argument("--share", type=float, default=1.0)
    for command in (one, averaged):
        command.add_argument("--base", required=True)
        command.add_argument(
            "--cache", type=Path, help="the lower layers' states; a file for each of several processes (WORK/lower.pt)"
        )
        command.add_argument("--seeds", type=int, nargs="+", default=[0])
        command.add_argument("--steps", type=int, default=40)
    shown = commands.add_parser("table")
    for command in (one, averaged, shown):
        command.add_argument("--run", type=Path, required=True)
        command.add_argument("--work", type=Path, required=True)
        command.add_argument("--gold", type=Path)
        command.add_argument("--sample", type=Path, help="a run over another corpus, whose test split is asked too")
    options = parser.parse_args()
    run, sample = RunDir(options.run), RunDir(options.sample) if options.sample else None
    if options.command == "table":
        print(table(options.work, run, sample))
        return
    preset = preset_of(load_section(PRESETS["e5"], "train.presets.e5", None, base=options.base, grouped=True, negatives=3))
    if options.command == "mix":
        encoder = UpperLayers(options.base, preset, options.cache or options.work / "lower.pt", TRAINED)
        encoder.mix([weights_of(options.work, options.choice, options.steps, seed) for seed in options.seeds], options.share)
        seed = options.seeds[0]
        name = options.choice + (f", {len(options.seeds)} seeds averaged" if len(options.seeds) > 1 else "")
        name += f", {options.share:g} of the way" if options.share < 1 else ""
        keep({"choice": name, "seed": seed} | measure(encoder, run, sample, options.gold), options.work, name, options.steps, seed)
        return
    for seed in options.seeds:
        for name in options.choices:
            steps = options.steps * (name != BASE)
            if (options.work / "results" / f"{_file(name, steps, seed)}.json").exists():
                continue
            encoder = UpperLayers(options.base, preset, options.cache or options.work / "lower.pt", TRAINED)
            told: dict[str, Any] = {"choice": name, "seed": seed}
            if name != BASE:
                rows = chosen_rows(CHOICES[name], run, RunDir(options.rules) if options.rules else None, seed)
                told |= fit(encoder, rows, CHOICES[name], preset, options.steps, seed)
                encoder.save(weights_of(options.work, name, steps, seed))
            told |= measure(encoder, run, sample, options.gold)
            keep(told, options.work, name, steps, seed)


if __name__ == "__main__":
    main()
