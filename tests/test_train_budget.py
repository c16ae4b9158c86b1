"""Evaluations within a share of the fit: what is left out first, what is kept whatever it costs, and that the clock has no say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from model_folders import BERT, write_model
from tokenizers import Tokenizer, models, pre_tokenizers
from training_data import rules_dataset

from triplette.contract import CONTRACTS
from triplette.dataset import load_dataset
from triplette.settings.train import PRESETS, TrainSettings, preset_of
from triplette.train.budget import FEWEST, ROUNDS_BESIDE, Costs, Evaluations, divide, plan_evaluations, text_cost
from triplette.train.data import training_texts
from triplette.train.finetune import FineTune

SETTINGS = TrainSettings()
COSTS = Costs(trained=100.0, passage=200.0, question=20.0)


def plan(training: float, settings: TrainSettings = SETTINGS, **sizes: int) -> Evaluations:
    return divide(settings, training, 1.0, COSTS, **{"corpus": 5000, "questions": 400, "probes": 128, **sizes})


def spent(found: Evaluations, training: float) -> float:
    return found.tokens * (found.count + ROUNDS_BESIDE) / (found.tokens * (found.count + ROUNDS_BESIDE) + training)


def test_a_long_fit_has_all_its_evaluations_over_as_many_passages_as_are_set() -> None:
    found = plan(1e9)
    assert (found.count, found.passages, found.questions) == (10, 2000, 400)
    assert found.share < 0.01


def test_a_shorter_fit_ranks_fewer_passages_and_keeps_its_evaluations() -> None:
    found = plan(1e7)
    assert found.count == 10
    assert SETTINGS.least_passages < found.passages < 2000
    assert 0.24 < found.share <= 0.25


def test_a_short_one_has_fewer_evaluations_and_a_very_short_one_says_what_the_fewest_take() -> None:
    short, very_short = plan(1.2e6), plan(2e5)
    assert FEWEST <= short.count < 10
    assert short.passages >= SETTINGS.least_passages
    assert (very_short.count, very_short.passages) == (FEWEST, SETTINGS.least_passages)
    assert very_short.share > 0.25
    assert f"about {very_short.share:.0%} of the computing" in very_short.told()


@pytest.mark.parametrize("training", [2e5, 2e6, 1e7, 1e9])
def test_the_share_is_what_evaluations_take(training: float) -> None:
    found = plan(training)
    assert found.share == pytest.approx(spent(found, training))


def test_a_larger_share_ranks_more_and_a_small_corpus_is_ranked_whole() -> None:
    assert plan(1e7, replace(SETTINGS, evaluation_share=0.5)).passages > plan(1e7).passages
    assert plan(2e5, corpus=60).passages == 60


def test_half_as_many_questions_as_passages_are_asked_at_most() -> None:
    assert plan(2e5).questions == SETTINGS.least_passages // 2


def test_one_evaluation_that_is_asked_for_stays_one() -> None:
    assert plan(2e5, replace(SETTINGS, evaluations=1)).count == 1


def test_long_texts_cost_more_than_their_tokens() -> None:
    assert text_cost(100, 384) == pytest.approx(104.3, abs=0.1)
    assert text_cost(2304, 384) == pytest.approx(2 * 2304)


@pytest.fixture
def base(tmp_path: Path) -> str:
    """Small files of an e5 and a tokenizer of words."""
    folder = write_model(tmp_path / "multilingual-e5-small", BERT)
    tokenizer: Any = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return str(folder)


def test_a_plan_follows_from_texts_and_settings_alone(tmp_path: Path, base: str) -> None:
    dataset = load_dataset(rules_dataset(tmp_path / "run", pieces=4))
    preset = replace(preset_of(PRESETS["e5"]()), base=base, grouped=False, layers=0, max_tokens=128)
    texts = training_texts(dataset, CONTRACTS["e5"], negatives=1)
    task = FineTune(dataset, SETTINGS, preset, base, CONTRACTS["e5"])
    first, again = (plan_evaluations(task, texts, 20) for _ in range(2))
    assert first == again
    # three passes over 32 questions, answers and negatives of about 15, 25 and 25 words
    assert 3 * 32 * 45 < first.step_tokens < 3 * 32 * 75
    cached = plan_evaluations(replace(task, preset=replace(preset, mini_batch=8)), texts, 20)
    assert cached.step_tokens == pytest.approx(first.step_tokens * 4 / 3)
