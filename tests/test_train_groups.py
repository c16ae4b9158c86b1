"""Grouped batches: each passage once with all of its questions, hard negatives beside it, and a loss that knows which is whose."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_data import chunk, row, rules_dataset, small_base, write_dataset

from triplette.contract import CONTRACTS, Fusion
from triplette.dataset import load_dataset
from triplette.errors import SettingError
from triplette.ranking.bm25 import Bm25Index
from triplette.ranking.fusion import Hybrid
from triplette.rundir import RunDir
from triplette.settings.train import Preset, TrainSettings
from triplette.train.card import _besides
from triplette.train.check import work_of
from triplette.train.data import training_texts
from triplette.train.fit import fine_tune_of, fit
from triplette.train.groups import MOST, Groups, distinct_sampler
from triplette.train.known import Known
from triplette.train.loop import planned_steps
from triplette.train.loss import informed_groups, make_loss
from triplette.train.models import load_base
from triplette.train.quiet import quiet_libraries
from triplette.train.teacher import lexical_part, teach

E5 = CONTRACTS["e5"]


def softmax(values: np.ndarray) -> np.ndarray:
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.array(raised / raised.sum(axis=-1, keepdims=True))


def chain(passages: int, questions: int = 2) -> Groups:
    """``questions`` rows a passage; each passage's questions confuse it with the next one."""
    positives = np.repeat(np.arange(passages), questions)
    return Groups.of(positives, [[(number + 1) % passages] for number in positives.tolist()])


