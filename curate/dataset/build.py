"""``curate build``: accepted triplets and gold questions to train, validation and test, split so that nothing leaks.

Synthetic rows train; gold rows measure. Where no gold is given, validation and test are cut off the synthetic rows by
connected component. The build refuses where gold and train touch and shows the pairs; ``drop_touching`` takes those train
rows out instead. The same inputs and settings give the same bytes: no clock, no machine, no order of a set reaches a file.

One accepted triplet is one row of train.parquet: ``anchor``, ``positive`` and ``negative_1`` .. ``negative_n``, hardest first, all filled:
a row with fewer negatives repeats its own, and a row without any gets passages drawn at random (``drawn`` in rows.parquet), which say no
more than the other passages of its batch do. Further positives of a row are in rows.parquet (evaluation counts them as right, and they
are never negatives).
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from triplette.curate.dataset.exports import DICTIONARY_BYTES, write_beir, write_triplets
from triplette.curate.dataset.gold import GoldQuestion, read_gold
from triplette.curate.dataset.split import Node, Touch, assign, components, touching
from triplette.curate.decisions import AUTOMATIC, DATASET_INPUTS, NOT_COMPARED, SOURCES, Decision, Decisions, read_decisions
from triplette.dataset import DOCUMENT, GOLD, HASHED_FILES, SPLITS, SYNTHETIC, DatasetRow
from triplette.errors import InputError, MissingStage, TripletteError
from triplette.hashing import hash_file
from triplette.profile import run_profile
from triplette.records import Chunk, Question, Rejection
from triplette.rundir import RunDir
from triplette.settings.base import as_dict
from triplette.settings.build import BuildSettings
from triplette.step import Step
from triplette.tables import write_records, write_table

if TYPE_CHECKING:
    import pyarrow as pa

STAGE = "curate.build"
TRIES = 100  # random draws a wanted passage: enough unless nearly the whole corpus answers the question
STEPS = ("curate.review", "curate.build", "curate.validate", "curate.judge", "curate.negatives", "curate.dedup")
SHOWN_PAIRS = 10


class GoldTouchesTrain(TripletteError):
    """Gold and train questions nearly repeat each other: measuring on them would measure memory. Exit code 1."""

    exit_code = 1

    def __init__(self, pairs: Sequence[tuple[str, str, float, str]], settings: BuildSettings) -> None:
        lines = [
            f"  {score:.2f}  gold: {gold}\n        train: {train}\n        ({why})" for gold, train, score, why in pairs[:SHOWN_PAIRS]
        ]
        more = f"\n  ... and {len(pairs) - SHOWN_PAIRS} more" if len(pairs) > SHOWN_PAIRS else ""
        super().__init__(
            f"gold and train touch in {len(pairs)} pairs:\n" + "\n".join(lines) + more,
            cure="`curate build --gold FILE --drop-touching` takes these train rows out and records them as rejected, "
            f"or change the gold questions (near_duplicate = {settings.near_duplicate} in [curate.build])",
        )
        self.pairs = tuple(pairs)


@dataclass(frozen=True, slots=True)
class BuildResult:
    """Rows by split, rows that fell out by (step: reason), the composition's facts, seconds."""

    rows: dict[str, int]
    rejected: dict[str, int]
    composition: dict[str, Any]
    gold_lost: int
    seconds: float = 0.0
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A row before it has a split. ``writer`` is provider/model/prompt; ``negatives`` are chunk ids, hardest first."""

    question: Question
    triplet_id: str
    positives: tuple[str, ...]
    negatives: tuple[str, ...]
    origin: str
    score: float
    review: str

    @property
    def id(self) -> str:
        """Distinct for every row: a question may have several triplets."""
        return self.triplet_id or self.question.id


def build(
    run: RunDir,
    settings: BuildSettings,
    *,
    gold: Path | None = None,
    no_gold: bool = False,
    drop_touching: bool = False,
    force: bool = False,
) -> BuildResult:
    """Write dataset/ and the rejects of curation. Raises MissingStage, InputError, GoldTouchesTrain.

    Without ``gold`` the last build's gold file, and what it did about touching rows, are used again, unless ``no_gold``: a
    build after a review must not quietly measure on synthetic questions.
    """
    run.require(*SOURCES, *AUTOMATIC)
    if gold is None and not no_gold:
        gold, remembered = last_gold(run)
        drop_touching = drop_touching or remembered
    inputs = run.fingerprints(DATASET_INPUTS)
    if gold is not None:
        if not gold.is_file():
            raise InputError("no such file", where=str(gold), cure="give the gold questions as JSONL with --gold")
        inputs["gold"] = hash_file(gold)
    kept = {**as_dict(settings), "gold": str(gold.resolve()) if gold else "", "drop_touching": drop_touching}
    step = Step(run, STAGE, inputs, kept)
    if not force and (done := step.done(BuildResult)):
        return done
    decisions = read_decisions(run)
    _need_comparison(run, decisions)
    questions, lost = read_gold(gold, list(decisions.chunks.values()), run_profile(run)) if gold else ([], [])
    drafts, rejects = gather(decisions, questions, settings, drop_touching=drop_touching)
    if all(draft.origin == GOLD for draft in drafts):
        raise InputError(
            _nothing_left(decisions, rejects),
            where=str(run.root),
            cure=f"`{run.command('curate status')}` shows where the rows fell out",
        )
    rows = place(drafts, decisions.chunks, settings)
    rejects = [*rejects, *lost, *(item for row in decisions.rows for item in row.rejections())]
    with run.locked():
        return _write(step, rows, decisions, rejects, settings, gold_lost=_unmatched(lost))


def _need_comparison(run: RunDir, decisions: Decisions) -> None:
    """Raise MissingStage when rows came past the judge after duplicates were looked for, such as those that a person rescued.

    They would be left out of the dataset, and the person's work with them.
    """
    waiting = [row.triplet.id for row in decisions.rows if row.reason == NOT_COMPARED]
    if waiting:
        raise MissingStage(
            f"{len(waiting)} triplets were kept since the last search for duplicates ({', '.join(waiting[:3])}{' ...' if len(waiting) > 3 else ''})",
            where=str(run.root),
            cure=f"run `{run.command('curate dedup')}`, then build",
        )


def gather(
    decisions: Decisions, gold: Sequence[GoldQuestion], settings: BuildSettings, *, drop_touching: bool
) -> tuple[list[Draft], list[Rejection]]:
    """Every row that goes into the dataset, synthetic first, and the rows that gold pushed out."""
    drafts = [_synthetic(row) for row in decisions.accepted]
    held = [_gold(item) for item in gold if item.question.id not in decisions.quarantined]
    rejects = [
        Rejection(
            STAGE, item.question.id, "question", "gold quarantined", decisions.quarantined[item.question.id], text=item.question.text
        )
        for item in gold
        if item.question.id in decisions.quarantined
    ]
    nodes = [_node(draft, decisions.chunks) for draft in (*drafts, *held)]
    touches = touching(nodes, settings)
    if touches and not drop_touching:
        pairs = [(nodes[t.gold].question, nodes[t.train].question, t.similarity, t.why) for t in touches]
        raise GoldTouchesTrain(pairs, settings)
    first: dict[int, Touch] = {}
    for touch in touches:
        first.setdefault(touch.train, touch)
    for position, touch in sorted(first.items()):
        draft = drafts[position]
        detail = f"{touch.why} ({touch.similarity:.2f}): {nodes[touch.gold].id} {nodes[touch.gold].question}"
        rejects.append(Rejection(STAGE, draft.triplet_id, "triplet", "touches gold", detail, draft.question.id, draft.question.text))
    return [draft for position, draft in enumerate(drafts) if position not in first] + held, rejects


def place(drafts: Sequence[Draft], chunks: dict[str, Chunk], settings: BuildSettings) -> list[DatasetRow]:
    """Dataset rows: train, then val, then test, each in the drafts' order."""
    names = components([_node(draft, chunks) for draft in drafts], settings)
    gold = [i for i, draft in enumerate(drafts) if draft.origin == GOLD]
    splits = ["train"] * len(drafts)
    if gold:
        shares = [("val", settings.gold_val_share)]
        for position, split in zip(gold, assign([names[i] for i in gold], shares, "test", settings.seed), strict=True):
            splits[position] = split
    else:
        splits = assign(names, [("test", settings.test_share), ("val", settings.val_share)], "train", settings.seed)
    rows, order = [], list(chunks)
    for split in SPLITS:
        members = [i for i, chosen in enumerate(splits) if chosen == split]
        columns = negative_columns([drafts[i].negatives for i in members], settings) if split == "train" else 0
        for position, i in enumerate(members):
            draft = drafts[i]
            filled = _filled(draft.negatives, columns) if split == "train" else draft.negatives
            drawn = () if filled or split != "train" else _drawn(draft, chunks, order, columns, settings.seed)
            rows.append(_row(draft, split, position, names[i], chunks, (*filled, *drawn), len(drawn)))
    return rows


