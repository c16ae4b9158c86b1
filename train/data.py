"""A dataset as training and evaluation see it: texts under the prompt contract, and questions with what answers them.

A passage's title belongs to its text (``title: ... | text: ...``), so the texts are formatted here from the corpus file and
not by a fixed prompt: training, evaluation and the phone then tokenise the same characters.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from triplette.contract import PromptContract
from triplette.dataset import Dataset
from triplette.errors import InputError
from triplette.languages import language
from triplette.languages.identify import identify
from triplette.look_alikes import look_alikes
from triplette.records import UNKNOWN, Chunk
from triplette.rundir import RunDir
from triplette.settings.mine import MineSettings
from triplette.tables import read_table
from triplette.train.groups import Groups
from triplette.train.known import Known, Taught

CLOZE_WORDS = (5, 40)  # words of a sentence that can stand for a question
CLOZE_KEPT = 0.5  # of the sentences stay in their passage, so that exact words are learned to count too; the paper keeps a tenth
FACETS = ("kind", "persona", "difficulty", "document", "origin")


@dataclass(frozen=True, slots=True)
class Passages:
    """What is ranked: ids, titles, texts and the languages' codes, in one order; ``sources`` only where neighbours in it are
    neighbours in a document."""

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    texts: tuple[str, ...]
    languages: tuple[str, ...]
    sources: tuple[str, ...] = ()

    @classmethod
    def of(cls, chunks: Sequence[Chunk], *, whole: bool = True) -> Passages:
        """The passages of chunks, in their order; ``whole``: none is left out between them."""
        return cls(
            tuple(chunk.id for chunk in chunks),
            tuple(chunk.title for chunk in chunks),
            tuple(chunk.text for chunk in chunks),
            tuple(chunk.language for chunk in chunks),
            tuple(chunk.source for chunk in chunks) if whole else (),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def formatted(self, contract: PromptContract) -> list[str]:
        """The texts that are tokenised."""
        return [contract.format_document(text, title) for text, title in zip(self.texts, self.titles, strict=True)]


@dataclass(frozen=True, slots=True)
class Questions:
    """An evaluation set. ``relevant`` holds positions in ``passages``; ``labels`` one value a question for each facet.

    ``groups`` is the unit of resampling of each question: its first answer's passage id.
    """

    name: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    relevant: tuple[tuple[int, ...], ...]
    groups: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]]
    passages: Passages = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def languages(self) -> list[str]:
        """The code of each question's language: its first answer's."""
        return [self.passages.languages[answers[0]] for answers in self.relevant]

    def formatted(self, contract: PromptContract) -> list[str]:
        """The texts that are tokenised."""
        return [contract.format_query(text) for text in self.texts]


def questions_of(dataset: Dataset, split: str, *, limit: int = 0, passages: int = 0, seed: int = 0) -> Questions:
    """The questions of a split against the whole corpus.

    ``limit`` > 0 draws that many questions, ``passages`` > 0 keeps every answer and draws others up to that many. Raises
    InputError for an empty split.
    """
    rows = dataset.split(split)
    if not rows:
        raise InputError(
            f"the split {split} has no rows", where="dataset/rows.parquet", cure="curate more questions, then `curate build`"
        )
    rng = random.Random(seed)
    if limit and len(rows) > limit:
        rows = [rows[i] for i in sorted(rng.sample(range(len(rows)), limit))]
    chunks = list(dataset.corpus.values())
    if passages and len(chunks) > passages:
        wanted = {chunk_id for row in rows for chunk_id in row.positive_ids}
        others = [chunk.id for chunk in chunks if chunk.id not in wanted]
        wanted |= set(rng.sample(others, max(0, min(len(others), passages - len(wanted)))))
        chunks = [chunk for chunk in chunks if chunk.id in wanted]
    place = {chunk.id: position for position, chunk in enumerate(chunks)}
    return Questions(
        name=split,
        ids=tuple(row.question_id for row in rows),
        texts=tuple(row.question for row in rows),
        relevant=tuple(tuple(place[chunk_id] for chunk_id in row.positive_ids) for row in rows),
        groups=tuple(row.positive_ids[0] for row in rows),
        labels={
            "kind": tuple(row.kind for row in rows),
            "persona": tuple(row.persona for row in rows),
            "difficulty": tuple(row.difficulty for row in rows),
            "document": tuple(row.source for row in rows),
            "origin": tuple(row.origin for row in rows),
        },
        passages=Passages.of(chunks, whole=len(chunks) == len(dataset.corpus)),
    )


def read_beir(folder: Path) -> Questions:
    """A BEIR folder: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/test.tsv`` (or the only file of ``qrels/``).

    Judgements above zero count as relevant. Questions without one are left out. Raises InputError naming file and line.
    """
    corpus = _jsonl(folder / "corpus.jsonl")
    queries = {str(row["_id"]): row for row in _jsonl(folder / "queries.jsonl")}
    place = {str(row["_id"]): position for position, row in enumerate(corpus)}
    relevant: dict[str, list[int]] = {}
    path = _qrels(folder)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()[1:], 2):
        if not line.strip():
            continue
        try:
            query, document, grade = line.split("\t")[:3]
            if float(grade) > 0:
                relevant.setdefault(query, []).append(place[document])
        except (ValueError, KeyError) as error:
            raise InputError(
                f"not query, document, grade of this folder ({error!r})", where=f"{path}:{number}", cure="repair the line"
            ) from None
    ids = [query for query in queries if query in relevant]
    if not ids:
        raise InputError("no question has a relevant document", where=str(folder), cure="give a folder in BEIR's form")
    return Questions(
        name=folder.name,
        ids=tuple(ids),
        texts=tuple(str(queries[i]["text"]) for i in ids),
        relevant=tuple(tuple(dict.fromkeys(relevant[i])) for i in ids),
        groups=tuple(str(corpus[relevant[i][0]]["_id"]) for i in ids),
        labels={facet: tuple(str((queries[i].get("metadata") or {}).get(facet, UNKNOWN)) for i in ids) for facet in FACETS},
        passages=Passages(
            tuple(place),
            tuple(str(row.get("title") or "") for row in corpus),
            tuple(str(row["text"]) for row in corpus),
            tuple(identify([str(row["text"]) for row in corpus])),
        ),
    )


def _qrels(folder: Path) -> Path:
    files = sorted((folder / "qrels").glob("*.tsv"))
    test = folder / "qrels" / "test.tsv"
    if test in files or len(files) == 1:
        return test if test in files else files[0]
    raise InputError(f"{len(files)} judgement files and none called test.tsv", where=str(folder / "qrels"), cure="give qrels/test.tsv")


def _jsonl(path: Path) -> list[dict[str, Any]]:
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not splitlines: U+2028 may stand inside a string
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({error})", where=str(path), cure="give a folder in BEIR's form") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            row["_id"], row["text"]
            rows.append(row)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"not a BEIR row ({error!r})", where=f"{path}:{number}", cure="each line needs _id and text") from None
    return rows


@dataclass(frozen=True, slots=True)
class TrainingTexts:
    """Columns for the trainer (``anchor``, ``positive``, ``negative_1`` ...).

    ``drawn`` negatives were missing and drawn at random; the last ``cloze`` rows are sentences of the corpus and no questions.
    ``known`` is what the loss is told of the rows, None for a loss that sees texts only; ``dropped`` rows failed the consistency filter.
    ``groups`` says which rows share a passage, and which passages a batch, None where rows are trained one by one.
    """

    columns: dict[str, list[str]]
    drawn: int
    cloze: int = 0
    known: Known | None = None
    dropped: int = 0
    groups: Groups | None = None

    def __len__(self) -> int:
        return len(self.columns["anchor"])


def training_texts(
    dataset: Dataset,
    contract: PromptContract,
    *,
    negatives: int,
    seed: int = 0,
    cloze: int = 0,
    mask: bool = False,
    every_positive: bool = False,
    grouped: bool = False,
    taught: Taught | None = None,
) -> TrainingTexts:
    """The rows of train as formatted columns with ``negatives`` hard negatives each, hardest first.

    The trainer needs as many in every row: a row that has fewer gets passages of the corpus drawn with the seed, never one
    of its answers. No row with any negative: no negative columns. ``cloze`` sentences of each passage are asked as well, as if
    they were questions about it (inverse cloze task, Lee et al. 2019): what a base without knowledge can learn from a corpus alone.

    ``every_positive``: a row is trained once with each of its positives and not with the first alone. ``mask``: the rows' answers, and what
    looks like them, are told to the loss. ``taught``: its candidates stand in the hard negatives' place, with their scores, and rows that
    it dropped are left out. ``grouped``: there are no columns of hard negatives, but groups that bring them into the same batch.
    """
    rows = dataset.split("train")
    if not rows:
        raise InputError("the split train has no rows", where="dataset/rows.parquet", cure="curate more questions, then `curate build`")
    soft = taught if taught and taught.width else None
    width = 0 if grouped else soft.width if soft else min(negatives, max(len(row.hard_ids) for row in rows))
    rng, corpus = random.Random(seed), list(dataset.corpus)
    drawn = 0
    filled: list[_Filled] = []
    beside: list[tuple[str, ...]] = []  # of grouped rows: their hard negatives
    numbers: list[int] = []  # of grouped rows: their places in train
    for number, row in enumerate(rows):
        if taught and not taught.kept[number]:
            continue
        for positive in row.positive_ids if every_positive else row.positive_ids[:1]:
            if soft:
                own, scores = soft.of(number, positive)
                filled.append(_Filled(row.question, positive, "", own, row.positive_ids, scores))
            elif grouped:
                beside.append(row.hard_ids[:negatives])
                numbers.append(number)
                filled.append(_Filled(row.question, positive, "", (), row.positive_ids))
            else:
                own = row.hard_ids[:width]
                drawn += width - len(own)
                missing = _others({*own, *row.positive_ids}, corpus, width - len(own), rng)
                filled.append(_Filled(row.question, positive, "", (*own, *missing), row.positive_ids))
    asked = [pair for chunk in dataset.corpus.values() for pair in _cloze(chunk, cloze, rng)] if cloze else []
    for sentence, chunk, text in asked:
        filled.append(_Filled(sentence, chunk.id, text, tuple(_others({chunk.id}, corpus, width, rng)), (chunk.id,)))
    if not filled:
        raise InputError("no row passed the consistency filter", where="train.presets", cure="set consistent = 0, or a larger number")
    columns: dict[str, list[str]] = {"anchor": [], "positive": [], **{f"negative_{n}": [] for n in range(1, width + 1)}}
    for row_texts in filled:
        columns["anchor"].append(contract.format_query(row_texts.question))
        columns["positive"].append(_passage(dataset, contract, row_texts.positive, row_texts.text))
        for number, chunk_id in enumerate(row_texts.others, 1):
            columns[f"negative_{number}"].append(_passage(dataset, contract, chunk_id))
    known = _known(dataset, filled, width) if mask or soft or grouped else None
    dropped = sum(not kept for kept in taught.kept) if taught else 0
    if not grouped or known is None:
        return TrainingTexts(columns, drawn, len(asked), known, dropped)
    place = {chunk_id: number for number, chunk_id in enumerate(corpus)}
    groups = Groups.of(known.passages[:, 0], [[place[chunk_id] for chunk_id in others] for others in beside])
    if taught is not None:
        teacher, lexical = (scores.at(numbers) if scores else None for scores in (taught.asked, taught.lexical))
        known = replace(known, asked=teacher, lexical=lexical)
    return TrainingTexts(columns, drawn, 0, known, dropped, groups)


class _Filled(NamedTuple):
    """A row with as many other passages as every row has; ``text`` stands for the positive's own where it is not ""."""

    question: str
    positive: str
    text: str
    others: tuple[str, ...]
    answers: tuple[str, ...]
    scores: tuple[float, ...] = ()