def test_every_passage_comes_once_an_epoch_with_all_of_its_questions() -> None:
    groups = chain(20, questions=3)
    batches = list(groups.batches(6, 0.5, "seed"))
    assert [len(batch) for batch in batches] == [18, 18, 18]  # two passages are left for another epoch
    counts = Counter(row for batch in batches for row in batch)
    assert set(counts.values()) == {1}
    for batch in batches:
        assert Counter(Counter(row // 3 for row in batch).values()) == {3: 6}
    assert batches == list(groups.batches(6, 0.5, "seed"))
    assert batches != list(groups.batches(6, 0.5, "another"))


def test_what_was_mined_as_a_hard_negative_stands_in_the_same_batch() -> None:
    groups = chain(200, questions=1)

    def together(share: float) -> float:
        batches = list(groups.batches(10, share, "s"))
        pairs = sum((row + 1) % 200 in batch for batch in map(set, batches) for row in batch)
        return pairs / sum(map(len, batches))

    assert together(0.0) < 0.15 < 0.25 < together(0.5) < 0.5 < together(1.0)


def test_hard_negatives_without_questions_and_the_passage_itself_are_no_neighbours() -> None:
    groups = Groups.of(np.array([0, 0, 5]), [[5, 9], [5], [5, 7]])
    assert groups.rows == {0: [0, 1], 5: [2]}
    assert groups.near == {0: (5,), 5: (0,)}


def test_a_passage_with_very_many_questions_does_not_fill_memory() -> None:
    groups = Groups.of(np.array([0] * 100 + [1, 2]), [[] for _ in range(102)])
    (batch,) = groups.batches(3, 0.5, "s")
    assert len(batch) == MOST * 3
    assert len(set(batch)) == MOST * 3
    assert {100, 101} < set(batch)
    assert set(batch) != set(next(groups.batches(3, 0.5, "t")))


class Fixed:
    """A teacher with a table."""

    def __init__(self, table: np.ndarray) -> None:
        self.table = table

    def scores(self, rows: Any, passages: Any) -> Any:
        return self.table[np.ix_(rows, passages)].astype(np.float32)

    def at(self, rows: Any) -> Fixed:
        return Fixed(self.table[list(rows)])


def test_the_loss_is_infonce_without_other_answers_and_kl_over_the_whole_batch() -> None:
    import torch

    rng = np.random.default_rng(0)
    queries, passages = rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    passages /= np.linalg.norm(passages, axis=1, keepdims=True)
    # rows 0 and 2 ask for passage 7, row 1 for passage 3; passage 3 answers row 2 as well
    table = rng.random((3, 8))
    known = Known(np.array([[7], [3], [7]]), (frozenset({7}), frozenset({3}), frozenset({3, 7})), asked=Fixed(table))
    held, first, own = known.distinct([0, 1, 2])
    assert (held.tolist(), first.tolist(), own.tolist()) == ([7, 3], [0, 1], [0, 1, 0])
    logits = 5 * queries @ passages.T
    contrast = [-np.log(softmax(logits[0])[0]), -np.log(softmax(logits[1])[1]), 0.0]  # row 2 has no negative left
    wanted, now = softmax(4 * table[:, [7, 3]]), softmax(logits)
    apart = (wanted * np.log(wanted / now)).sum(axis=1)
    tensors = [torch.from_numpy(part) for part in (queries, passages)]
    for soft in (0.0, 0.75):
        found = informed_groups(*tensors, torch.arange(3), known, scale=5.0, soft=soft, teacher=4.0)
        assert float(found) == pytest.approx((1 - soft) * np.mean(contrast) + soft * np.mean(apart), rel=1e-5)


def test_with_bm25s_part_in_the_score_the_loss_sees_the_fused_ranking() -> None:
    import torch

    rng = np.random.default_rng(2)
    queries, passages, part = (rng.normal(size=size) for size in ((3, 4), (3, 4), (3, 3)))
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    passages /= np.linalg.norm(passages, axis=1, keepdims=True)
    known = Known(np.arange(3)[:, None], tuple(frozenset({n}) for n in range(3)), lexical=Fixed(part))
    logits = 5 * (queries @ passages.T + part)
    tensors = [torch.from_numpy(values) for values in (queries, passages)]
    found = informed_groups(*tensors, torch.arange(3), known, scale=5.0, soft=0.0, teacher=4.0)
    assert float(found) == pytest.approx(-np.mean(np.log(np.diag(softmax(logits)))), rel=1e-5)


def test_bm25s_part_ranks_with_the_cosines_as_fusing_does() -> None:
    rng = np.random.default_rng(3)
    words = ("roi", "dame", "tour", "fou", "pion")
    tokens = [[words[n] for n in rng.integers(0, 5, size=6)] for _ in range(12)]
    passages, query = rng.normal(size=(12, 8)), rng.normal(size=(1, 8))
    hybrid = Hybrid(Bm25Index(tokens), passages, Fusion(lexical=0.4))
    asked = [["roi", "pion"]]
    part = lexical_part(hybrid, asked, query, 0.4)  # one question: its width is the mean
    mixed = query @ passages.T + part.scores(np.array([0]), np.arange(12))
    (_, fused), *_ = hybrid.scores(asked, query)
    assert np.argsort(-mixed, kind="stable").tolist() == np.argsort(-fused, kind="stable").tolist()
    assert np.ptp(mixed) / np.ptp(fused) == pytest.approx(np.ptp(query @ passages.T) / 0.6, rel=1e-4)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_base(tmp_path_factory.mktemp("base"))


def recipe(base: Path, **changes: Any) -> Preset:
    return replace(
        Preset(
            base=str(base), method="full", precision="fp32", matryoshka=False, batch=8, mini_batch=8, epochs=1.0, learning_rate=4e-3,
            grouped=True, negatives=1,
        ),
        **changes,
    )  # fmt: skip


@pytest.mark.parametrize("matryoshka", [False, True])
def test_each_passage_is_encoded_once_and_the_cached_form_has_the_same_gradients(base: Path, matryoshka: bool) -> None:
    import torch

    known = Known(
        np.array([[0], [1], [0], [2], [1], [0]]), tuple(frozenset({n}) for n in (0, 1, 0, 2, 1, 0)),
        asked=Fixed(np.random.default_rng(1).random((6, 3))),
    )  # fmt: skip
    questions = [f"question {number} roi dame" for number in range(6)]
    passages = [f"passage {number} tour fou" for number in (0, 1, 0, 2, 1, 0)]
    found = []
    for mini in (8, 2):
        loaded = load_base(str(base), recipe(base), device="cpu")
        preset = recipe(base, mini_batch=mini, soft_labels=0.5, matryoshka=matryoshka)
        loss = make_loss(loaded.model, preset, loaded.contract.dimensions, mini, known)
        sizes: list[int] = []
        loaded.model[0].register_forward_hook(lambda module, given, out, sizes=sizes: sizes.append(len(given[0]["input_ids"])))
        value = loss([loaded.model.preprocess(column) for column in (questions, passages)], torch.arange(6))
        value.backward()
        assert sum(sizes) == (1 if mini == 8 else 2) * (6 + 3)
        found.append((float(value.detach()), {n: p.grad.clone() for n, p in loaded.model.named_parameters() if p.grad is not None}))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-4)
    assert found[0][1]
    assert all(torch.allclose(gradient, found[1][1][name], atol=2e-5) for name, gradient in found[0][1].items())


def test_rows_become_groups_whose_teacher_knows_them_by_their_place(tmp_path: Path) -> None:
    chunks = [
        chunk(f"La règle {number} parle de {word}.", "Règles", "a.md", number) for number, word in enumerate(("tour", "fou", "roi"))
    ]
    rows = [
        row("train", 0, "Que dit la règle de la tour ?", chunks[0], [chunks[1]]),
        row("train", 1, "Que dit la règle du fou ?", chunks[1], [chunks[2]]),
        row("train", 2, "De quoi parle la règle 0 ?", chunks[0], [chunks[2]]),
    ]
    run = RunDir(tmp_path)
    write_dataset(run, chunks, rows)
    dataset = load_dataset(run)
    flat = np.full((3, 2), np.sqrt(0.5), dtype=np.float32)
    flat[1] = (1.0, 0.0)
    taught = teach(dataset, flat, flat, Preset(soft_labels=0.9, residual=0.4, grouped=True))
    texts = training_texts(dataset, E5, negatives=1, grouped=True, taught=replace(taught, kept=(True, False, True)))
    assert list(texts.columns) == ["anchor", "positive"]
    assert texts.groups is not None
    assert (texts.groups.rows, texts.dropped) == ({0: [0, 1]}, 1)
    assert texts.known is not None
    assert texts.known.asked is not None
    assert taught.asked is not None
    every = np.arange(3)
    assert np.array_equal(texts.known.asked.scores(np.array([0, 1]), every), taught.asked.scores(np.array([0, 2]), every))
    assert texts.known.lexical is not None
    assert taught.lexical is not None
    assert np.array_equal(texts.known.lexical.scores(np.array([0, 1]), every), taught.lexical.scores(np.array([0, 2]), every))
    whole = training_texts(dataset, E5, negatives=1, grouped=True)
    assert whole.groups is not None
    assert whole.groups.near == {0: (1,), 1: (0,)}


def test_a_grouped_fit_counts_its_steps_in_passages_and_refuses_what_cannot_be(tmp_path: Path, base: Path) -> None:
    run = rules_dataset(tmp_path / "run", pieces=2)
    rows = load_dataset(run).split("train")
    passages = len({item.positive_ids[0] for item in rows})
    assert len(rows) > passages
    result = fit(
        run,
        TrainSettings(evaluations=1, keep="last", log_to=("none",)),
        recipe(base, soft_labels=0.9, residual=0.4, epochs=2.0),
        ungated=True,
        device="cpu",
    )
    assert result.steps == result.planned_steps == 2 * (passages // 8)
    work = work_of(run.root, recipe(base, soft_labels=0.9, residual=0.4, epochs=2.0), TrainSettings())
    assert work is not None
    assert work.steps == result.steps  # `train check` counts as the fit does
    entry = run.last("train.fit")
    assert entry is not None
    told = _besides(entry["settings"], entry["result"])
    assert "grouped: 8 passages a step" in told
    assert "over the passages of the batch" in told
    assert "the fused score, of which BM25 has 0.4" in told
    dataset = load_dataset(run)
    texts = training_texts(dataset, E5, negatives=1, grouped=True)
    with pytest.raises(SettingError, match=f"--batch {passages}"):
        planned_steps(texts, recipe(base, batch=passages + 1))
    with pytest.raises(SettingError, match="cloze"):
        fine_tune_of(run, dataset, TrainSettings(), recipe(base, cloze=2), "cpu")
    with pytest.raises(SettingError, match="grouped"):
        fine_tune_of(run, dataset, TrainSettings(), recipe(base, grouped=False, residual=0.4), "cpu")


def test_rows_that_come_again_within_a_pass_are_told_once_and_the_librarys_line_is_not(caplog: pytest.LogCaptureFixture) -> None:
    import torch
    from datasets import Dataset as Table

    quiet_libraries()
    said: list[str] = []
    columns = {"question": [f"q{row}" for row in range(9)], "positive": [f"p{max(0, row - 3)}" for row in range(9)]}  # p0 has four rows
    sampler = distinct_sampler(said.append)(Table.from_dict(columns), batch_size=3, drop_last=True, generator=torch.Generator(), seed=1)
    for _ in range(2):
        batches = list(sampler)
        assert len(batches) == 3
        assert all(len({columns["positive"][row] for row in batch}) == 3 for batch in batches)
    again = 9 - len({row for batch in batches for row in batch})
    assert again > 0
    assert len(said) == 1
    assert said[0].endswith(
        "of 9 rows are trained again and 1 not in a pass: a batch holds no text twice, and the last rows share texts"
    )
    assert caplog.records == []