def _drawn(draft: Draft, chunks: dict[str, Chunk], order: Sequence[str], count: int, seed: int) -> tuple[str, ...]:
    """``count`` passages for a row without a negative, by the seed and the row's id; none says what a positive says.

    Raises InputError where every passage of the corpus answers the question.
    """
    answers = {chunks[chunk].sha256 for chunk in draft.positives}
    random = Random(f"{seed}/{draft.id}")
    taken: list[str] = []
    for _ in range(TRIES * count):
        if len(taken) == count:
            break
        chosen = order[random.randrange(len(order))]
        if chunks[chosen].sha256 not in answers:
            taken.append(chosen)
    if len(taken) < count:
        raise InputError(
            "no passage of the corpus is left that could be its negative", where=draft.question.id, cure="`synth mine --negatives 0`"
        )
    return tuple(taken)


def negative_columns(negatives: Iterable[Sequence[str]], settings: BuildSettings) -> int:
    """How many negative columns: as many as ``full_share`` of the rows that have any can fill, at most ``max_negatives``.

    0 where no row has one: the dataset is pairs.
    """
    counts = sorted((len(row) for row in negatives if row), reverse=True)
    if not counts:
        return 0
    # the count that the row at that share has: at least this share of the rows has as many
    at = max(0, math.ceil(settings.full_share * len(counts) - 1e-9) - 1)
    return min(counts[at], settings.max_negatives)