def _known(dataset: Dataset, filled: Sequence[_Filled], width: int) -> Known:
    """Passages by number, the rows' answers with their look-alikes, and the teacher's scores."""
    place = {chunk_id: number for number, chunk_id in enumerate(dataset.corpus)}
    alike = look_alikes(list(dataset.corpus.values()), MineSettings().containment)
    answers = [{place[chunk_id] for chunk_id in row.answers} for row in filled]
    return Known(
        np.array([[place[chunk_id] for chunk_id in (row.positive, *row.others)] for row in filled], dtype=np.int64),
        tuple(frozenset(own.union(*(alike[number] for number in own))) for own in answers),
        np.array([row.scores or [np.nan] * (width + 1) for row in filled], dtype=np.float32),
    )


def _cloze(chunk: Chunk, count: int, rng: random.Random) -> list[tuple[str, Chunk, str]]:
    """Up to ``count`` (sentence, passage, text) of a passage; the text lacks the sentence in every other case."""
    # a sentence that goes on over a line's end stands in the text otherwise
    sentences = [part for part in language(chunk.language).sentences(chunk.text) if part in chunk.text]
    fit = [part for part in sentences if CLOZE_WORDS[0] <= len(part.split()) <= CLOZE_WORDS[1] and len(part) < len(chunk.text) / 2]
    chosen = rng.sample(fit, min(count, len(fit)))
    return [(part, chunk, chunk.text if rng.random() < CLOZE_KEPT else chunk.text.replace(part, "", 1)) for part in chosen]


