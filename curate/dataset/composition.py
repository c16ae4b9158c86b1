"""What a dataset is made of, in numbers: printed by ``curate build``, kept in dataset/composition.json, told on the data card.

The same facts are what the ``dataset`` suite of ``curate validate`` puts its thresholds on, so the two cannot disagree.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triplette.curate.dataset.split import leaks
from triplette.curate.decisions import AUTOMATIC, HUMAN, Decisions
from triplette.curate.quota import Quota, quota_of, reviewed_triplets
from triplette.curate.suites import Expected, load_suites, threshold
from triplette.dataset import DOCUMENT, GOLD, SPLITS, SYNTHETIC, DatasetRow
from triplette.records import UNKNOWN, Rejection, Verdict
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.build import BuildSettings
from triplette.settings.validate import ValidateSettings
from triplette.tables import read_columns, write_text

PATH = "dataset/composition.json"


def compose(
    run: RunDir, rows: Sequence[DatasetRow], decisions: Decisions, rejects: Sequence[Rejection], settings: BuildSettings
) -> dict[str, Any]:
    """The composition of a dataset, written to dataset/composition.json."""
    trainable = [row for row in rows if row.origin != GOLD]
    gold = [row for row in rows if row.origin == GOLD]
    train = [row for row in rows if row.split == "train"]
    trained = {chunk for row in train for chunk in row.positive_ids}
    components = Counter(row.component for row in rows)
    triplets = {row.triplet_id: row.kind for row in train if row.origin != GOLD}
    quota = quota_of(triplets, reviewed_triplets(decisions.human), 0.0)
    splits_of: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        splits_of[row.component].add(row.split)
    composition = {
        "rows": {split: sum(row.split == split for row in rows) for split in SPLITS},
        "origins": {
            origin: {s: sum((r.origin, r.split) == (origin, s) for r in rows) for s in SPLITS} for origin in (SYNTHETIC, DOCUMENT, GOLD)
        },
        "synthetic_to_gold": round(len(trainable) / len(gold), 3) if gold else None,
        "kinds": _counts(row.kind for row in trainable),
        "personas": _counts(row.persona for row in trainable),
        "difficulties": _counts(row.difficulty for row in trainable),
        "kind_entropy": balance(row.kind for row in train),
        "persona_entropy": balance(row.persona for row in train),
        "writers": _counts(row.writer for row in rows),
        "sources": _counts(row.source for row in rows),
        "languages": _counts(row.language for row in rows),
        "judges": judges(run),
        "encoders": _counts(row.triplet.encoder for row in decisions.rows),
        "negative_columns": len(train[0].negative_ids) if train else 0,
        "distinct_negatives": _counts(str(len(set(row.hard_ids))) for row in train),
        "several_positives": sum(len(row.positive_ids) > 1 for row in rows),
        "components": {"count": len(components), "largest": max(components.values(), default=0)},
        "corpus": {"chunks": len(decisions.chunks), "with_a_train_question": len(trained & set(decisions.chunks))},
        "leaks": {
            "components_in_two_splits": sum(len(found) > 1 for found in splits_of.values()),
            "near_duplicates_across_splits": len(
                leaks([r.split for r in rows], [r.question for r in rows], [r.language for r in rows], settings.near_duplicate)
            ),
            "gold_in_train": sum(row.origin == GOLD for row in train),
            "synthetic_in_eval": sum(row.split != "train" for row in trainable) if gold else 0,
        },
        "gold_about_trained_passages": sum(bool(trained & set(row.positive_ids)) for row in gold),
        "reviewed": {"train_rows": quota.done, "kept_by_people": sum(row.review == "keep" for row in trainable)},
        "mean_score": round(sum(row.score for row in trainable) / len(trainable), 4) if trainable else None,
        "rejected": _counts(f"{row.step}: {row.reason}" for row in rejects if row.subject_kind != "negative"),
        "negatives_left_out": _counts(row.reason for row in rejects if row.subject_kind == "negative"),
        "settings": as_dict(settings),
    }
    write_text(run.path(PATH), json.dumps(composition, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
    return composition


@dataclass(frozen=True, slots=True)
class GateLine:
    """One gate of the design on this dataset: what was observed, what is wanted, and whether it is met (None: nothing to check)."""

    name: str
    about: str
    severity: str
    observed: float | int | None
    wanted: str
    met: bool | None


def gates(composition: Mapping[str, Any], quota: Quota, settings: ValidateSettings) -> list[GateLine]:
    """Every gate of the design that the composition can answer, with the thresholds of the ``dataset`` suite."""
    facts = facts_of(composition, quota)
    leaks_found = composition["leaks"]
    lines = []
    for item in load_suites(settings):
        if item.table == "facts":
            lines.append(_gate_line(item, facts[item.column], settings))
        elif item.name in _LEAKS:
            observed = leaks_found[_LEAKS[item.name]]
            lines.append(GateLine(item.name, item.about, item.severity, observed, "0", observed == 0))
    return lines


_LEAKS = {
    "component_in_one_split": "components_in_two_splits",
    "no_near_duplicate_across_splits": "near_duplicates_across_splits",
    "gold_never_trains": "gold_in_train",
    "eval_is_gold": "synthetic_in_eval",
}


def facts_of(composition: Mapping[str, Any], quota: Quota) -> dict[str, float | int | None]:
    """The numbers about the whole that the ``facts`` table of the ``dataset`` suite has, by column."""
    negatives = {int(number): rows for number, rows in composition["distinct_negatives"].items()}
    return {
        **{f"{split}_rows": composition["rows"][split] for split in SPLITS},
        "synthetic_to_gold": composition["synthetic_to_gold"],
        "kind_entropy": composition["kind_entropy"],
        "persona_entropy": composition["persona_entropy"],
        "mean_negatives": sum(number * rows for number, rows in negatives.items()) / max(sum(negatives.values()), 1),
        "covered": composition["corpus"]["with_a_train_question"] / max(composition["corpus"]["chunks"], 1),
        "review_missing": quota.missing,
    }


def _gate_line(item: Expected, observed: float | int | None, settings: ValidateSettings) -> GateLine:
    low, high = threshold(item, settings)
    wanted = " and ".join(f"{word} {bound:g}" for word, bound in (("at least", low), ("at most", high)) if bound is not None)
    met = None if observed is None else (low is None or observed >= low) and (high is None or observed <= high)
    return GateLine(item.name, item.about, item.severity, observed, wanted, met)


def balance(labels: Iterable[str]) -> float | None:
    """Shannon entropy of the labels over that of equal shares, 0..1; None where fewer than two known labels occur."""
    counts = Counter(label for label in labels if label != UNKNOWN)
    total = sum(counts.values())
    if len(counts) < 2:
        return None
    entropy = -sum(n / total * math.log(n / total) for n in counts.values())
    return round(entropy / math.log(len(counts)), 4)


def judges(run: RunDir) -> dict[str, dict[str, int]]:
    """Decisions by judge: ``rules rules-1`` -> {keep: n, ...}, over all verdict files that are there."""
    found: dict[str, Counter[str]] = {}
    for name in (*AUTOMATIC, HUMAN):
        if not run.has(name):
            continue
        table = read_columns(run.path(name), Verdict, ["judge", "judge_name", "subject_kind", "decision"])
        for batch in table.group_by(table.column_names).aggregate([([], "count_all")]).to_pylist():
            # people are counted together: a reviewer's name is nobody's business on a public card
            who = "people" if batch["judge"] == "human" else f"{batch['judge']} {batch['judge_name']} on {batch['subject_kind']}s"
            found.setdefault(who, Counter())[batch["decision"]] += batch["count_all"]
    return {who: dict(sorted(counts.items())) for who, counts in sorted(found.items())}


def summary_rows(composition: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The composition as label and value, for the terminal and the card."""
    counts = composition["rows"]
    ratio = composition["synthetic_to_gold"]
    corpus = composition["corpus"]
    return [
        ("rows: train / val / test", " / ".join(str(counts[split]) for split in SPLITS)),
        ("gold rows: val / test", " / ".join(str(composition["origins"]["gold"][split]) for split in ("val", "test"))),
        ("rows that documents ask", sum(composition["origins"][DOCUMENT].values())),
        ("synthetic rows to one gold row", "no gold" if ratio is None else f"{ratio:.2f}"),
        ("negative columns", composition["negative_columns"]),
        ("rows with several positives", composition["several_positives"]),
        ("components, largest", f"{composition['components']['count']}, {composition['components']['largest']} rows"),
        ("passages with a train question", f"{corpus['with_a_train_question']} of {corpus['chunks']}"),
        ("gold rows about a trained passage", composition["gold_about_trained_passages"]),
        (
            "balance of kinds / personas (1 is even)",
            f"{_number(composition['kind_entropy'])} / {_number(composition['persona_entropy'])}",
        ),
        ("train rows reviewed by people", composition["reviewed"]["train_rows"]),
        ("mean score of the judge", _number(composition["mean_score"])),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _counts(labels: Iterable[str]) -> dict[str, int]:
    counts = Counter(labels)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