def _filled(negatives: Sequence[str], columns: int) -> tuple[str, ...]:
    """Exactly ``columns`` negatives: the hardest ones, repeated in order where there are fewer; none where there are none."""
    return () if not negatives else tuple(negatives[i % len(negatives)] for i in range(columns))


def _synthetic(row: Decision) -> Draft:
    negatives = tuple(negative.chunk_id for negative in row.negatives)
    origin = DOCUMENT if row.question.provider == DOCUMENT else SYNTHETIC
    return Draft(row.question, row.triplet.id, row.positives, negatives, origin, row.score, row.human)


def _gold(item: GoldQuestion) -> Draft:
    return Draft(item.question, "", item.positives, (), GOLD, 1.0, "")


def _node(draft: Draft, chunks: dict[str, Chunk]) -> Node:
    passages = tuple(dict.fromkeys(chunks[i].sha256 for i in draft.positives))
    return Node(draft.id, draft.question.text, passages, draft.origin == GOLD, chunks[draft.positives[0]].language)


def _row(
    draft: Draft, split: str, position: int, component: str, chunks: dict[str, Chunk], negatives: tuple[str, ...], drawn: int
) -> DatasetRow:
    question = draft.question
    return DatasetRow(
        split=split,
        position=position,
        question_id=question.id,
        triplet_id=draft.triplet_id,
        question=question.text,
        positive_ids=draft.positives,
        negative_ids=negatives,
        kind=question.kind,
        persona=question.persona,
        difficulty=question.difficulty,
        writer=f"{question.provider}/{question.model}/{question.prompt}",
        source=chunks[draft.positives[0]].source,
        origin=draft.origin,
        component=component,
        score=draft.score,
        review=draft.review,
        language=chunks[draft.positives[0]].language,
        drawn=drawn,
    )


