"""Teachers that read question and passage together: what they said, over the rankers and alone, and who is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_train_loss import small
from training_data import rules_dataset, small_base

from triplette.dataset import load_dataset
from triplette.errors import InputError, MissingStage, SettingError
from triplette.records import Verdict
from triplette.settings.train import Preset, TrainSettings
from triplette.tables import write_records
from triplette.train.card import _besides
from triplette.train.fit import fine_tune_of, fit
from triplette.train.readers import VERDICTS, CrossReader, Readings, judged
from triplette.train.teacher import teach

FLAT = np.full((4, 2), np.sqrt(0.5), dtype=np.float32)  # an encoder that says nothing


def verdict(triplet: str, chunk_id: str, score: float, decision: str, judge: str = "llm") -> Verdict:
    return Verdict.make(
        subject_id=f"{triplet}/{chunk_id}", subject_kind="negative", judge=judge, judge_name="a-model", scores=(), score=score,
        decision=decision, reason="", evidence="", chunk_id=chunk_id,
    )  # fmt: skip


@pytest.mark.parametrize(("alone", "rest"), [(False, 0.7), (True, 0.0)])
def test_what_was_read_stands_over_the_rankers(alone: bool, rest: float) -> None:
    read = Readings((np.array([2, 0]), np.array([], dtype=np.int64)), (np.array([0.5, 1.0]), np.array([])), alone)
    fused = np.full((2, 3), 0.7)
    assert read.over([0, 1], fused).tolist() == [[1.0, rest, 0.5], [rest, rest, rest]]
    assert read.at([1, 0]).over([1], fused[:1]).tolist() == [[1.0, rest, 0.5]]
    assert fused.tolist() == [[0.7] * 3] * 2
    assert read.first(0, [0], [1, 2]) == [2, 1]


def test_the_judge_is_heard_on_the_negatives_that_it_read(tmp_path: Path) -> None:
    run = small(tmp_path)
    dataset = load_dataset(run)
    ids, first = list(dataset.corpus), replace(dataset.rows[0], triplet_id="t1", score=0.9)
    dataset = replace(dataset, rows=(first, replace(dataset.rows[1], triplet_id="t2")))
    with pytest.raises(MissingStage, match="curate judge"):
        judged(run, dataset)
    said = [verdict("t1", ids[2], 1.0, "keep"), verdict("t1", ids[3], 0.5, "unsure"), verdict("t2", ids[0], 0.0, "quarantine")]
    write_records(run.path(VERDICTS), [*said, verdict("t2", ids[1], 1.0, "keep", judge="rules")], Verdict)
    read = judged(run, dataset)
    assert not read.alone
    assert dict(zip(read.passages[0].tolist(), read.scores[0].tolist(), strict=True)) == {2: 0.0, 3: 0.5, 0: 0.9}
    assert len(read.passages[1]) == 0  # a refusal and the rules' word are no reading
    taught = teach(dataset, FLAT[:2], FLAT, Preset(soft_labels=0.9, soft_candidates=2), lambda numbers: read)
    assert taught.candidates[0] == (ids[2], ids[3])
    assert taught.scores[0] == (0.0, 0.5)
    assert taught.positives[0] == {ids[0]: 0.9}
    plain = teach(dataset, FLAT[:2], FLAT, Preset(soft_labels=0.9, soft_candidates=2))
    assert taught.candidates[1] == plain.candidates[1]
    assert taught.scores[1] == plain.scores[1]
    write_records(run.path(VERDICTS), [verdict("t1", ids[2], 1.0, "keep", judge="rules")], Verdict)
    with pytest.raises(InputError, match="no question of train was judged by a language model"):
        judged(run, dataset)


def test_the_reader_is_given_the_answers_and_the_best_others(tmp_path: Path) -> None:
    dataset = load_dataset(small(tmp_path))
    given: list[list[int]] = []

    def reader(numbers: Sequence[Sequence[int]]) -> Readings:
        given.extend(list(own) for own in numbers)
        lowest = [np.linspace(1, 0, len(own)) for own in numbers]
        return Readings(tuple(np.array(own) for own in numbers), tuple(lowest), alone=True)

    preset = Preset(soft_labels=0.9, soft_candidates=1, grouped=True, consistent=1)
    taught = teach(dataset, FLAT[:2], FLAT, preset, reader)
    place = {chunk_id: number for number, chunk_id in enumerate(dataset.corpus)}
    assert [own[0] for own in given] == [place[row.positive_ids[0]] for row in dataset.split("train")]
    assert [len(own) for own in given] == [2, 2]
    assert taught.kept == (True, True)  # by the reader, not by BM25
    assert taught.asked is not None
    scores = taught.asked.scores(np.array([1, 0]), np.arange(4))
    assert scores.sum(axis=1).tolist() == [1.0, 1.0]
    assert [int(row.argmax()) for row in scores] == [given[1][0], given[0][0]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Callable[[int], Path]:
    """A random cross-encoder with so many outputs, in a folder."""

    def make(outputs: int) -> Path:
        import torch
        from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

        torch.manual_seed(0)
        tokenizer = AutoTokenizer.from_pretrained(str(base))
        shape = BertConfig(
            vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, num_labels=outputs,
            max_position_embeddings=600, pad_token_id=tokenizer.pad_token_id,
        )  # fmt: skip
        folder = tmp_path_factory.mktemp("cross")
        BertForSequenceClassification(shape).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return make


def test_a_cross_encoder_reads_pairs_in_any_order_and_is_scaled_by_question(
    tmp_path: Path, cross_encoder: Callable[[int], Path]
) -> None:
    dataset = load_dataset(small(tmp_path))
    reader = CrossReader(str(cross_encoder(1)), "cpu")
    read = reader.read(dataset, [[0, 3, 2], [2]])
    assert [row.tolist() for row in read.passages] == [[0, 3, 2], [2]]
    assert (read.scores[0].min(), read.scores[0].max(), read.scores[1].tolist()) == (0.0, 1.0, [1.0])
    again = reader.read(dataset, [[2, 0, 3], [2]])
    assert again.scores[0] == pytest.approx(read.scores[0][[2, 0, 1]], abs=1e-5)
    assert read.alone


def test_a_teacher_that_is_none_is_refused(tmp_path: Path, base: Path, cross_encoder: Callable[[int], Path]) -> None:
    with pytest.raises(SettingError, match="2 scores a pair"):
        CrossReader(str(cross_encoder(2)), "cpu")
    with pytest.raises(SettingError, match="no cross-encoder"):
        CrossReader(str(base), "cpu")
    with pytest.raises(SettingError, match="no cross-encoder can be loaded"):
        CrossReader(str(tmp_path / "nothing"), "cpu")
    run = rules_dataset(tmp_path / "run", pieces=2)
    with pytest.raises(SettingError, match="neither soft labels nor the consistency filter"):
        fine_tune_of(run, load_dataset(run), TrainSettings(), Preset(base=str(base), teacher="judge"), "cpu")


def test_a_fit_is_taught_by_a_cross_encoder_and_says_so(tmp_path: Path, base: Path, cross_encoder: Callable[[int], Path]) -> None:
    run, folder = rules_dataset(tmp_path / "run", pieces=2), cross_encoder(1)
    preset = Preset(
        base=str(base), method="full", precision="fp32", matryoshka=False, batch=8, mini_batch=8, epochs=1.0, grouped=True,
        soft_labels=0.9, teacher=str(folder), soft_candidates=3,
    )  # fmt: skip
    settings = TrainSettings(evaluations=1, keep="last", log_to=("none",))
    result = fit(run, settings, preset, ungated=True, device="cpu")
    assert result.steps == result.planned_steps > 0
    entry = run.last("train.fit")
    assert entry is not None
    assert f"read over by the cross-encoder {folder} over the passages of the batch" in _besides(entry["settings"], entry["result"])
    assert fit(run, settings, preset, ungated=True, device="cpu").unchanged
    with pytest.raises(MissingStage, match="curate judge"):
        fit(run, settings, replace(preset, teacher="judge"), ungated=True, device="cpu")
    rows = load_dataset(run).split("train")
    write_records(run.path(VERDICTS), [verdict(rows[0].triplet_id or "none", rows[1].positive_ids[0], 1.0, "keep")], Verdict)
    taught = fit(run, settings, replace(preset, teacher="judge"), ungated=True, device="cpu")
    entry = run.last("train.fit")
    assert entry is not None
    assert VERDICTS in entry["inputs"]
    assert taught.steps == result.steps
    assert json.dumps(entry["settings"]["teacher"]) == '"judge"'