def _passage(dataset: Dataset, contract: PromptContract, chunk_id: str, text: str = "") -> str:
    chunk = dataset.corpus[chunk_id]
    return contract.format_document(text or chunk.text, chunk.title)


def _others(taken: set[str], corpus: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """``count`` passages that are not ``taken``, by drawing again what is: a list of all the others for each row would be quadratic."""
    if count <= 0:
        return []
    if len(corpus) - len(taken) < count:
        raise InputError("the corpus is too small for hard negatives", where="dataset/corpus.parquet", cure="set negatives = 0")
    found: dict[str, None] = {}
    while len(found) < count:
        chunk_id = corpus[rng.randrange(len(corpus))]
        if chunk_id not in taken:
            found[chunk_id] = None
    return list(found)


def check_dataset(run: RunDir, dataset: Dataset) -> None:
    """Raise InputError unless the split files say what rows.parquet and corpus.parquet say, row by row.

    A dataset that was edited by hand in one file would otherwise train on one thing and be measured on another.
    """
    again = f"run `{run.command('curate build')}` again"
    for split in ("train", "val", "test"):
        path = run.path(f"dataset/{split}.parquet")
        content = read_table(path, ["anchor", "positive"]).to_pydict()
        rows = dataset.split(split)
        if len(rows) != len(content["anchor"]):
            raise InputError(f"{len(content['anchor'])} rows, rows.parquet has {len(rows)}", where=str(path), cure=again)
        for number, row in enumerate(rows):
            missing = [chunk_id for chunk_id in (*row.positive_ids, *row.negative_ids) if chunk_id not in dataset.corpus]
            if missing or not row.positive_ids:
                raise InputError(
                    f"row {number} names passages that are not in the corpus: {missing}",
                    where=str(path),
                    cure=again,
                )
            if content["anchor"][number] != row.question or content["positive"][number] != dataset.corpus[row.positive_ids[0]].text:
                raise InputError(f"row {number} is not what rows.parquet says", where=str(path), cure=again)