def _write(
    step: Step,
    rows: list[DatasetRow],
    decisions: Decisions,
    rejects: Sequence[Rejection],
    settings: BuildSettings,
    *,
    gold_lost: int,
) -> BuildResult:
    """Write every file of dataset/, the rejects and, last, the ledger line."""
    from triplette.curate.dataset.card import write_card
    from triplette.curate.dataset.composition import compose

    run, corpus = step.run, list(decisions.chunks.values())
    for split in SPLITS:
        members = [row for row in rows if row.split == split]
        columns = columns_of(members, decisions.chunks, split)
        write_table(run.path(f"dataset/{split}.parquet"), columns, dictionary_bytes=DICTIONARY_BYTES)
    write_records(run.path("dataset/rows.parquet"), rows, DatasetRow)
    write_records(run.path("dataset/corpus.parquet"), corpus, Chunk)
    write_triplets(run.path("dataset/triplets.parquet"), [row for row in rows if row.split == "train"], decisions.chunks)
    shutil.rmtree(run.path("dataset/beir"), ignore_errors=True)
    write_beir(run.path("dataset/beir"), rows, corpus)
    composition = compose(run, rows, decisions, rejects, settings)
    write_card(run, composition, settings)
    for name in STEPS:
        run.write_rejects(name, [row for row in rejects if row.step == name])
    result = BuildResult(
        rows={split: sum(row.split == split for row in rows) for split in SPLITS},
        rejected=composition["rejected"],
        composition=composition,
        gold_lost=gold_lost,
    )
    # without the card: `curate validate` writes it again when it lowers the review quota
    outputs = [*HASHED_FILES, "dataset/triplets.parquet", "dataset/beir", "dataset/composition.json"]
    return step.record(result, outputs=outputs, counts=result.rows)


def columns_of(rows: Sequence[DatasetRow], chunks: dict[str, Chunk], split: str) -> pa.Table:
    """The columns that sentence-transformers reads: anchor, positive and, for train, negative_1 .. negative_n."""
    import pyarrow as pa

    columns = {
        "anchor": [row.question for row in rows],
        "positive": [chunks[row.positive_ids[0]].text for row in rows],
    }
    if split == "train":
        for number in range(len(rows[0].negative_ids) if rows else 0):
            columns[f"negative_{number + 1}"] = [chunks[row.negative_ids[number]].text for row in rows]
    return pa.table(
        {name: pa.array(values, pa.string()) for name, values in columns.items()},
        schema=pa.schema([pa.field(name, pa.string(), nullable=False) for name in columns]),
    )


def last_gold(run: RunDir) -> tuple[Path | None, bool]:
    """The gold file of the last build (None: it had none), and whether train rows that touch it were dropped."""
    last = run.last(STAGE)
    if last is None or not last["settings"]["gold"]:
        return None, False
    return Path(last["settings"]["gold"]), bool(last["settings"]["drop_touching"])


def rebuild(run: RunDir) -> BuildResult:
    """Build again as the last time, on today's verdicts. Raises MissingStage when it was never built."""
    from triplette.settings.base import build as make_settings

    run.require("dataset/rows.parquet")
    last = run.last(STAGE)
    if last is None:
        raise InputError(
            "the ledger records no build", where=str(run.path("ledger.jsonl")), cure=f"run `{run.command('curate build')}`"
        )
    values = dict(last["settings"])
    without = not values.pop("gold")
    del values["drop_touching"]
    return build(run, make_settings(BuildSettings, values, where="ledger"), no_gold=without)


def _unmatched(rejects: Iterable[Rejection]) -> int:
    return sum(row.reason == "gold unmatched" for row in rejects)


def _nothing_left(decisions: Decisions, rejects: Sequence[Rejection]) -> str:
    reasons = [f"{step} {reason} {count}" for (step, reason), count in list(decisions.reasons().items())[:5]]
    if rejects:
        reasons.append(f"{len(rejects)} touch gold")
    return f"no triplet is accepted ({'; '.join(reasons) or 'there are none'})"
