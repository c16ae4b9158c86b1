"""Teachers that read question and passage together: what they said, over the rankers and alone, and who is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_train_loss import small
from training_data import rules_dataset, small_base

from triplette.dataset import load_dataset
from triplette.errors import InputError, MissingStage, SettingError
from triplette.records import Verdict
from triplette.rundir import RunDir
from triplette.settings.train import Preset, TrainSettings
from triplette.tables import write_records
from triplette.train.card import _besides, _negatives
from triplette.train.check import require_trainable, teacher_in_words
from triplette.train.fit import fine_tune_of, fit
from triplette.train.readers import VERDICTS, CrossReader, Readings, judged, reader_of
from triplette.train.teacher import require_candidates, teach

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
    ids, first = list(dataset.corpus), replace(dataset.rows[0], triplet_id="t1", score=0.6)
    dataset = replace(dataset, rows=(first, replace(dataset.rows[1], triplet_id="t2")))
    with pytest.raises(MissingStage, match="curate judge"):
        judged(run, dataset)
    said = [verdict("t1", ids[2], 1.0, "keep"), verdict("t1", ids[3], 0.5, "unsure"), verdict("t2", ids[0], 0.0, "quarantine")]
    write_records(run.path(VERDICTS), [*said, verdict("t2", ids[1], 1.0, "keep", judge="rules")], Verdict)
    read = judged(run, dataset)
    assert not read.alone
    # the row's score is the least of its criteria: a question that copies its passage is answered by it all the same
    assert dict(zip(read.passages[0].tolist(), read.scores[0].tolist(), strict=True)) == {2: 0.0, 3: 0.5, 0: 1.0}
    assert read.heard == 1
    assert len(read.passages[1]) == 0  # a refusal and the rules' word are no reading
    taught = teach(dataset, FLAT[:2], FLAT, Preset(soft_labels=0.9, soft_candidates=2), lambda numbers: read)
    assert taught.candidates[0] == (ids[2], ids[3])
    assert taught.scores[0] == (0.0, 0.5)
    assert taught.positives[0] == {ids[0]: 1.0}
    assert taught.heard == 1
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


def test_its_logits_over_title_and_text_are_the_scores(tmp_path: Path, cross_encoder: Callable[[int], Path]) -> None:
    from sentence_transformers import CrossEncoder

    dataset, folder = load_dataset(small(tmp_path)), cross_encoder(1)
    corpus = {
        chunk_id: replace(chunk, title="" if number == 3 else chunk.title)
        for number, (chunk_id, chunk) in enumerate(dataset.corpus.items())
    }
    dataset = replace(dataset, corpus=corpus)
    assert reader_of(RunDir(tmp_path), dataset, Preset(soft_labels=0.9)) is None
    reader = reader_of(RunDir(tmp_path), dataset, Preset(soft_labels=0.9, teacher=str(folder)), "cpu")
    assert reader is not None
    read = reader([[0, 3, 2], [2]])
    texts = [f"{chunk.title}\n{chunk.text}" if chunk.title else chunk.text for chunk in corpus.values()]
    pairs = [(dataset.split("train")[0].question, texts[number]) for number in (0, 3, 2)]
    logits = CrossEncoder(str(folder), device="cpu").predict(pairs, activation_fn=torch.nn.Identity())
    assert read.scores[0] == pytest.approx((logits - logits.min()) / np.ptp(logits), abs=1e-4)


def test_a_teacher_that_is_none_is_refused_by_its_small_files(tmp_path: Path, base: Path, cross_encoder: Callable[[int], Path]) -> None:
    def teacher(name: str) -> Preset:
        return Preset(base=str(base), soft_labels=0.9, teacher=name)

    bare, broken = tmp_path / "bare", tmp_path / "broken"
    for place, content in ((bare, "{}"), (broken, "[]")):
        place.mkdir()
        (place / "config.json").write_text(content)
    refused = {
        str(cross_encoder(2)): "has 2 scores a pair, not one",
        str(cross_encoder(3)): "has 3 scores a pair, not one",
        str(base): "is no cross-encoder but a Gemma3TextModel",
        str(bare): "is no cross-encoder but a model that names no architecture",
        str(broken): "is not a model's",
        str(tmp_path): "no config.json can be read",
        str(tmp_path / "nothing"): "there is no folder",
        "": "there is no folder ''",
    }
    for name, said in refused.items():
        with pytest.raises(SettingError, match=said) as raised:
            require_trainable(teacher(name))  # `train check` and `train run` ask before the dataset is read
        assert (raised.value.where, "cross-encoder with one output" in raised.value.cure) == ("teacher", True)
        assert "\n" not in raised.value.message
    require_trainable(teacher(str(cross_encoder(1))))
    run = rules_dataset(tmp_path / "run", pieces=2)
    with pytest.raises(SettingError, match="neither soft labels nor the consistency filter"):
        fine_tune_of(run, load_dataset(run), TrainSettings(), replace(teacher("judge"), soft_labels=0.0), "cpu")


def test_a_cross_encoder_whose_weights_are_cut_short_is_named_before_anything_is_embedded(
    tmp_path: Path, base: Path, cross_encoder: Callable[[int], Path]
) -> None:
    folder = cross_encoder(1)
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(SettingError, match="cannot be loaded"):
        CrossReader(str(folder), "cpu")
    run = rules_dataset(tmp_path / "run", pieces=2)
    with pytest.raises(SettingError, match="cannot be loaded"):
        teacher_in_words(run.root, Preset(base=str(base), soft_labels=0.9, teacher=str(folder)), device="cpu")


def test_parts_that_do_not_go_together_are_refused_with_a_cure_that_exists(base: Path) -> None:
    from triplette.train.cli import app

    options = {option for command in app.registered_commands if command.callback for option in command.callback.__annotations__}
    for changes in ({"residual": 0.3}, {"grouped": True, "cloze": 2}, {"rounds": 2, "soft_labels": 0.5}, {"rounds": 2, "negatives": 0}):
        with pytest.raises(SettingError) as raised:
            require_trainable(replace(Preset(base=str(base)), **changes))  # type: ignore[arg-type]
        named = {name.replace("-", "_") for name in re.findall(r"--([a-z-]+)", raised.value.cure)}
        assert named <= options, raised.value.cure
        assert named or "triplette.toml" in raised.value.cure


def test_check_says_what_a_teacher_will_read_and_how_much_of_the_run_the_judge_did(
    tmp_path: Path, base: Path, cross_encoder: Callable[[int], Path]
) -> None:
    run, preset = rules_dataset(tmp_path / "run", pieces=2), Preset(base=str(base), soft_labels=0.9, soft_candidates=3)
    rows = load_dataset(run).split("train")
    assert teacher_in_words(run.root, preset) == {}
    folder = str(cross_encoder(1))
    told = teacher_in_words(run.root, replace(preset, teacher=folder), device="cpu")["teacher"]
    assert told.startswith(f"{folder} reads {4 * len(rows)} pairs: about ")
    assert teacher_in_words(tmp_path / "none", replace(preset, teacher=folder))["teacher"].endswith("no questions to train on yet")
    with pytest.raises(MissingStage) as raised:
        teacher_in_words(run.root, replace(preset, teacher="judge"))
    assert "curate judge --judge llm" in raised.value.cure
    write_records(run.path(VERDICTS), [verdict(rows[0].triplet_id, rows[1].positive_ids[0], 1.0, "keep")], Verdict)
    told = teacher_in_words(run.root, replace(preset, teacher="judge"))["teacher"]
    assert told == f"the language model judged negatives of 1 of {len(rows)} questions"


def test_what_the_teacher_said_is_part_of_what_a_fit_was_made_of(
    tmp_path: Path, base: Path, cross_encoder: Callable[[int], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run, folder = rules_dataset(tmp_path / "run", pieces=2), cross_encoder(1)
    settings = TrainSettings(evaluations=1, keep="last", log_to=("none",))
    preset = Preset(
        base=str(base), method="full", precision="fp32", matryoshka=False, batch=8, mini_batch=8, max_steps=1, grouped=True,
        consistent=20, teacher=str(folder),
    )  # fmt: skip
    fit(run, settings, preset, ungated=True, device="cpu")
    assert fit(run, settings, preset, ungated=True, device="cpu").unchanged
    (folder / "note.txt").write_text("trained again")
    assert not fit(run, settings, preset, ungated=True, device="cpu").unchanged
    rows, judge = load_dataset(run).split("train"), replace(preset, teacher="judge", soft_labels=0.5)
    for decision, score in (("keep", 1.0), ("unsure", 0.5)):
        write_records(run.path(VERDICTS), [verdict(rows[0].triplet_id, rows[1].positive_ids[0], score, decision)], Verdict)
        done = fit(run, settings, judge, ungated=True, device="cpu")
        assert (done.unchanged, done.heard) == (False, 1)
    assert f"the judge's word: on the negatives of 1 of {len(rows)} questions" in " ".join(capsys.readouterr().err.split())
    entry = run.last("train.fit")
    assert entry is not None
    card = _besides(entry["settings"], entry["result"])
    assert "what the language model that judged said of the negatives of 1 questions" in card
    plain = replace(preset, grouped=False, consistent=3)
    only = _besides(asdict(plain), {"inconsistent": 7})
    assert "7 questions left out: own passage not among the teacher's first 3 (BM25 fused with the untrained base, read over by" in only
    assert _negatives(asdict(plain)) == "3 hard negatives at most"
    assert _negatives(asdict(replace(plain, soft_labels=0.9, soft_candidates=4))).startswith("4 candidates of the teacher a question")
    assert _negatives(asdict(preset)) == "no columns of hard negatives"


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
    assert f"read over by the cross-encoder {folder}, over the passages of the batch" in _besides(entry["settings"], entry["result"])
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


def test_a_grouped_batch_that_cannot_be_filled_is_said_before_the_teacher_reads(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = rules_dataset(tmp_path / "run", pieces=2)
    preset = Preset(base=str(base), method="full", precision="fp32", batch=5000, mini_batch=8, grouped=True, soft_labels=0.9)
    with pytest.raises(SettingError, match="cannot be filled"):
        fit(run, TrainSettings(log_to=("none",)), preset, ungated=True, device="cpu")
    assert "the teacher reads" not in capsys.readouterr().err


def test_more_candidates_than_the_corpus_has_are_refused_before_the_teacher_reads(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = small(tmp_path)
    preset = Preset(base=str(base), method="full", precision="fp32", batch=2, mini_batch=2, soft_labels=0.9, soft_candidates=4)
    with pytest.raises(SettingError, match="3 passages could be candidates") as raised:
        fit(run, TrainSettings(log_to=("none",)), preset, ungated=True, device="cpu")
    assert raised.value.cure.startswith("soft_candidates = 3")
    assert "the teacher reads" not in capsys.readouterr().err
    require_candidates(load_dataset(run), replace(preset, soft_candidates=3))
    require_candidates(load_dataset(run), replace(preset, grouped=True))


def test_a_batch_that_candidates_keep_from_being_filled_has_a_second_cure(tmp_path: Path, base: Path) -> None:
    run = rules_dataset(tmp_path / "run", pieces=2)
    preset = Preset(base=str(base), method="full", precision="fp32", batch=32, mini_batch=8, soft_labels=0.9, soft_candidates=30)
    with pytest.raises(SettingError, match="no text in common") as raised:
        fit(run, TrainSettings(log_to=("none",)), preset, ungated=True, device="cpu")
    assert "or fewer soft_candidates" in raised.value.cure
